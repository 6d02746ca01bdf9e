//! Numbers as text: sizes in binary units or exact bytes, counts with separators.

use std::cell::RefCell;

use humansize::{BINARY, FormatSizeOptions, format_size};

/// How sizes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Units {
    /// `96.1 GiB`.
    #[default]
    Human,
    /// `103184072704`.
    Bytes,
}

impl Units {
    /// A size in these units.
    pub fn size(self, bytes: u64) -> String {
        let mut text = String::new();
        self.write_size(bytes, &mut text);
        text
    }

    /// As [`Units::size`], put behind `text`.
    pub fn write_size(self, bytes: u64, text: &mut String) {
        match self {
            Self::Bytes => text.push_str(&bytes.to_string()),
            Self::Human => put_human(bytes, text),
        }
    }
}

/// Sizes remembered by a thread.
const REMEMBERED: usize = 16;

thread_local! {
    /// Sizes written last, with their texts. A fraction is slow to write, and in a store most disks have the size of another.
    static LAST: RefCell<[(u64, String); REMEMBERED]> = RefCell::default();
}

/// A size in binary units with one decimal: `0 B`, `512 B`, `8.1 MiB`.
pub fn human(bytes: u64) -> String {
    Units::Human.size(bytes)
}

fn put_human(bytes: u64, text: &mut String) {
    let place = usize::try_from(bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60).unwrap_or(0);
    LAST.with_borrow_mut(|last| match last.get_mut(place) {
        Some((known, words)) => {
            if *known != bytes || words.is_empty() {
                (*known, *words) = (bytes, write_human(bytes));
            }
            text.push_str(words);
        }
        None => text.push_str(&write_human(bytes)),
    });
}

fn write_human(bytes: u64) -> String {
    let places = usize::from(bytes >= 1024);
    let options = FormatSizeOptions::from(BINARY)
        .decimal_places(places)
        .decimal_zeroes(places);
    format_size(bytes, options)
}

/// A count with a comma between thousands: `1,048,576`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 block`, `1,048,576 blocks`.
pub fn many(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(many(0, "run"), "0 runs");
        assert_eq!(many(1, "run"), "1 run");
        assert_eq!(many(1_200, "run"), "1,200 runs");
    }

    #[test]
    fn sizes_have_one_decimal_and_bytes_none() {
        assert_eq!(human(0), "0 B");
        assert_eq!(human(1023), "1023 B");
        assert_eq!(human(1024), "1.0 KiB");
        assert_eq!(human(90_177_536), "86.0 MiB");
        assert_eq!(human(u64::MAX), "16.0 EiB");
        assert_eq!(Units::Bytes.size(90_177_536), "90177536");
    }

    #[test]
    fn counts_are_separated_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_048_576), "1,048,576");
    }
}
