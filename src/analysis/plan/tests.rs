//! Plans of hand-made stores: each way a delete can end, told apart.

use super::make::plan;
use super::*;
use crate::analysis::plain::{Plain, at, branched, story, with_leftover};
use crate::analysis::plan::{Accept, Answer};
use crate::analysis::{Compared, assess};
use crate::format::{BlockNo, SectorNo};
use crate::image::{BlockState, Place, SectorRun, StateRun};
use crate::store::{Forest, LinkState};

/// What leaves the answer open, and what other machines need.
mod open;

/// Every disk but a base holds blocks 0 to 2; a base holds block 1.
struct Tables<'a>(&'a Forest);

impl BlockMaps for Tables<'_> {
    fn held(&self, disk: DiskId) -> Option<Vec<StateRun>> {
        let base = self.0.parent_of(disk).is_none();
        let (first, count) = if base { (1, 1) } else { (0, 3) };
        Some(vec![StateRun {
            first: BlockNo(first),
            count,
            state: BlockState::Partial,
        }])
    }

    fn sectors(&self, disk: DiskId, visit: &mut dyn FnMut(SectorRun)) -> bool {
        for run in self.held(disk).unwrap_or_default() {
            visit(SectorRun {
                first: SectorNo(run.first.0 * 4096),
                count: run.count * 4096,
                place: Place::Here { offset_bytes: 0 },
            });
        }
        true
    }
}

fn planned(store: &Plain, target: Target, options: &PlanOptions) -> Plan {
    let assessment = assess(&store.forest, &Compared::default());
    plan(
        &store.forest,
        &assessment,
        target,
        options,
        &Tables(&store.forest),
    )
    .unwrap()
}

fn by_path(store: &Plain, path: &str) -> Plan {
    planned(store, Target::Disk(store.id(path)), &PlanOptions::default())
}

fn codes(plan: &Plan) -> Vec<&'static str> {
    plan.reasons.iter().map(|reason| reason.code.id).collect()
}

const BASE: &str = "/s/WIN7x64_Diff.vhd";

#[test]
fn the_story_is_refused_with_both_dates_and_what_is_already_gone() {
    let store = story("2009-06-30T09:41:00Z");
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["reverted"])
    );
    for part in [
        "TestWin7",
        "2009-05-02 14:10Z",
        "2009-06-30 09:41Z",
        "ends the way back",
    ] {
        let told = format!("{} {}", plan.summary, plan.reasons[0].text);
        assert!(told.contains(part), "{told}");
    }
    assert!(
        plan.already_lost[0].contains("59 days"),
        "{:?}",
        plan.already_lost
    );
    assert!(
        plan.ends_in.contains("everything since 2009-06-30 09:41Z"),
        "{}",
        plan.ends_in
    );
    let merge = &plan.merges[0];
    assert_eq!((merge.from, merge.into), (DiskId(1), DiskId(0)));
    // Three dirty blocks of 2 MiB, 77 sectors; blocks 0 and 2 are new to the base.
    assert_eq!(
        (merge.blocks, merge.bytes, merge.bytes_max),
        (Some(3), Some(77 * 512), 6 << 20)
    );
    assert_eq!(merge.grow_max, 2 * ((2 << 20) + 4096));
    assert_eq!(plan.before, [[DiskId(0), DiskId(1)]]);
    assert_eq!(plan.after, [[DiskId(0)]]);
    assert_eq!(
        (plan.freed.as_slice(), plan.deleted.len()),
        ([DiskId(1)].as_slice(), 0)
    );
    assert!(plan.lost.iter().any(|loss| loss.code.id == "way-back"));
}

#[test]
fn without_a_revert_it_passes_and_without_a_date_it_cannot_tell() {
    let plan = by_path(&story("2009-05-02T14:10:01Z"), BASE);
    assert_eq!((plan.answer, codes(&plan)), (Answer::Pass, vec![]));
    assert!(plan.already_lost.is_empty());
    let mut store = story("2009-05-02T14:10:01Z");
    store.forest.snapshots[0].taken.clear();
    assert_eq!(
        by_path(&store, BASE).answer,
        Answer::Pass,
        "written until the disk above was made"
    );
    store.disk_mut("/s/WIN7x64_Diff.vhd").file.modified = Some(at("2009-04-02T00:00:00Z"));
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::CannotTell, vec!["cannot-tell"])
    );
    assert!(
        plan.do_first[0].contains("Get-VMSnapshot"),
        "{:?}",
        plan.do_first
    );
}

