//! Configurations, labels and times, joined with the disks.

use uuid::Uuid;

use super::*;
use crate::build::hyperv::HypervConfig;
use crate::store::{BornSource, Product, SnapshotKind, TakenSource};

const VM: Uuid = Uuid::from_u128(0x1111_2222_3333_4444_5555_6666_7777_8888);
const SNAP: Uuid = Uuid::from_u128(0x9111_2222_3333_4444_5555_6666_7777_8888);

/// base.vhd, frozen by a snapshot; the machine writes to `base_1.avhd`.
fn with_snapshot() -> ScannedFolder {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &base(1))
        .put("Snapshots/base_1.avhd", &child(2, 1, r"..\base.vhd"))
        .put_bytes(
            &format!("Virtual Machines/{VM}.xml"),
            &HypervConfig::new(VM, "TestWin7", r"D:\VMs\snapshots\BASE_1.avhd").xml(),
        )
        .put_bytes(
            &format!("Snapshots/{SNAP}.xml"),
            &HypervConfig::new(SNAP, "before", r"D:\VMs\base.vhd").xml(),
        )
        .put_bytes(&format!("Snapshots/{SNAP}/{SNAP}.bin"), &[1; 1000])
        .put_bytes(&format!("Snapshots/{SNAP}/{SNAP}.vsv"), &[1; 24]);
    store
}

#[test]
fn machine_and_snapshot_find_their_disks() {
    let store = with_snapshot();
    let seen = store.scan();
    let machine = &seen.forest.machines[0];
    assert_eq!((machine.name.as_str(), machine.id), ("TestWin7", Some(VM)));
    let leaf = seen.node("Snapshots/base_1.avhd");
    assert_eq!(leaf.in_use_by.len(), 1);
    assert!(leaf.snapshots.is_empty());
    let frozen = seen.node("base.vhd");
    assert!(frozen.in_use_by.is_empty());
    let snapshot = seen.forest.snapshot(frozen.snapshots[0]).unwrap();
    assert_eq!(snapshot.name.as_deref(), Some("before"));
    assert_eq!(snapshot.id, Some(SNAP.hyphenated().to_string()));
    assert_eq!(snapshot.machine, Some(crate::store::MachineId(0)));
    assert_eq!((snapshot.memory, snapshot.memory_bytes), (Some(true), 1024));
    let sources: Vec<_> = snapshot.taken.iter().map(|taken| taken.source).collect();
    assert!(sources.contains(&TakenSource::MemoryFile));
    assert!(sources.is_sorted());
    assert_eq!(seen.forest.errors, []);
}

#[test]
fn a_snapshot_of_a_branch_that_was_left_belongs_to_the_machine_that_uses_a_disk_named_alike() {
    let guid = "7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11";
    for (name, is_its) in [("base", true), ("other", false)] {
        let store = ScannedFolder::new();
        let (now, kept) = (format!("base_{guid}E.avhd"), format!("{name}_{guid}F.avhd"));
        let config =
            |id, of: &str, disk: &str| HypervConfig::new(id, of, &format!(r"D:\VMs\{disk}")).xml();
        store
            .put("base.vhd", &base(1))
            .put(&now, &child(2, 1, "base.vhd"))
            .put(&kept, &child(3, 1, "base.vhd"))
            .put_bytes(
                &format!("Virtual Machines/{VM}.xml"),
                &config(VM, "TestWin7", &now),
            )
            .put_bytes(
                &format!("Snapshots/{SNAP}.xml"),
                &config(SNAP, "left", &kept),
            );
        let seen = store.scan();
        let snapshot = seen.node(&kept).snapshots[0];
        let machine = seen.forest.snapshot(snapshot).unwrap().machine;
        assert_eq!(machine.is_some(), is_its, "{kept}");
    }
}

#[test]
fn labels_beside_the_store_are_read_without_asking_and_add_to_configurations() {
    let store = with_snapshot();
    let labels = format!(
        r#"[{{"VMName":"TestWin7","Name":"before","Id":"{SNAP}","CreationTime":"2009-05-01T10:00:00Z","SnapshotType":"Standard","Disks":"D:\\VMs\\base.vhd"}},
            {{"VMName":"Other","Name":"alone","Id":null,"ParentSnapshotName":"before","CreationTime":"2010-05-01T10:00:00Z","Disks":["X:\\nowhere.vhd"]}}]"#
    );
    store.put_bytes("labels.json", labels.as_bytes());
    let seen = store.scan();
    assert_eq!(seen.forest.errors, []);
    let names: Vec<_> = seen
        .forest
        .machines
        .iter()
        .map(|machine| &*machine.name)
        .collect();
    assert_eq!(names, ["Other", "TestWin7"]);
    assert_eq!(seen.forest.snapshots.len(), 2);
    let alone = &seen.forest.snapshots[0];
    assert_eq!(alone.parent.as_deref(), Some("before"));
    assert_eq!(alone.disks[0].disk, None);
    let snapshot = &seen.forest.snapshots[1];
    assert_eq!(snapshot.kind, SnapshotKind::Standard);
    assert!(
        snapshot
            .taken
            .iter()
            .any(|taken| taken.source == TakenSource::Label
                && taken.at.to_string() == "2009-05-01T10:00:00Z")
    );
}

#[test]
fn broken_labels_are_an_error_if_named_and_a_remark_if_found() {
    let store = with_snapshot();
    store.put_bytes("labels.json", b"[{\"Name\": ");
    let seen = store.scan();
    assert_eq!(seen.forest.errors.len(), 1);
    let mut options = store.options();
    options.facts = vec![store.root().join("labels.json")];
    let named = scan(&options, &Job::default(), &mut |_| {});
    assert!(matches!(named, Err(ScanError::SideFile { .. })));
}

