//! Disks of Citrix Provisioning: versions, the manifest that lists them, and what a server keeps beside them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::build::vhdx::VhdxBuilder;

use crate::runner::{codes_of, json_of, row_of, vhdtree};

/// Number, type, access, file.
type Listed<'a> = (u32, u32, u32, &'a str);

const VERSIONS: [Listed<'static>; 4] = [
    (0, 0, 0, "win10.vhdx"),
    (1, 1, 0, "win10.1.avhdx"),
    (2, 4, 0, "win10.2.vhdx"),
    (3, 1, 1, "win10.3.avhdx"),
];

fn manifest(folder: &Path, versions: &[Listed<'_>]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<versionManifest>\r\n<startingVersion>0</startingVersion>\r\n",
    );
    for (number, kind, access, file) in versions {
        let size = fs::metadata(folder.join(file)).map_or(7, |found| found.len());
        let _ = write!(
            text,
            "<version><versionNumber>{number}</versionNumber><description>検証 {number}</description><type>{kind}</type><access>{access}</access><createDate>2026-02-10T20:00:00.000</createDate><scheduledDate/><deleteWhenFree>0</deleteWhenFree><diskFileName>{file}</diskFileName><size>{size}</size><lastWriteTime>2026-02-10T20:00:00.000</lastWriteTime></version>\r\n",
        );
    }
    text + "</versionManifest>\r\n"
}

/// A disk with two bases, as a merge leaves it, and its manifest.
fn store(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let put = |name: &str, disk: &VhdxBuilder| disk.build_to(&folder.join(name)).unwrap();
    let id = |n: u128| Uuid::from_u128(0x1234_0000_0000_4000_8000_0000_0000_0000 + n);
    for (base, child, n) in [
        ("win10.vhdx", "win10.1.avhdx", 1),
        ("win10.2.vhdx", "win10.3.avhdx", 3),
    ] {
        let base_disk = VhdxBuilder::dynamic(64 << 20)
            .block_size(16 << 20)
            .data_write_id(id(n));
        put(base, &base_disk.write(8, &[7; 512]));
        let path = format!(".\\{base}");
        let child_disk = VhdxBuilder::differencing(64 << 20)
            .block_size(16 << 20)
            .data_write_id(id(n + 1))
            .parent(id(n), &[("relative_path", &path)]);
        put(child, &child_disk.write(9, &[8; 512]));
    }
    for beside in ["win10.pvp", "win10.lok", "win10.2.lok"] {
        fs::write(folder.join(beside), b"lock").unwrap();
    }
    fs::write(folder.join("win10.xml"), manifest(folder, &VERSIONS)).unwrap();
}

fn codes(root: &Path) -> Vec<(String, String)> {
    let check = json_of(&["check", "--json"], root);
    let all = check["findings"].as_array().unwrap().iter();
    let text = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
    let all = all.filter(|of| text(of, "code").starts_with("pvs-"));
    all.map(|of| (text(of, "code"), text(of, "text"))).collect()
}

#[test]
fn versions_are_named_and_no_revert_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    assert_eq!(codes(folder.path()), []);
    let ls = json_of(&["ls", "--json"], folder.path());
    assert_eq!(ls["errors"], serde_json::json!([]));
    for (file, label) in [
        ("win10.vhdx", "win10, version 0 (base), production: 検証 0"),
        ("win10.1.avhdx", "win10, version 1, production: 検証 1"),
        (
            "win10.2.vhdx",
            "win10, version 2 (merged base), production: 検証 2",
        ),
        ("win10.3.avhdx", "win10, version 3, maintenance: 検証 3"),
    ] {
        let row = row_of(&ls, file);
        assert_eq!(
            (&row["product"], &row["label"]),
            (&"pvs".into(), &label.into())
        );
        assert_eq!(row["snapshots"], serde_json::json!([]), "{row:#}");
    }
    let text = String::from_utf8(vhdtree(&["ls"], folder.path()).stdout).unwrap();
    assert!(
        !text.contains("NOW") && !text.contains("reverted"),
        "{text}"
    );
    assert!(text.contains("version 3, maintenance"), "{text}");
}

