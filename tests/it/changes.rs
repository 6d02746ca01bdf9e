//! Two scans of one store: what a saved scan shows of a revert when the dates of all files are a copy's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;

use crate::cli::{run, text};

const SIZE: u64 = 24 << 20;
const FAMILY: u128 = 0xF0;
const BASE: u128 = 0xB0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Vhd,
    Vhdx,
}

impl As {
    fn file(self, name: &str) -> String {
        match self {
            Self::Vhd if name == "base" => "base.vhd".to_owned(),
            Self::Vhd => format!("base_{name}.avhd"),
            Self::Vhdx if name == "base" => "base.vhdx".to_owned(),
            Self::Vhdx => format!("base_{name}.avhdx"),
        }
    }
}

/// What is known of the store besides its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named<'a> {
    Nothing,
    /// A snapshot of the base, by id.
    Snapshot(&'a str),
}

fn data(fill: u8) -> Vec<u8> {
    vec![fill; 512 * 3]
}

/// The base; `written` is how often it was written, as by a merge.
fn put_base(folder: &Path, format: As, written: u8) {
    let path = folder.join(format.file("base"));
    match format {
        As::Vhd => {
            let mut disk = VhdBuilder::dynamic(SIZE).id(BASE).write(101, &data(1));
            for time in 0..written {
                disk = disk.write(9_001 + 4_096 * u64::from(time), &data(9));
            }
            disk.build_to(&path).unwrap();
        }
        As::Vhdx => {
            let mut disk = VhdxBuilder::dynamic(SIZE)
                .disk_id(Uuid::from_u128(FAMILY))
                .data_write_id(Uuid::from_u128(BASE + u128::from(written)))
                .write(101, &data(1));
            for time in 0..written {
                disk = disk.write(9_001 + 4_096 * u64::from(time), &data(9));
            }
            disk.build_to(&path).unwrap();
        }
    }
}

/// A disk on the base, or on another, that holds `fill`.
fn put_child(folder: &Path, format: As, name: &str, on: (&str, u128), fill: u8) -> u128 {
    let path = folder.join(format.file(name));
    let id = name
        .bytes()
        .fold(7, |id: u128, byte| id * 257 + u128::from(byte));
    let below = format.file(on.0);
    match format {
        As::Vhd => VhdBuilder::differencing(SIZE)
            .id(id)
            .created_at(jiff::Timestamp::now())
            .parent(on.1, &below)
            .locator(Locator::relative(&format!(".\\{below}")))
            .write(2_345, &data(fill))
            .build_to(&path)
            .unwrap(),
        As::Vhdx => VhdxBuilder::differencing(SIZE)
            .disk_id(Uuid::from_u128(FAMILY))
            .data_write_id(Uuid::from_u128(id))
            .parent(
                Uuid::from_u128(on.1),
                &[("relative_path", &format!(".\\{below}"))],
            )
            .write(2_345, &data(fill))
            .build_to(&path)
            .unwrap(),
    }
    id
}

fn put_facts(folder: &Path, format: As, now: &str, named: Named<'_>) {
    let snapshots = match named {
        Named::Nothing => return,
        Named::Snapshot(id) => json!([{"id": id, "name": "pre-patch", "machine": "web",
            "disks": [format!("D:\\VMs\\{}", format.file("base"))]}]),
    };
    let facts = json!({"schema": "vhdtree-host/1", "host": "HV01", "product": "hyperv",
        "machines": [{"name": "web", "disks": [format!("D:\\VMs\\{}", format.file(now))]}],
        "snapshots": snapshots});
    fs::write(folder.join("vhdtree-host.json"), facts.to_string()).unwrap();
}

const ONE: &str = "11111111-0000-4000-8000-000000000001";
const TWO: &str = "22222222-0000-4000-8000-000000000002";

/// A folder with room for a store and the scans of it.
struct Place {
    folder: tempfile::TempDir,
    format: As,
}

/// Waits until a new file is younger than those of a folder: a clock of files goes in steps, and age tells disks apart.
fn tick(folder: &Path) {
    let born = |path: &Path| fs::metadata(path).and_then(|found| found.created()).ok();
    let entries = fs::read_dir(folder).unwrap();
    let youngest = entries
        .filter_map(|entry| born(&entry.unwrap().path()))
        .max();
    let probe = folder.with_extension("tick");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::time::Instant::now() < deadline {
        fs::write(&probe, "").unwrap();
        let is_younger = born(&probe) > youngest;
        fs::remove_file(&probe).unwrap();
        if is_younger || youngest.is_none() {
            return;
        }
    }
    panic!("the clock of files stands still");
}

