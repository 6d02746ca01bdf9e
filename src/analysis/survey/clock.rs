//! XCP-ng's two clocks: a footer is stamped by the host that makes the disk, the last write is the file server's. Where they
//! differ, or the host stamped local time (XenServer before 6.2), the snapshots' own disks tell by how much: they are made and
//! never written again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::analysis::interval::{off_quarter, seconds_between};
use crate::image::Header;
use crate::store::{BornSource, Disk, DiskId, Forest};

/// Differences within this are one.
const ALIKE_SECONDS: i64 = 5;
/// Clocks within this agree.
const AGREE_SECONDS: i64 = 2;
/// A volume is made, then the disk in it: the host may take so long for both.
const ONE_ACT_SECONDS: i64 = 120;
/// Clocks of servers that nobody sets lie apart by this, seldom by more.
const SKEW_SECONDS: i64 = 300;
/// Zones reach so far east, and so far west.
const EAST_SECONDS: i64 = 14 * 3_600;
const WEST_SECONDS: i64 = 12 * 3_600;

/// The clock that stamped a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampClock {
    /// The one that wrote the file's times too: not XCP-ng's.
    Same,
    /// Another one, ahead by so many seconds.
    Ahead(i64),
    /// Another one, and nothing tells how far ahead.
    Unknown,
}

/// What each storage repository's untouched disks say.
#[derive(Debug, Default)]
pub struct Clocks {
    folders: HashMap<PathBuf, StampClock>,
}

impl Clocks {
    /// Compares stamp and last write of every untouched snapshot's disk.
    pub fn learn(forest: &Forest) -> Self {
        let mut seen: HashMap<&Path, UntouchedDisks> = HashMap::new();
        for id in forest.ids().filter(|id| forest.is_xcp(*id)) {
            let one = forest
                .disk(id)
                .map(|disk| (disk.path.parent(), untouched(forest, id, disk)));
            if let Some((Some(folder), Some(one))) = one {
                seen.entry(folder).or_insert(one).add(one);
            }
        }
        let folders = seen.into_iter();
        let folders = folders.map(|(folder, seen)| (folder.to_path_buf(), seen.clock()));
        Self {
            folders: folders.collect(),
        }
    }

    pub fn of(&self, disk: &Disk) -> StampClock {
        if !disk.header.as_ref().is_some_and(is_blktap) {
            return StampClock::Same;
        }
        if let Some(ahead) = ahead_of_volume(disk) {
            return of_volume(ahead);
        }
        let folder = disk.path.parent();
        let known = folder.and_then(|folder| self.folders.get(folder));
        known.copied().unwrap_or(StampClock::Unknown)
    }
}

/// By how many seconds the stamp of a disk in an LVM volume leads the making of the volume: one act makes both.
pub fn ahead_of_volume(disk: &Disk) -> Option<i64> {
    let born = disk.file.born.filter(|born| born.source == BornSource::Lvm);
    Some(seconds_between(born?.at, disk.header.as_ref()?.created?))
}

/// A host that stamps local time is whole quarter hours off; any other difference tells of no clock, but of a volume that
/// was filled with a disk made elsewhere.
fn of_volume(ahead: i64) -> StampClock {
    if ahead.abs() <= ONE_ACT_SECONDS {
        StampClock::Same
    } else if ahead.abs() <= EAST_SECONDS && off_quarter(ahead) <= ONE_ACT_SECONDS {
        StampClock::Ahead(ahead)
    } else {
        StampClock::Unknown
    }
}

/// Made by blktap, by its creator.
pub fn is_blktap(header: &Header) -> bool {
    header.creator.trim_end_matches(['\0', ' ']) == "tap"
}

/// What untouched disks say: the least and the most that stamps lead last writes, and the first and last stamp.
#[derive(Debug, Clone, Copy)]
struct UntouchedDisks {
    ahead: (i64, i64),
    stamps: (i64, i64),
}

impl UntouchedDisks {
    fn add(&mut self, other: Self) {
        let join = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        self.ahead = join(self.ahead, other.ahead);
        self.stamps = join(self.stamps, other.stamps);
    }

    fn clock(self) -> StampClock {
        let (least, most) = self.ahead;
        let ahead = least.midpoint(most);
        // A coalesce links a disk again, and its last write is that then: a difference that is no usual one takes two moments.
        let is_usual = (-AGREE_SECONDS..=SKEW_SECONDS).contains(&ahead)
            || (ahead > 0 && is_whole_quarters(ahead));
        let at_once = self.stamps.1.saturating_sub(self.stamps.0) <= ALIKE_SECONDS;
        let is_one = most.saturating_sub(least) <= ALIKE_SECONDS && (is_usual || !at_once);
        let known = is_one.then_some(StampClock::Ahead(ahead));
        known.unwrap_or(StampClock::Unknown)
    }
}

fn is_whole_quarters(seconds: i64) -> bool {
    off_quarter(seconds) <= ALIKE_SECONDS
}

/// By how much the stamp of a disk that was never written leads its last write; `None` where that says nothing.
fn untouched(forest: &Forest, id: DiskId, disk: &Disk) -> Option<UntouchedDisks> {
    let header = disk.header.as_ref().filter(|header| is_blktap(header))?;
    let node = forest.node(id)?;
    forest
        .parent_of(id)
        .filter(|_| disk.holds_nothing() && node.children.is_empty())?;
    let stamp = header.created?;
    let ahead = seconds_between(disk.file.modified?, stamp);
    let behind = ahead.saturating_neg();
    let ahead = match ahead {
        // A last write before the making: only clocks do that.
        _ if ahead > AGREE_SECONDS => (ahead <= EAST_SECONDS).then_some(ahead),
        _ if ahead.abs() <= AGREE_SECONDS => Some(0),
        // A later last write is a later write, unless a whole zone lies between.
        _ => (behind <= WEST_SECONDS.saturating_add(ALIKE_SECONDS) && is_whole_quarters(behind))
            .then_some(ahead),
    }?;
    let stamp = stamp.as_second();
    Some(UntouchedDisks {
        ahead: (ahead, ahead),
        stamps: (stamp, stamp),
    })
}
