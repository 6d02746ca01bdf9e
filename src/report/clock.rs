//! Times as text, always with their zone: UTC marked `Z`, or the local zone with its offset.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// In which zone times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// UTC, marked `Z`.
    #[default]
    Utc,
    /// The zone of the machine that shows them.
    Local,
}

/// Turns times into text in one zone.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Zone,
    tz: TimeZone,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Zone::Utc)
    }
}

impl Clock {
    /// A clock for a zone; the system is asked once.
    pub fn new(zone: Zone) -> Self {
        let tz = match zone {
            Zone::Utc => TimeZone::UTC,
            Zone::Local => TimeZone::system(),
        };
        Self { zone, tz }
    }

    /// The zone shown.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// `2026-11-18`, put behind `text`.
    pub fn write_date(&self, at: Timestamp, text: &mut String) {
        let at = self.tz.to_datetime(at);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", at.strftime("%Y-%m-%d"));
    }

    /// `2026-11-18 02:00`, for columns, put behind `text`; the zone is said once, elsewhere.
    pub fn write_minute(&self, at: Timestamp, text: &mut String) {
        let at = self.tz.to_datetime(at);
        let _ = write!(text, "{}", at.strftime("%Y-%m-%d %H:%M"));
    }

    /// `2026-11-18 02:00:07Z`, or with the offset of the local zone.
    pub fn second(&self, at: Timestamp) -> String {
        let form = match self.zone {
            Zone::Utc => "%Y-%m-%d %H:%M:%SZ",
            Zone::Local => "%Y-%m-%d %H:%M:%S%:z",
        };
        at.to_zoned(self.tz.clone()).strftime(form).to_string()
    }
}

/// RFC 3339 in UTC, as JSON carries it: `2026-11-18T02:00:07Z`, with a fraction only if there is one.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}

/// A span in the two largest units that matter: `59 d 19 h`, `3 min 4 s`; a sign for spans before.
pub fn span(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let left = seconds.unsigned_abs();
    let (days, hours, minutes) = (left / 86_400, left / 3_600 % 24, left / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{left} s"),
        (0, 0, _) => format!("{sign}{minutes} min {} s", left % 60),
        (0, ..) => format!("{sign}{hours} h {minutes} min"),
        _ => format!("{sign}{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_is_marked_and_fractions_do_not_show_in_columns() {
        let at: Timestamp = "2026-11-18T02:00:07.25Z".parse().unwrap();
        let clock = Clock::new(Zone::Utc);
        let mut text = String::new();
        clock.write_date(at, &mut text);
        assert_eq!(text, "2026-11-18");
        text.clear();
        clock.write_minute(at, &mut text);
        assert_eq!(text, "2026-11-18 02:00");
        assert_eq!(clock.second(at), "2026-11-18 02:00:07Z");
        assert_eq!(rfc3339(at), "2026-11-18T02:00:07.25Z");
    }

    #[test]
    fn spans_say_the_two_largest_units_and_their_sign() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(184), "3 min 4 s");
        assert_eq!(span(5 * 86_400 + 3_600), "5 d 1 h");
        assert_eq!(span(-7_260), "-2 h 1 min");
        assert_eq!(span(i64::MIN).chars().next(), Some('-'));
    }
}
