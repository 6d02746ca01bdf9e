//! Opening: from bytes to an [`Image`].

use std::sync::Arc;

use uuid::Uuid;

use super::pieces::Pieces;
use super::sniff::{SNIFF_BYTES, Sniffed, sniff};
use super::{Format, Header, Image, Kind, Layout, Specific, VhdSpecific, codes, vhd, vhdx};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::source::Source;

/// A file up to this length is read whole in one go, in bytes.
const WHOLE_MAX: u64 = 64 << 10;
/// First read of a longer file, in bytes: header and locators of every writer known. Thousands of disks are opened at
/// once, and a longer read is mostly copied for nothing.
const HEAD_BYTES: usize = 4 << 10;

impl Image {
    /// Opens a disk: looks at both ends, then reads the headers. A file of up to 64 KiB costs one read, a longer VHD at most four.
    ///
    /// # Errors
    /// [`codes::NOT_A_DISK`] if the content is no disk's; what makes a header useless; the reads' own.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, FormatError> {
        let len = source.len();
        let mut pieces = Pieces::new(Arc::clone(&source));
        let head_bytes = usize::try_from(len)
            .ok()
            .filter(|_| len <= WHOLE_MAX)
            .unwrap_or(HEAD_BYTES);
        pieces
            .keep(0, head_bytes)
            .map_err(FormatError::read("start of the file", 0))?;
        if pieces.kept(0).starts_with(b"vhdxfile") {
            return vhdx::open(source);
        }
        let tail_at = len.saturating_sub(SNIFF_BYTES as u64);
        if len > WHOLE_MAX {
            pieces
                .keep(tail_at, SNIFF_BYTES)
                .map_err(FormatError::read("end of the file", tail_at))?;
        }
        match sniff(pieces.kept(0), pieces.kept(tail_at)) {
            Sniffed::Vhd => {
                let mut image = vhd::open(&source, &mut pieces)?;
                // A small disk's table and bitmaps are often among what was read already.
                image.source = Arc::new(pieces);
                Ok(image)
            }
            Sniffed::Vhdx => vhdx::open(source),
            Sniffed::HyperVStore => Err(Finding::new(
                &codes::NOT_A_DISK,
                "the file is a Hyper-V configuration container, not a disk",
            )
            .into()),
            // A VHDX whose first sector is lost still has its headers.
            Sniffed::Other if vhdx::has_headers(&*source) => vhdx::open(source),
            Sniffed::Other => {
                Err(Finding::new(&codes::NOT_A_DISK, "the content of the file is no disk's").into())
            }
        }
    }

    /// A file without any format, taken as the content of a disk: the raw parent of a VHD by blktap whose parent id is nil.
    /// `sector_size` is the child's, in bytes. The header says "fixed VHD" with a nil id and no creator.
    pub fn raw(source: Arc<dyn Source>, sector_size: u32) -> Self {
        let len = source.len();
        Self {
            header: Header {
                format: Format::Vhd,
                kind: Kind::Fixed,
                virtual_size: len,
                file_size: len,
                block_size: None,
                sector_size,
                blocks: 0,
                id: Uuid::nil(),
                data_write_id: None,
                creator: String::new(),
                created: None,
                parent: None,
                specific: Specific::Vhd(VhdSpecific::default()),
            },
            findings: Vec::new(),
            layout: Layout::Flat,
            source,
        }
    }
}
