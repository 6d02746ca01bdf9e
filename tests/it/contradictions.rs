//! Stores whose facts contradict each other, or are one-sided in a way that looks like a revert: what is told of them, and that
//! the gate does not pass.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::{Value, json};
use vhdtree::build::vhd::VhdBuilder;

use crate::runner::{codes_of, json_of, row_of, vhdtree};

const DAY: u64 = 24 * 3_600;
/// 2026-01-05 09:00:00Z.
const START: u64 = 1_767_603_600;
const SIZE: u64 = 8 << 20;

struct Store {
    folder: tempfile::TempDir,
    /// What `xe vdi-list` and `xe vbd-list` print.
    records: String,
}

/// A disk of a storage repository.
struct Vdi {
    number: u32,
    /// The number of its parent.
    parent: Option<u32>,
    made: u64,
    written: u64,
    data: u8,
}

fn uuid(number: u32) -> String {
    format!("{number:08}-0000-4000-8000-{number:012}")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap()
}

fn put(path: &Path, builder: VhdBuilder, made: u64, written: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let builder = builder.created_at(at(made));
    fs::write(path, builder.build()).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(written))
        .unwrap();
}

impl Store {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            records: String::new(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, vdi: &Vdi) {
        let id = |number: u32| u128::from(number) << 64 | 7;
        let builder = match vdi.parent {
            Some(parent) => {
                VhdBuilder::differencing(SIZE).parent(id(parent), &format!("{}.vhd", uuid(parent)))
            }
            None => VhdBuilder::dynamic(SIZE),
        };
        let mut builder = builder.by_xenserver().id(id(vdi.number));
        if vdi.data > 0 {
            builder = builder.write(u64::from(vdi.data), &[vdi.data; 512]);
        }
        let path = self
            .path()
            .join("sr")
            .join(format!("{}.vhd", uuid(vdi.number)));
        put(&path, builder, vdi.made, vdi.written);
    }

    /// A disk of a machine, cloned at that time if at all; or a snapshot of it, taken then.
    fn record(&mut self, vdi: u32, machine: &str, of: Option<u32>, time: u64) {
        let of_disk = of.map_or("<not in database>".to_owned(), uuid);
        let time = at(time).strftime("%Y%m%dT%H:%M:%SZ");
        write!(
            self.records,
            "uuid ( RO): {}\n name-label ( RW): {machine}\n is-a-snapshot ( RO): {}\n snapshot-of ( RO): {of_disk}\n snapshot-time ( RO): {time}\n managed ( RO): true\n sr-uuid ( RO): {}\n\n\nuuid ( RO): {}\n vm-uuid ( RO): {}\n vm-name-label ( RO): {machine}\n vdi-uuid ( RO): {}\n\n\n",
            uuid(vdi),
            of.is_some(),
            uuid(99),
            uuid(vdi + 500),
            uuid(vdi + 600),
            uuid(vdi),
        )
        .unwrap();
    }

    fn facts(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn pool(&self) -> String {
        self.facts("pool.xe", &self.records)
    }

    fn sr(&self) -> PathBuf {
        self.path().join("sr")
    }
}

/// The gate's exit code, and all it says.
fn gate(store: &Path, snapshot: &str, facts: &[&str]) -> (i32, String) {
    let mut arguments = vec!["gate", "--snapshot", snapshot];
    arguments.extend(facts.iter().flat_map(|facts| ["--facts", facts]));
    let output = vhdtree(&arguments, store);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code().unwrap(), text)
}

/// A base copy, made first and frozen on the tenth day.
fn base_copy(store: &Store) {
    store.put(&Vdi {
        number: 1,
        parent: None,
        made: START,
        written: START + 10 * DAY,
        data: 9,
    });
}

/// A disk on the base copy.
fn on_base(store: &Store, number: u32, made: u64, data: u8) {
    let written = made + if data > 0 { 30 * DAY } else { 0 };
    store.put(&Vdi {
        number,
        parent: Some(1),
        made,
        written,
        data,
    });
}

