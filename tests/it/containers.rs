//! Storage repositories that are no files: LVM on an image, a partition, a device, and the devices of its volumes.

mod acts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use vhdtree::build::lvm::GroupBuilder;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::guest::lvm::PhysicalVolume;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::{CountedSource, FileSource, ReadCounts};
use vhdtree::store::facts::{Files, Opened, SystemFiles};
use vhdtree::store::{FileFacts, Liveness, ScanOptions, scan_with};

use crate::runner::{codes_of, json_of, row_of, vhdtree};
use crate::truth::{samples, unpacked_sample};

const GROUP: &str = "VG_XenStorage-6f2c1c1e-1111-4222-8333-444455556666";

/// The sample's image in a folder of its own.
fn sample() -> Option<(tempfile::TempDir, PathBuf)> {
    let packed = samples().map(|folder| folder.join("lvm/pv.img.xz"));
    let Some(packed) = packed.filter(|packed| packed.is_file()) else {
        println!("skipped: samples");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("pv.img");
    unpacked_sample(&packed, &image).then_some((folder, image))
}

/// The id of a disk.
fn id(digit: u8) -> String {
    let eight = digit.to_string().repeat(8);
    format!("{eight}-0000-4000-8000-00000000000{digit}")
}

/// A file or image as a block device, for as long as this lives.
struct Loop(String);

impl Loop {
    fn of(image: &Path) -> Option<Self> {
        let made = Command::new("losetup")
            .args(["-r", "-f", "--show"])
            .arg(image)
            .output();
        let made = made.ok().filter(|made| made.status.success());
        if made.is_none() {
            println!("skipped: losetup");
        }
        Some(Self(
            String::from_utf8(made?.stdout).unwrap().trim().to_owned(),
        ))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.0]).status();
    }
}

/// Name of each disk, its parent's, and the blocks it holds, as the sample's maker counted them.
fn assert_is_sample(ls: &Value) {
    for (digit, parent, blocks, sectors) in [
        (2, Some(3), 0, Some(0)),
        (3, None, 2, None),
        (4, Some(3), 1, Some(13)),
        (6, Some(8), 1, Some(8)),
        (7, Some(8), 0, Some(0)),
        (8, None, 1, None),
    ] {
        let row = row_of(ls, &format!("{GROUP}/VHD-{}", id(digit)));
        let held = &row["blocks"];
        let held = held["full"].as_u64().unwrap() + held["partial"].as_u64().unwrap();
        assert_eq!(held, blocks, "{digit}");
        assert_eq!(row["dirty_sectors"].as_u64(), sectors, "{digit}");
        assert_eq!(row["created_source"], "lvm");
        assert_eq!(row["modified"], Value::Null);
        let told = usize::from(digit == 8);
        assert_eq!(row["findings"].as_array().unwrap().len(), told, "{row:#}");
        match parent {
            None => assert_eq!(row["parent"], Value::Null),
            Some(parent) => {
                let path = row["parent"]["resolved"].as_str().unwrap();
                assert!(
                    path.ends_with(&format!("{GROUP}/VHD-{}", id(parent))),
                    "{path}"
                );
                assert_eq!(row["parent"]["resolved_by"], "same-folder");
            }
        }
    }
    assert!(ls["complete"].as_bool().unwrap());
}

#[test]
fn the_sample_is_read_as_an_image_behind_a_table_and_as_a_device() {
    let Some((folder, image)) = sample() else {
        return;
    };
    assert_is_sample(&json_of(&["ls", "--json"], &image));
    // The same behind a GPT, in the second partition.
    let bytes = fs::metadata(&image).unwrap().len();
    let whole = folder.path().join("lun.raw");
    fs::File::create(&whole)
        .unwrap()
        .set_len(bytes + (64 << 20))
        .unwrap();
    let size = format!(
        "label: gpt\nstart=2048, size=16384\nstart=32768, size={}, type=lvm\n",
        bytes / 512
    );
    fs::write(folder.path().join("script"), size).unwrap();
    let done = Command::new("sfdisk")
        .args(["-q", whole.to_str().unwrap()])
        .stdin(fs::File::open(folder.path().join("script")).unwrap())
        .status();
    let copied = Command::new("dd")
        .args(["bs=1M", "seek=16", "conv=notrunc,sparse", "status=none"])
        .arg(format!("if={}", image.display()))
        .arg(format!("of={}", whole.display()))
        .status();
    if done.is_ok_and(|done| done.success()) && copied.is_ok_and(|done| done.success()) {
        assert_is_sample(&json_of(&["ls", "--json"], &whole));
    } else {
        println!("skipped: sfdisk");
    }
    let Some(device) = Loop::of(&image) else {
        return;
    };
    assert_is_sample(&json_of(&["ls", "--json"], Path::new(&device.0)));
}

