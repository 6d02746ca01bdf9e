//! Which disks of a chain answer for some bytes, by their tables alone.

use std::ops::Range;

use crate::image::{BlockState, StateRun};
use crate::tui::message::BlockTable;

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
    let run_end = |run: &StateRun| run.first.0.saturating_add(run.count);
    let from = table.runs.partition_point(|run| run_end(run) <= first);
    let runs = table.runs.iter().skip(from);
    let held = runs
        .take_while(|run| run.first.0 < end)
        .filter(|run| !matches!(run.state, BlockState::Absent | BlockState::Error))
        .map(|run| run_end(run).min(end).saturating_sub(run.first.0.max(first)))
        .fold(0, u64::saturating_add);
    (held, end.saturating_sub(first))
}
