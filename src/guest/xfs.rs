//! XFS, version 5.
//!
//! Source: XFS Algorithms & Data Structures, 3rd edition, and the kernel where that is silent. A volume that was not
//! unmounted is read through its replayed log: without it, its tables are those of some seconds ago.

mod btree;
mod chunks;
mod clock;
mod device;
mod directory;
mod group;
mod inode;
mod log;
mod map;
mod owners;
mod superblock;

use std::ops::{ControlFlow, Range};
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use self::chunks::{Chunk, INODES, InodeChunks};
use self::device::XfsDevice;
use self::inode::{ForkKind, XfsInode, comparable};
use self::map::XfsMapPart;
use super::codes;
use super::extents::Extents;
use super::filesystem::{
    Change, Comparison, DIRECTORY_BYTES_MAX, DataPlace, DataRun, DirectoryEntry, FileId, FileKind,
    FileName, FileSystem, FileSystemKind, GuestError, GuestFile, OwnedPart, VolumeFacts,
    VolumeState,
};
use super::inodes::entry::{BadEntry, EntryKinds, NamedInode};
use super::inodes::{self, InodeState, Inodes, by_number, hole, name_text};
use crate::finding::Finding;
use crate::job::Job;
use crate::source::Source;

/// Bytes before each part of a target that does not lie in the inode.
const TARGET_HEADER_BYTES: u64 = 56;

/// An open volume.
#[derive(Debug)]
pub struct XfsVolume {
    device: XfsDevice,
    /// What the log's replay laid over it.
    replayed: Extents,
    /// Extents that were being freed, in bytes.
    freeing: Extents,
    owners_lag: bool,
    chunks: OnceLock<Result<InodeChunks, String>>,
    facts: VolumeFacts,
}