/// The second snapshot shares the base of the first and makes the empty disk above again. Nothing was reverted.
#[test]
fn the_next_snapshot_of_an_idle_machine_is_no_revert() {
    let mut store = Store::new();
    base_copy(&store);
    on_base(&store, 2, START + 10 * DAY, 0);
    on_base(&store, 3, START + 11 * DAY, 0);
    on_base(&store, 4, START + 11 * DAY, 5);
    store.record(4, "web", None, 0);
    store.record(2, "first", Some(4), START + 10 * DAY);
    store.record(3, "second", Some(4), START + 11 * DAY);
    let pool = store.pool();
    let (code, text) = gate(&store.sr(), "first", &[&pool]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("\"second\" was taken then"), "{text}");
    let (code, text) = gate(&store.sr(), "second", &[&pool]);
    assert_eq!(code, 0, "{text}");
}

/// Set back to the first snapshot, and taken again at once: the other branch is older than the second snapshot.
#[test]
fn a_branch_that_was_there_before_a_snapshot_proves_nothing_of_it() {
    let mut store = Store::new();
    base_copy(&store);
    on_base(&store, 2, START + 10 * DAY, 0);
    // The branch from before the revert, kept by a snapshot of its own.
    on_base(&store, 5, START + 10 * DAY, 3);
    for (number, data) in [(6, 0), (7, 4)] {
        store.put(&Vdi {
            number,
            parent: Some(5),
            made: START + 40 * DAY,
            written: START + 40 * DAY,
            data,
        });
    }
    on_base(&store, 3, START + 50 * DAY, 0);
    on_base(&store, 4, START + 50 * DAY, 5);
    store.record(4, "web", None, 0);
    store.record(2, "first", Some(4), START + 10 * DAY);
    store.record(6, "kept", Some(4), START + 40 * DAY);
    store.record(3, "second", Some(4), START + 50 * DAY);
    let pool = store.pool();
    let (code, text) = gate(&store.sr(), "first", &[&pool]);
    assert_eq!(code, 1, "{text}");
    let (_, text) = gate(&store.sr(), "second", &[&pool]);
    assert!(!text.contains("was reverted to"), "{text}");
}

/// A clone's time in the pool's records stays when the machine is set back in place later: the disk's own stamp says when.
#[test]
fn a_later_revert_in_place_is_not_hidden_by_the_records_of_a_clone() {
    let mut store = Store::new();
    base_copy(&store);
    on_base(&store, 2, START + 10 * DAY, 0);
    on_base(&store, 4, START + 70 * DAY, 5);
    store.record(4, "web", None, START + 10 * DAY + 60);
    store.record(2, "first", Some(4), START + 10 * DAY);
    let (code, text) = gate(&store.sr(), "first", &[&store.pool()]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("last on 2026-03-16"), "{text}");
}

#[test]
fn machines_cloned_from_a_template_have_nothing_to_be_reverted_to() {
    let mut store = Store::new();
    base_copy(&store);
    on_base(&store, 2, START + 60 * DAY, 0);
    on_base(&store, 4, START + 60 * DAY, 5);
    store.record(2, "template", None, 0);
    store.record(4, "web", None, START + 60 * DAY);
    let ls = json_of(&["ls", "--json", "--facts", &store.pool()], &store.sr());
    let row = row_of(&ls, &format!("{}.vhd", uuid(1)));
    let rule = &row["snapshots"][0]["verdict"]["rule"];
    assert_eq!(rule, "shared-parent", "{row:#}");
}

/// The machine of Hyper-V: a disk that was frozen on the tenth day, and one above it.
fn windows(folder: &Path, above_made: u64) {
    let base = VhdBuilder::dynamic(SIZE).id(1).write(9, &[9; 512]);
    put(&folder.join("web.vhd"), base, START, START + 10 * DAY - 2);
    let above = VhdBuilder::differencing(SIZE)
        .id(2)
        .parent(1, "web.vhd")
        .write(11, &[5; 512]);
    let written = above_made + 30 * DAY;
    put(&folder.join("web_A.avhd"), above, above_made, written);
}

