//! Indices into a forest.

/// A disk of the forest: an index into [`Forest::disks`](super::Forest::disks) and [`Forest::nodes`](super::Forest::nodes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskId(pub u32);

/// A machine of the forest: an index into [`Forest::machines`](super::Forest::machines).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub u32);

/// A snapshot of the forest that a configuration or label names: an index into [`Forest::snapshots`](super::Forest::snapshots).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u32);
