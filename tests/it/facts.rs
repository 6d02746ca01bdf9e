//! What the host says (`--facts`) over real stores: which disks it is about, and which it says nothing of.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{json, run, text};
use crate::truth::samples;

/// The sample stores, unpacked with their times.
fn stores() -> Option<tempfile::TempDir> {
    let Some(packed) = samples().map(|samples| samples.join("stores.tar.zst")) else {
        println!("skipped: samples");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["--zstd", "-xpSf"])
        .arg(packed)
        .arg("-C")
        .arg(folder.path())
        .status();
    if !unpacked.is_ok_and(|status| status.success()) {
        println!("skipped: tar with zstd");
        return None;
    }
    Some(folder)
}

/// Lines of the tree that are not below a line of one of these groups.
fn outside<'a>(listed: &'a str, groups: &[&str]) -> Vec<&'a str> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in listed.lines().skip(1) {
        if !line.starts_with(' ') && line.is_ascii() && !line.starts_with('?') {
            is_inside = groups.iter().any(|group| line.starts_with(group));
        }
        if !is_inside {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn facts_about_some_machines_say_nothing_of_the_disks_of_others() {
    let Some(folder) = stores() else { return };
    for (facts, groups) in [
        ("xl.json", &["mail01"][..]),
        ("xl3.json", &["mail01", "db7"]),
    ] {
        let listed = text(&run(folder.path(), ["ls", "sr-4a1b", "--facts", facts]));
        assert!(!listed.contains("ORPHAN"), "{facts}: {listed}");
        let others = outside(&listed, groups);
        assert!(others.len() > 240, "{facts}: {} lines", others.len());
        let found = json(folder.path(), &["check", "sr-4a1b", "--facts", facts]);
        let codes = found["findings"].as_array().unwrap().iter();
        assert!(!codes.into_iter().any(|of| of["code"] == "disk-orphan"));
    }
}

fn flattened(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            flattened(&path, to);
        } else if path
            .extension()
            .is_some_and(|of| of.to_str().unwrap().contains("vhd"))
        {
            std::fs::rename(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_flat_folder_of_several_machines_is_grouped_by_chain() {
    let Some(folder) = stores() else { return };
    let (demo, flat) = (folder.path().join("demo"), folder.path().join("flat"));
    vhdtree::demo::build(&demo).unwrap();
    std::fs::create_dir(&flat).unwrap();
    flattened(&demo, &flat);
    let listed = text(&run(folder.path(), ["ls", "flat", "--facts", "fl2.json"]));
    assert!(!listed.contains("ORPHAN"), "{listed}");
    let (of_flat, of_web) = listed.split_once("\nweb01 ").unwrap();
    for name in ["5C7E90B4", "7C1FA0D2", "77AB01D3", "db02.vhd"] {
        assert!(
            of_flat.contains(name) && !of_web.contains(name),
            "{name}: {listed}"
        );
    }
    assert!(
        of_web.contains("A02E91B3") && of_web.contains("3A55E0B1"),
        "{listed}"
    );
}

#[test]
fn facts_in_subfolders_hold_for_their_stores() {
    let Some(folder) = stores() else { return };
    let all = json(folder.path(), &["ls", "vd"]);
    let machines = all["machines"].as_array().unwrap();
    let sources: Vec<_> = machines
        .iter()
        .map(|of| of["source"].as_str().unwrap())
        .collect();
    for store in ["story", "months", "branch", "never"] {
        let own = format!("vd/{store}/labels.json");
        assert_eq!(
            sources.iter().filter(|source| **source == own).count(),
            1,
            "{store}"
        );
    }
    for name in ["story", "branch"] {
        let alone = json(folder.path(), &["ls", &format!("vd/{name}")]);
        for disk in alone["disks"].as_array().unwrap() {
            let mut among = all["disks"].as_array().unwrap().iter();
            let same = among.find(|of| of["path"] == disk["path"]).unwrap();
            assert_eq!(same["made_by_revert"], disk["made_by_revert"], "{disk:#}");
        }
    }
}

/// The demo's store without the host's listing, in a folder that another user may look into, and the program beside it.
#[cfg(unix)]
fn demo_for_others() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(folder.path(), 0o755);
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    std::fs::remove_file(demo.join("times.csv")).unwrap();
    for leaf in [TESTWIN7, APP03] {
        allow(&demo.join(leaf), 0o000);
    }
    std::fs::copy(env!("CARGO_BIN_EXE_vhdtree"), folder.path().join("vhdtree")).unwrap();
    folder
}

/// Runs the program as a user who is nobody; `None` if that cannot be done here.
#[cfg(unix)]
fn as_nobody(folder: &Path, args: &[&str]) -> Option<std::process::Output> {
    let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let output = Command::new("setpriv")
        .args(ids)
        .arg(folder.join("vhdtree"))
        .args(args)
        .current_dir(folder)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("setpriv") {
        println!("skipped: setpriv");
        return None;
    }
    Some(output)
}

const TESTWIN7: &str = "TestWin7/WIN7x64_Diff_7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11E.avhd";
const APP03: &str = "app03/app03_5C7E90B4-2D1A-4F63-8B0E-93A7D6C5E1F2.avhdx";

/// What a host says of both leaves.
#[cfg(unix)]
fn host_facts(folder: &Path) {
    let host = |path: &str| format!(r"D:\VMs\{}", path.replace('/', "\\"));
    let leaf = |path: &str, parent: &str, made: &str| {
        let length = std::fs::metadata(folder.join("demo").join(path))
            .unwrap()
            .len();
        let disk = serde_json::json!({"path": host(path), "type": "Differencing", "parent": host(parent), "attached": true});
        let file = serde_json::json!({"path": host(path), "length": length, "created": made, "written": "2026-11-20T17:33:00Z"});
        (disk, file)
    };
    let (win7, win7_file) = leaf(
        TESTWIN7,
        "TestWin7/WIN7x64_Diff.vhd",
        "2009-06-30T09:41:10Z",
    );
    let (app03, app03_file) = leaf(APP03, "app03/app03.vhdx", "2026-09-14T19:30:05Z");
    let facts = serde_json::json!({"schema": "vhdtree-host/1", "host": "HV01", "at": "2026-11-27T10:00:00Z",
        "machines": [{"name": "TestWin7", "state": "Running", "disks": [host(TESTWIN7)]},
                     {"name": "app03", "state": "Running", "disks": [host(APP03)]}],
        "disks": [win7, app03], "files": [win7_file, app03_file]});
    std::fs::write(folder.join("host.json"), facts.to_string()).unwrap();
}

#[test]
#[cfg(unix)]
fn a_disk_that_cannot_be_opened_stands_where_the_host_says() {
    let folder = demo_for_others();
    host_facts(folder.path());
    let listed = |args: &[&str]| -> Option<serde_json::Value> {
        let args: Vec<&str> = ["ls", "demo", "--json"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        serde_json::from_slice(&as_nobody(folder.path(), &args)?.stdout).ok()
    };
    let Some(alone) = listed(&[]) else { return };
    let told = listed(&["--facts", "host.json"]).unwrap();
    let row = |all: &serde_json::Value, name: &str| {
        let mut disks = all["disks"].as_array().unwrap().iter();
        disks
            .find(|of| of["path"] == format!("demo/{name}"))
            .unwrap()
            .clone()
    };
    for (leaf, base, vm, made) in [
        (
            TESTWIN7,
            "TestWin7/WIN7x64_Diff.vhd",
            "TestWin7",
            "2009-06-30T09:41:10Z",
        ),
        (APP03, "app03/app03.vhdx", "app03", "2026-09-14T19:30:05Z"),
    ] {
        for all in [&alone, &told] {
            let leaf = row(all, leaf);
            assert_eq!(leaf["state"], "locked");
            assert_eq!(leaf["findings"][0]["code"], "disk-denied");
            assert_eq!(leaf["in_use_by"], serde_json::json!([vm]));
            assert!(leaf["file_size"].as_u64().unwrap() > 0 && !leaf["modified"].is_null());
        }
        assert!(row(&alone, leaf)["parent"].is_null());
        let leaf = row(&told, leaf);
        assert_eq!(leaf["parent"]["state"], "by-host");
        assert_eq!(leaf["parent"]["resolved"], format!("demo/{base}"));
        assert_eq!(
            (&leaf["created"], &leaf["created_source"]),
            (&made.into(), &"host".into())
        );
        assert_eq!(
            row(&told, base)["children"],
            serde_json::json!([leaf["path"]])
        );
    }
    let tree = as_nobody(folder.path(), &["ls", "demo"]).unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(
        tree.contains("? locked") && !tree.contains("NOW?"),
        "{tree}"
    );
    assert_eq!(tree.matches("BROKEN").count(), 2, "db02 alone: {tree}");
}

/// The storage repository of the sample pool as files: `web` reverted by a clone, `db` not.
fn pool_as_files(folder: &Path) {
    use vhdtree::build::vhd::VhdBuilder;
    let vdi = |digit: char| {
        let n = digit.to_string();
        format!("{}-0000-4000-8000-00000000000{n}", n.repeat(8))
    };
    let put = |name: &str, disk: VhdBuilder, written: &str| {
        let path = folder.join(format!("{name}.vhd"));
        std::fs::write(&path, disk.by_xenserver().build()).unwrap();
        let written: jiff::Timestamp = written.parse().unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(written.into()).unwrap();
    };
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let child = |id, parent, name: &str, made: &str| {
        let child = VhdBuilder::differencing(16 << 20).id(id);
        child
            .parent(parent, &format!("{name}.vhd"))
            .created_at(at(made))
    };
    for (base, id, snapshot, now, taken, made) in [
        (
            '1',
            1,
            '2',
            '4',
            "2026-02-10T20:00:00Z",
            "2026-04-20T11:17:30Z",
        ),
        (
            '5',
            5,
            '7',
            '6',
            "2026-03-01T20:05:00Z",
            "2026-03-01T20:05:00Z",
        ),
    ] {
        let base = vdi(base);
        let disk = VhdBuilder::dynamic(16 << 20)
            .id(id)
            .created_at(at("2026-01-05T09:00:00Z"));
        put(&base, disk.hidden().write(8, &[7; 512]), taken);
        put(&vdi(snapshot), child(id + 20, id, &base, made), made);
        let now_disk = child(id + 30, id, &base, made).write(3, &[1; 512]);
        put(&vdi(now), now_disk, "2026-11-20T00:00:00Z");
    }
}

/// What the three forms say of the forest, in a form in which they can be compared.
fn told(folder: &Path, facts: &str) -> Vec<String> {
    let all = json(folder, &["ls", "sr", "--facts", facts]);
    let mut said = Vec::new();
    for disk in all["disks"].as_array().unwrap() {
        let users = disk["in_use_by"].to_string();
        said.push(format!(
            "{} {users} {}",
            disk["path"], disk["made_by_revert"]
        ));
        for snapshot in disk["snapshots"].as_array().unwrap() {
            said.push(format!(
                "{} {} {}",
                snapshot["name"], snapshot["vm"], snapshot["taken"]
            ));
        }
    }
    said
}

const XE: &str = "uuid ( RO)                : 44444444-0000-4000-8000-000000000004
          name-label ( RW)    : web disk 0
       is-a-snapshot ( RO)    : false
         snapshot-of ( RO)    : <not in database>
       snapshot-time ( RO)    : 20260420T11:17:30Z

uuid ( RO)                : 22222222-0000-4000-8000-000000000002
          name-label ( RW)    : web disk 0
       is-a-snapshot ( RO)    : true
         snapshot-of ( RO)    : 44444444-0000-4000-8000-000000000004
       snapshot-time ( RO)    : 20260210T20:00:00Z

uuid ( RO)                : 66666666-0000-4000-8000-000000000006
       is-a-snapshot ( RO)    : false

uuid ( RO)                : 77777777-0000-4000-8000-000000000007
       is-a-snapshot ( RO)    : true
         snapshot-of ( RO)    : 66666666-0000-4000-8000-000000000006
       snapshot-time ( RO)    : 20260301T20:05:00Z


vdi-uuid ( RO)    : 44444444-0000-4000-8000-000000000004
     vm-uuid ( RO)    : a1
vm-name-label ( RO)    : web

vdi-uuid ( RO)    : 22222222-0000-4000-8000-000000000002
     vm-uuid ( RO)    : a2
vm-name-label ( RO)    : before upgrade

vdi-uuid ( RO)    : 66666666-0000-4000-8000-000000000006
     vm-uuid ( RO)    : a3
vm-name-label ( RO)    : db

vdi-uuid ( RO)    : 77777777-0000-4000-8000-000000000007
     vm-uuid ( RO)    : a4
vm-name-label ( RO)    : nightly


uuid ( RO)                : a2
          name-label ( RW)    : before upgrade
         snapshot-of ( RO)    : a1
       snapshot-time ( RO)    : 20260210T20:00:00Z

uuid ( RO)                : a4
          name-label ( RW)    : nightly
         snapshot-of ( RO)    : a3
       snapshot-time ( RO)    : 20260301T20:05:00Z
";

fn xo() -> String {
    let vdi = |n: u32| format!("{}-0000-4000-8000-00000000000{n}", n.to_string().repeat(8));
    let vbd = |vm: &str, n| serde_json::json!({"type": "VBD", "is_cd_drive": false, "VM": vm, "VDI": vdi(n)});
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    serde_json::json!([
        {"type": "VM", "id": "a1", "uuid": "a1", "name_label": "web"},
        {"type": "VM", "id": "a3", "uuid": "a3", "name_label": "db"},
        {"type": "VM-snapshot", "id": "a2", "uuid": "a2", "name_label": "before upgrade", "$snapshot_of": "a1", "snapshot_time": seconds("2026-02-10T20:00:00Z")},
        {"type": "VM-snapshot", "id": "a4", "uuid": "a4", "name_label": "nightly", "$snapshot_of": "a3", "snapshot_time": seconds("2026-03-01T20:05:00Z")},
        {"type": "VDI", "id": vdi(4), "uuid": vdi(4)}, {"type": "VDI", "id": vdi(6), "uuid": vdi(6)},
        {"type": "VDI-snapshot", "id": vdi(2), "uuid": vdi(2), "$snapshot_of": vdi(4)},
        {"type": "VDI-snapshot", "id": vdi(7), "uuid": vdi(7), "$snapshot_of": vdi(6)},
        vbd("a1", 4), vbd("a2", 2), vbd("a3", 6), vbd("a4", 7),
    ])
    .to_string()
}

#[test]
fn a_pools_database_its_records_and_its_orchestra_say_the_same() {
    let Some(database) = samples().map(|samples| samples.join("lvm/state.db")) else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sr")).unwrap();
    pool_as_files(&folder.path().join("sr"));
    std::fs::copy(database, folder.path().join("pool.db")).unwrap();
    std::fs::write(folder.path().join("pool.xe"), XE).unwrap();
    std::fs::write(folder.path().join("pool.json"), xo()).unwrap();
    let by_database = told(folder.path(), "pool.db");
    assert_eq!(told(folder.path(), "pool.xe"), by_database);
    assert_eq!(told(folder.path(), "pool.json"), by_database);
    let said = by_database.join("\n");
    for wanted in [
        r#"44444444-0000-4000-8000-000000000004.vhd" ["web"] "likely""#,
        r#"66666666-0000-4000-8000-000000000006.vhd" ["db"] "no-sign""#,
        r#""before upgrade" "web" "2026-02-10T20:00:00Z""#,
        r#""nightly" "db" "2026-03-01T20:05:00Z""#,
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn hostile_facts_are_errors_or_findings_and_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("store")).unwrap();
    let machines = "{\"name\":\"m\"},".repeat(1_000_000);
    let deep = "[".repeat(100_000);
    let native = |rest: &str| format!("{{\"schema\":\"vhdtree-host/1\",{rest}}}");
    for (name, text, says) in [
        (
            "many.json",
            native(&format!("\"machines\":[{machines}{{}}]")),
            "more than",
        ),
        (
            "disks.json",
            native(&format!(
                "\"machines\":[{{\"disks\":[{}\"a\"]}}]",
                "\"a\",".repeat(100_000)
            )),
            "disks of one machine",
        ),
        (
            "wrong.json",
            native("\"machines\":{\"a\":1}"),
            "expected a sequence",
        ),
        ("deep.json", deep, "no JSON"),
        (
            "torn.xml",
            "<database><table name=\"VM\"><row".to_owned(),
            "no XML",
        ),
        (
            "plain.txt",
            "nothing of the kind".to_owned(),
            "none of the facts known",
        ),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""])
            .args([
                env!("CARGO_BIN_EXE_vhdtree"),
                "ls",
                "store",
                "--facts",
                name,
            ])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(says), "{name}: {said}");
    }
}

#[test]
fn scripts_that_ask_a_host_are_printed_and_parse() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["hyperv", "hyperv-2008", "xcpng"] {
        let script = text(&run(folder.path(), ["collect", kind]));
        assert!(script.contains("--facts"), "{kind}");
        assert!(script.is_ascii(), "{kind}: any console reads it");
    }
    let script = text(&run(folder.path(), ["collect", "xcpng"]));
    std::fs::write(folder.path().join("collect.sh"), script).unwrap();
    for (tool, arguments) in [
        ("sh", &["-n", "collect.sh"][..]),
        ("shellcheck", &["collect.sh"]),
    ] {
        let checked = Command::new(tool)
            .args(arguments)
            .current_dir(folder.path())
            .output();
        match checked {
            Ok(checked) => assert!(
                checked.status.success(),
                "{}",
                String::from_utf8_lossy(&checked.stdout)
            ),
            Err(_) => println!("skipped: {tool}"),
        }
    }
}
