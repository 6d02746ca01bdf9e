//! What the host says of its machines, snapshots and disks: `--facts FILE`, and files of known names in the folders of a store.
//!
//! One model behind every input, which is told by its content:
//!
//! | input | read by |
//! | --- | --- |
//! | `vhdtree-host/1`, as the scripts of `vhdtree collect` write it | [`native`] |
//! | `Get-VMSnapshot`, `Get-VM` as JSON or CSV | [`powershell`] |
//! | a listing of files with their times, as CSV or JSON | [`listing`] |
//! | a pool's `state.db` | `state_db` |
//! | records as `xe` prints them | `xe` |
//! | `xo-cli list-objects` | `xo` |
//! | a machine's settings by VirtualBox | `virtualbox` |
//!
//! A text of either PowerShell may be UTF-8 or UTF-16. Times are kept as written: one without a zone stays recognisable
//! ([`ZoneNamed::HostLocal`](super::when::ZoneNamed)).

pub(super) mod above;
pub(in crate::store) mod limits;
pub mod listing;
pub(super) mod load;
pub mod native;
mod pool;
pub mod powershell;
pub(super) mod rows;
pub mod sheet;
mod state_db;
mod virtualbox;
mod xe;
mod xo;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use super::SnapshotKind;
use super::when::When;
use crate::format::encoding::{Decoded, decode_whole};
use crate::format::guid;
use crate::image::Kind;
use sheet::{Sheet, SheetError};

/// What one input says. Texts, ids of snapshots and paths as written; what a path means here is decided when facts and
/// disks are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The host's name.
    pub host: Option<String>,
    /// When the host was asked.
    pub at: Option<Timestamp>,
    /// Machines, in the order of the input.
    pub machines: Vec<HostMachine>,
    /// Snapshots, in the order of the input.
    pub snapshots: Vec<HostSnapshot>,
    /// Files, disks among them, in the order of the input.
    pub files: Vec<HostFile>,
    /// Volumes or folders and their free bytes.
    pub free: Vec<(String, u64)>,
    /// Disks by a pool's records.
    pub vdis: Vec<HostVdi>,
}

/// A disk by a pool's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostVdi {
    pub id: Uuid,
    pub name: String,
    pub role: VdiRole,
    /// Of a snapshot's disk when it was taken; of any other when it was made by a clone, if it was.
    pub time: Option<Timestamp>,
    /// The generation of the database in which its record was made: no clock, but an order.
    pub made_in: Option<u64>,
}

/// What a pool's disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VdiRole {
    /// A machine's own.
    Own,
    /// A snapshot of this disk.
    SnapshotOf(Uuid),
    /// A snapshot of a disk that the pool has no record of.
    SnapshotOfNothing,
}

/// The input that says something, and when it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// The host that was asked.
    pub host: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

