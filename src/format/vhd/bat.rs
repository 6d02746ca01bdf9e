//! Block allocation table: one big-endian sector number per block, all ones where the block is not here.
//!
//! A block is its sector bitmap, padded to whole sectors, with the data behind it. Padding of the table is never looked at.

use super::batmap::Batmap;
use super::codes;
use crate::finding::Finding;
use crate::format::block::{AllocationTable, BlockEntry, BlockState, TableAudit};
use crate::format::{BlockNo, FormatError};
use crate::source::Source;

/// An entry of a block that is not here.
const UNUSED: u32 = u32::MAX;
const ENTRY_BYTES: u64 = 4;
const SECTOR: u64 = super::SECTOR_BYTES as u64;
/// Places remembered at most to find overlaps: 32 MiB, enough for 8 TiB of blocks of 2 MiB.
const PLACES_MAX: u64 = 4 << 20;

/// What a block in use means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InUse {
    /// Dynamic: the block is all here; its bitmap says nothing a reader needs.
    Full,
    /// Differencing: the bitmap says which sectors are here.
    BitmapDecides,
}

/// What is needed to read any window of the table.
#[derive(Debug)]
pub struct VhdTableLayout {
    /// Position of the table, in bytes.
    pub offset: u64,
    /// Entries that can be used: as many as the disk has blocks, the header claims and the file holds.
    pub entries: u64,
    /// Blocks of the disk.
    pub blocks: u64,
    /// Block size without bitmap, in bytes: a power of two, 512 or more.
    pub block_size: u32,
    /// Size of the disk, in bytes.
    pub virtual_size: u64,
    /// End of what may hold blocks: where the footer at the end begins.
    pub data_end: u64,
    /// Position of the dynamic header, in bytes.
    pub header_at: u64,
    /// What a block in use means.
    pub in_use: InUse,
    /// XenServer's map of blocks that are wholly here, if it is valid.
    pub batmap: Option<Batmap>,
}

impl VhdTableLayout {
    /// Sectors of a whole block.
    pub fn sectors_per_block(&self) -> u64 {
        u64::from(self.block_size) >> 9
    }

    /// Length of a block's bitmap in bytes, without padding.
    pub fn bitmap_bytes(&self) -> u64 {
        self.sectors_per_block().div_ceil(8)
    }

    /// From a block's bitmap to its data, in bytes.
    fn data_after(&self) -> u64 {
        self.bitmap_bytes().next_multiple_of(SECTOR)
    }

    /// Room a whole block takes in the file, in bytes.
    fn stride(&self) -> u64 {
        self.data_after().saturating_add(u64::from(self.block_size))
    }

    /// Bytes of `block` that the disk has: all of it, less for the last.
    fn bytes_in_disk(&self, block: u64) -> u64 {
        let start = block.saturating_mul(u64::from(self.block_size));
        self.virtual_size
            .saturating_sub(start)
            .min(u64::from(self.block_size))
    }

    /// The bytes of at most `count` entries from `first` on, as many as the file holds, in one read.
    fn stored(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
    ) -> Result<Vec<u8>, FormatError> {
        let stored = self.entries.saturating_sub(first.0).min(count);
        let at = self
            .offset
            .saturating_add(first.0.saturating_mul(ENTRY_BYTES));
        let bytes = usize::try_from(stored.saturating_mul(ENTRY_BYTES)).unwrap_or(usize::MAX);
        let mut table = Vec::new();
        if bytes > 0 {
            source
                .append_exact_at(&mut table, bytes, at)
                .map_err(FormatError::read("block allocation table", at))?;
        }
        Ok(table)
    }

    fn decode(&self, sector: u32, block: u64, audit: Option<&mut TableAudit>) -> BlockEntry {
        if sector == UNUSED {
            return BlockEntry::default();
        }
        let bitmap_offset = u64::from(sector).saturating_mul(SECTOR);
        let data_offset = bitmap_offset.saturating_add(self.data_after());
        let at = self
            .offset
            .saturating_add(block.saturating_mul(ENTRY_BYTES));
        let fault = |code, text: &str, expected: String| {
            Finding::new(code, format!("block {block} {text}"))
                .at(at)
                .values(expected, format!("byte {bitmap_offset}"))
        };
        let wrong = if self.is_in_headers(bitmap_offset) {
            Some(&codes::BLOCK_IN_HEADER)
        } else if data_offset >= self.data_end {
            Some(&codes::BLOCK_PAST_END)
        } else {
            None
        };
        if let Some(code) = wrong {
            if let Some(audit) = audit {
                audit.note(code, BlockNo(block), || {
                    if std::ptr::eq(code, &raw const codes::BLOCK_IN_HEADER) {
                        fault(
                            code,
                            "lies over the file's headers or its table",
                            format!("past byte {}", self.table_end()),
                        )
                    } else {
                        fault(
                            code,
                            "lies past the end of the file",
                            format!("before byte {}", self.data_end),
                        )
                    }
                });
            }
            return BlockEntry {
                state: BlockState::Error,
                ..BlockEntry::default()
            };
        }
        if let Some(audit) = audit {
            let end = data_offset.saturating_add(self.bytes_in_disk(block));
            if end > self.data_end {
                audit.note(&codes::BLOCK_CUT, BlockNo(block), || {
                    fault(
                        &codes::BLOCK_CUT,
                        "is cut off by the end of the file",
                        format!("{} bytes more", end.saturating_sub(self.data_end)),
                    )
                });
            }
            self.check_overlap(block, bitmap_offset, audit, at);
        }
        let is_full = self.in_use == InUse::Full
            || self
                .batmap
                .as_ref()
                .is_some_and(|batmap| batmap.is_full(block));
        BlockEntry {
            state: if is_full {
                BlockState::Full
            } else {
                BlockState::Partial
            },
            data_offset,
            bitmap_offset,
        }
    }

