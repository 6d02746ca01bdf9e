//! The tree: folding, sorting, marking, jumping.

use crate::report::row::{Direction, Only};
use crate::report::{Row, RowKey, RowKind, Sort};
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::Context;

/// Left and right: fold, then to the parent; unfold, then to the child.
pub fn sideways(app: &mut App, command: Command) -> Vec<Effect> {
    let Some(row) = app.row() else {
        return Vec::new();
    };
    let folded = app.folded.contains(&row.key);
    let (below, branches) = (row.descendants, branches(app));
    match command {
        Command::Left if branches && !folded => fold(app, true),
        Command::Left => to_parent(app),
        _ if folded => fold(app, false),
        _ if below > 0 => app.cursor = (app.cursor + 1).min(app.shown.len().saturating_sub(1)),
        _ => {}
    }
    super::changed(app)
}

/// A group, or a disk with several children. In a straight chain left goes straight up: folding a chain of one hides
/// what one came to see.
fn branches(app: &App) -> bool {
    let Some((row, at)) = app.row().zip(app.shown.get(app.cursor)) else {
        return false;
    };
    let children = || {
        app.rows
            .iter()
            .skip(*at as usize + 1)
            .take(row.descendants as usize)
    };
    row.descendants > 0
        && (row.kind == RowKind::Group
            || children().filter(|child| child.parent == Some(*at)).count() > 1)
}

fn to_parent(app: &mut App) {
    if let Some(parent) = app.row().and_then(|row| row.parent) {
        app.cursor = app
            .shown
            .partition_point(|shown| *shown <= parent)
            .saturating_sub(1);
    }
}

fn fold(app: &mut App, folded: bool) {
    let Some(row) = app.row() else { return };
    if row.descendants == 0 {
        return;
    }
    let key = row.key.clone();
    if folded {
        app.folded.insert(key.clone());
    } else {
        app.folded.remove(&key);
    }
    app.refold(Some(&key));
}

/// The tree's own commands.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Fold => fold(app, true),
        Command::Unfold => fold(app, false),
        Command::UnfoldAll => {
            let key = app.row().map(|row| row.key.clone());
            if app.folded.is_empty() {
                app.folded = app
                    .rows
                    .iter()
                    .filter(|row| row.depth == 0)
                    .map(|row| row.key.clone())
                    .collect();
            } else {
                app.folded.clear();
            }
            app.refold(key.as_ref());
        }
        Command::Mark => mark(app),
        Command::Sort => app.chord = Some(Context::Sort),
        Command::SortName => sort(app, Sort::Name),
        Command::SortSize => sort(app, Sort::Size),
        Command::SortDirty => sort(app, Sort::Dirty),
        Command::SortCreated => sort(app, Sort::Created),
        Command::OnlyProblems => {
            app.options.only = if app.options.only == Only::All {
                Only::Problems
            } else {
                Only::All
            };
            app.rebuild();
        }
        _ => sort(app, Sort::Verdict),
    }
    super::changed(app)
}

fn sort(app: &mut App, by: Sort) {
    let again = app.options.sort == by && app.options.direction == Direction::Usual;
    app.options.direction = if again {
        Direction::Reversed
    } else {
        Direction::Usual
    };
    app.options.sort = by;
    app.rebuild();
}

fn mark(app: &mut App) {
    let Some(RowKey::Disk(path)) = app.row().map(|row| row.key.clone()) else {
        app.notice = Some("only a disk can be marked".to_owned());
        return;
    };
    if let Some(at) = app.marks.iter().position(|marked| *marked == path) {
        app.marks.remove(at);
    } else {
        app.marks.push(path);
    }
    app.notice = match app.marks.len() {
        0 => None,
        2 => Some("2 marked: = compares them".to_owned()),
        n => Some(format!("{n} marked")),
    };
    app.cursor = (app.cursor + 1).min(app.shown.len().saturating_sub(1));
}

/// The nearest row in a direction that is wanted, around the end; the row itself comes last.
fn around(app: &App, forward: bool, wanted: impl Fn(&Row) -> bool) -> Option<usize> {
    let at = app.shown.get(app.cursor).map_or(0, |at| *at as usize);
    let len = app.rows.len();
    let wanted = |index: &usize| app.rows.get(*index).is_some_and(&wanted);
    if forward {
        (at + 1..len).chain(0..len.min(at + 1)).find(wanted)
    } else {
        (0..at).rev().chain((at..len).rev()).find(wanted)
    }
}

/// The next row with a problem, unfolding what hides it.
pub fn seek_problem(app: &mut App, forward: bool) -> Vec<Effect> {
    let problem = |row: &Row| row.depth > 0 && row.flag.is_problem();
    match around(app, forward, problem) {
        None => app.notice = Some("no problem in sight".to_owned()),
        Some(index) => {
            let number = app
                .rows
                .iter()
                .take(index + 1)
                .filter(|row| problem(row))
                .count();
            app.reveal_row(index);
            app.notice = Some(format!("problem {number} of {}", app.problems));
        }
    }
    super::changed(app)
}

/// The next match of the search, in folded rows too.
pub fn search(app: &mut App, forward: bool) -> Vec<Effect> {
    let wanted = app.search.to_lowercase();
    if wanted.is_empty() {
        app.notice = Some("nothing to search for".to_owned());
        return super::changed(app);
    }
    let forest = app.store.forest.clone();
    let matches = |row: &Row| {
        let id = row
            .disk
            .and_then(|id| forest.disk(id)?.header.as_ref())
            .map(|header| header.id.to_string());
        row.full_name.to_lowercase().contains(&wanted)
            || row.name.to_lowercase().contains(&wanted)
            || row.flag.word().to_lowercase() == wanted
            || row
                .snapshots
                .iter()
                .chain(&row.users)
                .any(|name| name.to_lowercase().contains(&wanted))
            || id.is_some_and(|id| id.starts_with(&wanted))
    };
    match around(app, forward, matches) {
        None => app.notice = Some(format!("no match for {}", app.search)),
        Some(index) => app.reveal_row(index),
    }
    super::changed(app)
}
