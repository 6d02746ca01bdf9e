//! How much a VHDX grows when it receives a merge.

use crate::image::growth::{BlockRange, Needed, blocks_of, join, length, subtract};
use crate::image::{BlockState, Kind};

const MIB: u64 = 1 << 20;

/// Each new block, the bitmaps of chunks that had none, and what brings the end of the file to a whole mebibyte.
pub(super) fn bytes_max(needed: &Needed<'_>) -> u64 {
    let bitmaps = match needed.parent.kind {
        Kind::Differencing => new_bitmaps(needed),
        Kind::Dynamic | Kind::Fixed => 0,
    };
    let new = length(needed.new);
    let file_size = needed.parent.file_size;
    let gap = match new.saturating_add(bitmaps) {
        0 => 0,
        _ => file_size.next_multiple_of(MIB).saturating_sub(file_size),
    };
    new.saturating_mul(needed.block)
        .saturating_add(bitmaps.saturating_mul(MIB))
        .saturating_add(gap)
}

/// Chunks that get their first bitmap: those with new blocks and none held in part so far. Windows marks a new block as
/// held in part even where all of it was written.
fn new_bitmaps(needed: &Needed<'_>) -> u64 {
    let ratio = (1_u64 << 23)
        .saturating_mul(u64::from(needed.parent.sector_size))
        .checked_div(needed.block)
        .unwrap_or(1)
        .max(1);
    let chunk = |(first, end): BlockRange| {
        (
            first.checked_div(ratio).unwrap_or(first),
            end.div_ceil(ratio),
        )
    };
    let in_part = needed
        .held
        .iter()
        .filter(|run| run.state == BlockState::Partial);
    let have = join(in_part.map(blocks_of).map(chunk));
    let touched = join(needed.new.iter().copied().map(chunk));
    length(&subtract(&touched, &have))
}
