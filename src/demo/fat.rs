//! A small, genuine FAT16 volume in memory, so that the demo's disks hold files and not noise.
//!
//! Source: Microsoft "FAT: General Overview of On-Disk Format" 1.03. One cluster a directory (1,024 entries) is all
//! the demo needs; names that are no 8.3 names get long-name entries.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

const SECTOR: usize = 512;
const SECTORS_PER_CLUSTER: usize = 64;
const CLUSTER: usize = SECTOR * SECTORS_PER_CLUSTER;
const CLUSTERS: usize = 61_440;
const RESERVED_SECTORS: usize = 8;
const FAT_SECTORS: usize = (CLUSTERS + 2) * 2 / SECTOR + 1;
const ROOT_ENTRIES: usize = 512;
const ROOT_SECTORS: usize = ROOT_ENTRIES * ENTRY / SECTOR;
const DATA_SECTOR: usize = RESERVED_SECTORS + 2 * FAT_SECTORS + ROOT_SECTORS;
const TOTAL_SECTORS: usize = DATA_SECTOR + CLUSTERS * SECTORS_PER_CLUSTER;
const ENTRY: usize = 32;
const END_OF_CHAIN: u16 = 0xffff;
const ATTRIBUTE_DIRECTORY: u8 = 0x10;
const ATTRIBUTE_ARCHIVE: u8 = 0x20;
const ATTRIBUTE_LONG_NAME: u8 = 0x0f;

/// First sector of the partition on the disk.
const PARTITION_START: usize = 2048;

/// Size of a disk that the volume and its MBR fit on, in bytes.
pub const DISK_BYTES: u64 = 2 << 30;

const _: () = assert!((PARTITION_START + TOTAL_SECTORS) * SECTOR <= 2 << 30);

/// A FAT16 volume behind an MBR, growing as files are put into it.
#[derive(Debug, Clone)]
pub struct DemoVolume {
    /// Sectors of the volume that were ever written, by number.
    sectors: BTreeMap<usize, [u8; SECTOR]>,
    next_cluster: u16,
    next_short_name: u32,
    folders: BTreeMap<String, FatFolder>,
    files: BTreeMap<String, File>,
}

/// Where a file's entry lies in the volume, in bytes, and its content's first cluster.
#[derive(Debug, Clone, Copy)]
struct File {
    entry: usize,
    cluster: u16,
}

/// Where a folder's entries lie in the volume, in bytes.
#[derive(Debug, Clone, Copy)]
struct FatFolder {
    start: usize,
    used: usize,
    cluster: u16,
}

impl DemoVolume {
    /// An empty volume of 1.9 GiB, formatted.
    pub fn new(label: &[u8; 11], serial: u32) -> Self {
        let mut volume = Self {
            sectors: BTreeMap::new(),
            next_cluster: 2,
            next_short_name: 1,
            folders: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        volume.put_boot_sector(label, serial);
        volume.link(0, 0xfff8);
        volume.link(1, END_OF_CHAIN);
        let root = FatFolder {
            start: (RESERVED_SECTORS + 2 * FAT_SECTORS) * SECTOR,
            used: 0,
            cluster: 0,
        };
        volume.folders.insert(String::new(), root);
        volume
    }

    /// Puts a file at `path` (folders separated by `/`, made as needed), written at `time` (local time of the guest).
    pub fn write(&mut self, path: &str, content: &[u8], time: DateTime) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.make_folder(folder, time);
        let first = self.allocate(content);
        let entry = self.add_entry(folder, name, ATTRIBUTE_ARCHIVE, first, content.len(), time);
        let file = File {
            entry,
            cluster: first,
        };
        self.files.insert(path.to_owned(), file);
    }

    /// Writes over the beginning of a file that is there already; its size stays.
    pub fn rewrite(&mut self, path: &str, content: &[u8], time: DateTime) {
        let Some(File { entry, mut cluster }) = self.files.get(path).copied() else {
            return;
        };
        for piece in content.chunks(CLUSTER) {
            self.put(cluster_start(cluster), piece);
            cluster = self.next_of(cluster);
        }
        let (date, clock) = stamps(time);
        self.put(entry + 18, &date);
        self.put(entry + 22, &clock);
        self.put(entry + 24, &date);
    }

