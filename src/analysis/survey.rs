//! The survey: what verdicts ask of all disks of a forest, gathered once, linear in the disks.
//!
//! ```text
//!  topology   which machine uses what, the way from a disk up to Now, branches
//!  age        when a disk was made: the stamp in a VHD's footer (brought to the file server's clock), else a host's birth time
//!  writes     first and last of the last writes of all disks below a disk, and of all above it
//! ```

pub mod clock;

use jiff::Timestamp;

use crate::analysis::guest_clock::GuestClocks;
use crate::analysis::interval::{moved, seconds_between};
use crate::analysis::topology::Topology;
use crate::image::Specific;
use crate::store::{BornSource, Disk, DiskId, Forest, Machine, codes};
use crate::text::file_name;
use clock::{Clocks, StampClock, is_blktap};

/// 2003-01-01: Virtual PC for Windows, the oldest writer of stamps in this form.
const OLDEST_STAMP: i64 = 1_041_379_200;
/// A stamp may lead the moment of the scan by this: clocks and zones differ.
const LEAD_SECONDS: i64 = 24 * 3_600;
/// A file's own times come in different grains; two seconds are FAT's.
pub const GRAIN_SECONDS: i64 = 2;

/// Who says when a disk was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeSource {
    /// The stamp in a VHD's footer.
    Stamp,
    Birth(BornSource),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// The time, by the file server's clock.
    pub at: Timestamp,
    pub source: AgeSource,
}

/// First and last of the last writes of some disks, and the earliest birth or stamp among them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writes {
    /// The earliest, and whose.
    pub first: Option<(Timestamp, DiskId)>,
    pub last: Option<Timestamp>,
    /// The oldest age, and whose.
    pub oldest: Option<(Timestamp, DiskId)>,
}

impl Writes {
    /// Takes in what other disks' say.
    pub fn add(&mut self, other: Self) {
        self.first = min(self.first, other.first);
        self.oldest = min(self.oldest, other.oldest);
        self.last = self.last.max(other.last);
    }
}

fn min<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What reading the disks' content has told so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// By disk, in the order of the forest: whether it equals its parent; missing = not compared.
    pub equals_parent: Vec<Option<bool>>,
    pub guest_clocks: GuestClocks,
}

#[derive(Debug)]
pub struct Survey<'a> {
    pub forest: &'a Forest,
    /// What diffs have told.
    pub compared: &'a Compared,
    pub topology: Topology<'a>,
    /// A merge is pending at some machine.
    pub merge_pending: bool,
    /// Facts that were found above what was read.
    pub facts_above: Option<String>,
    clocks: Clocks,
    below: Vec<Writes>,
    above: Vec<Writes>,
}

fn facts_above(forest: &Forest) -> Option<String> {
    let mut found = forest.side_findings.iter();
    let (path, _) = found.find(|(_, of)| *of.code == codes::FACTS_ABOVE)?;
    Some(path.display().to_string())
}

impl<'a> Survey<'a> {
    pub fn new(forest: &'a Forest, compared: &'a Compared) -> Self {
        let mut survey = Self {
            forest,
            compared,
            topology: Topology::new(forest),
            merge_pending: forest.machines.iter().any(Machine::is_merge_pending),
            facts_above: facts_above(forest),
            clocks: Clocks::learn(forest),
            below: Vec::new(),
            above: Vec::new(),
        };
        let own: Vec<Writes> = forest.ids().map(|disk| survey.own_writes(disk)).collect();
        let (mut below, mut above) = (own.clone(), own);
        let add = |all: &mut Vec<Writes>, to: DiskId, from: DiskId| {
            let from = all.get(from.0 as usize).copied().unwrap_or_default();
            if let Some(to) = all.get_mut(to.0 as usize) {
                to.add(from);
            }
        };
        for disk in survey.topology.order.iter().copied() {
            if let Some(parent) = forest.parent_of(disk) {
                add(&mut below, disk, parent);
            }
        }
        for disk in survey.topology.order.iter().rev().copied() {
            if let Some(parent) = forest.parent_of(disk) {
                add(&mut above, parent, disk);
            }
        }
        (survey.below, survey.above) = (below, above);
        survey
    }

