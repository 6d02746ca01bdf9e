//! The diff itself: plan, read and compare ahead on two threads, collect in order.

use std::ops::ControlFlow;

use super::collect::Collector;
use super::compare::CompareSlot;
use super::plan::{DiffPlanner, PORTION_BYTES, path_windows, told_of};
use super::{DiffError, DiffEvent, DiffKind, DiffReport, DiffRun, DiffSummary, Relation};
use crate::chain::{Chain, ChainError, ReadFault};
use crate::format::SectorNo;
use crate::job::{Job, run_pipeline};

/// Threads that read and compare, and slots they share with the collector.
const THREADS: usize = 2;
const SLOTS: usize = 4;

/// Faults kept in a report; the count goes on.
const FAULTS_KEPT: usize = 64;

/// Block size for the map where the disk has no blocks, in bytes: the usual one of a VHD.
const BLOCK_BYTES: u64 = 2 << 20;

/// Compares a disk with its parent's content: its dirty sectors, and no others.
///
/// # Errors
/// [`DiffError::NoParent`] for a base, or if the parent is missing.
pub fn diff_with_parent(
    child: &Chain,
    job: &Job,
    on_event: &mut dyn FnMut(DiffEvent),
) -> Result<DiffReport, DiffError> {
    let parent = child.parent().ok_or(DiffError::NoParent)?;
    diff(child, &parent, job, on_event)
}

/// Compares two disks, over the sectors of the first. A disk that is shorter reads as zeros beyond its end.
///
/// Only sectors are compared that some link between either disk and their common ancestor holds (or hides, by ending before
/// it); all others are the same by construction. Without a common ancestor these are all sectors that any link holds.
/// Zeros and unmapped sectors cost no read. `on_event` gets runs and blocks in order while the work goes on.
///
/// Progress is in bytes of those blocks in which the path holds anything; the total is known at the start. A cancel stops
/// between pieces of 4 MiB: what was told so far holds, and the summary is not complete.
///
/// Memory: 1 MiB of buffers, and some MiB for tables and runs.
///
/// # Errors
/// When the disks have no common measure: [`DiffError::SectorSizes`], [`DiffError::Unrelated`].
pub fn diff(
    left: &Chain,
    right: &Chain,
    job: &Job,
    on_event: &mut dyn FnMut(DiffEvent),
) -> Result<DiffReport, DiffError> {
    let relation = relate(left, right)?;
    let sector_size = u64::from(left.sector_size());
    let expected = held_bytes(left, right, relation, job);
    job.progress.expect(expected);
    let block_bytes = left
        .links()
        .first()
        .and_then(|leaf| leaf.header().block_size)
        .map_or(BLOCK_BYTES, u64::from);
    let mut collector = Collector::new(block_bytes.checked_div(sector_size).unwrap_or(1), on_event);
    let mut planner = DiffPlanner::new(left, right, relation);
    let mut faults = Vec::new();
    let mut advanced = 0_u64;
    run_pipeline(
        (0..SLOTS)
            .map(|_| CompareSlot::new(PORTION_BYTES))
            .collect(),
        THREADS,
        |slot| !job.cancel.is_cancelled() && planner.plan(slot),
        |slot| slot.work(left, right),
        |slot| {
            for run in &slot.runs {
                collector.take(*run);
            }
            let room = FAULTS_KEPT.saturating_sub(faults.len());
            faults.extend(slot.faults.drain(..).take(room));
            advanced = advanced.saturating_add(slot.progress_bytes);
            job.progress.advance(slot.progress_bytes);
            ControlFlow::Continue(())
        },
    );
    let finished = planner.finished;
    if finished {
        job.progress.advance(expected.saturating_sub(advanced));
        let told_of = told_of(left, right, relation);
        let count = left.sectors().saturating_sub(told_of);
        if count > 0 {
            let sector = SectorNo(told_of);
            let ends_here = |chain: &&Chain| {
                let top = chain.links().first();
                top.is_some_and(|top| top.sectors_told_of() == told_of)
            };
            let short = [left, right].into_iter().find(ends_here).unwrap_or(left);
            collector.take_last(DiffRun {
                sector,
                count,
                kind: DiffKind::Unreadable,
            });
            faults.push(ReadFault {
                sector,
                count,
                error: ChainError::WrongTable {
                    file: short.name(0),
                    sector,
                },
            });
        }
    }
    let totals = collector.finish();
    let complete = finished && totals.unreadable == 0;
    Ok(DiffReport {
        summary: DiffSummary {
            totals,
            equal: complete && totals.same == totals.compared,
            complete,
        },
        relation,
        faults,
    })
}

/// How two disks are related, if they can be compared at all; [`diff`] fails for no other reason.
///
/// # Errors
/// As [`diff`].
pub fn relate(left: &Chain, right: &Chain) -> Result<Relation, DiffError> {
    if left.sector_size() != right.sector_size() {
        return Err(DiffError::SectorSizes {
            left: left.sector_size(),
            right: right.sector_size(),
        });
    }
    let relation = Relation::of(left, right);
    if !relation.related && (left.is_cut_off() || right.is_cut_off()) {
        return Err(DiffError::Unrelated);
    }
    Ok(relation)
}

/// Bytes of the blocks in which the path holds anything.
fn held_bytes(left: &Chain, right: &Chain, relation: Relation, job: &Job) -> u64 {
    path_windows(left, right, relation)
        .take_while(|_| !job.cancel.is_cancelled())
        .filter(|window| window.held)
        .map(|window| window.sectors.end.0.saturating_sub(window.sectors.start.0))
        .sum::<u64>()
        .saturating_mul(u64::from(left.sector_size()))
}
