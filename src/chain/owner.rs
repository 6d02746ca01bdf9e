//! Who owns a sector: the runs of all links merged into one list.

use std::ops::Range;

use super::{Chain, ChainError, ReadFault};
use crate::format::SectorNo;
use crate::image::{Image, Place, SectorRun};

/// Who answers for a sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The link of this index, 0 being the node itself.
    Link(usize),
    /// No disk: zeros. Also beyond the end of a shorter link.
    Nobody,
    /// The parent that the base wants, which is not in the chain.
    Missing,
}

/// A run of sectors with one owner and one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedRun {
    pub first: SectorNo,
    /// Number of sectors.
    pub count: u64,
    pub owner: Owner,
    /// Where the content lies in the owner's file; [`Place::Absent`] without an owner.
    pub place: Place,
}

/// Why the content of a run is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The table or bitmap of this link is wrong or cannot be read.
    Table(usize),
    /// The disk that would answer is not in the chain.
    ParentMissing,
}

/// What a run reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Bytes of a link's file.
    Bytes {
        /// The link, 0 being the node itself.
        link: usize,
        /// Position in its file, in bytes.
        offset_bytes: u64,
    },
    /// Zeros, without a read.
    Zeros,
    /// Nothing is known.
    Unknown(Unknown),
}

impl Content {
    /// The content `bytes` further on.
    #[must_use]
    pub fn skip(self, bytes: u64) -> Self {
        match self {
            Self::Bytes { link, offset_bytes } => Self::Bytes {
                link,
                offset_bytes: offset_bytes.saturating_add(bytes),
            },
            Self::Zeros | Self::Unknown(_) => self,
        }
    }
}

impl OwnedRun {
    /// What the run reads as.
    pub fn content(&self) -> Content {
        match (self.owner, self.place) {
            (Owner::Link(link), Place::Here { offset_bytes }) => {
                Content::Bytes { link, offset_bytes }
            }
            (Owner::Link(link), Place::Error) => Content::Unknown(Unknown::Table(link)),
            (Owner::Missing, _) => Content::Unknown(Unknown::ParentMissing),
            (Owner::Link(_), Place::Zero | Place::Unmapped | Place::Absent)
            | (Owner::Nobody, _) => Content::Zeros,
        }
    }

    /// The sector after the last.
    pub(crate) fn end(&self) -> u64 {
        self.first.0.saturating_add(self.count)
    }

    /// Gives up the first `count` sectors.
    pub(crate) fn drop_first(&mut self, count: u64, sector_size: u32) {
        self.first = SectorNo(self.first.0.saturating_add(count));
        self.place = place_at(self.place, count, sector_size);
        self.count = self.count.saturating_sub(count);
    }

    /// Takes `next` in if it goes on where this ends: same owner, same kind of place, no gap in the file.
    fn absorb(&mut self, next: &Self, sector_size: u32) -> bool {
        let goes_on = self.owner == next.owner
            && self.end() == next.first.0
            && place_at(self.place, self.count, sector_size) == next.place;
        if goes_on {
            self.count = self.count.saturating_add(next.count);
        }
        goes_on
    }
}

/// The place of the sector `sectors` further on.
fn place_at(place: Place, sectors: u64, sector_size: u32) -> Place {
    match place {
        Place::Here { offset_bytes } => Place::Here {
            offset_bytes: offset_bytes
                .saturating_add(sectors.saturating_mul(u64::from(sector_size))),
        },
        other => other,
    }
}

/// Asks link after link for the sectors that no link before it held.
///
/// Cost: each link's runs are gone through once per call of [`Resolver::ask`], beside the sectors still open; links below are not
/// asked for sectors that are answered, nor for stretches of a block or more between them.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    open: Vec<Range<u64>>,
    still_open: Vec<Range<u64>>,
    runs: Vec<SectorRun>,
    claimed: Vec<OwnedRun>,
    /// Tables and bitmaps that could not be read.
    pub(crate) faults: Vec<ReadFault>,
}

impl Resolver {
    /// Starts anew with these sectors.
    pub(crate) fn start(&mut self, sectors: Range<u64>) {
        self.open.clear();
        if !sectors.is_empty() {
            self.open.push(sectors);
        }
        self.claimed.clear();
        self.faults.clear();
    }

    /// The sectors that no link asked so far holds.
    pub(crate) fn open(&self) -> &[Range<u64>] {
        &self.open
    }

