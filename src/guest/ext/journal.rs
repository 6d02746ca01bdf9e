//! The journal of ext3 and ext4 (jbd2), replayed in memory as the kernel would at the next mount.
//!
//! ```text
//!  superblock ─► start, sequence ─► log: descriptor, content…, revoke, commit │ descriptor… │ (torn end: dropped)
//!                                       tags ──────────┬── revokes ──┘
//!                                                      ▼
//!                                  PatchedSource: block of the volume ─► block of the journal
//! ```
//!
//! Fast commits hold operations, not blocks, and are not replayed: a journal that ends in some is replayed up to them.

mod block;
mod superblock;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::device::ExtDevice;
use super::inode::ExtInode;
use super::map::{self, ExtExtent, ExtMapPart};
use crate::format::bytes::{be32_at, be64_at, u16_at, u32_at};
use crate::guest::extents::Extents;
use crate::guest::filesystem::GuestError;
use crate::job::Job;
use crate::source::{PatchedSource, PatchesFull, Source};
use block::{ESCAPED, HEADER_BYTES, Tag, block_type, revoked, tags};
use superblock::{BadJournalSuperblock, Checksums, JournalSuperblock};

const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const REVOKE: u32 = 5;
/// Where a commit block says when it was written: seconds since 1970.
const COMMIT_SECONDS_AT: usize = 0x30;
/// As much of a commit block as says so and when.
const COMMIT_HEAD_BYTES: usize = 64;
/// The checksum of kind 1 in commit blocks: CRC-32, four bytes.
const COMMIT_CRC32: [u8; 2] = [1, 4];
/// How fast commits begin, and where they name the transaction they follow.
const FAST_COMMIT_HEAD: u16 = 9;
const FAST_COMMIT_SEQUENCE_AT: usize = 8;

/// Why a journal cannot be replayed.
#[derive(Debug, Error)]
pub enum UnusableJournal {
    #[error("{0}")]
    Superblock(#[from] BadJournalSuperblock),
    #[error("{0}")]
    Volume(#[from] GuestError),
    #[error("it lies on another device")]
    Elsewhere,
    #[error("its blocks are of {journal} bytes, the volume's of {volume}")]
    BlockSize { journal: u32, volume: u32 },
    #[error("a block of transaction {sequence} has a wrong checksum")]
    Checksum { sequence: u32 },
    #[error("its last changes are fast commits, which are not read")]
    FastCommits,
    #[error("{0}")]
    Full(#[from] PatchesFull),
}

/// What a replay came to.
pub struct ExtReplay {
    /// `None` if there was nothing to lay over the volume.
    pub patched: Option<PatchedSource<Arc<dyn Source>>>,
    /// Why the last changes are missing all the same.
    pub cut: Option<UnusableJournal>,
    /// When the last transaction was committed.
    pub last_commit: Option<Timestamp>,
}

/// Replays the journal of a volume that was not unmounted.
pub fn replay(device: &ExtDevice) -> Result<ExtReplay, UnusableJournal> {
    let journal = ExtJournal::open(device)?;
    let (transactions, next, last_commit) = journal.committed()?;
    let patched = match transactions.as_slice() {
        [] => None,
        all => Some(journal.lay(all)?),
    };
    let cut = journal.is_followed_by_fast_commits(next)?;
    Ok(ExtReplay {
        patched,
        cut: cut.then_some(UnusableJournal::FastCommits),
        last_commit: commit_time(last_commit),
    })
}

/// Tells when the transactions were committed whose commit blocks only the later state of a journal holds.
pub fn later_commits(
    before: &ExtDevice,
    after: &ExtDevice,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Timestamp),
) {
    let Ok(journal) = ExtJournal::open(after) else {
        return;
    };
    let block_bytes = u64::from(after.superblock.block_bytes).max(1);
    for run in &journal.runs {
        let place = after.byte_of(run.block)..after.byte_of(run.block.saturating_add(run.count));
        for part in written.within(&place) {
            let mut at = part.start.next_multiple_of(block_bytes);
            while at < part.end && !job.cancel.is_cancelled() {
                let head = |device: &ExtDevice| {
                    let mut head = [0; COMMIT_HEAD_BYTES];
                    let read = device.source.read_exact_at(&mut head, at);
                    read.is_ok().then_some(head)
                };
                let is_commit = |head: &[u8; COMMIT_HEAD_BYTES]| {
                    be32_at(head, 8)
                        .is_some_and(|sequence| block_type(head, sequence) == Some(COMMIT))
                };
                if let Some(new) = head(after).filter(is_commit)
                    && head(before) != Some(new)
                {
                    let seconds = be64_at(&new, COMMIT_SECONDS_AT).unwrap_or(0);
                    commit_time(seconds).into_iter().for_each(&mut *each);
                }
                at = at.saturating_add(block_bytes);
            }
        }
    }
}

/// `None` if there was none.
fn commit_time(seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|at| *at > 0)?;
    Timestamp::from_second(seconds).ok()
}

struct ExtJournal<'a> {
    device: &'a ExtDevice,
    runs: Vec<ExtExtent>,
    superblock: JournalSuperblock,
}

