//! Volumes in logical volumes of the guest: in two pieces, by turns on two partitions, on a leg of a mirror; and those that are
//! named only.

use std::ops::ControlFlow;
use std::sync::Arc;

use vhdtree::analysis::files::all::{GuestPath, ListEvent, list_files};
use vhdtree::analysis::files::{FilesEvent, GuestDisk, compare_files};
use vhdtree::build::lvm::GroupBuilder;
use vhdtree::guest::codes;
use vhdtree::job::Job;
use vhdtree::source::ReadCounts;

use super::chains::{Grain, Make, behind_mbr, chain, expected, hold, partitioned};
use super::linux::{CHANGES, states};

const LVM: u8 = 0x8e;
const EXTENT: u64 = 1 << 20;
const AREA: u64 = 60 << 10;

fn group(extents: &[u64]) -> GroupBuilder {
    GroupBuilder::new("rl", EXTENT, AREA, extents, 1_700_000_000)
}

/// `rl/root` in two pieces, with swap between them.
fn two_pieces(bytes: u64) -> GroupBuilder {
    group(&[bytes / EXTENT + 8])
        .create("first", EXTENT, 1)
        .create("root", 3 * EXTENT, 2)
        .create("page", 2 * EXTENT, 3)
        .write("page", 4_086, b"SWAPSPACE2")
        .extend("root", bytes - 3 * EXTENT, 4)
        .remove("first", 5)
}

/// A disk that holds a volume as `rl/root` in two pieces.
pub fn in_two_pieces(state: &[u8]) -> Vec<u8> {
    one_disk(&two_pieces(state.len() as u64), "root", state)
}

/// Holds the known changes against disks made of the two states.
fn hold_on(states: &[Vec<u8>; 2], disk: impl FnMut(&Vec<u8>) -> Vec<u8>) {
    hold(&states.each_ref().map(disk), &expected(CHANGES));
}

fn one_disk(group: &GroupBuilder, volume: &str, state: &[u8]) -> Vec<u8> {
    let devices = group.clone().write(volume, 0, state).devices();
    behind_mbr(&devices[0], LVM)
}

#[test]
fn a_volume_in_two_pieces_tells_the_known_changes() {
    for name in ["ext4-live", "xfs-crashed"] {
        let Some(states) = states(name) else {
            return;
        };
        let group = two_pieces(states[0].len() as u64);
        let disks = states
            .each_ref()
            .map(|state| one_disk(&group, "root", state));
        hold(&disks, &expected(CHANGES));
    }
}

#[test]
fn stripes_and_a_mirrors_leg_tell_the_known_changes() {
    let Some(states) = states("ext4-live") else {
        return;
    };
    let bytes = states[0].len() as u64;
    let extents = bytes / EXTENT;
    let striped = group(&[extents, extents]).create_striped("root", bytes, 2, 64 << 10, 1);
    hold_on(&states, |state| {
        let devices = striped.clone().write("root", 0, state).devices();
        partitioned(&[(&devices[0], LVM), (&devices[1], LVM)])
    });
    let mirror = group(&[extents + 1, extents + 1])
        .create_leg("root_rmeta_0", EXTENT, 0, 1)
        .create_leg("root_rimage_0", bytes, 0, 1)
        .create_raw(
            "root",
            &format!(
                "segment1 {{\nstart_extent = 0\nextent_count = {extents}\ntype = \"raid1\"\ndevice_count = 2\nraids = [\"root_rmeta_1\", \"root_rimage_1\", \"root_rmeta_0\", \"root_rimage_0\"]\n}}\n"
            ),
            2,
        );
    hold_on(&states, |state| one_disk(&mirror, "root_rimage_0", state));
}

/// A volume that was moved between the two states: nothing was written where it lies now but all of it.
#[test]
fn a_volume_that_lies_elsewhere_than_before_is_compared_whole() {
    let Some(states) = states("ext4-live") else {
        return;
    };
    let bytes = states[0].len() as u64;
    let room = [2 * bytes / EXTENT + 2];
    // The later state lies where the first disk holds it already, unused, so that only the metadata were written.
    let both = group(&room)
        .create("was", bytes, 1)
        .create("is", bytes, 2)
        .write("was", 0, &states[0])
        .write("is", 0, &states[1]);
    let names = |old: &str, new: &str| {
        let group = both.clone().rename("was", old, 3).rename("is", new, 4);
        let gone = if old == "root" { new } else { old };
        behind_mbr(&group.remove(gone, 5).devices()[0], LVM)
    };
    let disks = [names("root", "spare"), names("spare", "root")];
    let counts = Arc::new(ReadCounts::default());
    let newest = chain(Make::Vhdx, &disks, Grain::Sector, &counts);
    let oldest = newest.from_link(1).unwrap();
    let (told, report) = super::chains::changes(&oldest, &newest);
    // Volumes of one name and two ids are two volumes.
    assert!(told.is_empty() && !report.complete);
    let is_told = |name: &str| report.findings.iter().any(|(volume, _)| volume == name);
    assert!(is_told("rl/root"), "{:?}", report.findings);
}

