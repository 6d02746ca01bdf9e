//! The diff's keys.

use crate::tui::app::diff::Part;
use crate::tui::app::{App, View};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Work};
use crate::tui::update::{NOT_SAVED, changed, start_job};

/// Asks for the comparison: of the two marked disks, else of the selected one with its parent.
pub fn ask(app: &mut App) -> Vec<Effect> {
    let marked = app.view == View::Diff && app.marks.len() == 2;
    let (child, other) = match (marked, app.marks.as_slice()) {
        (true, [first, second]) => (Some(second.clone()), Some(first.clone())),
        _ => (app.disk_path(), None),
    };
    if app.diff.child == child && app.diff.other == other {
        if app.diff.data.is_some() {
            // The map may have asked for the comparison; the bytes are wanted only here.
            return bytes(app);
        }
        if super::runs(app, crate::tui::message::Slot::Diff) {
            return Vec::new();
        }
    }
    app.diff.child.clone_from(&child);
    app.diff.other.clone_from(&other);
    app.diff.data = None;
    app.diff.sides = None;
    app.diff.error = None;
    app.diff.cursor = 0;
    app.diff.part = Part::Runs;
    app.diff.filter();
    app.dirty = true;
    if app.settings.saved {
        app.diff.error = Some(NOT_SAVED.to_owned());
        return Vec::new();
    }
    let (Some(child), forest) = (
        child.and_then(|path| app.find(&path)),
        app.store.forest.clone(),
    ) else {
        return Vec::new();
    };
    let other = other.and_then(|path| app.find(&path));
    let has_parent = forest.node(child).is_some_and(|node| node.parent.is_some());
    if other.is_none() && !has_parent {
        app.diff.error = Some("This disk has no parent: there is nothing to compare it with. Mark two disks with Space to compare those.".to_owned());
        return Vec::new();
    }
    vec![start_job(
        app,
        Work::Diff {
            forest,
            child,
            other,
        },
    )]
}

/// Another run (or place in it) is selected: its bytes are wanted.
pub fn selected(app: &mut App) -> Vec<Effect> {
    app.diff.into = 0;
    app.diff.scroll = 0;
    bytes(app)
}

/// Asks for the bytes at the selected place.
pub fn bytes(app: &mut App) -> Vec<Effect> {
    app.dirty = true;
    let Some(sector) = app.diff.sector() else {
        app.diff.sides = None;
        return Vec::new();
    };
    if app
        .diff
        .sides
        .as_ref()
        .is_some_and(|sides| sides.sector == sector)
    {
        return Vec::new();
    }
    let child = app.diff.child.clone().and_then(|path| app.find(&path));
    let other = app.diff.other.clone().and_then(|path| app.find(&path));
    match child {
        Some(child) => {
            let forest = app.store.forest.clone();
            vec![start_job(
                app,
                Work::Hex {
                    forest,
                    child,
                    other,
                    sector,
                },
            )]
        }
        None => Vec::new(),
    }
}

/// Moves in the bytes: within a sector, then to the next one of the run.
pub fn scroll(app: &mut App, command: Command, page: usize) -> Vec<Effect> {
    let rows = crate::tui::view::hex_rows(app);
    let last = rows.saturating_sub(page);
    let by = match command {
        Command::Down | Command::Up => 1,
        Command::HalfDown | Command::HalfUp => (page / 2).max(1),
        _ => page,
    };
    let count = app.diff.run().map_or(0, |run| run.count);
    match command {
        Command::First => app.diff.scroll = 0,
        Command::Last => app.diff.scroll = last,
        Command::Down | Command::PageDown | Command::HalfDown => {
            if app.diff.scroll >= last && app.diff.into + 1 < count {
                app.diff.into += 1;
                app.diff.scroll = 0;
                return bytes(app);
            }
            app.diff.scroll = (app.diff.scroll + by).min(last);
        }
        _ => {
            if app.diff.scroll == 0 && app.diff.into > 0 {
                app.diff.into -= 1;
                return bytes(app);
            }
            app.diff.scroll = app.diff.scroll.saturating_sub(by);
        }
    }
    changed(app)
}

/// The diff's own commands.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Kinds => {
            app.diff.kinds = app.diff.kinds.next();
            app.diff.filter();
            return bytes(app);
        }
        Command::AllBytes => {
            app.diff.all_bytes = !app.diff.all_bytes;
            app.diff.scroll = 0;
        }
        Command::Left if app.diff.into > 0 => {
            app.diff.into -= 1;
            app.diff.scroll = 0;
            return bytes(app);
        }
        Command::Right
            if app
                .diff
                .run()
                .is_some_and(|run| app.diff.into + 1 < run.count) =>
        {
            app.diff.into += 1;
            app.diff.scroll = 0;
            return bytes(app);
        }
        _ => {}
    }
    changed(app)
}