    /// Lets the next file or folder begin at about this share of the volume (in thousandths), as files lie on a disk that was used for a while.
    pub fn go_to(&mut self, thousandths: u16) {
        let cluster = CLUSTERS * usize::from(thousandths.min(999)) / 1000 + 2;
        self.next_cluster = u16::try_from(cluster)
            .unwrap_or(2)
            .max(self.first_free_from(cluster));
    }

    /// The disk's sectors that are not zero: sector number on the disk, content. The MBR is sector 0.
    pub fn sectors(&self) -> BTreeMap<u64, Vec<u8>> {
        let volume = self
            .sectors
            .iter()
            .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
        std::iter::once((0, master_boot_record()))
            .chain(volume.map(|(number, bytes)| (on_disk(*number), bytes.to_vec())))
            .collect()
    }

    /// The sectors in which `self` differs from `before`, zeros included: what a guest wrote to get from one to the other.
    pub fn changes_since(&self, before: &Self) -> BTreeMap<u64, Vec<u8>> {
        self.sectors
            .iter()
            .filter(|(number, bytes)| before.sectors.get(number) != Some(bytes))
            .map(|(number, bytes)| (on_disk(*number), bytes.to_vec()))
            .collect()
    }

    /// The first cluster from `from` on that no chain uses.
    fn first_free_from(&self, from: usize) -> u16 {
        let is_free = |cluster: &usize| {
            let at = RESERVED_SECTORS * SECTOR + cluster * 2;
            let sector = self.sectors.get(&(at / SECTOR));
            sector.is_none_or(|bytes| bytes[at % SECTOR..][..2] == [0, 0])
        };
        let free = (from..CLUSTERS + 2).find(is_free);
        free.and_then(|cluster| u16::try_from(cluster).ok())
            .unwrap_or(2)
    }

    fn put_boot_sector(&mut self, label: &[u8; 11], serial: u32) {
        let total = u32::try_from(TOTAL_SECTORS).unwrap_or(u32::MAX);
        let small = |value: usize| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
        self.put(0, &[0xeb, 0x3c, 0x90]);
        self.put(3, b"MSDOS5.0");
        self.put(11, &small(SECTOR));
        self.put(13, &[u8::try_from(SECTORS_PER_CLUSTER).unwrap_or(4)]);
        self.put(14, &small(RESERVED_SECTORS));
        self.put(16, &[2]);
        self.put(17, &small(ROOT_ENTRIES));
        self.put(21, &[0xf8]);
        self.put(22, &small(FAT_SECTORS));
        self.put(24, &63_u16.to_le_bytes());
        self.put(26, &255_u16.to_le_bytes());
        self.put(28, &small(PARTITION_START));
        self.put(32, &total.to_le_bytes());
        self.put(36, &[0x80, 0, 0x29]);
        self.put(39, &serial.to_le_bytes());
        self.put(43, label);
        self.put(54, b"FAT16   ");
        self.put(510, &[0x55, 0xaa]);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        let mut at = at;
        let mut rest = bytes;
        while !rest.is_empty() {
            let start = at % SECTOR;
            let (now, later) = rest.split_at(rest.len().min(SECTOR - start));
            let sector = self.sectors.entry(at / SECTOR).or_insert([0; SECTOR]);
            sector[start..start + now.len()].copy_from_slice(now);
            at += now.len();
            rest = later;
        }
    }

    /// Sets a cluster's link in both tables.
    fn link(&mut self, cluster: u16, next: u16) {
        for table in 0..2 {
            let start = (RESERVED_SECTORS + table * FAT_SECTORS) * SECTOR;
            self.put(start + usize::from(cluster) * 2, &next.to_le_bytes());
        }
    }

    /// The cluster that a chain goes on with.
    fn next_of(&self, cluster: u16) -> u16 {
        let at = RESERVED_SECTORS * SECTOR + usize::from(cluster) * 2;
        let sector = self.sectors.get(&(at / SECTOR));
        sector.map_or(END_OF_CHAIN, |bytes| {
            u16::from_le_bytes([bytes[at % SECTOR], bytes[at % SECTOR + 1]])
        })
    }

