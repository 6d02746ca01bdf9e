//! One path in every disk of a tree: which versions of a file there are.

use std::ops::ControlFlow;

use super::GuestDisk;
use super::all::GuestPath;
use crate::analysis::open::open_pair;
use crate::analysis::written::written;
use crate::chain::Chain;
use crate::guest::confirm::{Confirm, Confirmed};
use crate::guest::content::collect_runs;
use crate::guest::disk::VolumePlace;
use crate::guest::filesystem::{
    DirectoryEntry, FileKind, FileSystem, FileVersion, GuestError, GuestFile,
};
use crate::guest::lookup;
use crate::guest::volume::Volume;
use crate::job::Job;
use crate::store::{DiskId, Forest};

/// A path in one disk of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathVersion {
    pub disk: DiskId,
    pub found: PathFound,
}

/// What a path leads to in a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathFound {
    Here {
        /// `p1`.
        volume: String,
        kind: FileKind,
        version: FileVersion,
        /// Its bytes and time are those of the parent disk.
        same_as_parent: bool,
    },
    Absent,
    /// Why nothing can be said.
    Unknown(String),
}

/// Looks a path up in every disk of the tree that a disk belongs to, the base first, children after their parents.
pub fn path_versions(
    forest: &Forest,
    of: DiskId,
    path: &GuestPath,
    job: &Job,
    each: &mut dyn FnMut(PathVersion) -> ControlFlow<()>,
) {
    let mut waiting: Vec<DiskId> = forest.line(of).last().into_iter().collect();
    let mut left = forest.disks.len();
    while let Some(disk) = waiting.pop() {
        if job.cancel.is_cancelled() || left == 0 {
            return;
        }
        left = left.saturating_sub(1);
        let found = version_in(forest, disk, path, job).unwrap_or_else(PathFound::Unknown);
        if each(PathVersion { disk, found }).is_break() {
            return;
        }
        let children = forest.node(disk).map(|node| node.children.iter());
        waiting.extend(children.into_iter().flatten().rev());
    }
}

fn version_in(
    forest: &Forest,
    disk: DiskId,
    path: &GuestPath,
    job: &Job,
) -> Result<PathFound, String> {
    let parent = forest.parent_of(disk);
    let (chain, below) = open_pair(forest, disk, parent.unwrap_or(disk)).map_err(text)?;
    let Some(here) = PathHere::find(&chain, path)? else {
        return Ok(PathFound::Absent);
    };
    let same_as_parent = parent.is_some()
        && PathHere::find(&below, path)
            .ok()
            .flatten()
            .is_some_and(|old| old.is_same(&below, &here, &chain, job));
    let file = &here.file;
    Ok(PathFound::Here {
        volume: here.place.name.clone(),
        kind: here.entry.kind,
        version: FileVersion {
            bytes: (here.entry.kind != FileKind::Directory).then_some(file.bytes),
            modified: file.modified,
        },
        same_as_parent,
    })
}

/// What a path leads to, with the volume it is in.
struct PathHere {
    place: VolumePlace,
    volume: Volume,
    entry: DirectoryEntry,
    file: GuestFile,
    stream: String,
}

impl PathHere {
    /// In the first volume that has it; an error if none has it and some cannot be read.
    fn find(chain: &Chain, path: &GuestPath) -> Result<Option<Self>, String> {
        let disk = GuestDisk::open(chain);
        let mut closed = None;
        for (place, (row, volume)) in disk.volumes.iter().zip(disk.rows()) {
            if !path.is_of(&row) {
                continue;
            }
            let fs = match volume.file_system() {
                Ok(fs) => fs,
                Err(why) => {
                    closed = closed.or(row.may_hold_files.then(|| why.text.clone()));
                    continue;
                }
            };
            let (file, stream) = lookup::split_stream(fs, &path.path);
            let entry = match lookup::find(fs, file) {
                Ok(entry) => entry,
                Err(GuestError::NotFound) => continue,
                Err(error) => return Err(error.to_string()),
            };
            let file = fs.file(entry.id).map_err(text)?;
            let stream = stream.to_owned();
            return Ok(Some(Self {
                place: place.clone(),
                volume,
                entry,
                file,
                stream,
            }));
        }
        closed.map_or(Ok(None), Err)
    }

    /// Whether another disk holds the same at the same path: time, length and bytes.
    fn is_same(&self, own: &Chain, new: &Self, chain: &Chain, job: &Job) -> bool {
        let facts = |of: &Self| (of.entry.kind, of.file.bytes, of.file.modified);
        if facts(self) != facts(new) || !self.place.is_pair(&new.place) {
            return false;
        }
        if self.entry.kind == FileKind::Directory {
            return true;
        }
        let same = || -> Option<bool> {
            let written = new
                .place
                .written(&self.place, &written(own, chain, job).ok()?);
            let (before, after) = (self.file_system()?, new.file_system()?);
            let old_runs = collect_runs(before, self.entry.id, &self.stream).ok()?;
            let new_runs = collect_runs(after, new.entry.id, &new.stream).ok()?;
            let mut confirm = Confirm::new(before.source(), after.source(), &written, job);
            let confirmed = confirm.compare(&old_runs, &new_runs).ok()?;
            Some(confirmed == Confirmed::Same)
        };
        same().unwrap_or(false)
    }

    fn file_system(&self) -> Option<&dyn FileSystem> {
        self.volume.file_system().ok()
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
