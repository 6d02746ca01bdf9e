//! The truth stores: real chains by other writers, with the content and the changes of every disk known.
//!
//! They are found by the environment variable `VHDTREE_SAMPLES`, or in `../shared/samples` beside this package; without them
//! the tests say `skipped: samples`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vhdtree::analysis::diff::{DiffEvent, DiffTotals, diff_with_parent};
use vhdtree::analysis::open::open_paths;
use vhdtree::chain::{Chain, OnFault};
use vhdtree::job::{CancelToken, Job, run_ordered};

use crate::runner::{json_of, row_of};

/// One disk as its maker knows it.
#[derive(Debug, Deserialize)]
pub struct Truth {
    pub path: PathBuf,
    pub parent: Option<String>,
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

/// Puts a sample at `to`, unpacked as its ending says; false after saying which tool is missing.
pub fn unpacked_sample(packed: &Path, to: &Path) -> bool {
    let ending = packed.extension().and_then(|ending| ending.to_str());
    let tool = match ending {
        Some("zst") => "zstd",
        Some("bz2") => "bzip2",
        Some("xz") => "xz",
        _ => {
            std::fs::copy(packed, to).unwrap();
            return true;
        }
    };
    let done = Command::new(tool)
        .arg("-dc")
        .arg(packed)
        .stdout(std::fs::File::create(to).unwrap())
        .status()
        .is_ok_and(|status| status.success());
    if !done {
        println!("skipped: {tool}");
    }
    done
}

/// Unpacks a truth store; `None` after saying why not.
pub fn unpack(name: &str) -> Option<(tempfile::TempDir, PathBuf, BTreeMap<String, Truth>)> {
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

/// What `ls --json` says of every disk of a truth store.
fn listed(archive: &str) {
    let Some((_folder, store, disks)) = unpack(archive) else {
        return;
    };
    let ls = json_of(&["ls", "--json"], &store);
    assert_eq!((&ls["complete"], &ls["errors"]), (&true.into(), &json!([])));
    assert_eq!(ls["disks"].as_array().unwrap().len(), disks.len());
    for (name, truth) in &disks {
        let row = row_of(&ls, truth.path.to_str().unwrap());
        let what = format!("{name}: {row:#}");
        let path = |name: &String| store.join(&disks[name].path);
        assert_eq!(
            (&row["findings"], &row["counted"]),
            (&json!([]), &true.into()),
            "{what}"
        );
        let children = disks
            .values()
            .filter(|disk| disk.parent.as_ref() == Some(name));
        assert_eq!(
            row["children"].as_array().unwrap().len(),
            children.count(),
            "{what}"
        );
        let depth = std::iter::successors(Some(name), |name| disks[*name].parent.as_ref()).count();
        assert_eq!(row["depth"], depth - 1, "{what}");
        let Some(parent) = &truth.parent else {
            assert_eq!(
                (&row["parent"], &row["dirty_sectors"]),
                (&Value::Null, &Value::Null),
                "{what}"
            );
            continue;
        };
        assert_eq!(row["kind"], "differencing", "{what}");
        assert_eq!(row["parent"]["state"], "ok", "{what}");
        assert_eq!(
            row["parent"]["resolved"],
            path(parent).to_str().unwrap(),
            "{what}"
        );
        let wanted = row["parent"]["id_wanted"].as_str().unwrap();
        let parents = row_of(&ls, disks[parent].path.to_str().unwrap());
        let key = if parents["format"] == "vhdx" {
            "data_write_id"
        } else {
            "id"
        };
        assert_eq!(parents[key], wanted, "{what}");
        let sector = row["sector_size"].as_u64().unwrap();
        assert_eq!(row["dirty_sectors"], truth.dirty_sectors, "{what}");
        assert_eq!(row["dirty_bytes"], truth.dirty_sectors * sector, "{what}");
        assert_eq!(row["dirty_blocks"], truth.blocks, "{what}");
        let blocks = &row["blocks"];
        let of = |state: &str| blocks[state].as_u64().unwrap();
        let held = of("full") + of("partial") + of("zero") + of("unmapped");
        assert_eq!(held, truth.blocks as u64, "{what}");
        assert_eq!(held + of("absent"), of("total"), "{what}");
    }
}

#[test]
fn ls_counts_and_links_the_truth_stores_as_their_makers_say() {
    listed("vhd-truth.tar.zst");
    listed("vhdx-truth.tar.zst");
}

/// Each sample, its virtual size in bytes, and the findings it has for a reason.
const SAMPLES: [(&str, u64, &[&str]); 15] = [
    ("go-vhd/win8.vhd", 41_943_040, &[]),
    ("go-vhd/win8-child.vhd", 41_943_040, &[]),
    ("go-vhd/win8.1-1GB.vhd", 1_073_741_824, &[]),
    ("go-vhd/qemu.vhd", 41_953_280, &[]),
    ("go-vhd/vbox.vhd", 41_943_040, &[]),
    ("go-vhd/xapi.vhd", 41_943_040, &[]),
    ("dfvfs/image.vhd.zst", 104_448, &["vhd-footer-checksum"]),
    (
        "dfvfs/image-differential.vhd.zst",
        104_448,
        &["vhd-footer-checksum", "vhd-header-checksum"],
    ),
    ("dfvfs/ext2.vhd.zst", 4_212_736, &[]),
    ("qemu-iotests/d2v-zerofilled.vhd.bz2", 263_454_720, &[]),
    (
        "qemu-iotests/hyperv2012r2-dynamic.vhd.bz2",
        136_365_211_648,
        &[],
    ),
    // By its geometry, as its maker counts; its current size says 136,365,211,648.
    (
        "qemu-iotests/virtualpc-dynamic.vhd.bz2",
        136_363_130_880,
        &[],
    ),
    (
        "qemu-iotests/iotest-dynamic-1G.vhdx.bz2",
        1_073_741_824,
        &[],
    ),
    (
        "qemu-iotests/iotest-dirtylog-10G-4M.vhdx.bz2",
        10_737_418_240,
        &["vhdx-log-replayed"],
    ),
    ("qemu-iotests/test-disk2vhd.vhdx.bz2", 268_435_456, &[]),
];

#[test]
fn every_sample_has_its_size_and_healthy_ones_have_no_finding() {
    let Some(samples) = samples() else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut put = Vec::new();
    for (packed, size, findings) in SAMPLES {
        let packed = samples.join(packed);
        let name = packed.file_name().unwrap().to_str().unwrap();
        let name = name
            .trim_end_matches(".zst")
            .trim_end_matches(".bz2")
            .to_owned();
        if unpacked_sample(&packed, &folder.path().join(&name)) {
            put.push((name, size, findings));
        }
    }
    let ls = json_of(&["ls", "--json"], folder.path());
    assert_eq!(ls["disks"].as_array().unwrap().len(), put.len());
    for (name, size, findings) in put {
        let row = row_of(&ls, &format!("/{name}"));
        assert_eq!(row["virtual_size"], size, "{name}");
        let codes: Vec<_> = row["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, findings, "{name}");
        assert_eq!(row["counted"], true, "{name}");
        assert_eq!(row["blocks"]["error"], 0, "{name}");
        let state = &row["parent"]["state"];
        assert!(state.is_null() || state == "ok", "{name}: {row:#}");
    }
}
