//! From a VHDX to an [`Image`](super::Image).
//!
//! ```text
//!  identifier, headers ─► log ─► OverlaySource ─► region table ─► metadata ─► table layout
//! ```

mod growth;
pub(super) mod specific;

use std::sync::Arc;

use super::pieces::Pieces;
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhdx::bat::VhdxTableLayout;
use crate::format::vhdx::header::{self, HeaderSlot};
use crate::format::vhdx::log::{self, LogReplay};
use crate::format::vhdx::{identifier, metadata, region};
use crate::image::{
    BitOrder, Format, FormatRules, FormatUsers, Header, Image, Kind, LastingId, Layout, LogState,
    Specific, VhdxSpecific,
};
use crate::source::{OverlaySource, Source, read_up_to};

pub(super) const RULES: FormatRules = FormatRules {
    extensions: &["vhdx", "avhdx"],
    begins: |head| head.starts_with(b"vhdxfile"),
    encloses: |_, _| false,
    // With its first sector lost it still has its headers.
    remains: has_headers,
    open,
    bit_order: BitOrder::LsbFirst,
    copies,
    write_counter: Some(sequence_number),
    link_id: |header| header.data_write_id,
    family_id: |header| Some(header.id),
    lasting_id: LastingId::Family,
    users: FormatUsers::HyperV2012,
    unknown: || Specific::Vhdx(VhdxSpecific::default()),
    growth: growth::bytes_max,
};

/// The larger sequence number of the two headers, whether or not they are sound; it grows with each change of a header.
fn sequence_number(source: &dyn Source) -> Option<u64> {
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
fn has_headers(source: &dyn Source) -> bool {
    header::OFFSETS_BYTES.into_iter().any(|at| {
        read_up_to(source, at, header::SIGNATURE.len())
            .is_ok_and(|bytes| bytes == header::SIGNATURE)
    })
}

/// Compares what is there twice and read once: the region tables. `None` where all is well or nothing can be read.
fn copies(source: &dyn Source) -> Option<Finding> {
    let copy = |at| read_up_to(source, at, region::LENGTH_BYTES).ok();
    let [first, second] = region::OFFSETS_BYTES.map(copy);
    region::compare(&first?, &second?)
}

/// Reads everything about a VHDX but its table, of which `pieces` holds the start: five reads where the log is empty.
///
/// # Errors
/// When nothing further can be made of the file: no valid header or region table, an unknown version, an unknown required
/// region or metadata item, sizes missing or beyond the format's limits, or bytes that cannot be read.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a format may keep the pieces; this one reads on its own"
)]
fn open(pieces: Pieces) -> Result<Image, FormatError> {
    let mut findings = Vec::new();
    let source = Arc::clone(pieces.source());
    match read(source, pieces.kept(0), &mut findings) {
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
    start: &[u8],
    findings: &mut Vec<Finding>,
) -> Result<(Header, Layout, Arc<dyn Source>), FormatError> {
    let file_size = source.len();
    let identifier = start.get(..identifier::LENGTH_BYTES).unwrap_or(start);
    let creator = identifier::parse(identifier, findings).creator;
    let header_bytes = |slot: HeaderSlot| {
        let at = slot.offset_bytes();
        read_up_to(&*source, at, header::LENGTH_BYTES).map_err(FormatError::read("header", at))
    };
    let (current, slot) = header::choose(
        &header_bytes(HeaderSlot::First)?,
        &header_bytes(HeaderSlot::Second)?,
        findings,
    )?;

    let (source, log) = match log::replay(&*source, &current, findings) {
        LogReplay::Nothing => (source, LogState::Empty),
        LogReplay::Unusable => (source, LogState::Unusable),
        LogReplay::Done {
            overlay,
            entries,
            file_bytes,
        } => {
            let replayed: Arc<dyn Source> =
                Arc::new(OverlaySource::new(source, overlay, file_bytes));
            (replayed, LogState::Replayed(entries))
        }
    };

    let table_bytes =
        |at, len| read_up_to(&*source, at, len).map_err(FormatError::read("region table", at));
    let log_range = log::range(&current);
    let regions = region::choose(table_bytes, log_range, source.len(), findings)?;
    let metadata = metadata::read(&*source, regions.metadata, findings)?;
    let table = VhdxTableLayout::new(&regions, &metadata, source.len(), findings);

    let kind = match (metadata.has_parent, metadata.leave_blocks_allocated) {
        (true, _) => Kind::Differencing,
        (false, true) => Kind::Fixed,
        (false, false) => Kind::Dynamic,
    };
    let header = Header {
        format: Format::Vhdx,
        kind,
        virtual_size: metadata.virtual_size,
        stored_size: metadata.virtual_size,
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
        LogState::Empty | LogState::Replayed(_) => Layout::Blocks(Box::new(table)),
    };
    Ok((header, layout, source))
}

#[cfg(test)]
mod tests;
