//! The cases a verdict must tell apart, each as a real store: its rule, what the plan does, and the gate's exit code.
//!
//! Disks are written by the builders with the stamps and last writes the case calls for. Births cannot be set here, so a VHDX's come
//! from a listing as a host makes it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod folder;

use std::time::SystemTime;

use serde_json::json;
use uuid::Uuid;
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;

use folder::{Store, at, reasons};

const SIZE: u64 = 16 << 20;
/// When the snapshot of most cases was taken.
const TAKEN: &str = "2009-05-02T14:10:00Z";
/// The disk it made.
const AT_ONCE: &str = "2009-05-02T14:10:01Z";
/// When it was reverted, where it was.
const LATER: &str = "2009-06-30T09:41:00Z";
const MADE: &str = "2009-01-10T09:00:00Z";
const TODAY: &str = "2010-01-03T18:00:00Z";

const BASE: &str = "WIN7x64_Diff.vhd";
const ABOVE: &str = "WIN7x64_Diff_7C1D2E3F-0000-4000-8000-000000000007.avhd";

fn merge_above() -> String {
    format!("{ABOVE} -> {BASE}")
}

/// One machine, one snapshot on the base, one disk above.
fn one(frozen_write: &str, above_made: &str) -> Store {
    let mut store = Store::new();
    store.vhd(BASE, None, MADE, frozen_write);
    store.vhd(ABOVE, Some(BASE), above_made, TODAY);
    store.machine("TestWin7", &[ABOVE]);
    store.snapshot("TestWin7", "Before SP1", &[BASE], TAKEN);
    store
}

#[test]
fn a_never_reverted_and_running() {
    let told = one(TAKEN, AT_ONCE).expect(BASE, "as-old", &[&merge_above()], 0);
    assert_eq!(told["reverted"], "no-sign");
}

#[test]
fn b_never_reverted_and_off_for_months_before() {
    let mut store = one("2009-01-20T10:00:00Z", AT_ONCE);
    store.expect(BASE, "as-old", &[&merge_above()], 0);
    // Without the date, the last write months before says nothing.
    store.labels.truncate(1);
    let told = store.expect(BASE, "bounds-open", &[&merge_above()], 3);
    assert!(
        told["evidence"]["summary"]
            .as_str()
            .unwrap()
            .contains("2009-01-20 10:00Z")
    );
    assert!(
        told["do_first"][0]
            .as_str()
            .unwrap()
            .contains("Get-VMSnapshot")
    );
}

#[test]
fn c_the_story_reverted_once_and_forgotten() {
    let store = one(TAKEN, LATER);
    let told = store.expect(BASE, "disk-above-younger", &[&merge_above()], 1);
    assert_eq!(reasons(&told), ["reverted"]);
    let summary = told["evidence"]["summary"].as_str().unwrap();
    for part in [
        "TestWin7",
        "2009-05-02 14:10Z",
        "2009-06-30 09:41Z",
        "at least once",
    ] {
        assert!(summary.contains(part), "{summary}");
    }
    assert!(
        told["already_lost"][0]
            .as_str()
            .unwrap()
            .contains("59 days")
    );
    // Named for this very state it passes, and a changed file takes that back.
    let accept = format!("reverted:{}", told["state_token"].as_str().unwrap());
    assert_eq!(store.gate(BASE, &["--accept", &accept]).0, 0);
    let touched = std::fs::File::options()
        .append(true)
        .open(store.path(ABOVE))
        .unwrap();
    touched
        .set_modified(SystemTime::from(at("2010-01-04T18:00:00Z")))
        .unwrap();
    assert_eq!(store.gate(BASE, &["--accept", &accept]).0, 1);
}

#[test]
fn d_reverted_twice_shows_the_last() {
    let told =
        one(TAKEN, "2009-11-11T11:11:00Z").expect(BASE, "disk-above-younger", &[&merge_above()], 1);
    assert!(
        told["evidence"]["summary"]
            .as_str()
            .unwrap()
            .contains("at least once, last on 2009-11-11 11:11Z")
    );
}

