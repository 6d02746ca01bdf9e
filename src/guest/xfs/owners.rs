//! Whose the blocks of an XFS volume are: its own structures, then every inode's, then what the trees of free space say.

use std::ops::{ControlFlow, Range};

use super::XfsVolume;
use super::btree::{self, TreeKind, TreePart, TreeRoot};
use super::chunks::{Chunk, INODES};
use super::device::XfsDevice;
use super::group::{self, FreeSpace, HEADER_SECTORS};
use super::inode::XfsInode;
use super::map::{self, XfsMapPart};
use crate::format::bytes::{be32_at, be64_at};
use crate::guest::extents::Extents;
use crate::guest::filesystem::{
    FileId, FileKind, FileSystem as _, GuestError, OwnedPart, OwnerClass,
};
use crate::guest::inodes::SWAP_FILES;
use crate::guest::inodes::parts::FoundOwners;
use crate::job::Job;

/// An owner from here on is no inode but a structure of the volume.
const FIRST_OWN: u64 = 1 << 63;
/// Marks extents that a copy on write was set aside for.
const COPY_ON_WRITE: u32 = 1 << 31;

/// Answers [`FileSystem::owners`](crate::guest::filesystem::FileSystem::owners).
pub fn owners(
    volume: &XfsVolume,
    of: &Extents,
    job: &Job,
    each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let device = &volume.device;
    let mut gathering = Gathering {
        volume,
        parts: FoundOwners::new(of),
        outcome: Ok(()),
    };
    for number in 0..device.superblock.groups {
        let free_space = group::free_space(device, number)?;
        gathering.own(number, &free_space)?;
    }
    gathering.inode_chunks()?;
    let has_owner_trees = device.superblock.has_owner_tree() && !volume.owners_lag;
    for number in 0..device.superblock.groups {
        if job.cancel.is_cancelled() {
            return Err(GuestError::Cancelled);
        }
        let free_space = group::free_space(device, number)?;
        gathering.free(number, &free_space)?;
        if has_owner_trees {
            gathering.by_tree(free_space.owners)?;
        }
    }
    if !has_owner_trees && !gathering.parts.left().is_empty() {
        gathering.inodes(job)?;
    }
    let end = device
        .superblock
        .blocks
        .saturating_mul(device.superblock.block_bytes.into());
    gathering.add(&(end..u64::MAX), OwnerClass::Outside, None);
    gathering.outcome?;
    gathering.parts.tell(each);
    Ok(())
}

struct Gathering<'a> {
    volume: &'a XfsVolume,
    parts: FoundOwners<'a>,
    outcome: Result<(), GuestError>,
}

