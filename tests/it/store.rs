//! Whole stores by other writers: what is found, and who is whose parent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde::Deserialize;
use vhdtree::job::Job;
use vhdtree::store::{Forest, LinkState, ScanOptions, scan};

use crate::truth::samples;

fn scan_folder(folder: &Path) -> Arc<Forest> {
    let options = ScanOptions {
        roots: vec![folder.to_path_buf()],
        ..ScanOptions::default()
    };
    scan(&options, &Job::default(), &mut |_| {}).unwrap()
}

/// Runs a tool whose last argument is a file to unpack; false after saying that the tool is missing.
fn unpacked(command: &mut Command) -> bool {
    let done = command.status().is_ok_and(|status| status.success());
    if !done {
        println!("skipped: {}", command.get_program().display());
    }
    done
}

#[derive(Debug, Deserialize)]
struct Truth {
    path: PathBuf,
    parent: Option<String>,
    dirty_sectors: Option<u64>,
    blocks: Option<u64>,
}

fn truth_store_is_linked_and_counted(archive: &str) {
    let Some(archive) = samples().map(|samples| samples.join("truth").join(archive)) else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.args(["--zstd", "-xSf"])
        .arg(archive)
        .arg("-C")
        .arg(folder.path());
    if !unpacked(&mut tar) {
        return;
    }
    let json = std::fs::read_to_string(folder.path().join("truth.json")).unwrap();
    let truth: BTreeMap<String, Truth> = serde_json::from_str(&json).unwrap();
    let store = folder.path().join("store");
    let forest = scan_folder(&store);
    assert!(forest.complete);
    assert_eq!(forest.disks.len(), truth.len());
    let path_of = |id| &forest.disk(id).unwrap().path;
    for (name, truth_of) in &truth {
        let path = store.join(&truth_of.path);
        let id = forest.ids().find(|id| *path_of(*id) == path).unwrap();
        let (disk, node) = (forest.disk(id).unwrap(), forest.node(id).unwrap());
        assert_eq!(disk.findings, [], "{name}");
        assert_eq!(node.findings, [], "{name}");
        let wanted = truth_of
            .parent
            .as_ref()
            .map(|parent| store.join(&truth[parent].path));
        assert_eq!(forest.parent_of(id).map(path_of), wanted.as_ref(), "{name}");
        assert_eq!(node.parent.is_some(), wanted.is_some(), "{name}");
        let counts = disk.counts.as_ref().unwrap();
        assert!(counts.complete, "{name}");
        if truth_of.parent.is_some() {
            let held = counts.full + counts.partial + counts.zero + counts.unmapped;
            assert_eq!(Some(counts.dirty_sectors), truth_of.dirty_sectors, "{name}");
            assert_eq!(Some(held), truth_of.blocks, "{name}");
        }
    }
}

#[test]
fn the_truth_store_of_vhds_is_linked_and_counted() {
    truth_store_is_linked_and_counted("vhd-truth.tar.zst");
}

#[test]
fn the_truth_store_of_vhdx_is_linked_and_counted() {
    truth_store_is_linked_and_counted("vhdx-truth.tar.zst");
}

#[test]
fn a_windows_child_and_an_edited_pair_find_their_parents() {
    let Some(samples) = samples() else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for name in ["win8.vhd", "win8-child.vhd"] {
        std::fs::copy(samples.join("go-vhd").join(name), folder.path().join(name)).unwrap();
    }
    for name in ["image.vhd", "image-differential.vhd"] {
        let packed = samples.join("dfvfs").join(format!("{name}.zst"));
        let mut zstd = Command::new("zstd");
        zstd.arg("-dqo").arg(folder.path().join(name)).arg(packed);
        if !unpacked(&mut zstd) {
            return;
        }
    }
    let forest = scan_folder(folder.path());
    let links: Vec<_> = forest
        .ids()
        .filter_map(|id| {
            let link = forest.node(id)?.parent.as_ref()?;
            let name = |id| forest.disk(id).unwrap().path.file_name().unwrap();
            Some((name(id), link.state, link.disk.map(name)))
        })
        .collect();
    assert_eq!(
        links,
        [
            (
                "image-differential.vhd".as_ref(),
                LinkState::Ok,
                Some("image.vhd".as_ref())
            ),
            (
                "win8-child.vhd".as_ref(),
                LinkState::Ok,
                Some("win8.vhd".as_ref())
            ),
        ]
    );
    for id in forest.ids() {
        assert_eq!(forest.node(id).unwrap().findings, []);
        let path = &forest.disk(id).unwrap().path;
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("win8")
        {
            assert_eq!(forest.disk(id).unwrap().findings, []);
        }
    }
}
