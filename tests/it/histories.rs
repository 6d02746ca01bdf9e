//! Histories of storage repositories in LVM, acted out as XCP-ng's storage manager does: volumes, footers, its own records and
//! the ring of LVM's metadata. What is judged is compared with what was done.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use vhdtree::build::lvm::GroupBuilder;
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::job::Job;
use vhdtree::store::containers::repository::{History, time_line};
use vhdtree::store::{ScanOptions, scan};

use crate::runner::{json_of, vhdtree};

const EXTENT: u64 = 64 << 10;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// 2026-01-05 09:00:00Z.
const START: i64 = 1_767_603_600;

/// Whether the storage manager's records are there to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    Kept,
    Lost,
}

/// How the host takes a machine back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Removes the disk in use and clones the snapshot.
    Clone,
    /// In place: the disk keeps its id, and the records say nothing.
    InPlace,
}

#[derive(Clone)]
struct Record {
    vdi: u32,
    is_snapshot: bool,
    of: Option<u32>,
    at: Option<i64>,
    is_managed: bool,
}

/// A storage repository under way.
struct Sr {
    group: GroupBuilder,
    records: Vec<Record>,
    next: u32,
}

fn uuid(vdi: u32) -> String {
    format!("{vdi:08}-0000-4000-8000-{vdi:012}")
}

fn volume(vdi: u32) -> String {
    format!("VHD-{}", uuid(vdi))
}

fn id(vdi: u32, at: i64) -> u128 {
    u128::from(vdi) << 64 | u128::from(at.unsigned_abs())
}

impl Sr {
    fn new(devices: &[u64]) -> Self {
        let name = format!("VG_XenStorage-{}", uuid(99));
        Self {
            group: GroupBuilder::new(&name, EXTENT, 256 << 10, devices, START - DAY).create(
                "MGT",
                32 << 10,
                START - DAY,
            ),
            records: Vec::new(),
            next: 1,
        }
    }

