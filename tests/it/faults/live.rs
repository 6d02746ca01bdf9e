//! Files that grow, shrink, vanish or are replaced while they are compared or their table is read: the answer is told to be
//! no answer, and nothing panics.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use vhdtree::analysis::diff::{DiffReport, diff_with_parent};
use vhdtree::analysis::moment::Moment;
use vhdtree::analysis::open::{OpenError, open_chain};
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::{Payload, VhdxBuilder};
use vhdtree::image::{Counts, Image};
use vhdtree::job::Job;
use vhdtree::source::FileSource;
use vhdtree::store::{CountPolicy, DiskId, Forest, ScanOptions, scan};

const MIB: u64 = 1 << 20;
/// Four times what is read ahead.
const BLOCKS: u64 = 32;

type Meddle = fn(&Path);

/// What somebody else does to a file.
const MEDDLING: [(&str, Meddle); 5] = [
    ("grows", |path| {
        let mut file = fs::File::options().append(true).open(path).unwrap();
        file.write_all(&[0; 512]).unwrap();
    }),
    ("shrinks", |path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 3).unwrap();
    }),
    ("vanishes", |path| fs::remove_file(path).unwrap()),
    ("is replaced", |path| {
        let beside = path.with_extension("tmp");
        VhdBuilder::dynamic(16 * MIB)
            .id(77)
            .build_to(&beside)
            .unwrap();
        fs::rename(&beside, path).unwrap();
    }),
    ("becomes a folder", |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }),
];

/// A base and a child with some blocks of 2 MiB each, all the same, in sparse files: too much to be read ahead of the first
/// event.
pub fn pair(folder: &Path, ending: &str) -> [PathBuf; 2] {
    const SIZE: u64 = BLOCKS * 2 * MIB;
    let paths = ["base", "child"].map(|name| folder.join(format!("{name}.{ending}")));
    if ending == "vhdx" {
        let base = VhdxBuilder::dynamic(SIZE);
        let child = VhdxBuilder::differencing(SIZE)
            .data_write_id(uuid::Uuid::from_u128(2))
            .parent(
                base.data_write_id_now(),
                &[("relative_path", r".\base.vhdx")],
            );
        let full =
            |disk: VhdxBuilder| (0..BLOCKS).fold(disk, |disk, at| disk.state(at, Payload::Full));
        full(base).build_to(&paths[0]).unwrap();
        full(child).build_to(&paths[1]).unwrap();
    } else {
        let base = VhdBuilder::dynamic(SIZE).id(1);
        let child = VhdBuilder::differencing(SIZE)
            .id(2)
            .parent(1, "base.vhd")
            .locator(Locator::relative(r".\base.vhd"));
        for (disk, path) in [base, child].into_iter().zip(&paths) {
            let disk = (0..BLOCKS).fold(disk, VhdBuilder::allocate);
            disk.build_to(path).unwrap();
            hold_all(path);
        }
    }
    paths
}

/// Sets every bit of every block of a VHD, the data being a hole.
fn hold_all(path: &Path) {
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut table = vec![0; 1536 + usize::try_from(BLOCKS).unwrap() * 4];
    file.read_exact(&mut table).unwrap();
    for entry in table[1536..].chunks(4) {
        let sector = u32::from_be_bytes(entry.try_into().unwrap());
        file.seek(SeekFrom::Start(u64::from(sector) * 512)).unwrap();
        file.write_all(&[0xff; 512]).unwrap();
    }
}

fn scanned(folder: &Path) -> Arc<Forest> {
    let options = ScanOptions {
        roots: vec![folder.to_path_buf()],
        counts: CountPolicy::HeadersOnly,
        ..ScanOptions::default()
    };
    scan(&options, &Job::default(), &mut |_| {}).unwrap()
}

fn id_of(forest: &Forest, path: &Path) -> DiskId {
    let is = |id: &DiskId| forest.disk(*id).unwrap().path == path;
    forest.ids().find(is).unwrap()
}

