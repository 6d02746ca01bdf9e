//! Volumes whose files are not read: each is named with its reason, and the answer is "cannot tell", never that nothing
//! differs.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vhdtree::build::lvm::GroupBuilder;
use vhdtree::build::vhd::VhdBuilder;

use super::chains::{behind_mbr, content, differing_pages, has, tool};
use super::cp::{code, vhdtree};

const VOLUME: usize = 4 << 20;
const BASIC: u8 = 0x07;
const LVM: u8 = 0x8e;

/// A base and a child that differ.
fn store(folder: &Path, before: &[u8], after: &[u8]) {
    let _ = fs::remove_dir_all(folder.join("store"));
    fs::create_dir(folder.join("store")).unwrap();
    let size = before.len() as u64;
    let base = VhdBuilder::dynamic(size).id(1).write(0, before);
    base.build_to(&folder.join("store/base.vhd")).unwrap();
    let mut child = VhdBuilder::differencing(size).id(2).parent(1, "base.vhd");
    for run in differing_pages(before, after) {
        child.write_more((run.start / 512) as u64, &after[run]);
    }
    child.build_to(&folder.join("store/child.avhd")).unwrap();
}

/// What is asked about a disk of which one volume was written whose mark says that it is not read.
fn is_told(folder: &Path, volume: &str, fs: &str, why: &str) {
    let child = "store/child.avhd";
    let info = vhdtree(folder, &["info", child]);
    let info = String::from_utf8(info.stdout).unwrap();
    let told = info
        .lines()
        .find(|line| line.trim_start().starts_with(volume));
    let told = told.unwrap_or_else(|| panic!("{fs}: {info}"));
    assert!(told.contains(fs) && told.contains(why), "{fs}: {told}");
    is_told_by_files(folder, volume, fs, why);
}

/// What is asked about a disk of which one volume was written that is not read.
fn is_told_by_files(folder: &Path, volume: &str, fs: &str, why: &str) {
    let child = "store/child.avhd";
    let page = vhdtree(folder, &["files", child]);
    let text = String::from_utf8(page.stdout.clone()).unwrap();
    assert_eq!(code(&page), 3, "{fs}: {text}");
    let line = text.lines().find(|line| line.starts_with(volume));
    let line = line.unwrap_or_else(|| panic!("{fs}: {text}"));
    assert!(line.contains(fs) && line.contains(why), "{fs}: {line}");
    for quiet in ["nothing", "no file differs", "no files differ"] {
        assert!(!text.contains(quiet), "{fs}: {text}");
    }
    let json = vhdtree(folder, &["files", child, "--json"]);
    assert_eq!(code(&json), 3, "{fs}");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["complete"], false, "{fs}");
    let rows = json["volumes"].as_array().unwrap();
    let row = rows.iter().find(|row| row["volume"] == volume).unwrap();
    assert_eq!(row["readable"], false, "{fs}");
    assert!(row["why"].as_str().unwrap().contains(why), "{fs}: {row}");
    assert!(row["written"].as_u64().unwrap() > 0, "{fs}: {row}");
    assert_eq!(json["files"].as_array().unwrap().len(), 0);
    let lines = vhdtree(folder, &["files", child, "--ndjson"]);
    assert_eq!(code(&lines), 3, "{fs}");
    let all = vhdtree(folder, &["files", child, "--all"]);
    assert_eq!(code(&all), 3, "{fs}");
    let all = String::from_utf8(all.stdout).unwrap();
    assert!(all.contains(why), "{fs}: {all}");
    let owners = vhdtree(folder, &["map", child, "--owners"]);
    let owners = String::from_utf8(owners.stdout).unwrap();
    assert!(owners.contains("unreadable"), "{fs}: {owners}");
    let copied = vhdtree(folder, &["cp", child, &format!("{volume}:/a"), "out"]);
    assert!(code(&copied) >= 2, "{fs}");
    assert!(!folder.join("out").exists());
}

