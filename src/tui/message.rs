//! What can happen. Facts, each with everything `update` needs to know: it asks nobody.

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::diff::{BlockDiff, DiffRun, DiffSummary};
use crate::analysis::files::owned::SectorOwners;
use crate::analysis::guest_clock::GuestClocks;
use crate::analysis::plan::Plan;
use crate::guest::Partitions;
use crate::image::{Counts, StateRun};
pub use crate::tui::effect::{JobKind, JobNo};
use crate::tui::found::{FileVersions, FoundFiles};
use crate::tui::keymap::Key;
use crate::tui::prepared::Prepared;

/// A mouse action that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseAction {
    /// The left button at a column and row.
    Click(u16, u16),
    /// The wheel, towards the end.
    WheelDown,
    /// The wheel, towards the beginning.
    WheelUp,
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobProgress {
    /// Done so far, in the job's own unit.
    pub done: u64,
    /// What there is to do; 0 = not known.
    pub total: u64,
    /// Milliseconds since the job began.
    pub millis: u64,
    /// What it is at, not escaped.
    pub at: String,
}

/// One disk's blocks, for the map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockTable {
    pub path: PathBuf,
    /// Bytes in a block; 0 without blocks.
    pub block_bytes: u64,
    pub sector_bytes: u64,
    /// States in block order, without gaps.
    pub runs: Vec<StateRun>,
    pub counts: Counts,
}

/// One block's sectors, for the map's deepest zoom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SectorTable {
    pub path: PathBuf,
    pub block: u64,
    /// One entry a sector: held by the disk itself.
    pub held: Vec<bool>,
}

/// What the disks below a disk say of its blocks, for the map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainTables {
    pub path: PathBuf,
    /// Bytes in a sector.
    pub sector_bytes: u64,
    /// The partitions of the content, if they are known.
    pub partitions: Option<Partitions>,
    /// The tables of the disk and those below it, to the base; none if only the partitions were wanted.
    pub tables: Vec<BlockTable>,
    /// Whose is what the disk itself holds, if that was wanted.
    pub owners: Option<Arc<SectorOwners>>,
}

/// What a diff has found, whole or up to the moment it was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffResult {
    /// Runs in sector order.
    pub runs: Vec<DiffRun>,
    /// Outcome by block of the child.
    pub blocks: Vec<BlockDiff>,
    pub summary: DiffSummary,
    /// Bytes in a sector.
    pub sector_size: u32,
    /// The partitions of the child's content, if they are known.
    pub partitions: Option<Partitions>,
}

/// Both sides of one place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sides {
    /// First sector.
    pub sector: u64,
    /// What the other disk (the parent) holds there.
    pub left: Vec<u8>,
    /// What the child holds there.
    pub right: Vec<u8>,
}

/// What a job has to tell.
#[derive(Debug, Clone)]
pub enum News {
    /// How far it is.
    Progress(JobProgress),
    /// The store as known now, with its rows.
    Prepared(Box<Prepared>),
    /// A disk's blocks.
    Blocks(Arc<BlockTable>),
    /// A block's sectors.
    Sectors(Arc<SectorTable>),
    Chain(Arc<ChainTables>),
    Compared(Arc<DiffResult>),
    /// Both sides of a place.
    Sides(Arc<Sides>),
    /// What a delete would do.
    Plan(Arc<Plan>),
    /// Files of the guest, as they are found.
    Files(Arc<FoundFiles>),
    /// The versions of one of them.
    Versions(Arc<FileVersions>),
    /// What the guests' own clocks say.
    Clocks(GuestClocks),
    /// The watched store changed: what of it, in a few words, escaped.
    Changed(String),
    /// The job is over; `Err` says why it could not go on.
    Ended(Result<(), String>),
}

/// What the system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Go away: SIGTERM, SIGHUP, or the terminal is gone.
    Terminate,
    /// Go to the background: SIGTSTP.
    Suspend,
    /// Back in the foreground: SIGCONT.
    Continue,
}

/// Everything that comes through the inbox.
#[derive(Debug, Clone)]
pub enum Message {
    Key(Key),
    Paste(String),
    Mouse(MouseAction),
    /// The terminal has so many columns and rows now.
    Resize(u16, u16),
    /// A job has something to tell.
    Job(JobKind, JobNo, News),
    /// The system asks for something.
    Signal(Signal),
    /// Nothing happened for a moment after the cursor moved.
    Rested,
    /// Something done outside, as a sentence: an export written, a text sent to the terminal, a pager that is missing.
    Told(String),
}
