//! A physical volume's label (LVM2 `lib/label/label.h`, `lib/format_text/layout.h`): its id, and where its metadata lie.

use byteorder::{ByteOrder as _, LittleEndian};

use super::LvmError;

use crate::format::bytes::{u32_at, u64_at};

/// The label lies in one of the first four sectors.
pub(super) const SEARCHED_BYTES: usize = 4 * SECTOR;
/// A metadata area begins with so many bytes that say where in it the text lies.
pub(super) const AREA_HEADER_BYTES: usize = 512;
const SECTOR: usize = 512;
const SIGNATURE: &[u8] = b"LABELONE";
const TYPE: &[u8] = b"LVM2 001";
const AREA_SIGNATURE: &[u8] = b" LVM2 x[5A%r0N*>";
/// A raw location's flag: the area is not in use.
const IGNORED: u32 = 1;
/// LVM writes at most two areas, and room for no more than a few fits in a label.
const AREAS_MAX: usize = 16;
const ID_BYTES: usize = 32;

/// What a label says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub id: String,
    pub areas: Vec<Area>,
}

/// Where a metadata area lies, in bytes of the physical volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub offset: u64,
    pub len: u64,
}

/// Where the text in use lies in its area: `len` bytes from `offset` on, going on behind the area's header if the area
/// ends before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextPlace {
    pub offset: u64,
    pub len: u64,
    pub checksum: u32,
}

impl TextPlace {
    /// Its one or two pieces: byte of the physical volume, and length.
    pub(super) fn pieces(&self, area: &Area) -> impl Iterator<Item = (u64, u64)> {
        let first = self.len.min(area.len.saturating_sub(self.offset));
        let rest = self.len.saturating_sub(first);
        let ring = area.offset.saturating_add(AREA_HEADER_BYTES as u64);
        let pieces = [
            (area.offset.saturating_add(self.offset), first),
            (ring, rest),
        ];
        pieces.into_iter().filter(|(_, len)| *len > 0)
    }
}

/// Looks for a label in the first sectors of a source.
///
/// # Errors
/// If there is one, and it cannot be right.
pub(super) fn find(head: &[u8]) -> Result<Option<Label>, LvmError> {
    let found = head
        .chunks_exact(SECTOR)
        .zip(0_u64..)
        .find(|(sector, number)| {
            sector.starts_with(SIGNATURE)
                && u64_at(sector, 8) == Some(*number)
                && sector.get(24..32) == Some(TYPE)
        });
    let Some((sector, number)) = found else {
        return Ok(None);
    };
    let at = number.saturating_mul(SECTOR as u64);
    let cut = || LvmError::damaged("LVM label", at, "an id and areas", "the end of the sector");
    let stored = u32_at(sector, 16).ok_or_else(cut)?;
    let checksum = checksum(sector.get(20..).unwrap_or_default());
    if stored != checksum {
        return Err(LvmError::damaged(
            "the checksum of the LVM label",
            at,
            format!("{checksum:#010x}"),
            format!("{stored:#010x}"),
        ));
    }
    label(sector).ok_or_else(cut).map(Some)
}

fn label(sector: &[u8]) -> Option<Label> {
    let start = usize::try_from(u32_at(sector, 20)?).ok()?;
    let content = sector.get(start..)?;
    let id = id_text(content.get(..ID_BYTES)?);
    // Two lists follow the size, each ended by zeros: data areas, then metadata areas.
    let (pairs, _) = content.get(ID_BYTES.saturating_add(8)..)?.as_chunks::<16>();
    let mut pairs = pairs.iter().map(|pair| Area {
        offset: LittleEndian::read_u64(pair),
        len: LittleEndian::read_u128(pair)
            .wrapping_shr(64)
            .try_into()
            .unwrap_or(0),
    });
    let is_one = |area: &Area| area.offset != 0;
    pairs.by_ref().take_while(is_one).for_each(drop);
    let areas = pairs.take_while(is_one).take(AREAS_MAX).collect();
    Some(Label { id, areas })
}

/// Reads an area's header: where the text in use lies. `None` if the area is empty or not in use.
///
/// # Errors
/// If the header cannot be right, or leads out of the area or of the source, which has `source_len` bytes.
pub(super) fn text_place(
    header: &[u8],
    area: &Area,
    source_len: u64,
) -> Result<Option<TextPlace>, LvmError> {
    let what = "LVM metadata area";
    let at = area.offset;
    let cut = || LvmError::damaged(what, at, "a header of 512 bytes", "the end of the device");
    let stored = u32_at(header, 0).ok_or_else(cut)?;
    let rest = header.get(4..AREA_HEADER_BYTES).ok_or_else(cut)?;
    if !rest.starts_with(AREA_SIGNATURE) {
        return Err(LvmError::damaged(
            what,
            at,
            "its signature",
            "something else",
        ));
    }
    let found = checksum(rest);
    if stored != found {
        return Err(LvmError::damaged(
            "the checksum of the LVM metadata area",
            at,
            format!("{found:#010x}"),
            format!("{stored:#010x}"),
        ));
    }
    let number = |from: usize| u64_at(header, from).ok_or_else(cut);
    let (start, len) = (number(24)?, number(32)?);
    let end = start.checked_add(len).filter(|end| *end <= source_len);
    if start != area.offset || len != area.len || end.is_none() {
        return Err(LvmError::damaged(
            what,
            at,
            format!(
                "bytes {at} to {} of the device",
                at.saturating_add(area.len)
            ),
            format!("{len} bytes at {start}"),
        ));
    }
    let (offset, text_len) = (number(40)?, number(48)?);
    let checksum = u32_at(header, 56).ok_or_else(cut)?;
    let flags = u32_at(header, 60).ok_or_else(cut)?;
    if offset == 0 || flags & IGNORED != 0 {
        return Ok(None);
    }
    let room = len.saturating_sub(AREA_HEADER_BYTES as u64);
    if offset < AREA_HEADER_BYTES as u64 || offset >= len || text_len == 0 || text_len > room {
        return Err(LvmError::damaged(
            what,
            at.saturating_add(40),
            "a text inside the area",
            format!("{text_len} bytes at {offset}"),
        ));
    }
    Ok(Some(TextPlace {
        offset,
        len: text_len,
        checksum,
    }))
}

/// LVM2's checksum: the usual CRC-32 from a start of its own, not inverted at the end.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    const START: u32 = 0xf597_a6cf;
    let mut hasher = crc32fast::Hasher::new_with_initial(!START);
    hasher.update(bytes);
    !hasher.finalize()
}

/// An id as stored, with the hyphens it is written with.
fn id_text(stored: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in stored.iter().enumerate() {
        if matches!(at, 6 | 10 | 14 | 18 | 22 | 26) {
            text.push('-');
        }
        text.push(char::from(*byte));
    }
    text
}
