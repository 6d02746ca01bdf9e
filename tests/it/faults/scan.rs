//! What a scan does when any look, opening or read of it fails, and when files change under it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use vhdtree::build::hyperv::HypervConfig;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::finding::Finding;
use vhdtree::job::Job;
use vhdtree::store::{Disk, Forest, Liveness, ScanOptions, scan_with};
use vhdtree::testing::faulty::{Asked, Fault, Faults, FaultyFiles, Lasting};

const MIB: u64 = 1 << 20;
/// EIO and EACCES, alike on every Unix: storage that fails, and permissions taken away after the walk.
const EIO: i32 = 5;
const EACCES: i32 = 13;
/// Files beside the disks that say more about them.
const SIDES: [&str; 4] = [
    "00000000-0000-0000-0000-000000000007.vmcx",
    "00000000-0000-0000-0000-000000000007.vmrs",
    "labels.json",
    "vm.xml",
];
const DISKS: [&str; 7] = [
    "base.vhd",
    "child.avhd",
    "crowded.avhd",
    "fixed.vhd",
    "new.vhdx",
    "next.avhdx",
    "sub/leaf.avhd",
];

/// Configurations, memory and labels beside two formats, all kinds, two levels, and one disk with so many blocks that it is counted after the others.
fn store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let child = |id, parent, path: &str| {
        VhdBuilder::differencing(8 * MIB)
            .block_size(64 << 10)
            .id(id)
            .parent(parent, path)
            .locator(Locator::relative(path))
    };
    let base = VhdBuilder::dynamic(8 * MIB).block_size(64 << 10).id(1);
    put("base.vhd", base.write(3, &[1; 5 * 512]).build());
    let one = child(2, 1, r".\base.vhd").write(131, &[2; 3 * 512]);
    put("child.avhd", one.write(9_000, &[3; 7 * 512]).build());
    put("sub/leaf.avhd", child(3, 2, r"..\child.avhd").build());
    let crowded = VhdBuilder::differencing(8 * MIB)
        .block_size(4096)
        .id(4)
        .parent(1, r".\base.vhd")
        .locator(Locator::relative(r".\base.vhd"));
    let crowded = (0..400).fold(crowded, |disk, block| {
        disk.write(block * 8 + 1, &[4; 3 * 512])
    });
    put("crowded.avhd", crowded.build());
    put("fixed.vhd", VhdBuilder::fixed(MIB).id(5).build());
    let new = VhdxBuilder::dynamic(8 * MIB);
    let linkage = new.data_write_id_now();
    put("new.vhdx", new.write(70, &[5; 2 * 512]).build());
    let next =
        VhdxBuilder::differencing(8 * MIB).parent(linkage, &[("relative_path", r".\new.vhdx")]);
    put("next.avhdx", next.write(4_000, &[6; 512]).build());
    let [snapshot, memory, labels, machine] = SIDES;
    let id = Uuid::from_u128(7);
    let before = HypervConfig::new(id, "before", r"D:\base.vhd");
    put(snapshot, before.vmcx());
    put(memory, vec![1; 1000]);
    let told = r#"[{"VMName":"TestWin7","Name":"older","CreationTime":"2010-05-01T10:00:00Z","Disks":"D:\\child.avhd"}]"#;
    put(labels, told.into());
    let machine_of = HypervConfig::new(Uuid::from_u128(8), "TestWin7", r"D:\crowded.avhd");
    put(machine, machine_of.xml());
    folder
}

/// Scans with one reader, so that questions come in one order.
fn scan(root: &Path, faults: &Arc<Faults>) -> Arc<Forest> {
    let options = ScanOptions {
        roots: vec![root.to_path_buf()],
        threads: 1,
        ..ScanOptions::default()
    };
    let files = FaultyFiles::new(Arc::clone(faults));
    scan_with(&options, &files, &Job::default(), &mut |_| {}).unwrap()
}

fn names(root: &Path, forest: &Forest) -> BTreeSet<String> {
    let below = |disk: &Arc<Disk>| disk.path.strip_prefix(root).unwrap().to_path_buf();
    forest
        .disks
        .iter()
        .map(|disk| below(disk).to_string_lossy().replace('\\', "/"))
        .collect()
}

fn every_disk_is_a_row(root: &Path, forest: &Forest, when: &str) {
    let all: BTreeSet<String> = DISKS.map(str::to_owned).into();
    let mut found = names(root, forest);
    // A disk in place of a side file is found by its content.
    found.retain(|name| !SIDES.contains(&&**name));
    assert_eq!(found, all, "{when}");
    assert!(forest.complete, "{when}");
}

