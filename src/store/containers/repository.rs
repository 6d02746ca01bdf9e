//! A storage repository in a container, as data that outlives the open device: names, snapshots, and the history of its
//! volumes.

use std::path::{Path, PathBuf};

use super::lvm::OpenRepository;
use super::mgt::Management;
use crate::guest::lvm::VolumeChange;
use crate::store::journals::vdi_of;
use crate::store::{DiskId, DiskUse, Forest, LinkState, Snapshot, Taken, TakenSource};

/// Whether the history of volumes is read: up to the whole ring of metadata, often 10 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// Only where no records of the manager's say more.
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
    fn source(&self) -> PathBuf {
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
            let vdi = record.id.hyphenated().to_string();
            let is_known = |known: &Snapshot| known.id.as_deref() == Some(&*vdi);
            if !record.is_snapshot || record.is_deleted || forest.snapshots.iter().any(is_known) {
                continue;
            }
            let frozen = frozen_of(forest, id);
            let snapshot = Snapshot {
                name: Some(record.name.clone()),
                id: Some(vdi),
                taken: record
                    .snapshot_time
                    .map(|at| Taken {
                        at,
                        source: TakenSource::Label,
                    })
                    .into_iter()
                    .collect(),
                disks: vec![DiskUse {
                    path: path.to_string_lossy().into_owned(),
                    disk: Some(frozen),
                    slot: None,
                }],
                source: repository.source(),
                ..Snapshot::default()
            };
            forest.add_snapshot(frozen, snapshot);
        }
    }
}

/// The base copy below a snapshot's own disk; that disk itself where it stands alone.
fn frozen_of(forest: &Forest, leaf: DiskId) -> DiskId {
    let parent = forest.node(leaf).and_then(|node| node.parent.as_ref());
    let parent = parent.filter(|link| link.state == LinkState::Ok);
    parent.and_then(|link| link.disk).unwrap_or(leaf)
}

/// The repository in whose container a disk lies.
pub fn of<'f>(forest: &'f Forest, disk: &Path) -> Option<&'f Repository> {
    let folder = disk.parent()?;
    let mut all = forest.repositories.iter();
    all.find(|known| known.folder == folder).map(AsRef::as_ref)
}
