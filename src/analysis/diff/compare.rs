//! The content of both sides, compared in place.

use crate::analysis::diff::{DiffKind, DiffRun};
use crate::chain::{BadBytes, Chain, ChainError, Fetch, ReadFault};
use crate::format::SectorNo;

/// Slices that are compared at once; only where one differs, sector by sector.
const SLICE_BYTES: usize = 64 << 10;

/// What a side that is zeros is compared with.
static ZEROS: [u8; SLICE_BYTES] = [0; SLICE_BYTES];

/// Where a slot has the content of one side of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotSide {
    /// In the side's buffer, from here on.
    At(usize),
    Zeros,
    /// Nothing is known.
    Unknown,
}

/// Sectors to compare, their bytes placed in a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) left: SlotSide,
    pub(super) right: SlotSide,
}

/// Pieces whose bytes are read and compared in one go, and the reads they need.
#[derive(Debug, Default)]
pub(super) struct Portion {
    pub(super) pieces: Vec<Placed>,
    pub(super) left_fetch: Fetch,
    pub(super) right_fetch: Fetch,
}

/// Portions that lie in a row, the buffers their bytes are read into one after the other, and what came of comparing them.
/// Reused from turn to turn.
#[derive(Debug)]
pub(super) struct CompareSlot {
    pub(super) portions: Vec<Portion>,
    buffers: Buffers,
    pub(super) runs: Vec<DiffRun>,
    /// Why sectors could not be read.
    pub(super) faults: Vec<ReadFault>,
    /// Tables that could not be read while this slot was planned.
    pub(super) table_faults: Vec<ReadFault>,
    /// What this slot adds to the progress.
    pub(super) progress_bytes: u64,
}

/// The bytes of both sides of a portion, and which of them could not be read.
#[derive(Debug)]
struct Buffers {
    left: Vec<u8>,
    right: Vec<u8>,
    left_bad: Vec<BadBytes>,
    right_bad: Vec<BadBytes>,
}

impl CompareSlot {
    /// A slot whose portions have at most `bytes` bytes of each side.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            portions: Vec::new(),
            buffers: Buffers {
                left: vec![0; bytes],
                right: vec![0; bytes],
                left_bad: Vec::new(),
                right_bad: Vec::new(),
            },
            runs: Vec::new(),
            faults: Vec::new(),
            table_faults: Vec::new(),
            progress_bytes: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.portions.clear();
        self.runs.clear();
        self.faults.clear();
        self.table_faults.clear();
        self.progress_bytes = 0;
    }

    /// Reads both sides and compares them into `runs`.
    pub(super) fn work(&mut self, left: &Chain, right: &Chain) {
        Fetch::announce(self.portions.iter().map(|of| &of.left_fetch), left);
        Fetch::announce(self.portions.iter().map(|of| &of.right_fetch), right);
        let sector_bytes = usize::try_from(left.sector_size()).unwrap_or(512).max(1);
        for portion in &self.portions {
            self.buffers.read(portion, left, right);
            for piece in &portion.pieces {
                self.buffers.compare(*piece, sector_bytes, &mut self.runs);
            }
            self.buffers
                .explain_bad(portion, left, right, sector_bytes, &mut self.faults);
        }
        self.faults.append(&mut self.table_faults);
        self.faults.sort_by_key(|fault| fault.sector);
    }
}

impl Buffers {
    fn read(&mut self, portion: &Portion, left: &Chain, right: &Chain) {
        self.left_bad.clear();
        self.right_bad.clear();
        portion
            .left_fetch
            .run(left, &mut self.left, &mut self.left_bad);
        portion
            .right_fetch
            .run(right, &mut self.right, &mut self.right_bad);
    }

    fn compare(&self, piece: Placed, sector_bytes: usize, runs: &mut Vec<DiffRun>) {
        if piece.left == SlotSide::Unknown || piece.right == SlotSide::Unknown {
            push(runs, piece.first, piece.count, DiffKind::Unreadable);
        } else if piece.left == SlotSide::Zeros && piece.right == SlotSide::Zeros {
            push(runs, piece.first, piece.count, DiffKind::Same);
        } else {
            self.compare_bytes(piece, sector_bytes, runs);
        }
    }

