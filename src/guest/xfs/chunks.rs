//! Which inodes a volume has: records of 64 of them, in one tree a group.

use super::btree::{self, TreePart};
use super::device::XfsDevice;
use super::group;
use crate::format::bytes::{be16_at, be32_at, be64_at};
use crate::guest::filesystem::GuestError;

/// Inodes of one record.
pub const INODES: u32 = 64;
/// Most records; 268 million inodes.
const CHUNKS_MAX: usize = 1 << 22;

/// 64 inodes whose numbers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The number of the first.
    pub first: u64,
    /// Bit 0: the first; set if no file uses it, or it does not exist.
    pub free: u64,
    /// Bit 0: the first four; set if they do not exist, their place being another's.
    pub holes: u16,
}

impl Chunk {
    fn parse(device: &XfsDevice, group: u32, record: &[u8]) -> Option<Self> {
        Some(Self {
            first: device.inode_number(group, be32_at(record, 0)?),
            holes: be16_at(record, 4)
                .filter(|_| device.superblock.has_sparse_inodes())
                .unwrap_or(0),
            free: be64_at(record, 8)?,
        })
    }

    /// Whether its inode of this index is in use.
    pub fn is_used(&self, index: u32) -> bool {
        let holes = u32::from(self.holes);
        let is_hole = holes.checked_shr(index / 4).unwrap_or(1) & 1 == 1;
        !is_hole && self.free.checked_shr(index).unwrap_or(1) & 1 == 0
    }
}

/// All chunks of a volume, by number.
#[derive(Debug, Clone, Default)]
pub struct InodeChunks(Vec<Chunk>);

impl InodeChunks {
    pub fn read(device: &XfsDevice) -> Result<Self, GuestError> {
        let mut all = Vec::new();
        for roots in group::all_inode_roots(device)? {
            let root = roots.all;
            btree::walk(device, btree::INODES, root, &mut |found| {
                if let TreePart::Record(record) = found
                    && all.len() < CHUNKS_MAX
                {
                    all.extend(Chunk::parse(device, root.group, record));
                }
            })?;
        }
        all.sort_by_key(|chunk: &Chunk| chunk.first);
        all.dedup_by_key(|chunk| chunk.first);
        Ok(Self(all))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Chunk> {
        self.0.iter()
    }

    /// The chunk that begins with this number.
    pub fn get(&self, first: u64) -> Option<&Chunk> {
        let index = self.0.binary_search_by_key(&first, |chunk| chunk.first);
        self.0.get(index.ok()?)
    }

    /// Whether an inode is in use.
    pub fn is_used(&self, number: u64) -> bool {
        let after = self.0.partition_point(|chunk| chunk.first <= number);
        let chunk = after.checked_sub(1).and_then(|index| self.0.get(index));
        chunk.is_some_and(|chunk| {
            let index = number.saturating_sub(chunk.first);
            u32::try_from(index).is_ok_and(|index| index < INODES && chunk.is_used(index))
        })
    }
}
