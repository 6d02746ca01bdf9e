//! Image: one face over the formats.
//!
//! An [`Image`] is one open disk file. Its [`Header`] is plain data that can outlive the open file; its block table is
//! read in windows of bounded size ([`Image::read_table`]), and what a table says is refined by sector bitmaps
//! ([`Image::read_bitmap`]) into runs of sectors ([`Image::sector_runs`]) or exact counts ([`Image::count`]).
//!
//! ```text
//!  Source ─► sniff ─► vhd | vhdx ─► Image { header, findings, layout }
//!                                     │ read_table   window of BlockEntry { state, data and bitmap position }
//!                                     │ read_bitmap  one block's bits, bit 0 = first sector, in both formats
//!                                     ├ sector_runs  runs of { sector, count, place }
//!                                     └ count        Counts { full, partial, ..., dirty sectors }
//! ```

mod bitmap;
pub mod codes;
mod count;
pub mod directory;
mod formats;
mod gather;
mod growth;
mod layout;
mod open;
mod pieces;
mod raw;
mod runs;
mod sniff;
mod vhd;
mod vhdx;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::finding::Finding;
use crate::format::{BlockNo, FormatError};
use crate::source::{Source, read_up_to};

pub use crate::format::block::{BlockEntry, BlockState, TableAudit};
pub use crate::format::parent::{ParentRef, PathKind, StoredPath};
pub use bitmap::{BitOrder, BitRun, Bitmap, BitmapRuns};
pub use count::{Counts, RunVisitor, StateRun};
pub use formats::{Format, FormatRules, FormatUsers, LastingId};
pub use growth::Growth;
use layout::Layout;
pub use runs::{Place, SectorRun};
pub use sniff::{SNIFF_BYTES, Sniffed, sniff};
pub use vhd::specific::VhdSpecific;
pub use vhdx::specific::{LogState, VhdxSpecific};

/// How a disk holds its blocks.
#[derive(strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All sectors lie in the file in order.
    Fixed,
    /// Blocks are allocated when first written; no parent.
    Dynamic,
    /// Holds only what differs from a parent.
    Differencing,
}

crate::worded!(Kind);

/// What a disk says of itself: plain data, small enough to keep for thousands of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub format: Format,
    /// How it holds its blocks.
    pub kind: Kind,
    /// Size the guest sees of this disk alone, in bytes.
    pub virtual_size: u64,
    /// Size by which a chain is read and its disks are compared, in bytes. It differs only in a VHD whose creator means its geometry.
    pub stored_size: u64,
    /// Size of the file, in bytes.
    pub file_size: u64,
    /// Payload block size in bytes; `None` for a fixed VHD, which has no blocks. (A fixed VHDX keeps its value here; its kind says fixed.)
    pub block_size: Option<u32>,
    /// Logical sector size in bytes: 512 or 4096.
    pub sector_size: u32,
    /// Number of payload blocks: virtual size by block size, rounded up; 0 without blocks.
    pub blocks: u64,
    /// Unique id (VHD: footer, file order; VHDX: virtual disk id; raw: nil).
    pub id: Uuid,
    /// VHDX: the data write GUID of the current header; a child's linkage names it.
    pub data_write_id: Option<Uuid>,
    /// Who made it, as it says (VHD: creator application, trimmed; VHDX: creator string). May hold anything: escape it.
    pub creator: String,
    /// When it was made, if the file itself says so (VHD footer).
    pub created: Option<Timestamp>,
    /// Differencing: how it names its parent.
    pub parent: Option<ParentRef>,
    /// What only one of the formats has.
    pub specific: Specific,
}

impl Header {
    /// True for a file without any format: it has no id, no creator, no dates.
    pub fn is_raw(&self) -> bool {
        self.format == Format::Raw
    }

    /// True if both are of one format: no disk has a parent of another, raw content aside.
    pub fn is_same_format(&self, other: &Self) -> bool {
        self.format == other.format
    }
}

/// What only one of the formats has; for the details pane and `info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Specific {
    Vhd(VhdSpecific),
    Vhdx(VhdxSpecific),
    /// A raw file has no header.
    Raw,
}

/// One open disk file.
#[derive(Debug)]
pub struct Image {
    header: Header,
    findings: Vec<Finding>,
    layout: Layout,
    source: Arc<dyn Source>,
}

impl Image {
    /// What the disk says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was odd about the headers. Table findings come from [`Image::count`].
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What is wrong with copies that opening does not look at: the second region table of a VHDX.
    pub fn check_copies(&mut self) {
        let copies = self.header.format.rules().copies;
        self.findings.extend(copies(&*self.source));
    }

    /// Closes the file and keeps what the disk says of itself, and what was odd about that.
    pub fn into_header(self) -> (Header, Vec<Finding>) {
        (self.header, self.findings)
    }

    /// The bytes of the file (with a replayed log laid over, where there is one).
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// False if nothing is known of any block, because the header that leads to the table is damaged or a log that cannot
    /// be replayed may change it. Then no numbers of blocks may be shown.
    pub fn is_table_known(&self) -> bool {
        !matches!(self.layout, Layout::Unknown)
    }

