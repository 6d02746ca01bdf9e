//! What every image target does with a disk: count, map, read, compare.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use vhdtree::analysis::diff::{self, DiffEvent};
use vhdtree::chain::{Chain, ChainSource, OnFault};
use vhdtree::format::{BlockNo, SectorNo};
use vhdtree::guest::Partitions;
use vhdtree::image::{BlockState, Counts, Image, Kind, Place, SectorRun};
use vhdtree::job::Job;
use vhdtree::source::Source;

/// Sectors of a piece that is mapped or read.
const PIECE: u64 = 300;
/// Disks up to this many sectors are mapped whole.
const MAPPED_WHOLE: u64 = 20_000;
/// Disks up to this many sectors are read whole.
const READ_WHOLE: u64 = 1_000;

/// Opens a file as a disk, if it is one.
pub fn open(source: impl Source + 'static) -> Option<Arc<Image>> {
    Image::open(Arc::new(source)).ok().map(Arc::new)
}

/// One in so many inputs gets what is slow, always the same inputs.
pub fn is_one_in(count: u64, input: &[u8]) -> bool {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash >> 20).is_multiple_of(count)
}

/// Reads one image in every way.
pub fn image(image: &Image) {
    let mut next = BlockNo(0);
    let mut by_state = BTreeMap::<BlockState, u64>::new();
    let counts = image.count(
        &Job::default(),
        Some(&mut |run| {
            assert_eq!(run.first, next, "runs come in order and without gaps");
            assert!(run.count > 0);
            next = BlockNo(run.first.0 + run.count);
            *by_state.entry(run.state).or_default() += run.count;
        }),
    );
    let Counts {
        full,
        partial,
        zero,
        unmapped,
        absent,
        error,
        ..
    } = counts;
    let sum = full + partial + zero + unmapped + absent + error;
    assert!(
        sum == counts.total || !counts.complete,
        "every block has one state: {counts:?}"
    );
    for (state, count) in [
        (BlockState::Full, full),
        (BlockState::Partial, partial),
        (BlockState::Zero, zero),
        (BlockState::Unmapped, unmapped),
        (BlockState::Error, error),
    ] {
        let told = by_state.get(&state).copied().unwrap_or(0);
        assert_eq!(told, count, "{state:?}: runs and counts agree");
    }
    for range in ranges(image.sectors(), MAPPED_WHOLE) {
        let Some(runs) = runs_of(image, range.clone()) else {
            continue;
        };
        let is_whole = range == (SectorNo(0)..SectorNo(image.sectors()));
        if is_whole && counts.complete && error == 0 && image.header().kind == Kind::Differencing {
            let held = |run: &&SectorRun| run.place != Place::Absent;
            let dirty: u64 = runs.iter().filter(held).map(|run| run.count).sum();
            assert_eq!(dirty, counts.dirty_sectors, "sectors held and dirty agree");
        }
    }
}

fn runs_of(image: &Image, range: Range<SectorNo>) -> Option<Vec<SectorRun>> {
    let mut runs = Vec::new();
    image.sector_runs(range.clone(), &mut runs).ok()?;
    let mut next = range.start;
    for run in &runs {
        assert_eq!(run.first, next, "runs of sectors have no gaps");
        assert!(run.count > 0);
        next = SectorNo(run.first.0 + run.count);
    }
    assert_eq!(next, range.end, "runs of sectors cover the range");
    Some(runs)
}

/// Reads a chain through all its links in two ways, which must agree, and compares the first two disks.
/// What runs on several threads costs a hundred times an input's other work, so only some inputs get it.
pub fn chain(links: Vec<Arc<Image>>, input: &[u8]) {
    let Ok(chain) = Chain::new(links) else { return };
    let sector_bytes = u64::from(chain.sector_size());
    let is_streamed = is_one_in(16, input);
    for range in ranges(chain.sectors(), READ_WHOLE) {
        let count = range.end.0 - range.start.0;
        let Some(len) = usize::try_from(count * sector_bytes)
            .ok()
            .filter(|len| *len < 1 << 24)
        else {
            continue;
        };
        let mut bytes = vec![0xee; len];
        let at_once = chain.read_at(range.start, &mut bytes);
        let mut runs = Vec::new();
        if chain.owned_runs(range.clone(), &mut runs).is_ok() {
            let mut next = range.start.0;
            for run in &runs {
                assert_eq!(run.first.0, next, "owned runs have no gaps");
                next += run.count;
            }
            assert_eq!(next, range.end.0, "owned runs cover the range");
        }
        if is_streamed {
            stream(&chain, range, at_once.is_ok().then_some(&bytes));
        }
    }
    if is_streamed && chain.sectors() < 1 << 22 {
        compare(&chain);
    }
    partitions(&chain);
}

/// Every sector lies somewhere, if there are partitions.
pub fn partitions(chain: &Chain) {
    let Some(partitions) = Partitions::read(&ChainSource::new(chain.clone()), chain.sector_size())
    else {
        return;
    };
    let sectors = chain.sectors();
    let places = (0..sectors.min(300)).chain([sectors / 2, sectors - 1, sectors, u64::MAX]);
    for sector in places {
        for count in [1, 7, u64::MAX] {
            let name = partitions.name(SectorNo(sector), count);
            assert!(!name.is_empty() && name.is_ascii(), "{name:?}");
        }
    }
}

fn stream(chain: &Chain, range: Range<SectorNo>, expected: Option<&Vec<u8>>) {
    let mut all = Vec::new();
    let wanted = (range.end.0 - range.start.0) * u64::from(chain.sector_size());
    let summary = chain.read_range(range, &Job::default(), OnFault::Zeros, &mut |bytes| {
        all.extend_from_slice(bytes);
    });
    let summary = summary.expect("a read that goes on past faults has no error");
    assert_eq!(all.len() as u64, wanted, "such a read gives every byte");
    assert_eq!(summary.unreadable == 0, expected.is_some());
    if let Some(expected) = expected {
        assert!(all == *expected, "both reads give the same bytes");
    }
}

fn compare(chain: &Chain) {
    if chain.links().len() < 2 || chain.links()[0].header().kind != Kind::Differencing {
        return;
    }
    let mut told = 0;
    let mut last = SectorNo(0);
    let report = diff::diff_with_parent(chain, &Job::default(), &mut |event| {
        if let DiffEvent::Run(run) = event {
            assert!(run.sector >= last, "runs come in order");
            last = SectorNo(run.sector.0 + run.count);
            told += run.count;
        }
    });
    if let Ok(report) = report {
        let totals = report.summary.totals;
        let sum = totals.same + totals.changed + totals.zeroed + totals.unreadable;
        assert_eq!(totals.compared, sum);
        assert_eq!(told, totals.compared, "runs and totals agree");
    }
}

/// The whole of a small disk; the start, the end and a piece in the middle of another, never terabytes.
fn ranges(sectors: u64, whole: u64) -> Vec<Range<SectorNo>> {
    if sectors <= whole.max(PIECE) {
        return vec![SectorNo(0)..SectorNo(sectors)];
    }
    [0, sectors / 2, sectors - PIECE]
        .into_iter()
        .map(|start| SectorNo(start)..SectorNo(start + PIECE))
        .collect()
}
