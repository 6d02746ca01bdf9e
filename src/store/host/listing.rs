//! A listing of files with their times, made on the host.
//!
//! ```text
//! Get-ChildItem -Recurse | Select FullName,Length,CreationTimeUtc,LastWriteTimeUtc | ConvertTo-Csv > times.csv
//! ```
//!
//! CSV with or without a `#TYPE` line, columns in any order, or the same as JSON. The `Utc` columns are UTC whatever their
//! form; `CreationTime` and `LastWriteTime` are taken in their place only where each time names its zone. Which forms of dates are
//! read is told at [`when`](crate::store::when).

use jiff::Timestamp;

use super::HostFile;
use super::sheet::{Sheet, SheetError, SheetRow};
use crate::store::when::{DayOrder, ZoneNamed};

/// The column that makes a row one of a listing.
pub(super) const PATH: &str = "FullName";

/// Reads the rows that list files; all rows of the sheet say how its dates are written.
///
/// # Errors
/// With row and field: no path, a time that is none, ambiguous, or without a zone.
pub(super) fn read(sheet: &Sheet, rows: &[&SheetRow]) -> Result<Vec<HostFile>, SheetError> {
    let order = sheet.day_order(&[
        "CreationTimeUtc",
        "LastWriteTimeUtc",
        "CreationTime",
        "LastWriteTime",
    ]);
    rows.iter().map(|row| line(row, order)).collect()
}

fn line(row: &SheetRow, order: DayOrder) -> Result<HostFile, SheetError> {
    let path = row.text(PATH).unwrap_or_default();
    let len = match row.text("Length") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| SheetError::Field {
            row: row.number,
            field: "Length",
            why: format!("\"{text}\" is no number of bytes"),
        })?),
    };
    Ok(HostFile {
        path,
        len,
        born: utc(row, "CreationTimeUtc", "CreationTime", order)?,
        modified: utc(row, "LastWriteTimeUtc", "LastWriteTime", order)?,
        disk: None,
    })
}

fn utc(
    row: &SheetRow,
    utc: &'static str,
    local: &'static str,
    order: DayOrder,
) -> Result<Option<Timestamp>, SheetError> {
    if let Some(when) = row.time(utc, order)? {
        return Ok(Some(when.at));
    }
    match row.time(local, order)? {
        Some(when) if when.zone == ZoneNamed::HostLocal => Err(SheetError::Field {
            row: row.number,
            field: local,
            why: format!("has no zone; list {utc} instead"),
        }),
        when => Ok(when.map(|when| when.at)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HostError, read};
    use super::*;

    fn files(bytes: &[u8]) -> Result<Vec<HostFile>, HostError> {
        read(bytes).map(|facts| facts.files)
    }

    const CSV: &str = "#TYPE Selected.System.IO.FileInfo\r\n\"LastWriteTimeUtc\",\"FullName\",\"CreationTimeUtc\",\"Length\"\r\n\"22.11.2026 23:13:05\",\"D:\\VMs\\Web\\disk.avhdx\",\"01.02.2026 03:04:05\",\"4194304\"\r\n\"22.11.2026 23:13:06\",\"D:\\VMs\\Db\\disk.avhdx\",\"02.02.2026 03:04:05\",\"8388608\"\r\n\"22.11.2026 23:13:05\",\"D:\\VMs\\Web\",\"01.02.2026 03:04:05\",\r\n";

    #[test]
    fn the_csv_of_a_german_host_is_read_in_any_encoding() {
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(CSV.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [CSV.as_bytes().to_vec(), utf16] {
            let lines = files(&bytes).unwrap();
            assert_eq!(lines.len(), 3);
            assert_eq!(lines[0].len, Some(4_194_304));
            assert_eq!(lines[0].born.unwrap().to_string(), "2026-02-01T03:04:05Z");
            assert_eq!(
                lines[0].modified.unwrap().to_string(),
                "2026-11-22T23:13:05Z"
            );
            assert_eq!(lines[2].len, None);
        }
    }

    #[test]
    fn american_times_are_settled_by_the_file_or_refused() {
        let csv = |first: &str, second: &str| {
            format!(
                "FullName,Length,CreationTimeUtc,LastWriteTimeUtc\nD:\\a.vhd,1,{first},{second}\n"
            )
        };
        let lines = files(csv("2/3/2026 4:05:06 PM", "11/22/2026 11:13:05 PM").as_bytes()).unwrap();
        assert_eq!(lines[0].born.unwrap().to_string(), "2026-02-03T16:05:06Z");
        let error =
            files(csv("2/3/2026 4:05:06 PM", "1/2/2026 11:13:05 PM").as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with("row 1, CreationTimeUtc"),
            "{error}"
        );
    }

    #[test]
    fn local_columns_count_only_with_a_zone() {
        let json = |time: &str| format!(r#"[{{"FullName":"D:\\a.vhd","CreationTime":"{time}"}}]"#);
        let lines = files(json("2026-01-01T00:00:00+01:00").as_bytes()).unwrap();
        assert_eq!(lines[0].born.unwrap().to_string(), "2025-12-31T23:00:00Z");
        let error = files(json("2026-01-01T00:00:00").as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1, CreationTime: has no zone; list CreationTimeUtc instead"
        );
        assert!(files(b"FullName,Length\na,x\n").is_err());
    }
}
