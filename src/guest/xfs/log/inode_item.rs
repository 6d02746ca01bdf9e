//! An inode as it is logged, and as it is stored: the same fields, in the byte order of the machine and big-endian.

use super::item::LogItem;
use super::record::Lsn;
use crate::format::bytes::{be16_at, be64_at, u16_at, u32_at, u64_at};
use crate::guest::xfs::inode::{CORE_BYTES, MAGIC};

const DATA_LOCAL: u32 = 0x2;
const DATA_EXTENTS: u32 = 0x4;
const DATA_ROOT: u32 = 0x8;
const ATTRIBUTES_LOCAL: u32 = 0x40;
const ATTRIBUTES_EXTENTS: u32 = 0x80;
const ATTRIBUTES_ROOT: u32 = 0x100;
const FLAGS2_AT: usize = 120;
const FLAGS2_BIGTIME: u64 = 0x8;
const FLAGS2_NREXT64: u64 = 0x10;
const LSN_AT: usize = 112;
/// The three times of change and access, and that of making.
const TIMES_AT: [usize; 4] = [32, 40, 48, 144];
/// Fields of the core as (place, bytes): those whose width does not depend on flags.
const FIELDS: [(usize, usize); 24] = [
    (0, 2),
    (2, 2),
    (6, 2),
    (8, 4),
    (12, 4),
    (16, 4),
    (20, 2),
    (22, 2),
    (56, 8),
    (64, 8),
    (72, 4),
    (84, 4),
    (88, 2),
    (90, 2),
    (92, 4),
    (96, 4),
    (104, 8),
    (112, 8),
    (120, 8),
    (128, 4),
    (152, 8),
    (30, 2),
    (80, 2),
    (76, 4),
];
/// A root in memory has a block's header; stored it has four bytes.
const MEMORY_ROOT_BYTES: usize = 72;
const STORED_ROOT_BYTES: usize = 4;

/// Which inode an item is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InodeFormat {
    pub inode: u64,
    /// The buffer that holds it, in blocks of 512 bytes.
    pub buffer_block: u64,
    pub buffer_blocks: u64,
    fields: u32,
}

impl InodeFormat {
    pub fn parse(item: &LogItem) -> Option<Self> {
        let format = item.region(0);
        // Machines of 32 bits leave out the four bytes before the inode's number.
        let skip = if format.len() >= 56 { 4 } else { 0 };
        let at = |offset: usize| offset.checked_add(skip);
        Some(Self {
            fields: u32_at(format, 4)?,
            inode: u64_at(format, at(12)?)?,
            buffer_block: u64_at(format, at(36)?)?,
            buffer_blocks: u32_at(format, at(44)?)?.into(),
        })
    }
}

/// Lays an item over an inode as it is stored; false if the item makes no sense. What is stored already and is later
/// stays as it is.
pub fn lay(item: &LogItem, format: &InodeFormat, lsn: Lsn, stored: &mut [u8]) -> Option<bool> {
    if be16_at(stored, 0)? != MAGIC {
        return None;
    }
    if be64_at(stored, LSN_AT)? > lsn.0 && be64_at(stored, LSN_AT)? != u64::MAX {
        return Some(false);
    }
    let core = item.region(1);
    if u16_at(core, 0)? != MAGIC || core.len() < CORE_BYTES {
        return None;
    }
    stored
        .get_mut(..CORE_BYTES)?
        .copy_from_slice(&big_endian(core.get(..CORE_BYTES)?)?);
    stored
        .get_mut(LSN_AT..)?
        .first_chunk_mut()
        .map(|field| *field = lsn.0.to_be_bytes())?;
    let forks = stored.get_mut(CORE_BYTES..)?;
    let offset = usize::from(*core.get(82)?).checked_mul(8)?;
    let (data, attributes) = match offset {
        0 => forks.split_at_mut_checked(forks.len())?,
        offset => forks.split_at_mut_checked(offset)?,
    };
    let has_data = format.fields & (DATA_LOCAL | DATA_EXTENTS | DATA_ROOT) != 0;
    lay_fork(
        item.region(2),
        has_data,
        format.fields & DATA_ROOT != 0,
        data,
    )?;
    let region = if has_data { 3 } else { 2 };
    let has_attributes =
        format.fields & (ATTRIBUTES_LOCAL | ATTRIBUTES_EXTENTS | ATTRIBUTES_ROOT) != 0;
    let is_root = format.fields & ATTRIBUTES_ROOT != 0;
    lay_fork(item.region(region), has_attributes, is_root, attributes)?;
    Some(true)
}

fn lay_fork(region: &[u8], is_logged: bool, is_root: bool, fork: &mut [u8]) -> Option<()> {
    if !is_logged {
        return Some(());
    }
    if is_root {
        return lay_root(region, fork);
    }
    // Regions are padded to four bytes.
    let len = region.len().min(fork.len());
    fork.get_mut(..len)?.copy_from_slice(region.get(..len)?);
    Some(())
}

/// Keys and pointers move, for the root in memory has room for as many as a larger block.
fn lay_root(region: &[u8], fork: &mut [u8]) -> Option<()> {
    let level = region.get(4..6)?;
    let count_bytes = region.get(6..8)?;
    let count = usize::from(be16_at(count_bytes, 0)?);
    let room = region.len().checked_sub(MEMORY_ROOT_BYTES)? / 16;
    let stored_room = fork.len().checked_sub(STORED_ROOT_BYTES)? / 16;
    if count > room || count > stored_room {
        return None;
    }
    let bytes = count.checked_mul(8)?;
    fork.get_mut(..2)?.copy_from_slice(level);
    fork.get_mut(2..4)?.copy_from_slice(count_bytes);
    let places = [
        (MEMORY_ROOT_BYTES, STORED_ROOT_BYTES),
        (
            room.checked_mul(8)?.checked_add(MEMORY_ROOT_BYTES)?,
            stored_room.checked_mul(8)?.checked_add(STORED_ROOT_BYTES)?,
        ),
    ];
    for (from, to) in places {
        let moved = region.get(from..from.checked_add(bytes)?)?;
        fork.get_mut(to..to.checked_add(bytes)?)?
            .copy_from_slice(moved);
    }
    Some(())
}

fn big_endian(core: &[u8]) -> Option<Vec<u8>> {
    let mut stored = core.to_vec();
    let flags2 = u64_at(core, FLAGS2_AT)?;
    let mut turn = |at: usize, bytes: usize| {
        let field = stored.get_mut(at..at.checked_add(bytes)?)?;
        field.reverse();
        Some(())
    };
    let is_wide = flags2 & FLAGS2_NREXT64 != 0;
    for (at, bytes) in FIELDS {
        // The flush count is a part of the wide count of extents.
        if at != 30 || !is_wide {
            turn(at, bytes)?;
        }
    }
    if is_wide {
        turn(24, 8)?;
    }
    for at in TIMES_AT {
        if flags2 & FLAGS2_BIGTIME != 0 {
            turn(at, 8)?;
        } else {
            turn(at, 4)?;
            turn(at.checked_add(4)?, 4)?;
        }
    }
    Some(stored)
}
