//! Windows: a disk cut into stretches small enough to be worked on at once.

use std::ops::Range;

use super::Chain;
use crate::format::{BlockNo, SectorNo};
use crate::image::{BlockEntry, BlockState, Image};

/// Most sectors of a window in which something is held. Each sector can be a run of its own, of some 32 bytes in each of a few
/// lists, so a window costs a few MiB at worst, whatever the files say.
pub(crate) const WINDOW_SECTORS: u64 = 65_536;

/// Table entries of a link that are decoded ahead.
const ENTRIES_AHEAD: usize = 8_192;

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
            let (state, until) = cursor.state_at(at);
            held |= state != BlockState::Absent;
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
    first: u64,
    entries: Vec<BlockEntry>,
}

impl<'a> TableCursor<'a> {
    fn new(image: &'a Image) -> Self {
        Self {
            image,
            per_block: image.sectors_per_block(),
            sectors: image.sectors(),
            first: 0,
            entries: Vec::new(),
        }
    }

    /// The state of the block that holds a sector, and the sector after that block. A disk without blocks is one full block.
    fn state_at(&mut self, sector: u64) -> (BlockState, u64) {
        if sector >= self.sectors {
            return (BlockState::Zero, u64::MAX);
        }
        if self.image.header().blocks == 0 {
            return (BlockState::Full, self.sectors);
        }
        let Some(block) = sector.checked_div(self.per_block) else {
            return (BlockState::Full, self.sectors);
        };
        let until = block
            .saturating_add(1)
            .saturating_mul(self.per_block)
            .min(self.sectors);
        (self.state(block), until)
    }

    fn state(&mut self, block: u64) -> BlockState {
        if let Some(entry) = self.known(block) {
            return entry.state;
        }
        self.first = block;
        let read = self
            .image
            .read_table(BlockNo(block), ENTRIES_AHEAD, &mut self.entries, None);
        if read.is_err() {
            // Nothing is known of these blocks; whoever asks for their runs is told why.
            self.entries.clear();
            self.entries.resize(
                ENTRIES_AHEAD,
                BlockEntry {
                    state: BlockState::Error,
                    ..BlockEntry::default()
                },
            );
        }
        self.known(block)
            .map_or(BlockState::Error, |entry| entry.state)
    }

    fn known(&self, block: u64) -> Option<BlockEntry> {
        let index = usize::try_from(block.checked_sub(self.first)?).ok()?;
        self.entries.get(index).copied()
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