#[test]
fn what_is_written_into_a_volume_that_is_not_read_is_never_called_nothing() {
    const NOT_YET: &str = "not read yet";
    const ENCRYPTED: &str = "contents are encrypted";
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let magic_of_raid = [0xfc, 0x4e, 0x2b, 0xa9];
    let to_go = [
        0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0,
        0x01,
    ];
    let kinds: [(&str, u8, usize, &[u8], &str); 14] = [
        ("BitLocker", BASIC, 3, b"-FVE-FS-", ENCRYPTED),
        ("BitLocker", 0x0c, 0x1a8, &to_go, ENCRYPTED),
        ("LUKS", 0x83, 0, b"LUKS\xba\xbe\0\x01", ENCRYPTED),
        ("LUKS", 0x83, 0, b"LUKS\xba\xbe\0\x02", ENCRYPTED),
        ("ReFS", BASIC, 3, b"ReFS\0\0\0\0", NOT_YET),
        ("exFAT", BASIC, 3, b"EXFAT   ", NOT_YET),
        ("btrfs", 0x83, 0x1_0040, b"_BHRfS_M", NOT_YET),
        ("Linux RAID", 0xfd, 0, &magic_of_raid, "software RAID"),
        ("Linux RAID", 0xfd, 4_096, &magic_of_raid, "software RAID"),
        // 0.90 and 1.0 stand at the end.
        (
            "Linux RAID",
            0x83,
            VOLUME - 0x1_0000,
            &magic_of_raid,
            "software RAID",
        ),
        (
            "Linux RAID",
            0x83,
            VOLUME - (8 << 10),
            &magic_of_raid,
            "software RAID",
        ),
        ("Storage Spaces", BASIC, 4_096, b"SPACEDB ", "storage pool"),
        ("dynamic disk", 0x42, 0, b"", "dynamic disk (LDM)"),
        (
            "",
            0x83,
            0,
            b"",
            "not formatted, or of a kind that is not known",
        ),
    ];
    for (fs, kind, at, mark, why) in kinds {
        let mut volume = vec![0; VOLUME];
        volume[at..at + mark.len()].copy_from_slice(mark);
        let before = behind_mbr(&volume, kind);
        volume[2 << 20..][..5_000].fill(7);
        store(folder, &before, &behind_mbr(&volume, kind));
        is_told(folder, "p1", fs, why);
    }
}

/// Swap holds no files: it is named with what was written, and the answer is whole.
#[test]
fn swap_is_named_and_hides_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    for end in [4_096, 8_192, 16_384, 65_536] {
        let mut volume = vec![0; VOLUME];
        volume[end - 10..end].copy_from_slice(b"SWAPSPACE2");
        let before = behind_mbr(&volume, 0x82);
        volume[2 << 20..][..5_000].fill(7);
        store(folder, &before, &behind_mbr(&volume, 0x82));
        let page = vhdtree(folder, &["files", "store/child.avhd"]);
        let text = String::from_utf8(page.stdout.clone()).unwrap();
        assert_eq!(code(&page), 0, "{text}");
        assert!(
            text.contains("swap: it holds no files; 8.0 KiB written"),
            "{text}"
        );
    }
}

#[test]
fn logical_volumes_that_are_not_read_are_named() {
    const EXTENT: u64 = 1 << 20;
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let segment = |kind: &str| {
        format!("segment1 {{\nstart_extent = 0\nextent_count = 1\ntype = \"{kind}\"\n}}\n")
    };
    let disk = |group: &GroupBuilder| behind_mbr(&group.clone().devices()[0], LVM);
    for kind in [
        "thin",
        "cache",
        "writecache",
        "vdo",
        "raid5",
        "raid10",
        "error",
    ] {
        // What a thin volume, a cache or the like holds lies in others, which are hidden; here all that was written is.
        let group = GroupBuilder::new("rl", EXTENT, 60 << 10, &[9], 1_700_000_000)
            .create("home", 4 * EXTENT, 1)
            .create_raw("web", &segment(kind), 2);
        let before = disk(&group.clone().write("home", 0, b"LUKS\xba\xbe\0\x02"));
        let after =
            group
                .write("home", 0, b"LUKS\xba\xbe\0\x02")
                .write("home", 2 << 20, b"another");
        store(folder, &before, &disk(&after));
        is_told(folder, "rl/home", "LUKS", "contents are encrypted");
        let all = vhdtree(folder, &["files", "store/child.avhd", "--all"]);
        let all = String::from_utf8(all.stdout).unwrap();
        let line = all.lines().find(|line| line.starts_with("rl/web"));
        let line = line.unwrap_or_else(|| panic!("{kind}: {all}"));
        assert!(line.contains(kind), "{line}");
    }
}

