//! What the files screen is told: files of the guest, in batches, as they are found.

use crate::analysis::files::VolumeRow;
use crate::analysis::files::all::GuestPath;
use crate::analysis::files::versions::PathVersion;
use crate::guest::filesystem::{Change, ChangeKind, FileKind, GuestFile, GuestTime};
use crate::report::files::{ChangeTotals, Fold};
use crate::store::DiskId;

/// Which files of a disk are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilesOf {
    /// Those that differ from the parent disk's.
    #[default]
    Parent,
    /// Those that differ from another disk's.
    Other(DiskId),
    All,
}

/// A file of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The place of its volume among those told of.
    pub volume: usize,
    /// From the volume's root.
    pub path: String,
    /// Where it was before, if elsewhere.
    pub old_path: Option<String>,
    pub kind: FileKind,
    /// `None` in a list of all files.
    pub change: Option<ChangeKind>,
    /// Of the later state, or of the earlier one if it is gone; `None` for directories.
    pub bytes: Option<u64>,
    pub modified: Option<GuestTime>,
    /// Why it is not shown at first.
    pub fold: Option<Fold>,
}

impl FoundFile {
    pub fn changed(volume: usize, change: &Change) -> Self {
        let version = change.after.or(change.before);
        Self {
            volume,
            path: change.path.clone().unwrap_or_default(),
            old_path: change.old_path.clone(),
            kind: change.file,
            change: Some(change.kind),
            bytes: version.and_then(|version| version.bytes),
            modified: version.and_then(|version| version.modified),
            fold: Fold::of(change),
        }
    }

    pub fn listed(volume: usize, path: &str, file: &GuestFile) -> Self {
        Self {
            volume,
            path: path.to_owned(),
            old_path: None,
            kind: file.kind,
            change: None,
            bytes: (file.kind != FileKind::Directory).then_some(file.bytes),
            modified: file.modified,
            fold: None,
        }
    }
}

/// What was found since the last time, and all volumes so far.
#[derive(Debug, Clone, Default)]
pub struct FoundFiles {
    pub volumes: Vec<VolumeRow>,
    /// Of each volume, all changes so far.
    pub totals: Vec<ChangeTotals>,
    pub files: Vec<FoundFile>,
    pub end: Option<FilesEnd>,
}

/// How the search ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesEnd {
    pub complete: bool,
    /// What was found wrong, not escaped.
    pub said: Vec<String>,
}

/// The versions of a path in the disks of a tree.
#[derive(Debug, Clone)]
pub struct FileVersions {
    pub path: GuestPath,
    pub versions: Vec<PathVersion>,
}
