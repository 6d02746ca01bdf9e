//! Reads the configurations beside the disks, with their memory files.

use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::format::FormatError;
use crate::source::error_words;
use crate::store::PathError;
use crate::store::facts::Files;
use crate::store::host::rows::Rows;
use crate::store::hyperv::{self, ConfigRecord, MemoryFile, attach_memory};
use crate::store::probe::same_state;
use crate::store::pvs::{self, Manifest};

/// Reads configurations, each once more if it could not be read or changed meanwhile, and gives them their memory files. Both lists are sorted first, so that the outcome does not
/// depend on the order of the walk.
pub(super) fn configs(
    files: &dyn Files,
    paths: &mut [PathBuf],
    memory: &mut [PathBuf],
    rows: &Rows,
    errors: &mut Vec<PathError>,
) -> (Vec<ConfigRecord>, Vec<ManifestRead>) {
    paths.sort();
    memory.sort();
    let mut records = Vec::new();
    let mut manifests = Vec::new();
    for path in paths.iter() {
        match config_that_holds_still(files, path, rows).or_else(|_| config(files, path, rows)) {
            Ok(FoundConfig::Config(record)) => records.push(*record),
            Ok(FoundConfig::Manifest(manifest)) => manifests.push((path.clone(), manifest)),
            Ok(FoundConfig::Other) => {}
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
                    rows.date(&mut file, &path);
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
    (records, manifests)
}

/// A manifest of versions, or why it cannot be read, and its path.
pub(super) type ManifestRead = (PathBuf, Result<Manifest, Finding>);

/// What a file that is named like a configuration is.
enum FoundConfig {
    Config(Box<ConfigRecord>),
    /// Of a disk's versions.
    Manifest(Result<Manifest, Finding>),
    Other,
}

fn config_that_holds_still(
    files: &dyn Files,
    path: &Path,
    rows: &Rows,
) -> Result<FoundConfig, String> {
    let look = || files.facts(path).map_err(|error| error_words(&error));
    let before = look()?;
    let record = config(files, path, rows)?;
    if same_state(&before, &look()?) {
        Ok(record)
    } else {
        Err("it changed while it was read".to_owned())
    }
}

fn config(files: &dyn Files, path: &Path, rows: &Rows) -> Result<FoundConfig, String> {
    let opened = files.open(path).map_err(|error| error_words(&error))?;
    let mut facts = opened.facts;
    rows.date(&mut facts, path);
    let config = hyperv::read(path, facts, &*opened.source);
    let config = config.map_err(|error: FormatError| error.to_string())?;
    let manifest = || pvs::read(path, &*opened.source).map(FoundConfig::Manifest);
    Ok(match config {
        Some(config) => FoundConfig::Config(Box::new(config)),
        None => manifest().unwrap_or(FoundConfig::Other),
    })
}
