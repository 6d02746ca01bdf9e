//! The block map: what its cells and rows stand for, what is in a cell, runs and sums. The grid of the command line and the
//! browser's window are made of the same cells.

use super::cell::OWNERS;
use super::{Cell, Layer, Line, MapStyle, Role};
use crate::analysis::diff::DiffSummary;
use crate::image::{Counts, StateRun};
use crate::text::{self, Glyphs, Units, pad_left};

/// What is said of a disk without blocks.
pub const NO_BLOCKS: &str = "A fixed disk has no blocks: every sector lies in the file, in order.";

/// Columns for what stands beside a row, a blank included.
pub const LABEL_COLUMNS: usize = 8;

/// What one unit of a map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapUnit {
    Block,
    /// A sector of the block of this number.
    SectorOf(u64),
}

/// What the cells of a map stand for.
#[derive(Debug, Clone, Copy)]
pub struct MapScale {
    pub unit: MapUnit,
    pub unit_bytes: u64,
    /// Units that a cell stands for.
    pub per_cell: u64,
    /// Cells in a row.
    pub columns: u64,
    /// Units of the whole map.
    pub total: u64,
    pub units: Units,
}

impl MapScale {
    pub fn word(&self) -> &'static str {
        match self.unit {
            MapUnit::Block => "block",
            MapUnit::SectorOf(_) => "sector",
        }
    }

    fn row(&self) -> u64 {
        self.per_cell.saturating_mul(self.columns).max(1)
    }

    fn place(&self, unit: u64) -> String {
        self.units.place(unit.saturating_mul(self.unit_bytes))
    }

    /// The first unit of each of so many rows.
    pub fn starts(&self, top: u64, rows: u64) -> impl Iterator<Item = u64> {
        let (row, total) = (self.row(), self.total);
        (0..rows)
            .map(move |index| top.saturating_add(index.saturating_mul(row)))
            .take_while(move |first| *first < total)
    }

    /// Whether rows are told apart by number: sectors always, blocks where that is exact and their offsets are not, or
    /// where offsets, cut to three digits, look alike.
    fn by_number(&self, top: u64, rows: u64) -> bool {
        let name = |first: u64| text::offset(first.saturating_mul(self.unit_bytes));
        let starts = || self.starts(top, rows);
        self.unit != MapUnit::Block
            || self.units == Units::Bytes
            || (starts().zip(starts().skip(1))).any(|(one, next)| name(one) == name(next))
    }

    /// What stands beside each row in use.
    pub fn labels(&self, top: u64, rows: u64) -> Vec<Line> {
        let by_number = self.by_number(top, rows);
        let name = |first: u64| {
            if !by_number {
                return self.place(first);
            }
            let grouped = text::count(first);
            if grouped.len() < LABEL_COLUMNS {
                grouped
            } else {
                first.to_string()
            }
        };
        let padded = |first| Line::of(Role::Dim, pad_left(&name(first), LABEL_COLUMNS - 1));
        self.starts(top, rows).map(padded).collect()
    }

    /// What the columns and rows stand for, as much of it as fits; first what stands beside the rows.
    pub fn line(&self, top: u64, rows: u64, width: usize) -> Line {
        let word = self.word();
        let numbers = if self.by_number(top, rows) {
            word
        } else {
            "offset"
        };
        let within = match self.unit {
            MapUnit::SectorOf(block) => format!("block {}: ", text::count(block)),
            MapUnit::Block => String::new(),
        };
        let mut text = format!(
            "{} {within}1 cell = {} = {}",
            pad_left(numbers, LABEL_COLUMNS - 1),
            text::many(self.per_cell, word),
            self.place(self.per_cell),
        );
        for part in [
            format!("   1 row = {}", self.place(self.row())),
            format!("   {}", text::many(self.total, word)),
        ] {
            if text.len() + part.len() <= width {
                text.push_str(&part);
            }
        }
        Line::of(Role::Dim, text)
    }
}

/// Adds a sign to a legend, in the colour of the cells.
fn item(line: &mut Line, role: Role, sign: &str, words: &str) {
    line.push(Role::Dim, " ");
    line.push(role, sign);
    line.push(Role::Dim, format!(" {words}"));
}

