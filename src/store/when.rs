//! Times as PowerShell prints them: ISO 8601, `/Date(ms)/`, and the forms of the host's region.
//!
//! Accepted, exactly:
//! - `/Date(1668000000000)/`, with or without an offset behind the number (which does not change the moment).
//! - Year first with `-`, `/` or `.`: `2026-11-22T23:13:05.1234567+01:00`, `2026/11/22 23:13:05`, `2026. 11. 22. 23:13:05`.
//! - Day first with dots: `22.11.2026 23:13:05` (no region writes the month first with dots).
//! - `22/11/2026 23:13:05`, `11/22/2026 11:13:05 PM`, also with `-`: day or month first as the numbers show. A number above
//!   12 settles it for the whole file, as one host wrote it. If nothing in the file settles it, the time is ambiguous
//!   and is reported, not guessed.
//!
//! Seconds may be missing; `.` may stand between hours and minutes if no digit group is left open; `AM`/`PM` in either case, `a.m.`.
//! Without `Z` or an offset the zone is unknown: see [`ZoneNamed`].

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;

/// Whether a time names its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneNamed {
    /// It does, or it is UTC by its form.
    Known,
    /// It does not: the host's local time, here taken as UTC. Off by up to 14 hours.
    HostLocal,
}

/// A moment, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    pub at: Timestamp,
    /// Whether its zone is known.
    pub zone: ZoneNamed,
}

/// Which of day and month comes first where both orders are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOrder {
    /// `22/11/2026`.
    DayFirst,
    /// `11/22/2026`.
    MonthFirst,
    Unknown,
    /// Some time says one, some the other.
    Mixed,
}

impl DayOrder {
    /// With what one more time says.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (order, Self::Unknown) | (Self::Unknown, order) => order,
            (a, b) if a == b => a,
            _ => Self::Mixed,
        }
    }
}

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTime {
    /// Not one of the forms accepted.
    Form,
    /// Day and month cannot be told apart.
    Ambiguous,
    /// No such day or hour, or outside 1601 to 2200.
    Range,
}

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "is no time in a known form; use ISO 8601, as with .ToString('o')",
            Self::Ambiguous => {
                "may be day/month or month/day, and no other time in the file settles it; use ISO 8601, as with .ToString('o')"
            }
            Self::Range => "is no day of a calendar known here, or outside 1601 to 2200",
        })
    }
}

/// What a text says of the order of day and month: something only if it has such a form and a number above 12.
pub fn day_order(text: &str) -> DayOrder {
    match numbers(text) {
        Some(numbers) if numbers.year_at == 2 && numbers.separator != '.' => {
            match (numbers.date[0] > 12, numbers.date[1] > 12) {
                (true, false) => DayOrder::DayFirst,
                (false, true) => DayOrder::MonthFirst,
                _ => DayOrder::Unknown,
            }
        }
        _ => DayOrder::Unknown,
    }
}

/// Reads a time; `order` is what the whole file says of day and month.
///
/// # Errors
/// [`NoTime`].
pub fn parse(text: &str, order: DayOrder) -> Result<When, NoTime> {
    let text = text.trim();
    if let Some(ms) = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"))
    {
        return from_ms(ms);
    }
    // jiff reads every ISO form with a zone.
    if let Ok(at) = text.parse::<Timestamp>() {
        return in_range(When {
            at,
            zone: ZoneNamed::Known,
        });
    }
    let numbers = numbers(text).ok_or(NoTime::Form)?;
    let [a, b, c] = numbers.date;
    let (year, month, day) = if numbers.year_at == 0 {
        (a, b, c)
    } else if numbers.separator == '.' {
        (c, b, a)
    } else {
        match order.and(day_order(text)) {
            DayOrder::DayFirst => (c, b, a),
            DayOrder::MonthFirst => (c, a, b),
            // The fifth of May is one in either order.
            _ if a == b => (c, b, a),
            DayOrder::Unknown | DayOrder::Mixed => return Err(NoTime::Ambiguous),
        }
    };
    let civil = civil([year, month, day], &numbers).ok_or(NoTime::Range)?;
    let zone = if numbers.utc {
        ZoneNamed::Known
    } else {
        ZoneNamed::HostLocal
    };
    let at = civil
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|_| NoTime::Range)?
        .timestamp();
    in_range(When { at, zone })
}