#[test]
fn a_version_that_others_stand_on_is_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let gate = |file: &str| {
        let told = json_of(&["gate", "--json"], &folder.path().join(file));
        assert!(!told.to_string().contains("Get-VMSnapshot"), "{told:#}");
        told["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(gate("win10.vhdx"), "refuse");
    assert_eq!(gate("win10.2.vhdx"), "refuse");
    assert_eq!(gate("win10.3.avhdx"), "pass");
    let plan = json_of(&["plan", "--json"], &folder.path().join("win10.3.avhdx"));
    assert_eq!(plan["merge"], serde_json::json!([]));
    assert!(
        plan["lost"].to_string().contains("can no longer be used"),
        "{plan:#}"
    );
}

#[test]
fn the_manifest_is_held_against_the_files_and_other_copies() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("a");
    let write = |folder: &Path, versions: &[Listed<'_>], from: &str, to: &str| {
        let text = manifest(folder, versions).replacen(from, to, 1);
        fs::write(folder.join("win10.xml"), text).unwrap();
    };
    store(&here);
    let mut more = VERSIONS.to_vec();
    more.push((4, 1, 0, "win10.4.avhdx"));
    for (versions, from, to, code, says) in [
        (&more[..], "", "", "pvs-version-missing", "win10.4.avhdx"),
        (&VERSIONS[..3], "", "", "pvs-version-unlisted", "win10.xml"),
        (
            &VERSIONS,
            "<size>",
            "<size>9",
            "pvs-manifest-disagrees",
            "bytes",
        ),
        (
            &VERSIONS,
            "<type>1",
            "<type>0",
            "pvs-manifest-disagrees",
            "listed as a base",
        ),
        (
            &VERSIONS,
            "<access>1",
            "<access>4",
            "pvs-merging",
            "version 3",
        ),
        (
            &VERSIONS,
            "</versionManifest>",
            "",
            "pvs-manifest-unreadable",
            "XML",
        ),
    ] {
        write(&here, versions, from, to);
        let found = codes(&here);
        assert!(
            found
                .iter()
                .any(|(of, text)| of == code && text.contains(says)),
            "{code}: {found:?}"
        );
        let others = found.iter().filter(|(of, _)| of != code);
        assert!(others.count() == 0, "{code}: {found:?}");
    }
    write(&here, &VERSIONS, "", "");
    let there = folder.path().join("b");
    store(&there);
    assert_eq!(codes(folder.path()), []);
    fs::remove_file(there.join("win10.3.avhdx")).unwrap();
    write(&there, &VERSIONS[..3], "", "");
    let found = codes(folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "pvs-copies-differ");
    let check = json_of(&["check", "--json"], folder.path());
    assert!(codes_of(&check, "b/win10.xml").contains(&"pvs-copies-differ".to_owned()));
}

#[test]
fn without_a_manifest_names_and_locks_tell_the_product() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    fs::remove_file(folder.path().join("win10.xml")).unwrap();
    let base = VhdBuilder::dynamic(8 << 20).id(9).build();
    fs::write(folder.path().join("xp.vhd"), base).unwrap();
    fs::write(folder.path().join("xp.vhd.lok"), b"lock").unwrap();
    fs::write(
        folder.path().join("own.vhd"),
        VhdBuilder::dynamic(8 << 20).id(10).build(),
    )
    .unwrap();
    let ls = json_of(&["ls", "--json"], folder.path());
    for (file, product) in [
        ("win10.vhdx", "pvs"),
        ("win10.3.avhdx", "pvs"),
        ("xp.vhd", "pvs"),
        ("own.vhd", "hyperv"),
    ] {
        assert_eq!(row_of(&ls, file)["product"], product, "{file}");
    }
    assert_eq!(codes(folder.path()), []);
}
