//! What chains and diffs do when files cannot be read, a parent is missing, or somebody has enough.

#[cfg(unix)]
mod hostile;
mod live;
mod scan;
#[cfg(target_os = "linux")]
mod system;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use vhdtree::analysis::diff::{
    DiffError, DiffEvent, DiffKind, DiffRun, diff, diff_with_parent, side_by_side,
};
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::build::vhdx::{Payload, VhdxBuilder};
use vhdtree::chain::{Chain, ChainError, OnFault, Owner};
use vhdtree::format::SectorNo;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::{CountedSource, MemorySource, ReadCounts, Source};

use crate::model::{DiskPlan, Ink, Make, Step, Tree};

const MIB: u64 = 1 << 20;

/// A source some of whose bytes cannot be read.
#[derive(Debug)]
struct Scratched {
    inner: MemorySource,
    bad: Range<u64>,
}

impl Source for Scratched {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes + buf.len() as u64;
        if offset_bytes < self.bad.end && self.bad.start < end {
            return Err(io::Error::other("scratched"));
        }
        self.inner.read_exact_at(buf, offset_bytes)
    }
}

fn image(file: Vec<u8>) -> Arc<Image> {
    Arc::new(Image::open(Arc::new(MemorySource(file))).unwrap())
}

fn chain(files: Vec<Vec<u8>>) -> Chain {
    Chain::new(files.into_iter().map(image).collect()).unwrap()
}

/// Base and child of 8 MiB in which the child has 11 sectors from 4099 on, of which three are other than the base's.
fn pair_of_vhds() -> (Vec<u8>, Vec<u8>) {
    let base = VhdBuilder::dynamic(8 * MIB)
        .id(1)
        .write(4090, &vec![7; 40 * 512]);
    let child = VhdBuilder::differencing(8 * MIB)
        .id(2)
        .parent(1, "base")
        // Takes the first place, so that nothing of the other block is read with the headers.
        .allocate(3)
        .write(4099, &[7; 4 * 512])
        .write(4103, &[9; 3 * 512])
        .write(4106, &[7; 4 * 512]);
    (child.build(), base.build())
}

/// The pair, with one sector of the child unreadable.
fn scratched(sector: u64) -> Chain {
    let (child, base) = pair_of_vhds();
    let at = {
        let chain = chain(vec![child.clone(), base.clone()]);
        let mut runs = Vec::new();
        chain
            .owned_runs(SectorNo(sector)..SectorNo(sector + 1), &mut runs)
            .unwrap();
        match runs[0].place {
            vhdtree::image::Place::Here { offset_bytes } => offset_bytes,
            place => panic!("the sector is held, not {place:?}"),
        }
    };
    let source = Scratched {
        inner: MemorySource(child),
        bad: at + 100..at + 101,
    };
    let child = Arc::new(Image::open(Arc::new(source)).unwrap());
    Chain::new(vec![child, image(base)])
        .unwrap()
        .with_paths(vec!["child.vhd".into(), "base.vhd".into()])
}

#[test]
fn a_sector_that_cannot_be_read_is_named_with_its_file() {
    let chain = scratched(4104);
    let mut buf = vec![0; 20 * 512];
    let error = chain.read_at(SectorNo(4095), &mut buf).unwrap_err();
    match &error {
        ChainError::Read {
            file,
            sector,
            at_bytes,
            ..
        } => {
            assert_eq!(file.to_str(), Some("child.vhd"));
            assert_eq!(*sector, SectorNo(4104));
            assert!(*at_bytes > 0);
        }
        other => panic!("another error: {other}"),
    }
    let mut before = vec![0; 9 * 512];
    chain.read_at(SectorNo(4095), &mut before).unwrap();
    assert!(before.iter().all(|byte| *byte == 7 || *byte == 9));
}

#[test]
fn reading_all_stops_at_a_fault_or_goes_on_with_zeros_as_asked() {
    let chain = scratched(4104);
    let stopped = chain.read_all(&Job::default(), OnFault::Stop, &mut |_| ());
    assert!(matches!(stopped, Err(ChainError::Read { sector, .. }) if sector.0 == 4104));

    let mut all = Vec::new();
    let summary = chain
        .read_all(&Job::default(), OnFault::Zeros, &mut |bytes| {
            all.extend_from_slice(bytes);
        })
        .unwrap();
    assert!(summary.complete);
    assert_eq!((summary.unreadable, summary.faults.len()), (1, 1));
    assert_eq!(summary.faults[0].sector, SectorNo(4104));
    let byte = |sector: usize| all[sector * 512 + 5];
    assert_eq!((byte(4103), byte(4104), byte(4105)), (9, 0, 9));
}

