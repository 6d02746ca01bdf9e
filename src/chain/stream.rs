//! Everything in order: the whole merged content, read by two threads ahead of the taker.

use std::ops::{ControlFlow, Range};

use super::{
    BadBytes, Chain, ChainError, Content, Fetch, OwnedRun, ReadFault, Resolver, Unknown, Windows,
};
use crate::format::SectorNo;
use crate::job::{Job, run_pipeline};

/// Bytes of a piece: large enough that a cold disk reads ahead, small enough that two threads' pieces stay in the cache.
const PIECE_BYTES: usize = 1 << 20;

/// Slices of zeros handed to the sink are this long at most.
const ZERO_BYTES: usize = 256 << 10;

/// Faults kept in a summary; the count goes on.
const FAULTS_KEPT: usize = 64;

/// Threads that read ahead, and slots they share with the taker.
const THREADS: usize = 2;
const SLOTS: usize = 6;

/// What to do where content cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// Stop with the error.
    Stop,
    /// Put zeros there, report it, and go on.
    Zeros,
}

/// What came of reading everything.
#[derive(Debug, Default)]
pub struct ReadSummary {
    /// Bytes handed to the sink.
    pub bytes: u64,
    /// Sectors that could not be read and are zeros in what the sink got.
    pub unreadable: u64,
    /// Why, in order; the first 64.
    pub faults: Vec<ReadFault>,
    /// False if it was cancelled.
    pub complete: bool,
}

#[derive(Debug)]
struct Slot {
    first: u64,
    bytes: u64,
    /// All of it zeros, of any length; `buf` is not used.
    zeros: bool,
    buf: Vec<u8>,
    fetch: Fetch,
    unknown: Vec<(Range<u64>, Unknown)>,
    table_faults: Vec<ReadFault>,
    bad: Vec<BadBytes>,
}

