//! How much the receiving file of a merge grows at most: the blocks of the child that the parent has no room for yet.
//! Compared with the free space in [`gate`](super::gate).

use crate::image::{BlockState, Format, Header, Kind, StateRun};

const MIB: u64 = 1 << 20;

/// A half-open range of block numbers.
type Blocks = (u64, u64);

/// Bytes by which `parent` grows at most when `child` is merged into it, from both tables.
///
/// Block sizes may differ. A VHD's new block brings its bitmap with it; a differencing VHDX a bitmap block per chunk that had none.
pub fn grow_max(child: (&Header, &[StateRun]), parent: (&Header, &[StateRun])) -> u64 {
    let (child, child_runs) = child;
    let (parent, parent_runs) = parent;
    let (Some(from), Some(to)) = (child.block_size, parent.block_size) else {
        return 0;
    };
    if parent.kind == Kind::Fixed || from == 0 || to == 0 {
        return 0;
    }
    let (from, to) = (u64::from(from), u64::from(to));
    let end = child.virtual_size.min(parent.virtual_size);
    let wanted = join(
        child_runs
            .iter()
            .filter(|run| has_data(run.state))
            .map(|run| {
                let first = run.first.0.saturating_mul(from);
                let last = run
                    .first
                    .0
                    .saturating_add(run.count)
                    .saturating_mul(from)
                    .min(end);
                (first / to, last.div_ceil(to).max(first / to))
            }),
    );
    let there = join(
        parent_runs
            .iter()
            .filter(|run| has_data(run.state))
            .map(|run| (run.first.0, run.first.0.saturating_add(run.count))),
    );
    let new = subtract(&wanted, &there);
    let blocks = length(&new);
    match parent.format {
        Format::Vhd => {
            let bitmap = to.div_ceil(512 * 8).div_ceil(512).saturating_mul(512);
            blocks.saturating_mul(to.saturating_add(bitmap))
        }
        Format::Vhdx => {
            let bitmaps = if parent.kind == Kind::Differencing {
                new_bitmaps(parent, to, &new, parent_runs)
            } else {
                0
            };
            blocks
                .saturating_mul(to)
                .saturating_add(bitmaps.saturating_mul(MIB))
        }
    }
}

/// Chunks that get their first bitmap block: those with new blocks and none held in part so far.
fn new_bitmaps(parent: &Header, block: u64, new: &[Blocks], runs: &[StateRun]) -> u64 {
    let ratio = (1_u64 << 23)
        .saturating_mul(u64::from(parent.sector_size))
        .checked_div(block)
        .unwrap_or(1)
        .max(1);
    let chunk = |(first, end): Blocks| (first / ratio, end.div_ceil(ratio));
    let touched = join(new.iter().copied().map(chunk));
    let have = join(
        runs.iter()
            .filter(|run| run.state == BlockState::Partial)
            .map(|run| chunk((run.first.0, run.first.0.saturating_add(run.count)))),
    );
    length(&subtract(&touched, &have))
}

/// Blocks in all ranges together.
fn length(ranges: &[Blocks]) -> u64 {
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
fn join(ranges: impl Iterator<Item = Blocks>) -> Vec<Blocks> {
    let mut all: Vec<Blocks> = ranges.filter(|(first, end)| first < end).collect();
    all.sort_unstable();
    let mut joined: Vec<Blocks> = Vec::with_capacity(all.len());
    for (first, end) in all {
        match joined.last_mut() {
            Some(last) if first <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((first, end)),
        }
    }
    joined
}

/// What of `from` is not in `take`; both joined.
fn subtract(from: &[Blocks], take: &[Blocks]) -> Vec<Blocks> {
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
    use crate::format::BlockNo;

    fn header(format: Format, kind: Kind, block: u32) -> Header {
        let mut header = vhd("x", "2009-01-01T00:00:00Z", "2009-01-01T00:00:00Z")
            .header
            .unwrap();
        (header.format, header.kind, header.block_size) = (format, kind, Some(block));
        header
    }

    fn runs(list: &[(u64, u64)]) -> Vec<StateRun> {
        let run = |(first, count): &(u64, u64)| StateRun {
            first: BlockNo(*first),
            count: *count,
            state: BlockState::Full,
        };
        list.iter().map(run).collect()
    }

    #[test]
    fn only_blocks_the_parent_has_no_room_for_count_each_with_its_bitmap() {
        let child = header(Format::Vhd, Kind::Differencing, 2 << 20);
        let parent = header(Format::Vhd, Kind::Dynamic, 2 << 20);
        let grow = grow_max(
            (&child, &runs(&[(0, 3), (5, 1), (9, 4)])),
            (&parent, &runs(&[(1, 1), (5, 5), (12, 9)])),
        );
        // New: 0, 2, 10, 11.
        assert_eq!(grow, 4 * ((2 << 20) + 512));
        let fixed = header(Format::Vhd, Kind::Fixed, 2 << 20);
        assert_eq!(grow_max((&child, &runs(&[(0, 3)])), (&fixed, &[])), 0);
    }

    #[test]
    fn block_sizes_of_both_sides_are_told_apart() {
        let small = header(Format::Vhd, Kind::Differencing, 512 << 10);
        let large = header(Format::Vhd, Kind::Dynamic, 2 << 20);
        // Small blocks 3, 4 and 5 lie in large blocks 0 and 1; 1 is there.
        assert_eq!(
            grow_max((&small, &runs(&[(3, 3)])), (&large, &runs(&[(1, 1)]))),
            (2 << 20) + 512
        );
        // Large block 1 is small blocks 4 to 7; 5 is there.
        assert_eq!(
            grow_max((&large, &runs(&[(1, 1)])), (&small, &runs(&[(5, 1)]))),
            3 * ((512 << 10) + 512)
        );
    }

    #[test]
    fn a_differencing_vhdx_gets_a_bitmap_block_for_each_chunk_that_had_none() {
        let child = header(Format::Vhdx, Kind::Differencing, 2 << 20);
        let dynamic = header(Format::Vhdx, Kind::Dynamic, 2 << 20);
        let held = runs(&[(0, 2)]);
        assert_eq!(grow_max((&child, &held), (&dynamic, &[])), 4 << 20);
        assert_eq!(grow_max((&child, &held), (&child, &[])), (4 << 20) + MIB);
        let partial = [StateRun {
            first: BlockNo(7),
            count: 1,
            state: BlockState::Partial,
        }];
        assert_eq!(grow_max((&child, &held), (&child, &partial)), 4 << 20);
    }

    #[test]
    fn zero_blocks_take_no_room() {
        let child = header(Format::Vhdx, Kind::Differencing, 2 << 20);
        let zero = [StateRun {
            first: BlockNo(0),
            count: 9,
            state: BlockState::Zero,
        }];
        assert_eq!(grow_max((&child, &zero), (&child, &[])), 0);
    }
}