impl Place {
    fn new(format: As) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            format,
        }
    }

    /// A store of a base and one disk on it.
    fn store(&self, name: &str, now: &str, merged: u8, named: Named<'_>) -> PathBuf {
        let store = self.folder.path().join(name);
        fs::create_dir(&store).unwrap();
        put_base(&store, self.format, merged);
        let base = match self.format {
            As::Vhd => BASE,
            As::Vhdx => BASE + u128::from(merged),
        };
        put_child(&store, self.format, now, ("base", base), 2);
        put_facts(&store, self.format, now, named);
        tick(&store);
        store
    }

    fn save(&self, store: &Path, form: &str) -> PathBuf {
        let output = run(
            self.folder.path(),
            ["ls".as_ref(), store.as_os_str(), form.as_ref()],
        );
        assert_eq!(output.status.code(), Some(0));
        let name = store.file_name().unwrap().to_str().unwrap();
        let saved = self.folder.path().join(format!("{name}{form}"));
        fs::write(&saved, &output.stdout).unwrap();
        saved
    }

    fn changes(&self, old: &Path, new: &Path) -> (Option<i32>, Value) {
        let args = [
            "changes".as_ref(),
            old.as_os_str(),
            new.as_os_str(),
            "--json".as_ref(),
        ];
        let output = run(self.folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout);
        (
            output.status.code(),
            json.unwrap_or_else(|error| panic!("{error}: {said}")),
        )
    }

    fn verdict(&self, store: &Path, facts: &Path) -> String {
        let facts = format!("--facts={}", facts.display());
        let args = [
            "ls".as_ref(),
            store.as_os_str(),
            "--json".as_ref(),
            facts.as_ref(),
        ];
        let output = run(self.folder.path(), args);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let base = self.format.file("base");
        let mut disks = json["disks"].as_array().unwrap().iter();
        let disk = disks.find(|disk| disk["path"].as_str().unwrap().ends_with(&base));
        let verdict = &disk.unwrap()["snapshots"][0]["verdict"];
        format!(
            "{} {}",
            verdict["reverted"].as_str().unwrap(),
            verdict["rule"].as_str().unwrap()
        )
    }
}

