//! `ls --prometheus`, read as Prometheus reads it, beside what the JSON says.

use std::collections::{HashMap, HashSet};

use super::{json, run, store, text};

/// Name and labels to value; fails on what the text form does not allow.
fn parsed(text: &str) -> HashMap<String, f64> {
    let (mut helped, mut typed, mut samples) = (HashSet::new(), HashSet::new(), HashMap::new());
    let mut last = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(
                helped.insert(name.to_owned()) && !words.is_empty(),
                "{line}"
            );
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(
                typed.insert(name.to_owned()) && helped.contains(name),
                "{line}"
            );
            assert_eq!(kind, "gauge");
            name.clone_into(&mut last);
        } else {
            let (what, value) = line.rsplit_once(' ').unwrap();
            let name = what.split('{').next().unwrap();
            assert_eq!(name, last, "samples stand below their metric");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(!what.contains('{') || what.ends_with("\"}"), "{line}");
            let value: f64 = value.parse().unwrap();
            assert!(
                samples.insert(what.to_owned(), value).is_none(),
                "{line} twice"
            );
        }
    }
    samples
}

fn sum(samples: &HashMap<String, f64>, name: &str, with: &str) -> f64 {
    let of = |key: &&String| key.starts_with(&format!("{name}{{")) && key.contains(with);
    samples.keys().filter(of).map(|key| samples[key]).sum()
}

#[test]
fn metrics_are_what_the_json_says() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let odd = folder.path().join("odd");
    std::fs::create_dir(&odd).unwrap();
    store::broken(&odd);
    let output = run(folder.path(), ["ls", ".", "--prometheus"]);
    let json = json(folder.path(), &["ls", "."]);
    let samples = parsed(&text(&output));
    let disks = json["disks"].as_array().unwrap();
    let of = |name: &str, with: &str| sum(&samples, name, with);
    let is = |left: f64, right: u64| {
        let right = u32::try_from(right).unwrap();
        assert!((left - f64::from(right)).abs() < 0.5, "{left} {right}");
    };
    is(of("vhdtree_disks", ""), disks.len() as u64);
    let bytes = disks.iter().map(|disk| disk["file_size"].as_u64().unwrap());
    is(of("vhdtree_disk_bytes", ""), bytes.sum());
    let state = |word: &str| disks.iter().filter(|disk| disk["state"] == word).count();
    for word in ["ok", "partial", "unreadable"] {
        is(
            of("vhdtree_disks", &format!("state=\"{word}\"")),
            state(word) as u64,
        );
    }
    is(
        of("vhdtree_scan_success", ""),
        u64::from(json["complete"] == true),
    );
    assert!(of("vhdtree_scan_timestamp_seconds", "") > 1.7e9);
    assert!(of("vhdtree_findings", "code=\"parent-missing\"") >= 1.0);
    let host = json["host"].as_str().unwrap();
    assert!(
        samples
            .keys()
            .all(|key| key.contains(&format!("host=\"{host}\"")))
    );
}

#[test]
fn a_scan_that_fails_says_so_in_its_metrics_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ["ls", "nothing here", "--prometheus"]);
    assert_eq!(output.status.code(), Some(2));
    let samples = parsed(&text(&output));
    assert!(samples["vhdtree_scan_success"].abs() < 0.5);
    assert!(samples["vhdtree_scan_timestamp_seconds"] > 1.7e9);
}

#[test]
fn saved_scans_of_several_hosts_have_a_moment_each() {
    let folder = tempfile::tempdir().unwrap();
    store::healthy(folder.path());
    let mut saved = Vec::new();
    for (host, at) in [
        ("hv01", "2026-11-01T00:00:00Z"),
        ("hv02", "2026-11-02T00:00:00Z"),
    ] {
        let mut scan = json(folder.path(), &["ls", "."]);
        (scan["host"], scan["at"]) = (host.into(), at.into());
        for disk in scan["disks"].as_array_mut().unwrap() {
            disk["host"] = host.into();
        }
        let file = folder.path().join(format!("{host}.json"));
        std::fs::write(&file, scan.to_string()).unwrap();
        saved.push(format!("--from={}", file.display()));
    }
    let metrics = |from: &[String]| {
        let args = ["ls", "--prometheus"].into_iter();
        parsed(&text(&run(
            folder.path(),
            args.chain(from.iter().map(String::as_str)),
        )))
    };
    let one = metrics(&saved[..1]);
    assert!(one["vhdtree_scan_timestamp_seconds{host=\"hv01\"}"] > 1.7e9);
    let both = metrics(&saved);
    let at = |host| both[&format!("vhdtree_scan_timestamp_seconds{{host=\"{host}\"}}")];
    assert!((at("hv02") - at("hv01") - 86_400.0).abs() < 0.5);
    assert_eq!(
        both.keys().filter(|key| key.contains("timestamp")).count(),
        2
    );
    assert!(sum(&both, "vhdtree_disks", "host=\"hv02\"") > 0.5);
}
