//! Labels: what a host says of its snapshots, read from `--labels FILE` or `labels.json` at the root of the store.
//!
//! ```text
//! Get-VMSnapshot ... | Select VMName,Name,Id,ParentSnapshotName,CreationTime,SnapshotType,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json
//! Get-VM ... | Select Name,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json        (optional: the disks in use now)
//! ```
//!
//! A row with a `CreationTime` or `SnapshotType` column is a snapshot's; so is one with `VMName` beside `Name`, unless both are equal
//! (`Get-VM` has both). Any other row is a machine's. Further columns taken: `ParentSnapshotId`, `Path`, `IsAutomaticCheckpoint`,
//! `HardDrives` in place of `Disks`, and the newer names with `Checkpoint` for `Snapshot`. Unknown columns are ignored.

use super::SnapshotKind;
use super::sheet::{Row, Sheet, SheetError};
use super::when::{DayOrder, When};

/// What a labels file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Snapshots, in the order of the file.
    pub snapshots: Vec<SnapshotLabel>,
    /// Machines, in the order of the file.
    pub machines: Vec<MachineLabel>,
}

/// A snapshot's row. Texts as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotLabel {
    /// Counted from 1.
    pub row: usize,
    /// The machine's name.
    pub vm: Option<String>,
    /// The snapshot's name.
    pub name: String,
    /// Its id.
    pub id: Option<String>,
    /// The name of its parent snapshot.
    pub parent_name: Option<String>,
    /// The id of its parent snapshot.
    pub parent_id: Option<String>,
    /// When it was taken.
    pub taken: Option<When>,
    /// Its kind.
    pub kind: SnapshotKind,
    /// Its disks: the frozen ones, as Windows paths; `None` if the row does not say.
    pub disks: Option<Vec<String>>,
    /// The folder of its configuration.
    pub path: Option<String>,
}

/// A machine's row. Texts as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineLabel {
    /// Counted from 1.
    pub row: usize,
    /// The machine's name.
    pub name: String,
    /// Its id.
    pub id: Option<String>,
    /// The name of the snapshot it stands on.
    pub parent_name: Option<String>,
    /// The id of the snapshot it stands on.
    pub parent_id: Option<String>,
    /// Disks in use now, as Windows paths; `None` if the row does not say.
    pub disks: Option<Vec<String>>,
}

/// Reads a labels file.
///
/// # Errors
/// With row and field: no name, a time that is none or ambiguous, disks that are no paths.
pub fn read(bytes: &[u8]) -> Result<Labels, SheetError> {
    let sheet = Sheet::read(bytes)?;
    let order = sheet.day_order(&["CreationTime"]);
    let mut labels = Labels::default();
    for row in &sheet.rows {
        if is_snapshot(row) {
            labels.snapshots.push(snapshot(row, order)?);
        } else {
            labels.machines.push(machine(row)?);
        }
    }
    Ok(labels)
}

fn is_snapshot(row: &Row) -> bool {
    let typed = ["CreationTime", "SnapshotType", "CheckpointType"];
    let machine = row.text("VMName");
    typed.into_iter().any(|field| row.has(field))
        || machine.is_some() && machine != row.text("Name")
}

fn either(row: &Row, snapshot: &str, checkpoint: &str) -> Option<String> {
    row.text(snapshot).or_else(|| row.text(checkpoint))
}

fn disks(row: &Row) -> Result<Option<Vec<String>>, SheetError> {
    match row.list("Disks")? {
        Some(disks) => Ok(Some(disks)),
        None => row.list("HardDrives"),
    }
}

fn missing(row: &Row, field: &'static str) -> SheetError {
    SheetError::Field {
        row: row.number,
        field,
        why: "is missing or empty".to_owned(),
    }
}

fn snapshot(row: &Row, order: DayOrder) -> Result<SnapshotLabel, SheetError> {
    Ok(SnapshotLabel {
        row: row.number,
        vm: row.text("VMName"),
        name: row.text("Name").ok_or_else(|| missing(row, "Name"))?,
        id: row.text("Id"),
        parent_name: either(row, "ParentSnapshotName", "ParentCheckpointName"),
        parent_id: either(row, "ParentSnapshotId", "ParentCheckpointId"),
        taken: row.time("CreationTime", order)?,
        kind: kind(row),
        disks: disks(row)?,
        path: row.text("Path"),
    })
}