/// Compares, with something done to a file at the first event.
fn compared(child: &Path, meddled: &Path, meddle: Meddle) -> (DiffReport, Vec<PathBuf>) {
    let forest = scanned(child.parent().unwrap());
    let id = id_of(&forest, child);
    let moment = Moment::of_lines(&forest, [id]);
    let chain = open_chain(&forest, id).unwrap();
    let mut todo = Some(meddle);
    let report = diff_with_parent(&chain, &Job::default(), &mut |_| {
        if let Some(meddle) = todo.take() {
            meddle(meddled);
        }
    })
    .unwrap();
    assert!(todo.is_none(), "there was an event");
    (report, moment.changed())
}

#[test]
fn files_that_change_during_a_diff_are_named() {
    for ending in ["vhd", "vhdx"] {
        for (what, meddle) in MEDDLING {
            for which in [0, 1] {
                let folder = tempfile::tempdir().unwrap();
                let paths = pair(folder.path(), ending);
                let (report, changed) = compared(&paths[1], &paths[which], meddle);
                let when = format!("{} {what}", paths[which].display());
                assert_eq!(changed, [paths[which].clone()], "{when}");
                let totals = report.summary.totals;
                assert_eq!(totals.changed + totals.zeroed, 0, "{when}: {totals:?}");
                if what == "shrinks" {
                    assert!(totals.unreadable > 0, "{when}: {totals:?}");
                    assert!(!report.summary.complete && !report.summary.equal, "{when}");
                    assert!(!report.faults.is_empty(), "{when}");
                }
            }
        }
    }
}

#[test]
fn files_that_hold_still_during_a_diff_are_equal() {
    for ending in ["vhd", "vhdx"] {
        let folder = tempfile::tempdir().unwrap();
        let paths = pair(folder.path(), ending);
        let (report, changed) = compared(&paths[1], &paths[1], |_| ());
        assert_eq!(changed, [] as [PathBuf; 0]);
        assert!(report.summary.equal && report.summary.complete);
    }
}

#[test]
fn a_disk_replaced_after_the_scan_is_not_opened_as_what_it_was() {
    for ending in ["vhd", "vhdx"] {
        let folder = tempfile::tempdir().unwrap();
        let [base, child] = pair(folder.path(), ending);
        let forest = scanned(folder.path());
        let id = id_of(&forest, &child);
        // A copy under another time stamp is the same disk.
        fs::copy(&base, folder.path().join("copy")).unwrap();
        fs::rename(folder.path().join("copy"), &base).unwrap();
        open_chain(&forest, id).unwrap();
        if ending == "vhd" {
            VhdBuilder::dynamic(BLOCKS * 2 * MIB)
                .id(9)
                .build_to(&base)
                .unwrap();
        } else {
            let written = VhdxBuilder::dynamic(BLOCKS * 2 * MIB);
            let written = written.data_write_id(uuid::Uuid::from_u128(9));
            written.build_to(&base).unwrap();
        }
        let refused = open_chain(&forest, id).unwrap_err();
        assert!(
            matches!(&refused, OpenError::Changed { path } if *path == base),
            "{refused}"
        );
    }
}

/// A disk of so many blocks that its table takes two reads, every other block in use.
fn many_blocks(path: &Path) {
    if path.extension().unwrap() == "vhd" {
        let disk = VhdBuilder::dynamic(70_000 * 4096).block_size(4096);
        let disk = (0..35_000).fold(disk, |disk, block| disk.allocate(block * 2));
        disk.build_to(path).unwrap();
    } else {
        let disk = VhdxBuilder::dynamic(70_000 * MIB).block_size(1 << 20);
        let disk = (0..35_000).fold(disk, |disk, at| disk.state(at * 2, Payload::Unmapped));
        disk.build_to(path).unwrap();
    }
}

fn counted(path: &Path, meddle: Meddle) -> Counts {
    let image = Image::open(Arc::new(FileSource::open(path).unwrap())).unwrap();
    let mut todo = Some(meddle);
    image.count(
        &Job::default(),
        Some(&mut |_| {
            if let Some(meddle) = todo.take() {
                meddle(path);
            }
        }),
    )
}