impl XfsVolume {
    /// Opens a volume by its superblock, and replays its log if it was not unmounted.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let mut device = XfsDevice::open(source)?;
        device.check_superblock()?;
        let mut volume_state = VolumeState::Clean;
        let mut findings = Vec::new();
        let mut replayed = Extents::default();
        let mut freeing = Extents::default();
        let mut owners_lag = false;
        let (patched, cut) = match log::replay(&device) {
            Ok(replay) => {
                let freed = replay.freeing.iter();
                let freed = freed.filter_map(|(first, count)| device.bytes_of(*first, *count));
                freeing = Extents::collect(freed);
                owners_lag = replay.owners_lag;
                (replay.patched, replay.cut)
            }
            Err(why) => (None, Some(why)),
        };
        if let Some(patched) = patched {
            volume_state = VolumeState::Replayed;
            replayed = Extents::collect(patched.places());
            device = XfsDevice::open(Arc::new(patched))?;
        }
        if let Some(why) = cut {
            volume_state = VolumeState::NotClean;
            let text = format!("the log cannot be replayed to its end: {why}");
            findings.push(Finding::new(&codes::GUEST_JOURNAL_UNUSABLE, text));
        }
        let superblock = &device.superblock;
        let facts = VolumeFacts {
            kind: FileSystemKind::Xfs,
            label: name_text(&superblock.label),
            id: Uuid::from_bytes(superblock.uuid).to_string(),
            bytes: superblock
                .blocks
                .saturating_mul(superblock.block_bytes.into()),
            cluster_bytes: superblock.block_bytes,
            state: volume_state,
            findings,
        };
        Ok(Self {
            device,
            replayed,
            freeing,
            owners_lag,
            chunks: OnceLock::new(),
            facts,
        })
    }

    /// Which inodes there are; read at the first question.
    fn chunks(&self) -> Result<&InodeChunks, GuestError> {
        let read = || InodeChunks::read(&self.device).map_err(|error| error.to_string());
        self.chunks
            .get_or_init(read)
            .as_ref()
            .map_err(|error| GuestError::damaged("the trees of inodes", 0, "whole trees", error))
    }

    fn read_inode(&self, number: u64) -> Result<XfsInode, GuestError> {
        let bytes = self.device.inode_bytes(number)?;
        bytes
            .and_then(|bytes| XfsInode::parse(number, &bytes))
            .ok_or(GuestError::NotFound)
    }

    fn file_inode(&self, id: FileId) -> Result<XfsInode, GuestError> {
        let inode = self.read_inode(id.number)?;
        if inodes::fits(id, inode.generation) {
            Ok(inode)
        } else {
            Err(GuestError::NotFound)
        }
    }

    /// All entries of a directory; `.` and `..` too, unless it lies in its inode. An entry that cannot be right ends its
    /// block, not the directory.
    fn each_entry(
        &self,
        inode: &XfsInode,
        each: &mut dyn FnMut(NamedInode<'_>) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        const WHAT: &str = "a directory";
        let data = inode.data.as_ref().ok_or(GuestError::NotFound)?;
        if inode.kind() != FileKind::Directory {
            return Err(GuestError::NotFound);
        }
        let number = inode.number;
        let kinds = EntryKinds::told_if(self.device.superblock.names_tell_kinds());
        let damaged = |bad: BadEntry| {
            let expected = format!("an entry of inode {number}");
            GuestError::damaged(
                WHAT,
                0,
                expected,
                format!("none at byte {} of a block", bad.at),
            )
        };
        if data.kind == ForkKind::Local {
            let listed = directory::short_entries(&data.bytes, kinds, each);
            return listed.map(|_| ()).map_err(damaged);
        }
        if inode.bytes > DIRECTORY_BYTES_MAX {
            return Err(GuestError::TooLarge {
                what: WHAT,
                limit: DIRECTORY_BYTES_MAX,
            });
        }
        let block_bytes = u64::from(self.device.superblock.block_bytes);
        let log = u32::from(self.device.superblock.block_log);
        let per_block = 1u64 << self.device.superblock.directory_block_log;
        let end = directory::DATA_END_BYTES.checked_shr(log).unwrap_or(0);
        let mut outcome = Ok(());
        let mut block = Vec::new();
        let mut left = DIRECTORY_BYTES_MAX.checked_shr(log).unwrap_or(0);
        map::walk(&self.device, data, &mut |mapped| {
            let XfsMapPart::Blocks(blocks) = mapped else {
                return ControlFlow::Continue(());
            };
            if blocks.at >= end {
                return ControlFlow::Break(());
            }
            let places = (blocks.at..).zip(blocks.block..);
            for (at, place) in places.take(usize::try_from(blocks.count).unwrap_or(0)) {
                if at >= end || left == 0 {
                    return ControlFlow::Break(());
                }
                left = left.saturating_sub(1);
                if at & per_block.saturating_sub(1) == 0 {
                    block.clear();
                }
                match self.device.block(place, WHAT) {
                    Ok(bytes) => block.extend(bytes),
                    Err(error) => outcome = Err(error),
                }
                if block.len() as u64 != per_block.saturating_mul(block_bytes) {
                    continue;
                }
                match directory::entries(&block, number, kinds, each) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return ControlFlow::Break(()),
                    Err(bad) => outcome = Err(damaged(bad)),
                }
            }
            ControlFlow::Continue(())
        })?;
        outcome
    }

    fn target(&self, inode: &XfsInode) -> Option<String> {
        if inode.kind() != FileKind::Link {
            return None;
        }
        inodes::link_target(&self.device.source, inode.bytes, |each| {
            self.each_run(inode, each)
        })
    }

    /// The runs of a file's content, holes between them.
    fn each_run(
        &self,
        inode: &XfsInode,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let size = inode.bytes;
        let Some(data) = &inode.data else {
            return Ok(());
        };
        if inode.is_realtime {
            return Err(GuestError::Unsupported(
                "a file in a realtime section".to_owned(),
            ));
        }
        if data.kind == ForkKind::Local {
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes = data
                .bytes
                .get(..len.min(data.bytes.len()))
                .unwrap_or_default();
            let run = DataRun {
                at: 0,
                bytes: bytes.len() as u64,
                place: DataPlace::Inline(bytes.to_vec()),
            };
            let at = run.bytes;
            if at == 0 || each(run).is_continue() {
                let _ = hole(at, size).map(each);
            }
            return Ok(());
        }
        // Each part of a link's target has a header.
        let header = match inode.kind() {
            FileKind::Link => TARGET_HEADER_BYTES,
            _ => 0,
        };
        let mut at = 0u64;
        let mut ended = false;
        let block_bytes = u64::from(self.device.superblock.block_bytes);
        map::walk(&self.device, data, &mut |mapped| {
            let XfsMapPart::Blocks(blocks) = mapped else {
                return ControlFlow::Continue(());
            };
            let start = match header {
                0 => blocks.at.saturating_mul(block_bytes),
                _ => at,
            };
            if start >= size {
                return ControlFlow::Break(());
            }
            let held = blocks
                .count
                .saturating_mul(block_bytes)
                .saturating_sub(header);
            let bytes = held.min(size.saturating_sub(start));
            let place = self.device.bytes_of(blocks.block, blocks.count);
            let place = match place.filter(|_| !blocks.is_unwritten) {
                Some(place) => DataPlace::Here {
                    offset_bytes: place.start.saturating_add(header),
                },
                None => DataPlace::Hole,
            };
            let gap = hole(at, start);
            at = start.saturating_add(bytes);
            let run = DataRun {
                at: start,
                bytes,
                place,
            };
            let flow = gap.into_iter().chain([run]).try_for_each(&mut *each);
            ended = flow.is_break();
            flow
        })?;
        if !ended && let Some(rest) = hole(at, size) {
            let _ = each(rest);
        }
        Ok(())
    }
}

impl FileSystem for XfsVolume {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn source(&self) -> &dyn Source {
        &self.device.source
    }

    fn root(&self) -> FileId {
        by_number(self.device.superblock.root)
    }

    fn names(&self, id: FileId, job: &Job) -> Result<Vec<FileName>, GuestError> {
        inodes::names(self, id, job)
    }

