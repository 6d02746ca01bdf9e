//! Entries of a directory of XFS: in the inode, or in blocks of entries. The blocks that only help to find names, and the
//! free list, lie behind 32 GiB and are not read (XFS Algorithms & Data Structures, "Directories").

use std::ops::ControlFlow;

use crate::format::bytes::{be16_at, be32_at, be64_at};
use crate::guest::inodes::entry::{BadEntry, EntryKinds, NamedInode, kind_of_entry};

/// Where the blocks of entries end, in bytes of the directory.
pub const DATA_END_BYTES: u64 = 32 << 30;
/// A block that is the whole directory, with its index at its end; and one of several.
const BLOCK_MAGIC: u32 = 0x5844_4233;
const DATA_MAGIC: u32 = 0x5844_4433;
const HEADER_BYTES: usize = 64;
const OWNER_AT: usize = 40;
const UNUSED: u16 = 0xffff;
/// Bytes of one entry of the index at the end of a block, and of the count behind it.
const INDEX_ENTRY_BYTES: usize = 8;

/// The parent of a directory that lies in its inode, and where its entries begin.
fn short_head(fork: &[u8]) -> Option<(u64, usize, usize)> {
    let wide = *fork.get(1)? > 0;
    if wide {
        Some((be64_at(fork, 2)?, 10, 8))
    } else {
        Some((be32_at(fork, 2)?.into(), 6, 4))
    }
}

/// The parent of a directory that lies in its inode.
pub fn short_parent(fork: &[u8]) -> Option<u64> {
    Some(short_head(fork)?.0)
}

/// Goes through the entries of a directory that lies in its inode; stops at a break.
pub fn short_entries<'b>(
    fork: &'b [u8],
    kinds: EntryKinds,
    each: &mut dyn FnMut(NamedInode<'b>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, BadEntry> {
    const NAME_AT: usize = 3;
    let bad = |at| BadEntry { at };
    let (_, mut at, number_bytes) = short_head(fork).ok_or(bad(0))?;
    let count = fork.first().copied().unwrap_or(0);
    for _ in 0..count {
        let entry = fork.get(at..).ok_or(bad(at))?;
        let name_end = entry
            .first()
            .map(|len| NAME_AT.saturating_add((*len).into()))
            .ok_or(bad(at))?;
        let name = entry.get(NAME_AT..name_end).ok_or(bad(at))?;
        let (kind, number_at) = match kinds {
            EntryKinds::Told => (entry.get(name_end).copied(), name_end.saturating_add(1)),
            EntryKinds::Untold => (None, name_end),
        };
        let inode = match number_bytes {
            8 => be64_at(entry, number_at),
            _ => be32_at(entry, number_at).map(u64::from),
        };
        let found = NamedInode {
            inode: inode.ok_or(bad(at))?,
            name,
            kind: kind.and_then(kind_of_entry),
        };
        if each(found).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        at = at.saturating_add(number_at).saturating_add(number_bytes);
    }
    Ok(ControlFlow::Continue(()))
}

/// Goes through a block's entries; stops at a break. `owner` is the directory, which the block must name.
pub fn entries<'b>(
    block: &'b [u8],
    owner: u64,
    kinds: EntryKinds,
    each: &mut dyn FnMut(NamedInode<'b>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, BadEntry> {
    const NAME_AT: usize = 9;
    const TAG_BYTES: usize = 2;
    let bad = |at| BadEntry { at };
    let end = match be32_at(block, 0) {
        Some(DATA_MAGIC) => block.len(),
        Some(BLOCK_MAGIC) => {
            let tail = block.len().saturating_sub(INDEX_ENTRY_BYTES);
            let count = be32_at(block, tail).map_or(usize::MAX, |count| count as usize);
            let index = count.checked_mul(INDEX_ENTRY_BYTES);
            index
                .and_then(|bytes| tail.checked_sub(bytes))
                .ok_or(bad(tail))?
        }
        _ => return Err(bad(0)),
    };
    if be64_at(block, OWNER_AT) != Some(owner) {
        return Err(bad(OWNER_AT));
    }
    let block = block.get(..end).unwrap_or_default();
    let mut at = HEADER_BYTES;
    while at < block.len() {
        let entry = block.get(at..).ok_or(bad(at))?;
        let length = if be16_at(entry, 0) == Some(UNUSED) {
            usize::from(be16_at(entry, 2).ok_or(bad(at))?)
        } else {
            let name_bytes = usize::from(*entry.get(8).ok_or(bad(at))?);
            let name_end = NAME_AT.saturating_add(name_bytes);
            let (kind, used) = match kinds {
                EntryKinds::Told => (entry.get(name_end).copied(), name_end.saturating_add(1)),
                EntryKinds::Untold => (None, name_end),
            };
            let found = NamedInode {
                inode: be64_at(entry, 0).ok_or(bad(at))?,
                name: entry.get(NAME_AT..name_end).ok_or(bad(at))?,
                kind: kind.and_then(kind_of_entry),
            };
            if !found.name.is_empty() && each(found).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            used.saturating_add(TAG_BYTES).next_multiple_of(8)
        };
        if length == 0 || !length.is_multiple_of(8) || length > entry.len() {
            return Err(bad(at));
        }
        at = at.saturating_add(length);
    }
    Ok(ControlFlow::Continue(()))
}