    fn compare_bytes(&self, piece: Placed, sector_bytes: usize, runs: &mut Vec<DiffRun>) {
        let slice_bytes = SLICE_BYTES
            .checked_div(sector_bytes)
            .unwrap_or(1)
            .max(1)
            .saturating_mul(sector_bytes);
        let mut left_bytes = usize::try_from(piece.count)
            .unwrap_or(usize::MAX)
            .saturating_mul(sector_bytes);
        let mut done = 0_usize;
        let mut sector = piece.first;
        while left_bytes > 0 {
            let take = left_bytes.min(slice_bytes);
            let left = slice_of(piece.left, &self.left, done, take);
            let right = slice_of(piece.right, &self.right, done, take);
            let is_bad = is_bad(piece.left, &self.left_bad, done, take)
                || is_bad(piece.right, &self.right_bad, done, take);
            let sectors = (take as u64).checked_div(sector_bytes as u64).unwrap_or(0);
            if !is_bad && left == right {
                push(runs, sector, sectors, DiffKind::Same);
            } else {
                let pairs = left
                    .chunks_exact(sector_bytes)
                    .zip(right.chunks_exact(sector_bytes));
                for (nth, (one, other)) in pairs.enumerate() {
                    let at = done.saturating_add(nth.saturating_mul(sector_bytes));
                    let kind = if self::is_bad(piece.left, &self.left_bad, at, sector_bytes)
                        || self::is_bad(piece.right, &self.right_bad, at, sector_bytes)
                    {
                        DiffKind::Unreadable
                    } else if one == other {
                        DiffKind::Same
                    } else if ZEROS.starts_with(one) {
                        DiffKind::Zeroed
                    } else {
                        DiffKind::Changed
                    };
                    push(runs, sector.saturating_add(nth as u64), 1, kind);
                }
            }
            sector = sector.saturating_add(sectors);
            done = done.saturating_add(take);
            left_bytes = left_bytes.saturating_sub(take);
        }
    }

    /// Turns failed reads into faults that name the sector.
    fn explain_bad(
        &mut self,
        portion: &Portion,
        left: &Chain,
        right: &Chain,
        sector_bytes: usize,
        faults: &mut Vec<ReadFault>,
    ) {
        let sides = [
            (left, &mut self.left_bad, SlotSide::At(0)),
            (right, &mut self.right_bad, SlotSide::Zeros),
        ];
        for (chain, bad, which) in sides {
            for bad in bad.drain(..) {
                let place = |piece: &&Placed| match which {
                    SlotSide::At(_) => piece.left,
                    _ => piece.right,
                };
                let found = portion
                    .pieces
                    .iter()
                    .rev()
                    .find_map(|piece| match place(&piece) {
                        SlotSide::At(at) if at <= bad.at.start => {
                            let bytes = bad.at.start.saturating_sub(at);
                            let sectors = bytes.checked_div(sector_bytes).unwrap_or(0) as u64;
                            Some(piece.first.saturating_add(sectors))
                        }
                        _ => None,
                    });
                let sector = SectorNo(found.unwrap_or(0));
                faults.push(ReadFault {
                    sector,
                    count: bad.at.len().checked_div(sector_bytes).unwrap_or(0) as u64,
                    error: ChainError::Read {
                        file: chain.name(bad.link),
                        sector,
                        at_bytes: bad.offset_bytes,
                        source: bad.error,
                    },
                });
            }
        }
    }
}

fn slice_of(side: SlotSide, buf: &[u8], skip: usize, len: usize) -> &[u8] {
    match side {
        SlotSide::At(at) => {
            let start = at.saturating_add(skip);
            buf.get(start..start.saturating_add(len))
                .unwrap_or_default()
        }
        SlotSide::Zeros | SlotSide::Unknown => ZEROS.get(..len).unwrap_or_default(),
    }
}

fn is_bad(side: SlotSide, bad: &[BadBytes], skip: usize, len: usize) -> bool {
    let SlotSide::At(at) = side else {
        return false;
    };
    let start = at.saturating_add(skip);
    let end = start.saturating_add(len);
    bad.iter()
        .any(|bad| bad.at.start < end && start < bad.at.end)
}

/// Adds sectors to a list of runs, to the last one if it goes on.
fn push(runs: &mut Vec<DiffRun>, sector: u64, count: u64, kind: DiffKind) {
    match runs.last_mut() {
        Some(last) if last.kind == kind && last.sector.0.saturating_add(last.count) == sector => {
            last.count = last.count.saturating_add(count);
        }
        _ => runs.push(DiffRun {
            sector: SectorNo(sector),
            count,
            kind,
        }),
    }
}
