//! Everything below a folder, in the order of names.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::filesystem::{DEPTH_MAX, DirectoryEntry, FileId, FileKind, FileSystem, GuestError};
use crate::job::Job;

/// What a walk comes by.
#[derive(Debug)]
pub enum TreeStep<'a> {
    /// A file or folder, with its path.
    Entry {
        path: &'a str,
        entry: &'a DirectoryEntry,
    },
    /// A folder that could not be read, or not to its end.
    Fault { path: &'a str, error: GuestError },
}

/// Goes through all below `directory`, whose path is `path` (empty for the root); a folder comes before what is in it. Links
/// are not followed, and a folder that was seen is not gone into again. True if it was not stopped.
pub fn walk(
    fs: &dyn FileSystem,
    directory: FileId,
    path: &str,
    job: &Job,
    each: &mut dyn FnMut(TreeStep<'_>) -> ControlFlow<()>,
) -> bool {
    let mut seen = HashSet::from([directory]);
    let mut levels = vec![(path.to_owned(), read(fs, directory, path, each))];
    while let Some((folder, entries)) = levels.last_mut() {
        if job.cancel.is_cancelled() {
            return false;
        }
        let Some(entries) = entries else {
            return false;
        };
        let Some(entry) = entries.pop() else {
            levels.pop();
            continue;
        };
        let path = format!("{folder}/{}", entry.name);
        let step = TreeStep::Entry {
            path: &path,
            entry: &entry,
        };
        if each(step).is_break() {
            return false;
        }
        if entry.kind == FileKind::Directory && levels.len() < DEPTH_MAX && seen.insert(entry.id) {
            let entries = read(fs, entry.id, &path, each);
            levels.push((path, entries));
        }
    }
    true
}

/// The entries of a folder, last name first; `None` if the taker stopped.
fn read(
    fs: &dyn FileSystem,
    directory: FileId,
    path: &str,
    each: &mut dyn FnMut(TreeStep<'_>) -> ControlFlow<()>,
) -> Option<Vec<DirectoryEntry>> {
    let mut entries = Vec::new();
    let read = fs.list(directory, &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    });
    entries.sort_by(|one, other| other.name.cmp(&one.name));
    if let Err(error) = read
        && each(TreeStep::Fault { path, error }).is_break()
    {
        return None;
    }
    Some(entries)
}