#[test]
fn a_disk_in_a_container_is_a_file_to_every_command() {
    let Some((_folder, image)) = sample() else {
        return;
    };
    let disk = image.join(GROUP).join(format!("VHD-{}", id(4)));
    let info = json_of(&["info", "--json"], &disk);
    assert_eq!(info["disk"]["dirty_sectors"], 13, "{info:#}");
    let map = json_of(&["map", "--json"], &disk);
    assert_eq!(map["runs"][1]["state"], "partial", "{map:#}");
    let diff = json_of(&["diff", "--json"], &disk);
    assert_eq!(diff["sectors"]["compared"], 13, "{diff:#}");
    // What is not there is an error, not an empty store.
    for wrong in [
        image.join("other").join("VHD-1"),
        image.join(GROUP).join("VHD-1"),
        disk.join("deeper"),
    ] {
        let output = vhdtree(&["info"], &wrong);
        assert_eq!(output.status.code(), Some(2), "{}", wrong.display());
    }
}

#[test]
fn a_folder_of_links_to_devices_is_read_when_it_is_named() {
    let Some((folder, _)) = sample() else {
        return;
    };
    let store = folder.path().join("VG_XenStorage-1");
    fs::create_dir(&store).unwrap();
    let base = VhdBuilder::dynamic(8 << 20)
        .by_xenserver()
        .id(7)
        .write(0, &[1; 512])
        .build();
    let stored = format!("VG_XenStorage--1-VHD--{}", id(1).replace('-', "--"));
    let child = VhdBuilder::differencing(8 << 20)
        .by_xenserver()
        .id(8)
        .parent(7, &stored)
        .locator(Locator::relative(&format!(r".\{stored}")))
        .build();
    let mut loops = Vec::new();
    for (digit, bytes) in [(1, base), (2, child)] {
        let file = folder.path().join(format!("{digit}.bin"));
        fs::write(&file, bytes).unwrap();
        let Some(device) = Loop::of(&file) else {
            return;
        };
        std::os::unix::fs::symlink(&device.0, store.join(format!("VHD-{}", id(digit)))).unwrap();
        loops.push(device);
    }
    let ls = json_of(&["ls", "--json"], &store);
    let row = row_of(&ls, &format!("VHD-{}", id(2)));
    assert_eq!(row["parent"]["resolved_by"], "same-folder", "{ls:#}");
    assert_eq!(row["state"].as_str().unwrap_or("ok"), "ok");
    // Met on the way through a store that holds such a folder, they are not opened.
    let ls = json_of(&["ls", "--json"], folder.path());
    let row = row_of(&ls, &format!("VHD-{}", id(2)));
    assert_eq!(row["findings"][0]["code"], "not-a-regular-file", "{row:#}");
}

fn vhd_volume(bytes: &[u8], extent: u64) -> (u64, Vec<u8>) {
    let len = (bytes.len() as u64).next_multiple_of(extent);
    let mut volume = bytes[..bytes.len() - 512].to_vec();
    volume.resize(usize::try_from(len).unwrap() - 512, 0);
    volume.extend(&bytes[bytes.len() - 512..]);
    (len, volume)
}

#[test]
fn a_repository_on_two_devices_needs_both_and_names_what_lies_elsewhere() {
    let extent = 64 << 10;
    let (len, volume) = vhd_volume(
        &VhdBuilder::dynamic(8 << 20)
            .by_xenserver()
            .id(7)
            .write(0, &[1; 512])
            .write(4096, &[2; 512])
            .build(),
        extent,
    );
    let name = format!("VHD-{}", id(1));
    let devices = GroupBuilder::new("VG_XenStorage-2", extent, 64 << 10, &[40, 80], 1)
        .create(&name, len, 1_770_000_000)
        .write(&name, 0, &volume)
        .devices();
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..2)
        .map(|at| folder.path().join(format!("pv{at}.img")))
        .collect();
    for (path, bytes) in paths.iter().zip(&devices) {
        fs::write(path, bytes).unwrap();
    }
    let both = json_of(&["ls", "--json", paths[0].to_str().unwrap()], &paths[1]);
    let row = row_of(&both, &name);
    assert_eq!(row["blocks"]["full"], 2, "{row:#}");
    assert_eq!(both["disks"].as_array().unwrap().len(), 1);
    // Content is read through both, whichever command asks.
    let disk = paths[0].join("VG_XenStorage-2").join(&name);
    let store = paths[1].to_str().unwrap();
    for command in [&["info"][..], &["diff"], &["check"]] {
        let given = ["--store", paths[0].to_str().unwrap(), "--store", store];
        let arguments = match command {
            ["check"] => vec!["check", store],
            _ => [command, &given].concat(),
        };
        let target = if command == ["check"] {
            &paths[0]
        } else {
            &disk
        };
        let output = vhdtree(&arguments, target);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() != Some(2) || command == ["diff"],
            "{command:?}: {text}"
        );
    }
    let alone = json_of(&["ls", "--json"], &paths[0]);
    let row = row_of(&alone, &name);
    let text = row["findings"].to_string();
    assert!(text.contains("pv1"), "{text}");
}

