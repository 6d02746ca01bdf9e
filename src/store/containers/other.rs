//! What is a disk and neither a regular file nor a volume: a folder or its alias, a block device.

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::xo;
use crate::image::directory::{DirectorySource, is_directory_disk};
use crate::source::{DeviceSource, Source as _};
use crate::store::FileFacts;
use crate::store::files::Opened;

/// Opens what is no regular file; `None` if there is nothing of that kind.
pub(in crate::store) fn open(path: &Path) -> Option<io::Result<Opened>> {
    if let Some(opened) = directory(path) {
        return Some(opened);
    }
    let device = DeviceSource::open(path).ok()?;
    let facts = FileFacts {
        len: device.len(),
        ..FileFacts::default()
    };
    Some(Ok(Opened {
        source: Arc::new(device),
        facts,
    }))
}

/// What is known of a path that is no regular file.
pub(in crate::store) fn facts(path: &Path) -> Option<FileFacts> {
    open(path)?.ok().map(|opened| opened.facts)
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
