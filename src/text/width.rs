//! Text measured in the columns of a terminal: clipping, padding, wrapping. Text must be escaped before it comes here.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What becomes of a word that is longer than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    /// It is cut where the line ends: a screen would not show the rest.
    Cut,
    /// It stands alone and sticks out, so that a path in a file or pipe stays whole.
    Keep,
}

/// Breaks pieces of text at blanks into lines of at most `width` columns. Later lines begin with `indent` columns of
/// blanks, in the role `blank`.
pub fn wrap<R: Copy>(
    pieces: &[(R, String)],
    blank: R,
    width: usize,
    indent: usize,
    overlong: Overlong,
) -> Vec<Vec<(R, String)>> {
    let width = width.max(1);
    let indent = if indent + 8 < width { indent } else { 0 };
    let mut lines = Vec::new();
    let mut line: Vec<(R, String)> = Vec::new();
    let mut column = 0;
    for (role, text) in pieces {
        for word in text.split_inclusive(' ') {
            let bare = word.trim_end_matches(' ').width();
            let fits_below = bare <= width - indent || overlong == Overlong::Keep;
            let start = if lines.is_empty() { 0 } else { indent };
            if column + bare > width && column > start && fits_below {
                lines.push(std::mem::take(&mut line));
                line.push((blank, " ".repeat(indent)));
                column = indent;
            }
            let mut rest = word;
            while overlong == Overlong::Cut && column + rest.trim_end_matches(' ').width() > width {
                let room = width.saturating_sub(column);
                // Even a mark without a width of its own belongs to the next line then.
                let (mut head, mut tail) = if room == 0 {
                    ("", rest)
                } else {
                    split_at_width(rest, room)
                };
                if head.is_empty() && column <= indent {
                    // Not even one character fits: let it stick out rather than lose it.
                    let first = rest.chars().next().map_or(rest.len(), char::len_utf8);
                    (head, tail) = rest.split_at(first);
                }
                line.push((*role, head.to_owned()));
                if tail.trim().is_empty() {
                    column = width;
                    rest = "";
                    break;
                }
                lines.push(std::mem::take(&mut line));
                line.push((blank, " ".repeat(indent)));
                column = indent;
                rest = tail;
            }
            column += rest.width();
            line.push((*role, rest.to_owned()));
        }
    }
    lines.push(line);
    lines
}

/// As [`wrap`], of a text without roles.
pub fn wrap_plain(text: &str, width: usize, overlong: Overlong) -> Vec<String> {
    wrap(&[((), text.to_owned())], (), width, 0, overlong)
        .into_iter()
        .map(|line| {
            let mut text: String = line.into_iter().map(|((), text)| text).collect();
            text.truncate(text.trim_end().len());
            text
        })
        .collect()
}

/// The longest start of `text` that fits into `width` columns, and the rest.
pub fn split_at_width(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return text.split_at(index);
        }
    }
    (text, "")
}

/// Cuts the end off a text that is too wide, and says so with `ellipsis` (one column).
pub fn clip(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let (head, _) = split_at_width(text, width - 1);
    format!("{head}{ellipsis}")
}

/// Cuts the middle out of a text that is too wide: names keep their beginning, their id and their extension.
pub fn clip_middle(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if width < 4 {
        return clip(text, width, ellipsis);
    }
    let tail_width = (width - 1) * 3 / 5;
    let (head, _) = split_at_width(text, width - 1 - tail_width);
    let mut used = 0;
    let mut start = text.len();
    for (index, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > tail_width {
            break;
        }
        start = index;
    }
    format!("{head}{ellipsis}{}", text.get(start..).unwrap_or_default())
}

/// As [`clip_middle`]; where another of `beside` would look the same then, what they begin with alike is cut instead.
pub fn clip_apart(text: &str, beside: &[String], width: usize, ellipsis: &str) -> String {
    let cut = clip_middle(text, width, ellipsis);
    let shared = beside
        .iter()
        .filter(|other| *other != text && clip_middle(other, width, ellipsis) == cut)
        .map(|other| {
            let alike = text.chars().zip(other.chars()).take_while(|(a, b)| a == b);
            alike.map(|(c, _)| c.len_utf8()).sum::<usize>()
        })
        .max();
    let Some((head, _)) = shared.and_then(|shared| text.split_at_checked(shared)) else {
        return cut;
    };
    // From the beginning of a word, if it is near.
    let start = head.rfind(' ').map_or(head.len(), |blank| blank + 1);
    let start = if head.len() - start < width / 2 {
        start
    } else {
        head.len()
    };
    let rest = text.get(start..).unwrap_or_default();
    let room = width.saturating_sub(ellipsis.width());
    format!("{ellipsis}{}", clip(rest, room, ellipsis))
}

/// Blanks behind a text up to a width.
pub fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(blanks))
}

/// Blanks before a text up to a width.
pub fn pad_left(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_two() {
        assert_eq!(clip("検証用.txt", 7, "…"), "検証用…");
        assert_eq!(clip("検証用.txt", 6, "…"), "検証…");
        assert_eq!(pad("検証", 6), "検証  ");
        assert_eq!(pad_left("検証", 6), "  検証");
        assert_eq!(clip("abc", 0, "…"), "");
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let name = "WIN7x64_Diff_3A55E0B1-2222-4444-8888-0123456789AB.avhd";
        let short = clip_middle(name, 20, "…");
        assert_eq!(short.width(), 20);
        assert!(
            short.starts_with("WIN7x64") && short.ends_with("89AB.avhd"),
            "{short}"
        );
        assert!(clip_middle("検証用検証用検証用", 9, "…").width() <= 9);
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_where_they_must() {
        let text = "aaa bb cccc ddddddddddddddddddddddddd e";
        let lines = wrap_plain(text, 10, Overlong::Cut);
        assert!(lines.iter().all(|line| line.width() <= 10), "{lines:?}");
        assert_eq!(lines[0], "aaa bb");
        let joined = lines.concat().replace(' ', "");
        assert_eq!(joined, text.replace(' ', ""));
        let kept = wrap_plain(text, 10, Overlong::Keep);
        assert_eq!(kept, ["aaa bb", "cccc", "ddddddddddddddddddddddddd", "e"]);
    }

    #[test]
    fn a_mark_without_width_does_not_follow_a_blank_past_the_edge() {
        let lines = wrap_plain("aaaa \u{301}bbbbbbbbbb", 4, Overlong::Cut);
        assert!(lines.iter().all(|line| line.width() <= 4), "{lines:?}");
    }

    #[test]
    fn wrapping_ends_at_any_width() {
        let pieces = [((), "検証用 検証用検証用 x".to_owned())];
        for width in 0..12 {
            for indent in 0..12 {
                for overlong in [Overlong::Cut, Overlong::Keep] {
                    assert!(wrap(&pieces, (), width, indent, overlong).len() < 40);
                }
            }
        }
    }
}
