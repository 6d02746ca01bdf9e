//! Parents, cycles, locators, names.

use super::*;

#[test]
fn a_newer_header_that_is_bad_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let mut base = dynamic().build();
    // The newer header says that the parent was written since, but its checksum says that it is no header.
    put(&mut base, HEADERS[1] + 32, &[0xee; 16]);
    fs::write(folder.path().join("a.vhdx"), &base).unwrap();
    fs::write(folder.path().join("b.avhdx"), child(2, 1, "a.vhdx").build()).unwrap();
    expect(folder.path(), "a.vhdx", &["vhdx-header-copy"]);
    let row = row_of(&json_of(&["ls", "--json"], folder.path()), "b.avhdx").clone();
    assert_eq!(row["parent"]["state"], "ok", "by the older header");
    reseal(&mut base, HEADERS[1], 4096);
    fs::write(folder.path().join("a.vhdx"), &base).unwrap();
    let row = expect(folder.path(), "b.avhdx", &["parent-written-after"]);
    assert_eq!(row["parent"]["state"], "id-mismatch");
}

#[test]
fn locators_that_say_nothing_or_too_much() {
    let differencing = || VhdxBuilder::differencing(SIZE).block_size(1 << 20);
    damaged(
        "none.avhdx",
        differencing().build(),
        &["vhdx-locator", "vhdx-metadata-missing"],
    );
    let no_linkage = differencing().locator_entry("relative_path", r".\base.vhdx");
    damaged("link.avhdx", no_linkage.build(), &["vhdx-locator-linkage"]);
    let bad_linkage = no_linkage.locator_entry("parent_linkage", "{not a guid}");
    damaged("link.avhdx", bad_linkage.build(), &["vhdx-locator-linkage"]);
    let no_path = differencing().parent(id(1), &[]);
    damaged("path.avhdx", no_path.build(), &["vhdx-locator-paths"]);
    let unused = dynamic().parent(id(1), &[("relative_path", "a.vhdx")]);
    damaged("unused.vhdx", unused.build(), &["vhdx-locator-unused"]);

    let sound = child(2, 1, "base.vhdx").build();
    let at = item_data(&sound, vhdtree::format::vhdx::metadata::PARENT_LOCATOR);
    let mut file = sound.clone();
    file[at] ^= 1;
    damaged("type.avhdx", file, &["vhdx-locator-type"]);
    // Offsets and lengths of the first key and value, and the number of pairs.
    for (into, bytes) in [
        (20, &[0xff; 4][..]),
        (24, &[0xff; 4]),
        (28, &[0xff; 2]),
        (30, &[0xff; 2]),
        (18, &[0xff; 2]),
    ] {
        let mut file = sound.clone();
        put(&mut file, at + into, bytes);
        damaged("pair.avhdx", file, &["vhdx-locator"]);
    }
    for path in [r"\\.\PhysicalDrive0", r"..\..\NUL", r".\base.vhdx:stream"] {
        let device = differencing().parent(id(1), &[("relative_path", path)]);
        damaged(
            "device.avhdx",
            device.build(),
            &["locator-refused", "parent-missing"],
        );
    }
}

#[test]
fn cycles_of_one_and_two() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("self.avhdx"),
        child(4, 4, "self.avhdx").build(),
    )
    .unwrap();
    let row = expect(folder.path(), "self.avhdx", &["parent-cycle"]);
    assert_eq!(row["parent"]["state"], "cycle");
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.avhdx"),
        child(4, 5, "b.avhdx").build(),
    )
    .unwrap();
    fs::write(
        folder.path().join("b.avhdx"),
        child(5, 4, "a.avhdx").build(),
    )
    .unwrap();
    expect(folder.path(), "a.avhdx", &["parent-cycle"]);
    expect(folder.path(), "b.avhdx", &["parent-cycle"]);
}

#[test]
fn parents_missing_replaced_written_and_twice() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.vhdx");
    fs::write(
        folder.path().join("leaf.avhdx"),
        child(2, 1, "base.vhdx").build(),
    )
    .unwrap();
    let row = expect(folder.path(), "leaf.avhdx", &["parent-missing"]);
    assert_eq!(row["parent"]["state"], "missing");

    fs::write(&base, dynamic().data_write_id(id(99)).build()).unwrap();
    expect(folder.path(), "leaf.avhdx", &["parent-written-after"]);
    for command in ["check", "info"] {
        let target = if command == "info" {
            folder.path().join("leaf.avhdx")
        } else {
            folder.path().to_path_buf()
        };
        let output = vhdtree(&[command], &target);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("was written after this disk was made"),
            "{command}: {text}"
        );
    }

    fs::write(&base, dynamic().build()).unwrap();
    fs::write(folder.path().join("copy of base.vhdx"), dynamic().build()).unwrap();
    expect(folder.path(), "base.vhdx", &["duplicate-id"]);
    expect(folder.path(), "copy of base.vhdx", &["duplicate-id"]);
}

