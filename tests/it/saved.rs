//! A saved scan says what the store said when it was saved: neither health nor verdict may change by saving.

use std::path::{Path, PathBuf};

use crate::cases::{cases, facts};
use crate::cli::run;

/// What the faces say that a saved scan has too.
const QUESTIONS: [&[&str]; 3] = [&["ls"], &["ls", "--csv"], &["check"]];

fn said(folder: &Path, question: &[&str], of: &[String]) -> (Option<i32>, String) {
    let of = of.iter().map(String::as_str);
    let output = run(folder, question.iter().copied().chain(of));
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn holds(store: &Path, facts: &[String], forms: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let live: Vec<String> = [store.display().to_string()]
        .into_iter()
        .chain(facts.iter().cloned())
        .collect();
    for form in forms {
        let (_, scan) = said(folder.path(), &["ls", form], &live);
        let file = folder.path().join("scan");
        std::fs::write(&file, scan).unwrap();
        let saved = ["--from".to_owned(), file.display().to_string()];
        for question in QUESTIONS {
            assert_eq!(
                said(folder.path(), question, &saved),
                said(folder.path(), question, &live),
                "{} {question:?} by {form}",
                store.display()
            );
        }
    }
}

#[test]
fn the_demo_says_the_same_from_a_saved_scan() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(folder.path()).unwrap();
    holds(folder.path(), &[], &["--json", "--ndjson"]);
    // Without the disk in use, and without what names the machines.
    let machine = folder.path().join("app03");
    let disks = std::fs::read_dir(&machine).unwrap();
    let above = disks
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|of| of == "avhdx"));
    std::fs::remove_file(above.unwrap()).unwrap();
    holds(&machine, &[], &["--json", "--ndjson"]);
}

#[test]
fn every_made_up_and_reported_store_says_the_same_from_a_saved_scan() {
    let Some(cases) = cases() else { return };
    let folders = |of: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(of).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    };
    let mut count = 0;
    for case in folders(&cases.join("verdict")) {
        holds(&case.join("store"), &facts(&case), &["--ndjson"]);
        count += 1;
    }
    for case in folders(&cases.join("reported")) {
        for store in folders(&case) {
            holds(&store, &[], &["--ndjson"]);
            count += 1;
        }
    }
    assert!(count > 40, "{count} stores");
}
