//! The decision table, transcribed, against every combination of its inputs; and the inputs it must not look at.

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

#[test]
fn the_tolerance_is_five_minutes_or_twenty_six_hours_by_source() {
    for (source, tolerance) in [
        (TakenSource::Config, 300),
        (TakenSource::Label, 300),
        (TakenSource::MemoryFile, 300),
        (TakenSource::ConfigBirth, 300),
        (TakenSource::ConfigWrite, 300),
        (TakenSource::FrozenWriteRunning, 300),
        (TakenSource::Name, 26 * 3_600),
        (TakenSource::LabelLocal, 26 * 3_600),
    ] {
        // A day and two hours lie beyond every zone.
        let edge = if tolerance > 300 { "row-21" } else { "row-8" };
        for (gap, row) in [
            (tolerance, edge),
            (tolerance + 1, "row-4"),
            (-tolerance, edge),
            (-tolerance - 1, "row-19"),
        ] {
            let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
            facts.lines[0].taken[0].source = source;
            above(&mut facts).made = Made::Footer(at(TAKEN) + SignedDuration::from_secs(gap));
            let verdict = judge(&facts);
            assert_eq!(verdict.row.id, row, "{source:?} {gap}");
            assert_eq!(verdict.gap_seconds, Some(gap));
        }
    }
}

#[test]
fn a_date_without_a_zone_is_the_same_moment_only_where_a_zone_explains_the_rest() {
    for source in [TakenSource::Name, TakenSource::LabelLocal] {
        for (gap, row) in [
            (0, "row-8"),
            (-9 * 3_600 + 2, "row-8"),
            (5 * 3_600 + 1_800 + 20, "row-8"),
            (5 * 3_600 + 1_800 + 100, "row-21"),
            (20 * 3_600, "row-21"),
            (-15 * 3_600, "row-21"),
            (3 * 3_600 + 600, "row-21"),
            (26 * 3_600 + 1, "row-4"),
        ] {
            let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
            facts.lines[0].taken[0].source = source;
            above(&mut facts).made = Made::Footer(at(TAKEN) + SignedDuration::from_secs(gap));
            let verdict = judge(&facts);
            assert_eq!(verdict.row.id, row, "{source:?} {gap}");
            assert_eq!(verdict.reverted == CannotTell, row == "row-21");
            assert!(row != "row-21" || verdict.summary.contains("no time zone"));
        }
    }
}

#[test]
fn disks_made_hours_apart_do_not_agree_that_nothing_happened() {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
    facts.lines[0].taken[0].source = TakenSource::LabelLocal;
    let mut other = facts.lines[0].clone();
    let Way::Above(above) = &mut other.way else {
        unreachable!()
    };
    above.made = Made::Footer(at(TAKEN) + SignedDuration::from_secs(3 * 3_600));
    facts.lines.push(other);
    let verdict = judge(&facts);
    assert_eq!((verdict.row.id, verdict.reverted), ("row-20", CannotTell));
    assert!(verdict.would_settle.is_some());
}

#[test]
fn branches_of_files_converted_later_have_no_age() {
    let mut facts = facts(Tree::Older, Age::Foot, Gap::Later, Gen::Absent, None);
    facts.lines[0].frozen_made = Made::Footer(at("2009-06-29T14:15:01Z"));
    assert_eq!(judge(&facts).row.id, "row-1c");
}

#[test]
fn a_lower_bound_is_no_date_and_a_write_after_the_disk_above_is_no_bound() {
    let mut bound = facts(Tree::Straight, Age::Foot, Gap::Bound, Gen::Absent, None);
    let verdict = judge(&bound);
    assert_eq!((verdict.row.id, verdict.gap_seconds), ("row-21", None));
    for date in ["2009-05-02 14:10Z", "2009-06-30 14:10Z"] {
        assert!(verdict.summary.contains(date), "{}", verdict.summary);
    }
    assert!(
        verdict
            .would_settle
            .is_some_and(|settle| settle.contains("Get-VMSnapshot"))
    );
    above(&mut bound).made = Made::Footer(at("2009-05-02T14:00:00Z"));
    assert_eq!(judge(&bound).row.id, "row-19");
}

#[test]
fn a_frozen_disk_younger_than_its_snapshot_spoils_the_footers() {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Later, Gen::Different, None);
    facts.lines[0].frozen_made = Made::Footer(at("2009-05-02T14:15:01Z"));
    let verdict = judge(&facts);
    assert_eq!((verdict.row.id, verdict.reverted), ("row-17", CannotTell));
    assert!(
        verdict
            .evidence
            .iter()
            .any(|evidence| evidence.code.id == "frozen-later")
    );
    facts.lines[0].frozen_made = Made::Footer(at("2009-05-02T14:15:00Z"));
    assert_eq!(judge(&facts).row.id, "row-2");
}

