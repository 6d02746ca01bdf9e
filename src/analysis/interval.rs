//! A span of time that holds a moment.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub const MINUTES_5: i64 = 300;
pub const QUARTER_SECONDS: i64 = 900;
pub const HOUR_SECONDS: i64 = 3_600;
pub const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// From a first to a last possible moment; an end that is not known is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Interval {
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
}

impl Interval {
    /// Only this moment.
    pub fn at(at: Timestamp) -> Self {
        Self {
            not_before: Some(at),
            not_after: Some(at),
        }
    }

    /// The moment, if it is but one.
    pub fn exact(self) -> Option<Timestamp> {
        self.not_before.filter(|at| self.not_after == Some(*at))
    }

    /// Moves the lower end up.
    pub fn raise(&mut self, at: Timestamp) {
        self.not_before = Some(self.not_before.map_or(at, |known| known.max(at)));
    }

    /// Moves the upper end down.
    pub fn lower(&mut self, at: Timestamp) {
        self.not_after = Some(self.not_after.map_or(at, |known| known.min(at)));
    }
}

/// Seconds from `from` to `to`, whole ones, negative if `to` is earlier.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

/// A moment moved by seconds; where that leaves the calendar, the moment itself.
pub fn moved(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(at)
}

/// How far a difference lies from whole quarters of an hour, the steps of time zones, in seconds.
pub fn off_quarter(seconds: i64) -> i64 {
    let over = seconds.rem_euclid(QUARTER_SECONDS);
    over.min(QUARTER_SECONDS.saturating_sub(over))
}
