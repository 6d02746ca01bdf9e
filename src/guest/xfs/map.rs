//! Where a fork's blocks lie: a list of extents, or a B+tree of them (XFS Algorithms & Data Structures, "Data Extents").

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::device::{XfsDevice, outside};
use super::inode::{Fork, ForkKind};
use crate::format::bytes::{be16_at, be32_at, be64_at};
use crate::guest::filesystem::{GuestError, RUNS_MAX};

const WHAT: &str = "a file's list of blocks";
const NODE_MAGIC: u32 = 0x424d_4133;
const NODE_HEADER_BYTES: usize = 72;
const ROOT_HEADER_BYTES: usize = 4;
const RECORD_BYTES: usize = 16;
/// Bytes of a key, and of a pointer.
const KEY_BYTES: usize = 8;
const ENTRY_BYTES: usize = 16;
const LEVELS_MAX: u16 = 9;

/// What a fork's map is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XfsMapPart {
    /// Blocks of content, in the order of the content.
    Blocks(XfsExtent),
    /// A block of the tree itself.
    Node(u64),
}

/// Blocks that follow each other in the content and on the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XfsExtent {
    /// The first of them in the content.
    pub at: u64,
    pub count: u64,
    /// The first of them, numbered over all groups.
    pub block: u64,
    /// Set aside and never written: they read as zeros.
    pub is_unwritten: bool,
}

impl XfsExtent {
    /// Reads one of the records, which are packed into 16 bytes.
    fn parse(record: &[u8]) -> Option<Self> {
        let (high, low) = (be64_at(record, 0)?, be64_at(record, 8)?);
        Some(Self {
            at: high << 1 >> 10,
            count: low & 0x1f_ffff,
            block: (high & 0x1ff) << 43 | low >> 21,
            is_unwritten: high >> 63 == 1,
        })
    }
}

/// Goes through a fork's map in the order of the content; stops at a break. Holes are left out.
pub fn walk(
    device: &XfsDevice,
    fork: &Fork,
    each: &mut dyn FnMut(XfsMapPart) -> ControlFlow<()>,
) -> Result<(), GuestError> {
    let mut walk = ForkWalk {
        device,
        each,
        next: 0,
        nodes: HashSet::new(),
        runs: 0,
    };
    match fork.kind {
        ForkKind::Device | ForkKind::Local => {}
        ForkKind::Extents => {
            let count = usize::try_from(fork.extents).unwrap_or(usize::MAX);
            let _ = walk.records(&fork.bytes, count)?;
        }
        ForkKind::BTree => {
            let level = be16_at(&fork.bytes, 0).unwrap_or(0);
            let count = be16_at(&fork.bytes, 2).unwrap_or(0);
            let entries = fork.bytes.get(ROOT_HEADER_BYTES..).unwrap_or_default();
            if level == 0 || level > LEVELS_MAX {
                return Err(GuestError::damaged(WHAT, 0, "1 to 9 levels", level));
            }
            let _ = walk.pointers(entries, count, level)?;
        }
    }
    Ok(())
}

type Flow = Result<ControlFlow<()>, GuestError>;

struct ForkWalk<'a> {
    device: &'a XfsDevice,
    each: &'a mut dyn FnMut(XfsMapPart) -> ControlFlow<()>,
    /// The first block of the content that is not seen yet: blocks come in order, so that nothing is seen twice.
    next: u64,
    nodes: HashSet<u64>,
    runs: usize,
}

impl ForkWalk<'_> {
    /// The children of a node of `level`, whose keys come before its pointers.
    fn pointers(&mut self, entries: &[u8], count: u16, level: u16) -> Flow {
        let room = entries.len() / ENTRY_BYTES;
        let pointers = entries
            .get(room.saturating_mul(KEY_BYTES)..)
            .unwrap_or_default();
        if usize::from(count) > room {
            return Err(GuestError::damaged(
                WHAT,
                0,
                format!("up to {room} entries"),
                count,
            ));
        }
        for pointer in pointers.chunks_exact(KEY_BYTES).take(count.into()) {
            let block = be64_at(pointer, 0).unwrap_or(u64::MAX);
            if self.node(block, level.saturating_sub(1))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn node(&mut self, block: u64, level: u16) -> Flow {
        let at = self
            .device
            .bytes_of(block, 1)
            .map_or(0, |bytes| bytes.start);
        if !self.nodes.insert(block) {
            let expected = "a block that is named once";
            return Err(GuestError::damaged(WHAT, at, expected, "a second mention"));
        }
        let bytes = self.device.block(block, WHAT)?;
        let found = (be32_at(&bytes, 0), be16_at(&bytes, 4));
        if found != (Some(NODE_MAGIC), Some(level)) {
            let expected = format!("BMA3 of level {level}");
            return Err(GuestError::damaged(
                WHAT,
                at,
                expected,
                format!("{found:x?}"),
            ));
        }
        if (self.each)(XfsMapPart::Node(block)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let count = be16_at(&bytes, 6).unwrap_or(0);
        let entries = bytes.get(NODE_HEADER_BYTES..).unwrap_or_default();
        match level {
            0 => self.records(entries, count.into()),
            level => self.pointers(entries, count, level),
        }
    }

    fn records(&mut self, records: &[u8], count: usize) -> Flow {
        let room = records.len() / RECORD_BYTES;
        if count > room {
            return Err(GuestError::damaged(
                WHAT,
                0,
                format!("up to {room} extents"),
                count,
            ));
        }
        for record in records.chunks_exact(RECORD_BYTES).take(count) {
            let Some(blocks) = XfsExtent::parse(record) else {
                continue;
            };
            if self.device.bytes_of(blocks.block, blocks.count).is_none() {
                return Err(outside(WHAT, blocks.block));
            }
            if blocks.at < self.next {
                return Err(GuestError::damaged(WHAT, 0, "blocks in order", blocks.at));
            }
            self.next = blocks.at.saturating_add(blocks.count);
            self.runs = self.runs.saturating_add(1);
            if self.runs > RUNS_MAX {
                return Err(GuestError::TooLarge {
                    what: "the list of a file's runs",
                    limit: RUNS_MAX as u64,
                });
            }
            if (self.each)(XfsMapPart::Blocks(blocks)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_packed_into_128_bits() {
        let (at, count, block) = (0x3f_ffff_ffff_ffffu64, 0x1f_fffe, 0xf_1234_5678_9abc_u64);
        let high = 1 << 63 | at << 9 | block >> 43;
        let low = block << 21 | count;
        let record = [high.to_be_bytes(), low.to_be_bytes()].concat();
        let blocks = XfsExtent {
            at,
            count,
            block,
            is_unwritten: true,
        };
        assert_eq!(XfsExtent::parse(&record), Some(blocks));
    }
}
