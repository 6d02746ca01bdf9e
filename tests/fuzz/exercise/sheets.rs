//! What a host says beside the disks, in every form and encoding; and times as words.

use vhdtree::analysis::zone::name;
use vhdtree::store::host;
use vhdtree::store::when::{self, DayOrder};

/// Inputs to start from, for facts.
pub fn fact_seeds() -> Vec<Vec<u8>> {
    [
        r#"[{"VMName":"a","Name":"s","CreationTime":"/Date(1300000000000)/","Disks":["C:\\a.vhd"]}]"#,
        r#"{"VMName":"a","Name":"s","Id":{"Guid":"11111111-2222-4333-8444-555555555555"},"CreationTime":{"value":"/Date(1300000000000)/","DateTime":"x"},"SnapshotType":2,"Disks":{"value":["C:\\a.vhd"],"Count":1}}"#,
        r#"[{"Name":"a","Disks":"C:\\a.vhd"},{"Name":"s","CheckpointType":"Production","CreationTime":"2020-01-02T03:04:05+09:00","ParentCheckpointName":"p"}]"#,
        "#TYPE x\r\n\"VMName\",\"Name\",\"CreationTime\",\"Disks\"\r\n\"a\",\"s \"\"q\"\"\",\"22.11.2026 03:04:05\",\"C:\\a.vhd\"\r\n",
        "\"FullName\",\"Length\",\"CreationTimeUtc\"\r\n\"C:\\a.vhd\",\"5\",\"2020-01-02T03:04:05Z\"\r\n",
        "#TYPE Selected.System.IO.FileInfo\n\"FullName\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\n\"C:\\a.vhd\",\"22/11/2026 3:04:05 PM\",\"11/22/2026 15:04\"\n",
        r#"[{"FullName":"C:\\a.vhd","Length":5,"CreationTimeUtc":"/Date(1300000000000)/","LastWriteTime":"2020-01-02T03:04:05.1234567+09:00"}]"#,
        r#"{"schema":"vhdtree-host/1","host":"h","at":"2026-11-27T10:00:00Z","machines":[{"id":"11111111-2222-4333-8444-555555555555","name":"a","state":"Running","disks":["C:\\a_1.avhdx"]}],"snapshots":[{"id":"s","machine":"a","taken":"2020-01-02T03:04:05Z","kind":"standard","disks":["C:\\a.vhdx"]}],"disks":[{"path":"C:\\a_1.avhdx","type":"Differencing","parent":"C:\\a.vhdx","size":1,"attached":true}],"files":[{"path":"C:\\a.vhdx","length":5,"created":"2020-01-02T03:04:05Z"}],"free":[{"path":"C:\\","bytes":1}]}"#,
    ]
    .iter()
    .map(|text| [&[0], text.as_bytes()].concat())
    .collect()
}

/// A pool's database.
pub fn database_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"<database><table name="VDI"><row ref="v" __ctime="9" uuid="11111111-2222-4333-8444-555555555555" name__label="a%.b" is_a_snapshot="false" snapshot_time="20260420T11:17:30Z"/></table></database>"#,
        r#"<database><table name="VM"><row ref="a" uuid="11111111-2222-4333-8444-555555555555" name__label="x%.y" is_a_snapshot="true" snapshot_of="b" snapshot_time="20260210T20:00:00Z"/></table><table name="VBD"><row VM="a" VDI="v"/></table></database>"#,
    ])
}

/// Records of `xe`.
pub fn record_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "uuid ( RO)   : a\n is-a-snapshot ( RO)  : true\n snapshot-of ( RO) : b\n\nvdi-uuid ( RO) : a\n vm-uuid ( RO) : m\n",
    ])
}

/// Objects of Xen Orchestra.
pub fn orchestra_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"[{"type":"VM-snapshot","id":"s","name_label":"n","$snapshot_of":"m","snapshot_time":1771000000},{"type":"VBD","VM":"s","VDI":"v"}]"#,
    ])
}

/// Settings of a machine of VirtualBox.
pub fn virtualbox_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"<VirtualBox xmlns="http://www.virtualbox.org/"><Machine uuid="{11111111-2222-4333-8444-555555555555}" name="a" currentSnapshot="{21111111-2222-4333-8444-555555555555}"><MediaRegistry><HardDisks><HardDisk uuid="{31111111-2222-4333-8444-555555555555}" location="a.vhd" format="VHD"><HardDisk uuid="{41111111-2222-4333-8444-555555555555}" location="Snapshots/b.vhd" format="VHD"/></HardDisk></HardDisks></MediaRegistry><Snapshot uuid="{21111111-2222-4333-8444-555555555555}" name="s" timeStamp="2026-02-10T20:00:00Z"><Hardware><StorageControllers><StorageController><AttachedDevice type="HardDisk"><Image uuid="{31111111-2222-4333-8444-555555555555}"/></AttachedDevice></StorageController></StorageControllers></Hardware><Snapshots><Snapshot uuid="x"/></Snapshots></Snapshot></Machine></VirtualBox>"#,
    ])
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    let seed = |text: &&str| [&[0], text.as_bytes()].concat();
    texts.iter().map(seed).collect()
}

/// Inputs to start from, for times.
pub fn time_seeds() -> Vec<Vec<u8>> {
    [
        "web (5/2/2009 - 2:10:33 PM)",
        "web (2009年5月2日 - 14:10:33)",
        "2009-05-02 14:10",
        "/Date(1300000000000+0900)/",
    ]
    .iter()
    .map(|text| [&[0], text.as_bytes()].concat())
    .collect()
}

/// Facts of any kind: the same in every encoding.
pub fn run_facts(input: &[u8]) {
    let Some((_, bytes)) = input.split_first() else {
        return;
    };
    let read = host::read(bytes);
    if let Ok(facts) = &read {
        for snapshot in &facts.snapshots {
            assert!(snapshot.id.as_deref() != Some(""), "{snapshot:?}");
        }
        assert!(facts.files.iter().all(|file| !file.path.is_empty()));
    }
    // A pool writes its database in one encoding.
    let is_database = String::from_utf8_lossy(bytes).contains("<database");
    for other in encodings(bytes).iter().filter(|_| !is_database) {
        assert_eq!(host::read(other), read, "in every encoding");
    }
}

/// Single times, and dates in names.
pub fn run_times(input: &[u8]) {
    let Some((_, bytes)) = input.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    when::day_order(&text);
    for order in [
        DayOrder::DayFirst,
        DayOrder::MonthFirst,
        DayOrder::Unknown,
        DayOrder::Mixed,
    ] {
        if let Ok(when) = when::parse(&text, order) {
            let year = when.at.to_string();
            let year: i32 = year[..4].parse().expect("a year of four digits");
            assert!((1600..=2201).contains(&year), "{text}: {year}");
        }
    }
    assert!(name::readings(&text).len() <= 2, "{text}");
}

/// Sound UTF-8 in the other encodings.
fn encodings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = match std::str::from_utf8(bytes) {
        // What begins as UTF-16 does is not UTF-8 to a reader.
        Ok(text)
            if !text.starts_with('\u{feff}') && !bytes.iter().take(2).any(|byte| *byte == 0) =>
        {
            text
        }
        _ => return Vec::new(),
    };
    let utf16 = |mark: &[u8], order: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(order);
        mark.iter().copied().chain(units).collect()
    };
    vec![
        [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(),
        utf16(&[0xff, 0xfe], u16::to_le_bytes),
        utf16(&[0xfe, 0xff], u16::to_be_bytes),
    ]
}
