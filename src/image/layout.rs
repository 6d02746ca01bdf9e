//! Where a format keeps its table, and how entries are decoded.

use crate::format::{BlockNo, FormatError};
use crate::image::bitmap::BitOrder;
use crate::image::{BlockEntry, BlockState, TableAudit};
use crate::source::Source;

/// What is needed to find a block in the file, by format.
#[derive(Debug)]
pub enum Layout {
    /// A fixed VHD, or a raw parent: sector n lies at n times the sector size, and there is no table.
    Flat,
    /// VHD, dynamic or differencing.
    Vhd(crate::format::vhd::bat::VhdTableLayout),
    Vhdx(crate::format::vhdx::bat::VhdxTableLayout),
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
            Self::Vhd(table) => table.read(source, first, count, out, audit),
            Self::Vhdx(table) => table.read(source, first, count, out, audit),
        }
    }

    /// The blocks of a window that are not absent, with their numbers; returns how many blocks from `first` on have an entry.
    pub(super) fn read_present(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        audit: &mut TableAudit,
    ) -> Result<u64, FormatError> {
        out.clear();
        if let Self::Vhd(table) = self {
            return table.read_present(source, first, count, out, audit);
        }
        let mut all = Vec::new();
        let asked = usize::try_from(count).unwrap_or(usize::MAX);
        self.read_table(source, first, asked, &mut all, Some(audit))?;
        let present = (first.0..)
            .map(BlockNo)
            .zip(all.iter().copied())
            .filter(|(_, entry)| entry.state != BlockState::Absent);
        out.extend(present);
        Ok(all.len() as u64)
    }

    /// Order of the bits in a sector bitmap.
    pub(super) fn bit_order(&self) -> BitOrder {
        match self {
            Self::Vhdx(_) => BitOrder::LsbFirst,
            Self::Flat | Self::Vhd(_) | Self::Unknown => BitOrder::MsbFirst,
        }
    }

    /// End of what may hold data, in bytes, in a file of `len` bytes: a block that reaches further is cut off there.
    pub(super) fn data_end(&self, len: u64) -> u64 {
        match self {
            Self::Vhd(table) => table.data_end.min(len),
            Self::Flat | Self::Vhdx(_) | Self::Unknown => len,
        }
    }

    /// Of `blocks` blocks, how many from the first on can have an entry. Nothing is known of the rest, however many
    /// blocks a damaged size may claim.
    pub(super) fn blocks_with_entry(&self, blocks: u64) -> u64 {
        match self {
            Self::Vhd(table) => table.entries.min(blocks),
            Self::Vhdx(table) => table.blocks_with_entry().min(blocks),
            Self::Flat | Self::Unknown => 0,
        }
    }
}
