//! Group descriptors of ext: where a group's bitmaps and its inode table lie (kernel documentation, `group_descr.rst`).

use super::superblock::{ExtSuperblock, incompat};
use crate::format::bytes::{u16_at, u32_at};

const INODE_UNINIT: u16 = 1;
const BLOCK_UNINIT: u16 = 2;

/// One group; places are blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockGroup {
    pub block_bitmap: u64,
    pub inode_bitmap: u64,
    pub inode_table: u64,
    /// Inodes at the front of the table that were ever used; those behind hold no file, whatever their bytes say.
    pub inodes_used: u32,
    /// Whether the block bitmap was never written: then only the group's own structures are in use.
    pub is_block_bitmap_unwritten: bool,
}

impl BlockGroup {
    /// Reads one descriptor; `None` if the bytes are too few.
    pub fn parse(bytes: &[u8], superblock: &ExtSuperblock) -> Option<Self> {
        let is_wide = superblock.has(incompat::IS_64BIT) && bytes.len() >= 64;
        let block = |low, high| {
            let high = if is_wide { u32_at(bytes, high)? } else { 0 };
            Some(u64::from(u32_at(bytes, low)?) | u64::from(high) << 32)
        };
        let flags = if superblock.has_uninitialised_groups {
            u16_at(bytes, 0x12)?
        } else {
            0
        };
        let unused = if flags & INODE_UNINIT != 0 {
            superblock.inodes_per_group
        } else if superblock.has_uninitialised_groups {
            let high = if is_wide { u16_at(bytes, 0x32)? } else { 0 };
            u32::from(u16_at(bytes, 0x1c)?) | u32::from(high) << 16
        } else {
            0
        };
        Some(Self {
            block_bitmap: block(0, 0x20)?,
            inode_bitmap: block(4, 0x24)?,
            inode_table: block(8, 0x28)?,
            inodes_used: superblock.inodes_per_group.saturating_sub(unused),
            is_block_bitmap_unwritten: flags & BLOCK_UNINIT != 0,
        })
    }
}

/// The block that holds the superblock: the second only where blocks are of 1 KiB.
pub fn superblock_at(superblock: &ExtSuperblock) -> u64 {
    u64::from(superblock.block_bytes <= 1024)
}

/// The block that holds descriptor block `index` (ext4's `descriptor_loc`).
pub fn descriptor_block_at(superblock: &ExtSuperblock, index: u64) -> u64 {
    let first = superblock_at(superblock).saturating_add(1);
    if !superblock.has(incompat::META_BG) || index < u64::from(superblock.first_meta_group) {
        return first.saturating_add(index);
    }
    if index == 0 {
        return first;
    }
    let group = index.saturating_mul(superblock.descriptors_per_block().into());
    let group = u32::try_from(group).unwrap_or(u32::MAX);
    let start = superblock.group_start(group);
    start.saturating_add(u64::from(superblock.copies.are_in(group)))
}
