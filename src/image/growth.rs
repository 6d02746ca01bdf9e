//! How much the receiving file of a merge grows at most: the blocks that the child's sectors need and the parent has no
//! room for yet, and what the parent's own enlargement takes.

use super::{BlockState, Format, Header, Kind, Place, SectorRun, Specific, StateRun};

const MIB: u64 = 1 << 20;
const SECTOR: u64 = 512;
/// Sectors a writer may leave free before a VHD's block, so that its data begins at a page of 4 KiB, as libvhd and
/// Windows since 2012 do.
const GAP_SECTORS: u64 = 7;

/// A half-open range of block numbers.
type BlockRange = (u64, u64);

/// Gathers, from the sectors a child holds, which blocks of its parent they need. Block sizes may differ.
#[derive(Debug)]
pub struct Growth<'a> {
    parent: &'a Header,
    /// Size of the merged disk, in bytes.
    end: u64,
    sector: u64,
    block: u64,
    /// The block that is being filled, and how many of its bytes are data and zeros so far.
    at: u64,
    data: u64,
    zero: u64,
    needed: Vec<BlockRange>,
}

impl<'a> Growth<'a> {
    /// Of `parent`, when `child` is merged into it.
    pub fn new(child: &Header, parent: &'a Header) -> Self {
        Self {
            parent,
            end: child.stored_size,
            sector: u64::from(child.sector_size),
            block: u64::from(parent.block_size.unwrap_or(0)),
            at: 0,
            data: 0,
            zero: 0,
            needed: Vec::new(),
        }
    }

    /// Takes the next run of the child's sectors; in order.
    pub fn add(&mut self, run: SectorRun) {
        let is_data = match run.place {
            Place::Absent => return,
            Place::Zero | Place::Unmapped => false,
            // What is not known is taken at its worst.
            Place::Here { .. } | Place::Error => true,
        };
        let end = run.first.0.saturating_add(run.count);
        let mut start = run.first.0.saturating_mul(self.sector);
        let end = end.saturating_mul(self.sector).min(self.end);
        while start < end {
            let Some(block) = start.checked_div(self.block) else {
                return;
            };
            if block != self.at {
                self.close();
                self.at = block;
            }
            let whole = end
                .saturating_sub(start)
                .checked_div(self.block)
                .unwrap_or(0);
            if start.is_multiple_of(self.block) && whole > 0 {
                let next = block.saturating_add(whole);
                if is_data {
                    push(&mut self.needed, (block, next));
                }
                start = next.saturating_mul(self.block);
                continue;
            }
            let stop = end.min(block.saturating_add(1).saturating_mul(self.block));
            let bytes = stop.saturating_sub(start);
            let held = if is_data {
                &mut self.data
            } else {
                &mut self.zero
            };
            *held = held.saturating_add(bytes);
            start = stop;
        }
    }

    /// Ends the block that is being filled.
    fn close(&mut self) {
        let (data, zero) = (
            std::mem::take(&mut self.data),
            std::mem::take(&mut self.zero),
        );
        let is_whole = data.saturating_add(zero) >= self.block;
        // Zeros of a part of a block have to be written where a grandparent would show through.
        let has_zeros = zero > 0 && !is_whole && self.parent.kind == Kind::Differencing;
        if data > 0 || has_zeros {
            push(&mut self.needed, (self.at, self.at.saturating_add(1)));
        }
    }

    /// Bytes by which the file grows at most. `held` is the parent's table.
    pub fn bytes_max(mut self, held: &[StateRun]) -> u64 {
        self.close();
        let parent = self.parent;
        let larger = self.end.saturating_sub(parent.stored_size);
        let there = join(held.iter().filter(|run| has_data(run.state)).map(blocks_of));
        let ranges = subtract(&self.needed, &there);
        let new = length(&ranges);
        match (parent.format, parent.kind) {
            (Format::Raw, _) | (_, Kind::Fixed) => larger,
            (Format::Vhd, _) => {
                let bitmap = self.block.div_ceil(SECTOR * 8).div_ceil(SECTOR);
                let bitmap = bitmap.saturating_add(GAP_SECTORS).saturating_mul(SECTOR);
                let block = self.block.saturating_add(bitmap);
                let moved = self.table_room(larger, length(&there), block);
                new.saturating_mul(block).saturating_add(moved)
            }
            (Format::Vhdx, _) => {
                let bitmaps = match parent.kind {
                    Kind::Differencing => new_bitmaps(parent, self.block, &ranges, held),
                    Kind::Dynamic | Kind::Fixed => 0,
                };
                let aligned = parent.file_size.next_multiple_of(MIB);
                let gap = match new.saturating_add(bitmaps) {
                    0 => 0,
                    _ => aligned.saturating_sub(parent.file_size),
                };
                new.saturating_mul(self.block)
                    .saturating_add(bitmaps.saturating_mul(MIB))
                    .saturating_add(gap)
            }
        }
    }

