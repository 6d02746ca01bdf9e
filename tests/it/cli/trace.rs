//! What the system sees: no file of a store is ever opened for writing, nor changed in any other way.

use std::process::Command;

use super::store;

#[test]
fn no_system_call_could_change_the_store() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disks = folder.path().join("store");
    std::fs::create_dir(&disks).unwrap();
    store::healthy(&disks);
    store::broken(&disks);
    let middle = disks.join("vm_0A1B2C3D-0000-4000-8000-000000000001.avhd");
    for args in [
        vec!["ls".as_ref(), disks.as_os_str()],
        vec!["check".as_ref(), disks.as_os_str()],
        vec!["diff".as_ref(), middle.as_os_str()],
        vec!["map".as_ref(), middle.as_os_str()],
        vec!["info".as_ref(), middle.as_os_str()],
    ] {
        let log = folder.path().join("trace");
        let traced = Command::new("strace")
            .args(["-f", "-qq", "-s", "4096", "-o"])
            .arg(&log)
            .args(["-e", "trace=%file,ftruncate,fallocate,fchmod,fchown"])
            .arg(env!("CARGO_BIN_EXE_vhdtree"))
            .args(&args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&traced.stderr).into_owned();
        if said.contains("PTRACE") || said.contains("Operation not permitted") {
            println!("skipped: strace may not trace here");
            return;
        }
        let trace = std::fs::read_to_string(&log).unwrap();
        let opened = trace
            .lines()
            .filter(|line| line.contains("vm.vhd\""))
            .count();
        assert!(opened > 0 || args[0] == "map", "{args:?} read no disk");
        let bad: Vec<_> = trace
            .lines()
            .filter(|line| could_change(line, "/store/"))
            .collect();
        assert!(bad.is_empty(), "{args:?}:\n{}", bad.join("\n"));
    }
}

/// Every command that prints: nothing is opened for writing anywhere, but what `cp` and `demo` are told to make.
#[test]
fn nothing_is_opened_for_writing_but_what_was_asked_for() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let disks = here.join("store");
    std::fs::create_dir(&disks).unwrap();
    store::healthy(&disks);
    let disk = "store/vm_0A1B2C3D-0000-4000-8000-000000000001.avhd";
    for (args, own) in [
        (&["ls", "store"][..], None),
        (&["ls", "store", "--prometheus"], None),
        (&["check", "store", "--json"], None),
        (&["changes", "store", "store"], None),
        (&["plan", disk], None),
        (&["gate", disk], None),
        (&["files", disk], None),
        (&["cp", disk, "out/whole.raw"], Some("out/")),
        (&["cp", disk, "-"], None),
        (&["demo", "made"], Some("made")),
        (&["demo"], Some("vhdtree-demo-")),
        (&["explain"], None),
        (&["man"], None),
    ] {
        std::fs::create_dir_all(here.join("out")).unwrap();
        let log = here.join("trace");
        let traced = Command::new("strace")
            .current_dir(here)
            .env("HOME", here)
            .args(["-f", "-qq", "-s", "4096", "-o"])
            .arg(&log)
            .args(["-e", "trace=%file,ftruncate,fallocate,fchmod,fchown"])
            .arg(env!("CARGO_BIN_EXE_vhdtree"))
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&traced.stderr).into_owned();
        if said.contains("PTRACE") || said.contains("Operation not permitted") {
            println!("skipped: strace may not trace here");
            return;
        }
        let trace = std::fs::read_to_string(&log).unwrap();
        assert!(trace.contains("openat"), "{args:?} {said}");
        let is_own = |line: &&str| {
            let call = line
                .split_once(' ')
                .map_or("", |(_, call)| call.trim_start());
            // What has a file by its number was opened by one of the other lines.
            line.contains("\"/dev/null\"")
                || is_by_number(call)
                // A temporary folder goes by its own number, opened by its name.
                || (own == Some("vhdtree-demo-") && removes_by_number(call))
                || own.is_some_and(|own| line.contains(own))
        };
        let mut bad = trace
            .lines()
            .filter(|line| could_change(line, "") && !is_own(line));
        assert_eq!(bad.next(), None, "{args:?}");
    }
}

/// A call that names an open file by its number, and no path.
fn is_by_number(call: &str) -> bool {
    call.starts_with('f') || (call.starts_with("utimensat(") && call.contains(", NULL,"))
}

/// A call that removes a name in a folder that is open.
fn removes_by_number(call: &str) -> bool {
    let folder = call.strip_prefix("unlinkat(");
    folder.is_some_and(|folder| folder.starts_with(|of: char| of.is_ascii_digit()))
}

