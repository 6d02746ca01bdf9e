//! Where things are, by the size of the terminal alone: `update` needs it for pages, drawing for places.

use ratatui::layout::Rect;

use crate::tui::app::{App, Panes, View};

/// From so many columns and rows on the tree has a pane below it.
const WIDE: (u16, u16) = (120, 30);

/// The parts of the screen; a part without room has no height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The program's line.
    pub title: Rect,
    /// The views by number.
    pub tabs: Rect,
    /// The view.
    pub body: Rect,
    /// Details of the selected disk, below the tree.
    pub details: Rect,
    /// Map of the selected disk, below the tree.
    pub map: Rect,
    /// The rule above those two.
    pub rule: Rect,
    /// Why the selected row is flagged.
    pub why: Rect,
    /// Keys.
    pub footer: Rect,
    /// Jobs and notices.
    pub status: Rect,
}

/// Where everything is.
pub fn layout(app: &App) -> Layout {
    let (width, height) = app.size;
    let mut top = 0;
    let mut bottom = height;
    let down = |rows: u16, top: &mut u16, bottom: u16| {
        let rows = rows.min(bottom.saturating_sub(*top));
        let area = Rect::new(0, *top, width, rows);
        *top += rows;
        area
    };
    let up = |rows: u16, top: u16, bottom: &mut u16| {
        let rows = rows.min(bottom.saturating_sub(top));
        *bottom -= rows;
        Rect::new(0, *bottom, width, rows)
    };
    let mut layout = Layout::default();
    if height >= 6 {
        layout.title = down(1, &mut top, bottom);
    }
    if height >= 8 {
        layout.tabs = down(1, &mut top, bottom);
    }
    if height >= 4 {
        layout.status = up(1, top, &mut bottom);
    }
    if height >= 14 {
        layout.footer = up(1, top, &mut bottom);
    }
    let why = match (app.view, height) {
        (View::Tree, 20..) => 2,
        (View::Tree, 10..) => 1,
        _ => 0,
    };
    layout.why = up(why, top, &mut bottom);
    if app.view == View::Tree && app.panes == Panes::Split && width >= WIDE.0 && height >= WIDE.1 {
        let rows = (bottom - top) * 11 / 20;
        let panes = up(bottom - top - rows, top, &mut bottom);
        layout.rule = Rect { height: 1, ..panes };
        let inner = Rect {
            y: panes.y + 1,
            height: panes.height - 1,
            ..panes
        };
        let map_width = 73.min(width - 60);
        layout.details = Rect {
            width: width - map_width - 1,
            ..inner
        };
        layout.map = Rect {
            x: width - map_width,
            width: map_width,
            ..inner
        };
    }
    layout.body = Rect::new(0, top, width, bottom - top);
    layout
}

/// The view's own part.
pub fn body(app: &App) -> Rect {
    layout(app).body
}

/// Columns of a map that is `width` columns wide, beside its offsets: a power of two.
fn map_columns(width: u16) -> u16 {
    let room = width.saturating_sub(super::map::OFFSETS);
    if room == 0 {
        0
    } else {
        (1_u16 << room.ilog2()).min(128)
    }
}

/// Rows of the overview above a map that is zoomed in.
const OVERVIEW: u16 = 8;

/// Lines above the map's cells.
pub const MAP_HEAD: u16 = 1;

/// Lines kept free below the map's cells, by the height of the map's part.
pub fn map_foot(height: u16) -> u16 {
    match height {
        0..=6 => 1,
        7..=13 => 2,
        _ => 3,
    }
}

/// The window of the map in cells, where it is shown.
pub fn map_grid(app: &App) -> (u16, u16) {
    let layout = layout(app);
    let area = if app.view == View::Map {
        layout.body
    } else {
        layout.map
    };
    if area.height == 0 {
        return (0, 0);
    }
    let (columns, rows) = whole_grid(area);
    let overview = map_overview(app);
    let taken = if overview == 0 {
        0
    } else {
        overview + MAP_HEAD
    };
    (columns, rows.saturating_sub(taken))
}

/// The window of a map that fills an area.
fn whole_grid(area: Rect) -> (u16, u16) {
    let foot = map_foot(area.height);
    (
        map_columns(area.width),
        area.height.saturating_sub(MAP_HEAD + foot),
    )
}

/// Rows of the whole disk above the map's window: some where there is room and the window shows a part of the disk.
pub fn map_overview(app: &App) -> u16 {
    let area = layout(app).body;
    let roomy = app.view == View::Map && area.width >= WIDE.0 && area.height >= WIDE.1 - 5;
    let part = app.map.zoom < app.map.widest_in(whole_grid(area));
    if roomy && part && app.map.sectors.is_none() {
        OVERVIEW
    } else {
        0
    }
}

/// Rows of the diff's list and of its bytes, the heading lines left out.
pub fn diff_parts(body: Rect) -> (Rect, Rect) {
    // Two headings above the runs (where it is low, one), one rule above the bytes, one line of totals below.
    let head = if body.height >= 6 {
        2
    } else {
        1.min(body.height)
    };
    let rows = body.height.saturating_sub(head);
    let list = if rows >= 9 {
        (rows / 3).max(3)
    } else {
        rows.saturating_sub(1)
    };
    let runs = Rect {
        y: body.y + head,
        height: list,
        ..body
    };
    let bytes_top = runs.bottom();
    let bytes = Rect {
        y: bytes_top,
        height: body.bottom().saturating_sub(bytes_top + 1),
        ..body
    };
    (
        runs,
        if bytes.height >= 4 {
            bytes
        } else {
            Rect { height: 0, ..bytes }
        },
    )
}

/// The list of so many findings and the text of the selected one, which gets what the list does not need.
pub fn health_parts(body: Rect, findings: usize) -> (Rect, Rect) {
    let rows = body.height.saturating_sub(1);
    let least = if rows >= 12 {
        rows / 2
    } else {
        (rows / 3).min(3)
    };
    let wanted = u16::try_from(findings).unwrap_or(u16::MAX).max(1);
    let list = Rect {
        y: body.y + 1.min(body.height),
        height: wanted.min(rows - least),
        ..body
    };
    (
        list,
        Rect {
            y: list.bottom(),
            height: rows - list.height,
            ..body
        },
    )
}
