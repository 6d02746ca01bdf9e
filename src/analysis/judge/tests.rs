//! The decision table, transcribed, against every combination of its inputs; and the inputs it must not look at.

mod products;
mod rules;

use jiff::{SignedDuration, Timestamp};

use super::judge;
use crate::analysis::Reverted::{self, CannotTell, Certain, Likely, NoSign, NotReverted};
use crate::analysis::facts::{
    Above, Belief, Builds, Claim, Doubt, Facts, Generation, Guest, Line, Made, OtherBranch,
    SiblingSnapshot, UndoFacts, Way, XcpFacts,
};
use crate::analysis::plain::at;
use crate::store::{BornSource, DiskId, Product, SnapshotKind, TakenSource};

const TAKEN: &str = "2009-05-02T14:10:00Z";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tree {
    Straight,
    /// Another branch, older than X.
    Older,
    /// Another branch, younger than X.
    Younger,
    /// Another branch of unknown age.
    Ageless,
    /// An older branch with a snapshot taken when X was made.
    Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Foot,
    Birth,
    /// No time for X.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Later,
    Same,
    Earlier,
    /// Only a lower bound for `t_s`.
    Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gen {
    Same,
    Different,
    Absent,
}

fn facts(tree: Tree, age: Age, gap: Gap, generation: Gen, guest: Option<Guest>) -> Facts {
    let taken = at(TAKEN);
    let shift = |days: i64| {
        taken
            .checked_add(SignedDuration::from_hours(24 * days))
            .unwrap()
    };
    let made_at = match gap {
        Gap::Later | Gap::Bound => shift(59),
        Gap::Same => taken.checked_add(SignedDuration::from_secs(2)).unwrap(),
        Gap::Earlier => shift(-3),
    };
    let dress = |at: Timestamp| match age {
        Age::Foot => Made::Footer(at),
        Age::Birth => Made::Birth(at, BornSource::WindowsFileSystem),
        Age::None => Made::Unknown,
    };
    let branch = |made| OtherBranch {
        disk: DiskId(7),
        name: "other.avhd".to_owned(),
        made,
    };
    let branches = match tree {
        Tree::Straight => Vec::new(),
        Tree::Older | Tree::Kept => vec![branch(dress(made_at - SignedDuration::from_hours(1)))],
        Tree::Younger => vec![branch(dress(made_at + SignedDuration::from_hours(1)))],
        Tree::Ageless => vec![branch(Made::Unknown)],
    };
    let siblings = match tree {
        Tree::Kept => vec![SiblingSnapshot {
            name: "kept".to_owned(),
            taken: Claim {
                at: made_at,
                source: TakenSource::Config,
                from: String::new(),
            },
        }],
        _ => Vec::new(),
    };
    Facts {
        product: Product::HyperV,
        name: Some("Before SP1".to_owned()),
        vm: Some("TestWin7".to_owned()),
        kind: SnapshotKind::Standard,
        merge_pending: None,
        generation: match generation {
            Gen::Same => Generation::Same {
                id: "a".to_owned(),
                later: "vm".to_owned(),
            },
            Gen::Different => Generation::Different {
                then: "a".to_owned(),
                later_id: "b".to_owned(),
                later: "vm".to_owned(),
            },
            Gen::Absent => Generation::Unknown,
        },
        guest,
        lines: vec![Line {
            frozen: DiskId(0),
            frozen_name: "base.vhd".to_owned(),
            frozen_made: Made::Footer(shift(-100)),
            taken: vec![Claim {
                at: taken,
                source: if gap == Gap::Bound {
                    TakenSource::FrozenWrite
                } else {
                    TakenSource::Config
                },
                from: "s.xml: creation_time".to_owned(),
            }],
            ambiguous_name: None,
            way: Way::Above(Box::new(Above {
                disk: DiskId(1),
                name: "x.avhd".to_owned(),
                path: "/s/x.avhd".to_owned(),
                made: dress(made_at),
                footer_doubt: None,
                belief: Belief {
                    doubts: if age == Age::None {
                        vec![Doubt::Missing("x.avhd".to_owned())]
                    } else {
                        Vec::new()
                    },
                },
                equals_parent: None,
                branches,
                siblings,
                unrelated: 0,
                lingering: Vec::new(),
                earliest_write: None,
                builds: None,
            })),
            xcp: XcpFacts::default(),
            undo: UndoFacts::default(),
        }],
        missing: Vec::new(),
        source: "s.xml".to_owned(),
    }
}

fn above(facts: &mut Facts) -> &mut Above {
    match &mut facts.lines[0].way {
        Way::Above(above) => above,
        _ => unreachable!("the facts of these tests have a disk above"),
    }
}

/// One line of the table: row, tree, age, gap, generation, guest (`None` = any), verdict. The first that fits holds.
type Rule = (
    &'static str,
    Option<&'static [Tree]>,
    Option<Age>,
    Option<Gap>,
    Option<Gen>,
    Option<Option<Guest>>,
    Reverted,
);

const BRANCHED_BY_AGE: &[Tree] = &[Tree::Older, Tree::Kept];

const TABLE: &[Rule] = &[
    (
        "row-24",
        Some(&[Tree::Kept]),
        Some(Age::Foot),
        Some(Gap::Later),
        None,
        None,
        Certain,
    ),
    (
        "row-24",
        Some(&[Tree::Kept]),
        Some(Age::Birth),
        Some(Gap::Later),
        None,
        None,
        Certain,
    ),
    (
        "row-1a",
        Some(BRANCHED_BY_AGE),
        Some(Age::Foot),
        None,
        None,
        None,
        Certain,
    ),
    (
        "row-1a",
        Some(BRANCHED_BY_AGE),
        Some(Age::Birth),
        None,
        None,
        None,
        Certain,
    ),
    (
        "row-1c",
        Some(BRANCHED_BY_AGE),
        Some(Age::None),
        None,
        None,
        None,
        Certain,
    ),
    (
        "row-1c",
        Some(&[Tree::Younger]),
        Some(Age::None),
        None,
        None,
        None,
        Certain,
    ),
    (
        "row-1c",
        Some(&[Tree::Ageless]),
        None,
        None,
        None,
        None,
        Certain,
    ),
    (
        "row-1b",
        Some(&[Tree::Younger]),
        Some(Age::Birth),
        Some(Gap::Same),
        Some(Gen::Absent),
        None,
        NoSign,
    ),
    (
        "row-1b",
        Some(&[Tree::Younger]),
        Some(Age::Birth),
        Some(Gap::Same),
        Some(Gen::Different),
        None,
        NoSign,
    ),
    (
        "row-1b",
        Some(&[Tree::Younger]),
        None,
        Some(Gap::Same),
        None,
        None,
        NotReverted,
    ),
    (
        "row-19",
        None,
        Some(Age::Foot),
        Some(Gap::Earlier),
        None,
        None,
        CannotTell,
    ),
    (
        "row-19",
        None,
        Some(Age::Birth),
        Some(Gap::Earlier),
        None,
        None,
        CannotTell,
    ),
    (
        "row-15",
        None,
        Some(Age::None),
        None,
        Some(Gen::Same),
        None,
        NoSign,
    ),
    (
        "row-16",
        None,
        Some(Age::None),
        None,
        Some(Gen::Different),
        Some(Some(Guest::Gap)),
        Likely,
    ),
    (
        "row-17",
        None,
        Some(Age::None),
        None,
        Some(Gen::Different),
        None,
        CannotTell,
    ),
    (
        "row-18",
        None,
        Some(Age::None),
        None,
        Some(Gen::Absent),
        None,
        CannotTell,
    ),
    (
        "row-21",
        None,
        None,
        Some(Gap::Bound),
        Some(Gen::Same),
        None,
        NoSign,
    ),
    (
        "row-21",
        None,
        None,
        Some(Gap::Bound),
        Some(Gen::Different),
        None,
        Likely,
    ),
    (
        "row-21",
        None,
        None,
        Some(Gap::Bound),
        Some(Gen::Absent),
        None,
        CannotTell,
    ),
    (
        "row-6",
        None,
        Some(Age::Foot),
        Some(Gap::Later),
        None,
        Some(Some(Guest::ActiveInside)),
        CannotTell,
    ),
    (
        "row-2",
        None,
        Some(Age::Foot),
        Some(Gap::Later),
        Some(Gen::Different),
        None,
        Certain,
    ),
    (
        "row-3",
        None,
        Some(Age::Foot),
        Some(Gap::Later),
        Some(Gen::Absent),
        Some(Some(Guest::Gap)),
        Certain,
    ),
    (
        "row-4",
        None,
        Some(Age::Foot),
        Some(Gap::Later),
        Some(Gen::Absent),
        Some(None),
        Likely,
    ),
    (
        "row-5",
        None,
        Some(Age::Foot),
        Some(Gap::Later),
        Some(Gen::Same),
        None,
        CannotTell,
    ),
    (
        "row-7",
        None,
        Some(Age::Foot),
        Some(Gap::Same),
        Some(Gen::Same),
        None,
        NotReverted,
    ),
    (
        "row-8",
        None,
        Some(Age::Foot),
        Some(Gap::Same),
        Some(Gen::Absent),
        None,
        NoSign,
    ),
    (
        "row-9",
        None,
        None,
        Some(Gap::Same),
        Some(Gen::Different),
        None,
        CannotTell,
    ),
    (
        "row-12",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        Some(Gen::Same),
        None,
        CannotTell,
    ),
    (
        "row-6",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        None,
        Some(Some(Guest::ActiveInside)),
        CannotTell,
    ),
    (
        "row-10",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        Some(Gen::Different),
        Some(Some(Guest::Gap)),
        Certain,
    ),
    (
        "row-10",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        Some(Gen::Different),
        Some(None),
        Likely,
    ),
    (
        "row-10",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        Some(Gen::Absent),
        Some(Some(Guest::Gap)),
        Likely,
    ),
    (
        "row-11",
        None,
        Some(Age::Birth),
        Some(Gap::Later),
        Some(Gen::Absent),
        Some(None),
        Likely,
    ),
    (
        "row-13",
        None,
        Some(Age::Birth),
        Some(Gap::Same),
        Some(Gen::Same),
        None,
        NotReverted,
    ),
    (
        "row-14",
        None,
        Some(Age::Birth),
        Some(Gap::Same),
        Some(Gen::Absent),
        None,
        NoSign,
    ),
];

fn each_combination(mut look: impl FnMut(Tree, Age, Gap, Gen, Option<Guest>)) {
    for tree in [
        Tree::Straight,
        Tree::Older,
        Tree::Younger,
        Tree::Ageless,
        Tree::Kept,
    ] {
        for age in [Age::Foot, Age::Birth, Age::None] {
            for gap in [Gap::Later, Gap::Same, Gap::Earlier, Gap::Bound] {
                for generation in [Gen::Same, Gen::Different, Gen::Absent] {
                    for guest in [None, Some(Guest::Gap), Some(Guest::ActiveInside)] {
                        look(tree, age, gap, generation, guest);
                    }
                }
            }
        }
    }
}

fn by_table(
    tree: Tree,
    age: Age,
    gap: Gap,
    generation: Gen,
    guest: Option<Guest>,
) -> (&'static str, Reverted) {
    let fits = |rule: &&Rule| {
        rule.1.is_none_or(|trees| trees.contains(&tree))
            && rule.2.is_none_or(|wanted| wanted == age)
            && rule.3.is_none_or(|wanted| wanted == gap)
            && rule.4.is_none_or(|wanted| wanted == generation)
            && rule.5.is_none_or(|wanted| wanted == guest)
    };
    TABLE
        .iter()
        .find(fits)
        .map(|rule| (rule.0, rule.6))
        .expect("the table is whole")
}

#[test]
fn every_combination_of_inputs_is_judged_as_the_table_says() {
    let mut rows = std::collections::BTreeSet::new();
    each_combination(|tree, age, gap, generation, guest| {
        let verdict = judge(&facts(tree, age, gap, generation, guest));
        assert_eq!(
            (verdict.row.id, verdict.reverted),
            by_table(tree, age, gap, generation, guest),
            "{tree:?} {age:?} {gap:?} {generation:?} {guest:?}"
        );
        assert!(!verdict.summary.is_empty() && !verdict.evidence.is_empty());
        assert_eq!(
            verdict.would_settle.is_some(),
            verdict.reverted == CannotTell
        );
        rows.insert(verdict.row.id);
    });
    let all: Vec<&str> = TABLE.iter().map(|rule| rule.0).collect();
    assert!(
        all.iter().all(|row| rows.contains(row)),
        "a row of the table was never reached: {rows:?}"
    );
}

/// A change of something the table must not look at, by name.
type Mutation = (&'static str, fn(&mut Facts));

#[test]
fn what_is_no_input_of_the_table_never_changes_a_row() {
    let mutations: &[Mutation] = &[
        ("name", |facts| facts.name = None),
        ("vm", |facts| facts.vm = None),
        ("automatic", |facts| facts.kind = SnapshotKind::Automatic),
        ("recovery", |facts| facts.kind = SnapshotKind::Recovery),
        ("replica", |facts| facts.kind = SnapshotKind::Replica),
        ("merge pending", |facts| {
            facts.merge_pending = Some("vm.xml".to_owned());
        }),
        ("2008", |facts| facts.product = Product::HyperV2008),
        ("equal to its parent", |facts| {
            above(facts).equals_parent = Some(true);
        }),
        ("not equal to its parent", |facts| {
            above(facts).equals_parent = Some(false);
        }),
        ("hand-made children", |facts| above(facts).unrelated = 9),
        ("lingering", |facts| {
            above(facts).lingering = vec!["x.avhd".to_owned()];
        }),
        ("last write", |facts| {
            above(facts).earliest_write = Some(("x.avhd".to_owned(), at("1990-01-01T00:00:00Z")));
        }),
        ("builds", |facts| {
            above(facts).builds = Some(Builds {
                frozen: "a".to_owned(),
                above: "b".to_owned(),
                older_later: None,
            });
        }),
        ("another date", |facts| {
            facts.lines[0].taken.push(Claim {
                at: at("1999-01-01T00:00:00Z"),
                source: TakenSource::FrozenWrite,
                from: String::new(),
            });
        }),
        ("footer in doubt", |facts| {
            above(facts).footer_doubt = Some(at("1990-01-01T00:00:00Z"));
        }),
        ("missing disk", |facts| {
            facts.missing = vec!["D:\\gone.vhd".to_owned()];
        }),
    ];
    each_combination(|tree, age, gap, generation, guest| {
        let plain = facts(tree, age, gap, generation, guest);
        let before = judge(&plain);
        for (what, mutate) in mutations {
            let mut mutated = plain.clone();
            mutate(&mut mutated);
            let after = judge(&mutated);
            assert_eq!(
                (before.row.id, before.reverted),
                (after.row.id, after.reverted),
                "{what}: {tree:?} {age:?} {gap:?} {generation:?} {guest:?}"
            );
        }
    });
}
