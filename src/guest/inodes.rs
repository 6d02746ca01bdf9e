//! What file systems have in common whose directories name inodes by number, as ext and XFS do: an inode does not know
//! its name, so names come from directories, and in the end from a walk through all of them.
//!
//! Directories do not hold generations. A [`FileId`] that was read from a directory has the generation 0, which fits any.

pub mod changes;
pub mod clock;
pub mod entry;
pub mod parts;
pub mod paths;
pub mod reader;

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::ops::{ControlFlow, Range};

use jiff::Timestamp;

use super::filesystem::{
    DataPlace, DataRun, DirectoryEntry, FileId, FileKind, FileName, FileSystem, FileVersion,
    GuestError, GuestFile, GuestTime, NAME_BYTES_MAX,
};
use crate::job::Job;
use crate::source::Source;
use entry::NamedInode;
use reader::announce;

/// An inode as far as comparing it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InodeState {
    pub id: FileId,
    pub kind: FileKind,
    pub bytes: u64,
    pub modified: Option<Timestamp>,
    /// Set by the kernel at each change of the inode.
    pub changed: Option<Timestamp>,
    /// Set by the kernel; not all inodes have it.
    pub created: Option<Timestamp>,
    /// What differs if anything but the access time or the inode's own book-keeping changed.
    pub compared: Vec<u8>,
}

impl InodeState {
    pub fn version(&self) -> FileVersion {
        FileVersion {
            bytes: (self.kind != FileKind::Directory).then_some(self.bytes),
            modified: self.modified.map(GuestTime::Utc),
        }
    }
}

pub trait Inodes: FileSystem {
    /// `None` if no file uses the number.
    fn inode(&self, number: u64) -> Result<Option<InodeState>, GuestError>;

    /// Where a directory's `..` leads.
    fn parent(&self, directory: u64) -> Result<u64, GuestError>;

    /// Says that these inodes will be asked for, so that the storage works on all of them at once; changes nothing else.
    fn will_ask(&self, numbers: &[u64]);

    /// Where the front of a directory's entries lies, as far as its inode says; nothing for what is no directory.
    fn front(&self, directory: u64) -> Vec<Range<u64>>;

    /// Says that these directories will be listed.
    fn will_list(&self, directories: &[u64]) {
        self.will_ask(directories);
        let fronts = directories.iter().map(|directory| self.front(*directory));
        announce(self.source(), fronts.flatten());
    }
}