#[test]
fn the_samples_tree_and_counts_cost_few_reads() {
    let Some((_folder, image)) = sample() else {
        return;
    };
    let counts = Arc::new(ReadCounts::default());
    let file = FileSource::open(&image).unwrap();
    let source = Arc::new(CountedSource::new(file, Arc::clone(&counts)));
    let given = [PhysicalVolume::find(source).unwrap().unwrap()];
    let group = given[0].metadata().unwrap().group;
    let volumes = group.volumes.iter();
    let disks = volumes.filter(|volume| volume.name.starts_with("VHD-"));
    for volume in disks.clone() {
        let source = group.source(volume, &given).unwrap();
        let image = Image::open(Arc::new(source)).unwrap();
        assert!(image.count(&Job::default(), None).complete);
    }
    assert_eq!(disks.count(), 6);
    let (reads, bytes) = (counts.reads(), counts.bytes());
    assert!(
        reads <= 40 && bytes <= 64 << 10,
        "{reads} reads, {bytes} bytes"
    );
}

/// Puts another image in the place of a container's while a volume of it is opened, so many times.
struct Changing {
    files: SystemFiles,
    image: PathBuf,
    later: Vec<Vec<u8>>,
    opened: AtomicU64,
}

impl Files for Changing {
    fn open(&self, path: &Path) -> std::io::Result<Opened> {
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        if let Some(bytes) = self.later.get(usize::try_from(nth).unwrap()) {
            fs::write(&self.image, bytes)?;
        }
        self.files.open(path)
    }

    fn facts(&self, path: &Path) -> std::io::Result<FileFacts> {
        self.files.facts(path)
    }
}

#[test]
fn a_repository_that_changes_is_read_once_more_and_is_live_if_it_changes_again() {
    let extent = 64 << 10;
    let built = VhdBuilder::dynamic(8 << 20).by_xenserver().id(7).build();
    let (len, volume) = vhd_volume(&built, extent);
    let (one, two) = (format!("VHD-{}", id(1)), format!("VHD-{}", id(2)));
    let first = GroupBuilder::new("VG_XenStorage-3", extent, 64 << 10, &[40], 1)
        .create(&one, len, 1_770_000_000)
        .write(&one, 0, &volume);
    let second = first.clone().rename(&one, &two, 1_770_000_100);
    let third = second.clone().tag(&two, "hidden", 1_770_000_200);
    let bytes = |group: &GroupBuilder| group.clone().devices().swap_remove(0);
    let folder = tempfile::tempdir().unwrap();
    for (later, state) in [
        (vec![], Liveness::Still),
        (vec![bytes(&second)], Liveness::Still),
        (vec![bytes(&second), bytes(&third)], Liveness::Live),
    ] {
        let image = folder.path().join("pv.img");
        fs::write(&image, bytes(&first)).unwrap();
        let options = ScanOptions {
            roots: vec![image.clone()],
            ..ScanOptions::default()
        };
        let name = if later.is_empty() { &one } else { &two };
        let files = Changing {
            files: SystemFiles::new(),
            image,
            later,
            opened: AtomicU64::new(0),
        };
        let forest = scan_with(&options, &files, &Job::default(), &mut |_| {}).unwrap();
        assert_eq!(forest.disks.len(), 1);
        assert!(forest.disks[0].path.ends_with(name));
        assert_eq!(forest.disks[0].liveness, state);
    }
}

/// The snapshot of the sample with this digit, in `ls --json`.
fn snapshot_of(ls: &Value, digit: u8) -> Value {
    let disks = ls["disks"].as_array().unwrap().iter();
    let mut all = disks.flat_map(|disk| disk["snapshots"].as_array().unwrap());
    let found = all.find(|snapshot| snapshot["id"] == id(digit).as_str());
    found.unwrap_or_else(|| panic!("{ls:#}")).clone()
}

