//! The text of every command, kept as files beside this one. `SNAPSHOTS=overwrite cargo test` writes them anew.

use snapbox::{Assert, Data, IntoData as _, file};

use super::{run, store, text};

const MIDDLE: &str = "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd";

fn check(args: &[&str], build: fn(&std::path::Path), expected: Data) {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let output = run(folder.path(), args);
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let whole = format!(
        "$ vhdtree {}\n{}{}exit {}\n",
        args.join(" "),
        text(&output),
        said,
        output.status.code().unwrap()
    );
    Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(whole.into_data(), expected);
}

#[test]
fn ls_as_a_tree() {
    check(&["ls", "."], store::healthy, file!["golden/ls.txt"]);
}

#[test]
fn ls_in_ascii_with_chosen_columns_and_exact_bytes() {
    check(
        &[
            "ls",
            ".",
            "--ascii",
            "-b",
            "-n",
            "-o",
            "name,ondisk,dirty,verdict",
        ],
        store::healthy,
        file!["golden/ls-ascii.txt"],
    );
}

#[test]
fn ls_of_problems() {
    check(
        &[
            "ls",
            ".",
            "--only",
            "problems",
            "-o",
            "name,format,ondisk,dirty,lastwrite,verdict",
        ],
        store::broken,
        file!["golden/ls-problems.txt"],
    );
}

#[test]
fn ls_as_csv() {
    check(
        &["ls", ".", "--csv"],
        store::healthy,
        file!["golden/ls-csv.txt"],
    );
}

#[test]
fn ls_as_json() {
    // Free space, name and clock differ from machine to machine; they are asked for in a document that leaves them out.
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let mut value = super::json(folder.path(), &["ls", "."]);
    let host = value["host"].clone();
    for disk in value["disks"].as_array_mut().unwrap() {
        disk["free"] = "…".into();
        assert_eq!(disk["host"], host);
        disk["host"] = "…".into();
    }
    assert!(host.is_string() && value["at"].is_string());
    value["host"] = "…".into();
    value["at"] = "2000-01-01T00:00:00Z".into();
    let whole = serde_json::to_string_pretty(&value).unwrap() + "\n";
    Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(whole.into_data(), file!["golden/ls-json.txt"].raw());
}

#[test]
fn info_of_a_child() {
    check(&["info", MIDDLE], store::healthy, file!["golden/info.txt"]);
}

#[test]
fn map_as_runs_and_as_a_grid() {
    check(&["map", MIDDLE], store::healthy, file!["golden/map.txt"]);
    check(
        &["map", MIDDLE, "--grid", "4x2"],
        store::healthy,
        file!["golden/map-grid.txt"],
    );
}

#[test]
fn diff_of_a_child() {
    check(&["diff", MIDDLE], store::healthy, file!["golden/diff.txt"]);
}

#[test]
fn check_of_a_broken_store() {
    check(&["check", "."], store::broken, file!["golden/check.txt"]);
}

#[test]
fn explain_of_a_flag() {
    check(&["explain", "ORPHAN"], |_| {}, file!["golden/explain.txt"]);
}

/// The healthy store with a list of snapshots: the leaf in use was made long after the snapshot it hangs on.
fn labelled(folder: &std::path::Path) {
    store::healthy(folder);
    std::fs::write(folder.join("labels.json"), store::labels()).unwrap();
}

#[test]
fn plan_and_gate_of_a_reverted_machine() {
    let plan = ["plan", ".", "--snapshot", "two"];
    let gate = ["gate", ".", "--snapshot", "two", "--vm", "vm"];
    for (args, expected) in [
        (&plan[..], file!["golden/plan.txt"]),
        (&gate[..], file!["golden/gate.txt"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        labelled(folder.path());
        let output = run(folder.path(), args);
        // Free space differs from machine to machine.
        let shown: Vec<String> = text(&output)
            .lines()
            .map(|line| match line.find("free there: ") {
                Some(at) => format!("{}free there: [..]", &line[..at]),
                None => line.to_owned(),
            })
            .collect();
        let whole = format!(
            "$ vhdtree {}\n{}\nexit {}\n",
            args.join(" "),
            shown.join("\n"),
            output.status.code().unwrap()
        );
        Assert::new()
            .action_env("SNAPSHOTS")
            .normalize_paths(false)
            .eq(whole.into_data(), expected.raw());
    }
}
