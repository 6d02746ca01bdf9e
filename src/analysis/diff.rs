//! Diff: the dirty sectors of a child compared with what the parent's chain holds there; or any two disks of one family.
//!
//! Two disks of one family have a nearest common ancestor ([`Relation`]). Where no link between either of them and that
//! ancestor holds a sector, both read it from the same place: only sectors held on the path between the two can differ, and only
//! those are read.
//!
//! ```text
//!  Windows (tables of the path) ─► plan: held sectors, both sides' owners, turns of 4 MiB
//!                                   └─► two threads: read both sides by portions, compare in the cache ─► collect: totals, runs, blocks, in order
//! ```

mod collect;
mod compare;
mod plan;
mod relation;
mod run;
mod side;

use thiserror::Error;

use crate::chain::ReadFault;
use crate::format::{BlockNo, SectorNo};

pub(super) use plan::{complement, path_windows, told_of};
pub use relation::Relation;
pub use run::{diff, diff_with_parent, relate};
pub use side::{SIDE_SECTORS, SideBySide, side_by_side};

/// What a compared run of sectors turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffKind {
    /// Held by the child, equal to the parent's.
    Same,
    Changed,
    /// Zero in the child, not in the parent.
    Zeroed,
    /// One side could not be read.
    Unreadable,
}

impl DiffKind {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Zeroed => "zeroed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A run of compared sectors of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffRun {
    /// First sector.
    pub sector: SectorNo,
    /// Number of sectors.
    pub count: u64,
    pub kind: DiffKind,
}

/// Sectors by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct DiffTotals {
    /// Compared: the sum of the others.
    pub compared: u64,
    pub same: u64,
    pub changed: u64,
    /// Zero in the child, not in the parent.
    pub zeroed: u64,
    pub unreadable: u64,
}

impl DiffTotals {
    /// Counts sectors of one kind.
    pub fn add(&mut self, kind: DiffKind, count: u64) {
        let of_kind = match kind {
            DiffKind::Same => &mut self.same,
            DiffKind::Changed => &mut self.changed,
            DiffKind::Zeroed => &mut self.zeroed,
            DiffKind::Unreadable => &mut self.unreadable,
        };
        *of_kind = of_kind.saturating_add(count);
        self.compared = self.compared.saturating_add(count);
    }
}

/// The outcome for one block of the child, for the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockDiff {
    /// The block, in the child's block size (2 MiB if it has no blocks).
    pub block: BlockNo,
    /// Its sectors by kind.
    pub totals: DiffTotals,
}

/// A finished, or stopped, diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffSummary {
    pub totals: DiffTotals,
    /// True if everything was compared and all of it is the same.
    pub equal: bool,
    /// False if it was stopped or something could not be read.
    pub complete: bool,
}

/// What a diff tells on its way, in the order of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffEvent {
    /// Compared sectors of one kind, as many as follow each other.
    Run(DiffRun),
    /// All compared sectors of a block; only of blocks in which some were compared. Comes once its last sector is known.
    Block(BlockDiff),
}

/// What a diff came to.
#[derive(Debug)]
pub struct DiffReport {
    pub summary: DiffSummary,
    /// Which links were compared.
    pub relation: Relation,
    /// Why sectors could not be read, the first 64 in the order of the disk.
    pub faults: Vec<ReadFault>,
}

/// Why two disks cannot be compared at all.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DiffError {
    /// A base has no parent to be compared with, or the chain does not have it.
    #[error("there is no parent to compare with")]
    NoParent,
    /// Sectors of different size have no common measure.
    #[error("sector sizes differ: {left} and {right} bytes")]
    SectorSizes {
        /// Of the first disk, in bytes.
        left: u32,
        /// Of the second.
        right: u32,
    },
    /// No common ancestor is known, and the end of one of the chains is missing, so nothing can be said of what lies below.
    #[error("the disks have no common ancestor, and a parent is missing")]
    Unrelated,
}