/// The disk of a path; `None` if it is a side file's.
fn disk<'a>(forest: &'a Forest, path: &Path) -> Option<&'a Disk> {
    let disk = forest.disks.iter().find(|disk| disk.path == path);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(disk.is_some() || SIDES.contains(&name), "{name}");
    disk.map(AsRef::as_ref)
}

/// Whether something is said of a side file.
fn is_told(forest: &Forest, path: &Path) -> bool {
    let mut findings = forest.side_findings.iter();
    forest.errors.iter().any(|error| error.path == path) || findings.any(|(of, _)| of == path)
}

/// What is known from side files.
fn from_sides(forest: &Forest) -> String {
    let nodes: Vec<_> = forest
        .nodes
        .iter()
        .map(|node| (&node.in_use_by, &node.snapshots))
        .collect();
    format!("{:?} {:?} {nodes:?}", forest.machines, forest.snapshots)
}

/// Whether a finding tells a position within one of the reads that failed.
fn names_position(finding: &Finding, faults: &Faults) -> bool {
    let reads = faults.hits();
    let mut reads = reads.iter().filter_map(|(_, asked)| match asked {
        Asked::Read { offset_bytes, len } => Some(*offset_bytes..offset_bytes + len),
        _ => None,
    });
    reads.any(|read| finding.at.is_some_and(|at| read.contains(&at)))
}

#[test]
fn an_error_at_any_question_of_a_scan_leaves_every_disk_a_row_that_says_where() {
    let store = store();
    let healthy = Faults::none();
    let clean = scan(store.path(), &healthy);
    every_disk_is_a_row(store.path(), &clean, "no fault");
    assert!(clean.disks.iter().all(|disk| disk.findings.is_empty()));
    assert_eq!((clean.errors.len(), clean.side_findings.len()), (0, 0));
    assert_eq!((clean.machines.len(), clean.snapshots.len()), (1, 2));
    assert!(
        clean
            .disks
            .iter()
            .all(|disk| disk.counts.as_ref().unwrap().complete)
    );
    let mut reads = BTreeMap::<String, u32>::new();
    let every = (0..healthy.asked()).flat_map(|at| [(at, EIO), (at, EACCES)]);
    for (at, error) in every {
        let faults = Faults::at(at, Fault::Error(error), Lasting::Forever);
        let forest = scan(store.path(), &faults);
        let (path, asked) = faults.hits()[0].clone();
        // What a host may have said of the folder lies above it, or nowhere.
        if !path.starts_with(store.path()) {
            continue;
        }
        let when = format!("question {at}: {asked:?} of {}", path.display());
        every_disk_is_a_row(store.path(), &forest, &when);
        if matches!(asked, Asked::Read { .. }) {
            let ending = path.extension().unwrap().to_string_lossy().into_owned();
            *reads.entry(ending).or_default() += 1;
        }
        for (other, known) in forest.disks.iter().zip(&clean.disks) {
            assert!(other.path == path || other == known, "{when}: {other:?}");
        }
        let Some(hit) = disk(&forest, &path) else {
            // A look that only tells whether the file held still may fail.
            let is_moot = asked == Asked::Facts && from_sides(&forest) == from_sides(&clean);
            assert!(
                is_told(&forest, &path) || is_moot,
                "{when}: nothing is said"
            );
            continue;
        };
        assert!(!hit.findings.is_empty(), "{when}: nothing is said");
        if matches!(asked, Asked::Read { .. }) {
            let mut told = hit.findings.iter();
            assert!(
                told.any(|finding| names_position(finding, &faults)),
                "{when}: {:?}",
                hit.findings
            );
            assert_eq!(hit.liveness, Liveness::Still, "{when}: nothing changed");
        }
    }
    println!("reads tried, twice each: {reads:?}");
    for ending in ["vhd", "avhd", "vhdx", "avhdx", "xml", "vmcx", "json"] {
        assert!(reads.contains_key(ending), "{reads:?}");
    }
}

#[test]
fn an_error_that_does_not_stay_leaves_no_trace() {
    let store = store();
    let healthy = Faults::none();
    let clean = scan(store.path(), &healthy);
    for at in 0..healthy.asked() {
        for fault in [
            Fault::Error(EIO),
            Fault::Short,
            Fault::Slow(Duration::from_millis(1)),
        ] {
            let faults = Faults::at(at, fault, Lasting::Once);
            let forest = scan(store.path(), &faults);
            assert_eq!(forest.disks, clean.disks, "question {at}: {faults:?}");
            assert_eq!(forest.errors, [], "question {at}: {faults:?}");
            assert_eq!(from_sides(&forest), from_sides(&clean), "{at}: {faults:?}");
        }
    }
}

