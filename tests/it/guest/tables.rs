//! Volumes are found and named behind every kind of partition table, and without one.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vhdtree::build::vhdx::VhdxBuilder;

use super::chains::{Table, behind, content, has};
use super::cp::{code, vhdtree};
use super::ntfs::{Volume, changer};

fn is_named(folder: &Path, disk: &[u8], name: &str) {
    let image = VhdxBuilder::dynamic(disk.len() as u64).write(0, disk);
    fs::write(folder.join("base.vhdx"), image.build()).unwrap();
    let said = |args: &[&str]| {
        let output = vhdtree(folder, args);
        assert!(code(&output) <= 1, "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let info = said(&["info", "base.vhdx"]);
    let line = info
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name}: {info}"));
    assert!(line.contains(" NTFS, 16.0 MiB"), "{line}");
    let json: Value = serde_json::from_str(&said(&["info", "base.vhdx", "--json"])).unwrap();
    let volumes = json["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|of| of["volume"] == name).unwrap();
    assert_eq!(
        (&volume["fs"], &volume["size"]),
        (&"ntfs".into(), &(16 << 20).into())
    );
    assert_eq!(volume["readable"], true);
    let json = said(&["info", "base.vhdx", "--json", "--no-guest"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["volumes"], Value::Null);
    let path = format!("{name}:/a.txt");
    assert_eq!(said(&["cp", "base.vhdx", &path, "-"]), "found");
    let owners = said(&["map", "base.vhdx", "--owners"]);
    assert!(owners.contains(&format!(" {name} ")), "{owners}");
}

#[test]
fn a_volume_has_its_name_behind_every_table() {
    if !has("mkntfs") || !has("ntfscp") || changer().is_none() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let volume = Volume::new(folder, "ntfs", 16, &[]);
    volume.put("/a.txt", b"found");
    let volume = content(&volume.image);
    is_named(folder, &volume, "disk");
    for table in Table::ALL {
        if let Some(disk) = behind(table, &volume) {
            is_named(folder, &disk, table.volume_name());
        }
    }
}
