//! Machines and snapshots, as configurations, lists and pools name them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::store::host::Origin;

use super::disk::Born;
use super::ids::{DiskId, MachineId, SnapshotId};

/// What a host says of a machine beside its name and disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// It ran when the host was asked.
    pub running: Option<bool>,
    /// Id of the snapshot that was applied, or taken, last.
    pub last_applied: Option<String>,
    /// The input it stands in.
    pub origin: Arc<Origin>,
}

/// A disk that a machine or snapshot refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskUse {
    /// The path as written in the configuration or label.
    pub path: String,
    /// The disk in the store, if it is there.
    pub disk: Option<DiskId>,
    /// Where it is attached, if known: controller and drive.
    pub slot: Option<String>,
}

/// A virtual machine known from configurations or labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// Display name, as written.
    pub name: String,
    pub id: Option<Uuid>,
    /// Disks it uses now; `None` if nothing says.
    pub disks: Option<Vec<DiskUse>>,
    /// VM-Generation ID of the current configuration.
    pub generation_id: Option<String>,
    /// What the host says of it; `None` if nothing was asked.
    pub state: Option<Arc<MachineState>>,
    /// `disk_merge_pending` of its configuration.
    pub merge_pending: Option<bool>,
    /// The file that says so.
    pub source: PathBuf,
    /// Keys of its configuration whose value is the id of a snapshot: key path, snapshot.
    pub also_refers_to: Vec<(String, SnapshotId)>,
}

impl Machine {
    /// Its configuration says that a merge is pending.
    pub fn is_merge_pending(&self) -> bool {
        self.merge_pending == Some(true)
    }
}

/// What kind of snapshot it is, by its configuration or label.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SnapshotKind {
    #[default]
    Unknown,
    /// With memory, taken by hand.
    Standard,
    /// By VSS in the guest, without memory.
    Production,
    /// Taken by Windows 10 and later at the start of a VM.
    Automatic,
    Recovery,
    Replica,
    /// A planned failover's, or one whose configuration is missing.
    Other,
}

crate::worded!(SnapshotKind);

/// A claim of when a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub at: Timestamp,
    pub source: TakenSource,
}

/// Who claims when a snapshot was taken, best first.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TakenSource {
    /// `creation_time` of the configuration.
    Config,
    /// `CreationTime` of a label, zone known.
    Label,
    /// The record of XCP-ng's storage manager in the repository itself.
    Management,
    /// `CreationTime` of a label, without a zone: the host's local time, taken as UTC.
    LabelLocal,
    /// The default name, in the host's local time, taken as UTC.
    Name,
    /// Last write of the snapshot's memory file.
    MemoryFile,
    /// Birth of the snapshot's configuration file.
    ConfigBirth,
    /// Last write of the snapshot's configuration file.
    ConfigWrite,
    /// Last write of the frozen disk, the snapshot having memory (the VM ran).
    FrozenWriteRunning,
    /// Last write of the frozen disk: only a lower bound.
    FrozenWrite,
}

crate::worded!(TakenSource);

/// A snapshot that a configuration or label names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Display name, as written.
    pub name: Option<String>,
    /// Its id, as a lower-case GUID if it is one.
    pub id: Option<String>,
    /// The machine it belongs to.
    pub machine: Option<MachineId>,
    /// Name or id of its parent snapshot, as written.
    pub parent: Option<String>,
    /// Claims of when it was taken, from configuration, label, name and memory files, best first.
    pub taken: Vec<Taken>,
    pub kind: SnapshotKind,
    pub disks: Vec<DiskUse>,
    /// It has memory files; `None` if nothing says.
    pub memory: Option<bool>,
    /// Bytes of its memory files, removed at once by a delete.
    pub memory_bytes: u64,
    /// VM-Generation ID in its configuration.
    pub generation_id: Option<String>,
    /// Birth of its configuration file, for the belief in birth times.
    pub config_born: Option<Born>,
    /// The file that names it.
    pub source: PathBuf,
    /// Lists that tell of it too.
    pub lists: Vec<PathBuf>,
    /// Keys of its configuration whose value is the id of another snapshot.
    pub also_refers_to: Vec<(String, SnapshotId)>,
}

impl Snapshot {
    /// What people call it: its name, else its id; as written.
    pub fn label(&self) -> Option<&str> {
        self.name.as_deref().or(self.id.as_deref())
    }

    /// The claim of that source.
    pub fn claim(&self, source: TakenSource) -> Option<Taken> {
        let claim = self.taken.iter().find(|taken| taken.source == source);
        claim.copied()
    }

    /// Its disks that are in the store.
    pub fn disk_ids(&self) -> impl Iterator<Item = DiskId> + '_ {
        self.disks.iter().filter_map(|used| used.disk)
    }
}
