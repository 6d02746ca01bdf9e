//! VirtualBox's own settings in the store: snapshots, their times, what is in use, and whether the machine was restored since.

use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;
use vhdtree::build::vhd::VhdBuilder;

use crate::cli::json;

/// A disk's id in a VHD, by the text of the settings: its first three fields are little-endian.
fn in_file(id: &str) -> u128 {
    u128::from_be_bytes(Uuid::parse_str(id).unwrap().to_bytes_le())
}

const BASE: &str = "01020304-0506-4708-890a-0b0c0d0e0f10";
const NOW: &str = "a2020304-0506-4708-890a-0b0c0d0e0f10";

/// A machine with one snapshot of 2026-02-10 20:00, whose disk above was made at `made`.
fn machine(folder: &Path, made: &str) {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let snapshots = folder.join("vm/Snapshots");
    std::fs::create_dir_all(&snapshots).unwrap();
    let base = VhdBuilder::dynamic(16 << 20).id(in_file(BASE));
    let base = base
        .created_at(at("2026-01-05T09:00:00Z"))
        .write(8, &[7; 512]);
    std::fs::write(folder.join("vm/win7.vhd"), base.build()).unwrap();
    let above = VhdBuilder::differencing(16 << 20).id(in_file(NOW));
    let above = above
        .parent(in_file(BASE), "win7.vhd")
        .created_at(at(made))
        .write(3, &[1; 512]);
    std::fs::write(snapshots.join(format!("{{{NOW}}}.vhd")), above.build()).unwrap();
    let settings = format!(
        r#"<?xml version="1.0"?><VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux">
<Machine uuid="{{11111111-2222-4333-8444-555555555555}}" name="win7" currentSnapshot="{{aaaaaaaa-2222-4333-8444-555555555555}}">
<MediaRegistry><HardDisks><HardDisk uuid="{{{BASE}}}" location="win7.vhd" format="VHD">
<HardDisk uuid="{{{NOW}}}" location="Snapshots/{{{NOW}}}.vhd" format="VHD"/></HardDisk></HardDisks></MediaRegistry>
<Snapshot uuid="{{aaaaaaaa-2222-4333-8444-555555555555}}" name="before 検証" timeStamp="2026-02-10T20:00:00Z">
<Hardware><StorageControllers><StorageController><AttachedDevice type="HardDisk"><Image uuid="{{{BASE}}}"/></AttachedDevice></StorageController></StorageControllers></Hardware></Snapshot>
<Hardware><StorageControllers><StorageController><AttachedDevice type="HardDisk"><Image uuid="{{{NOW}}}"/></AttachedDevice></StorageController></StorageControllers></Hardware>
</Machine></VirtualBox>"#
    );
    std::fs::write(folder.join("vm/win7.vbox"), settings).unwrap();
}

#[test]
fn a_restored_machine_is_told_from_one_that_was_not() {
    for (made, reverted) in [
        ("2026-02-10T20:00:02Z", "no-sign"),
        ("2026-04-20T11:17:30Z", "likely"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        machine(folder.path(), made);
        let all = json(folder.path(), &["ls", "vm"]);
        let disks = all["disks"].as_array().unwrap();
        let row = |name: &str| {
            let mut disks = disks.iter();
            disks
                .find(|of| of["path"].as_str().unwrap().contains(name))
                .unwrap()
        };
        assert_eq!(row(NOW)["in_use_by"], serde_json::json!(["win7"]));
        let snapshot = &row("win7.vhd")["snapshots"][0];
        assert_eq!(
            (&snapshot["name"], &snapshot["vm"]),
            (&"before 検証".into(), &"win7".into())
        );
        assert_eq!(snapshot["taken"], "2026-02-10T20:00:00Z");
        assert_eq!(snapshot["verdict"]["reverted"], reverted, "{snapshot:#}");
        for disk in disks {
            let mut findings = disk["findings"].as_array().unwrap().iter();
            let is_contradicted = findings.any(|of| of["code"] == "facts-disagree");
            assert!(!is_contradicted, "{disk:#}");
        }
        assert_eq!(
            (&all["complete"], &all["errors"]),
            (&true.into(), &serde_json::json!([]))
        );
    }
}
