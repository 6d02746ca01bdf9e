//! Whatever store is written, a scan of it gives the model it was written from: every field of every disk, every link, and
//! who uses what.

mod facts;
mod model;
mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use vhdtree::job::Job;
use vhdtree::store::{PathMap, ScanOptions, scan};

use facts::{Facts, of_forest, of_json};
use model::{StorePlan, WINDOWS_ROOT, store_plans};
use write::write;

fn through_the_library(root: &Path) -> BTreeMap<String, Facts> {
    let options = ScanOptions {
        roots: vec![root.to_path_buf()],
        maps: vec![PathMap {
            from: WINDOWS_ROOT.to_owned(),
            to: root.to_path_buf(),
        }],
        ..ScanOptions::default()
    };
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    assert!(forest.complete);
    assert_eq!(forest.errors, []);
    // A random list may be about none of the disks, which is told.
    let mut told = forest.side_findings.iter();
    assert!(
        told.all(|(_, finding)| finding.code.id == "facts-fit-nothing"),
        "{:?}",
        forest.side_findings
    );
    of_forest(root, &forest)
}

fn through_the_program(root: &Path) -> BTreeMap<String, Facts> {
    let output = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(["ls", "--json", "--map"])
        .arg(format!("{WINDOWS_ROOT}={}", root.display()))
        .arg(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    of_json(root, &output.stdout)
}

fn read_as_written(
    plan: &StorePlan,
    read: fn(&Path) -> BTreeMap<String, Facts>,
) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    std::fs::create_dir(&root).unwrap();
    let written = write(plan, &root);
    let seen = read(&root);
    for (path, expected) in &written {
        let found = seen.get(path);
        prop_assert!(found.is_some(), "{path} is not in {:?}", seen.keys());
        prop_assert_eq!(found.unwrap(), expected, "{}", path);
    }
    prop_assert_eq!(seen.len(), written.len());
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn stores_read_as_they_were_written(plan in store_plans()) {
        read_as_written(&plan, through_the_library)?;
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn the_program_prints_stores_as_they_were_written(plan in store_plans()) {
        read_as_written(&plan, through_the_program)?;
    }
}

#[test]
fn the_plans_reach_everything_they_name() {
    // Plans alone, without files: enough of them that a word that is missed is one that cannot come.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut words = BTreeMap::<&str, u32>::new();
    for _ in 0..200 {
        let plan = store_plans().new_tree(&mut runner).unwrap().current();
        for word in plan.words() {
            *words.entry(word).or_default() += 1;
        }
    }
    println!("{words:?}");
    for word in model::WORDS {
        assert!(words.get(word) > Some(&5), "{word}: {words:?}");
    }
}
