//! ext2, ext3 and ext4.
//!
//! Source: the kernel's documentation, `filesystems/ext4`, and the kernel where that is silent. A volume that was not
//! unmounted is read through its replayed journal: without it, its tables are those of some seconds ago.

mod clock;
mod device;
mod directory;
mod group;
mod inode;
mod journal;
mod map;
mod owners;
mod superblock;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use self::device::ExtDevice;
use self::inode::{Data, ExtInode, comparable};
use self::map::ExtMapPart;
use self::superblock::incompat;
use super::codes;
use super::extents::Extents;
use super::filesystem::{
    Change, ClosedContent, Comparison, DIRECTORY_BYTES_MAX, DataPlace, DataRun, DirectoryEntry,
    FileId, FileKind, FileName, FileSystem, GuestError, GuestFile, OwnedPart, VolumeFacts,
    VolumeState,
};
use super::inodes::entry::{EntryKinds, NamedInode};
use super::inodes::{self, InodeState, Inodes, by_number, hole, name_text};
use crate::finding::Finding;
use crate::format::bytes::u32_at;
use crate::job::Job;
use crate::source::Source;

/// Takes a block of a directory.
type EachBlock<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, GuestError> + 'a;

/// An open volume.
#[derive(Debug)]
pub struct ExtVolume {
    device: ExtDevice,
    /// What the journal's replay laid over it.
    replayed: Extents,
    /// When the last transaction that was replayed was committed.
    last_commit: Option<Timestamp>,
    facts: VolumeFacts,
}

