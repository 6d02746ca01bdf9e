//! The tree as text: lines, names, columns, for `ls` and for a pager.

use unicode_width::UnicodeWidthStr as _;

use crate::job::spread;
use crate::report::columns::{self, Column, Style};
use crate::report::row::{self, Row, RowKind};

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Headings {
    /// It does.
    #[default]
    Shown,
    /// No such line.
    Hidden,
}

/// Levels of lines before a name; deeper ones are said as a number.
const MAX_LEVELS: u32 = 24;

/// The name's column of a row: margin with the sign of Now or of something missing, lines, name and notes.
pub fn name_cell(rows: &[Row], index: usize, style: &Style) -> String {
    let Some(row) = rows.get(index) else {
        return String::new();
    };
    if row.kind == RowKind::Group {
        return columns::label(row);
    }
    let sign = match row.kind {
        RowKind::MissingParent => "?",
        RowKind::Error => "!",
        _ => row.now.sign(style.glyphs),
    };
    let lines = row::prefix(rows, index, style.glyphs, MAX_LEVELS);
    format!("{sign:<2}{lines}{}", columns::label(row))
}

/// Rows as lines of text, columns as wide as their values; the last column is not padded.
pub fn lines(rows: &[Row], columns: &[Column], style: &Style, headings: Headings) -> Vec<String> {
    let mut table: Vec<Vec<String>> = spread(rows, |at, row| {
        let cells = columns.iter().map(|column| match column {
            Column::Name => name_cell(rows, at, style),
            other => columns::cell(*other, row, style),
        });
        cells.collect()
    });
    if headings == Headings::Shown {
        let headings = columns.iter().map(|of| of.heading().to_owned());
        table.insert(0, headings.collect());
    }
    let right: Vec<bool> = columns.iter().map(|column| column.is_number()).collect();
    align(&table, &right)
}

/// Columns of a terminal that a text takes. Most texts of a table are plain ASCII, of which nothing has to be looked up.
fn cells(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Pads a table's cells to their columns' widths, two blanks between them; `right` says which columns stand right.
pub fn align(table: &[Vec<String>], right: &[bool]) -> Vec<String> {
    let mut widths = vec![0_usize; right.len()];
    for line in table {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cells(cell));
        }
    }
    table
        .iter()
        .map(|line| {
            let mut text = String::new();
            for (at, ((cell, width), right)) in line.iter().zip(&widths).zip(right).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cells(cell)));
                if at > 0 {
                    text.push_str("  ");
                }
                if *right {
                    text.push_str(&pad);
                    text.push_str(cell);
                } else {
                    text.push_str(cell);
                    text.push_str(&pad);
                }
            }
            text.truncate(text.trim_end().len());
            text
        })
        .collect()
}
