//! The GUID partition table: a header in sector 1 and its entries, each with its checksum.

use uuid::{Uuid, uuid};

use super::{PARTITIONS_MAX, Partition, PartitionTable, PartitionType, VolumeKind};
use crate::format::SectorNo;
use crate::format::bytes::{u32_at, u64_at};
use crate::format::guid::from_windows_order;

/// How a header begins.
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// The bytes of a header that have a meaning, and the least length it may have.
const HEADER_BYTES: usize = 92;
/// Where a header keeps its own checksum.
const CHECKSUM_AT: std::ops::Range<usize> = 16..20;
/// The least length of an entry, in bytes, and the only one in use.
const ENTRY_BYTES: u32 = 128;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GptHeader {
    /// The last sector of the disk: the header's, or its copy's.
    pub last_at: u64,
    /// The first sector a partition may have.
    pub first_usable: u64,
    pub last_usable: u64,
    /// The first sector of the entries.
    pub entries_at: u64,
    /// How many entries there are.
    pub entries: u32,
    /// The checksum of all entries.
    entries_checksum: u32,
}

impl GptHeader {
    /// Reads the sector `at`, which is 1 or, for the copy, the last one; `None` if it is no header with a right checksum that
    /// belongs there.
    pub fn parse(sector: &[u8], at: u64) -> Option<Self> {
        if sector.get(..8)? != SIGNATURE {
            return None;
        }
        let len = usize::try_from(u32_at(sector, 12)?).ok()?;
        if len < HEADER_BYTES {
            return None;
        }
        let mut bytes = sector.get(..len)?.to_vec();
        let checksum = u32_at(&bytes, CHECKSUM_AT.start)?;
        bytes.get_mut(CHECKSUM_AT)?.fill(0);
        let right = crc32fast::hash(&bytes) == checksum
            && u32_at(sector, 84)? == ENTRY_BYTES
            && u64_at(sector, 24)? == at;
        right.then_some(Self {
            last_at: u64_at(sector, 32)?.max(at),
            first_usable: u64_at(sector, 40)?,
            last_usable: u64_at(sector, 48)?,
            entries_at: u64_at(sector, 72)?,
            entries: u32_at(sector, 80)?,
            entries_checksum: u32_at(sector, 88)?,
        })
    }

    /// How many sectors the entries fill; `None` if they are not where and as many as everybody writes them.
    pub fn entry_sectors(&self, sector_size: u32) -> Option<u32> {
        let most = u32::try_from(PARTITIONS_MAX).ok()?;
        let usual = (1..=most).contains(&self.entries) && self.entries_at >= 2;
        let sectors = self
            .entries
            .checked_mul(ENTRY_BYTES)?
            .div_ceil(sector_size.max(1));
        let end = self.entries_at.checked_add(sectors.into())?;
        let outside =
            end <= self.first_usable || (self.entries_at > self.last_usable && end <= self.last_at);
        (usual && outside).then_some(sectors)
    }
}

/// The table of a header and the sectors of its entries; `None` if they do not belong together.
pub fn parse(header: &GptHeader, sectors: &[u8]) -> Option<PartitionTable> {
    let len = usize::try_from(header.entries.checked_mul(ENTRY_BYTES)?).ok()?;
    let entries = sectors.get(..len)?;
    if crc32fast::hash(entries) != header.entries_checksum {
        return None;
    }
    let mut table = PartitionTable {
        partitions: Vec::new(),
        front: header.first_usable,
        back: header
            .last_usable
            .checked_add(1)
            .filter(|back| *back <= header.last_at),
    };
    let entry_bytes = usize::try_from(ENTRY_BYTES).ok()?;
    for (number, entry) in (1..).zip(entries.chunks_exact(entry_bytes)) {
        let kind = from_windows_order(entry.get(..16)?.try_into().ok()?);
        if kind.is_nil() {
            continue;
        }
        let (first, last) = (u64_at(entry, 32)?, u64_at(entry, 40)?);
        table.partitions.push(Partition {
            number,
            first: SectorNo(first),
            count: last.checked_sub(first)?.checked_add(1)?,
            kind: kind_of(kind),
            holds: VolumeKind::Unknown,
        });
    }
    Some(table)
}

