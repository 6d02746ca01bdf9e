//! The one row model: what `ls` prints and what the browser's tree shows.
//!
//! Roots are machines where configurations or labels give them, else folders. A row is a file; chains hang under their
//! base; a parent that is not there is a row of its own. Rows come in display order; a row's subtree is the
//! [`descendants`](Row::descendants) rows after it, so folding is skipping.

mod build;
mod flag;
mod groups;
mod names;
mod natural;
mod prefix;
mod select;
mod status;
mod vdi;
mod why;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::analysis::since::DiskSince;
use crate::image::{Format, Kind};
use crate::store::{DiskId, MachineId};

pub use build::rows;
pub use flag::{Flag, Now};
pub use prefix::{prefix, visible, write_prefix};
pub use status::code_of_hint;
pub use why::why;

/// Names a row across rebuilds: cursor, folds and marks hold on to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumDiscriminants)]
#[strum_discriminants(name(RowKind), doc = "What a row stands for.")]
pub enum RowKey {
    /// A group by its name.
    Group(String),
    /// A file that is, or claims to be, a disk.
    Disk(PathBuf),
    /// A parent that a disk names and that is not in the store, or a disk that a machine uses and that is not there; by its
    /// group and what is known of it.
    Missing(String),
    /// A path that could not be looked at.
    Error(PathBuf),
}

/// The values behind a row's columns; `None` is shown as nothing (unknown) and never as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cells {
    pub format: Option<Format>,
    /// How the disk holds its blocks.
    pub kind: Option<Kind>,
    /// Size the guest sees, in bytes.
    pub virtual_size: Option<u64>,
    /// Size of the file, in bytes; of a group the sum.
    pub on_disk: Option<u64>,
    /// Blocks held (full or partly); `None` for a fixed disk too, where it is all.
    pub blocks: Option<u64>,
    /// Dirty bytes; only differencing disks have such a number.
    pub dirty_bytes: Option<u64>,
    /// When the snapshot whose disk it is was taken.
    pub taken: Option<Timestamp>,
    /// That is the last write of its disk: it was taken then or later.
    pub taken_is_bound: bool,
    /// When the disk was made: footer, else birth of the file.
    pub created: Option<Timestamp>,
    /// That is the birth of a copy: it says nothing of the disk.
    pub is_copied: bool,
    /// Last write of the file.
    pub modified: Option<Timestamp>,
}

impl Default for RowKey {
    fn default() -> Self {
        Self::Group(String::new())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name across rebuilds.
    pub key: RowKey,
    /// The disk, for a disk's row.
    pub disk: Option<DiskId>,
    /// The machine, for the row of a machine's group and the disks in it.
    pub machine: Option<MachineId>,
    /// 0 for a group, 1 for the top of a chain, and so on.
    pub depth: u32,
    /// The row it hangs under: an index into the same list.
    pub parent: Option<u32>,
    /// It is the last row under its parent.
    pub last: bool,
    pub descendants: u32,
    /// Short name, escaped: under a parent of the same stem the first digits of its GUID and the extension.
    pub name: String,
    /// Whole file name (of a group: the same as `name`), escaped.
    pub full_name: String,
    /// Names of the snapshots whose frozen disk it is, escaped.
    pub snapshots: Vec<String>,
    /// A few words after the name, escaped: `not in store`, `in no VM`, `hidden base`, why a path could not be read.
    pub note: String,
    /// Whether a machine uses it now.
    pub now: Now,
    /// Machines that use it now, escaped, where that is not plain from the group.
    pub users: Vec<String>,
    /// Its state; of a group the worst below it.
    pub flag: Flag,
    /// When the machine was set back, for a row that says so.
    pub reverted_at: Option<Timestamp>,
    /// In a few words why it cannot be told, or what else is to be said, for a row that says so.
    pub hint: String,
    /// How much later than the snapshot, or than the last write of its disk, the disk above was made, in seconds.
    pub gap_seconds: Option<i64>,
    /// The disk of the row that a group's state is from.
    pub worst: Option<DiskId>,
    /// Compared with its parent's content, and all of it is the same.
    pub equals_parent: bool,
    /// XCP-ng: the snapshot whose own VDI it is, as an index into the assessment; its content is a base copy's.
    pub vdi_of: Option<usize>,
    /// What is new about it since the newest saved scan.
    pub since: Option<DiskSince>,
    /// It changed while it was read.
    pub live: bool,
    /// Rows below a group, itself left out, that are problems.
    pub problems: u32,
    /// The values of its columns.
    pub cells: Cells,
}

/// The order of groups and of the rows under one parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Problems first, the worst of them on top; then by name.
    #[default]
    Problems,
    /// By name, without case, numbers by their value.
    Name,
    /// Largest file first.
    Size,
    /// Most dirty bytes first.
    Dirty,
    /// The file made last first.
    Created,
    /// The snapshot taken last first.
    Taken,
}

impl Sort {
    /// Every order, with the words that name it.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Problems, "problems"),
        (Self::Name, "name"),
        (Self::Size, "size"),
        (Self::Dirty, "dirty"),
        (Self::Created, "created"),
        (Self::Taken, "taken"),
        // Headings of columns.
        (Self::Dirty, "changed"),
        (Self::Problems, "status"),
        // What it was called at first.
        (Self::Problems, "verdict"),
    ];

    /// The word that names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Problems => "problems",
            Self::Name => "name",
            Self::Size => "size",
            Self::Dirty => "changed",
            Self::Created => "created",
            Self::Taken => "taken",
        }
    }
}

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// As the order says.
    #[default]
    Usual,
    /// The other way round.
    Reversed,
}

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    #[default]
    All,
    /// Problems, with the rows above them.
    Problems,
}

/// Whether a scan is still under way; decides between "not yet" and "not any more".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// What is not known will not become known: finished, stopped, or a saved scan.
    #[default]
    Done,
    /// Still reading: what is not known is pending.
    Scanning,
}

/// XCP-ng: whether base copies have rows of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bases {
    /// They have.
    #[default]
    Shown,
    /// They are folded into the disk whose content they hold.
    Folded,
}

/// How rows are built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowOptions {
    pub sort: Sort,
    pub direction: Direction,
    pub only: Only,
    /// Keep rows whose names hold this text (without case), with the rows above them; empty = all.
    pub filter: String,
    /// Deepest level shown: 0 = groups only; `None` = all.
    pub max_depth: Option<u32>,
    /// Whether the scan is under way.
    pub phase: Phase,
    pub bases: Bases,
}
