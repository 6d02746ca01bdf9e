//! Region tables: where block allocation table and metadata are ([MS-VHDX] 2.2.3).

use std::ops::Range;
use std::sync::LazyLock;

use uuid::{Uuid, uuid};

use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhdx::{MIB, checksum, codes, guid_at, u32_at, u64_at};

/// Where the two copies are, in bytes.
pub const OFFSETS_BYTES: [u64; 2] = [192 << 10, 256 << 10];

/// Length of one copy, in bytes.
pub const LENGTH_BYTES: usize = 64 << 10;

/// Id of the block allocation table's region.
pub const TABLE_ID: Uuid = uuid!("2dc27766-f623-4200-9d64-115e9bfd4a08");

/// Id of the metadata's region.
pub const METADATA_ID: Uuid = uuid!("8b7ca206-4790-4b9a-b8fe-575f050f886e");

/// Length of the part that says everything where there are no more than 127 regions, in bytes.
pub const HEAD_BYTES: usize = 4 << 10;

const MAX_ENTRIES: u32 = 2047;
const ENTRY_BYTES: usize = 32;

/// One region, as claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub id: Uuid,
    /// Position in the file, in bytes.
    pub offset_bytes: u64,
    pub length_bytes: u32,
    /// The file may not be read without understanding it.
    pub required: bool,
}

impl Region {
    /// The bytes claimed; the end saturates.
    pub fn range(&self) -> Range<u64> {
        self.offset_bytes
            ..self
                .offset_bytes
                .saturating_add(u64::from(self.length_bytes))
    }
}

/// The regions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// The block allocation table.
    pub table: Region,
    pub metadata: Region,
    /// Bytes no block may lie in: headers, log and all regions; sorted, disjoint.
    pub reserved: Vec<Range<u64>>,
}

fn parse_one(bytes: &[u8]) -> Result<Vec<Region>, String> {
    let bytes = bytes
        .get(..LENGTH_BYTES)
        .ok_or_else(|| "the file ends before it does".to_owned())?;
    if !bytes.starts_with(b"regi") {
        return Err("it does not start with `regi`".to_owned());
    }
    let stored = u32_at(bytes, 4).unwrap_or(0);
    let computed = checksum(bytes);
    if stored != computed {
        return Err(format!(
            "its checksum is {stored:#010x}, its content gives {computed:#010x}"
        ));
    }
    entries(bytes)
}

/// The entries of a copy by its first [`HEAD_BYTES`], if they say everything: all entries are in them, and the checksum is
/// right if nothing but zeros follows, as writers leave it.
fn parse_head(head: &[u8]) -> Option<Vec<Region>> {
    let head = head.get(..HEAD_BYTES)?;
    let count = usize::try_from(u32_at(head, 8)?).ok()?;
    let length = count.checked_mul(ENTRY_BYTES)?.checked_add(16)?;
    let is_sound = head.starts_with(b"regi")
        && length <= HEAD_BYTES
        && u32_at(head, 4)? == ZEROS_BEHIND_HEAD.after(checksum(head));
    is_sound.then(|| entries(head).ok())?
}

/// What the zeros behind a head make of its checksum.
static ZEROS_BEHIND_HEAD: LazyLock<Zeros> = LazyLock::new(|| Zeros::new(LENGTH_BYTES - HEAD_BYTES));

/// A number of zeros at the end of what a CRC-32C is about. Each bit of the CRC before them changes the CRC after them by
/// itself, so that they need not be gone through each time.
struct Zeros {
    alone: u32,
    bits: [u32; 32],
}

impl Zeros {
    fn new(count: usize) -> Self {
        let zeros = vec![0; count];
        let alone = crc32c::crc32c(&zeros);
        let after =
            |bit: u32| crc32c::crc32c_append(1 << bit, &zeros) ^ crc32c::crc32c_append(0, &zeros);
        let mut bits = [0; 32];
        for (bit, slot) in (0..).zip(&mut bits) {
            *slot = after(bit);
        }
        Self { alone, bits }
    }

    fn after(&self, crc: u32) -> u32 {
        let set = (0..).zip(&self.bits).filter(|(bit, _)| crc >> bit & 1 == 1);
        set.fold(self.alone, |sum, (_, change)| sum ^ change)
    }
}

