//! From a VHD to an [`Image`].

#[cfg(test)]
mod damage;
mod growth;
mod padded;
#[cfg(test)]
mod rules;
pub(super) mod specific;

use std::sync::Arc;

use super::pieces::Pieces;
use super::sniff::SNIFF_BYTES;
use super::{
    BitOrder, Format, FormatRules, FormatUsers, Header, Image, Kind, LastingId, Layout, Specific,
    VhdSpecific,
};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::parent::{ParentRef, StoredPath};
use crate::format::vhd::bat::{InUse, VhdTableLayout};
use crate::format::vhd::dynamic::{self, DynamicHeader, NameOrder};
use crate::format::vhd::footer::{self, Cookie, DiskType, FoundFooter, SIZE_MAX};
use crate::format::vhd::locator::{self, UrlStyle};
use crate::format::vhd::{SECTOR_BYTES, batmap, codes};
use crate::source::Source;

pub(super) use padded::open as open_padded;

pub(super) const RULES: FormatRules = FormatRules {
    extensions: &["vhd", "avhd", "vud"],
    begins: |_| false,
    encloses: |head, tail| {
        let has_dynamic_header = || {
            head.get(512..)
                .is_some_and(|rest| rest.starts_with(b"cxsparse"))
        };
        has_end_footer(tail) || Cookie::sniff(head).is_some() || has_dynamic_header()
    },
    remains: |_| false,
    open,
    bit_order: BitOrder::MsbFirst,
    copies: |_| None,
    write_counter: None,
    link_id: |header| Some(header.id),
    family_id: |_| None,
    lasting_id: LastingId::Link,
    users: FormatUsers::Many,
    unknown: || Specific::Vhd(VhdSpecific::default()),
    growth: growth::bytes_max,
};

/// True if a file that ends so has a footer at its very end, of 512 bytes or of 511.
fn has_end_footer(tail: &[u8]) -> bool {
    [512, 511].into_iter().any(|len| {
        let at = tail.len().checked_sub(len);
        at.and_then(|at| tail.get(at..))
            .and_then(Cookie::sniff)
            .is_some()
    })
}

/// Opens a VHD of which `pieces` holds both ends.
///
/// # Errors
/// If there is no footer, or none that says what the disk is; the reads' own.
fn open(mut pieces: Pieces) -> Result<Image, FormatError> {
    let len = pieces.len();
    let tail_at = len.saturating_sub(SNIFF_BYTES as u64);
    // With only the copy at the start left, the footer itself may stand before padding.
    if !has_end_footer(pieces.kept(tail_at))
        && let Some(image) = open_padded(Arc::clone(pieces.source()))?
    {
        return Ok(image);
    }
    let mut findings = Vec::new();
    match read(len, &mut pieces, &mut findings) {
        Ok((header, layout)) => Ok(Image {
            header,
            findings,
            layout,
            // A small disk's table and bitmaps are often among what was read already.
            source: Arc::new(pieces),
        }),
        Err(error) => Err(error.after(findings)),
    }
}

/// The parts of an image, findings told on the way: they stay if the file is refused in the end.
fn read(
    file_size: u64,
    pieces: &mut Pieces,
    findings: &mut Vec<Finding>,
) -> Result<(Header, Layout), FormatError> {
    let found = footer::find(pieces, findings)?;
    let footer = &found.footer;
    let (kind, in_use) = match footer.kind() {
        Some(DiskType::Dynamic) => (Kind::Dynamic, Some(InUse::Full)),
        Some(DiskType::Differencing) => (Kind::Differencing, Some(InUse::BitmapDecides)),
        Some(DiskType::Fixed) | None => (Kind::Fixed, None),
    };
    let mut header = Header {
        format: Format::Vhd,
        kind,
        virtual_size: footer.virtual_size(),
        stored_size: footer.stored_size(),
        file_size,
        block_size: None,
        sector_size: SECTOR_BYTES,
        blocks: 0,
        id: footer.id,
        data_write_id: None,
        creator: four_bytes(footer.creator),
        created: footer.created(),
        parent: None,
        specific: Specific::Vhd(VhdSpecific::default()),
    };
    let mut specific = VhdSpecific {
        creator_version: footer.creator_version,
        creator_os: four_bytes(footer.creator_os),
        timestamp: footer.timestamp,
        original_size: footer.original_size,
        current_size: footer.current_size,
        geometry_size: footer.geometry_size(),
        geometry: footer.geometry,
        saved_state: footer.saved_state != 0,
        hidden: footer.hidden != 0,
        features: footer.features,
        footer_is_copy: found.is_copy,
        ..VhdSpecific::default()
    };
    let layout = match in_use {
        None => {
            check_fixed(&found, &mut header, findings);
            Layout::Flat
        }
        Some(in_use) => {
            check_size(&found, header.virtual_size, findings);
            let reach = header.virtual_size.max(header.stored_size);
            let dynamic = dynamic::find(pieces, footer.data_offset, findings)?;
            if let Some(dynamic) = &dynamic {
                keep_outlying(pieces, &found, dynamic, reach)?;
            }
            if kind == Kind::Differencing {
                header.parent = Some(match &dynamic {
                    Some(dynamic) => parent(pieces, &found, dynamic, findings)?,
                    None => ParentRef::default(),
                });
            }
            match dynamic.filter(DynamicHeader::has_sane_block_size) {
                None => Layout::Unknown,
                Some(dynamic) => {
                    let table = table(pieces, &found, &dynamic, reach, in_use, findings)?;
                    header.block_size = Some(dynamic.block_size);
                    header.blocks = table.blocks;
                    specific.table_offset = Some(dynamic.table_offset);
                    specific.table_entries = Some(dynamic.table_entries);
                    specific.parent_timestamp =
                        (kind == Kind::Differencing).then_some(dynamic.parent_timestamp);
                    specific.batmap = table.batmap.is_some();
                    Layout::Blocks(Box::new(table))
                }
            }
        }
    };
    header.specific = Specific::Vhd(specific);
    Ok((header, layout))
}

