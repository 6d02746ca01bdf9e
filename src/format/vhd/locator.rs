//! Parent locators: up to eight places in the file that hold a path to the parent, each in the manner of one platform.

use super::codes;
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::bytes::{array_at, be32_at, be64_at};
use crate::format::parent::{PathKind, StoredPath};
use crate::format::text::{self, Text};
use crate::source::{Source, read_up_to};

/// Length of one locator entry in bytes.
pub const LOCATOR_BYTES: usize = 24;
/// Longest path believed, in bytes: what a Windows path can have in UTF-16, terminated.
const PATH_BYTES_MAX: u32 = 65_536;

/// One locator entry as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocatorEntry {
    /// Platform code, four bytes.
    pub code: [u8; 4],
    /// Room taken by the path, in sectors or bytes: writers differ, so it is not used.
    pub data_space: u32,
    /// Length of the path in bytes.
    pub data_length: u32,
    /// Position of the path in the file, in bytes.
    pub data_offset: u64,
}

impl LocatorEntry {
    /// Reads an entry from 24 bytes; unused if there are fewer.
    pub fn parse(bytes: &[u8]) -> Self {
        Self {
            code: array_at(bytes, 0).unwrap_or_default(),
            data_space: be32_at(bytes, 4).unwrap_or_default(),
            data_length: be32_at(bytes, 8).unwrap_or_default(),
            data_offset: be64_at(bytes, 16).unwrap_or_default(),
        }
    }

    /// True if no locator is stored here.
    pub fn is_unused(&self) -> bool {
        self.code == [0; 4]
    }

    /// Where the path lies, if that is inside a file of `len` bytes and of a believable length.
    pub fn range(&self, len: u64) -> Option<(u64, u32)> {
        let end = self.data_offset.checked_add(u64::from(self.data_length))?;
        (end <= len && (1..=PATH_BYTES_MAX).contains(&self.data_length))
            .then_some((self.data_offset, self.data_length))
    }
}

/// How a `MacX` URL writes characters outside of ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlStyle {
    /// Percent-encoded, as in a URL.
    Encoded,
    /// As they are: blktap puts the bare path behind `file://`.
    Bare,
}

