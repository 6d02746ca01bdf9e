//! How documents are laid out, byte by byte: indented or on one line, and nothing in them that could steer a terminal.

use std::io::{self, Write};

use serde_json::ser::Formatter;

use crate::text::escape;

/// Two spaces for each level; `None` where all stands on one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct SafeLayout {
    depth: Option<usize>,
    has_value: bool,
}

const SPACES: &[u8; 64] = &[b' '; 64];

impl SafeLayout {
    /// Indented, as something that stands `depth` levels deep.
    pub(super) fn indented(depth: usize) -> Self {
        Self {
            depth: Some(depth),
            has_value: false,
        }
    }

    /// All on one line.
    pub(super) fn line() -> Self {
        Self {
            depth: None,
            has_value: false,
        }
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.map(|depth| depth.saturating_add(1));
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.map(|depth| depth.saturating_sub(1));
        if self.has_value {
            self.line_end(writer, b"\n")?;
        }
        writer.write_all(bracket)
    }

    fn next<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        match (self.depth, first) {
            (Some(_), true) => self.line_end(writer, b"\n"),
            (Some(_), false) => self.line_end(writer, b",\n"),
            (None, true) => Ok(()),
            (None, false) => writer.write_all(b","),
        }
    }

    fn line_end<W: ?Sized + Write>(self, writer: &mut W, end: &[u8]) -> io::Result<()> {
        let Some(depth) = self.depth else {
            return Ok(());
        };
        writer.write_all(end)?;
        let mut spaces = depth.saturating_mul(2);
        while spaces > 0 {
            let some = spaces.min(SPACES.len());
            writer.write_all(SPACES.get(..some).unwrap_or_default())?;
            spaces = spaces.saturating_sub(some);
        }
        Ok(())
    }
}

impl Formatter for SafeLayout {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        let mut bytes = [0; 4];
        for c in fragment.chars() {
            let text = c.encode_utf8(&mut bytes);
            if escape(text) == *text {
                writer.write_all(text.as_bytes())?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.depth.is_some() { b": " } else { b":" })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}