fn in_range(when: When) -> Result<When, NoTime> {
    let year = jiff::tz::Offset::UTC.to_datetime(when.at).year();
    if (1601..=2200).contains(&year) {
        Ok(when)
    } else {
        Err(NoTime::Range)
    }
}

fn from_ms(text: &str) -> Result<When, NoTime> {
    let sign_at = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'))
        .map_or(text.len(), |(at, _)| at);
    let ms = text.get(..sign_at).and_then(|ms| ms.parse().ok());
    let at = Timestamp::from_millisecond(ms.ok_or(NoTime::Form)?).map_err(|_| NoTime::Range)?;
    in_range(When {
        at,
        zone: ZoneNamed::Known,
    })
}

/// The numbers of a date in some regional form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    date: [u16; 3],
    separator: char,
    /// 0 or 2.
    year_at: usize,
    time: [u16; 3],
    nanosecond: u32,
    utc: bool,
}

fn numbers(text: &str) -> Option<Numbers> {
    let (date, separator, rest) = date(text)?;
    let year_at = match date.map(|(_, len)| len) {
        [4, 1..=2, 1..=2] => 0,
        [1..=2, 1..=2, 4] => 2,
        _ => return None,
    };
    let rest = rest.trim_start_matches(['.', ',']).trim_start();
    let rest = rest.strip_prefix('T').unwrap_or(rest).trim();
    let (rest, utc) = match rest.strip_suffix(['Z', 'z']) {
        Some(rest) => (rest.trim_end(), true),
        None => (rest, false),
    };
    let (time, nanosecond) = if rest.is_empty() {
        ([0; 3], 0)
    } else {
        time(rest)?
    };
    Some(Numbers {
        date: date.map(|(number, _)| number),
        separator,
        year_at,
        time,
        nanosecond,
        utc,
    })
}

type Digits = (u16, usize);

fn date(text: &str) -> Option<([Digits; 3], char, &str)> {
    let (first, rest) = digits(text)?;
    let separator = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '/' | '.'))?;
    let (second, rest) = digits(rest.strip_prefix(separator)?.trim_start())?;
    let (third, rest) = digits(rest.strip_prefix(separator)?.trim_start())?;
    Some(([first, second, third], separator, rest))
}

fn digits(text: &str) -> Option<(Digits, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..len)?.parse().ok()?;
    Some(((number, len), text.get(len..)?))
}

fn time(text: &str) -> Option<([u16; 3], u32)> {
    let letters: String = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    let afternoon = match letters.as_str() {
        "" => None,
        "am" => Some(false),
        "pm" => Some(true),
        _ => return None,
    };
    let clock = text
        .split(|c: char| c.is_whitespace() || c.is_alphabetic())
        .next()?;
    let ((mut hour, 1..=2), rest) = digits(clock)? else {
        return None;
    };
    let separator = rest.chars().next().filter(|c| matches!(c, ':' | '.'))?;
    let ((minute, 2), rest) = digits(rest.strip_prefix(separator)?)? else {
        return None;
    };
    let (second, rest) = match rest.strip_prefix(separator) {
        Some(rest) => {
            let ((second, 2), rest) = digits(rest)? else {
                return None;
            };
            (second, rest)
        }
        None => (0, rest),
    };
    let nanosecond = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if (1..=9).contains(&fraction.len()) => {
            format!("{fraction:0<9}").parse().ok()?
        }
        None if rest.is_empty() => 0,
        _ => return None,
    };
    if let Some(afternoon) = afternoon {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = (hour % 12).saturating_add(if afternoon { 12 } else { 0 });
    }
    Some(([hour, minute, second], nanosecond))
}

