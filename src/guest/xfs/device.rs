//! Blocks of an XFS volume, by the three ways they are numbered: in their group, over all groups, and by inode.

use std::ops::Range;
use std::sync::Arc;

use super::superblock::{self, XfsSuperblock};
use crate::guest::filesystem::GuestError;
use crate::guest::inodes::reader::{InodeReader, announce};
use crate::source::{Source, read_up_to};

#[derive(Debug)]
pub struct XfsDevice {
    pub source: Arc<dyn Source>,
    pub superblock: XfsSuperblock,
    inode_reader: InodeReader,
}

impl XfsDevice {
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let bytes = read_up_to(&source, 0, superblock::BYTES)
            .map_err(GuestError::read("the superblock", 0))?;
        let superblock =
            XfsSuperblock::parse(&bytes).map_err(|why| GuestError::Unsupported(why.to_string()))?;
        Ok(Self {
            source,
            superblock,
            inode_reader: InodeReader::default(),
        })
    }

    /// Refuses a superblock with a wrong checksum. One that a log was laid over keeps the checksum it had before.
    pub fn check_superblock(&self) -> Result<(), GuestError> {
        const WHAT: &str = "the superblock";
        let sector = self.read(0, self.superblock.sector_bytes.into(), WHAT)?;
        if XfsSuperblock::is_checksum_right(&sector) {
            Ok(())
        } else {
            Err(GuestError::damaged(
                WHAT,
                0,
                "the right checksum",
                "another",
            ))
        }
    }

    /// Where a block of a group begins, in bytes; `None` if the group has no such block.
    pub fn byte_in_group(&self, group: u32, block: u32) -> Option<u64> {
        if group >= self.superblock.groups || block >= self.superblock.group_blocks {
            return None;
        }
        let before = u64::from(group).checked_mul(self.superblock.group_blocks.into())?;
        let block = before.checked_add(block.into())?;
        let byte = block.checked_mul(self.superblock.block_bytes.into())?;
        (block < self.superblock.blocks).then_some(byte)
    }

    /// Splits a block's number over all groups into group and block.
    pub fn split(&self, block: u64) -> (u32, u32) {
        let log = u32::from(self.superblock.group_block_log);
        let group = block.checked_shr(log).unwrap_or(0);
        let mask = 1u64.checked_shl(log).unwrap_or(0).wrapping_sub(1);
        (
            u32::try_from(group).unwrap_or(u32::MAX),
            u32::try_from(block & mask).unwrap_or(u32::MAX),
        )
    }

    /// The bytes of `count` blocks, numbered over all groups, that lie in one group.
    pub fn bytes_of(&self, first: u64, count: u64) -> Option<Range<u64>> {
        let (group, block) = self.split(first);
        let last = count
            .checked_sub(1)
            .and_then(|more| u64::from(block).checked_add(more))?;
        let start = self.byte_in_group(group, block)?;
        let last = self.byte_in_group(group, u32::try_from(last).ok()?)?;
        Some(start..last.checked_add(self.superblock.block_bytes.into())?)
    }

    fn block_bytes(&self) -> usize {
        usize::try_from(self.superblock.block_bytes).unwrap_or(0)
    }

    pub fn read(&self, at: u64, len: usize, what: &'static str) -> Result<Vec<u8>, GuestError> {
        let mut bytes = vec![0; len];
        self.source
            .read_exact_at(&mut bytes, at)
            .map_err(GuestError::read(what, at))?;
        Ok(bytes)
    }

    /// Reads one block, numbered over all groups, of the structure `what`.
    pub fn block(&self, block: u64, what: &'static str) -> Result<Vec<u8>, GuestError> {
        let at = self
            .bytes_of(block, 1)
            .ok_or_else(|| outside(what, block))?;
        self.read(at.start, self.block_bytes(), what)
    }

    /// Reads one block of a group.
    pub fn group_block(
        &self,
        group: u32,
        block: u32,
        what: &'static str,
    ) -> Result<Vec<u8>, GuestError> {
        let at = self
            .byte_in_group(group, block)
            .ok_or_else(|| outside(what, block.into()))?;
        self.read(at, self.block_bytes(), what)
    }

    /// Says that these blocks will be read, each of a group.
    pub fn will_read_blocks(&self, blocks: impl Iterator<Item = (u32, u32)>) {
        let places = blocks.filter_map(|(group, block)| {
            let start = self.byte_in_group(group, block)?;
            Some(start..start.saturating_add(self.superblock.block_bytes.into()))
        });
        announce(&self.source, places);
    }

    /// The sector of a group that holds one of its four headers.
    fn header_place(&self, group: u32, sector: u64) -> Option<Range<u64>> {
        let sector_bytes = u64::from(self.superblock.sector_bytes);
        let start = self.byte_in_group(group, 0)?;
        let start = start.saturating_add(sector.saturating_mul(sector_bytes));
        Some(start..start.saturating_add(sector_bytes))
    }

    /// Reads the sector of a group that holds one of its four headers.
    pub fn group_header(
        &self,
        group: u32,
        sector: u64,
        what: &'static str,
    ) -> Result<Vec<u8>, GuestError> {
        let place = self
            .header_place(group, sector)
            .ok_or_else(|| outside(what, group.into()))?;
        self.read(place.start, self.superblock.sector_bytes.into(), what)
    }

    /// Says that this header of every group will be read.
    pub fn will_read_headers(&self, sector: u64) {
        let groups = 0..self.superblock.groups;
        let places = groups.filter_map(|group| self.header_place(group, sector));
        announce(&self.source, places);
    }

    /// The number of an inode from its group and its number there.
    pub fn inode_number(&self, group: u32, in_group: u32) -> u64 {
        let superblock = &self.superblock;
        let log = superblock
            .group_block_log
            .saturating_add(superblock.inodes_per_block_log);
        let group = u64::from(group).checked_shl(log.into()).unwrap_or(0);
        group | u64::from(in_group)
    }

    /// Splits an inode's number into its group and its number there.
    pub fn split_inode(&self, number: u64) -> (u32, u32) {
        let superblock = &self.superblock;
        let log = u32::from(superblock.group_block_log)
            .saturating_add(superblock.inodes_per_block_log.into());
        let group = number.checked_shr(log).unwrap_or(0);
        let mask = 1u64.checked_shl(log).unwrap_or(0).wrapping_sub(1);
        (
            u32::try_from(group).unwrap_or(u32::MAX),
            u32::try_from(number & mask).unwrap_or(u32::MAX),
        )
    }

    /// The bytes of the volume that hold an inode: its number is its place.
    pub fn inode_place(&self, number: u64) -> Option<Range<u64>> {
        let (group, in_group) = self.split_inode(number);
        let log = u32::from(self.superblock.inodes_per_block_log);
        let start = self.byte_in_group(group, in_group.checked_shr(log)?)?;
        let index = in_group & 1u32.checked_shl(log)?.wrapping_sub(1);
        let bytes = u64::from(self.superblock.inode_bytes);
        let start = start.checked_add(bytes.checked_mul(index.into())?)?;
        Some(start..start.checked_add(bytes)?)
    }

    /// The bytes of an inode; `None` if there is no such place.
    pub fn inode_bytes(&self, number: u64) -> Result<Option<Vec<u8>>, GuestError> {
        let Some(place) = self.inode_place(number) else {
            return Ok(None);
        };
        let block_bytes = self.superblock.block_bytes;
        let read = self.inode_reader.read(&self.source, &place, block_bytes)?;
        Ok(Some(read))
    }

    /// Says that these inodes will be read.
    pub fn will_read_inodes(&self, numbers: &[u64]) {
        let places = numbers
            .iter()
            .filter_map(|number| self.inode_place(*number));
        self.inode_reader.will_read(&self.source, places);
    }
}

/// A number that leads out of the volume.
pub fn outside(what: &'static str, block: u64) -> GuestError {
    GuestError::damaged(what, 0, "a block of the volume", block)
}