/// A transaction with its commit block.
#[derive(Debug, Default)]
struct Transaction {
    sequence: u32,
    /// Tags, and the block of the journal with the content.
    content: Vec<(Tag, u32)>,
    revoked: Vec<u64>,
}

impl<'a> ExtJournal<'a> {
    fn open(device: &'a ExtDevice) -> Result<Self, UnusableJournal> {
        let number = device.superblock.journal_inode;
        if number == 0 {
            return Err(UnusableJournal::Elsewhere);
        }
        let bytes = device.inode_bytes(number)?.unwrap_or_default();
        let inode = ExtInode::parse(number, &bytes).ok_or(BadJournalSuperblock::NoJournal)?;
        let mut runs = Vec::new();
        map::walk(device, &inode.data, &mut |mapped| {
            if let ExtMapPart::Blocks(blocks) = mapped {
                runs.push(blocks);
            }
            ControlFlow::Continue(())
        })?;
        let mut journal = Self {
            device,
            runs,
            superblock: JournalSuperblock::default(),
        };
        let superblock = JournalSuperblock::parse(&journal.block(0)?)?;
        let volume = device.superblock.block_bytes;
        if superblock.block_bytes != volume {
            let journal = superblock.block_bytes;
            return Err(UnusableJournal::BlockSize { journal, volume });
        }
        journal.superblock = superblock;
        Ok(journal)
    }

    /// The block of the volume that holds a block of the journal.
    fn place(&self, block: u32) -> Result<u64, GuestError> {
        let block = u64::from(block);
        let after = self.runs.partition_point(|run| run.at <= block);
        let run = after.checked_sub(1).and_then(|index| self.runs.get(index));
        run.and_then(|run| Some((run, block.checked_sub(run.at)?)))
            .filter(|(run, skip)| *skip < run.count)
            .map(|(run, skip)| run.block.saturating_add(skip))
            .ok_or_else(|| GuestError::damaged("the journal", 0, "a block of it", "a hole"))
    }

    fn block(&self, block: u32) -> Result<Vec<u8>, GuestError> {
        self.device.block(self.place(block)?, "the journal")
    }

    /// The block after `block`, around the end.
    fn next(&self, block: u32) -> u32 {
        let next = block.saturating_add(1);
        if next >= self.superblock.end {
            self.superblock.first
        } else {
            next
        }
    }

    /// All transactions from the start of the log that were committed (the kernel's passes 1 and 2), the number of the one
    /// that would follow, and when the last was committed.
    fn committed(&self) -> Result<(Vec<Transaction>, u32, u64), UnusableJournal> {
        let mut all = Vec::new();
        let mut open = Transaction {
            sequence: self.superblock.sequence,
            ..Transaction::default()
        };
        let mut at = self.superblock.start;
        let mut left = self.superblock.end.saturating_sub(self.superblock.first);
        let mut crc = Crc32::new();
        let mut is_doubtful = false;
        let mut last_commit = 0;
        while at != 0 && left > 0 {
            let block = self.block(at)?;
            let Some(kind) = block_type(&block, open.sequence) else {
                break;
            };
            at = self.next(at);
            left = left.saturating_sub(1);
            match kind {
                DESCRIPTOR => {
                    is_doubtful |= !self.superblock.is_tail_right(&block);
                    crc.add(&block);
                    for tag in tags(&self.superblock, &block) {
                        if self.superblock.checksums == Checksums::V1 {
                            crc.add(&self.block(at)?);
                        }
                        open.content.push((tag, at));
                        at = self.next(at);
                        left = left.saturating_sub(1);
                    }
                }
                REVOKE => {
                    is_doubtful |= !self.superblock.is_tail_right(&block);
                    open.revoked.extend(revoked(&self.superblock, &block));
                }
                COMMIT => {
                    let committed = be64_at(&block, COMMIT_SECONDS_AT).unwrap_or(0);
                    let is_right = !is_doubtful && self.is_commit_right(&block, &crc);
                    if !is_right {
                        // An older block may stand where the log ended; later than the last commit, it is a damaged one.
                        if is_doubtful && committed >= last_commit {
                            let sequence = open.sequence;
                            return Err(UnusableJournal::Checksum { sequence });
                        }
                        break;
                    }
                    last_commit = committed;
                    crc = Crc32::new();
                    let sequence = open.sequence.wrapping_add(1);
                    let next = Transaction {
                        sequence,
                        ..Transaction::default()
                    };
                    all.push(std::mem::replace(&mut open, next));
                }
                _ => break,
            }
        }
        Ok((all, open.sequence, last_commit))
    }

