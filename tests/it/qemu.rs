//! VHDX made by `qemu-img` here and now: what the program says of them, beside what qemu says.
//!
//! `qemu-img map` answers "data" for the whole of any VHDX, so the blocks held are compared with those written, and with the
//! holes of the raw image that qemu makes of the same disk. Without the tools the tests say `skipped: NAME`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use vhdtree::analysis::open::open_paths;
use vhdtree::chain::OnFault;
use vhdtree::job::Job;

use crate::runner::{Dice, codes_of, json_of, row_of};
use crate::truth::{samples, unpacked_sample};

const MIB: u64 = 1 << 20;

/// What a tool prints; `None` after saying that it is missing. A tool that fails fails the test.
fn tool(name: &str, arguments: &[&str], folder: &Path) -> Option<Vec<u8>> {
    let Ok(output) = Command::new(name)
        .args(arguments)
        .current_dir(folder)
        .output()
    else {
        println!("skipped: {name}");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}: {said}");
    Some(output.stdout)
}

fn qemu_json(arguments: &[&str], folder: &Path) -> Option<Value> {
    let printed = tool("qemu-img", arguments, folder)?;
    Some(serde_json::from_slice(&printed).unwrap())
}

/// Writes runs of 1 to 7 sectors at odd places; the bytes written to, first and behind the last.
fn scribble(folder: &Path, name: &str, size: u64, dice: &mut Dice) -> Option<Vec<(u64, u64)>> {
    let mut runs = Vec::new();
    let mut arguments = vec!["-f".to_owned(), "vhdx".to_owned()];
    for _ in 0..12 {
        let count = 1 + dice.roll(7);
        let first = dice.roll(size / 512 - count);
        let pattern = 1 + dice.roll(255);
        runs.push((first * 512, (first + count) * 512));
        let write = format!("write -P {pattern} {} {}", first * 512, count * 512);
        arguments.extend(["-c".to_owned(), write]);
    }
    arguments.push(name.to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tool("qemu-io", &arguments, folder).map(|_| runs)
}

fn blocks_of(runs: &[(u64, u64)], block_size: u64) -> BTreeSet<u64> {
    let blocks = runs
        .iter()
        .flat_map(|(from, end)| from / block_size..end.div_ceil(block_size));
    blocks.collect()
}

/// The blocks that the program's map says are full. Every other state must be one of a block that reads as zeros.
fn full_blocks(map: &Value) -> BTreeSet<u64> {
    let runs = map["runs"].as_array().unwrap();
    let mut next = 0;
    let mut full = BTreeSet::new();
    for run in runs {
        let (first, count) = (
            run["block"].as_u64().unwrap(),
            run["count"].as_u64().unwrap(),
        );
        assert_eq!(first, next, "runs without gaps: {map:#}");
        next = first + count;
        match run["state"].as_str().unwrap() {
            "full" => full.extend(first..next),
            "zero" | "absent" => {}
            state => panic!("{state}: {map:#}"),
        }
    }
    assert_eq!(map["blocks"]["total"], next);
    assert_eq!(map["blocks"]["full"], full.len());
    full
}

/// What `ls` says of the disk is what `qemu-img info` says.
fn agrees_with_info(folder: &Path, name: &str, subformat: &str) -> Option<()> {
    let info = qemu_json(&["info", "--output=json", name], folder)?;
    let ls = json_of(&["ls", "--json"], folder);
    let row = row_of(&ls, name);
    assert_eq!(row["virtual_size"], info["virtual-size"], "{info:#}");
    assert_eq!(row["format"], info["format"], "{info:#}");
    assert_eq!(row["kind"], subformat);
    assert_eq!(row["findings"], Value::Array(Vec::new()), "{row:#}");
    if subformat == "dynamic" {
        assert_eq!(row["block_size"], info["cluster-size"], "{info:#}");
    }
    Some(())
}

fn disk_of_every_block_size(block_mib: u64, subformat: &str, dice: &mut Dice) -> Option<()> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let size = 300 * MIB + 512 * 9;
    let options = format!("block_size={},subformat={subformat}", block_mib * MIB);
    let size_text = size.to_string();
    tool(
        "qemu-img",
        &[
            "create", "-q", "-f", "vhdx", "-o", &options, "d.vhdx", &size_text,
        ],
        folder,
    )?;
    let runs = scribble(folder, "d.vhdx", size, dice)?;
    agrees_with_info(folder, "d.vhdx", subformat)?;
    let full = full_blocks(&json_of(&["map", "--json"], &folder.join("d.vhdx")));
    let block_size = block_mib * MIB;
    tool(
        "qemu-img",
        &["convert", "-S", "4k", "-O", "raw", "d.vhdx", "d.raw"],
        folder,
    )?;
    let raw = qemu_json(&["map", "--output=json", "-f", "raw", "d.raw"], folder)?;
    let theirs: Vec<_> = raw
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["data"] == true)
        .map(|run| {
            let start = run["start"].as_u64().unwrap();
            (start, start + run["length"].as_u64().unwrap())
        })
        .collect();
    // qemu leaves the blocks of a fixed disk in the state "zero" until they are written.
    assert_eq!(full, blocks_of(&runs, block_size), "{options}");
    // qemu allocates the first bytes of every raw file.
    let but_first = |mut blocks: BTreeSet<u64>| {
        blocks.remove(&0);
        blocks
    };
    let (data, full) = (but_first(blocks_of(&theirs, block_size)), but_first(full));
    assert_eq!(full, data, "{options}");
    reads_as(&folder.join("d.vhdx"), &folder.join("d.raw"));
    Some(())
}

