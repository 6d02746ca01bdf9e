//! What the host says (`--facts`) over real stores: which disks it is about, and which it says nothing of.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collect;
mod disagree;
mod hostile;
mod locked;
mod pool;
mod saved;
mod virtualbox;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{json, run, text};
use crate::truth::samples;

/// The sample stores, unpacked with their times.
fn stores() -> Option<tempfile::TempDir> {
    let Some(packed) = samples().map(|samples| samples.join("stores.tar.zst")) else {
        println!("skipped: samples");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["--zstd", "-xpSf"])
        .arg(packed)
        .arg("-C")
        .arg(folder.path())
        .status();
    if !unpacked.is_ok_and(|status| status.success()) {
        println!("skipped: tar with zstd");
        return None;
    }
    Some(folder)
}

/// Lines of the tree that are not below a line of one of these groups.
fn outside<'a>(listed: &'a str, groups: &[&str]) -> Vec<&'a str> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in listed.lines().skip(1) {
        if !line.starts_with(' ') && line.is_ascii() && !line.starts_with('?') {
            is_inside = groups.iter().any(|group| line.starts_with(group));
        }
        if !is_inside {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn facts_about_some_machines_say_nothing_of_the_disks_of_others() {
    let Some(folder) = stores() else { return };
    for (facts, groups) in [
        ("xl.json", &["mail01"][..]),
        ("xl3.json", &["mail01", "db7"]),
    ] {
        let listed = text(&run(folder.path(), ["ls", "sr-4a1b", "--facts", facts]));
        assert!(!listed.contains("ORPHAN"), "{facts}: {listed}");
        let others = outside(&listed, groups);
        assert!(others.len() > 240, "{facts}: {} lines", others.len());
        let found = json(folder.path(), &["check", "sr-4a1b", "--facts", facts]);
        let codes = found["findings"].as_array().unwrap().iter();
        assert!(!codes.into_iter().any(|of| of["code"] == "disk-orphan"));
    }
}

fn flattened(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            flattened(&path, to);
        } else if path
            .extension()
            .is_some_and(|of| of.to_str().unwrap().contains("vhd"))
        {
            std::fs::rename(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_flat_folder_of_several_machines_is_grouped_by_chain() {
    let Some(folder) = stores() else { return };
    let (demo, flat) = (folder.path().join("demo"), folder.path().join("flat"));
    vhdtree::demo::build(&demo).unwrap();
    std::fs::create_dir(&flat).unwrap();
    flattened(&demo, &flat);
    let listed = text(&run(folder.path(), ["ls", "flat", "--facts", "fl2.json"]));
    assert!(!listed.contains("ORPHAN"), "{listed}");
    let (of_flat, of_web) = listed.split_once("\nweb01 ").unwrap();
    for name in ["5C7E90B4", "7C1FA0D2", "77AB01D3", "db02.vhd"] {
        assert!(
            of_flat.contains(name) && !of_web.contains(name),
            "{name}: {listed}"
        );
    }
    assert!(
        of_web.contains("A02E91B3") && of_web.contains("3A55E0B1"),
        "{listed}"
    );
}

#[test]
fn facts_in_subfolders_hold_for_their_stores() {
    let Some(folder) = stores() else { return };
    let all = json(folder.path(), &["ls", "vd"]);
    let machines = all["machines"].as_array().unwrap();
    let sources: Vec<_> = machines
        .iter()
        .map(|of| of["source"].as_str().unwrap())
        .collect();
    for store in ["story", "months", "branch", "never"] {
        let own = format!("vd/{store}/labels.json");
        assert_eq!(
            sources.iter().filter(|source| **source == own).count(),
            1,
            "{store}"
        );
    }
    for name in ["story", "branch"] {
        let alone = json(folder.path(), &["ls", &format!("vd/{name}")]);
        for disk in alone["disks"].as_array().unwrap() {
            let mut among = all["disks"].as_array().unwrap().iter();
            let same = among.find(|of| of["path"] == disk["path"]).unwrap();
            assert_eq!(same["made_by_revert"], disk["made_by_revert"], "{disk:#}");
        }
    }
}

#[test]
fn facts_above_a_folder_that_is_opened_alone_are_told_of_where_they_would_help() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    let settles = |args: &[&str]| {
        let all = json(folder.path(), args);
        let mut disks = all["disks"].as_array().unwrap().iter();
        let app03 = disks.find(|disk| disk["path"].to_string().contains("app03.vhdx"));
        app03.unwrap()["snapshots"][0]["verdict"]["would_settle"].to_string()
    };
    for configs in ["Snapshots", "Virtual Machines"] {
        std::fs::remove_dir_all(demo.join("app03").join(configs)).unwrap();
    }
    let here = settles(&["ls", "demo"]);
    assert!(!here.contains("times.csv"), "{here}");
    // No file here has its host's birth: what those were is told in the file above.
    let alone = settles(&["ls", "demo/app03"]);
    assert!(alone.contains("demo/times.csv lies above"), "{alone}");
    let given = settles(&["ls", "demo/app03", "--facts", "demo/times.csv"]);
    assert!(!given.contains("lies above"), "{given}");
    let check = json(folder.path(), &["check", "demo/app03"]);
    let told = check["findings"].as_array().unwrap().iter();
    let told: Vec<_> = told.filter(|of| of["code"] == "facts-above").collect();
    assert_eq!(told.len(), 1, "{check:#}");
    assert!(
        told[0]["path"]
            .as_str()
            .unwrap()
            .ends_with("demo/times.csv")
    );
    let both = json(folder.path(), &["check", "demo/app03", "demo"]);
    assert!(!both.to_string().contains("facts-above"));
}

#[test]
fn files_of_other_programs_with_the_names_of_a_pools_are_no_fault_of_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(&folder.path().join("demo")).unwrap();
    for (name, content) in [
        ("state.db", &b"SQLite format 3\0\x10\0"[..]),
        ("xo.json", b"{\"rules\":{}}"),
        ("other.vbox", b"no settings"),
    ] {
        std::fs::write(folder.path().join("demo").join(name), content).unwrap();
    }
    let all = json(folder.path(), &["ls", "demo"]);
    assert_eq!(all["errors"], serde_json::json!([]), "{}", all["errors"]);
    let found = json(folder.path(), &["check", "demo"]);
    let codes = found["findings"].as_array().unwrap().iter();
    let foreign = codes.filter(|of| of["code"] == "facts-foreign");
    assert_eq!(foreign.count(), 3, "{found:#}");
}
