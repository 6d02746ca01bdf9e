//! What lies beside Hyper-V's disks is named for what it is, and where a birth time comes from is said.

use std::fs;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;
use vhdtree::build::vhdx::VhdxBuilder;

use super::{json, run, text};
use crate::runner::row_of;

const SIZE: u64 = 16 << 20;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn child(own: u128, parent: u128, parent_name: &str) -> VhdxBuilder {
    VhdxBuilder::differencing(SIZE)
        .data_write_id(id(own))
        .parent(
            id(parent),
            &[("relative_path", &format!(r".\{parent_name}"))],
        )
        .write(3, b"changed")
}

/// A VHD set with its data disk, a checkpoint that a backup left behind, and the change tracking and replica files of a disk.
fn put_store(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let base = VhdxBuilder::dynamic(SIZE)
        .data_write_id(id(1))
        .disk_id(id(9));
    put("shared.avhdx", &base.build());
    put(
        "shared.vhds",
        &VhdxBuilder::dynamic(1 << 20).disk_id(id(10)).build(),
    );
    let disk = VhdxBuilder::dynamic(SIZE)
        .data_write_id(id(2))
        .disk_id(id(11));
    put("db.vhdx", &disk.build());
    let backup = child(3, 2, "db.vhdx").disk_id(id(11));
    put("db-AutoRecovery.avhdx", &backup.build());
    for name in ["db.vhdx.rct", "db.vhdx.mrt", "db.hrl"] {
        put(name, &[7; 4096]);
    }
}

#[test]
fn sets_recovery_disks_and_companions_are_named_in_every_list() {
    let folder = tempfile::tempdir().unwrap();
    put_store(folder.path());
    let ls = json(folder.path(), &["ls"]);
    let data = row_of(&ls, "shared.avhdx");
    assert_eq!(data["role"], "data disk of a VHD set");
    assert_eq!(
        (&data["parent"], &data["kind"]),
        (&Value::Null, &"dynamic".into())
    );
    let backup = row_of(&ls, "db-AutoRecovery.avhdx");
    assert_eq!(backup["role"], "backup's recovery checkpoint");
    assert_eq!(backup["parent"]["state"], "ok");
    let listed = text(&run(folder.path(), ["ls"]));
    assert!(listed.contains("data disk of a VHD set"), "{listed}");
    assert!(listed.contains("backup's recovery checkpoint"), "{listed}");
    let set = text(&run(folder.path(), ["info", "shared.avhdx"]));
    assert!(set.contains("data disk of a VHD set"), "{set}");
    assert!(set.contains("shared.vhds"), "{set}");
    let backup = text(&run(folder.path(), ["info", "db-AutoRecovery.avhdx"]));
    assert!(backup.contains("backup's recovery checkpoint"), "{backup}");
    let disk = text(&run(folder.path(), ["info", "db.vhdx"]));
    for name in ["db.vhdx.rct", "db.vhdx.mrt", "db.hrl"] {
        assert!(disk.contains(name), "{name} beside the disk: {disk}");
    }
    assert!(!disk.contains("shared.vhds"), "of another disk: {disk}");
}

#[test]
fn a_birth_is_the_file_systems_unless_a_listing_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let before = jiff::Timestamp::now();
    put_store(folder.path());
    let row = row_of(&json(folder.path(), &["ls"]), "db-AutoRecovery.avhdx").clone();
    if row["created_source"].is_null() {
        println!("skipped: a file system with birth times");
    } else {
        assert_eq!(row["created_source"], "filesystem");
        let born: jiff::Timestamp = row["created"].as_str().unwrap().parse().unwrap();
        assert!((born - before).abs().total(jiff::Unit::Second).unwrap() < 600.0);
    }
    let length = fs::metadata(folder.path().join("db-AutoRecovery.avhdx"))
        .unwrap()
        .len();
    let listing = format!(
        "\"FullName\",\"Length\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\r\n\
         \"D:\\VMs\\db-AutoRecovery.avhdx\",\"{length}\",\"2021-03-04T05:06:07Z\",\"2021-04-05T06:07:08Z\"\r\n"
    );
    fs::write(folder.path().join("times.csv"), listing).unwrap();
    for arguments in [
        &["ls", "--facts", "times.csv", "."][..],
        &["info", "--facts", "times.csv", "db-AutoRecovery.avhdx"],
    ] {
        let said = json(folder.path(), arguments);
        let row = if arguments[0] == "ls" {
            row_of(&said, "db-AutoRecovery.avhdx")
        } else {
            &said["disk"]
        };
        assert_eq!(row["created_source"], "host", "{said:#}");
        assert_eq!(row["created"], "2021-03-04T05:06:07Z");
        assert_eq!(row["modified"], "2021-04-05T06:07:08Z");
    }
    let row = row_of(
        &json(folder.path(), &["ls", "--facts", "times.csv", "."]),
        "db.vhdx",
    )
    .clone();
    assert_ne!(
        row["created_source"], "host",
        "the listing does not name it"
    );
}