/// A call that could change a file whose path holds `place`.
fn could_change(line: &str, place: &str) -> bool {
    let call = line
        .split_whitespace()
        .find(|word| word.contains('('))
        .and_then(|word| word.split('(').next())
        .unwrap_or_default();
    let opens = matches!(call, "open" | "openat" | "openat2")
        && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"]
            .iter()
            .any(|flag| line.contains(flag));
    let changes = matches!(
        call,
        "creat"
            | "truncate"
            | "ftruncate"
            | "fallocate"
            | "unlink"
            | "unlinkat"
            | "rename"
            | "renameat"
            | "renameat2"
            | "mkdir"
            | "mkdirat"
            | "rmdir"
            | "link"
            | "linkat"
            | "symlink"
            | "symlinkat"
            | "chmod"
            | "fchmod"
            | "fchmodat"
            | "chown"
            | "fchown"
            | "lchown"
            | "fchownat"
            | "utimensat"
            | "utime"
            | "utimes"
            | "setxattr"
            | "mknod"
    );
    line.contains(place) && (opens || changes)
}

/// A system call of a program that reads a container, and nothing else: the device is opened for reading, no other program is
/// run, and no call is made that device-mapper would act on.
#[test]
fn a_device_is_only_read_and_no_tool_of_the_host_is_run() {
    let packed = crate::truth::samples().map(|folder| folder.join("lvm/pv.img.xz"));
    let Some(packed) = packed.filter(|packed| packed.is_file()) else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("pv.img");
    if !crate::truth::unpacked_sample(&packed, &image) {
        return;
    }
    let made = Command::new("losetup")
        .args(["-r", "-f", "--show"])
        .arg(&image)
        .output();
    let made = made.ok().filter(|made| made.status.success());
    let device = made.map(|made| String::from_utf8(made.stdout).unwrap().trim().to_owned());
    if device.is_none() {
        println!("skipped: losetup");
    }
    let snapshot = "22222222-0000-4000-8000-000000000002";
    for root in [image.to_str()]
        .into_iter()
        .chain([device.as_deref()])
        .flatten()
    {
        for args in [
            vec!["ls", root],
            vec!["check", root],
            vec!["info", root],
            vec!["gate", "--snapshot", snapshot, root],
        ] {
            let log = folder.path().join("trace");
            let traced = Command::new("strace")
                .args(["-f", "-qq", "-y", "-s", "0", "-o"])
                .arg(&log)
                .args(["-e", "trace=%file,%process,pread64,write,pwrite64,ioctl"])
                .arg(env!("CARGO_BIN_EXE_vhdtree"))
                .args(&args)
                .output();
            let said = traced.map(|traced| String::from_utf8_lossy(&traced.stderr).into_owned());
            if !said.is_ok_and(|said| !said.contains("PTRACE") && !said.contains("not permitted")) {
                println!("skipped: strace");
                continue;
            }
            let trace = std::fs::read_to_string(&log).unwrap();
            let lines = || trace.lines();
            let runs = lines().filter(|line| line.contains("execve("));
            assert_eq!(runs.count(), 1, "{args:?}");
            let of_it = || lines().filter(|line| line.contains(&format!("<{root}")));
            let opened = of_it().filter(|line| line.contains("open"));
            assert!(opened.count() > 0, "{args:?} opened nothing:\n{trace}");
            let bad = |line: &&str| {
                could_change(line, root)
                    || ["write(", "pwrite64(", "ioctl("]
                        .iter()
                        .any(|call| line.contains(call))
                        && line.contains(&format!("<{root}"))
            };
            let bad: Vec<&str> = lines().filter(bad).collect();
            assert!(bad.is_empty(), "{args:?}:\n{}", bad.join("\n"));
            assert!(!trace.contains("/dev/mapper"), "{args:?}");
            if args[0] == "ls" && root.ends_with("pv.img") {
                let reads: Vec<u64> = of_it()
                    .chain(lines().filter(|line| line.contains("pread64 resumed")))
                    .filter(|line| line.contains("pread64") && line.contains("= "))
                    .filter_map(|line| line.rsplit("= ").next()?.parse().ok())
                    .collect();
                let bytes: u64 = reads.iter().sum();
                assert!(
                    reads.len() <= 40 && bytes <= 64 << 10,
                    "{} {bytes}",
                    reads.len()
                );
                assert!(reads.len() > 20, "the trace shows {} reads", reads.len());
            }
        }
    }
    if let Some(device) = device {
        let _ = Command::new("losetup").args(["-d", &device]).status();
    }
}

#[test]
fn the_trace_would_show_a_write() {
    let line = |call: &str| format!("4711  {call}");
    for call in [
        "openat(AT_FDCWD, \"/t/store/vm.vhd\", O_RDWR|O_CLOEXEC) = 3",
        "unlink(\"/t/store/vm.vhd\") = 0",
        "utimensat(AT_FDCWD, \"/t/store/vm.vhd\", NULL, 0) = 0",
    ] {
        assert!(could_change(&line(call), "/store/"), "{call}");
    }
    for call in [
        "openat(AT_FDCWD, \"/t/store/vm.vhd\", O_RDONLY|O_CLOEXEC) = 3",
        "openat(AT_FDCWD, \"/dev/null\", O_RDWR) = 3",
    ] {
        assert!(!could_change(&line(call), "/store/"), "{call}");
    }
}
