//! Stores in which nothing is what its name says: no command hangs, panics, or lets a name steer the terminal.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use vhdtree::build::vhd::{Locator, VhdBuilder, edit_footers, edit_header};
use vhdtree::job::Job;
use vhdtree::source::{CountedSource, MemorySource, ReadCounts};
use vhdtree::store::{ScanOptions, scan_with};
use vhdtree::testing::faulty::{Fault, Faults, FaultyFiles, Lasting};

use crate::runner::{row_of, vhdtree};

const MIB: u64 = 1 << 20;

fn fifo(path: &Path) -> bool {
    let made = Command::new("mkfifo").arg(path).status();
    made.is_ok_and(|status| status.success())
}

/// A disk in 4 KiB that claims a table of 16 GiB for a size of 2 TiB.
fn claim() -> Vec<u8> {
    let mut file = VhdBuilder::dynamic(8 * MIB).build();
    file.resize(4096, 0);
    let footer = file[..512].to_vec();
    file[4096 - 512..].copy_from_slice(&footer);
    edit_footers(&mut file, |footer| {
        let size = ((1_u64 << 41) - 512).to_be_bytes();
        footer[40..48].copy_from_slice(&size);
        footer[48..56].copy_from_slice(&size);
    });
    edit_header(&mut file, |header| {
        header[28..32].copy_from_slice(&u32::MAX.to_be_bytes());
        header[32..36].copy_from_slice(&512_u32.to_be_bytes());
    });
    file
}

/// A sound pair among everything else a folder can hold. Returns what is named like a disk.
fn store(root: &Path) -> Vec<PathBuf> {
    let base = VhdBuilder::dynamic(8 * MIB).id(1).write(3, &[1; 512]);
    let child = VhdBuilder::differencing(8 * MIB)
        .id(2)
        .parent(1, "base.vhd")
        .locator(Locator::relative(r".\base.vhd"))
        .write(3, &[2; 512]);
    fs::write(root.join("base.vhd"), base.build()).unwrap();
    fs::write(root.join("child.avhd"), child.build()).unwrap();
    fs::write(root.join("claim.vhd"), claim()).unwrap();
    for name in [
        &b"new\nline.vhd"[..],
        b"esc\x1b[31m\x07.vhd",
        b"no-text\xff\xfe.vhd",
        b"\xe2\x80\xae.vhd",
        b"-o.vhd",
    ] {
        let path = root.join(std::ffi::OsStr::from_bytes(name));
        fs::write(path, child.build()).unwrap();
    }
    for name in ["pipe.vhd", "pipe", "pipe.xml", "pipe.vmcx", "pipe.vsv"] {
        assert!(fifo(&root.join(name)), "{name}");
    }
    assert!(fifo(&root.join("labels.json")));
    for name in ["socket.vhdx", "socket.xml"] {
        // The socket's file stays when the listener is gone.
        UnixListener::bind(root.join(name)).unwrap();
    }
    for name in ["folder.vhd", "folder.xml", "folder.vmcx"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    for (target, name) in [
        ("/dev/zero", "zero.vhd"),
        ("/dev/null", "null.vhdx"),
        ("/dev/zero", "zero.xml"),
        ("/dev/tty", "tty.vhd"),
        ("/proc/kmsg", "kmsg.vhd"),
        ("/proc/self/mem", "mem.vhd"),
        ("pipe.vhd", "to-pipe.avhd"),
        ("loop2.vhd", "loop1.vhd"),
        ("loop1.vhd", "loop2.vhd"),
        ("loop1.vhd", "loop.xml"),
        ("nowhere", "dangling.avhdx"),
        ("nowhere", "dangling.xml"),
        (".", "self"),
        ("folder.vhd/..", "around.vhd"),
    ] {
        symlink(target, root.join(name)).unwrap();
    }
    // Device nodes need rights that tests seldom have; the links above lead to some.
    let _ = Command::new("mknod")
        .arg(root.join("node.vhd"))
        .args(["c", "1", "5"])
        .output();
    let named = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    named
        .filter(|path| {
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            ["vhd", "avhd", "vhdx", "avhdx"].contains(&&*ending)
        })
        .collect()
}

fn ends_well(arguments: &[&str], last: &Path, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| code <= 3),
        "{arguments:?} {}: {code:?} {said}",
        last.display()
    );
    assert!(!said.contains("fault of vhdtree"), "{said}");
    for bytes in [&output.stdout, &output.stderr] {
        let shown = String::from_utf8(bytes.clone()).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!shown.contains(steers), "{arguments:?}: {shown:?}");
        assert!(!shown.contains("new\nline"), "{arguments:?}: {shown}");
    }
}

