//! Tolerances, doubts and what goes with a verdict, one rule each.

use super::*;

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
