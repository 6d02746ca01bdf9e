//! Repositories as the storage manager's acts leave them, months apart: snapshots, reverts of both ways, a merge that was not
//! finished; on one device, on two, in stripes, in pieces, behind a partition table.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use vhdtree::build::lvm::GroupBuilder;
use vhdtree::build::vhd::VhdBuilder;

use super::{id, snapshot_of, vhd_volume};
use crate::runner::{codes_of, json_of, row_of};

const SR: &str = "VG_XenStorage-7f2c1c1e-1111-4222-8333-444455556666";
const EXTENT: u64 = 64 << 10;
const SIZE: u64 = 8 << 20;

const MADE: &str = "2026-01-05T09:00:00Z";
const FIRST: &str = "2026-02-10T20:00:00Z";
const SECOND: &str = "2026-03-15T21:30:00Z";
const REVERTED: &str = "2026-06-20T11:17:30Z";

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn name(digit: u8) -> String {
    format!("VHD-{}", id(digit))
}

fn device(digit: u8) -> String {
    format!(
        "{}-{}",
        SR.replace('-', "--"),
        name(digit).replace('-', "--")
    )
}

/// A disk by its digit, on the one of another digit, made at a time.
fn disk(digit: u8, parent: Option<u8>, made: &str, is_base: bool) -> Vec<u8> {
    let mut disk = match parent {
        None => VhdBuilder::dynamic(SIZE),
        Some(on) => VhdBuilder::differencing(SIZE).parent(u128::from(on), &device(on)),
    };
    disk = disk.by_xenserver().id(u128::from(digit));
    disk = disk.created_at(made.parse().unwrap());
    let disk = if is_base { disk.hidden() } else { disk };
    // Nobody writes to a snapshot's own disk.
    if matches!(digit, 2 | 3) {
        return disk.build();
    }
    disk.write(u64::from(digit) * 1500, &[digit; 512]).build()
}

/// How a machine was set back.
#[derive(Clone, Copy, PartialEq)]
enum Revert {
    None,
    /// The disk in use is removed and the snapshot's cloned; until xapi 26.1.4.
    Clone,
    /// The disk in use is made again under its own name; nobody notes it.
    InPlace,
}

/// 1 is the machine's disk, 2 and 3 its snapshots, 4 and 5 their bases, 6 the disk after a revert by a clone.
fn acts(devices: &[u64], revert: Revert) -> GroupBuilder {
    let group = GroupBuilder::new(SR, EXTENT, 1 << 20, devices, at("2026-01-01T00:00:00Z"));
    let len = |bytes: &[u8]| vhd_volume(bytes, EXTENT).0;
    let full = len(&disk(1, Some(5), MADE, false));
    let create =
        |group: GroupBuilder, digit: u8, when: &str| group.create(&name(digit), full, at(when));
    let mut group = create(group, 1, MADE).create("MGT", 64 << 10, at(MADE));
    for (snapshot, base, when) in [(2, 4, FIRST), (3, 5, SECOND)] {
        group = group.rename(&name(1), &name(base), at(when));
        group = create(create(group, 1, when), snapshot, when);
    }
    let mut now = (1, SECOND);
    match revert {
        Revert::None => {}
        Revert::Clone => {
            group = group.remove(&name(1), at(REVERTED));
            group = group.rename(&name(3), &name(7), at(REVERTED));
            group = create(create(group, 3, REVERTED), 6, REVERTED);
            group = group.remove(&name(7), at(REVERTED) + 60);
            now = (6, REVERTED);
        }
        Revert::InPlace => {
            group = create(group.remove(&name(1), at(REVERTED)), 1, REVERTED);
            now = (1, REVERTED);
        }
    }
    let snapshot_made = if revert == Revert::Clone {
        REVERTED
    } else {
        SECOND
    };
    for (digit, parent, made, is_base) in [
        (4, None, MADE, true),
        (2, Some(4), FIRST, false),
        (5, Some(4), FIRST, true),
        (3, Some(5), snapshot_made, false),
        (now.0, Some(5), now.1, false),
    ] {
        let (_, volume) = vhd_volume(&disk(digit, parent, made, is_base), EXTENT);
        let end = full - 512;
        let (content, footer) = volume.split_at(volume.len() - 512);
        group = group
            .write(&name(digit), 0, content)
            .write(&name(digit), end, footer);
    }
    group.write("MGT", 0, management(revert).as_bytes())
}

