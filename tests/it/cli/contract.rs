//! The contract's values, read from JSON, over a store whose content is known.

use serde_json::{Value, json as value};

use super::{json, run, store};

const MIDDLE: &str = "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd";
const EMPTY: &str = "vm_4E5F6071-0000-4000-8000-000000000002.avhd";
const SAME: &str = "vm_8293A4B5-0000-4000-8000-000000000003.avhd";

fn disk<'a>(ls: &'a Value, name: &str) -> &'a Value {
    let disks = ls["disks"].as_array().unwrap();
    disks
        .iter()
        .find(|disk| disk["path"].as_str().unwrap().ends_with(name))
        .unwrap()
}

#[test]
fn ls_counts_what_was_written_and_links_who_is_whose_parent() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let ls = json(folder.path(), &["ls", "."]);
    assert_eq!(ls["complete"], true);
    let middle = disk(&ls, MIDDLE);
    // Runs of 2, 3, 2 and 1 sectors, in four blocks of 4,096: 0, 1, 4 and 7.
    assert_eq!(middle["dirty_sectors"], 8);
    assert_eq!(middle["dirty_bytes"], 8 * 512);
    assert_eq!(middle["dirty_blocks"], 4);
    assert_eq!(
        middle["blocks"],
        value!({"total": 12, "full": 0, "partial": 4, "zero": 0, "unmapped": 0, "absent": 8, "error": 0})
    );
    assert_eq!(middle["created"], "2009-07-05T09:06:43Z");
    assert_eq!(middle["created_source"], "footer");
    assert_eq!(middle["depth"], 1);
    assert_eq!(middle["leaf"], false);
    assert_eq!(middle["children"].as_array().unwrap().len(), 2);
    assert_eq!(middle["parent"]["state"], "ok");
    assert_eq!(middle["parent"]["resolved_by"], "relative");
    assert_eq!(middle["parent"]["resolved"], disk(&ls, "vm.vhd")["path"]);
    let base = disk(&ls, "vm.vhd");
    assert_eq!(base["parent"], Value::Null);
    assert_eq!(base["dirty_sectors"], Value::Null);
    assert_eq!(base["in_use_by"], Value::Null);
    assert_eq!(disk(&ls, EMPTY)["dirty_sectors"], 0);
}

#[test]
fn diff_says_what_changed_and_exits_by_it() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let diff = json(folder.path(), &["diff", MIDDLE]);
    assert_eq!(diff["equal"], false);
    assert_eq!(
        diff["sectors"],
        value!({"compared": 8, "same": 3, "changed": 3, "zeroed": 2, "unreadable": 0})
    );
    assert_eq!(
        diff["runs"],
        value!([
            {"sector": 1, "count": 2, "kind": "changed"},
            {"sector": 4096, "count": 3, "kind": "same"},
            {"sector": 20_001, "count": 2, "kind": "zeroed"},
            {"sector": 30_003, "count": 1, "kind": "changed"},
        ])
    );
    let exit = |args: &[&str]| run(folder.path(), args).status.code();
    assert_eq!(exit(&["diff", MIDDLE]), Some(1));
    assert_eq!(exit(&["diff", SAME]), Some(0));
    assert_eq!(exit(&["diff", EMPTY]), Some(0));
    assert_eq!(exit(&["diff", EMPTY, SAME]), Some(0));
    assert_eq!(exit(&["diff", "vm.vhd"]), Some(2));
}

#[test]
fn diff_says_where_on_the_guests_disk_a_run_lies() {
    let folder = tempfile::tempdir().unwrap();
    let child = store::partitioned(folder.path());
    let diff = json(folder.path(), &["diff", child]);
    let places: Vec<_> = diff["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["where"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        ["partition table", "before p1", "p1 NTFS, and on", "outside"]
    );
    let text = run(folder.path(), ["diff", child]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(" WHERE\n"), "{text}");
}

#[test]
fn check_fails_from_the_severity_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    store::broken(folder.path());
    let found = json(folder.path(), &["check", "."]);
    let codes: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    for code in ["parent-missing", "parent-id-mismatch", "not-a-disk"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert_eq!(run(folder.path(), ["check", "."]).status.code(), Some(1));
    let good = tempfile::tempdir().unwrap();
    store::healthy(good.path());
    for fail_on in ["error", "warning"] {
        let output = run(good.path(), ["check", ".", "--fail-on", fail_on]);
        assert_eq!(output.status.code(), Some(0), "{}", super::text(&output));
    }
}

