//! Numbers as text: sizes in binary units or exact bytes, counts with separators.

use std::fmt::Write as _;

use humansize::{BINARY, FormatSizeOptions, SizeFormatter};

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
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Bytes => write!(text, "{bytes}"),
            Self::Human => {
                let places = usize::from(bytes >= 1024);
                let options = FormatSizeOptions::from(BINARY)
                    .decimal_places(places)
                    .decimal_zeroes(places);
                write!(text, "{}", SizeFormatter::new(bytes, options))
            }
        };
    }

    /// A size of which the last byte may matter: `86.0 MiB (90,177,536 bytes)`, or the bytes alone.
    pub fn exact(self, bytes: u64) -> String {
        match self {
            Self::Human => format!("{} ({})", size(bytes), many(bytes, "byte")),
            Self::Bytes => bytes.to_string(),
        }
    }

    /// A place in bytes: in few columns, or exactly.
    pub fn place(self, bytes: u64) -> String {
        match self {
            Self::Human => offset(bytes),
            Self::Bytes => bytes.to_string(),
        }
    }

    /// A count, separated by thousands or, beside exact bytes, for programs to read.
    pub fn count(self, number: u64) -> String {
        match self {
            Self::Human => count(number),
            Self::Bytes => number.to_string(),
        }
    }
}

/// The same in the fewest columns: `512B`, `8.1M`.
pub fn short_size(bytes: u64) -> String {
    size(bytes).replace("iB", "").replace(' ', "")
}

/// A size in binary units with one decimal: `0 B`, `512 B`, `8.1 MiB`.
pub fn size(bytes: u64) -> String {
    Units::Human.size(bytes)
}

/// An offset in few columns: `1.12T`.
pub fn offset(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1 << 40, "T"),
        (1 << 30, "G"),
        (1 << 20, "M"),
        (1 << 10, "K"),
    ];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let hundredths = bytes % unit / (unit / 100).max(1);
            let whole = bytes / unit;
            return if bytes.is_multiple_of(unit) {
                format!("{whole} {name}")
            } else {
                format!("{whole}.{:02} {name}", hundredths.min(99))
            };
        }
    }
    bytes.to_string()
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
pub fn many(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(many(0_u64, "run"), "0 runs");
        assert_eq!(many(1_usize, "run"), "1 run");
        assert_eq!(many(1_200_u64, "run"), "1,200 runs");
    }

    #[test]
    fn sizes_have_one_decimal_and_bytes_none() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(90_177_536), "86.0 MiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
        assert_eq!(Units::Bytes.size(90_177_536), "90177536");
        assert_eq!(
            Units::Human.exact(90_177_536),
            "86.0 MiB (90,177,536 bytes)"
        );
    }

    #[test]
    fn offsets_are_short_and_round_down() {
        assert_eq!(offset(0), "0");
        assert_eq!(offset(2 << 20), "2 M");
        assert_eq!(offset((1 << 40) + (128 << 30)), "1.12 T");
        assert_eq!(offset((2 << 40) - 1), "1.99 T");
        assert_eq!(Units::Bytes.place(2 << 20), "2097152");
    }

    #[test]
    fn counts_are_separated_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_048_576), "1,048,576");
    }
}