fn management(revert: Revert) -> String {
    let mut text = String::new();
    let pad = |text: &mut String, to: usize| text.extend(std::iter::repeat_n(' ', to - text.len()));
    text.push_str("XSSM:9216      :1:2");
    pad(&mut text, 2048);
    let stamp = |when: &str| when.replace(['-'], "");
    let cloned = revert == Revert::Clone;
    for (digit, is_snapshot, time) in [
        (1, false, "19700101T00:00:00Z".to_owned()),
        (2, true, stamp(FIRST)),
        (3, true, stamp(SECOND)),
        (6, false, stamp(REVERTED)),
    ] {
        let is_deleted = match digit {
            1 => cloned,
            6 => !cloned,
            _ => false,
        };
        let mut record = format!(
            "<vdi><name_label>web disk</name_label><uuid>{}</uuid>",
            id(digit)
        );
        let start = text.len();
        let _ = write!(
            record,
            "<is_a_snapshot>{}</is_a_snapshot><snapshot_of>{}</snapshot_of><snapshot_time>{time}</snapshot_time><managed>1</managed><deleted>{}</deleted></vdi>",
            u8::from(is_snapshot),
            if is_snapshot { id(1) } else { String::new() },
            u8::from(is_deleted),
        );
        text.push_str(&record);
        pad(&mut text, start + 1024);
    }
    text
}

fn put(folder: &Path, devices: Vec<Vec<u8>>) -> Vec<PathBuf> {
    let paths = (0..devices.len()).map(|n| folder.join(format!("pv{n}.img")));
    let all = paths.zip(devices).map(|(path, bytes)| {
        fs::write(&path, bytes).unwrap();
        path
    });
    all.collect()
}

/// The verdicts of both snapshots: the first was never set back to.
fn assert_told(ls: &Value, revert: Revert, how: &str) {
    let first = snapshot_of(ls, 2);
    assert_eq!(first["verdict"]["reverted"], "no-sign", "{how}: {first:#}");
    assert_eq!(first["taken"], FIRST);
    let second = snapshot_of(ls, 3);
    let wanted = if revert == Revert::None {
        "no-sign"
    } else {
        "likely"
    };
    assert_eq!(second["verdict"]["reverted"], wanted, "{how}: {second:#}");
    assert_eq!(second["taken"], SECOND);
    if revert != Revert::None {
        assert!(
            second.to_string().contains("2026-06-20"),
            "{how}: {second:#}"
        );
    }
    assert!(ls["complete"].as_bool().unwrap());
    for disk in ls["disks"].as_array().unwrap() {
        assert_eq!(disk["findings"], serde_json::json!([]), "{how}: {disk:#}");
    }
}

#[test]
fn two_snapshots_months_apart_are_judged_each_by_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for revert in [Revert::None, Revert::Clone, Revert::InPlace] {
        let image = put(folder.path(), acts(&[400], revert).devices()).remove(0);
        assert_told(&json_of(&["ls", "--json"], &image), revert, "alone");
        let gate = |digit: u8| json_of(&["gate", "--json", "--snapshot", &id(digit)], &image);
        let told = gate(2);
        assert_eq!(told["verdict"], "pass", "{told:#}");
        assert!(
            !told.to_string().contains("owned by no snapshot"),
            "{told:#}"
        );
        let told = gate(3);
        let wanted = if revert == Revert::None {
            "pass"
        } else {
            "refuse"
        };
        assert_eq!(told["verdict"], wanted, "{told:#}");
    }
}

