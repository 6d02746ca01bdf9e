//! Changes that wait for their order.

use std::cmp::{Ordering, Reverse};

use crate::analysis::files::noise::Interest;
use crate::cli::args::FilesSort;
use crate::guest::filesystem::{Change, GuestTime};
use crate::guest::packed::{PackedAt, PackedChanges};

/// What decides the order before the path does: the least first, then the most.
type SortKey = (u8, Reverse<u64>, Reverse<u32>);

#[derive(Debug)]
struct KeptChange {
    key: SortKey,
    at: PackedAt,
    number: u32,
}

/// Changes, in the order that is asked for.
#[derive(Debug)]
pub(super) struct KeptChanges {
    by: Option<FilesSort>,
    packed: PackedChanges,
    order: Vec<KeptChange>,
}

impl KeptChanges {
    pub(super) fn new(by: Option<FilesSort>) -> Self {
        Self {
            by,
            packed: PackedChanges::default(),
            order: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, change: &Change) {
        self.order.push(KeptChange {
            key: key(change, self.by),
            at: self.packed.push(change),
            number: change.number,
        });
    }

    /// Puts them in order; what is alike, by path.
    pub(super) fn sort(&mut self) {
        let Self { by, packed, order } = self;
        order.sort_unstable_by(|one, other| {
            let (path, other_path) = (packed.path(one.at), packed.path(other.at));
            let exact = || match by {
                Some(FilesSort::Path) => path.cmp(other_path),
                _ => Ordering::Equal,
            };
            let first = one.key.cmp(&other.key).then_with(exact);
            first
                .then_with(|| without_case(path, other_path))
                .then(one.number.cmp(&other.number))
        });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Change> + '_ {
        self.order.iter().map(|kept| self.packed.get(kept.at))
    }
}

fn key(change: &Change, by: Option<FilesSort>) -> SortKey {
    let version = change.after.or(change.before);
    let (weight, amount, nanoseconds) = match by {
        None => {
            let interest = Interest::of(change);
            (interest.weight, ordered(interest.time.0), 0)
        }
        Some(FilesSort::Path) => (0, 0, 0),
        Some(FilesSort::Size) => {
            let bytes = version.and_then(|version| version.bytes);
            (0, bytes.unwrap_or(0), 0)
        }
        Some(FilesSort::Written) => (0, change.written_bytes, 0),
        Some(FilesSort::Modified) => {
            let time = version.and_then(|version| version.modified);
            let (second, nanosecond) = time.and_then(moment).unwrap_or((i64::MIN, 0));
            (0, ordered(second), nanosecond)
        }
    };
    (weight, Reverse(amount), Reverse(nanoseconds))
}

/// Seconds since 1970 and nanoseconds after them; a guest's local time is taken as if it were universal, for an order needs
/// no more.
fn moment(time: GuestTime) -> Option<(i64, u32)> {
    let at = match time {
        GuestTime::Utc(at) => at,
        GuestTime::Local(at) => at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
    };
    let nanoseconds = at.as_nanosecond();
    let second = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
    let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
    Some((second, rest))
}

/// A number of either sign as one without, in the same order.
fn ordered(number: i64) -> u64 {
    number.cast_unsigned() ^ 1 << 63
}

/// By what differs, without case. Most paths begin with the same folders.
fn without_case(one: &str, other: &str) -> Ordering {
    let pairs = one.bytes().zip(other.bytes());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let from = (0..=same).rev().find(|at| one.is_char_boundary(*at));
    let from = from.unwrap_or(0);
    let one = one.get(from..).unwrap_or_default().chars();
    let other = other.get(from..).unwrap_or_default().chars();
    let [one, other] = [one, other].map(|rest| rest.flat_map(char::to_lowercase));
    one.cmp(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::filesystem::{ChangeKind, FileId, FileKind, FileVersion};

    fn change(number: u32, path: &str, bytes: u64, modified: &str) -> Change {
        Change {
            number,
            kind: ChangeKind::Created,
            file: FileKind::File,
            id: FileId {
                number: 0,
                generation: 0,
            },
            path: Some(path.to_owned()),
            old_path: None,
            before: None,
            after: Some(FileVersion {
                bytes: Some(bytes),
                modified: modified.parse().ok().map(GuestTime::Utc),
            }),
            written_bytes: 100 - bytes,
            links: Vec::new(),
            streams: Vec::new(),
        }
    }

    #[test]
    fn changes_stand_in_the_order_that_is_asked_for() {
        let changes = [
            change(0, "/b", 1, "2026-01-01T00:00:00.2Z"),
            change(1, "/a", 2, "2026-01-01T00:00:00.1Z"),
            change(2, "/Users/x", 3, ""),
            change(3, "/C", 3, "1900-01-01T00:00:00.9Z"),
            change(4, "/pagefile.sys", 9, "2026-02-01T00:00:00Z"),
            change(5, "/C", 3, "1900-01-01T00:00:00.9Z"),
        ];
        let order = |by| {
            let mut kept = KeptChanges::new(by);
            changes.iter().rev().for_each(|change| kept.push(change));
            kept.sort();
            kept.iter().map(|change| change.number).collect::<Vec<_>>()
        };
        assert_eq!(order(None), [2, 1, 0, 3, 5, 4]);
        assert_eq!(order(Some(FilesSort::Path)), [3, 5, 2, 1, 0, 4]);
        assert_eq!(order(Some(FilesSort::Size)), [4, 3, 5, 2, 1, 0]);
        assert_eq!(order(Some(FilesSort::Written)), [0, 1, 3, 5, 2, 4]);
        assert_eq!(order(Some(FilesSort::Modified)), [4, 0, 1, 3, 5, 2]);
    }

    #[test]
    fn what_begins_alike_is_compared_from_there_on() {
        let paths = [
            "", "/", "/a", "/A", "/ä", "/Å", "/a/B", "/a/b", "/検証", "/検査", "/İ", "/ß",
        ];
        for (one, other) in paths
            .iter()
            .flat_map(|one| paths.map(|other| (*one, other)))
        {
            let whole = |path: &'static str| path.chars().flat_map(char::to_lowercase);
            assert_eq!(
                without_case(one, other),
                whole(one).cmp(whole(other)),
                "{one} {other}"
            );
        }
    }
}
