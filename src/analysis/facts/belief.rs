//! May the birth times of a chain be believed? (FACTS: a copy, a restore or an unpacked archive renews them.)
//!
//! Here are the conditions; [`gather`](super::gather) lists a chain's doubts by them, and [`ages`](super::ages) leaves out
//! what is doubted.
//!
//! The conditions hold for a whole chain, so they are gathered from the base upwards: each disk adds its own to what its
//! parent's chain had. That keeps a store of tens of thousands of disks linear.

use jiff::Timestamp;

use crate::store::{BornSource, FileFacts};

/// Births of a chain further apart than this were not made by one copy.
const ONE_COPY_SECONDS: i64 = 3_600;

/// Why births of a chain are not believed; the values that raised the doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// A frozen disk was born after its snapshot: file, birth, when taken.
    FrozenLater(String, Timestamp, Timestamp),
    /// A file was born after its last write: file, birth, write.
    AfterWrite(String, Timestamp, Timestamp),
    /// All births lie in one short span: first, last.
    Together(Timestamp, Timestamp),
    /// A configuration's birth is not its date: file, birth, date.
    ConfigDiffers(String, Timestamp, Timestamp),
    /// The file system knows only births of its own copies: file, birth.
    OfCopy(String, Timestamp),
    /// A file without a birth: file.
    Missing(String),
}

/// What was found on the conditions: believed if nothing speaks against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belief {
    /// What speaks against.
    pub doubts: Vec<Doubt>,
}

impl Belief {
    /// True if nothing speaks against.
    pub fn holds(&self) -> bool {
        self.doubts.is_empty()
    }
}

/// The first offender of one condition: an index of a disk (or snapshot) and two times.
type Offence = Option<(u32, Timestamp, Timestamp)>;

/// The conditions of one chain from its base to some disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chain {
    first_born: Option<Timestamp>,
    last_born: Option<Timestamp>,
    first_taken: Option<Timestamp>,
    last_taken: Option<Timestamp>,
    files: u32,
    pub(super) frozen_later: Offence,
    pub(super) after_write: Offence,
    pub(super) config_differs: Offence,
    pub(super) of_copy: Option<(u32, Timestamp)>,
    pub(super) missing: Option<u32>,
}

impl Chain {
    /// Adds a disk's own times.
    pub fn add_disk(&mut self, disk: u32, file: &FileFacts) {
        self.files += 1;
        let Some(born) = file.born else {
            self.missing.get_or_insert(disk);
            return;
        };
        if born.source == BornSource::OtherFileSystem {
            self.of_copy.get_or_insert((disk, born.at));
        }
        self.first_born = Some(self.first_born.map_or(born.at, |first| first.min(born.at)));
        self.last_born = Some(self.last_born.map_or(born.at, |last| last.max(born.at)));
        // A file's two times come from one clock, but in different grains: two seconds are FAT's.
        if let Some(write) = file.modified
            && seconds_between(write, born.at) > 2
        {
            self.after_write.get_or_insert((disk, born.at, write));
        }
    }

    /// Adds a snapshot whose frozen disk this is: when it was taken by a date that is no birth, with that date's tolerance.
    pub fn add_taken(&mut self, disk: u32, file: &FileFacts, taken: Timestamp, tolerance: i64) {
        self.first_taken = Some(self.first_taken.map_or(taken, |first| first.min(taken)));
        self.last_taken = Some(self.last_taken.map_or(taken, |last| last.max(taken)));
        if let Some(born) = file.born
            && seconds_between(taken, born.at) > tolerance
        {
            self.frozen_later.get_or_insert((disk, born.at, taken));
        }
    }

    /// Adds the birth of a snapshot's configuration and the date inside it.
    pub fn add_config(&mut self, snapshot: u32, born: Timestamp, dated: Timestamp, tolerance: i64) {
        if seconds_between(dated, born).abs() > tolerance {
            self.config_differs.get_or_insert((snapshot, born, dated));
        }
    }

    /// All births in one short span, while the snapshots were not.
    pub(super) fn together(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.first_born?, self.last_born?);
        if self.files < 2 || seconds_between(first, last) > ONE_COPY_SECONDS {
            return None;
        }
        let young = |taken: Timestamp| {
            seconds_between(first, taken) <= ONE_COPY_SECONDS
                && seconds_between(taken, last) <= ONE_COPY_SECONDS
        };
        match (self.first_taken, self.last_taken) {
            (Some(a), Some(b)) if young(a) && young(b) => None,
            _ => Some((first, last)),
        }
    }
}

/// Seconds from `from` to `to`, whole ones, negative if `to` is earlier.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Born;

    fn file(born: i64, modified: i64) -> FileFacts {
        let at = |second| Timestamp::from_second(second).unwrap();
        FileFacts {
            modified: Some(at(modified)),
            born: Some(Born {
                at: at(born),
                source: BornSource::WindowsFileSystem,
            }),
            ..FileFacts::default()
        }
    }

    #[test]
    fn a_birth_after_the_last_write_gives_a_copy_away() {
        let mut chain = Chain::default();
        chain.add_disk(0, &file(1_000, 500_000));
        assert_eq!(chain.after_write, None);
        chain.add_disk(1, &file(900_000, 700_000));
        assert_eq!(chain.after_write.map(|(disk, ..)| disk), Some(1));
    }

    #[test]
    fn births_within_an_hour_are_one_copy_unless_the_snapshots_were_too() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut chain = Chain::default();
        chain.add_disk(0, &file(1_000, 500_000));
        assert_eq!(chain.together(), None, "one file is no chain");
        chain.add_disk(1, &file(2_000, 600_000));
        assert!(chain.together().is_some(), "no date to excuse it");
        chain.add_taken(0, &file(1_000, 500_000), at(1_900), 300);
        assert_eq!(
            chain.together(),
            None,
            "the snapshot was taken in that hour"
        );
        chain.add_taken(1, &file(2_000, 600_000), at(400_000), 300);
        assert!(chain.together().is_some(), "another was not");
    }

    #[test]
    fn a_frozen_disk_younger_than_its_snapshot_is_a_copy() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut chain = Chain::default();
        chain.add_taken(0, &file(1_250, 2_000), at(1_000), 300);
        assert_eq!(chain.frozen_later, None);
        chain.add_taken(0, &file(1_301, 2_000), at(1_000), 300);
        assert!(chain.frozen_later.is_some());
    }
}