/// A dead branch with its own snapshot beside Now's.
fn branched(second_taken: &str) -> Store {
    let mut store = Store::new();
    store.vhd("web.vhd", None, MADE, TAKEN);
    store.vhd("web_A.avhd", Some("web.vhd"), AT_ONCE, LATER);
    store.vhd("web_B.avhd", Some("web.vhd"), LATER, TODAY);
    store.machine("web01", &["web_B.avhd"]);
    store.snapshot("web01", "s1", &["web.vhd"], TAKEN);
    store.snapshot("web01", "s2", &["web_A.avhd"], second_taken);
    store
}

#[test]
fn e_an_older_snapshot_applied_leaves_a_branch() {
    let store = branched("2009-05-20T12:00:00Z");
    store.expect("web.vhd", "branch-younger", &[], 1);
    let told = store.expect("web_A.avhd", "off-line", &[], 1);
    assert_eq!(reasons(&told), ["dead-end"]);
    assert_eq!(told["lost"][0]["code"], "dead-end-data");
}

#[test]
fn f_create_and_apply_keeps_the_state_before() {
    let told = branched("2009-06-30T09:40:30Z").expect("web.vhd", "branch-kept", &[], 1);
    assert!(
        told["evidence"]["summary"]
            .as_str()
            .unwrap()
            .contains("\"s2\"")
    );
}

#[test]
fn g_a_branch_deleted_afterwards_leaves_only_the_age() {
    let mut store = branched("2009-05-20T12:00:00Z");
    std::fs::remove_file(store.path("web_A.avhd")).unwrap();
    store.labels.truncate(2);
    store.expect(
        "web.vhd",
        "disk-above-younger",
        &["web_B.avhd -> web.vhd"],
        1,
    );
}

#[test]
fn h_a_lower_merge_changes_the_frozen_disk_but_not_the_verdict() {
    one("2009-09-09T09:09:00Z", AT_ONCE).expect(BASE, "as-old", &[&merge_above()], 0);
}

#[test]
fn i_a_pending_merge_leaves_a_disk_nobody_owns() {
    let mut store = Store::new();
    store.vhd(BASE, None, MADE, TAKEN);
    store.vhd("gone.avhd", Some(BASE), AT_ONCE, LATER);
    store.vhd(ABOVE, Some("gone.avhd"), LATER, TODAY);
    let vm = Uuid::from_u128(0x77);
    let mut config = HypervConfig::new(vm, "TestWin7", &format!(r"D:\VMs\{ABOVE}"));
    config.merge_pending = true;
    std::fs::create_dir(store.path("Virtual Machines")).unwrap();
    store.put(&format!("Virtual Machines/{vm}.xml"), &config.xml(), TODAY);
    store.snapshot("TestWin7", "Before SP1", &[BASE], TAKEN);
    let told = store.expect(BASE, "as-old", &[&format!("gone.avhd -> {BASE}")], 1);
    assert_eq!(reasons(&told), ["merge-unfinished"]);
    assert!(
        told["do_first"].to_string().contains("pending merge"),
        "{told:#}"
    );
    assert!(
        told["snapshot"]["verdict"]["evidence"]
            .to_string()
            .contains("merge-pending")
    );
}

#[test]
fn j_lingering_backup_files_on_top_hide_nothing() {
    for (above, row, exit) in [(AT_ONCE, "as-old", 0), (LATER, "disk-above-younger", 1)] {
        let mut store = one(TAKEN, above);
        store.vhd(
            "WIN7x64-AutoRecovery.avhd",
            Some(ABOVE),
            "2009-12-01T00:00:00Z",
            TODAY,
        );
        store.labels.remove(0);
        store.machine("TestWin7", &["WIN7x64-AutoRecovery.avhd"]);
        let told = store.expect(BASE, row, &[&merge_above()], exit);
        assert!(
            told["snapshot"]["verdict"]["evidence"]
                .to_string()
                .contains("lingering-above"),
            "{told:#}"
        );
    }
}

/// The same chain as VHDX, with births.
fn births(frozen_born: &str, above_born: &str) -> Store {
    let mut store = Store::new();
    store.vhdx("web.vhdx", None, frozen_born, TAKEN, |builder| builder);
    store.vhdx(
        "web_B.avhdx",
        Some("web.vhdx"),
        above_born,
        TODAY,
        |builder| builder,
    );
    store.machine("web01", &["web_B.avhdx"]);
    store.snapshot("web01", "s1", &["web.vhdx"], TAKEN);
    store
}

const MERGE_VHDX: &str = "web_B.avhdx -> web.vhdx";