    fn new_vdi(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Makes a volume, and a VHD in it.
    fn put(&mut self, vdi: u32, parent: Option<(u128, u32)>, data: u8, at: i64) -> u128 {
        let builder = match parent {
            None => VhdBuilder::dynamic(8 << 20),
            Some((parent, name)) => {
                let device = volume(name).replace('-', "--");
                let group = format!("VG_XenStorage--{}", uuid(99).replace('-', "--"));
                VhdBuilder::differencing(8 << 20).parent(parent, &format!("{group}-{device}"))
            }
        };
        let own = id(vdi, at);
        let mut builder = builder
            .by_xenserver()
            .id(own)
            .created_at(Timestamp::from_second(at).unwrap());
        if data > 0 {
            builder = builder.write(u64::from(data), &[data; 512]);
        }
        let bytes = builder.build();
        let len = (bytes.len() as u64).next_multiple_of(EXTENT);
        let mut volume_bytes = bytes[..bytes.len() - 512].to_vec();
        volume_bytes.resize(usize::try_from(len).unwrap() - 512, 0);
        volume_bytes.extend(&bytes[bytes.len() - 512..]);
        let group = std::mem::replace(
            &mut self.group,
            GroupBuilder::new("none", EXTENT, 64 << 10, &[1], 0),
        );
        self.group = group
            .create(&volume(vdi), len, at)
            .write(&volume(vdi), 0, &volume_bytes);
        own
    }

    fn act(&mut self, act: impl FnOnce(GroupBuilder) -> GroupBuilder) {
        let none = GroupBuilder::new("none", EXTENT, 64 << 10, &[1], 0);
        self.group = act(std::mem::replace(&mut self.group, none));
    }

    fn record(&mut self, record: Record) {
        self.records.retain(|known| known.vdi != record.vdi);
        self.records.push(record);
    }

    fn own(&mut self, vdi: u32, at: Option<i64>) {
        self.record(Record {
            vdi,
            is_snapshot: false,
            of: None,
            at,
            is_managed: true,
        });
    }

    /// A new disk: its VDI, and the id of the VHD in it.
    fn disk(&mut self, at: i64) -> (u32, u128) {
        let vdi = self.new_vdi();
        let own = self.put(vdi, None, 9, at);
        self.own(vdi, None);
        (vdi, own)
    }

    /// Takes a snapshot of a disk in use: the snapshot's VDI, the base copy's, and the id of the VHD in that.
    fn snapshot(&mut self, (disk, own): (u32, u128), at: i64) -> (u32, u32, u128) {
        let (base, snapshot) = (self.new_vdi(), self.new_vdi());
        self.act(|group| group.rename(&volume(disk), &volume(base), at));
        self.put(disk, Some((own, base)), 3, at + 1);
        self.put(snapshot, Some((own, base)), 0, at + 2);
        self.record(Record {
            vdi: base,
            is_snapshot: false,
            of: None,
            at: None,
            is_managed: false,
        });
        self.record(Record {
            vdi: snapshot,
            is_snapshot: true,
            of: Some(disk),
            at: Some(at),
            is_managed: true,
        });
        (snapshot, base, own)
    }

    /// Sets a machine back: the VDI that it uses from then on.
    fn revert(&mut self, disk: u32, to: (u32, u32, u128), how: How, at: i64) -> u32 {
        let (snapshot, base, own) = to;
        self.act(|group| group.remove(&volume(disk), at));
        self.records.retain(|known| known.vdi != disk);
        if how == How::InPlace {
            self.put(disk, Some((own, base)), 5, at);
            self.own(disk, None);
            return disk;
        }
        let (empty, new) = (self.new_vdi(), self.new_vdi());
        self.act(|group| group.rename(&volume(snapshot), &volume(empty), at));
        self.put(snapshot, Some((own, base)), 0, at + 1);
        self.put(new, Some((own, base)), 5, at + 1);
        self.act(|group| group.remove(&volume(empty), at + 2));
        self.own(new, Some(at));
        new
    }

    /// Images of the devices.
    fn write(mut self, folder: &Path, records: Records) -> Vec<PathBuf> {
        let mut sectors = vec![String::new(); 4];
        sectors[0] = format!("XSSM:{:<10}:1:2", 2048 + 1024 * self.records.len());
        sectors[1] = format!("<?xml version=\"1.0\" ?><uuid>{}</uuid>", uuid(99));
        sectors[2].push_str("<name_label>Local storage</name_label>");
        for record in &self.records {
            let time = record.at.map_or("19700101T00:00:00Z".to_owned(), |at| {
                let at = Timestamp::from_second(at).unwrap();
                at.strftime("%Y%m%dT%H:%M:%SZ").to_string()
            });
            sectors.push(format!("<vdi><name_label>disk {}</name_label>", record.vdi));
            sectors.push(format!(
                "<uuid>{}</uuid><is_a_snapshot>{}</is_a_snapshot><snapshot_of>{}</snapshot_of><snapshot_time>{time}</snapshot_time><managed>{}</managed><deleted>0</deleted></vdi>",
                uuid(record.vdi),
                u8::from(record.is_snapshot),
                record.of.map(uuid).unwrap_or_default(),
                u8::from(record.is_managed),
            ));
        }
        let mut bytes = Vec::new();
        for sector in sectors {
            let end = bytes.len() + 512;
            bytes.extend(sector.as_bytes());
            bytes.resize(end, b' ');
        }
        match records {
            Records::Kept => self.act(|group| group.write("MGT", 0, &bytes)),
            Records::Lost => self.act(|group| group.remove("MGT", START + 900 * DAY)),
        }
        let devices = self.group.devices().into_iter().enumerate();
        let write = |(at, bytes): (usize, Vec<u8>)| {
            let path = folder.join(format!("pv{at}.img"));
            fs::write(&path, bytes).unwrap();
            path
        };
        devices.map(write).collect()
    }
}

/// The verdict about the snapshot whose disk is the base copy `base`, its word and its text.
fn verdict(images: &[PathBuf], base: u32) -> (String, Value) {
    let mut arguments = vec!["ls", "--json"];
    let others = images[1..].iter().map(|path| path.to_str().unwrap());
    arguments.extend(others);
    let ls = json_of(&arguments, &images[0]);
    let disks = ls["disks"].as_array().unwrap();
    let is_it = |disk: &&Value| disk["path"].as_str().unwrap().ends_with(&volume(base));
    let row = disks.iter().find(is_it).unwrap_or_else(|| panic!("{ls:#}"));
    let told = &row["snapshots"][0]["verdict"];
    let word = told["reverted"].as_str();
    let word = word.unwrap_or_else(|| panic!("{ls:#}")).to_owned();
    (word, told.clone())
}

fn gate(images: &[PathBuf], snapshot: u32) -> (i32, String) {
    let snapshot = uuid(snapshot);
    let output = vhdtree(&["gate", "--snapshot", &snapshot], &images[0]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_snapshot_that_was_never_applied_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut sr = Sr::new(&[200]);
    let disk = sr.disk(START);
    let (snapshot, base, _) = sr.snapshot(disk, START + 90 * DAY);
    let images = sr.write(folder.path(), Records::Kept);
    let (word, told) = verdict(&images, base);
    assert_eq!(word, "no-sign", "{told:#}");
    let (code, text) = gate(&images, snapshot);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_revert_of_either_kind_shows_minutes_or_months_later() {
    for how in [How::Clone, How::InPlace] {
        for later in [6 * MINUTE, 40 * MINUTE, 3 * HOUR, 26 * HOUR, 100 * DAY] {
            let folder = tempfile::tempdir().unwrap();
            let mut sr = Sr::new(&[200]);
            let disk = sr.disk(START);
            let taken = sr.snapshot(disk, START + 60 * DAY);
            sr.revert(disk.0, taken, how, START + 60 * DAY + later);
            let images = sr.write(folder.path(), Records::Kept);
            let (word, told) = verdict(&images, taken.1);
            assert_eq!(word, "likely", "{later}: {told:#}");
            let at = told["applied_at"].as_str().unwrap();
            let at: Timestamp = at.parse().unwrap();
            let apart = at.as_second() - (START + 60 * DAY + later);
            assert!((0..=2).contains(&apart), "{told:#}");
            assert_eq!(gate(&images, taken.0).0, 1);
        }
    }
}

#[test]
fn without_the_managers_records_the_ring_dates_the_snapshot() {
    for later in [None, Some(20 * MINUTE), Some(100 * DAY)] {
        let folder = tempfile::tempdir().unwrap();
        let mut sr = Sr::new(&[200]);
        let disk = sr.disk(START);
        let taken = sr.snapshot(disk, START + 60 * DAY);
        if let Some(later) = later {
            sr.revert(disk.0, taken, How::Clone, START + 60 * DAY + later);
        }
        let images = sr.write(folder.path(), Records::Lost);
        let (word, told) = verdict(&images, taken.1);
        let expected = later.map_or("no-sign", |_| "likely");
        assert_eq!(word, expected, "{told:#}");
    }
}

#[test]
fn of_two_snapshots_the_one_that_was_applied_is_told() {
    // To the older one: the newer is on a branch that no machine is on.
    let folder = tempfile::tempdir().unwrap();
    let mut sr = Sr::new(&[300]);
    let disk = sr.disk(START);
    let first = sr.snapshot(disk, START + 10 * DAY);
    let second = sr.snapshot((disk.0, id(disk.0, START + 10 * DAY + 1)), START + 20 * DAY);
    sr.revert(disk.0, first, How::Clone, START + 50 * DAY);
    let images = sr.write(folder.path(), Records::Kept);
    let (word, told) = verdict(&images, first.1);
    assert!(["likely", "certain"].contains(&&*word), "{told:#}");
    assert!(told.to_string().contains("2026-02-24"), "{told:#}");
    assert_eq!(gate(&images, first.0).0, 1);
    assert_ne!(
        gate(&images, second.0).0,
        0,
        "{}",
        gate(&images, second.0).1
    );

    // To the newer one: the older was never applied.
    let folder = tempfile::tempdir().unwrap();
    let mut sr = Sr::new(&[150, 150]);
    let disk = sr.disk(START);
    let first = sr.snapshot(disk, START + 10 * DAY);
    let second = sr.snapshot((disk.0, id(disk.0, START + 10 * DAY + 1)), START + 20 * DAY);
    sr.revert(disk.0, second, How::Clone, START + 50 * DAY);
    let images = sr.write(folder.path(), Records::Kept);
    let (word, told) = verdict(&images, second.1);
    assert_eq!(word, "likely", "{told:#}");
    let (word, told) = verdict(&images, first.1);
    assert_eq!(word, "no-sign", "{told:#}");
}

#[test]
fn a_journal_stops_the_gate_of_its_machine_only() {
    let journals = [
        ("coalesce", 1),
        ("relink", 1),
        ("leaf", 1),
        ("clone", 1),
        ("jvhd", 1),
        ("inflate", 0),
        ("zero", 0),
    ];
    for (work, expected) in journals {
        let folder = tempfile::tempdir().unwrap();
        let mut sr = Sr::new(&[300]);
        let (web, db) = (sr.disk(START), sr.disk(START));
        let of_web = sr.snapshot(web, START + 10 * DAY);
        let of_db = sr.snapshot(db, START + 20 * DAY);
        let name = format!("{work}_{}_1", uuid(of_db.1));
        sr.act(|group| group.create(&name, EXTENT, START + 30 * DAY));
        let images = sr.write(folder.path(), Records::Kept);
        let (code, text) = gate(&images, of_db.0);
        assert_eq!(code, expected, "{work}: {text}");
        assert_eq!(text.contains(&name), expected == 1, "{text}");
        let (code, text) = gate(&images, of_web.0);
        assert_eq!(code, 0, "{work}: {text}");
        let ls = String::from_utf8(vhdtree(&["ls"], &images[0]).stdout).unwrap();
        assert!(!ls.contains("BROKEN"), "{ls}");
    }
}

#[test]
fn a_volume_that_is_being_enlarged_is_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut sr = Sr::new(&[300]);
    let disk = sr.disk(START);
    let (_, base, _) = sr.snapshot(disk, START + 10 * DAY);
    let journal = format!("inflate_{}_1", uuid(disk.0));
    sr.act(|group| {
        let group = group.extend(&volume(disk.0), 4 << 20, START + 30 * DAY);
        group.create(&journal, EXTENT, START + 30 * DAY)
    });
    let images = sr.write(folder.path(), Records::Kept);
    let check = json_of(&["check", "--json"], &images[0]);
    let findings = check["findings"].as_array().unwrap().iter();
    let told: Vec<&str> = findings
        .filter(|finding| finding["severity"] != "info")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["journal-inflate"], "{check:#}");
    assert_eq!(verdict(&images, base).0, "no-sign");
}

#[test]
fn the_time_line_of_a_disk_tells_of_volumes_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut sr = Sr::new(&[300]);
    let (disk, other) = (sr.disk(START), sr.disk(START));
    let taken = sr.snapshot(disk, START + 10 * DAY);
    sr.revert(disk.0, taken, How::Clone, START + 50 * DAY);
    let options = ScanOptions {
        roots: sr.write(folder.path(), Records::Kept),
        history: History::Whole,
        ..ScanOptions::default()
    };
    let forest = scan(&options, &Job::default(), &mut |_| {}).unwrap();
    let base = forest
        .ids()
        .find(|id| forest.disk(*id).unwrap().path.ends_with(volume(taken.1)));
    let told: Vec<String> = time_line(&forest, base)
        .into_iter()
        .map(|(_, change)| format!("{:?}", change.kind))
        .collect();
    let has = |text: &str| told.iter().any(|told| told.contains(text));
    assert!(
        told.iter()
            .any(|told| told.contains("Removed") && told.contains(&volume(disk.0))),
        "{told:?}"
    );
    assert!(!has(&volume(other.0)), "{told:?}");
}