    /// Bytes that a VHD's longer table takes: libvhd moves the first blocks to the end of the file to make room for it
    /// (`vhd-util resize`). `held` blocks are in the file, each of `stride` bytes with its bitmap.
    fn table_room(&self, larger: u64, held: u64, stride: u64) -> u64 {
        let Specific::Vhd(vhd) = &self.parent.specific else {
            return 0;
        };
        let entries = u64::from(vhd.table_entries.unwrap_or(0)).max(self.parent.blocks);
        if larger == 0 || self.end.div_ceil(self.block.max(1)) <= entries {
            return 0;
        }
        let more = larger.div_ceil(self.block.max(1));
        let of_table = |entries: u64| entries.saturating_mul(4).next_multiple_of(SECTOR);
        let table = of_table(entries.saturating_add(more)).saturating_sub(of_table(entries));
        let batmap = if vhd.batmap {
            (more / 8).saturating_add(1).next_multiple_of(SECTOR)
        } else {
            0
        };
        let room = table.saturating_add(batmap);
        if held == 0 {
            return room;
        }
        let moved = room.checked_div(stride).unwrap_or(0).saturating_add(1);
        moved.min(held).saturating_mul(stride)
    }
}

/// Chunks that get their first bitmap: those with new blocks and none held in part so far. Windows marks a new block as
/// held in part even where all of it was written.
fn new_bitmaps(parent: &Header, block: u64, new: &[BlockRange], held: &[StateRun]) -> u64 {
    let ratio = (1_u64 << 23)
        .saturating_mul(u64::from(parent.sector_size))
        .checked_div(block)
        .unwrap_or(1)
        .max(1);
    let chunk = |(first, end): BlockRange| {
        (
            first.checked_div(ratio).unwrap_or(first),
            end.div_ceil(ratio),
        )
    };
    let in_part = held.iter().filter(|run| run.state == BlockState::Partial);
    let have = join(in_part.map(blocks_of).map(chunk));
    let touched = join(new.iter().copied().map(chunk));
    length(&subtract(&touched, &have))
}

fn blocks_of(run: &StateRun) -> BlockRange {
    (run.first.0, run.first.0.saturating_add(run.count))
}

/// Adds a range that begins at or behind the end of the last.
fn push(ranges: &mut Vec<BlockRange>, range: BlockRange) {
    match ranges.last_mut() {
        Some(last) if range.0 <= last.1 => last.1 = last.1.max(range.1),
        _ => ranges.push(range),
    }
}

/// Blocks in all ranges together.
fn length(ranges: &[BlockRange]) -> u64 {
    ranges.iter().fold(0, |sum, (first, end)| {
        sum.saturating_add(end.saturating_sub(*first))
    })
}

/// Whether the state takes room in the file. An entry that cannot be right is taken at its worst.
fn has_data(state: BlockState) -> bool {
    matches!(
        state,
        BlockState::Full | BlockState::Partial | BlockState::Error
    )
}

/// Ranges sorted, overlaps joined, empty ones dropped.
fn join(ranges: impl Iterator<Item = BlockRange>) -> Vec<BlockRange> {
    let mut all: Vec<BlockRange> = ranges.filter(|(first, end)| first < end).collect();
    all.sort_unstable();
    let mut joined: Vec<BlockRange> = Vec::with_capacity(all.len());
    for (first, end) in all {
        match joined.last_mut() {
            Some(last) if first <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((first, end)),
        }
    }
    joined
}

