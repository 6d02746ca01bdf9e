//! What a guest claims of its files, and what it calls them, does no harm to the machine that `cp` writes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use vhdtree::build::vhdx::VhdxBuilder;

use super::chains::{content, has};
use super::cp::{code, vhdtree};
use super::ntfs::{Volume, changer};

/// A store whose disk holds a file of 1 TiB on 24 MiB, and names that mean something elsewhere.
fn store(folder: &Path) -> Option<PathBuf> {
    if !has("mkntfs") || !has("ntfscp") {
        return None;
    }
    changer()?;
    let volume = Volume::new(folder, "ntfs", 24, &[]);
    volume.change("mkdir|/docs");
    volume.put("/docs/plain.txt", &vec![b'x'; 200_000]);
    volume.change(
        "sparse|/docs/bomb.bin|1099511627776
        mkdir|/docs/packed
        compress|/docs/packed
        sparse|/docs/packed/small|10
        sparse|/docs/..|10
        sparse|/docs/a:b|10
        sparse|/docs/CON|10
        sparse|/docs/com1.txt|10
        sparse|/docs/comb.txt|10
        mkdir|/docs/aux
        sparse|/docs/aux/inside|10
        sparse|/docs/x\\y|10",
    );
    let bytes = content(&volume.image);
    fs::create_dir(folder.join("store")).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    let disk = VhdxBuilder::dynamic(bytes.len() as u64).write(0, &bytes);
    fs::write(folder.join("store/base.vhdx"), disk.build()).unwrap();
    Some(folder.join("out"))
}

/// Names of all below a folder.
fn all_below(folder: &Path) -> BTreeSet<String> {
    let below = walkdir::WalkDir::new(folder).min_depth(1).into_iter();
    let name = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).unwrap();
        path.to_str().unwrap().to_owned()
    };
    below.map(|entry| name(entry.unwrap())).collect()
}

const SAFE: [&str; 11] = [
    "_..",
    "_CON",
    "_aux",
    "_aux/inside",
    "_com1.txt",
    "a_b",
    "comb.txt",
    "packed",
    "packed/small",
    "plain.txt",
    "x_y",
];

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn files_that_claim_more_than_their_disk_are_left_out_and_names_are_made_safe() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let Some(out) = store(folder) else { return };
    let copy = |args: &[&str]| vhdtree(folder, &[&["cp", "store/base.vhdx"], args].concat());
    for to in ["out", "out/new", "-"] {
        let done = copy(&["/docs/bomb.bin", to]);
        assert_eq!(code(&done), 2, "{to}");
        assert!(stderr(&done).contains("larger than the disk"), "{done:?}");
        assert!(done.stdout.is_empty());
        assert_eq!(all_below(&out), BTreeSet::new());
    }
    let done = copy(&["/docs", "out"]);
    assert_eq!(code(&done), 3, "{done:?}");
    assert_eq!(
        stderr(&done).matches("larger than the disk").count(),
        1,
        "{done:?}"
    );
    let wanted: BTreeSet<String> = SAFE.map(str::to_owned).into();
    assert_eq!(all_below(&out.join("docs")), wanted);
    assert_eq!(content(&out.join("docs/plain.txt")), vec![b'x'; 200_000]);
    assert_eq!(content(&out.join("docs/_..")), [0; 10]);

    let tar = copy(&["/docs", "-"]);
    assert_eq!(code(&tar), 3, "{:?}", stderr(&tar));
    assert!(tar.stdout.len() < 1 << 20, "{}", tar.stdout.len());
    fs::write(folder.join("docs.tar"), &tar.stdout).unwrap();
    fs::create_dir(folder.join("unpacked")).unwrap();
    let done = Command::new("tar")
        .args(["-xf", "../docs.tar"])
        .current_dir(folder.join("unpacked"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(all_below(&folder.join("unpacked/docs")), wanted);
    assert_eq!(
        content(&folder.join("unpacked/docs/plain.txt")),
        vec![b'x'; 200_000]
    );
}

/// A system that takes no more leaves no half of a file behind.
#[test]
fn a_full_disk_is_an_error_and_nothing_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let Some(out) = store(folder) else { return };
    let limited = |args: &[&str]| {
        // As a full disk, for files that grow beyond 8 KiB.
        let script = "trap '' XFSZ; ulimit -f 16; exec \"$0\" cp store/base.vhdx \"$@\"";
        Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_vhdtree")])
            .args(args)
            .current_dir(folder)
            .output()
            .unwrap()
    };
    let done = limited(&["/docs/plain.txt", "out"]);
    assert_eq!(code(&done), 2, "{done:?}");
    assert!(stderr(&done).contains("plain.txt"), "{done:?}");
    assert_eq!(all_below(&out), BTreeSet::new());
    let done = limited(&["out/whole.raw"]);
    assert_eq!(code(&done), 2, "{done:?}");
    assert_eq!(all_below(&out), BTreeSet::new());
    let done = limited(&["/docs", "out"]);
    assert_eq!(code(&done), 3, "{done:?}");
    assert!(!out.join("docs/plain.txt").exists() && out.join("docs/comb.txt").exists());
    for what in [&["/docs/plain.txt"][..], &["/docs"], &[]] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
            .args(["cp", "store/base.vhdx"])
            .args(what)
            .arg("-")
            .current_dir(folder)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(code(&done), 2, "{what:?} {done:?}");
    }
}

#[test]
fn no_way_leads_into_a_store() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let Some(_) = store(folder) else { return };
    let before = content(&folder.join("store/base.vhdx"));
    std::os::unix::fs::symlink("../store", folder.join("out/into")).unwrap();
    for to in [
        "store",
        "store/new",
        "out/into",
        "out/into/new",
        "store/base.vhdx",
        "out/into/base.vhdx",
    ] {
        for what in [&["/docs/plain.txt"][..], &["/docs"], &[]] {
            for force in [&[][..], &["--force"]] {
                let args = [&["cp", "store/base.vhdx"], what, &[to], force].concat();
                assert_eq!(code(&vhdtree(folder, &args)), 2, "{args:?}");
                let inside = BTreeSet::from(["base.vhdx".to_owned()]);
                assert_eq!(all_below(&folder.join("store")), inside, "{args:?}");
            }
        }
    }
    assert!(content(&folder.join("store/base.vhdx")) == before);
}
