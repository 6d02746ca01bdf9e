//! How much the receiving file of a merge grows at most: the blocks that the child's sectors need and the parent has no
//! room for yet, and what the parent's own enlargement takes.

use super::{BlockState, Header, Kind, Place, SectorRun, StateRun};

/// A half-open range of block numbers.
pub(super) type BlockRange = (u64, u64);

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
        if parent.kind == Kind::Fixed {
            return larger;
        }
        let new = subtract(&self.needed, &there);
        (parent.format.rules().growth)(&Needed {
            parent,
            end: self.end,
            larger,
            block: self.block,
            new: &new,
            there: length(&there),
            held,
        })
    }
}

/// What a merge asks of a file that is not fixed.
pub(super) struct Needed<'a> {
    /// The receiving disk.
    pub parent: &'a Header,
    /// Size of the merged disk, in bytes.
    pub end: u64,
    /// Bytes by which that is larger than the receiving disk.
    pub larger: u64,
    /// Block size of the receiving disk, in bytes.
    pub block: u64,
    /// Blocks that need room it does not have.
    pub new: &'a [BlockRange],
    /// Blocks that have room in it.
    pub there: u64,
    /// Its table.
    pub held: &'a [StateRun],
}

pub(super) fn blocks_of(run: &StateRun) -> BlockRange {
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
pub(super) fn length(ranges: &[BlockRange]) -> u64 {
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
pub(super) fn join(ranges: impl Iterator<Item = BlockRange>) -> Vec<BlockRange> {
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
pub(super) fn subtract(from: &[BlockRange], take: &[BlockRange]) -> Vec<BlockRange> {
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
    use crate::image::{Format, Specific};

    const MIB: u64 = 1 << 20;

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