#[test]
fn a_reason_is_accepted_by_name_for_one_state_only() {
    let mut store = story("2009-06-30T09:41:00Z");
    let token = by_path(&store, BASE).state_token;
    let options = PlanOptions {
        accept: vec![Accept {
            reason: "reverted".to_owned(),
            token: token[..8].to_owned(),
        }],
        expect: Some(token.clone()),
        ..PlanOptions::default()
    };
    let target = Target::Disk(DiskId(0));
    let accepted = planned(&store, target, &options);
    assert_eq!(accepted.answer, Answer::Pass);
    assert!(accepted.reasons[0].accepted && accepted.summary.contains("accepted: reverted"));
    store.disk_mut("/s/WIN7x64_Diff_7C.avhd").file.len += 512;
    let changed = planned(&store, target, &options);
    assert_eq!(
        (changed.answer, codes(&changed)),
        (Answer::Refuse, vec!["state-changed", "reverted"])
    );
    let other = PlanOptions {
        accept: vec![Accept {
            reason: "dead-end".to_owned(),
            token: changed.state_token.clone(),
        }],
        ..PlanOptions::default()
    };
    assert_eq!(planned(&store, target, &other).answer, Answer::Refuse);
}

#[test]
fn a_merge_that_does_not_fit_is_refused() {
    let mut store = story("2009-05-02T14:10:01Z");
    let need = 2 * ((2 << 20) + 4096);
    store.forest.free_bytes[0] = Some(need);
    assert_eq!(by_path(&store, BASE).answer, Answer::Pass);
    store.forest.free_bytes[0] = Some(need - 1);
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["no-space"])
    );
    let options = PlanOptions {
        free: Some(need),
        ..PlanOptions::default()
    };
    assert_eq!(
        planned(&store, Target::Disk(DiskId(0)), &options).answer,
        Answer::Pass
    );
    store.forest.free_bytes[0] = None;
    assert!(by_path(&store, BASE).not_checked.contains(&"free-space"));
}

/// base <- a (frozen for "s2", a dead end) and base <- b (Now).
fn dead_end() -> Plain {
    branched("2009-06-30T09:41:00Z", "2009-06-30T09:40:30Z")
}

#[test]
fn a_dead_end_is_deleted_not_merged_and_marked_strongest() {
    let plan = by_path(&dead_end(), "/s/a.avhd");
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["dead-end"])
    );
    assert!(plan.merges.is_empty());
    assert_eq!(plan.deleted, [DiskId(1)]);
    assert_eq!(plan.lost[0].code.id, "dead-end-data");
    assert_eq!(plan.after, [vec![DiskId(0)]], "its parent stays");
}

#[test]
fn a_disk_with_several_children_is_kept() {
    let plan = by_path(&dead_end(), "/s/base.vhd");
    assert!(plan.merges.is_empty() && plan.freed.is_empty() && plan.deleted.is_empty());
    assert!(
        plan.engine_notes
            .iter()
            .any(|note| note.contains("kept for 2 children")),
        "{:?}",
        plan.engine_notes
    );
    assert!(
        plan.already_lost[0].contains("was kept as snapshot \"s2\""),
        "{:?}",
        plan.already_lost
    );
    assert_eq!(plan.before, plan.after);
}

#[test]
fn a_disk_kept_for_two_branches_is_merged_when_a_dead_end_goes() {
    let mut store = dead_end();
    store.forest.snapshots[0].disks.clear();
    store.node("/s/base.vhd").snapshots.clear();
    let plan = by_path(&store, "/s/a.avhd");
    assert_eq!(
        plan.merges
            .iter()
            .map(|merge| (merge.from, merge.into))
            .collect::<Vec<_>>(),
        [(DiskId(2), DiskId(0))]
    );
    assert!(
        plan.engine_notes
            .iter()
            .any(|note| note.contains("left with one"))
    );
}

