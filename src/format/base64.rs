//! Base64 (RFC 4648 §4): bytes in XML configurations, paths that are not UTF-8 in JSON, texts for the terminal's clipboard.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Written with padding; read with or without, and whatever the last character's unused bits hold.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Encodes, with padding.
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Decodes, blanks anywhere; `None` for a character outside the alphabet, data after padding, or a lone last character.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    ENGINE.decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_hold_both_ways() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(decode("/+8="), Some(vec![0xff, 0xef]));
    }

    #[test]
    fn blanks_and_missing_padding_are_as_xml_has_them() {
        for (coded, plain) in [("Zm9v\r\n  YmE=", "fooba"), ("Zm9vYg", "foob")] {
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()), "{coded}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Zg==Zg", "Z", "Zm9vY", "Zm9-", "é", "Zm9\u{1b}"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
