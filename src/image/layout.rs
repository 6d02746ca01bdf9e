//! Where a format keeps its table, and how entries are decoded.

use crate::format::{BlockNo, FormatError};
use crate::image::{BlockEntry, TableAudit};
use crate::source::Source;

/// What is needed to find a block in the file, by format.
#[derive(Debug)]
pub enum Layout {
    /// A fixed VHD, or a raw parent: sector n lies at n times the sector size, and there is no table.
    Flat,
    /// VHD, dynamic or differencing.
    Vhd(crate::format::vhd::bat::TableLayout),
    /// VHDX.
    Vhdx(crate::format::vhdx::bat::TableLayout),
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
            Self::Flat => Ok(()),
            Self::Vhd(table) => table.read(source, first, count, out, audit),
            Self::Vhdx(table) => table.read(source, first, count, out, audit),
        }
    }
}
