//! What it costs to say which files of a large NTFS volume differ: reads and bytes of the disks' files, counted.
//!
//! `VHDTREE_GUEST_FILES` sets how many files there are, some thousands by default; `VHDTREE_GUEST_KEEP` names a folder in which
//! the disks are kept, for measuring the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vhdtree::chain::Chain;
use vhdtree::image::Image;
use vhdtree::source::{CountedSource, FileSource, ReadCounts};

use super::chains::{Grain, Make, changes, content, disk_bytes, has, told_when_cancelled};
use super::ntfs::{Volume, changer};

const RECORD: u64 = 1 << 10;

fn files() -> u64 {
    let asked = std::env::var("VHDTREE_GUEST_FILES");
    asked.map_or(4_000, |count| count.parse().unwrap())
}

/// A volume of so many files; what was done is told.
fn volume(folder: &Path, count: u64) -> Option<Volume> {
    if !has("mkntfs") || !has("ntfscp") {
        return None;
    }
    changer()?;
    let mebibytes = (count * 3 / 1_000 + 32).next_multiple_of(2);
    let volume = Volume::new(folder, "ntfs", mebibytes, &[]);
    volume.change(&format!("mkdir|/data\nmany|/data|{count}"));
    Some(volume)
}

/// Changes of every kind, all over the table.
fn work(volume: &Volume, count: u64) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    let path = |number: u64| format!("/data/folder{:04}/file{number:07}.txt", number / 1_000);
    // A tenth of the files has clusters of its own.
    let mut numbers = (0..).map(|at: u64| (at * count / 48) / 10 * 10);
    let mut next = || path(numbers.next().unwrap());
    for number in 0..5 {
        let new = format!("/data/folder0000/new{number}.txt");
        volume.put(&new, &vec![b'n'; 20_000]);
        done.insert(format!("created {new}"));
        let (written, grown, gone) = (next(), next(), next());
        volume.change(&format!("write|{written}|5000|HAYHAY\nrm|{gone}"));
        volume.put(&grown, &vec![b'g'; 30_000]);
        done.insert(format!("modified {written}"));
        done.insert(format!("modified {grown}"));
        done.insert(format!("deleted {gone}"));
        let (from, to) = (next(), format!("/data/folder0001/renamed{number}.txt"));
        volume.change(&format!("mv|{from}|{to}"));
        done.insert(format!("renamed {to} (was {from})"));
    }
    for number in 0..3 {
        let (replaced, linked, tagged) = (next(), next(), next());
        volume.change(&format!("rm|{replaced}\nln|{linked}|/data/link{number}"));
        volume.put(&replaced, &[b'r'; 300]);
        volume.put_stream("Zone.Identifier", &tagged, b"[ZoneTransfer]");
        done.insert(format!("replaced {replaced}"));
        done.insert(format!("linked /data/link{number}"));
        done.insert(format!("modified {tagged}"));
    }
    // One of which nothing else changed.
    let last = format!("/data/folder{:04}", count / 1_000 - 1);
    volume.change(&format!("mkdir|/made\nmv|{last}|/made/folder"));
    done.insert("created /made".to_owned());
    done.insert(format!("renamed /made/folder (was {last})"));
    done
}

/// A base and a child as files, opened.
fn opened(
    folder: &Path,
    make: Make,
    states: [&[u8]; 2],
    grain: Grain,
    counts: &Arc<ReadCounts>,
) -> Chain {
    let (base, child) = match make {
        Make::Vhd => ("parent.vhd", "child.avhd"),
        Make::Vhdx => ("parent.vhdx", "child.avhdx"),
    };
    let folder = match std::env::var_os("VHDTREE_GUEST_KEEP") {
        Some(kept) => Path::new(&kept).join(format!("{make:?}-{grain:?}")),
        None => folder.join("disks"),
    };
    fs::create_dir_all(&folder).unwrap();
    let zeros = vec![0; states[0].len()];
    fs::write(
        folder.join(base),
        disk_bytes(make, [0, 0], [&zeros, states[0]], Grain::Sector),
    )
    .unwrap();
    drop(zeros);
    fs::write(folder.join(child), disk_bytes(make, [1, 0], states, grain)).unwrap();
    let open = |name: &str| {
        let source = FileSource::open(&folder.join(name)).unwrap();
        let source = CountedSource::new(source, Arc::clone(counts));
        Arc::new(Image::open(Arc::new(source)).unwrap())
    };
    Chain::new(vec![open(child), open(base)]).unwrap()
}

