//! The forest: disks in an arena, their links, and the machines and snapshots that use them.

mod disk;
mod ids;
mod machine;
mod node;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::finding::Finding;
use crate::image::Kind;
use crate::store::containers::Repository;
use crate::store::earlier::EarlierMatch;
use crate::store::product::Product;

pub use disk::{Born, BornSource, Disk, FileFacts, Liveness};
pub use ids::{DiskId, MachineId, SnapshotId};
pub use machine::{DiskUse, Machine, MachineState, Snapshot, SnapshotKind, Taken, TakenSource};
pub use node::{HostRow, LinkState, Node, ParentLink, PoolDisk, ResolvedBy, Tried};

/// A path that could not be looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    pub path: PathBuf,
    pub error: String,
}

/// A machine on which a store was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedOn {
    /// Its name.
    pub host: String,
    /// The first disk that was found there.
    pub first: DiskId,
    /// When that scan began.
    pub at: Option<Timestamp>,
}

/// Everything known of a store, at one moment of a scan or at its end.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    pub roots: Vec<PathBuf>,
    pub disks: Vec<Arc<Disk>>,
    /// Links, by the same index.
    pub nodes: Vec<Node>,
    /// Disks at the top of the tree, by path.
    pub tops: Vec<DiskId>,
    pub machines: Vec<Machine>,
    /// Snapshots by machine, then by age where known.
    pub snapshots: Vec<Snapshot>,
    /// Files beside disks that are named for what they are (change tracking, replica logs, VHD sets, split parts): path and what it is.
    pub companions: Vec<(PathBuf, &'static str)>,
    /// Paths that could not be looked at.
    pub errors: Vec<PathError>,
    /// Faults of configurations and side files.
    pub side_findings: Vec<(PathBuf, Finding)>,
    /// Storage repositories in containers.
    pub repositories: Vec<Arc<Repository>>,
    /// Free bytes of the file system of each disk's folder, by disk, where known.
    pub free_bytes: Vec<Option<u64>>,
    /// When the scan began; `None` where nothing says.
    pub at: Option<Timestamp>,
    /// On which machine it was scanned. Of several saved scans: on which ones, each with its first disk; the disks up to the
    /// next one's first are its own.
    pub scanned_on: Vec<ScannedOn>,
    /// Earlier scans of the same store.
    pub earlier: Vec<EarlierMatch>,
    /// True once the scan went through without a cancel.
    pub complete: bool,
}

impl Forest {
    pub fn disk(&self, id: DiskId) -> Option<&Disk> {
        self.disks.get(id.0 as usize).map(AsRef::as_ref)
    }

    /// The links of an id.
    pub fn node(&self, id: DiskId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    pub fn machine(&self, id: MachineId) -> Option<&Machine> {
        self.machines.get(id.0 as usize)
    }

    pub fn snapshot(&self, id: SnapshotId) -> Option<&Snapshot> {
        self.snapshots.get(id.0 as usize)
    }

    /// The machine on which a disk was found, if that is known.
    pub fn host_of(&self, id: DiskId) -> Option<&str> {
        let of = self.scanned_on.iter().rev().find(|of| of.first <= id);
        of.map(|of| of.host.as_str())
    }

    /// The machine on which all of it was found; `None` if there are several, or it is not known.
    pub fn host(&self) -> Option<&str> {
        match self.scanned_on.as_slice() {
            [one] => Some(&one.host),
            _ => None,
        }
    }

    /// Places of the disks that were found on one of several machines.
    pub fn disks_of(&self, host: &str) -> Option<Range<usize>> {
        let (at, of) = self
            .scanned_on
            .iter()
            .enumerate()
            .find(|(_, of)| self.scanned_on.len() > 1 && of.host.eq_ignore_ascii_case(host))?;
        let next = self.scanned_on.get(at.saturating_add(1));
        let end = next.map_or(self.disks.len(), |next| next.first.0 as usize);
        Some(of.first.0 as usize..end)
    }

    /// Every id, in the order of the disks.
    pub fn ids(&self) -> impl Iterator<Item = DiskId> + use<> {
        (0..u32::try_from(self.disks.len()).unwrap_or(u32::MAX)).map(DiskId)
    }

    pub(crate) fn add_snapshot(&mut self, disk: DiskId, snapshot: Snapshot) {
        let id = SnapshotId(u32::try_from(self.snapshots.len()).unwrap_or(u32::MAX));
        self.snapshots.push(snapshot);
        if let Some(node) = self.nodes.get_mut(disk.0 as usize) {
            node.snapshots.push(id);
        }
    }

    /// The last write of a disk's file.
    pub fn modified(&self, id: DiskId) -> Option<Timestamp> {
        self.disk(id)?.file.modified
    }

    /// Whether a disk holds anything of its own, as far as it was counted.
    pub fn holds_data(&self, id: DiskId) -> bool {
        let counts = self.disk(id).and_then(|disk| disk.counts.as_ref());
        counts.is_some_and(|counts| counts.dirty_sectors > 0)
    }

    /// Whether the disk follows XCP-ng's rules.
    pub fn is_xcp(&self, id: DiskId) -> bool {
        let node = self.node(id);
        node.is_some_and(|node| node.product == Product::XcpNg)
    }

    /// Children whose link is sound.
    pub fn children_of(&self, id: DiskId) -> impl Iterator<Item = DiskId> + '_ {
        let children = self.node(id).map_or(&[][..], |node| &node.children);
        let children = children.iter().copied();
        children.filter(move |child| self.parent_of(*child) == Some(id))
    }

    /// Snapshots whose disk this is.
    pub fn snapshots_on(&self, id: DiskId) -> impl Iterator<Item = &Snapshot> + '_ {
        let snapshots = self.node(id).map_or(&[][..], |node| &node.snapshots);
        snapshots.iter().filter_map(|id| self.snapshot(*id))
    }

    /// The parent, if the link is sound: the id is the one wanted, or the host names it for a disk that cannot be opened.
    pub fn parent_of(&self, id: DiskId) -> Option<DiskId> {
        let link = self.node(id)?.parent.as_ref()?;
        let is_sound = matches!(link.state, LinkState::Ok | LinkState::ByHost);
        link.disk.filter(|_| is_sound)
    }

    /// A disk that could not be opened, and nothing says what it stands on.
    pub fn is_closed(&self, id: DiskId) -> bool {
        let Some((disk, node)) = self.disk(id).zip(self.node(id)) else {
            return false;
        };
        let told = node.host.as_ref().and_then(|row| row.file.disk.as_ref());
        let is_base = told.is_some_and(|told| {
            told.parent.is_none() && matches!(told.kind, Some(Kind::Fixed | Kind::Dynamic))
        });
        disk.is_locked() && node.parent.is_none() && !is_base
    }

    /// The one disk whose path ends in these names; `None` if there is none, or several.
    pub fn disk_called(&self, names: &Path) -> Option<DiskId> {
        let is_called = |id: &DiskId| {
            self.disk(*id)
                .is_some_and(|disk| disk.path.ends_with(names))
        };
        let mut called = self.ids().filter(is_called);
        called.next().filter(|_| called.next().is_none())
    }

    /// From `id` to its base through sound links; `id` first. Ends where a link is not sound.
    pub fn line(&self, id: DiskId) -> impl Iterator<Item = DiskId> + '_ {
        // Links hold no cycle once linked; the bound keeps this finite whatever happens.
        std::iter::successors(Some(id), |id| self.parent_of(*id)).take(self.disks.len().max(1))
    }
}
