//! How much a VHD grows when it receives a merge.

use crate::image::Specific;
use crate::image::growth::{Needed, length};

const SECTOR: u64 = 512;
/// Sectors a writer may leave free before a VHD's block, so that its data begins at a page of 4 KiB, as libvhd and
/// Windows since 2012 do.
const GAP_SECTORS: u64 = 7;

/// Each new block with its bitmap, and what the table's own enlargement takes.
pub(super) fn bytes_max(needed: &Needed<'_>) -> u64 {
    let bitmap = needed.block.div_ceil(SECTOR * 8).div_ceil(SECTOR);
    let bitmap = bitmap.saturating_add(GAP_SECTORS).saturating_mul(SECTOR);
    let stride = needed.block.saturating_add(bitmap);
    length(needed.new)
        .saturating_mul(stride)
        .saturating_add(table_room(needed, stride))
}

/// Bytes that a longer table takes: libvhd moves the first blocks to the end of the file to make room for it
/// (`vhd-util resize`). A block in the file takes `stride` bytes with its bitmap.
fn table_room(needed: &Needed<'_>, stride: u64) -> u64 {
    let Specific::Vhd(vhd) = &needed.parent.specific else {
        return 0;
    };
    let block = needed.block.max(1);
    let entries = u64::from(vhd.table_entries.unwrap_or(0)).max(needed.parent.blocks);
    if needed.larger == 0 || needed.end.div_ceil(block) <= entries {
        return 0;
    }
    let more = needed.larger.div_ceil(block);
    let of_table = |entries: u64| entries.saturating_mul(4).next_multiple_of(SECTOR);
    let table = of_table(entries.saturating_add(more)).saturating_sub(of_table(entries));
    let batmap = if vhd.batmap {
        (more / 8).saturating_add(1).next_multiple_of(SECTOR)
    } else {
        0
    };
    let room = table.saturating_add(batmap);
    if needed.there == 0 {
        return room;
    }
    let moved = room.checked_div(stride).unwrap_or(0).saturating_add(1);
    moved.min(needed.there).saturating_mul(stride)
}
