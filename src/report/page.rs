//! A page: lines of text in roles, wrapped to a width. Made once, printed by the command line and painted by the browser.

mod cell;
mod context;
pub mod diff;
pub mod disk;
pub mod finding;
mod host;
pub mod machine;
pub mod map;
pub mod owners;
pub mod plan;
pub mod repository;
mod role;
pub mod verdict;
pub mod volumes;

use unicode_width::UnicodeWidthStr as _;

pub use self::cell::{Cell, Layer, MapStyle};
pub use self::context::PageContext;
pub use self::role::Role;
use crate::text::{Overlong, wrap};

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

    pub fn pieces(&self) -> &[(Role, String)] {
        &self.pieces
    }

    /// Its text without roles, trailing blanks cut.
    pub fn plain(&self) -> String {
        let mut text: String = self.pieces.iter().map(|(_, text)| text.as_str()).collect();
        text.truncate(text.trim_end().len());
        text
    }

    /// Breaks it at blanks into lines of at most `width` columns; later lines begin `indent` columns in.
    /// A longer word is cut.
    pub fn wrap(&self, width: usize, indent: usize) -> Vec<Self> {
        self.wrap_with(width, indent, Overlong::Cut)
    }

    fn wrap_with(&self, width: usize, indent: usize, overlong: Overlong) -> Vec<Self> {
        wrap(&self.pieces, Role::Text, width, indent, overlong)
            .into_iter()
            .map(|pieces| Self { pieces })
            .collect()
    }
}

/// A page that grows line by line.
#[derive(Debug, Clone)]
pub struct Page {
    width: usize,
    overlong: Overlong,
    lines: Vec<Line>,
}

/// Columns before the value of a [`Page::field`].
const FIELD: usize = 17;
/// Columns before the text of a [`Page::labelled`] line.
const LABEL: usize = 10;

impl Page {
    /// An empty page of so many columns.
    pub fn new(width: usize, overlong: Overlong) -> Self {
        Self {
            width,
            overlong,
            lines: Vec::new(),
        }
    }

    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// An empty line, unless the page begins or the last one is empty already.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|last| last.width() > 0) {
            self.lines.push(Line::new());
        }
    }

    /// A line; what does not fit goes on `indent` columns in.
    pub fn line(&mut self, line: &Line, indent: usize) {
        self.lines
            .extend(line.wrap_with(self.width, indent, self.overlong));
    }

    /// A line of a list that programs may read: broken only where the rest could not be seen.
    pub fn record(&mut self, line: Line, indent: usize) {
        match self.overlong {
            Overlong::Keep => self.lines.push(line),
            Overlong::Cut => self.line(&line, indent),
        }
    }

    /// The name of a section.
    pub fn heading(&mut self, text: impl AsRef<str>) {
        self.line(&Line::of(Role::Heading, format!(" {}", text.as_ref())), 2);
    }

    /// A heading with what is to be said of its section at once.
    pub fn section(&mut self, name: &str, about: impl Into<String>) {
        let line = Line::of(Role::Heading, format!(" {name}  ")).with(Role::Dim, about);
        self.line(&line, 2);
    }

    /// Running text, `indent` columns in.
    pub fn text(&mut self, role: Role, indent: usize, text: impl Into<String>) {
        let line = Line::of(Role::Text, " ".repeat(indent)).with(role, text);
        self.line(&line, indent);
    }

    /// A name and its value, the values below each other.
    pub fn field(&mut self, name: &str, value: impl Into<String>) {
        let line = Line::of(Role::Dim, format!("  {name:<14} ")).with(Role::Text, value);
        self.line(&line, FIELD);
    }

    /// A named value, where it is known.
    pub fn known(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(name, value.to_string());
        }
    }

    /// A text behind a label; texts stand below each other.
    pub fn labelled(&mut self, label: &str, role: Role, text: impl Into<String>) {
        let line = Line::of(Role::Heading, format!(" {label:<8} ")).with(role, text);
        self.line(&line, LABEL);
    }

    /// A name and running text beside it, or below each other where there is no room; nothing for an empty text.
    pub fn paragraph(&mut self, name: &str, text: impl Into<String>) {
        let text = text.into();
        if text.is_empty() {
            return;
        }
        let (name, indent) = if self.width < 60 {
            (format!(" {name}: "), 2)
        } else {
            (format!(" {name:<14} "), 16)
        };
        self.line(
            &Line::of(Role::Heading, name).with(Role::Text, text),
            indent,
        );
    }

    /// One of several texts below a heading.
    pub fn item(&mut self, role: Role, text: impl Into<String>) {
        self.line(&Line::of(Role::Text, "   - ").with(role, text), 5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_labels_stand_below_each_other_when_they_wrap() {
        let mut page = Page::new(30, Overlong::Cut);
        page.blank();
        page.heading("HEADER");
        page.field("id", "one two three four");
        page.blank();
        page.blank();
        page.labelled("MERGE", Role::Text, "from here into another file");
        page.item(Role::Error, "lost");
        let plain: Vec<String> = page.into_lines().iter().map(Line::plain).collect();
        assert_eq!(
            plain,
            [
                " HEADER",
                "  id             one two three",
                "                 four",
                "",
                " MERGE    from here into",
                "          another file",
                "   - lost",
            ]
        );
    }
}