    fn is_commit_right(&self, block: &[u8], crc: &Crc32) -> bool {
        if self.superblock.checksums != Checksums::V1 {
            return self.superblock.is_commit_right(block);
        }
        let kind = block.get(HEADER_BYTES..).and_then(<[u8]>::first_chunk);
        let stored = be32_at(block, 0x10).unwrap_or(0);
        match kind {
            Some([0, 0]) => stored == 0,
            Some(kind) => *kind == COMMIT_CRC32 && stored == crc.0,
            None => false,
        }
    }

    fn is_followed_by_fast_commits(&self, sequence: u32) -> Result<bool, UnusableJournal> {
        let at = self.superblock.fast_commits_at;
        let Some(at) = at.filter(|at| *at < self.superblock.blocks) else {
            return Ok(false);
        };
        let block = self.block(at)?;
        Ok(u16_at(&block, 0) == Some(FAST_COMMIT_HEAD)
            && u32_at(&block, FAST_COMMIT_SEQUENCE_AT) == Some(sequence))
    }

    /// Lays the content of transactions over the volume (the kernel's pass 3). A block that a later transaction, or the
    /// same, revoked is left out.
    fn lay(&self, all: &[Transaction]) -> Result<PatchedSource<Arc<dyn Source>>, UnusableJournal> {
        let mut revoked = HashMap::new();
        for (order, transaction) in all.iter().enumerate() {
            for block in &transaction.revoked {
                revoked.insert(*block, order);
            }
        }
        let mut patched = PatchedSource::new(Arc::clone(&self.device.source));
        for (order, transaction) in all.iter().enumerate() {
            for (tag, stored) in &transaction.content {
                if revoked.get(&tag.block).is_some_and(|until| *until >= order) {
                    continue;
                }
                self.lay_block(&mut patched, transaction.sequence, tag, *stored)?;
            }
        }
        Ok(patched)
    }

    fn lay_block(
        &self,
        patched: &mut PatchedSource<Arc<dyn Source>>,
        sequence: u32,
        tag: &Tag,
        stored: u32,
    ) -> Result<(), UnusableJournal> {
        if self.superblock.tail_bytes() > 0 {
            let content = self.block(stored)?;
            if self.superblock.content_checksum(sequence, &content) != tag.checksum {
                return Err(UnusableJournal::Checksum { sequence });
            }
        }
        if tag.block >= self.device.superblock.blocks {
            let found = tag.block;
            let error = GuestError::damaged("the journal", 0, "a block of the volume", found);
            return Err(error.into());
        }
        let to = self.device.byte_of(tag.block);
        let from = self.device.byte_of(self.place(stored)?);
        patched.lay_stored(to, from, self.superblock.block_bytes.into())?;
        if tag.is_escaped {
            patched.lay_bytes(to, &ESCAPED)?;
        }
        Ok(())
    }
}

/// The checksum over a whole transaction: CRC-32 with the highest bit first, without inversions.
struct Crc32(u32);

impl Crc32 {
    fn new() -> Self {
        Self(!0)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                let carry = if self.0 >> 31 == 1 { 0x04c1_1db7 } else { 0 };
                self.0 = self.0 << 1 ^ carry;
            }
        }
    }
}
