//! Every kind of damage of a VHD store: a precise finding, a row for the disk, exit code 1, no crash and no hang.

use std::fs;
use std::process::Command;

use vhdtree::build::vhd::{Locator, VhdBuilder, edit_footers, edit_header, seal, set_entry};

use crate::runner::{Dice, damaged, expect, json_of, vhdtree};

const SIZE: u64 = 64 << 20;

fn dynamic() -> VhdBuilder {
    VhdBuilder::dynamic(SIZE)
        .id(1)
        .write(5, &[1; 512 * 3])
        .write(9000, &[2; 512 * 7])
}

fn child(id: u128, parent: u128, parent_name: &str) -> VhdBuilder {
    VhdBuilder::differencing(SIZE)
        .id(id)
        .parent(parent, parent_name)
        .locator(Locator::relative(&format!(r".\{parent_name}")))
        .write(17, &[3; 512])
}

#[test]
fn a_healthy_store_passes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.vhd"), dynamic().build()).unwrap();
    fs::write(folder.path().join("b.avhd"), child(2, 1, "a.vhd").build()).unwrap();
    let output = vhdtree(&["check"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
}

#[test]
fn truncated_at_each_structure() {
    let whole = dynamic().build();
    let codes = [
        "vhd-footer-end-damaged",
        "vhd-no-footer",
        "vhd-header-missing",
        "vhd-table-past-end",
        "vhd-block-cut",
        "vhd-block-past-end",
        "file-too-short",
        "not-a-disk",
    ];
    // In the footer's copy, the header, the table, the first bitmap, the first block, and around the end footer.
    let near_end = [whole.len() - 512, whole.len() - 200];
    for len in [300, 511, 512, 700, 1535, 1536, 1600, 2048, 2100, 400_000]
        .into_iter()
        .chain(near_end)
    {
        damaged("cut.vhd", &whole[..len], &codes);
    }
}

#[test]
fn checksums_zero_and_wrong() {
    for change in [
        |bytes: &mut [u8]| bytes[64..68].fill(0),
        |bytes: &mut [u8]| bytes[67] ^= 1,
    ] {
        let mut file = dynamic().build();
        let end = file.len() - 512;
        change(&mut file[end..]);
        damaged(
            "sum.vhd",
            file,
            &["vhd-footer-end-damaged", "vhd-footer-checksum"],
        );
    }
    let mut file = dynamic().build();
    let end = file.len() - 512;
    file[64..68].fill(0);
    file[end + 64..end + 68].fill(0);
    damaged("both.vhd", file, &["vhd-footer-checksum"]);
    let mut file = dynamic().build();
    file[512 + 36] ^= 1;
    damaged("header.vhd", file, &["vhd-header-checksum"]);
}

#[test]
fn tables_huge_zero_and_absurd() {
    for (entries, codes) in [
        (u32::MAX, &["vhd-table-claim", "vhd-table-past-end"][..]),
        (0, &["vhd-table-short"]),
        (3, &["vhd-table-short"]),
    ] {
        let mut file = dynamic().build();
        edit_header(&mut file, |header| {
            header[28..32].copy_from_slice(&entries.to_be_bytes());
        });
        damaged("table.vhd", file, codes);
    }
    for size in [0_u32, 513, 1, 0x8000_0000] {
        let mut file = dynamic().build();
        edit_header(&mut file, |header| {
            header[32..36].copy_from_slice(&size.to_be_bytes());
        });
        damaged("blocks.vhd", file, &["vhd-block-size"]);
    }
    for offset in [0_u64, 512, u64::MAX, 1 << 60] {
        let mut file = dynamic().build();
        edit_header(&mut file, |header| {
            header[16..24].copy_from_slice(&offset.to_be_bytes());
        });
        damaged(
            "place.vhd",
            file,
            &["vhd-table-in-header", "vhd-table-past-end"],
        );
    }
    for size in [0_u64, 1 << 62, u64::MAX] {
        let mut file = dynamic().build();
        edit_footers(&mut file, |footer| {
            footer[40..48].copy_from_slice(&size.to_be_bytes());
            footer[48..56].copy_from_slice(&size.to_be_bytes());
        });
        damaged("size.vhd", file, &["vhd-size", "vhd-table-short"]);
    }
}

#[test]
fn entries_past_the_end_overlapping_and_in_the_header() {
    let mut file = dynamic().build();
    set_entry(&mut file, 0, 0x7fff_fff0);
    damaged("end.vhd", file, &["vhd-block-past-end"]);
    let mut file = dynamic().build();
    set_entry(&mut file, 0, 1);
    damaged("head.vhd", file, &["vhd-block-in-header"]);
    let mut file = dynamic().build();
    let entry = file[1536..1540].to_vec();
    file[1540..1544].copy_from_slice(&entry);
    damaged("same.vhd", file, &["vhd-block-overlap"]);
    let mut file = dynamic().build();
    let first = u32::from_be_bytes(file[1536..1540].try_into().unwrap());
    set_entry(&mut file, 7, first + 100);
    damaged("near.vhd", file, &["vhd-block-overlap"]);
}

#[test]
fn cycles_of_one_and_two() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("self.avhd"),
        child(4, 4, "self.avhd").build(),
    )
    .unwrap();
    expect(folder.path(), "self.avhd", &["parent-cycle"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.avhd"), child(4, 5, "b.avhd").build()).unwrap();
    fs::write(folder.path().join("b.avhd"), child(5, 4, "a.avhd").build()).unwrap();
    expect(folder.path(), "a.avhd", &["parent-cycle"]);
    expect(folder.path(), "b.avhd", &["parent-cycle"]);
}

#[test]
fn parents_missing_replaced_and_twice() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.vhd");
    fs::write(
        folder.path().join("leaf.avhd"),
        child(2, 1, "base.vhd").build(),
    )
    .unwrap();
    expect(folder.path(), "leaf.avhd", &["parent-missing"]);
    fs::write(&base, dynamic().id(99).build()).unwrap();
    expect(folder.path(), "leaf.avhd", &["parent-id-mismatch"]);
    fs::write(&base, dynamic().build()).unwrap();
    fs::write(folder.path().join("copy of base.vhd"), dynamic().build()).unwrap();
    expect(folder.path(), "base.vhd", &["duplicate-id"]);
    expect(folder.path(), "copy of base.vhd", &["duplicate-id"]);
}