fn kind_of(kind: Uuid) -> PartitionType {
    const EFI: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    const RESERVED: Uuid = uuid!("e3c9e316-0b5c-4db8-817d-f92df00215ae");
    const RECOVERY: Uuid = uuid!("de94bba4-06d1-4d40-a16a-bfd50179d6ac");
    const LINUX: Uuid = uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4");
    const LINUX_ROOT: Uuid = uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
    const LINUX_SWAP: Uuid = uuid!("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f");
    const LINUX_LVM: Uuid = uuid!("e6d6d379-f507-44c2-a23c-238f2a3df928");
    const DYNAMIC_TABLE: Uuid = uuid!("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3");
    const DYNAMIC_DATA: Uuid = uuid!("af9b60a0-1431-4f62-bc68-3311714a69ad");
    const STORAGE_SPACES: Uuid = uuid!("e75caf8f-f680-4cee-afa3-b001e56efc2d");
    match kind {
        EFI => PartitionType::Efi,
        RESERVED => PartitionType::Reserved,
        RECOVERY => PartitionType::Recovery,
        LINUX | LINUX_ROOT => PartitionType::Linux,
        LINUX_SWAP => PartitionType::LinuxSwap,
        LINUX_LVM => PartitionType::LinuxLvm,
        DYNAMIC_TABLE | DYNAMIC_DATA => PartitionType::DynamicDisk,
        STORAGE_SPACES => PartitionType::StorageSpaces,
        _ => PartitionType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Partitions;

    /// Header and entries of a disk of 10,000 sectors with one EFI and one Linux partition.
    fn table() -> (Vec<u8>, Vec<u8>) {
        let mut entries = vec![0; 128 * 128];
        let kinds = [
            uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
            uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4"),
        ];
        for (index, (kind, range)) in kinds
            .into_iter()
            .zip([(64, 1_023), (2_048, 9_966)])
            .enumerate()
        {
            let entry = &mut entries[index * 128..][..128];
            entry[..16].copy_from_slice(&kind.to_bytes_le());
            entry[32..40].copy_from_slice(&u64::to_le_bytes(range.0));
            entry[40..48].copy_from_slice(&u64::to_le_bytes(range.1));
        }
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(SIGNATURE);
        for (at, value) in [
            (12, 92),
            (80, 128),
            (84, 128),
            (88, crc32fast::hash(&entries)),
        ] {
            header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
        }
        for (at, value) in [(24, 1), (32, 9_999), (40, 34), (48, 9_966), (72, 2)] {
            header[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
        }
        let checksum = crc32fast::hash(&header[..92]);
        header[16..20].copy_from_slice(&checksum.to_le_bytes());
        (header, entries)
    }

    fn read(header: &[u8], entries: &[u8]) -> Option<Partitions> {
        let header = GptHeader::parse(header, 1)?;
        let sectors = header.entry_sectors(512)? as usize;
        Partitions::new(parse(&header, entries.get(..sectors * 512)?)?, 10_000)
    }

    #[test]
    fn partitions_have_their_numbers_and_kinds() {
        let (header, entries) = table();
        let found = read(&header, &entries).unwrap();
        for (sector, name) in [
            (1, "partition table"),
            (34, "before p1"),
            (64, "p1 EFI"),
            (9_966, "p2 Linux"),
            (9_967, "partition table"),
        ] {
            assert_eq!(found.name(SectorNo(sector), 1), name, "{sector}");
        }
    }

    #[test]
    fn a_wrong_bit_anywhere_makes_it_no_table() {
        let (header, entries) = table();
        for at in 0..92 {
            let mut wrong = header.clone();
            wrong[at] ^= 1;
            assert_eq!(read(&wrong, &entries), None, "header {at}");
        }
        for at in [0, 32, 40, 200, 16_383] {
            let mut wrong = entries.clone();
            wrong[at] ^= 0x80;
            assert_eq!(read(&header, &wrong), None, "entry byte {at}");
        }
    }

    #[test]
    fn claims_beyond_all_bounds_are_no_table() {
        let (header, entries) = table();
        for (at, value) in [
            (40, u64::MAX),
            (48, u64::MAX),
            (72, u64::MAX),
            (72, 0),
            (80, u64::MAX),
        ] {
            let mut wrong = header.clone();
            wrong[at..at + 8].copy_from_slice(&value.to_le_bytes());
            wrong[16..20].fill(0);
            let checksum = crc32fast::hash(&wrong[..92]);
            wrong[16..20].copy_from_slice(&checksum.to_le_bytes());
            let found = read(&wrong, &entries);
            // A wrong last usable sector alone only leaves the copy of the table unknown.
            assert_eq!(found.is_some(), at == 48, "{at}: {value}");
        }
    }
}
