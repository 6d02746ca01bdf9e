//! From a VHDX to an [`Image`](super::Image).
//!
//! ```text
//!  identifier, headers ─► log ─► OverlaySource ─► region tables ─► metadata ─► table layout
//! ```

use std::sync::Arc;

use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhdx::bat::TableLayout;
use crate::format::vhdx::header::{self, Slot};
use crate::format::vhdx::log::{self, Replay};
use crate::format::vhdx::{identifier, metadata, region};
use crate::image::{Format, Header, Image, Kind, Layout, LogState, Specific, VhdxSpecific};
use crate::source::{OverlaySource, Source, read_up_to};

/// The larger sequence number of the two headers, whether or not they are sound; it grows with each change of a header.
pub fn sequence_number(source: &dyn Source) -> Option<u64> {
    header::OFFSETS_BYTES
        .into_iter()
        .filter_map(|at| {
            let at = at.checked_add(header::SEQUENCE_AT)?;
            let bytes = read_up_to(source, at, size_of::<u64>()).ok()?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        })
        .max()
}

/// True if a header's signature stands where a VHDX has its headers, whatever the file begins with.
pub(super) fn has_headers(source: &dyn Source) -> bool {
    header::OFFSETS_BYTES.into_iter().any(|at| {
        read_up_to(source, at, header::SIGNATURE.len())
            .is_ok_and(|bytes| bytes == header::SIGNATURE)
    })
}

/// Reads everything about a VHDX but its table: three reads where the log is empty.
///
/// # Errors
/// When nothing further can be made of the file: no valid header or region table, an unknown version, an unknown required
/// region or metadata item, sizes missing or beyond the format's limits, or bytes that cannot be read.
pub(super) fn open(source: Arc<dyn Source>) -> Result<Image, FormatError> {
    let mut findings = Vec::new();
    match read(source, &mut findings) {
        Ok((header, layout, source)) => Ok(Image {
            header,
            findings,
            layout,
            source,
        }),
        Err(error) => Err(error.after(findings)),
    }
}

/// The parts of an image, findings told on the way: they stay if the file is refused in the end.
fn read(
    source: Arc<dyn Source>,
    findings: &mut Vec<Finding>,
) -> Result<(Header, Layout, Arc<dyn Source>), FormatError> {
    let file_size = source.len();
    let head_bytes = usize::try_from(header_end()).unwrap_or(usize::MAX);
    let head = read_up_to(&*source, 0, head_bytes).map_err(FormatError::read("headers", 0))?;
    let part = |at: u64, length: usize| {
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(head.len());
        let end = start.saturating_add(length).min(head.len());
        head.get(start..end).unwrap_or_default()
    };
    let creator = identifier::parse(part(0, identifier::LENGTH_BYTES), findings).creator;
    let header_bytes = |slot: Slot| part(slot.offset_bytes(), header::LENGTH_BYTES);
    let (current, slot) = header::choose(
        header_bytes(Slot::First),
        header_bytes(Slot::Second),
        findings,
    )?;

    let (source, log) = match log::replay(&*source, &current, findings) {
        Replay::Nothing => (source, LogState::Empty),
        Replay::Unusable => (source, LogState::Unusable),
        Replay::Done {
            overlay,
            entries,
            file_bytes,
        } => {
            let replayed: Arc<dyn Source> =
                Arc::new(OverlaySource::new(source, overlay, file_bytes));
            (replayed, LogState::Replayed(entries))
        }
    };

    let [first_at, second_at] = region::OFFSETS_BYTES;
    let tables = read_up_to(&*source, first_at, region::LENGTH_BYTES.saturating_mul(2))
        .map_err(FormatError::read("region tables", first_at))?;
    let second_from = usize::try_from(second_at.saturating_sub(first_at)).unwrap_or(usize::MAX);
    let (first, second) = tables.split_at(second_from.min(tables.len()));
    let log_range = log::range(&current);
    let regions = region::choose(first, second, log_range, source.len(), findings)?;
    let metadata = metadata::read(&*source, regions.metadata, findings)?;
    let table = TableLayout::new(&regions, &metadata, source.len(), findings);

    let kind = match (metadata.has_parent, metadata.leave_blocks_allocated) {
        (true, _) => Kind::Differencing,
        (false, true) => Kind::Fixed,
        (false, false) => Kind::Dynamic,
    };
    let header = Header {
        format: Format::Vhdx,
        kind,
        virtual_size: metadata.virtual_size,
        file_size,
        block_size: Some(metadata.block_size),
        sector_size: metadata.logical_sector,
        blocks: table.blocks(),
        id: metadata.disk_id,
        data_write_id: Some(current.data_write_id),
        creator,
        created: None,
        parent: metadata.parent,
        specific: Specific::Vhdx(VhdxSpecific {
            physical_sector_size: metadata.physical_sector,
            sequence_number: current.sequence_number,
            current_header: slot.number(),
            file_write_id: current.file_write_id,
            log_id: current.log_id,
            log,
            leave_blocks_allocated: metadata.leave_blocks_allocated,
            table_offset: regions.table.offset_bytes,
            table_length: u64::from(regions.table.length_bytes),
        }),
    };
    let layout = match log {
        LogState::Unusable => Layout::Unknown,
        LogState::Empty | LogState::Replayed(_) => Layout::Vhdx(table),
    };
    Ok((header, layout, source))
}

/// End of the second header, in bytes.
fn header_end() -> u64 {
    Slot::Second
        .offset_bytes()
        .saturating_add(u64::try_from(header::LENGTH_BYTES).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
