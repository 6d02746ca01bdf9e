//! Files and owners of ext as debugfs and the Sleuth Kit tell them.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use vhdtree::analysis::files::GuestDisk;
use vhdtree::guest::extents::Extents;
use vhdtree::guest::filesystem::OwnerClass;
use vhdtree::job::Job;
use vhdtree::source::ReadCounts;

use super::chains::{Grain, Make, behind_mbr, chain, content, has, is_same, tool};
use super::linux::{folder_tree, image, open, sample_folder, tree, without_time};

/// A base, and two further states of it.
fn states(folder: &Path) -> Vec<Vec<u8>> {
    let root = folder.join("root");
    fs::create_dir(&root).unwrap();
    sample_folder(&root);
    let image = image(folder, 32);
    let (image_name, root_name) = (image.to_str().unwrap(), root.to_str().unwrap());
    tool(
        "mke2fs",
        &["-q", "-F", "-text4", "-d", root_name, image_name],
    );
    let put = folder.join("put");
    let mut states = vec![content(&image)];
    for (number, requests) in [
        [
            "write @ docs/first",
            "rm docs/deep/big",
            "ln sparse second-name",
        ],
        ["write @ docs/deep/big", "rm docs/first", "symlink far /a/b"],
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&put, vec![number.to_le_bytes()[0] + 1; 70_001]).unwrap();
        for request in requests {
            let request = request.replace('@', put.to_str().unwrap());
            tool("debugfs", &["-w", "-R", &request, image_name]);
        }
        states.push(content(&image));
    }
    states
}

#[test]
fn every_file_of_base_middle_and_leaf_is_as_debugfs_dumps_it() {
    if !has("mke2fs") || !has("debugfs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let states = states(folder.path());
    let dumped: Vec<BTreeSet<String>> = states
        .iter()
        .enumerate()
        .map(|(number, state)| {
            let raw = folder.path().join("raw");
            fs::write(&raw, state).unwrap();
            let to = folder.path().join(format!("dumped{number}"));
            fs::create_dir(&to).unwrap();
            let request = format!("rdump / {}", to.display());
            tool("debugfs", &["-R", &request, raw.to_str().unwrap()]);
            without_time(folder_tree(&to, 1))
        })
        .collect();
    let disks: Vec<_> = states.iter().map(|state| behind_mbr(state, 0x83)).collect();
    let counts = Arc::new(ReadCounts::default());
    for make in [Make::Vhd, Make::Vhdx] {
        for grain in Grain::ALL {
            let leaf = chain(make, &disks, grain, &counts);
            for (link, wanted) in dumped.iter().rev().enumerate() {
                let disk = GuestDisk::open(&leaf.from_link(link).unwrap());
                let rows = disk.rows();
                let found = without_time(tree(rows[0].1.file_system().unwrap()));
                is_same(&format!("{make:?} {grain:?} {link}"), &found, wanted);
            }
        }
    }
}

#[test]
fn owners_are_those_that_the_sleuth_kit_names() {
    const BLOCK: u64 = 1_024;
    if !has("mke2fs") || Command::new("ifind").arg("-V").output().is_err() {
        println!("skipped: ifind");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = states(folder.path()).pop().unwrap();
    let raw = folder.path().join("raw");
    fs::write(&raw, &state).unwrap();
    let volume = open(&state);
    let mut blocks = Vec::new();
    let all = Extents::of(0..state.len() as u64);
    let fs = volume.file_system().unwrap();
    fs.owners(&all, &Job::default(), &mut |part| {
        if let (OwnerClass::File | OwnerClass::Directory, Some(id)) = (part.class, part.id) {
            let whole = part.bytes.start.div_ceil(BLOCK)..part.bytes.end / BLOCK;
            blocks.extend(whole.map(|block| (block, id.number)));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let step = blocks.len() / 40;
    for (block, inode) in blocks.iter().step_by(step).take(40) {
        let output = Command::new("ifind")
            .args(["-f", "ext", "-d", &block.to_string()])
            .arg(&raw)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.trim(), inode.to_string(), "block {block}");
    }
}