    fn allocate(&mut self, content: &[u8]) -> u16 {
        if content.is_empty() {
            return 0;
        }
        let first = self.next_cluster;
        let pieces = content.chunks(CLUSTER).count();
        for (index, piece) in content.chunks(CLUSTER).enumerate() {
            let cluster = self.next_cluster;
            self.put(cluster_start(cluster), piece);
            self.link(cluster, END_OF_CHAIN);
            self.next_cluster = self.first_free_from(usize::from(cluster) + 1);
            if index + 1 < pieces {
                self.link(cluster, self.next_cluster);
            }
        }
        first
    }

    fn make_folder(&mut self, path: &str, time: DateTime) {
        if self.folders.contains_key(path) {
            return;
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.make_folder(parent, time);
        let cluster = self.allocate(&[0; 4 * SECTOR]);
        let start = cluster_start(cluster);
        let above = self.folders[parent].cluster;
        self.put(
            start,
            &entry(b".          ", ATTRIBUTE_DIRECTORY, cluster, 0, time),
        );
        self.put(
            start + ENTRY,
            &entry(b"..         ", ATTRIBUTE_DIRECTORY, above, 0, time),
        );
        let folder = FatFolder {
            start,
            used: 2,
            cluster,
        };
        self.folders.insert(path.to_owned(), folder);
        self.add_entry(parent, name, ATTRIBUTE_DIRECTORY, cluster, 0, time);
    }

    /// Where the entry stands.
    fn add_entry(
        &mut self,
        folder: &str,
        name: &str,
        attribute: u8,
        cluster: u16,
        len: usize,
        time: DateTime,
    ) -> usize {
        let (short, long) = if let Some(short) = plain_short_name(name) {
            (short, Vec::new())
        } else {
            let short = format!("FILE~{:<3}TXT", self.next_short_name);
            self.next_short_name += 1;
            let mut bytes = [b' '; 11];
            bytes.copy_from_slice(&short.as_bytes()[..11]);
            (bytes, long_name_entries(name, &bytes))
        };
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let entries = long
            .into_iter()
            .chain([entry(&short, attribute, cluster, len, time)]);
        let mut at = 0;
        for bytes in entries {
            let FatFolder { start, used, .. } = self.folders[folder];
            at = start + used * ENTRY;
            self.put(at, &bytes);
            if let Some(folder) = self.folders.get_mut(folder) {
                folder.used += 1;
            }
        }
        at
    }
}

fn cluster_start(cluster: u16) -> usize {
    DATA_SECTOR * SECTOR + (usize::from(cluster) - 2) * CLUSTER
}

fn on_disk(sector_of_volume: usize) -> u64 {
    (PARTITION_START + sector_of_volume) as u64
}

fn master_boot_record() -> Vec<u8> {
    let mut sector = vec![0; SECTOR];
    sector[440..444].copy_from_slice(&0x7e57_0007_u32.to_le_bytes());
    sector[446..454].copy_from_slice(&[0x80, 0x20, 0x21, 0x00, 0x06, 0xfe, 0xff, 0xff]);
    let numbers = [PARTITION_START, TOTAL_SECTORS].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    sector[454..458].copy_from_slice(&numbers[0].to_le_bytes());
    sector[458..462].copy_from_slice(&numbers[1].to_le_bytes());
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// The 11 bytes of a name that needs no long form: upper case, at most 8.3.
fn plain_short_name(name: &str) -> Option<[u8; 11]> {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let is_plain = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if stem.is_empty()
        || stem.len() > 8
        || extension.len() > 3
        || !is_plain(stem)
        || !is_plain(extension)
    {
        return None;
    }
    let mut short = [b' '; 11];
    short[..stem.len()].copy_from_slice(stem.as_bytes());
    short[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
    Some(short)
}

fn long_name_entries(name: &str, short: &[u8; 11]) -> Vec<[u8; ENTRY]> {
    const PLACES: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
    let checksum = short
        .iter()
        .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let units: Vec<u16> = name.encode_utf16().collect();
    let pieces = units.chunks(PLACES.len());
    let last = pieces.len();
    let mut entries: Vec<_> = pieces
        .zip(1_u8..)
        .map(|(piece, order)| {
            let mut bytes = [0; ENTRY];
            let is_last = usize::from(order) == last;
            bytes[0] = if is_last { order | 0x40 } else { order };
            bytes[11] = ATTRIBUTE_LONG_NAME;
            bytes[13] = checksum;
            let padded = piece
                .iter()
                .copied()
                .chain([0])
                .chain(std::iter::repeat(0xffff));
            for (place, unit) in PLACES.into_iter().zip(padded) {
                bytes[place..place + 2].copy_from_slice(&unit.to_le_bytes());
            }
            bytes
        })
        .collect();
    entries.reverse();
    entries
}

/// Date and clock of an entry, as stored.
fn stamps(time: DateTime) -> ([u8; 2], [u8; 2]) {
    let part = |value: i8| u16::try_from(value).unwrap_or(0);
    let year = u16::try_from(time.year() - 1980).unwrap_or(0);
    let date = (year << 9) | (part(time.month()) << 5) | part(time.day());
    let clock = (part(time.hour()) << 11) | (part(time.minute()) << 5) | (part(time.second()) / 2);
    (date.to_le_bytes(), clock.to_le_bytes())
}

fn entry(short: &[u8; 11], attribute: u8, cluster: u16, len: u32, time: DateTime) -> [u8; ENTRY] {
    let (date, clock) = stamps(time);
    let mut bytes = [0; ENTRY];
    bytes[..11].copy_from_slice(short);
    bytes[11] = attribute;
    bytes[14..16].copy_from_slice(&clock);
    bytes[16..18].copy_from_slice(&date);
    bytes[18..20].copy_from_slice(&date);
    bytes[22..24].copy_from_slice(&clock);
    bytes[24..26].copy_from_slice(&date);
    bytes[26..28].copy_from_slice(&cluster.to_le_bytes());
    bytes[28..].copy_from_slice(&len.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;
    use jiff::civil::date;

    fn volume() -> DemoVolume {
        let mut volume = DemoVolume::new(b"TESTWIN7   ", 0x2009_0502);
        let time = date(2009, 5, 2).at(14, 0, 0, 0);
        volume.write("Users/taro/Desktop/検証用.txt", "検証".as_bytes(), time);
        volume.go_to(500);
        volume.write("BOOT.INI", &vec![b'x'; 50_000], time);
        volume
    }

    #[test]
    fn a_change_is_the_sectors_that_differ() {
        let before = volume();
        let mut after = before.clone();
        after.write("NEW.TXT", b"new", date(2009, 5, 3).at(9, 0, 0, 0));
        let changes = after.changes_since(&before);
        assert!((3..10).contains(&changes.len()), "{}", changes.len());
        assert!(before.changes_since(&before).is_empty());
    }

    #[test]
    fn other_tools_read_the_files_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        let mut file = std::fs::File::create(&path).unwrap();
        for (sector, bytes) in volume().sectors() {
            file.seek(SeekFrom::Start(sector * 512)).unwrap();
            file.write_all(&bytes).unwrap();
        }
        file.set_len((PARTITION_START + TOTAL_SECTORS) as u64 * 512)
            .unwrap();
        let image = format!("{}@@1M", path.display());
        let read = |name: &str| {
            std::process::Command::new("mtype")
                .args(["-i", &image, name])
                .output()
        };
        let Ok(text) = read("::Users/taro/Desktop/検証用.txt") else {
            eprintln!("skipped: mtools");
            return;
        };
        // mtools needs a UTF-8 locale for the long name; the plain name does not.
        if text.status.success() {
            assert_eq!(text.stdout, "検証".as_bytes());
        }
        let plain = read("::BOOT.INI").unwrap();
        assert_eq!(
            plain.stdout,
            vec![b'x'; 50_000],
            "{}",
            String::from_utf8_lossy(&plain.stderr)
        );
    }
}