    /// Of the open sectors keeps those that lie in `keep`, which is in order.
    pub(crate) fn keep_open(&mut self, keep: &[Range<u64>]) {
        self.still_open.clear();
        intersect(&self.open, keep, &mut self.still_open);
        std::mem::swap(&mut self.open, &mut self.still_open);
    }

    /// Asks the links of `which`, in order.
    pub(crate) fn ask(&mut self, chain: &Chain, which: Range<usize>) {
        for link in which {
            let Some(image) = chain.links().get(link) else {
                return;
            };
            if self.open.is_empty() {
                return;
            }
            self.read_runs(chain, link, image);
            self.still_open.clear();
            claim(
                &self.open,
                &self.runs,
                link,
                image.sectors(),
                chain.sector_size(),
                &mut self.claimed,
                &mut self.still_open,
            );
            std::mem::swap(&mut self.open, &mut self.still_open);
        }
    }

    /// Hands out the runs in order, what is still open being nobody's or the missing parent's.
    pub(crate) fn finish(&mut self, chain: &Chain, out: &mut Vec<OwnedRun>) {
        let owner = if chain.is_cut_off() {
            Owner::Missing
        } else {
            Owner::Nobody
        };
        self.claimed
            .extend(self.open.drain(..).map(|range| OwnedRun {
                first: SectorNo(range.start),
                count: range.end.saturating_sub(range.start),
                owner,
                place: Place::Absent,
            }));
        // The list is a few sorted lists in a row, which a stable sort only merges.
        self.claimed.sort_by_key(|run| run.first);
        out.clear();
        for run in self.claimed.drain(..) {
            let absorbed = out
                .last_mut()
                .is_some_and(|last| last.absorb(&run, chain.sector_size()));
            if !absorbed {
                out.push(run);
            }
        }
    }

    /// The runs of a link wherever sectors are open, one request for those that lie near each other.
    fn read_runs(&mut self, chain: &Chain, link: usize, image: &Image) {
        self.runs.clear();
        let near = image.sectors_per_block().max(1);
        let mut found = Vec::new();
        let mut open = self
            .open
            .iter()
            .map(|range| range.start..range.end.min(image.sectors()))
            .filter(|range| !range.is_empty())
            .peekable();
        while let Some(mut hull) = open.next() {
            while let Some(next) = open.next_if(|next| next.start.saturating_sub(hull.end) < near) {
                hull.end = next.end;
            }
            match image.sector_runs(SectorNo(hull.start)..SectorNo(hull.end), &mut found) {
                Ok(()) => self.runs.append(&mut found),
                Err(source) => {
                    let count = hull.end.saturating_sub(hull.start);
                    self.runs.push(SectorRun {
                        first: SectorNo(hull.start),
                        count,
                        place: Place::Error,
                    });
                    self.faults.push(ReadFault {
                        sector: SectorNo(hull.start),
                        count,
                        error: ChainError::Table {
                            file: chain.name(link),
                            sector: SectorNo(hull.start),
                            source,
                        },
                    });
                }
            }
        }
    }
}

/// Adds to `out` what two ordered lists of ranges have in common.
pub(crate) fn intersect(left: &[Range<u64>], right: &[Range<u64>], out: &mut Vec<Range<u64>>) {
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(one), Some(other)) = (lefts.peek(), rights.peek()) {
        let both = one.start.max(other.start)..one.end.min(other.end);
        let one_ends_first = one.end <= other.end;
        if !both.is_empty() {
            out.push(both);
        }
        if one_ends_first {
            lefts.next();
        } else {
            rights.next();
        }
    }
}

/// Splits the open sectors into what `runs` say the link holds, and what stays open. From the link's own end on, nobody holds
/// anything. Sectors within the disk that no run speaks of are errors, for nothing is known of them.
fn claim(
    open: &[Range<u64>],
    runs: &[SectorRun],
    link: usize,
    link_end: u64,
    sector_size: u32,
    claimed: &mut Vec<OwnedRun>,
    still_open: &mut Vec<Range<u64>>,
) {
    let mut runs = runs.iter().copied().peekable();
    let mut push = |range: Range<u64>, owner: Owner, place: Place| {
        if range.is_empty() {
            return;
        }
        match (owner, place) {
            (Owner::Link(_), Place::Absent) => match still_open.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => still_open.push(range),
            },
            _ => claimed.push(OwnedRun {
                first: SectorNo(range.start),
                count: range.end.saturating_sub(range.start),
                owner,
                place,
            }),
        }
    };
    for range in open {
        let inner_end = range.end.min(link_end);
        let mut at = range.start;
        while at < inner_end {
            while runs
                .next_if(|run| run.first.0.saturating_add(run.count) <= at)
                .is_some()
            {}
            let (end, place) = match runs.peek() {
                Some(run) if run.first.0 <= at => (
                    run.first.0.saturating_add(run.count),
                    place_at(run.place, at.saturating_sub(run.first.0), sector_size),
                ),
                Some(run) => (run.first.0, Place::Error),
                None => (inner_end, Place::Error),
            };
            let end = end.min(inner_end);
            push(at..end, Owner::Link(link), place);
            at = end;
        }
        push(
            range.start.max(link_end)..range.end,
            Owner::Nobody,
            Place::Absent,
        );
    }
}

