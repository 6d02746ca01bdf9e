//! The B+trees of a group: inodes, free space, owners, references (XFS Algorithms & Data Structures, "Short Format B+trees").

use std::collections::HashSet;

use super::device::XfsDevice;
use crate::format::bytes::{be16_at, be32_at};
use crate::guest::filesystem::GuestError;

const HEADER_BYTES: usize = 56;
const POINTER_BYTES: usize = 4;
const LEVELS_MAX: u32 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeKind {
    pub what: &'static str,
    magic: u32,
    record_bytes: usize,
    key_bytes: usize,
}

pub const INODES: TreeKind = kind("the tree of inodes", *b"IAB3", 16, 4);
pub const FREE_INODES: TreeKind = kind("the tree of free inodes", *b"FIB3", 16, 4);
pub const FREE_BY_BLOCK: TreeKind = kind("the tree of free space", *b"AB3B", 8, 8);
pub const FREE_BY_SIZE: TreeKind = kind("the tree of free space by size", *b"AB3C", 8, 8);
/// Its keys hold the lowest and the highest owner below them.
pub const OWNERS: TreeKind = kind("the tree of owners", *b"RMB3", 24, 40);
pub const REFERENCES: TreeKind = kind("the tree of shared blocks", *b"R3FC", 12, 4);

const fn kind(
    what: &'static str,
    magic: [u8; 4],
    record_bytes: usize,
    key_bytes: usize,
) -> TreeKind {
    TreeKind {
        what,
        magic: u32::from_be_bytes(magic),
        record_bytes,
        key_bytes,
    }
}

/// Where a tree begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeRoot {
    pub group: u32,
    pub block: u32,
    pub levels: u32,
}

/// What a tree is made of.
pub enum TreePart<'a> {
    Record(&'a [u8]),
    /// A block of the tree itself, in its group.
    Node(u32),
}

/// Goes through a tree, records in order.
pub fn walk(
    device: &XfsDevice,
    kind: TreeKind,
    root: TreeRoot,
    each: &mut dyn FnMut(TreePart<'_>),
) -> Result<(), GuestError> {
    if root.levels == 0 || root.levels > LEVELS_MAX {
        return Err(GuestError::damaged(
            kind.what,
            0,
            "1 to 9 levels",
            root.levels,
        ));
    }
    let mut walk = BtreeWalk {
        device,
        kind,
        group: root.group,
        each,
        seen: HashSet::new(),
    };
    walk.node(root.block, root.levels.saturating_sub(1))
}

struct BtreeWalk<'a> {
    device: &'a XfsDevice,
    kind: TreeKind,
    group: u32,
    each: &'a mut dyn FnMut(TreePart<'_>),
    seen: HashSet<u32>,
}

impl BtreeWalk<'_> {
    fn node(&mut self, block: u32, level: u32) -> Result<(), GuestError> {
        let kind = self.kind;
        let at = self.device.byte_in_group(self.group, block).unwrap_or(0);
        if !self.seen.insert(block) {
            let expected = "a block that is named once";
            return Err(GuestError::damaged(
                kind.what,
                at,
                expected,
                "a second mention",
            ));
        }
        let bytes = self.device.group_block(self.group, block, kind.what)?;
        let found = (be32_at(&bytes, 0), be16_at(&bytes, 4).map(u32::from));
        if found != (Some(kind.magic), Some(level)) {
            let expected = format!("{:x} of level {level}", kind.magic);
            return Err(GuestError::damaged(
                kind.what,
                at,
                expected,
                format!("{found:x?}"),
            ));
        }
        (self.each)(TreePart::Node(block));
        let count = usize::from(be16_at(&bytes, 6).unwrap_or(0));
        let entries = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let entry_bytes = match level {
            0 => kind.record_bytes,
            _ => kind.key_bytes.saturating_add(POINTER_BYTES),
        };
        let room = entries.len().checked_div(entry_bytes).unwrap_or(0);
        if count > room {
            let expected = format!("up to {room} entries");
            return Err(GuestError::damaged(kind.what, at, expected, count));
        }
        let Some(below) = level.checked_sub(1) else {
            let records = entries.chunks_exact(kind.record_bytes).take(count);
            records.for_each(|record| (self.each)(TreePart::Record(record)));
            return Ok(());
        };
        let pointers = entries
            .get(room.saturating_mul(kind.key_bytes)..)
            .unwrap_or_default();
        let children = pointers.chunks_exact(POINTER_BYTES).take(count);
        let children = children.map(|pointer| be32_at(pointer, 0).unwrap_or(u32::MAX));
        let group = self.group;
        self.device
            .will_read_blocks(children.clone().map(|child| (group, child)));
        for child in children {
            self.node(child, below)?;
        }
        Ok(())
    }
}
