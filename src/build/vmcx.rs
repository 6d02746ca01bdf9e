//! Writes VMCX files: the container `format::hyperv::vmcx` reads, with key tables, file objects, and a log if wanted.

use std::collections::HashMap;

use crate::format::hyperv::ConfigValue;

const PAGE: usize = 0x1000;
const OBJECTS_PER_TABLE: usize = (PAGE - 8) / 18;

/// Keys to be written; folders above a key are made as they are needed.
#[derive(Debug, Clone)]
pub struct VmcxBuilder {
    keys: Vec<(String, ConfigValue)>,
    version: u32,
    sequences: [u16; 2],
    file_object_from: usize,
    key_table_len: usize,
    log: Option<LogOrder>,
}

/// How the entries of the log are laid out; see `format::hyperv::vmcx` on the two that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOrder {
    /// The entry's checksum comes first.
    ChecksumFirst,
    /// The entry's checksum comes after place and size.
    ChecksumLate,
}

impl Default for VmcxBuilder {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            version: 0x0400,
            sequences: [2, 1],
            file_object_from: 2048,
            key_table_len: PAGE,
            log: None,
        }
    }
}

impl VmcxBuilder {
    /// Adds a key by its path, `/configuration/properties/name`. Folders above it come by themselves.
    #[must_use]
    pub fn key(mut self, path: &str, value: ConfigValue) -> Self {
        self.keys.push((path.to_owned(), value));
        self
    }

    /// Sets the format version, `major << 8 | minor`.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the sequence numbers of the two headers.
    #[must_use]
    pub fn sequences(mut self, first: u16, second: u16) -> Self {
        self.sequences = [first, second];
        self
    }

    /// Sets the length in bytes from which a string or array goes to a file object.
    #[must_use]
    pub fn file_object_from(mut self, bytes: usize) -> Self {
        self.file_object_from = bytes;
        self
    }

