//! Times: a listing of creation and write times made on the host, given with `--times FILE`.
//!
//! ```text
//! Get-ChildItem -Recurse | Select FullName,Length,CreationTimeUtc,LastWriteTimeUtc | ConvertTo-Csv > times.csv
//! ```
//!
//! CSV with or without a `#TYPE` line, columns in any order, or the same as JSON. The `Utc` columns are UTC whatever their
//! form; `CreationTime` and `LastWriteTime` are taken in their place only where each time names its zone. Which forms of dates are
//! read is told at [`when`](super::when).

use std::path::Path;

use jiff::Timestamp;

use super::pathmatch::{Match, PathIndex};
use super::sheet::{Row, Sheet, SheetError};
use super::when::{DayOrder, Zone};
use super::winpath::WinPath;

/// One line of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTimes {
    /// Counted from 1, without the heading.
    pub row: usize,
    /// The file's path on the host.
    pub path: String,
    /// Its length in bytes at that time.
    pub len: Option<u64>,
    /// Its birth.
    pub born: Option<Timestamp>,
    /// Its last write.
    pub modified: Option<Timestamp>,
}

/// Reads a listing.
///
/// # Errors
/// With row and field: no path, a time that is none, ambiguous, or without a zone.
pub fn read(bytes: &[u8]) -> Result<Vec<FileTimes>, SheetError> {
    let sheet = Sheet::read(bytes)?;
    let order = sheet.day_order(&[
        "CreationTimeUtc",
        "LastWriteTimeUtc",
        "CreationTime",
        "LastWriteTime",
    ]);
    sheet.rows.iter().map(|row| line(row, order)).collect()
}

fn line(row: &Row, order: DayOrder) -> Result<FileTimes, SheetError> {
    let path = row.text("FullName").ok_or_else(|| SheetError::Field {
        row: row.number,
        field: "FullName",
        why: "is missing or empty".to_owned(),
    })?;
    let len = match row.text("Length") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| SheetError::Field {
            row: row.number,
            field: "Length",
            why: format!("\"{text}\" is no number of bytes"),
        })?),
    };
    Ok(FileTimes {
        row: row.number,
        path,
        len,
        born: utc(row, "CreationTimeUtc", "CreationTime", order)?,
        modified: utc(row, "LastWriteTimeUtc", "LastWriteTime", order)?,
    })
}

fn utc(
    row: &Row,
    utc: &'static str,
    local: &'static str,
    order: DayOrder,
) -> Result<Option<Timestamp>, SheetError> {
    if let Some(when) = row.time(utc, order)? {
        return Ok(Some(when.at));
    }
    match row.time(local, order)? {
        Some(when) if when.zone == Zone::HostLocal => Err(SheetError::Field {
            row: row.number,
            field: local,
            why: format!("has no zone; list {utc} instead"),
        }),
        when => Ok(when.map(|when| when.at)),
    }
}

/// Listings for files of the store.
#[derive(Debug)]
pub struct TimesIndex<'a> {
    lines: &'a [FileTimes],
    index: PathIndex,
}

impl<'a> TimesIndex<'a> {
    /// Indexes a listing by path.
    pub fn new(lines: &'a [FileTimes]) -> Self {
        let paths = lines.iter().map(|line| Path::new(line.path.as_str()));
        Self {
            lines,
            index: PathIndex::new(paths),
        }
    }

    /// The line of a file here: by name, then by as much of the folder as agrees, then by length where several agree.
    /// `None` if none or still more than one does.
    pub fn find(&self, path: &Path, len: u64) -> Option<&'a FileTimes> {
        if self.lines.is_empty() {
            return None;
        }
        // A name here may hold what is a root or a separator to Windows, so only whole names are handed on.
        let text = path.to_string_lossy().into_owned();
        match self.index.find(&WinPath::parse(&text)) {
            Match::None => None,
            Match::One(index) => self.lines.get(index),
            Match::Several(several) => {
                let mut same = several
                    .into_iter()
                    .filter_map(|index| self.lines.get(index))
                    .filter(|line| line.len == Some(len));
                same.next().filter(|_| same.next().is_none())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "#TYPE Selected.System.IO.FileInfo\r\n\"LastWriteTimeUtc\",\"FullName\",\"CreationTimeUtc\",\"Length\"\r\n\"22.11.2026 23:13:05\",\"D:\\VMs\\Web\\disk.avhdx\",\"01.02.2026 03:04:05\",\"4194304\"\r\n\"22.11.2026 23:13:06\",\"D:\\VMs\\Db\\disk.avhdx\",\"02.02.2026 03:04:05\",\"8388608\"\r\n\"22.11.2026 23:13:05\",\"D:\\VMs\\Web\",\"01.02.2026 03:04:05\",\r\n";

    #[test]
    fn the_csv_of_a_german_host_is_read_in_any_encoding() {
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(CSV.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [CSV.as_bytes().to_vec(), utf16] {
            let lines = read(&bytes).unwrap();
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
    fn files_are_found_by_name_folder_and_length() {
        let lines = read(CSV.as_bytes()).unwrap();
        let index = TimesIndex::new(&lines);
        let row = |path: &str, len| index.find(Path::new(path), len).map(|line| line.row);
        assert_eq!(row("/mnt/copy/web/DISK.avhdx", 1), Some(1));
        assert_eq!(row("db/disk.avhdx", 1), Some(2));
        assert_eq!(row("disk.avhdx", 8_388_608), Some(2));
        assert_eq!(row("disk.avhdx", 1), None);
        assert_eq!(row("other.avhdx", 1), None);
    }

    #[test]
    fn american_times_are_settled_by_the_file_or_refused() {
        let csv = |first: &str, second: &str| {
            format!(
                "FullName,Length,CreationTimeUtc,LastWriteTimeUtc\nD:\\a.vhd,1,{first},{second}\n"
            )
        };
        let lines = read(csv("2/3/2026 4:05:06 PM", "11/22/2026 11:13:05 PM").as_bytes()).unwrap();
        assert_eq!(lines[0].born.unwrap().to_string(), "2026-02-03T16:05:06Z");
        let error =
            read(csv("2/3/2026 4:05:06 PM", "1/2/2026 11:13:05 PM").as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with("row 1, CreationTimeUtc"),
            "{error}"
        );
    }

    #[test]
    fn local_columns_count_only_with_a_zone() {
        let json = |time: &str| format!(r#"[{{"FullName":"D:\\a.vhd","CreationTime":"{time}"}}]"#);
        let lines = read(json("2026-01-01T00:00:00+01:00").as_bytes()).unwrap();
        assert_eq!(lines[0].born.unwrap().to_string(), "2025-12-31T23:00:00Z");
        let error = read(json("2026-01-01T00:00:00").as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1, CreationTime: has no zone; list CreationTimeUtc instead"
        );
        assert!(read(b"Name,Length\na,1\n").is_err());
        assert!(read(b"FullName,Length\na,x\n").is_err());
    }
}
