//! What `Get-VMSnapshot` and `Get-VM` say, as `ConvertTo-Json` or `ConvertTo-Csv` prints it.
//!
//! ```text
//! Get-VMSnapshot ... | Select VMName,Name,Id,ParentSnapshotName,CreationTime,SnapshotType,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json
//! Get-VM ... | Select Name,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json        (optional: the disks in use now)
//! ```
//!
//! A row with a `CreationTime` or `SnapshotType` column is a snapshot's; so is one with `VMName` beside `Name`, unless both are equal
//! (`Get-VM` has both). Any other row is a machine's. Further columns taken: `ParentSnapshotId`, `VMId`, `IsAutomaticCheckpoint`,
//! `State`, `HardDrives` in place of `Disks`, and the newer names with `Checkpoint` for `Snapshot`. Unknown columns are ignored.

use uuid::Uuid;

use super::sheet::{Sheet, SheetError, SheetRow};
use super::{HostFacts, HostMachine, HostSnapshot, snapshot_id};
use crate::format::guid;
use crate::store::SnapshotKind;
use crate::store::when::DayOrder;

/// Whether a row is one of a machine or snapshot at all.
pub(super) fn is_one(row: &SheetRow) -> bool {
    row.has("Name") || row.has("VMName")
}

/// Reads the rows that are machines' or snapshots'; all rows of the sheet say how its dates are written.
///
/// # Errors
/// With row and field: no name, a time that is none or ambiguous, disks that are no paths.
pub(super) fn read(sheet: &Sheet, rows: &[&SheetRow]) -> Result<HostFacts, SheetError> {
    let order = sheet.day_order(&["CreationTime"]);
    let mut facts = HostFacts::default();
    for row in rows {
        if is_snapshot(row) {
            facts.snapshots.push(snapshot(row, order)?);
        } else {
            facts.machines.push(machine(row)?);
        }
    }
    Ok(facts)
}

fn is_snapshot(row: &SheetRow) -> bool {
    let typed = ["CreationTime", "SnapshotType", "CheckpointType"];
    let machine = row.text("VMName");
    typed.into_iter().any(|field| row.has(field))
        || machine.is_some() && machine != row.text("Name")
}

fn either(row: &SheetRow, snapshot: &str, checkpoint: &str) -> Option<String> {
    row.text(snapshot).or_else(|| row.text(checkpoint))
}

fn disks(row: &SheetRow) -> Result<Option<Vec<String>>, SheetError> {
    match row.list("Disks")? {
        Some(disks) => Ok(Some(disks)),
        None => row.list("HardDrives"),
    }
}

fn missing(row: &SheetRow, field: &'static str) -> SheetError {
    SheetError::Field {
        row: row.number,
        field,
        why: "is missing or empty".to_owned(),
    }
}

fn id_of(row: &SheetRow, field: &str) -> Option<Uuid> {
    row.text(field).as_deref().and_then(guid::from_text)
}

/// Id or name of the snapshot a row stands on.
fn parent(row: &SheetRow) -> Option<String> {
    either(row, "ParentSnapshotId", "ParentCheckpointId")
        .or_else(|| either(row, "ParentSnapshotName", "ParentCheckpointName"))
}

fn snapshot(row: &SheetRow, order: DayOrder) -> Result<HostSnapshot, SheetError> {
    Ok(HostSnapshot {
        vm: row.text("VMName"),
        vm_id: id_of(row, "VMId"),
        name: row.text("Name").ok_or_else(|| missing(row, "Name"))?,
        id: row.text("Id").as_deref().and_then(snapshot_id),
        parent: parent(row),
        taken: row.time("CreationTime", order)?,
        kind: kind(row),
        disks: disks(row)?,
    })
}

fn machine(row: &SheetRow) -> Result<HostMachine, SheetError> {
    let name = either(row, "Name", "VMName");
    Ok(HostMachine {
        name: name.ok_or_else(|| missing(row, "Name"))?,
        id: id_of(row, "Id").or_else(|| id_of(row, "VMId")),
        parent: parent(row),
        disks: disks(row)?,
        running: row.text("State").map(|state| {
            let running = ["Running", "2"];
            running.iter().any(|word| state.eq_ignore_ascii_case(word))
        }),
        ..HostMachine::default()
    })
}

