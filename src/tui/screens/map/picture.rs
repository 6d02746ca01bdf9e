//! The map drawn: overview, scale, offsets, cells, and what they mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::{self, Units};
use crate::tui::app::App;
use crate::tui::place::offset;
use crate::tui::theme::Role;
use crate::tui::widget::blockmap::{Cell, Layer, MapStyle, draw_cells};
use crate::tui::widget::text::{Line, pad_left};

use super::window::{HEAD, MapWindow, OFFSETS};

/// Draws the map into its part.
pub fn draw(app: &App, map: &MapWindow, area: Rect, buffer: &mut Buffer) {
    let theme = &app.settings.theme;
    if area.height == 0 {
        return;
    }
    let area = draw_overview(app, map, buffer, area);
    Line::of(Role::Dim, scale(map, area.width.into())).paint(buffer, area, theme);
    let (columns, rows) = map.grid;
    let body = Rect {
        y: area.y + HEAD,
        height: rows.min(area.height.saturating_sub(HEAD)),
        ..area
    };
    let labels = labels(map);
    for (label, y) in labels.iter().zip(body.y..body.bottom()) {
        let text = pad_left(label, usize::from(OFFSETS - 1));
        Line::of(Role::Dim, text).paint(
            buffer,
            Rect {
                y,
                height: 1,
                ..body
            },
            theme,
        );
    }
    let cells_area = Rect {
        x: area.x + OFFSETS,
        width: area.width.saturating_sub(OFFSETS),
        ..body
    };
    let glyphs = app.settings.charset.glyphs();
    let signs = map
        .cells
        .iter()
        .map(|cell| cell.sign(map.style, map.layer, glyphs));
    draw_cells(buffer, cells_area, theme, columns, signs, map.cursor_cell());
    // The rows the map does not need are the foot's.
    let used = u16::try_from(labels.len()).unwrap_or(u16::MAX);
    let top = body.y + used.min(body.height);
    let foot = Rect {
        y: top,
        height: area.bottom().saturating_sub(top),
        ..area
    };
    Line::paint_all(&foot_lines(app, map, foot), buffer, foot, theme);
}

/// Draws the whole disk in a few rows, if that is wanted; the room that is left.
fn draw_overview(app: &App, map: &MapWindow, buffer: &mut Buffer, area: Rect) -> Rect {
    let columns = map.grid.0;
    let needed = map
        .overview
        .cells
        .len()
        .div_ceil(usize::from(columns.max(1)));
    let rows = u16::try_from(needed).unwrap_or(u16::MAX);
    if rows == 0 || rows + HEAD >= area.height {
        return area;
    }
    let theme = &app.settings.theme;
    let bytes = unit_bytes(map);
    let cell = bytes.saturating_mul(1 << map.overview.zoom);
    let row = cell.saturating_mul(columns.into());
    let head = format!(
        "{} WHOLE DISK  1 cell = {} = {}   1 row = {}",
        pad_left("offset", usize::from(OFFSETS - 1)),
        text::many(1 << map.overview.zoom, "block"),
        offset(cell),
        offset(row)
    );
    Line::of(Role::Dim, head).paint(buffer, area, theme);
    let body = Rect {
        y: area.y + HEAD,
        height: rows,
        ..area
    };
    for (first, y) in (0_u64..).zip(body.y..body.bottom()) {
        let text = pad_left(&offset(first.saturating_mul(row)), usize::from(OFFSETS - 1));
        let line = Rect {
            y,
            height: 1,
            ..body
        };
        Line::of(Role::Dim, text).paint(buffer, line, theme);
    }
    let cells = Rect {
        x: area.x + OFFSETS,
        width: area.width.saturating_sub(OFFSETS),
        ..body
    };
    let glyphs = app.settings.charset.glyphs();
    let signs = map
        .overview
        .cells
        .iter()
        .map(|cell| cell.sign(map.style, map.layer, glyphs));
    let here = usize::try_from(map.cursor >> map.overview.zoom).ok();
    draw_cells(buffer, cells, theme, columns, signs, here);
    let taken = rows + HEAD;
    Rect {
        y: area.y + taken,
        height: area.height - taken,
        ..area
    }
}

/// Bytes of one block, or of one sector inside a block.
fn unit_bytes(map: &MapWindow) -> u64 {
    let Some(table) = &map.table else {
        return 0;
    };
    if map.sectors.is_some() {
        table.sector_bytes
    } else {
        table.block_bytes
    }
}

fn unit_word(map: &MapWindow) -> &'static str {
    if map.sectors.is_some() {
        "sector"
    } else {
        "block"
    }
}

