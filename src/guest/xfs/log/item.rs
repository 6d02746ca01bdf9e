//! Items of a transaction: one changed thing each, as regions of bytes, the first of which says what it is. Its numbers
//! are in the byte order of the machine that wrote it, little-endian here.

use crate::format::bytes::{be32_at, u16_at, u32_at, u64_at};

/// Most regions of one item.
const REGIONS_MAX: u16 = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    Buffer,
    Inode,
    /// New inodes that hold no file.
    NewInodes,
    /// An operation in several steps that is begun.
    Intent(ItemOperation),
    /// One that is finished.
    Done(ItemOperation),
    Other,
}

/// Operations in several steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemOperation {
    FreeExtents,
    Owners,
    References,
    /// A file's map, an exchange of files' extents, attributes.
    Content(u16),
}

impl ItemKind {
    fn of(kind: u16) -> Self {
        match kind {
            0x1236 | 0x124a => Self::Intent(ItemOperation::FreeExtents),
            0x1237 | 0x124b => Self::Done(ItemOperation::FreeExtents),
            0x123b => Self::Inode,
            0x123c => Self::Buffer,
            0x123f => Self::NewInodes,
            0x1240 | 0x124c => Self::Intent(ItemOperation::Owners),
            0x1241 | 0x124d => Self::Done(ItemOperation::Owners),
            0x1242 | 0x124e => Self::Intent(ItemOperation::References),
            0x1243 | 0x124f => Self::Done(ItemOperation::References),
            0x1244 | 0x1246 | 0x1248 => Self::Intent(ItemOperation::Content(kind)),
            0x1245 | 0x1247 | 0x1249 => Self::Done(ItemOperation::Content(kind.saturating_sub(1))),
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogItem {
    pub kind: ItemKind,
    regions_wanted: u16,
    regions: Vec<Vec<u8>>,
}

impl LogItem {
    /// An item by its first region; `None` if that is too short or claims too many.
    pub fn new(format: &[u8]) -> Option<Self> {
        let regions_wanted = u16_at(format, 2)?;
        if !(1..=REGIONS_MAX).contains(&regions_wanted) {
            return None;
        }
        Some(Self {
            kind: ItemKind::of(u16_at(format, 0)?),
            regions_wanted,
            regions: vec![format.to_vec()],
        })
    }

    pub fn is_whole(&self) -> bool {
        self.regions.len() >= usize::from(self.regions_wanted)
    }

    pub fn add(&mut self, region: &[u8]) {
        self.regions.push(region.to_vec());
    }

    /// Makes the last region longer.
    pub fn extend(&mut self, bytes: &[u8]) {
        if let Some(last) = self.regions.last_mut() {
            last.extend_from_slice(bytes);
        }
    }

    pub fn bytes(&self) -> usize {
        self.regions.iter().map(Vec::len).sum()
    }

    pub fn region(&self, index: usize) -> &[u8] {
        self.regions
            .get(index)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn format(&self) -> &[u8] {
        self.region(0)
    }

    /// What an intent and its end name each other by.
    pub fn intent_id(&self) -> u64 {
        u64_at(self.format(), 8).unwrap_or(0)
    }

    /// The extents that an intent to free says: first blocks and counts.
    pub fn freed(&self) -> Vec<(u64, u64)> {
        let format = self.format();
        let count = u32_at(format, 4).unwrap_or(0) as usize;
        let extents = format.get(16..).unwrap_or_default();
        // Machines of 32 bits leave out the four bytes behind each count.
        let step = if extents.len() >= count.saturating_mul(16) {
            16
        } else {
            12
        };
        let extents = extents.chunks_exact(step).take(count);
        extents
            .filter_map(|extent| Some((u64_at(extent, 0)?, u32_at(extent, 8)?.into())))
            .collect()
    }

    pub fn buffer(&self) -> Option<Buffer<'_>> {
        const MAP_AT: usize = 20;
        let format = self.format();
        let words = u32_at(format, 16)? as usize;
        let end = MAP_AT.checked_add(words.checked_mul(4)?)?;
        Some(Buffer {
            place: BufferPlace {
                block: u64_at(format, 8)?,
                blocks: u16_at(format, 6)?.into(),
            },
            flags: u16_at(format, 4)?,
            map: format.get(MAP_AT..end)?,
        })
    }

    pub fn new_inodes(&self) -> Option<NewInodes> {
        let format = self.format();
        Some(NewInodes {
            group: be32_at(format, 4)?,
            block: be32_at(format, 8)?,
            count: be32_at(format, 12)?,
            inode_bytes: be32_at(format, 16)?,
            blocks: be32_at(format, 20)?,
            generation: be32_at(format, 24)?,
        })
    }
}

/// Where a buffer lies on the volume, in blocks of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferPlace {
    pub block: u64,
    pub blocks: u64,
}

/// A buffer of which pieces of 128 bytes were logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer<'a> {
    pub place: BufferPlace,
    flags: u16,
    map: &'a [u8],
}

impl Buffer<'_> {
    /// Only the list of unlinked inodes changed in it.
    pub fn is_of_inodes(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// Its blocks were freed: what was logged of them before does not count.
    pub fn is_cancelled(&self) -> bool {
        self.flags & 0x2 != 0
    }

    pub fn is_of_quota(&self) -> bool {
        self.flags & 0x1c != 0
    }

    /// Runs of pieces: the first, and how many.
    pub fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let bits = self
            .map
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        for (index, _) in (0u64..).zip(bits).filter(|(_, is_set)| *is_set) {
            match runs.last_mut() {
                Some((first, count)) if first.saturating_add(*count) == index => {
                    *count = count.saturating_add(1);
                }
                _ => runs.push((index, 1)),
            }
        }
        runs
    }
}

/// A piece of a group that was made into inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewInodes {
    pub group: u32,
    pub block: u32,
    pub count: u32,
    pub inode_bytes: u32,
    pub blocks: u32,
    pub generation: u32,
}