#[test]
fn pieces_stripes_several_devices_and_a_partition_are_the_same_to_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    // One device is too small for all of it.
    let paths = put(folder.path(), acts(&[50, 400], Revert::Clone).devices());
    let both = json_of(&["ls", "--json", paths[0].to_str().unwrap()], &paths[1]);
    assert_told(&both, Revert::Clone, "two devices");
    // Behind a partition table of the old kind, in the second partition.
    let whole = acts(&[400], Revert::Clone).devices().remove(0);
    let mut disk = vec![0; 3 << 20];
    let mut entry = |at: usize, kind: u8, start: u32, len: u32| {
        disk[at + 4] = kind;
        disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&len.to_le_bytes());
    };
    entry(446, 0x83, 2048, 2048);
    entry(462, 0x8e, 6144, u32::try_from(whole.len() / 512).unwrap());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk.extend(&whole);
    let path = folder.path().join("sdb.raw");
    fs::write(&path, disk).unwrap();
    assert_told(
        &json_of(&["ls", "--json"], &path),
        Revert::Clone,
        "behind an MBR",
    );
    // A volume that grew around another one is in pieces, and one lies in stripes.
    let (len, volume) = vhd_volume(&self::disk(8, None, MADE, false), EXTENT);
    let (content, footer) = volume.split_at(volume.len() - 512);
    let group = GroupBuilder::new(SR, EXTENT, 1 << 20, &[200, 200], at(MADE))
        .create(&name(8), EXTENT, at(MADE))
        .create(&name(7), EXTENT, at(FIRST))
        .extend(&name(8), EXTENT, at(FIRST))
        .create("LV-spacer", EXTENT, at(FIRST))
        .extend(&name(8), len, at(SECOND));
    let grown = 2 * EXTENT + len;
    let group = group
        .write(&name(8), 0, content)
        .write(&name(8), grown - 512, footer)
        .create_striped(&name(9), len, 2, EXTENT, at(SECOND));
    let striped = len.next_multiple_of(2 * EXTENT);
    let group = group
        .write(&name(9), 0, content)
        .write(&name(9), striped - 512, footer);
    let paths = put(folder.path(), group.devices());
    let ls = json_of(&["ls", "--json", paths[0].to_str().unwrap()], &paths[1]);
    for digit in [8, 9] {
        let row = row_of(&ls, &name(digit));
        assert_eq!(row["blocks"]["full"], 1, "{row:#}");
        assert_eq!(row["state"].as_str(), Some("ok"), "{row:#}");
    }
}

#[test]
fn a_disk_put_aside_for_a_merge_is_read_and_stops_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    // While 1 is merged into its parent 5, it is put aside, and 5 has its name.
    for aside in [format!("VHD-OLD_{}", id(1)), format!("OLD_{}", id(1))] {
        let group = acts(&[400], Revert::None);
        let group = group.rename(&name(1), &aside, at(REVERTED));
        let group = group.rename(&name(5), &name(1), at(REVERTED));
        let image = put(folder.path(), group.devices()).remove(0);
        let ls = json_of(&["ls", "--json"], &image);
        let row = row_of(&ls, &aside);
        assert_eq!(row["kind"], "differencing", "{row:#}");
        assert!(
            row["parent"]["resolved"]
                .as_str()
                .unwrap()
                .ends_with(&name(1))
        );
        let check = json_of(&["check", "--json"], &image);
        assert!(
            codes_of(&check, &aside).contains(&"journal-old-leaf".to_owned()),
            "{check:#}"
        );
        let gate = json_of(&["gate", "--json", "--snapshot", &id(3)], &image);
        assert_eq!(gate["verdict"], "refuse");
        assert!(
            gate["reasons"].to_string().contains("merge-unfinished"),
            "{gate:#}"
        );
    }
}