    fn own_writes(&self, id: DiskId) -> Writes {
        let write = self.forest.modified(id);
        Writes {
            first: write.map(|at| (at, id)),
            last: write,
            oldest: self.age(id).map(|age| (age.at, id)),
        }
    }

    pub fn below(&self, disk: DiskId) -> Writes {
        self.below.get(disk.0 as usize).copied().unwrap_or_default()
    }

    pub fn above(&self, disk: DiskId) -> Writes {
        self.above.get(disk.0 as usize).copied().unwrap_or_default()
    }

    /// The clock that wrote the stamps of a disk, beside the clock of its file server.
    pub fn clock(&self, disk: &Disk) -> StampClock {
        self.clocks.of(disk)
    }

    /// The stamp in a VHD's footer, brought to the file server's clock; or why it cannot be right.
    ///
    /// # Errors
    /// The stamp as it stands, and what is wrong with it.
    pub fn stamp(&self, disk: &Disk) -> Result<Option<Timestamp>, (Timestamp, &'static str)> {
        let Some(stamp) = disk.header.as_ref().and_then(|header| header.created) else {
            return Ok(None);
        };
        let at = match self.clock(disk) {
            StampClock::Ahead(seconds) => moved(stamp, seconds.saturating_neg()),
            StampClock::Same | StampClock::Unknown => stamp,
        };
        let future = |now| seconds_between(now, stamp) > LEAD_SECONDS;
        let wrong = if stamp.as_second() < OLDEST_STAMP {
            "it is older than any program that writes such stamps"
        } else if self.forest.at.is_some_and(future) {
            "it lies in the future"
        } else if is_later(at, disk.file.modified) {
            "it is later than the file's own last write"
        } else {
            return Ok(Some(at));
        };
        Err((stamp, wrong))
    }

    /// The birth of a file, where its file system or a host's listing knows it; or that it is a copy's.
    ///
    /// # Errors
    /// The birth, and what is wrong with it.
    pub fn birth(&self, disk: &Disk) -> Result<Option<Age>, (Timestamp, &'static str)> {
        let Some(born) = disk.file.born else {
            return Ok(None);
        };
        let wrong = if born.source == BornSource::OtherFileSystem {
            "the file system here knows only the births of its own copies"
        } else if is_later(born.at, disk.file.modified) {
            "it is later than the last write: the file is a copy"
        } else {
            let (at, source) = (born.at, AgeSource::Birth(born.source));
            return Ok(Some(Age { at, source }));
        };
        Err((born.at, wrong))
    }

    /// When a disk was made by what it and its file say alone; `None` if neither can be right.
    pub fn age(&self, id: DiskId) -> Option<Age> {
        let disk = self.forest.disk(id)?;
        match self.stamp(disk) {
            Ok(Some(at)) => {
                let source = AgeSource::Stamp;
                Some(Age { at, source })
            }
            _ => self.birth(disk).ok().flatten(),
        }
    }

    pub fn is_xcp(&self, id: DiskId) -> bool {
        self.forest.is_xcp(id)
    }

    pub fn name(&self, id: DiskId) -> String {
        let disk = self.forest.disk(id);
        disk.map(|disk| file_name(&disk.path)).unwrap_or_default()
    }

    /// Whether every changed sector of a disk equals its parent's, or there is none; `None` if that is not known.
    pub fn equals_parent(&self, id: DiskId) -> Option<bool> {
        let compared = self.compared.equals_parent.get(id.0 as usize).copied();
        let is_empty = || self.forest.disk(id).is_some_and(Disk::holds_nothing);
        compared.flatten().or_else(|| is_empty().then_some(true))
    }
}

/// The parent's last write when a blktap disk was linked to it; other programs write 0 or something else there.
pub fn parent_stamp(disk: &Disk) -> Option<Timestamp> {
    const EPOCH_2000: i64 = 946_684_800;
    let header = disk.header.as_ref().filter(|header| is_blktap(header))?;
    let Specific::Vhd(vhd) = &header.specific else {
        return None;
    };
    let stamp = vhd.parent_timestamp.filter(|stamp| *stamp != 0)?;
    Timestamp::from_second(i64::from(stamp).saturating_add(EPOCH_2000)).ok()
}

fn is_later(made: Timestamp, write: Option<Timestamp>) -> bool {
    write.is_some_and(|write| seconds_between(write, made) > GRAIN_SECONDS)
}
