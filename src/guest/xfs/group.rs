//! The headers of an allocation group: free space (AGF), inodes (AGI), and the blocks kept for the trees (AGFL).

use super::btree::TreeRoot;
use super::device::XfsDevice;
use crate::format::bytes::be32_at;
use crate::guest::filesystem::GuestError;

/// The sectors of a group's headers, the superblock being the first.
const FREE_SPACE_SECTOR: u64 = 1;
const INODES_SECTOR: u64 = 2;
const RESERVE_SECTOR: u64 = 3;
pub const HEADER_SECTORS: u64 = 4;
/// Bytes before the list of blocks kept for the trees.
const RESERVE_HEADER_BYTES: usize = 36;

/// The roots of a group's trees, and what the group keeps for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeSpace {
    pub by_block: TreeRoot,
    pub by_size: TreeRoot,
    pub owners: TreeRoot,
    pub references: TreeRoot,
    /// Blocks kept for the trees.
    pub reserve: Vec<u32>,
}

/// The roots of a group's trees of inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InodeRoots {
    pub all: TreeRoot,
    pub free: TreeRoot,
}

fn check(header: &[u8], magic: [u8; 4], group: u32, what: &'static str) -> Result<(), GuestError> {
    let found = (be32_at(header, 0), be32_at(header, 8));
    if found == (Some(u32::from_be_bytes(magic)), Some(group)) {
        return Ok(());
    }
    let expected = format!("the header of group {group}");
    Err(GuestError::damaged(
        what,
        0,
        expected,
        format!("{found:x?}"),
    ))
}

fn root(header: &[u8], group: u32, block_at: usize, levels_at: usize) -> TreeRoot {
    TreeRoot {
        group,
        block: be32_at(header, block_at).unwrap_or(u32::MAX),
        levels: be32_at(header, levels_at).unwrap_or(0),
    }
}

pub fn free_space(device: &XfsDevice, group: u32) -> Result<FreeSpace, GuestError> {
    const WHAT: &str = "a group's header of free space";
    let header = device.group_header(group, FREE_SPACE_SECTOR, WHAT)?;
    check(&header, *b"XAGF", group, WHAT)?;
    let list = device.group_header(group, RESERVE_SECTOR, WHAT)?;
    let entries: Vec<u32> = list
        .get(RESERVE_HEADER_BYTES..)
        .unwrap_or_default()
        .chunks_exact(4)
        .filter_map(|entry| be32_at(entry, 0))
        .collect();
    let number = |at| be32_at(&header, at).unwrap_or(0);
    let (first, count) = (number(40) as usize, number(48) as usize);
    let around = entries.iter().cycle().skip(first.min(entries.len()));
    Ok(FreeSpace {
        by_block: root(&header, group, 16, 28),
        by_size: root(&header, group, 20, 32),
        owners: root(&header, group, 24, 36),
        references: root(&header, group, 88, 92),
        reserve: around.take(count.min(entries.len())).copied().collect(),
    })
}

/// The roots of all groups' trees of inodes, by group; the blocks they name are announced.
pub fn all_inode_roots(device: &XfsDevice) -> Result<Vec<InodeRoots>, GuestError> {
    device.will_read_headers(INODES_SECTOR);
    let groups = 0..device.superblock.groups;
    let roots: Result<Vec<_>, _> = groups.map(|group| inode_roots(device, group)).collect();
    let roots = roots?;
    device.will_read_blocks(roots.iter().map(|roots| (roots.all.group, roots.all.block)));
    Ok(roots)
}

pub fn inode_roots(device: &XfsDevice, group: u32) -> Result<InodeRoots, GuestError> {
    const WHAT: &str = "a group's header of inodes";
    let header = device.group_header(group, INODES_SECTOR, WHAT)?;
    check(&header, *b"XAGI", group, WHAT)?;
    Ok(InodeRoots {
        all: root(&header, group, 20, 24),
        free: root(&header, group, 328, 332),
    })
}