#[test]
fn names_snapshots_and_verdicts_come_from_the_containers_own_records() {
    let Some((_folder, image)) = sample() else {
        return;
    };
    let ls = json_of(&["ls", "--json"], &image);
    let row = row_of(&ls, &format!("VHD-{}", id(6)));
    assert_eq!(row["label"], "db disk 0");
    let web = snapshot_of(&ls, 2);
    assert_eq!(web["name"], "web disk 0");
    assert_eq!(web["taken"], "2026-02-10T20:00:00Z");
    assert_eq!(web["verdict"]["reverted"], "likely", "{web:#}");
    assert!(web.to_string().contains("2026-04-20"), "{web:#}");
    let db = snapshot_of(&ls, 7);
    assert_eq!(db["verdict"]["reverted"], "no-sign", "{db:#}");
    // What stops the second is the relink journal.
    for (digit, reverted) in [(2, true), (7, false)] {
        let id = id(digit);
        let gate = json_of(&["gate", "--json", "--snapshot", &id], &image);
        let is_reverted = gate["reasons"].to_string().contains("\"reverted\"");
        assert_eq!(is_reverted, reverted, "{gate:#}");
        assert_eq!(
            vhdtree(&["gate", "--snapshot", &id], &image).status.code(),
            Some(1)
        );
    }
    let check = json_of(&["check", "--json"], &image);
    assert_eq!(
        codes_of(&check, &format!("VHD-{}", id(8))),
        ["journal-relink"]
    );
}

#[test]
fn the_time_line_of_a_repository_is_in_its_metadata() {
    let Some((_folder, image)) = sample() else {
        return;
    };
    let info = json_of(&["info", "--json"], &image);
    let told = &info["repositories"][0];
    assert_eq!(told["name"], "Local storage");
    let history = told["history"].as_array().unwrap().iter();
    let acts: Vec<String> = history
        .map(|act| {
            let name = act["name"].as_str().unwrap();
            let at = act["at"].as_str().unwrap();
            format!(
                "{at} {} {}",
                act["change"].as_str().unwrap(),
                &name[..name.len().min(6)]
            )
        })
        .collect();
    for act in [
        "2026-02-10T20:00:00Z renamed VHD-11",
        "2026-02-10T20:00:00Z made VHD-22",
        "2026-04-20T11:17:30Z removed VHD-11",
        "2026-04-20T11:17:30Z renamed VHD-22",
        "2026-04-20T11:17:30Z made VHD-44",
    ] {
        assert!(acts.iter().any(|told| told == act), "{act}: {acts:#?}");
    }
    let page = String::from_utf8(vhdtree(&["info"], &image).stdout).unwrap();
    assert!(
        page.contains("VHD-11111111-0000-4000-8000-000000000001 was removed"),
        "{page}"
    );
}

#[test]
fn a_qcow2_is_named_with_the_file_it_stands_on() {
    let mut header = vec![0; 1 << 16];
    header[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    header[8..16].copy_from_slice(&512_u64.to_be_bytes());
    header[16..20].copy_from_slice(&9_u32.to_be_bytes());
    header[24..32].copy_from_slice(&(1_u64 << 30).to_be_bytes());
    header[512..521].copy_from_slice(b"QCOW2-abc");
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{}.qcow2", id(5));
    fs::write(folder.path().join(&file), &header).unwrap();
    let name = format!("QCOW2-{}", id(1));
    let devices = GroupBuilder::new("VG_XenStorage-4", 64 << 10, 64 << 10, &[10], 1)
        .create(&name, 64 << 10, 1_770_000_000)
        .write(&name, 0, &header)
        .devices();
    let image = folder.path().join("pv.img");
    fs::write(&image, &devices[0]).unwrap();
    for (root, disk) in [(folder.path(), &file), (&*image, &name)] {
        let ls = json_of(&["ls", "--json"], root);
        assert_eq!(ls["disks"].as_array().unwrap().len(), 1, "{ls:#}");
        let findings = &row_of(&ls, disk)["findings"];
        assert_eq!(findings[0]["code"], "qcow2-not-read", "{ls:#}");
        assert!(findings.to_string().contains("QCOW2-abc"));
        let text = String::from_utf8(vhdtree(&["ls"], root).stdout).unwrap();
        assert!(text.contains("QCOW2, not read"), "{text}");
    }
}
