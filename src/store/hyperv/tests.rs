use proptest::prelude::*;

use super::*;
use crate::build::hyperv::{HypervConfig, IDE, SCSI};
use crate::format::hyperv::codes;
use crate::source::MemorySource;

const VM: &str = "11111111-2222-3333-4444-555555555555";
const SNAPSHOT: &str = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE";

fn id(text: &str) -> Uuid {
    guid::from_text(text).unwrap()
}

fn sample() -> HypervConfig {
    HypervConfig {
        created: Some("2021-08-22T21:41:00.5Z".parse().unwrap()),
        last_state_change: Some("2023-02-17T11:25:58Z".parse().unwrap()),
        notes: "kept".into(),
        generation_id: Some("B7CA8A6AB91AB997147185C9284D42C5".into()),
        merge_pending: true,
        disks: vec![
            (IDE, 0, 1, "D:\\VMs\\WIN7x64_Diff.vhd".into()),
            (SCSI, 2, 0, "\\\\srv\\vms\\data.vhd".into()),
        ],
        memory: Some(("D:\\m.bin".into(), "D:\\m.vsv".into())),
        ..HypervConfig::new(id(VM), "TestWin7 検証用", "")
    }
}

fn read_at(path: &str, bytes: Vec<u8>) -> Option<ConfigRecord> {
    read(Path::new(path), FileFacts::default(), &MemorySource(bytes)).unwrap()
}

#[test]
fn a_record_holds_the_same_from_either_container() {
    for bytes in [sample().xml(), sample().vmcx()] {
        let record = read_at(&format!("s/Virtual Machines/{VM}.xml"), bytes).unwrap();
        assert_eq!(record.kind, ConfigKind::Machine);
        assert_eq!(record.id(), Some(id(VM)));
        assert_eq!(record.name.as_deref(), Some("TestWin7 検証用"));
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        assert_eq!(
            time(record.created).as_deref(),
            Some("2021-08-22T21:41:00.5Z")
        );
        assert_eq!(
            time(record.last_state_change).as_deref(),
            Some("2023-02-17T11:25:58Z")
        );
        assert_eq!(record.last_powered_on, None);
        assert_eq!(record.notes.as_deref(), Some("kept"));
        assert_eq!(
            record.generation_id.as_deref(),
            Some("b7ca8a6ab91ab997147185c9284d42c5")
        );
        assert_eq!(record.merge_pending, Some(true));
        assert_eq!(record.snapshot_count, Some(0));
        let slots: Vec<_> = record
            .disks
            .iter()
            .map(|d| (d.slot(), d.path.as_str()))
            .collect();
        assert_eq!(
            slots,
            [
                ("IDE 0:1".to_owned(), "D:\\VMs\\WIN7x64_Diff.vhd"),
                ("SCSI 2:0".to_owned(), "\\\\srv\\vms\\data.vhd")
            ]
        );
        assert_eq!(record.memory_paths, ["D:\\m.bin", "D:\\m.vsv"]);
        assert_eq!(record.references, []);
        assert_eq!(record.findings, []);
    }
}

#[test]
fn the_place_makes_a_snapshot_though_the_copy_says_machine() {
    for path in [
        format!("s/Snapshots/{SNAPSHOT}.xml"),
        format!("s/snapshots/{SNAPSHOT}/{SNAPSHOT}.XML"),
    ] {
        let record = read_at(&path, sample().xml()).unwrap();
        assert_eq!(record.kind, ConfigKind::Snapshot, "{path}");
        assert_eq!(record.id(), Some(id(SNAPSHOT)));
        assert_eq!(record.global_id, Some(id(VM)));
    }
    let flat = read_at(&format!("s/{VM}.xml"), sample().xml()).unwrap();
    assert_eq!(flat.kind, ConfigKind::Unknown);
}

#[test]
fn a_stored_system_type_names_the_kind() {
    let with = |key: &str, value: &str| {
        let mut config = sample();
        config.extra.push((key.into(), value.into()));
        read_at("x.xml", config.xml()).unwrap()
    };
    let key = "properties/virtual_system_type";
    for (value, kind, snapshot) in [
        (
            "Microsoft:Hyper-V:Snapshot:Realized",
            ConfigKind::Snapshot,
            SnapshotKind::Standard,
        ),
        (
            "Microsoft:Hyper-V:Snapshot:Recovery",
            ConfigKind::Snapshot,
            SnapshotKind::Recovery,
        ),
        (
            "Microsoft:Hyper-V:Snapshot:Replica:Standard",
            ConfigKind::Snapshot,
            SnapshotKind::Replica,
        ),
        (
            "Microsoft:Hyper-V:Snapshot:Missing",
            ConfigKind::Snapshot,
            SnapshotKind::Other,
        ),
        (
            "Microsoft:Hyper-V:System:Realized",
            ConfigKind::Machine,
            SnapshotKind::Unknown,
        ),
        ("else", ConfigKind::Unknown, SnapshotKind::Unknown),
    ] {
        let record = with(key, value);
        assert_eq!(
            (record.kind, record.snapshot_kind),
            (kind, snapshot),
            "{value}"
        );
    }
    let mut config = sample();
    config.type_id = Some("Snapshots".into());
    assert_eq!(
        read_at("x.xml", config.xml()).unwrap().kind,
        ConfigKind::Snapshot
    );
}

