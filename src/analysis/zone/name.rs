//! The date in a snapshot's default name: `<VM> (<date> - <time>)`, in the host's language and local time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Every way the date in a default name can be read, as if local time were UTC: none, one, or two where day and month may change places.
pub fn readings(name: &str) -> Vec<Timestamp> {
    let read = || {
        let inner = name.trim_end().strip_suffix([')', '）'])?;
        let (_, inner) = inner.rsplit_once(['(', '（'])?;
        // A date may hold hyphens itself; the one between date and time has blanks around it.
        let (day, clock) = inner.split_once(" - ")?;
        Some((read_dates(day), read_time(clock)?))
    };
    let (days, clock) = read().unwrap_or_default();
    let at = |day| TimeZone::UTC.to_timestamp(DateTime::from_parts(day, clock));
    days.into_iter().filter_map(|day| at(day).ok()).collect()
}

/// `5/2/2009`, `02.05.2009`, `2009-05-02`, `2009年5月2日`: year first, or last with day and month in either order.
fn read_dates(text: &str) -> Vec<Date> {
    let numbers = numbers(text);
    let [a, b, c] = numbers.as_slice() else {
        return Vec::new();
    };
    let make = |year: u32, month: u32, day: u32| {
        // Hyper-V is younger than 2008; a larger span only admits chance numbers.
        let year = (2006..=2200).contains(&year).then_some(year)?;
        let year = i16::try_from(year).ok()?;
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    // No locale that writes points puts the month first.
    let (first, second) = if *a > 31 {
        (make(*a, *b, *c), None)
    } else if text.contains('.') {
        (make(*c, *b, *a), None)
    } else {
        (make(*c, *a, *b), make(*c, *b, *a))
    };
    let mut dates: Vec<Date> = first.into_iter().chain(second).collect();
    dates.dedup();
    dates
}

/// `14:10:31`, `14.10.31`, `2:10:31 PM`, `午後 2:10:31`.
fn read_time(text: &str) -> Option<Time> {
    let numbers = numbers(text);
    let (hour, minute, second) = match numbers.as_slice() {
        [hour, minute] => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let hour = if says(&["pm", "p.m", "p. m", "午後", "下午", "오후", "μμ", "μ.μ"]) {
        if hour < 12 { hour + 12 } else { hour }
    } else if says(&["am", "a.m", "a. m", "午前", "上午", "오전", "πμ", "π.μ"]) {
        if hour == 12 { 0 } else { hour }
    } else {
        hour
    };
    let part = |number: u32| i8::try_from(number).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

/// Runs of digits, each of at most four; a longer one reads as no number at all.
fn numbers(text: &str) -> Vec<u32> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    let runs = runs.filter(|run| !run.is_empty());
    let number = |run: &str| run.parse().ok().filter(|_| run.len() <= 4);
    runs.map(|run| number(run).unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn default_names_of_several_languages_give_their_date() {
        for (name, when) in [
            ("web01 (5/22/2009 - 2:10:31 PM)", "2009-05-22T14:10:31Z"),
            ("TestWin7 (2009/05/02 - 14:10:31)", "2009-05-02T14:10:31Z"),
            ("検証 (2009/05/02 - 午後 2:10:31)", "2009-05-02T14:10:31Z"),
            ("srv (02.05.2009 - 14:10:31)", "2009-05-02T14:10:31Z"),
            ("srv (2.5.2009 - 14.10.31)", "2009-05-02T14:10:31Z"),
            ("srv (2009-05-02 - 00:10)", "2009-05-02T00:10:00Z"),
            ("a (b) (22/05/2009 - 12:00:00 AM)", "2009-05-22T00:00:00Z"),
        ] {
            assert_eq!(readings(name), [at(when)], "{name}");
        }
    }

    #[test]
    fn day_and_month_that_may_change_places_give_both() {
        assert_eq!(
            readings("web01 (5/2/2009 - 2:10:31 PM)"),
            [at("2009-05-02T14:10:31Z"), at("2009-02-05T14:10:31Z")]
        );
        assert_eq!(readings("web01 (5/5/2009 - 14:10:31)").len(), 1);
    }

    #[test]
    fn other_names_give_nothing() {
        for name in [
            "Before SP1",
            "x (5/2/2009)",
            "x (1/1/1999 - 10:00)",
            "x (99/99/2009 - 10:00)",
            "x (5/2/2009 - 25:00)",
            "",
        ] {
            assert_eq!(readings(name), [], "{name}");
        }
    }
}
