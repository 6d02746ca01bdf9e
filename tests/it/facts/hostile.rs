//! Facts made to cost time and memory: each is an error or a finding, soon, and within the memory allowed.

use std::fs;
use std::path::Path;

use crate::bounds::assert_bounded;

fn native(rest: &str) -> String {
    format!("{{\"schema\":\"vhdtree-host/1\",{rest}}}")
}

/// A list of this name with so many elements.
fn list(name: &str, count: u32, one: impl Fn(u32) -> String) -> String {
    let all: Vec<String> = (0..count).map(one).collect();
    native(&format!("\"{name}\":[{}]", all.join(",")))
}

fn rows(heading: &str, count: u32, one: impl Fn(u32) -> String) -> String {
    let all: Vec<String> = (0..count).map(one).collect();
    format!("{heading}\n{}\n", all.join("\n"))
}

fn attributes(count: u32) -> String {
    let all: Vec<String> = (0..count).map(|n| format!("a{n}=\"b\"")).collect();
    all.join(" ")
}

const DISK: &str = r"D:\\VMs\\TestWin7\\WIN7x64_Diff.vhd";

/// Name of the case, its text, and what is said of it if it is refused.
fn cases() -> Vec<(&'static str, String, &'static str)> {
    let id = |n: u32| format!("{n:08x}-0000-4000-8000-000000000000");
    let snapshot = move |n: u32| {
        format!(
            r#"{{"name":"s{n}","machine":"TestWin7","taken":"2009-06-30T00:00:00Z","disks":["{DISK}"]}}"#
        )
    };
    vec![
        ("machines", list("machines", 1_000_000, |_| "{\"name\":\"m\"}".to_owned()), "more than"),
        ("some machines", list("machines", 400_000, |n| format!("{{\"name\":\"m{n}\"}}")), "more than 50000 machines"),
        ("absent machines", list("machines", 50_000, |n| format!("{{\"name\":\"m{n}\",\"disks\":[\"D:\\\\{n}.vhd\"]}}")), ""),
        ("machines on one disk", list("machines", 50_000, |n| format!("{{\"name\":\"m{n}\",\"disks\":[\"{DISK}\"]}}")), ""),
        ("disks of a machine", list("machines", 1, |_| format!("{{\"disks\":[{}\"a\"]}}", "\"a\",".repeat(100_000))), "disks of one machine"),
        ("snapshots", list("snapshots", 200_000, snapshot), "more than 100000 snapshots"),
        ("snapshots of a disk", list("snapshots", 50_000, snapshot), "of one machine or disk"),
        ("parents in a circle", list("snapshots", 90_000, |n| format!(r#"{{"id":"{}","parent":"{}","machine":"m{}"}}"#, id(n), id((n + 1) % 90_000), n / 100)), ""),
        ("disks in a circle", list("disks", 190_000, |n| format!(r#"{{"path":"D:\\{n}.vhd","parent":"D:\\{}.vhd","id":"{}"}}"#, (n + 1) % 190_000, id(n))), ""),
        ("files", list("files", 190_000, |n| format!(r#"{{"path":"D:\\{n}.vhd","length":1,"created":"2009-06-30T00:00:00Z"}}"#)), ""),
        ("more files", list("files", 300_000, |n| format!(r#"{{"path":"D:\\{n}.vhd"}}"#)), "more than 200000 files"),
        ("wrong list", native("\"machines\":{\"a\":1}"), "expected a sequence"),
        ("wrong number", native("\"disks\":[{\"path\":\"a\",\"size\":\"x\"}]"), "expected u64"),
        ("wrong time", native("\"snapshots\":[{\"taken\":\"yesterday\"}]"), "snapshots[0], taken"),
        ("depth", "[".repeat(100_000), "no JSON"),
        ("PowerShell's rows", list("x", 180_000, |n| format!(r#"{{"Name":"s{n}","VMName":"v{n}","CreationTime":"2026-01-01T00:00:00Z","SnapshotType":0}}"#)).split_once("\"x\":").map(|(_, rest)| rest.trim_end_matches('}').to_owned() + "}").unwrap_or_default().replace("]}", "]"), "more than"),
        ("rows", rows("Name,VMName,CreationTime", 900_000, |n| format!("s{n},v,2026-01-01T00:00:00Z")), "more than"),
        ("times", rows("FullName,Length,CreationTimeUtc", 190_000, |n| format!("D:\\{n}.vhd,1,2026-01-01T00:00:00Z")), ""),
        ("records", rows("uuid ( RO): x\n", 160_000, |n| format!("uuid ( RO): {}\nis-a-snapshot ( RO): true\n", id(n))), "more than"),
        ("objects", format!("[{}{{}}]", "{\"type\":\"VDI\",\"uuid\":\"a\",\"name_label\":\"b\"},".repeat(300_000)), "more than"),
        ("rows of a pool", format!("<database><table name=\"VDI\">{}</table></database>", "<row ref=\"a\" uuid=\"b\"/>".repeat(400_000)), "more than"),
        ("attributes", format!("<database><table name=\"VM\"><row {}/></table></database>", attributes(200_000)), ""),
        ("a long row", format!("<database><table name=\"VM\"><row a=\"{}\"/></table></database>", "x".repeat(60 << 20)), "bytes"),
        ("a torn database", "<database><table name=\"VM\"><row".to_owned(), "no XML"),
        ("settings", format!("<VirtualBox><Machine>{}</Machine></VirtualBox>", "<a/>".repeat(1_000_000)), "more than"),
        ("attributes of settings", format!("<VirtualBox><Machine {}/></VirtualBox>", attributes(90_000)), "more than"),
        ("a long text", native(&format!("\"x\":\"{}\"", "a".repeat(63 << 20))), ""),
        ("plain", "nothing of the kind".to_owned(), "none of the facts known"),
    ]
}

#[test]
fn hostile_facts_are_errors_or_findings_and_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    vhdtree::demo::build(&demo).unwrap();
    let facts = folder.path().join("facts");
    for (what, text, says) in cases() {
        fs::write(&facts, text).unwrap();
        let (code, said) = assert_bounded(what, &["ls", "--facts", facts.to_str().unwrap()], &demo);
        if says.is_empty() {
            assert_eq!(code, Some(0), "{what}: {said}");
        } else {
            assert_eq!(code, Some(2), "{what}: {said}");
            assert!(said.contains(says), "{what}: {said}");
        }
    }
}

#[test]
fn a_device_without_an_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for device in ["/dev/zero", "/dev/urandom"] {
        if Path::new(device).exists() {
            let arguments = ["ls", "--facts", device];
            let (code, said) = assert_bounded(device, &arguments, folder.path());
            assert_eq!(code, Some(2), "{device}: {said}");
        }
    }
}