fn entries(bytes: &[u8]) -> Result<Vec<Region>, String> {
    let count = u32_at(bytes, 8).unwrap_or(0);
    if count > MAX_ENTRIES {
        return Err(format!(
            "it claims {count} entries, of at most {MAX_ENTRIES}"
        ));
    }
    let entries = bytes
        .get(16..)
        .unwrap_or_default()
        .chunks_exact(ENTRY_BYTES);
    let regions = entries
        .take(usize::try_from(count).unwrap_or(0))
        .filter_map(|entry| {
            Some(Region {
                id: guid_at(entry, 0)?,
                offset_bytes: u64_at(entry, 16)?,
                length_bytes: u32_at(entry, 24)?,
                required: u32_at(entry, 28)? & 1 == 1,
            })
        });
    Ok(regions.collect())
}

/// Reads the first copy, or the second if that is not valid, and checks the regions against each other, the log and the
/// file's length (`file_bytes`, with a replayed log). `read` gives the bytes at a position, or as many as there are: of the
/// first copy only its head, if that says everything.
///
/// # Errors
/// If neither copy is valid, a required region is unknown, or table or metadata have none or start outside the file; what
/// `read` gives.
pub fn choose(
    read: impl Fn(u64, usize) -> Result<Vec<u8>, FormatError>,
    log: Range<u64>,
    file_bytes: u64,
    findings: &mut Vec<Finding>,
) -> Result<Regions, FormatError> {
    let [first_at, second_at] = OFFSETS_BYTES;
    if let Some(regions) = parse_head(&read(first_at, HEAD_BYTES)?) {
        return check(&regions, first_at, log, file_bytes, findings);
    }
    let fault = match parse_one(&read(first_at, LENGTH_BYTES)?) {
        Ok(regions) => return check(&regions, first_at, log, file_bytes, findings),
        Err(fault) => fault,
    };
    match parse_one(&read(second_at, LENGTH_BYTES)?) {
        Ok(regions) => {
            findings.push(unusable(1, first_at, &fault));
            check(&regions, second_at, log, file_bytes, findings)
        }
        Err(other) => Err(Finding::new(
            &codes::REGIONS,
            format!("no region table can be used: of the first, {fault}; of the second, {other}"),
        )
        .at(first_at)
        .into()),
    }
}

/// What is wrong with either copy where the first was used.
pub fn compare(first: &[u8], second: &[u8]) -> Option<Finding> {
    let [first_at, second_at] = OFFSETS_BYTES;
    let used = parse_head(first);
    match (parse_one(first), parse_one(second)) {
        (Err(fault), _) if used.is_some() => {
            let text = format!("region table 1 is damaged: {fault}; its entries are sound");
            Some(Finding::new(&codes::REGIONS_COPY, text).at(first_at))
        }
        // Opening has told of it.
        (Err(_), _) => None,
        (_, Err(fault)) => Some(unusable(2, second_at, &fault)),
        (Ok(one), Ok(two)) => (one != two).then(|| {
            Finding::new(
                &codes::REGIONS_TWINS,
                "the two region tables differ; the first was used",
            )
            .at(second_at)
        }),
    }
}

fn unusable(number: u8, at: u64, fault: &str) -> Finding {
    Finding::new(
        &codes::REGIONS_COPY,
        format!("region table {number} cannot be used: {fault}; the other one was"),
    )
    .at(at)
}

fn check(
    regions: &[Region],
    at: u64,
    log: Range<u64>,
    file_bytes: u64,
    findings: &mut Vec<Finding>,
) -> Result<Regions, FormatError> {
    let entry_at = |index: usize| {
        let into = index.saturating_mul(ENTRY_BYTES).saturating_add(16);
        at.saturating_add(u64::try_from(into).unwrap_or(u64::MAX))
    };
    let mut table = None;
    let mut metadata = None;
    let mut taken: Vec<(Range<u64>, String)> = vec![(0..MIB, "the headers".to_owned())];
    if !log.is_empty() {
        taken.push((log, "the log".to_owned()));
    }
    for (index, region) in regions.iter().enumerate() {
        let (name, slot) = match region.id {
            TABLE_ID => ("the block allocation table".to_owned(), Some(&mut table)),
            METADATA_ID => ("the metadata".to_owned(), Some(&mut metadata)),
            id if region.required => {
                return Err(Finding::new(
                    &codes::REGION_UNKNOWN,
                    format!("region {id} is required and of an unknown kind"),
                )
                .at(entry_at(index))
                .into());
            }
            id => (format!("region {id}"), None),
        };
        findings
            .extend(place_fault(region, &name, file_bytes).map(|fault| fault.at(entry_at(index))));
        if let Some(slot) = slot {
            if slot.is_some() {
                findings.push(
                    Finding::new(
                        &codes::REGION_TWICE,
                        format!("{name} is listed twice; the first was used"),
                    )
                    .at(entry_at(index)),
                );
                continue;
            }
            *slot = Some(*region);
        }
        if region.length_bytes > 0 {
            taken.push((region.range(), name));
        }
    }
    let reserved = join(taken, findings);
    let missing = |what: &str| {
        FormatError::from(
            Finding::new(
                &codes::REGION_MISSING,
                format!("the region table does not list {what}"),
            )
            .at(at),
        )
    };
    let table = table.ok_or_else(|| missing("a block allocation table"))?;
    let metadata = metadata.ok_or_else(|| missing("metadata"))?;
    if metadata.offset_bytes >= file_bytes {
        let name = "the metadata";
        if let Some(fault) = place_fault(&metadata, name, file_bytes) {
            return Err(fault.at(at).into());
        }
    }
    Ok(Regions {
        table,
        metadata,
        reserved,
    })
}

