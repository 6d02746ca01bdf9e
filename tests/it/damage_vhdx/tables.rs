//! Table entries and bitmaps.

use super::*;

#[test]
fn entries_past_the_end_shared_and_on_structures() {
    let sound = dynamic().build();
    let full = |mib: u64| (mib << 20) | 6;
    let with = |index: usize, value: u64| {
        let mut file = sound.clone();
        set_entry(&mut file, index, value);
        file
    };
    let end = (sound.len() / MIB) as u64;
    for mib in [end, end + 1, 1 << 30, (1 << 44) - 1] {
        let row = damaged("end.vhdx", with(2, full(mib)), &["vhdx-table-end"]);
        assert_eq!(row["blocks"]["full"], 2, "the other blocks are counted");
    }
    for mib in [0, 1, 2, 3] {
        damaged("on.vhdx", with(2, full(mib)), &["vhdx-table-structure"]);
    }
    let row = damaged(
        "same.vhdx",
        with(2, entry(&sound, 0)),
        &["vhdx-table-overlap"],
    );
    assert_eq!(row["blocks"]["full"], 2, "the first keeps its place");
    for state in [4, 7] {
        damaged(
            "state.vhdx",
            with(2, full(end - 1) & !7 | state),
            &["vhdx-table-state"],
        );
    }
    damaged(
        "bits.vhdx",
        with(0, entry(&sound, 0) | 8),
        &["vhdx-table-reserved"],
    );
    let mut file = VhdxBuilder::dynamic(4097 << 20).block_size(1 << 20).build();
    set_entry(&mut file, 4096, full(4));
    damaged("bitmap.vhdx", file, &["vhdx-table-bitmap-unused"]);
}

#[test]
fn blocks_of_several_mebibytes_that_share_one_are_found() {
    let mut file = dynamic().block_size(4 << 20).build();
    let first = entry(&file, 0);
    set_entry(&mut file, 9, first + (3 << 20));
    damaged("near.vhdx", file, &["vhdx-table-overlap"]);
}

#[test]
fn bitmaps_missing_under_a_partial_block_shared_and_outside() {
    // The chunk's bitmap entry stands behind 4096 payload entries; the disk's blocks end long before it.
    let chunk = 4096;
    let sound = child(2, 1, "base.vhdx").build();
    let bitmap = entry(&sound, chunk);
    assert_eq!(bitmap & 7, 6);
    let run = |value: u64, codes: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("base.vhdx"), dynamic().build()).unwrap();
        let mut file = sound.clone();
        set_entry(&mut file, chunk, value);
        fs::write(folder.path().join("leaf.avhdx"), &file).unwrap();
        let row = expect(folder.path(), "leaf.avhdx", codes);
        let map = json_of(&["map", "--json"], &folder.path().join("leaf.avhdx"));
        assert_eq!(map["blocks"]["partial"], 0, "{map:#}");
        row
    };
    run(0, &["vhdx-table-bitmap"]);
    for state in [1, 2, 3, 5, 7] {
        run(bitmap & !7 | state, &["vhdx-table-state"]);
        run(bitmap & !7 | state, &["vhdx-table-bitmap"]);
    }
    run((1 << 60) | 6, &["vhdx-table-end"]);
    run((2 << 20) | 6, &["vhdx-table-structure"]);
    let mut file = sound.clone();
    set_entry(&mut file, chunk, entry(&sound, 0) & !7 | 6);
    damaged("shared.avhdx", file, &["vhdx-table-overlap"]);
}

#[test]
fn a_huge_sparse_file_with_one_far_block_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.vhdx");
    let mut bytes = dynamic().build();
    set_entry(&mut bytes, 2, ((1_u64 << 62) - (16 << 20)) | 6);
    fs::write(&path, bytes).unwrap();
    // Not every file system has files of this length; where it cannot be made, the block lies past the end.
    if fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 62)
        .is_err()
    {
        println!("skipped: a file system with files of 4 EiB");
        return;
    }
    let row = expect(folder.path(), "far.vhdx", &["vhdx-table-end"]);
    assert_eq!(row["blocks"]["full"], 2);
}

#[test]
fn a_block_taken_as_full_counts_every_sector_of_a_short_last_block() {
    let folder = tempfile::tempdir().unwrap();
    let leaf = VhdxBuilder::differencing((3 << 20) + 512 * 5)
        .block_size(2 << 20)
        .parent(id(1), &[("relative_path", "base.vhdx")])
        .state(1, Payload::Full);
    fs::write(folder.path().join("leaf.avhdx"), leaf.build()).unwrap();
    let ls = json_of(&["ls", "--json"], folder.path());
    assert_eq!(row_of(&ls, "leaf.avhdx")["dirty_sectors"], 2048 + 5);
}
