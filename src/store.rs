//! A store: the files below some folders, which of them are disks, and who is whose parent.
//!
//! [`scan`](scan::scan) walks the roots, probes every file by content on a few threads, reads configurations and side
//! files, links parents and hands over a [`Forest`]. A file's own faults are findings of its [`Disk`]; faults of links
//! are findings of its [`Node`].

mod access;
mod assign;
pub mod codes;
mod configs;
pub mod containers;
pub mod earlier;
pub mod facts;
mod files;
pub mod forest;
pub mod gate;
pub mod host;
pub mod hyperv;
mod join;
pub mod journals;
pub mod leftover;
mod link;
mod mounts;
pub mod names;
pub mod pathmatch;
mod place;
mod probe;
pub mod product;
pub mod pulse;
pub mod pvs;
pub mod saved;
pub mod scan;
pub mod virtualpc;
mod walk;
pub mod when;
pub mod winpath;

pub use assign::HIDDEN_BASE;
pub use forest::{
    Born, BornSource, Disk, DiskId, DiskUse, FileFacts, Forest, HostRow, LinkState, Liveness,
    Machine, MachineId, MachineState, Node, ParentLink, PathError, PoolDisk, ResolvedBy, ScannedOn,
    Snapshot, SnapshotId, SnapshotKind, Taken, TakenSource, Tried,
};
pub use link::family;
pub use place::real_path;
pub use product::Product;
pub use scan::{
    CountPolicy, ForestUpdates, PathMap, ScanError, ScanEvent, ScanOptions, rescan, scan, scan_with,
};
