//! Files beside the disks that say more about them: configurations, labels, times.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::FormatError;
use crate::source::{error_words, read_up_to};
use crate::store::facts::Files;
use crate::store::hyperv::{self, ConfigRecord, MemoryFile, attach_memory};
use crate::store::labels::{self, Labels};
use crate::store::probe::same_state;
use crate::store::times::{self, FileTimes, TimesIndex};
use crate::store::{Born, BornSource, Disk, FileFacts, PathError, ScanError, ScanOptions};

/// The largest labels or times file that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// The name under which labels are found without being named.
const LABELS: &str = "labels.json";

/// Labels and the file they come from.
pub(super) type LabelsOf = (PathBuf, Labels);

/// The labels named, or those that lie at a root. Faults of the latter are told in `errors`: nobody asked for that file.
///
/// # Errors
/// When labels that were named cannot be read.
pub(super) fn labels(
    options: &ScanOptions,
    files: &dyn Files,
    errors: &mut Vec<PathError>,
) -> Result<Option<LabelsOf>, ScanError> {
    let read = |bytes: Vec<u8>| labels::read(&bytes).map_err(|error| error.to_string());
    if let Some(path) = &options.labels {
        let labels = named(path).and_then(read);
        let labels = labels.map_err(|why| side_file(path, why))?;
        return Ok(Some((path.clone(), labels)));
    }
    for path in options.roots.iter().map(|root| root.join(LABELS)) {
        if !path.is_file() {
            continue;
        }
        let once = || found(files, &path).and_then(read);
        match once().or_else(|_| once()) {
            Ok(labels) => return Ok(Some((path, labels))),
            Err(error) => errors.push(PathError { path, error }),
        }
    }
    Ok(None)
}

/// The listing of times, if one is named.
///
/// # Errors
/// When it cannot be read.
pub(super) fn times(options: &ScanOptions) -> Result<Vec<FileTimes>, ScanError> {
    let Some(path) = &options.times else {
        return Ok(Vec::new());
    };
    named(path)
        .and_then(|bytes| times::read(&bytes).map_err(|error| error.to_string()))
        .map_err(|why| side_file(path, why))
}

/// Puts the host's times of a disk in place of those of this machine.
pub(super) fn date_disk(disk: &mut Arc<Disk>, times: &TimesIndex<'_>) {
    let Disk { file, path, .. } = Arc::make_mut(disk);
    date(file, path, times);
}

/// Puts the host's times in place of those of this machine.
fn date(file: &mut FileFacts, path: &Path, times: &TimesIndex<'_>) {
    let Some(line) = times.find(path, file.len) else {
        return;
    };
    if let Some(at) = line.born {
        let source = BornSource::TimesFile;
        file.born = Some(Born { at, source });
    }
    file.modified = line.modified.or(file.modified);
}

/// Reads configurations, each once more if it could not be read or changed meanwhile, and gives them their memory files. Both lists are sorted first, so that the outcome does not
/// depend on the order of the walk.
pub(super) fn configs(
    files: &dyn Files,
    paths: &mut [PathBuf],
    memory: &mut [PathBuf],
    times: &TimesIndex<'_>,
    errors: &mut Vec<PathError>,
) -> Vec<ConfigRecord> {
    paths.sort();
    memory.sort();
    let mut records = Vec::new();
    for path in paths.iter() {
        match config_that_holds_still(files, path, times).or_else(|_| config(files, path, times)) {
            Ok(Some(record)) => records.push(record),
            Ok(None) => {}
            Err(error) => errors.push(PathError {
                path: path.clone(),
                error,
            }),
        }
    }
    let memory: Vec<MemoryFile> = memory
        .iter()
        .filter_map(|path| {
            let looked = files.facts(path).or_else(|_| files.facts(path));
            let path = path.clone();
            match looked {
                Ok(mut file) => {
                    date(&mut file, &path, times);
                    Some(MemoryFile { path, file })
                }
                Err(error) => {
                    let error = error_words(&error);
                    errors.push(PathError { path, error });
                    None
                }
            }
        })
        .collect();
    attach_memory(&mut records, &memory);
    records
}

fn config_that_holds_still(
    files: &dyn Files,
    path: &Path,
    times: &TimesIndex<'_>,
) -> Result<Option<ConfigRecord>, String> {
    let look = || files.facts(path).map_err(|error| error_words(&error));
    let before = look()?;
    let record = config(files, path, times)?;
    if same_state(&before, &look()?) {
        Ok(record)
    } else {
        Err("it changed while it was read".to_owned())
    }
}

fn config(
    files: &dyn Files,
    path: &Path,
    times: &TimesIndex<'_>,
) -> Result<Option<ConfigRecord>, String> {
    let opened = files.open(path).map_err(|error| error_words(&error))?;
    let mut facts = opened.facts;
    date(&mut facts, path, times);
    hyperv::read(path, facts, &*opened.source).map_err(|error: FormatError| error.to_string())
}

/// A file the user names may be a pipe, `<(ssh host ...)`; or a device without an end, so that what comes is counted.
fn named(path: &Path) -> Result<Vec<u8>, String> {
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
fn found(files: &dyn Files, path: &Path) -> Result<Vec<u8>, String> {
    let opened = files.open(path).map_err(|error| error_words(&error))?;
    let len = opened.source.len();
    if len > LARGEST {
        return Err(format!("it has {len} bytes; at most {LARGEST} are read"));
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    read_up_to(&*opened.source, 0, len).map_err(|error| error_words(&error))
}

fn side_file(path: &Path, why: String) -> ScanError {
    ScanError::SideFile {
        path: path.to_path_buf(),
        why,
    }
}