#[test]
fn a_saved_scan_says_the_same_as_the_store() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let odd = folder.path().join("odd");
    std::fs::create_dir(&odd).unwrap();
    store::broken(&odd);
    let scan = run(folder.path(), ["ls", ".", "--json"]);
    std::fs::write(folder.path().join("scan.json"), &scan.stdout).unwrap();
    for args in [
        &["--csv"][..],
        &[],
        &["--only", "problems"],
        &["--sort", "-size"],
    ] {
        let read = |from: &[&str]| super::text(&run(folder.path(), [from, args].concat()));
        let fresh = read(&["ls", "."]);
        assert!(fresh.len() > 100, "{fresh}");
        assert_eq!(fresh, read(&["ls", "--from", "scan.json"]), "{args:?}");
    }
    // Free space may differ from one scan to the next; the saved one must come back as it was.
    let again = run(folder.path(), ["ls", "--from", "scan.json", "--json"]);
    assert_eq!(super::text(&scan), super::text(&again));
    let check = |from: &[&str]| super::text(&run(folder.path(), [&["check"], from].concat()));
    assert_eq!(check(&["."]), check(&["--from", "scan.json"]));
}

#[test]
fn machines_snapshots_and_verdicts_come_back_from_a_saved_scan() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    std::fs::write(folder.path().join("labels.json"), store::labels()).unwrap();
    let read = |args: &[&str]| super::text(&run(folder.path(), args));
    let scan = read(&["ls", ".", "--json"]);
    std::fs::write(folder.path().join("scan.json"), &scan).unwrap();
    assert_eq!(scan, read(&["ls", "--from", "scan.json", "--json"]));
    let tree = read(&["ls", "."]);
    assert_eq!(tree, read(&["ls", "--from", "scan.json"]));
    let ls: Value = serde_json::from_str(&scan).unwrap();
    let leaf = disk(&ls, EMPTY);
    assert_eq!(leaf["in_use_by"], value!(["vm"]));
    let flagged = leaf["made_by_revert"].as_str().unwrap();
    assert!(["certain", "likely"].contains(&flagged), "{flagged}");
    let two = &disk(&ls, MIDDLE)["snapshots"][0];
    assert_eq!((&two["name"], &two["vm"]), (&value!("two"), &value!("vm")));
    assert_eq!(two["taken"], "2009-07-06T12:53:20Z");
    assert_eq!(two["verdict"]["reverted"], flagged);
    assert_eq!(two["verdict"]["above"], leaf["path"]);
    for part in [
        "↩ REVERTED",
        "\"検証 one\"",
        "\"two\"",
        "● ├ 4E5F6071.avhd NOW",
    ] {
        assert!(tree.contains(part), "{part}\n{tree}");
    }
}

#[test]
fn a_saved_scan_of_something_else_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("{", "not a saved scan"),
        (
            r#"{"schema":"other/1","command":"ls","complete":true}"#,
            "other/1",
        ),
        (
            r#"{"schema":"vhdtree/1","command":"map","complete":true}"#,
            "map",
        ),
    ] {
        std::fs::write(folder.path().join("x.json"), text).unwrap();
        let output = run(folder.path(), ["ls", "--from", "x.json"]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says) && said.contains("x.json"), "{said}");
    }
}

#[test]
fn gate_refuses_passes_and_cannot_tell_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let exit = |args: &[&str]| run(folder.path(), args).status.code();
    // A delete that breaks a disk is refused whenever the snapshot was taken.
    assert_eq!(exit(&["gate", MIDDLE]), Some(1));
    // On a straight chain, without a word on when the snapshot was taken, nobody can tell.
    let straight = tempfile::tempdir().unwrap();
    store::healthy(straight.path());
    std::fs::remove_file(straight.path().join(SAME)).unwrap();
    for (command, code) in [("gate", 3), ("plan", 0)] {
        let output = run(straight.path(), [command, MIDDLE]);
        assert_eq!(output.status.code(), Some(code), "{}", super::text(&output));
    }
    assert_eq!(exit(&["gate", SAME]), Some(2));
    std::fs::write(folder.path().join("labels.json"), store::labels()).unwrap();
    let two = ["gate", ".", "--snapshot", "two"];
    assert_eq!(exit(&two), Some(1));
    let said = json(folder.path(), &two);
    assert_eq!(said["verdict"], "refuse");
    assert_eq!(
        (&said["vm"], &said["as"]),
        (&value!("vm"), &value!("hyperv-2008"))
    );
    let token = said["state_token"].as_str().unwrap().to_owned();
    let reasons: Vec<String> = said["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| format!("{}:{token}", reason["code"].as_str().unwrap()))
        .collect();
    assert!(
        reasons.iter().any(|of| of.starts_with("reverted:")),
        "{reasons:?}"
    );
    // Each reason accepted by name for this state, and for no other.
    let with = |reasons: &[String]| {
        let accepts = reasons
            .iter()
            .flat_map(|reason| ["--accept", reason.as_str()]);
        run(folder.path(), two.iter().copied().chain(accepts))
            .status
            .code()
    };
    assert_eq!(with(&reasons), Some(0));
    let stale: Vec<String> = reasons
        .iter()
        .map(|of| of.replace(&token, "0123456789"))
        .collect();
    assert_eq!(with(&stale), Some(1));
    assert_eq!(with(&["nothing:0123".to_owned()]), Some(2));
    let expecting = |token: &str| exit(&[&two[..], &["--expect", token]].concat());
    assert_eq!(expecting("0123456789"), Some(1));
    assert_eq!(expecting(&token), Some(1));
}
