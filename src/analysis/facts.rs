//! Facts: everything a verdict about one snapshot may rest on, as plain data.
//!
//! ```text
//!  Forest ─► topology (what each machine uses now, the disk above each frozen one, branches)
//!         ─► taken    (when: claims, best first)      ─┐
//!         ─► ages     (c(X): footer, believed birth)  ─┼─► Facts ─► judge
//!         ─► belief   (may births of this chain be believed; chains has that of every disk)
//! ```
//!
//! Facts hold no judgement. The times are raw, and doubts are listed with the values that raised them.

pub mod ages;
pub mod belief;
mod chains;
pub mod gather;
pub mod name;
pub mod taken;
pub mod topology;
mod witnesses;

use jiff::Timestamp;

use crate::store::{BornSource, DiskId, Product, SnapshotKind, TakenSource};

pub use belief::{Belief, Doubt};

/// A claim of when the snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The time claimed.
    pub at: Timestamp,
    /// Who claims it.
    pub source: TakenSource,
    /// The file (and field) it was read from.
    pub from: String,
}

/// When a disk was made, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The stamp in a VHD footer.
    Footer(Timestamp),
    /// A birth time, the chain's births being believed.
    Birth(Timestamp, BornSource),
    /// No usable time.
    Unknown,
}

impl Made {
    /// The time, if there is one.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::Footer(at) | Self::Birth(at, _) => Some(at),
            Self::Unknown => None,
        }
    }

    /// The times of two disks, if both come from the same kind of witness and so may be compared.
    pub fn comparable(self, other: Self) -> Option<(Timestamp, Timestamp)> {
        match (self, other) {
            (Self::Footer(a), Self::Footer(b)) | (Self::Birth(a, _), Self::Birth(b, _)) => {
                Some((a, b))
            }
            _ => None,
        }
    }
}

/// The generation id of the snapshot beside the one that came after it on the way to Now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Generation {
    /// Both are there and equal.
    Same {
        /// The id.
        id: String,
        /// Whose configuration the later one is in.
        later: String,
    },
    /// Both are there and differ.
    Different {
        /// The snapshot's.
        then: String,
        /// The later one.
        later_id: String,
        /// Whose configuration the later one is in.
        later: String,
    },
    /// One is not there, or a change cannot be laid to this snapshot.
    #[default]
    Unknown,
}

/// What the guest's own times say. Reserved: nothing looks inside guests yet, so facts from a store never hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// No activity from the snapshot to the birth of X (or, without that, from the snapshot on), both ends matching.
    Gap,
    /// Activity in between, seen through the chain, the guest's clock being sound.
    ActiveInside,
}

/// Another branch of the same machine on the frozen disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherBranch {
    /// Its lowest disk.
    pub disk: DiskId,
    /// That disk's file name.
    pub name: String,
    /// When that was made.
    pub made: Made,
}

/// A snapshot of the same machine on another branch, with a date of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiblingSnapshot {
    /// Its name or id.
    pub name: String,
    /// When it was taken.
    pub taken: Claim,
}

/// X(s) and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Above {
    /// X(s).
    pub disk: DiskId,
    /// Its file name.
    pub name: String,
    /// Its path, for sources.
    pub path: String,
    /// When it was made.
    pub made: Made,
    /// Its footer stamp, when that cannot be right.
    pub footer_doubt: Option<Timestamp>,
    /// Whether births of the chain may be believed; shown where X has no footer.
    pub belief: Belief,
    /// It equals its parent (every dirty sector the same, or none dirty); `None` if not compared.
    pub equals_parent: Option<bool>,
    /// Other branches of this machine on the frozen disk.
    pub branches: Vec<OtherBranch>,
    /// Snapshots of this machine on those branches.
    pub siblings: Vec<SiblingSnapshot>,
    /// Children of the frozen disk that lead to no snapshot of this machine and not to Now.
    pub unrelated: usize,
    /// Files between X and Now, X included, that no snapshot owns though others lie above them.
    pub lingering: Vec<String>,
    /// The earliest last write among X and the disks above it on the way to Now: file name, time.
    pub earliest_write: Option<(String, Timestamp)>,
    /// Builds of Windows that made the frozen disk and X, and a disk of the same machine made after the snapshot by an older build than X's.
    pub builds: Option<Builds>,
}

/// Builds of Windows, from the creator strings of VHDX files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builds {
    /// The frozen disk's creator.
    pub frozen: String,
    /// X's creator.
    pub above: String,
    /// A disk made after the snapshot by an older build than X's: its name and creator. It proves that X was made anew.
    pub older_later: Option<(String, String)>,
}

/// Where the frozen disk stands on the way to Now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// X(s) is known.
    Above(Box<Above>),
    /// Now is known and does not come from here; whether anything hangs on the frozen disk.
    OffLine {
        /// Children of the frozen disk.
        children: usize,
    },
    /// The machine uses the frozen disk itself.
    IsNow,
    /// The machine's chain breaks before it reaches the frozen disk.
    Broken,
    /// Nothing says which of several leaves is Now.
    NowUnknown {
        /// Leaves above the frozen disk.
        leaves: usize,
    },
    /// No disk hangs on the frozen one, and Now is not known.
    NothingAbove,
    /// Lines of several machines, or of nobody known, start here: a shared parent.
    Shared {
        /// Children.
        children: usize,
    },
}

/// XCP-ng's own facts about a base and its two leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct XcpFacts {
    /// Last write of the base.
    pub base_write: Option<Timestamp>,
    /// The snapshot's own leaf: file name, footer stamp.
    pub leaf: Option<(String, Timestamp)>,
}

/// Virtual PC's own facts about an undo disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UndoFacts {
    /// The time in the name of X.
    pub named: Option<Timestamp>,
}

/// One frozen disk of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// D(s).
    pub frozen: DiskId,
    /// Its file name.
    pub frozen_name: String,
    /// When it was made.
    pub frozen_made: Made,
    /// When the snapshot was taken: claims, best first.
    pub taken: Vec<Claim>,
    /// The date in the name can be read in several ways, and nothing decides: the name.
    pub ambiguous_name: Option<String>,
    /// Where it stands.
    pub way: Way,
    /// XCP-ng's facts.
    pub xcp: XcpFacts,
    /// Virtual PC's facts.
    pub undo: UndoFacts,
}

/// Everything a verdict about one snapshot may rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Under whose rules.
    pub product: Product,
    /// The snapshot's name, if it has one.
    pub name: Option<String>,
    /// The machine's name, if known.
    pub vm: Option<String>,
    /// Its kind.
    pub kind: SnapshotKind,
    /// The machine's configuration says that a merge is pending: the file that says so.
    pub merge_pending: Option<String>,
    /// Generation ids.
    pub generation: Generation,
    /// The guest's own times.
    pub guest: Option<Guest>,
    /// Its frozen disks that are in the store.
    pub lines: Vec<Line>,
    /// Disks it names that are not in the store, as written.
    pub missing: Vec<String>,
    /// The file that names it; empty for an unnamed one.
    pub source: String,
}
