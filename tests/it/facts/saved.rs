//! Facts that come to a saved scan: they say the same as when the store itself is read with them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::stores;
use crate::cli::{json, run};
use crate::truth::{samples, unpacked_sample};

/// Writes the scan of a store, as the command prints it.
fn save(folder: &Path, store: &str, to: &str, more: &[&str]) {
    let args = [&["ls", store, "--json"], more].concat();
    std::fs::write(folder.join(to), run(folder, args).stdout).unwrap();
}

/// What is said of each snapshot, by its disk and its own name, and where each disk stands.
fn told(all: &Value) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for disk in all["disks"].as_array().unwrap() {
        let path = disk["path"].as_str().unwrap();
        let place = format!("{} {}", disk["parent"]["state"], disk["parent"]["resolved"]);
        told.insert(
            path.to_owned(),
            format!("{place} used by {}", disk["in_use_by"]),
        );
        for snapshot in disk["snapshots"].as_array().unwrap() {
            let verdict = &snapshot["verdict"];
            let key = format!("{path} {} {}", snapshot["vm"], snapshot["name"]);
            let said = [
                &verdict["reverted"],
                &verdict["rule"],
                &verdict["applied_at"],
                &snapshot["taken"],
                &verdict["summary"],
            ];
            told.insert(key, format!("{said:?}"));
        }
    }
    told
}

#[test]
fn facts_say_of_a_saved_scan_what_they_say_of_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    std::fs::rename(demo.join("times.csv"), folder.path().join("times.csv")).unwrap();
    for machine in ["app03", "TestWin7"] {
        let configs = ["Snapshots", "Virtual Machines"];
        for configs in configs.map(|name| demo.join(machine).join(name)) {
            if configs.is_dir() {
                std::fs::remove_dir_all(configs).unwrap();
            }
        }
    }
    let disk = |path: &str| format!(r"D:\VMs\{}", path.replace('/', "\\"));
    let machine =
        |name: &str, now: &str| json!({"name": name, "state": "Running", "disks": [disk(now)]});
    let snapshot = |machine: &str, of: &str, taken: &str| json!({"id": null, "name": "before", "machine": machine, "taken": taken, "disks": [disk(of)]});
    let facts = json!({"schema": "vhdtree-host/1", "host": "HV01", "at": "2026-11-27T10:00:00Z",
        "machines": [machine("TestWin7", super::locked::TESTWIN7), machine("app03", super::locked::APP03)],
        "snapshots": [snapshot("TestWin7", "TestWin7/WIN7x64_Diff.vhd", "2009-05-02T14:10:00Z"),
            snapshot("app03", "app03/app03.vhdx", "2026-09-14T19:30:00Z")]});
    std::fs::write(folder.path().join("host.json"), facts.to_string()).unwrap();
    save(folder.path(), "demo", "saved.json", &[]);
    let all = ["times.csv", "host.json"];
    for facts in [&all[..1], &all[1..], &all] {
        let facts = facts.iter().flat_map(|file| ["--facts", file]);
        let facts: Vec<&str> = facts.collect();
        let read = json(folder.path(), &[&["ls", "demo"], &facts[..]].concat());
        let args = [&["ls", "--from", "saved.json"], &facts[..]].concat();
        let saved = json(folder.path(), &args);
        assert_eq!(told(&saved), told(&read), "{facts:?}");
    }
    let alone = told(&json(folder.path(), &["ls", "--from", "saved.json"]));
    let args = ["ls", "--from", "saved.json", "--facts", "host.json"];
    let with_facts = told(&json(folder.path(), &args));
    let key = "demo/TestWin7/WIN7x64_Diff.vhd \"TestWin7\" \"before\"";
    assert!(!alone.contains_key(key));
    assert!(with_facts[key].contains("likely") && with_facts[key].contains("2009-06-30"));
}

#[test]
fn facts_of_other_disks_change_no_saved_verdict() {
    let Some(folder) = stores() else { return };
    let place = folder.path();
    let mut all: Vec<String> = std::fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    vhdtree::demo::build(&place.join("demo")).unwrap();
    all.push("demo".to_owned());
    let packed = samples().unwrap().join("lvm/pv.img.xz");
    if unpacked_sample(&packed, &place.join("pv.img")) {
        all.push("pv.img".to_owned());
    }
    let other = "FullName,Length,CreationTimeUtc,LastWriteTimeUtc\nD:\\VMs\\nowhere-at-all.vhdx,4096,2026-01-02T03:04:05Z,2026-01-02T03:04:05Z\n";
    std::fs::write(place.join("other.csv"), other).unwrap();
    let mut verdicts = 0;
    for store in all {
        save(place, &store, "saved.json", &[]);
        // What is beside the stores is none.
        if std::fs::metadata(place.join("saved.json")).unwrap().len() == 0 {
            continue;
        }
        let alone = json(place, &["ls", "--from", "saved.json"]);
        let args = ["ls", "--from", "saved.json", "--facts", "other.csv"];
        let mut beside = json(place, &args);
        let findings = beside["side_findings"].as_array_mut().unwrap();
        assert_eq!(findings.pop().unwrap()["code"], "facts-fit-nothing");
        assert_eq!(alone, beside, "{store}");
        let text = alone.to_string();
        verdicts += text.matches("\"verdict\":{").count();
    }
    assert!(verdicts > 20, "{verdicts}");
}

#[test]
fn facts_of_one_of_several_hosts_hold_for_its_disks() {
    let folder = tempfile::tempdir().unwrap();
    vhdtree::demo::build(&folder.path().join("demo")).unwrap();
    save(folder.path(), "demo", "saved.json", &[]);
    let text = std::fs::read_to_string(folder.path().join("saved.json")).unwrap();
    let scan: Value = serde_json::from_str(&text).unwrap();
    for host in ["HV01", "HV02"] {
        let mut scan = scan.clone();
        scan["host"] = host.into();
        for disk in scan["disks"].as_array_mut().unwrap() {
            disk["host"] = host.into();
        }
        std::fs::write(folder.path().join(host), scan.to_string()).unwrap();
    }
    let listed = |host: Option<&str>| {
        let facts = json!({"schema": "vhdtree-host/1", "host": host,
            "machines": [{"name": "web01", "disks": []}],
            "snapshots": [{"id": "7", "name": "only here", "machine": "web01", "taken": "2026-10-02T14:10:00Z",
                "disks": ["D:\\VMs\\web01\\web01.vhd"]}]});
        std::fs::write(folder.path().join("host.json"), facts.to_string()).unwrap();
        let args = [
            "ls",
            "--from",
            "HV01",
            "--from",
            "HV02",
            "--facts",
            "host.json",
        ];
        let all = json(folder.path(), &args);
        let disks = all["disks"].as_array().unwrap().iter();
        let named = disks.filter(|disk| disk["snapshots"].to_string().contains("only here"));
        let named: Vec<String> = named
            .map(|disk| disk["path"].as_str().unwrap().to_owned())
            .collect();
        let machines = all["machines"].as_array().unwrap().len();
        (named, machines)
    };
    let (named, machines) = listed(Some("hv02"));
    assert_eq!(named, ["HV02:demo/web01/web01.vhd"]);
    let (named, without_host) = listed(None);
    assert!(named.is_empty(), "it could be either's: {named:?}");
    assert_eq!(without_host, machines + 1);
}
