//! What is new about the disks of a store since the newest saved scan of it: by what the browser marks its rows.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::analysis::then::in_place_of;
use crate::store::earlier::marks::below_root;
use crate::store::earlier::{EarlierDisk, EarlierMatch};
use crate::store::{DiskId, Forest};

/// What is new about a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskSince {
    /// It stands where another one stood, that is gone.
    MadeAgain {
        was: PathBuf,
        /// Only a revert explains it.
        proves: bool,
    },
    New,
    /// It lay elsewhere.
    Moved {
        from: PathBuf,
    },
}

/// A forest beside the newest of its saved scans.
#[derive(Debug, Clone, Copy)]
pub struct SinceScan<'a> {
    forest: &'a Forest,
    earlier: &'a EarlierMatch,
}

impl<'a> SinceScan<'a> {
    /// `None` without a saved scan of this store that was complete and says when it was made.
    pub fn of(forest: &'a Forest) -> Option<Self> {
        let whole = forest.earlier.iter().filter(|of| of.scan.complete);
        let earlier = whole
            .filter(|of| of.scan.at.is_some())
            .max_by_key(|of| of.scan.at)?;
        let since = Self { forest, earlier };
        // A scan in which nothing of this store is found is another store's.
        forest
            .ids()
            .any(|id| since.then(id).is_some())
            .then_some(since)
    }

    /// When the saved scan began, by the clock of its host.
    pub fn at(&self) -> Option<Timestamp> {
        self.earlier.scan.at
    }

    pub fn host(&self) -> Option<&'a str> {
        self.earlier.scan.host.as_deref()
    }

    fn then(&self, id: DiskId) -> Option<&'a EarlierDisk> {
        let then = self.earlier.then(id.0 as usize)?;
        self.earlier.scan.disks.get(then)
    }

    /// What is new about a disk; `None` if nothing is.
    pub fn disk(&self, id: DiskId) -> Option<DiskSince> {
        let (forest, earlier) = (self.forest, self.earlier);
        if let Some(then) = self.then(id) {
            let path = &forest.disk(id)?.path;
            let is_there = then.marks.below_root == below_root(forest, path) || then.path == *path;
            return (!is_there).then(|| DiskSince::Moved {
                from: then.path.clone(),
            });
        }
        let stood = forest
            .parent_of(id)
            .and_then(|frozen| in_place_of(forest, earlier, (frozen, id)));
        let Some(stood) = stood else {
            return Some(DiskSince::New);
        };
        Some(DiskSince::MadeAgain {
            was: earlier.scan.disks.get(stood.then)?.path.clone(),
            proves: stood.proves,
        })
    }

    /// The disks that are not there any more, those left out in whose place another stands. Nothing of a scan under way.
    pub fn gone(&self) -> Vec<&'a Path> {
        if !self.forest.complete {
            return Vec::new();
        }
        let replaced: HashSet<PathBuf> = self
            .forest
            .ids()
            .filter(|id| self.then(*id).is_none())
            .filter_map(|id| match self.disk(id)? {
                DiskSince::MadeAgain { was, .. } => Some(was),
                DiskSince::New | DiskSince::Moved { .. } => None,
            })
            .collect();
        let disks = self.earlier.scan.disks.iter().enumerate();
        disks
            .filter(|(at, _)| self.earlier.now(*at).is_none())
            .map(|(_, disk)| disk.path.as_path())
            .filter(|path| !replaced.contains(*path))
            .collect()
    }
}
