//! Text fields: UTF-16 in both byte orders, ASCII.

/// Text as it was stored, and whether it was sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text; wrong units are U+FFFD.
    pub text: String,
    /// True if some unit was no valid UTF-16 (or UTF-8).
    pub damaged: bool,
}

/// UTF-16 little-endian up to the first NUL or the end; an odd last byte is ignored.
pub fn utf16le(bytes: &[u8]) -> Text {
    utf16(bytes, u16::from_le_bytes)
}

/// UTF-16 big-endian up to the first NUL or the end; an odd last byte is ignored.
pub fn utf16be(bytes: &[u8]) -> Text {
    utf16(bytes, u16::from_be_bytes)
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16 + Copy) -> Text {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .map(unit)
        .take_while(|unit| *unit != 0);
    utf16_units(units)
}

/// UTF-16 code units as text, NULs and all.
pub fn utf16_units(units: impl Iterator<Item = u16> + Clone) -> Text {
    let mut damaged = false;
    let mut text = String::with_capacity(units.clone().count());
    text.extend(char::decode_utf16(units).map(|unit| {
        unit.unwrap_or_else(|_| {
            damaged = true;
            char::REPLACEMENT_CHARACTER
        })
    }));
    Text { text, damaged }
}

/// UTF-8 (or ASCII) up to the first NUL or the end.
pub fn utf8(bytes: &[u8]) -> Text {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = end.map_or(bytes, |end| bytes.get(..end).unwrap_or_default());
    match std::str::from_utf8(bytes) {
        Ok(text) => Text {
            text: text.to_owned(),
            damaged: false,
        },
        Err(_) => Text {
            text: String::from_utf8_lossy(bytes).into_owned(),
            damaged: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_is_damage_not_a_panic() {
        let read = utf16be(&[0xd8, 0x00, 0x00, 0x41]);
        assert_eq!(read.text, "\u{fffd}A");
        assert!(read.damaged);
        assert!(!utf16le(&[0x41, 0, 0, 0, 0x42, 0]).damaged);
    }
}