/// Four bytes that are text more often than not, without the padding.
fn four_bytes(bytes: [u8; 4]) -> String {
    String::from_utf8_lossy(&bytes)
        .trim_end_matches(['\0', ' '])
        .to_owned()
}

fn check_fixed(found: &FoundFooter, header: &mut Header, findings: &mut Vec<Finding>) {
    let current = found.footer.current_size;
    // A geometry that promises more than the file holds is the one that is wrong, if the current size fits.
    if header.virtual_size > found.at && current <= found.at {
        header.virtual_size = current;
    }
    let size = header.virtual_size;
    let says = size.max(header.stored_size);
    let (code, text) = if size == 0 {
        findings.push(impossible_size(found, size));
        return;
    } else if size > found.at {
        let text = format!(
            "the disk has {size} bytes and its file only {} before the footer",
            found.at
        );
        (&codes::FIXED_SHORT, text)
    } else if says < found.at {
        let text = format!(
            "the file holds {} bytes before the footer, and the footer says {says}",
            found.at
        );
        (&codes::FIXED_LONG, text)
    } else {
        return;
    };
    findings.push(Finding::new(code, text).at(found.at).values(
        size.max(says.min(found.at)).to_string(),
        found.at.to_string(),
    ));
}

fn check_size(found: &FoundFooter, size: u64, findings: &mut Vec<Finding>) {
    if size == 0 || size > SIZE_MAX {
        findings.push(impossible_size(found, size));
    }
}

fn impossible_size(found: &FoundFooter, size: u64) -> Finding {
    Finding::new(
        &codes::SIZE,
        format!("a virtual size of {size} bytes cannot be"),
    )
    .at(found.at.saturating_add(footer::field::CURRENT_SIZE as u64))
    .values(format!("1 to {SIZE_MAX}"), size.to_string())
}

/// Where a batmap's header would be: behind the table as claimed, which is padded to whole sectors.
fn batmap_at(dynamic: &DynamicHeader) -> u64 {
    u64::from(dynamic.table_entries)
        .saturating_mul(4)
        .next_multiple_of(u64::from(SECTOR_BYTES))
        .saturating_add(dynamic.table_offset)
}

/// True if XenServer's tools of a version that writes batmaps made the disk.
fn may_have_batmap(found: &FoundFooter) -> bool {
    found.footer.is_by_blktap() && found.footer.creator_version > 1
}

/// Reads what lies past the first read, locators and batmap, together where they are neighbours.
fn keep_outlying(
    pieces: &mut Pieces,
    found: &FoundFooter,
    dynamic: &DynamicHeader,
    virtual_size: u64,
) -> Result<(), FormatError> {
    let len = pieces.len();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    if found.footer.kind() == Some(DiskType::Differencing) {
        ranges.extend(
            dynamic
                .locators
                .iter()
                .filter(|locator| !locator.is_unused())
                .filter_map(|locator| locator.range(len))
                .map(|(at, length)| (at, u64::from(length))),
        );
    }
    if may_have_batmap(found) && dynamic.has_sane_block_size() {
        let bits = virtual_size
            .div_ceil(u64::from(dynamic.block_size))
            .min(u64::from(dynamic.table_entries))
            .div_ceil(8);
        // The bits begin behind the header, at the next sector or page.
        let at = batmap_at(dynamic);
        let end = at
            .saturating_add(u64::from(SECTOR_BYTES))
            .next_multiple_of(4096)
            .saturating_add(bits);
        ranges.push((at, end.saturating_sub(at)));
    }
    pieces
        .keep_all(&ranges)
        .map_err(|(at, error)| FormatError::read("parent locators", at)(error))
}

