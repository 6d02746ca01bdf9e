//! A disk's place: its parent and children, and who names it.

use std::path::PathBuf;
use std::sync::Arc;

use super::ids::{DiskId, MachineId, SnapshotId};
use crate::finding::Finding;
use crate::store::host::{HostFile, HostVdi, Origin};
use crate::store::product::Product;

/// How sure a child is of its parent.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkState {
    /// Found, and the id is the one wanted.
    Ok,
    Missing,
    /// A file was found by name whose id is not the one wanted. It hangs there in the tree, but content cannot be trusted.
    IdMismatch,
    /// Following parents comes back to the child.
    Cycle,
    /// The path names a file outside the roots, which is not opened.
    OutsideRoots,
    /// Found by path, and not readable as a disk.
    Unreadable,
    /// Named by the host for a disk that could not be opened.
    ByHost,
    /// Found by its path, and it could not be opened, so that its id is not known.
    Closed,
}

impl LinkState {
    /// In the tree the child stands below the disk that was found.
    pub fn hangs(self) -> bool {
        matches!(
            self,
            Self::Ok | Self::IdMismatch | Self::ByHost | Self::Closed
        )
    }

    /// It shows that something is wrong. What could not be opened shows nothing.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::Ok | Self::ByHost | Self::Closed)
    }
}

crate::worded!(LinkState);

/// By which rule a parent was found.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResolvedBy {
    /// The relative path, from the child's folder.
    Relative,
    /// The same file name in the child's folder.
    SameFolder,
    /// The absolute path, through a map.
    Absolute,
    /// The id, over the whole store.
    Id,
}

crate::worded!(ResolvedBy);

/// One place that was tried for a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub by: ResolvedBy,
    /// The path that was tried; for [`ResolvedBy::Id`] the id.
    pub what: String,
    /// What came of it, in a few words: `no such file`, `id differs`, `outside the roots`, `found`.
    pub outcome: &'static str,
}

/// A child's link to its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentLink {
    pub state: LinkState,
    /// The parent; also set for an id mismatch (found by name), and for a cycle (the next in it).
    pub disk: Option<DiskId>,
    /// The path that led there, or would have (outside the roots, unreadable).
    pub resolved: Option<PathBuf>,
    pub by: Option<ResolvedBy>,
    /// What was tried, in order.
    pub tried: Vec<Tried>,
}

/// Links of one disk, by the same index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The parent; `None` for a disk that names none.
    pub parent: Option<ParentLink>,
    /// Children that hang here (links `Ok` and `IdMismatch`), by path.
    pub children: Vec<DiskId>,
    /// 0 for a base or a top of the tree.
    pub depth: u32,
    /// Whose rules it follows, guessed from creator, name and place.
    pub product: Product,
    /// Machines that use it now.
    pub in_use_by: Vec<MachineId>,
    /// Known snapshots whose frozen disk it is.
    pub snapshots: Vec<SnapshotId>,
    /// What its name or place says it is (a backup's recovery checkpoint, the data disk of a VHD set, an undo disk, a hidden base copy); `None` if they say nothing.
    pub role: Option<&'static str>,
    /// What the host's listing says of it.
    pub host: Option<Arc<HostRow>>,
    /// The pool's record of it.
    pub pool: Option<Arc<PoolDisk>>,
    /// The name that people gave it, where its product keeps one.
    pub label: Option<Arc<str>>,
    /// What is wrong with its links.
    pub findings: Vec<Finding>,
}

/// A row of the host's listing that is joined with a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    pub file: HostFile,
    /// The input it stands in.
    pub origin: Arc<Origin>,
    /// Free bytes of the volume it lies on, by the same input.
    pub free: Option<u64>,
}

/// A record of a pool that is joined with a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolDisk {
    /// What it says.
    pub vdi: HostVdi,
    /// The input it stands in.
    pub origin: Arc<Origin>,
}
