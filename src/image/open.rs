//! Opening: from bytes to an [`Image`].

use std::sync::Arc;

use super::pieces::Pieces;
use super::sniff::{SNIFF_BYTES, Sniffed, sniff};
use super::{Format, FormatRules, Image, codes, vhd};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::source::Source;

/// A file up to this length is read whole in one go, in bytes.
const WHOLE_MAX: u64 = 64 << 10;
/// First read of a longer file, in bytes: header and locators of every writer known. Thousands of disks are opened at
/// once, and a longer read is mostly copied for nothing.
const HEAD_BYTES: usize = 3 << 10;
fn not_a_disk() -> FormatError {
    Finding::new(&codes::NOT_A_DISK, "the content of the file is no disk's").into()
}

impl Image {
    /// Opens a disk: looks at both ends, then reads the headers. A file of up to 64 KiB costs one
    /// read, a longer VHD at most four, a VHDX without a log six.
    ///
    /// # Errors
    /// [`codes::NOT_A_DISK`] if the content is no disk's; what makes a header useless; the reads' own.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, FormatError> {
        let len = source.len();
        let mut pieces = Pieces::new(source);
        let head_bytes = usize::try_from(len)
            .ok()
            .filter(|_| len <= WHOLE_MAX)
            .unwrap_or(HEAD_BYTES);
        pieces
            .keep(0, head_bytes)
            .map_err(FormatError::read("start of the file", 0))?;
        let begins = |rules: &FormatRules| (rules.begins)(pieces.kept(0));
        if let Some(format) = Format::find(begins) {
            return (format.rules().open)(pieces);
        }
        let tail_at = len.saturating_sub(SNIFF_BYTES as u64);
        if len > WHOLE_MAX {
            pieces
                .keep(tail_at, SNIFF_BYTES)
                .map_err(FormatError::read("end of the file", tail_at))?;
        }
        let remains = |rules: &FormatRules| (rules.remains)(&pieces);
        match sniff(pieces.kept(0), pieces.kept(tail_at)) {
            Sniffed::Disk(format) => (format.rules().open)(pieces),
            Sniffed::HyperVStore => Err(Finding::new(
                &codes::NOT_A_DISK,
                "the file is a Hyper-V configuration container, not a disk",
            )
            .into()),
            Sniffed::Other => match Format::find(remains) {
                Some(format) => (format.rules().open)(pieces),
                None => Err(not_a_disk()),
            },
        }
    }

    /// Opens a file that is named as a disk or known to be one, which is searched for a footer that stands before padding.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn open_named(source: Arc<dyn Source>) -> Result<Self, FormatError> {
        match Self::open(Arc::clone(&source)) {
            Err(FormatError::Invalid(refusal)) if *refusal.finding.code == codes::NOT_A_DISK => {
                vhd::open_padded(source)?.ok_or_else(not_a_disk)
            }
            other => other,
        }
    }
}
