//! Windows: a disk cut into stretches small enough to be worked on at once.

use std::ops::Range;

use super::Chain;
use crate::format::{BlockNo, SectorNo};
use crate::image::{BlockEntry, Image};

/// Most sectors of a window in which something is held. Each sector can be a run of its own, of some 32 bytes in each of a few
/// lists, so a window costs a few MiB at worst, whatever the files say.
pub(crate) const WINDOW_SECTORS: u64 = 65_536;

/// Table entries of a link that are decoded ahead.
const ENTRIES_AHEAD: u64 = 8_192;

/// A stretch of sectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub sectors: Range<SectorNo>,
    /// True if by its table one of the links asked may hold something here; such a window has 65,536 sectors at most.
    pub held: bool,
}

/// Goes through the tables of some links and gives the windows of a range, in order and without a gap.
#[derive(Debug)]
pub struct Windows<'a> {
    cursors: Vec<TableCursor<'a>>,
    at: u64,
    end: u64,
}

impl<'a> Windows<'a> {
    /// Windows over `sectors`, by the tables of `links`. From its own end on, a link counts as holding (it hides what is below).
    pub(crate) fn new(links: impl IntoIterator<Item = &'a Image>, sectors: Range<u64>) -> Self {
        Self {
            cursors: links.into_iter().map(TableCursor::new).collect(),
            at: sectors.start,
            end: sectors.end,
        }
    }

    /// Whether something is held at `at`, and the sector up to which that is so at least.
    fn step(&mut self, at: u64) -> (bool, u64) {
        let mut end = self.end;
        let mut held = false;
        for cursor in &mut self.cursors {
            let (may_hold, until) = cursor.held_at(at);
            held |= may_hold;
            end = end.min(until);
        }
        (held, end)
    }
}

impl Iterator for Windows<'_> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let start = self.at;
        if start >= self.end {
            return None;
        }
        let (held, mut end) = self.step(start);
        let most = if held {
            start.saturating_add(WINDOW_SECTORS)
        } else {
            self.end
        };
        while end < most.min(self.end) {
            let (next, until) = self.step(end);
            if next != held || until <= end {
                break;
            }
            end = until;
        }
        self.at = end.min(most).max(start.saturating_add(1));
        Some(Window {
            sectors: SectorNo(start)..SectorNo(self.at),
            held,
        })
    }
}

/// A link's table, looked at from front to back.
#[derive(Debug)]
struct TableCursor<'a> {
    image: &'a Image,
    per_block: u64,
    sectors: u64,
    /// The blocks read last.
    read: Range<u64>,
    /// Those of them that are not absent; `None` if their entries could not be read.
    present: Option<Vec<(BlockNo, BlockEntry)>>,
}

impl<'a> TableCursor<'a> {
    fn new(image: &'a Image) -> Self {
        Self {
            image,
            per_block: image.sectors_per_block(),
            sectors: image.sectors(),
            read: 0..0,
            present: None,
        }
    }

    /// Whether the link may hold a sector, and the sector up to which that is so at least. A disk without blocks holds all.
    fn held_at(&mut self, sector: u64) -> (bool, u64) {
        if sector >= self.sectors {
            return (true, u64::MAX);
        }
        let block = sector.checked_div(self.per_block);
        // Of blocks without an entry nothing is known: whoever asks for their runs is told why.
        let Some(block) = block.filter(|block| *block < self.image.blocks_with_entry()) else {
            return (true, self.sectors);
        };
        let (held, until) = self.block(block);
        (held, until.saturating_mul(self.per_block).min(self.sectors))
    }

    fn block(&mut self, block: u64) -> (bool, u64) {
        if !self.read.contains(&block) {
            self.read_from(block);
        }
        let Some(present) = &self.present else {
            return (true, self.read.end);
        };
        let next = present.partition_point(|(known, _)| known.0 < block);
        match present.get(next) {
            Some((known, _)) if known.0 == block => (true, block.saturating_add(1)),
            Some((known, _)) => (false, known.0),
            None => (false, self.read.end),
        }
    }

    fn read_from(&mut self, block: u64) {
        let mut present = self.present.take().unwrap_or_default();
        let read = self
            .image
            .read_present(BlockNo(block), ENTRIES_AHEAD, &mut present, None);
        self.read = block..block.saturating_add(ENTRIES_AHEAD);
        match read {
            Ok(count) if count > 0 => {
                self.read.end = block.saturating_add(count);
                self.present = Some(present);
            }
            // Nothing is known of these blocks.
            Ok(_) | Err(_) => {}
        }
    }
}

impl Chain {
    /// The windows of a range (cut at the end of the disk) by the tables of all links.
    pub fn windows(&self, range: Range<SectorNo>) -> Windows<'_> {
        Windows::new(
            self.links().iter().map(AsRef::as_ref),
            range.start.0..range.end.0.min(self.sectors()),
        )
    }
}