impl Origin {
    pub(super) fn of(file: &FactsFile) -> Arc<Self> {
        Arc::new(Self {
            path: file.path.clone(),
            host: file.facts.host.clone(),
            at: file.facts.at,
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostMachine {
    pub name: String,
    pub id: Option<Uuid>,
    pub running: Option<bool>,
    /// Id or name of the snapshot it stands on.
    pub parent: Option<String>,
    /// The snapshot applied (or taken) last, as its id is compared.
    pub last_applied: Option<String>,
    /// Disks in use now, as paths of the host; `None` if nothing says.
    pub disks: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSnapshot {
    /// The machine's name.
    pub vm: Option<String>,
    /// The machine's id.
    pub vm_id: Option<Uuid>,
    pub name: String,
    /// Its id: a lower-case GUID if it is one, else as written in lower case.
    pub id: Option<String>,
    /// Id or name of its parent snapshot.
    pub parent: Option<String>,
    /// When it was taken.
    pub taken: Option<When>,
    pub kind: SnapshotKind,
    /// Its disks, the frozen ones, as paths of the host; `None` if nothing says.
    pub disks: Option<Vec<String>>,
}

/// A file, with what is known of it as a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFile {
    pub path: String,
    /// Its length in bytes at that time.
    pub len: Option<u64>,
    pub born: Option<Timestamp>,
    /// Its last write.
    pub modified: Option<Timestamp>,
    pub disk: Option<HostDisk>,
}

/// What the host says of a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostDisk {
    pub id: Option<Uuid>,
    /// Its parent's path on the host.
    pub parent: Option<String>,
    pub kind: Option<Kind>,
    /// Its virtual size in bytes.
    pub size: Option<u64>,
    /// Its block size in bytes.
    pub block_size: Option<u64>,
    /// A machine or the host has it open.
    pub attached: Option<bool>,
}

/// The facts of one file, and where they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsFile {
    pub path: PathBuf,
    /// The folder below which they hold; `None` for one that the user named, which holds everywhere.
    pub folder: Option<PathBuf>,
    pub facts: HostFacts,
}

impl FactsFile {
    /// Whether these facts hold for a path.
    pub fn holds_for(&self, path: &Path) -> bool {
        self.folder
            .as_deref()
            .is_none_or(|folder| path.starts_with(folder))
    }
}

/// Why an input is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HostError {
    /// It is none of the inputs known.
    #[error(
        "it is none of the facts known: vhdtree-host/1, Get-VMSnapshot or Get-VM as JSON or CSV, a CSV of file times, a pool's state.db, xe records, xo-cli's objects"
    )]
    Unknown,
    /// It has another version than the one read here.
    #[error("its schema is {0}; vhdtree-host/1 is read")]
    Schema(String),
    /// Its JSON is wrong.
    #[error("{0}")]
    Json(String),
    /// It has too much of something to be held in memory.
    #[error("it has more than {0} {1}; so many are read at most")]
    TooMany(usize, &'static str),
    /// A row or field is wrong.
    #[error(transparent)]
    Sheet(#[from] SheetError),
}

/// Reads facts of any kind.
///
/// # Errors
/// If it is none of the inputs known, or one with a fault, by row and field.
pub fn read(bytes: &[u8]) -> Result<HostFacts, HostError> {
    read_whole(bytes.to_vec())
}

/// Reads facts of any kind; what is not needed any more is not kept meanwhile.
fn read_whole(bytes: Vec<u8>) -> Result<HostFacts, HostError> {
    if state_db::is_one(&bytes) {
        return limits::check(state_db::read(&*bytes)?);
    }
    let Decoded { text, damaged, .. } = decode_whole(bytes);
    if damaged {
        return Err(SheetError::encoding().into());
    }
    if virtualbox::is_one(&text) {
        return limits::check(virtualbox::read(&text)?);
    }
    if xe::is_one(&text) {
        return limits::check(xe::read(&text)?);
    }
    // Its own lists are counted as they are read.
    if native::is_native(&text) {
        return limits::check(native::read(&text)?);
    }
    limits::check_objects(&text)?;
    if xo::is_one(&text) {
        return limits::check(xo::read(&text)?);
    }
    limits::check_sheet(&text)?;
    let sheet = Sheet::read(&text, FIELDS)?;
    if sheet.rows.is_empty() {
        let heading = text.trim().lines().next().unwrap_or_default();
        let is_known = heading.is_empty() || heading.starts_with(['[', '{']);
        let is_known = is_known || heading.contains("Name");
        return if is_known {
            Ok(HostFacts::default())
        } else {
            Err(HostError::Unknown)
        };
    }
    let is_listing = |row: &sheet::SheetRow| row.has(listing::PATH);
    let (files, others): (Vec<_>, Vec<_>) = sheet.rows.iter().partition(|row| is_listing(row));
    if !others.iter().any(|row| powershell::is_one(row)) && files.is_empty() {
        return Err(HostError::Unknown);
    }
    let mut facts = powershell::read(&sheet, &others)?;
    facts.files = listing::read(&sheet, &files)?;
    limits::check(facts)
}

/// The fields of a sheet that are read.
const FIELDS: &[&str] = &[
    listing::PATH,
    "Length",
    "CreationTimeUtc",
    "LastWriteTimeUtc",
    "CreationTime",
    "LastWriteTime",
    "Name",
    "VMName",
    "Id",
    "VMId",
    "State",
    "ParentSnapshotId",
    "ParentCheckpointId",
    "ParentSnapshotName",
    "ParentCheckpointName",
    "SnapshotType",
    "CheckpointType",
    "IsAutomaticCheckpoint",
    "IsAutomaticSnapshot",
    "Disks",
    "HardDrives",
];

/// A snapshot's id as it is compared: a lower-case GUID, else the text in lower case. Two with an empty one are not the same.
pub(super) fn snapshot_id(text: &str) -> Option<String> {
    let id = guid::from_text(text).map(|id| id.hyphenated().to_string());
    id.or_else(|| (!text.trim().is_empty()).then(|| text.to_lowercase()))
}
