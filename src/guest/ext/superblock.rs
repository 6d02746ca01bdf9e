//! The superblock of ext2, ext3 and ext4: 1024 bytes at byte 1024 of a volume (kernel documentation, `ext4/super.rst`).

use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::FileSystemKind;

/// Where the superblock lies, in bytes, and how long it is.
pub const AT_BYTES: u64 = 1024;
pub const BYTES: usize = 1024;

const MAGIC: u16 = 0xef53;

/// Incompatible features that change how a volume is read.
pub mod incompat {
    pub const COMPRESSION: u32 = 0x1;
    pub const FILETYPE: u32 = 0x2;
    pub const RECOVER: u32 = 0x4;
    pub const JOURNAL_DEV: u32 = 0x8;
    pub const META_BG: u32 = 0x10;
    pub const EXTENTS: u32 = 0x40;
    pub const IS_64BIT: u32 = 0x80;
    pub const MMP: u32 = 0x100;
    pub const FLEX_BG: u32 = 0x200;
    pub const EA_INODE: u32 = 0x400;
    pub const DIRDATA: u32 = 0x1000;
    pub const CSUM_SEED: u32 = 0x2000;
    pub const LARGEDIR: u32 = 0x4000;
    pub const INLINE_DATA: u32 = 0x8000;
    pub const ENCRYPT: u32 = 0x1_0000;
    pub const CASEFOLD: u32 = 0x2_0000;

    /// Those that are understood here.
    pub const KNOWN: u32 = FILETYPE
        | RECOVER
        | META_BG
        | EXTENTS
        | IS_64BIT
        | MMP
        | FLEX_BG
        | EA_INODE
        | CSUM_SEED
        | LARGEDIR
        | INLINE_DATA
        | ENCRYPT
        | CASEFOLD;
}

const COMPAT_HAS_JOURNAL: u32 = 0x4;
const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const RO_SPARSE_SUPER: u32 = 0x1;
const RO_GDT_CSUM: u32 = 0x10;
const RO_BIGALLOC: u32 = 0x200;
const RO_METADATA_CSUM: u32 = 0x400;

/// Which groups hold copies of the superblock and the group descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    All,
    /// Groups 0, 1 and powers of 3, 5 and 7.
    Sparse,
    /// Group 0 and these.
    Two([u32; 2]),
}

impl Copies {
    pub fn are_in(self, group: u32) -> bool {
        let is_power_of = |base: u32| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        group <= 1 && !matches!(self, Self::Two(_))
            || match self {
                Self::All => true,
                Self::Sparse => [3, 5, 7].into_iter().any(is_power_of),
                Self::Two(groups) => group == 0 || groups.contains(&group),
            }
    }
}

/// What the superblock says; sizes are checked against each other, not yet against the volume's length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtSuperblock {
    pub kind: FileSystemKind,
    pub inodes: u32,
    pub blocks: u64,
    pub first_data_block: u32,
    pub block_bytes: u32,
    /// Blocks of one bit in a block bitmap: more than 1 only with `bigalloc`.
    pub cluster_blocks: u32,
    pub blocks_per_group: u32,
    pub inodes_per_group: u32,
    pub inode_bytes: u16,
    pub descriptor_bytes: u16,
    pub first_inode: u32,
    pub first_meta_group: u32,
    pub reserved_descriptor_blocks: u16,
    pub incompat: u32,
    pub uuid: [u8; 16],
    /// Up to 16 bytes, without the zeros behind it.
    pub label: Vec<u8>,
    pub journal_inode: u32,
    pub has_journal: bool,
    pub journal_uuid: [u8; 16],
    /// Whether descriptors say which inodes and bitmaps were never written.
    pub has_uninitialised_groups: bool,
    pub copies: Copies,
    /// Last mount and last write, in seconds since 1970 by the guest's clock; 0 if never.
    pub mounted: u64,
    pub written: u64,
    pub made: u64,
    pub mount_count: u16,
    /// Written since the volume was made, in KiB.
    pub kbytes_written: u64,
    pub is_clean: bool,
}

