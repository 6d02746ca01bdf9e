//! From a path to a file, and from a file to its path.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::filesystem::{
    DEPTH_MAX, DirectoryEntry, FileId, FileKind, FileName, FileSystem, GuestError,
};
use crate::job::Job;

/// The file a path leads to: `/a/b`, from the volume's root; backslashes count as separators where names cannot hold them.
/// Where the file system ignores case, a name of the right case is preferred.
///
/// # Errors
/// [`GuestError::NotFound`]; or what reading gives.
pub fn find(fs: &dyn FileSystem, path: &str) -> Result<DirectoryEntry, GuestError> {
    let ignores_case = fs.facts().kind.ignores_case();
    let separators = |c| c == '/' || (ignores_case && c == '\\');
    let mut found = DirectoryEntry {
        id: fs.root(),
        name: String::new(),
        kind: FileKind::Directory,
    };
    for part in path.split(separators).filter(|part| !part.is_empty()) {
        if found.kind != FileKind::Directory {
            return Err(GuestError::NotFound);
        }
        let folded = part.to_lowercase();
        let mut exact = None;
        let mut other = None;
        fs.list(found.id, &mut |entry| {
            if entry.name == part {
                exact = Some(entry);
                return ControlFlow::Break(());
            }
            if ignores_case && other.is_none() && entry.name.to_lowercase() == folded {
                other = Some(entry);
            }
            ControlFlow::Continue(())
        })?;
        found = exact.or(other).ok_or(GuestError::NotFound)?;
    }
    Ok(found)
}

/// Splits `/a/b:stream` where the file system has streams.
pub fn split_stream<'p>(fs: &dyn FileSystem, path: &'p str) -> (&'p str, &'p str) {
    let has_streams = fs.facts().kind == super::filesystem::FileSystemKind::Ntfs;
    match path.rsplit_once(':').filter(|_| has_streams) {
        Some((file, stream)) if !stream.contains(['/', '\\']) => (file, stream),
        _ => (path, ""),
    }
}

/// Paths of files, folders remembered.
pub struct Paths<'a> {
    fs: &'a dyn FileSystem,
    folders: HashMap<FileId, String>,
}

impl<'a> Paths<'a> {
    pub fn new(fs: &'a dyn FileSystem) -> Self {
        Self {
            fs,
            folders: HashMap::new(),
        }
    }

    /// `/a/b`; a file without a way to the root stands below `$OrphanFiles`.
    pub fn path(&mut self, id: FileId, job: &Job) -> String {
        if id == self.fs.root() {
            return "/".to_owned();
        }
        let name = self.fs.names(id, job).ok();
        match name.and_then(|names| names.into_iter().next()) {
            Some(name) => self.of_name(&name, job),
            None => format!("/$OrphanFiles/{id}"),
        }
    }

    pub fn of_name(&mut self, name: &FileName, job: &Job) -> String {
        let folder = self.folder(name.parent, job);
        format!("{folder}/{}", name.name)
    }

    /// The path of a folder, empty for the root.
    fn folder(&mut self, id: FileId, job: &Job) -> String {
        let mut missing = Vec::new();
        let mut at = id;
        let mut path = loop {
            if at == self.fs.root() {
                break String::new();
            }
            if let Some(known) = self.folders.get(&at) {
                break known.clone();
            }
            let looped = missing.iter().any(|(seen, _)| *seen == at);
            let names = self.fs.names(at, job).unwrap_or_default();
            match names.into_iter().next() {
                Some(name) if !looped && missing.len() < DEPTH_MAX => {
                    missing.push((at, name.name));
                    at = name.parent;
                }
                _ => break "/$OrphanFiles".to_owned(),
            }
        };
        while let Some((id, name)) = missing.pop() {
            path = format!("{path}/{name}");
            self.folders.insert(id, path.clone());
        }
        path
    }
}