/// Compares the whole content of a disk with a raw image of it.
fn reads_as(disk: &Path, raw: &Path) {
    let mut theirs = File::open(raw).unwrap();
    let mut buffer = Vec::new();
    let mut at = 0;
    let chain = open_paths(&[disk.to_path_buf()]).unwrap();
    let summary = chain
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            buffer.resize(bytes.len(), 0);
            theirs.read_exact(&mut buffer).unwrap();
            assert!(
                buffer == bytes,
                "differs in the {} bytes from {at} on",
                bytes.len()
            );
            at += bytes.len() as u64;
        })
        .unwrap();
    assert!(summary.complete);
    assert_eq!(at, theirs.metadata().unwrap().len());
}

#[test]
fn disks_of_every_block_size_agree_with_qemu() {
    let mut dice = Dice(0x51ed_270b_9f3c_11a7);
    for block_mib in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        for subformat in ["dynamic", "fixed"] {
            if disk_of_every_block_size(block_mib, subformat, &mut dice).is_none() {
                return;
            }
        }
    }
}

#[test]
fn disks_of_64_tib_hold_the_blocks_that_were_written() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for block_mib in [16, 64, 256] {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("block_size={}", block_mib * MIB);
        let create = [
            "create", "-q", "-f", "vhdx", "-o", &options, "d.vhdx", "64T",
        ];
        let done = tool("qemu-img", &create, folder.path())
            .and_then(|_| scribble(folder.path(), "d.vhdx", 64 << 40, &mut dice))
            .and_then(|runs| agrees_with_info(folder.path(), "d.vhdx", "dynamic").map(|()| runs));
        let Some(runs) = done else { return };
        let full = full_blocks(&json_of(&["map", "--json"], &folder.path().join("d.vhdx")));
        assert_eq!(full, blocks_of(&runs, block_mib * MIB));
    }
}

#[test]
fn a_dirty_log_reads_as_qemu_reads_its_own_repair() {
    let folder = tempfile::tempdir().unwrap();
    let Some(samples) = samples() else {
        println!("skipped: samples");
        return;
    };
    let packed = samples.join("qemu-iotests/iotest-dirtylog-10G-4M.vhdx.bz2");
    let (dirty, repaired) = (
        folder.path().join("dirty.vhdx"),
        folder.path().join("repaired.vhdx"),
    );
    if !unpacked_sample(&packed, &dirty) {
        return;
    }
    std::fs::copy(&dirty, &repaired).unwrap();
    let convert = [
        "convert",
        "-S",
        "4k",
        "-O",
        "raw",
        "repaired.vhdx",
        "repaired.raw",
    ];
    let done = tool(
        "qemu-img",
        &["check", "-q", "-r", "all", "repaired.vhdx"],
        folder.path(),
    )
    .and_then(|_| tool("qemu-img", &convert, folder.path()));
    if done.is_none() {
        return;
    }
    let check = json_of(&["check", "--json"], folder.path());
    // qemu-img may or may not give the repaired copy a new data write id.
    let codes = |file| {
        let mut codes = codes_of(&check, file);
        codes.retain(|code| code != "duplicate-id");
        codes
    };
    assert_eq!(codes("dirty.vhdx"), ["vhdx-log-replayed"]);
    assert!(codes("repaired.vhdx").is_empty());
    let map = |path| json_of(&["map", "--json"], path)["runs"].clone();
    assert_eq!(map(&dirty), map(&repaired));
    reads_as(&dirty, &folder.path().join("repaired.raw"));
}
