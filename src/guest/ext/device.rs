//! Blocks of a volume, read within what its superblock says.

use std::ops::Range;
use std::sync::Arc;

use super::group::{BlockGroup, descriptor_block_at};
use super::superblock::{self, ExtSuperblock};
use crate::guest::filesystem::GuestError;
use crate::guest::inodes::reader::InodeReader;
use crate::source::{Source, read_up_to};

/// A volume as numbered blocks, its superblock and its groups.
#[derive(Debug)]
pub struct ExtDevice {
    pub source: Arc<dyn Source>,
    pub superblock: ExtSuperblock,
    pub groups: Vec<BlockGroup>,
    inode_reader: InodeReader,
}

impl ExtDevice {
    pub fn open(source: Arc<dyn Source>) -> Result<Self, GuestError> {
        let at = superblock::AT_BYTES;
        let bytes = read_up_to(&source, at, superblock::BYTES)
            .map_err(GuestError::read("the superblock", at))?;
        let superblock = ExtSuperblock::parse(&bytes).ok_or_else(|| {
            GuestError::damaged("the superblock", at, "sizes that fit each other", "others")
        })?;
        let mut device = Self {
            source,
            superblock,
            groups: Vec::new(),
            inode_reader: InodeReader::default(),
        };
        device.groups = device.read_groups()?;
        Ok(device)
    }

    fn read_groups(&self) -> Result<Vec<BlockGroup>, GuestError> {
        let superblock = &self.superblock;
        let count = superblock.groups();
        let bytes = count.saturating_mul(superblock.descriptor_bytes.into());
        if bytes > self.source.len() {
            let blocks = superblock.blocks;
            return Err(GuestError::damaged(
                "the superblock",
                superblock::AT_BYTES,
                "as many blocks as the volume holds",
                blocks,
            ));
        }
        let mut groups = Vec::new();
        for index in 0..superblock.descriptor_blocks() {
            let block = self.block(
                descriptor_block_at(superblock, index),
                "the group descriptors",
            )?;
            let left = count.saturating_sub(groups.len() as u64);
            let take = usize::try_from(left).unwrap_or(usize::MAX);
            let found = block
                .chunks_exact(superblock.descriptor_bytes.into())
                .take(take)
                .filter_map(|bytes| BlockGroup::parse(bytes, superblock));
            groups.extend(found);
        }
        Ok(groups)
    }

    /// Where a block begins, in bytes.
    pub fn byte_of(&self, block: u64) -> u64 {
        block.saturating_mul(self.superblock.block_bytes.into())
    }

    /// Reads one block of the structure `what`.
    pub fn block(&self, block: u64, what: &'static str) -> Result<Vec<u8>, GuestError> {
        let at = self.byte_of(block);
        let len = self.superblock.block_bytes;
        if block >= self.superblock.blocks {
            let most = self.superblock.blocks;
            return Err(GuestError::damaged(
                what,
                at,
                format!("a block below {most}"),
                block,
            ));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.source
            .read_exact_at(&mut bytes, at)
            .map_err(GuestError::read(what, at))?;
        Ok(bytes)
    }

    /// The bytes of the volume that hold those inodes of a group that were ever used.
    pub fn inode_table(&self, group: usize) -> Range<u64> {
        let Some(group) = self.groups.get(group) else {
            return 0..0;
        };
        let start = self.byte_of(group.inode_table);
        let bytes = u64::from(group.inodes_used).saturating_mul(self.superblock.inode_bytes.into());
        start..start.saturating_add(bytes)
    }

    /// The bytes of an inode; `None` if there is none of this number, or it was never used.
    pub fn inode_bytes(&self, number: u32) -> Result<Option<Vec<u8>>, GuestError> {
        let Some(place) = self.inode_place(number) else {
            return Ok(None);
        };
        let block_bytes = self.superblock.block_bytes;
        let read = self.inode_reader.read(&self.source, &place, block_bytes)?;
        Ok(Some(read))
    }

    /// Says that these inodes will be read.
    pub fn will_read_inodes(&self, numbers: &[u64]) {
        let numbers = numbers
            .iter()
            .filter_map(|number| u32::try_from(*number).ok());
        let places = numbers.filter_map(|number| self.inode_place(number));
        self.inode_reader.will_read(&self.source, places);
    }

    fn inode_place(&self, number: u32) -> Option<Range<u64>> {
        let index = number
            .checked_sub(1)
            .filter(|_| number <= self.superblock.inodes)?;
        let group = index.checked_div(self.superblock.inodes_per_group)?;
        let within = index.checked_rem(self.superblock.inodes_per_group)?;
        let table = self.inode_table(usize::try_from(group).ok()?);
        let bytes = u64::from(self.superblock.inode_bytes);
        let start = table.start.checked_add(bytes.checked_mul(within.into())?)?;
        let end = start.checked_add(bytes).filter(|end| *end <= table.end)?;
        Some(start..end)
    }
}