#[test]
fn a_file_that_ends_early_at_any_read_is_still_a_row() {
    let store = store();
    let healthy = Faults::none();
    scan(store.path(), &healthy);
    for at in 0..healthy.asked() {
        let faults = Faults::at(at, Fault::Short, Lasting::Forever);
        let forest = scan(store.path(), &faults);
        let (path, asked) = faults.hits()[0].clone();
        // What a host may have said of the folder lies above it, or nowhere.
        if !path.starts_with(store.path()) {
            continue;
        }
        let when = format!("question {at}: {asked:?} of {}", path.display());
        every_disk_is_a_row(store.path(), &forest, &when);
        let is_read = matches!(asked, Asked::Read { .. });
        let is_silent = match disk(&forest, &path) {
            Some(disk) => disk.findings.is_empty(),
            None => !is_told(&forest, &path),
        };
        assert_eq!(is_silent, !is_read, "{when}");
    }
}

/// The same to files of the store alone.
fn meddle_in(root: &Path, meddle: fn(&Path)) -> Box<dyn Fn(&Path) + Send + Sync> {
    let root = root.to_owned();
    Box::new(move |path| {
        if path.starts_with(&root) {
            meddle(path);
        }
    })
}

/// Does something to one of the files at every question of a scan, each time on a store made anew.
fn meddled(meddle: fn(&Path), then: fn(&Disk, &str)) {
    let total = {
        let (store, healthy) = (store(), Faults::none());
        scan(store.path(), &healthy);
        healthy.asked()
    };
    for at in 0..total {
        let store = store();
        let faults = Faults::at(
            at,
            Fault::Meddle(meddle_in(store.path(), meddle)),
            Lasting::Once,
        );
        let forest = scan(store.path(), &faults);
        let (path, asked) = faults.hits()[0].clone();
        // What a host may have said of the folder lies above it, or nowhere.
        if !path.starts_with(store.path()) {
            continue;
        }
        let when = format!("question {at}: {asked:?} of {}", path.display());
        every_disk_is_a_row(store.path(), &forest, &when);
        if let Some(disk) = disk(&forest, &path) {
            then(disk, &when);
        } else if !path.exists() {
            // Memory and labels that go are as if they had never been there.
            let is_config = ["xml", "vmcx"]
                .iter()
                .any(|of| path.extension() == Some(of.as_ref()));
            assert!(
                !is_config || is_told(&forest, &path) || asked == Asked::Facts,
                "{when}"
            );
        }
    }
}

fn is_told_or_exact(disk: &Disk, when: &str) {
    let is_told = !disk.findings.is_empty() || disk.liveness == Liveness::Live;
    let is_exact = fs::metadata(&disk.path).is_ok_and(|now| now.len() == disk.file.len)
        && disk.counts.as_ref().is_some_and(|counts| counts.complete);
    assert!(is_told || is_exact, "{when}: {disk:?}");
}

#[test]
fn files_that_grow_during_a_scan_are_read_again_or_told() {
    meddled(
        |path| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(&[0; 512]).unwrap();
        },
        is_told_or_exact,
    );
}

#[test]
fn files_that_shrink_during_a_scan_are_read_again_or_told() {
    meddled(
        |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 3).unwrap();
        },
        |disk, when| {
            let is_told = !disk.findings.is_empty() || disk.liveness == Liveness::Live;
            // The last look of all comes too late to matter.
            assert!(is_told || when.contains("Facts"), "{when}: {disk:?}");
        },
    );
}

#[test]
fn files_that_vanish_during_a_scan_stay_as_rows() {
    meddled(
        |path| fs::remove_file(path).unwrap(),
        |disk, when| assert!(!disk.findings.is_empty(), "{when}: {disk:?}"),
    );
}

#[test]
fn files_that_are_replaced_during_a_scan_are_read_again_or_told() {
    meddled(
        |path| {
            let other = VhdBuilder::dynamic(8 * MIB).block_size(64 << 10).id(77);
            let beside = path.with_extension("tmp");
            fs::write(&beside, other.write(9, &[7; 512]).build()).unwrap();
            fs::rename(&beside, path).unwrap();
        },
        |disk, when| {
            let is_new = disk
                .header
                .as_ref()
                .is_some_and(|header| header.id.as_u128() == 77);
            let is_told = disk.liveness == Liveness::Live || !disk.findings.is_empty();
            assert!(is_new || is_told, "{when}: {disk:?}");
        },
    );
}