impl ExtVolume {
    /// Opens a volume by its superblock, and replays its journal if it was not unmounted.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let mut device = ExtDevice::open(source)?;
        let unknown = device.superblock.unknown_features();
        if !unknown.is_empty() {
            let features = unknown.join(", ");
            return Err(GuestError::Unsupported(format!("ext with {features}")));
        }
        let mut replayed = Extents::default();
        let mut last_commit = None;
        let mut findings = Vec::new();
        let mut state = if device.superblock.is_clean {
            VolumeState::Clean
        } else {
            VolumeState::NotClean
        };
        if device.superblock.has(incompat::RECOVER) {
            let replay = journal::replay(&device);
            let (patched, cut) = match replay {
                Ok(replay) => {
                    last_commit = replay.last_commit;
                    (replay.patched, replay.cut)
                }
                Err(why) => (None, Some(why)),
            };
            if let Some(patched) = patched {
                replayed = Extents::collect(patched.places());
                device = ExtDevice::open(Arc::new(patched))?;
            }
            state = VolumeState::Replayed;
            if let Some(why) = cut {
                state = VolumeState::NotClean;
                let text = format!("the journal cannot be replayed to its end: {why}");
                findings.push(Finding::new(&codes::GUEST_JOURNAL_UNUSABLE, text));
            }
        }
        let superblock = &device.superblock;
        let facts = VolumeFacts {
            kind: superblock.kind,
            label: name_text(&superblock.label),
            id: Uuid::from_bytes(superblock.uuid).to_string(),
            bytes: device.byte_of(superblock.blocks),
            cluster_bytes: superblock
                .block_bytes
                .saturating_mul(superblock.cluster_blocks),
            state,
            findings,
        };
        Ok(Self {
            device,
            replayed,
            last_commit,
            facts,
        })
    }

    fn read_inode(&self, number: u64) -> Result<ExtInode, GuestError> {
        let number = u32::try_from(number).map_err(|_| GuestError::NotFound)?;
        let bytes = self.device.inode_bytes(number)?;
        bytes
            .and_then(|bytes| ExtInode::parse(number, &bytes))
            .ok_or(GuestError::NotFound)
    }

    fn file_inode(&self, id: FileId) -> Result<ExtInode, GuestError> {
        let inode = self.read_inode(id.number)?;
        if inodes::fits(id, inode.generation) {
            Ok(inode)
        } else {
            Err(GuestError::NotFound)
        }
    }

    /// The blocks of entries of a directory, in order; stops at a break.
    fn each_directory_block(
        &self,
        inode: &ExtInode,
        each: &mut EachBlock<'_>,
    ) -> Result<(), GuestError> {
        const WHAT: &str = "a directory";
        if let Data::Inline { front, more } = &inode.data {
            // The first four bytes are the parent; what is in the attribute begins with entries at once.
            for part in [front.get(4..).unwrap_or_default(), more] {
                if each(part)?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
        if inode.bytes > DIRECTORY_BYTES_MAX {
            return Err(GuestError::TooLarge {
                what: WHAT,
                limit: DIRECTORY_BYTES_MAX,
            });
        }
        let end = inode
            .bytes
            .div_ceil(self.device.superblock.block_bytes.into());
        let mut outcome = Ok(());
        map::walk(&self.device, &inode.data, &mut |mapped| {
            let ExtMapPart::Blocks(blocks) = mapped else {
                return ControlFlow::Continue(());
            };
            let count = blocks.count.min(end.saturating_sub(blocks.at));
            for block in (blocks.block..).take(usize::try_from(count).unwrap_or(0)) {
                let read = self.device.block(block, WHAT);
                match read.and_then(|bytes| each(&bytes)) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return ControlFlow::Break(()),
                    Err(error) => outcome = Err(error),
                }
            }
            ControlFlow::Continue(())
        })?;
        outcome
    }

    /// All entries of a directory, `.` and `..` too. An entry that cannot be right ends its block, not the directory.
    fn each_entry(
        &self,
        inode: &ExtInode,
        each: &mut dyn FnMut(NamedInode<'_>) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        if inode.kind() != FileKind::Directory {
            return Err(GuestError::NotFound);
        }
        let kinds = EntryKinds::told_if(self.device.superblock.has(incompat::FILETYPE));
        self.each_directory_block(inode, &mut |block| {
            let number = inode.number;
            directory::entries(block, kinds, each).map_err(|bad| {
                let what = "a directory";
                let expected = format!("an entry of inode {number}");
                GuestError::damaged(
                    what,
                    0,
                    expected,
                    format!("none at byte {} of a block", bad.at),
                )
            })
        })
    }

    fn target(&self, inode: &ExtInode) -> Option<String> {
        if inode.kind() != FileKind::Link || inode.is_encrypted {
            return None;
        }
        inodes::link_target(&self.device.source, inode.bytes, |each| {
            self.each_run(inode, each)
        })
    }

    /// The runs of a file's content, holes between them.
    fn each_run(
        &self,
        inode: &ExtInode,
        each: &mut dyn FnMut(DataRun) -> ControlFlow<()>,
    ) -> Result<(), GuestError> {
        let size = inode.bytes;
        let mut at = 0u64;
        if let Data::Inline { front, more } = &inode.data {
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            let mut bytes = [front.as_slice(), more].concat();
            bytes.truncate(len);
            at = bytes.len() as u64;
            let run = DataRun {
                at: 0,
                bytes: at,
                place: DataPlace::Inline(bytes),
            };
            if at > 0 && each(run).is_break() {
                return Ok(());
            }
        }
        let mut ended = false;
        let block_bytes = u64::from(self.device.superblock.block_bytes);
        map::walk(&self.device, &inode.data, &mut |mapped| {
            let ExtMapPart::Blocks(blocks) = mapped else {
                return ControlFlow::Continue(());
            };
            let start = blocks.at.saturating_mul(block_bytes);
            if start >= size {
                return ControlFlow::Break(());
            }
            let end = start.saturating_add(blocks.count.saturating_mul(block_bytes));
            let bytes = end.min(size).saturating_sub(start);
            let place = if blocks.is_unwritten {
                DataPlace::Hole
            } else {
                DataPlace::Here {
                    offset_bytes: self.device.byte_of(blocks.block),
                }
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

impl FileSystem for ExtVolume {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn source(&self) -> &dyn Source {
        &self.device.source
    }

    fn root(&self) -> FileId {
        by_number(inode::ROOT.into())
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
        let kind = inode.kind();
        let times = (inode.created, inode.modified);
        let is_closed = inode.is_encrypted && kind != FileKind::Directory;
        Ok(GuestFile {
            closed: is_closed.then_some(ClosedContent::Encrypted),
            ..inodes::guest_file(kind, inode.bytes, times, self.target(&inode))
        })
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

impl Inodes for ExtVolume {
    fn inode(&self, number: u64) -> Result<Option<InodeState>, GuestError> {
        let Ok(number) = u32::try_from(number) else {
            return Ok(None);
        };
        let Some(bytes) = self.device.inode_bytes(number)? else {
            return Ok(None);
        };
        let Some(inode) = ExtInode::parse(number, &bytes).filter(|inode| !inode.is_attribute)
        else {
            return Ok(None);
        };
        Ok(Some(InodeState {
            id: FileId {
                number: number.into(),
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
        if let Data::Inline { front, .. } = &inode.data {
            return u32_at(front, 0).map(u64::from).ok_or(GuestError::NotFound);
        }
        inodes::parent_entry(|each| self.each_entry(&inode, each))
    }

    fn will_ask(&self, numbers: &[u64]) {
        self.device.will_read_inodes(numbers);
    }

    fn front(&self, directory: u64) -> Vec<Range<u64>> {
        let inode = self.read_inode(directory).ok();
        let Some(inode) = inode.filter(|inode| inode.kind() == FileKind::Directory) else {
            return Vec::new();
        };
        inodes::front_of(|each| {
            // What is wrong with the map is told where it is read.
            let _ = map::walk(&self.device, &inode.data, &mut |mapped| match mapped {
                ExtMapPart::Blocks(blocks) => {
                    let end = blocks.block.saturating_add(blocks.count);
                    each(self.device.byte_of(blocks.block)..self.device.byte_of(end))
                }
                ExtMapPart::Node(_) => ControlFlow::Continue(()),
            });
        })
    }
}

/// What differs between two states of a volume, of which only `written` and what the journals replay can differ.
pub fn changes(
    before: &ExtVolume,
    after: &ExtVolume,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    let written = written.union(&before.replayed).union(&after.replayed);
    let candidates = candidates(before, after, &written);
    inodes::changes::changes(before, after, candidates, &written, job, each)
}

/// Inodes whose bytes can differ.
fn candidates(
    before: &ExtVolume,
    after: &ExtVolume,
    written: &Extents,
) -> impl Iterator<Item = u64> {
    let groups = 0..before.device.groups.len().max(after.device.groups.len());
    groups.flat_map(move |group| candidates_of(before, after, group, written))
}

/// Inodes of a group whose bytes can differ.
fn candidates_of(
    before: &ExtVolume,
    after: &ExtVolume,
    group: usize,
    written: &Extents,
) -> Vec<u64> {
    let old = before.device.inode_table(group);
    let new = after.device.inode_table(group);
    let first = u64::from(after.device.superblock.first_inode);
    let root = u64::from(inode::ROOT);
    let per_group = u64::from(after.device.superblock.inodes_per_group);
    let base = per_group.saturating_mul(group as u64).saturating_add(1);
    let bytes = u64::from(after.device.superblock.inode_bytes).max(1);
    let longer = old.end.max(new.end);
    let parts = if old.start == new.start {
        written.window(&(new.start..longer))
    } else {
        // A table that moved was written again; of one that only one side has, all of it counts.
        let most = (old.end.saturating_sub(old.start)).max(new.end.saturating_sub(new.start));
        Extents::of(0..most)
    };
    let mut numbers = Vec::new();
    for part in parts.iter() {
        let from = part.start.checked_div(bytes).unwrap_or(0);
        let to = part.end.div_ceil(bytes);
        let range = base.saturating_add(from)..base.saturating_add(to);
        let seen = numbers.last().copied().unwrap_or(0);
        let is_file = |number: &u64| *number > seen && (*number >= first || *number == root);
        numbers.extend(range.filter(is_file));
    }
    numbers
}
