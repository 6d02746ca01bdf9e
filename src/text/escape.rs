//! Text from disks made safe to show on one line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Makes text safe to show on one line: controls, escape codes, bidi marks, line separators and invisible characters
/// become `\u{..}` or the usual short form. Everything else stays, backslashes included, so Windows paths read as they are;
/// what is safe already stays the same.
pub fn escape(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '\0' => safe.push_str("\\0"),
            c if is_unsafe(c) => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// True for printable ASCII, which most names are.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path as text that is safe to show: bytes that are no UTF-8 as `\xNN`, everything else by [`escape`].
pub fn path(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return escape(text);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Several paths, as a sentence names them.
pub fn paths(of: &[PathBuf], between: &str) -> String {
    let of: Vec<String> = of.iter().map(|of| path(of)).collect();
    of.join(between)
}

/// The last part of a path, as [`path`]; the whole path if it has none.
pub fn file_name(of: &Path) -> String {
    path(of.file_name().map_or(of, Path::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_and_bidi_marks_are_shown_not_sent() {
        assert_eq!(escape("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(escape("x\u{202e}y\n"), "x\\u{202e}y\\n");
        assert_eq!(escape("C:\\VMs\\検証用.vhd"), "C:\\VMs\\検証用.vhd");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_shows_its_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"a\xff\x1bb.vhd"));
        assert_eq!(path(odd), "a\\xff\\u{1b}b.vhd");
        assert_eq!(file_name(&Path::new("/s").join(odd)), path(odd));
    }
}