#[test]
fn what_is_not_read_is_named_with_the_reason() {
    let segment = |kind: &str| {
        format!("segment1 {{\nstart_extent = 0\nextent_count = 1\ntype = \"{kind}\"\n}}\n")
    };
    let store = "segment1 {\nstart_extent = 0\nextent_count = 1\ntype = \"snapshot\"\nchunk_size = 8\norigin = \"root\"\ncow_store = \"kept\"\n}\n";
    let group = group(&[9, 9])
        .create("root", 4 * EXTENT, 1)
        .create("kept", EXTENT, 1)
        .create("wide", 8 * EXTENT, 2)
        .create_raw("web", &segment("thin"), 3)
        .create_raw("pool", &segment("thin-pool"), 3)
        .create_raw("fast", &segment("cache"), 3)
        .create_raw("small", &segment("vdo"), 3)
        .create_raw("snapshot0", store, 3);
    let state = |text: &[u8]| one_disk(&group, "kept", text);
    let disks = [state(b"before"), state(b"after")];
    let counts = Arc::new(ReadCounts::default());
    let newest = chain(Make::Vhd, &disks, Grain::Sector, &counts);
    let disk = GuestDisk::open(&newest);
    let why = |name: &str| {
        let rows = disk.rows();
        let row = rows.into_iter().find(|(row, _)| row.name == name);
        row.unwrap_or_else(|| panic!("{name}")).0.why.unwrap()
    };
    for (name, kind) in [
        ("web", "thin"),
        ("fast", "cache"),
        ("small", "vdo"),
        ("kept", "snapshot"),
    ] {
        let why = why(&format!("rl/{name}"));
        assert_eq!(why.code, &codes::GUEST_NOT_READ, "{name}");
        let text = format!("a logical volume of the kind {kind}, which is not read");
        assert_eq!(why.text, text);
    }
    let wide = why("rl/wide");
    assert_eq!(wide.code, &codes::GUEST_ELSEWHERE);
    assert_eq!(wide.text, "a part of it lies on pv1, not on this disk");
    // What was written may be theirs, so the answer is not the whole one; a pool holds no files itself.
    let mut rows = Vec::new();
    let oldest = newest.from_link(1).unwrap();
    let report = compare_files(&oldest, &newest, u64::MAX, &Job::default(), &mut |event| {
        if let FilesEvent::Volume(row) = event {
            rows.push(row.clone());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(!report.complete);
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(row("rl/kept").written_bytes, 512);
    assert!(row("rl/kept").hides_files() && !row("rl/pool").hides_files());
    assert_eq!(row("rl/root").written_bytes, 0);
    // The other disk of the group says of what its volumes are.
    let second = group.devices().swap_remove(1);
    let disk = behind_mbr(&second, LVM);
    let chain = chain(Make::Vhd, &[disk], Grain::Sector, &counts);
    let disk = GuestDisk::open(&chain);
    let rows = disk.rows();
    let root = rows.iter().find(|(row, _)| row.name == "rl/root").unwrap();
    let why = root.0.why.as_ref().unwrap();
    assert_eq!(why.text, "a part of it lies on pv0, not on this disk");
}

#[test]
fn a_path_in_a_logical_volume_is_named_by_group_and_volume() {
    let Some([_, state]) = states("xfs-crashed") else {
        return;
    };
    let group = two_pieces(state.len() as u64);
    let disk = one_disk(&group, "root", &state);
    let counts = Arc::new(ReadCounts::default());
    let chain = chain(Make::Vhdx, &[disk], Grain::Sector, &counts);
    let mut found = Vec::new();
    let path = GuestPath::parse("rl/root:/fresh");
    let report = list_files(&chain, Some(&path), &Job::default(), &mut |event| {
        if let ListEvent::File { volume, path, .. } = event {
            found.push(format!("{}:{path}", volume.name));
        }
        ControlFlow::Continue(())
    });
    assert!(report.complete, "{:?}", report.findings);
    assert_eq!(found, ["rl/root:/fresh/in.txt", "rl/root:/fresh/last.txt"]);
}