/// What the signs of blocks mean.
pub fn legend(style: MapStyle, layer: Layer, glyphs: &'static Glyphs) -> Line {
    let [none, any, tenth, half, all] = glyphs.shades;
    if layer == Layer::Chain {
        let mut line = Line::default();
        for (at, words) in [(0, "this disk"), (1, "its parent"), (2, "and so on")] {
            let cell = Cell {
                answers: Some(at),
                ..Cell::default()
            };
            let (sign, role) = cell.sign(style, layer, glyphs);
            item(&mut line, role, sign, words);
        }
        item(&mut line, Role::MapNone, none, "none: never written");
        return line;
    }
    let held: &[(Role, &str, &str)] = match style.within(none.is_ascii()) {
        MapStyle::Halves => &[
            (Role::MapSome, "▀", "first half"),
            (Role::MapSome, "▄", "second"),
            (Role::MapFull, "█", "both"),
        ],
        MapStyle::Braille => &[(Role::MapSome, "⠁", "a dot: any in that eighth")],
        // The comparison's colours take the room.
        MapStyle::Shades if layer == Layer::Compared => &[
            (Role::MapSome, any, "to"),
            (Role::MapFull, all, "any to all"),
        ],
        MapStyle::Shades => &[
            (Role::MapSome, any, "any"),
            (Role::MapSome, tenth, ">10%"),
            (Role::MapFull, half, ">50%"),
            (Role::MapFull, all, "all"),
        ],
        MapStyle::Letters => &[
            (Role::MapSome, "p", "partial"),
            (Role::MapSome, "f", "some full"),
            (Role::MapFull, "F", "all full"),
        ],
    };
    let others = [
        (Role::MapZero, "0", "zero"),
        (Role::MapZero, "x", "unmapped"),
        (Role::MapError, "!", "error"),
    ];
    signs("none", &[held, &others].concat(), style, layer, glyphs)
}

/// What the signs of a block's sectors mean; `elsewhere` is said of those that the disk does not hold, and a cell may be
/// one sector or several.
pub fn legend_of_sectors(
    elsewhere: &str,
    several: bool,
    style: MapStyle,
    layer: Layer,
    glyphs: &'static Glyphs,
) -> Line {
    let [_, any, tenth, half, all] = glyphs.shades;
    let held: &[(Role, &str, &str)] = if several {
        &[
            (Role::MapSome, any, "any held here"),
            (Role::MapSome, tenth, ">10%"),
            (Role::MapFull, half, ">50%"),
            (Role::MapFull, all, "all"),
        ]
    } else {
        &[(Role::MapFull, all, "held here")]
    };
    signs(elsewhere, held, style, layer, glyphs)
}

/// What an empty cell means, and the signs of the layer: of what is held, with the comparison's, or of owners.
fn signs(
    empty: &str,
    held: &[(Role, &str, &str)],
    style: MapStyle,
    layer: Layer,
    glyphs: &'static Glyphs,
) -> Line {
    let [none, .., all] = glyphs.shades;
    let mut line = Line::default();
    item(&mut line, Role::MapNone, none, empty);
    if layer == Layer::Owners {
        for (_, sign, role, words) in OWNERS {
            item(&mut line, role, sign, words);
        }
        return line;
    }
    for (role, sign, words) in held {
        item(&mut line, *role, sign, words);
    }
    if layer == Layer::Compared {
        kinds(&mut line, style, all);
    }
    line
}

/// What a comparison's colours mean, or its signs: the shade says how much, so that the colour alone says what.
fn kinds(line: &mut Line, style: MapStyle, all: &str) {
    for (role, sign, words) in [
        (Role::Changed, "#", "differs"),
        (Role::Zeroed, "0", "zeroed"),
        (Role::Same, "=", "equal"),
    ] {
        let sign = if style == MapStyle::Letters {
            sign
        } else {
            all
        };
        item(line, role, sign, words);
    }
}

/// What a cell of a block's sectors holds, in words.
pub fn sectors_held(cell: &Cell) -> String {
    let (held, of) = (text::count(cell.full), text::count(cell.total));
    let found = compared_words(cell);
    let parts = std::iter::once(format!("{held} of {of} held by this disk")).chain(found);
    parts.collect::<Vec<_>>().join(", ")
}

