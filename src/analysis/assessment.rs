//! The assessment of a forest: a verdict for every snapshot, and what that means for each disk.

use crate::analysis::rules::Reverted;
use crate::analysis::verdict::Verdict;
use crate::finding::Code;
use crate::store::{DiskId, MachineId, SnapshotId, Taken};

/// A snapshot, known by name or not, and its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssessedSnapshot {
    /// The snapshot, if a configuration or label names it.
    pub snapshot: Option<SnapshotId>,
    /// The machine, if known.
    pub machine: Option<MachineId>,
    /// Whether what the machine uses is known: somebody says so, or the product's structure does.
    pub now_known: bool,
    /// Its frozen disks that are in the store; the first decides where it is shown.
    pub frozen: Vec<DiskId>,
    /// When it was taken, by the best claim at hand.
    pub taken: Option<Taken>,
    pub verdict: Verdict,
    /// Why the gate would not let a delete pass though the verdict does, as far as that can be told without reading tables.
    pub stopped_by: Option<&'static Code>,
}

/// What the assessment says of one disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskAssessment {
    /// Snapshots whose frozen disk it is: indexes into [`Assessment::snapshots`].
    pub snapshots: Vec<usize>,
    /// It is X(s) of a snapshot: the worst verdict among those (what the tree's flag shows).
    pub made_by_revert: Option<Reverted>,
    /// The snapshot that `made_by_revert` is about: an index into [`Assessment::snapshots`].
    pub above_of: Option<usize>,
    /// Compared with its parent's content: every dirty sector is the same (or there is none). `None` if not compared.
    pub equals_parent: Option<bool>,
}

/// Verdicts for a whole forest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Every snapshot, named and unnamed.
    pub snapshots: Vec<AssessedSnapshot>,
    /// By disk, in the order of the forest.
    pub disks: Vec<DiskAssessment>,
}

impl Assessment {
    /// Snapshots of which it cannot be told whether the machine was set back to them. One whose disks are not in the store is
    /// missing, and no question.
    pub fn untold(&self) -> usize {
        let untold = |of: &&AssessedSnapshot| {
            of.verdict.reverted == Reverted::CannotTell && !of.frozen.is_empty()
        };
        self.snapshots.iter().filter(untold).count()
    }

    /// What is said of a disk.
    pub fn disk(&self, id: DiskId) -> Option<&DiskAssessment> {
        self.disks.get(id.0 as usize)
    }
}