#[test]
fn births_that_hold_together_are_witnesses() {
    births(MADE, AT_ONCE).expect("web.vhdx", "as-old", &[MERGE_VHDX], 0);
    births(MADE, LATER).expect("web.vhdx", "disk-above-younger", &[MERGE_VHDX], 1);
}

#[test]
fn k_a_copied_store_says_when_it_was_copied() {
    let told = births("2024-03-01T08:00:00Z", "2024-03-01T08:03:00Z").expect(
        "web.vhdx",
        "no-age",
        &[MERGE_VHDX],
        3,
    );
    assert!(
        told["evidence"]["summary"]
            .as_str()
            .unwrap()
            .contains("2024-03-01")
    );
}

#[test]
fn l_a_restored_store_was_born_all_at_once() {
    let told = births("2008-03-01T08:00:00Z", "2008-03-01T08:03:00Z").expect(
        "web.vhdx",
        "no-age",
        &[MERGE_VHDX],
        3,
    );
    assert!(
        told["snapshot"]["verdict"]["evidence"]
            .to_string()
            .contains("born together")
    );
}

#[test]
fn m_one_of_two_disks_made_anew_stands_apart() {
    let mut store = one(TAKEN, AT_ONCE);
    store.vhd("data.vhd", None, MADE, TAKEN);
    store.vhd("data_7C.avhd", Some("data.vhd"), LATER, TODAY);
    store.labels.clear();
    store.machine("TestWin7", &[ABOVE, "data_7C.avhd"]);
    store.snapshot("TestWin7", "Before SP1", &[BASE, "data.vhd"], TAKEN);
    let told = store.expect(
        BASE,
        "disks-disagree",
        &[&merge_above(), "data_7C.avhd -> data.vhd"],
        3,
    );
    assert!(
        told["evidence"]["summary"]
            .as_str()
            .unwrap()
            .contains("data.vhd")
    );
}

#[test]
fn n_a_clock_stepped_back_gives_an_impossible_order() {
    one(TAKEN, "2009-04-28T14:10:00Z").expect(BASE, "impossible-order", &[&merge_above()], 3);
}

#[test]
fn o_xcp_snapshot_clone_coalesce_and_leaf_coalesce() {
    let xcp = |base_write: &str, stamp: &str| {
        let mut store = Store::new();
        let names = [
            "11111111-0000-4000-8000-000000000001.vhd",
            "22222222-0000-4000-8000-000000000002.vhd",
            "33333333-0000-4000-8000-000000000003.vhd",
        ];
        store.vhd_by(names[0], None, MADE, base_write, |builder| {
            builder.by_xenserver().hidden()
        });
        store.vhd_by(
            names[1],
            Some(names[0]),
            stamp,
            TODAY,
            VhdBuilder::by_xenserver,
        );
        let base = store.id_of(names[0]);
        let id = store.new_id(names[2]);
        let leaf = VhdBuilder::differencing(SIZE)
            .by_xenserver()
            .id(id)
            .created_at(at(stamp))
            .parent(base, names[0])
            .locator(Locator::relative(&format!(r".\{}", names[0])))
            .build();
        store.put(names[2], &leaf, stamp);
        (store, names)
    };
    for (base_write, stamp, row, exit) in [
        (TAKEN, AT_ONCE, "as-old", 0),
        (TAKEN, LATER, "disk-above-younger", 1),
        (LATER, AT_ONCE, "no-date", 3),
    ] {
        let (store, names) = xcp(base_write, stamp);
        let told = store.expect(
            names[0],
            row,
            &[&format!("{} -> {}", names[1], names[0])],
            exit,
        );
        assert!(told["deleted"].to_string().contains(names[2]), "{told:#}");
        // The snapshot gone and its base coalesced into the leaf: the leaf bears the base's older stamp, and nothing is frozen.
        std::fs::remove_file(store.path(names[1])).unwrap();
        std::fs::remove_file(store.path(names[2])).unwrap();
        assert_eq!(store.gate(names[0], &[]).0, 2);
    }
}

#[test]
fn p_the_data_disk_of_a_vhd_set_is_no_snapshot() {
    let mut store = Store::new();
    store.vhdx("set.avhdx", None, MADE, TODAY, |builder| builder);
    store.put("set.vhds", b"", TODAY);
    let (code, told) = store.gate("set.avhdx", &[]);
    assert_eq!(code, 2);
    assert!(
        told.as_str().unwrap().contains("no snapshot's disk"),
        "{told}"
    );
}

