//! Where a file keeps its table, and how entries are decoded.

use crate::format::block::AllocationTable;
use crate::format::{BlockNo, FormatError};
use crate::image::{BlockEntry, TableAudit};
use crate::source::Source;

/// What is needed to find a block in the file.
#[derive(Debug)]
pub(super) enum Layout {
    /// A fixed VHD, or a raw parent: sector n lies at n times the sector size, and there is no table.
    Flat,
    /// Blocks are found by the format's table.
    Blocks(Box<dyn AllocationTable>),
    /// The header that leads to the table is damaged, or a log that cannot be replayed may change it: nothing is known of any sector, and no block is counted.
    Unknown,
}

impl Layout {
    pub(super) fn read_table(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError> {
        out.clear();
        match self {
            Self::Flat | Self::Unknown => Ok(()),
            Self::Blocks(table) => table.read(source, first, count, out, audit),
        }
    }

    /// The blocks of a window that are not absent, with their numbers; returns how many blocks from `first` on have an entry.
    pub(super) fn read_present(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        audit: Option<&mut TableAudit>,
    ) -> Result<u64, FormatError> {
        out.clear();
        match self {
            Self::Flat | Self::Unknown => Ok(0),
            Self::Blocks(table) => table.read_present(source, first, count, out, audit),
        }
    }

    /// End of what may hold data, in bytes, in a file of `len` bytes.
    pub(super) fn data_end(&self, len: u64) -> u64 {
        match self {
            Self::Blocks(table) => table.data_end().min(len),
            Self::Flat | Self::Unknown => len,
        }
    }

    /// Of `blocks` blocks, how many from the first on can have an entry. Nothing is known of the rest, however many
    /// blocks a damaged size may claim.
    pub(super) fn blocks_with_entry(&self, blocks: u64) -> u64 {
        match self {
            Self::Blocks(table) => table.blocks_with_entry().min(blocks),
            Self::Flat | Self::Unknown => 0,
        }
    }
}
