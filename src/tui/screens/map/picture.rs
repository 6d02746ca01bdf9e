//! The map drawn: overview, scale, offsets, cells, and what they mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::page::map::{self as page, MapScale, MapUnit};
use crate::report::page::{Cell, Layer, MapStyle};
use crate::text::{self, Units, offset};
use crate::tui::app::App;
use crate::tui::depth::Depth;
use crate::tui::layout::band;
use crate::tui::theme::Role;
use crate::tui::widget::blockmap::draw_cells;
use crate::tui::widget::text::{Line, clip, clip_middle, pad};

use super::window::{HEAD, MapWindow, OFFSETS};

/// Draws the map into its part.
pub fn draw(app: &App, map: &MapWindow, area: Rect, buffer: &mut Buffer) {
    let theme = &app.settings.theme;
    if area.height == 0 {
        return;
    }
    let area = draw_overview(app, map, buffer, area);
    let rows = map.grid.1;
    let scale = map_scale(app, map);
    let head = scale.line(map.top, rows.into(), area.width.into());
    head.paint(buffer, area, theme);
    let body = band(
        area,
        area.y + HEAD,
        rows.min(area.height.saturating_sub(HEAD)),
    );
    let labels = scale.labels(map.top, rows.into());
    draw_grid(
        app,
        map,
        buffer,
        body,
        &labels,
        (&map.cells, map.cursor_cell()),
    );
    draw_partitions(app, map, buffer, body);
    // The rows the map does not need are the foot's.
    let used = u16::try_from(labels.len()).unwrap_or(u16::MAX);
    let top = body.y + used.min(body.height);
    let foot = band(area, top, area.bottom().saturating_sub(top));
    Line::paint_all(&foot_lines(app, map, foot), buffer, foot, theme);
}

/// Cells in rows behind their labels.
fn draw_grid(
    app: &App,
    map: &MapWindow,
    buffer: &mut Buffer,
    body: Rect,
    labels: &[Line],
    (cells, cursor): (&[Cell], Option<usize>),
) {
    let theme = &app.settings.theme;
    Line::paint_all(labels, buffer, body, theme);
    let area = Rect {
        x: body.x + OFFSETS,
        width: body.width.saturating_sub(OFFSETS),
        ..body
    };
    let (style, glyphs) = (style(app, map), app.settings.charset.glyphs());
    let sign = |cell: &Cell| cell.sign(style, map.shown_layer(), glyphs);
    draw_cells(
        buffer,
        area,
        theme,
        map.grid.0,
        cells.iter().map(sign),
        cursor,
    );
}

/// Behind the scale of the overview.
const WHOLE: &str = "   WHOLE DISK";

/// How cells are drawn: what only a colour would say is said by letters where there are no colours.
fn style(app: &App, map: &MapWindow) -> MapStyle {
    let theme = &app.settings.theme;
    let alike = theme.style(Role::Changed).fg == theme.style(Role::Same).fg;
    match map.shown_layer() {
        Layer::Compared if alike || app.settings.depth == Depth::Mono => MapStyle::Letters,
        _ => map.style,
    }
}

/// The names of partitions beside the rows they begin in.
fn draw_partitions(app: &App, map: &MapWindow, buffer: &mut Buffer, body: Rect) {
    let used = OFFSETS + map.grid.0;
    let room = body.width.saturating_sub(used + 1);
    if room < 3 || map.sectors.is_some() {
        return;
    }
    let beside = Rect {
        x: body.x + used + 1,
        width: room,
        ..body
    };
    let row = (u64::from(map.grid.0) << map.zoom).max(1);
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let scale = map_scale(app, map);
    let starts = scale.starts(map.top, body.height.into());
    for (first, line) in starts.zip(beside.rows()) {
        let bytes = unit_bytes(map);
        let span = first.saturating_mul(bytes)..first.saturating_add(row).saturating_mul(bytes);
        let all = map.partitions_from(span);
        let mut names = all.join(" ");
        if names.width() > usize::from(room) {
            let number = |name: &String| name.split(' ').next().unwrap_or_default().to_owned();
            names = all.iter().map(number).collect::<Vec<_>>().join(" ");
        }
        let text = clip(&names, room.into(), ellipsis);
        Line::of(Role::Dim, text).paint(buffer, line, &app.settings.theme);
    }
}