#[test]
fn a_diff_goes_on_past_a_sector_that_cannot_be_read_and_is_not_complete() {
    let chain = scratched(4104);
    let mut runs = Vec::new();
    let report = diff_with_parent(&chain, &Job::default(), &mut |event| {
        if let DiffEvent::Run(DiffRun {
            sector,
            count,
            kind,
        }) = event
        {
            runs.push((sector.0, count, kind));
        }
    })
    .unwrap();
    assert_eq!(
        runs,
        [
            (4099, 4, DiffKind::Same),
            (4103, 1, DiffKind::Changed),
            (4104, 1, DiffKind::Unreadable),
            (4105, 1, DiffKind::Changed),
            (4106, 4, DiffKind::Same),
        ]
    );
    assert!(!report.summary.complete && !report.summary.equal);
    assert_eq!(report.faults[0].sector, SectorNo(4104));
    assert!(report.faults[0].error.to_string().contains("child.vhd"));
}

#[test]
fn what_a_missing_parent_would_hold_is_an_error_and_not_zeros() {
    let (child, _) = pair_of_vhds();
    let chain = chain(vec![child]);
    assert!(chain.is_cut_off());
    let mut sector = vec![0; 512];
    chain.read_at(SectorNo(4100), &mut sector).unwrap();
    let error = chain.read_at(SectorNo(1), &mut sector).unwrap_err();
    assert!(matches!(error, ChainError::ParentMissing { sector, .. } if sector.0 == 1));
    let mut runs = Vec::new();
    chain
        .owned_runs(SectorNo(4095)..SectorNo(4111), &mut runs)
        .unwrap();
    let owners: Vec<_> = runs.iter().map(|run| (run.count, run.owner)).collect();
    assert_eq!(
        owners,
        [
            (4, Owner::Missing),
            (11, Owner::Link(0)),
            (1, Owner::Missing)
        ]
    );
    let refused = diff_with_parent(&chain, &Job::default(), &mut |_| ());
    assert_eq!(refused.unwrap_err(), DiffError::NoParent);
}

#[test]
fn strangers_are_compared_whole_unless_a_parent_is_missing() {
    let (child, base) = pair_of_vhds();
    let stranger = VhdBuilder::dynamic(8 * MIB)
        .id(9)
        .write(4100, &[7; 512])
        .build();
    let report = diff(
        &chain(vec![stranger.clone()]),
        &chain(vec![child.clone(), base]),
        &Job::default(),
        &mut |_| (),
    )
    .unwrap();
    assert!(!report.relation.related && !report.summary.equal);
    // All of the two blocks the base holds: a dynamic VHD's block is held whole.
    assert_eq!(report.summary.totals.compared, 8_192);
    assert_eq!(report.summary.totals.zeroed, 40 - 1);
    let refused = diff(
        &chain(vec![stranger]),
        &chain(vec![child]),
        &Job::default(),
        &mut |_| (),
    );
    assert_eq!(refused.unwrap_err(), DiffError::Unrelated);
}

#[test]
fn disks_of_different_sector_sizes_are_neither_chain_nor_diff() {
    let small = image(VhdxBuilder::dynamic(8 * MIB).build());
    let large = image(VhdxBuilder::dynamic(8 * MIB).sector_size(4096).build());
    let error = Chain::new(vec![Arc::clone(&small), Arc::clone(&large)]).unwrap_err();
    assert!(matches!(
        error,
        ChainError::SectorSizes {
            expected: 512,
            actual: 4096,
            ..
        }
    ));
    let refused = diff(
        &Chain::new(vec![small]).unwrap(),
        &Chain::new(vec![large]).unwrap(),
        &Job::default(),
        &mut |_| (),
    );
    assert!(matches!(refused, Err(DiffError::SectorSizes { .. })));
    assert!(matches!(Chain::new(Vec::new()), Err(ChainError::Empty)));
}

#[test]
fn a_cancel_stops_a_diff_between_pieces_and_the_summary_says_so() {
    let size = 96 * MIB;
    let base = VhdxBuilder::dynamic(size);
    let linkage = base.data_write_id_now();
    let base = (0..48).fold(base, |base, block| base.state(block, Payload::Full));
    let child = VhdxBuilder::differencing(size).parent(linkage, &[("relative_path", "base")]);
    let child = (0..48).fold(child, |child, block| child.state(block, Payload::Full));
    let chain = chain(vec![child.build(), base.build()]);
    let job = Job::default();
    let report = diff_with_parent(&chain, &job, &mut |event| {
        if matches!(event, DiffEvent::Block(_)) {
            job.cancel.cancel();
        }
    })
    .unwrap();
    let totals = report.summary.totals;
    assert!(!report.summary.complete && !report.summary.equal);
    assert!(totals.compared > 0 && totals.compared < size / 512);
    assert_eq!(job.progress.total(), size);
    assert_eq!(job.progress.done(), totals.compared * 512);

    let job = Job::default();
    let summary = chain
        .read_all(&job, OnFault::Stop, &mut |_| job.cancel.cancel())
        .unwrap();
    assert!(!summary.complete && summary.bytes < size);
}