fn civil([year, month, day]: [u16; 3], numbers: &Numbers) -> Option<DateTime> {
    let [hour, minute, second] = numbers.time;
    DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        i32::try_from(numbers.nanosecond).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, ZoneNamed), NoTime> {
        parse(text, DayOrder::Unknown).map(|when| (when.at.to_string(), when.zone))
    }

    #[test]
    fn every_form_that_is_documented_is_read() {
        use ZoneNamed::{HostLocal, Known};
        for (text, at, zone) in [
            ("2026-11-22T23:13:05Z", "2026-11-22T23:13:05Z", Known),
            (
                "2026-11-22T23:13:05.1234567+01:00",
                "2026-11-22T22:13:05.1234567Z",
                Known,
            ),
            (
                "2026-11-22T23:13:05.1234567",
                "2026-11-22T23:13:05.1234567Z",
                HostLocal,
            ),
            ("2026-11-22 23:13", "2026-11-22T23:13:00Z", HostLocal),
            ("2026/11/22 23:13:05", "2026-11-22T23:13:05Z", HostLocal),
            ("2026. 11. 22. 23:13:05", "2026-11-22T23:13:05Z", HostLocal),
            ("22.11.2026 23:13:05", "2026-11-22T23:13:05Z", HostLocal),
            ("02.03.2026 04:05:06", "2026-03-02T04:05:06Z", HostLocal),
            ("11/22/2026 11:13:05 PM", "2026-11-22T23:13:05Z", HostLocal),
            (
                "22/11/2026 12:00:01 a.m.",
                "2026-11-22T00:00:01Z",
                HostLocal,
            ),
            ("5/5/2026 12:00 PM", "2026-05-05T12:00:00Z", HostLocal),
            ("22-11-2026 23.13.05", "2026-11-22T23:13:05Z", HostLocal),
            (
                "11/22/2026 11:13:05\u{202f}PM",
                "2026-11-22T23:13:05Z",
                HostLocal,
            ),
            ("/Date(1668000000000)/", "2022-11-09T13:20:00Z", Known),
            ("/Date(1668000000000+0100)/", "2022-11-09T13:20:00Z", Known),
            ("/Date(-1000)/", "1969-12-31T23:59:59Z", Known),
        ] {
            assert_eq!(read(text), Ok((at.to_owned(), zone)), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_two_ways_is_not_guessed() {
        assert_eq!(read("02/03/2026 04:05:06"), Err(NoTime::Ambiguous));
        assert_eq!(read("2/3/2026 4:05:06 PM"), Err(NoTime::Ambiguous));
        let day = parse("02/03/2026 04:05:06", DayOrder::DayFirst).unwrap();
        assert_eq!(day.at.to_string(), "2026-03-02T04:05:06Z");
        let month = parse("02/03/2026 04:05:06", DayOrder::MonthFirst).unwrap();
        assert_eq!(month.at.to_string(), "2026-02-03T04:05:06Z");
        assert_eq!(parse("02/03/2026", DayOrder::Mixed), Err(NoTime::Ambiguous));
    }

    #[test]
    fn an_order_is_learnt_from_numbers_above_twelve() {
        assert_eq!(day_order("22/11/2026 1:00"), DayOrder::DayFirst);
        assert_eq!(day_order("11/22/2026 1:00"), DayOrder::MonthFirst);
        assert_eq!(day_order("02/03/2026 1:00"), DayOrder::Unknown);
        assert_eq!(day_order("22.11.2026 1:00"), DayOrder::Unknown);
        assert_eq!(
            DayOrder::DayFirst.and(DayOrder::MonthFirst),
            DayOrder::Mixed
        );
    }

    #[test]
    fn what_is_no_time_is_said_to_be_none() {
        for text in [
            "",
            "soon",
            "2026",
            "22/11/26 1:00",
            "2026-11-22 25",
            "13:00",
            "2026-11-22 1:2:3",
            "2026-11-22 13:00 PM",
            "/Date(x)/",
            "\u{0662}/1/2026",
        ] {
            assert_eq!(read(text), Err(NoTime::Form), "{text}");
        }
        for text in [
            "2026-13-01",
            "2026-02-30 1:00",
            "2569-11-22 01:00:00",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), Err(NoTime::Range), "{text}");
        }
    }
}