fn kinds(json: &Value) -> Vec<String> {
    let changes = json["changes"].as_array().unwrap().iter();
    changes
        .map(|of| of["kind"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_revert_shows_between_two_scans_of_a_store_that_was_copied() {
    for format in [As::Vhd, As::Vhdx] {
        for form in ["--json", "--ndjson"] {
            let place = Place::new(format);
            let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
            let old = place.save(&store, form);
            // All files are new ones here, with the dates of this moment.
            let copy = place.store("copy", "B2", 0, Named::Snapshot(ONE));
            let (code, json) = place.changes(&old, &copy);
            let first = &json["changes"][0];
            assert_eq!(first["kind"], "made-again", "{format:?} {json}");
            assert!(
                first["before"]
                    .as_str()
                    .unwrap()
                    .contains(&format.file("A1"))
            );
            assert!(
                first["after"]
                    .as_str()
                    .unwrap()
                    .contains(&format.file("B2"))
            );
            assert!(
                first["text"]
                    .as_str()
                    .unwrap()
                    .contains("was reverted to the snapshot")
            );
            assert_eq!(first["worse"], true);
            assert!(kinds(&json).contains(&"verdict".to_owned()), "{json}");
            assert_eq!(code, Some(1));
            assert_eq!(place.verdict(&copy, &old), "certain another-disk-then");
            let new = place.save(&copy, form);
            assert_eq!(kinds(&place.changes(&old, &new).1)[0], "made-again");
        }
    }
}

#[test]
fn without_names_a_vhdx_tells_whether_it_was_written_and_a_vhd_leaves_two_ways() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let old = place.save(&place.store("store", "A1", 0, Named::Nothing), "--ndjson");
        let copy = place.store("copy", "B2", 0, Named::Nothing);
        let (code, json) = place.changes(&old, &copy);
        let text = json["changes"][0]["text"].as_str().unwrap();
        assert_eq!(
            (code, json["changes"][0]["kind"].as_str()),
            (Some(1), Some("made-again"))
        );
        assert_eq!(text.contains("or base_A1"), format == As::Vhd, "{text}");
        let certain = place.verdict(&copy, &old) == "certain another-disk-then";
        assert_eq!(certain, format == As::Vhdx);
    }
}

#[test]
fn a_snapshot_that_was_deleted_and_another_one_taken_is_no_proof() {
    for format in [As::Vhd, As::Vhdx] {
        for named in [Named::Nothing, Named::Snapshot(TWO)] {
            let place = Place::new(format);
            let before = match named {
                Named::Nothing => Named::Nothing,
                Named::Snapshot(_) => Named::Snapshot(ONE),
            };
            let old = place.save(&place.store("store", "A1", 0, before), "--json");
            let copy = place.store("copy", "B2", 1, named);
            let verdict = place.verdict(&copy, &old);
            assert!(
                !verdict.contains("certain"),
                "{format:?} {named:?} {verdict}"
            );
            let (_, json) = place.changes(&old, &copy);
            let text = json["changes"][0]["text"].as_str().unwrap();
            assert!(
                text.contains("was merged and another snapshot taken"),
                "{text}"
            );
        }
    }
}

#[test]
fn what_grows_moves_and_is_taken_on_top_is_no_revert() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
        let old = place.save(&store, "--ndjson");
        assert_eq!(place.changes(&old, &store).0, Some(0));
        assert_eq!(kinds(&place.changes(&old, &store).1), Vec::<String>::new());
        // A further disk on top, as another snapshot makes it.
        let id = put_child(&store, format, "A1", ("base", BASE), 2);
        put_child(&store, format, "C3", ("A1", id), 3);
        put_facts(&store, format, "C3", Named::Snapshot(ONE));
        let (code, json) = place.changes(&old, &store);
        assert_eq!(code, Some(0), "{json}");
        assert_eq!(kinds(&json), ["appeared"], "{json}");
        assert!(!place.verdict(&store, &old).starts_with("certain"));
        // And the disk's folder was not there then.
        let deep = store.join("deep");
        fs::create_dir(&deep).unwrap();
        for name in ["base", "A1", "C3"] {
            let file = format.file(name);
            fs::rename(store.join(&file), deep.join(&file)).unwrap();
        }
        let (code, json) = place.changes(&old, &store);
        assert_eq!(code, Some(0), "{json}");
        assert_eq!(kinds(&json), ["appeared", "moved", "moved"], "{json}");
    }
}

/// The file itself, written as a machine that runs does: a VHDX has another link id afterwards.
fn rename_and_write(store: &Path, format: As, from: &str, to: &str) {
    let (from, to) = (store.join(format.file(from)), store.join(format.file(to)));
    fs::rename(&from, &to).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    if format == As::Vhdx {
        put_child(scratch.path(), format, "other", ("base", BASE), 4);
        let bytes = fs::read(scratch.path().join(format.file("other"))).unwrap();
        // In place: the file stays the one it was.
        fs::write(&to, bytes).unwrap();
    }
}

#[test]
fn a_disk_that_was_renamed_and_written_is_the_same_one() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
        let old = place.save(&store, "--ndjson");
        rename_and_write(&store, format, "A1", "Z9");
        put_facts(&store, format, "Z9", Named::Snapshot(ONE));
        let (code, json) = place.changes(&old, &store);
        assert_eq!(code, Some(0), "{json}");
        assert_eq!(kinds(&json), ["moved"], "{json}");
        assert!(!place.verdict(&store, &old).starts_with("certain"));
    }
}

#[test]
fn a_machine_that_was_deleted_is_gone_and_nothing_else_is_said() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
        let old = place.save(&store, "--json");
        for name in ["base", "A1"] {
            fs::remove_file(store.join(format.file(name))).unwrap();
        }
        fs::remove_file(store.join("vhdtree-host.json")).unwrap();
        VhdBuilder::dynamic(SIZE)
            .id(0x99)
            .build_to(&store.join("other.vhd"))
            .unwrap();
        let (code, json) = place.changes(&old, &store);
        assert_eq!(code, Some(0), "{json}");
        assert_eq!(kinds(&json), ["gone", "gone", "appeared"], "{json}");
    }
}

