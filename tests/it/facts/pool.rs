//! What a pool of XCP-ng says of its machines and disks, in each of its three forms.

use std::path::Path;

use serde_json::Value;

use crate::cli::{json, run, text};
use crate::truth::{samples, unpacked_sample};

fn vdi(digit: char) -> String {
    let n = digit.to_string();
    format!("{}-0000-4000-8000-00000000000{n}", n.repeat(8))
}

/// The storage repository of the sample pool as files: `web` reverted by a clone, `db` not.
fn pool_as_files(folder: &Path) {
    use vhdtree::build::vhd::VhdBuilder;
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

/// The repository as files, and the sample's database as the test changes it.
fn with_database(change: &dyn Fn(String) -> String) -> Option<tempfile::TempDir> {
    let Some(database) = samples().map(|samples| samples.join("lvm/state.db")) else {
        println!("skipped: samples");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sr")).unwrap();
    pool_as_files(&folder.path().join("sr"));
    let database = std::fs::read_to_string(database).unwrap();
    std::fs::write(folder.path().join("pool.db"), change(database)).unwrap();
    Some(folder)
}

fn row(all: &Value, digit: char) -> Value {
    let mut disks = all["disks"].as_array().unwrap().iter();
    let name = format!("sr/{}.vhd", vdi(digit));
    disks.find(|of| of["path"] == name).unwrap().clone()
}

fn codes_of(row: &Value) -> Vec<String> {
    let findings = row["findings"].as_array().unwrap().iter();
    findings
        .map(|of| of["code"].as_str().unwrap().to_owned())
        .collect()
}

/// The rule of the only snapshot on a base, and the witnesses that were used.
fn judged(all: &Value, base: char) -> (String, Vec<String>) {
    let base = row(all, base);
    let verdict = &base["snapshots"][0]["verdict"];
    let evidence = verdict["evidence"].as_array().unwrap().iter();
    let used = evidence.filter(|of| of["state"] == "used");
    let codes = used.map(|of| of["code"].as_str().unwrap().to_owned());
    (
        verdict["rule"].as_str().unwrap().to_owned(),
        codes.collect(),
    )
}

#[test]
fn names_of_disks_and_what_made_them_come_from_the_database() {
    let Some(folder) = with_database(&|database| database) else {
        return;
    };
    let all = json(folder.path(), &["ls", "sr", "--facts", "pool.db"]);
    for (digit, label) in [('4', "web disk 0"), ('2', "web disk 0"), ('6', "db disk 0")] {
        assert_eq!(row(&all, digit)["label"], label);
        assert!(codes_of(&row(&all, digit)).is_empty());
    }
    let (rule, used) = judged(&all, '1');
    assert_eq!(rule, "disk-above-younger");
    let both = ["pool-clone", "pool-order"];
    assert!(
        both.iter().all(|code| used.contains(&(*code).to_owned())),
        "{used:?}"
    );
    let (rule, used) = judged(&all, '5');
    assert_eq!(rule, "as-old");
    assert!(
        !used.iter().any(|code| code.starts_with("pool-")),
        "{used:?}"
    );
    let now = format!("sr/{}.vhd", vdi('4'));
    let info = text(&run(folder.path(), ["info", &now, "--facts", "pool.db"]));
    for said in [
        "recorded in",
        "pool.db",
        "cloned",
        "2026-04-20 11:17:30Z",
        "generation 900",
    ] {
        assert!(info.contains(said), "{said}: {info}");
    }
}

/// Both footers say that db's disk is as old as its snapshot: what contradicts that settles nothing.
#[test]
fn a_clone_and_the_order_of_records_do_not_overrule_the_stamps() {
    let of_db = |attributes: &'static str| {
        move |database: String| {
            let old = r#"ref="OpaqueRef:v6" __ctime="500""#;
            let database = database.replace(old, &format!(r#"ref="OpaqueRef:v6" {attributes}"#));
            match attributes {
                "__ctime=\"501\"" => database.replace("19700101T00:00:00Z", "20260420T11:17:30Z"),
                _ => database,
            }
        }
    };
    for attributes in ["__ctime=\"501\"", "__ctime=\"700\""] {
        let Some(folder) = with_database(&of_db(attributes)) else {
            return;
        };
        let all = json(folder.path(), &["ls", "sr", "--facts", "pool.db"]);
        let rule = judged(&all, '5').0;
        assert_eq!(rule, "record-younger-disk-as-old", "{attributes}");
    }
}

#[test]
fn records_that_contradict_the_disks_are_findings() {
    for (from, to, code) in [
        (
            r#"snapshot_of="OpaqueRef:v6""#,
            r#"snapshot_of="OpaqueRef:v4""#,
            "facts-disagree",
        ),
        (
            r#"snapshot_of="OpaqueRef:v6""#,
            r#"snapshot_of="OpaqueRef:gone""#,
            "pool-snapshot-of-nothing",
        ),
    ] {
        let Some(folder) = with_database(&|database| database.replace(from, to)) else {
            return;
        };
        let all = json(folder.path(), &["ls", "sr", "--facts", "pool.db"]);
        assert_eq!(codes_of(&row(&all, '7')), [code], "{to}");
        assert!(codes_of(&row(&all, '6')).is_empty());
    }
}

#[test]
fn a_snapshot_that_pool_and_repository_know_is_one() {
    let Some(samples) = samples() else {
        println!("skipped: samples");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("pv.img");
    if !unpacked_sample(&samples.join("lvm/pv.img.xz"), &image) {
        return;
    }
    std::fs::copy(samples.join("lvm/state.db"), folder.path().join("pool.db")).unwrap();
    let all = json(folder.path(), &["ls", "pv.img", "--facts", "pool.db"]);
    let disks = all["disks"].as_array().unwrap().iter();
    let snapshots = disks.flat_map(|disk| disk["snapshots"].as_array().unwrap());
    let mut names: Vec<_> = snapshots.map(|of| of["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["before upgrade", "nightly"]);
}

#[test]
fn a_pools_database_its_records_and_its_orchestra_say_the_same() {
    let Some(folder) = with_database(&|database| database) else {
        return;
    };
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
