//! What the system can refuse the program: bytes (errors put in by `strace`), permissions, memory, descriptors.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use vhdtree::build::vhd::{Locator, VhdBuilder};

use super::live;
use crate::runner::row_of;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vhdtree");

/// The program under strace with one fault in all reads of a file from the n-th of each thread on; `None` where strace is
/// missing or may not trace.
fn injected(fault: &str, from: u32, file: &Path, arguments: &[&OsStr]) -> Option<Output> {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64", "-P"])
        .arg(file)
        .args(["-e", &format!("inject=pread64:{fault}:when={from}+")])
        .arg(PROGRAM)
        .args(arguments)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    (!said.contains("PTRACE") && !said.contains("Operation not permitted")).then_some(output)
}

#[test]
fn bytes_the_system_refuses_in_the_middle_of_a_diff_leave_a_partial_answer_that_says_so() {
    for ending in ["vhd", "vhdx"] {
        let folder = tempfile::tempdir().unwrap();
        let [base, child] = live::pair(folder.path(), ending);
        for (fault, why) in [
            ("error=EIO", "nput/output error"),
            ("retval=0", "unexpected end of file"),
        ] {
            for file in [&base, &child] {
                // The main thread reads headers, in fewer reads; the two that compare read more often, each 4 MiB at most.
                let run = |flags: &[&str]| {
                    let mut arguments = vec!["diff".as_ref(), child.as_os_str()];
                    arguments.extend(flags.iter().map(OsStr::new));
                    injected(fault, 9, file, &arguments)
                };
                let (Some(json), Some(text)) = (run(&["--json"]), run(&[])) else {
                    println!("skipped: strace");
                    return;
                };
                let when = format!("{fault} of {}", file.display());
                let said = String::from_utf8_lossy(&json.stderr);
                assert_eq!(json.status.code(), Some(3), "{when}: {said}");
                assert!(said.contains(why), "{when}: {said}");
                let value: Value = serde_json::from_slice(&json.stdout).unwrap();
                let sectors = &value["sectors"];
                assert!(
                    sectors["unreadable"].as_u64() > Some(0),
                    "{when}: {sectors}"
                );
                assert!(sectors["same"].as_u64() > Some(0), "{when}: {sectors}");
                assert_eq!(sectors["changed"], 0, "{when}: {sectors}");
                assert_eq!(
                    (&value["complete"], &value["equal"]),
                    (&false.into(), &false.into())
                );
                let error = &value["errors"][0];
                assert_eq!(error["path"].as_str(), file.to_str(), "{when}: {error}");
                assert!(
                    error["error"].as_str().unwrap().contains(why),
                    "{when}: {error}"
                );
                let runs = value["runs"].as_array().unwrap();
                assert!(runs.iter().any(|run| run["kind"] == "unreadable"), "{when}");
                assert_eq!(text.status.code(), Some(3), "{when}");
                let text = String::from_utf8(text.stdout).unwrap();
                assert!(
                    text.ends_with("not everything was compared\n"),
                    "{when}: {text}"
                );
            }
        }
    }
}

#[test]
fn a_disk_whose_every_read_fails_is_a_row_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let [base, child] = live::pair(folder.path(), "vhdx");
    for (command, target, codes) in [
        ("ls", folder.path(), &[0][..]),
        ("check", folder.path(), &[1]),
        ("info", &*base, &[0]),
        ("map", &*base, &[2]),
        ("diff", &*child, &[2]),
        ("gate", &*base, &[1, 2]),
    ] {
        let arguments = [command.as_ref(), "--json".as_ref(), target.as_os_str()];
        let Some(output) = injected("error=EIO", 1, &base, &arguments) else {
            println!("skipped: strace");
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code().unwrap();
        assert!(codes.contains(&code), "{command}: {code} {said}");
        if command == "ls" {
            let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
            let finding = &row_of(&listed, "base.vhdx")["findings"][0];
            assert_eq!(
                (&finding["code"], &finding["at"]),
                (&"file-unreadable".into(), &0.into())
            );
            assert_eq!(
                row_of(&listed, "child.vhdx")["parent"]["state"],
                "unreadable"
            );
        }
    }
}

/// The program as a user who owns nothing; `None` where that cannot be done.
fn as_nobody(folder: &Path) -> Option<impl Fn(&[&OsStr]) -> Output + use<>> {
    // The program may lie where that user cannot go.
    let program = folder.join("vhdtree");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(PROGRAM, &program).unwrap();
    let run = move |arguments: &[&OsStr]| {
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(arguments)
            .output()
    };
    let works = run(&["--version".as_ref()]).is_ok_and(|output| output.status.success());
    works.then_some(move |arguments: &[&OsStr]| run(arguments).unwrap())
}