fn machine(row: &Row) -> Result<MachineLabel, SheetError> {
    let name = either(row, "Name", "VMName");
    Ok(MachineLabel {
        row: row.number,
        name: name.ok_or_else(|| missing(row, "Name"))?,
        id: either(row, "Id", "VMId"),
        parent_name: either(row, "ParentSnapshotName", "ParentCheckpointName"),
        parent_id: either(row, "ParentSnapshotId", "ParentCheckpointId"),
        disks: disks(row)?,
    })
}

/// `SnapshotType` as a word, or as the number that `ConvertTo-Json` makes of it. A kind not known here is none: it says
/// little, and newer hosts may have more. A host calls a production snapshot taken by hand `Standard` too.
fn kind(row: &Row) -> SnapshotKind {
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
    use super::*;
    use crate::store::when::Zone;

    const SEVEN: &str = r#"[
      {"VMName":"TestWin7","Name":"before 検証","Id":"0A1B","ParentSnapshotName":null,
       "CreationTime":"2026-01-05T09:00:00.1234567+09:00","SnapshotType":"Standard","Disks":"D:\\VMs\\a.vhd","State":2},
      {"VMName":"TestWin7","Name":"two","ParentSnapshotName":"before 検証","CreationTime":"2026-01-06T09:00:00",
       "SnapshotType":1,"Disks":["D:\\VMs\\a_1.avhd","D:\\VMs\\b_1.avhd"]},
      {"Name":"TestWin7","Disks":null}]"#;

    #[test]
    fn rows_of_both_commands_are_told_apart_and_read() {
        let labels = read(SEVEN.as_bytes()).unwrap();
        let [first, second] = labels.snapshots.as_slice() else {
            panic!("two snapshots")
        };
        assert_eq!(first.name, "before 検証");
        assert_eq!(
            first.disks.as_deref(),
            Some(["D:\\VMs\\a.vhd".to_owned()].as_slice())
        );
        let taken = first.taken.unwrap();
        assert_eq!(taken.at.to_string(), "2026-01-05T00:00:00.1234567Z");
        assert_eq!(taken.zone, Zone::Known);
        assert_eq!(second.taken.unwrap().zone, Zone::HostLocal);
        assert_eq!(second.kind, SnapshotKind::Recovery);
        assert_eq!(second.parent_name.as_deref(), Some("before 検証"));
        assert_eq!(labels.machines.len(), 1);
        assert_eq!(labels.machines[0].disks, None);
        assert_eq!(labels.machines[0].row, 3);
    }

    #[test]
    fn windows_powershell_prints_one_object_in_utf_16_with_its_own_times() {
        let text = r#"{"VMName":"v","Name":"s","CreationTime":{"value":"\/Date(1668000000000)\/","DisplayHint":2,"DateTime":"Mittwoch"},"Disks":{"value":["x.vhd","y.vhd"],"Count":2}}"#;
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        let le: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
        for bytes in [le, be, text.as_bytes().to_vec()] {
            let labels = read(&bytes).unwrap();
            let label = &labels.snapshots[0];
            assert_eq!(label.taken.unwrap().at.as_second(), 1_668_000_000);
            assert_eq!(label.disks.as_ref().unwrap().len(), 2);
        }
    }

    #[test]
    fn csv_says_the_same_and_its_region_is_learnt_from_all_rows() {
        let csv = "\"VMName\",\"Name\",\"CreationTime\",\"Disks\"\r\n\"v\",\"a\",\"02/03/2026 10:00:00\",\"D:\\a.vhd;D:\\b.vhd\"\r\n\"v\",\"b\",\"22/03/2026 10:00:00\",\"\"\r\n";
        let labels = read(csv.as_bytes()).unwrap();
        assert_eq!(
            labels.snapshots[0].taken.unwrap().at.to_string(),
            "2026-03-02T10:00:00Z"
        );
        assert_eq!(labels.snapshots[0].disks.as_ref().unwrap().len(), 2);
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
        let labels = read(
            br#"{"VMName":"v","Name":"s","IsAutomaticCheckpoint":true,"SnapshotType":0,"HardDrives":[{"Path":"C:\\a.vhdx","Number":1}]}"#,
        )
        .unwrap();
        assert_eq!(labels.snapshots[0].kind, SnapshotKind::Automatic);
        assert_eq!(labels.snapshots[0].disks.as_ref().unwrap()[0], "C:\\a.vhdx");
    }

    #[test]
    fn a_machine_with_its_name_twice_is_a_machine() {
        let labels = read(br#"{"VMName":"m","Name":"m","ParentSnapshotName":"s"}"#).unwrap();
        assert_eq!(labels.machines[0].parent_name.as_deref(), Some("s"));
    }
}
