//! What every file system inside a disk answers, and in which words: one trait, and the plain data it speaks in.
//!
//! A file system sees its volume as a [`Source`], and all places are bytes from the volume's start.

use std::fmt;
use std::io;
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use thiserror::Error;

use super::extents::Extents;
use crate::finding::Finding;
use crate::job::Job;
use crate::source::Source;

/// Longest name kept, in bytes.
pub const NAME_BYTES_MAX: usize = 1 << 10;
/// Deepest folder followed.
pub const DEPTH_MAX: usize = 1_024;
/// Largest directory read, in bytes.
pub const DIRECTORY_BYTES_MAX: u64 = 64 << 20;
/// Most changes listed of one volume; further ones are counted.
pub const CHANGES_MAX: usize = 1 << 19;
/// Most runs of one file.
pub const RUNS_MAX: usize = 1 << 20;

/// The kinds of file systems that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileSystemKind {
    Ntfs,
    Fat12,
    Fat16,
    Fat32,
    Ext2,
    Ext3,
    Ext4,
    Xfs,
}

impl FileSystemKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ntfs => "NTFS",
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "XFS",
        }
    }

    /// Whether `A` and `a` are one name.
    pub fn ignores_case(self) -> bool {
        matches!(self, Self::Ntfs | Self::Fat12 | Self::Fat16 | Self::Fat32)
    }
}

/// How a volume was left by its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeState {
    /// Nothing was under way.
    Clean,
    /// Its journal was replayed in memory.
    Replayed,
    /// Something was under way that is not replayed: the last seconds may be missing.
    NotClean,
}

/// What a volume says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    pub kind: FileSystemKind,
    /// As stored; may hold anything.
    pub label: String,
    /// Serial number or UUID, as the guest's own tools write it; empty if there is none.
    pub id: String,
    pub bytes: u64,
    pub cluster_bytes: u32,
    pub state: VolumeState,
    pub findings: Vec<Finding>,
}

/// One file of a volume: NTFS record and sequence number, inode and generation, or FAT directory cluster and slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    pub number: u64,
    pub generation: u64,
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, self.generation)
    }
}

/// What kind of thing a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    File,
    Directory,
    /// A symbolic link, a junction, a mount point: never followed.
    Link,
    /// A device, a socket, a pipe.
    Special,
}

impl FileKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Special => "special",
        }
    }
}

/// A time as the guest stored it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuestTime {
    Utc(Timestamp),
    /// The guest's local time; nothing says which zone that is. (FAT)
    Local(DateTime),
}

/// Why a file's content is not read though its name and size are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosedContent {
    /// Encrypted by the file system: EFS, fscrypt.
    Encrypted,
    /// Compressed by Windows' overlay filter (`compact /exe`, compact OS).
    OverlayCompressed,
    /// Its pieces are in the deduplication store.
    Deduplicated,
    /// Only a place-holder: the content lies in the cloud or on other storage.
    Offline,
    /// Laid out in a way that is not read.
    UnknownLayout,
}

impl ClosedContent {
    pub fn words(self) -> &'static str {
        match self {
            Self::Encrypted => "its contents are encrypted",
            Self::OverlayCompressed => {
                "it is compressed by Windows' overlay filter (compact /exe), which is not read"
            }
            Self::Deduplicated => "its pieces are in the deduplication store, which is not read",
            Self::Offline => "it is only a place-holder: its contents are not on this disk",
            Self::UnknownLayout => "its contents are laid out in a way that is not read",
        }
    }
}

/// A stream beside a file's main content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedStream {
    pub name: String,
    pub bytes: u64,
}

/// What is known of a file without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFile {
    pub kind: FileKind,
    /// 0 for directories.
    pub bytes: u64,
    pub created: Option<GuestTime>,
    pub modified: Option<GuestTime>,
    pub streams: Vec<NamedStream>,
    pub closed: Option<ClosedContent>,
    /// Where a link leads, as stored.
    pub target: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    pub parent: FileId,
    pub name: String,
}

/// A name found in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    pub id: FileId,
    pub name: String,
    pub kind: FileKind,
}

/// Where a part of a file's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataPlace {
    /// In the volume, from this byte on.
    Here { offset_bytes: u64 },
    /// Nowhere: zeros.
    Hole,
    /// In the file's own record.
    Inline(Vec<u8>),
    /// A unit packed with LZNT1: the pieces of the volume it lies in, in order.
    Packed(Vec<std::ops::Range<u64>>),
}

/// A part of a file's content. Runs come in the order of the content, without gaps, cut to the file's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRun {
    /// Position in the content, in bytes.
    pub at: u64,
    pub bytes: u64,
    pub place: DataPlace,
}

/// What happened to a file between two states of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    Created,
    Modified,
    Deleted,
    Renamed,
    /// Another file of the same name.
    Replaced,
    /// A further name.
    Linked,
    /// One name less.
    Unlinked,
    /// Times, attributes, owners; of a directory also its list of names.
    Metadata,
    /// Its sectors were written; too many to say whether with other bytes.
    Written,
}