impl Chain {
    /// Who owns each sector of a range, as runs in order, into `out` (cleared first). The range is cut at the end of the disk.
    ///
    /// Memory grows with the number of runs; [`Chain::windows`] gives ranges that keep it small.
    ///
    /// # Errors
    /// [`ChainError::Table`] if a table or bitmap could not be read; `out` then holds all runs, those being [`Place::Error`].
    pub fn owned_runs(
        &self,
        range: Range<SectorNo>,
        out: &mut Vec<OwnedRun>,
    ) -> Result<(), ChainError> {
        let mut resolver = Resolver::default();
        resolver.start(range.start.0..range.end.0.min(self.sectors()));
        resolver.ask(self, 0..self.links().len());
        resolver.finish(self, out);
        match resolver.faults.into_iter().next() {
            Some(fault) => Err(fault.error),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u64, count: u64, place: Place) -> SectorRun {
        SectorRun {
            first: SectorNo(first),
            count,
            place,
        }
    }

    const fn here(offset_bytes: u64) -> Place {
        Place::Here { offset_bytes }
    }

    #[test]
    fn what_a_link_does_not_hold_stays_open_for_the_next() {
        let runs = [
            run(0, 3, Place::Absent),
            run(3, 4, here(4096)),
            run(7, 1, Place::Absent),
            run(8, 2, Place::Zero),
        ];
        let (mut claimed, mut open) = (Vec::new(), Vec::new());
        claim(&[1..5, 6..10], &runs, 2, 100, 512, &mut claimed, &mut open);
        assert_eq!(open, [1..3, 7..8]);
        let claimed: Vec<_> = claimed
            .iter()
            .map(|run| (run.first.0, run.count, run.place))
            .collect();
        assert_eq!(
            claimed,
            [
                (3, 2, here(4096)),
                (6, 1, here(4096 + 3 * 512)),
                (8, 2, Place::Zero)
            ]
        );
    }

    #[test]
    fn beyond_its_end_a_link_hides_what_is_below() {
        let runs = [run(0, 4, Place::Absent)];
        let (mut claimed, mut open) = (Vec::new(), Vec::new());
        claim(
            std::slice::from_ref(&(2..9)),
            &runs,
            1,
            4,
            512,
            &mut claimed,
            &mut open,
        );
        assert_eq!(open, vec![2..4; 1]);
        assert_eq!(
            claimed,
            [OwnedRun {
                first: SectorNo(4),
                count: 5,
                owner: Owner::Nobody,
                place: Place::Absent
            }]
        );
    }

    #[test]
    fn sectors_no_run_speaks_of_are_errors() {
        let runs = [run(0, 2, Place::Absent), run(4, 1, Place::Absent)];
        let (mut claimed, mut open) = (Vec::new(), Vec::new());
        claim(
            std::slice::from_ref(&(0..6)),
            &runs,
            0,
            6,
            512,
            &mut claimed,
            &mut open,
        );
        assert_eq!(open, [0..2, 4..5]);
        assert!(claimed.iter().all(|run| run.place == Place::Error));
        assert_eq!(claimed.iter().map(|run| run.count).sum::<u64>(), 3);
    }

    #[test]
    fn runs_that_go_on_in_the_file_become_one() {
        let mut first = OwnedRun {
            first: SectorNo(8),
            count: 8,
            owner: Owner::Link(0),
            place: here(1 << 20),
        };
        let mut next = OwnedRun {
            first: SectorNo(16),
            place: here((1 << 20) + 4096),
            ..first
        };
        assert!(first.absorb(&next, 512));
        assert_eq!(first.count, 16);
        next.first = SectorNo(24);
        assert!(!first.absorb(&next, 512));
    }
}
