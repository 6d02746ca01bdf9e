//! Whatever tree of disks is built, reading and comparing it gives what its flat model says.

use std::ops::Range;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use vhdtree::analysis::diff::{DiffEvent, DiffTotals, diff};
use vhdtree::build::vhdx::Payload;
use vhdtree::chain::{Chain, OnFault};
use vhdtree::format::SectorNo;
use vhdtree::job::Job;

use crate::model::{DiskPlan, Ink, Make, Step, Tree, trees};

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

/// Formats, with sectors of a base and block sizes in bytes.
const MAKES: [(Make, Range<u64>, &[u32]); 3] = [
    (Make::Vhd, 2_000..6_000, &[512 << 10, 2 << 20, 4096]),
    (Make::Vhdx(512), 3_000..8_000, &[1 << 20, 2 << 20]),
    (Make::Vhdx(4096), 400..1_200, &[1 << 20, 2 << 20]),
];

proptest! {
    #![proptest_config(few())]

    #[test]
    fn trees_of_vhds_read_as_their_model((sectors, plans) in trees(MAKES[0].1.clone(), MAKES[0].2), at in any::<(u16, u16)>()) {
        tree_holds(&Tree::grow(MAKES[0].0, sectors, &plans), at)?;
    }

    #[test]
    fn trees_of_vhdxs_read_as_their_model((sectors, plans) in trees(MAKES[1].1.clone(), MAKES[1].2), at in any::<(u16, u16)>()) {
        tree_holds(&Tree::grow(MAKES[1].0, sectors, &plans), at)?;
    }

    #[test]
    fn trees_of_vhdxs_with_large_sectors_read_as_their_model(
        (sectors, plans) in trees(MAKES[2].1.clone(), MAKES[2].2),
        at in any::<(u16, u16)>(),
    ) {
        tree_holds(&Tree::grow(MAKES[2].0, sectors, &plans), at)?;
    }
}

type IsMet = fn(&Met<'_>) -> bool;

/// What the trees are to reach, and how one disk of them is known to do it.
const WORDS: [(&str, IsMet); 24] = [
    ("1 level", |met| met.levels == 1),
    ("2 levels", |met| met.levels == 2),
    ("3 levels", |met| met.levels == 3),
    ("4 levels", |met| met.levels == 4),
    ("5 levels", |met| met.levels == 5),
    ("6 levels", |met| met.levels == 6),
    ("siblings", |met| met.has_sibling),
    ("other block size than the parent", |met| {
        met.parent
            .is_some_and(|parent| parent.block_size != met.plan.block_size)
    }),
    ("larger than the parent", |met| met.grown() > 0),
    ("smaller than the parent", |met| met.grown() < 0),
    ("larger by blocks", |met| met.grown() > met.per_block()),
    ("smaller by blocks", |met| met.grown() < -met.per_block()),
    ("no multiple of the block", |met| {
        met.sectors % met.per_block() != 0
    }),
    ("no multiple of 8 sectors", |met| met.sectors % 8 != 0),
    ("a run of 1 sector", |met| met.has_run(1, 1)),
    ("a run of 2 to 6 sectors", |met| met.has_run(2, 6)),
    ("a run of 7 sectors", |met| met.has_run(7, 7)),
    ("a run over a block's end", |met| {
        met.runs()
            .any(|(first, end)| first / met.per_block() != (end - 1) / met.per_block())
    }),
    ("a run to a block's end", |met| {
        met.runs().any(|(_, end)| end % met.per_block() == 0)
    }),
    ("a run from a block's start", |met| {
        met.runs()
            .any(|(first, _)| first > 0 && first % met.per_block() == 0)
    }),
    ("the last, short block", |met| {
        met.sectors % met.per_block() != 0
            && met
                .runs()
                .any(|(_, end)| end > met.sectors / met.per_block() * met.per_block())
    }),
    ("zero", |met| met.has_state(Payload::Zero)),
    ("unmapped", |met| met.has_state(Payload::Unmapped)),
    ("same as the parent", |met| {
        met.parent.is_some()
            && met.plan.steps.iter().any(|step| {
                matches!(
                    step,
                    Step::Write {
                        ink: Ink::AsParent,
                        ..
                    }
                )
            })
    }),
];

/// One disk of a tree, as planned.
struct Met<'a> {
    plan: &'a DiskPlan,
    parent: Option<&'a DiskPlan>,
    levels: usize,
    has_sibling: bool,
    sectors: i64,
    sector_size: u32,
}

impl Met<'_> {
    fn grown(&self) -> i64 {
        self.parent
            .map_or(0, |parent| self.plan.grown - parent.grown)
    }

    fn per_block(&self) -> i64 {
        i64::from(self.plan.block_size / self.sector_size)
    }

    fn runs(&self) -> impl Iterator<Item = (i64, i64)> {
        self.plan
            .runs(self.sectors.unsigned_abs(), self.sector_size)
            .map(|run| {
                (
                    i64::try_from(run.start).unwrap(),
                    i64::try_from(run.end).unwrap(),
                )
            })
    }

    fn has_run(&self, least: i64, most: i64) -> bool {
        self.runs()
            .any(|(first, end)| (least..=most).contains(&(end - first)))
    }

    fn has_state(&self, wanted: Payload) -> bool {
        let mut steps = self.plan.steps.iter();
        steps.any(|step| matches!(step, Step::Block { state, .. } if *state == wanted))
    }
}

#[test]
fn the_trees_reach_every_word() {
    const CASES: usize = 100;
    for (make, base_sectors, block_sizes) in MAKES {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut met = std::collections::BTreeMap::new();
        for _ in 0..CASES {
            let (sectors, plans) = trees(base_sectors.clone(), block_sizes)
                .new_tree(&mut runner)
                .unwrap()
                .current();
            let parent = |disk: usize| (disk > 0).then(|| plans[disk].parent_of(disk));
            let disks: Vec<_> = (0..plans.len())
                .map(|disk| Met {
                    plan: &plans[disk],
                    parent: parent(disk).map(|parent| &plans[parent]),
                    levels: std::iter::successors(Some(disk), |disk| parent(*disk)).count(),
                    has_sibling: (1..plans.len())
                        .any(|other| other != disk && parent(other) == parent(disk)),
                    sectors: (i64::try_from(sectors).unwrap() + plans[disk].grown).max(1),
                    sector_size: make.sector_size(),
                })
                .collect();
            for (word, is_met) in WORDS {
                *met.entry(word).or_insert(0) += usize::from(disks.iter().any(is_met));
            }
        }
        println!("{make:?}: {met:?} of {CASES} trees");
        for (word, count) in met {
            let is_moot = make == Make::Vhd && ["zero", "unmapped"].contains(&word);
            assert!(
                count * 20 >= CASES || is_moot,
                "{make:?}: {word} in {count} of {CASES}"
            );
        }
    }
}
