//! What `update` asks the runtime to do. Orders; nothing here is done by `update` itself.

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::files::all::GuestPath;
use crate::analysis::plan::Target;
use crate::analysis::{Assessment, Compared};
use crate::store::{DiskId, Forest, ForestUpdates};
use crate::tui::found::FilesOf;
use crate::tui::state::{Memory, StatePlace};
use crate::tui::terminal::Mouse;

/// The number of a job; a later job has a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobNo(pub u64);

/// A job to start.
#[derive(Debug, Clone, strum::EnumDiscriminants)]
#[strum_discriminants(name(JobKind), derive(PartialOrd, Ord, Hash))]
#[strum_discriminants(doc = "The kinds of job; of each kind one runs, the newest.")]
pub enum JobRequest {
    Scan {
        /// Whether its growth is wanted too.
        growth: ForestUpdates,
    },
    /// Read one disk of the store again.
    Reread {
        /// The store as known.
        forest: Arc<Forest>,
        disk: DiskId,
    },
    /// Read a disk's blocks.
    Map { path: PathBuf },
    /// Read a block's sectors.
    Sectors {
        path: PathBuf,
        /// The block.
        block: u64,
    },
    /// Read the partitions of a disk's content, and what else of its chain is wanted.
    Chain {
        forest: Arc<Forest>,
        disk: DiskId,
        part: ChainPart,
    },
    /// Compare a disk with another of its family; `other` `None` = its parent.
    Diff {
        /// The forest both are in.
        forest: Arc<Forest>,
        child: DiskId,
        other: Option<DiskId>,
    },
    /// Read both sides of some sectors.
    Hex {
        /// The forest both are in.
        forest: Arc<Forest>,
        child: DiskId,
        other: Option<DiskId>,
        /// The first sector.
        sector: u64,
    },
    /// Work out what deleting a snapshot would do.
    Plan {
        forest: Arc<Forest>,
        assessment: Arc<Assessment>,
        compared: Compared,
        /// What would be deleted.
        target: Target,
    },
    /// Look for the guest's files.
    Files {
        forest: Arc<Forest>,
        disk: DiskId,
        of: FilesOf,
    },
    /// Look one of them up in every disk of the tree.
    Versions {
        forest: Arc<Forest>,
        disk: DiskId,
        path: GuestPath,
    },
    /// Read the guests' own clocks, where they can settle verdicts.
    Clocks {
        forest: Arc<Forest>,
        assessment: Arc<Assessment>,
        compared: Compared,
        /// Indexes into the assessment's snapshots.
        snapshots: Vec<usize>,
    },
    Watch {
        /// The files as known.
        forest: Arc<Forest>,
    },
}

impl JobRequest {
    /// The slot it runs in.
    pub fn slot(&self) -> JobKind {
        self.into()
    }
}

/// What of a chain is read for a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainPart {
    /// Where the partitions are.
    Partitions,
    /// That, and which disk answers for which block.
    Tables,
    /// Where the partitions are, and whose is what the disk holds.
    Owners,
}

/// What to write into a new file.
#[derive(Debug, Clone)]
pub enum Export {
    /// The store as `ls --json` writes it.
    Store(Arc<Forest>, Arc<Assessment>),
    Text(Vec<String>),
}

/// One order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Start a job; an older one in its slot is stopped.
    Start(JobNo, JobRequest),
    /// Stop the job of a slot.
    Cancel(JobKind),
    /// Send a text to the terminal's clipboard.
    Copy(String),
    /// Show a text in `$PAGER`.
    Pager(String),
    /// Write a new file of a name in the export folder.
    Export(String, Export),
    /// Listen to the mouse, or stop.
    Mouse(Mouse),
    Redraw,
    /// Stop until the shell says to go on.
    Suspend,
    /// Keep what is to be kept of the store.
    Remember(StatePlace, Memory),
    Quit,
    /// Leave, for there is no disk to browse.
    QuitEmpty,
}
