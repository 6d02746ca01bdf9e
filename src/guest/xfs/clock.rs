//! The times of an XFS volume's inodes. Its log has none, and it does not count mounts.

use jiff::Timestamp;

use super::{XfsVolume, candidates};
use crate::guest::clock::{KernelClock, MountCount};
use crate::guest::extents::Extents;
use crate::guest::inodes::clock;
use crate::job::Job;

impl KernelClock for XfsVolume {
    fn later_times(
        &self,
        before: &Self,
        written: &Extents,
        job: &Job,
        each: &mut dyn FnMut(Timestamp),
    ) -> bool {
        let written = written.union(&before.replayed).union(&self.replayed);
        match candidates(before, self, &written) {
            Ok(numbers) => clock::later_times(before, self, numbers, job, each),
            Err(_) => false,
        }
    }

    fn last_time(&self, job: &Job) -> Option<Timestamp> {
        let numbers = candidates(self, self, &self.replayed).ok()?;
        clock::last_time(self, numbers, job)
    }

    fn mounts(&self) -> Option<MountCount> {
        None
    }
}