#[test]
fn a_flat_copy_is_settled_by_its_disks() {
    let settle = |answers: [Option<bool>; 2]| {
        let mut record = read_at("x.xml", sample().xml()).unwrap();
        record.settle(|path| answers[usize::from(path.starts_with('\\'))]);
        record.kind
    };
    assert_eq!(settle([Some(false), None]), ConfigKind::Machine);
    assert_eq!(settle([Some(true), Some(true)]), ConfigKind::Snapshot);
    assert_eq!(settle([Some(true), Some(false)]), ConfigKind::Unknown);
    assert_eq!(settle([None, None]), ConfigKind::Unknown);
}

#[test]
fn every_other_guid_is_kept_with_its_key() {
    let mut config = sample();
    let key = "settings/some_parent_key";
    config.extra.push((key.into(), format!("{{{SNAPSHOT}}}")));
    config
        .extra
        .push(("settings/nil".into(), Uuid::nil().to_string()));
    for bytes in [config.xml(), config.vmcx()] {
        let record = read_at("x.vmcx", bytes).unwrap();
        assert_eq!(
            record.references,
            [(format!("/configuration/{key}"), id(SNAPSHOT))]
        );
    }
}

#[test]
fn other_xml_is_passed_over_and_a_broken_configuration_is_not() {
    let other = "<configuration><appSettings><add key='a'/></appSettings></configuration>";
    assert_eq!(read_at("app.xml", other.into()), None);
    assert_eq!(read_at("app.xml", b"<configuration><a".to_vec()), None);
    assert_eq!(read_at("app.xml", b"\x7fELF".to_vec()), None);
    let text = sample().xml_text();
    let cut = read_at("x.xml", text.as_bytes()[..text.len() / 2].to_vec()).unwrap();
    assert_eq!(cut.findings[0].code.id, codes::XML_DAMAGED.id);
    assert_eq!(cut.disks.len(), 2);
    let old = sample().vmcx_builder().version(0x0200).build();
    assert!(
        read(
            Path::new("x.vmcx"),
            FileFacts::default(),
            &MemorySource(old)
        )
        .is_err()
    );
    assert!(is_candidate(Path::new("a/b.VMCX")) && !is_candidate(Path::new("a/xml")));
}

#[test]
fn memory_files_belong_to_the_configuration_beside_them() {
    let file = |path: String| MemoryFile {
        path: path.into(),
        file: FileFacts::default(),
    };
    let files = [
        file(format!(
            "s/Snapshots/{SNAPSHOT}/{}.vsv",
            SNAPSHOT.to_lowercase()
        )),
        file(format!("s/Snapshots/{SNAPSHOT}.vmrs")),
        file(format!("elsewhere/{SNAPSHOT}.bin")),
        file(format!("s/Snapshots/{VM}/{VM}.bin")),
        file("s/Snapshots/other.bin".into()),
    ];
    let mut records = [read_at(&format!("s/Snapshots/{SNAPSHOT}.xml"), sample().xml()).unwrap()];
    attach_memory(&mut records, &files);
    assert_eq!(records[0].memory_files, files[..2]);
}

#[test]
fn times_of_nonsense_are_none() {
    let mut tree = ConfigTree::default();
    for (path, value) in [
        ("/a", ConfigValue::Bytes(vec![0; 8])),
        ("/b", ConfigValue::Bytes(vec![1; 7])),
        ("/c", ConfigValue::Integer(-1)),
        ("/d", ConfigValue::Unsigned(u64::MAX)),
        ("/e", ConfigValue::String("2021".into())),
    ] {
        tree.push(path.into(), value).unwrap();
        assert_eq!(time(&tree, path), None, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_configuration_never_panics(
        at in 0_usize..100_000, bit in 0_u32..8, cut in any::<bool>(), vmcx in any::<bool>(),
    ) {
        let mut bytes = if vmcx { sample().vmcx() } else { sample().xml() };
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        let _ = read(Path::new("x.xml"), FileFacts::default(), &MemorySource(bytes));
    }

    #[test]
    fn names_and_paths_of_any_kind_come_back(name in "[^\\x00-\\x1f\u{fffe}\u{ffff}]{1,40}", disk in "[A-Z]:\\\\[^\\x00-\\x1f\u{fffe}\u{ffff}]{1,40}x") {
        let config = HypervConfig::new(id(VM), &name, &disk);
        for bytes in [config.xml(), config.xml_text().into_bytes(), config.vmcx()] {
            let record = read_at("x.xml", bytes).unwrap();
            prop_assert_eq!(record.name.as_deref().unwrap_or_default(), name.trim());
            prop_assert_eq!(record.disks[0].path.as_str(), disk.trim());
        }
    }
}