    fn list(
        &self,
        directory: FileId,
        each: &mut dyn FnMut(DirectoryEntry) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let inode = self.file_inode(directory)?;
        self.each_entry(&inode, &mut |entry| {
            let kind_of = |number| Some(self.read_inode(number).ok()?.kind());
            inodes::listed(&entry, kind_of).map_or(ControlFlow::Continue(()), &mut *each)
        })
    }

    fn file(&self, id: FileId) -> Result<GuestFile, GuestError> {
        let inode = self.file_inode(id)?;
        let times = (inode.created, inode.modified);
        let target = self.target(&inode);
        Ok(inodes::guest_file(inode.kind(), inode.bytes, times, target))
    }

    fn runs(
        &self,
        id: FileId,
        stream: &str,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let inode = self.file_inode(id)?;
        if stream.is_empty() {
            self.each_run(&inode, each)
        } else {
            Err(GuestError::NotFound)
        }
    }

    fn owners(
        &self,
        of: &Extents,
        job: &Job,
        each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        owners::owners(self, of, job, each)
    }
}

impl Inodes for XfsVolume {
    fn inode(&self, number: u64) -> Result<Option<InodeState>, GuestError> {
        // The place of a freed inode may be another's by now.
        if !self.chunks()?.is_used(number) {
            return Ok(None);
        }
        let Some(bytes) = self.device.inode_bytes(number)? else {
            return Ok(None);
        };
        let found = XfsInode::parse(number, &bytes);
        Ok(found.map(|inode| InodeState {
            id: FileId {
                number,
                generation: inode.generation.into(),
            },
            kind: inode.kind(),
            bytes: inode.bytes,
            modified: inode.modified,
            changed: inode.changed,
            created: inode.created,
            compared: comparable(&bytes),
        }))
    }

    fn parent(&self, directory: u64) -> Result<u64, GuestError> {
        let inode = self.read_inode(directory)?;
        if let Some(data) = inode
            .data
            .as_ref()
            .filter(|data| data.kind == ForkKind::Local)
        {
            return directory::short_parent(&data.bytes).ok_or(GuestError::NotFound);
        }
        inodes::parent_entry(|each| self.each_entry(&inode, each))
    }

    fn will_ask(&self, numbers: &[u64]) {
        self.device.will_read_inodes(numbers);
    }

    fn front(&self, directory: u64) -> Vec<Range<u64>> {
        let inode = self.read_inode(directory).ok();
        let inode = inode.filter(|inode| inode.kind() == FileKind::Directory);
        let data = inode.and_then(|inode| inode.data);
        let Some(data) = data.filter(|data| data.kind == ForkKind::Extents) else {
            return Vec::new();
        };
        inodes::front_of(|each| {
            // What is wrong with the list is told where it is read.
            let _ = map::walk(&self.device, &data, &mut |mapped| match mapped {
                XfsMapPart::Blocks(blocks) => {
                    let place = self.device.bytes_of(blocks.block, blocks.count);
                    place.map_or(ControlFlow::Continue(()), &mut *each)
                }
                XfsMapPart::Node(_) => ControlFlow::Continue(()),
            });
        })
    }
}

/// What differs between two states of a volume, of which only `written` and what the logs replay can differ.
pub fn changes(
    before: &XfsVolume,
    after: &XfsVolume,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    let written = written.union(&before.replayed).union(&after.replayed);
    let candidates = match candidates(before, after, &written) {
        Ok(candidates) => candidates,
        Err(error) => {
            return Comparison {
                complete: false,
                findings: vec![Finding::new(&codes::GUEST_DAMAGED, error.to_string())],
            };
        }
    };
    inodes::changes::changes(before, after, candidates, &written, job, each)
}

/// Inodes that one side uses and the other does not, or whose bytes can differ.
fn candidates(
    before: &XfsVolume,
    after: &XfsVolume,
    written: &Extents,
) -> Result<impl Iterator<Item = u64>, GuestError> {
    let (old, new) = (before.chunks()?, after.chunks()?);
    let own = after.device.superblock.quota_inodes;
    let both = new.iter().map(|chunk| (old.get(chunk.first), Some(chunk)));
    let gone = old.iter().filter(|chunk| new.get(chunk.first).is_none());
    let all = both.chain(gone.map(|chunk| (Some(chunk), None)));
    let numbers = all.flat_map(move |(old, new)| candidates_of(after, old, new, written));
    Ok(numbers.filter(move |number| !own.contains(number)))
}

/// Inodes of a chunk that one side uses and the other does not, or whose bytes can differ.
fn candidates_of(
    volume: &XfsVolume,
    old: Option<&Chunk>,
    new: Option<&Chunk>,
    written: &Extents,
) -> Vec<u64> {
    let first = new.or(old).map_or(0, |chunk| chunk.first);
    let is_used = |chunk: Option<&Chunk>, index| chunk.is_some_and(|chunk| chunk.is_used(index));
    let numbers = (0..INODES).filter(|index| {
        let (was, is) = (is_used(old, *index), is_used(new, *index));
        let place = volume
            .device
            .inode_place(first.saturating_add(u64::from(*index)));
        was != is || (is && place.is_some_and(|place| written.meets(&place)))
    });
    numbers
        .map(|index| first.saturating_add(index.into()))
        .collect()
}