#[test]
fn a_listing_beside_the_store_dates_disks() {
    let store = with_snapshot();
    let times = "\"FullName\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\n\"D:\\VMs\\base.vhd\",\"2009-01-02T03:04:05Z\",\"2009-02-03T04:05:06Z\"\n";
    store.put_bytes("times.csv", times.as_bytes());
    let seen = store.scan();
    let file = &seen.disk("base.vhd").file;
    let born = file.born.unwrap();
    assert_eq!(born.source, BornSource::Host);
    assert_eq!(born.at.to_string(), "2009-01-02T03:04:05Z");
    assert_eq!(file.modified.unwrap().to_string(), "2009-02-03T04:05:06Z");
    let other = seen.disk("Snapshots/base_1.avhd").file.born;
    assert!(other.is_none_or(|born| born.source != BornSource::Host));
}

#[test]
fn of_two_disks_of_one_name_the_configuration_means_the_nearer() {
    let store = ScannedFolder::new();
    for (vm, id) in [("a", 1), ("b", 2)] {
        let name = HypervConfig::new(Uuid::from_u128(id), vm, r"D:\x\disk.vhd");
        store.put(&format!("{vm}/disk.vhd"), &base(id)).put_bytes(
            &format!("{vm}/Virtual Machines/{}.xml", Uuid::from_u128(id)),
            &name.xml(),
        );
    }
    let seen = store.scan();
    for vm in ["a", "b"] {
        let user = seen.node(&format!("{vm}/disk.vhd")).in_use_by[0];
        assert_eq!(seen.forest.machine(user).unwrap().name, vm);
    }
}

#[test]
fn a_configuration_of_2012_r2_tells_the_rules_of_its_avhd() {
    let store = with_snapshot();
    assert_eq!(store.scan().node("base.vhd").product, Product::HyperV);
    std::fs::remove_dir_all(store.root().join("Virtual Machines")).unwrap();
    assert_eq!(store.scan().node("base.vhd").product, Product::HyperV2008);
}

#[test]
fn facts_in_a_folder_hold_for_it_and_below() {
    let store = ScannedFolder::new();
    for (folder, name) in [("a", "first"), ("b/deep", "second")] {
        let labels = format!(
            r#"[{{"Name":"vm","Disks":"D:\\x\\disk.vhd"}},{{"VMName":"vm","Name":"{name}","CreationTime":"2010-05-01T10:00:00Z"}}]"#
        );
        store
            .put(&format!("{folder}/sub/disk.vhd"), &base(1))
            .put_bytes(&format!("{folder}/labels.json"), labels.as_bytes());
    }
    let seen = store.scan();
    assert_eq!(seen.forest.errors, []);
    assert_eq!(seen.forest.machines.len(), 2, "one in each folder");
    for (folder, name) in [("a", "first"), ("b/deep", "second")] {
        let user = seen.node(&format!("{folder}/sub/disk.vhd")).in_use_by[0];
        let mut own = seen.forest.snapshots.iter();
        let own = own.find(|snapshot| snapshot.machine == Some(user)).unwrap();
        assert_eq!(own.name.as_deref(), Some(name));
    }
}

#[test]
fn what_the_user_says_is_in_use_belongs_to_the_chains_machine_or_to_a_new_one() {
    let store = ScannedFolder::new();
    store
        .put("web.vhd", &base(1))
        .put("a.avhd", &child(2, 1, "web.vhd"))
        .put("b.avhd", &child(3, 1, "web.vhd"));
    let mut options = store.options();
    options.now = vec![store.root().join("./b.avhd")];
    let seen = store.scan_as(&options);
    let user = seen.node("b.avhd").in_use_by[0];
    assert_eq!(seen.forest.machine(user).unwrap().name, "web");
    options.now = vec!["b.avhd".into()];
    assert_eq!(store.scan_as(&options).node("b.avhd").in_use_by.len(), 1);
    let labels = r#"[{"Name":"vm","Disks":"a.avhd"},{"VMName":"vm","Name":"s","CreationTime":"2010-05-01T10:00:00Z","Disks":"web.vhd"}]"#;
    store.put_bytes("labels.json", labels.as_bytes());
    let seen = store.scan_as(&options);
    assert_eq!(seen.forest.machines.len(), 1);
    assert!(seen.node("a.avhd").in_use_by.is_empty());
    assert_eq!(seen.node("b.avhd").in_use_by.len(), 1);
}

#[test]
fn a_listing_of_another_copy_dates_nothing() {
    let store = ScannedFolder::new();
    store
        .put("base.vhd", &base(1))
        .put("leaf.avhd", &child(2, 1, "base.vhd"));
    let times = "FullName,Length,LastWriteTimeUtc\nD:\\base.vhd,1,2009-02-03T04:05:06Z\nD:\\leaf.avhd,1,2009-02-03T04:05:06Z\n";
    store.put_bytes("times.csv", times.as_bytes());
    let seen = store.scan();
    let written = |name: &str| seen.disk(name).file.modified.unwrap().to_string();
    assert_eq!(written("leaf.avhd"), "2009-02-03T04:05:06Z");
    assert_ne!(written("base.vhd"), "2009-02-03T04:05:06Z");
    let told = |name: &str| {
        let mut found = seen.disk(name).findings.iter();
        found.any(|finding| finding.code.id == "facts-other-copy")
    };
    assert!(told("base.vhd") && !told("leaf.avhd"));
}
