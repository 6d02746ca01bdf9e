//! The scan of a store: walk, probe, link; events on the way.
//!
//! ```text
//!  walk ─► queue ─► readers (threads that probe) ─► engine (gathers, links, tells)
//! ```
//!
//! `again` reads one disk of a finished scan anew.

mod again;
mod engine;
mod machine;
mod readers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::job::Job;
use crate::store::containers::repository::History;
use crate::store::containers::{Containers, FilesAndVolumes};
use crate::store::earlier::EarlierScan;
use crate::store::facts::{Files, SystemFiles};
use crate::store::host::rows::Ends;
use crate::store::walk::Way;
use crate::store::{Disk, DiskId, Forest, HostRow};

/// A prefix of paths stored inside images, and where that is here: `D:\VMs=/mnt/vms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMap {
    /// The prefix as stored, Windows or Unix form.
    pub from: String,
    pub to: PathBuf,
}

/// Whether a scan counts dirty blocks and sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CountPolicy {
    /// Tables and bitmaps are read.
    #[default]
    Count,
    /// The same, and copies of structures are compared with what is in use.
    CountAndCompareCopies,
    HeadersOnly,
}

/// Whether a scan tells of the forest while it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForestUpdates {
    /// Forests are linked and told on the way, for a screen to show.
    #[default]
    Told,
    /// Only the finished forest is: nobody looks before.
    Untold,
}

/// What to scan, and how.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    pub roots: Vec<PathBuf>,
    /// Further folders in which parents may be opened.
    pub parent_roots: Vec<PathBuf>,
    /// Maps for absolute parent paths.
    pub maps: Vec<PathMap>,
    /// What the host says, given by the user; files of known names in the store count without being named.
    pub facts: Vec<PathBuf>,
    /// Earlier scans of the same store, given by the user.
    pub earlier: Vec<Arc<EarlierScan>>,
    /// Disks in use, by the user's word.
    pub now: Vec<PathBuf>,
    pub counts: CountPolicy,
    /// Whether to tell of the growing forest.
    pub growth: ForestUpdates,
    /// Whether the history of a container's volumes is read.
    pub history: History,
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
    Reading { path: PathBuf },
    /// The forest as known now; later ones replace it. The last one has `complete` set, unless the scan was cancelled.
    Forest(Arc<Forest>),
}

/// Why a scan could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A root cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Root {
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A side file cannot be read or understood.
    #[error("{}: {why}", path.display())]
    SideFile {
        path: PathBuf,
        /// What is wrong, with row and field.
        why: String,
    },
}

/// A disk of a running scan.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub disk: Arc<Disk>,
    /// Its folder with every symbolic link resolved: the place from which its stored paths are taken.
    pub folder: Arc<Path>,
    /// How it was reached.
    pub way: Way,
    /// Further places of the same file (hard and symbolic links), folders resolved.
    pub also: Vec<PathBuf>,
    /// What the host's listing says of it, and whether it may have grown since.
    pub host: Option<(Arc<HostRow>, Ends)>,
}

impl Entry {
    /// Where the disk really lies.
    pub fn place(&self) -> PathBuf {
        let name = self.disk.path.file_name().unwrap_or_default();
        self.folder.join(name)
    }
}

/// Scans a store to the end, or until cancelled. Faults of single files never stop it.
///
/// # Errors
/// When a root, or facts that were named, cannot be read at all.
pub fn scan(
    options: &ScanOptions,
    job: &Job,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<Arc<Forest>, ScanError> {
    scan_with(options, &SystemFiles::new(), job, on_event)
}

/// As [`scan`], with files opened and looked at by `files`.
///
/// # Errors
/// As [`scan`].
pub fn scan_with(
    options: &ScanOptions,
    files: &dyn Files,
    job: &Job,
    on_event: &mut dyn FnMut(ScanEvent),
) -> Result<Arc<Forest>, ScanError> {
    let containers = Containers::to_be_found();
    let files = FilesAndVolumes {
        files,
        containers: &containers,
    };
    engine::Engine::new(options, &files, job, on_event)?.run()
}

/// Reads one disk of a forest again and links anew. Every disk keeps its id; machines and snapshots stay as they are.
/// If the file is gone its row says so.
///
/// # Errors
/// When a root cannot be read any more.
pub fn rescan(
    forest: &Forest,
    id: DiskId,
    options: &ScanOptions,
    job: &Job,
) -> Result<Arc<Forest>, ScanError> {
    let files = FilesAndVolumes {
        files: &SystemFiles::new(),
        containers: &Containers::among(&options.roots),
    };
    again::rescan(forest, id, options, &files, job)
}

#[cfg(test)]
mod tests;
