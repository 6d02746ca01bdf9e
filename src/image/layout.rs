//! How blocks are found in a file.

use crate::format::block::AllocationTable;

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
    /// The table, where there is one to ask.
    pub(super) fn table(&self) -> Option<&dyn AllocationTable> {
        match self {
            Self::Blocks(table) => Some(&**table),
            Self::Flat | Self::Unknown => None,
        }
    }

    /// End of what may hold data, in bytes, in a file of `len` bytes.
    pub(super) fn data_end(&self, len: u64) -> u64 {
        self.table().map_or(len, |table| table.data_end().min(len))
    }

    /// Of `blocks` blocks, how many from the first on can have an entry. Nothing is known of the rest, however many
    /// blocks a damaged size may claim.
    pub(super) fn blocks_with_entry(&self, blocks: u64) -> u64 {
        let table = self.table();
        table.map_or(0, |table| table.blocks_with_entry().min(blocks))
    }
}
