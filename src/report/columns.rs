//! Columns of the tree: their names, values as text, and which fit a width.

use jiff::Timestamp;

use crate::image::Kind;
use crate::report::row::{Now, Row, RowKey, RowKind};
use crate::report::words;
use crate::text::{Charset, Clock, Glyphs, Units};

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Tree lines, name, snapshots, notes.
    Name,
    /// Format and kind: `vhdx dif`.
    Format,
    /// Size the guest sees.
    Virtual,
    /// Size of the file.
    OnDisk,
    /// Blocks held.
    Blocks,
    /// Dirty bytes.
    Dirty,
    /// When it was made.
    Created,
    /// Last write of the file.
    LastWrite,
    /// The state.
    Verdict,
    /// Path as found.
    Path,
    /// Names of its snapshots.
    Snapshots,
    /// Whether it is in use now.
    Now,
}

impl Column {
    /// Every column, in the order they are shown.
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::Format,
        Self::Virtual,
        Self::OnDisk,
        Self::Blocks,
        Self::Dirty,
        Self::Created,
        Self::LastWrite,
        Self::Verdict,
        Self::Path,
        Self::Snapshots,
        Self::Now,
    ];

    /// The columns of the tree when there is room for all.
    pub const TREE: [Self; 9] = [
        Self::Name,
        Self::Format,
        Self::Virtual,
        Self::OnDisk,
        Self::Blocks,
        Self::Dirty,
        Self::Created,
        Self::LastWrite,
        Self::Verdict,
    ];

    /// The word that names it on the command line and in CSV.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Format => "format",
            Self::Virtual => "virtual",
            Self::OnDisk => "ondisk",
            Self::Blocks => "blocks",
            Self::Dirty => "dirty",
            Self::Created => "created",
            Self::LastWrite => "lastwrite",
            Self::Verdict => "verdict",
            Self::Path => "path",
            Self::Snapshots => "snapshots",
            Self::Now => "now",
        }
    }

    /// Its heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Format => "FORMAT",
            Self::Virtual => "VIRTUAL",
            Self::OnDisk => "ON DISK",
            Self::Blocks => "BLOCKS",
            Self::Dirty => "DIRTY",
            Self::Created => "CREATED",
            Self::LastWrite => "LAST WRITE",
            Self::Verdict => "VERDICT",
            Self::Path => "PATH",
            Self::Snapshots => "SNAPSHOTS",
            Self::Now => "NOW",
        }
    }

    /// The column a word names; `size` and `disk` are not guessed.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.word() == word)
    }

    /// Numbers stand right, words left.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Virtual | Self::OnDisk | Self::Blocks | Self::Dirty
        )
    }
}

/// How much of a time a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    /// `2026-11-18`.
    Date,
    /// `2026-11-18 02:00`.
    #[default]
    Minute,
}

/// How values become text.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// Sizes.
    pub units: Units,
    /// Times.
    pub clock: Clock,
    /// Signs.
    pub charset: Charset,
    /// How much of a time.
    pub time: TimeForm,
}

/// The text of one column of a row; of [`Column::Name`] the name and its notes without tree lines and margin
/// ([`write_label`] is that alone).
pub fn cell(column: Column, row: &Row, style: &Style) -> String {
    let mut text = String::new();
    write_cell(column, row, style, &mut text);
    text
}

/// As [`cell`], put behind `text`.
pub fn write_cell(column: Column, row: &Row, style: &Style, text: &mut String) {
    let cells = &row.cells;
    let is_disk = row.kind == RowKind::Disk;
    match column {
        Column::Name => write_label(row, text),
        Column::Format => {
            if let (Some(format), Some(kind)) = (cells.format, cells.kind) {
                let format = format.word();
                text.push_str(format);
                text.extend(std::iter::repeat_n(
                    ' ',
                    5_usize.saturating_sub(format.len()),
                ));
                text.push_str(words::short_kind(kind));
            }
        }
        Column::Virtual => size(cells.virtual_size, style, text),
        Column::OnDisk => size(cells.on_disk, style, text),
        Column::Blocks => match (cells.blocks, cells.kind) {
            (_, Some(Kind::Fixed)) => text.push_str("all"),
            (Some(blocks), _) => text.push_str(&style.units.count(blocks)),
            _ => {}
        },
        Column::Dirty => match (cells.dirty_bytes, cells.kind) {
            _ if !is_disk => {}
            (None, Some(Kind::Differencing)) => text.push_str(style.charset.glyphs().ellipsis),
            (None, Some(_)) => text.push('-'),
            (dirty, _) => size(dirty, style, text),
        },
        Column::Created if is_disk => time(cells.created, style, text),
        Column::LastWrite => time(cells.modified, style, text),
        Column::Created => {}
        Column::Verdict => text.push_str(&verdict(row, style.charset.glyphs())),
        Column::Path => match &row.key {
            RowKey::Disk(path) | RowKey::Error(path) => text.push_str(&crate::text::path(path)),
            RowKey::Group(_) | RowKey::Missing(_) => {}
        },
        Column::Snapshots => text.push_str(&row.snapshots.join(", ")),
        Column::Now => text.push_str(row.now.word()),
    }
}

