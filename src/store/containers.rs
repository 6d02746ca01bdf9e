//! Disks that are no files: volumes of an LVM storage repository, on a device or in an image.
//!
//! A container is read only because the user names it; no path stored in a disk leads into one. The path of a disk in it
//! is `CONTAINER/VG/NAME`, and [`open`] opens whatever such a path, or that of a plain file, stands for.

pub mod codes;
mod lvm;
pub mod mgt;
mod names;
pub mod repository;
pub mod xo;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::image::directory::{DirectorySource, is_directory_disk};
use crate::source::{DeviceSource, FileSource, Source};
use crate::store::FileFacts;
use crate::store::files::Opened;

pub(super) use lvm::{DeviceContent, OpenRepository, find, free_bytes, open as open_groups};
pub(super) use names::{VolumeName, lvm_name};
pub use repository::Repository;
pub(super) use xo::is_alias;

/// Opens a disk of a store by its path, whatever it is: a file, a block device, a volume of a container.
///
/// # Errors
/// What the system says; `InvalidInput` for what is none of these; a volume's own.
pub fn open(path: &Path) -> io::Result<Arc<dyn Source>> {
    match plain(path) {
        Ok(file) => Ok(Arc::new(file)),
        Err(error) => match open_other(path) {
            Some(opened) => Ok(opened?.source),
            None => Err(error),
        },
    }
}

/// An alias is a file, and stands for a folder.
fn plain(path: &Path) -> io::Result<FileSource> {
    if xo::is_alias(path) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    FileSource::open(path)
}

/// The disk that is kept as a folder, by the folder's path or its alias.
fn directory(path: &Path) -> Option<io::Result<Opened>> {
    let folder = if xo::is_alias(path) {
        match xo::target(path) {
            Ok(folder) => folder,
            Err(error) => return Some(Err(error)),
        }
    } else {
        path.to_path_buf()
    };
    if !is_directory_disk(&folder) {
        let why = "the folder it leads to is no disk";
        let error = || io::Error::new(io::ErrorKind::NotFound, why);
        return xo::is_alias(path).then(|| Err(error()));
    }
    Some(DirectorySource::open(&folder).map(|source| {
        let modified = source.metadata().modified().ok();
        let facts = FileFacts {
            len: source.len(),
            modified: modified.and_then(|at| Timestamp::try_from(at).ok()),
            ..FileFacts::default()
        };
        Opened {
            source: Arc::new(source),
            facts,
        }
    }))
}

/// Opens what is no regular file; `None` if there is nothing of that kind.
pub(super) fn open_other(path: &Path) -> Option<io::Result<Opened>> {
    if let Some(opened) = directory(path) {
        return Some(opened);
    }
    if let Ok(device) = DeviceSource::open(path) {
        let facts = FileFacts {
            len: device.len(),
            ..FileFacts::default()
        };
        return Some(Ok(Opened {
            source: Arc::new(device),
            facts,
        }));
    }
    let (group, name) = lvm::group_of(path)?;
    let facts = group.facts(&name)?;
    Some(group.source(&name).map(|source| Opened { source, facts }))
}

/// What is known of a path that is no regular file; nothing is opened that is open already.
pub(super) fn facts_other(path: &Path) -> Option<FileFacts> {
    match lvm::group_of(path) {
        Some((group, name)) => group.facts(&name),
        None => open_other(path)?.ok().map(|opened| opened.facts),
    }
}

/// A number that is another one after each change of the container of a volume, read now; `None` for what lies in none.
pub(super) fn sequence_now(path: &Path) -> Option<u64> {
    let (group, _) = lvm::group_of(path)?;
    Some(group.mark_now())
}

/// Whether a path is a store as a whole, and not one disk: a folder, or a device or image that holds volumes.
///
/// # Errors
/// When there is nothing at the path, or it cannot be read.
pub fn is_store(path: &Path) -> io::Result<bool> {
    if container_of(path).is_some() {
        return Ok(false);
    }
    let kind = std::fs::metadata(path)?;
    Ok(kind.is_dir() || !find(path)?.is_empty())
}

/// The container a path leads into: a file or device of which the rest of the path is a volume group, or a volume in it.
/// `None` for a path that is there, or leads into none.
pub fn container_of(path: &Path) -> Option<PathBuf> {
    if std::fs::metadata(path).is_ok() {
        return None;
    }
    let mut above = path.ancestors().skip(1).take(2);
    let container = above.find(|above| std::fs::metadata(above).is_ok())?;
    let is_folder = std::fs::metadata(container).is_ok_and(|found| found.is_dir());
    (!is_folder && !container.as_os_str().is_empty()).then(|| container.to_path_buf())
}
