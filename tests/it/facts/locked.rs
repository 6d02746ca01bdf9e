//! Disks that cannot be opened, as those of running machines: their files' modes forbid it, to a user who is nobody.

#![cfg(unix)]

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::truth::unpack;

pub(super) const TESTWIN7: &str = "TestWin7/WIN7x64_Diff_7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11E.avhd";
pub(super) const APP03: &str = "app03/app03_5C7E90B4-2D1A-4F63-8B0E-93A7D6C5E1F2.avhdx";

/// Lets another user look into a folder, but not into these files of it, and puts the program beside them.
fn open_to_others(folder: &Path, locked: &[&str]) {
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    allow(folder, 0o755);
    for file in locked {
        allow(&folder.join(file), 0o000);
    }
    std::fs::copy(env!("CARGO_BIN_EXE_vhdtree"), folder.join("vhdtree")).unwrap();
}

/// The demo's store without the host's listing, both leaves locked.
fn demo_for_others() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    std::fs::remove_file(demo.join("times.csv")).unwrap();
    let locked = [TESTWIN7, APP03].map(|leaf| format!("demo/{leaf}"));
    open_to_others(folder.path(), &[&locked[0], &locked[1]]);
    folder
}

/// Runs the program as a user who may not open `locked`; `None` if that cannot be done here.
fn as_another(folder: &Path, locked: &str, args: &[&str]) -> Option<Output> {
    let program = folder.join("vhdtree");
    let mut command = if File::open(folder.join(locked)).is_err() {
        Command::new(program)
    } else {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(program);
        command
    };
    let output = command.args(args).current_dir(folder).output().ok();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("setpriv");
    let output = output.filter(|output| !said(output));
    if output.is_none() {
        println!("skipped: setpriv");
    }
    output
}

fn host_path(path: &str) -> String {
    format!(r"D:\VMs\{}", path.replace('/', "\\"))
}

/// What a host says of a leaf: its row as a disk, and as a file.
fn leaf(store: &Path, path: &str, parent: &str, made: &str) -> (Value, Value) {
    let length = std::fs::metadata(store.join(path)).unwrap().len();
    let disk = json!({"path": host_path(path), "type": "Differencing", "parent": host_path(parent), "attached": true});
    let file = json!({"path": host_path(path), "length": length, "created": made, "written": "2026-11-27T09:59:00Z"});
    (disk, file)
}

/// What a host says of both leaves of the demo's store.
fn host_facts(folder: &Path) {
    let store = folder.join("demo");
    let base = "TestWin7/WIN7x64_Diff.vhd";
    let (win7, win7_file) = leaf(&store, TESTWIN7, base, "2009-06-30T09:41:10Z");
    let (app03, app03_file) = leaf(&store, APP03, "app03/app03.vhdx", "2026-09-14T19:30:05Z");
    let facts = json!({"schema": "vhdtree-host/1", "host": "HV01", "at": "2026-11-27T10:00:00Z",
        "machines": [{"name": "TestWin7", "state": "Running", "disks": [host_path(TESTWIN7)]},
                     {"name": "app03", "state": "Running", "disks": [host_path(APP03)]}],
        "disks": [win7, app03, {"path": host_path("app03/app03.vhdx")}, {"path": host_path(base)}],
        "files": [win7_file, app03_file], "free": [{"path": "D:\\", "bytes": 1_000_000_000_u64}]});
    std::fs::write(folder.join("host.json"), facts.to_string()).unwrap();
}

