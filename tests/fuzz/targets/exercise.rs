//! What every image target does with bytes: open, count, map, read, compare. Stronger than "did not panic": the parts must agree.

use std::ops::Range;
use std::sync::Arc;

use vhdtree::analysis::diff::{self, DiffEvent};
use vhdtree::chain::{Chain, OnFault};
use vhdtree::format::{BlockNo, SectorNo};
use vhdtree::guest::Partitions;
use vhdtree::image::{BlockState, Image, Kind};
use vhdtree::job::Job;
use vhdtree::source::MemorySource;

/// Opens `bytes` as a disk, if they are one.
pub fn open(bytes: &[u8]) -> Option<Arc<Image>> {
    Image::open(Arc::new(MemorySource(bytes.to_vec()))).ok().map(Arc::new)
}

/// Reads one image in every way.
pub fn image(image: &Image) {
    let mut next = BlockNo(0);
    let mut by_state = std::collections::BTreeMap::<BlockState, u64>::new();
    let counts = image.count(
        &Job::default(),
        Some(&mut |run| {
            assert_eq!(run.first, next, "runs come in order and without gaps");
            assert!(run.count > 0);
            next = BlockNo(run.first.0 + run.count);
            *by_state.entry(run.state).or_default() += run.count;
        }),
    );
    let sum = counts.full + counts.partial + counts.zero + counts.unmapped + counts.absent + counts.error;
    assert!(sum == counts.total || !counts.complete, "every block has one state: {counts:?}");
    for (state, count) in [
        (BlockState::Full, counts.full),
        (BlockState::Partial, counts.partial),
        (BlockState::Zero, counts.zero),
        (BlockState::Unmapped, counts.unmapped),
        (BlockState::Error, counts.error),
    ] {
        assert_eq!(by_state.get(&state).copied().unwrap_or(0), count, "{state:?}: runs and counts agree");
    }
    for range in ranges(image.sectors()) {
        let mut runs = Vec::new();
        if image.sector_runs(range.clone(), &mut runs).is_ok() {
            let mut next = range.start;
            for run in &runs {
                assert_eq!(run.first, next, "runs of sectors have no gaps");
                next = SectorNo(run.first.0 + run.count);
            }
            assert_eq!(next.0, range.end.0.max(range.start.0), "runs of sectors cover the range");
        }
    }
}

/// Reads a chain through all its links and compares the first two.
pub fn chain(links: Vec<Arc<Image>>) {
    let Ok(chain) = Chain::new(links) else { return };
    for range in ranges(chain.sectors()) {
        let wanted = (range.end.0 - range.start.0) * u64::from(chain.sector_size());
        let mut got = 0;
        let summary = chain.read_range(range, &Job::default(), OnFault::Zeros, &mut |bytes| got += bytes.len() as u64);
        if summary.is_ok() {
            assert_eq!(got, wanted, "a read that may go on past faults gives every byte");
        }
    }
    if let Some(partitions) = Partitions::read(&chain) {
        for sector in [0, 1, 63, chain.sectors().saturating_sub(1), u64::MAX] {
            assert!(!partitions.name(SectorNo(sector), u64::MAX).is_empty());
        }
    }
    let is_small = chain.sectors() < 1 << 22;
    if is_small && chain.links().len() > 1 && chain.links()[0].header().kind == Kind::Differencing {
        let mut told = 0;
        let mut last = SectorNo(0);
        let report = diff::diff_with_parent(&chain, &Job::default(), &mut |event| {
            if let DiffEvent::Run(run) = event {
                assert!(run.sector >= last, "runs come in order");
                last = SectorNo(run.sector.0 + run.count);
                told += run.count;
            }
        });
        if let Ok(report) = report {
            let totals = report.summary.totals;
            assert_eq!(totals.compared, totals.same + totals.changed + totals.zeroed + totals.unreadable);
            assert_eq!(told, totals.compared, "runs and totals agree");
        }
    }
}

/// The start, the end and a piece in the middle of a disk: enough to meet every kind of edge, never terabytes.
fn ranges(sectors: u64) -> Vec<Range<SectorNo>> {
    const PIECE: u64 = 5_000;
    [0, sectors / 2, sectors.saturating_sub(PIECE)]
        .into_iter()
        .map(|start| SectorNo(start)..SectorNo(start.saturating_add(PIECE).min(sectors)))
        .collect()
}
