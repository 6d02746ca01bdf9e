//! FAT volumes made and changed by mtools.

use std::fs;
use std::path::Path;

use super::chains::{behind_mbr, content, expected, has, hold, tool};

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

/// A volume of one kind and what became of it.
fn states(folder: &Path, kind: &str, mebibytes: u64) -> [Vec<u8>; 3] {
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
    let filler = |seed: u8| -> Vec<u8> {
        (0..30_000_u32)
            .map(|at| at.to_le_bytes()[0].wrapping_mul(seed) ^ at.to_le_bytes()[1])
            .collect()
    };
    for number in 0..40_u8 {
        put(&image, &format!("/docs/file{number}.txt"), &filler(number));
    }
    put(&image, "/old/inner/kept.txt", b"kept");
    put(&image, "/docs/deep/検証用.txt", b"before");
    put(&image, "/docs/in place.bin", b"look for this needle");
    let first = content(&image);

    put(&image, "/docs/a new file with a long name.txt", &filler(99));
    tool("mdel", &["-i", name, "::/docs/file3.txt"]);
    tool(
        "mren",
        &["-i", name, "::/docs/file4.txt", "::/docs/renamed.txt"],
    );
    tool(
        "mmove",
        &["-i", name, "::/docs/file5.txt", "::/other/file5.txt"],
    );
    let second = content(&image);

    tool("mattrib", &["+r", "-i", name, "::/docs/file6.txt"]);
    tool("mmd", &["-i", name, "::/made"]);
    put(&image, "/made/inside.txt", b"inside");
    tool("mmove", &["-i", name, "::/old", "::/made/old"]);
    tool("mdeltree", &["-i", name, "::/docs/deep"]);
    let mut third = content(&image);
    let needle = b"needle";
    let at = third.windows(6).position(|part| part == needle).unwrap();
    third[at..at + 6].copy_from_slice(b"HAYHAY");
    [first, second, third]
}

#[test]
fn known_changes_are_told_on_every_kind_of_fat() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, mebibytes) in [("12", 6), ("16", 24), ("32", 40)] {
        let states = states(folder.path(), kind, mebibytes);
        let wanted = expected(
            "created /docs/a new file with a long name.txt
            deleted /docs/file3.txt
            renamed /docs/renamed.txt (was /docs/file4.txt)
            renamed /other/file5.txt (was /docs/file5.txt)
            metadata /docs/file6.txt
            created /made
            created /made/inside.txt
            renamed /made/old (was /old)
            deleted /docs/deep
            deleted /docs/deep/検証用.txt
            modified /docs/in place.bin",
        );
        hold(
            &states.each_ref().map(|state| behind_mbr(state, 0x0e)),
            &wanted,
        );
        hold(&states, &wanted);
    }
}
