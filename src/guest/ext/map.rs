//! Where a file's blocks lie: the extent tree, and the block map of ext2 and ext3 (kernel documentation, `ifork.rst`).

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::device::ExtDevice;
use super::inode::{BLOCKS_BYTES, Data};
use crate::format::bytes::{u16_at, u32_at};
use crate::guest::filesystem::{GuestError, RUNS_MAX};

const EXTENT_MAGIC: u16 = 0xf30a;
/// Bytes of the header of an extent tree's node, and of each of its entries.
const ENTRY_BYTES: usize = 12;
/// The deepest tree that ext4 makes.
const DEPTH_MAX: u16 = 5;
/// An extent longer than this is that much shorter and was never written: it reads as zeros.
const UNWRITTEN: u16 = 0x8000;
/// Blocks named in the inode itself, without any level between.
const DIRECT: usize = 12;

/// What a file's map is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtMapPart {
    /// Blocks of content, in the order of the content.
    Blocks(ExtExtent),
    /// A block of the map itself.
    Node(u64),
}

/// Blocks that follow each other in the content and on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtExtent {
    /// The first of them in the content.
    pub at: u64,
    pub count: u64,
    /// The first of them on the volume.
    pub block: u64,
    /// Set aside and never written: they read as zeros.
    pub is_unwritten: bool,
}

/// Goes through a map in the order of the content; stops at a break. Holes are left out.
pub fn walk(
    device: &ExtDevice,
    data: &Data,
    each: &mut dyn FnMut(ExtMapPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut walk = ExtentWalk {
        device,
        each,
        next: 0,
        pending: None,
        nodes: HashSet::new(),
        runs: 0,
    };
    let flow = match data {
        Data::Extents(root) => walk.extent_node(root, 0, None)?,
        Data::BlockMap(root) => walk.block_map(root)?,
        Data::Inline { .. } | Data::None => ControlFlow::Continue(()),
    };
    if flow.is_continue() {
        let _ = walk.flush()?;
    }
    Ok(())
}

type Flow = Result<ControlFlow<()>, GuestError>;

struct ExtentWalk<'a> {
    device: &'a ExtDevice,
    each: &'a mut dyn FnMut(ExtMapPart) -> ControlFlow<()>,
    /// The first block of the content that is not seen yet: blocks come in order, so that nothing is seen twice.
    next: u64,
    pending: Option<ExtExtent>,
    /// Blocks of the map that were read.
    nodes: HashSet<u64>,
    runs: usize,
}

