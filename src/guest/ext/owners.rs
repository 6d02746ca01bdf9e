//! Whose the blocks of an ext volume are: its own tables, then every inode's, then what the block bitmaps call free.

use std::ops::ControlFlow;

use super::ExtVolume;
use super::device::ExtDevice;
use super::group::{BlockGroup, descriptor_block_at, superblock_at};
use super::inode::{self, ExtInode};
use super::map::{self, ExtMapPart};
use super::superblock::incompat;
use crate::guest::extents::Extents;
use crate::guest::filesystem::{
    FileId, FileKind, FileSystem as _, GuestError, OwnedPart, OwnerClass,
};
use crate::guest::inodes::SWAP_FILES;
use crate::guest::inodes::parts::FoundOwners;
use crate::job::Job;

/// Answers [`FileSystem::owners`](crate::guest::filesystem::FileSystem::owners).
pub fn owners(
    volume: &ExtVolume,
    of: &Extents,
    job: &Job,
    each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut parts = FoundOwners::new(of);
    let device = &volume.device;
    tables(device, &mut parts)?;
    if !parts.left().is_empty() {
        inodes(volume, job, &mut parts)?;
    }
    let left = parts.left();
    for group in 0..device.groups.len() {
        free(device, group, &left, &mut parts)?;
    }
    let end = device.byte_of(device.superblock.blocks);
    parts.add(&(end..u64::MAX), OwnerClass::Outside, None)?;
    parts.tell(each);
    Ok(())
}

fn blocks(device: &ExtDevice, first: u64, count: u64) -> std::ops::Range<u64> {
    device.byte_of(first)..device.byte_of(first.saturating_add(count))
}

/// Where the volume's own tables are: boot block, copies of superblock and descriptors, bitmaps, inode tables.
fn own_blocks(device: &ExtDevice, group: usize, each: &mut dyn FnMut(u64, u64)) {
    let superblock = &device.superblock;
    let Some(BlockGroup {
        block_bitmap,
        inode_bitmap,
        inode_table,
        ..
    }) = device.groups.get(group).copied()
    else {
        return;
    };
    let number = u32::try_from(group).unwrap_or(u32::MAX);
    let start = match number {
        0 => superblock_at(superblock),
        _ => superblock.group_start(number),
    };
    // What is before the superblock is for the boot loader.
    if group == 0 {
        each(0, start);
    }
    let has_meta_groups = superblock.has(incompat::META_BG);
    if superblock.copies.are_in(number) {
        let all = superblock.descriptor_blocks();
        let descriptors = if has_meta_groups {
            all.min(superblock.first_meta_group.into())
        } else {
            all.saturating_add(superblock.reserved_descriptor_blocks.into())
        };
        each(start, descriptors.saturating_add(1));
    }
    if has_meta_groups {
        // Each meta group keeps its descriptors in its first group, its second and its last.
        let per_block = superblock.descriptors_per_block();
        let place = number.checked_rem(per_block).unwrap_or(0);
        let index = number.checked_div(per_block).unwrap_or(0);
        let is_holder = [0, 1, per_block.saturating_sub(1)].contains(&place);
        if index >= superblock.first_meta_group && is_holder {
            let first = descriptor_block_at(superblock, index.into());
            let behind_copy = u64::from(superblock.copies.are_in(number));
            let own = start.saturating_add(behind_copy);
            each(if place == 0 { first } else { own }, 1);
        }
    }
    let table_bytes =
        u64::from(superblock.inodes_per_group).saturating_mul(superblock.inode_bytes.into());
    let table_blocks = table_bytes.div_ceil(u64::from(superblock.block_bytes.max(1)));
    each(block_bitmap, 1);
    each(inode_bitmap, 1);
    each(inode_table, table_blocks);
}

/// With `bigalloc`, blocks are set aside by whole clusters.
fn clusters(device: &ExtDevice, first: u64, count: u64, parts: &mut FoundOwners<'_>) {
    let cluster = u64::from(device.superblock.cluster_blocks);
    if cluster > 1 {
        let end = first.saturating_add(count).next_multiple_of(cluster);
        let start = first.saturating_sub(first.checked_rem(cluster).unwrap_or(0));
        parts.add_set_aside(blocks(device, start, end.saturating_sub(start)));
    }
}

fn tables(device: &ExtDevice, parts: &mut FoundOwners<'_>) -> Result<(), GuestError> {
    let mut outcome = Ok(());
    for group in 0..device.groups.len() {
        own_blocks(device, group, &mut |first, count| {
            clusters(device, first, count, parts);
            let range = blocks(device, first, count);
            if let Err(error) = parts.add(&range, OwnerClass::Metadata, None) {
                outcome = Err(error);
            }
        });
    }
    outcome
}