/// Reads the path of locator number `index`, whose entry lies at `entry_at` in the file. `None` if none is stored there or
/// it holds no path; what is odd becomes a finding.
///
/// # Errors
/// Those of the read.
pub fn read(
    source: &dyn Source,
    entry: &LocatorEntry,
    index: usize,
    entry_at: u64,
    urls: UrlStyle,
    findings: &mut Vec<Finding>,
) -> Result<Option<StoredPath>, FormatError> {
    let field = match &entry.code {
        [0, 0, 0, 0] => return Ok(None),
        b"W2ru" => "W2ru",
        b"W2ku" => "W2ku",
        b"Wi2r" => "Wi2r",
        b"Wi2k" => "Wi2k",
        b"MacX" => "MacX",
        b"Mac " => {
            findings.push(
                Finding::new(
                    &codes::LOCATOR_ALIAS,
                    format!("parent locator {index} is a Mac OS alias, which holds no path"),
                )
                .at(entry_at),
            );
            return Ok(None);
        }
        other => {
            let code = String::from_utf8_lossy(other).into_owned();
            findings.push(
                Finding::new(
                    &codes::LOCATOR_UNKNOWN,
                    format!("parent locator {index} has the unknown code {code:?}"),
                )
                .at(entry_at)
                .values("W2ru, W2ku, Wi2r, Wi2k, Mac or MacX", code),
            );
            return Ok(None);
        }
    };
    let Some((at, length)) = entry.range(source.len()) else {
        findings.push(
            Finding::new(
                &codes::LOCATOR_RANGE,
                format!("parent locator {index} ({field}) has its path outside of the file, or a length no path has"),
            )
            .at(entry_at)
            .values(
                format!("1 to {PATH_BYTES_MAX} bytes before {}", source.len()),
                format!("{} bytes at {}", entry.data_length, entry.data_offset),
            ),
        );
        return Ok(None);
    };
    let bytes = read_up_to(source, at, usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(FormatError::read("parent locator", at))?;
    let Text { text, damaged } = match field {
        "W2ru" | "W2ku" => text::utf16le(&bytes),
        "MacX" => path_of_url(&bytes, urls),
        _ => text::utf8(&bytes),
    };
    if damaged {
        findings.push(
            Finding::new(
                &codes::TEXT_DAMAGED,
                format!("the path in parent locator {index} ({field}) is damaged: {text}"),
            )
            .at(at),
        );
    }
    Ok((!text.is_empty()).then(|| StoredPath {
        kind: kind_of_path(&text),
        field,
        text,
    }))
}

/// How a path is meant, by what it says: blktap stores relative paths in the fields for absolute ones.
pub fn kind_of_path(path: &str) -> PathKind {
    let is_drive = |path: &str| {
        let mut start = path.chars();
        start
            .next()
            .is_some_and(|drive| drive.is_ascii_alphabetic())
            && start.next() == Some(':')
    };
    let volume = r"\\?\volume{";
    if path
        .get(..volume.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(volume))
    {
        PathKind::Volume
    } else if path.starts_with(['/', '\\']) || is_drive(path) {
        PathKind::Absolute
    } else {
        PathKind::Relative
    }
}

/// The order in which a reader tries paths: relative before absolute, and of each the fields from the best kept to the worst.
pub fn rank(path: &StoredPath) -> (u8, u8) {
    let kind = match path.kind {
        PathKind::Relative => 0,
        PathKind::Absolute => 1,
        PathKind::Volume => 2,
    };
    let field = match path.field {
        "W2ru" => 0,
        "W2ku" => 1,
        "MacX" => 2,
        "Wi2r" => 3,
        "Wi2k" => 4,
        _ => 5,
    };
    (kind, field)
}

/// The path of a `file://` URL; of bytes that are no URL, the text itself.
fn path_of_url(bytes: &[u8], style: UrlStyle) -> Text {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = end.map_or(bytes, |end| bytes.get(..end).unwrap_or_default());
    let bytes = bytes
        .strip_prefix(b"file://localhost/")
        .map(|_| bytes.get(b"file://localhost".len()..).unwrap_or_default())
        .or_else(|| bytes.strip_prefix(b"file://"))
        .unwrap_or(bytes);
    match style {
        UrlStyle::Bare => text::utf8(bytes),
        UrlStyle::Encoded => text::utf8(&percent_decoded(bytes)),
    }
}

fn percent_decoded(mut bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some((first, rest)) = bytes.split_first() {
        let escaped = match rest {
            [high, low, ..] if *first == b'%' => digit(*high)
                .zip(digit(*low))
                .and_then(|(high, low)| u8::try_from(high << 4 | low).ok()),
            _ => None,
        };
        if let Some(byte) = escaped {
            decoded.push(byte);
            bytes = rest.get(2..).unwrap_or_default();
        } else {
            decoded.push(*first);
            bytes = rest;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_a_path() {
        let path = |url: &str| path_of_url(url.as_bytes(), UrlStyle::Encoded).text;
        assert_eq!(path("file://./mail-1.vhd\0rest"), "./mail-1.vhd");
        assert_eq!(
            path("file:///Users/me/My%20Disk.vhd"),
            "/Users/me/My Disk.vhd"
        );
        assert_eq!(path("file://localhost/a%e6%a4%9cb"), "/a検b");
        assert_eq!(path("100%.vhd"), "100%.vhd");
        assert_eq!(
            path_of_url(b"file://./50%25.vhd", UrlStyle::Bare).text,
            "./50%25.vhd"
        );
    }

    #[test]
    fn a_path_is_taken_for_what_it_says() {
        assert_eq!(kind_of_path(r".\base.vhd"), PathKind::Relative);
        assert_eq!(kind_of_path("base.vhd"), PathKind::Relative);
        assert_eq!(kind_of_path(r"..\x\base.vhd"), PathKind::Relative);
        assert_eq!(kind_of_path(r"D:\VMs\base.vhd"), PathKind::Absolute);
        assert_eq!(kind_of_path(r"\\host\share\base.vhd"), PathKind::Absolute);
        assert_eq!(kind_of_path("/run/sr-mount/base.vhd"), PathKind::Absolute);
        assert_eq!(kind_of_path(r"\\?\Volume{1}\base.vhd"), PathKind::Volume);
        assert_eq!(kind_of_path("検証用.vhd"), PathKind::Relative);
    }
}
