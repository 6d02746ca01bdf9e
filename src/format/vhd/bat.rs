//! Block allocation table.

use crate::format::block::{BlockEntry, TableAudit};
use crate::format::{BlockNo, FormatError};
use crate::source::Source;

/// What is needed to read any window of the table.
#[derive(Debug)]
pub struct TableLayout {}

impl TableLayout {
    /// Decodes the entries of `count` blocks from `first` on into `out`.
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    pub fn read(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError> {
        let _ = (source, first, count, out, audit);
        Ok(())
    }
}
