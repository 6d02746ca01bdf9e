//! Reads the guest's own clock from two disks.

use std::sync::Arc;

use super::GuestClock;
use crate::analysis::files::GuestDisk;
use crate::analysis::open::open_pair;
use crate::analysis::written::written;
use crate::guest::clock;
use crate::guest::extents::Extents;
use crate::job::Job;
use crate::source::ReadCounts;
use crate::store::{DiskId, Forest};

/// Read of both disks together, at most.
pub const BYTES_MAX: u64 = 64 << 20;
/// Times kept of one pair, at most; the earliest and the latest are always among them.
const TIMES_MAX: usize = 1 << 20;

/// Reads the clock; `None` if the disks cannot be compared or read.
pub fn read(forest: &Forest, frozen: DiskId, above: DiskId, job: &Job) -> Option<GuestClock> {
    let (before, after) = open_pair(forest, frozen, above).ok()?;
    let written = written(&before, &after, job).ok()?;
    let own = Job {
        cancel: job.cancel.child(),
        progress: Arc::clone(&job.progress),
    };
    let counts = Arc::new(ReadCounts::default());
    let old = GuestDisk::with(&before, &counts, &own, BYTES_MAX);
    let new = GuestDisk::with(&after, &counts, &own, BYTES_MAX);
    let mut found = GuestClock {
        complete: true,
        ..GuestClock::default()
    };
    for place in &new.volumes {
        let former = old.volumes.iter().find(|former| place.is_pair(former));
        let part = former.map(|former| place.written(former, &written));
        if !place.may_hold_files || part.as_ref().is_some_and(Extents::is_empty) {
            continue;
        }
        let name = [&*place.name, place.word].join(" ");
        let name = name.trim_end().to_owned();
        let clock = former.zip(part).and_then(|(former, part)| {
            let (before, after) = (former.open(&old.source), place.open(&new.source));
            clock::read(&before, &after, &part, &own)
        });
        match clock {
            Some(clock) => {
                found.add(clock);
                found.volumes.push(name);
            }
            None => found.unread.push(name),
        }
    }
    found.later.sort_unstable();
    found.later.dedup_by_key(|time| time.as_second());
    let excess = found.later.len().saturating_sub(TIMES_MAX);
    found.complete &= excess == 0 && !own.cancel.is_cancelled();
    let half = TIMES_MAX / 2;
    if excess > 0 {
        found.later.drain(half..half.saturating_add(excess));
    }
    found.boots.sort_unstable();
    found.read_bytes = counts.bytes();
    Some(found)
}

impl GuestClock {
    fn add(&mut self, volume: clock::VolumeClock) {
        self.later.extend(volume.later);
        self.boots.extend(volume.boots);
        self.frozen_last = self.frozen_last.max(volume.before_last);
        self.was_in_use |= volume.was_in_use;
        self.complete &= volume.complete;
        self.is_same_mount = match (self.is_same_mount, volume.is_same_mount) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
    }
}
