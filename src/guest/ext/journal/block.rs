//! Blocks of a jbd2 log: descriptors with their tags, and revocations (kernel documentation, `journal.rst`).

use super::superblock::{Checksums, JournalSuperblock, MAGIC};
use crate::format::bytes::{be16_at, be32_at, be64_at};

/// Magic, type and sequence of every block that is not content.
pub const HEADER_BYTES: usize = 12;

/// The header of a journal block of transaction `sequence`: its type; `None` if it is none of this transaction.
pub fn block_type(block: &[u8], sequence: u32) -> Option<u32> {
    let is_of = be32_at(block, 0)? == MAGIC && be32_at(block, 8)? == sequence;
    if is_of { be32_at(block, 4) } else { None }
}

/// The first bytes of a block of content that begins like a journal's block are stored as zeros.
pub const ESCAPED: [u8; 4] = MAGIC.to_be_bytes();

/// The blocks whose earlier copies a revoke block calls void.
pub fn revoked<'b>(
    superblock: &JournalSuperblock,
    block: &'b [u8],
) -> impl Iterator<Item = u64> + 'b {
    let is_wide = superblock.is_64bit;
    let most = block.len().saturating_sub(superblock.tail_bytes());
    let end = be32_at(block, HEADER_BYTES).map_or(0, |end| end as usize);
    let entries = block
        .get(HEADER_BYTES.saturating_add(4)..end.min(most))
        .unwrap_or_default();
    entries
        .chunks_exact(if is_wide { 8 } else { 4 })
        .filter_map(move |entry| {
            if is_wide {
                be64_at(entry, 0)
            } else {
                be32_at(entry, 0).map(u64::from)
            }
        })
}

/// A block of content in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// The block of the volume it belongs to.
    pub block: u64,
    pub is_escaped: bool,
    pub checksum: u32,
}

/// The tags of a descriptor block, in the order in which their blocks follow it.
pub fn tags(superblock: &JournalSuperblock, block: &[u8]) -> Vec<Tag> {
    const ESCAPE: u32 = 1;
    const SAME_UUID: u32 = 2;
    const LAST: u32 = 8;
    const UUID_BYTES: usize = 16;
    let is_v3 = superblock.checksums == Checksums::V3;
    let tag_bytes = match (superblock.checksums, superblock.is_64bit) {
        (Checksums::V3, _) => 16,
        (Checksums::V2, true) => 14,
        (Checksums::V2, false) => 10,
        (_, true) => 12,
        (_, false) => 8,
    };
    let end = block.len().saturating_sub(superblock.tail_bytes());
    let mut at = HEADER_BYTES;
    let mut found = Vec::new();
    while let Some(bytes) = block
        .get(at..at.saturating_add(tag_bytes))
        .filter(|_| at.saturating_add(tag_bytes) <= end)
    {
        let low = be32_at(bytes, 0).unwrap_or(0);
        let (flags, checksum) = if is_v3 {
            (be32_at(bytes, 4), be32_at(bytes, 12))
        } else {
            let wide = |at| be16_at(bytes, at).map(u32::from);
            (wide(6), wide(4))
        };
        let flags = flags.unwrap_or(LAST);
        let high = be32_at(bytes, 8).filter(|_| superblock.is_64bit);
        found.push(Tag {
            block: u64::from(high.unwrap_or(0)) << 32 | u64::from(low),
            is_escaped: flags & ESCAPE != 0,
            checksum: checksum.unwrap_or(0),
        });
        if flags & LAST != 0 {
            break;
        }
        let uuid = if flags & SAME_UUID == 0 {
            UUID_BYTES
        } else {
            0
        };
        at = at.saturating_add(tag_bytes).saturating_add(uuid);
    }
    found
}
