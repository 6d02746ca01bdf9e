//! A file of the store that is a disk, and what was read and measured of it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::finding::Finding;
use crate::image::{Counts, Header, Kind};
use crate::store::access::is_locked;

/// When a file came to be, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Born {
    pub at: Timestamp,
    pub source: BornSource,
}

/// Who gave a birth time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BornSource {
    /// The file system the file lies on now, of a kind that keeps a Windows host's birth times (NTFS, ReFS, SMB, exFAT).
    WindowsFileSystem,
    /// The file system the file lies on now, of another kind: the birth of this copy.
    OtherFileSystem,
    /// The host's own listing.
    Host,
    /// The creation time that LVM keeps of a volume, by the host's clock; a rename keeps it.
    Lvm,
}

/// What the file system (or the times file) says of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Length in bytes.
    pub len: u64,
    /// Bytes allocated on the file system, where it says so.
    pub allocated: Option<u64>,
    /// Last write; from the host's listing if that has one.
    pub modified: Option<Timestamp>,
    pub born: Option<Born>,
    /// Device and inode, where there are such, to tell one file found twice.
    pub identity: Option<(u64, u64)>,
}

/// Whether a file held still while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Liveness {
    /// Nothing changed between first and last read.
    #[default]
    Still,
    /// It changed under the reader, twice: what is shown may mix two moments.
    Live,
}

/// One file of the store that is, or claims to be, a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Path as found from the root given.
    pub path: PathBuf,
    /// What the file system says.
    pub file: FileFacts,
    /// What the disk says of itself; `None` when it could not be read as a disk: `findings` then says why.
    pub header: Option<Header>,
    /// Exact counts; `None` when not counted (yet).
    pub counts: Option<Counts>,
    /// What was found in this file alone (headers, tables, read faults); count findings included.
    pub findings: Vec<Finding>,
    /// Whether it held still.
    pub liveness: Liveness,
}

impl Disk {
    /// It is there and could not be opened: a program keeps it to itself, or this user may not read it.
    pub fn is_locked(&self) -> bool {
        self.header.is_none() && is_locked(&self.findings)
    }

    /// When it was made: by the file itself (VHD footer), else the birth of the file and who gave it (`None`: the footer).
    pub fn created(&self) -> Option<(Timestamp, Option<BornSource>)> {
        let footer = self.header.as_ref().and_then(|header| header.created);
        let born = self.file.born.map(|born| (born.at, Some(born.source)));
        // LVM's is the act itself; a stamp is what some program thought of the time.
        let by_lvm = born.filter(|(_, source)| *source == Some(BornSource::Lvm));
        by_lvm.or(footer.map(|at| (at, None))).or(born)
    }

    /// Bytes a differencing disk answers for itself; `None` if it is none, or not counted.
    pub fn dirty_bytes(&self) -> Option<u64> {
        let header = self.header.as_ref()?;
        let sectors = self.counts.as_ref()?.dirty_sectors;
        (header.kind == Kind::Differencing)
            .then(|| sectors.saturating_mul(u64::from(header.sector_size)))
    }

    /// It was counted whole, and no sector is its own: its content is its parent's.
    pub fn holds_nothing(&self) -> bool {
        let counts = self.counts.as_ref().filter(|counts| counts.complete);
        counts.is_some_and(|counts| counts.error == 0) && self.dirty_bytes() == Some(0)
    }
}
