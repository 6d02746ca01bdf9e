//! Guest: what the partition table inside a disk says about where a sector lies.
//!
//! ```text
//!  Chain ─► sector 0: mbr ─┬─► four entries                 ─┐
//!                          └─► sectors 1-33: gpt, checksums  ─┴─► Partitions ─► name of a run: `p1 NTFS`
//!                                     first sector of each partition: which file system
//! ```
//!
//! A hint for people, so it is given only where it is sure: a table that contradicts itself, the disk's size or its own
//! checksum is no table. Nothing but the table and each partition's first sector is read; no file system is looked into.

pub mod codes;
pub mod extents;
pub mod filesystem;
pub mod gpt;
pub mod lvm;
pub mod mbr;

use crate::chain::Chain;
use crate::format::SectorNo;

/// Partitions looked at: what a table of the usual size holds.
pub const PARTITIONS_MAX: usize = 128;

/// What a partition holds, as far as its table and its first sector tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// NTFS.
    Ntfs,
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// exFAT.
    ExFat,
    /// `ReFS`.
    ReFs,
    /// The EFI system partition.
    Efi,
    /// Microsoft's reserved partition, which holds nothing.
    Reserved,
    /// Windows' recovery tools.
    Recovery,
    /// A Linux file system.
    Linux,
    /// Linux swap.
    LinuxSwap,
    /// A physical volume of Linux' LVM.
    LinuxLvm,
    /// A DOS extended partition with further ones inside.
    Extended,
    /// Something else.
    Other,
}

impl Kind {
    /// Its word; empty if there is none.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ntfs => "NTFS",
            Self::Fat => "FAT",
            Self::ExFat => "exFAT",
            Self::ReFs => "ReFS",
            Self::Efi => "EFI",
            Self::Reserved => "reserved",
            Self::Recovery => "recovery",
            Self::Linux => "Linux",
            Self::LinuxSwap => "Linux swap",
            Self::LinuxLvm => "Linux LVM",
            Self::Extended => "extended",
            Self::Other => "",
        }
    }

    /// What a volume's first sector says it is.
    fn of_boot_sector(sector: &[u8]) -> Option<Self> {
        let says = |at: usize, what: &[u8]| {
            let end = at.saturating_add(what.len());
            sector.get(at..end) == Some(what)
        };
        if says(3, b"NTFS    ") {
            Some(Self::Ntfs)
        } else if says(3, b"EXFAT   ") {
            Some(Self::ExFat)
        } else if says(3, b"ReFS\0") {
            Some(Self::ReFs)
        } else if says(54, b"FAT12   ") || says(54, b"FAT16   ") || says(82, b"FAT32   ") {
            Some(Self::Fat)
        } else {
            None
        }
    }
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the table, from 1.
    pub number: u32,
    /// Its first sector.
    pub first: SectorNo,
    /// Its sectors; never 0.
    pub count: u64,
    /// What it holds.
    pub kind: Kind,
}

impl Partition {
    /// The sector behind its last.
    pub fn end(&self) -> u64 {
        self.first.0.saturating_add(self.count)
    }

    /// `p1 NTFS`.
    fn name(&self) -> String {
        format!("p{} {}", self.number, self.kind.word())
            .trim_end()
            .to_owned()
    }
}

/// A partition table as it stands on the disk, not yet held against anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
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
    table: Table,
    sectors: u64,
}

impl Partitions {
    /// What the table inside a disk says, read through its chain; `None` if there is none, or none that is sure.
    pub fn read(chain: &Chain) -> Option<Self> {
        let sector = |at: u64, count: u32| {
            let bytes = u64::from(count).checked_mul(chain.sector_size().into())?;
            let mut buf = vec![0; usize::try_from(bytes).ok()?];
            chain.read_at(SectorNo(at), &mut buf).ok()?;
            Some(buf)
        };
        let table = match mbr::parse(&sector(0, 1)?)? {
            mbr::Mbr::Table(table) => table,
            mbr::Mbr::Protective => {
                let header = gpt::Header::parse(&sector(1, 1)?)?;
                let entries = header.entry_sectors(chain.sector_size())?;
                gpt::parse(&header, &sector(header.entries_at, entries)?)?
            }
        };
        let mut found = Self::new(table, chain.sectors())?;
        for partition in &mut found.table.partitions {
            if matches!(partition.kind, Kind::Other | Kind::Ntfs | Kind::Fat) {
                let boot = sector(partition.first.0, 1);
                let said = boot.and_then(|boot| Kind::of_boot_sector(&boot));
                // Of a type that several file systems share, the table alone says nothing sure.
                partition.kind = said.unwrap_or(Kind::Other);
            }
        }
        Some(found)
    }

    /// A table held against a disk of so many sectors: partitions by place, or `None` if they cannot be right.
    pub fn new(mut table: Table, sectors: u64) -> Option<Self> {
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
    use std::sync::Arc;

    use super::*;
    use crate::image::Image;
    use crate::source::MemorySource;

    fn partition(number: u32, first: u64, count: u64) -> Partition {
        Partition {
            number,
            first: SectorNo(first),
            count,
            kind: Kind::Ntfs,
        }
    }

    fn table(partitions: Vec<Partition>) -> Table {
        Table {
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
        let mut vhd = crate::build::vhd::VhdBuilder::fixed(1 << 20).build();
        let read = |bytes: &[u8]| {
            let source = MemorySource(bytes.to_vec());
            let image = Image::open(Arc::new(source)).unwrap();
            Partitions::read(&Chain::new(vec![Arc::new(image)]).unwrap())
        };
        assert_eq!(read(&vhd), None);
        vhd[..512].copy_from_slice(&mbr::tests::sector(&[(0x80, 0x07, 64, 1_000)]));
        vhd[64 * 512 + 3..][..8].copy_from_slice(b"NTFS    ");
        let found = read(&vhd).unwrap();
        assert_eq!(found.name(SectorNo(64), 1), "p1 NTFS");
        assert_eq!(found.name(SectorNo(0), 1), "partition table");
    }
}