fn size(bytes: Option<u64>, style: &Style, text: &mut String) {
    if let Some(bytes) = bytes {
        style.units.write_size(bytes, text);
    }
}

fn time(at: Option<Timestamp>, style: &Style, text: &mut String) {
    if let Some(at) = at {
        match style.time {
            TimeForm::Date => style.clock.write_date(at, text),
            TimeForm::Minute => style.clock.write_minute(at, text),
        }
    }
}

/// The text of the verdict: sign, word, and `=` where the disk equals its parent.
pub fn verdict(row: &Row, glyphs: &Glyphs) -> String {
    let mut text = row.flag.text(glyphs);
    if row.equals_parent {
        text.push_str(" =");
    }
    text
}

/// Puts behind `text` the name, snapshots in quotes, `NOW`, users and note: what stands in the name's column after the lines.
pub fn write_label(row: &Row, text: &mut String) {
    text.push_str(&row.name);
    for snapshot in &row.snapshots {
        text.push_str("  \"");
        text.push_str(snapshot);
        text.push('"');
    }
    // One of several leaves has its `?` in the margin; a second one after the name would say nothing more.
    let now = match row.now {
        Now::Unsure => "",
        now => now.word(),
    };
    for part in [now, &row.users.join(", "), &row.note] {
        if !part.is_empty() {
            text.push_str("  ");
            text.push_str(part);
        }
    }
}

/// A column with the width it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitted {
    /// The column.
    pub column: Column,
    /// Cells wide.
    pub width: u16,
}

/// The columns that fit `width`, each with its width, one blank between them; and how much of a time they show.
///
/// As the width shrinks, these go first: last write, blocks, virtual size, format, the time of day of creation,
/// creation, size on disk, dirty bytes. Name and verdict always stay; the name gets what is left.
pub fn fit(width: u16) -> (Vec<Fitted>, TimeForm) {
    let mut columns: Vec<Column> = Column::TREE.to_vec();
    let mut time = TimeForm::Minute;
    let needs = |columns: &[Column], time: TimeForm| -> u16 {
        columns
            .iter()
            .filter(|column| **column != Column::Name)
            .map(|column| width_of(*column, time) + 1)
            .sum()
    };
    let steps = [
        Some(Column::LastWrite),
        Some(Column::Blocks),
        Some(Column::Virtual),
        Some(Column::Format),
        None,
        Some(Column::Created),
        Some(Column::OnDisk),
        Some(Column::Dirty),
    ];
    for step in steps {
        let name = if time == TimeForm::Minute { 38 } else { 24 };
        if needs(&columns, time) + name <= width {
            break;
        }
        match step {
            Some(gone) => columns.retain(|column| *column != gone),
            None => time = TimeForm::Date,
        }
    }
    let name = width.saturating_sub(needs(&columns, time)).max(8);
    let fitted = columns
        .into_iter()
        .map(|column| Fitted {
            column,
            width: match column {
                Column::Name => name,
                other => width_of(other, time),
            },
        })
        .collect();
    (fitted, time)
}

fn width_of(column: Column, time: TimeForm) -> u16 {
    match column {
        Column::Name | Column::Path => 24,
        Column::Format => 8,
        Column::Virtual | Column::OnDisk | Column::Dirty => 10,
        Column::Blocks => 9,
        Column::Created | Column::LastWrite => match time {
            TimeForm::Date => 10,
            TimeForm::Minute => 16,
        },
        Column::Verdict => 12,
        Column::Snapshots => 16,
        Column::Now => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(width: u16) -> Vec<&'static str> {
        let (columns, _) = fit(width);
        columns.iter().map(|fitted| fitted.column.word()).collect()
    }

    #[test]
    fn columns_go_in_the_order_given_and_name_and_verdict_stay() {
        assert_eq!(names(140).len(), 9);
        assert_eq!(names(80), ["name", "ondisk", "dirty", "created", "verdict"]);
        assert_eq!(fit(80).1, TimeForm::Date);
        assert_eq!(names(40), ["name", "verdict"]);
        assert_eq!(names(10), ["name", "verdict"]);
    }

    #[test]
    fn fitted_columns_fill_the_width_exactly() {
        for width in 40..200 {
            let (columns, _) = fit(width);
            let sum: u16 = columns.iter().map(|fitted| fitted.width + 1).sum();
            assert_eq!(sum - 1, width, "at {width}");
        }
    }

    #[test]
    fn words_of_columns_come_back() {
        for column in Column::ALL {
            assert_eq!(Column::from_word(column.word()), Some(column));
        }
    }
}