/// What the comparison found in a cell.
fn compared_words(cell: &Cell) -> Vec<String> {
    let kinds = [
        (
            cell.unreadable,
            "! could not be compared",
            "! could not be compared",
        ),
        (cell.changed, "# differs", "# differ"),
        (cell.zeroed, "0 zeroed", "0 zeroed"),
        (cell.same, "= equal", "= equal"),
    ];
    let found = kinds.into_iter().filter(|(count, ..)| *count > 0);
    found
        .map(|(count, one, many)| counted(cell, count, one, many))
        .collect()
}

fn counted(cell: &Cell, count: u64, one: &str, many: &str) -> String {
    match (cell.total, count) {
        (1, _) => one.to_owned(),
        (_, 1) => format!("1 {one}"),
        _ => format!("{} {many}", text::count(count)),
    }
}

/// What a cell of blocks holds, in words.
pub fn contents(cell: &Cell) -> String {
    let absent = cell.total
        - (cell.full + cell.partial + cell.zero + cell.unmapped + cell.error).min(cell.total);
    let states = [
        (cell.error, "! error"),
        (cell.full, "full"),
        (cell.partial, "partial"),
        (cell.zero, "zero"),
        (cell.unmapped, "unmapped"),
        (absent, "not in this file"),
    ];
    let held = states.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = held
        .map(|(count, word)| counted(cell, count, word, word))
        .collect();
    parts.extend(compared_words(cell));
    parts.join(", ")
}

/// How many blocks are in the file, and how much of all that is: `4 (33.33 %)`.
pub fn held(counts: &Counts) -> String {
    let held = counts.full.saturating_add(counts.partial);
    let hundredths = u128::from(held) * 10_000 / u128::from(counts.total.max(1));
    let (whole, part) = (hundredths / 100, hundredths % 100);
    format!("{} ({whole}.{part:02} %)", text::count(held))
}

/// The sums of a disk's blocks; `sector_size` of a differencing disk says what it changed.
pub fn totals(counts: &Counts, sector_size: Option<u64>, units: Units) -> Vec<Line> {
    let partial = if counts.complete { "" } else { "  ~ partial" };
    let changed = sector_size.map_or_else(String::new, |size| {
        let bytes = counts.dirty_sectors.saturating_mul(size);
        let sectors = text::many(counts.dirty_sectors, "sector");
        format!("  changed {sectors}, {}", units.size(bytes))
    });
    let kinds = format!(
        " full {}  partial {}{changed}",
        text::count(counts.full),
        text::count(counts.partial)
    );
    let sums = format!(
        " in file {}  zero {}  unmapped {}  error {}  absent {}{partial}",
        held(counts),
        text::count(counts.zero),
        text::count(counts.unmapped),
        text::count(counts.error),
        text::count(counts.absent),
    );
    [sums, kinds].map(|text| Line::of(Role::Text, text)).into()
}

/// What a comparison laid over the map came to.
pub fn compared(summary: &DiffSummary) -> Line {
    let totals = summary.totals;
    let unreadable = match totals.unreadable {
        0 => String::new(),
        some => format!(", {} unreadable", text::count(some)),
    };
    let partial = if summary.complete { "" } else { "  ~ partial" };
    let text = format!(
        " compared {}: {} differ, {} zeroed, {} equal{unreadable}{partial}",
        text::many(totals.compared, "sector"),
        text::count(totals.changed),
        text::count(totals.zeroed),
        text::count(totals.same),
    );
    Line::of(Role::Text, text)
}

/// Columns of a size and of an offset.
fn size_width(units: Units) -> usize {
    match units {
        Units::Human => 10,
        Units::Bytes => 16,
    }
}

/// The names of a run's columns.
pub fn columns(units: Units) -> Line {
    let width = size_width(units);
    let names = format!(
        "{:>14} {:>14} {:>width$} {:>width$}  STATE",
        "FIRST", "COUNT", "OFFSET", "BYTES"
    );
    Line::of(Role::Heading, names)
}

/// A run of blocks of one state.
pub fn run(run: &StateRun, block_bytes: u64, units: Units) -> Line {
    let width = size_width(units);
    let size = |blocks: u64| units.size(blocks.saturating_mul(block_bytes));
    let text = format!(
        "{:>14} {:>14} {:>width$} {:>width$}  {}",
        units.count(run.first.0),
        units.count(run.count),
        size(run.first.0),
        size(run.count),
        run.state.word(),
    );
    Line::of(Role::Text, text)
}