    /// End of the table, in bytes, as far as it is used.
    fn table_end(&self) -> u64 {
        self.offset
            .saturating_add(self.entries.saturating_mul(ENTRY_BYTES))
    }

    /// True if a block at `start` would lie over the footer's copy, the dynamic header or the table.
    fn is_in_headers(&self, start: u64) -> bool {
        let end = start.saturating_add(self.stride());
        let over = |from: u64, to: u64| start < to && from < end;
        over(0, SECTOR)
            || over(
                self.header_at,
                self.header_at
                    .saturating_add(super::dynamic::HEADER_BYTES as u64),
            )
            || over(self.offset, self.table_end())
    }

    /// Looks for another block at the same place. The file is divided into slots as long as a block, so that no two
    /// blocks that do not overlap begin in one slot; each slot remembers where a block begins in it, plus one.
    fn check_overlap(&self, block: u64, start: u64, audit: &mut TableAudit, at: u64) {
        let stride = self.stride();
        let slots = self
            .data_end
            .checked_div(stride)
            .unwrap_or(0)
            .saturating_add(1);
        if slots > PLACES_MAX {
            audit.note(&codes::OVERLAP_UNCHECKED, BlockNo(block), || {
                Finding::new(
                    &codes::OVERLAP_UNCHECKED,
                    "overlapping blocks were not looked for: the file has room for too many blocks",
                )
            });
            return;
        }
        if audit.taken.is_empty() {
            audit.taken.resize(usize::try_from(slots).unwrap_or(0), 0);
        }
        let Some(slot) = start
            .checked_div(stride)
            .and_then(|slot| usize::try_from(slot).ok())
        else {
            return;
        };
        // The disk's last block may be stored short, and comes last.
        let end = start
            .saturating_add(self.data_after())
            .saturating_add(self.bytes_in_disk(block));
        let neighbours = [slot.checked_sub(1), Some(slot), slot.checked_add(1)];
        let other = neighbours
            .into_iter()
            .flatten()
            .filter_map(|slot| audit.taken.get(slot)?.checked_sub(1))
            .find(|other| *other < end && start < other.saturating_add(stride));
        match other {
            Some(other) => audit.note(&codes::BLOCK_OVERLAP, BlockNo(block), || {
                Finding::new(
                    &codes::BLOCK_OVERLAP,
                    format!("block {block} shares bytes with the block at byte {other}"),
                )
                .at(at)
                .values("a place of its own", format!("byte {start}"))
            }),
            None => {
                if let Some(place) = audit.taken.get_mut(slot) {
                    *place = start.saturating_add(1);
                }
            }
        }
    }
}

impl AllocationTable for VhdTableLayout {
    /// Decodes the entries of `count` blocks from `first` on into `out`, in one read. Blocks past the end of the disk give
    /// no entry; blocks without an entry in the file are [`BlockState::Error`], which the header's findings explain.
    ///
    /// An entry that leads out of the file or into its headers is [`BlockState::Error`]. Two blocks at one place keep their
    /// states, since which of them is right is not known; the audit tells.
    fn read(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        mut audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError> {
        let wanted = self.blocks.saturating_sub(first.0).min(count as u64);
        let table = self.stored(source, first, wanted)?;
        out.reserve(usize::try_from(wanted).unwrap_or(0));
        for (entry, block) in table.as_chunks().0.iter().zip(first.0..) {
            let sector = u32::from_be_bytes(*entry);
            out.push(self.decode(sector, block, audit.as_deref_mut()));
        }
        let stored = table.chunks_exact(4).len() as u64;
        let missing = usize::try_from(wanted.saturating_sub(stored)).unwrap_or(0);
        out.extend(std::iter::repeat_n(
            BlockEntry {
                state: BlockState::Error,
                ..BlockEntry::default()
            },
            missing,
        ));
        Ok(())
    }

    fn read_present(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        mut audit: Option<&mut TableAudit>,
    ) -> Result<u64, FormatError> {
        const STRETCH: [u8; 1024] = [0xff; 1024];
        let table = self.stored(source, first, count)?;
        let mut start = first.0;
        for stretch in table.chunks(STRETCH.len()) {
            if Some(stretch) != STRETCH.get(..stretch.len()) {
                for (entry, block) in stretch.as_chunks().0.iter().zip(start..) {
                    let sector = u32::from_be_bytes(*entry);
                    if sector != UNUSED {
                        let entry = self.decode(sector, block, audit.as_deref_mut());
                        out.push((BlockNo(block), entry));
                    }
                }
            }
            start = start.saturating_add(stretch.chunks_exact(4).len() as u64);
        }
        Ok(start.saturating_sub(first.0))
    }

    fn blocks_with_entry(&self) -> u64 {
        self.entries
    }

    fn data_end(&self) -> u64 {
        self.data_end
    }
}
