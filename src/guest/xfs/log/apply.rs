//! Lays committed transactions over a volume, in the order in which the kernel does.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::inode_item::{self, InodeFormat};
use super::item::{Buffer, BufferPlace, ItemKind, ItemOperation, LogItem, NewInodes};
use super::record::{BLOCK_BYTES, Lsn};
use super::transaction::LogTransaction;
use super::{UnusableLog, XfsReplay};
use crate::format::bytes::{be16_at, be64_at};
use crate::guest::filesystem::GuestError;
use crate::guest::inodes::reader::announce;
use crate::guest::xfs::chunks;
use crate::guest::xfs::device::XfsDevice;
use crate::guest::xfs::inode::{CORE_BYTES, MAGIC as INODE_MAGIC};
use crate::source::{PatchedSource, Source};

/// Buffers are logged in pieces of this many bytes.
const PIECE_BYTES: u64 = 128;
/// Enough of a block to find its log position.
const HEAD_BYTES: usize = 352;
/// Most buffers that are kept as cancelled.
const CANCELLED_MAX: usize = 1 << 20;

/// Most places of the volume that are announced.
const LOOKED_AT_MAX: usize = 1 << 16;

/// Where kinds of blocks keep the log position of their last write, and the volume's id, by their first four bytes.
const POSITIONS: [([u8; 4], usize, usize); 13] = [
    (*b"XFSB", 240, 32),
    (*b"XAGF", 208, 64),
    (*b"XAGI", 320, 296),
    (*b"XAFL", 24, 8),
    (*b"AB3B", 24, 32),
    (*b"AB3C", 24, 32),
    (*b"IAB3", 24, 32),
    (*b"FIB3", 24, 32),
    (*b"RMB3", 24, 32),
    (*b"R3FC", 24, 32),
    (*b"BMA3", 32, 40),
    (*b"XDB3", 16, 24),
    (*b"XDD3", 16, 24),
];
/// The same of a symbolic link's target, of a directory's free list, and of a large attribute.
const MORE_POSITIONS: [([u8; 4], usize, usize); 3] =
    [(*b"XSLM", 48, 16), (*b"XDF3", 16, 24), (*b"XARM", 48, 16)];
/// Blocks of directories and attributes that are trees of hashes say what they are at byte 8.
const HASH_TREE_MAGICS: [u16; 4] = [0x3df1, 0x3dff, 0x3ebe, 0x3bee];
const HASH_TREE_POSITION: (usize, usize) = (24, 32);

/// What has been laid so far.
pub struct Applied<'a> {
    device: &'a XfsDevice,
    patched: PatchedSource<Arc<dyn Source>>,
    is_empty: bool,
    /// Buffers that were cancelled, and how often.
    cancelled: HashMap<BufferPlace, u32>,
    /// What pass 2 looks at on the volume.
    looked_at: Vec<Range<u64>>,
    /// What was begun and not finished: extents that are being freed.
    begun: HashMap<(ItemOperation, u64), Vec<(u64, u64)>>,
}

impl<'a> Applied<'a> {
    pub fn new(device: &'a XfsDevice) -> Self {
        Self {
            device,
            patched: PatchedSource::new(Arc::clone(&device.source)),
            is_empty: true,
            cancelled: HashMap::new(),
            looked_at: Vec::new(),
            begun: HashMap::new(),
        }
    }

