//! How the characters of a text file are stored: sniffed, whatever its declaration says.
//!
//! Hyper-V writes UTF-16LE with a byte order mark; editors and scripts save the same file as UTF-8 and leave the declaration
//! `encoding="UTF-16"` in place. Windows PowerShell's `>` writes UTF-16LE, PowerShell 7's UTF-8.

use super::text;

/// How characters are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark; ASCII is a part of it.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// A file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text without byte order mark and trailing NULs; wrong units are U+FFFD.
    pub text: String,
    /// How it was stored.
    pub encoding: Encoding,
    /// True if some unit was wrong.
    pub damaged: bool,
}

/// Tells the encoding by byte order mark, else by where the zero byte of the first character lies.
/// Also gives the length of the mark in bytes.
pub fn sniff(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [1..=0xff, 0, ..] => (Encoding::Utf16Le, 0),
        [0, 1..=0xff, ..] => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// The text of a whole file, of which no copy is made if it can be taken as it is.
pub fn decode_whole(bytes: Vec<u8>) -> Decoded {
    if sniff(&bytes) != (Encoding::Utf8, 0) {
        return decode(&bytes);
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            text.truncate(text.trim_end_matches('\0').len());
            Decoded {
                text,
                encoding: Encoding::Utf8,
                damaged: false,
            }
        }
        Err(error) => decode(error.as_bytes()),
    }
}

/// The text of a whole file, or of its beginning.
pub fn decode(bytes: &[u8]) -> Decoded {
    let (encoding, mark) = sniff(bytes);
    let bytes = bytes.get(mark..).unwrap_or_default();
    let (mut text, damaged) = match encoding {
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
        },
        Encoding::Utf16Le => utf16(bytes, u16::from_le_bytes),
        Encoding::Utf16Be => utf16(bytes, u16::from_be_bytes),
    };
    text.truncate(text.trim_end_matches('\0').len());
    Decoded {
        text,
        encoding,
        damaged,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, bool) {
    let pairs = bytes.chunks_exact(2);
    let is_odd = !pairs.remainder().is_empty();
    let units = pairs.filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    let read = text::utf16_units(units.map(unit));
    (read.text, read.damaged || is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text_with_and_without_a_mark() {
        let text = "<a>検証用</a>";
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let with = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for bytes in [
            le(text),
            with(&[0xff, 0xfe], &le(text)),
            be.clone(),
            with(&[0xfe, 0xff], &be),
            text.as_bytes().to_vec(),
            with(&[0xef, 0xbb, 0xbf], text.as_bytes()),
        ] {
            let decoded = decode(&bytes);
            assert_eq!(decoded.text, text);
            assert!(!decoded.damaged);
        }
    }

    #[test]
    fn half_a_unit_and_wrong_bytes_are_damage() {
        let mut bytes = le("ab");
        bytes.push(0x63);
        assert!(decode(&bytes).damaged);
        assert!(decode(b"ab\xff").damaged);
        assert_eq!(decode(b"ab\0\0").text, "ab");
        assert_eq!(decode(b"").text, "");
    }
}