/// Made by their own tools, with what is not read.
#[test]
fn features_of_ext_and_xfs_that_are_not_read_are_named() {
    if !has("mkfs.xfs") || !has("mke2fs") || !has("debugfs") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let path = |name: &str| {
        let path = folder.join(name);
        fs::File::create(&path).unwrap().set_len(24 << 20).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (image, more) = (path("image"), path("more"));
    let make_xfs = |options: &[&str]| {
        let all = [&["-q", "-f", "--unsupported"], options, &[&*image]].concat();
        tool("mkfs.xfs", &all);
        content(Path::new(&image))
    };
    let make_ext = |request: &str| {
        fs::File::create(&image).unwrap().set_len(24 << 20).unwrap();
        tool("mke2fs", &["-q", "-F", "-text4", &image]);
        tool("debugfs", &["-w", "-R", request, &image]);
        content(Path::new(&image))
    };
    let with_incompat = |bit: u32| {
        let mut volume = make_xfs(&[]);
        let known = u32::from_be_bytes(volume[216..220].try_into().unwrap());
        volume[216..220].copy_from_slice(&(known | bit).to_be_bytes());
        volume
    };
    let log = format!("logdev={more},size=16m");
    let refused = [
        ("XFS", make_xfs(&["-m", "crc=0"]), "XFS version 4"),
        (
            "XFS",
            make_xfs(&["-r", &format!("rtdev={more}")]),
            "XFS with a realtime section",
        ),
        ("XFS", make_xfs(&["-l", &log]), "its log on another device"),
        ("XFS", with_incompat(0x10), "marked to need repair"),
        ("XFS", with_incompat(0x8000), "not known (0x8000)"),
        (
            "ext",
            make_ext("feature compression"),
            "ext with compression",
        ),
        ("ext", make_ext("feature FEATURE_I20"), "ext with 0x100000"),
    ];
    for (fs, volume, why) in refused {
        let before = behind_mbr(&volume, 0x83);
        let mut after = before.clone();
        let free = after.len() - (3 << 20);
        after[free..][..5_000].fill(7);
        store(folder, &before, &after);
        is_told_by_files(folder, "p1", fs, why);
    }
}

/// It can be read, but may show files as they were not.
#[test]
fn a_journal_that_lies_elsewhere_leaves_the_answer_open() {
    if !has("mke2fs") || !has("debugfs") {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let image = folder.join("image");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(24 << 20).unwrap();
    tool("mke2fs", &["-q", "-F", "-text4", name]);
    let clean = content(&image);
    tool("debugfs", &["-w", "-R", "ssv journal_inum 0", name]);
    tool("debugfs", &["-w", "-R", "feature needs_recovery", name]);
    let in_use = content(&image);
    for (before, after) in [(&clean, &in_use), (&in_use, &clean)] {
        store(folder, &behind_mbr(before, 0x83), &behind_mbr(after, 0x83));
        let page = vhdtree(folder, &["files", "store/child.avhd"]);
        let said = String::from_utf8(page.stderr.clone()).unwrap();
        assert_eq!(code(&page), 3, "{said}");
        let why = "the journal cannot be replayed to its end: it lies on another device";
        assert!(said.contains(why), "{said}");
        let json = vhdtree(folder, &["files", "store/child.avhd", "--json"]);
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["complete"], false);
        assert_eq!(json["findings"][0]["code"], "guest-journal-unusable");
    }
    store(
        folder,
        &behind_mbr(&clean, 0x83),
        &behind_mbr(&in_use, 0x83),
    );
    let all = vhdtree(folder, &["files", "store/child.avhd", "--all"]);
    assert_eq!(code(&all), 3);
}