#[test]
fn a_chain_of_sixty() {
    let folder = tempfile::tempdir().unwrap();
    let name = |level: u128| {
        if level == 0 {
            "d00.vhd".to_owned()
        } else {
            format!("d{level:02}.avhd")
        }
    };
    fs::write(folder.path().join(name(0)), dynamic().id(100).build()).unwrap();
    for level in 1..60 {
        let disk = child(100 + level, 99 + level, &name(level - 1));
        fs::write(folder.path().join(name(level)), disk.build()).unwrap();
    }
    expect(folder.path(), "d59.avhd", &["chain-deep", "chain-too-deep"]);
    let json = json_of(&["ls", "--json"], folder.path());
    let disks = json["disks"].as_array().unwrap();
    assert_eq!(
        disks.iter().filter_map(|disk| disk["depth"].as_u64()).max(),
        Some(59)
    );
}

#[test]
fn random_bytes_behind_a_good_footer() {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for _ in 0..5 {
        let mut file = dynamic().build();
        let end = file.len() - 512;
        for byte in &mut file[512..end] {
            *byte = dice.roll(1 << 32).to_le_bytes()[0];
        }
        damaged("noise.vhd", file, &["vhd-header-missing"]);
    }
}

#[test]
fn names_with_escape_codes_and_bad_utf16() {
    let folder = tempfile::tempdir().unwrap();
    let disk = child(2, 1, "evil\u{1b}[2J\n\u{202e}.vhd");
    fs::write(folder.path().join("esc\u{1b}[31m.avhd"), disk.build()).unwrap();
    for arguments in [
        &["check"][..],
        &["ls"],
        &["check", "--json"],
        &["ls", "--json"],
    ] {
        let output = vhdtree(arguments, folder.path());
        assert!(
            !output.stdout.contains(&0x1b),
            "{arguments:?} sends an escape code"
        );
    }
    expect(folder.path(), "avhd", &["parent-missing"]);

    let mut file = child(2, 1, "base.vhd").build();
    edit_header(&mut file, |header| {
        header[64..68].copy_from_slice(&[0xd8, 0x00, 0x00, 0x41]);
    });
    damaged("utf16.avhd", file, &["vhd-text-damaged"]);
}

#[test]
fn special_files_named_like_disks() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder.vhd")).unwrap();
    expect(folder.path(), "folder.vhd", &["not-a-regular-file"]);
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe.vhd"))
        .status();
    if made.is_ok_and(|status| status.success()) {
        expect(folder.path(), "pipe.vhd", &["not-a-regular-file"]);
    } else {
        println!("skipped: mkfifo");
    }
    fs::write(
        folder.path().join("text.vhd"),
        "this is no disk at all ".repeat(100),
    )
    .unwrap();
    expect(folder.path(), "text.vhd", &["not-a-disk"]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_a_row_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.vhd");
    fs::write(&path, dynamic().build()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("skipped: permissions (running as root)");
        return;
    }
    expect(folder.path(), "locked.vhd", &["disk-denied"]);
}

#[test]
fn a_renamed_disk_is_found_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.bak"), dynamic().build()).unwrap();
    let json = json_of(&["ls", "--json"], folder.path());
    assert_eq!(json["disks"][0]["format"], "vhd");
}

#[test]
fn a_poisoned_footer_is_named() {
    let mut file = dynamic().build();
    let end = file.len() - 512;
    for at in [0, end] {
        file[at..at + 8].copy_from_slice(b"v_poison");
        seal(&mut file[at..at + 512], 64);
    }
    damaged("poison.vhd", file, &["vhd-poisoned"]);
}