    /// Sectors of the disk as a link of a chain, by its logical sector size, rounded down.
    pub fn sectors(&self) -> u64 {
        self.header
            .stored_size
            .checked_div(u64::from(self.header.sector_size))
            .unwrap_or(0)
    }

    /// Blocks, from the first on, that can have an entry in the table; a damaged size may claim any number of further ones,
    /// of which nothing is known.
    pub fn blocks_with_entry(&self) -> u64 {
        self.layout.blocks_with_entry(self.header.blocks)
    }

    /// Sectors, from the first on, of which the table or the file can tell anything; a damaged size may claim any number of
    /// further ones.
    pub fn sectors_told_of(&self) -> u64 {
        let told_of = match self.layout {
            Layout::Flat => self
                .source
                .len()
                .div_ceil(u64::from(self.header.sector_size).max(1)),
            Layout::Unknown => 0,
            Layout::Blocks(_) => self
                .blocks_with_entry()
                .saturating_mul(self.sectors_per_block()),
        };
        told_of.min(self.sectors())
    }

    /// Sectors in a whole block; 0 without blocks.
    pub fn sectors_per_block(&self) -> u64 {
        u64::from(self.header.block_size.unwrap_or(0))
            .checked_div(u64::from(self.header.sector_size))
            .unwrap_or(0)
    }

    /// Decodes the table entries of `count` blocks from `first` on into `out` (cleared first), which then holds one entry
    /// per block, fewer past the end of the disk. Entries that cannot be right become `Error` and are told to `audit`.
    ///
    /// One or few reads, of the table's bytes for those blocks only; callers choose windows (65,536 blocks is a good one).
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    pub fn read_table(
        &self,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError> {
        out.clear();
        match self.layout.table() {
            Some(table) => table.read(&*self.source, first, count, out, audit),
            None => Ok(()),
        }
    }

    /// As [`Image::read_table`], but only the blocks that are not absent, each with its number; long stretches of absent ones
    /// cost little. Returns how many blocks from `first` on have an entry.
    ///
    /// # Errors
    /// When the table's bytes cannot be read.
    pub(crate) fn read_present(
        &self,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        audit: Option<&mut TableAudit>,
    ) -> Result<u64, FormatError> {
        out.clear();
        match self.layout.table() {
            Some(table) => table.read_present(&*self.source, first, count, out, audit),
            None => Ok(0),
        }
    }

    /// Sectors of `block` that the disk has: a whole block's, fewer for the last, none past the end.
    pub fn sectors_of_block(&self, block: u64) -> u32 {
        let per_block = self.sectors_per_block();
        let left = self
            .sectors()
            .saturating_sub(block.saturating_mul(per_block));
        u32::try_from(left.min(per_block)).unwrap_or(u32::MAX)
    }

    /// Length of one block's bits in the file, in bytes, without padding.
    fn bitmap_bytes(&self) -> u64 {
        self.sectors_per_block().div_ceil(8)
    }

    /// Says that the bitmaps of these sectors' blocks will be read.
    pub(crate) fn will_read_bitmaps(&self, sectors: Range<u64>) {
        let block = |sector: u64| sector.checked_div(self.sectors_per_block()).unwrap_or(0);
        let first = block(sectors.start);
        let count = block(sectors.end.saturating_sub(1)).saturating_sub(first);
        let mut present = Vec::new();
        // A table that cannot be read is told where its entries are asked for.
        let _ = self.read_present(BlockNo(first), count.saturating_add(1), &mut present, None);
        let partial = present
            .iter()
            .filter(|(_, entry)| entry.state == BlockState::Partial);
        let mut places: Vec<u64> = partial.map(|(_, entry)| entry.bitmap_offset).collect();
        places.sort_unstable();
        let bytes = self.bitmap_bytes();
        for together in places.chunk_by(|one, next| one.saturating_add(bytes) == *next) {
            let len = bytes.saturating_mul(together.len() as u64);
            if let Some(start) = together.first() {
                self.source.will_read(*start, len);
            }
        }
    }

    /// Reads which sectors of `block` the disk answers for itself. `entry` is the block's, by [`Image::read_table`]; only
    /// a partial block needs a read: of a full, zero or unmapped one all sectors are set, of others none.
    ///
    /// # Errors
    /// When the bitmap cannot be read.
    pub fn read_bitmap(
        &self,
        block: BlockNo,
        entry: &BlockEntry,
        bitmap: &mut Bitmap,
    ) -> Result<(), FormatError> {
        let sectors = self.sectors_of_block(block.0);
        match entry.state {
            BlockState::Full | BlockState::Zero | BlockState::Unmapped => {
                bitmap.fill(true, sectors);
            }
            BlockState::Absent | BlockState::Error => bitmap.fill(false, sectors),
            BlockState::Partial => {
                let length = usize::try_from(self.bitmap_bytes()).unwrap_or(usize::MAX);
                let bytes = read_up_to(&self.source, entry.bitmap_offset, length)
                    .map_err(FormatError::read("sector bitmap", entry.bitmap_offset))?;
                if bytes.len() < length {
                    return Err(FormatError::read("sector bitmap", entry.bitmap_offset)(
                        io::ErrorKind::UnexpectedEof.into(),
                    ));
                }
                bitmap.load(&bytes, self.header.format.rules().bit_order, sectors);
            }
        }
        Ok(())
    }
}
