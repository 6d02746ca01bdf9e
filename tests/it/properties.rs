//! Whatever tree of disks is built, reading and comparing it gives what its flat model says.

use proptest::prelude::*;
use vhdtree::analysis::diff::{DiffEvent, DiffTotals, diff};
use vhdtree::chain::{Chain, OnFault};
use vhdtree::format::SectorNo;
use vhdtree::job::Job;

use crate::model::{Make, Tree, plans};

fn content_is_the_models(
    tree: &Tree,
    chain: &Chain,
    disk: usize,
    at: (u16, u16),
) -> Result<(), TestCaseError> {
    let content = &tree.disks[disk].content;
    let mut all = Vec::new();
    let job = Job::default();
    let summary = chain
        .read_all(&job, OnFault::Stop, &mut |bytes| {
            all.extend_from_slice(bytes);
        })
        .unwrap();
    prop_assert!(summary.complete && summary.faults.is_empty());
    prop_assert_eq!(job.progress.done(), job.progress.total());
    prop_assert!(all == *content, "whole content of disk {}", disk);

    let sectors = tree.sectors(disk);
    let first = u64::from(at.0) * sectors / 65_536;
    let count = (u64::from(at.1) * (sectors - first) / 65_536).max(1);
    let size = chain.sector_size() as usize;
    let (start, len) = (
        usize::try_from(first).unwrap() * size,
        usize::try_from(count).unwrap() * size,
    );
    let mut some = vec![0xee; len];
    chain.read_at(SectorNo(first), &mut some).unwrap();
    prop_assert!(
        some == content[start..start + len],
        "sectors of disk {}",
        disk
    );

    let mut runs = Vec::new();
    chain
        .owned_runs(SectorNo(first)..SectorNo(first + count), &mut runs)
        .unwrap();
    let mut next = first;
    for run in &runs {
        prop_assert_eq!(run.first.0, next);
        prop_assert!(run.count > 0);
        next += run.count;
    }
    prop_assert_eq!(next, first + count);
    Ok(())
}

fn diff_is_the_models(
    tree: &Tree,
    chains: &[Chain],
    (left, right): (usize, usize),
) -> Result<(), TestCaseError> {
    let (expected_runs, expected) = tree.diff(left, right);
    let (one, other) = (&chains[left], &chains[right]);
    let (mut runs, mut blocks) = (Vec::new(), DiffTotals::default());
    let mut last_block = None;
    let job = Job::default();
    let report = diff(one, other, &job, &mut |event| match event {
        DiffEvent::Run(run) => runs.push(run),
        DiffEvent::Block(block) => {
            assert!(last_block < Some(block.block), "blocks come once, in order");
            last_block = Some(block.block);
            blocks.compared += block.totals.compared;
            blocks.same += block.totals.same;
            blocks.changed += block.totals.changed;
            blocks.zeroed += block.totals.zeroed;
        }
    })
    .unwrap();
    prop_assert_eq!(runs, expected_runs, "runs of {} and {}", left, right);
    prop_assert_eq!(report.summary.totals, expected);
    prop_assert_eq!(blocks, expected);
    prop_assert!(report.summary.complete);
    prop_assert_eq!(report.summary.equal, expected.same == expected.compared);
    prop_assert_eq!(job.progress.done(), job.progress.total());
    Ok(())
}

fn tree_holds(tree: &Tree, at: (u16, u16)) -> Result<(), TestCaseError> {
    let chains: Vec<_> = (0..tree.disks.len()).map(|disk| tree.chain(disk)).collect();
    for (disk, chain) in chains.iter().enumerate() {
        content_is_the_models(tree, chain, disk, at)?;
        for other in 0..tree.disks.len() {
            diff_is_the_models(tree, &chains, (disk, other))?;
        }
    }
    Ok(())
}

fn few() -> ProptestConfig {
    ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn trees_of_vhds_read_as_their_model(
        plans in plans(&[512 << 10, 2 << 20, 4096]),
        at in any::<(u16, u16)>(),
    ) {
        tree_holds(&Tree::grow(Make::Vhd, 5_003, &plans), at)?;
    }

    #[test]
    fn trees_of_vhdxs_read_as_their_model(
        plans in plans(&[1 << 20, 2 << 20]),
        at in any::<(u16, u16)>(),
    ) {
        tree_holds(&Tree::grow(Make::Vhdx(512), 7_001, &plans), at)?;
    }

    #[test]
    fn trees_of_vhdxs_with_large_sectors_read_as_their_model(
        plans in plans(&[1 << 20, 2 << 20]),
        at in any::<(u16, u16)>(),
    ) {
        tree_holds(&Tree::grow(Make::Vhdx(4096), 1_003, &plans), at)?;
    }
}