/// The front of a directory whose entries' places `walk` goes through.
pub fn front_of(
    walk: impl FnOnce(&mut dyn FnMut(Range<u64>) -> ControlFlow<()>),
) -> Vec<Range<u64>> {
    let mut left = LIST_BYTES_AHEAD;
    let mut places = Vec::new();
    walk(&mut |place| {
        let end = place.end.min(place.start.saturating_add(left));
        left = left.saturating_sub(end.saturating_sub(place.start));
        places.push(place.start..end);
        if left > 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    places
}

/// Inodes that are asked for together.
const ASKED_AT_ONCE: usize = 256;
/// Directories that are listed together.
const LISTED_AT_ONCE: usize = 64;
/// Bytes of one directory that are announced; what more it has is read in order.
const LIST_BYTES_AHEAD: u64 = 64 << 10;

/// The numbers again, each having been announced to the two states along with those behind it.
fn announced<'a>(
    sides: [&'a dyn Inodes; 2],
    mut numbers: impl Iterator<Item = u64> + 'a,
) -> impl Iterator<Item = u64> + 'a {
    let mut portion = Vec::new().into_iter();
    std::iter::from_fn(move || {
        if portion.len() == 0 {
            let next: Vec<u64> = numbers.by_ref().take(ASKED_AT_ONCE).collect();
            for fs in sides {
                fs.will_ask(&next);
            }
            portion = next.into_iter();
        }
        portion.next()
    })
}

/// A file by its number alone.
pub fn by_number(number: u64) -> FileId {
    FileId {
        number,
        generation: 0,
    }
}

/// Whether an id is that of an inode of this generation.
pub fn fits(id: FileId, generation: u32) -> bool {
    id.generation == 0 || id.generation == u64::from(generation)
}

/// What a file is, but for what closes its content.
pub fn guest_file(
    kind: FileKind,
    bytes: u64,
    (created, modified): (Option<Timestamp>, Option<Timestamp>),
    target: Option<String>,
) -> GuestFile {
    GuestFile {
        kind,
        bytes: if kind == FileKind::Directory {
            0
        } else {
            bytes
        },
        created: created.map(GuestTime::Utc),
        modified: modified.map(GuestTime::Utc),
        streams: Vec::new(),
        closed: None,
        target,
    }
}

/// An entry as a listing has it; `None` for `.`, `..` and what can be no name. `kind_of` is asked where the entry does not
/// say what it names.
pub fn listed(
    entry: &NamedInode<'_>,
    kind_of: impl FnOnce(u64) -> Option<FileKind>,
) -> Option<DirectoryEntry> {
    let is_name = !matches!(entry.name, b"." | b"..") && !entry.name.contains(&b'/');
    if !is_name || entry.name.len() > NAME_BYTES_MAX {
        return None;
    }
    let kind = entry.kind.or_else(|| kind_of(entry.inode));
    Some(DirectoryEntry {
        id: by_number(entry.inode),
        name: name_text(entry.name),
        kind: kind.unwrap_or(FileKind::Special),
    })
}

/// What goes through the entries of a directory.
type EachEntry<'a> = &'a mut dyn FnMut(NamedInode<'_>) -> ControlFlow<()>;

/// Where the entry `..` of a directory leads, whose entries `walk` goes through.
pub fn parent_entry(
    walk: impl FnOnce(EachEntry<'_>) -> Result<(), GuestError>,
) -> Result<u64, GuestError> {
    let mut parent = None;
    walk(&mut |entry| match entry.name {
        b".." => {
            parent = Some(entry.inode);
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    })?;
    parent.ok_or(GuestError::NotFound)
}

/// What the upper bits of a mode say; the same on all Unix file systems.
pub fn kind_of_mode(mode: u16) -> FileKind {
    match mode & 0xf000 {
        0x8000 => FileKind::File,
        0x4000 => FileKind::Directory,
        0xa000 => FileKind::Link,
        _ => FileKind::Special,
    }
}

/// The zeros between two parts of a content; `None` if there are none.
pub fn hole(from: u64, to: u64) -> Option<DataRun> {
    let bytes = to.checked_sub(from).filter(|bytes| *bytes > 0)?;
    Some(DataRun {
        at: from,
        bytes,
        place: DataPlace::Hole,
    })
}

/// What goes through the runs of a content.
type EachRun<'a> = &'a mut dyn FnMut(DataRun) -> ControlFlow<()>;

/// The target of a symbolic link of so many bytes, whose runs `walk` goes through; `None` if it is longer than any, or a part
/// of it is not there.
pub fn link_target(
    source: &dyn Source,
    bytes: u64,
    walk: impl FnOnce(EachRun<'_>) -> Result<(), GuestError>,
) -> Option<String> {
    const TARGET_BYTES_MAX: u64 = 4096;
    let len = usize::try_from(bytes)
        .ok()
        .filter(|_| bytes <= TARGET_BYTES_MAX)?;
    let mut target = Vec::new();
    let mut is_whole = true;
    walk(&mut |run| {
        match run.place {
            DataPlace::Inline(part) => target.extend(part),
            DataPlace::Here { offset_bytes } => {
                let from = target.len();
                let part = usize::try_from(run.bytes).unwrap_or(usize::MAX);
                target.resize(from.saturating_add(part).min(len), 0);
                let part = target.get_mut(from..).unwrap_or_default();
                is_whole &= source.read_exact_at(part, offset_bytes).is_ok();
            }
            DataPlace::Hole | DataPlace::Packed(_) => is_whole = false,
        }
        ControlFlow::Continue(())
    })
    .ok()?;
    let whole = target.get(..len).filter(|_| is_whole)?;
    Some(name_text(whole))
}

/// Files in the root directory that are swap by custom.
pub const SWAP_FILES: [&str; 3] = ["swapfile", "swap.img", "swap"];

/// A name as text: what is not UTF-8 is written as `\x` and two digits.
pub fn name_text(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a text cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// All names of a file: a directory's by its parent, any other's by a walk through all directories.
pub fn names(fs: &dyn Inodes, id: FileId, job: &Job) -> Result<Vec<FileName>, GuestError> {
    let inode = fs.inode(id.number)?.ok_or(GuestError::NotFound)?;
    if inode.kind == FileKind::Directory {
        let parent = fs.parent(id.number)?;
        return Ok(name_in(fs, parent, id.number)?.into_iter().collect());
    }
    let mut found = Vec::new();
    let completed = each_entry(fs, job, &mut |parent, entry| {
        if entry.id.number == id.number {
            found.push(FileName {
                parent: by_number(parent),
                name: entry.name.clone(),
            });
        }
        ControlFlow::Continue(())
    });
    if completed {
        Ok(found)
    } else {
        Err(GuestError::Cancelled)
    }
}

/// Goes through the entries of all directories below the root, each with the number of its directory; a directory that
/// cannot be read is passed over. False if the job was cancelled; a break only ends the walk.
pub fn each_entry(
    fs: &dyn Inodes,
    job: &Job,
    each: &mut dyn FnMut(u64, &DirectoryEntry) -> ControlFlow<()>,
) -> bool {
    let mut seen = HashSet::from([fs.root().number]);
    let mut waiting = VecDeque::from([fs.root().number]);
    while !waiting.is_empty() {
        let portion = waiting.len().min(LISTED_AT_ONCE);
        let portion: Vec<u64> = waiting.drain(..portion).collect();
        fs.will_list(&portion);
        for directory in portion {
            if job.cancel.is_cancelled() {
                return false;
            }
            let mut is_over = false;
            // What a damaged directory still gives has been seen; its damage is told where it is listed.
            let _ = fs.list(by_number(directory), &mut |entry| {
                if entry.kind == FileKind::Directory && seen.insert(entry.id.number) {
                    waiting.push_back(entry.id.number);
                }
                let flow = each(directory, &entry);
                is_over = flow.is_break();
                flow
            });
            if is_over {
                return true;
            }
        }
    }
    true
}

/// The entry of `directory` that names the inode `number`.
pub fn name_in(
    fs: &dyn Inodes,
    directory: u64,
    number: u64,
) -> Result<Option<FileName>, GuestError> {
    let mut found = None;
    fs.list(by_number(directory), &mut |entry: DirectoryEntry| {
        if entry.id.number != number {
            return ControlFlow::Continue(());
        }
        found = Some(FileName {
            parent: by_number(directory),
            name: entry.name,
        });
        ControlFlow::Break(())
    })?;
    Ok(found)
}
