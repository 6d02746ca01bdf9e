//! Which sectors to compare, and where both sides' content lies.

use std::ops::Range;

use super::Relation;
use super::compare::{CompareSlot, Placed, Portion, SlotSide};
use crate::chain::{Chain, Content, OwnedRun, ReadFault, Resolver, Windows, intersect};
use crate::format::SectorNo;

/// Most bytes of one side in a slot. The threads read one file in turns, which the system takes for the end of a sequence each
/// time: on a cold disk long turns are faster.
const TURN_BYTES: usize = 4 << 20;

/// Most bytes of one side that are read before they are compared: with the other side's they stay in a processor's cache.
pub(super) const PORTION_BYTES: usize = 128 << 10;

/// Most pieces in a slot; each may become some runs.
const PIECES_MAX: usize = 8_192;

/// Sectors to compare, with the content of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    first: u64,
    count: u64,
    left: Content,
    right: Content,
}

/// Goes through the windows that the path holds, and cuts them into slots.
pub(super) struct DiffPlanner<'a> {
    left: &'a Chain,
    right: &'a Chain,
    relation: Relation,
    windows: Windows<'a>,
    left_resolver: Resolver,
    right_resolver: Resolver,
    left_runs: Vec<OwnedRun>,
    right_runs: Vec<OwnedRun>,
    pieces: Vec<Piece>,
    next: usize,
    /// Bytes of held blocks that need no comparing, not yet told to a slot.
    passed_bytes: u64,
    /// True once all windows went by.
    pub(super) finished: bool,
}

impl<'a> DiffPlanner<'a> {
    pub(super) fn new(left: &'a Chain, right: &'a Chain, relation: Relation) -> Self {
        Self {
            left,
            right,
            relation,
            windows: path_windows(left, right, relation),
            left_resolver: Resolver::default(),
            right_resolver: Resolver::default(),
            left_runs: Vec::new(),
            right_runs: Vec::new(),
            pieces: Vec::new(),
            next: 0,
            passed_bytes: 0,
            finished: false,
        }
    }