#[test]
fn siblings_a_merge_would_break_are_named() {
    let mut store = story("2009-05-02T14:10:01Z");
    store.vhd(
        "/s/mine.vhd",
        BASE,
        "2009-09-01T00:00:00Z",
        "2009-10-01T00:00:00Z",
    );
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["breaks-children"])
    );
    assert_eq!(
        (plan.breaks.as_slice(), plan.merges.len()),
        ([DiskId(2)].as_slice(), 1)
    );
    assert!(plan.lost.iter().any(|loss| loss.code.id == "other-branch"));
    assert_eq!(plan.after, [[DiskId(0)]]);
}

#[test]
fn below_lingering_files_only_the_disk_directly_above_is_merged() {
    let store = with_leftover();
    let plan = by_path(&store, BASE);
    assert_eq!(plan.answer, Answer::Pass);
    assert_eq!(
        (plan.merges[0].from, plan.merges[0].into),
        (DiskId(1), DiskId(0))
    );
    assert!(
        plan.engine_notes
            .iter()
            .any(|note| note.contains("leftover")),
        "{:?}",
        plan.engine_notes
    );
    assert_eq!(plan.after, [[DiskId(0), DiskId(2)]]);
}

#[test]
fn a_broken_chain_and_a_partial_scan_are_told_apart() {
    let mut store = story("2009-05-02T14:10:01Z");
    store.node(BASE).parent = Some(crate::store::ParentLink {
        state: LinkState::Missing,
        disk: None,
        resolved: None,
        by: None,
        tried: Vec::new(),
    });
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["broken-chain"])
    );
    let mut store = story("2009-05-02T14:10:01Z");
    store.forest.complete = false;
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::CannotTell, vec!["scan-partial"])
    );
}

#[test]
fn a_golden_image_breaks_its_children_whatever_happens_to_it() {
    let mut store = Plain::new();
    store.vhd(
        "/s/golden.vhd",
        "",
        "2009-01-10T09:00:00Z",
        "2009-05-02T14:10:00Z",
    );
    for n in 0..10 {
        store.vhd(
            &format!("/s/vm{n}.vhd"),
            "/s/golden.vhd",
            "2012-01-10T09:00:00Z",
            "2013-05-02T14:10:00Z",
        );
    }
    let plan = by_path(&store, "/s/golden.vhd");
    assert_eq!(
        (plan.answer, plan.breaks.len(), plan.merges.len()),
        (Answer::Refuse, 10, 0)
    );
    assert_eq!(
        codes(&plan),
        ["breaks-children", "cannot-tell", "now-not-known"]
    );
}

#[test]
fn xcp_deletes_the_snapshots_leaf_and_coalesces_what_is_left() {
    let mut store = Plain::new();
    store.vhd(
        "/s/base.vhd",
        "",
        "2024-01-10T09:00:00Z",
        "2024-05-02T14:10:00Z",
    );
    store.vhd(
        "/s/active.vhd",
        "/s/base.vhd",
        "2024-05-02T14:10:01Z",
        "2024-06-30T09:40:00Z",
    );
    store.vhd(
        "/s/leaf.vhd",
        "/s/base.vhd",
        "2024-05-02T14:10:01Z",
        "2024-05-02T14:10:01Z",
    );
    store
        .disk_mut("/s/leaf.vhd")
        .counts
        .as_mut()
        .unwrap()
        .dirty_sectors = 0;
    for path in ["/s/base.vhd", "/s/active.vhd", "/s/leaf.vhd"] {
        store.node(path).product = Product::XcpNg;
    }
    let plan = by_path(&store, "/s/base.vhd");
    assert_eq!((plan.answer, codes(&plan)), (Answer::Pass, vec![]));
    assert_eq!(
        (plan.merges[0].from, plan.merges[0].into),
        (DiskId(1), DiskId(0))
    );
    assert_eq!(plan.deleted, [DiskId(2)]);
    // The base takes over the leaf's name: that of the machine's disk stays.
    assert_eq!(plan.merges[0].survivor, DiskId(1));
    assert_eq!(
        (plan.after, plan.freed),
        (vec![vec![DiskId(1)]], vec![DiskId(0)])
    );
}

#[test]
fn the_older_hyper_v_says_when_it_merges_and_what_cancels_it() {
    let store = story("2009-05-02T14:10:01Z");
    let options = PlanOptions {
        product: Some(Product::HyperV2008),
        ..PlanOptions::default()
    };
    let plan = planned(&store, Target::Snapshot(0), &options);
    assert!(
        plan.engine_notes[0].contains("switched off") && plan.engine_notes[1].contains("cancels")
    );
}