/// Goes through all inodes. A file deleted while it was open keeps its blocks until it is closed: it owns them, too.
fn inodes(volume: &ExtVolume, job: &Job, parts: &mut FoundOwners<'_>) -> Result<(), GuestError> {
    let device = &volume.device;
    let per_group = device.superblock.inodes_per_group;
    let mut swap = Vec::new();
    // A root that cannot be listed only leaves swap files without their name.
    let _ = volume.list(volume.root(), &mut |entry| {
        if SWAP_FILES.contains(&entry.name.as_str()) {
            swap.push(entry.id.number);
        }
        ControlFlow::Continue(())
    });
    for (group, first) in (0..device.groups.len()).zip((1u32..).step_by(per_group as usize)) {
        if job.cancel.is_cancelled() {
            return Err(GuestError::Cancelled);
        }
        let Some(BlockGroup {
            inodes_used,
            inode_bitmap,
            ..
        }) = device.groups.get(group).copied()
        else {
            continue;
        };
        let mut bitmap = None;
        for number in (first..).take(inodes_used as usize) {
            let Ok(Some(bytes)) = device.inode_bytes(number) else {
                continue;
            };
            let Some(inode) = ExtInode::parse_allocated(number, &bytes) else {
                continue;
            };
            if inode.links == 0 {
                let bits = bitmap.get_or_insert_with(|| device.block(inode_bitmap, "a bitmap"));
                let is_held = bits
                    .as_ref()
                    .is_ok_and(|bits| bit(bits, u64::from(number.saturating_sub(first))));
                if !is_held {
                    continue;
                }
            }
            let class = class(device, &inode, &swap);
            one(device, &inode, class, parts)?;
        }
    }
    Ok(())
}

fn class(device: &ExtDevice, inode: &ExtInode, swap: &[u64]) -> OwnerClass {
    let number = inode.number;
    if number == device.superblock.journal_inode {
        OwnerClass::Journal
    } else if (number < device.superblock.first_inode && number != inode::ROOT)
        || inode.is_attribute
    {
        OwnerClass::Metadata
    } else if inode.kind() == FileKind::Directory {
        OwnerClass::Directory
    } else if swap.contains(&number.into()) {
        OwnerClass::PageFile
    } else {
        OwnerClass::File
    }
}

fn one(
    device: &ExtDevice,
    inode: &ExtInode,
    class: OwnerClass,
    parts: &mut FoundOwners<'_>,
) -> Result<(), GuestError> {
    let id = Some(FileId {
        number: inode.number.into(),
        generation: inode.generation.into(),
    });
    if inode.attribute_block != 0 {
        let range = blocks(device, inode.attribute_block, 1);
        parts.add(&range, class, id)?;
        clusters(device, inode.attribute_block, 1, parts);
    }
    let mut outcome = Ok(());
    let walked = map::walk(device, &inode.data, &mut |mapped| {
        let (first, count) = match mapped {
            ExtMapPart::Blocks(found) => (found.block, found.count),
            ExtMapPart::Node(block) => (block, 1),
        };
        clusters(device, first, count, parts);
        outcome = parts.add(&blocks(device, first, count), class, id);
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    // What a damaged map does not tell stays without an owner.
    match walked {
        Err(GuestError::Read { .. } | GuestError::Damaged { .. }) | Ok(()) => outcome,
        Err(error) => Err(error),
    }
}

/// What a group's bitmap calls free, of what is left.
fn free(
    device: &ExtDevice,
    group: usize,
    left: &Extents,
    parts: &mut FoundOwners<'_>,
) -> Result<(), GuestError> {
    let superblock = &device.superblock;
    let number = u32::try_from(group).unwrap_or(u32::MAX);
    let start = superblock.group_start(number);
    let end = start
        .saturating_add(superblock.blocks_per_group.into())
        .min(superblock.blocks);
    let range = blocks(device, start, end.saturating_sub(start));
    let Some(found) = device.groups.get(group).filter(|_| left.meets(&range)) else {
        return Ok(());
    };
    if found.is_block_bitmap_unwritten {
        for part in left.within(&range) {
            parts.add(&part, OwnerClass::Free, None)?;
        }
        return Ok(());
    }
    let bitmap = device.block(found.block_bitmap, "a block bitmap")?;
    let cluster = u64::from(superblock.cluster_blocks.max(1));
    let cluster_bytes = cluster.saturating_mul(superblock.block_bytes.into()).max(1);
    for part in left.within(&range) {
        let mut at = part.start;
        while at < part.end {
            let index = at.saturating_sub(range.start).checked_div(cluster_bytes);
            let index = index.unwrap_or(0);
            let next = range
                .start
                .saturating_add(index.saturating_add(1).saturating_mul(cluster_bytes))
                .min(part.end);
            if !bit(&bitmap, index) {
                parts.add(&(at..next), OwnerClass::Free, None)?;
            }
            at = next.max(at.saturating_add(1));
        }
    }
    Ok(())
}

fn bit(bitmap: &[u8], index: u64) -> bool {
    let byte = usize::try_from(index / 8)
        .ok()
        .and_then(|at| bitmap.get(at))
        .copied()
        .unwrap_or(0);
    byte >> (index % 8) & 1 == 1
}