    /// Fills a slot with pieces and the reads they need; false at the end.
    pub(super) fn plan(&mut self, slot: &mut CompareSlot) -> bool {
        slot.clear();
        let mut room = TURN_BYTES;
        let mut pieces = 0_usize;
        while room > 0 && pieces < PIECES_MAX {
            let mut portion = Portion::default();
            let most = PIECES_MAX.saturating_sub(pieces);
            let bytes = self.plan_portion(slot, &mut portion, room.min(PORTION_BYTES), most);
            if portion.pieces.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes);
            pieces = pieces.saturating_add(portion.pieces.len());
            slot.portions.push(portion);
        }
        slot.progress_bytes = slot
            .progress_bytes
            .saturating_add(std::mem::take(&mut self.passed_bytes));
        !slot.portions.is_empty()
    }

    /// Fills a portion with at most so many bytes of each side and so many pieces; returns the bytes of the fuller side.
    fn plan_portion(
        &mut self,
        slot: &mut CompareSlot,
        portion: &mut Portion,
        most_bytes: usize,
        most_pieces: usize,
    ) -> usize {
        let sector_size = u64::from(self.left.sector_size());
        let (mut left_at, mut right_at) = (0_usize, 0_usize);
        while portion.pieces.len() < most_pieces {
            let Some(piece) = self.current(slot) else {
                break;
            };
            let known = !matches!(piece.left, Content::Unknown(_))
                && !matches!(piece.right, Content::Unknown(_));
            let reads = known && (piece.left != Content::Zeros || piece.right != Content::Zeros);
            let count = if reads {
                let room = most_bytes.saturating_sub(left_at.max(right_at)) as u64;
                piece.count.min(room.checked_div(sector_size).unwrap_or(0))
            } else {
                piece.count
            };
            if count == 0 {
                break;
            }
            let bytes = count.saturating_mul(sector_size);
            let place = |content, fetch: &mut crate::chain::Fetch, at: &mut usize| match content {
                Content::Bytes { link, offset_bytes } if known => {
                    let len = usize::try_from(bytes).unwrap_or(usize::MAX);
                    fetch.push(link, offset_bytes, *at, len);
                    let side = SlotSide::At(*at);
                    *at = at.saturating_add(len);
                    side
                }
                Content::Bytes { .. } | Content::Zeros => SlotSide::Zeros,
                Content::Unknown(_) => SlotSide::Unknown,
            };
            let left = place(piece.left, &mut portion.left_fetch, &mut left_at);
            let right = place(piece.right, &mut portion.right_fetch, &mut right_at);
            self.note_unknown(&piece, count, slot);
            portion.pieces.push(Placed {
                first: piece.first,
                count,
                left,
                right,
            });
            slot.progress_bytes = slot.progress_bytes.saturating_add(bytes);
            self.consume(count);
        }
        left_at.max(right_at)
    }

    fn note_unknown(&self, piece: &Piece, count: u64, slot: &mut CompareSlot) {
        for (chain, content) in [(self.left, piece.left), (self.right, piece.right)] {
            let Content::Unknown(unknown) = content else {
                continue;
            };
            let told = slot.table_faults.iter().any(|fault| {
                fault.sector.0 <= piece.first
                    && piece.first < fault.sector.0.saturating_add(fault.count)
            });
            if !told {
                slot.faults.push(ReadFault {
                    sector: SectorNo(piece.first),
                    count,
                    error: chain.unknown(unknown, SectorNo(piece.first)),
                });
            }
        }
    }

    /// The piece to go on with, from the next window if need be.
    fn current(&mut self, slot: &mut CompareSlot) -> Option<Piece> {
        while self.pieces.get(self.next).is_none() {
            let Some(window) = self.windows.next() else {
                self.finished = true;
                return None;
            };
            if window.held {
                self.take_window(window.sectors.start.0..window.sectors.end.0);
                slot.table_faults.append(&mut self.left_resolver.faults);
                slot.table_faults.append(&mut self.right_resolver.faults);
            }
        }
        self.pieces.get(self.next).copied()
    }

    fn consume(&mut self, count: u64) {
        let bytes = count.saturating_mul(u64::from(self.left.sector_size()));
        if let Some(piece) = self.pieces.get_mut(self.next) {
            if count >= piece.count {
                self.next = self.next.saturating_add(1);
            } else {
                piece.first = piece.first.saturating_add(count);
                piece.count = piece.count.saturating_sub(count);
                piece.left = piece.left.skip(bytes);
                piece.right = piece.right.skip(bytes);
            }
        }
    }

    /// Works out the pieces of a window: the path's links are asked for all of it, the common ancestors only where one of those
    /// holds something.
    fn take_window(&mut self, window: Range<u64>) {
        let Relation { left, right, .. } = self.relation;
        self.left_resolver.start(window.clone());
        self.left_resolver.ask(self.left, 0..left);
        self.right_resolver.start(window.clone());
        self.right_resolver.ask(self.right, 0..right);
        let mut neither = Vec::new();
        intersect(
            self.left_resolver.open(),
            self.right_resolver.open(),
            &mut neither,
        );
        let held = complement(&neither, &window);
        self.left_resolver.keep_open(&held);
        self.right_resolver.keep_open(&held);
        self.left_resolver
            .ask(self.left, left..self.left.links().len());
        self.right_resolver
            .ask(self.right, right..self.right.links().len());
        self.left_resolver.finish(self.left, &mut self.left_runs);
        self.right_resolver.finish(self.right, &mut self.right_runs);
        self.pieces.clear();
        self.next = 0;
        let sector_size = u64::from(self.left.sector_size());
        pair(
            &self.left_runs,
            &self.right_runs,
            sector_size,
            &mut self.pieces,
        );
        let compared: u64 = self.pieces.iter().map(|piece| piece.count).sum();
        let passed = window
            .end
            .saturating_sub(window.start)
            .saturating_sub(compared)
            .saturating_mul(sector_size);
        self.passed_bytes = self.passed_bytes.saturating_add(passed);
    }
}

