//! Whose the sectors are that a disk holds or that differ: `map --owners` and `diff --owners` as programs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::chains::content;
use super::cp::{code, vhdtree};

const LAB04: &str = "store/lab04/lab04_84D319FE-2B70-4DA6-A5C8-3E617F92B0C4.avhdx";
const WEB01: &str = "store/web01/web01_A02E91B3-5D1B-4F7E-B8C4-1A9F60D7E355.avhd";
const FILE: &str = "/Users/taro/Desktop/検証用.txt";

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = vhdtree(folder, &[args, &["--json"]].concat());
    assert!(code(&output) < 2, "{args:?}: {output:?}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["complete"], true, "{args:?}");
    value
}

/// Sectors of runs, one by one, with what `of` says of a run.
fn sectors<T>(runs: &Value, of: impl Fn(&Value) -> T) -> Vec<(u64, T)> {
    let mut all = Vec::new();
    for run in runs.as_array().unwrap() {
        let first = run["sector"].as_u64().unwrap();
        let count = run["count"].as_u64().unwrap();
        assert!(count > 0);
        all.extend((first..first + count).map(|sector| (sector, of(run))));
    }
    all
}

fn kind(run: &Value) -> String {
    run["kind"].to_string()
}

fn path(run: &Value) -> Option<String> {
    run["owner"]["path"].as_str().map(str::to_owned)
}

/// What the sectors of a file hold, one after the other.
fn bytes_of(raw: &[u8], runs: &Value, wanted: &str) -> Vec<u8> {
    let of_file = sectors(runs, path).into_iter();
    let of_file = of_file.filter(|(_, path)| path.as_deref() == Some(wanted));
    let sector = |sector: u64| usize::try_from(sector * 512).unwrap();
    of_file
        .flat_map(|(at, _)| raw[sector(at)..][..512].to_vec())
        .collect()
}

#[test]
fn each_sector_that_differs_or_is_held_has_its_owner() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    vhdtree::demo::build(&folder.join("store")).unwrap();
    for disk in [LAB04, WEB01] {
        let plain = json(folder, &["diff", disk]);
        let owned = json(folder, &["diff", disk, "--owners"]);
        assert!(plain["runs"][0].get("owner").is_none());
        assert_eq!(plain["sectors"], owned["sectors"], "{disk}");
        let all = sectors(&plain["runs"], kind);
        assert_eq!(all, sectors(&owned["runs"], kind), "{disk}");
        for run in owned["runs"].as_array().unwrap() {
            assert_ne!(run["owner"], Value::Null, "{disk}: {run}");
        }
        let map = json(folder, &["map", disk, "--owners"]);
        let held: BTreeSet<u64> = sectors(&map["owners"], |_| ())
            .into_iter()
            .map(|(sector, ())| sector)
            .collect();
        let compared: BTreeSet<u64> = all.iter().map(|(sector, _)| *sector).collect();
        assert_eq!(held, compared, "{disk}");
        // The owners of the two are the same.
        let whose = sectors(&owned["runs"], |run| run["owner"].clone());
        assert!(whose == sectors(&map["owners"], |run| run["owner"].clone()));

        let (first, last) = (all[all.len() / 3].0, all[all.len() / 2].0);
        let part = format!("{first}-{last}");
        let cut = json(folder, &["diff", disk, "--owners", "--sectors", &part]);
        let wanted: Vec<_> = all
            .iter()
            .filter(|(sector, _)| (first..=last).contains(sector))
            .cloned()
            .collect();
        assert_eq!(cut["sectors"]["compared"], wanted.len(), "{disk}");
        assert_eq!(sectors(&cut["runs"], kind), wanted, "{disk}");
        let cut = json(folder, &["map", disk, "--owners", "--sectors", &part]);
        assert_eq!(sectors(&cut["owners"], |_| ()).len(), wanted.len());
    }
}

#[test]
fn the_sectors_of_a_file_hold_what_it_holds() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    vhdtree::demo::build(&folder.join("store")).unwrap();
    assert_eq!(code(&vhdtree(folder, &["cp", LAB04, "lab04.raw"])), 0);
    let raw = content(&folder.join("lab04.raw"));
    let owned = json(folder, &["diff", LAB04, "--owners"]);
    let found = bytes_of(&raw, &owned["runs"], FILE);
    let wanted = vhdtree::demo::guest::log_text(11, 15_000);
    assert_eq!(found.len(), wanted.len().next_multiple_of(512));
    assert!(found[..wanted.len()] == wanted);
    let classes: BTreeSet<&str> = owned["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["owner"]["class"].as_str().unwrap())
        .collect();
    for class in ["file", "directory", "metadata", "pagefile"] {
        assert!(classes.contains(class), "{classes:?}");
    }

    let text = |args: &[&str]| {
        let output = vhdtree(folder, args);
        assert!(code(&output) < 2, "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let page = text(&["diff", LAB04, "--owners"]);
    assert!(page.lines().next().unwrap().ends_with("OWNER"), "{page}");
    assert!(
        page.contains(&format!(" p1 FAT           file {FILE}")),
        "{page}"
    );
    let page = text(&["map", LAB04, "--owners"]);
    assert!(page.contains(&format!("file {FILE}")), "{page}");
    let sums = page.lines().last().unwrap();
    assert!(
        sums.contains(" held: file ") && sums.contains("pagefile"),
        "{sums}"
    );
    let lines = text(&["map", LAB04, "--owners", "--csv"]);
    assert!(lines.starts_with("sector,count,class,volume,path,stream\n"));
    assert!(lines.contains(&format!(",file,p1,{FILE},")), "{lines}");
    let lines = text(&["diff", LAB04, "--owners", "--csv"]);
    assert!(
        lines.contains(&format!(",changed,file,p1,{FILE},")),
        "{lines}"
    );
    let lines = text(&["map", LAB04, "--owners", "--ndjson"]);
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(
        lines
            .filter(|line| path(line).as_deref() == Some(FILE))
            .count()
            > 0
    );
    // A base holds its blocks, and what is free in them is said to be free.
    let page = text(&["map", "store/lab04/lab04.vhdx", "--owners"]);
    assert!(page.lines().last().unwrap().contains("free "), "{page}");
    assert_eq!(code(&vhdtree(folder, &["map", LAB04, "--sectors", "1"])), 2);
    assert_eq!(
        code(&vhdtree(
            folder,
            &["diff", LAB04, "--owners", "--sectors", "9-3"]
        )),
        2
    );
}
