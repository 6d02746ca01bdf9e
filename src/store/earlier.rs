//! An earlier scan of the same store, kept to be compared with what is there now: it shows what no file shows any more.

pub mod marks;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::image::{Format, LastingId};

/// What tells a disk again in another scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskMarks {
    /// Its path from the root given: the store may lie elsewhere by now.
    pub below_root: PathBuf,
    /// `None` if it could not be read as a disk.
    pub format: Option<Format>,
    /// The id that children name.
    pub link_id: Option<Uuid>,
    /// The id that all files of one virtual disk share.
    pub family_id: Option<Uuid>,
    /// Its kind has no parent.
    pub is_base: bool,
    /// When its file was made, by the file system or the host.
    pub born: Option<Timestamp>,
}

/// A snapshot whose disk it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierSnapshot {
    pub id: Option<String>,
    pub name: Option<String>,
    pub machine: Option<String>,
    pub taken: Option<Timestamp>,
}

/// A disk of an earlier scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierDisk {
    pub path: PathBuf,
    pub marks: DiskMarks,
    /// Indexes into [`EarlierScan::disks`]; sound links only.
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// Bytes of the file.
    pub len: u64,
    pub modified: Option<Timestamp>,
    /// It answers for sectors itself; `None` if that was not counted.
    pub holds_data: Option<bool>,
    pub snapshots: Vec<EarlierSnapshot>,
}

/// An earlier scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierScan {
    /// When it began, by the clock of its host.
    pub at: Option<Timestamp>,
    pub host: Option<String>,
    /// Everything was read that should be.
    pub complete: bool,
    pub disks: Vec<EarlierDisk>,
    by_link: HashMap<(Format, Uuid), Vec<usize>>,
    by_place: HashMap<PathBuf, Vec<usize>>,
    by_family: HashMap<Uuid, Vec<usize>>,
    /// Folders that disks were found in.
    folders: HashSet<PathBuf>,
}

impl EarlierScan {
    fn new(
        (at, host, complete): (Option<Timestamp>, Option<String>, bool),
        disks: Vec<EarlierDisk>,
    ) -> Self {
        let mut scan = Self {
            at,
            host,
            complete,
            disks,
            ..Self::default()
        };
        for (index, disk) in scan.disks.iter().enumerate() {
            let marks = &disk.marks;
            if let Some(key) = marks.format.zip(marks.link_id) {
                scan.by_link.entry(key).or_default().push(index);
            }
            if let Some(family) = marks.family_id {
                scan.by_family.entry(family).or_default().push(index);
            }
            if let Some(folder) = marks.below_root.parent() {
                scan.folders.insert(folder.to_path_buf());
            }
            let place = scan.by_place.entry(marks.below_root.clone());
            place.or_default().push(index);
        }
        scan
    }

    /// The same disk in this scan: by link id, else at the same place, else by the id of its virtual disk and its name. `None`
    /// also where several could be meant.
    pub fn find(&self, marks: &DiskMarks) -> Option<usize> {
        let key = marks.format.zip(marks.link_id);
        let linked = key.and_then(|key| self.by_link.get(&key));
        if let Some(linked) = linked {
            return self.only(linked, &|_| true).or_else(|| {
                // A copy beside the original has its ids.
                self.only(linked, &|disk| disk.marks.below_root == marks.below_root)
            });
        }
        let places = self.by_place.get(&marks.below_root);
        let here = places.and_then(|all| self.only(all, &|disk| disk.marks.may_be(marks)));
        here.or_else(|| self.written_elsewhere(marks))
    }

    /// Written since, so that its link id is another one, and moved or renamed: its file is as old as then, else it still has its
    /// name.
    fn written_elsewhere(&self, marks: &DiskMarks) -> Option<usize> {
        let family = self.by_family.get(&marks.family_id?)?;
        let is_kind = |disk: &EarlierDisk| disk.marks.is_base == marks.is_base;
        let is_as_old = |disk: &EarlierDisk| marks.born.is_some() && disk.marks.born == marks.born;
        let name = |marks: &DiskMarks| marks.below_root.file_name().map(ToOwned::to_owned);
        let is_named = |disk: &EarlierDisk| name(&disk.marks) == name(marks);
        self.only(family, &|disk| is_kind(disk) && is_as_old(disk))
            .or_else(|| {
                self.only(family, &|disk| {
                    is_kind(disk) && (marks.is_base || is_named(disk))
                })
            })
    }

    /// Whether disks were found where this one lies: only then does its absence say anything.
    pub fn covers(&self, marks: &DiskMarks) -> bool {
        let folder = marks.below_root.parent();
        folder.is_some_and(|folder| self.folders.contains(folder))
    }

    fn only(&self, of: &[usize], fits: &dyn Fn(&EarlierDisk) -> bool) -> Option<usize> {
        let fitting = |index: &usize| self.disks.get(*index).is_some_and(fits);
        let mut fitting = of.iter().copied().filter(fitting);
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

/// An earlier scan beside the forest of today: which disk is which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierMatch {
    pub scan: Arc<EarlierScan>,
    /// By disk of the forest: the same one then.
    then: Vec<Option<usize>>,
    /// By disk of the scan: where it is now in the forest.
    now: Vec<Option<usize>>,
}

impl EarlierMatch {
    /// Tells the disks of a forest, in its order, again.
    pub fn new(scan: Arc<EarlierScan>, disks: impl Iterator<Item = DiskMarks>) -> Self {
        let then: Vec<_> = disks.map(|marks| scan.find(&marks)).collect();
        let mut now = vec![None; scan.disks.len()];
        for (index, at) in then.iter().enumerate() {
            if let Some(slot) = at.and_then(|at| now.get_mut(at)) {
                slot.get_or_insert(index);
            }
        }
        Self { scan, then, now }
    }

    /// The disk of the scan that is the forest's disk of this index.
    pub fn then(&self, now: usize) -> Option<usize> {
        self.then.get(now).copied().flatten()
    }

    /// The forest's disk that is the scan's disk of this index.
    pub fn now(&self, then: usize) -> Option<usize> {
        self.now.get(then).copied().flatten()
    }
}

impl DiskMarks {
    /// Nothing speaks against it that the two, at one place, are the same disk.
    fn may_be(&self, other: &Self) -> bool {
        let (Some(own), Some(others)) = (self.format, other.format) else {
            // What could not be opened is what lay there.
            return true;
        };
        own == others
            && match own.rules().lasting_id {
                LastingId::Link => self.link_id == other.link_id,
                LastingId::Family => {
                    self.family_id == other.family_id && self.is_base == other.is_base
                }
                LastingId::None => true,
            }
    }
}