/// The windows of the first disk by the tables of the links on the path.
pub(in crate::analysis) fn path_windows<'a>(
    left: &'a Chain,
    right: &'a Chain,
    relation: Relation,
) -> Windows<'a> {
    let own = left.links().iter().take(relation.left);
    let other = right.links().iter().take(relation.right);
    let end = told_of(left, right, relation);
    Windows::new(own.chain(other).map(AsRef::as_ref), 0..end)
}

/// Sectors, from the first on, for which the disks' own tables reach. Behind them nothing is known of a disk's content, however
/// far a damaged size may go on.
pub(in crate::analysis) fn told_of(left: &Chain, right: &Chain, relation: Relation) -> u64 {
    let tops = [(left, relation.left), (right, relation.right)];
    let ends = tops
        .into_iter()
        .filter(|(_, own)| *own > 0)
        .filter_map(|(chain, _)| chain.links().first())
        .filter(|top| top.sectors_told_of() < top.sectors())
        .map(|top| top.sectors_told_of());
    ends.fold(left.sectors(), u64::min)
}

/// Cuts two lists of runs over the same sectors at each other's borders.
fn pair(left: &[OwnedRun], right: &[OwnedRun], sector_size: u64, out: &mut Vec<Piece>) {
    let mut rights = right.iter().peekable();
    for run in left {
        let mut at = run.first.0;
        while at < run.end() {
            while rights.next_if(|other| other.end() <= at).is_some() {}
            let Some(other) = rights.peek() else {
                return;
            };
            let end = run.end().min(other.end());
            let first = at.max(other.first.0);
            if first < end {
                let skip = |run: &OwnedRun| {
                    let sectors = first.saturating_sub(run.first.0);
                    run.content().skip(sectors.saturating_mul(sector_size))
                };
                out.push(Piece {
                    first,
                    count: end.saturating_sub(first),
                    left: skip(run),
                    right: skip(other),
                });
            }
            at = end.max(first.min(run.end()));
        }
    }
}

/// What of `whole` an ordered list of ranges leaves out.
pub(in crate::analysis) fn complement(
    ranges: &[Range<u64>],
    whole: &Range<u64>,
) -> Vec<Range<u64>> {
    let mut out = Vec::new();
    let mut at = whole.start;
    for range in ranges {
        if at < range.start {
            out.push(at..range.start);
        }
        at = range.end;
    }
    if at < whole.end {
        out.push(at..whole.end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Owner;
    use crate::image::Place;

    #[test]
    fn ranges_meet_and_leave_gaps() {
        let mut meet = Vec::new();
        intersect(&[0..4, 6..9, 20..30], &[2..7, 8..21], &mut meet);
        assert_eq!(meet, [2..4, 6..7, 8..9, 20..21]);
        assert_eq!(
            complement(&meet, &(0..22)),
            [0..2, 4..6, 7..8, 9..20, 21..22]
        );
        assert_eq!(complement(&[], &(3..5)), vec![3..5; 1]);
        assert!(complement(&vec![3..5; 1], &(3..5)).is_empty());
    }

    #[test]
    fn pieces_end_where_either_side_changes() {
        let run = |first, count, link, offset_bytes| OwnedRun {
            first: SectorNo(first),
            count,
            owner: Owner::Link(link),
            place: Place::Here { offset_bytes },
        };
        let left = [run(2, 6, 0, 10_000), run(10, 2, 0, 50_000)];
        let right = [run(2, 3, 1, 0), run(5, 3, 2, 70_000), run(10, 2, 1, 9_000)];
        let mut out = Vec::new();
        pair(&left, &right, 512, &mut out);
        let seen: Vec<_> = out.iter().map(|piece| (piece.first, piece.count)).collect();
        assert_eq!(seen, [(2, 3), (5, 3), (10, 2)]);
        assert_eq!(
            out[1].left,
            Content::Bytes {
                link: 0,
                offset_bytes: 10_000 + 3 * 512
            }
        );
    }
}
