//! The master boot record: four entries of 16 bytes at the end of sector 0.

use byteorder::{ByteOrder as _, LittleEndian};

use super::{PARTITIONS_MAX, Partition, PartitionTable, PartitionType, VolumeKind};
use crate::format::SectorNo;

/// Where the entries begin, in bytes.
const ENTRIES_AT: usize = 446;
/// Length of an entry, in bytes.
const ENTRY_BYTES: usize = 16;
/// The mark at the end of the sector.
const SIGNATURE: [u8; 2] = [0x55, 0xaa];
/// The type of the one entry that keeps old programs off a disk with a GUID table.
const PROTECTIVE: u8 = 0xee;

/// What sector 0 is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mbr {
    /// A table of its own.
    Table(PartitionTable),
    /// The guard before a GUID table.
    Protective,
}

/// Reads sector 0; `None` if it is no table: the boot sector of a volume without one ends with the same mark, and what
/// would be its entries is code.
pub fn parse(sector: &[u8]) -> Option<Mbr> {
    if sector.get(510..512)? != SIGNATURE {
        return None;
    }
    let entries = sector.get(ENTRIES_AT..510)?;
    let mut table = PartitionTable {
        front: 1,
        ..PartitionTable::default()
    };
    for (number, entry) in (1..).zip(entries.chunks_exact(ENTRY_BYTES)) {
        let (status, kind) = (*entry.first()?, *entry.get(4)?);
        if status & 0x7f != 0 {
            return None;
        }
        if kind == PROTECTIVE {
            return Some(Mbr::Protective);
        }
        let first = LittleEndian::read_u32(entry.get(8..12)?);
        let count = LittleEndian::read_u32(entry.get(12..16)?);
        if kind == 0 {
            continue;
        }
        table.partitions.push(Partition {
            number,
            first: SectorNo(first.into()),
            count: count.into(),
            kind: kind_of(kind),
            holds: VolumeKind::Unknown,
        });
    }
    Some(Mbr::Table(table))
}

/// Puts the logical partitions in the place of the extended one they lie in. Each of them begins with a table of its own:
/// where the volume is, from that table on, and where the next table is, from the extended partition on. `read` gives a sector.
pub fn add_logical(table: &mut PartitionTable, read: &dyn Fn(u64) -> Option<Vec<u8>>) {
    let is_extended = |part: &&Partition| part.kind == PartitionType::Extended;
    let Some(extended) = table.partitions.iter().find(is_extended).copied() else {
        return;
    };
    let mut logical = Vec::new();
    let mut seen = Vec::new();
    let mut at = extended.first.0;
    while logical.len() < PARTITIONS_MAX && !seen.contains(&at) && at < extended.end() {
        seen.push(at);
        let Some(Mbr::Table(here)) = read(at).and_then(|sector| parse(&sector)) else {
            break;
        };
        let mut next = None;
        for part in here.partitions {
            let from = |base: u64| SectorNo(base.saturating_add(part.first.0));
            if part.kind == PartitionType::Extended {
                next = Some(from(extended.first.0).0);
            } else {
                let number = u32::try_from(logical.len()).unwrap_or(0).saturating_add(5);
                logical.push(Partition {
                    number,
                    first: from(at),
                    ..part
                });
            }
        }
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    if !logical.is_empty() {
        table.partitions.retain(|part| part.first != extended.first);
        table.partitions.append(&mut logical);
    }
}

fn kind_of(kind: u8) -> PartitionType {
    match kind {
        0x05 | 0x0f | 0x85 => PartitionType::Extended,
        0x27 => PartitionType::Recovery,
        0x42 => PartitionType::DynamicDisk,
        0x82 => PartitionType::LinuxSwap,
        0x83 => PartitionType::Linux,
        0x8e => PartitionType::LinuxLvm,
        0xef => PartitionType::Efi,
        _ => PartitionType::Other,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Sector 0 with entries of status, type, first sector and count.
    pub fn sector(entries: &[(u8, u8, u32, u32)]) -> [u8; 512] {
        let mut sector = [0; 512];
        for (index, (status, kind, first, count)) in entries.iter().enumerate() {
            let entry = &mut sector[ENTRIES_AT + index * ENTRY_BYTES..][..ENTRY_BYTES];
            entry[0] = *status;
            entry[4] = *kind;
            entry[8..12].copy_from_slice(&first.to_le_bytes());
            entry[12..16].copy_from_slice(&count.to_le_bytes());
        }
        sector[510..].copy_from_slice(&SIGNATURE);
        sector
    }

    #[test]
    fn entries_are_numbered_by_their_place() {
        let read = parse(&sector(&[
            (0x80, 0x07, 2_048, 100),
            (0, 0, 0, 0),
            (0, 0x83, 4_096, 7),
        ]));
        let Some(Mbr::Table(table)) = read else {
            panic!("{read:?}");
        };
        let told: Vec<_> = table
            .partitions
            .iter()
            .map(|part| (part.number, part.first.0, part.count, part.kind))
            .collect();
        assert_eq!(
            told,
            [
                (1, 2_048, 100, PartitionType::Other),
                (3, 4_096, 7, PartitionType::Linux)
            ]
        );
    }

    #[test]
    fn a_guard_is_told_from_a_table_and_a_volume_from_both() {
        let guard = sector(&[(0, 0xee, 1, u32::MAX)]);
        assert_eq!(parse(&guard), Some(Mbr::Protective));
        assert_eq!(parse(&sector(&[(0x33, 0x07, 1, 1)])), None);
        assert_eq!(parse(&[0; 512]), None);
        assert_eq!(parse(&guard[..511]), None);
    }
}
