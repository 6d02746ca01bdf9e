//! The map's keys.

use std::sync::Arc;

use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Work};
use crate::tui::update::{NOT_SAVED, changed, start_job};
use crate::tui::widget::blockmap::Layer;

/// Asks for the blocks of the selected disk, unless they are here or on the way.
pub fn ask(app: &mut App) -> Vec<Effect> {
    let path = app.disk_path();
    if path == app.map.path {
        return Vec::new();
    }
    app.map.ask(path.clone());
    app.dirty = true;
    match path {
        Some(_) if app.settings.saved => {
            app.map.error = Some(NOT_SAVED.to_owned());
            Vec::new()
        }
        Some(path) => vec![start_job(app, Work::Blocks { path })],
        None => Vec::new(),
    }
}

/// Up and down, pages, ends.
pub fn step(app: &mut App, command: Command) -> Vec<Effect> {
    let rows = i64::from(app.map.grid.1.max(1));
    match command {
        Command::Down => app.map.step(0, 1),
        Command::Up => app.map.step(0, -1),
        Command::PageDown => app.map.step(0, rows),
        Command::PageUp => app.map.step(0, -rows),
        Command::HalfDown => app.map.step(0, (rows / 2).max(1)),
        Command::HalfUp => app.map.step(0, -(rows / 2).max(1)),
        Command::First => app.map.go(0),
        _ => app.map.go(u64::MAX),
    }
    changed(app)
}

/// The map's own commands.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Left => app.map.step(-1, 0),
        Command::Right => app.map.step(1, 0),
        // Below one block a cell there are the block's sectors.
        Command::ZoomIn if app.map.zoom == 0 => return open(app),
        Command::ZoomIn => app.map.zoom_in(),
        Command::ZoomOut => app.map.zoom_out(),
        Command::Style => app.map.style = app.map.style.next(app.settings.charset),
        _ => {
            app.map.layer = match app.map.layer {
                Layer::Held => Layer::Compared,
                Layer::Compared => Layer::Held,
            };
            return overlay(app);
        }
    }
    changed(app)
}

/// Asks for the comparison where it is to be shown and is not here.
pub fn overlay(app: &mut App) -> Vec<Effect> {
    if app.map.layer == Layer::Compared && app.map.compared.is_none() && !app.settings.saved {
        compare(app)
    } else {
        changed(app)
    }
}

/// Lays the comparison over the map: the one there is, or a new one with the parent.
fn compare(app: &mut App) -> Vec<Effect> {
    let done = app.diff.other.is_none() && app.diff.child == app.map.path;
    if let Some(data) = app.diff.data.clone().filter(|_| done) {
        app.map.compared = Some(data);
        app.map.refresh();
        return changed(app);
    }
    super::diff::ask(app)
}

/// Enter: the cell's blocks, then the block's sectors.
pub fn open(app: &mut App) -> Vec<Effect> {
    if app.map.sectors.is_some() || app.map.is_empty() {
        return Vec::new();
    }
    if app.map.zoom > 0 {
        app.map.cursor = app.map.first_of_cell();
        app.map.zoom_full();
        return changed(app);
    }
    let block = app.map.cursor;
    match app.map.path.clone() {
        Some(path) => vec![start_job(app, Work::Sectors { path, block })],
        None => Vec::new(),
    }
}

/// Takes what a diff found, if it is about the disk on the map.
pub fn compared(app: &mut App, data: &Arc<crate::tui::message::Compared>) {
    if app.diff.child == app.map.path && app.diff.other.is_none() {
        app.map.compared = Some(Arc::clone(data));
        app.map.refresh();
    }
}
