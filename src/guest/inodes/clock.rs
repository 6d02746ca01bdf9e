//! The kernel-set times of inodes.

use jiff::Timestamp;

use super::{InodeState, Inodes, announced};
use crate::job::Job;

/// Tells when the inodes `candidates` that differ between two states were changed or made, where only the later state says
/// so. False if not all could be looked at.
pub fn later_times(
    before: &dyn Inodes,
    after: &dyn Inodes,
    candidates: impl Iterator<Item = u64>,
    job: &Job,
    each: &mut dyn FnMut(Timestamp),
) -> bool {
    let mut complete = true;
    for number in announced([before, after], candidates) {
        if job.cancel.is_cancelled() {
            return false;
        }
        let (old, new) = match (before.inode(number), after.inode(number)) {
            (Ok(old), Ok(Some(new))) => (old, new),
            (Ok(_), Ok(None)) => continue,
            (Err(_), _) | (_, Err(_)) => {
                complete = false;
                continue;
            }
        };
        let same = old.filter(|old| old.id == new.id);
        let known = |time: fn(&InodeState) -> Option<Timestamp>| same.as_ref().and_then(time);
        if known(|inode| inode.changed) != new.changed {
            new.changed.into_iter().for_each(&mut *each);
        }
        if known(|inode| inode.created) != new.created {
            new.created.into_iter().for_each(&mut *each);
        }
    }
    complete
}

/// The last time at which one of the inodes `candidates` was changed.
pub fn last_time(
    fs: &dyn Inodes,
    candidates: impl Iterator<Item = u64>,
    job: &Job,
) -> Option<Timestamp> {
    let running = candidates.take_while(|_| !job.cancel.is_cancelled());
    let changed = running.filter_map(|number| fs.inode(number).ok()??.changed);
    changed.max()
}
