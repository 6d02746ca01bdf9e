//! Which disks of a chain answer for some bytes, by their tables alone.

use std::ops::Range;

use crate::image::{BlockState, StateRun};
use crate::tui::message::BlockTable;

/// The states of some blocks, each with those of them that are in it.
pub fn runs_within(
    runs: &[StateRun],
    blocks: Range<u64>,
) -> impl Iterator<Item = (BlockState, Range<u64>)> {
    let end = |run: &StateRun| run.first.0.saturating_add(run.count);
    let from = runs.partition_point(|run| end(run) <= blocks.start);
    let runs = runs.iter().skip(from);
    runs.take_while(move |run| run.first.0 < blocks.end)
        .map(move |run| {
            (
                run.state,
                run.first.0.max(blocks.start)..end(run).min(blocks.end),
            )
        })
}

/// Whether a disk answers for something of some bytes. One without blocks answers for all.
pub fn answers_within(table: &BlockTable, bytes: &Range<u64>) -> bool {
    table.block_bytes == 0 || held_within(table, bytes).0 > 0
}

/// How many of the blocks that some bytes touch a disk answers for, and how many those are.
pub fn held_within(table: &BlockTable, bytes: &Range<u64>) -> (u64, u64) {
    if table.block_bytes == 0 {
        return (1, 1);
    }
    let first = bytes.start / table.block_bytes;
    let end = bytes
        .end
        .div_ceil(table.block_bytes)
        .max(first.saturating_add(1));
    let held = runs_within(&table.runs, first..end)
        .filter(|(state, _)| !matches!(state, BlockState::Absent | BlockState::Error))
        .map(|(_, part)| part.end - part.start)
        .fold(0, u64::saturating_add);
    (held, end.saturating_sub(first))
}
