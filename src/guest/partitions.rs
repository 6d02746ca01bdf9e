//! The partitions of a disk: where a sector lies, and what is there.

use super::probe::{VolumeKind, probe};
use super::{gpt, mbr};
use crate::format::SectorNo;
use crate::source::{Source, WindowSource};

/// Partitions looked at: what a table of the usual size holds.
pub const PARTITIONS_MAX: usize = 128;

/// What a partition is by the table's type alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionType {
    /// The EFI system partition.
    Efi,
    /// Microsoft's reserved partition, which holds nothing.
    Reserved,
    /// Windows' recovery tools.
    Recovery,
    Linux,
    LinuxSwap,
    LinuxLvm,
    /// A part of Windows' dynamic disks (LDM).
    DynamicDisk,
    StorageSpaces,
    /// A DOS extended partition with further ones inside.
    Extended,
    /// A type that several kinds of volumes share, or an unknown one.
    Other,
}

impl PartitionType {
    /// Its word; empty if there is none.
    fn word(self) -> &'static str {
        match self {
            Self::Efi => "EFI",
            Self::Reserved => "reserved",
            Self::Recovery => "recovery",
            Self::Linux => "Linux",
            Self::LinuxSwap => "Linux swap",
            Self::LinuxLvm => "Linux LVM",
            Self::DynamicDisk => "dynamic disk",
            Self::StorageSpaces => "Storage Spaces",
            Self::Extended => "extended",
            Self::Other => "",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the table, from 1.
    pub number: u32,
    pub first: SectorNo,
    /// Its sectors; never 0.
    pub count: u64,
    /// What the table says it is for.
    pub kind: PartitionType,
    /// What its own start says it holds.
    pub holds: VolumeKind,
}

impl Partition {
    /// The sector behind its last.
    pub fn end(&self) -> u64 {
        self.first.0.saturating_add(self.count)
    }

    /// Its bytes on the disk.
    pub fn bytes(&self, sector_bytes: u32) -> std::ops::Range<u64> {
        let at = |sector: u64| sector.saturating_mul(sector_bytes.into());
        at(self.first.0)..at(self.end())
    }

    fn probe(&self, disk: &dyn Source, sector_bytes: u32) -> VolumeKind {
        let bytes = self.bytes(sector_bytes);
        let len = bytes.end.saturating_sub(bytes.start);
        let by_type = match self.kind {
            PartitionType::DynamicDisk => Some(VolumeKind::DynamicDisk),
            PartitionType::StorageSpaces => Some(VolumeKind::StorageSpaces),
            _ => None,
        };
        by_type.unwrap_or_else(|| {
            let volume = WindowSource::new(disk, bytes.start, len);
            probe(&volume).unwrap_or(VolumeKind::Unknown)
        })
    }

    /// `p1 NTFS`.
    fn name(&self) -> String {
        format!("p{} {}", self.number, self.word())
            .trim_end()
            .to_owned()
    }

    /// What it is, in a word; empty if nothing says so. What stands in it counts more than the table's type, except where
    /// that says what it is for.
    pub fn word(&self) -> &'static str {
        match (self.kind, self.holds) {
            (PartitionType::Efi | PartitionType::Reserved | PartitionType::Recovery, _)
            | (_, VolumeKind::Unknown) => self.kind.word(),
            (_, holds) => holds.word(),
        }
    }
}

/// A partition table as it stands on the disk, not yet held against anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionTable {
    /// Its partitions, in the table's order.
    pub partitions: Vec<Partition>,
    /// Sectors at the start of the disk that are the table.
    pub front: u64,
    /// The first sector of the table's copy at the end of the disk; `None` if there is no copy.
    pub back: Option<u64>,
}

/// The partitions of a disk, by place; none overlaps another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitions {
    table: PartitionTable,
    sectors: u64,
}

impl Partitions {
    /// What the table of a disk says; `None` if there is none, or none that is sure. What each partition holds is read
    /// from its start.
    pub fn read(disk: &dyn Source, sector_bytes: u32) -> Option<Self> {
        let mut found = Self::places(disk, sector_bytes)?;
        for partition in &mut found.table.partitions {
            if partition.kind != PartitionType::Extended {
                partition.holds = partition.probe(disk, sector_bytes);
            }
        }
        Some(found)
    }

    /// As [`Partitions::read`], without a look at what the partitions hold.
    pub fn places(disk: &dyn Source, sector_bytes: u32) -> Option<Self> {
        let sectors = disk.len().checked_div(sector_bytes.into())?;
        let read = |at: u64, count: u32| {
            let bytes = u64::from(count).checked_mul(sector_bytes.into())?;
            let mut buf = vec![0; usize::try_from(bytes).ok()?];
            let at_bytes = at.checked_mul(sector_bytes.into())?;
            disk.read_exact_at(&mut buf, at_bytes).ok()?;
            Some(buf)
        };
        let first = read(0, 1)?;
        match mbr::parse(&first)? {
            mbr::Mbr::Table(mut table) => {
                mbr::add_logical(&mut table, &|at| read(at, 1));
                Self::new(table, sectors)
            }
            mbr::Mbr::Protective => {
                // The table at the end is a copy; it stands in where the first one is damaged.
                let places = [1, sectors.saturating_sub(1)];
                places.into_iter().find_map(|at| {
                    let header = gpt::GptHeader::parse(&read(at, 1)?, at)?;
                    let entries = header.entry_sectors(sector_bytes)?;
                    Self::new(
                        gpt::parse(&header, &read(header.entries_at, entries)?)?,
                        sectors,
                    )
                })
            }
        }
    }