/// A line for each disk of the chain: where it holds something, over the whole disk.
fn strips(app: &App, map: &MapWindow, area: Rect) -> Vec<Line> {
    let Some(chain) = map.chain.as_ref().filter(|_| map.strips(area) > 0) else {
        return Vec::new();
    };
    let glyphs = app.settings.charset.glyphs();
    let cells = u64::from(map.grid.0.min(area.width.saturating_sub(40)));
    let numbered = chain.tables.iter().zip(0_u8..).take(10);
    numbered
        .map(|(table, at)| {
            let own = Cell {
                answers: Some(at),
                ..Cell::default()
            };
            let (number, role) = own.sign(map.style, Layer::Chain, glyphs);
            let disk = app.find(&table.path);
            let name = disk.map_or_else(String::new, |disk| app.name_of(disk));
            let name = pad(&clip_middle(&name, 28, glyphs.ellipsis), 28);
            let mut line = Line::of(Role::Text, " ")
                .with(role, number)
                .with(Role::Text, format!(" {name} "));
            for cell in map.strip(table, cells) {
                let (sign, shade) = cell.sign(MapStyle::Shades, Layer::Held, glyphs);
                let is_none = shade == Role::MapNone;
                line.push(if is_none { shade } else { role }, sign);
            }
            line
        })
        .collect()
}

