//! Lines of text in roles, measured in terminal columns: clipping, padding, wrapping, painting.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::tui::theme::{Role, Theme};

/// A line: pieces of text, each in a role. Text must be escaped before it comes here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Role, String)>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self::new().with(role, text)
    }

    /// Adds a piece at the end.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        self.push(role, text);
        self
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, role: Role, text: impl Into<String>) {
        self.pieces.push((role, text.into()));
    }

    /// Fills with blanks up to a column.
    pub fn pad_to(&mut self, column: usize) {
        let width = self.width();
        if width < column {
            self.push(Role::Text, " ".repeat(column - width));
        }
    }

    /// Its width in columns.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.width()).sum()
    }

    /// The pieces.
    pub fn pieces(&self) -> &[(Role, String)] {
        &self.pieces
    }

    /// Its text without roles, trailing blanks cut.
    pub fn plain(&self) -> String {
        let mut text: String = self.pieces.iter().map(|(_, text)| text.as_str()).collect();
        text.truncate(text.trim_end().len());
        text
    }

    /// Paints it into one row, cut at the right edge.
    pub fn paint(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let mut x = area.x;
        if area.height == 0 {
            return;
        }
        for (role, text) in &self.pieces {
            let left = usize::from(area.right().saturating_sub(x));
            if left == 0 {
                break;
            }
            (x, _) = buffer.set_stringn(x, area.y, text, left, theme.style(*role));
        }
    }

    /// Paints lines below each other from the top of `area`, as many as fit.
    pub fn paint_all<'a>(
        lines: impl IntoIterator<Item = &'a Self>,
        buffer: &mut Buffer,
        area: Rect,
        theme: &Theme,
    ) {
        for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
            let row = Rect {
                y,
                height: 1,
                ..area
            };
            line.paint(buffer, row, theme);
        }
    }

    /// Breaks it at blanks into lines of at most `width` columns; later lines begin `indent` columns in. Words that are
    /// longer than a line are cut where the line ends.
    pub fn wrap(&self, width: usize, indent: usize) -> Vec<Self> {
        let width = width.max(1);
        let indent = if indent + 8 < width { indent } else { 0 };
        let mut lines = Vec::new();
        let mut line = Self::new();
        let mut column = 0;
        for (role, text) in &self.pieces {
            for word in text.split_inclusive(' ') {
                let bare = word.trim_end_matches(' ').width();
                if column + bare > width
                    && column > if lines.is_empty() { 0 } else { indent }
                    && bare <= width - indent
                {
                    lines.push(std::mem::take(&mut line));
                    line.push(Role::Text, " ".repeat(indent));
                    column = indent;
                }
                let mut rest = word;
                while column + rest.trim_end_matches(' ').width() > width {
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
                    line.push(*role, head);
                    if tail.trim().is_empty() {
                        column = width;
                        rest = "";
                        break;
                    }
                    lines.push(std::mem::take(&mut line));
                    line.push(Role::Text, " ".repeat(indent));
                    column = indent;
                    rest = tail;
                }
                column += rest.width();
                line.push(*role, rest);
            }
        }
        lines.push(line);
        lines
    }
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
        let line =
            Line::of(Role::Text, "aaa bb ").with(Role::Error, "cccc ddddddddddddddddddddddddd e");
        let lines = line.wrap(10, 0);
        assert!(
            lines.iter().all(|line| line.plain().width() <= 10),
            "{lines:?}"
        );
        assert_eq!(lines[0].plain(), "aaa bb");
        let text: String = lines
            .iter()
            .map(|line| line.plain().replace(' ', ""))
            .collect();
        assert_eq!(text, "aaabbccccddddddddddddddddddddddddde");
    }

    #[test]
    fn a_mark_without_width_does_not_follow_a_blank_past_the_edge() {
        let lines = Line::of(Role::Text, "aaaa \u{301}bbbbbbbbbb").wrap(4, 0);
        assert!(
            lines.iter().all(|line| line.plain().width() <= 4),
            "{lines:?}"
        );
    }

    #[test]
    fn wrapping_ends_at_any_width() {
        let line = Line::of(Role::Text, "検証用 検証用検証用 x");
        for width in 0..12 {
            for indent in 0..12 {
                let lines = line.wrap(width, indent);
                assert!(lines.len() < 40);
            }
        }
    }
}