impl ExtSuperblock {
    /// Reads the 1024 bytes; `None` if they are no superblock, or one whose sizes cannot be right.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < BYTES || u16_at(bytes, 0x38)? != MAGIC {
            return None;
        }
        let compat = u32_at(bytes, 0x5c)?;
        let incompat = u32_at(bytes, 0x60)?;
        let ro_compat = u32_at(bytes, 0x64)?;
        let is_dynamic = u32_at(bytes, 0x4c)? >= 1;
        let log_block = u32_at(bytes, 0x18)?;
        let log_cluster = u32_at(bytes, 0x1c)?;
        let is_64bit = incompat & incompat::IS_64BIT != 0;
        let descriptor_bytes = match u16_at(bytes, 0xfe)? {
            size if is_64bit => size,
            _ => 32,
        };
        let high = |at| Some(u64::from(*bytes.get(at)?) << 32);
        let seconds = |at, high_at| Some(u64::from(u32_at(bytes, at)?) | high(high_at)?);
        let blocks_high = if is_64bit { u32_at(bytes, 0x150)? } else { 0 };
        let is_bigalloc = ro_compat & RO_BIGALLOC != 0;
        let found = Self {
            kind: kind(compat, incompat, ro_compat),
            inodes: u32_at(bytes, 0)?,
            blocks: u64::from(u32_at(bytes, 4)?) | u64::from(blocks_high) << 32,
            first_data_block: u32_at(bytes, 0x14)?,
            block_bytes: 1024u32.checked_shl(log_block).filter(|_| log_block <= 6)?,
            cluster_blocks: if is_bigalloc {
                let log = log_cluster.checked_sub(log_block)?;
                1u32.checked_shl(log).filter(|_| log <= 20)?
            } else {
                1
            },
            blocks_per_group: u32_at(bytes, 0x20)?,
            inodes_per_group: u32_at(bytes, 0x28)?,
            inode_bytes: if is_dynamic {
                u16_at(bytes, 0x58)?
            } else {
                128
            },
            descriptor_bytes,
            first_inode: if is_dynamic { u32_at(bytes, 0x54)? } else { 11 },
            first_meta_group: u32_at(bytes, 0x104)?,
            reserved_descriptor_blocks: u16_at(bytes, 0xce)?,
            incompat,
            uuid: bytes.get(0x68..0x78)?.try_into().ok()?,
            label: text(bytes.get(0x78..0x88)?),
            journal_inode: u32_at(bytes, 0xe0)?,
            has_journal: compat & COMPAT_HAS_JOURNAL != 0,
            journal_uuid: bytes.get(0xd0..0xe0)?.try_into().ok()?,
            has_uninitialised_groups: ro_compat & (RO_GDT_CSUM | RO_METADATA_CSUM) != 0,
            copies: if compat & COMPAT_SPARSE_SUPER2 != 0 {
                Copies::Two([u32_at(bytes, 0x24c)?, u32_at(bytes, 0x250)?])
            } else if ro_compat & RO_SPARSE_SUPER != 0 {
                Copies::Sparse
            } else {
                Copies::All
            },
            mounted: seconds(0x2c, 0x275)?,
            written: seconds(0x30, 0x274)?,
            made: seconds(0x108, 0x276)?,
            mount_count: u16_at(bytes, 0x34)?,
            kbytes_written: u64::from(u32_at(bytes, 0x178)?)
                | u64::from(u32_at(bytes, 0x17c)?) << 32,
            is_clean: u16_at(bytes, 0x3a)? & 1 != 0,
        };
        found.is_plausible().then_some(found)
    }

    fn is_plausible(&self) -> bool {
        let bits = self.block_bytes.saturating_mul(8);
        let inode_bytes = u32::from(self.inode_bytes);
        let groups = self.groups();
        self.blocks > u64::from(self.first_data_block)
            && self.blocks_per_group > 0
            && self.blocks_per_group <= bits.saturating_mul(self.cluster_blocks)
            && (1..=bits).contains(&self.inodes_per_group)
            && inode_bytes >= 128
            && inode_bytes <= self.block_bytes
            && inode_bytes.is_power_of_two()
            && self.descriptor_bytes >= 32
            && u32::from(self.descriptor_bytes) <= self.block_bytes
            && self.descriptor_bytes.is_power_of_two()
            && u32::try_from(groups).is_ok()
            && self.has_room_for_inodes(groups)
    }

    /// As the kernel has it: each group has as many inodes, and the tables fit into the volume.
    fn has_room_for_inodes(&self, groups: u64) -> bool {
        let inodes = groups.saturating_mul(self.inodes_per_group.into());
        let bytes = inodes.saturating_mul(self.inode_bytes.into());
        u64::from(self.inodes) == inodes
            && bytes <= self.blocks.saturating_mul(self.block_bytes.into())
    }

    /// Block groups of the volume.
    pub fn groups(&self) -> u64 {
        self.blocks
            .saturating_sub(self.first_data_block.into())
            .div_ceil(u64::from(self.blocks_per_group.max(1)))
    }

    /// The first block of a group.
    pub fn group_start(&self, group: u32) -> u64 {
        u64::from(group)
            .saturating_mul(self.blocks_per_group.into())
            .saturating_add(self.first_data_block.into())
    }

    /// Group descriptors in one block.
    pub fn descriptors_per_block(&self) -> u32 {
        self.block_bytes
            .checked_div(self.descriptor_bytes.into())
            .unwrap_or(1)
            .max(1)
    }

    /// Blocks that all group descriptors fill.
    pub fn descriptor_blocks(&self) -> u64 {
        self.groups()
            .div_ceil(u64::from(self.descriptors_per_block()))
    }

    pub fn has(&self, incompat: u32) -> bool {
        self.incompat & incompat != 0
    }

    /// The names of features that are not understood; empty if all are.
    pub fn unknown_features(&self) -> Vec<String> {
        let unknown = self.incompat & !incompat::KNOWN;
        (0..32)
            .map(|bit| 1u32 << bit)
            .filter(|bit| unknown & bit != 0)
            .map(|bit| match bit {
                incompat::COMPRESSION => "compression".to_owned(),
                incompat::JOURNAL_DEV => "journal_dev".to_owned(),
                incompat::DIRDATA => "dirdata".to_owned(),
                other => format!("{other:#x}"),
            })
            .collect()
    }
}

