//! `diff --json` and `map --json`: totals and runs.

use std::cell::RefCell;
use std::io;

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::PathErrorJson;
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

/// Finds runs and calls its argument with each.
pub type RunFeed<'a, R, T> = &'a dyn Fn(&mut dyn FnMut(R)) -> Ended<T>;

/// Compares two disks: runs of sectors of one kind. The whole of `diff` hangs on it.
pub type CompareRuns<'a> = RunFeed<'a, DiffRun, DiffSummary>;

/// Shows each run as it is found, until one cannot be shown.
pub fn each<R, T>(
    runs: RunFeed<'_, R, T>,
    show: &mut dyn FnMut(&R) -> io::Result<()>,
) -> io::Result<Ended<T>> {
    let mut shown = Ok(());
    let ended = runs(&mut |run| {
        if shown.is_ok() {
            shown = show(&run);
        }
    });
    shown.map(|()| ended)
}

/// Runs as an array that is written while they are found.
struct RunArray<'a, R, T, F> {
    runs: RunFeed<'a, R, T>,
    /// The elements of a run.
    json: F,
    ended: &'a RefCell<Ended<T>>,
}

impl<R, T, I, F> Serialize for RunArray<'_, R, T, F>
where
    I: IntoIterator<Item: Serialize>,
    F: Fn(R) -> I,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        let ended = (self.runs)(&mut |run| {
            for element in (self.json)(run) {
                if written.is_ok() {
                    written = array.serialize_element(&element);
                }
            }
        });
        written?;
        self.ended.replace(ended);
        array.end()
    }
}

/// The document of `diff`. Runs are written as they are found, so that a comparison of any size takes no memory; what is
/// known only at the end (`sectors`, `equal`, `complete`) stands behind them.
pub struct DiffDocument<'a> {
    /// The disk that is compared, or the first of two.
    pub child: String,
    pub parent: Option<String>,
    pub places: DiskPlaces<'a>,
    pub compare: CompareRuns<'a>,
    /// What came of it, once the document was written.
    pub ended: RefCell<Ended<DiffSummary>>,
}

impl Serialize for DiffDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("DiffDocument", 9)?;
        document.serialize_field("schema", super::SCHEMA)?;
        document.serialize_field("command", "diff")?;
        document.serialize_field("child", &self.child)?;
        document.serialize_field("parent", &self.parent)?;
        let part = |part: PlacedRun<'_>| DiffRunJson::new(&part);
        let runs = RunArray {
            runs: self.compare,
            json: |run| self.places.cut(run).into_iter().map(part),
            ended: &self.ended,
        };
        document.serialize_field("runs", &runs)?;
        let ended = self.ended.borrow();
        let summary = ended.sums;
        document.serialize_field("sectors", &summary.totals)?;
        document.serialize_field("equal", &summary.equal)?;
        document.serialize_field("complete", &summary.complete)?;
        document.serialize_field("errors", &ended.errors)?;
        document.end()
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

/// Counts a disk's blocks: runs of one state. The whole of `map` hangs on it.
pub type CountRuns<'a> = RunFeed<'a, StateRun, Counts>;

/// The document of `map`. Runs are written as they are found, so that a table of any size takes no memory; what is known
/// only at the end (`complete`, `blocks`) stands behind them.
pub struct MapDocument<'a> {
    pub path: String,
    /// In bytes; `None` for a disk without blocks.
    pub block_size: Option<u32>,
    pub count: CountRuns<'a>,
    /// What came of it, once the document was written.
    pub ended: RefCell<Ended<Counts>>,
}

impl Serialize for MapDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("MapDocument", 8)?;
        document.serialize_field("schema", super::SCHEMA)?;
        document.serialize_field("command", "map")?;
        document.serialize_field("path", &self.path)?;
        document.serialize_field("block_size", &self.block_size)?;
        let runs = RunArray {
            runs: self.count,
            json: |run| [StateRunJson::from(&run)],
            ended: &self.ended,
        };
        document.serialize_field("runs", &runs)?;
        let ended = self.ended.borrow();
        document.serialize_field("blocks", &ended.sums)?;
        document.serialize_field("complete", &ended.sums.complete)?;
        document.serialize_field("errors", &ended.errors)?;
        document.end()
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
