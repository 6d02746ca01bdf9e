//! Reading saved scans back, `ls --json` or `ls --ndjson`: everything they hold, as the forest and assessment the browser
//! works on.
//!
//! What a scan knew beyond it (raw header fields, what was tried for a parent, configuration keys) is gone, and verdicts
//! are those of the scan, not judged again.

mod forest;
mod several;

use std::io::{self, Read};

use serde::Deserialize;
use thiserror::Error;

use super::ls::{DiskJson, LsBody};
use super::scan::{SCAN, ScanRecord};
use super::store::{ScanJson, StoreJson};
use super::{PathErrorJson, SCHEMA};
use crate::analysis::Assessment;
use crate::format::encoding::{self, Encoding};
use crate::store::names::{Named, named};
use crate::store::{Forest, PathError};
use forest::{Reader, path};

/// What was saved, as the browser works on it.
#[derive(Debug, Clone)]
pub struct Saved {
    pub forest: Forest,
    /// The verdicts, as they were.
    pub assessment: Assessment,
}

/// Why a saved scan cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{0}")]
    Read(io::Error),
    /// It is no JSON, or lacks what every `ls` has.
    #[error(
        "not a saved scan, which is what `vhdtree ls --json` and `--ndjson` print: line {line}, column {column}"
    )]
    Json {
        /// Where it stops to be one.
        line: usize,
        /// The same.
        column: usize,
    },
    /// It is of another schema.
    #[error("the schema is {found:?}, and this version reads {SCHEMA:?}")]
    Schema {
        /// The schema it names.
        found: String,
    },
    /// It is of another command.
    #[error("it was printed by `{found}`; only `ls --json` and `ls --ndjson` can be read back")]
    Command {
        /// The command it names.
        found: String,
    },
    /// Two scans of one machine hold the same disk.
    #[error(
        "{path} is in two of the scans: `vhdtree changes OLD NEW` compares two scans of one store"
    )]
    Twice {
        /// The disk.
        path: String,
    },
}

/// One scan as it was saved.
#[derive(Debug, Clone)]
pub struct SavedScan {
    body: LsBody,
    complete: bool,
    errors: Vec<PathErrorJson>,
    /// What to call its machine where the scan itself does not say.
    name: String,
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json {
            line: error.line(),
            column: error.column(),
        }
    }
}

impl SavedScan {
    fn nothing() -> Self {
        Self {
            body: LsBody::default(),
            complete: true,
            errors: Vec::new(),
            name: String::new(),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    command: String,
    complete: bool,
    #[serde(default)]
    errors: Vec<PathErrorJson>,
    #[serde(default)]
    disks: Vec<DiskJson>,
    #[serde(flatten)]
    scan: ScanJson,
    #[serde(flatten)]
    store: StoreJson,
}

/// Reads a saved scan, or several that stand in one input one after the other.
///
/// # Errors
/// When it is no such document.
pub fn read(input: &mut dyn Read) -> Result<Saved, ReadError> {
    together(scans(input, "")?)
}

/// The scans of an input; `name` is what to call a machine whose scan does not.
///
/// # Errors
/// When it is no such document.
pub fn scans(input: &mut dyn Read, name: &str) -> Result<Vec<SavedScan>, ReadError> {
    let text = text_of(input)?;
    let text = text.trim_start_matches('\u{feff}');
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let first = lines.clone().next();
    let is_record =
        |line| serde_json::from_str::<ScanRecord>(line).is_ok_and(|of| of.record == SCAN);
    let mut scans = match first {
        Some((_, line)) if is_record(line) => records(lines)?,
        _ => vec![document(text)?],
    };
    for scan in &mut scans {
        name.clone_into(&mut scan.name);
    }
    Ok(scans)
}

/// One forest of several scans. With several machines, paths and machines' names begin with the name of theirs.
///
/// # Errors
/// When two scans of one machine hold the same disk.
pub fn together(scans: Vec<SavedScan>) -> Result<Saved, ReadError> {
    let (scan, moments) = several::joined(scans)?;
    let body = &scan.body;
    let mut saved = Reader::new(body, &moments).finish(body);
    saved.forest.errors = scan
        .errors
        .iter()
        .map(|error| PathError {
            path: path(&error.path, error.path_bytes.as_deref()),
            error: error.error.clone(),
        })
        .collect();
    // Words for people may change from release to release; the name says it again.
    saved.forest.companions = body
        .store
        .companions
        .iter()
        .map(|file| path(&file.path, file.path_bytes.as_deref()))
        .filter_map(|file| match named(&file) {
            Named::Companion(what) => Some((file, what)),
            _ => None,
        })
        .collect();
    // A scan with paths left out went through all the same: its errors say what is missing.
    saved.forest.complete = scan.complete || !saved.forest.errors.is_empty();
    Ok(saved)
}

/// PowerShell's `>` writes UTF-16.
fn text_of(input: &mut dyn Read) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(ReadError::Read)?;
    if encoding::sniff(&bytes).0 != Encoding::Utf8 {
        return Ok(encoding::decode(&bytes).text);
    }
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text");
    let text = String::from_utf8(bytes).map_err(no_text);
    text.map_err(ReadError::Read)
}

fn document(text: &str) -> Result<SavedScan, ReadError> {
    let head: Head = serde_json::from_str(text)?;
    check(head.schema, head.command)?;
    Ok(SavedScan {
        body: LsBody {
            scan: head.scan,
            store: head.store,
            disks: head.disks,
        },
        complete: head.complete,
        errors: head.errors,
        name: String::new(),
    })
}

/// A record of a scan, then its disks; and so on for further scans.
fn records<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Vec<SavedScan>, ReadError> {
    let mut scans: Vec<SavedScan> = Vec::new();
    let mut wanted = 0;
    for (line, text) in lines {
        let no_record = |error: serde_json::Error| ReadError::Json {
            line,
            column: error.column(),
        };
        if let Ok(record) = serde_json::from_str::<ScanRecord>(text)
            && record.record == SCAN
        {
            check(record.schema, record.command)?;
            end(&mut scans, wanted);
            let beside = record.beside.unwrap_or_default();
            wanted = beside.disks;
            scans.push(SavedScan {
                body: LsBody {
                    scan: record.scan,
                    store: beside.store,
                    disks: Vec::new(),
                },
                complete: record.complete,
                errors: record.errors,
                name: String::new(),
            });
        } else if let Some(scan) = scans.last_mut() {
            let disk: DiskJson = serde_json::from_str(text).map_err(no_record)?;
            scan.body.disks.push(disk);
        }
    }
    end(&mut scans, wanted);
    Ok(scans)
}

/// What was cut off after its first record is not complete, whatever that says.
fn end(scans: &mut [SavedScan], wanted: usize) {
    if let Some(scan) = scans.last_mut() {
        scan.complete &= scan.body.disks.len() >= wanted;
    }
}

fn check(schema: String, command: String) -> Result<(), ReadError> {
    if schema != SCHEMA {
        return Err(ReadError::Schema { found: schema });
    }
    if command != "ls" {
        return Err(ReadError::Command { found: command });
    }
    Ok(())
}
