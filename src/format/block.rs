//! Block states and decoded table entries, whichever format stored them; and the faults a table can have.

use std::fmt::Debug;

use crate::finding::Finding;
use crate::format::{BlockNo, FormatError};
use crate::source::Source;

/// What a disk's table says of one block.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum BlockState {
    /// Not here: the parent answers, or it is zeros where there is no parent.
    #[default]
    Absent,
    /// Every sector is here.
    Full,
    /// Some sectors are here; the bitmap says which. From a table alone: not yet known how many, perhaps none or all.
    Partial,
    /// Zeros, without data in the file; the parent is not asked. (VHDX states undefined and zero.)
    Zero,
    /// Unmapped by the guest: reads as zeros, the parent is not asked.
    Unmapped,
    /// The entry cannot be right: nothing is known of this block.
    Error,
}

crate::worded!(BlockState);

/// One decoded table entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockEntry {
    /// State by the table alone.
    pub state: BlockState,
    /// Position of the block's data in the file, in bytes; meaningful for `Full` and `Partial`.
    pub data_offset: u64,
    /// Position of this block's bits in the file, in bytes; meaningful for `Partial`.
    pub bitmap_offset: u64,
}

/// Collects what is wrong with a table as its windows go by in order. Memory is bounded: of each kind of fault the first
/// is kept, with how many there were.
#[derive(Debug, Default)]
pub struct TableAudit {
    findings: Vec<(Finding, BlockNo, u64)>,
    /// What the format's own checks remember from window to window (places already taken, for overlaps).
    pub(in crate::format) taken: Vec<u64>,
}

impl TableAudit {
    /// Notes a fault of `block`; `finding` is made only for the first of its code.
    pub fn note(
        &mut self,
        code: &'static crate::finding::Code,
        block: BlockNo,
        finding: impl FnOnce() -> Finding,
    ) {
        match self
            .findings
            .iter_mut()
            .find(|(known, ..)| std::ptr::eq(known.code, code))
        {
            Some((_, _, times)) => *times = times.saturating_add(1),
            None => self.findings.push((finding(), block, 1)),
        }
    }

    /// The findings, once all windows went by; a text says how many more there were of its kind.
    pub fn finish(self) -> Vec<Finding> {
        self.findings
            .into_iter()
            .map(|(mut finding, _, times)| {
                if let Some(more) = times.checked_sub(1).filter(|more| *more > 0) {
                    finding.text = format!("{} (and {more} more like it)", finding.text);
                }
                finding
            })
            .collect()
    }
}

/// A block table of some format.
pub trait AllocationTable: Debug + Send + Sync {
    /// Decodes the entries of `count` blocks from `first` on into `out`, one each, fewer past the end of the disk.
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    fn read(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError>;

    /// As [`read`](Self::read), but only blocks that are not absent, with their numbers: a disk that holds few of its blocks
    /// costs little more than the read. Returns how many blocks from `first` on have an entry.
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    fn read_present(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        audit: Option<&mut TableAudit>,
    ) -> Result<u64, FormatError>;

    /// Blocks, from the first on, that have an entry.
    fn blocks_with_entry(&self) -> u64;

    /// End of what may hold data, in bytes: a block that reaches further is cut off there.
    fn data_end(&self) -> u64 {
        u64::MAX
    }
}
