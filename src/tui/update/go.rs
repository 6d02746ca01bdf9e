//! Going from view to view.

use crate::analysis::plan::Target;
use crate::report::RowKind;
use crate::report::row::Only;
use crate::text::escape;
use crate::tui::app::{App, Overlay, View};
use crate::tui::effect::{Effect, Work};
use crate::tui::update::{NOT_SAVED, changed, start_job};
use crate::tui::view::layout;

/// Opens a view.
pub fn show(app: &mut App, view: View) -> Vec<Effect> {
    if view != View::Health && view != View::Tree && app.disk().is_none() {
        app.notice = Some("no disk is selected".to_owned());
        return changed(app);
    }
    if app.view != view {
        app.trail.retain(|seen| *seen != view);
        app.trail.push(app.view);
        app.view = view;
        app.scroll = 0;
    }
    app.dirty = true;
    match view {
        View::Tree | View::Health | View::Details => Vec::new(),
        View::Map => {
            let mut effects = super::map::ask(app);
            effects.extend(super::map::overlay(app));
            effects
        }
        View::Diff => super::diff::ask(app),
        View::Plan => plan(app),
    }
}

/// The tree is where every way begins: nothing lies behind it.
pub fn home(app: &mut App) -> Vec<Effect> {
    let effects = show(app, View::Tree);
    app.trail.clear();
    effects
}

/// Asks for the plan of the selected disk.
pub fn plan(app: &mut App) -> Vec<Effect> {
    let (Some(disk), Some(path)) = (app.disk(), app.disk_path()) else {
        return Vec::new();
    };
    if app
        .plan
        .as_ref()
        .is_some_and(|(planned, _)| *planned == path)
    {
        return Vec::new();
    }
    app.plan = None;
    app.plan_error = None;
    if app.settings.saved {
        app.plan_error = Some(NOT_SAVED.to_owned());
        return Vec::new();
    }
    let snapshot = app.snapshots().get(app.chosen()).copied();
    let work = Work::Plan {
        forest: app.store.forest.clone(),
        assessment: app.store.assessment.clone(),
        target: snapshot.map_or(Target::Disk(disk), Target::Snapshot),
    };
    vec![start_job(app, work)]
}

/// The plan of the disk's next snapshot; after its last one, of the next disk of the chain.
pub fn next_plan(app: &mut App, forward: bool) -> Vec<Effect> {
    let (at, all) = (app.chosen(), app.snapshots().len());
    let next = if forward {
        Some(at + 1).filter(|next| *next < all)
    } else {
        at.checked_sub(1)
    };
    let (Some(next), Some(path)) = (next, app.disk_path()) else {
        return along_chain(app, forward);
    };
    app.plan_choice = Some((path, next));
    app.plan = None;
    app.scroll = 0;
    app.dirty = true;
    plan(app)
}

/// Back to where one came from; at the tree, first undoes what hides rows. Never quits.
pub fn back(app: &mut App) -> Vec<Effect> {
    if app.acting() == View::Map && app.map.sectors.is_some() {
        app.map.zoom_out();
    } else if app.acting() != app.view {
        app.focus = View::Tree;
    } else if app.view == View::Tree && !app.options.filter.is_empty() {
        app.options.filter.clear();
        app.rebuild();
    } else if app.view == View::Tree && app.options.only == Only::Problems {
        app.options.only = Only::All;
        app.rebuild();
    } else if let Some(view) = app.trail.pop() {
        app.view = view;
        app.scroll = 0;
    } else if app.view != View::Tree {
        app.view = View::Tree;
    } else if !app.marks.is_empty() {
        app.marks.clear();
    } else {
        let key = app
            .settings
            .keymap
            .key_of(crate::tui::command::Command::Quit, app.settings.charset);
        app.notice = Some(format!("{key} leaves"));
    }
    changed(app)
}

