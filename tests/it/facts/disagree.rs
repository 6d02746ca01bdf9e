//! Facts that contradict the disks or each other, and facts that are of no disk here.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli;

const TESTWIN7: &str = "TestWin7/WIN7x64_Diff_7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11E.avhd";

fn host_path(path: &str) -> String {
    format!(r"D:\VMs\{}", path.replace('/', "\\"))
}

/// Findings of `check` over the demo's store, with the facts that this host brings: code, path, text.
fn found(folder: &Path, facts: &Value) -> Vec<(String, String, String)> {
    std::fs::write(folder.join("host.json"), facts.to_string()).unwrap();
    let told = cli::json(folder, &["check", "demo", "--facts", "host.json"]);
    let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let findings = told["findings"].as_array().unwrap().iter();
    findings
        .map(|of| (text(of, "code"), text(of, "path"), text(of, "text")))
        .filter(|(code, _, _)| code.starts_with("facts-"))
        .collect()
}

#[test]
fn what_a_host_says_otherwise_than_the_disks_is_told_with_both() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(&folder.path().join("demo")).unwrap();
    let facts = |rest: Value| {
        let mut facts = json!({"schema": "vhdtree-host/1", "host": "HV01"});
        facts
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        facts
    };
    let disk = |more: Value| {
        let mut disk = json!({"path": host_path(TESTWIN7)});
        disk.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        facts(json!({"disks": [disk, {"path": host_path("web01/web01.vhd")}]}))
    };
    let base = host_path("TestWin7/WIN7x64_Diff.vhd");
    let right = json!({"type": "differencing", "size": 2_147_483_648_u64, "block_size": 2_097_152, "parent": base});
    assert_eq!(found(folder.path(), &disk(right)), []);
    for (says, told) in [
        (
            json!({"type": "Dynamic"}),
            "type dynamic, here differencing",
        ),
        (json!({"size": 1024}), "size 1024, here 2147483648"),
        (json!({"block_size": 512}), "block size 512, here 2097152"),
        (
            json!({"id": "11111111-2222-4333-8444-555555555555"}),
            "id 11111111-2222-4333-8444-555555555555, here",
        ),
        (
            json!({"parent": host_path("web01/web01.vhd")}),
            "parent demo/web01/web01.vhd, here demo/TestWin7/WIN7x64_Diff.vhd",
        ),
    ] {
        let found = found(folder.path(), &disk(says));
        let [(code, path, text)] = found.as_slice() else {
            panic!("{told}: {found:?}");
        };
        assert_eq!(
            (code.as_str(), path.as_str()),
            ("facts-disagree", &*format!("demo/{TESTWIN7}"))
        );
        assert!(
            text.contains(told) && text.starts_with("host.json: "),
            "{text}"
        );
    }
    let uses = facts(json!({"machines": [{"name": "TestWin7", "disks": [base]}]}));
    let found_use = found(folder.path(), &uses);
    assert!(
        found_use[0].2.contains("TestWin7") && found_use[0].2.contains("which is used"),
        "{found_use:?}"
    );
    let dated = facts(
        json!({"snapshots": [{"id": "8899AABB-CCDD-4EEF-8011-223344556677", "name": "before update 7",
        "machine": "app03", "taken": "2026-09-10T00:00:00Z"}]}),
    );
    let found_dates = found(folder.path(), &dated);
    assert!(
        found_dates[0]
            .2
            .contains("2026-09-10 00:00:00Z by one, 2026-09-14 19:30:05Z by another"),
        "{found_dates:?}"
    );
}

#[test]
fn facts_of_another_store_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(&folder.path().join("demo")).unwrap();
    let facts = json!({"schema": "vhdtree-host/1", "machines": [{"name": "other", "disks": ["E:\\x.vhdx"]}],
        "disks": [{"path": "E:\\x.vhdx"}]});
    let found = found(folder.path(), &facts);
    let [(code, path, text)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (code.as_str(), path.as_str()),
        ("facts-fit-nothing", "host.json")
    );
    assert!(
        text.contains("machines (1), snapshots (0) and files (1)"),
        "{text}"
    );
}