/// `SnapshotType` as a word, or as the number that `ConvertTo-Json` makes of it. A kind not known here is none: it says
/// little, and newer hosts may have more. A host calls a production snapshot taken by hand `Standard` too.
fn kind(row: &SheetRow) -> SnapshotKind {
    let automatic = either(row, "IsAutomaticCheckpoint", "IsAutomaticSnapshot");
    if automatic.is_some_and(|truth| truth.eq_ignore_ascii_case("true")) {
        return SnapshotKind::Automatic;
    }
    let word = either(row, "SnapshotType", "CheckpointType").unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "standard" | "0" => SnapshotKind::Standard,
        "recovery" | "1" => SnapshotKind::Recovery,
        "planned" | "missing" | "2" | "5" => SnapshotKind::Other,
        "replica" | "appconsistentreplica" | "syncedreplica" | "6" | "7" | "8" => {
            SnapshotKind::Replica
        }
        "production" | "productiononly" => SnapshotKind::Production,
        "automatic" => SnapshotKind::Automatic,
        _ => SnapshotKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::HostError;
    use super::*;
    use crate::store::when::ZoneNamed;

    fn read(bytes: &[u8]) -> Result<HostFacts, HostError> {
        super::super::read(bytes)
    }

    const SEVEN: &str = r#"[
      {"VMName":"TestWin7","Name":"before 検証","Id":"0A1B","ParentSnapshotName":null,
       "CreationTime":"2026-01-05T09:00:00.1234567+09:00","SnapshotType":"Standard","Disks":"D:\\VMs\\a.vhd","State":2},
      {"VMName":"TestWin7","Name":"two","ParentSnapshotName":"before 検証","CreationTime":"2026-01-06T09:00:00",
       "SnapshotType":1,"Disks":["D:\\VMs\\a_1.avhd","D:\\VMs\\b_1.avhd"]},
      {"Name":"TestWin7","Disks":null}]"#;

    #[test]
    fn rows_of_both_commands_are_told_apart_and_read() {
        let facts = read(SEVEN.as_bytes()).unwrap();
        let [first, second] = facts.snapshots.as_slice() else {
            panic!("two snapshots")
        };
        assert_eq!(first.name, "before 検証");
        assert_eq!(
            first.disks.as_deref(),
            Some(["D:\\VMs\\a.vhd".to_owned()].as_slice())
        );
        let taken = first.taken.unwrap();
        assert_eq!(taken.at.to_string(), "2026-01-05T00:00:00.1234567Z");
        assert_eq!(taken.zone, ZoneNamed::Known);
        assert_eq!(second.taken.unwrap().zone, ZoneNamed::HostLocal);
        assert_eq!(second.kind, SnapshotKind::Recovery);
        assert_eq!(second.parent.as_deref(), Some("before 検証"));
        assert_eq!(facts.machines.len(), 1);
        assert_eq!(facts.machines[0].disks, None);
    }

    #[test]
    fn windows_powershell_prints_one_object_in_utf_16_with_its_own_times() {
        let text = r#"{"VMName":"v","Name":"s","CreationTime":{"value":"\/Date(1668000000000)\/","DisplayHint":2,"DateTime":"Mittwoch"},"Disks":{"value":["x.vhd","y.vhd"],"Count":2}}"#;
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        let le: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
        for bytes in [le, be, text.as_bytes().to_vec()] {
            let facts = read(&bytes).unwrap();
            let snapshot = &facts.snapshots[0];
            assert_eq!(snapshot.taken.unwrap().at.as_second(), 1_668_000_000);
            assert_eq!(snapshot.disks.as_ref().unwrap().len(), 2);
        }
    }

    #[test]
    fn csv_says_the_same_and_its_region_is_learnt_from_all_rows() {
        let csv = "\"VMName\",\"Name\",\"CreationTime\",\"Disks\"\r\n\"v\",\"a\",\"02/03/2026 10:00:00\",\"D:\\a.vhd;D:\\b.vhd\"\r\n\"v\",\"b\",\"22/03/2026 10:00:00\",\"\"\r\n";
        let facts = read(csv.as_bytes()).unwrap();
        assert_eq!(
            facts.snapshots[0].taken.unwrap().at.to_string(),
            "2026-03-02T10:00:00Z"
        );
        assert_eq!(facts.snapshots[0].disks.as_ref().unwrap().len(), 2);
        let one = csv.lines().take(2).collect::<Vec<_>>().join("\n");
        let error = read(one.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("row 1, CreationTime: \"02/03/2026 10:00:00\" may be"),
            "{error}"
        );
    }

    #[test]
    fn faults_name_row_and_field() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"VMName":"v","CreationTime":"2026-01-01"}"#),
            "row 1, Name: is missing or empty"
        );
        let odd = read(br#"{"Name":"s","SnapshotType":"Odd"}"#).unwrap();
        assert_eq!(odd.snapshots[0].kind, SnapshotKind::Unknown);
        assert!(
            error(r#"{"Name":"s","CreationTime":[1]}"#)
                .starts_with("row 1, CreationTime: this is no time")
        );
        assert!(error(r#"{"Name":"m","Disks":7}"#).starts_with("row 1, Disks: "));
    }

    #[test]
    fn a_whole_hard_drive_counts_by_its_path_and_automatic_ones_are_named() {
        let facts = read(
            br#"{"VMName":"v","Name":"s","IsAutomaticCheckpoint":true,"SnapshotType":0,"HardDrives":[{"Path":"C:\\a.vhdx","Number":1}]}"#,
        )
        .unwrap();
        assert_eq!(facts.snapshots[0].kind, SnapshotKind::Automatic);
        assert_eq!(facts.snapshots[0].disks.as_ref().unwrap()[0], "C:\\a.vhdx");
    }

    #[test]
    fn a_machine_with_its_name_twice_is_a_machine() {
        let facts = read(br#"{"VMName":"m","Name":"m","ParentSnapshotName":"s"}"#).unwrap();
        assert_eq!((facts.machines.len(), facts.snapshots.len()), (1, 0));
    }
}