#[test]
fn no_command_hangs_or_panics_over_what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    if !fifo(&folder.path().join("try")) {
        println!("skipped: mkfifo");
        return;
    }
    let files = store(folder.path());
    assert!(files.len() > 18, "{files:?}");
    for arguments in [
        &["ls"][..],
        &["ls", "--json"],
        &["ls", "--ndjson"],
        &["ls", "--csv"],
        &["check"],
        &["check", "--json"],
        &["check", "--csv"],
        &["plan", "--snapshot", "x"],
        &["gate", "--json", "--snapshot", "x"],
    ] {
        ends_well(arguments, folder.path(), &vhdtree(arguments, folder.path()));
    }
    for file in &files {
        for arguments in [
            &["ls", "--json"][..],
            &["info"],
            &["map"],
            &["diff"],
            &["diff", "--json"],
            &["check"],
            &["gate"],
        ] {
            ends_well(arguments, file, &vhdtree(arguments, file));
        }
    }
    let listed = vhdtree(&["ls", "--json"], folder.path());
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    for name in [
        "pipe.vhd",
        "socket.vhdx",
        "folder.vhd",
        "zero.vhd",
        "tty.vhd",
    ] {
        let row = row_of(&listed, &format!("/{name}"));
        assert_eq!(row["findings"][0]["code"], "not-a-regular-file", "{name}");
    }
    for name in ["loop1.vhd", "loop2.vhd", "dangling.avhdx"] {
        let row = row_of(&listed, &format!("/{name}"));
        assert_eq!(row["findings"][0]["code"], "dangling-symlink", "{name}");
    }
    let child = row_of(&listed, "/child.avhd");
    assert_eq!(
        (&child["dirty_sectors"], &child["parent"]["state"]),
        (&1.into(), &"ok".into())
    );
}

#[test]
fn side_files_without_an_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    {
        let output = vhdtree(&["ls", "--facts", "/dev/zero"], folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("more than 67108864 bytes"), "{said}");
    }
}

#[test]
fn a_claim_of_2_tib_in_4_kib_costs_nothing() {
    let counts = std::sync::Arc::new(ReadCounts::default());
    let source = CountedSource::new(MemorySource(claim()), std::sync::Arc::clone(&counts));
    let image = vhdtree::image::Image::open(std::sync::Arc::new(source)).unwrap();
    assert_eq!(image.header().virtual_size, (1 << 41) - 512);
    let counted = image.count(&Job::default(), None);
    assert!(!counted.complete);
    assert_eq!(counted.error + counted.absent, counted.total);
    assert!(counts.bytes() < 64 << 10, "{} bytes read", counts.bytes());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claim.vhd");
    fs::write(&path, claim()).unwrap();
    for command in ["ls", "check", "info", "map"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 262144 && exec \"$0\" \"$@\""])
            .args([env!("CARGO_BIN_EXE_vhdtree"), command])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_some_and(|code| code <= 3),
            "{command}: {said}"
        );
        assert!(!said.contains("memory"), "{command}: {said}");
    }
}

/// Walking the blocks of the claim one by one would take days.
#[test]
fn a_claim_of_an_exbibyte_is_compared_as_far_as_its_table_goes() {
    let open = |mut disk: Vec<u8>| {
        edit_footers(&mut disk, |footer| {
            for field in [40, 48] {
                footer[field..field + 8].copy_from_slice(&(1_u64 << 60).to_be_bytes());
            }
        });
        let source = std::sync::Arc::new(MemorySource(disk));
        std::sync::Arc::new(vhdtree::image::Image::open(source).unwrap())
    };
    let parent = VhdBuilder::dynamic(8 * MIB).id(1).block_size(512);
    let child = VhdBuilder::differencing(8 * MIB)
        .id(2)
        .parent(1, "p.vhd")
        .block_size(512)
        .write(9, &[7; 512]);
    let chain =
        vhdtree::chain::Chain::new(vec![open(child.build()), open(parent.build())]).unwrap();
    let mut runs = Vec::new();
    let job = Job::default();
    let report = vhdtree::analysis::diff::diff_with_parent(&chain, &job, &mut |event| {
        if let vhdtree::analysis::diff::DiffEvent::Run(run) = event {
            runs.push((run.sector.0, run.count));
        }
    });
    let report = report.unwrap();
    let entries = 8 * MIB / 512;
    assert_eq!(runs, [(9, 1), (entries, (1 << 51) - entries)]);
    assert_eq!(report.summary.totals.changed, 1);
    assert!(!report.summary.complete && report.faults.len() == 1);
}

#[test]
fn a_disk_that_becomes_a_pipe_during_a_scan_does_not_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    if !fifo(&folder.path().join("try")) {
        println!("skipped: mkfifo");
        return;
    }
    let asked = |faults: &std::sync::Arc<Faults>| {
        let folder = tempfile::tempdir().unwrap();
        for (name, id) in [("a.vhd", 1), ("b.vhd", 2)] {
            let disk = VhdBuilder::dynamic(8 * MIB).id(id).write(9, &[7; 512]);
            fs::write(folder.path().join(name), disk.build()).unwrap();
        }
        let options = ScanOptions {
            roots: vec![folder.path().to_path_buf()],
            threads: 1,
            ..ScanOptions::default()
        };
        let files = FaultyFiles::new(std::sync::Arc::clone(faults));
        scan_with(&options, &files, &Job::default(), &mut |_| {}).unwrap()
    };
    let healthy = Faults::none();
    asked(&healthy);
    for at in 0..healthy.asked() {
        let becomes = |path: &Path| {
            // What a host may have said of the folder lies above it, or nowhere.
            if fs::remove_file(path).is_ok() {
                assert!(fifo(path));
            }
        };
        let faults = Faults::at(at, Fault::Meddle(Box::new(becomes)), Lasting::Once);
        let forest = asked(&faults);
        let (path, question) = faults.hits()[0].clone();
        if path.extension().is_none_or(|of| of != "vhd") {
            continue;
        }
        let disk = forest.disks.iter().find(|disk| disk.path == path).unwrap();
        assert!(!disk.findings.is_empty(), "question {at}: {question:?}");
        assert_eq!(forest.disks.len(), 2);
    }
}
