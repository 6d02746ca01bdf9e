//! Where two disks can differ at all: what was written in any disk on the way between them.

use super::diff::{DiffError, complement, path_windows, relate, told_of};
use crate::chain::{Chain, Resolver, intersect};
use crate::guest::extents::Extents;
use crate::image::{BlockState, StateRun};
use crate::job::Job;

/// Sectors whose bitmaps are asked for together.
const SECTORS_AHEAD: u64 = 1 << 22;

/// The bytes that some disk between either of two and their common ancestor holds, zeros and unmapped ones too, and all of
/// which nothing is known. All others are the same in both by construction.
///
/// # Errors
/// As [`diff`](super::diff::diff).
pub fn written(before: &Chain, after: &Chain, job: &Job) -> Result<Extents, DiffError> {
    let relation = relate(after, before)?;
    let sector_bytes = u64::from(after.sector_size());
    let bytes = |sectors: std::ops::Range<u64>| {
        sectors.start.saturating_mul(sector_bytes)..sectors.end.saturating_mul(sector_bytes)
    };
    let mut written = Extents::default();
    let (mut new, mut old) = (Resolver::default(), Resolver::default());
    let own = after.links().iter().take(relation.left);
    let path = own.chain(before.links().iter().take(relation.right));
    let mut announced = 0;
    for window in path_windows(after, before, relation) {
        if job.cancel.is_cancelled() {
            break;
        }
        if !window.held {
            continue;
        }
        let window = window.sectors.start.0..window.sectors.end.0;
        if window.start >= announced {
            announced = window.start.saturating_add(SECTORS_AHEAD);
            let sectors = window.start..announced.max(window.end);
            path.clone()
                .for_each(|image| image.will_read_bitmaps(sectors.clone()));
        }
        new.start(window.clone());
        new.ask(after, 0..relation.left);
        old.start(window.clone());
        old.ask(before, 0..relation.right);
        let mut neither = Vec::new();
        intersect(new.open(), old.open(), &mut neither);
        for held in complement(&neither, &window) {
            written.push(bytes(held));
        }
    }
    let known = told_of(after, before, relation);
    written.push(bytes(known..after.sectors().max(known)));
    Ok(written)
}

/// The bytes that a disk holds itself; of one without a parent, its blocks.
///
/// # Errors
/// As [`written`].
pub fn held(chain: &Chain, job: &Job) -> Result<Extents, DiffError> {
    if let Some(parent) = chain.parent() {
        return written(&parent, chain, job);
    }
    let whole = 0..chain.sectors().saturating_mul(chain.sector_size().into());
    let Some(image) = chain.links().first() else {
        return Ok(Extents::default());
    };
    let header = image.header();
    let Some(block) = header.block_size.filter(|_| header.blocks > 0) else {
        return Ok(Extents::of(whole));
    };
    let byte = |blocks: u64| blocks.saturating_mul(block.into()).min(whole.end);
    let mut held = Extents::default();
    let mut add = |run: StateRun| {
        if run.state != BlockState::Absent {
            held.push(byte(run.first.0)..byte(run.first.0.saturating_add(run.count)));
        }
    };
    image.count(job, Some(&mut add));
    Ok(held)
}