/// Draws the whole disk in a few rows, if that is wanted; the room that is left.
fn draw_overview(app: &App, map: &MapWindow, buffer: &mut Buffer, area: Rect) -> Rect {
    let taken = map.overview_lines();
    if taken == 0 || taken >= area.height {
        return area;
    }
    let rows = taken - HEAD;
    let theme = &app.settings.theme;
    let scale = MapScale {
        per_cell: 1 << map.overview.zoom,
        ..map_scale(app, map)
    };
    let head = scale.line(0, rows.into(), usize::from(area.width) - WHOLE.len());
    head.with(Role::Heading, WHOLE).paint(buffer, area, theme);
    let body = band(area, area.y + HEAD, rows);
    let here = usize::try_from(map.cursor >> map.overview.zoom).ok();
    let labels = scale.labels(0, rows.into());
    draw_grid(app, map, buffer, body, &labels, (&map.overview.cells, here));
    band(area, area.y + taken, area.height - taken)
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

/// What the cells of the window stand for.
fn map_scale(app: &App, map: &MapWindow) -> MapScale {
    let sectors = map.sectors.as_ref();
    MapScale {
        unit: sectors.map_or(MapUnit::Block, |of| MapUnit::SectorOf(of.block)),
        unit_bytes: unit_bytes(map),
        per_cell: 1 << map.zoom,
        columns: map.grid.0.into(),
        total: map.len(),
        units: app.units,
    }
}

/// The lines below the map, the most telling first: the cursor's whole, then what the signs mean, then sums.
fn foot_lines(app: &App, map: &MapWindow, area: Rect) -> Vec<Line> {
    let width = usize::from(area.width);
    let mut lines = cursor_line(app, map).wrap(width, 1);
    let mut totals = totals(app, map);
    if map.shown_layer() == Layer::Chain {
        totals = strips(app, map, band(area, area.y, u16::MAX));
    }
    if map.shown_layer() == Layer::Compared {
        // With the comparison shown, what it came to is worth the room first.
        totals.reverse();
    }
    let legend = by_items(&legend(app, map), width);
    let totals = totals.iter().map(|line| line.wrap(width, 1));
    for wrapped in std::iter::once(legend).chain(totals) {
        if lines.len() + wrapped.len() <= usize::from(area.height) {
            lines.extend(wrapped);
        }
    }
    lines
}

/// A legend in lines of a width: no sign stands at the end of one, its words in the next. An item is a blank, sign and words.
fn by_items(legend: &Line, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for item in legend.pieces().chunks(3) {
        let wide: usize = item.iter().map(|(_, text)| text.width()).sum();
        let used = lines.last().map_or(0, Line::width);
        if used > 0 && used + wide > width {
            lines.push(Line::new());
        }
        let Some(line) = lines.last_mut() else {
            continue;
        };
        for (role, text) in item {
            line.push(*role, text.clone());
        }
    }
    lines
}

fn cursor_line(app: &App, map: &MapWindow) -> Line {
    let (first, last) = (map.first_of_cell(), map.last_of_cell());
    let word = map_scale(app, map).word();
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
    let within = map.partition_at(at);
    let at = match app.units {
        Units::Human => offset(at),
        Units::Bytes => format!("byte {}", text::count(at)),
    };
    let within = within.map_or_else(String::new, |name| format!(" in {name}"));
    let cell = map.cell();
    let holds = if map.sectors.is_some() {
        page::sectors_held(&cell)
    } else {
        page::contents(&cell)
    };
    let mut line = Line::of(Role::Notice, place)
        .with(Role::Text, format!("  at {at}{within}: "))
        .with(Role::Text, holds);
    if map.shown_layer() == Layer::Owners {
        let owner = map.owner_within(&map.span(first, last.saturating_add(1)), &cell);
        line.push(
            Role::Text,
            owner.map_or_else(String::new, |of| format!("; {of}")),
        );
    }
    let tables = map.chain.as_ref().map(|chain| &chain.tables);
    let answers = cell
        .answers
        .zip(tables)
        .filter(|_| map.shown_layer() == Layer::Chain);
    if let Some(table) = answers.and_then(|(at, tables)| tables.get(usize::from(at))) {
        let disk = app.find(&table.path);
        let name = disk.map_or_else(String::new, |disk| app.name_of(disk));
        let some = if cell.total > 1 {
            "answers first"
        } else {
            "answers"
        };
        line.push(Role::Text, format!("; {name} {some}"));
    }
    line
}

/// Whether what the disk does not hold is its parent's.
pub fn has_parent(app: &App, map: &MapWindow) -> bool {
    let disk = map.path.as_deref().and_then(|path| app.find(path));
    disk.and_then(|disk| app.store.forest.disk(disk)?.header.as_ref())
        .is_some_and(|header| header.parent.is_some())
}

/// What the signs mean, in the colours of the cells.
fn legend(app: &App, map: &MapWindow) -> Line {
    let glyphs = app.settings.charset.glyphs();
    let style = style(app, map);
    let mut line = if map.sectors.is_some() {
        let elsewhere = if has_parent(app, map) {
            "parent answers"
        } else {
            "never written"
        };
        page::legend_of_sectors(elsewhere, map.zoom > 0, style, map.shown_layer(), glyphs)
    } else {
        page::legend(style, map.shown_layer(), glyphs)
    };
    if map.shown_layer() == Layer::Compared && map.compared.is_none() {
        let words = match &app.comparison.error {
            Some(error) => error.as_str(),
            None => "comparing",
        };
        line.push(Role::Notice, format!(" ({words})"));
    }
    let owners = map.chain.as_ref().and_then(|chain| chain.owners.as_ref());
    if map.shown_layer() == Layer::Owners && owners.is_none_or(|owners| !owners.complete) {
        let words = owners.map_or("looking", |_| "not all could be told");
        line.push(Role::Notice, format!(" ({words})"));
    }
    line
}

fn totals(app: &App, map: &MapWindow) -> Vec<Line> {
    let Some(table) = &map.table else {
        return Vec::new();
    };
    let sector_size = has_parent(app, map).then_some(table.sector_bytes);
    let mut lines = page::totals(&table.counts, sector_size, app.units);
    let compared = map.compared.as_ref();
    lines.extend(compared.map(|of| page::compared(&of.summary)));
    lines
}

/// The runs of the map as text.
pub fn text_lines(app: &App, map: &MapWindow) -> Vec<Line> {
    let Some(table) = &map.table else {
        return Vec::new();
    };
    let run = |run| page::run(run, table.block_bytes, app.units);
    let mut lines = vec![page::columns(app.units)];
    lines.extend(table.runs.iter().map(run));
    lines.extend(totals(app, map));
    lines
}
