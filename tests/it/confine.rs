//! What the program gave up, the kernel holds it to: a write from inside the very process fails.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use vhdtree::cli::confine::{Confined, Writable, confine};

/// Set in the process that gives its rights up: this one needs them for the tests beside it.
const FOLDER: &str = "VHDTREE_TEST_CONFINED";

#[test]
fn a_confined_process_writes_only_where_it_may_and_connects_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    for place in ["store", "state"] {
        std::fs::create_dir(folder.path().join(place)).unwrap();
    }
    std::fs::write(folder.path().join("store/disk.vhd"), b"as it was").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["confine::inside", "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    if said.contains("skipped: landlock") {
        println!("skipped: landlock");
        return;
    }
    assert!(said.contains("held"), "{said}");
    assert_eq!(
        std::fs::read(folder.path().join("store/disk.vhd")).unwrap(),
        b"as it was"
    );
    assert!(folder.path().join("state/kept").exists());
}

/// Nothing unless it was started by the test above.
#[test]
fn inside() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let writable = Writable {
        folders: &[&folder.join("state"), &folder.join("not there")],
        emptied: &[],
    };
    if confine(writable) == Confined::No {
        println!("skipped: landlock");
        return;
    }
    let denied = |done: std::io::Result<()>| {
        assert_eq!(done.unwrap_err().kind(), ErrorKind::PermissionDenied);
    };
    let disk = folder.join("store/disk.vhd");
    denied(std::fs::write(&disk, b"changed"));
    denied(std::fs::File::options().append(true).open(&disk).map(drop));
    denied(std::fs::write(folder.join("store/new"), b"new"));
    denied(std::fs::remove_file(&disk));
    // The kernel may also say of a move out of reach that it would cross devices.
    let moved = std::fs::rename(&disk, folder.join("state/moved")).unwrap_err();
    assert!(matches!(
        moved.kind(),
        ErrorKind::PermissionDenied | ErrorKind::CrossesDevices
    ));
    denied(TcpStream::connect(listener.local_addr().unwrap()).map(drop));
    std::thread::spawn({
        let disk = disk.clone();
        move || denied(std::fs::write(disk, b"changed"))
    })
    .join()
    .unwrap();
    assert_eq!(std::fs::read(&disk).unwrap(), b"as it was");
    std::fs::write(folder.join("state/kept"), b"kept").unwrap();
    println!("held");
}
