//! How moments, spans and files are put into the sentences of evidence, verdicts and plans.

use std::path::Path;

use jiff::Timestamp;

/// A moment to the minute, in UTC: `2009-05-02 14:10Z`.
pub(crate) fn when(at: Timestamp) -> String {
    let mut text = second(at);
    // Without `:31Z`.
    text.truncate(text.len().saturating_sub(4));
    text.push('Z');
    text
}

/// A moment to the second, in UTC: `2009-05-02 14:10:31Z`.
pub(crate) fn second(at: Timestamp) -> String {
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let mut text = String::with_capacity(20);
    // By hand: a large store has a hundred thousand moments to name, and the general formatter takes ten times as long.
    match u32::try_from(at.year()) {
        Ok(year) => {
            push_two(&mut text, year / 100);
            push_two(&mut text, year % 100);
        }
        Err(_) => text.push_str(&at.year().to_string()),
    }
    for (before, part) in [
        ('-', at.month()),
        ('-', at.day()),
        (' ', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(before);
        push_two(&mut text, u32::from(part.unsigned_abs()));
    }
    text.push('Z');
    text
}

fn push_two(text: &mut String, number: u32) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('?'));
    }
}

/// A span in the largest unit that says something: `59 days`, `3 hours`, `40 seconds`; the sign is left out.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The file's name without its folder, as it stands on disk.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// `1 disk`, `2 disks`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Bytes in the largest binary unit, one decimal below ten: `3.1 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("PiB");
    if tenths < 10_000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_spans_and_bytes_read_like_a_person_would_say_them() {
        let at: Timestamp = "2009-05-02T14:10:31.5Z".parse().unwrap();
        assert_eq!(when(at), "2009-05-02 14:10Z");
        assert_eq!(second(at), "2009-05-02 14:10:31Z");
        let early: Timestamp = "-000001-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(when(early), "-1-01-01 00:00Z");
        assert_eq!(span(59 * 86_400 + 3), "59 days");
        assert_eq!(span(-1), "1 second");
        assert_eq!(span(7_199), "119 minutes");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(86 * 1024 * 1024), "86.0 MiB");
        assert_eq!(bytes(3_328_599_654), "3.0 GiB");
        assert_eq!(count(1, "disk"), "1 disk");
    }
}