fn list(taken: u64) -> Value {
    json!([
        {"VMName": "web", "Name": "before", "Id": uuid(7), "CreationTime": at(taken).to_string(),
            "SnapshotType": "Standard", "Disks": ["D:\\web.vhd"]},
        {"Name": "web", "Disks": ["D:\\web_A.avhd"]},
    ])
}

#[test]
fn two_lists_with_two_dates_of_one_snapshot_settle_nothing() {
    let store = Store::new();
    let folder = store.path().join("vms");
    windows(&folder, START + 70 * DAY + 2);
    let old = store.facts("old.json", &list(START + 10 * DAY).to_string());
    let new = store.facts("new.json", &list(START + 70 * DAY).to_string());
    for facts in [[&*old, &*new], [&*new, &*old]] {
        let (code, text) = gate(&folder, "before", &facts);
        assert_eq!(code, 3, "{text}");
        let check = json_of(
            &["check", "--json", "--facts", facts[0], "--facts", facts[1]],
            &folder,
        );
        for list in ["old.json", "new.json"] {
            let codes = codes_of(&check, list);
            assert!(
                !codes.contains(&"facts-fit-nothing".to_owned()),
                "{check:#}"
            );
        }
    }
    // Each alone decides.
    assert_eq!(gate(&folder, "before", &[&old]).0, 1);
    assert_eq!(gate(&folder, "before", &[&new]).0, 0);
}

/// A clone's machine stands on the disk that a delete removes: whosever the snapshot is, somebody loses.
#[test]
fn a_snapshot_of_nobody_below_two_machines_is_refused() {
    let store = Store::new();
    let folder = store.path().join("vms");
    windows(&folder, START + 10 * DAY);
    let clone = VhdBuilder::differencing(SIZE).id(3).parent(2, "web_A.avhd");
    let made = START + 20 * DAY;
    put(&folder.join("clone.vhd"), clone, made, made);
    let facts = json!([
        {"Name": "before", "Id": uuid(7), "CreationTime": at(START + 10 * DAY).to_string(),
            "SnapshotType": "Standard", "Disks": ["D:\\web.vhd"]},
        {"Name": "web", "Disks": ["D:\\web_A.avhd"]},
        {"Name": "clone", "Disks": ["D:\\clone.vhd"]},
    ]);
    let facts = store.facts("list.json", &facts.to_string());
    let (code, text) = gate(&folder, "before", &[&facts]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("web_A.avhd"), "{text}");
}

/// A tool that makes both disks anew and sets their last writes back leaves stamps that are later than those.
#[test]
fn disks_made_anew_whose_last_writes_were_set_back_are_no_revert() {
    let store = Store::new();
    let folder = store.path().join("vms");
    windows(&folder, START + 300 * DAY + 180);
    let base = VhdBuilder::dynamic(SIZE).id(1).write(9, &[9; 512]);
    put(
        &folder.join("web.vhd"),
        base,
        START + 300 * DAY,
        START + 10 * DAY,
    );
    let facts = store.facts("list.json", &list(START + 10 * DAY).to_string());
    let (code, text) = gate(&folder, "before", &[&facts]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("converted, moved or copied"), "{text}");
}

/// A date without a zone is no moment: it is not shown as one.
#[test]
fn a_date_without_a_zone_is_never_shown_as_utc() {
    let store = Store::new();
    let folder = store.path().join("vms");
    windows(&folder, START + 70 * DAY);
    let mut all = list(START + 10 * DAY);
    all[0]["CreationTime"] = json!("2026-01-15T23:41:07");
    let facts = store.facts("list.json", &all.to_string());
    let output = vhdtree(
        &["plan", "--snapshot", "before", "--facts", &facts],
        &folder,
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("before"), "{text}");
    assert!(
        !text.contains("23:41Z") && !text.contains("23:41:07Z"),
        "{text}"
    );
}