fn parent(
    source: &dyn Source,
    found: &FoundFooter,
    dynamic: &DynamicHeader,
    findings: &mut Vec<Finding>,
) -> Result<ParentRef, FormatError> {
    let by_blktap = found.footer.is_by_blktap();
    let urls = if by_blktap {
        UrlStyle::Bare
    } else {
        UrlStyle::Encoded
    };
    let in_use = dynamic.locators.iter().filter(|entry| !entry.is_unused());
    // With room for the name in the header too; these stay as long as the store is known.
    let mut paths = Vec::with_capacity(in_use.count().saturating_add(1));
    let first_entry = dynamic.at.saturating_add(dynamic::LOCATORS_AT as u64);
    for (index, (entry, entry_at)) in dynamic
        .locators
        .iter()
        .zip((first_entry..).step_by(locator::LOCATOR_BYTES))
        .enumerate()
    {
        paths.extend(locator::read(
            source, entry, index, entry_at, urls, findings,
        )?);
    }
    let order = if by_blktap && found.footer.creator_version == 1 {
        NameOrder::LittleEndian
    } else {
        NameOrder::BigEndian
    };
    let name = dynamic.parent_name(order);
    if name.damaged {
        findings.push(
            Finding::new(
                &codes::TEXT_DAMAGED,
                format!(
                    "the parent's name in the dynamic header is damaged: {}",
                    name.text
                ),
            )
            .at(dynamic
                .at
                .saturating_add(dynamic::field::PARENT_NAME as u64)),
        );
    }
    if !name.text.is_empty() {
        paths.push(StoredPath {
            kind: locator::kind_of_path(&name.text),
            field: "parent-name",
            text: name.text,
        });
    }
    paths.sort_by_key(locator::rank);
    if dynamic.parent_id.is_none() && !by_blktap {
        findings.push(
            Finding::new(
                &codes::PARENT_ID_MISSING,
                "the dynamic header does not say which id the parent has",
            )
            .at(dynamic.at.saturating_add(dynamic::field::PARENT_ID as u64)),
        );
    }
    Ok(ParentRef {
        id_wanted: dynamic.parent_id,
        second_id_wanted: None,
        paths,
        raw: dynamic.parent_id.is_none() && by_blktap,
    })
}

fn table(
    source: &dyn Source,
    found: &FoundFooter,
    dynamic: &DynamicHeader,
    virtual_size: u64,
    in_use: InUse,
    findings: &mut Vec<Finding>,
) -> Result<VhdTableLayout, FormatError> {
    let blocks = virtual_size.div_ceil(u64::from(dynamic.block_size));
    let claimed = u64::from(dynamic.table_entries);
    let offset = dynamic.table_offset;
    let header_end = dynamic.at.saturating_add(dynamic::HEADER_BYTES as u64);
    let is_over_headers =
        offset < u64::from(SECTOR_BYTES) || (dynamic.at..header_end).contains(&offset);
    let in_file = found.data_end.saturating_sub(offset) / 4;
    let mut entries = blocks.min(claimed).min(in_file);
    let at_offset = dynamic
        .at
        .saturating_add(dynamic::field::TABLE_OFFSET as u64);
    let at_entries = dynamic
        .at
        .saturating_add(dynamic::field::TABLE_ENTRIES as u64);
    if is_over_headers {
        findings.push(
            Finding::new(
                &codes::TABLE_OVERLAP,
                format!("the table at byte {offset} lies over the headers"),
            )
            .at(at_offset)
            .values(format!("{header_end} or more"), offset.to_string()),
        );
        entries = 0;
    } else if in_file < blocks.min(claimed) {
        findings.push(
            Finding::new(
                &codes::TABLE_PAST_END,
                format!(
                    "of the {} table entries the disk needs, {in_file} are inside the file",
                    blocks.min(claimed)
                ),
            )
            .at(offset)
            .values(
                format!("{} entries", blocks.min(claimed)),
                format!("{in_file} entries"),
            ),
        );
    } else if in_file < claimed {
        findings.push(
            Finding::new(
                &codes::TABLE_CLAIM,
                format!("the header claims {claimed} table entries, the file has room for {in_file} and the disk needs {blocks}"),
            )
            .at(at_entries)
            .values(blocks.to_string(), claimed.to_string()),
        );
    }
    if claimed < blocks {
        findings.push(
            Finding::new(
                &codes::TABLE_SHORT,
                format!("the disk has {blocks} blocks and the table only {claimed} entries"),
            )
            .at(at_entries)
            .values(blocks.to_string(), claimed.to_string()),
        );
    }
    let batmap = if may_have_batmap(found) && entries == blocks {
        batmap::find(source, batmap_at(dynamic), blocks, findings)?
    } else {
        None
    };
    Ok(VhdTableLayout {
        offset,
        entries,
        blocks,
        block_size: dynamic.block_size,
        virtual_size,
        data_end: found.data_end,
        header_at: dynamic.at,
        in_use,
        batmap,
    })
}
