//! The reader against groups written by the builder, healthy and damaged.

use std::sync::Arc;

use super::*;
use crate::build::lvm::GroupBuilder;
use crate::source::MemorySource;

const EXTENT: u64 = 64 << 10;
const SIZE: usize = 64 << 10;
const AREA: u64 = 60 << 10;

fn found(devices: &[Vec<u8>]) -> Vec<PhysicalVolume> {
    let find = |bytes: &Vec<u8>| PhysicalVolume::find(Arc::new(MemorySource(bytes.clone())));
    devices
        .iter()
        .map(|bytes| find(bytes).unwrap().unwrap())
        .collect()
}

/// Bytes that differ from place to place.
fn content(len: u64) -> Vec<u8> {
    (0..len).map(|at| (at / 7 % 251).to_le_bytes()[0]).collect()
}

fn read(source: &dyn Source) -> Vec<u8> {
    read_up_to(source, 0, usize::MAX).unwrap()
}

fn group() -> GroupBuilder {
    GroupBuilder::new("rl", EXTENT, AREA, &[9, 8], 1_700_000_000)
}

#[test]
fn pieces_stripes_and_mirrors_read_back_what_was_written() {
    let data = content(6 * EXTENT);
    let devices = group()
        .create("swap", EXTENT, 1)
        .create("root", 2 * EXTENT, 2)
        .remove("swap", 3)
        .extend("root", EXTENT, 4)
        .create_striped("fast", 4 * EXTENT, 2, 4096, 5)
        .create_leg("safe_rmeta_0", EXTENT, 1, 6)
        .create_leg("safe_rimage_0", 2 * EXTENT, 1, 6)
        .create_raw(
            "safe",
            "segment1 {\nstart_extent = 0\nextent_count = 2\ntype = \"raid1\"\ndevice_count = 2\nraids = [\"safe_rmeta_1\", \"safe_rimage_1\", \"safe_rmeta_0\", \"safe_rimage_0\"]\n}\n",
            7,
        )
        .create("wide", 6 * EXTENT, 8)
        .write("root", 0, &data[..3 * SIZE])
        .write("fast", 0, &data[..4 * SIZE])
        .write("safe_rimage_0", 0, &data[..2 * SIZE])
        .write("wide", 0, &data)
        .devices();
    let given = found(&devices);
    let LvmMetadata { group, faults, .. } = given[1].metadata().unwrap();
    assert!(faults.is_empty());
    assert_eq!(
        (&*group.name, group.seqno, group.extent_bytes),
        ("rl", 10, EXTENT)
    );
    assert_eq!(group.written.unwrap().as_second(), 8);
    for (name, extents) in [("root", 3_u64), ("fast", 4), ("safe", 2), ("wide", 6)] {
        let volume = group.volume(name).unwrap();
        assert_eq!(volume.size_bytes, extents * EXTENT);
        assert!(volume.is_visible);
        let source = group.source(volume, &given).unwrap();
        assert!(
            read(&source) == data[..usize::try_from(extents).unwrap() * SIZE],
            "{name}"
        );
        let mut middle = vec![0; 9000];
        source.read_exact_at(&mut middle, EXTENT - 4500).unwrap();
        assert!(middle == data[SIZE - 4500..][..9000], "{name}");
        assert!(
            source
                .read_exact_at(&mut middle, extents * EXTENT - 8999)
                .is_err()
        );
    }
    assert!(!group.volume("safe_rimage_0").unwrap().is_visible);
    let root = group.volume("root").unwrap();
    assert_eq!(root.created.unwrap().as_second(), 2);
    // One physical volume alone tells what lies on the other.
    let first = &given[..1];
    assert!(group.source(root, first).is_ok());
    for name in ["fast", "wide", "safe"] {
        let why = group
            .source(group.volume(name).unwrap(), first)
            .unwrap_err();
        assert_eq!(why, Unread::Elsewhere(vec!["pv1".to_owned()]), "{name}");
    }
}

#[test]
fn kinds_that_are_not_read_and_segments_past_the_end_are_named() {
    let segment = |kind: &str, at: u64| {
        format!(
            "segment1 {{\nstart_extent = 0\nextent_count = 2\ntype = \"{kind}\"\nstripe_count = 1\nstripes = [\"pv0\", {at}]\n}}\n"
        )
    };
    let devices = group()
        .create_raw("thin", &segment("thin", 0), 1)
        .create_raw("flagged", &segment("striped+SOMETHING", 0), 2)
        .create_raw("past", &segment("striped", 11), 3)
        .create_raw("far", &segment("striped", u64::MAX >> 1), 4)
        .devices();
    let given = found(&devices);
    let group = given[0].metadata().unwrap().group;
    let why = |name: &str| group.source(group.volume(name).unwrap(), &given).err();
    assert_eq!(why("thin"), Some(Unread::Kind("thin".to_owned())));
    assert_eq!(why("flagged"), None);
    assert!(matches!(why("past"), Some(Unread::Damaged(_))));
    assert!(matches!(why("far"), Some(Unread::Damaged(_))));
}

