//! `diff --json` and `map --json`: totals and runs.

use std::cell::RefCell;

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::PathErrorJson;
use super::ls::BlocksJson;
use crate::analysis::diff::{DiffRun, DiffSummary};
use crate::analysis::files::owned::{OwnerRun, SectorOwner};
use crate::image::{Counts, StateRun};
use crate::report::placed::{DiskPlaces, PlacedRun};

/// What is known once all runs were handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended<T> {
    pub sums: T,
    /// What could not be read, or changed meanwhile.
    pub errors: Vec<PathErrorJson>,
}

/// Compares two disks and calls its argument with each run of sectors of one kind; the whole of `diff` hangs on it.
pub type CompareRuns<'a> = &'a dyn Fn(&mut dyn FnMut(DiffRun)) -> Ended<DiffSummary>;

/// The document of `diff`. Runs are written as they are found, so that a comparison of any size takes no memory; what is
/// known only at the end (`sectors`, `equal`, `complete`) stands behind them.
pub struct DiffDocument<'a> {
    child: String,
    parent: Option<String>,
    places: DiskPlaces<'a>,
    compare: CompareRuns<'a>,
    ended: RefCell<Ended<DiffSummary>>,
}

impl<'a> DiffDocument<'a> {
    /// Of the disk at `child`, or the first of two, what is known of its places, and what it is compared with.
    pub fn new(
        child: String,
        parent: Option<String>,
        places: DiskPlaces<'a>,
        compare: CompareRuns<'a>,
    ) -> Self {
        Self {
            child,
            parent,
            places,
            compare,
            ended: RefCell::default(),
        }
    }
}

impl Serialize for DiffDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("DiffDocument", 9)?;
        document.serialize_field("schema", super::SCHEMA)?;
        document.serialize_field("command", "diff")?;
        document.serialize_field("child", &self.child)?;
        document.serialize_field("parent", &self.parent)?;
        document.serialize_field("runs", &ComparedRuns(self))?;
        let ended = self.ended.borrow();
        let summary = ended.sums;
        document.serialize_field("sectors", &SectorsJson::from(&summary))?;
        document.serialize_field("equal", &summary.equal)?;
        document.serialize_field("complete", &summary.complete)?;
        document.serialize_field("errors", &ended.errors)?;
        document.end()
    }
}

/// The runs of a [`DiffDocument`]: comparing happens while they are written.
struct ComparedRuns<'a>(&'a DiffDocument<'a>);

impl Serialize for ComparedRuns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut runs = serializer.serialize_seq(None)?;
        let mut fault = None;
        let ended = (self.0.compare)(&mut |run| {
            for part in self.0.places.cut(run) {
                if fault.is_none() {
                    fault = runs.serialize_element(&DiffRunJson::new(&part)).err();
                }
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.0.ended.replace(ended);
        runs.end()
    }
}

/// Sectors by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SectorsJson {
    pub compared: u64,
    pub same: u64,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffRunJson {
    /// First sector.
    pub sector: u64,
    /// Number of sectors.
    pub count: u64,
    /// `same`, `changed`, `zeroed`, `unreadable`.
    pub kind: &'static str,
    /// Where on the guest's disk that is: `p1 NTFS`; left out where no partition table is sure.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whose it is; only if that is asked for, and `null` if nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Option<OwnerJson>>,
}

/// Whose some sectors are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerJson {
    /// `file`, `directory`, `metadata`, `journal`, `pagefile`, `free`, `unreadable`, `outside`.
    pub class: &'static str,
    /// `p1`; `null` outside of all volumes.
    pub volume: Option<String>,
    pub path: Option<String>,
    pub id: Option<String>,
    /// `null` for a file's own content.
    pub stream: Option<String>,
}

impl From<&SectorOwner> for OwnerJson {
    fn from(owner: &SectorOwner) -> Self {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            class: owner.class.word(),
            volume: some(&owner.volume),
            path: owner.path.clone(),
            id: owner.id.map(|id| id.to_string()),
            stream: some(&owner.stream),
        }
    }
}

impl DiffRunJson {
    pub fn new(part: &PlacedRun<'_>) -> Self {
        Self {
            sector: part.run.sector.0,
            count: part.run.count,
            kind: part.run.kind.word(),
            place: part.place.clone(),
            owner: part.owner.map(|owner| owner.map(OwnerJson::from)),
        }
    }
}

/// The keys of `map --owners` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnersBody {
    pub path: String,
    pub owners: Vec<OwnerRunJson>,
}

/// Sectors that a disk holds, of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerRunJson {
    pub sector: u64,
    pub count: u64,
    /// `null` if the file system counts them as in use, by nobody.
    pub owner: Option<OwnerJson>,
}

impl OwnerRunJson {
    pub fn new(run: &OwnerRun<'_>) -> Self {
        Self {
            sector: run.sector.0,
            count: run.count,
            owner: run.owner.map(OwnerJson::from),
        }
    }
}

/// Counts a disk's blocks and calls its argument with each run of one state; the whole of `map` hangs on it.
pub type CountRuns<'a> = &'a dyn Fn(&mut dyn FnMut(StateRun)) -> Ended<Counts>;

/// The document of `map`. Runs are written as they are found, so that a table of any size takes no memory; what is known
/// only at the end (`complete`, `blocks`) stands behind them.
pub struct MapDocument<'a> {
    path: String,
    block_size: Option<u32>,
    count: CountRuns<'a>,
    ended: RefCell<Ended<Counts>>,
}

impl<'a> MapDocument<'a> {
    /// Of the disk at `path`; `block_size` in bytes, `None` for a disk without blocks.
    pub fn new(path: String, block_size: Option<u32>, count: CountRuns<'a>) -> Self {
        Self {
            path,
            block_size,
            count,
            ended: RefCell::default(),
        }
    }

    /// The counts, once the document was written.
    pub fn into_ended(self) -> Ended<Counts> {
        self.ended.into_inner()
    }
}

impl Serialize for MapDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("MapDocument", 8)?;
        document.serialize_field("schema", super::SCHEMA)?;
        document.serialize_field("command", "map")?;
        document.serialize_field("path", &self.path)?;
        document.serialize_field("block_size", &self.block_size)?;
        document.serialize_field("runs", &DocumentRuns(self))?;
        let ended = self.ended.borrow();
        document.serialize_field("blocks", &BlocksJson::from(&ended.sums))?;
        document.serialize_field("complete", &ended.sums.complete)?;
        document.serialize_field("errors", &ended.errors)?;
        document.end()
    }
}

/// The runs of a [`MapDocument`]: counting happens while they are written.
struct DocumentRuns<'a>(&'a MapDocument<'a>);

impl Serialize for DocumentRuns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut runs = serializer.serialize_seq(None)?;
        let mut fault = None;
        let ended = (self.0.count)(&mut |run| {
            if fault.is_none() {
                fault = runs.serialize_element(&StateRunJson::from(&run)).err();
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.0.ended.replace(ended);
        runs.end()
    }
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
            state: run.state.word(),
        }
    }
}
