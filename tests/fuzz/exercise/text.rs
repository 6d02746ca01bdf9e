//! Text: encodings, escapes, ids, names of paths, and lines wrapped and clipped for a screen.

use std::path::Path;

use unicode_width::UnicodeWidthStr as _;
use vhdtree::format::{base64, encoding, guid, text as field};
use vhdtree::report::csv;
use vhdtree::report::page::{Line, Role};
use vhdtree::text::{self, clip, clip_middle, split_at_width};

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "plain words, wrapped at blanks",
        "検証用 wide and e\u{301} combined",
        "evil\u{1b}[31m\u{202e}\u{200d}\u{feff}\n\t\0",
        "{11111111-2222-4333-8444-555555555555}",
        "👨‍👩‍👧 family and 🇯🇵 flag",
    ]
    .iter()
    .map(|text| [&[12], text.as_bytes()].concat())
    .collect()
}

/// A width, a text.
pub fn run(input: &[u8]) {
    let Some((width, bytes)) = input.split_first() else {
        return;
    };
    let width = usize::from(*width).max(1);
    for read in [
        field::utf16le(bytes),
        field::utf16be(bytes),
        field::utf8(bytes),
    ] {
        assert!(!read.text.contains('\0'));
    }
    let text = String::from_utf8_lossy(bytes);
    let stored: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let read = field::utf16le(&stored);
    assert!(
        !read.damaged && text.starts_with(&read.text),
        "sound text stays"
    );
    let marked = [&[0xff, 0xfe], &stored[..]].concat();
    assert_eq!(encoding::decode(&marked).text, text.trim_end_matches('\0'));
    encoding::decode(bytes);

    let shown = text::escape(&text);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert_eq!(text::escape(&shown), shown, "what is safe stays as it is");
    if let Some(id) = guid::from_text(&text) {
        assert_eq!(guid::from_text(&id.to_string()), Some(id));
    }
    assert_eq!(
        base64::decode(&base64::encode(bytes)).as_deref(),
        Some(bytes)
    );
    base64::decode(&text);
    path(bytes);
    csv::line([shown.as_str(), &text]);
    let number = bytes
        .iter()
        .fold(0_u64, |sum, byte| sum.wrapping_mul(257) + u64::from(*byte));
    assert!(text::size(number).len() < 20);
    text::count(number);

    let is_narrow = |line: &str| line.width() <= width;
    for ellipsis in ["…", "~"] {
        assert!(is_narrow(&clip(&shown, width, ellipsis)), "{shown:?}");
        assert!(
            is_narrow(&clip_middle(&shown, width, ellipsis)),
            "{shown:?}"
        );
    }
    let (head, rest) = split_at_width(&shown, width);
    assert!(is_narrow(head) && shown.len() == head.len() + rest.len());
    let wide = width.max(8);
    for line in Line::of(Role::Text, shown.as_str()).wrap(wide, 3) {
        // A blank at the end may stand past the edge, where nothing is painted.
        assert!(line.plain().width() <= wide, "{line:?}");
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) {
    use std::os::unix::ffi::OsStrExt as _;
    let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
    for shown in [text::path(path), text::file_name(path)] {
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
}

#[cfg(not(unix))]
fn path(_bytes: &[u8]) {}