#[test]
fn files_that_change_while_their_map_is_read_are_told() {
    for ending in ["vhd", "vhdx"] {
        for (what, meddle) in MEDDLING {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("disk.{ending}"));
            many_blocks(&path);
            let whole = fs::metadata(&path).unwrap().len();
            let moment = Moment::of_files(&[], [(path.clone(), None)]);
            let shrink: Meddle = |path| {
                let file = fs::File::options().write(true).open(path).unwrap();
                // Into the second piece of the table.
                let table = if path.extension().unwrap() == "vhd" {
                    1536
                } else {
                    3 * MIB
                };
                file.set_len(table + 66_000 * 4).unwrap();
            };
            let is_shrink = what == "shrinks";
            let counts = counted(&path, if is_shrink { shrink } else { meddle });
            assert_eq!(
                moment.changed(),
                std::slice::from_ref(&path),
                "{ending} {what}, {whole} bytes"
            );
            let sum = counts.full + counts.partial + counts.zero + counts.unmapped;
            assert_eq!(
                sum + counts.absent + counts.error,
                counts.total,
                "{ending} {what}"
            );
            assert_eq!(counts.complete, !is_shrink, "{ending} {what}: {counts:?}");
            if is_shrink {
                assert!(counts.error > 0);
                assert_eq!(counts.findings[0].code.id, "image-table-unreadable");
            }
        }
    }
}

/// Runs the program, does something once the first bytes of its answer are there, and reads the rest. The answer is
/// longer than what a pipe holds, so that the program is in the middle of its work then.
fn run_and_meddle(arguments: &[&str], file: &Path, meddle: Meddle) -> (String, String, i32) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answer = child.stdout.take().unwrap();
    let mut bytes = vec![0];
    answer.read_exact(&mut bytes).unwrap();
    meddle(file);
    answer.read_to_end(&mut bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    (
        String::from_utf8(bytes).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap(),
    )
}

/// A pair whose sectors are the same and changed by turns, and a map that changes with every block.
fn talkative(folder: &Path) -> PathBuf {
    let sectors = 20_000;
    let mut disks = [
        VhdBuilder::dynamic(sectors * 512).id(1),
        VhdBuilder::differencing(sectors * 512)
            .id(2)
            .parent(1, "base.vhd")
            .locator(Locator::relative(r".\base.vhd")),
    ]
    .map(|disk| disk.block_size(512));
    for sector in (0..sectors).step_by(2) {
        disks[0].write_more(sector, &[7; 512]);
        disks[1].write_more(sector, &[if sector % 4 == 0 { 7 } else { 8 }; 512]);
    }
    disks[0].build_to(&folder.join("base.vhd")).unwrap();
    disks[1].build_to(&folder.join("child.avhd")).unwrap();
    folder.join("child.avhd")
}

fn append(path: &Path) {
    let (_, grow) = MEDDLING[0];
    grow(path);
}

#[test]
fn the_commands_say_that_a_file_changed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let child = talkative(folder.path());
    for (command, line) in [
        ("diff", "files changed meanwhile: this may mix two moments"),
        ("map", " sectors, "),
    ] {
        let (text, said, code) = run_and_meddle(&[command, "--json"], &child, append);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&json["complete"], code),
            (&false.into(), 3),
            "{command}: {said}"
        );
        let error = &json["errors"][0];
        assert!(
            error["path"].as_str().unwrap().ends_with("child.avhd"),
            "{error}"
        );
        assert!(
            error["error"].as_str().unwrap().contains("changed while"),
            "{error}"
        );
        if command == "diff" {
            assert_eq!(json["equal"], false);
        }
        for form in [&[command][..], &[command, "--csv"], &[command, "--ndjson"]] {
            let (text, said, code) = run_and_meddle(form, &child, append);
            assert_eq!(code, 3, "{form:?}: {said}");
            assert!(said.contains("changed while"), "{form:?}: {said}");
            let says = text.lines().any(|of| of.contains(line));
            assert_eq!(says, form.len() == 1, "{form:?}");
        }
        let (text, said, code) = run_and_meddle(&[command, "--json"], &child, |_| ());
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["complete"], true, "{said}");
        assert_eq!(code, i32::from(command == "diff"), "held still: {said}");
        assert_eq!(
            (said.as_str(), json["errors"].as_array().unwrap().len()),
            ("", 0)
        );
    }
}
