//! A VHD whose file goes on behind its footer, as a copy that was rounded up does.

use std::sync::Arc;

use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhd::codes;
use crate::format::vhd::footer::{FOOTER_BYTES, Footer};
use crate::image::Image;
use crate::source::{Source, WindowSource, read_up_to};

/// How far before its end a file is searched for a footer, in bytes.
const LOOK_BACK: u64 = 64 << 10;

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

/// Opens a VHD whose footer stands before padding: looks back from the end for the last footer, by whole sectors. `None`
/// if there is none.
///
/// # Errors
/// As [`Image::open`].
pub fn open(source: Arc<dyn Source>) -> Result<Option<Image>, FormatError> {
    let len = source.len();
    let Some(end) = padded_end(&*source)? else {
        return Ok(None);
    };
    let mut image = Image::open(Arc::new(WindowSource::new(source, 0, end)))?;
    image.header.file_size = len;
    image.findings.push(
        Finding::new(
            &codes::FOOTER_PADDED,
            format!(
                "the file goes on for {} bytes behind its footer",
                len.saturating_sub(end)
            ),
        )
        .at(end)
        .values(format!("{end} bytes"), format!("{len} bytes")),
    );
    Ok(Some(image))
}