#[test]
fn a_text_that_wraps_around_the_end_of_its_area_is_read() {
    let mut group = group();
    for round in 0..200 {
        group = group.create("v", EXTENT, round).remove("v", round);
        let devices = group.clone().devices();
        let read = found(&devices)[0].metadata().unwrap().group;
        assert_eq!(read.seqno, 3 + 2 * u64::try_from(round).unwrap());
    }
}

#[test]
fn the_ring_tells_what_became_of_volumes_as_far_back_as_it_goes() {
    let made = |name: &str| VolumeChangeKind::Made { name: name.into() };
    let renamed = |from: &str, to: &str| VolumeChangeKind::Renamed {
        from: from.into(),
        to: to.into(),
    };
    let removed = |name: &str| VolumeChangeKind::Removed { name: name.into() };
    let acts = group()
        .create("x", EXTENT, 100)
        .rename("x", "base", 200)
        .create("x", EXTENT, 201)
        .create("s", EXTENT, 202)
        .remove("x", 300)
        .rename("s", "x", 301)
        .tag("x", "hidden", 302);
    let history = |of: &GroupBuilder| {
        let told = found(&of.clone().devices())[0].history().unwrap();
        let told = told.into_iter();
        told.map(|change| (change.at.unwrap().as_second(), change.kind))
            .collect::<Vec<_>>()
    };
    let expected = [
        (100, made("x")),
        (200, renamed("x", "base")),
        (201, made("x")),
        (202, made("s")),
        (300, removed("x")),
        (301, renamed("s", "x")),
    ];
    assert_eq!(history(&acts), expected);
    assert_eq!(history(&group()), []);
    // In a ring that went round, the oldest texts are gone; the volumes still say when they were made.
    let mut later = acts;
    for round in 0..60 {
        later = later
            .create("t", EXTENT, 1000 + round)
            .remove("t", 1000 + round);
        let told = history(&later);
        assert!(told.contains(&(100, made("base"))) || told.contains(&(100, made("x"))));
        assert!(told.contains(&(202, made("x"))) || told.contains(&(202, made("s"))));
        assert_eq!(told.last(), Some(&(1000 + round, removed("t"))));
        assert!(told.is_sorted_by_key(|(at, _)| *at), "{told:?}");
    }
    assert!(
        !history(&later).contains(&(300, removed("x"))),
        "it went round"
    );
}

#[test]
fn the_highest_number_of_all_physical_volumes_counts_and_a_damaged_copy_is_told() {
    let older = group().create("a", EXTENT, 1);
    let newer = older.clone().create("b", EXTENT, 2).devices();
    let older = older.devices();
    let mut damaged = newer[0].clone();
    let at = damaged
        .windows(5)
        .rposition(|bytes| bytes == b"seqno")
        .unwrap();
    damaged[at] ^= 1;
    let given = found(&[older[0].clone(), newer[1].clone()]);
    let numbers: Vec<u64> = given
        .iter()
        .map(|one| one.metadata().unwrap().group.seqno)
        .collect();
    assert_eq!(numbers, [2, 3]);
    let error = found(&[damaged])[0].metadata().unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn what_is_no_label_is_none_and_what_is_a_damaged_one_is_told() {
    let find = |bytes: Vec<u8>| PhysicalVolume::find(Arc::new(MemorySource(bytes)));
    for len in [0, 511, 4096] {
        assert!(find(vec![0; len]).unwrap().is_none());
    }
    let device = group().devices().swap_remove(0);
    assert!(find(device[..1024].to_vec()).unwrap().is_some());
    // The number of its sector is part of a label: this one was copied here.
    assert!(find(device[512..].to_vec()).unwrap().is_none());
    let mut damaged = device.clone();
    damaged[600] ^= 1;
    let error = find(damaged).unwrap_err();
    assert!(
        error.to_string().contains("checksum of the LVM label"),
        "{error}"
    );
    for cut in [1024, 4096, 4100, 4608, 4700] {
        let one = find(device[..cut].to_vec()).unwrap().unwrap();
        assert!(one.metadata().is_err(), "{cut}");
    }
}

#[test]
fn any_single_wrong_byte_is_an_error_or_changes_nothing() {
    let device = group().create("v", 2 * EXTENT, 1).devices().swap_remove(0);
    let whole = found(std::slice::from_ref(&device))[0]
        .metadata()
        .unwrap()
        .group;
    for at in (0..1024).chain(4096..4608) {
        let mut damaged = device.clone();
        damaged[at] ^= 0x40;
        let Ok(Some(one)) = PhysicalVolume::find(Arc::new(MemorySource(damaged))) else {
            continue;
        };
        if let Ok(read) = one.metadata() {
            assert_eq!(read.group, whole, "{at}");
        }
    }
}
