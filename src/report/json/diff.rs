//! `diff --json` and `map --json`: totals and runs.

use serde::Serialize;

use super::ls::BlocksJson;
use crate::analysis::diff::{DiffRun, DiffSummary};
use crate::image::StateRun;
use crate::report::words;

/// The keys of `diff` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffBody {
    /// Path of the child, or of the first disk.
    pub child: String,
    /// Path of the parent, or of the second disk.
    pub parent: Option<String>,
    /// Sectors by kind.
    pub sectors: SectorsJson,
    /// Everything was compared, and all of it is the same.
    pub equal: bool,
    /// Runs of sectors of one kind, in order.
    pub runs: Vec<DiffRunJson>,
}

/// Sectors by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SectorsJson {
    /// All compared.
    pub compared: u64,
    /// Equal.
    pub same: u64,
    /// Different.
    pub changed: u64,
    /// Zero in the child, not in the parent.
    pub zeroed: u64,
    /// Could not be read.
    pub unreadable: u64,
}

impl From<&DiffSummary> for SectorsJson {
    fn from(summary: &DiffSummary) -> Self {
        let totals = summary.totals;
        Self {
            compared: totals.compared,
            same: totals.same,
            changed: totals.changed,
            zeroed: totals.zeroed,
            unreadable: totals.unreadable,
        }
    }
}

/// A run of compared sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DiffRunJson {
    /// First sector.
    pub sector: u64,
    /// Number of sectors.
    pub count: u64,
    /// `same`, `changed`, `zeroed`, `unreadable`.
    pub kind: &'static str,
}

impl From<&DiffRun> for DiffRunJson {
    fn from(run: &DiffRun) -> Self {
        Self {
            sector: run.sector.0,
            count: run.count,
            kind: run.kind.word(),
        }
    }
}

/// The keys of `map` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MapBody {
    /// Path of the disk.
    pub path: String,
    /// Bytes of a block; `null` for a disk without blocks.
    pub block_size: Option<u32>,
    /// Blocks by state.
    pub blocks: BlocksJson,
    /// Runs of blocks of one state, in order, without gaps.
    pub runs: Vec<StateRunJson>,
}

/// A run of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StateRunJson {
    /// First block.
    pub block: u64,
    /// Number of blocks.
    pub count: u64,
    /// `full`, `partial`, `zero`, `unmapped`, `absent`, `error`.
    pub state: &'static str,
}

impl From<&StateRun> for StateRunJson {
    fn from(run: &StateRun) -> Self {
        Self {
            block: run.first.0,
            count: run.count,
            state: words::block_state(run.state),
        }
    }
}