/// What of `from` is not in `take`; both joined.
fn subtract(from: &[BlockRange], take: &[BlockRange]) -> Vec<BlockRange> {
    let mut left = Vec::new();
    let mut take = take.iter().copied().peekable();
    for (mut first, end) in from.iter().copied() {
        while let Some((start, stop)) = take.peek().copied() {
            if stop <= first {
                take.next();
                continue;
            }
            if start >= end {
                break;
            }
            if start > first {
                left.push((first, start));
            }
            first = stop;
            if first >= end {
                break;
            }
            take.next();
        }
        if first < end {
            left.push((first, end));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::vhd;
    use crate::format::{BlockNo, SectorNo};

    const STRIDE: u64 = (2 << 20) + 4096;

    fn header(format: Format, kind: Kind, block: u32) -> Header {
        let mut header = vhd("x", "2009-01-01T00:00:00Z", "2009-01-01T00:00:00Z")
            .header
            .unwrap();
        (header.format, header.kind, header.block_size) = (format, kind, Some(block));
        header
    }

    fn runs(list: &[(u64, u64)], state: BlockState) -> Vec<StateRun> {
        let run = |(first, count): &(u64, u64)| StateRun {
            first: BlockNo(*first),
            count: *count,
            state,
        };
        list.iter().map(run).collect()
    }

    /// Growth of a parent with full blocks, by the sectors of a child.
    fn grow(
        child: &Header,
        sectors: &[(u64, u64, Place)],
        parent: &Header,
        held: &[StateRun],
    ) -> u64 {
        let mut growth = Growth::new(child, parent);
        for (first, count, place) in sectors {
            growth.add(SectorRun {
                first: SectorNo(*first),
                count: *count,
                place: *place,
            });
        }
        growth.bytes_max(held)
    }

    const HERE: Place = Place::Here { offset_bytes: 0 };
    /// Sectors of a block of 2 MiB.
    const BLOCK: u64 = 4096;

    #[test]
    fn only_blocks_the_parent_has_no_room_for_count_each_with_its_bitmap() {
        let child = header(Format::Vhd, Kind::Differencing, 2 << 20);
        let parent = header(Format::Vhd, Kind::Dynamic, 2 << 20);
        let held = runs(&[(1, 1), (5, 5), (12, 9)], BlockState::Full);
        // Blocks 0 to 2, 5, 9 to 12; new: 0, 2, 10, 11.
        let sectors = [
            (0, BLOCK + 1, HERE),
            (2 * BLOCK + 7, 1, HERE),
            (5 * BLOCK, 1, HERE),
            (9 * BLOCK + 5, 3 * BLOCK, HERE),
        ];
        assert_eq!(grow(&child, &sectors, &parent, &held), 4 * STRIDE);
        let fixed = header(Format::Vhd, Kind::Fixed, 2 << 20);
        assert_eq!(grow(&child, &sectors, &fixed, &[]), 0);
        let absent = [(0, 9 * BLOCK, Place::Absent)];
        assert_eq!(grow(&child, &absent, &parent, &[]), 0);
    }

    #[test]
    fn of_unequal_blocks_only_what_the_sectors_touch_counts() {
        let small = header(Format::Vhd, Kind::Differencing, 512 << 10);
        let large = header(Format::Vhd, Kind::Dynamic, 2 << 20);
        // Small blocks 3, 4 and 5 lie in large blocks 0 and 1; 1 is there.
        let held = runs(&[(1, 1)], BlockState::Full);
        assert_eq!(
            grow(&small, &[(3 * 1024, 3 * 1024, HERE)], &large, &held),
            STRIDE
        );
        // Ten sectors of one large block touch two small ones; one is there.
        let held = runs(&[(5, 1)], BlockState::Full);
        assert_eq!(
            grow(&large, &[(5 * 1024 + 1019, 10, HERE)], &small, &held),
            (512 << 10) + 4096
        );
    }

    #[test]
    fn a_parent_that_is_enlarged_grows_for_all_the_child_holds_and_for_its_table() {
        let mut child = header(Format::Vhd, Kind::Differencing, 2 << 20);
        child.stored_size = 256 * MIB;
        let mut parent = header(Format::Vhd, Kind::Dynamic, 2 << 20);
        let sectors = [(100 * BLOCK, 3 * BLOCK, HERE)];
        let table = |entries| {
            Specific::Vhd(crate::image::VhdSpecific {
                table_entries: Some(entries),
                ..crate::image::VhdSpecific::default()
            })
        };
        parent.specific = table(128);
        assert_eq!(grow(&child, &sectors, &parent, &[]), 3 * STRIDE);
        // 96 further entries do not fit behind 33 in one sector; the first block makes room for them.
        parent.specific = table(33);
        let held = runs(&[(0, 9)], BlockState::Full);
        assert_eq!(grow(&child, &sectors, &parent, &held), 4 * STRIDE);
        assert_eq!(grow(&child, &sectors, &parent, &[]), 3 * STRIDE + 512);
        let fixed = header(Format::Vhd, Kind::Fixed, 2 << 20);
        assert_eq!(grow(&child, &sectors, &fixed, &[]), 192 * MIB);
    }

    #[test]
    fn a_differencing_vhdx_gets_a_bitmap_for_each_chunk_that_had_none() {
        let mut child = header(Format::Vhdx, Kind::Differencing, 2 << 20);
        child.file_size = 8 * MIB + 1;
        let mut dynamic = header(Format::Vhdx, Kind::Dynamic, 2 << 20);
        dynamic.file_size = 8 * MIB;
        let in_part = [(7, 3, HERE), (BLOCK, 1, HERE)];
        assert_eq!(grow(&child, &in_part, &dynamic, &[]), 4 * MIB);
        // The file's end is brought to a whole mebibyte too.
        assert_eq!(grow(&child, &in_part, &child, &[]), 6 * MIB - 1);
        let partial = runs(&[(7, 1)], BlockState::Partial);
        assert_eq!(grow(&child, &in_part, &child, &partial), 5 * MIB - 1);
        // A full block stays full.
        let full = runs(&[(0, 2)], BlockState::Full);
        assert_eq!(grow(&child, &in_part, &child, &full), 0);
    }

    #[test]
    fn zeros_take_room_only_where_they_hide_a_part_of_a_grandparents_block() {
        let small = header(Format::Vhdx, Kind::Differencing, 1 << 20);
        let mut large = header(Format::Vhdx, Kind::Differencing, 2 << 20);
        large.file_size = 8 * MIB;
        let whole = [(0, 9 * BLOCK, Place::Zero)];
        assert_eq!(grow(&small, &whole, &large, &[]), 0);
        let half = [(0, BLOCK / 2, Place::Unmapped)];
        assert_eq!(grow(&small, &half, &large, &[]), 3 * MIB);
        large.kind = Kind::Dynamic;
        assert_eq!(grow(&small, &half, &large, &[]), 0);
    }
}