impl ChangeKind {
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Modified,
        Self::Deleted,
        Self::Renamed,
        Self::Replaced,
        Self::Linked,
        Self::Unlinked,
        Self::Metadata,
        Self::Written,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Replaced => "replaced",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
            Self::Metadata => "metadata",
            Self::Written => "written",
        }
    }
}

/// Size and time of one side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileVersion {
    /// `None` for directories.
    pub bytes: Option<u64>,
    pub modified: Option<GuestTime>,
}

/// One change. A change whose `path` is not known yet comes again with it, under the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Counted from 0 within one comparison.
    pub number: u32,
    pub kind: ChangeKind,
    pub file: FileKind,
    pub id: FileId,
    /// From the volume's root, `/a/b`: the name of the later state, or of the earlier if it is gone there. Not escaped.
    pub path: Option<String>,
    /// Where it was before, if elsewhere.
    pub old_path: Option<String>,
    pub before: Option<FileVersion>,
    pub after: Option<FileVersion>,
    /// Bytes of its present content that lie in written sectors.
    pub written_bytes: u64,
    /// Further names of the file.
    pub links: Vec<String>,
    /// Streams that were created, modified or deleted.
    pub streams: Vec<String>,
}

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// False if it was cancelled, or a limit or damage cut it short.
    pub complete: bool,
    pub findings: Vec<Finding>,
}

impl Comparison {
    /// One that nothing has cut short yet.
    pub fn whole() -> Self {
        Self {
            complete: true,
            findings: Vec::new(),
        }
    }
}

/// Whose a part of a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerClass {
    File,
    Directory,
    /// The file system's own tables.
    Metadata,
    Journal,
    /// Page, swap and hibernation files.
    PageFile,
    Free,
    Unreadable,
    /// Behind the end of a file's content, or in no partition.
    Outside,
}

impl OwnerClass {
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Metadata => "metadata",
            Self::Journal => "journal",
            Self::PageFile => "pagefile",
            Self::Free => "free",
            Self::Unreadable => "unreadable",
            Self::Outside => "outside",
        }
    }
}

/// A part of a volume and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPart {
    /// Bytes of the volume.
    pub bytes: std::ops::Range<u64>,
    pub class: OwnerClass,
    pub id: Option<FileId>,
    pub stream: String,
}

/// Why a question about a volume has no answer.
#[derive(Debug, Error)]
pub enum GuestError {
    #[error(
        "cannot read {what} at byte {at_bytes} of the volume: {}",
        crate::source::error_words(source)
    )]
    Read {
        what: &'static str,
        at_bytes: u64,
        source: io::Error,
    },
    #[error(
        "{what} at byte {at_bytes} of the volume is damaged: expected {expected}, found {found}"
    )]
    Damaged {
        what: &'static str,
        at_bytes: u64,
        expected: String,
        found: String,
    },
    #[error("no such file")]
    NotFound,
    #[error("{}", .0.words())]
    Closed(ClosedContent),
    #[error("{what} is larger than {limit}, which is as far as is read")]
    TooLarge { what: &'static str, limit: u64 },
    /// Of a kind, or with a feature, that is not read.
    #[error("{0} is not read")]
    Unsupported(String),
    #[error("interrupted")]
    Cancelled,
}

impl GuestError {
    pub fn read(what: &'static str, at_bytes: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            what,
            at_bytes,
            source,
        }
    }

    pub fn damaged(
        what: &'static str,
        at_bytes: u64,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        Self::Damaged {
            what,
            at_bytes,
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

/// A file system inside a volume.
pub trait FileSystem: Send + Sync + fmt::Debug {
    fn facts(&self) -> &VolumeFacts;

    /// The volume's bytes, as its journal leaves them.
    fn source(&self) -> &dyn Source;

    /// The root directory.
    fn root(&self) -> FileId;

    /// All names of a file. Costs a walk where files do not know their names.
    fn names(&self, id: FileId, job: &Job) -> Result<Vec<FileName>, GuestError>;

    /// The entries of a directory in its own order, without `.` and `..`; stops at a break.
    fn list(
        &self,
        directory: FileId,
        each: &mut dyn FnMut(DirectoryEntry) -> ControlFlow<()>,
    ) -> Result<(), GuestError>;

    fn file(&self, id: FileId) -> Result<GuestFile, GuestError>;

    /// The runs of a file's content (`stream` empty) or of a named stream, in order; stops at a break.
    fn runs(
        &self,
        id: FileId,
        stream: &str,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError>;

    /// Whose the bytes of `of` are: every part of it once, in any order, free space included. What is left out is owned by
    /// nobody though the volume says it is in use.
    fn owners(
        &self,
        of: &Extents,
        job: &Job,
        each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
    ) -> Result<(), GuestError>;
}
