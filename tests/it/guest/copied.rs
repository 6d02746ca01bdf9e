//! `cp` as a program, out of every node of a chain: what it brings out of ext4, and out of XFS in a logical volume, is what was
//! put in.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::chains::{Grain, Make, behind_mbr, content, disk_bytes, has, is_same, tool};
use super::cp::{code, vhdtree};
use super::linux::{folder_tree, image, make_xfs, sample_folder, without_time};
use super::lvm::in_two_pieces;

const LINUX: u8 = 0x83;

/// Three states of a folder: files come, go, grow and change.
fn folders(folder: &Path) -> [std::path::PathBuf; 3] {
    ["base", "middle", "leaf"].map(|name| {
        let root = folder.join(name);
        fs::create_dir(&root).unwrap();
        sample_folder(&root);
        // Links are named and not copied.
        for link in ["short", "edge", "longer", "longest"] {
            fs::remove_file(root.join(link)).unwrap();
        }
        if name != "base" {
            fs::write(root.join("docs/new"), vec![7; 70_001]).unwrap();
            fs::write(root.join("docs/changes"), b"middle").unwrap();
            fs::remove_file(root.join("docs/deep/er/none")).unwrap();
        }
        if name == "leaf" {
            fs::write(root.join("docs/new"), b"short").unwrap();
            fs::write(root.join("docs/deep/big"), vec![9; 400_000]).unwrap();
            fs::remove_dir_all(root.join("many")).unwrap();
        }
        root
    })
}

fn files(root: &Path) -> BTreeSet<String> {
    let mut lines = without_time(folder_tree(root, 1));
    lines.retain(|line| line.split(' ').nth(1) == Some("file"));
    lines
}

/// Holds what `cp` brings back of each state of a disk against the folder it was made from.
fn hold_copies(
    of: &str,
    folder: &Path,
    roots: &[std::path::PathBuf],
    disks: &[Vec<u8>],
    from: &str,
) {
    for make in [Make::Vhd, Make::Vhdx] {
        let store = folder.join(format!("{of}-{make:?}"));
        fs::create_dir(&store).unwrap();
        let zeros = vec![0; disks[0].len()];
        let mut below = &zeros;
        for (number, (disk, root)) in (0..).zip(disks.iter().zip(roots)) {
            let name = root.file_name().unwrap().to_str().unwrap();
            let end = match (make, number) {
                (Make::Vhd, 0) => "vhd",
                (Make::Vhd, _) => "avhd",
                (Make::Vhdx, 0) => "vhdx",
                (Make::Vhdx, _) => "avhdx",
            };
            let node = store.join(format!("{name}.{end}"));
            let ids = [number, u128::saturating_sub(number, 1)];
            fs::write(&node, disk_bytes(make, ids, [below, disk], Grain::Sector)).unwrap();
            below = disk;
            let out = folder.join("out").join(format!("{of}-{make:?}-{name}"));
            let (node, store) = (node.to_str().unwrap(), store.to_str().unwrap());
            let to = out.to_str().unwrap();
            let output = vhdtree(folder, &["cp", node, from, to, "--parent-root", store]);
            assert_eq!(code(&output), 0, "{output:?}");
            assert!(files(root).len() > 4);
            is_same(&format!("{of} {make:?} {name}"), &files(&out), &files(root));
        }
    }
}

#[test]
fn every_file_comes_out_of_base_middle_and_leaf_as_it_was_put_in() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let roots = folders(folder);
    fs::create_dir(folder.join("out")).unwrap();
    if has("mke2fs") {
        let disks = roots.each_ref().map(|root| {
            let image = image(folder, 24);
            let (image_name, root) = (image.to_str().unwrap(), root.to_str().unwrap());
            tool("mke2fs", &["-q", "-F", "-text4", "-d", root, image_name]);
            behind_mbr(&content(&image), LINUX)
        });
        hold_copies("ext4", folder, &roots, &disks, "/");
    }
    if has("mkfs.xfs") {
        let disks = roots.each_ref().map(|root| {
            let image = image(folder, 24);
            make_xfs(&image, root, &["--unsupported"]);
            in_two_pieces(&content(&image))
        });
        hold_copies("xfs", folder, &roots, &disks, "rl/root:/");
    }
}