#[test]
fn a_disk_that_cannot_be_opened_stands_where_the_host_says() {
    let folder = demo_for_others();
    host_facts(folder.path());
    let locked = format!("demo/{APP03}");
    let listed = |args: &[&str]| -> Option<Value> {
        let args = [&["ls", "demo", "--json"], args].concat();
        serde_json::from_slice(&as_another(folder.path(), &locked, &args)?.stdout).ok()
    };
    let Some(alone) = listed(&[]) else { return };
    let told = listed(&["--facts", "host.json"]).unwrap();
    let row = |all: &Value, name: &str| {
        let mut disks = all["disks"].as_array().unwrap().iter();
        disks
            .find(|of| of["path"] == format!("demo/{name}"))
            .unwrap()
            .clone()
    };
    for (leaf, base, vm, made) in [
        (
            TESTWIN7,
            "TestWin7/WIN7x64_Diff.vhd",
            "TestWin7",
            "2009-06-30T09:41:10Z",
        ),
        (APP03, "app03/app03.vhdx", "app03", "2026-09-14T19:30:05Z"),
    ] {
        for all in [&alone, &told] {
            let leaf = row(all, leaf);
            assert_eq!(leaf["state"], "locked");
            assert_eq!(leaf["findings"][0]["code"], "disk-denied");
            assert_eq!(leaf["in_use_by"], json!([vm]));
            assert!(leaf["file_size"].as_u64().unwrap() > 0 && !leaf["modified"].is_null());
        }
        assert!(row(&alone, leaf)["parent"].is_null());
        let leaf = row(&told, leaf);
        assert_eq!(leaf["parent"]["state"], "by-host");
        assert_eq!(leaf["parent"]["resolved"], format!("demo/{base}"));
        assert_eq!(
            (&leaf["created"], &leaf["created_source"]),
            (&made.into(), &"host".into())
        );
        assert_eq!(row(&told, base)["children"], json!([leaf["path"]]));
    }
    let tree = as_another(folder.path(), &locked, &["ls", "demo"]).unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("? locked"), "{tree}");
    assert_eq!(tree.matches("? disk above locked").count(), 4, "{tree}");
    for wrong in ["NOW?", "no date", "copied store"] {
        assert!(!tree.contains(wrong), "{wrong}: {tree}");
    }
    assert_eq!(tree.matches("BROKEN").count(), 2, "db02 alone: {tree}");
    let args = [
        "plan",
        "demo",
        "--vm",
        "app03",
        "--snapshot",
        "before update 7",
    ];
    let plan = as_another(folder.path(), &locked, &args).unwrap();
    assert_eq!(plan.status.code(), Some(0));
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(
        plan.contains("which file is merged into which is not known"),
        "{plan}"
    );
    let args = ["ls", "demo", "--facts", "host.json"];
    let tree = as_another(folder.path(), &locked, &args).unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let group = tree.lines().find(|line| line.starts_with("app03 "));
    assert!(group.unwrap().ends_with(" ok"), "{tree}");
}

