//! A machine was reverted, and a snapshot keeps the branch from before: its file is named, counted as lost, brought back.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vhdtree::build::vhd::VhdBuilder;

use super::chains::{content, has, tool};
use super::cp::{code, vhdtree};

const FILE: &str = "/Users/taro/Desktop/検証用.txt";

/// A base; the branch kept from before the revert, with the file; and what the machine uses now.
fn store(folder: &Path) -> Vec<u8> {
    let image = folder.join("volume.img");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
    tool("mkfs.fat", &["-F", "16", name]);
    for part in [
        "/Users",
        "/Users/taro",
        "/Users/taro/Desktop",
        "/Windows",
        "/Windows/Logs",
    ] {
        tool("mmd", &["-i", name, &format!("::{part}")]);
    }
    let put = |path: &str, bytes: &[u8]| {
        let from = folder.join("put");
        fs::write(&from, bytes).unwrap();
        let to = format!("::{path}");
        tool("mcopy", &["-o", "-i", name, from.to_str().unwrap(), &to]);
    };
    put("/Windows/Logs/a.log", b"one line");
    put("/pagefile.sys", &[7; 10_000]);
    let base = content(&image);
    let lost: Vec<u8> = (0..15_000_u32)
        .map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1])
        .collect();
    put(FILE, &lost);
    put("/Windows/Logs/a.log", b"one line more");
    put("/pagefile.sys", &[9; 10_000]);
    let kept = content(&image);
    fs::write(&image, &base).unwrap();
    put("/Users/taro/Desktop/memo.txt", b"what was I testing?");
    let now = content(&image);
    fs::create_dir(folder.join("store")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    let disk = VhdBuilder::dynamic(16 << 20).id(1).write(0, &base);
    disk.build_to(&folder.join("store/base.vhd")).unwrap();
    for (id, name, state) in [(2, "kept.avhd", &kept), (3, "now.avhd", &now)] {
        let mut child = VhdBuilder::differencing(16 << 20)
            .id(id)
            .parent(1, "base.vhd");
        for (sector, (old, new)) in (0..).zip(base.chunks(512).zip(state.chunks(512))) {
            if old != new {
                child.write_more(sector, new);
            }
        }
        child.build_to(&folder.join("store").join(name)).unwrap();
    }
    lost
}

#[test]
fn a_kept_branch_gives_back_what_the_revert_threw_away() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let lost = store(folder);
    let told = vhdtree(folder, &["files", "store/kept.avhd"]);
    let text = String::from_utf8(told.stdout.clone()).unwrap();
    assert_eq!(code(&told), 1);
    assert!(text.lines().nth(1).unwrap().contains(FILE), "{text}");
    assert!(!text.contains("pagefile"), "{text}");

    let now = vhdtree(
        folder,
        &[
            "plan",
            "store/base.vhd",
            "--now",
            "store/now.avhd",
            "--json",
        ],
    );
    let plan: Value = serde_json::from_slice(&now.stdout).unwrap();
    let losses = plan["lost"].as_array().unwrap();
    let of_branch = losses.iter().find(|loss| {
        loss["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("kept.avhd"))
    });
    let files = &of_branch.unwrap_or_else(|| panic!("{plan:#}"))["files"];
    assert_eq!(files["first"][0]["path"], FILE, "{files:#}");
    assert_eq!(
        (&files["created"], &files["modified"]),
        (&1.into(), &0.into()),
        "{files:#}"
    );
    let least = path(files["first"].as_array().unwrap().last().unwrap());
    assert!(least.contains("pagefile") || least.contains("a.log"));
    let page = vhdtree(
        folder,
        &["plan", "store/base.vhd", "--now", "store/now.avhd"],
    );
    assert!(String::from_utf8(page.stdout).unwrap().contains(FILE));

    let back = vhdtree(folder, &["cp", "store/kept.avhd", FILE, "out"]);
    assert_eq!(code(&back), 0);
    assert!(content(&folder.join("out/検証用.txt")) == lost);
    let other = vhdtree(
        folder,
        &["files", "store/now.avhd", "store/kept.avhd", "--ndjson"],
    );
    let text = String::from_utf8(other.stdout).unwrap();
    let deleted = |line: &&str| line.contains("\"deleted\"") && line.contains("検証用.txt");
    assert!(text.lines().any(|line| deleted(&line)), "{text}");
}

#[test]
fn the_demo_keeps_the_file_of_a_branch_in_a_snapshot() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    vhdtree::demo::build(&folder.join("store")).unwrap();
    let kept = "store/lab04/lab04_84D319FE-2B70-4DA6-A5C8-3E617F92B0C4.avhdx";
    let told = vhdtree(folder, &["files", kept]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.lines().nth(1).unwrap().ends_with(FILE), "{text}");

    let target = ["store", "--vm", "lab04", "--snapshot", "検証中"];
    let args = [&["plan"], &target[..], &["--json"]].concat();
    let plan: Value = serde_json::from_slice(&vhdtree(folder, &args).stdout).unwrap();
    assert_eq!(plan["lost"][0]["path"], kept, "{plan:#}");
    let files = &plan["lost"][0]["files"];
    let named = files["first"].as_array().unwrap();
    let named: Vec<&str> = named.iter().map(path).collect();
    assert_eq!(named[0], FILE, "{files:#}");
    let last = ["/PAGEFILE.SYS", "/WINDOWS/LOGS/SETUP.LOG"];
    assert_eq!(named[named.len() - 2..], last, "{files:#}");
    assert_eq!((&files["created"], &files["noise"]), (&6.into(), &2.into()));
    let page = vhdtree(folder, &[&["plan"], &target[..]].concat());
    let page = String::from_utf8(page.stdout).unwrap();
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{page}"));
    assert!(at(FILE) < at("/LOGS/") && at("/LOGS/") < at("PAGEFILE"));

    fs::create_dir(folder.join("out")).unwrap();
    assert_eq!(code(&vhdtree(folder, &["cp", kept, FILE, "out"])), 0);
    let wanted = vhdtree::demo::guest::log_text(11, 15_000);
    assert!(content(&folder.join("out/検証用.txt")) == wanted);
}

fn path(file: &Value) -> &str {
    file["path"].as_str().unwrap()
}
