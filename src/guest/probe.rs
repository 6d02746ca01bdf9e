//! What a volume holds, by the marks at its start: at most 68 KiB are looked at.

use std::io;

use crate::format::bytes::{u16_at, u32_at};
use crate::source::{Source, read_up_to};

/// Where most marks are.
const FIRST_BYTES: usize = 8 << 10;
/// btrfs keeps its first superblock at 64 KiB.
const ALL_BYTES: usize = 68 << 10;

/// What a volume holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeKind {
    Ntfs,
    Fat,
    ExFat,
    ReFs,
    BitLocker,
    Luks,
    Ext2,
    Ext3,
    Ext4,
    Xfs,
    Btrfs,
    LinuxSwap,
    LvmPhysical,
    /// A member of a Linux software RAID.
    RaidMember,
    /// A part of Windows' dynamic disks (LDM).
    DynamicDisk,
    StorageSpaces,
    Unknown,
}

impl VolumeKind {
    /// Its name; empty if there is none.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ntfs => "NTFS",
            Self::Fat => "FAT",
            Self::ExFat => "exFAT",
            Self::ReFs => "ReFS",
            Self::BitLocker => "BitLocker",
            Self::Luks => "LUKS",
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "XFS",
            Self::Btrfs => "btrfs",
            Self::LinuxSwap => "Linux swap",
            Self::LvmPhysical => "Linux LVM",
            Self::RaidMember => "Linux RAID",
            Self::DynamicDisk => "dynamic disk",
            Self::StorageSpaces => "Storage Spaces",
            Self::Unknown => "",
        }
    }
}

/// Looks at a volume's marks.
///
/// # Errors
/// When its start cannot be read.
pub fn probe(volume: &dyn Source) -> io::Result<VolumeKind> {
    let mut start = read_up_to(volume, 0, FIRST_BYTES)?;
    if let Some(kind) = by_start(&start) {
        return Ok(kind);
    }
    let rest = ALL_BYTES.saturating_sub(FIRST_BYTES);
    start.extend(read_up_to(volume, FIRST_BYTES as u64, rest)?);
    if let Some(kind) = by_far_marks(&start) {
        return Ok(kind);
    }
    by_end(volume)
}

fn says(bytes: &[u8], at: usize, mark: &[u8]) -> bool {
    at.checked_add(mark.len())
        .and_then(|end| bytes.get(at..end))
        .is_some_and(|found| found == mark)
}

fn by_start(bytes: &[u8]) -> Option<VolumeKind> {
    /// The mark of `BitLocker` To Go, whose boot sector is FAT's.
    const TO_GO: [u8; 16] = [
        0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0,
        0x01,
    ];
    let marks: [(usize, &[u8], VolumeKind); 11] = [
        (3, b"-FVE-FS-", VolumeKind::BitLocker),
        (0x1a8, &TO_GO, VolumeKind::BitLocker),
        (3, b"NTFS    ", VolumeKind::Ntfs),
        (3, b"EXFAT   ", VolumeKind::ExFat),
        (3, b"ReFS\0", VolumeKind::ReFs),
        (0, b"LUKS\xba\xbe", VolumeKind::Luks),
        (0, b"XFSB", VolumeKind::Xfs),
        (0, b"\xfc\x4e\x2b\xa9", VolumeKind::RaidMember),
        (4_096, b"\xfc\x4e\x2b\xa9", VolumeKind::RaidMember),
        (4_096, b"SPACEDB ", VolumeKind::StorageSpaces),
        (4_086, b"SWAPSPACE2", VolumeKind::LinuxSwap),
    ];
    let marked = marks.iter().find(|(at, mark, _)| says(bytes, *at, mark));
    if let Some((.., kind)) = marked {
        return Some(*kind);
    }
    let is_label = |sector: usize| {
        let at = sector.saturating_mul(512);
        says(bytes, at, b"LABELONE") && says(bytes, at.saturating_add(24), b"LVM2 001")
    };
    if (0..4).any(is_label) {
        return Some(VolumeKind::LvmPhysical);
    }
    ext(bytes).or_else(|| is_fat(bytes).then_some(VolumeKind::Fat))
}

/// ext2, 3 or 4, by the superblock at 1 KiB: a journal makes it at least ext3, a later layout ext4.
fn ext(bytes: &[u8]) -> Option<VolumeKind> {
    const SUPERBLOCK: usize = 1_024;
    const HAS_JOURNAL: u32 = 0x4;
    const IS_JOURNAL: u32 = 0x8;
    const LATER_INCOMPATIBLE: u32 = !0x1f;
    const LATER_READ_ONLY: u32 = !0x7;
    let at = |offset: usize| u32_at(bytes, SUPERBLOCK.saturating_add(offset));
    let magic = u16_at(bytes, SUPERBLOCK.saturating_add(56))?;
    if magic != 0xef53 || at(0)? == 0 || at(4)? == 0 {
        return None;
    }
    let (compatible, incompatible, read_only) = (at(92)?, at(96)?, at(100)?);
    if incompatible & IS_JOURNAL != 0 {
        return None;
    }
    Some(
        if incompatible & LATER_INCOMPATIBLE != 0 || read_only & LATER_READ_ONLY != 0 {
            VolumeKind::Ext4
        } else if compatible & HAS_JOURNAL != 0 {
            VolumeKind::Ext3
        } else {
            VolumeKind::Ext2
        },
    )
}