/// What the columns and rows stand for, as much of it as fits; first what the numbers beside the rows are.
fn scale(map: &MapWindow, width: usize) -> String {
    let unit = unit_bytes(map);
    let cell = 1_u64 << map.zoom;
    let row = cell.saturating_mul(map.grid.0.into());
    let word = unit_word(map);
    let numbers = if by_number(map) { word } else { "offset" };
    let within = match &map.sectors {
        Some(sectors) => format!("block {}: ", text::count(sectors.block)),
        None => String::new(),
    };
    let mut text = format!(
        "{} {within}1 cell = {} {word}{} = {}",
        pad_left(numbers, usize::from(OFFSETS - 1)),
        text::count(cell),
        if cell == 1 { "" } else { "s" },
        offset(cell.saturating_mul(unit)),
    );
    for part in [
        format!("   1 row = {}", offset(row.saturating_mul(unit))),
        format!("   {} {word}s", text::count(map.len())),
    ] {
        if text.len() + part.len() <= width {
            text.push_str(&part);
        }
    }
    text
}

/// The first unit of each row in use.
fn row_starts(map: &MapWindow) -> impl Iterator<Item = u64> {
    let row = (u64::from(map.grid.0) << map.zoom).max(1);
    (0..u64::from(map.grid.1))
        .map(move |index| map.top + index * row)
        .take_while(|first| *first < map.len())
}

/// Whether rows are told apart by number: sectors always, blocks where their offsets, cut to three digits, look alike.
fn by_number(map: &MapWindow) -> bool {
    let name = |first: u64| offset(first.saturating_mul(unit_bytes(map)));
    map.sectors.is_some()
        || row_starts(map)
            .zip(row_starts(map).skip(1))
            .any(|(one, next)| name(one) == name(next))
}

/// What stands beside the rows in use.
fn labels(map: &MapWindow) -> Vec<String> {
    let by_number = by_number(map);
    let name = |first: u64| {
        if !by_number {
            return offset(first.saturating_mul(unit_bytes(map)));
        }
        let grouped = text::count(first);
        if grouped.len() < usize::from(OFFSETS) {
            grouped
        } else {
            first.to_string()
        }
    };
    row_starts(map).map(name).collect()
}

/// The lines below the map, the most telling first: the cursor's whole, then what the signs mean, then sums.
fn foot_lines(app: &App, map: &MapWindow, area: Rect) -> Vec<Line> {
    let width = usize::from(area.width);
    let mut lines = cursor_line(map, app.units).wrap(width, 1);
    let mut totals = totals(map);
    if map.layer == Layer::Compared {
        // With the comparison shown, what it came to is worth the room first.
        totals.reverse();
    }
    for line in std::iter::once(legend(app, map)).chain(totals) {
        let wrapped = line.wrap(width, 1);
        if lines.len() + wrapped.len() <= usize::from(area.height) {
            lines.extend(wrapped);
        }
    }
    lines
}

fn cursor_line(map: &MapWindow, sizes: Units) -> Line {
    let (first, last) = (map.first_of_cell(), map.last_of_cell());
    let word = unit_word(map);
    let place = if first == last {
        format!(" {word} {}", text::count(first))
    } else {
        format!(" {word}s {}-{}", text::count(first), text::count(last))
    };
    let at = first.saturating_mul(unit_bytes(map));
    let at = match &map.sectors {
        Some(sectors) => {
            let block = map.table.as_ref().map_or(0, |table| table.block_bytes);
            sectors.block.saturating_mul(block).saturating_add(at)
        }
        None => at,
    };
    let at = match sizes {
        Units::Human => offset(at),
        Units::Bytes => format!("byte {}", text::count(at)),
    };
    Line::of(Role::Notice, place)
        .with(Role::Text, format!("  at {at}: "))
        .with(Role::Text, contents(&map.cell(), map))
}

/// Whether what the disk does not hold is its parent's.
fn has_parent(app: &App, map: &MapWindow) -> bool {
    let disk = map.path.as_deref().and_then(|path| app.find(path));
    disk.and_then(|disk| app.store.forest.disk(disk)?.header.as_ref())
        .is_some_and(|header| header.parent.is_some())
}

