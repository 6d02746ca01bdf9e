//! Paths that lead into a container.

use std::io;
use std::path::{Path, PathBuf};

use super::lvm::find;

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
