//! The same images read by a program that nobody here wrote.

use std::path::Path;
use std::process::Command;

use vhdtree::analysis::open::open_paths;
use vhdtree::build::vhdx::Payload;
use vhdtree::chain::OnFault;
use vhdtree::job::Job;

use crate::model::{DiskPlan, Ink, Make, Step, Tree};
use crate::runner::Dice;

/// 7-Zip's reading of a disk through its parents, which it finds in the same folder by name; `None` without 7-Zip.
fn seven_zip(path: &Path, make: Make) -> Option<Vec<u8>> {
    let output = Command::new("7zz")
        .arg("x")
        .arg(format!("-t{}", make.ending()))
        .arg("-so")
        .arg(path)
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "7-Zip reads {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// A sector to start at.
fn place(dice: &mut Dice) -> u16 {
    u16::try_from(dice.roll(65_536)).unwrap()
}

/// A line of `levels` disks over a base, each with many short runs, some long ones, and some whole blocks.
fn line(make: Make, block_sizes: &[u32], sectors: u64, seed: u64) -> Tree {
    let mut dice = Dice(seed);
    let states = [Payload::Zero, Payload::Unmapped, Payload::Full];
    let plans: Vec<_> = block_sizes
        .iter()
        .map(|block_size| {
            let mut steps = Vec::new();
            for _ in 0..60 {
                steps.push(Step::Write {
                    at: place(&mut dice),
                    count: 1 + dice.roll(7),
                    ink: match dice.roll(6) {
                        0 => Ink::Zeros,
                        1 => Ink::AsParent,
                        ink => Ink::Fresh(u8::try_from(ink * 31 + dice.roll(30)).unwrap()),
                    },
                });
            }
            for _ in 0..3 {
                steps.push(Step::Write {
                    at: place(&mut dice),
                    count: 500 + dice.roll(3_000),
                    ink: Ink::Fresh(u8::try_from(1 + dice.roll(255)).unwrap()),
                });
            }
            if make != Make::Vhd {
                let at = place(&mut dice);
                let state = states[usize::try_from(dice.roll(3)).unwrap()];
                steps.push(Step::Block { at, state });
            }
            DiskPlan {
                parent: u16::MAX,
                block_size: *block_size,
                grown: 0,
                steps,
            }
        })
        .collect();
    Tree::grow(make, sectors, &plans)
}

fn every_node_reads_as_7_zip_reads_it(tree: &Tree) {
    let folder = tempfile::tempdir().unwrap();
    for (disk, model) in tree.disks.iter().enumerate() {
        std::fs::write(folder.path().join(tree.name(disk)), &model.file.0).unwrap();
    }
    for disk in 0..tree.disks.len() {
        let paths: Vec<_> = tree
            .line(disk)
            .iter()
            .map(|disk| folder.path().join(tree.name(*disk)))
            .collect();
        let Some(theirs) = seven_zip(&paths[0], tree.make) else {
            println!("skipped: 7zz");
            return;
        };
        let mut ours = Vec::new();
        open_paths(&paths)
            .unwrap()
            .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
                ours.extend_from_slice(bytes);
            })
            .unwrap();
        let first = ours
            .iter()
            .zip(&theirs)
            .position(|(one, other)| one != other);
        assert_eq!(first, None, "disk {disk} differs first at this byte");
        assert_eq!(ours.len(), theirs.len(), "length of disk {disk}");
        assert!(
            ours == tree.disks[disk].content,
            "both are what was written"
        );
    }
}

#[test]
fn chains_of_vhds_read_as_7_zip_reads_them() {
    let (half, two) = (512 << 10, 2 << 20);
    for seed in 1..=3 {
        let sizes = [two, half, two, two, half, half];
        every_node_reads_as_7_zip_reads_it(&line(Make::Vhd, &sizes, 12_000, seed));
    }
}

#[test]
fn chains_of_vhdxs_read_as_7_zip_reads_them() {
    let (one, two, many) = (1 << 20, 2 << 20, 32 << 20);
    for seed in 1..=3 {
        let sizes = [many, one, two, one, many, two];
        every_node_reads_as_7_zip_reads_it(&line(Make::Vhdx(512), &sizes, 12_000, seed));
    }
}
