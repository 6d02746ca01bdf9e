//! The scan of a store: walk, probe, link; events on the way.

use std::path::PathBuf;
use std::sync::Arc;

use crate::job::Job;
use crate::store::Forest;

/// A prefix of paths stored inside images, and where that is here: `D:\VMs=/mnt/vms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMap {
    /// The prefix as stored, Windows or Unix form.
    pub from: String,
    /// The folder here.
    pub to: PathBuf,
}

/// Whether a scan counts dirty blocks and sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CountPolicy {
    /// Tables and bitmaps are read.
    #[default]
    Count,
    /// Headers only.
    HeadersOnly,
}

/// What to scan, and how.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Folders or files.
    pub roots: Vec<PathBuf>,
    /// Further folders in which parents may be opened.
    pub parent_roots: Vec<PathBuf>,
    /// Maps for absolute parent paths.
    pub maps: Vec<PathMap>,
    /// Labels file; `None`: `labels.json` at the root of the store, if there is one.
    pub labels: Option<PathBuf>,
    /// Listing of creation and write times.
    pub times: Option<PathBuf>,
    /// Whether to count.
    pub counts: CountPolicy,
    /// Files probed at once; 0 = a sound default.
    pub threads: usize,
}

/// What a scan tells on its way.
#[derive(Debug, Clone)]
pub enum ScanEvent {
    /// The walk has found so many candidate files so far.
    Walking {
        /// Files seen.
        files: u64,
    },
    /// A file is being read.
    Reading {
        /// Its path.
        path: PathBuf,
    },
    /// The forest as known now; later ones replace it. The last one has `complete` set, unless the scan was cancelled.
    Forest(Arc<Forest>),
}

/// Why a scan could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A root cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Root {
        /// The root.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A side file cannot be read or understood.
    #[error("{}: {why}", path.display())]
    SideFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with row and field.
        why: String,
    },
}

/// Scans a store to the end, or until cancelled. Faults of single files never stop it.
///
/// # Errors
/// When a root, the labels or the times file cannot be read at all.
pub fn scan(
    options: &ScanOptions,
    job: &Job,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<Arc<Forest>, ScanError> {
    let _ = (options, job, on_event);
    Err(ScanError::Root {
        path: PathBuf::new(),
        source: std::io::ErrorKind::Unsupported.into(),
    })
}