/// A journal makes it at least ext3, a feature that ext3 does not know ext4.
fn kind(compat: u32, incompat: u32, ro_compat: u32) -> FileSystemKind {
    const EXT3_INCOMPAT: u32 = 0x1f;
    const EXT3_RO_COMPAT: u32 = 0x7;
    if incompat & !EXT3_INCOMPAT != 0 || ro_compat & !EXT3_RO_COMPAT != 0 {
        FileSystemKind::Ext4
    } else if compat & COMPAT_HAS_JOURNAL != 0 {
        FileSystemKind::Ext3
    } else {
        FileSystemKind::Ext2
    }
}

/// A fixed field's text, up to its first zero.
fn text(field: &[u8]) -> Vec<u8> {
    let end = field.iter().position(|byte| *byte == 0);
    field
        .get(..end.unwrap_or(field.len()))
        .unwrap_or_default()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_lie_in_powers_of_three_five_and_seven() {
        let groups = |copies: Copies| {
            (0..130)
                .filter(|group| copies.are_in(*group))
                .collect::<Vec<_>>()
        };
        let sparse = [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125];
        assert_eq!(groups(Copies::Sparse), sparse);
        assert_eq!(groups(Copies::Two([1, 129])), [0, 1, 129]);
        assert_eq!(groups(Copies::All).len(), 130);
    }

    #[test]
    fn a_superblock_whose_sizes_contradict_is_none() {
        let mut bytes = vec![0; BYTES];
        let mut put =
            |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, 1024);
        put(4, 8192);
        put(0x14, 1);
        put(0x20, 8192);
        put(0x28, 1024);
        put(0x38, u32::from(MAGIC));
        let good = ExtSuperblock::parse(&bytes).expect("plausible");
        assert_eq!(
            (good.groups(), good.block_bytes, good.inode_bytes),
            (1, 1024, 128)
        );
        for (at, value) in [
            (0x38, 0),
            (0x18, 7),
            (0x20, 0),
            (0x20, 8193),
            (0x28, 0),
            (4, 1),
            (0, 1025),
        ] {
            let mut bad = bytes.clone();
            bad[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
            assert_eq!(ExtSuperblock::parse(&bad), None, "{at:#x} = {value}");
        }
    }
}