#[test]
fn the_gate_names_the_disk_that_it_could_not_open_and_decides_by_the_hosts_word() {
    let folder = demo_for_others();
    host_facts(folder.path());
    let locked = format!("demo/{APP03}");
    let gate = |vm: &str, snapshot: &str, facts: &[&str]| -> Option<(i32, Value)> {
        let args = ["gate", "demo", "--json", "--vm", vm, "--snapshot", snapshot];
        let output = as_another(folder.path(), &locked, &[&args, facts].concat())?;
        let told = serde_json::from_slice(&output.stdout);
        Some((output.status.code().unwrap(), told.unwrap()))
    };
    for (vm, snapshot, leaf, taken) in [
        (
            "TestWin7",
            "SP1適用前",
            TESTWIN7,
            "not taken after 2009-05-02 14:11Z",
        ),
        ("app03", "before update 7", APP03, "taken 2026-09-14 19:30Z"),
    ] {
        let Some((code, told)) = gate(vm, snapshot, &[]) else {
            return;
        };
        let reasons = told["reasons"].as_array().unwrap();
        let leaf = leaf.split_once('/').unwrap().1;
        assert_eq!((code, &told["verdict"]), (3, &"cannot-tell".into()));
        let codes: Vec<_> = reasons
            .iter()
            .map(|of| of["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, ["now-unreadable", "cannot-tell"], "{told:#}");
        for reason in reasons {
            assert!(reason["text"].as_str().unwrap().contains(leaf), "{reason}");
        }
        let verdict = &told["snapshot"]["verdict"];
        assert_eq!(verdict["rule"], "now-closed", "{verdict:#}");
        let summary = verdict["summary"].as_str().unwrap();
        assert!(summary.contains(taken), "{summary}");
        let settle = verdict["would_settle"].as_str().unwrap();
        assert!(
            settle.contains("vhdtree collect") && settle.contains("shadow copy"),
            "{settle}"
        );
    }
    let facts = ["--facts", "host.json"];
    let (code, told) = gate("TestWin7", "SP1適用前", &facts).unwrap();
    assert_eq!((code, &told["verdict"]), (1, &"refuse".into()), "{told:#}");
    let text = told["reasons"][0]["text"].as_str().unwrap();
    assert!(text.contains("2009-06-30"), "{text}");
    let (code, told) = gate("app03", "before update 7", &facts).unwrap();
    assert_eq!((code, &told["verdict"]), (0, &"pass".into()), "{told:#}");
    let merge = &told["merge"][0];
    let length = std::fs::metadata(folder.path().join(&locked))
        .unwrap()
        .len();
    assert_eq!(
        (&merge["blocks"], &merge["bytes"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&merge["bytes_max"], &merge["grow_max"]),
        (&length.into(), &length.into())
    );
    assert_eq!(
        (&merge["free"], &merge["free_source"]),
        (&1_000_000_000_u64.into(), &"host".into())
    );
}

#[test]
fn without_configurations_a_locked_leaf_leaves_its_chain_open_until_the_host_names_it() {
    // The snapshot's disk, the machine's on it, and another one on the disk below.
    locked_leaves("vhd-truth.tar.zst", ["mail-2", "mail-3", "nested"]);
    locked_leaves("vhdx-truth.tar.zst", ["app_B", "app_C", "app_reverted"]);
}

fn locked_leaves(archive: &str, [frozen, own, other]: [&str; 3]) {
    let Some((folder, store, disks)) = unpack(archive) else {
        return;
    };
    let is_parent = |name: &str| disks.values().any(|of| of.parent.as_deref() == Some(name));
    for (name, disk) in &disks {
        if archive.starts_with("vhdx") && ![own, other].contains(&&**name) && !is_parent(name) {
            std::fs::remove_file(store.join(&disk.path)).unwrap();
        }
    }
    let path = |name: &str| disks[name].path.to_str().unwrap().to_owned();
    let below = |name: &str| disks[name].parent.clone().unwrap();
    let locked = [own, other].map(|name| format!("store/{}", disks[name].path.display()));
    open_to_others(folder.path(), &[&locked[0], &locked[1]]);
    let ask = |args: &[&str]| as_another(folder.path(), &locked[0], args);
    let Some(tree) = ask(&["ls", "store"]) else {
        return;
    };
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(
        !tree.contains("NOW") && !tree.contains("BROKEN") && tree.matches("? locked").count() >= 2,
        "{tree}"
    );
    let gate = ask(&[
        "gate",
        &format!("store/{}", path(frozen)),
        "--store",
        "store",
        "--json",
    ])
    .unwrap();
    let told: Value = serde_json::from_slice(&gate.stdout).unwrap();
    assert_eq!(gate.status.code(), Some(3), "{told:#}");
    let reasons = told["reasons"].to_string();
    assert!(
        reasons.contains("could not be opened") && reasons.contains(&path(own)),
        "{told:#}"
    );
    for (made, expected, word) in [
        ("2026-11-22T21:00:02Z", 0, "pass"),
        ("2026-11-26T21:00:00Z", 1, "refuse"),
    ] {
        let of = |name: &str, made| leaf(&store, &path(name), &path(&below(name)), made);
        let ((mail, mail_file), (nested, nested_file)) = (of(own, made), of(other, made));
        let facts = json!({"schema": "vhdtree-host/1",
            "machines": [{"name": "mail", "disks": [mail["path"]]}, {"name": "nested", "disks": [nested["path"]]}],
            "snapshots": [{"name": "before", "machine": "mail", "taken": "2026-11-22T21:00:00Z", "disks": [host_path(&path(frozen))]}],
            "disks": [mail, nested], "files": [mail_file, nested_file]});
        std::fs::write(folder.path().join("host.json"), facts.to_string()).unwrap();
        let facts = ["--facts", "host.json", "--json"];
        let all = ask(&[&["ls", "store"][..], &facts].concat()).unwrap();
        let all: Value = serde_json::from_slice(&all.stdout).unwrap();
        for (leaf, name, vm) in [(&locked[0], own, "mail"), (&locked[1], other, "nested")] {
            let mut rows = all["disks"].as_array().unwrap().iter();
            let row = rows.find(|row| row["path"] == **leaf).unwrap();
            assert_eq!(
                (&row["parent"]["state"], &row["in_use_by"]),
                (&"by-host".into(), &json!([vm]))
            );
            assert_eq!(
                row["parent"]["resolved"],
                format!("store/{}", path(&below(name)))
            );
        }
        let gate = ask(&[
            &["gate", "store", "--vm", "mail", "--snapshot", "before"][..],
            &facts,
        ]
        .concat())
        .unwrap();
        let told: Value = serde_json::from_slice(&gate.stdout).unwrap();
        assert_eq!(
            (gate.status.code(), &told["verdict"]),
            (Some(expected), &word.into()),
            "{told:#}"
        );
    }
}

#[test]
fn a_base_that_this_user_may_not_read_breaks_nothing_and_leaves_every_delete_open() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    let base = "demo/web01/web01.vhd";
    open_to_others(folder.path(), &[base]);
    let ask = |args: &[&str]| as_another(folder.path(), base, args);
    let Some(ls) = ask(&["ls", "demo/web01", "--json"]) else {
        return;
    };
    let ls: Value = serde_json::from_slice(&ls.stdout).unwrap();
    let child = crate::runner::row_of(&ls, "web01_3A55E0B1-0C6D-4D0F-A1F2-77E6B3C90A42.avhd");
    assert_eq!(child["parent"]["state"], "closed");
    assert_eq!(child["depth"], 1);
    let text = |args: &[&str]| {
        let output = ask(args).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).replace("\n  ", "");
        (output.status.code(), text)
    };
    for snapshot in ["pre-patch", "new shop"] {
        let (code, gate) = text(&["gate", "demo/web01", "--snapshot", snapshot]);
        assert_eq!(code, Some(3), "{gate}");
        assert!(gate.contains("web01.vhd could not be opened"), "{gate}");
        assert!(!gate.contains("the chain breaks"), "{gate}");
    }
    let (_, plan) = text(&["plan", "demo/web01", "--snapshot", "pre-patch"]);
    assert!(!plan.contains("nothing is merged"), "{plan}");
    assert!(!plan.contains("does not change what the VM"), "{plan}");
    let (_, check) = text(&["check", "demo/web01"]);
    assert!(
        check.contains("parent-closed") && check.contains("0 errors"),
        "{check}"
    );
}

#[test]
fn a_disk_in_use_that_is_missing_is_named_and_no_other_is_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(folder.path()).unwrap();
    std::fs::remove_file(folder.path().join(APP03)).unwrap();
    let ls = crate::cli::text(&crate::cli::run(folder.path(), ["ls", "app03"]));
    let base = ls.lines().find(|line| line.contains(" app03.vhdx"));
    assert!(!base.unwrap().contains("NOW"), "{ls}");
    let gate = ["gate", "app03", "--snapshot", "before update 7"];
    let gate = crate::cli::run(folder.path(), gate);
    let text = crate::cli::text(&gate).replace("\n     ", " ");
    assert_eq!(gate.status.code(), Some(3), "{text}");
    let leaf = Path::new(APP03).file_name().unwrap().to_str().unwrap();
    assert!(text.contains(leaf) && text.contains("not in the"), "{text}");
    assert!(!text.contains("nothing says what the VM"), "{text}");
}