#[test]
fn a_snapshot_in_the_middle_that_was_merged_is_no_revert() {
    for format in [As::Vhd, As::Vhdx] {
        for snapshot in [ONE, TWO] {
            let place = Place::new(format);
            let store = place.store("store", "A1", 0, Named::Nothing);
            let id = put_child(&store, format, "A1", ("base", BASE), 2);
            put_child(&store, format, "C3", ("A1", id), 3);
            put_facts(&store, format, "C3", Named::Snapshot(ONE));
            let old = place.save(&store, "--ndjson");
            // What A1 held is in the base now, and C3 stands on that.
            put_base(&store, format, 1);
            let base = match format {
                As::Vhd => BASE,
                As::Vhdx => BASE + 1,
            };
            fs::remove_file(store.join(format.file("A1"))).unwrap();
            put_child(&store, format, "C3", ("base", base), 3);
            put_facts(&store, format, "C3", Named::Snapshot(snapshot));
            let (_, json) = place.changes(&old, &store);
            assert!(!kinds(&json).contains(&"made-again".to_owned()), "{json}");
            let verdict = place.verdict(&store, &old);
            assert!(!verdict.starts_with("certain"), "{format:?} {verdict}");
        }
    }
}

#[test]
fn a_scan_of_an_older_version_is_compared_by_what_it_has() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
        let old = place.save(&store, "--json");
        let mut json: Value = serde_json::from_slice(&fs::read(&old).unwrap()).unwrap();
        for key in ["at", "host", "version", "roots", "companions"] {
            json.as_object_mut().unwrap().remove(key);
        }
        for disk in json["disks"].as_array_mut().unwrap() {
            for key in ["product", "counted", "role", "label", "free", "live"] {
                disk.as_object_mut().unwrap().remove(key);
            }
        }
        fs::write(&old, json.to_string()).unwrap();
        assert_eq!(kinds(&place.changes(&old, &store).1), Vec::<String>::new());
        json["roots"] = json!([store]);
        fs::write(&old, json.to_string()).unwrap();
        fs::remove_file(store.join(format.file("A1"))).unwrap();
        put_child(&store, format, "B2", ("base", BASE), 4);
        put_facts(&store, format, "B2", Named::Snapshot(ONE));
        let (code, json) = place.changes(&old, &store);
        assert_eq!(
            (code, kinds(&json)[0].as_str()),
            (Some(1), "made-again"),
            "{json}"
        );
    }
}

#[test]
fn a_disk_in_use_that_is_gone_is_worse() {
    let place = Place::new(As::Vhdx);
    let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
    let old = place.save(&store, "--ndjson");
    fs::remove_file(store.join(As::Vhdx.file("A1"))).unwrap();
    let (code, json) = place.changes(&old, &store);
    assert_eq!(code, Some(1), "{json}");
    let mut changes = json["changes"].as_array().unwrap().iter();
    let gone = changes.find(|change| change["kind"] == "gone").unwrap();
    assert!(gone["text"].as_str().unwrap().ends_with("and web uses it."));
}

#[test]
fn an_incomplete_scan_says_nothing_of_what_is_gone() {
    let place = Place::new(As::Vhdx);
    let store = place.store("store", "A1", 0, Named::Nothing);
    let old = place.save(&store, "--ndjson");
    let cut: Vec<String> = fs::read_to_string(&old)
        .unwrap()
        .lines()
        .take(2)
        .map(str::to_owned)
        .collect();
    fs::write(&old, cut.join("\n")).unwrap();
    let copy = place.store("copy", "B2", 0, Named::Nothing);
    let (code, json) = place.changes(&old, &copy);
    assert_eq!(code, Some(3), "{json}");
    assert_eq!(json["complete"], false);
    assert!(!place.verdict(&copy, &old).starts_with("certain"));
}

#[test]
fn text_csv_and_brief_answers_say_the_same() {
    let place = Place::new(As::Vhdx);
    let old = place.save(&place.store("store", "A1", 0, Named::Nothing), "--json");
    let copy = place.store("copy", "B2", 0, Named::Nothing);
    let ask = |form: &str| {
        let args = [
            "changes".as_ref(),
            old.as_os_str(),
            copy.as_os_str(),
            form.as_ref(),
        ];
        text(&run(place.folder.path(), args))
    };
    let page = ask("--utc");
    assert!(
        page.starts_with("made-again    ") && page.contains("; worse: 2"),
        "{page}"
    );
    assert!(
        ask("--csv")
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("made-again,")
    );
    let lines = ask("--ndjson");
    assert!(lines.starts_with("{\"record\":\"scan\"") && lines.lines().count() > 1);
}

