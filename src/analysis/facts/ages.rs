//! When a disk was made: the footer's stamp if it can be right, else a birth time if the chain's births are believed.

use jiff::{SignedDuration, Timestamp};

use crate::analysis::facts::{Belief, Made};
use crate::store::{Disk, Forest};

/// 2003-01-01: Virtual PC for Windows, the oldest writer of stamps in this form.
const OLDEST_STAMP: i64 = 1_041_379_200;

/// The newest stamp a footer of this store can bear: the newest last write plus a day. `None` without any last write.
pub fn newest_stamp(forest: &Forest) -> Option<Timestamp> {
    forest
        .disks
        .iter()
        .filter_map(|disk| disk.file.modified)
        .max()
        .and_then(|newest| newest.checked_add(SignedDuration::from_hours(24)).ok())
}

/// The footer's stamp: usable, or there and not to be believed.
pub fn footer(disk: &Disk, newest: Option<Timestamp>) -> Result<Option<Timestamp>, Timestamp> {
    let Some(header) = &disk.header else {
        return Ok(None);
    };
    match header.created {
        Some(at) if at.as_second() < OLDEST_STAMP || newest.is_some_and(|newest| at > newest) => {
            Err(at)
        }
        created => Ok(created),
    }
}

/// When a disk was made, and its footer's stamp if that is not to be believed.
pub fn made(disk: &Disk, newest: Option<Timestamp>, belief: &Belief) -> (Made, Option<Timestamp>) {
    let doubt = match footer(disk, newest) {
        Ok(Some(at)) => return (Made::Footer(at), None),
        Ok(None) => None,
        Err(at) => Some(at),
    };
    match disk.file.born {
        Some(born) if belief.holds() => (Made::Birth(born.at, born.source), doubt),
        _ => (Made::Unknown, doubt),
    }
}
