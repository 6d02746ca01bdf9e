//! The edges: wrong usage, odd names, readers that leave, signals.

use std::process::Stdio;

use super::{program, run, store, text};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    for (args, says) in [
        (&["--nothing"][..], "--nothing"),
        (&["info"], "FILE"),
        (&["info", "not there.vhd"], "not there.vhd"),
        (&["ls", "not there"], "not there"),
        (&["ls", "-o", "name,nothing"], "ondisk"),
        (&["map", "vm.vhd", "--grid", "9"], "64x16"),
        (&["explain", "parent-mising"], "parent-missing"),
        (&["gate", "."], "--snapshot"),
        (&["gate", ".", "--snapshot", "x"], "--facts"),
        (
            &["gate", ".", "--snapshot", "x", "--from", "y"],
            "saved scan",
        ),
        (&["ls", ".", "--json", "--csv"], "--csv"),
        (&["ls", ".", "--labels", "x.json"], "use --facts"),
        (&["gate", ".", "--times=x.csv"], "use --facts"),
        (&["ls", ".", "--now", "none.vhd"], "none.vhd"),
        (&["ls", ".", "--facts", "none.json"], "none.json"),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(says), "{args:?}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_cause_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ["ls", "nowhere"]);
    assert_eq!(
        said(&output).matches("No such file").count(),
        1,
        "{}",
        said(&output)
    );
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    let version = run(folder.path(), ["-V"]);
    assert_eq!(
        text(&version),
        concat!("vhdtree ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for args in [&["--help"][..], &["gate", "--help"], &["ls", "--help"]] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output).contains("Example"), "{args:?}");
    }
    let lines = |args: &[&str]| text(&run(folder.path(), args)).lines().count();
    assert!(lines(&["-h"]) < 50, "the short help fits a screen");
    assert!(lines(&["plan", "-h"]) * 2 < lines(&["plan", "--help"]));
}

#[test]
fn names_that_begin_with_a_hyphen_or_are_no_text_work() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let base = std::fs::read(folder.path().join("vm.vhd")).unwrap();
    std::fs::write(folder.path().join("-q.vhd"), &base).unwrap();
    let output = run(folder.path(), ["map", "--json", "--", "-q.vhd"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    #[cfg(unix)]
    {
        use std::ffi::{OsStr, OsString};
        use std::os::unix::ffi::OsStrExt as _;
        let name = OsStr::from_bytes(b"x\xff\x1b[31m.vhd");
        std::fs::write(folder.path().join(name), &base).unwrap();
        let output = run(folder.path(), [OsString::from("info"), name.to_owned()]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(
            text(&output).contains("x\\xff\\u{1b}[31m.vhd"),
            "{}",
            text(&output)
        );
        let ls = super::json(folder.path(), &["ls", "."]);
        let odd = ls["disks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|disk| disk["path_bytes"].is_string());
        assert_eq!(odd.unwrap()["path_bytes"], "Li94/xtbMzFtLnZoZA==");
        for args in [&["ls", "."][..], &["check", "."], &["ls", ".", "--csv"]] {
            assert!(
                !text(&run(folder.path(), args)).contains('\u{1b}'),
                "{args:?}"
            );
        }
    }
}

#[test]
fn a_reader_that_leaves_is_no_error_and_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    store::broken(folder.path());
    for (args, code) in [(&["ls", "."][..], 0), (&["check", "."], 1)] {
        let mut child = program(folder.path())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(said(&output), "", "{args:?}");
    }
}

#[test]
fn ascii_means_ascii_and_colours_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    store::broken(folder.path());
    let plain = run(folder.path(), ["ls", ".", "--ascii"]);
    assert!(plain.stdout.is_ascii());
    let locale = program(folder.path())
        .args(["ls", "."])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(locale.stdout.is_ascii());
    let painted = run(folder.path(), ["ls", ".", "--color", "always"]);
    assert!(text(&painted).contains("\u{1b}[31m! BROKEN\u{1b}[0m"));
    assert!(!text(&run(folder.path(), ["ls", "."])).contains('\u{1b}'));
}

#[test]
fn the_demo_goes_into_an_empty_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "mine").unwrap();
    let output = run(folder.path(), ["demo", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("not empty"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_stops_the_work_and_says_so() {
    use std::io::Read as _;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    // Standard input stays open and empty, so that the program waits; the second signal ends even that.
    let mut child = program(folder.path())
        .args(["ls", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let late = || assert!(std::time::Instant::now() < deadline, "it goes on");
    let pid = child.id();
    while !listens(pid) {
        late();
        std::thread::yield_now();
    }
    let status = loop {
        let sent = Command::new("kill")
            .args(["-INT", &pid.to_string()])
            .output();
        assert!(sent.is_ok());
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        late();
    };
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    assert_eq!(printed, "");
    assert_eq!(status.code(), Some(130));
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_scan_prints_what_it_read_and_marks_the_rest_partial() {
    use std::process::Command;
    use std::time::{Duration, Instant};
    use vhdtree::build::vhd::VhdBuilder;

    const FILES: u64 = 4000;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        let disk = VhdBuilder::dynamic(64 << 20).id(u128::from(number) + 1);
        disk.build_to(&folder.path().join(format!("d{number:04}.vhd")))
            .unwrap();
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    // A signal that comes when all is done gets another chance.
    let (whole, partial) = loop {
        assert!(Instant::now() < deadline, "it was never interrupted");
        let child = program(folder.path())
            .args(["ls", ".", "-n"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        // Some of the files, far from all, were read.
        while bytes_read(pid).is_some_and(|bytes| bytes < 300 << 10) {
            assert!(Instant::now() < deadline, "it reads nothing");
            std::thread::yield_now();
        }
        let sent = Command::new("kill")
            .args(["-INT", &pid.to_string()])
            .output();
        assert!(sent.is_ok());
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(0) {
            continue;
        }
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert!(said(&output).contains("not complete"), "{}", said(&output));
        let printed = text(&output);
        let is_partial = |line: &&str| line.ends_with("~ partial");
        let partial = printed.lines().filter(is_partial).count();
        let disks = printed.lines().filter(|line| line.contains(".vhd"));
        let whole = disks.filter(|line| !is_partial(line)).count();
        break (whole, partial);
    };
    assert!(whole > 0 && partial > 0, "{whole} whole, {partial} partial");
}

/// Bytes a living process has read so far, as Linux tells; `None` once it has ended.
#[cfg(target_os = "linux")]
fn bytes_read(pid: u32) -> Option<u64> {
    let told = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let ended = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.contains(") Z "));
    let line = told.lines().find_map(|line| line.strip_prefix("rchar: "))?;
    line.trim().parse().ok().filter(|_| !ended)
}

/// True once a process catches SIGINT, as Linux tells.
#[cfg(target_os = "linux")]
fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 2 != 0)
}