#[test]
fn another_disk_in_the_parents_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("leaf.avhdx"),
        child(2, 1, "base.vhdx").build(),
    )
    .unwrap();
    let other = dynamic().disk_id(id(78)).data_write_id(id(99));
    fs::write(folder.path().join("base.vhdx"), other.build()).unwrap();
    let row = expect(
        folder.path(),
        "leaf.avhdx",
        &["parent-id-mismatch", "parent-written-after"],
    );
    assert_eq!(row["parent"]["state"], "id-mismatch");
}

fn pair(parent: &VhdxBuilder, leaf: &VhdxBuilder, look: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("base.vhdx"), parent.build()).unwrap();
    fs::write(folder.path().join("leaf.avhdx"), leaf.build()).unwrap();
    look(folder.path());
}

#[test]
fn sizes_and_sectors_unlike_the_parents() {
    let other_sectors = VhdxBuilder::dynamic(SIZE)
        .sector_size(4096)
        .data_write_id(id(1));
    pair(&other_sectors, &child(2, 1, "base.vhdx"), |folder| {
        expect(folder, "leaf.avhdx", &["parent-sector-size-differs"]);
    });
    let longer = VhdxBuilder::dynamic(SIZE + (3 << 20)).data_write_id(id(1));
    pair(&longer, &child(2, 1, "base.vhdx"), |folder| {
        expect(folder, "leaf.avhdx", &["parent-enlarged"]);
    });
}

#[test]
fn a_child_of_a_disk_of_the_other_format_finds_no_parent_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let vhd = vhdtree::build::vhd::VhdBuilder::dynamic(SIZE).id(1).build();
    fs::write(folder.path().join("base.vhdx"), vhd).unwrap();
    fs::write(
        folder.path().join("leaf.avhdx"),
        child(2, 1, "base.vhdx").build(),
    )
    .unwrap();
    let row = expect(
        folder.path(),
        "leaf.avhdx",
        &["parent-id-mismatch", "parent-missing"],
    );
    assert_ne!(row["parent"]["state"], "ok");
}

#[test]
fn a_chain_of_sixty() {
    let folder = tempfile::tempdir().unwrap();
    let name = |level: u128| {
        if level == 0 {
            "d00.vhdx".to_owned()
        } else {
            format!("d{level:02}.avhdx")
        }
    };
    fs::write(
        folder.path().join(name(0)),
        dynamic().data_write_id(id(100)).build(),
    )
    .unwrap();
    for level in 1..60 {
        let disk = child(100 + level, 99 + level, &name(level - 1));
        disk.build_to(&folder.path().join(name(level))).unwrap();
    }
    let row = expect(
        folder.path(),
        "d59.avhdx",
        &["chain-deep", "chain-too-deep"],
    );
    assert_eq!(row["depth"], 59);
}

#[test]
fn names_with_escape_codes_and_bad_utf16() {
    let folder = tempfile::tempdir().unwrap();
    let disk = child(2, 1, "evil\u{1b}[2J\n\u{202e}.vhdx").creator("by\u{1b}[31m\u{7}me");
    let path = folder.path().join("esc\u{1b}[31m.avhdx");
    fs::write(&path, disk.build()).unwrap();
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
    for arguments in [
        &["info"][..],
        &["info", "--json"],
        &["map"],
        &["map", "--json"],
    ] {
        let output = vhdtree(arguments, &path);
        assert!(
            !output.stdout.contains(&0x1b),
            "{arguments:?} sends an escape code"
        );
        assert!(
            !output.stderr.contains(&0x1b),
            "{arguments:?} sends an escape code"
        );
    }
    expect(folder.path(), "avhdx", &["parent-missing"]);

    let mut file = dynamic().build();
    put(&mut file, 8, &[0x00, 0xd8, 0x41, 0x00]);
    fs::write(folder.path().join("creator.vhdx"), file).unwrap();
    let check = json_of(&["check", "--json"], folder.path());
    assert_eq!(codes_of(&check, "creator.vhdx"), ["vhdx-creator"]);
}
