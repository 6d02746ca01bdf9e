//! A storage repository in a container, as data that outlives the open device: names, snapshots, and the history of its
//! volumes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::lvm::OpenRepository;
use super::mgt::Management;
use crate::guest::lvm::VolumeChange;
use crate::store::journals::vdi_of;
use crate::store::{DiskId, DiskUse, Forest, Snapshot, Taken, TakenSource};

/// Whether the history of volumes is read: up to the whole ring of metadata, often 10 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// Only where the manager has no records, so that nothing else dates its snapshots.
    #[default]
    Needed,
    Whole,
}

/// What is known of a storage repository beside its disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `CONTAINER/VG`: the folder in which its disks seem to lie.
    pub folder: PathBuf,
    /// The manager's own records; `None` if there are none.
    pub management: Option<Management>,
    /// Room that no volume has.
    pub free_bytes: u64,
    /// What became of its volumes, oldest first, as far back as the metadata ring goes.
    pub history: Vec<VolumeChange>,
}

impl Repository {
    /// Reads the manager's records, and the history where it is wanted or all there is.
    pub(in crate::store) fn read(group: &OpenRepository, history: History) -> Self {
        let management = group.source("MGT").ok();
        let management = management.and_then(|volume| Management::read(&*volume));
        let is_read = history == History::Whole || management.is_none();
        Self {
            folder: group.folder.clone(),
            management,
            free_bytes: group.volumes.free_bytes(),
            history: if is_read { group.history() } else { Vec::new() },
        }
    }

    /// The name that people gave the disk of a volume.
    pub fn label(&self, volume: &str) -> Option<&str> {
        let record = self.management.as_ref()?.disk(vdi_of(Path::new(volume))?)?;
        Some(&*record.name).filter(|name| !name.is_empty())
    }

    /// The records' file, as messages name it.
    pub fn source(&self) -> PathBuf {
        self.folder.join("MGT")
    }
}

/// Gives disks their names, and adds the snapshots that only the manager's records know. A snapshot's disk is the base
/// copy below its own, nearly empty one.
pub(in crate::store) fn join(forest: &mut Forest) {
    for at in 0..forest.repositories.len() {
        let Some(repository) = forest.repositories.get(at).cloned() else {
            continue;
        };
        let Some(management) = &repository.management else {
            continue;
        };
        let ids: Vec<DiskId> = forest.ids().collect();
        for id in ids {
            let Some(path) = forest.disk(id).map(|disk| disk.path.clone()) else {
                continue;
            };
            let is_here = path.parent() == Some(&*repository.folder);
            let record = vdi_of(&path).filter(|_| is_here);
            let Some(record) = record.and_then(|vdi| management.disk(vdi)) else {
                continue;
            };
            if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
                let name = Some(&record.name).filter(|name| !name.is_empty());
                node.label = name.map(|name| name.as_str().into());
            }
            if !record.is_snapshot || record.is_deleted {
                continue;
            }
            let vdi = record.id.hyphenated().to_string();
            let taken = record.snapshot_time.map(|at| Taken {
                at,
                source: TakenSource::Management,
            });
            let is_known = |known: &&mut Snapshot| {
                known.id.as_deref() == Some(&*vdi) || known.disk_ids().any(|disk| disk == id)
            };
            // What the host itself says of it stays; of several disks of one snapshot the first dates it.
            if let Some(known) = forest.snapshots.iter_mut().find(is_known) {
                let is_new = |of: &Taken| known.taken.iter().all(|old| old.source != of.source);
                let taken = taken.filter(is_new);
                known.taken.extend(taken);
                known.taken.sort_by_key(|taken| (taken.source, taken.at));
                continue;
            }
            let snapshot = Snapshot {
                name: Some(record.name.clone()),
                id: Some(vdi),
                taken: taken.into_iter().collect(),
                disks: vec![DiskUse {
                    path: path.to_string_lossy().into_owned(),
                    disk: Some(id),
                    slot: None,
                }],
                source: repository.source(),
                ..Snapshot::default()
            };
            forest.add_snapshot(id, snapshot);
        }
    }
}

/// What became of the volumes of these disks, and of those that had their names before: the time line of a machine, oldest
/// first. Empty where they lie in no container, or its history was not read.
pub fn time_line(
    forest: &Forest,
    disks: impl IntoIterator<Item = DiskId>,
) -> Vec<(&Repository, &VolumeChange)> {
    let mut all = Vec::new();
    let disks: Vec<DiskId> = disks.into_iter().collect();
    for repository in &forest.repositories {
        let paths = disks.iter().filter_map(|id| Some(&forest.disk(*id)?.path));
        let here = paths.filter(|path| path.parent() == Some(&*repository.folder));
        let mut names: HashSet<&str> = here.filter_map(|path| path.file_name()?.to_str()).collect();
        // A disk goes on under another name, and another one takes its own.
        let mut ids: HashSet<&str> = HashSet::new();
        loop {
            let known = (names.len(), ids.len());
            for change in &repository.history {
                let of_it = change.kind.names();
                if ids.contains(&*change.id) || of_it.iter().any(|name| names.contains(name)) {
                    ids.insert(&change.id);
                    names.extend(of_it);
                }
            }
            if known == (names.len(), ids.len()) {
                break;
            }
        }
        let ours = repository.history.iter();
        let ours = ours.filter(|change| ids.contains(&*change.id));
        all.extend(ours.map(|change| (&**repository, change)));
    }
    all.sort_by_key(|(_, change)| change.at);
    all
}

/// The repository in whose container a disk lies.
pub fn of<'f>(forest: &'f Forest, disk: &Path) -> Option<&'f Repository> {
    let folder = disk.parent()?;
    let mut all = forest.repositories.iter();
    all.find(|known| known.folder == folder).map(AsRef::as_ref)
}
