//! The block map: what its cells and rows stand for, what is in a cell, runs and sums. The grid of the command line and the
//! browser's window are made of the same cells.

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
    fn starts(&self, top: u64, rows: u64) -> impl Iterator<Item = u64> {
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
    pub fn labels(&self, top: u64, rows: u64) -> Vec<String> {
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
        let padded = |first| pad_left(&name(first), LABEL_COLUMNS - 1);
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

/// What the signs of blocks mean.
pub fn legend(style: MapStyle, layer: Layer, glyphs: &Glyphs) -> Line {
    let [none, any, tenth, half, all] = glyphs.shades;
    let held = match style.within(none.is_ascii()) {
        MapStyle::Halves => format!("{none} none ▀ first half ▄ second █ both  "),
        MapStyle::Braille => format!("{none} none ⠁ a dot: any in that eighth  "),
        MapStyle::Shades => format!("{none} none {any} any {tenth} >10% {half} >50% {all} all  "),
        MapStyle::Letters => format!("{none} none p partial f some full F all full  "),
    };
    let others = match layer {
        Layer::Held => "0 zero  x unmapped  ! error",
        Layer::Compared => "0 zero x unmapped ! error # differs = equal",
    };
    Line::of(Role::Dim, format!(" {held}{others}"))
}

/// What a cell of blocks holds, in words.
pub fn contents(cell: &Cell) -> String {
    let absent = cell.total
        - (cell.full + cell.partial + cell.zero + cell.unmapped + cell.error).min(cell.total);
    let mut parts = Vec::new();
    for (count, one, many) in [
        (cell.error, "! error", "! error"),
        (cell.full, "full", "full"),
        (cell.partial, "partial", "partial"),
        (cell.zero, "zero", "zero"),
        (cell.unmapped, "unmapped", "unmapped"),
        (absent, "not in this file", "not in this file"),
        (
            cell.unreadable,
            "! could not be compared",
            "! could not be compared",
        ),
        (cell.changed, "# differs", "# differ"),
        (cell.zeroed, "0 zeroed", "0 zeroed"),
        (cell.same, "= equal", "= equal"),
    ] {
        match (cell.total, count) {
            (_, 0) => {}
            (1, _) => parts.push(one.to_owned()),
            (_, 1) => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{} {many}", text::count(count))),
        }
    }
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
        " compared {} sectors: {} differ, {} zeroed, {} equal{unreadable}{partial}",
        text::count(totals.compared),
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