fn place_fault(region: &Region, name: &str, file_bytes: u64) -> Option<Finding> {
    let Range { start, end } = region.range();
    let length = u64::from(region.length_bytes);
    let fault = if !start.is_multiple_of(MIB) || !length.is_multiple_of(MIB) {
        format!("{name} is not aligned to whole mebibytes")
    } else if start < MIB {
        format!("{name} starts inside the headers")
    } else if end > file_bytes {
        format!("{name} reaches past the end of the file")
    } else {
        return None;
    };
    Some(Finding::new(&codes::REGION_PLACE, fault).values(
        format!("whole mebibytes from {MIB} to {file_bytes}"),
        format!("{start} to {end}"),
    ))
}

fn join(mut taken: Vec<(Range<u64>, String)>, findings: &mut Vec<Finding>) -> Vec<Range<u64>> {
    taken.sort_by_key(|(range, _)| (range.start, range.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    let mut widest: Option<(u64, String)> = None;
    for (range, name) in taken {
        match &widest {
            // The headers' own range is met by every region that starts too low, which has its finding already.
            Some((end, other)) if range.start < *end && range.start >= MIB => {
                findings.push(
                    Finding::new(&codes::REGION_OVERLAP, format!("{name} overlaps {other}"))
                        .at(range.start)
                        .values(format!("from {end} on"), format!("from {} on", range.start)),
                );
            }
            _ => {}
        }
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range.clone()),
        }
        if widest.as_ref().is_none_or(|(end, _)| *end < range.end) {
            widest = Some((range.end, name));
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 64 * MIB;

    fn table(entries: &[(Uuid, u64, u64, u32)]) -> Vec<u8> {
        let mut bytes = b"regi\0\0\0\0".to_vec();
        bytes.extend(u32::try_from(entries.len()).expect("few").to_le_bytes());
        bytes.extend([0; 4]);
        for (id, offset_mib, length_mib, required) in entries {
            bytes.extend(id.to_bytes_le());
            bytes.extend((offset_mib * MIB).to_le_bytes());
            bytes.extend(
                u32::try_from(length_mib * MIB)
                    .expect("small")
                    .to_le_bytes(),
            );
            bytes.extend(required.to_le_bytes());
        }
        bytes.resize(LENGTH_BYTES, 0);
        seal(bytes)
    }

    fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&bytes);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn read(first: &[u8], second: &[u8]) -> (Result<Regions, FormatError>, Vec<&'static str>) {
        let mut findings = Vec::new();
        let bytes = |at, len: usize| {
            let copy = if at == OFFSETS_BYTES[0] {
                first
            } else {
                second
            };
            Ok(copy[..len.min(copy.len())].to_vec())
        };
        let read = choose(bytes, MIB..2 * MIB, END, &mut findings);
        findings.extend(compare(first, second));
        (
            read,
            findings.iter().map(|finding| finding.code.id).collect(),
        )
    }

    fn refusal(bytes: &[u8]) -> &'static str {
        match read(bytes, bytes).0 {
            Err(FormatError::Invalid(refusal)) => refusal.finding.code.id,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn sound() -> [(Uuid, u64, u64, u32); 2] {
        [(METADATA_ID, 2, 1, 1), (TABLE_ID, 3, 2, 1)]
    }

    #[test]
    fn both_orders_are_read_and_the_reserved_bytes_joined() {
        let bytes = table(&sound());
        let (regions, ids) = read(&bytes, &bytes);
        let regions = regions.expect("read");
        assert_eq!(regions.table.range(), 3 * MIB..5 * MIB);
        assert_eq!(regions.metadata.offset_bytes, 2 * MIB);
        assert_eq!(
            regions.reserved.as_slice(),
            std::slice::from_ref(&(0..5 * MIB))
        );
        assert!(ids.is_empty(), "{ids:?}");
    }

    #[test]
    fn a_damaged_copy_gives_way_to_the_other() {
        let bytes = table(&sound());
        let mut bad = bytes.clone();
        bad[70] ^= 1;
        assert_eq!(read(&bad, &bytes).1, ["vhdx-regions-copy"]);
        assert_eq!(read(&bytes, &bad[..70]).1, ["vhdx-regions-copy"]);
        assert_eq!(refusal(&bad), "vhdx-regions");
        let other = table(&[(METADATA_ID, 2, 1, 1), (TABLE_ID, 9, 2, 1)]);
        assert_eq!(read(&bytes, &other).1, ["vhdx-regions-twins"]);
    }

    #[test]
    fn the_head_says_everything_where_zeros_follow() {
        let bytes = table(&sound());
        let head = parse_head(&bytes[..HEAD_BYTES]).expect("all there is");
        assert_eq!(head, parse_one(&bytes).expect("sound"));
        // What else follows is looked at only where it is part of the checksum.
        let mut more = bytes.clone();
        more[LENGTH_BYTES - 1] = 1;
        assert_eq!(read(&more, &bytes).1, ["vhdx-regions-copy"]);
        let more = seal(more);
        assert_eq!(parse_head(&more), None);
        assert!(read(&more, &more).1.is_empty());
        let many: Vec<_> = (0..126).map(|id| (Uuid::from_u128(id), 9, 1, 0)).collect();
        for (count, fits) in [(125, true), (126, false)] {
            let all = [&sound()[..], &many[..count]].concat();
            assert_eq!(parse_head(&table(&all)).is_some(), fits);
            assert!(read(&table(&all), &[]).0.is_ok());
        }
    }

    #[test]
    fn an_absurd_count_is_damage() {
        let mut bytes = table(&sound());
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(refusal(&seal(bytes)), "vhdx-regions");
    }

    #[test]
    fn an_unknown_region_matters_only_if_required() {
        let strange = Uuid::from_u128(7);
        let mut entries = sound().to_vec();
        entries.push((strange, 8, 1, 0));
        let bytes = table(&entries);
        let (regions, ids) = read(&bytes, &bytes);
        assert!(ids.is_empty());
        assert_eq!(
            regions.expect("read").reserved,
            [0..5 * MIB, 8 * MIB..9 * MIB]
        );
        entries[2].3 = 1;
        assert_eq!(refusal(&table(&entries)), "vhdx-region-unknown");
    }

    #[test]
    fn overlaps_and_bad_places_are_findings() {
        let on_each_other = table(&[(METADATA_ID, 4, 1, 1), (TABLE_ID, 3, 2, 1)]);
        assert_eq!(
            read(&on_each_other, &on_each_other).1,
            ["vhdx-region-overlap"]
        );
        let on_the_log = table(&[(METADATA_ID, 1, 1, 1), (TABLE_ID, 3, 2, 1)]);
        assert_eq!(read(&on_the_log, &on_the_log).1, ["vhdx-region-overlap"]);
        let past_the_end = table(&[(METADATA_ID, 2, 1, 1), (TABLE_ID, 63, 2, 1)]);
        assert_eq!(read(&past_the_end, &past_the_end).1, ["vhdx-region-place"]);
        let in_the_headers = table(&[(METADATA_ID, 2, 1, 1), (TABLE_ID, 0, 1, 1)]);
        assert_eq!(
            read(&in_the_headers, &in_the_headers).1,
            ["vhdx-region-place"]
        );
        let twice = table(&[
            (METADATA_ID, 2, 1, 1),
            (TABLE_ID, 3, 1, 1),
            (TABLE_ID, 7, 1, 1),
        ]);
        assert_eq!(read(&twice, &twice).1, ["vhdx-region-twice"]);
    }

    #[test]
    fn a_missing_region_refuses_the_file() {
        assert_eq!(
            refusal(&table(&[(METADATA_ID, 2, 1, 1)])),
            "vhdx-region-missing"
        );
        assert_eq!(
            refusal(&table(&[(TABLE_ID, 2, 1, 1)])),
            "vhdx-region-missing"
        );
        let gone = table(&[(METADATA_ID, 99, 1, 1), (TABLE_ID, 3, 2, 1)]);
        assert_eq!(refusal(&gone), "vhdx-region-place");
    }
}
