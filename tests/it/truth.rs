//! The truth stores: real chains by other writers, with the content and the changes of every disk known.
//!
//! They are found by the environment variable `VHDTREE_SAMPLES`, or in `../shared/samples` beside this package; without them
//! the tests say `skipped: samples`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use vhdtree::analysis::diff::{DiffEvent, DiffTotals, diff_with_parent};
use vhdtree::analysis::open::open_paths;
use vhdtree::chain::{Chain, OnFault};
use vhdtree::job::{CancelToken, Job, run_ordered};

/// One disk as its maker knows it.
#[derive(Debug, Deserialize)]
struct Truth {
    path: PathBuf,
    parent: Option<String>,
    sha256: String,
    #[serde(default)]
    dirty_sectors: u64,
    #[serde(default)]
    changed_sectors: u64,
    #[serde(default)]
    same_as_parent: u64,
    #[serde(default)]
    blocks: usize,
    changed_blocks: Option<usize>,
}

/// The folder of samples, if there is one.
pub fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("VHDTREE_SAMPLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// Unpacks a truth store; `None` after saying why not.
fn unpack(name: &str) -> Option<(tempfile::TempDir, PathBuf, BTreeMap<String, Truth>)> {
    let Some(archive) = samples()
        .map(|folder| folder.join("truth").join(name))
        .filter(|archive| archive.is_file())
    else {
        println!("skipped: samples");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["--zstd", "-xSf"])
        .arg(&archive)
        .arg("-C")
        .arg(folder.path())
        .status();
    if !unpacked.is_ok_and(|status| status.success()) {
        println!("skipped: tar with zstd");
        return None;
    }
    let json = std::fs::read_to_string(folder.path().join("truth.json")).unwrap();
    let store = folder.path().join("store");
    Some((folder, store, serde_json::from_str(&json).unwrap()))
}

fn chain_of(store: &Path, disks: &BTreeMap<String, Truth>, name: &str) -> Chain {
    let line = std::iter::successors(Some(name), |name| disks[*name].parent.as_deref());
    let paths: Vec<_> = line.map(|name| store.join(&disks[name].path)).collect();
    open_paths(&paths).unwrap()
}

fn sha256(chain: &Chain) -> String {
    let mut hash = Sha256::new();
    let summary = chain
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            hash.update(bytes);
        })
        .unwrap();
    assert!(summary.complete, "the whole content was handed over");
    let mut hex = String::new();
    for byte in hash.finalize() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

/// What is not as the truth has it, one line each.
fn faults(store: &Path, disks: &BTreeMap<String, Truth>, name: &str) -> Vec<String> {
    let truth = &disks[name];
    let chain = chain_of(store, disks, name);
    let mut faults = Vec::new();
    let mut expect = |what: &str, expected: String, actual: String| {
        if expected != actual {
            faults.push(format!("{name}: {what}: expected {expected}, got {actual}"));
        }
    };
    expect("sha256", truth.sha256.clone(), sha256(&chain));
    let Some(parent) = &truth.parent else {
        return faults;
    };
    let (mut runs, mut blocks) = (DiffTotals::default(), Vec::new());
    let report = diff_with_parent(&chain, &Job::default(), &mut |event| match event {
        DiffEvent::Run(run) => runs.add(run.kind, run.count),
        DiffEvent::Block(block) => blocks.push(block),
    })
    .unwrap();
    let totals = report.summary.totals;
    let changed_blocks = blocks
        .iter()
        .filter(|block| block.totals.same < block.totals.compared)
        .count();
    let numbers = [
        ("compared", truth.dirty_sectors, totals.compared),
        ("same", truth.same_as_parent, totals.same),
        (
            "changed + zeroed",
            truth.changed_sectors,
            totals.changed + totals.zeroed,
        ),
        ("blocks", truth.blocks as u64, blocks.len() as u64),
        (
            "changed blocks",
            truth.changed_blocks.unwrap_or(changed_blocks) as u64,
            changed_blocks as u64,
        ),
        ("unreadable", 0, totals.unreadable),
    ];
    for (what, expected, actual) in numbers {
        expect(what, expected.to_string(), actual.to_string());
    }
    expect("runs", format!("{totals:?}"), format!("{runs:?}"));
    let equal = truth.sha256 == disks[parent].sha256;
    expect("equal", equal.to_string(), report.summary.equal.to_string());
    faults
}

fn check(archive: &str, disks_expected: usize) {
    let Some((_folder, store, disks)) = unpack(archive) else {
        return;
    };
    assert_eq!(disks.len(), disks_expected);
    let names: Vec<&String> = disks.keys().collect();
    let mut all = Vec::new();
    let done = run_ordered(
        &names,
        2,
        &CancelToken::default(),
        |_, name| faults(&store, &disks, name),
        |_, mut faults| all.append(&mut faults),
    );
    assert_eq!(done, disks_expected);
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_vhd_of_the_truth_store_reads_and_compares_as_its_maker_says() {
    check("vhd-truth.tar.zst", 13);
}

#[test]
fn every_vhdx_of_the_truth_store_reads_and_compares_as_its_maker_says() {
    check("vhdx-truth.tar.zst", 7);
}