impl Chain {
    /// Hands the whole content to `sink`, in order, in slices of up to 1 MiB. Progress counts bytes of the disk.
    ///
    /// Zeros are handed over without a read. Memory: 6 MiB of buffers and what a window needs (some MiB).
    /// A cancel stops between pieces; the summary is then not complete.
    ///
    /// # Errors
    /// With [`OnFault::Stop`] the first sector that cannot be read; nothing from its piece on was handed over.
    pub fn read_all(
        &self,
        job: &Job,
        on_fault: OnFault,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadSummary, ChainError> {
        let all = SectorNo(0)..SectorNo(self.sectors());
        self.read_range(all, job, on_fault, sink)
    }

    /// As [`Chain::read_all`], for a range of sectors, which is cut at the end of the disk.
    ///
    /// # Errors
    /// As [`Chain::read_all`].
    pub fn read_range(
        &self,
        range: Range<SectorNo>,
        job: &Job,
        on_fault: OnFault,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<ReadSummary, ChainError> {
        let sector_size = u64::from(self.sector_size());
        let end = range.end.0.min(self.sectors());
        let total = end
            .saturating_sub(range.start.0)
            .saturating_mul(sector_size);
        job.progress.expect(total);
        let slots = (0..SLOTS)
            .map(|_| Slot {
                first: 0,
                bytes: 0,
                zeros: false,
                buf: vec![0; PIECE_BYTES],
                fetch: Fetch::default(),
                unknown: Vec::new(),
                table_faults: Vec::new(),
                bad: Vec::new(),
            })
            .collect();
        let mut planner = Planner {
            chain: self,
            windows: self.windows(range.start..SectorNo(end)),
            resolver: Resolver::default(),
            runs: Vec::new(),
            next: 0,
        };
        let mut summary = ReadSummary::default();
        let mut stopped = None;
        let zeros = vec![0_u8; ZERO_BYTES];
        run_pipeline(
            slots,
            THREADS,
            |slot| !job.cancel.is_cancelled() && planner.plan(slot),
            |slot| slot.fetch.run(self, &mut slot.buf, &mut slot.bad),
            |slot| {
                for fault in self.faults_of(slot) {
                    if on_fault == OnFault::Stop {
                        stopped = Some(fault.error);
                        return ControlFlow::Break(());
                    }
                    summary.unreadable = summary.unreadable.saturating_add(fault.count);
                    if summary.faults.len() < FAULTS_KEPT {
                        summary.faults.push(fault);
                    }
                }
                let mut left = slot.bytes;
                while left > 0 && !job.cancel.is_cancelled() {
                    let source = if slot.zeros { &zeros } else { &slot.buf };
                    let take = usize::try_from(left)
                        .unwrap_or(usize::MAX)
                        .min(source.len());
                    let bytes = source.get(..take).unwrap_or_default();
                    sink(bytes);
                    left = left.saturating_sub(take as u64);
                    summary.bytes = summary.bytes.saturating_add(take as u64);
                    job.progress.advance(take as u64);
                }
                if left > 0 {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        );
        if let Some(error) = stopped {
            return Err(error);
        }
        summary.complete = summary.bytes == total;
        Ok(summary)
    }

    /// What could not be read in a slot, by sector.
    fn faults_of(&self, slot: &mut Slot) -> Vec<ReadFault> {
        if slot.unknown.is_empty() && slot.bad.is_empty() {
            return Vec::new();
        }
        let sector_size = u64::from(self.sector_size());
        let sectors = |bytes: usize| (bytes as u64).checked_div(sector_size).unwrap_or(0);
        let mut faults: Vec<ReadFault> = Vec::new();
        for (range, unknown) in slot.unknown.drain(..) {
            let told = slot.table_faults.iter().position(|fault| {
                fault.sector.0 <= range.start
                    && range.start < fault.sector.0.saturating_add(fault.count)
            });
            faults.push(ReadFault {
                sector: SectorNo(range.start),
                count: range.end.saturating_sub(range.start),
                error: match told {
                    Some(told) => slot.table_faults.swap_remove(told).error,
                    None => self.unknown(unknown, SectorNo(range.start)),
                },
            });
        }
        for bad in slot.bad.drain(..) {
            let sector = SectorNo(slot.first.saturating_add(sectors(bad.at.start)));
            faults.push(ReadFault {
                sector,
                count: sectors(bad.at.len()),
                error: ChainError::Read {
                    file: self.name(bad.link),
                    sector,
                    at_bytes: bad.offset_bytes,
                    source: bad.error,
                },
            });
        }
        faults.sort_by_key(|fault| fault.sector);
        faults
    }
}

/// Cuts the runs of window after window into slots.
struct Planner<'a> {
    chain: &'a Chain,
    windows: Windows<'a>,
    resolver: Resolver,
    runs: Vec<OwnedRun>,
    /// The run to go on with; its head may be gone already.
    next: usize,
}

impl Planner<'_> {
    /// Fills a slot's list of reads; false at the end.
    fn plan(&mut self, slot: &mut Slot) -> bool {
        let sector_size = u64::from(self.chain.sector_size());
        slot.bytes = 0;
        slot.zeros = false;
        slot.fetch.clear();
        slot.unknown.clear();
        slot.bad.clear();
        slot.table_faults.clear();
        let room = (PIECE_BYTES as u64).checked_div(sector_size).unwrap_or(0);
        let mut planned = 0_u64;
        while planned < room {
            let Some(run) = self.current(slot) else {
                break;
            };
            if planned == 0 {
                slot.first = run.first.0;
            }
            let content = run.content();
            let long_zeros = content == Content::Zeros && run.count >= room;
            if long_zeros && planned > 0 {
                break;
            }
            if long_zeros {
                slot.zeros = true;
                slot.bytes = run.count.saturating_mul(sector_size);
                self.consume(run.count);
                return true;
            }
            let count = run.count.min(room.saturating_sub(planned));
            let at = usize::try_from(planned.saturating_mul(sector_size)).unwrap_or(usize::MAX);
            let len = usize::try_from(count.saturating_mul(sector_size)).unwrap_or(usize::MAX);
            if let Content::Bytes { link, offset_bytes } = content {
                slot.fetch.push(link, offset_bytes, at, len);
            } else if let Some(bytes) = slot.buf.get_mut(at..at.saturating_add(len)) {
                bytes.fill(0);
            }
            if let Content::Unknown(unknown) = content {
                let end = run.first.0.saturating_add(count);
                slot.unknown.push((run.first.0..end, unknown));
            }
            planned = planned.saturating_add(count);
            self.consume(count);
        }
        slot.bytes = planned.saturating_mul(sector_size);
        planned > 0
    }

    /// The run to go on with, from the next window if need be.
    fn current(&mut self, slot: &mut Slot) -> Option<OwnedRun> {
        while self.runs.get(self.next).is_none() {
            let window = self.windows.next()?;
            self.resolver
                .start(window.sectors.start.0..window.sectors.end.0);
            if window.held {
                self.resolver.ask(self.chain, 0..self.chain.links().len());
            }
            self.resolver.finish(self.chain, &mut self.runs);
            slot.table_faults.append(&mut self.resolver.faults);
            self.next = 0;
        }
        self.runs.get(self.next).copied()
    }

    /// Drops the first `count` sectors of the current run.
    fn consume(&mut self, count: u64) {
        let sector_size = self.chain.sector_size();
        if let Some(run) = self.runs.get_mut(self.next) {
            if count >= run.count {
                self.next = self.next.saturating_add(1);
            } else {
                run.drop_first(count, sector_size);
            }
        }
    }
}
