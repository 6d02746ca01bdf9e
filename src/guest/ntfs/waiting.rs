//! Files that are in one state only. They wait for the end: of those that came and went under one name, the name is told once.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::file::NtfsFile;
use crate::guest::filesystem::{Change, FileId};
use crate::guest::packed::{PackedAt, PackedChanges};

/// A file, as the change by which it came or went.
#[derive(Debug)]
struct WaitingFile {
    change: PackedAt,
    /// Where its first name stands.
    parent: FileId,
    /// Bytes of its first name, with which its path ends; 0 without one.
    name_len: u16,
    is_directory: bool,
    /// It was told together with another.
    is_told: bool,
}

/// Those of one state, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct WaitingFiles {
    files: Vec<WaitingFile>,
    changes: PackedChanges,
}

impl WaitingFiles {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn push(&mut self, file: &NtfsFile, change: &Change) {
        let name = file.names.first();
        self.files.push(WaitingFile {
            change: self.changes.push(change),
            parent: name.map_or(file.id, |name| name.parent),
            name_len: name
                .and_then(|name| u16::try_from(name.name.len()).ok())
                .unwrap_or(0),
            is_directory: file.is_directory,
            is_told: false,
        });
    }

    /// Hands over the pairs that went and came under one name until `each` is false; they do not wait any longer.
    pub(super) fn take_pairs(
        gone: &mut Self,
        new: &mut Self,
        each: &mut dyn FnMut(Change, Change) -> bool,
    ) {
        if gone.files.is_empty() {
            return;
        }
        let numbered = new.files.iter().enumerate();
        let mut by_name: Vec<(u64, usize)> = numbered
            .filter_map(|(at, file)| Some((hash(file.parent, &new.name(file)?), at)))
            .collect();
        by_name.sort_unstable();
        for at in 0..gone.files.len() {
            let Some((old, name)) = gone.named(at) else {
                continue;
            };
            let key = hash(old.parent, &name);
            let first = by_name.partition_point(|(other, _)| *other < key);
            let alike = by_name
                .iter()
                .skip(first)
                .take_while(|(other, _)| *other == key);
            let found = alike.map(|(_, at)| *at).find(|at| {
                new.named(*at).is_some_and(|(file, other)| {
                    !file.is_told
                        && file.is_directory == old.is_directory
                        && file.parent == old.parent
                        && other == name
                })
            });
            let Some(other) = found else { continue };
            let told = [gone.files.get_mut(at), new.files.get_mut(other)];
            let [Some(old), Some(new_file)] = told else {
                continue;
            };
            (old.is_told, new_file.is_told) = (true, true);
            let (old, new_file) = (old.change, new_file.change);
            if !each(gone.changes.get(old), new.changes.get(new_file)) {
                return;
            }
        }
    }

    /// Hands over those that are left until `each` is false.
    pub(super) fn take_rest(mut self, each: &mut dyn FnMut(Change) -> bool) {
        for file in self.files.iter().filter(|file| !file.is_told) {
            self.changes.forget_before(file.change);
            if !each(self.changes.get(file.change)) {
                return;
            }
        }
    }

    fn named(&self, at: usize) -> Option<(&WaitingFile, String)> {
        let file = self.files.get(at)?;
        Some((file, self.name(file)?))
    }

    /// A name as it is compared, which is without case.
    fn name(&self, file: &WaitingFile) -> Option<String> {
        let path = self.changes.path(file.change);
        let start = path.len().checked_sub(file.name_len.into())?;
        let name = path.get(start..).filter(|name| !name.is_empty())?;
        Some(name.to_lowercase())
    }
}

fn hash(parent: FileId, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (parent, name).hash(&mut hasher);
    hasher.finish()
}
