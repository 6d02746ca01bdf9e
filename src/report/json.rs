//! The stable JSON, schema `vhdtree/1`: what each command prints, and reading a saved `ls` back.
//!
//! Sizes are integers in bytes, times RFC 3339 in UTC, ids lower-case GUIDs, enums lower-case words. What is not known is
//! `null`, never 0 or an empty text. New keys and new words may come; none goes without a new schema.

pub mod brief;
pub mod changes;
pub mod check;
pub mod diff;
pub mod files;
mod layout;
pub mod ls;
pub mod plan;
pub mod read;
pub mod repository;
pub mod scan;
pub mod store;
pub mod stream;
pub mod verdict;
pub mod versions;
mod word;

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::ser::Serializer;

use self::layout::SafeLayout;
use crate::finding::Finding;

/// The name of the schema in every document.
pub const SCHEMA: &str = "vhdtree/1";

/// The version of the program in a saved scan.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One document: the same head for every command, and the command's own keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document<T> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The command that made it.
    pub command: &'static str,
    /// Everything was read that should be.
    pub complete: bool,
    /// Paths that could not be looked at.
    pub errors: Vec<PathErrorJson>,
    /// The command's own keys.
    #[serde(flatten)]
    pub body: T,
}

/// A path that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathErrorJson {
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    pub error: String,
}

impl PathErrorJson {
    /// Of a path, and why.
    pub fn new(path: &Path, error: String) -> Self {
        let (path, path_bytes) = path_text(path);
        Self {
            path,
            path_bytes,
            error,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingJson {
    pub code: String,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// Position in the file, in bytes.
    pub at: Option<u64>,
    /// What should be there.
    pub expected: Option<String>,
    pub actual: Option<String>,
    /// One sentence with the particulars; left out of a brief answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.id.to_owned(),
            severity: finding.code.severity.word().to_owned(),
            at: finding.at,
            expected: some_text(&finding.expected),
            actual: some_text(&finding.actual),
            text: finding.text.clone(),
        }
    }
}

/// A finding of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFinding {
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    #[serde(flatten)]
    pub finding: FindingJson,
}

impl PathFinding {
    pub fn new(path: &Path, finding: &Finding) -> Self {
        let (path, path_bytes) = path_text(path);
        Self {
            path,
            path_bytes,
            finding: FindingJson::from(finding),
        }
    }
}

/// Empty is unknown.
fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A path as JSON carries it: text, and its bytes in base64 if it is not UTF-8.
pub fn path_text(path: &Path) -> (String, Option<String>) {
    match path.to_str() {
        Some(text) => (text.to_owned(), None),
        None => (
            path.to_string_lossy().into_owned(),
            Some(crate::format::base64::encode(
                path.as_os_str().as_encoded_bytes(),
            )),
        ),
    }
}

/// How a document is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonLayout {
    /// Indented, with a line end after it.
    Pretty,
    /// On one line, with a line end after it.
    Line,
}

/// Writes a value and a line end, piece by piece: a comparison goes on while it is written. Characters that could steer a terminal or hide text are written as `\uXXXX`, so that a
/// document can be looked at as safely as it can be parsed.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, value: &impl Serialize, layout: JsonLayout) -> io::Result<()> {
    let layout = safe(layout, 0);
    value.serialize(&mut Serializer::with_formatter(&mut *out, layout))?;
    out.write_all(b"\n")
}

fn safe(layout: JsonLayout, depth: usize) -> SafeLayout {
    match layout {
        JsonLayout::Pretty => SafeLayout::indented(depth),
        JsonLayout::Line => SafeLayout::line(),
    }
}

/// Appends a value that stands `depth` levels deep, without a line end. Into memory, since a value is written in many
/// small pieces.
fn append(
    bytes: &mut Vec<u8>,
    value: &impl Serialize,
    layout: JsonLayout,
    depth: usize,
) -> io::Result<()> {
    let layout = safe(layout, depth);
    value.serialize(&mut Serializer::with_formatter(bytes, layout))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_escaped_and_come_back_as_they_were() {
        let text = "a\u{9b}b\u{202e}c\u{1b}検\u{e0001}\u{7f}\\\"";
        let mut bytes = Vec::new();
        write(&mut bytes, &text, JsonLayout::Line).unwrap();
        let line = String::from_utf8(bytes).unwrap();
        assert_eq!(
            line,
            "\"a\\u009bb\\u202ec\\u001b検\\udb40\\udc01\\u007f\\\\\\\"\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf8_keeps_its_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xff.vhd"));
        let (text, bytes) = path_text(path);
        assert_eq!(text, "a\u{fffd}.vhd");
        let back = crate::format::base64::decode(&bytes.unwrap());
        assert_eq!(back.as_deref(), Some(&b"a\xff.vhd"[..]));
    }
}