#[test]
fn rows_and_details_are_marked_by_what_is_new_since_the_newest_scan() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
        let old = place.save(&store, "--ndjson");
        let facts = format!("--facts={}", old.display());
        let ls = |store: &Path| {
            let args = ["ls".as_ref(), store.as_os_str(), facts.as_ref()];
            text(&run(place.folder.path(), args))
        };
        assert!(!ls(&store).contains('+'), "{}", ls(&store));
        let copy = place.store("copy", "B2", 0, Named::Snapshot(ONE));
        put_child(&copy, format, "C3", ("B2", 1), 3);
        let said = ls(&copy);
        let row = |name: &str| said.lines().find(|line| line.contains(name)).unwrap();
        assert!(row("B2").contains("+ made again"), "{said}");
        assert!(row("C3").contains("+ new"), "{said}");
        let above = copy.join(format.file("B2"));
        let args = ["info".as_ref(), above.as_os_str(), facts.as_ref()];
        let page = text(&run(place.folder.path(), args));
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let was = format.file("A1");
        let sentence =
            format!("{was} stood in its place, and that is gone. The machine was reverted");
        assert!(page.contains(&sentence), "{page}");
        let deep = store.join("deep");
        fs::create_dir(&deep).unwrap();
        for name in ["base", "A1"] {
            let file = format.file(name);
            fs::rename(store.join(&file), deep.join(&file)).unwrap();
        }
        let said = ls(&store);
        assert_eq!(said.matches("+ moved").count(), 2, "{said}");
    }
}

#[test]
fn what_says_where_to_look_is_refused_beside_saved_scans_alone() {
    let place = Place::new(As::Vhd);
    let store = place.store("store", "A1", 0, Named::Snapshot(ONE));
    let old = place.save(&store, "--json");
    let disk = store.join(As::Vhd.file("A1"));
    let (old, disk) = (old.display(), disk.display());
    for (flag, value) in [
        ("--now", disk.to_string()),
        ("--map", format!("D:\\VMs={}", store.display())),
        ("--parent-root", store.display().to_string()),
    ] {
        for command in [format!("ls --from={old}"), format!("changes {old} {old}")] {
            let given = format!("{flag}={value}");
            let args = command.split(' ').chain([given.as_str()]);
            let output = run(place.folder.path(), args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command} {given}: {said}");
            assert!(
                said.contains(&format!("{flag} changes nothing here")),
                "{said}"
            );
        }
    }
}

#[test]
fn a_saved_scan_is_evidence_about_a_later_one_and_no_later_fact_takes_its_proof_back() {
    for format in [As::Vhd, As::Vhdx] {
        let place = Place::new(format);
        let old = place.store("old", "A1", 0, Named::Snapshot(ONE));
        let new = place.store("new", "B2", 0, Named::Snapshot(ONE));
        let (old, new) = (place.save(&old, "--json"), place.save(&new, "--ndjson"));
        let judged = |from: &Path, facts: &[&Path]| {
            let facts = facts
                .iter()
                .map(|file| format!("--facts={}", file.display()));
            let from = ["ls".to_owned(), format!("--from={}", from.display())];
            let args = from.into_iter().chain(facts).chain(["--json".to_owned()]);
            let output = run(place.folder.path(), args);
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            let mut disks = json["disks"].as_array().unwrap().iter();
            let base = format.file("base");
            let base = disks.find(|disk| disk["path"].as_str().unwrap().ends_with(&base));
            let verdict = base.unwrap()["snapshots"][0]["verdict"].clone();
            let rule = verdict["rule"].as_str().unwrap().to_owned();
            (rule, output.stdout)
        };
        let (rule, _) = judged(&new, &[]);
        assert_ne!(rule, "another-disk-then");
        let (rule, proved) = judged(&new, &[&old]);
        assert_eq!(rule, "another-disk-then", "{format:?}");
        let kept = place.folder.path().join("proved.json");
        fs::write(&kept, proved).unwrap();
        let listed = place.folder.path().join("listed.json");
        let facts = json!({"schema": "vhdtree-host/1", "snapshots": [{"id": ONE, "name": "pre-patch", "machine": "web",
            "taken": jiff::Timestamp::now().to_string(), "disks": [format!("D:\\VMs\\{}", format.file("base"))]}]});
        fs::write(&listed, facts.to_string()).unwrap();
        assert_ne!(judged(&new, &[&listed]).0, "another-disk-then");
        assert_eq!(judged(&kept, &[&listed]).0, "another-disk-then");
    }
}