#[test]
fn what_is_read_follows_what_changed() {
    let count = files();
    let folder = tempfile::tempdir().unwrap();
    let Some(volume) = volume(folder.path(), count) else {
        return;
    };
    let before = content(&volume.image);
    let wanted = work(&volume, count);
    assert_eq!(wanted.len(), 36);
    let after = content(&volume.image);
    let table = count * RECORD;
    for make in [Make::Vhd, Make::Vhdx] {
        for grain in [Grain::Sector, Grain::Block] {
            let counts = Arc::default();
            let newest = opened(folder.path(), make, [&before, &after], grain, &counts);
            let (told, report) = changes(&newest.parent().unwrap(), &newest);
            assert_eq!(told, wanted, "{make:?} {grain:?}");
            assert!(report.complete);
            let (bytes, reads) = (counts.bytes(), counts.reads());
            println!(
                "{count} files, {make:?} {grain:?}: {bytes} bytes in {reads} reads of the disks' files"
            );
            match grain {
                Grain::Block => assert!(
                    bytes <= table * 22 / 10 + (1 << 20),
                    "{make:?}: {bytes} bytes"
                ),
                _ => assert!(
                    bytes <= 1 << 20 && reads <= 600,
                    "{make:?}: {bytes} bytes, {reads} reads"
                ),
            }
        }
    }
}

#[test]
fn a_table_of_which_everything_changed_is_read_once() {
    let count = files();
    let folder = tempfile::tempdir().unwrap();
    let Some(volume) = volume(folder.path(), count) else {
        return;
    };
    let before = content(&volume.image);
    volume.change(&format!("rewrite|/data|{count}"));
    let after = content(&volume.image);
    for make in [Make::Vhd, Make::Vhdx] {
        let counts = Arc::default();
        let states = [&*before, &*after];
        let newest = opened(folder.path(), make, states, Grain::Page, &counts);
        let (told, report) = changes(&newest.parent().unwrap(), &newest);
        assert!(report.complete);
        let of = |word: &str| told.iter().filter(|line| line.starts_with(word)).count() as u64;
        let found = [of("modified /data/"), of("metadata /data/")];
        assert_eq!(found, [count / 10 * 9, count / 10], "{make:?}");
        assert_eq!(told.len() as u64, count, "{make:?}");
        let (bytes, reads) = (counts.bytes(), counts.reads());
        println!("{count} files, all changed, {make:?}: {bytes} bytes in {reads} reads");
        assert!(
            bytes <= count * RECORD * 24 / 10 + (1 << 20),
            "{make:?}: {bytes}"
        );
    }
}

#[test]
fn new_and_deleted_files_are_told_until_the_job_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let Some(volume) = volume(folder.path(), 2_000) else {
        return;
    };
    let before = content(&volume.image);
    volume.change("mkdir|/more\nmany|/more|2000");
    let after = content(&volume.image);
    let states = [&*before, &*after];
    let newest = opened(
        folder.path(),
        Make::Vhd,
        states,
        Grain::Block,
        &Arc::default(),
    );
    let oldest = newest.parent().unwrap();
    for [one, other] in [[&oldest, &newest], [&newest, &oldest]] {
        assert!(changes(one, other).0.len() > 2_000);
        assert_eq!(told_when_cancelled(one, other), (1, false));
    }
}