impl ExtentWalk<'_> {
    fn node(&mut self, block: u64, what: &'static str) -> Result<Vec<u8>, GuestError> {
        if !self.nodes.insert(block) {
            let at = self.device.byte_of(block);
            return Err(GuestError::damaged(
                what,
                at,
                "a block that is named once",
                "a second mention",
            ));
        }
        self.device.block(block, what)
    }

    /// `depth` is what the node must say of itself; the root says it first.
    fn extent_node(&mut self, bytes: &[u8], block: u64, depth: Option<u16>) -> Flow {
        const WHAT: &str = "a file's extent tree";
        let at = self.device.byte_of(block);
        let head = || Some((u16_at(bytes, 0)?, u16_at(bytes, 2)?, u16_at(bytes, 6)?));
        let Some((EXTENT_MAGIC, entries, own_depth)) = head() else {
            let found = u16_at(bytes, 0).unwrap_or(0);
            return Err(GuestError::damaged(
                WHAT,
                at,
                "0xf30a",
                format!("{found:#06x}"),
            ));
        };
        if own_depth > DEPTH_MAX || depth.is_some_and(|depth| depth != own_depth) {
            return Err(GuestError::damaged(
                WHAT,
                at,
                "a level less than above it",
                own_depth,
            ));
        }
        let all = bytes.chunks_exact(ENTRY_BYTES).skip(1);
        for entry in all.take(entries.into()) {
            let flow = match own_depth.checked_sub(1) {
                None => self.extent(entry, at)?,
                Some(below) => {
                    let child = u64::from(u32_at(entry, 4).unwrap_or(0))
                        | u64::from(u16_at(entry, 8).unwrap_or(0)) << 32;
                    let node = self.node(child, WHAT)?;
                    if (self.each)(ExtMapPart::Node(child)).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    self.extent_node(&node, child, Some(below))?
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn extent(&mut self, entry: &[u8], at_bytes: u64) -> Flow {
        let length = u16_at(entry, 4).unwrap_or(0);
        let (count, is_unwritten) = match length.checked_sub(UNWRITTEN) {
            Some(count) if count > 0 => (count, true),
            _ => (length, false),
        };
        let found = ExtExtent {
            at: u32_at(entry, 0).unwrap_or(0).into(),
            count: count.into(),
            block: u64::from(u32_at(entry, 8).unwrap_or(0))
                | u64::from(u16_at(entry, 6).unwrap_or(0)) << 32,
            is_unwritten,
        };
        self.add(found, at_bytes)
    }

    fn block_map(&mut self, root: &[u8; BLOCKS_BYTES]) -> Flow {
        for (index, pointer) in root.chunks_exact(4).enumerate() {
            let block = u32_at(pointer, 0).unwrap_or(0);
            let level = u32::try_from(index.saturating_sub(DIRECT.saturating_sub(1))).unwrap_or(0);
            if self.pointer(block, level, 0)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What a pointer leads to: a block of content, or `level` levels of blocks of pointers. 0 is a hole.
    fn pointer(&mut self, block: u32, level: u32, found_at: u64) -> Flow {
        let per_block = u64::from(self.device.superblock.block_bytes / 4);
        let Some(below) = level.checked_sub(1) else {
            let at = self.next;
            self.next = at.saturating_add(u64::from(block == 0));
            if block == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            let found = ExtExtent {
                at,
                count: 1,
                block: block.into(),
                is_unwritten: false,
            };
            return self.add(found, found_at);
        };
        if block == 0 {
            self.next = self.next.saturating_add(per_block.saturating_pow(level));
            return Ok(ControlFlow::Continue(()));
        }
        let node = self.node(block.into(), "a file's block map")?;
        if (self.each)(ExtMapPart::Node(block.into())).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let at = self.device.byte_of(block.into());
        for pointer in node.chunks_exact(4) {
            let pointer = u32_at(pointer, 0).unwrap_or(0);
            if self.pointer(pointer, below, at)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn add(&mut self, found: ExtExtent, at_bytes: u64) -> Flow {
        const WHAT: &str = "a file's list of blocks";
        let most = self.device.superblock.blocks;
        let end = found.block.checked_add(found.count);
        if found.count == 0 || end.is_none_or(|end| end > most) {
            let (block, count) = (found.block, found.count);
            return Err(GuestError::damaged(
                WHAT,
                at_bytes,
                format!("blocks below {most}"),
                format!("{count} from {block} on"),
            ));
        }
        if found.at < self.next {
            return Err(GuestError::damaged(
                WHAT,
                at_bytes,
                "blocks in order",
                found.at,
            ));
        }
        self.next = found.at.saturating_add(found.count);
        if let Some(last) = &mut self.pending
            && last.at.saturating_add(last.count) == found.at
            && last.block.saturating_add(last.count) == found.block
            && last.is_unwritten == found.is_unwritten
        {
            last.count = last.count.saturating_add(found.count);
            return Ok(ControlFlow::Continue(()));
        }
        let flow = self.flush()?;
        self.pending = Some(found);
        Ok(flow)
    }

    fn flush(&mut self) -> Flow {
        let Some(blocks) = self.pending.take() else {
            return Ok(ControlFlow::Continue(()));
        };
        self.runs = self.runs.saturating_add(1);
        if self.runs > RUNS_MAX {
            return Err(GuestError::TooLarge {
                what: "the list of a file's runs",
                limit: RUNS_MAX as u64,
            });
        }
        Ok((self.each)(ExtMapPart::Blocks(blocks)))
    }
}
