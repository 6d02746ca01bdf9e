//! What a forest offers to tell its disks again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DiskMarks, EarlierDisk, EarlierMatch, EarlierScan, EarlierSnapshot};
use crate::image::{Header, Kind};
use crate::store::{Disk, DiskId, Forest, Snapshot};

impl DiskMarks {
    pub fn of(forest: &Forest, disk: &Disk) -> Self {
        let header = disk.header.as_ref();
        Self {
            below_root: below_root(forest, &disk.path).to_path_buf(),
            format: header.map(|header| header.format),
            link_id: header.and_then(Header::link_id),
            family_id: header.and_then(Header::family_id),
            is_base: header.is_some_and(|header| header.kind != Kind::Differencing),
            born: disk.file.born.map(|born| born.at),
        }
    }
}

impl EarlierScan {
    /// What is kept of a forest.
    pub fn of(forest: &Forest) -> Self {
        let complete = forest.complete && forest.errors.is_empty();
        let host = forest.host().map(ToOwned::to_owned);
        let disks = forest.ids().filter_map(|id| disk(forest, id));
        Self::new((forest.at, host, complete), disks.collect())
    }
}

impl EarlierMatch {
    pub fn of(scan: Arc<EarlierScan>, forest: &Forest) -> Self {
        let disks = forest.disks.iter();
        Self::new(scan, disks.map(|disk| DiskMarks::of(forest, disk)))
    }
}

/// Whether a snapshot is the one that was there then: by id, else by name, machine and date.
pub fn is_same_snapshot(forest: &Forest, now: &Snapshot, then: &EarlierSnapshot) -> bool {
    if let Some((now, then)) = now.id.as_ref().zip(then.id.as_ref()) {
        return now == then;
    }
    let machine = now.machine.and_then(|id| forest.machine(id));
    // A saved scan of several hosts has the host's name before the machine's.
    let is_of = |then: &String| machine.is_none_or(|now| then.ends_with(&now.name));
    let taken = now.taken.first().map(|taken| taken.at);
    now.name.is_some()
        && now.name == then.name
        && then.machine.as_ref().is_none_or(is_of)
        && taken.is_some()
        && taken == then.taken
}

fn disk(forest: &Forest, id: DiskId) -> Option<EarlierDisk> {
    let disk = forest.disk(id)?;
    let (children, snapshots) = (forest.children_of(id), forest.snapshots_on(id));
    Some(EarlierDisk {
        path: disk.path.clone(),
        marks: DiskMarks::of(forest, disk),
        parent: forest.parent_of(id).map(|parent| parent.0 as usize),
        children: children.map(|child| child.0 as usize).collect(),
        len: disk.file.len,
        modified: disk.file.modified,
        holds_data: disk.dirty_bytes().map(|bytes| bytes > 0),
        snapshots: snapshots
            .map(|snapshot| EarlierSnapshot {
                id: snapshot.id.clone(),
                name: snapshot.name.clone(),
                machine: snapshot
                    .machine
                    .and_then(|id| Some(forest.machine(id)?.name.clone())),
                taken: snapshot.taken.first().map(|taken| taken.at),
            })
            .collect(),
    })
}

/// The path from the root it was found below; of a root that is a file, from the folder that lies in.
pub fn below_root<'a>(forest: &Forest, path: &'a Path) -> &'a Path {
    let below = |root: &PathBuf| {
        let below = path.strip_prefix(root).ok()?;
        if below.as_os_str().is_empty() {
            path.file_name().map(Path::new)
        } else {
            Some(below)
        }
    };
    let mut all = forest.roots.iter().filter_map(below);
    all.next().unwrap_or(path)
}