#[test]
fn a_diff_reads_the_dirty_bytes_of_both_sides_and_the_tables_and_nothing_else() {
    let write = |at, count, ink| Step::Write { at, count, ink };
    let plan = |parent, block_size, steps| DiskPlan {
        parent,
        block_size,
        grown: 0,
        steps,
    };
    let base: Vec<_> = (0..60)
        .map(|at| write(at * 1_000, 700, Ink::Fresh(3)))
        .collect();
    let middle: Vec<_> = (0..60)
        .map(|at| write(at * 1_050, 5, Ink::Fresh(4)))
        .collect();
    let mut child: Vec<_> = (0..40)
        .map(|at| write(at * 1_500, 7, Ink::AsParent))
        .collect();
    child.push(write(40_000, 3_000, Ink::Fresh(5)));
    child.push(write(9_000, 900, Ink::Zeros));
    for (make, size) in [(Make::Vhd, 512 << 10), (Make::Vhdx(512), 1 << 20)] {
        let plans = [
            plan(0, 2 << 20, base.clone()),
            plan(u16::MAX, size, middle.clone()),
            plan(u16::MAX, 2 << 20, child.clone()),
        ];
        let tree = Tree::grow(make, 20_000, &plans);
        let counts: Vec<_> = (0..3).map(|_| Arc::new(ReadCounts::default())).collect();
        let chain = tree.chain_over(2, |disk, source| {
            CountedSource::new(source, Arc::clone(&counts[disk]))
        });
        let opened: Vec<_> = counts.iter().map(|counts| counts.bytes()).collect();
        let report = diff_with_parent(&chain, &Job::default(), &mut |_| ()).unwrap();
        assert!(report.summary.complete);
        let read: Vec<_> = counts
            .iter()
            .zip(&opened)
            .map(|(counts, opened)| counts.bytes() - opened)
            .collect();
        let dirty = report.summary.totals.compared * 512;
        assert!(dirty > 1_000_000, "{dirty} bytes are worth counting");
        // Block tables of 20 entries or fewer are gone through thrice, bitmaps once for each window of 65,536 sectors.
        let tables = chain
            .links()
            .iter()
            .rev()
            .map(|link| 3 * 8 * (link.header().blocks + 1) + link.header().blocks * 4096);
        for ((disk, read), tables) in read.iter().enumerate().zip(tables) {
            assert!(
                *read <= dirty + tables,
                "disk {disk} ({make:?}): {read} bytes read, {dirty} dirty, {tables} of tables"
            );
        }
        let ancestors = read[0] + read[1];
        let slack: u64 = 2 * 30 * 4096;
        assert!(
            ancestors <= dirty + slack,
            "{make:?}: {ancestors} of {dirty}"
        );
        assert!(read[2] >= dirty, "{make:?}: the child's were read");
    }
}

#[test]
fn zeros_are_compared_without_reading_them() {
    let size = 32 * MIB;
    let base = VhdxBuilder::dynamic(size).write(3, &[1; 512]);
    let linkage = base.data_write_id_now();
    let child = VhdxBuilder::differencing(size)
        .parent(linkage, &[("relative_path", "base")])
        .state(0, Payload::Zero)
        .state(1, Payload::Unmapped)
        .state(2, Payload::Zero);
    let counts = Arc::new(ReadCounts::default());
    let counted = CountedSource::new(MemorySource(child.build()), Arc::clone(&counts));
    let child = Arc::new(Image::open(Arc::new(counted)).unwrap());
    let chain = Chain::new(vec![child, image(base.build())]).unwrap();
    let opened = counts.bytes();
    let report = diff_with_parent(&chain, &Job::default(), &mut |_| ()).unwrap();
    let totals = report.summary.totals;
    assert_eq!((totals.compared, totals.zeroed), (3 * 4096, 1));
    assert!(
        counts.bytes() - opened < 4096,
        "only the table of the child was read"
    );
}

#[test]
fn both_sides_bytes_are_given_beside_each_other() {
    let (child, base) = pair_of_vhds();
    let child = chain(vec![child, base]);
    let parent = child.parent().unwrap();
    let sides = side_by_side(&child, &parent, SectorNo(4102), 2);
    let (left, right) = (sides.left.unwrap(), sides.right.unwrap());
    assert_eq!((left.len(), left[0], left[512]), (1024, 7, 9));
    assert_eq!((right.len(), right[0], right[512]), (1024, 7, 7));
    let end = side_by_side(&child, &parent, SectorNo(16_383), 9);
    assert_eq!(end.left.unwrap().len(), 512);
}

#[test]
fn reads_past_the_end_or_of_half_sectors_are_refused() {
    let (child, base) = pair_of_vhds();
    let chain = chain(vec![child, base]);
    for (sector, len) in [(16_384, 512), (16_383, 1024), (0, 511), (u64::MAX, 512)] {
        let error = chain
            .read_at(SectorNo(sector), &mut vec![0; len])
            .unwrap_err();
        assert!(matches!(error, ChainError::OutOfRange { .. }), "{error}");
    }
}
