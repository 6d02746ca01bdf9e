//! Exact counts of one disk, from its table and bitmaps alone.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::bitmap::count_ones;
use super::{Image, Layout, TableAudit, codes, gather};
use crate::finding::Finding;
use crate::format::{BlockNo, FormatError};
use crate::image::{BlockEntry, BlockState};
use crate::job::Job;

/// Blocks whose entries are read at a time.
const WINDOW: u64 = 65_536;

/// Blocks by state and dirty sectors of one disk. In JSON the blocks are an object of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Blocks of the disk.
    pub total: u64,
    /// Every sector held.
    pub full: u64,
    /// Some sectors held (or none, where a block is allocated and no bit is set).
    pub partial: u64,
    pub zero: u64,
    pub unmapped: u64,
    pub absent: u64,
    /// Entries that cannot be right, and blocks whose bitmap could not be read.
    #[serde(default)]
    pub error: u64,
    /// Sectors the disk answers for itself, those of zero and unmapped blocks included; meaningful for differencing disks.
    #[serde(skip)]
    pub dirty_sectors: u64,
    /// What is wrong with the table.
    #[serde(skip)]
    pub findings: Vec<Finding>,
    /// False if the count was cancelled or something could not be read.
    #[serde(skip)]
    pub complete: bool,
}

/// A run of blocks of one state, bitmaps looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateRun {
    pub first: BlockNo,
    /// Number of blocks.
    pub count: u64,
    pub state: BlockState,
}

/// Called with each run of blocks.
pub type RunVisitor<'a> = &'a mut dyn FnMut(StateRun);

impl Image {
    /// Counts blocks by state and dirty sectors, exactly: the table is read once, in windows, and of each partial block
    /// the bitmap, many at once where there are many. `visit` gets the states as runs in block order, without gaps; a
    /// partial block whose every sector is held is full. A disk without blocks has no runs.
    ///
    /// Progress is in blocks. After a cancel the counts are those of the windows done, and not complete.
    pub fn count(&self, job: &Job, visit: Option<RunVisitor<'_>>) -> Counts {
        let total = self.header.blocks;
        let known = self.blocks_with_entry();
        let mut tally = Tally {
            counts: Counts {
                total,
                complete: known == total && !matches!(self.layout, Layout::Unknown),
                ..Counts::default()
            },
            run: None,
            visit,
        };
        job.progress.expect(total);
        let mut audit = TableAudit::default();
        let mut entries = Vec::new();
        let mut first = 0_u64;
        while first < known {
            if job.cancel.is_cancelled() {
                tally.counts.complete = false;
                break;
            }
            let window = known.saturating_sub(first).min(WINDOW);
            let read = self.read_present(BlockNo(first), window, &mut entries, Some(&mut audit));
            let answered = match read {
                Ok(answered) => {
                    let blocks = first..first.saturating_add(answered);
                    if !self.count_window(blocks, &entries, job, &mut audit, &mut tally) {
                        tally.counts.complete = false;
                        break;
                    }
                    answered
                }
                Err(error) => {
                    tally.counts.complete = false;
                    audit.note(&codes::TABLE_UNREADABLE, BlockNo(first), || {
                        let at = match &error {
                            FormatError::Read { at_bytes, .. } => Some(*at_bytes),
                            FormatError::Invalid(refusal) => refusal.finding.at,
                        };
                        Finding {
                            at,
                            ..Finding::new(&codes::TABLE_UNREADABLE, error.to_string())
                        }
                    });
                    0
                }
            };
            // What the table did not answer for is not known.
            let answered = answered.min(window);
            let from = first.saturating_add(answered);
            tally.add(from, window.saturating_sub(answered), BlockState::Error, 0);
            job.progress.advance(window);
            first = first.saturating_add(window);
        }
        if first >= known {
            let rest = total.saturating_sub(known);
            tally.add(known, rest, BlockState::Error, 0);
            job.progress.advance(rest);
        }
        tally.finish(audit)
    }

    /// Counts one window, of which all blocks but those `present` are absent; false if a cancel cut it short, and then nothing of it is counted.
    fn count_window(
        &self,
        blocks: Range<u64>,
        present: &[(BlockNo, BlockEntry)],
        job: &Job,
        audit: &mut TableAudit,
        tally: &mut Tally<'_>,
    ) -> bool {
        let order = self.header.format.rules().bit_order;
        let held = gather::bitmaps(
            &*self.source,
            present.iter().map(|(_, entry)| entry),
            self.bitmap_bytes(),
            &job.cancel,
            |index, bytes| {
                let (block, _) = present.get(index)?;
                bytes.map(|bytes| count_ones(bytes, order, self.sectors_of_block(block.0)))
            },
        );
        if job.cancel.is_cancelled() {
            return false;
        }
        let mut held = held.into_iter();
        let mut next = blocks.start;
        for (block, entry) in present {
            let block = block.0;
            tally.add(next, block.saturating_sub(next), BlockState::Absent, 0);
            next = block.saturating_add(1);
            let sectors = self.sectors_of_block(block);
            let (state, dirty) = match entry.state {
                BlockState::Partial => match held.next().and_then(|(_, held)| held) {
                    Some(held) if held == sectors => (BlockState::Full, held),
                    Some(held) => (BlockState::Partial, held),
                    None => {
                        tally.counts.complete = false;
                        audit.note(&codes::BITMAP_UNREADABLE, BlockNo(block), || {
                            Finding::new(
                                &codes::BITMAP_UNREADABLE,
                                format!("the bitmap of block {block} could not be read"),
                            )
                            .at(entry.bitmap_offset)
                        });
                        (BlockState::Error, 0)
                    }
                },
                state @ (BlockState::Full | BlockState::Zero | BlockState::Unmapped) => {
                    (state, sectors)
                }
                state @ (BlockState::Absent | BlockState::Error) => (state, 0),
            };
            tally.add(block, 1, state, dirty);
        }
        let rest = blocks.end.saturating_sub(next);
        tally.add(next, rest, BlockState::Absent, 0);
        true
    }
}

/// Sums up states and joins them to runs.
struct Tally<'a> {
    counts: Counts,
    run: Option<StateRun>,
    visit: Option<RunVisitor<'a>>,
}

impl Tally<'_> {
    fn add(&mut self, first: u64, count: u64, state: BlockState, dirty: u32) {
        if count == 0 {
            return;
        }
        let counts = &mut self.counts;
        let of_state = match state {
            BlockState::Absent => &mut counts.absent,
            BlockState::Full => &mut counts.full,
            BlockState::Partial => &mut counts.partial,
            BlockState::Zero => &mut counts.zero,
            BlockState::Unmapped => &mut counts.unmapped,
            BlockState::Error => &mut counts.error,
        };
        *of_state = of_state.saturating_add(count);
        counts.dirty_sectors = counts.dirty_sectors.saturating_add(u64::from(dirty));
        match &mut self.run {
            Some(run) if run.state == state => run.count = run.count.saturating_add(count),
            _ => {
                self.flush();
                self.run = Some(StateRun {
                    first: BlockNo(first),
                    count,
                    state,
                });
            }
        }
    }

    fn flush(&mut self) {
        if let (Some(run), Some(visit)) = (self.run.take(), &mut self.visit) {
            visit(run);
        }
    }

    fn finish(mut self, audit: TableAudit) -> Counts {
        self.flush();
        self.counts.findings = audit.finish();
        self.counts
    }
}