    /// Pass 1: which buffers were cancelled, and where things lie.
    pub fn note(&mut self, transaction: &LogTransaction) {
        let places = transaction.items.iter().filter_map(|item| match item.kind {
            ItemKind::Inode => self.device.inode_place(InodeFormat::parse(item)?.inode),
            ItemKind::Buffer => {
                let start = item.buffer()?.place.block.checked_mul(BLOCK_BYTES)?;
                Some(start..start.checked_add(HEAD_BYTES as u64)?)
            }
            _ => None,
        });
        let room = LOOKED_AT_MAX.saturating_sub(self.looked_at.len());
        self.looked_at.extend(places.take(room));
        let buffers = transaction
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Buffer);
        for buffer in buffers
            .filter_map(LogItem::buffer)
            .filter(Buffer::is_cancelled)
        {
            if self.cancelled.len() < CANCELLED_MAX {
                let count = self.cancelled.entry(buffer.place).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Says that what pass 2 looks at will be read.
    pub fn announce(&mut self) {
        let places = std::mem::take(&mut self.looked_at);
        announce(&self.device.source, places.into_iter());
    }

    /// Pass 2: buffers and new inodes, then inodes, then the ends of cancelled buffers.
    pub fn apply(&mut self, transaction: &LogTransaction) -> Result<(), UnusableLog> {
        let lsn = transaction.lsn;
        for item in &transaction.items {
            match item.kind {
                ItemKind::Buffer => self.buffer(item, lsn)?,
                ItemKind::NewInodes => self.new_inodes(item)?,
                _ => {}
            }
        }
        for item in &transaction.items {
            let id = item.intent_id();
            match item.kind {
                ItemKind::Inode => self.inode(item, lsn)?,
                ItemKind::Intent(operation) => {
                    self.begun.insert((operation, id), item.freed());
                }
                ItemKind::Done(operation) => {
                    self.begun.remove(&(operation, id));
                }
                _ => {}
            }
        }
        let buffers = transaction
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Buffer);
        for buffer in buffers
            .filter_map(LogItem::buffer)
            .filter(Buffer::is_cancelled)
        {
            if let Some(count) = self.cancelled.get_mut(&buffer.place) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.cancelled.remove(&buffer.place);
                }
            }
        }
        Ok(())
    }

    pub fn finish(self) -> XfsReplay {
        let is_begun = |wanted: fn(ItemOperation) -> bool| {
            self.begun.keys().any(|(operation, _)| wanted(*operation))
        };
        let owners_lag = is_begun(|operation| operation == ItemOperation::Owners);
        let is_cut = is_begun(|operation| matches!(operation, ItemOperation::Content(_)));
        let freed = self.begun.iter();
        let freed = freed.filter(|((operation, _), _)| *operation == ItemOperation::FreeExtents);
        XfsReplay {
            freeing: freed.flat_map(|(_, extents)| extents.clone()).collect(),
            owners_lag,
            cut: is_cut.then_some(UnusableLog::Unfinished),
            patched: (!self.is_empty).then_some(self.patched),
        }
    }

    fn lay(&mut self, at: u64, bytes: &[u8]) -> Result<(), UnusableLog> {
        self.is_empty = false;
        Ok(self.patched.lay_bytes(at, bytes)?)
    }

    /// The bytes of a buffer on the volume, if it lies on it.
    fn place(&self, place: BufferPlace) -> Result<Range<u64>, UnusableLog> {
        let start = place.block.checked_mul(BLOCK_BYTES);
        let len = place.blocks.checked_mul(BLOCK_BYTES);
        start
            .zip(len)
            .and_then(|(start, len)| Some(start..start.checked_add(len)?))
            .filter(|range| range.end <= self.patched.len())
            .ok_or(UnusableLog::Transaction("a buffer outside the volume"))
    }

    fn buffer(&mut self, item: &LogItem, lsn: Lsn) -> Result<(), UnusableLog> {
        let buffer = item.buffer();
        let buffer = buffer.ok_or(UnusableLog::Transaction("a buffer without its map"))?;
        if buffer.is_cancelled()
            || buffer.is_of_inodes()
            || buffer.is_of_quota()
            || self.cancelled.contains_key(&buffer.place)
        {
            return Ok(());
        }
        let place = self.place(buffer.place)?;
        if self.is_written_since(&place, lsn)? {
            return Ok(());
        }
        let runs = buffer.runs();
        for (index, (first, count)) in (1..).zip(runs) {
            let at = first
                .saturating_mul(PIECE_BYTES)
                .saturating_add(place.start);
            let len = count
                .saturating_mul(PIECE_BYTES)
                .min(place.end.saturating_sub(at));
            let region = item.region(index);
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(region.len());
            self.lay(at, region.get(..len).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Whether a buffer was written to its place with this change, or a later one, in it.
    fn is_written_since(&self, place: &Range<u64>, lsn: Lsn) -> Result<bool, UnusableLog> {
        let len = place.end.saturating_sub(place.start);
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(HEAD_BYTES);
        let mut head = vec![0; len];
        self.patched
            .read_exact_at(&mut head, place.start)
            .map_err(GuestError::read("a logged block", place.start))?;
        let magic: Option<[u8; 4]> = head.first_chunk().copied();
        let hash_tree = be16_at(&head, 8).filter(|magic| HASH_TREE_MAGICS.contains(magic));
        let position = POSITIONS
            .iter()
            .chain(&MORE_POSITIONS)
            .find(|(kind, ..)| Some(*kind) == magic)
            .map(|(_, lsn_at, id_at)| (*lsn_at, *id_at))
            .or_else(|| hash_tree.map(|_| HASH_TREE_POSITION));
        let Some((lsn_at, id_at)) = position else {
            return Ok(false);
        };
        let superblock = &self.device.superblock;
        let id = head.get(id_at..).and_then(<[u8]>::first_chunk);
        let wanted = match magic {
            Some(kind) if kind == *b"XFSB" => &superblock.uuid,
            _ => &superblock.meta_uuid,
        };
        let written = be64_at(&head, lsn_at).unwrap_or(0);
        Ok(id == Some(wanted) && written != 0 && written != u64::MAX && written >= lsn.0)
    }

    fn new_inodes(&mut self, item: &LogItem) -> Result<(), UnusableLog> {
        const BAD: UnusableLog = UnusableLog::Transaction("new inodes that cannot be");
        let found = item.new_inodes().ok_or(BAD)?;
        let NewInodes {
            group,
            block,
            count,
            inode_bytes,
            blocks,
            generation,
        } = found;
        let start = self.device.byte_in_group(group, block).ok_or(BAD)?;
        let len = u64::from(blocks).saturating_mul(self.device.superblock.block_bytes.into());
        let end = start.saturating_add(len);
        let fits = inode_bytes == u32::from(self.device.superblock.inode_bytes)
            && count <= chunks::INODES
            && u64::from(count).saturating_mul(inode_bytes.into()) <= len
            && end <= self.patched.len();
        if !fits {
            return Err(BAD);
        }
        let blocks = start / BLOCK_BYTES..end / BLOCK_BYTES;
        if self
            .cancelled
            .keys()
            .any(|place| blocks.contains(&place.block))
        {
            return Ok(());
        }
        let log = self.device.superblock.inodes_per_block_log;
        let first = block.checked_shl(log.into()).ok_or(BAD)?;
        for index in 0..count {
            let number = self.device.inode_number(group, first.saturating_add(index));
            let core = self.new_core(number, generation);
            let skip = u64::from(index).saturating_mul(inode_bytes.into());
            self.lay(start.saturating_add(skip), &core)?;
        }
        Ok(())
    }

    /// The core of an inode that holds no file.
    fn new_core(&self, number: u64, generation: u32) -> Vec<u8> {
        const VERSION: u8 = 3;
        let mut core = vec![0; CORE_BYTES];
        let fields: [(usize, &[u8]); 6] = [
            (0, &INODE_MAGIC.to_be_bytes()),
            (4, &[VERSION]),
            (92, &generation.to_be_bytes()),
            (96, &u32::MAX.to_be_bytes()),
            (152, &number.to_be_bytes()),
            (160, &self.device.superblock.meta_uuid),
        ];
        for (at, value) in fields {
            if let Some(field) = core.get_mut(at..at.saturating_add(value.len())) {
                field.copy_from_slice(value);
            }
        }
        core
    }

    fn inode(&mut self, item: &LogItem, lsn: Lsn) -> Result<(), UnusableLog> {
        const BAD: UnusableLog = UnusableLog::Transaction("an inode that cannot be");
        let format = InodeFormat::parse(item).ok_or(BAD)?;
        let buffer = BufferPlace {
            block: format.buffer_block,
            blocks: format.buffer_blocks,
        };
        if self.cancelled.contains_key(&buffer) {
            return Ok(());
        }
        let place = self.device.inode_place(format.inode).ok_or(BAD)?;
        let mut stored = vec![0; usize::from(self.device.superblock.inode_bytes)];
        self.patched
            .read_exact_at(&mut stored, place.start)
            .map_err(GuestError::read("an inode", place.start))?;
        if inode_item::lay(item, &format, lsn, &mut stored).ok_or(BAD)? {
            self.lay(place.start, &stored)?;
        }
        Ok(())
    }
}
