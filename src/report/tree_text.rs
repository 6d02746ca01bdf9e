//! The tree as text: lines, names, columns, for `ls` and for a pager.

use unicode_width::UnicodeWidthStr as _;

use crate::job::par_chunks;
use crate::report::columns::{self, Column, ColumnStyle};
use crate::report::row::{self, Row, RowKind};

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Headings {
    #[default]
    Shown,
    Hidden,
}

/// Levels of lines before a name; deeper ones are said as a number.
const MAX_LEVELS: u32 = 24;

/// Puts the name's column of a row behind `text`: margin with the sign of Now or of something missing, lines, name and notes.
fn write_name(
    rows: &[Row],
    index: usize,
    row: &Row,
    with: &[Column],
    style: &ColumnStyle,
    text: &mut String,
) {
    if row.kind() != RowKind::Group {
        let sign = match row.kind() {
            RowKind::Missing => "?",
            RowKind::Error => "!",
            _ => row.now.sign(style.charset.glyphs()),
        };
        text.push_str(sign);
        text.push_str(if sign.is_empty() { "  " } else { " " });
        row::write_prefix(rows, index, style.charset.glyphs(), MAX_LEVELS, text);
    }
    columns::write_label(row, text);
    // Where they have no column of their own, they stand behind the name.
    let beside = columns::snapshot_label(row);
    if !with.contains(&Column::Snapshots) && !beside.is_empty() {
        text.push_str("  ");
        text.push_str(&beside);
    }
}

/// What goes where the lines are wider than the room for them, first to last; names are never cut, since they are copied.
const DISPENSABLE: [Column; 7] = [
    Column::LastWrite,
    Column::Blocks,
    Column::Virtual,
    Column::Format,
    Column::Created,
    Column::OnDisk,
    Column::Dirty,
];

/// A column of the lines.
#[derive(Debug, Clone, Copy)]
struct TextColumn {
    /// Its place among those that were written.
    at: usize,
    column: Column,
    /// Of its widest text.
    width: usize,
}

/// Rows as lines of text, columns as wide as their values; the last column is not padded. Where they are wider than `room`,
/// columns are left out that a reader misses least.
pub fn lines(
    rows: &[Row],
    columns: &[Column],
    style: &ColumnStyle,
    headings: Headings,
    room: Option<u16>,
) -> impl Iterator<Item = String> + use<> {
    let heading = (headings == Headings::Shown).then(|| {
        let mut heading = WidthShare::default();
        heading.add(columns, |column, text| text.push_str(column.heading()));
        heading
    });
    let shares = par_chunks(rows, |first, share| {
        let mut cells = WidthShare::default();
        for (at, row) in (first..).zip(share) {
            cells.add(columns, |column, text| match column {
                Column::Name => write_name(rows, at, row, columns, style, text),
                Column::Snapshots => text.push_str(&columns::snapshot_label(row)),
                other => columns::write_cell(other, row, style, text),
            });
        }
        cells
    });
    let shares: Vec<WidthShare> = heading.into_iter().chain(shares).collect();
    let mut layout: Vec<TextColumn> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let width = |share: &WidthShare| share.widths.get(at).copied().unwrap_or(0);
            TextColumn {
                at,
                column: *column,
                width: shares.iter().map(width).max().unwrap_or(0),
            }
        })
        .collect();
    let written = layout.len();
    for least in DISPENSABLE {
        let taken: usize = layout.iter().map(|of| of.width + 2).sum();
        if room.is_none_or(|room| taken <= usize::from(room) + 2) {
            break;
        }
        layout.retain(|of| of.column != least);
    }
    shares
        .into_iter()
        .flat_map(move |share| share.into_lines(written, layout.clone()))
}

/// The cells of some rows.
#[derive(Default)]
struct WidthShare {
    /// One behind the other.
    text: String,
    /// Where each ends in the text; row by row.
    ends: Vec<usize>,
    /// Of each column the widest.
    widths: Vec<usize>,
}

impl WidthShare {
    fn add(&mut self, columns: &[Column], write: impl Fn(Column, &mut String)) {
        self.widths.resize(columns.len(), 0);
        for (column, widest) in columns.iter().zip(&mut self.widths) {
            let start = self.text.len();
            write(*column, &mut self.text);
            let cell = self.text.get(start..).unwrap_or_default();
            *widest = cells(cell).max(*widest);
            self.ends.push(self.text.len());
        }
    }

    /// Of rows of `written` cells those of the layout.
    fn into_lines(self, written: usize, layout: Vec<TextColumn>) -> impl Iterator<Item = String> {
        let rows = self.ends.len().checked_div(written).unwrap_or(0);
        (0..rows).map(move |row| {
            let first = row.saturating_mul(written);
            let end = |cell: usize| self.ends.get(cell).copied().unwrap_or(0);
            let cells = layout.iter().map(|of| {
                let cell = first.saturating_add(of.at);
                let start = cell.checked_sub(1).map_or(0, end);
                self.text.get(start..end(cell)).unwrap_or_default()
            });
            line(cells, &layout)
        })
    }
}

/// Columns of a terminal that a text takes. Most texts of a table are plain ASCII, of which nothing has to be looked up.
fn cells(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// One line of a table, by the width of each column; nothing behind the last cell.
fn line<'c>(row: impl Iterator<Item = &'c str>, layout: &[TextColumn]) -> String {
    let mut text = String::with_capacity(layout.iter().map(|of| of.width + 2).sum());
    for (at, (cell, of)) in row.zip(layout).enumerate() {
        let pad = std::iter::repeat_n(' ', of.width.saturating_sub(cells(cell)));
        if at > 0 {
            text.push_str("  ");
        }
        if of.column.is_number() {
            text.extend(pad);
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.extend(pad);
        }
    }
    text.truncate(text.trim_end().len());
    text
}
