//! The ring of blocks of 512 bytes that a log is: where its live part begins and ends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::UnusableLog;
use super::record::{self, BLOCK_BYTES, LogRecord, LogRecordHeader};
use crate::guest::xfs::device::{XfsDevice, outside};

/// Most records in flight at once, of which the last may be torn.
const IN_FLIGHT: u64 = 8;
/// Blocks read at a time on the way back from the head.
const BACK_BLOCKS: u64 = 128;
/// Halvings of the log whose blocks are asked for together.
const HALVINGS_AHEAD: u32 = 4;
/// Blocks of records that are kept for when they are asked for again: 16 MiB.
const KEPT_BLOCKS: u64 = 32_768;

/// The log of a volume.
pub struct XfsLogRing<'a> {
    device: &'a XfsDevice,
    start_bytes: u64,
    blocks: u64,
    /// By where they begin.
    records: RefCell<HashMap<u64, Rc<LogRecord>>>,
    kept_blocks: Cell<u64>,
}

/// The part of a ring that is to be replayed: from the tail up to the head, blocks of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    tail: u64,
    head: u64,
}

impl<'a> XfsLogRing<'a> {
    pub fn new(device: &'a XfsDevice) -> Result<Self, UnusableLog> {
        let superblock = &device.superblock;
        let place = device
            .bytes_of(superblock.log_start, superblock.log_blocks.into())
            .ok_or_else(|| outside("the log", superblock.log_start))?;
        Ok(Self {
            device,
            start_bytes: place.start,
            blocks: place.end.saturating_sub(place.start) / BLOCK_BYTES,
            records: RefCell::default(),
            kept_blocks: Cell::default(),
        })
    }

    /// Reads blocks of the ring, around its end.
    fn read(&self, first: u64, count: u64) -> Result<Vec<u8>, UnusableLog> {
        const WHAT: &str = "the log";
        let before_end = self.blocks.saturating_sub(first).min(count);
        let mut bytes = Vec::new();
        for (from, blocks) in [(first, before_end), (0, count.saturating_sub(before_end))] {
            let len = usize::try_from(blocks.saturating_mul(BLOCK_BYTES)).unwrap_or(0);
            let at = from
                .saturating_mul(BLOCK_BYTES)
                .saturating_add(self.start_bytes);
            if len > 0 {
                bytes.extend(self.device.read(at, len, WHAT)?);
            }
        }
        Ok(bytes)
    }

    fn cycle(&self, block: u64) -> Result<u32, UnusableLog> {
        Ok(record::cycle(&self.read(block, 1)?))
    }

    /// The first block of `range` whose cycle is `cycle`, if they are all behind those of another.
    fn first_of(&self, mut from: u64, mut to: u64, cycle: u32) -> Result<u64, UnusableLog> {
        for step in 0.. {
            if from >= to {
                break;
            }
            if step % HALVINGS_AHEAD == 0 {
                self.announce_halvings(from, to, HALVINGS_AHEAD);
            }
            let middle = from.saturating_add(to) / 2;
            if self.cycle(middle)? == cycle {
                to = middle;
            } else {
                from = middle.saturating_add(1);
            }
        }
        Ok(to)
    }

    /// Says that the blocks which so many halvings of a range may come by will be read: all are waited for together.
    fn announce_halvings(&self, from: u64, to: u64, halvings: u32) {
        let Some(below) = halvings.checked_sub(1).filter(|_| from < to) else {
            return;
        };
        let middle = from.saturating_add(to) / 2;
        let at = middle.saturating_mul(BLOCK_BYTES);
        let at = at.saturating_add(self.start_bytes);
        self.device.source.will_read(at, BLOCK_BYTES);
        self.announce_halvings(from, middle, below);
        self.announce_halvings(middle.saturating_add(1), to, below);
    }

    /// Behind the block written last, as far as cycle numbers tell: blocks that were in flight may be missing before it.
    fn rough_head(&self) -> Result<Option<u64>, UnusableLog> {
        let last_block = self.blocks.saturating_sub(1);
        let (first, last) = (self.cycle(0)?, self.cycle(last_block)?);
        if first == 0 {
            return Ok(None);
        }
        if first == last {
            return Ok(Some(0));
        }
        self.first_of(0, last_block, last).map(Some)
    }