/// Enter: one level deeper.
pub fn open(app: &mut App) -> Vec<Effect> {
    match app.acting() {
        View::Tree => {
            let folded_group = app
                .row()
                .is_some_and(|row| row.kind == RowKind::Group && app.folded.contains(&row.key));
            if folded_group {
                return super::tree::sideways(app, crate::tui::command::Command::Right);
            }
            show(app, View::Details)
        }
        View::Map => super::map::open(app),
        View::Diff => {
            app.diff.part = match app.diff.part {
                crate::tui::app::diff::Part::Runs => crate::tui::app::diff::Part::Bytes,
                crate::tui::app::diff::Part::Bytes => crate::tui::app::diff::Part::Runs,
            };
            changed(app)
        }
        View::Health => {
            let found = app
                .health
                .item()
                .map(|item| item.path.clone())
                .and_then(|path| app.find(&path));
            if let Some(disk) = found {
                app.reveal(disk);
                show(app, View::Tree)
            } else {
                app.notice = Some("this file is no disk of the tree".to_owned());
                changed(app)
            }
        }
        View::Details | View::Plan => Vec::new(),
    }
}

/// The next disk of the chain, towards the base or away from it, in the same view.
pub fn along_chain(app: &mut App, forward: bool) -> Vec<Effect> {
    let Some(disk) = app.disk() else {
        return Vec::new();
    };
    let forest = app.store.forest.clone();
    let next = if forward {
        forest.parent_of(disk)
    } else {
        forest
            .node(disk)
            .and_then(|node| node.children.first().copied())
    };
    match next {
        Some(next) => {
            app.reveal(next);
            app.scroll = 0;
            if app.view == View::Plan {
                return plan(app);
            }
        }
        None => {
            app.notice = Some(
                if forward {
                    "this is the base"
                } else {
                    "this is a leaf"
                }
                .to_owned(),
            );
        }
    }
    changed(app)
}

/// What the row of the decision table means.
pub fn explain(app: &mut App) -> Vec<Effect> {
    if app.view == View::Health {
        return explain_finding(app);
    }
    let Some(disk) = app.disk() else {
        return Vec::new();
    };
    let assessment = app.store.assessment.clone();
    let verdict = assessment
        .disk(disk)
        .and_then(|assessed| {
            assessed
                .above_of
                .or_else(|| assessed.snapshots.first().copied())
        })
        .and_then(|index| assessment.snapshots.get(index))
        .map(|assessed| &assessed.verdict);
    match verdict {
        None => app.notice = Some("no verdict is about this disk".to_owned()),
        Some(verdict) => {
            let mut lines = vec![escape(&verdict.summary), String::new()];
            lines.push(format!("{}: {}", verdict.row.id, verdict.row.title));
            lines.push(verdict.row.why.to_owned());
            lines.push(verdict.row.action.to_owned());
            if let Some(settle) = &verdict.would_settle {
                lines.push(String::new());
                lines.push(format!("What would settle it: {}", escape(settle)));
            }
            app.overlay = Some(Overlay::Text {
                title: format!("Why: {}", verdict.row.id),
                lines,
                scroll: 0,
            });
        }
    }
    changed(app)
}

/// All of the selected finding, where its part of the screen is too small for it.
fn explain_finding(app: &mut App) -> Vec<Effect> {
    if let Some(item) = app.health.item() {
        let lines = crate::tui::view::finding(item, app.size.0.into());
        app.overlay = Some(Overlay::Text {
            title: item.finding.code.id.to_owned(),
            lines,
            scroll: 0,
        });
    } else {
        app.notice = Some("there is no finding here".to_owned());
    }
    changed(app)
}

/// A click: a view's name, or a row.
pub fn click(app: &mut App, column: u16, row: u16) -> Vec<Effect> {
    let layout = layout::layout(app);
    if row == layout.tabs.y
        && layout.tabs.height > 0
        && let Some(view) = crate::tui::view::tab_at(app, column)
    {
        return show(app, view);
    }
    if app.view == View::Tree && layout.body.contains((column, row).into()) && row > layout.body.y {
        let scroll = crate::tui::view::tree_scroll(app);
        let index = scroll + usize::from(row - layout.body.y - 1);
        if index < app.shown.len() {
            if index == app.cursor {
                return open(app);
            }
            app.cursor = index;
        }
    }
    changed(app)
}
