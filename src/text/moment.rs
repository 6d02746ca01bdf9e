//! Times as text, always with their zone: UTC marked `Z`, or the local zone with its offset.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::text::many;

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

    /// `2026-11-18`.
    pub fn date(&self, at: Timestamp) -> String {
        let mut text = String::new();
        self.write_date(at, &mut text);
        text
    }

    /// `2026-11-18`, put behind `text`.
    pub fn write_date(&self, at: Timestamp, text: &mut String) {
        write_parts(&self.tz.to_datetime(at), Part::Day, text);
    }

    /// `2026-11-18 02:00`, for columns, put behind `text`; the zone is said once, elsewhere.
    pub fn write_minute(&self, at: Timestamp, text: &mut String) {
        write_parts(&self.tz.to_datetime(at), Part::Minute, text);
    }

    /// `2026-11-18 02:00:07Z`, or with the offset of the local zone.
    pub fn second(&self, at: Timestamp) -> String {
        match self.zone {
            Zone::Utc => second(at),
            Zone::Local => {
                let form = "%Y-%m-%d %H:%M:%S%:z";
                at.to_zoned(self.tz.clone()).strftime(form).to_string()
            }
        }
    }
}

/// A moment to the minute, in UTC: `2009-05-02 14:10Z`.
pub fn minute(at: Timestamp) -> String {
    utc(at, Part::Minute)
}

/// A moment to the second, in UTC: `2009-05-02 14:10:31Z`.
pub fn second(at: Timestamp) -> String {
    utc(at, Part::Second)
}

/// The last part of a time that is written.
#[derive(Debug, Clone, Copy)]
enum Part {
    Day,
    Minute,
    Second,
}

fn utc(at: Timestamp, last: Part) -> String {
    let mut text = String::with_capacity(20);
    write_parts(&jiff::tz::Offset::UTC.to_datetime(at), last, &mut text);
    text.push('Z');
    text
}

/// By hand: a large store has a hundred thousand moments to name, and the general formatter takes ten times as long.
fn write_parts(at: &DateTime, last: Part, text: &mut String) {
    match u32::try_from(at.year()) {
        Ok(year) => {
            push_two(text, year / 100);
            push_two(text, year % 100);
        }
        Err(_) => text.push_str(&at.year().to_string()),
    }
    let parts = [
        ('-', at.month()),
        ('-', at.day()),
        (' ', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ];
    let shown = match last {
        Part::Day => 2,
        Part::Minute => 4,
        Part::Second => 5,
    };
    for (before, part) in parts.into_iter().take(shown) {
        text.push(before);
        push_two(text, u32::from(part.unsigned_abs()));
    }
}

fn push_two(text: &mut String, number: u32) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('?'));
    }
}

/// A span in the largest unit that says something: `59 days`, `3 hours`, `40 seconds`; the sign is left out.
pub fn span(seconds: i64) -> String {
    let (count, unit) = rounded(seconds);
    many(count, unit)
}

/// As [`span`], in as few signs as it takes: `59 d`, `3 h`, `40 min`.
pub fn short_span(seconds: i64) -> String {
    let (count, unit) = rounded(seconds);
    let unit = match unit {
        "minute" => "min",
        unit => unit.get(..1).unwrap_or(unit),
    };
    format!("{count} {unit}")
}

/// To the nearest of the unit, so that 58 days and 19 hours are 59 days.
fn rounded(seconds: i64) -> (u64, &'static str) {
    let seconds = seconds.unsigned_abs();
    let nearest = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (nearest(60), "minute"),
        7_200..=172_799 => (nearest(3_600), "hour"),
        _ => (nearest(86_400), "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_is_marked_and_fractions_do_not_show() {
        let at: Timestamp = "2026-11-18T02:00:07.25Z".parse().unwrap();
        let clock = Clock::new(Zone::Utc);
        let mut text = String::new();
        clock.write_date(at, &mut text);
        assert_eq!(text, "2026-11-18");
        text.clear();
        clock.write_minute(at, &mut text);
        assert_eq!(text, "2026-11-18 02:00");
        assert_eq!(clock.second(at), "2026-11-18 02:00:07Z");
        assert_eq!(minute(at), "2026-11-18 02:00Z");
        let early: Timestamp = "-000001-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(minute(early), "-1-01-01 00:00Z");
    }

    #[test]
    fn spans_read_as_a_person_would_say_them() {
        assert_eq!(span(59 * 86_400 + 3), "59 days");
        assert_eq!(span(58 * 86_400 + 19 * 3_600), "59 days");
        assert_eq!(short_span(58 * 86_400 + 3), "58 d");
        assert_eq!(short_span(3_000), "50 min");
        assert_eq!(span(-1), "1 second");
        assert_eq!(span(7_199), "120 minutes");
        assert_eq!(span(i64::MIN), "106,751,991,167,301 days");
    }
}