#[test]
fn what_a_user_may_not_read_is_named_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let Some(vhdtree) = as_nobody(folder.path()) else {
        println!("skipped: setpriv");
        return;
    };
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    for ending in ["vhd", "vhdx"] {
        live::pair(&store, ending);
    }
    for name in ["closed", "listed"] {
        let place = store.join(name);
        fs::create_dir(&place).unwrap();
        live::pair(&place, "vhd");
    }
    fs::write(store.join("vm.xml"), "<configuration/>").unwrap();
    fs::write(store.join("labels.json"), "[]").unwrap();
    let (none, list) = (0o000, 0o444);
    for (name, mode) in [
        ("base.vhdx", none),
        ("child.vhd", none),
        ("vm.xml", none),
        ("labels.json", none),
        ("closed", none),
        ("listed", list),
    ] {
        fs::set_permissions(store.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let output = vhdtree(&["ls".as_ref(), "--json".as_ref(), store.as_os_str()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed["complete"], false);
    let denied = |text: &Value| text.as_str().unwrap().contains("Permission denied");
    let errors = listed["errors"].as_array().unwrap();
    for name in ["/closed", "/vm.xml", "/labels.json"] {
        let is_told = |error: &&Value| error["path"].as_str().unwrap().ends_with(name);
        assert!(
            denied(&errors.iter().find(is_told).unwrap()["error"]),
            "{name}"
        );
    }
    for name in ["store/base.vhdx", "store/child.vhd", "listed/base.vhd"] {
        let finding = &row_of(&listed, name)["findings"][0];
        assert_eq!(finding["code"], "disk-denied", "{name}: {finding}");
        assert!(denied(&finding["text"]), "{name}: {finding}");
    }
    assert_eq!(
        row_of(&listed, "store/child.vhdx")["parent"]["state"],
        "closed"
    );
    assert_eq!(row_of(&listed, "store/base.vhd")["format"], "vhd");
    let file = |name: &str| store.join(name);
    for (command, target, code) in [
        ("check", store.clone(), 1),
        ("diff", file("child.vhdx"), 2),
        ("diff", file("child.vhd"), 2),
        ("map", file("child.vhd"), 2),
        ("map", file("base.vhd"), 0),
        ("info", file("child.vhd"), 0),
    ] {
        let output = vhdtree(&[command.as_ref(), target.as_os_str()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command} {}: {said}",
            target.display()
        );
    }
    // The folder must be cleared away by its owner.
    for name in ["closed", "listed"] {
        fs::set_permissions(store.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// 5,000 disks in 40 folders: a base and children of it with one dirty sector each, in some KiB each.
fn crowd(root: &Path) {
    const DISKS: u64 = 5_000;
    let base = VhdBuilder::dynamic(1 << 20).block_size(4096).id(1);
    fs::write(root.join("base.vhd"), base.write(0, &[3; 512]).build()).unwrap();
    for folder in 0..40 {
        fs::create_dir(root.join(folder.to_string())).unwrap();
    }
    for n in 1..DISKS {
        let disk = VhdBuilder::differencing(1 << 20)
            .block_size(4096)
            .id(u128::from(n) + 1)
            .parent(1, r"..\base.vhd")
            .locator(Locator::relative(r"..\base.vhd"))
            .write(n % 2048, &[1; 512]);
        let path = root.join(format!("{}/d{n}.avhd", n % 40));
        fs::write(path, disk.build()).unwrap();
    }
}

#[test]
fn few_descriptors_and_little_memory_are_enough_for_five_thousand_disks() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    crowd(folder.path());
    println!("built in {:?}", began.elapsed());
    for limit in ["-n 64", "-v 524288"] {
        let run = |arguments: &str, codes: &[i32]| {
            let output = Command::new("sh")
                .arg("-c")
                .arg(format!("ulimit {limit} && exec \"$0\" {arguments}"))
                .arg(PROGRAM)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| codes.contains(&code)),
                "{limit} {arguments}: {code:?} {said}"
            );
            assert_eq!(said, "", "{limit} {arguments}");
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        };
        let began = Instant::now();
        let listed = run("ls --json .", &[0]);
        let disks = listed["disks"].as_array().unwrap();
        assert_eq!(disks.len(), 5_000, "{limit}");
        assert_eq!(listed["complete"], true, "{limit}");
        let dirty = disks
            .iter()
            .filter_map(|disk| disk["dirty_sectors"].as_u64());
        assert_eq!(dirty.sum::<u64>(), 4_999, "{limit}");
        assert_eq!(
            row_of(&listed, "/base.vhd")["children"]
                .as_array()
                .unwrap()
                .len(),
            4_999,
            "{limit}"
        );
        let checked = run("check --json .", &[0]);
        assert_eq!(checked["complete"], true, "{limit}");
        let compared = run("diff --json 7/d2007.avhd --store .", &[1]);
        assert_eq!(compared["sectors"]["changed"], 1, "{limit}");
        assert!(began.elapsed() < Duration::from_mins(2), "{limit}");
    }
}
