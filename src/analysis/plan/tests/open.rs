//! Answers that stay open, disks that others need, and what the token names.

use super::*;

#[test]
fn targets_that_are_none_are_errors_that_say_why() {
    let store = story("2009-05-02T14:10:01Z");
    let assessment = assess(&store.forest, &Compared::default());
    let ask = |target| {
        plan(
            &store.forest,
            &assessment,
            target,
            &PlanOptions::default(),
            &Tables(&store.forest),
        )
    };
    assert_eq!(ask(Target::Snapshot(9)), Err(TargetError::Unknown));
    assert_eq!(ask(Target::Disk(DiskId(9))), Err(TargetError::Unknown));
    assert!(
        matches!(ask(Target::Disk(DiskId(1))), Err(TargetError::NotFrozen(name)) if name == "WIN7x64_Diff_7C.avhd")
    );
}

#[test]
fn a_disk_of_the_snapshot_that_is_not_here_leaves_the_answer_open() {
    let mut store = story("2009-05-02T14:10:01Z");
    assert_eq!(by_path(&store, BASE).answer, Answer::Pass);
    store.forest.snapshots[0].disks.push(crate::store::DiskUse {
        path: r"D:\VMs\data.vhd".to_owned(),
        disk: None,
        slot: None,
    });
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::CannotTell, vec!["disk-missing"])
    );
    assert!(plan.summary.contains("data.vhd"), "{}", plan.summary);
}

#[test]
fn a_chain_that_breaks_above_the_snapshot_is_no_dead_end_and_never_passes() {
    // base <- a (frozen for s2), and a leaf whose parent cannot be known.
    let broken = |dress: fn(&mut Plain)| {
        let mut store = story("2009-05-02T14:10:01Z");
        store.forest.machines.clear();
        store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
        store.vhd(
            "/s/top.avhd",
            "",
            "2009-07-01T00:00:05Z",
            "2010-01-03T18:00:00Z",
        );
        dress(&mut store);
        let vm = store.machine("TestWin7", &["/s/top.avhd"]);
        store.snapshot(
            vm,
            "s2",
            &["/s/WIN7x64_Diff_7C.avhd"],
            "2009-07-01T00:00:00Z",
        );
        store
    };
    let unreadable = broken(|store| store.disk_mut("/s/top.avhd").header = None);
    let orphaned = broken(|store| {
        store.node("/s/top.avhd").parent = Some(crate::store::ParentLink {
            state: LinkState::Missing,
            disk: None,
            resolved: None,
            by: None,
            tried: Vec::new(),
        });
    });
    for store in [&unreadable, &orphaned] {
        for (path, wanted) in [
            (BASE, None),
            ("/s/WIN7x64_Diff_7C.avhd", Some("broken-chain")),
        ] {
            let plan = by_path(store, path);
            assert_ne!(plan.answer, Answer::Pass, "{path}");
            assert!(
                !codes(&plan).contains(&"dead-end"),
                "{path}: {:?}",
                codes(&plan)
            );
            assert!(
                wanted.is_none_or(|code| codes(&plan).contains(&code)),
                "{path}: {:?}",
                codes(&plan)
            );
        }
    }
}

#[test]
fn a_disk_in_use_that_others_hang_on_is_no_snapshot_to_pass() {
    let mut store = Plain::new();
    store.vhd(BASE, "", "2009-01-10T09:00:00Z", "2010-05-02T14:10:00Z");
    store.vhd(
        "/s/child.vhd",
        BASE,
        "2009-05-02T14:10:01Z",
        "2009-06-30T09:40:00Z",
    );
    store.machine("web01", &[BASE]);
    let plan = by_path(&store, BASE);
    assert_eq!(plan.answer, Answer::CannotTell);
    assert!(
        plan.summary.contains("o snapshot is known"),
        "{}",
        plan.summary
    );
}

#[test]
fn a_leaf_that_another_machine_uses_too_is_not_merged_away_in_silence() {
    let mut store = story("2009-05-02T14:10:01Z");
    store.machine("copy", &["/s/WIN7x64_Diff_7C.avhd"]);
    let plan = by_path(&store, BASE);
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["breaks-children", "other-machine"])
    );
}

