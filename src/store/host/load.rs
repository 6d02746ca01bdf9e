//! Finds and reads the inputs: those the user named, and those of known names in the folders of the store.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{FactsFile, HostFacts, limits, read_whole, state_db};
use crate::finding::Finding;
use crate::source::{Source, error_words, fill_up_to};
use crate::store::facts::Files;
use crate::store::names::has_extension;
use crate::store::{PathError, ScanError, codes};

/// The largest input that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// The largest database of a pool that is read, in bytes.
const LARGEST_DATABASE: u64 = 256 << 20;
/// So much of an input says what it is.
const HEAD: u64 = 4096;

/// The inputs the user named, in that order.
///
/// # Errors
/// The first that cannot be read or understood.
pub(in crate::store) fn named(paths: &[PathBuf]) -> Result<Vec<FactsFile>, ScanError> {
    let read_one = |path: &PathBuf| {
        let facts = File::open(path)
            .map_err(|error| error_words(&error))
            .and_then(|mut file| read_any(&mut file));
        let facts = facts.map_err(|why| ScanError::SideFile {
            path: path.clone(),
            why,
        })?;
        Ok(FactsFile {
            path: path.clone(),
            folder: None,
            facts,
        })
    };
    paths.iter().map(read_one).collect()
}

/// The inputs found in the store, those of the deepest folders first. Faults are told in `errors`: nobody asked for that file.
pub(in crate::store) fn found(
    files: &dyn Files,
    paths: &mut [PathBuf],
    errors: &mut Vec<PathError>,
    findings: &mut Vec<(PathBuf, Finding)>,
) -> Vec<FactsFile> {
    paths.sort_by_cached_key(|path| (std::cmp::Reverse(path.components().count()), path.clone()));
    let mut all = Vec::new();
    for path in paths.iter() {
        let once = || {
            let opened = files.open(path).map_err(|error| error_words(&error))?;
            let source = &*opened.source;
            read_any(&mut Reading { source, at: 0 })
        };
        match once().or_else(|_| once()) {
            Ok(facts) => all.push(FactsFile {
                path: path.clone(),
                folder: path.parent().map(Path::to_path_buf),
                facts,
            }),
            Err(error) if is_common_name(path) => {
                let text = format!("It is not read: {error}.");
                findings.push((path.clone(), Finding::new(&codes::FACTS_FOREIGN, text)));
            }
            Err(error) => errors.push(PathError {
                path: path.clone(),
                error,
            }),
        }
    }
    all
}

/// Other programs have files of these names too.
fn is_common_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let common = ["state.db", "xo.json"];
    common.iter().any(|known| name.eq_ignore_ascii_case(known)) || has_extension(path, "vbox")
}

/// Reads an input as it comes: a file the user names may be a pipe, `<(ssh host ...)`, or a device without an end, so that
/// what comes is counted. A pool's database is not held in memory.
fn read_any(input: &mut dyn Read) -> Result<HostFacts, String> {
    let mut head = Vec::new();
    let io = |error: io::Error| error_words(&error);
    input.take(HEAD).read_to_end(&mut head).map_err(io)?;
    let whole = head.as_slice().chain(input);
    if state_db::is_one(&head) {
        let mut counted = whole.take(LARGEST_DATABASE.saturating_add(1));
        let facts = state_db::read(BufReader::new(&mut counted));
        if counted.limit() == 0 {
            return Err(format!("it has more than {LARGEST_DATABASE} bytes"));
        }
        let facts = facts.and_then(limits::check);
        return facts.map_err(|error| error.to_string());
    }
    let mut bytes = Vec::new();
    whole
        .take(LARGEST.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    read_whole(bytes).map_err(|error| error.to_string())
}

/// A file of the store, read from its start.
struct Reading<'a> {
    source: &'a dyn Source,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = fill_up_to(self.source, self.at, buffer)?.len();
        self.at = self.at.saturating_add(len as u64);
        Ok(len)
    }
}
