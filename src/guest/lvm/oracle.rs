//! The reader beside LVM2's own `lvs`: on groups that LVM2 made, and on those of the builder. Nothing is activated.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::PhysicalVolume;
use crate::build::lvm::GroupBuilder;
use crate::source::FileSource;

/// Images as block devices, for as long as this lives.
struct Loops(Vec<String>);

impl Loops {
    /// `None` where this machine or user has no loop devices.
    fn of(images: &[PathBuf]) -> Option<Self> {
        let mut loops = Self(Vec::new());
        for image in images {
            let made = Command::new("losetup")
                .args(["-f", "--show"])
                .arg(image)
                .output();
            let made = made.ok().filter(|made| made.status.success())?;
            loops
                .0
                .push(String::from_utf8_lossy(&made.stdout).trim().to_owned());
        }
        Some(loops)
    }

    fn lvm(&self, command: &str) -> Option<String> {
        let mut words = command.split_whitespace();
        let done = Command::new(words.next()?)
            .args(["--driverloaded", "n", "--devices", &self.0.join(",")])
            .args(words.map(|word| match word.strip_prefix('@') {
                Some(number) => self.0[number.parse::<usize>().unwrap()].clone(),
                None => word.to_owned(),
            }))
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command}: {said}");
        Some(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Volume, first extent, extents, and where they lie, of each segment.
    fn segments(&self) -> Option<Vec<String>> {
        let said = self.lvm(
            "lvs -a --segments --noheadings --separator | -o lv_name,seg_start_pe,seg_size_pe,seg_pe_ranges",
        )?;
        let mut lines: Vec<String> = said.lines().map(|line| line.trim().to_owned()).collect();
        for (at, name) in self.0.iter().enumerate() {
            for line in &mut lines {
                *line = line.replace(&format!("{name}:"), &format!("pv{at}:"));
            }
        }
        lines.sort();
        Some(lines)
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        for device in &self.0 {
            let _ = Command::new("losetup").args(["-d", device]).status();
        }
    }
}

fn ours(images: &[PathBuf]) -> Vec<String> {
    let open = |image: &PathBuf| Arc::new(FileSource::open(image).unwrap());
    let given: Vec<PhysicalVolume> = images
        .iter()
        .map(|image| PhysicalVolume::find(open(image)).unwrap().unwrap())
        .collect();
    let group = given[0].metadata().unwrap().group;
    let mut lines = group.segment_lines();
    lines.sort();
    lines
}

fn images(folder: &Path, count: usize) -> Vec<PathBuf> {
    (0..count)
        .map(|at| folder.join(format!("{at}.img")))
        .collect()
}

#[test]
fn segments_are_those_of_lvs() {
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path(), 3);
    for image in &images {
        let file = std::fs::File::create(image).unwrap();
        file.set_len(64 << 20).unwrap();
    }
    let Some(loops) = Loops::of(&images) else {
        println!("skipped: losetup");
        return;
    };
    let make = |bits: &str| format!("lvcreate -an -Zn -Wn {bits} rl");
    for command in [
        "pvcreate -q @0 @1 @2".to_owned(),
        "vgcreate -s 1M rl @0 @1 @2".to_owned(),
        make("-L 5M -n root"),
        make("-L 9M -n gap"),
        "lvextend -L 12M rl/root".to_owned(),
        make("-i 3 -I 16k -L 21M -n fast"),
        "lvremove -f rl/gap".to_owned(),
        make("-L 100M -n wide"),
        "lvrename rl wide wide-2".to_owned(),
    ] {
        if loops.lvm(&command).is_none() {
            println!("skipped: lvm2");
            return;
        }
    }
    let theirs = loops.segments().unwrap();
    assert_eq!(ours(&images), theirs);
    assert!(theirs.len() >= 5, "{theirs:?}");
}

#[test]
fn lvs_reads_what_the_builder_writes() {
    let mut group = GroupBuilder::new("VG_XenStorage-0001", 1 << 20, 1 << 20, &[20, 20], 1);
    for round in 0..400 {
        group = group
            .create("a", 3 << 20, round)
            .create("b", 2 << 20, round);
        group = group.remove("a", round).extend("b", 2 << 20, round);
        group = group.rename("b", "a", round).remove("a", round);
    }
    let devices = group
        .create_striped("c", 4 << 20, 2, 64 << 10, 5)
        .create("a", 3 << 20, 5)
        .create("b", 24 << 20, 5)
        .tag("b", "hidden", 6)
        .remove("a", 7)
        .extend("b", 2 << 20, 8)
        .devices();
    let folder = tempfile::tempdir().unwrap();
    let images = images(folder.path(), 2);
    for (image, bytes) in images.iter().zip(devices) {
        std::fs::write(image, bytes).unwrap();
    }
    let Some(loops) = Loops::of(&images) else {
        println!("skipped: losetup");
        return;
    };
    match loops.segments() {
        Some(theirs) => assert_eq!(ours(&images), theirs),
        None => println!("skipped: lvm2"),
    }
}
