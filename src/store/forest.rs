//! The forest: disks in an arena, their links, and the machines and snapshots that use them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::finding::Finding;
use crate::image::{Counts, Header, Kind};
use crate::store::access::is_locked;
use crate::store::containers::Repository;
use crate::store::earlier::EarlierMatch;
use crate::store::host::{HostFile, HostVdi, Origin};

/// A disk of the forest: an index into [`Forest::disks`] and [`Forest::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskId(pub u32);

/// A machine of the forest: an index into [`Forest::machines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub u32);

/// A snapshot of the forest that a configuration or label names: an index into [`Forest::snapshots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u32);

/// When a file came to be, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Born {
    pub at: Timestamp,
    pub source: BornSource,
}

/// Who gave a birth time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BornSource {
    /// The file system the file lies on now, of a kind that keeps a Windows host's birth times (NTFS, ReFS, SMB, exFAT).
    WindowsFileSystem,
    /// The file system the file lies on now, of another kind: the birth of this copy.
    OtherFileSystem,
    /// The host's own listing.
    Host,
    /// The creation time that LVM keeps of a volume, by the host's clock; a rename keeps it.
    Lvm,
}

/// What the file system (or the times file) says of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Length in bytes.
    pub len: u64,
    /// Bytes allocated on the file system, where it says so.
    pub allocated: Option<u64>,
    /// Last write; from the host's listing if that has one.
    pub modified: Option<Timestamp>,
    pub born: Option<Born>,
    /// Device and inode, where there are such, to tell one file found twice.
    pub identity: Option<(u64, u64)>,
}

/// Whether a file held still while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Liveness {
    /// Nothing changed between first and last read.
    #[default]
    Still,
    /// It changed under the reader, twice: what is shown may mix two moments.
    Live,
}

/// One file of the store that is, or claims to be, a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Path as found from the root given.
    pub path: PathBuf,
    /// What the file system says.
    pub file: FileFacts,
    /// What the disk says of itself; `None` when it could not be read as a disk: `findings` then says why.
    pub header: Option<Header>,
    /// Exact counts; `None` when not counted (yet).
    pub counts: Option<Counts>,
    /// What was found in this file alone (headers, tables, read faults); count findings included.
    pub findings: Vec<Finding>,
    /// Whether it held still.
    pub liveness: Liveness,
}

impl Disk {
    /// It is there and could not be opened: a program keeps it to itself, or this user may not read it.
    pub fn is_locked(&self) -> bool {
        self.header.is_none() && is_locked(&self.findings)
    }

    /// When it was made: by the file itself (VHD footer), else the birth of the file and who gave it (`None`: the footer).
    pub fn created(&self) -> Option<(Timestamp, Option<BornSource>)> {
        let footer = self.header.as_ref().and_then(|header| header.created);
        let born = self.file.born.map(|born| (born.at, Some(born.source)));
        // LVM's is the act itself; a stamp is what some program thought of the time.
        let by_lvm = born.filter(|(_, source)| *source == Some(BornSource::Lvm));
        by_lvm.or(footer.map(|at| (at, None))).or(born)
    }

    /// Bytes a differencing disk answers for itself; `None` if it is none, or not counted.
    pub fn dirty_bytes(&self) -> Option<u64> {
        let header = self.header.as_ref()?;
        let sectors = self.counts.as_ref()?.dirty_sectors;
        (header.kind == Kind::Differencing)
            .then(|| sectors.saturating_mul(u64::from(header.sector_size)))
    }
}

/// How sure a child is of its parent.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
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
}

crate::worded!(LinkState);

/// By which rule a parent was found.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
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

/// Whose naming and rules a disk follows.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Product {
    /// Hyper-V 2012 and later.
    #[default]
    #[strum(to_string = "hyperv")]
    HyperV,
    /// Hyper-V 2008 and 2008 R2: merges when the VM is off.
    #[strum(to_string = "hyperv-2008")]
    HyperV2008,
    /// XCP-ng, XenServer.
    #[strum(to_string = "xcpng")]
    XcpNg,
    /// Virtual PC, Virtual Server.
    #[strum(to_string = "virtualpc")]
    VirtualPc,
    /// A backup repository of Xen Orchestra: its chains are restore points, and no machine runs on them.
    #[strum(to_string = "xo")]
    XenOrchestra,
}

crate::worded!(Product);

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

/// What kind of snapshot it is, by its configuration or label.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
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
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
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

    /// From `id` to its base through sound links; `id` first. Ends where a link is not sound.
    pub fn line(&self, id: DiskId) -> impl Iterator<Item = DiskId> + '_ {
        // Links hold no cycle once linked; the bound keeps this finite whatever happens.
        std::iter::successors(Some(id), |id| self.parent_of(*id)).take(self.disks.len().max(1))
    }
}