#[test]
fn q_a_golden_image_is_no_snapshot_and_breaks_its_children() {
    let mut store = Store::new();
    store.vhd("golden.vhd", None, MADE, TAKEN);
    for n in 0..10 {
        store.vhd(&format!("vm{n}.vhd"), Some("golden.vhd"), LATER, TODAY);
    }
    let told = store.expect("golden.vhd", "shared-parent", &[], 1);
    assert_eq!(reasons(&told)[0], "breaks-children");
    assert_eq!(told["breaks"].as_array().unwrap().len(), 10);
}

#[test]
fn r_an_automatic_checkpoint_says_so_first() {
    let mut store = one(TAKEN, AT_ONCE);
    store.labels[1]["IsAutomaticCheckpoint"] = json!(true);
    let told = store.expect(BASE, "as-old", &[&merge_above()], 0);
    assert_eq!(
        told["snapshot"]["verdict"]["evidence"][0]["code"],
        "checkpoint-kind"
    );
}

#[test]
fn s_broken_links_are_refused_whatever_the_verdict() {
    let mut store = one(TAKEN, AT_ONCE);
    store.vhd("top.avhd", Some(ABOVE), LATER, TODAY);
    store.labels.clear();
    store.machine("TestWin7", &["top.avhd"]);
    store.snapshot("TestWin7", "s2", &[ABOVE], LATER);
    let merge = format!("top.avhd -> {ABOVE}");
    assert_eq!(
        reasons(&store.expect(ABOVE, "as-old", &[&merge], 0)),
        [""; 0]
    );
    // Another disk under the parent's name: the id differs.
    store.vhd(BASE, None, MADE, TAKEN);
    assert_eq!(
        reasons(&store.expect(ABOVE, "as-old", &[&merge], 1)),
        ["broken-chain"]
    );
    std::fs::remove_file(store.path(BASE)).unwrap();
    assert_eq!(
        reasons(&store.expect(ABOVE, "as-old", &[&merge], 1)),
        ["broken-chain"]
    );
    // Two disks, each the other's parent: nothing is Now, and nothing passes.
    store.vhd_by(BASE, None, MADE, TAKEN, |_| {
        VhdBuilder::differencing(SIZE)
            .parent(0x12, ABOVE)
            .locator(Locator::relative(&format!(r".\{ABOVE}")))
    });
    store.vhd_by(ABOVE, Some(BASE), AT_ONCE, TODAY, |builder| {
        builder.id(0x12)
    });
    let (code, told) = store.gate(ABOVE, &[]);
    assert!(
        code == 1 && reasons(&told).contains(&"broken-chain"),
        "{code} {told:#}"
    );
}

#[test]
fn s_a_parent_of_another_size_is_refused() {
    let store = one(TAKEN, AT_ONCE);
    let larger = VhdBuilder::dynamic(2 * SIZE)
        .id(store.id_of(BASE))
        .created_at(at(MADE))
        .write(1, &[3; 512])
        .build();
    store.put(BASE, &larger, TAKEN);
    let told = store.expect(BASE, "as-old", &[&merge_above()], 1);
    assert_eq!(reasons(&told), ["broken-chain"]);
}

#[test]
fn a_token_holds_for_one_state_and_an_accepted_reason_for_it_alone() {
    let store = one(TAKEN, LATER);
    let (code, told) = store.gate(BASE, &[]);
    assert_eq!((code, reasons(&told)), (1, vec!["reverted"]));
    let token = told["state_token"].as_str().unwrap().to_owned();
    let accept = format!("reverted:{}", &token[..8]);
    assert_eq!(
        store
            .gate(BASE, &["--accept", &accept, "--expect", &token])
            .0,
        0
    );
    assert_eq!(
        store
            .gate(BASE, &["--accept", &format!("no-space:{token}")])
            .0,
        1
    );
    assert_eq!(store.gate(BASE, &["--accept", "nonsense:12345678"]).0, 2);
    // A file beside the family changes nothing.
    std::fs::write(store.path("notes.txt"), "x").unwrap();
    assert_eq!(store.gate(BASE, &["--accept", &accept]).0, 0);
    let file = std::fs::File::options()
        .append(true)
        .open(store.path(ABOVE))
        .unwrap();
    file.set_modified(SystemTime::from(at("2010-01-04T18:00:00Z")))
        .unwrap();
    let (code, told) = store.gate(BASE, &["--accept", &accept, "--expect", &token]);
    assert_eq!(code, 1);
    assert_eq!(reasons(&told), ["state-changed", "reverted"]);
}