/// What a cell holds, in words.
fn contents(cell: &Cell, map: &MapWindow) -> String {
    if map.sectors.is_some() {
        return format!(
            "{} of {} held by this disk",
            text::count(cell.full),
            text::count(cell.total)
        );
    }
    let absent = cell.total
        - (cell.full + cell.partial + cell.zero + cell.unmapped + cell.error).min(cell.total);
    let mut parts = Vec::new();
    for (count, word) in [
        (cell.error, "! error"),
        (cell.full, "full"),
        (cell.partial, "partial"),
        (cell.zero, "zero"),
        (cell.unmapped, "unmapped"),
        (absent, "not in this file"),
    ] {
        if count > 0 {
            parts.push(if cell.total == 1 {
                word.to_owned()
            } else {
                format!("{} {word}", text::count(count))
            });
        }
    }
    for (count, one, many) in [
        (
            cell.unreadable,
            "! could not be compared",
            "! could not be compared",
        ),
        (cell.changed, "# differs", "# differ"),
        (cell.zeroed, "0 zeroed", "0 zeroed"),
        (cell.same, "= equal", "= equal"),
    ] {
        if count > 0 {
            parts.push(match (cell.total, count) {
                (1, _) => one.to_owned(),
                (_, 1) => format!("1 {one}"),
                _ => format!("{} {many}", text::count(count)),
            });
        }
    }
    parts.join(", ")
}

fn legend(app: &App, map: &MapWindow) -> Line {
    let [none, any, tenth, half, all] = app.settings.charset.glyphs().shades;
    if map.sectors.is_some() {
        let elsewhere = if has_parent(app, map) {
            "parent answers"
        } else {
            "never written"
        };
        let mut words = format!(" {none} {elsewhere}  {all} held here");
        if map.zoom > 0 {
            words = format!(
                " {none} {elsewhere}; held here: {any} any {tenth} >10% {half} >50% {all} all"
            );
        }
        return Line::of(Role::Dim, words);
    }
    let mut line = Line::of(Role::Dim, " ");
    match map.style.within(none.is_ascii()) {
        MapStyle::Halves => line.push(
            Role::Dim,
            format!("{none} none ▀ first half ▄ second █ both  "),
        ),
        MapStyle::Braille => line.push(
            Role::Dim,
            format!("{none} none ⠁ a dot: any in that eighth  "),
        ),
        MapStyle::Shades => line.push(
            Role::Dim,
            format!("{none} none {any} any {tenth} >10% {half} >50% {all} all  "),
        ),
        MapStyle::Letters => line.push(
            Role::Dim,
            format!("{none} none p partial f some full F all full  "),
        ),
    }
    if map.layer == Layer::Held {
        line.push(Role::Dim, "0 zero  x unmapped  ! error");
    } else {
        line.push(Role::Dim, "0 zero x unmapped ! error # differs = equal");
        if map.compared.is_none() {
            let words = match &app.comparison.error {
                Some(error) => error.as_str(),
                None => "comparing",
            };
            line.push(Role::Notice, format!("  ({words})"));
        }
    }
    line
}

fn totals(map: &MapWindow) -> Vec<Line> {
    let Some(table) = &map.table else {
        return Vec::new();
    };
    let counts = &table.counts;
    let held = counts.full + counts.partial;
    let hundredths = u128::from(held) * 10_000 / u128::from(counts.total.max(1));
    let mut lines = vec![Line::of(
        Role::Text,
        format!(
            " in file {} ({}.{:02} %)  zero {}  unmapped {}  error {}  absent {}{}",
            text::count(held),
            hundredths / 100,
            hundredths % 100,
            text::count(counts.zero),
            text::count(counts.unmapped),
            text::count(counts.error),
            text::count(counts.absent),
            if counts.complete { "" } else { "  ~ partial" },
        ),
    )];
    if let Some(compared) = &map.compared {
        let totals = compared.summary.totals;
        lines.push(Line::of(
            Role::Text,
            format!(
                " compared {} sectors: {} differ, {} zeroed, {} equal{}{}",
                text::count(totals.compared),
                text::count(totals.changed),
                text::count(totals.zeroed),
                text::count(totals.same),
                if totals.unreadable == 0 {
                    String::new()
                } else {
                    format!(", {} unreadable", text::count(totals.unreadable))
                },
                if compared.summary.complete {
                    ""
                } else {
                    "  ~ partial"
                },
            ),
        ));
    }
    lines
}

/// The runs of the map as text.
pub fn text_lines(map: &MapWindow) -> Vec<Line> {
    let Some(table) = &map.table else {
        return Vec::new();
    };
    let unit = unit_bytes(map);
    let mut lines = totals(map);
    for run in &table.runs {
        lines.push(Line::of(
            Role::Text,
            format!(
                "{:>14} {:>14}  {:<9} at {}",
                text::count(run.first.0),
                text::count(run.count),
                run.state.word(),
                offset(run.first.0.saturating_mul(unit)),
            ),
        ));
    }
    lines
}
