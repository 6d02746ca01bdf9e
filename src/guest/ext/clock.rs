//! The times an ext volume holds beside those of contents: of inodes, of the journal's commits, of mounts.

use jiff::Timestamp;

use super::{ExtVolume, candidates, journal};
use crate::guest::clock::{KernelClock, MountCount};
use crate::guest::extents::Extents;
use crate::guest::inodes::clock;
use crate::job::Job;

impl KernelClock for ExtVolume {
    fn later_times(
        &self,
        before: &Self,
        written: &Extents,
        job: &Job,
        each: &mut dyn FnMut(Timestamp),
    ) -> bool {
        let written = written.union(&before.replayed).union(&self.replayed);
        let numbers = candidates(before, self, &written);
        let complete = clock::later_times(before, self, numbers, job, each);
        journal::later_commits(&before.device, &self.device, &written, job, each);
        complete
    }

    fn last_time(&self, job: &Job) -> Option<Timestamp> {
        let superblock = seconds(self.device.superblock.written);
        let inodes = clock::last_time(self, candidates(self, self, &self.replayed), job);
        superblock.max(inodes).max(self.last_commit)
    }

    fn mounts(&self) -> Option<MountCount> {
        Some(MountCount {
            count: self.device.superblock.mount_count,
            last: seconds(self.device.superblock.mounted),
        })
    }
}

/// `None` for what never was.
fn seconds(since_1970: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(since_1970).ok().filter(|at| *at > 0)?;
    Timestamp::from_second(seconds).ok()
}