#[test]
fn a_revert_within_a_day_of_a_date_without_a_zone_does_not_pass() {
    for (made, row, exit) in [
        ("2009-05-02T05:10:01Z", "zone-open", 3),
        ("2009-05-02T23:41:00Z", "zone-open", 3),
        ("2009-05-03T10:10:00Z", "disk-above-younger", 1),
        (LATER, "disk-above-younger", 1),
    ] {
        let mut store = one("2009-04-01T10:00:00Z", made);
        store.labels.truncate(1);
        store.snapshot("TestWin7", "Before SP1", &[BASE], "2009-05-02T14:10:00");
        store.expect(BASE, row, &[&merge_above()], exit);
    }
}

#[test]
fn a_snapshot_with_a_disk_elsewhere_and_a_name_of_two_machines_do_not_pass() {
    let mut store = one(TAKEN, AT_ONCE);
    store.labels.truncate(1);
    store.snapshot("TestWin7", "Before SP1", &[BASE, "data.vhd"], TAKEN);
    let told = store.expect(BASE, "as-old", &[&merge_above()], 3);
    assert_eq!(reasons(&told), ["disk-missing"]);
    store.vhd("web.vhd", None, MADE, TAKEN);
    store.vhd("web_1.avhd", Some("web.vhd"), AT_ONCE, TODAY);
    store.machine("web01", &["web_1.avhd"]);
    store.snapshot("web01", "Before SP1", &["web.vhd"], TAKEN);
    let by_name = ["--snapshot", "Before SP1"];
    let (code, told) = store.gate("", &by_name);
    let text = told.to_string();
    assert_eq!(code, 2);
    assert!(
        text.contains("TestWin7") && text.contains("web01"),
        "{text}"
    );
    assert_eq!(
        store
            .gate("", &[&by_name[..], &["--vm", "web01"]].concat())
            .0,
        0
    );
}

#[test]
fn t_an_undo_disk_kept_or_discarded() {
    for (stamp, row, exit) in [
        (TAKEN, "as-old", 0),
        ("2009-06-30T09:41:07Z", "disk-above-younger", 1),
    ] {
        let mut store = Store::new();
        store.vhd("XP.vhd", None, MADE, TAKEN);
        let undo = "VirtualPCUndo_XP_0_0_14100005022009.vud";
        store.vhd(undo, Some("XP.vhd"), stamp, TODAY);
        store.expect("XP.vhd", row, &[&format!("{undo} -> XP.vhd")], exit);
    }
}

#[test]
fn u_a_log_to_replay_is_read_in_memory() {
    let mut store = Store::new();
    store.vhdx("web.vhdx", None, MADE, TAKEN, |builder| builder);
    store.vhdx(
        "web_B.avhdx",
        Some("web.vhdx"),
        LATER,
        TODAY,
        VhdxBuilder::leave_table_in_log,
    );
    store.machine("web01", &["web_B.avhdx"]);
    store.snapshot("web01", "s1", &["web.vhdx"], TAKEN);
    let told = store.expect("web.vhdx", "disk-above-younger", &[MERGE_VHDX], 1);
    assert_eq!(told["merge"][0]["bytes"], 5 * 512);
}

#[test]
fn a_merge_that_would_not_fit_and_one_that_does_are_told_by_the_growth_of_both_tables() {
    let told = one(TAKEN, AT_ONCE).expect(BASE, "as-old", &[&merge_above()], 0);
    let merge = &told["merge"][0];
    // The child holds block 1, the base block 0: one new block and its bitmap, at a page.
    assert_eq!(
        (merge["blocks"].as_u64(), merge["bytes"].as_u64()),
        (Some(1), Some(3 * 512))
    );
    assert_eq!(
        (merge["bytes_max"].as_u64(), merge["grow_max"].as_u64()),
        (Some(2 << 20), Some((2 << 20) + 4096))
    );
    assert!(merge["free"].as_u64().is_some());
}