/// A FAT boot sector has no mark that all writers set, so its numbers must make sense.
fn is_fat(bytes: &[u8]) -> bool {
    let number = |at| u16_at(bytes, at).unwrap_or(0);
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let total = match number(19) {
        0 => u32_at(bytes, 32).unwrap_or(0),
        small => small.into(),
    };
    matches!(byte(0), 0xeb | 0xe9)
        && matches!(number(11), 512 | 1_024 | 2_048 | 4_096)
        && byte(13).is_power_of_two()
        && number(14) > 0
        && matches!(byte(16), 1 | 2)
        && byte(21) >= 0xf0
        && total > 0
        && says(bytes, 510, &[0x55, 0xaa])
}

fn by_far_marks(bytes: &[u8]) -> Option<VolumeKind> {
    if says(bytes, 0x1_0040, b"_BHRfS_M") {
        return Some(VolumeKind::Btrfs);
    }
    // Swap written with larger memory pages keeps its mark at their end.
    let swap = [8_192, 16_384, 65_536].map(|page: usize| page.saturating_sub(10));
    let is_swap = |at: &usize| says(bytes, *at, b"SWAPSPACE2");
    swap.iter().any(is_swap).then_some(VolumeKind::LinuxSwap)
}

/// RAID members of the formats 0.90 and 1.0 say so at their end.
fn by_end(volume: &dyn Source) -> io::Result<VolumeKind> {
    const MAGIC: u32 = 0xa92b_4efc;
    let len = volume.len();
    let old = (len & !0xffff).checked_sub(0x1_0000);
    let new = len.checked_sub(8 << 10).map(|at| at & !0xfff);
    for at in [old, new].into_iter().flatten() {
        let mut mark = [0; 4];
        volume.read_exact_at(&mut mark, at)?;
        if u32::from_le_bytes(mark) == MAGIC {
            return Ok(VolumeKind::RaidMember);
        }
    }
    Ok(VolumeKind::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    fn with(marks: &[(usize, &[u8])]) -> VolumeKind {
        let mut bytes = vec![0; 1 << 20];
        for (at, mark) in marks {
            bytes[*at..][..mark.len()].copy_from_slice(mark);
        }
        probe(&MemorySource(bytes)).unwrap()
    }

    #[test]
    fn each_kind_is_known_by_its_own_mark() {
        for (marks, kind) in [
            (vec![(3, b"NTFS    ".as_slice())], VolumeKind::Ntfs),
            (vec![(3, b"-FVE-FS-".as_slice())], VolumeKind::BitLocker),
            (vec![(0x1_0040, b"_BHRfS_M".as_slice())], VolumeKind::Btrfs),
            (
                vec![(65_526, b"SWAPSPACE2".as_slice())],
                VolumeKind::LinuxSwap,
            ),
            (
                vec![
                    (1_536, b"LABELONE".as_slice()),
                    (1_560, b"LVM2 001".as_slice()),
                ],
                VolumeKind::LvmPhysical,
            ),
            (
                vec![((1 << 20) - (8 << 10), b"\xfc\x4e\x2b\xa9".as_slice())],
                VolumeKind::RaidMember,
            ),
            (
                vec![((1 << 20) - (64 << 10), b"\xfc\x4e\x2b\xa9".as_slice())],
                VolumeKind::RaidMember,
            ),
            (vec![], VolumeKind::Unknown),
        ] {
            assert_eq!(with(&marks), kind, "{marks:?}");
        }
        assert_eq!(
            probe(&MemorySource(vec![0; 700])).unwrap(),
            VolumeKind::Unknown
        );
    }

    #[test]
    fn ext_is_told_apart_by_its_features() {
        for (compatible, incompatible, kind) in [
            (0, 2, VolumeKind::Ext2),
            (4, 2, VolumeKind::Ext3),
            (4, 0x42, VolumeKind::Ext4),
            (4, 8, VolumeKind::Unknown),
        ] {
            let marks: [(usize, &[u8]); 5] = [
                (1_024, &[1]),
                (1_028, &[1]),
                (1_080, &[0x53, 0xef]),
                (1_116, &[compatible]),
                (1_120, &[incompatible]),
            ];
            assert_eq!(with(&marks), kind);
        }
    }
}