    /// Leaves the last key table unwritten in its place: it waits in the log, as after a host's sudden stop.
    #[must_use]
    pub fn last_table_in_log(mut self, order: LogOrder) -> Self {
        self.log = Some(order);
        self
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// If a key's name is longer than 254 bytes, or one entry longer than a key table; both are mistakes of the caller.
    pub fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 3 * PAGE];
        let mut objects: Vec<(u8, usize, usize)> = Vec::new();
        let tables = self.key_tables(&mut file, &mut objects);
        let mut last_table = 0;
        for table in &tables {
            last_table = file.len();
            objects.push((2, last_table, table.len()));
            file.extend(table);
        }
        object_tables(&mut file, &objects);
        let log_at = file.len();
        let mut log = vec![0; PAGE];
        if let (Some(order), Some(table)) = (self.log, tables.last()) {
            // A table that is there but does not count yet: the log brings the current one.
            file[last_table + 10..last_table + table.len()].fill(0);
            let entry = log_entry(order, last_table, table, PAGE);
            log[34..34 + 28].copy_from_slice(&entry);
            log[8..12].copy_from_slice(&1_u32.to_le_bytes());
            log.extend(table);
        }
        log[..4].copy_from_slice(&0x0111_0003_u32.to_le_bytes());
        log[13..17].copy_from_slice(&u32_of((PAGE - 34) / 28).to_le_bytes());
        seal(&mut log[..34], 4);
        let log_len = log.len();
        file.extend(log);
        for (at, sequence) in [(0, self.sequences[0]), (PAGE, self.sequences[1])] {
            let header = &mut file[at..at + 46];
            header[..4].copy_from_slice(&0x0128_2014_u32.to_le_bytes());
            header[8..10].copy_from_slice(&sequence.to_le_bytes());
            header[10..14].copy_from_slice(&self.version.to_le_bytes());
            header[22..26].copy_from_slice(&u32_of(PAGE).to_le_bytes());
            header[26..34].copy_from_slice(&(log_at as u64).to_le_bytes());
            header[34..42].copy_from_slice(&(log_len as u64).to_le_bytes());
            header[42..46].copy_from_slice(&u32_of(PAGE).to_le_bytes());
            seal(header, 4);
        }
        file
    }

    /// Every key with the folders above it, each once, folders before what they hold.
    fn nodes(&self) -> Vec<(String, ConfigValue)> {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut nodes: Vec<(String, ConfigValue)> = Vec::new();
        for (path, value) in &self.keys {
            let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
            for end in ends {
                let folder = &path[..end];
                if !known.contains_key(folder) {
                    known.insert(folder.to_owned(), nodes.len());
                    nodes.push((folder.to_owned(), ConfigValue::Node));
                }
            }
            known.insert(path.clone(), nodes.len());
            nodes.push((path.clone(), value.clone()));
        }
        nodes
    }

    fn key_tables(
        &self,
        file: &mut Vec<u8>,
        objects: &mut Vec<(u8, usize, usize)>,
    ) -> Vec<Vec<u8>> {
        let mut places: HashMap<String, (u16, u32)> = HashMap::new();
        let mut orders: HashMap<String, u32> = HashMap::new();
        let mut tables: Vec<Vec<u8>> = Vec::new();
        for (path, value) in self.nodes() {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let (kind, flags, data) = self.data(&value, file, objects);
            let mut entry = vec![0; 21];
            entry[0] = kind;
            entry[1] = flags;
            let (table, offset) = places.get(folder).copied().unwrap_or_default();
            entry[6..8].copy_from_slice(&table.to_le_bytes());
            entry[8..12].copy_from_slice(&offset.to_le_bytes());
            let order = orders.entry(folder.to_owned()).or_default();
            *order += 1;
            entry[16..20].copy_from_slice(&order.to_le_bytes());
            entry[20] = u8::try_from(name.len() + 1).expect("a key's name has at most 254 bytes");
            entry.extend(name.as_bytes());
            entry.push(0);
            entry.extend(data);
            assert!(
                entry.len() + 10 <= self.key_table_len,
                "an entry fits a key table"
            );
            let is_full = |table: &Vec<u8>| table.len() + entry.len() > self.key_table_len;
            if tables.last().is_none_or(is_full) {
                if let Some(full) = tables.last_mut() {
                    fill(full, self.key_table_len);
                }
                tables.push(table_header(tables.len() + 1));
            }
            let index = u16::try_from(tables.len()).expect("at most 65535 key tables");
            let table = tables.last_mut().expect("one was pushed");
            if kind == 9 {
                places.insert(path.clone(), (index, u32_of(table.len())));
            }
            let meaningful = entry.len();
            let left = self.key_table_len - table.len() - meaningful;
            // Too little for a free entry: it becomes slack of this one, which the checksum does not cover.
            let slack = if left <= 21 { left } else { 0 };
            entry[2..6].copy_from_slice(&u32_of(meaningful + slack).to_le_bytes());
            seal(&mut entry, 12);
            entry.resize(meaningful + slack, 0);
            table.extend(entry);
        }
        if let Some(last) = tables.last_mut() {
            fill(last, self.key_table_len);
        }
        tables
    }

    fn data(
        &self,
        value: &ConfigValue,
        file: &mut Vec<u8>,
        objects: &mut Vec<(u8, usize, usize)>,
    ) -> (u8, u8, Vec<u8>) {
        let (kind, bytes) = match value {
            ConfigValue::Integer(number) => return (3, 0, number.to_le_bytes().to_vec()),
            ConfigValue::Unsigned(number) => return (4, 0, number.to_le_bytes().to_vec()),
            ConfigValue::Double(number) => return (5, 0, number.to_le_bytes().to_vec()),
            ConfigValue::Bool(truth) => return (8, 0, u32::from(*truth).to_le_bytes().to_vec()),
            ConfigValue::Node => return (9, 0, vec![0; 12]),
            ConfigValue::String(text) => {
                // Hyper-V counts no NUL at the end; OpenVMM does.
                (6, text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            ConfigValue::Bytes(bytes) => (7, bytes.clone()),
        };
        let len = u32_of(bytes.len()).to_le_bytes();
        if bytes.len() < self.file_object_from {
            return (kind, 0, [len.as_slice(), &bytes].concat());
        }
        let at = file.len();
        file.extend(&bytes);
        file.resize(file.len().next_multiple_of(PAGE), 0);
        objects.push((3, at, file.len() - at));
        (
            kind,
            1,
            [len.as_slice(), &(at as u64).to_le_bytes()].concat(),
        )
    }
}

fn table_header(index: usize) -> Vec<u8> {
    let mut table = vec![0; 10];
    table[..2].copy_from_slice(&2_u16.to_le_bytes());
    let index = u16::try_from(index).expect("at most 65535 key tables");
    table[2..4].copy_from_slice(&index.to_le_bytes());
    table[4..6].copy_from_slice(&1_u16.to_le_bytes());
    seal(&mut table, 6);
    table
}

/// Fills the rest of a key table with one free entry.
fn fill(table: &mut Vec<u8>, len: usize) {
    let left = len - table.len();
    if left > 21 {
        let mut free = vec![0; left];
        free[0] = 1;
        free[2..6].copy_from_slice(&u32_of(left).to_le_bytes());
        seal(&mut free[..21], 12);
        table.extend(free);
    }
}

/// Writes the object tables: the first at 0x2000, further ones at the end of the file, chained by their last entry.
fn object_tables(file: &mut Vec<u8>, objects: &[(u8, usize, usize)]) {
    let mut at = 2 * PAGE;
    let mut chunks = objects.chunks(OBJECTS_PER_TABLE - 1).peekable();
    while let Some(chunk) = chunks.next() {
        let next = chunks.peek().map(|_| {
            let next = file.len();
            file.resize(next + PAGE, 0);
            (1, next, PAGE)
        });
        let table = &mut file[at..at + PAGE];
        table[..4].copy_from_slice(&0x0111_0001_u32.to_le_bytes());
        table[4..8].copy_from_slice(&u32_of(OBJECTS_PER_TABLE).to_le_bytes());
        let rows = chunk.iter().copied().map(Some);
        let empty = std::iter::repeat(None);
        let rows = rows.chain(empty).take(OBJECTS_PER_TABLE - 1).chain([next]);
        for (row, object) in table[8..].chunks_exact_mut(18).zip(rows) {
            if let Some((kind, at, len)) = object {
                row[0] = kind;
                row[5..13].copy_from_slice(&(at as u64).to_le_bytes());
                row[13..17].copy_from_slice(&u32_of(len).to_le_bytes());
                // OpenVMM calls it required, dissect.hypervisor allocated and passes over entries without it.
                row[17] = 1;
            }
            seal(row, 1);
        }
        if let Some((_, next, _)) = next {
            at = next;
        }
    }
}

fn log_entry(order: LogOrder, to: usize, data: &[u8], inside: usize) -> [u8; 28] {
    let (sum, place, size, offset) = match order {
        LogOrder::ChecksumFirst => (0, 4, 12, 16),
        LogOrder::ChecksumLate => (20, 0, 8, 12),
    };
    let mut entry = [0; 28];
    entry[place..place + 8].copy_from_slice(&(to as u64).to_le_bytes());
    entry[size..size + 4].copy_from_slice(&u32_of(data.len()).to_le_bytes());
    entry[offset..offset + 8].copy_from_slice(&(inside as u64).to_le_bytes());
    entry[24..].copy_from_slice(&crc32fast::hash(data).to_le_bytes());
    seal(&mut entry, sum);
    entry
}

/// Puts the CRC-32 of a structure into its field at `at`.
fn seal(bytes: &mut [u8], at: usize) {
    bytes[at..at + 4].fill(0);
    let sum = crc32fast::hash(bytes);
    bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).expect("a file of a test is small")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::hyperv::{self, Container, MachineConfig, codes};
    use crate::source::MemorySource;

    fn read(bytes: Vec<u8>) -> MachineConfig {
        hyperv::read(&MemorySource(bytes)).unwrap().unwrap()
    }

    fn sample() -> VmcxBuilder {
        let mut builder = VmcxBuilder::default()
            .key(
                "/configuration/properties/name",
                ConfigValue::String("検証用 Win7".into()),
            )
            .key(
                "/configuration/properties/creation_time",
                ConfigValue::Bytes(vec![7; 8]),
            )
            .key(
                "/configuration/properties/notes",
                ConfigValue::String("n".repeat(1500)),
            )
            .key(
                "/configuration/properties/version",
                ConfigValue::Integer(2304),
            )
            .key("/configuration/flag", ConfigValue::Bool(true))
            .key("/configuration/odd", ConfigValue::Double(-0.5))
            .key("/configuration/wide", ConfigValue::Unsigned(u64::MAX));
        for number in 0..150 {
            builder = builder.key(
                &format!("/configuration/manifest/vdev{number:03}/device"),
                ConfigValue::String("d".repeat(number % 37)),
            );
        }
        builder
    }

    #[test]
    fn what_is_written_is_read_with_several_tables_and_file_objects() {
        let builder = sample();
        let config = read(builder.build());
        assert_eq!(config.findings, []);
        assert_eq!(config.container, Container::Vmcx(0x0400));
        for (path, value) in &builder.keys {
            assert_eq!(config.tree.get(path), Some(value), "{path}");
        }
        assert_eq!(
            config.tree.get("/configuration/manifest"),
            Some(&ConfigValue::Node)
        );
        assert_eq!(config.tree.entries().len(), builder.nodes().len());
    }

    #[test]
    fn hundreds_of_file_objects_chain_object_tables() {
        let mut builder = VmcxBuilder::default().file_object_from(1);
        for number in 0..500_u32 {
            builder = builder.key(
                &format!("/a/b{number}"),
                ConfigValue::Bytes(vec![1; number as usize + 1]),
            );
        }
        let config = read(builder.build());
        assert_eq!(config.findings, []);
        assert_eq!(
            config.tree.get("/a/b499"),
            Some(&ConfigValue::Bytes(vec![1; 500]))
        );
    }

    #[test]
    fn the_log_is_applied_in_either_known_order() {
        for order in [LogOrder::ChecksumFirst, LogOrder::ChecksumLate] {
            let builder = sample().last_table_in_log(order);
            let config = read(builder.build());
            let codes: Vec<_> = config.findings.iter().map(|f| f.code.id).collect();
            assert_eq!(codes, [codes::VMCX_REPLAYED.id]);
            assert_eq!(config.tree.entries().len(), builder.nodes().len());
        }
    }

    #[test]
    fn a_log_with_damaged_data_is_not_applied() {
        let mut bytes = sample().last_table_in_log(LogOrder::ChecksumFirst).build();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let config = read(bytes);
        assert!(
            config
                .findings
                .iter()
                .any(|f| f.code.id == codes::VMCX_LOG.id)
        );
        assert!(
            config
                .tree
                .string("/configuration/properties/name")
                .is_some()
        );
    }

    #[test]
    fn the_later_sound_header_counts_also_past_the_wrap() {
        for (first, second, spoilt) in [(2, 1, 0), (1, 2, PAGE), (0xffff, 0, PAGE)] {
            let mut bytes = sample().sequences(first, second).build();
            // Only the header that counts can make the version unreadable.
            let older = PAGE - spoilt;
            bytes[older + 10] = 0;
            bytes[older + 11] = 1;
            seal(&mut bytes[older..older + 46], 4);
            assert_eq!(read(bytes.clone()).container, Container::Vmcx(0x0400));
            bytes[spoilt + 20] ^= 0xff;
            let error = hyperv::read(&MemorySource(bytes)).unwrap_err();
            assert!(error.to_string().contains("1.0"), "{error}");
        }
    }

    #[test]
    fn old_versions_are_refused_and_newer_ones_are_tried() {
        assert!(hyperv::read(&MemorySource(sample().version(0x0300).build())).is_err());
        assert_eq!(read(sample().version(0x0301).build()).findings, []);
        let config = read(sample().version(0x0500).build());
        assert_eq!(config.findings[0].code.id, codes::VMCX_VERSION.id);
        assert!(config.tree.get("/configuration/flag").is_some());
    }

    #[test]
    fn tables_and_parents_in_a_circle_end() {
        let mut bytes = VmcxBuilder::default()
            .key("/a/b/c", ConfigValue::Bool(true))
            .build();
        // The node `a` becomes a child of `b`: no key leads to the root any more.
        let a = 3 * PAGE + 10;
        let b = 10 + 21 + 2 + 12;
        bytes[a + 6..a + 8].copy_from_slice(&1_u16.to_le_bytes());
        bytes[a + 8..a + 12].copy_from_slice(&u32_of(b).to_le_bytes());
        let config = read(bytes.clone());
        assert_eq!(config.tree.entries(), []);
        assert!(
            config
                .findings
                .iter()
                .any(|f| f.code.id == codes::VMCX_KEY.id)
        );
        // The chain entry of the object table names its own table.
        let chain = 2 * PAGE + 8 + (OBJECTS_PER_TABLE - 1) * 18;
        bytes[chain] = 1;
        bytes[chain + 5..chain + 13].copy_from_slice(&(2 * PAGE as u64).to_le_bytes());
        bytes[chain + 13..chain + 17].copy_from_slice(&u32_of(PAGE).to_le_bytes());
        let config = read(bytes);
        assert!(config.findings.iter().any(|f| f.text.contains("circle")));
    }

    #[test]
    fn a_cut_anywhere_is_no_panic_and_never_invents_a_value() {
        let builder = sample();
        let bytes = builder.build();
        let whole = read(bytes.clone());
        let edges = [
            0, 1, 45, 46, 47, 0x1000, 0x102d, 0x102e, 0x2000, 0x2008, 0x201a, 0x3000,
        ];
        let steps = (0..bytes.len()).step_by(509);
        for cut in edges.into_iter().chain(steps) {
            let Ok(Some(config)) = hyperv::read(&MemorySource(bytes[..cut].to_vec())) else {
                continue;
            };
            // Behind the header of an empty log there is nothing to lose.
            let lost = config.tree != whole.tree;
            assert!(!lost || !config.findings.is_empty(), "cut at {cut}");
            for entry in config.tree.entries() {
                assert_eq!(whole.tree.get(&entry.path), Some(&entry.value));
            }
        }
    }

    #[test]
    fn a_claim_of_four_billion_entries_costs_nothing() {
        let mut bytes = sample().build();
        bytes[2 * PAGE + 4..2 * PAGE + 8].fill(0xff);
        let config = read(bytes);
        assert!(
            config
                .findings
                .iter()
                .any(|f| f.code.id == codes::VMCX_OBJECT.id)
        );
        assert!(config.findings.len() < 40);
    }

    fn value() -> impl Strategy<Value = ConfigValue> {
        prop_oneof![
            any::<i64>().prop_map(ConfigValue::Integer),
            any::<u64>().prop_map(ConfigValue::Unsigned),
            any::<bool>().prop_map(ConfigValue::Bool),
            (-1e9_f64..1e9).prop_map(ConfigValue::Double),
            "[^\\x00]{0,60}".prop_map(ConfigValue::String),
            proptest::collection::vec(any::<u8>(), 0..90).prop_map(ConfigValue::Bytes),
        ]
    }

    #[test]
    fn an_entry_whose_type_is_lost_is_told() {
        let whole = read(sample().build());
        let mut bytes = sample().build();
        // Types of the entries of the first object table.
        let types: Vec<usize> = (0..20).map(|entry| 0x2008 + entry * 18).collect();
        let of_keys = types.into_iter().find(|at| bytes[*at] == 2).unwrap();
        bytes[of_keys] = 0;
        let config = read(bytes);
        assert!(config.tree.entries().len() < whole.tree.entries().len());
        assert!(config.findings.len() > whole.findings.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_tree_comes_back(
            values in proptest::collection::btree_map("(/[a-z]{1,9}){0,4}/[A-Z]{1,30}", value(), 0..60),
            threshold in 1_usize..100,
        ) {
            let mut builder = VmcxBuilder::default().file_object_from(threshold);
            for (path, value) in &values {
                builder = builder.key(path, value.clone());
            }
            let config = read(builder.build());
            let leaves: Vec<_> = config.tree.entries().iter().filter(|e| e.value != ConfigValue::Node).collect();
            prop_assert_eq!(leaves.len(), values.len());
            for leaf in leaves {
                prop_assert_eq!(values.get(&leaf.path), Some(&leaf.value));
            }
            if !values.is_empty() {
                prop_assert_eq!(config.findings, []);
            }
        }

        #[test]
        fn flipped_bits_are_found_or_harmless_and_never_a_panic(
            at in 0.0_f64..1.0, bit in 0_u32..8, log in any::<bool>(),
        ) {
            // The format has no checksum for the content of file objects.
            let mut builder = sample().file_object_from(PAGE);
            if log {
                builder = builder.last_table_in_log(LogOrder::ChecksumFirst);
            }
            let mut bytes = builder.build();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a position in a small file")]
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] ^= 1 << bit;
            let whole = read(builder.build());
            if let Ok(Some(config)) = hyperv::read(&MemorySource(bytes)) {
                prop_assert!(config.tree == whole.tree || config.findings != whole.findings);
            }
        }
    }
}