impl Gathering<'_> {
    fn device(&self) -> &XfsDevice {
        &self.volume.device
    }

    fn add(&mut self, range: &Range<u64>, class: OwnerClass, id: Option<FileId>) {
        if let Err(error) = self.parts.add(range, class, id) {
            self.outcome = Err(error);
        }
    }

    fn blocks(&self, group: u32, first: u32, count: u32) -> Range<u64> {
        let start = self.device().byte_in_group(group, first).unwrap_or(0);
        let len = u64::from(count).saturating_mul(self.device().superblock.block_bytes.into());
        start..start.saturating_add(len)
    }

    fn group_range(&self, group: u32) -> Range<u64> {
        self.blocks(group, 0, self.device().superblock.group_blocks)
    }

    /// A group's headers, its trees, what is kept for them, and the log.
    fn own(&mut self, number: u32, free_space: &FreeSpace) -> Result<(), GuestError> {
        let superblock = &self.device().superblock;
        let group = self.group_range(number);
        // The first block holds the four headers, whatever the sectors' size.
        let headers = HEADER_SECTORS.saturating_mul(superblock.sector_bytes.into());
        let headers = headers.max(superblock.block_bytes.into());
        let log = (superblock.log_start, u64::from(superblock.log_blocks));
        let (has_free_tree, has_owners) = (
            superblock.has_free_inode_tree(),
            superblock.has_owner_tree(),
        );
        let has_references = superblock.has_reference_tree();
        let first = group.start..group.start.saturating_add(headers);
        self.add(&first, OwnerClass::Metadata, None);
        if let Some(range) = self.device().bytes_of(log.0, log.1).filter(|_| number == 0) {
            self.add(&range, OwnerClass::Journal, None);
        }
        for block in &free_space.reserve {
            let range = self.blocks(number, *block, 1);
            self.add(&range, OwnerClass::Metadata, None);
        }
        let inodes = group::inode_roots(self.device(), number)?;
        self.tree(btree::FREE_BY_BLOCK, free_space.by_block)?;
        self.tree(btree::FREE_BY_SIZE, free_space.by_size)?;
        self.tree(btree::INODES, inodes.all)?;
        if has_free_tree {
            self.tree(btree::FREE_INODES, inodes.free)?;
        }
        if has_owners {
            self.tree(btree::OWNERS, free_space.owners)?;
        }
        if has_references {
            self.tree(btree::REFERENCES, free_space.references)?;
            self.copies_on_write(free_space.references)?;
        }
        Ok(())
    }

    /// The blocks of a tree.
    fn tree(&mut self, kind: TreeKind, root: TreeRoot) -> Result<(), GuestError> {
        let mut nodes = Vec::new();
        btree::walk(self.device(), kind, root, &mut |found| {
            if let TreePart::Node(block) = found {
                nodes.push(block);
            }
        })?;
        for block in nodes {
            let range = self.blocks(root.group, block, 1);
            self.add(&range, OwnerClass::Metadata, None);
        }
        Ok(())
    }

    /// The records of a tree that meet what is asked for, by first block and count.
    fn records(
        &self,
        kind: TreeKind,
        root: TreeRoot,
        each: &mut dyn FnMut(Range<u64>, &[u8]),
    ) -> Result<(), GuestError> {
        btree::walk(self.device(), kind, root, &mut |found| {
            let TreePart::Record(record) = found else {
                return;
            };
            let first = be32_at(record, 0).unwrap_or(0) & !COPY_ON_WRITE;
            let range = self.blocks(root.group, first, be32_at(record, 4).unwrap_or(0));
            if self.parts.meets(&range) {
                each(range, record);
            }
        })
    }

    /// What is set aside for copies on write is free after the next mount.
    fn copies_on_write(&mut self, root: TreeRoot) -> Result<(), GuestError> {
        let mut free = Vec::new();
        self.records(btree::REFERENCES, root, &mut |range, record| {
            if be32_at(record, 0).unwrap_or(0) & COPY_ON_WRITE != 0 {
                free.push(range);
            }
        })?;
        for range in free {
            self.add(&range, OwnerClass::Free, None);
        }
        Ok(())
    }

    fn inode_chunks(&mut self) -> Result<(), GuestError> {
        const PER_HOLE_BIT: u64 = 4;
        let volume = self.volume;
        for chunk in volume.chunks()?.iter() {
            for bit in 0..16u64 {
                let is_hole = u64::from(chunk.holes) >> bit & 1 == 1;
                let first = chunk.first.saturating_add(bit.saturating_mul(PER_HOLE_BIT));
                if let Some(place) = volume.device.inode_place(first).filter(|_| !is_hole) {
                    let len = place
                        .end
                        .saturating_sub(place.start)
                        .saturating_mul(PER_HOLE_BIT);
                    let range = place.start..place.start.saturating_add(len);
                    self.add(&range, OwnerClass::Metadata, None);
                }
            }
        }
        Ok(())
    }

    fn free(&mut self, number: u32, free_space: &FreeSpace) -> Result<(), GuestError> {
        if !self.parts.meets(&self.group_range(number)) {
            return Ok(());
        }
        let mut free = Vec::new();
        self.records(
            btree::FREE_BY_BLOCK,
            free_space.by_block,
            &mut |range, _| {
                free.push(range);
            },
        )?;
        let group = self.group_range(number);
        free.extend(self.volume.freeing.within(&group));
        for range in free {
            self.add(&range, OwnerClass::Free, None);
        }
        Ok(())
    }

    /// By the tree of owners, which names the inode of every block.
    fn by_tree(&mut self, root: TreeRoot) -> Result<(), GuestError> {
        if !self.parts.meets(&self.group_range(root.group)) {
            return Ok(());
        }
        let mut owned = Vec::new();
        self.records(btree::OWNERS, root, &mut |range, record| {
            let inode = be64_at(record, 8).unwrap_or(u64::MAX);
            if inode < FIRST_OWN {
                owned.push((inode, range));
            }
        })?;
        let swap = self.swap_files();
        for (number, range) in owned {
            if let Ok(Some(bytes)) = self.device().inode_bytes(number)
                && let Some(inode) = XfsInode::parse_allocated(number, &bytes)
            {
                self.add(&range, self.class(&inode, &swap), Some(id(&inode)));
            }
        }
        Ok(())
    }

    fn swap_files(&self) -> Vec<u64> {
        let mut swap = Vec::new();
        // A root that cannot be listed only leaves swap files without their name.
        let _ = self.volume.list(self.volume.root(), &mut |entry| {
            if SWAP_FILES.contains(&entry.name.as_str()) {
                swap.push(entry.id.number);
            }
            ControlFlow::Continue(())
        });
        swap
    }

    fn class(&self, inode: &XfsInode, swap: &[u64]) -> OwnerClass {
        if self
            .device()
            .superblock
            .quota_inodes
            .contains(&inode.number)
        {
            OwnerClass::Metadata
        } else if inode.kind() == FileKind::Directory {
            OwnerClass::Directory
        } else if swap.contains(&inode.number) {
            OwnerClass::PageFile
        } else {
            OwnerClass::File
        }
    }

    /// Goes through all inodes. A file deleted while it was open keeps its blocks until it is closed: it owns them, too.
    fn inodes(&mut self, job: &Job) -> Result<(), GuestError> {
        let volume = self.volume;
        let swap = self.swap_files();
        for chunk in volume.chunks()?.iter() {
            if job.cancel.is_cancelled() {
                return Err(GuestError::Cancelled);
            }
            for number in used(chunk) {
                if let Ok(Some(bytes)) = volume.device.inode_bytes(number)
                    && let Some(inode) = XfsInode::parse_allocated(number, &bytes)
                {
                    let class = self.class(&inode, &swap);
                    self.forks(&inode, class);
                }
            }
        }
        Ok(())
    }

    fn forks(&mut self, inode: &XfsInode, class: OwnerClass) {
        let volume = self.volume;
        for fork in [&inode.data, &inode.attributes].into_iter().flatten() {
            // What a damaged map does not tell stays without an owner.
            let _ = map::walk(&volume.device, fork, &mut |mapped| {
                let (first, count) = match mapped {
                    XfsMapPart::Blocks(blocks) => (blocks.block, blocks.count),
                    XfsMapPart::Node(block) => (block, 1),
                };
                if let Some(range) = volume.device.bytes_of(first, count) {
                    self.add(&range, class, Some(id(inode)));
                }
                ControlFlow::Continue(())
            });
        }
    }
}

fn id(inode: &XfsInode) -> FileId {
    FileId {
        number: inode.number,
        generation: inode.generation.into(),
    }
}

fn used(chunk: &Chunk) -> impl Iterator<Item = u64> {
    let chunk = *chunk;
    let indices = (0..INODES).filter(move |index| chunk.is_used(*index));
    indices.map(move |index| chunk.first.saturating_add(index.into()))
}
