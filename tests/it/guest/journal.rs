//! What a journal of ext holds is laid over the volume as e2fsprogs lay it: blocks written again, revoked, written after that, and
//! such as look like a journal's own.

use std::fs;
use std::path::Path;

use vhdtree::guest::filesystem::VolumeState;

use super::chains::{content, has, tool};
use super::linux::open;

/// Free blocks of the volume that the journal's transactions write.
const FIRST: usize = 5_000;
const COUNT: usize = 10;
const JOURNAL_MAGIC: [u8; 4] = [0xc0, 0x3b, 0x39, 0x98];

#[test]
fn revoked_and_escaped_blocks_are_left_as_other_tools_leave_them() {
    if !has("mke2fs") || !has("debugfs") || !has("e2fsck") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (image, script, recovered) = (path("image"), path("script"), path("recovered"));
    let forms: [(&[&str], usize, &str); 6] = [
        (&["-text3", "-b1024"], 1_024, "jo"),
        (
            &["-text4", "-b4096", "-O^metadata_csum,^64bit"],
            4_096,
            "jo",
        ),
        (&["-text4", "-b4096", "-O^metadata_csum"], 4_096, "jo"),
        (&["-text4", "-b4096", "-O^64bit"], 4_096, "jo -c"),
        (&["-text4", "-b4096"], 4_096, "jo -c"),
        (&["-text4", "-b2048"], 2_048, "jo -c"),
    ];
    for (options, block_bytes, begin) in forms {
        fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
        tool("mke2fs", &[options, &["-q", "-F", &text(&image)]].concat());
        let mut steps = format!("{begin}\n");
        let write = |first: usize, count: usize, seed: u8| {
            let file = path(&format!("blocks{seed}"));
            let mut bytes = vec![seed; count * block_bytes];
            for (number, block) in bytes.chunks_exact_mut(block_bytes).enumerate() {
                block[9] = number.to_le_bytes()[0];
                if number % 3 == 1 {
                    block[..4].copy_from_slice(&JOURNAL_MAGIC);
                }
            }
            fs::write(&file, bytes).unwrap();
            let (from, to) = (FIRST + first, FIRST + first + count - 1);
            format!("jw -b {from}-{to} {}\n", text(&file))
        };
        let revoke =
            |first: usize, last: usize| format!("jw -r {}-{}\n", FIRST + first, FIRST + last);
        for step in [
            write(0, COUNT, 1),
            revoke(2, 5),
            write(4, 1, 2),
            write(6, 2, 3),
            revoke(7, 8),
            revoke(4, 4),
            write(5, 1, 4),
            write(8, 1, 5),
        ] {
            steps.push_str(&step);
        }
        steps.push_str("jc\n");
        fs::write(&script, steps).unwrap();
        tool("debugfs", &["-w", "-f", &text(&script), &text(&image)]);

        let volume = open(&content(&image));
        let fs = volume.file_system().unwrap();
        assert_eq!(fs.facts().state, VolumeState::Replayed, "{options:?}");
        let place = (FIRST - 1) * block_bytes..(FIRST + COUNT + 1) * block_bytes;
        let mut found = vec![0; place.len()];
        fs.source()
            .read_exact_at(&mut found, place.start as u64)
            .unwrap();
        for (program, args) in [("debugfs", &["-w", "-R", "jr"][..]), ("e2fsck", &["-fy"])] {
            fs::copy(&image, &recovered).unwrap();
            let name = text(&recovered);
            let args = [args, &[&*name]].concat();
            // It answers 1 where it mended something, as here.
            let _ = std::process::Command::new(program)
                .args(args)
                .output()
                .unwrap();
            let wanted = &content(&recovered)[place.clone()];
            let blocks = found.chunks(block_bytes).zip(wanted.chunks(block_bytes));
            let other: Vec<_> = blocks
                .map(|(one, other)| one == other)
                .enumerate()
                .collect();
            assert!(found == wanted, "{options:?} {program}: {other:?}");
        }
        let of = |block: usize| found[(block + 1) * block_bytes + 8];
        let seeds: Vec<u8> = (0..COUNT).map(of).collect();
        assert_eq!(seeds, [1, 1, 0, 0, 0, 4, 3, 0, 5, 1], "{options:?}");
    }
}
