//! Finds and reads the inputs: those the user named, and those of known names in the folders of the store.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{FactsFile, HostError, read};
use crate::source::{error_words, read_up_to};
use crate::store::facts::Files;
use crate::store::{PathError, ScanError};

/// The largest input that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The inputs the user named, in that order.
///
/// # Errors
/// The first that cannot be read or understood.
pub(in crate::store) fn named(paths: &[PathBuf]) -> Result<Vec<FactsFile>, ScanError> {
    let read_one = |path: &PathBuf| {
        let facts = read_whole(path).and_then(|bytes| read(&bytes).map_err(words));
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
) -> Vec<FactsFile> {
    paths.sort_by_cached_key(|path| (std::cmp::Reverse(path.components().count()), path.clone()));
    let mut all = Vec::new();
    for path in paths.iter() {
        let once = || read_found(files, path).and_then(|bytes| read(&bytes).map_err(words));
        match once().or_else(|_| once()) {
            Ok(facts) => all.push(FactsFile {
                path: path.clone(),
                folder: path.parent().map(Path::to_path_buf),
                facts,
            }),
            Err(error) => errors.push(PathError {
                path: path.clone(),
                error,
            }),
        }
    }
    all
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over")]
fn words(error: HostError) -> String {
    error.to_string()
}

/// A file the user names may be a pipe, `<(ssh host ...)`; or a device without an end, so that what comes is counted.
fn read_whole(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| error_words(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    Ok(bytes)
}

/// A file of the store.
fn read_found(files: &dyn Files, path: &Path) -> Result<Vec<u8>, String> {
    let opened = files.open(path).map_err(|error| error_words(&error))?;
    let len = opened.source.len();
    if len > LARGEST {
        return Err(format!("it has {len} bytes; at most {LARGEST} are read"));
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    read_up_to(&*opened.source, 0, len).map_err(|error| error_words(&error))
}
