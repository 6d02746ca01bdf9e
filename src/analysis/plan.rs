//! The plan: what deleting a snapshot would do; the gate: the same as an answer for a script.
//!
//! ```text
//!  target ─► steps (engine rules: what is merged, deleted, kept, broken)
//!         ─► growth (exact, from both tables) ─► gate (reasons) ─► Plan, with a token that names this state of the files
//! ```
//!
//! Nothing here writes, or reads a file: tables come in through [`BlockMaps`].

mod files;
pub mod gate;
mod make;
mod outlook;
pub mod steps;
pub mod tables;
pub mod target;
#[cfg(test)]
mod tests;
pub mod token;
mod words;

use thiserror::Error;

use crate::analysis::Verdict;
use crate::finding::Code;
use crate::image::{SectorRun, StateRun};
use crate::store::{DiskId, MachineId, Product};

pub use files::{GuestFiles, LostFiles, add_files};
pub use gate::GateIndex;
pub use make::plan;
pub use outlook::stopped_by;
pub use tables::StoreTables;

/// What a plan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A snapshot: an index into the assessment.
    Snapshot(usize),
    /// A disk that is no known snapshot's.
    Disk(DiskId),
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// There is no such snapshot or disk.
    #[error("there is no such snapshot or disk")]
    Unknown,
    /// No disk of the snapshot is in the store.
    #[error("no disk of this snapshot is in the store")]
    NoDisks,
    /// No snapshot refers to the disk and nothing hangs on it, so there is nothing to delete but the file.
    #[error(
        "{0} is no snapshot's disk: in the folders that were read no snapshot names it, and no disk is a child of it; \
         disks elsewhere are read with --store DIR"
    )]
    NotFrozen(String),
    /// The disk is frozen for several snapshots: their names.
    #[error("{disk} is frozen for several snapshots: {}", names.join(", "))]
    Several {
        /// The disk's file name.
        disk: String,
        names: Vec<String>,
    },
}

/// What a person asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Under whose rules; `None`: guessed from the store.
    pub product: Option<Product>,
    /// Reasons that may pass for one state of the files.
    pub accept: Vec<Accept>,
    /// The state the files must be in: a token, or its first eight digits and more.
    pub expect: Option<String>,
    /// Free bytes where the disks lie, in place of what the file system here says.
    pub free: Option<u64>,
}

/// A reason that may pass for one state of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The reason's code.
    pub reason: String,
    /// The state token, or its first eight digits and more.
    pub token: String,
}

/// Access to block tables, so that a plan stays free of reading.
pub trait BlockMaps {
    /// Runs of blocks of a disk that are not absent, in order, by the table alone; `None` if the table cannot be read.
    fn held(&self, disk: DiskId) -> Option<Vec<StateRun>>;

    /// Shows each run of a disk's sectors, in order, by table and bitmaps; false if they cannot be read.
    fn sectors(&self, disk: DiskId, visit: &mut dyn FnMut(SectorRun)) -> bool;
}

/// The plan's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Nothing speaks against the delete.
    Pass,
    /// A named reason speaks against it.
    Refuse,
    CannotTell,
}

impl Answer {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refuse => "refuse",
            Self::CannotTell => "cannot-tell",
        }
    }
}

/// A reason that speaks against a delete, or leaves it open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its documented code.
    pub code: &'static Code,
    /// `Refuse` or `CannotTell`.
    pub answer: Answer,
    /// One sentence with the particulars, not escaped.
    pub text: String,
    /// The person named it with `--accept` for this very state of the files.
    pub accepted: bool,
}

/// One merge a delete would cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The file whose blocks move; its content goes afterwards.
    pub from: DiskId,
    /// The file that receives them.
    pub into: DiskId,
    /// The one of the two whose name is left: `from` where the receiving file takes over the leaf's name.
    pub survivor: DiskId,
    /// Dirty blocks of `from`; `None` if it could not be opened.
    pub blocks: Option<u64>,
    /// Bytes expected to be written: dirty sectors; `None` as above.
    pub bytes: Option<u64>,
    /// Bytes written at worst: whole dirty blocks.
    pub bytes_max: u64,
    /// Bytes the receiving file may grow by at most.
    pub grow_max: u64,
    /// The size the receiving disk is given first, in bytes, where it is smaller than `from`.
    pub enlarge_to: Option<u64>,
    /// The engine merges the two at all: Hyper-V does not where their sizes differ.
    pub is_possible: bool,
    /// Free bytes where it lies; `None` if unknown.
    pub free: Option<u64>,
    pub free_source: Option<FreeSource>,
}

impl Merge {
    /// The one of the two whose name goes.
    pub fn gone(&self) -> DiskId {
        if self.survivor == self.from {
            self.into
        } else {
            self.from
        }
    }
}

/// Whose free space is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeSource {
    /// The file system the files were read from, here.
    Here,
    /// The host's own listing.
    Host,
    /// The person who asked.
    Given,
}

impl FreeSource {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Host => "host",
            Self::Given => "given",
        }
    }

    /// What stands before the number in a sentence.
    pub fn label(self) -> &'static str {
        match self {
            Self::Here => "free here",
            Self::Host => "free on the host",
            Self::Given => "free as given",
        }
    }
}

/// Something a delete loses for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What: a documented code (`way-back`, `other-branch`, `dead-end`, `memory`).
    pub code: &'static Code,
    pub disk: Option<DiskId>,
    /// Bytes, if it has a size.
    pub bytes: Option<u64>,
    /// One sentence, not escaped.
    pub text: String,
    /// The guest's files that go with it, if they were looked at.
    pub files: Option<LostFiles>,
}

/// What deleting a snapshot would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Index of the snapshot in the assessment; `None` if the target is a disk that is no snapshot.
    pub snapshot: Option<usize>,
    /// The machine, if known.
    pub machine: Option<MachineId>,
    pub frozen: Vec<DiskId>,
    pub product: Product,
    pub answer: Answer,
    /// One sentence: the answer with dates and names.
    pub summary: String,
    /// Why, worst first.
    pub reasons: Vec<Reason>,
    /// What is merged into what, in order.
    pub merges: Vec<Merge>,
    /// Files deleted without a merge.
    pub deleted: Vec<DiskId>,
    /// Files whose names are gone after the merges.
    pub freed: Vec<DiskId>,
    /// Children (disks) that would break.
    pub breaks: Vec<DiskId>,
    /// Chains before, base first.
    pub before: Vec<Vec<DiskId>>,
    /// Chains after, base first.
    pub after: Vec<Vec<DiskId>>,
    /// The state the VM ends in, a sentence.
    pub ends_in: String,
    /// What was already gone before any delete, and since when.
    pub already_lost: Vec<String>,
    /// What the delete loses.
    pub lost: Vec<Loss>,
    /// What the engine does on the way, by product: when it merges, what cancels it.
    pub engine_notes: Vec<String>,
    pub do_first: Vec<String>,
    /// Not checked: stable words (`vm-power-state`, `running-jobs`, ...).
    pub not_checked: Vec<&'static str>,
    /// The verdict about the snapshot, if it has one.
    pub verdict: Option<Verdict>,
    /// Names this state of the files: hex digits.
    pub state_token: String,
}