    /// By place.
    pub fn all(&self) -> &[Partition] {
        &self.table.partitions
    }

    /// A table held against a disk of so many sectors: partitions by place, or `None` if they cannot be right.
    pub fn new(mut table: PartitionTable, sectors: u64) -> Option<Self> {
        table.partitions.sort_by_key(|partition| partition.first);
        let mut free = table.front;
        for partition in &table.partitions {
            let end = partition.first.0.checked_add(partition.count)?;
            if partition.count == 0 || partition.first.0 < free || end > sectors {
                return None;
            }
            free = end;
        }
        let fits = table.back.is_none_or(|back| back >= free);
        (fits && !table.partitions.is_empty()).then_some(Self { table, sectors })
    }

    /// Where a run of sectors lies: `p1 NTFS`, `partition table`, `before p1`, `outside`; of a run that goes on beyond
    /// that, where it begins, and that it goes on.
    pub fn name(&self, first: SectorNo, count: u64) -> String {
        let (name, end) = self.place(first.0);
        if first.0.saturating_add(count.max(1)) > end {
            format!("{name}, and on")
        } else {
            name
        }
    }

    /// Where a sector lies, and the sector behind that place.
    fn place(&self, sector: u64) -> (String, u64) {
        let table = "partition table";
        if sector < self.table.front {
            return (table.to_owned(), self.table.front);
        }
        if let Some(back) = self.table.back.filter(|back| sector >= *back) {
            return (table.to_owned(), self.sectors.max(back));
        }
        let next = self
            .table
            .partitions
            .iter()
            .find(|partition| partition.end() > sector);
        match next {
            Some(partition) if partition.first.0 <= sector => (partition.name(), partition.end()),
            Some(partition) => (format!("before p{}", partition.number), partition.first.0),
            None => (
                "outside".to_owned(),
                self.table.back.unwrap_or(self.sectors),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    fn partition(number: u32, first: u64, count: u64) -> Partition {
        Partition {
            number,
            first: SectorNo(first),
            count,
            kind: PartitionType::Other,
            holds: VolumeKind::Ntfs,
        }
    }

    fn table(partitions: Vec<Partition>) -> PartitionTable {
        PartitionTable {
            partitions,
            front: 34,
            back: Some(967),
        }
    }

    #[test]
    fn every_sector_lies_somewhere() {
        let parts = vec![partition(2, 500, 100), partition(1, 64, 100)];
        let found = Partitions::new(table(parts), 1_000).unwrap();
        for (first, count, name) in [
            (0, 1, "partition table"),
            (33, 1, "partition table"),
            (33, 2, "partition table, and on"),
            (34, 30, "before p1"),
            (64, 100, "p1 NTFS"),
            (64, 101, "p1 NTFS, and on"),
            (164, 1, "before p2"),
            (599, 1, "p2 NTFS"),
            (600, 367, "outside"),
            (967, 33, "partition table"),
            (u64::MAX, u64::MAX, "partition table, and on"),
        ] {
            assert_eq!(found.name(SectorNo(first), count), name, "{first}+{count}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_no_table() {
        for parts in [
            vec![],
            vec![partition(1, 10, 5)],
            vec![partition(1, 64, 0)],
            vec![partition(1, 64, 1_000)],
            vec![partition(1, u64::MAX, 2)],
            vec![partition(1, 64, 100), partition(2, 100, 100)],
            vec![partition(1, 64, 920)],
        ] {
            assert_eq!(Partitions::new(table(parts), 1_000), None);
        }
    }

    #[test]
    fn a_disk_without_a_table_has_none() {
        let mut disk = MemorySource(vec![0; 1 << 20]);
        assert_eq!(Partitions::read(&disk, 512), None);
        disk.0[..512].copy_from_slice(&mbr::tests::sector(&[(0x80, 0x07, 64, 1_000)]));
        disk.0[64 * 512 + 3..][..8].copy_from_slice(b"NTFS    ");
        let found = Partitions::read(&disk, 512).unwrap();
        assert_eq!(found.name(SectorNo(64), 1), "p1 NTFS");
        assert_eq!(found.name(SectorNo(0), 1), "partition table");
    }

    #[test]
    fn logical_partitions_stand_for_the_extended_one_and_a_loop_ends() {
        let mut disk = MemorySource(vec![0; 2 << 20]);
        let mut put = |at: usize, entries: &[(u8, u8, u32, u32)]| {
            disk.0[at * 512..][..512].copy_from_slice(&mbr::tests::sector(entries));
        };
        put(0, &[(0, 0x83, 64, 100), (0, 0x05, 1_000, 3_000)]);
        put(1_000, &[(0, 0x82, 10, 90), (0, 0x05, 500, 200)]);
        put(1_500, &[(0, 0x8e, 20, 80), (0, 0x05, 0, 1)]);
        let found = Partitions::read(&disk, 512).unwrap();
        let told: Vec<_> = found
            .all()
            .iter()
            .map(|part| (part.name(), part.first.0, part.count))
            .collect();
        assert_eq!(
            told,
            [
                ("p1 Linux".to_owned(), 64, 100),
                ("p5 Linux swap".to_owned(), 1_010, 90),
                ("p6 Linux LVM".to_owned(), 1_520, 80)
            ]
        );
    }
}
