//! The verdict: was the VM reverted since a snapshot was taken? What it is; [`judge`](mod@super::judge) decides it.

use jiff::Timestamp;

use crate::analysis::Evidence;
use crate::finding::Code;
use crate::store::DiskId;

/// The scale of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reverted {
    /// The tree or two independent witnesses show that a state was applied since.
    Certain,
    /// One sound witness says so.
    Likely,
    /// No sound witness, or they contradict.
    CannotTell,
    /// One sound witness says the disk above is the snapshot's own.
    NoSign,
    /// Two independent witnesses say so.
    NotReverted,
}

impl Reverted {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::NoSign => "no-sign",
            Self::NotReverted => "not-reverted",
            Self::CannotTell => "cannot-tell",
        }
    }
}

/// A verdict with its row and witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How sure.
    pub reverted: Reverted,
    /// The row of the decision table, as a documented code (`row-4`).
    pub row: &'static Code,
    /// c(X) minus `t_s` in seconds, if both are known.
    pub gap_seconds: Option<i64>,
    /// X(s): the disk directly above the frozen disk on the way to Now.
    pub above: Option<DiskId>,
    /// When X(s) was made, as far as that is believed.
    pub above_made: Option<Timestamp>,
    /// X(s) holds nothing, or nothing that differs; `None` if not compared.
    pub stands_at_snapshot: Option<bool>,
    /// The witnesses.
    pub evidence: Vec<Evidence>,
    /// One sentence for a person: the verdict with its dates.
    pub summary: String,
    /// For `cannot-tell`: what would settle it.
    pub would_settle: Option<String>,
    /// What belongs to the verdict without changing it: a kept branch, an odd disk, the kind of the snapshot.
    pub notes: Vec<String>,
}
