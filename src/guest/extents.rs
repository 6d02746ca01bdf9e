//! Sorted ranges of bytes of a disk or volume, such as those that were written.

use std::ops::Range;

/// Ranges kept, at most; about 16 MiB.
const RANGES_MAX: usize = 1 << 20;
/// Gap closed first when there are too many ranges, in bytes: eight sectors. Each further time it is eight times as wide.
const GAP_BYTES: u64 = 8 * 512;

/// Sorted, disjoint ranges of bytes. From a million ranges on, small gaps are closed: a set of extents may hold more than
/// was put into it, never less.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extents {
    ranges: Vec<Range<u64>>,
    /// Gaps up to this many bytes are closed.
    closed_gap: u64,
}

impl Extents {
    /// One range; nothing if it is empty.
    pub fn of(range: Range<u64>) -> Self {
        let mut extents = Self::default();
        extents.push(range);
        extents
    }

    /// Adds a range that begins at or behind the start of the last one. (Any others: [`Extents::collect`].)
    pub fn push(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(self.closed_gap) => {
                last.end = last.end.max(range.end);
            }
            _ => self.ranges.push(range),
        }
        if self.ranges.len() > RANGES_MAX {
            self.close_gaps();
        }
    }

    /// Ranges in any order, overlapping or not.
    pub fn collect(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut all: Vec<_> = ranges
            .into_iter()
            .filter(|range| !range.is_empty())
            .collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut extents = Self::default();
        for range in all {
            extents.push(range);
        }
        extents
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges.iter().cloned()
    }

    pub fn bytes(&self) -> u64 {
        self.ranges
            .iter()
            .fold(0, |sum, range| sum.saturating_add(len(range)))
    }

    /// Whether any byte of `range` is held.
    pub fn meets(&self, range: &Range<u64>) -> bool {
        self.within(range).next().is_some()
    }

    /// Bytes of `range` that are held.
    pub fn bytes_within(&self, range: &Range<u64>) -> u64 {
        self.within(range)
            .fold(0, |sum, part| sum.saturating_add(len(&part)))
    }

    /// The held parts of `range`, in order.
    pub fn within<'a>(&'a self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> + 'a {
        let (start, end) = (range.start, range.end);
        let first = self.ranges.partition_point(|held| held.end <= start);
        self.ranges
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(move |held| held.start < end)
            .map(move |held| held.start.max(start)..held.end.min(end))
            .filter(|part| !part.is_empty())
    }

    /// What lies in a window, with positions from the window's start.
    #[must_use]
    pub fn window(&self, window: &Range<u64>) -> Self {
        let mut extents = Self::default();
        for part in self.within(window) {
            extents.push(
                part.start.saturating_sub(window.start)..part.end.saturating_sub(window.start),
            );
        }
        extents
    }

    /// Both together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::collect(self.iter().chain(other.iter()))
    }

    /// What `other` does not hold.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Self::default();
        for range in &self.ranges {
            let mut at = range.start;
            for part in other.within(range) {
                left.push(at..part.start);
                at = part.end;
            }
            left.push(at..range.end);
        }
        left
    }

    fn close_gaps(&mut self) {
        self.closed_gap = self.closed_gap.saturating_mul(8).max(GAP_BYTES);
        let ranges = std::mem::take(&mut self.ranges);
        for range in ranges {
            match self.ranges.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(self.closed_gap) => {
                    last.end = last.end.max(range.end);
                }
                _ => self.ranges.push(range),
            }
        }
    }
}

fn len(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(ranges: &[Range<u64>]) -> Extents {
        Extents::collect(ranges.iter().cloned())
    }

    #[test]
    fn ranges_become_sorted_and_disjoint() {
        let all = extents(&[8..9, 0..4, 20..20, 3..6, 6..7]);
        assert_eq!(all.iter().collect::<Vec<_>>(), [0..7, 8..9]);
        assert_eq!(all.bytes(), 8);
        assert!(all.meets(&(6..8)) && !all.meets(&(7..8)) && !all.meets(&(9..99)));
        assert_eq!(all.bytes_within(&(5..100)), 3);
        assert_eq!(all.window(&(5..9)).iter().collect::<Vec<_>>(), [0..2, 3..4]);
    }

    #[test]
    fn what_is_taken_away_leaves_the_rest() {
        let left = extents(&[0..10, 20..30]).without(&extents(&[0..1, 4..5, 9..22, 40..50]));
        assert_eq!(left.iter().collect::<Vec<_>>(), [1..4, 5..9, 22..30]);
        assert_eq!(left.union(&Extents::of(4..5)), extents(&[1..9, 22..30]));
    }

    #[test]
    fn too_many_ranges_grow_and_lose_nothing() {
        let mut all = Extents::default();
        let ranges = || (0..3 * RANGES_MAX as u64).map(|at| at * 8_192..at * 8_192 + 512);
        ranges().for_each(|range| all.push(range));
        assert!(all.ranges.len() <= RANGES_MAX);
        assert!(ranges().all(|range| all.bytes_within(&range) == 512));
    }
}