#[test]
fn the_only_leaf_is_not_taken_for_now_if_another_machine_uses_it() {
    let mut store = story("2009-05-02T14:10:01Z");
    store.forest.machines[0].disks = None;
    store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
    let plan = by_path(&store, BASE);
    assert_eq!(codes(&plan), ["now-not-known"], "one leaf is a guess");
    assert_eq!(
        plan.verdict.unwrap().reverted,
        crate::analysis::Reverted::NoSign
    );
    store.machine("web02", &["/s/WIN7x64_Diff_7C.avhd"]);
    let plan = by_path(&store, BASE);
    assert_ne!(plan.answer, Answer::Pass);
    let verdict = plan.verdict.unwrap();
    assert_eq!(verdict.reverted, crate::analysis::Reverted::CannotTell);
}

#[test]
fn an_xcp_leaf_that_holds_data_is_not_deleted_as_empty() {
    let mut store = Plain::new();
    let family = ["/s/base.vhd", "/s/active.vhd", "/s/other.vhd"];
    store.vhd(
        family[0],
        "",
        "2020-01-01T00:00:00Z",
        "2020-02-01T00:00:00Z",
    );
    for leaf in &family[1..] {
        store.vhd(
            leaf,
            family[0],
            "2020-02-01T00:00:01Z",
            "2020-03-01T00:00:00Z",
        );
    }
    for disk in family {
        store.node(disk).product = Product::XcpNg;
    }
    store.machine("vm", &["/s/active.vhd"]);
    let plan = by_path(&store, "/s/base.vhd");
    assert_eq!(
        (plan.answer, codes(&plan)),
        (Answer::Refuse, vec!["dead-end"])
    );
    store
        .disk_mut("/s/other.vhd")
        .counts
        .as_mut()
        .unwrap()
        .dirty_sectors = 0;
    assert_eq!(by_path(&store, "/s/base.vhd").answer, Answer::Pass);
}

#[test]
fn merges_on_one_volume_share_its_free_space_whatever_their_folders() {
    let store = |device: u64| {
        let mut store = story("2009-05-02T14:10:01Z");
        store.vhd(
            "/t/data.vhd",
            "",
            "2009-01-10T09:00:00Z",
            "2009-05-02T14:10:02Z",
        );
        store.vhd(
            "/t/data_1.avhd",
            "/t/data.vhd",
            "2009-05-02T14:10:01Z",
            "2010-01-03T18:00:00Z",
        );
        store.forest.machines.clear();
        store.forest.snapshots.clear();
        store.node(BASE).snapshots.clear();
        store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
        let vm = store.machine("TestWin7", &["/s/WIN7x64_Diff_7C.avhd", "/t/data_1.avhd"]);
        store.snapshot(vm, "s", &[BASE, "/t/data.vhd"], "2009-05-02T14:10:00Z");
        store.disk_mut(BASE).file.identity = Some((1, 1));
        store.disk_mut("/t/data.vhd").file.identity = Some((device, 2));
        let need = 2 * ((2 << 20) + 4096);
        for free in &mut store.forest.free_bytes {
            *free = Some(2 * need - 1);
        }
        store
    };
    assert_eq!(codes(&by_path(&store(1), BASE)), ["no-space"]);
    assert_eq!(by_path(&store(2), BASE).answer, Answer::Pass);
}

#[test]
fn the_token_names_every_disk_of_the_family_and_no_other() {
    let mut store = story("2009-05-02T14:10:01Z");
    for n in 0..40 {
        let (name, id) = (format!("/s/b{n}.avhd"), format!("s{n}"));
        store.vhd(&name, BASE, "2009-05-02T14:10:01Z", "2009-06-30T09:40:00Z");
        store.snapshot(
            crate::store::MachineId(0),
            &id,
            &[&name],
            "2009-06-30T09:40:00Z",
        );
    }
    store.vhd(
        "/s/stranger.vhd",
        "",
        "2009-01-10T09:00:00Z",
        "2009-05-02T14:10:02Z",
    );
    let before = by_path(&store, BASE).state_token;
    store.disk_mut("/s/stranger.vhd").file.len += 512;
    assert_eq!(by_path(&store, BASE).state_token, before);
    let mut seen = vec![before];
    for n in [0, 17, 39] {
        store.disk_mut(&format!("/s/b{n}.avhd")).file.len += 512;
        let length = by_path(&store, BASE).state_token;
        store
            .disk_mut(&format!("/s/b{n}.avhd"))
            .header
            .as_mut()
            .unwrap()
            .id = uuid::Uuid::from_u128(n + 5);
        let id = by_path(&store, BASE).state_token;
        assert!(
            !seen.contains(&length) && !seen.contains(&id) && length != id,
            "b{n}"
        );
        seen.extend([length, id]);
    }
}
