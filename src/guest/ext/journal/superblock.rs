//! The superblock of a jbd2 journal, its first block (kernel documentation, `journal.rst`). Numbers are big-endian.

use crate::format::bytes::be32_at;

pub const MAGIC: u32 = 0xc03b_3998;
const TYPE_V2: u32 = 4;
const BYTES: usize = 1024;
const CHECKSUM_AT: std::ops::Range<usize> = 0xfc..0x100;
const COMPAT_CHECKSUM: u32 = 1;
const INCOMPAT_64BIT: u32 = 2;
const INCOMPAT_ASYNC_COMMIT: u32 = 4;
const INCOMPAT_CSUM_V2: u32 = 8;
const INCOMPAT_CSUM_V3: u32 = 0x10;
const INCOMPAT_FAST_COMMIT: u32 = 0x20;
const INCOMPAT_KNOWN: u32 = 0x3f;
/// Blocks set aside for fast commits if the journal does not say how many.
const FAST_COMMIT_BLOCKS: u32 = 256;
const CRC32C: u8 = 4;

/// How a journal protects its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    #[default]
    None,
    /// One in each commit block, over all blocks of the transaction.
    V1,
    /// One a block; 16 bits of it with a block of content.
    V2,
    /// One a block.
    V3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalSuperblock {
    pub block_bytes: u32,
    /// Blocks of the journal, this one included.
    pub blocks: u32,
    /// The first block of the log.
    pub first: u32,
    /// Behind the last block of the log; what follows are fast commits.
    pub end: u32,
    /// The first transaction in the log, and its block; 0: the log is empty.
    pub sequence: u32,
    pub start: u32,
    pub checksums: Checksums,
    pub is_64bit: bool,
    pub has_async_commit: bool,
    /// The block where fast commits begin.
    pub fast_commits_at: Option<u32>,
    /// What checksums of blocks begin with.
    pub seed: u32,
}

/// What makes a journal's first block useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadJournalSuperblock {
    #[error("its first block is no journal's")]
    NoJournal,
    #[error("its first block has a wrong checksum")]
    Checksum,
    #[error("it has features that are not understood ({0:#x})")]
    Features(u32),
    #[error("the sizes in its first block contradict each other")]
    Sizes,
}

impl JournalSuperblock {
    pub fn parse(block: &[u8]) -> Result<Self, BadJournalSuperblock> {
        let bytes = block.get(..BYTES).ok_or(BadJournalSuperblock::NoJournal)?;
        let number = |at| be32_at(bytes, at).unwrap_or(0);
        let is_v2 = number(4) == TYPE_V2;
        if number(0) != MAGIC || !(is_v2 || number(4) == 3) {
            return Err(BadJournalSuperblock::NoJournal);
        }
        let feature = |at| if is_v2 { number(at) } else { 0 };
        let incompat = feature(0x28);
        if incompat & !INCOMPAT_KNOWN != 0 {
            return Err(BadJournalSuperblock::Features(incompat & !INCOMPAT_KNOWN));
        }
        let checksums = if incompat & INCOMPAT_CSUM_V3 != 0 {
            Checksums::V3
        } else if incompat & INCOMPAT_CSUM_V2 != 0 {
            Checksums::V2
        } else if feature(0x24) & COMPAT_CHECKSUM != 0 {
            Checksums::V1
        } else {
            Checksums::None
        };
        if matches!(checksums, Checksums::V2 | Checksums::V3) {
            if bytes.get(0x50) != Some(&CRC32C) {
                return Err(BadJournalSuperblock::Features(incompat));
            }
            let mut zeroed = bytes.to_vec();
            if let Some(field) = zeroed.get_mut(CHECKSUM_AT) {
                field.fill(0);
            }
            if crc32c(!0, &zeroed) != number(CHECKSUM_AT.start) {
                return Err(BadJournalSuperblock::Checksum);
            }
        }
        let blocks = number(0x10);
        let has_fast_commits = incompat & INCOMPAT_FAST_COMMIT != 0;
        let end = match number(0x54) {
            _ if !has_fast_commits => blocks,
            0 => blocks.saturating_sub(FAST_COMMIT_BLOCKS),
            count => blocks.saturating_sub(count),
        };
        let found = Self {
            block_bytes: number(0x0c),
            blocks,
            first: number(0x14),
            end,
            sequence: number(0x18),
            start: number(0x1c),
            checksums,
            is_64bit: incompat & INCOMPAT_64BIT != 0,
            has_async_commit: incompat & INCOMPAT_ASYNC_COMMIT != 0,
            fast_commits_at: has_fast_commits.then(|| end.saturating_add(1)),
            seed: crc32c(!0, bytes.get(0x30..0x40).unwrap_or_default()),
        };
        let fits = found.block_bytes >= 1024
            && found.first >= 1
            && found.first < found.end
            && (found.start == 0 || (found.first..found.end).contains(&found.start));
        if fits {
            Ok(found)
        } else {
            Err(BadJournalSuperblock::Sizes)
        }
    }

    /// Bytes at the end of descriptor and revoke blocks that are their checksum.
    pub fn tail_bytes(&self) -> usize {
        match self.checksums {
            Checksums::V2 | Checksums::V3 => 4,
            Checksums::V1 | Checksums::None => 0,
        }
    }

    /// Whether the last four bytes of a descriptor or revoke block are its checksum, if it has one.
    pub fn is_tail_right(&self, block: &[u8]) -> bool {
        let tail = self.tail_bytes();
        let Some((body, stored)) = block.split_at_checked(block.len().saturating_sub(tail)) else {
            return false;
        };
        tail == 0 || be32_at(stored, 0) == Some(crc32c(crc32c(self.seed, body), &[0; 4]))
    }

    /// Whether a commit block's own checksum is right, if it has one.
    pub fn is_commit_right(&self, block: &[u8]) -> bool {
        const CHECKSUM: std::ops::Range<usize> = 0x10..0x14;
        if self.tail_bytes() == 0 {
            return true;
        }
        let mut zeroed = block.to_vec();
        if let Some(field) = zeroed.get_mut(CHECKSUM) {
            field.fill(0);
        }
        be32_at(block, CHECKSUM.start) == Some(crc32c(self.seed, &zeroed))
    }

    /// The checksum of a block of content in transaction `sequence`, as its tag stores it.
    pub fn content_checksum(&self, sequence: u32, block: &[u8]) -> u32 {
        let sum = crc32c(crc32c(self.seed, &sequence.to_be_bytes()), block);
        if self.checksums == Checksums::V2 {
            sum & 0xffff
        } else {
            sum
        }
    }
}

/// The kernel's crc32c: without the inversions that others put at both ends.
fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!seed, bytes)
}