    /// What is to be replayed; `None` if the volume was unmounted, or its log never used.
    pub fn live(&self) -> Result<Option<Live>, UnusableLog> {
        let Some(rough) = self.rough_head()? else {
            return Ok(None);
        };
        let starts = self.records_before(rough)?;
        let mut last: Option<(LogRecordHeader, u64)> = None;
        for start in starts {
            let follows = last.as_ref().is_none_or(|(_, end)| *end == start);
            match self.record(start)?.filter(|_| follows) {
                Some(record) => {
                    let end = self.around(start, record.blocks());
                    last = Some((record.header.clone(), end));
                }
                // A hole among records in flight: what comes behind it does not count.
                None if last.is_some() => break,
                None => {}
            }
        }
        let (header, head) = last.ok_or(UnusableLog::NoRecord)?;
        if header.is_unmount(&self.operation(&header)?) {
            return Ok(None);
        }
        let tail = header.tail_block();
        if tail >= self.blocks {
            return Err(UnusableLog::Record(header.block()));
        }
        Ok((tail != head).then_some(Live { tail, head }))
    }

    fn around(&self, block: u64, count: u64) -> u64 {
        let sum = block.saturating_add(count);
        sum.checked_rem(self.blocks).unwrap_or(0)
    }

    /// The blocks with record headers before `head`, in order: as many as can have been in flight, and one more.
    fn records_before(&self, head: u64) -> Result<Vec<u64>, UnusableLog> {
        let mut starts = Vec::new();
        let mut back = 0u64;
        let mut most = self.blocks;
        while back < most {
            let count = BACK_BLOCKS.min(most.saturating_sub(back));
            back = back.saturating_add(count);
            let first = self.around(head, self.blocks.saturating_sub(back));
            let bytes = self.read(first, count)?;
            let blocks = bytes.chunks_exact(512).zip(0u64..);
            let mut found: Vec<(u64, Option<LogRecordHeader>)> = blocks
                .filter(|(block, _)| record::is_header(block))
                .map(|(block, index)| (self.around(first, index), LogRecordHeader::parse(block)))
                .collect();
            if starts.is_empty()
                && let Some((_, Some(header))) = found.last()
            {
                let span = header
                    .most_blocks()
                    .saturating_mul(IN_FLIGHT.saturating_add(1));
                most = most.min(back.saturating_add(span));
            }
            found.reverse();
            starts.extend(found.into_iter().map(|(start, _)| start));
            if starts.len() as u64 > IN_FLIGHT {
                break;
            }
        }
        starts.reverse();
        Ok(starts)
    }

    /// The record at a block, its data as stored; `None` if it is not whole.
    fn record(&self, start: u64) -> Result<Option<Rc<LogRecord>>, UnusableLog> {
        if let Some(record) = self.records.borrow().get(&start) {
            return Ok(Some(Rc::clone(record)));
        }
        let mut bytes = self.read(start, 1)?;
        let Some(header) = LogRecordHeader::parse(&bytes) else {
            return Ok(None);
        };
        let blocks = header.blocks();
        if header.block() != start || blocks > self.blocks {
            return Ok(None);
        }
        bytes.extend(self.read(self.around(start, 1), blocks.saturating_sub(1))?);
        let record = LogRecord::check(header, bytes).map(Rc::new);
        let kept = self.kept_blocks.get().saturating_add(blocks);
        if let Some(record) = record.as_ref().filter(|_| kept <= KEPT_BLOCKS) {
            self.kept_blocks.set(kept);
            self.records.borrow_mut().insert(start, Rc::clone(record));
        }
        Ok(record)
    }

    /// The first operation of a record, as it was before it was stored.
    fn operation(&self, header: &LogRecordHeader) -> Result<Vec<u8>, UnusableLog> {
        let record = self.record(header.block())?;
        let record = record.ok_or(UnusableLog::Record(header.block()))?;
        Ok(record.data())
    }

    /// Hands over the records of the live part in order.
    pub fn each_record(
        &self,
        live: &Live,
        each: &mut dyn FnMut(&LogRecord) -> Result<(), UnusableLog>,
    ) -> Result<(), UnusableLog> {
        let mut at = live.tail;
        let mut left = self.blocks;
        while at != live.head {
            let record = self.record(at)?.ok_or(UnusableLog::Record(at))?;
            each(&record)?;
            let blocks = record.blocks();
            left = left.checked_sub(blocks).ok_or(UnusableLog::Record(at))?;
            at = self.around(at, blocks);
        }
        Ok(())
    }
}
