//! Memory files beside configurations: `<GUID>.bin` and `<GUID>.vsv` (to 2012 R2), `<GUID>.vmrs` (2016 on).

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::super::forest::FileFacts;
use super::ConfigRecord;
use crate::format::guid;

/// A file with memory or device state of a machine or snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFile {
    pub path: PathBuf,
    /// What the file system says of it.
    pub file: FileFacts,
}

impl MemoryFile {
    /// The id a memory file is named by; `None` if the path is none by its name.
    pub fn id(path: &Path) -> Option<Uuid> {
        let extension = path.extension()?.to_str()?;
        ["bin", "vsv", "vmrs"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
            .then(|| guid::from_text(path.file_stem()?.to_str()?))
            .flatten()
    }
}

/// Gives each configuration its memory files, out of all files of the store: named by the same GUID as the configuration, in
/// its folder or in one named by that GUID below it. Copies elsewhere do not count: their times are others'.
pub fn attach_memory(records: &mut [ConfigRecord], files: &[MemoryFile]) {
    for record in records {
        let Some(id) = record.file_id else { continue };
        let home = record.path.parent();
        record.memory_files = files
            .iter()
            .filter(|file| MemoryFile::id(&file.path) == Some(id))
            .filter(|file| {
                let folder = file.path.parent();
                let named = folder
                    .and_then(Path::file_name)
                    .and_then(|name| guid::from_text(name.to_str()?));
                folder == home || named == Some(id) && folder.and_then(Path::parent) == home
            })
            .cloned()
            .collect();
    }
}
