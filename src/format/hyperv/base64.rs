//! Base64 as XML holds it (RFC 4648 §4): standard alphabet, blanks anywhere, padding optional.
//!
//! Forty lines, against a dependency for the few bytes of a time stamp.

/// Decodes; `None` for a character outside the alphabet, data after padding, or a lone last character.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bits: u32 = 0;
    let mut held: u32 = 0;
    let mut padded = false;
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace()) {
        if c == b'=' {
            padded = true;
            continue;
        }
        let six = value(c)?;
        if padded {
            return None;
        }
        bits = (bits << 6) | u32::from(six);
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            let [.., byte] = (bits >> held).to_be_bytes();
            bytes.push(byte);
        }
    }
    (held < 6).then_some(bytes)
}

fn value(c: u8) -> Option<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = ALPHABET.iter().position(|known| *known == c)?;
    u8::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_decode() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9v\r\n  YmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9vYg", "foob"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode("/+8="), Some(vec![0xff, 0xef]));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Zg==Zg", "Z", "Zm9vY", "Zm9-", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