#[test]
fn two_disks_that_disagree_give_the_worst_and_name_the_odd_one() {
    let two = |second: Facts| {
        let mut both = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
        let mut line = second.lines[0].clone();
        line.frozen = DiskId(3);
        line.frozen_name = "data.vhd".to_owned();
        both.lines.push(line);
        judge(&both)
    };
    let agree = two(facts(
        Tree::Straight,
        Age::Foot,
        Gap::Same,
        Gen::Absent,
        None,
    ));
    assert_eq!(agree.row.id, "row-8");
    assert!(
        agree
            .evidence
            .iter()
            .any(|evidence| evidence.code.id == "disks-agree")
    );
    let odd = two(facts(
        Tree::Straight,
        Age::Foot,
        Gap::Later,
        Gen::Absent,
        None,
    ));
    assert_eq!((odd.row.id, odd.reverted), ("row-20", Likely));
    assert!(odd.summary.contains("data.vhd"), "{}", odd.summary);
    let silent = two(facts(
        Tree::Straight,
        Age::None,
        Gap::Same,
        Gen::Absent,
        None,
    ));
    assert_eq!(
        (silent.row.id, silent.reverted),
        ("row-8", NoSign),
        "a disk without a witness contradicts nobody"
    );
}

#[test]
fn kind_and_files_on_top_are_told_without_changing_the_verdict() {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Later, Gen::Absent, None);
    facts.kind = SnapshotKind::Automatic;
    above(&mut facts).lingering = vec!["x.avhd".to_owned()];
    let verdict = judge(&facts);
    assert_eq!(verdict.row.id, "row-4");
    assert_eq!(verdict.evidence[0].code.id, "row-23");
    assert!(
        verdict
            .evidence
            .iter()
            .any(|evidence| evidence.code.id == "row-22")
    );
    assert!(verdict.notes[0].contains("automatic"));
}

#[test]
fn nothing_claims_more_than_it_can_know() {
    each_combination(|tree, age, gap, generation, guest| {
        let verdict = judge(&facts(tree, age, gap, generation, guest));
        if verdict.reverted == NoSign && gap == Gap::Same && age != Age::None {
            assert!(
                verdict
                    .summary
                    .contains("first 5 minutes would look the same"),
                "{}",
                verdict.summary
            );
        }
        if verdict.reverted <= Likely && !verdict.row.id.contains("1c") {
            assert!(
                verdict.summary.contains("at least once"),
                "{}",
                verdict.summary
            );
        }
        assert!(
            !verdict.summary.contains("exactly once") && !verdict.summary.contains("rolled back")
        );
        assert!(
            !(verdict.reverted == Certain
                && age == Age::Birth
                && generation == Gen::Absent
                && tree == Tree::Straight)
        );
    });
}

fn xcp(
    base: &str,
    active: &str,
    leaf: &str,
    dated: Option<&str>,
) -> (&'static str, Reverted, Option<i64>) {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
    facts.product = Product::XcpNg;
    let line = &mut facts.lines[0];
    line.xcp = XcpFacts {
        base_write: Some(at(base)),
        leaf: Some(("leaf.vhd".to_owned(), at(leaf))),
    };
    let source = if dated.is_some() {
        TakenSource::Label
    } else {
        TakenSource::FrozenWrite
    };
    line.taken = vec![Claim {
        at: at(dated.unwrap_or(base)),
        source,
        from: String::new(),
    }];
    above(&mut facts).made = Made::Footer(at(active));
    let verdict = judge(&facts);
    assert!(!verdict.evidence.is_empty() && !verdict.summary.is_empty());
    (verdict.row.id, verdict.reverted, verdict.gap_seconds)
}

#[test]
fn xcp_compares_the_active_disk_with_its_base_and_the_pools_date() {
    const T: &str = "2024-03-01T10:00:00Z";
    const SOON: &str = "2024-03-01T10:00:04Z";
    const LATER: &str = "2024-04-01T10:00:00Z";
    const DAYS: i64 = 31 * 86_400;
    assert_eq!(xcp(T, SOON, SOON, None), ("row-xcp-same", NoSign, Some(4)));
    assert_eq!(
        xcp(T, LATER, LATER, None),
        ("row-xcp-later", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(LATER, T, T, None),
        ("row-xcp-coalesced", CannotTell, Some(-DAYS))
    );
    assert_eq!(
        xcp(T, LATER, LATER, Some(T)),
        ("row-xcp-cloned", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(LATER, SOON, SOON, Some(T)),
        ("row-xcp-dated", NoSign, Some(4))
    );
    assert_eq!(
        xcp(T, LATER, SOON, Some(T)),
        ("row-xcp-later", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(T, T, SOON, Some(LATER)),
        ("row-xcp-coalesced", CannotTell, Some(-DAYS))
    );
}

fn undo(named: Option<&str>, stamp: &str) -> (&'static str, Reverted) {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
    facts.product = Product::VirtualPc;
    facts.lines[0].undo = UndoFacts {
        named: named.map(at),
    };
    above(&mut facts).name = "VirtualPCUndo_XP_0_0_14100005022009.vud".to_owned();
    above(&mut facts).made = Made::Footer(at(stamp));
    let verdict = judge(&facts);
    (verdict.row.id, verdict.reverted)
}

#[test]
fn virtual_pc_compares_the_undo_disk_with_its_name() {
    assert_eq!(undo(Some(TAKEN), TAKEN), ("row-vpc-kept", NoSign));
    assert_eq!(
        undo(Some(TAKEN), "2009-06-30T09:41:00Z"),
        ("row-vpc-discarded", Likely)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-05-02T15:17:00Z"),
        ("row-vpc-discarded", Likely)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-05-02T23:10:10Z"),
        ("row-vpc-unknown", CannotTell)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-04-02T14:10:00Z"),
        ("row-vpc-unknown", CannotTell)
    );
    assert_eq!(undo(None, TAKEN), ("row-vpc-unknown", CannotTell));
}
