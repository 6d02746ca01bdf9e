//! Opening: from bytes to an [`Image`].

use std::sync::Arc;

use uuid::Uuid;

use super::pieces::Pieces;
use super::sniff::{SNIFF_BYTES, Sniffed, has_end_footer, sniff};
use super::{Format, Header, Image, Kind, Layout, Specific, codes, vhd, vhdx};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhd::codes as vhd_codes;
use crate::format::vhd::footer::{FOOTER_BYTES, Footer};
use crate::source::{Source, WindowSource, read_up_to};

/// A file up to this length is read whole in one go, in bytes.
const WHOLE_MAX: u64 = 64 << 10;
/// First read of a longer file, in bytes: header and locators of every writer known. Thousands of disks are opened at
/// once, and a longer read is mostly copied for nothing.
const HEAD_BYTES: usize = 3 << 10;
/// How far before its end a file is searched for a footer, in bytes.
const LOOK_BACK: u64 = 64 << 10;

fn not_a_disk() -> FormatError {
    Finding::new(&codes::NOT_A_DISK, "the content of the file is no disk's").into()
}

/// Where the last sound footer before the end of the file ends, if it is not the last 512 bytes.
fn padded_end(source: &dyn Source) -> Result<Option<u64>, FormatError> {
    let len = source.len();
    // Footers lie at whole sectors; what makes the file end elsewhere is padding too.
    let end = len.next_multiple_of(FOOTER_BYTES as u64);
    let at = end.saturating_sub(LOOK_BACK);
    let bytes = read_up_to(source, at, usize::try_from(LOOK_BACK).unwrap_or(usize::MAX))
        .map_err(FormatError::read("end of the file", at))?;
    let found = (at..)
        .step_by(FOOTER_BYTES)
        .zip(bytes.chunks_exact(FOOTER_BYTES))
        .filter(|(at, bytes)| {
            *at > 0 && Footer::parse(bytes).is_some_and(|footer| footer.is_sound())
        })
        .map(|(at, _)| at.saturating_add(FOOTER_BYTES as u64))
        .last();
    Ok(found.filter(|end| *end < len))
}

impl Image {
    /// Opens a disk: looks at both ends, then reads the headers. A file of up to 64 KiB costs one
    /// read, a longer VHD at most four, a VHDX without a log six.
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
            return vhdx::open(source, &pieces);
        }
        let tail_at = len.saturating_sub(SNIFF_BYTES as u64);
        if len > WHOLE_MAX {
            pieces
                .keep(tail_at, SNIFF_BYTES)
                .map_err(FormatError::read("end of the file", tail_at))?;
        }
        match sniff(pieces.kept(0), pieces.kept(tail_at)) {
            // With only the copy at the start left, the footer itself may stand before padding.
            Sniffed::Vhd
                if !has_end_footer(pieces.kept(tail_at)) && padded_end(&*source)?.is_some() =>
            {
                Self::open_padded(source)
            }
            Sniffed::Vhd => {
                let mut image = vhd::open(&source, &mut pieces)?;
                // A small disk's table and bitmaps are often among what was read already.
                image.source = Arc::new(pieces);
                Ok(image)
            }
            Sniffed::Vhdx => vhdx::open(source, &pieces),
            Sniffed::HyperVStore => Err(Finding::new(
                &codes::NOT_A_DISK,
                "the file is a Hyper-V configuration container, not a disk",
            )
            .into()),
            // A VHDX whose first sector is lost still has its headers.
            Sniffed::Other if vhdx::has_headers(&*source) => vhdx::open(source, &pieces),
            Sniffed::Other => Err(not_a_disk()),
        }
    }

    /// Opens a file that is named as a disk or known to be one, which is searched for a footer that stands before padding.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn open_named(source: Arc<dyn Source>) -> Result<Self, FormatError> {
        match Self::open(Arc::clone(&source)) {
            Err(FormatError::Invalid(refusal)) if *refusal.finding.code == codes::NOT_A_DISK => {
                Self::open_padded(source)
            }
            other => other,
        }
    }

    /// Opens a VHD whose file goes on behind its footer, as a copy that was rounded up does: looks back from the end for the
    /// last footer, by whole sectors.
    fn open_padded(source: Arc<dyn Source>) -> Result<Self, FormatError> {
        let len = source.len();
        let Some(end) = padded_end(&*source)? else {
            return Err(not_a_disk());
        };
        let mut image = Self::open(Arc::new(WindowSource::new(source, 0, end)))?;
        image.header.file_size = len;
        image.findings.push(
            Finding::new(
                &vhd_codes::FOOTER_PADDED,
                format!(
                    "the file goes on for {} bytes behind its footer",
                    len.saturating_sub(end)
                ),
            )
            .at(end)
            .values(format!("{end} bytes"), format!("{len} bytes")),
        );
        Ok(image)
    }

    /// A file without any format, taken as the content of a disk: the raw parent of a VHD by blktap whose parent id is nil.
    /// `sector_size` is the child's, in bytes. The header has a nil id and no creator.
    pub fn raw(source: Arc<dyn Source>, sector_size: u32) -> Self {
        let len = source.len();
        Self {
            header: Header {
                format: Format::Raw,
                kind: Kind::Fixed,
                virtual_size: len,
                stored_size: len,
                file_size: len,
                block_size: None,
                sector_size,
                blocks: 0,
                id: Uuid::nil(),
                data_write_id: None,
                creator: String::new(),
                created: None,
                parent: None,
                specific: Specific::Raw,
            },
            findings: Vec::new(),
            layout: Layout::Flat,
            source,
        }
    }
}
