//! FAT volumes made and changed by mtools.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::chains::{
    Grain, Make, Table, all_behind, behind_mbr, chain, changes, content, expected, has, hold,
    hold_branches, mirrored, told_when_cancelled, tool,
};

/// Puts a file into an image.
fn put(image: &Path, path: &str, bytes: &[u8]) {
    let from = image.with_extension("put");
    fs::write(&from, bytes).unwrap();
    let to = format!("::{path}");
    tool(
        "mcopy",
        &[
            "-o",
            "-i",
            image.to_str().unwrap(),
            from.to_str().unwrap(),
            &to,
        ],
    );
}

/// A volume of one kind; two further states of it, one after the other; and the first, in which only the second half of the
/// work was done.
pub fn states(folder: &Path, kind: &str, mebibytes: u64) -> [Vec<u8>; 4] {
    let image = folder.join(format!("fat{kind}.img"));
    let name = image.to_str().unwrap();
    fs::File::create(&image)
        .unwrap()
        .set_len(mebibytes << 20)
        .unwrap();
    tool("mkfs.fat", &["-F", kind, "-n", "SYSTEM", name]);
    for folder in ["/docs", "/docs/deep", "/old", "/old/inner", "/other"] {
        tool("mmd", &["-i", name, &format!("::{folder}")]);
    }
    for number in 0..40_u8 {
        put(&image, &format!("/docs/file{number}.txt"), &filler(number));
    }
    put(&image, "/old/inner/kept.txt", b"kept");
    put(&image, "/docs/deep/検証用.txt", b"before");
    put(&image, "/docs/in place.bin", b"look for this needle");
    let first = content(&image);
    work(&image);
    let second = content(&image);
    let third = work_more(&image);
    fs::write(&image, &first).unwrap();
    let branch = work_more(&image);
    [first, second, third, branch]
}

fn filler(seed: u8) -> Vec<u8> {
    (0..30_000_u32)
        .map(|at| at.to_le_bytes()[0].wrapping_mul(seed) ^ at.to_le_bytes()[1])
        .collect()
}

fn work(image: &Path) {
    let name = image.to_str().unwrap();
    put(image, "/docs/a new file with a long name.txt", &filler(99));
    tool("mdel", &["-i", name, "::/docs/file3.txt"]);
    tool(
        "mren",
        &["-i", name, "::/docs/file4.txt", "::/docs/renamed.txt"],
    );
    tool(
        "mmove",
        &["-i", name, "::/docs/file5.txt", "::/other/file5.txt"],
    );
}

/// The state after it: nobody but a program writes into a file in place.
fn work_more(image: &Path) -> Vec<u8> {
    let name = image.to_str().unwrap();
    tool("mattrib", &["+r", "-i", name, "::/docs/file6.txt"]);
    tool("mmd", &["-i", name, "::/made"]);
    put(image, "/made/inside.txt", b"inside");
    tool("mmove", &["-i", name, "::/old", "::/made/old"]);
    tool("mdeltree", &["-i", name, "::/docs/deep"]);
    let mut state = content(image);
    let needle = b"needle";
    let at = state.windows(6).position(|part| part == needle).unwrap();
    state[at..at + 6].copy_from_slice(b"HAYHAY");
    state
}

#[test]
fn known_changes_are_told_on_every_kind_of_fat() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, mebibytes) in [("12", 6), ("16", 24), ("32", 40)] {
        let [first, second, third, branch] = states(folder.path(), kind, mebibytes);
        let done = expected(
            "created /docs/a new file with a long name.txt
            deleted /docs/file3.txt
            renamed /docs/renamed.txt (was /docs/file4.txt)
            renamed /other/file5.txt (was /docs/file5.txt)",
        );
        let more = expected(
            "metadata /docs/file6.txt
            created /made
            created /made/inside.txt
            renamed /made/old (was /old)
            deleted /docs/deep
            deleted /docs/deep/検証用.txt
            modified /docs/in place.bin",
        );
        let wanted = &done | &more;
        let line = [first, second, third];
        hold(
            &line.each_ref().map(|state| behind_mbr(state, 0x0e)),
            &wanted,
        );
        hold(&line, &wanted);
        for table in Table::ALL {
            if let Some(states) = all_behind(table, &line) {
                hold(&states, &wanted);
            }
        }
        let [first, second, _] = &line;
        hold_branches([first, second, &branch], &(&mirrored(&done) | &more));
    }
}

#[test]
fn new_and_deleted_files_are_told_until_the_job_is_cancelled() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fat.img");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(6 << 20).unwrap();
    tool("mkfs.fat", &["-F", "12", name]);
    let before = content(&image);
    tool("mmd", &["-i", name, "::/docs"]);
    for number in 0..5_u8 {
        put(&image, &format!("/docs/{number}.txt"), &filler(number));
    }
    let states = [before, content(&image)];
    let newest = chain(Make::Vhd, &states, Grain::Block, &Arc::default());
    let oldest = newest.parent().unwrap();
    for [one, other] in [[&oldest, &newest], [&newest, &oldest]] {
        assert_eq!(changes(one, other).0.len(), 6);
        assert_eq!(told_when_cancelled(one, other), (1, false));
    }
}
