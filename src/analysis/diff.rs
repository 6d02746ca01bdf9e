//! Diff: the dirty sectors of a child compared with what the parent's chain holds there.

use crate::format::{BlockNo, SectorNo};

/// What a compared run of sectors turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffKind {
    /// Held by the child, equal to the parent's.
    Same,
    /// Different.
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
    /// What they are.
    pub kind: DiffKind,
}

/// Sectors by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffTotals {
    /// Compared: the sum of the others.
    pub compared: u64,
    /// Equal.
    pub same: u64,
    /// Different.
    pub changed: u64,
    /// Zero in the child, not in the parent.
    pub zeroed: u64,
    /// Not comparable.
    pub unreadable: u64,
}

/// The outcome for one block of the child, for the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockDiff {
    /// The block, in the child's block size.
    pub block: BlockNo,
    /// Its sectors by kind.
    pub totals: DiffTotals,
}

/// A finished, or stopped, diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffSummary {
    /// Sectors by kind.
    pub totals: DiffTotals,
    /// True if everything was compared and all of it is the same.
    pub equal: bool,
    /// False if it was stopped or something could not be read.
    pub complete: bool,
}
