//! How it looks.

use crate::report::RowKey;
use crate::text::Units;
use crate::tui::app::diff::Part;
use crate::tui::app::{App, Overlay, Panes, View};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;
use crate::tui::update::changed;

/// Changes how things look.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Full => {
            app.units = match app.units {
                Units::Human => Units::Bytes,
                Units::Bytes => Units::Human,
            };
        }
        Command::Ascii => app.settings.charset = app.settings.charset.toggled(),
        Command::Theme => next_theme(app),
        Command::Mouse => {
            app.settings.mouse = match app.settings.mouse {
                Mouse::Off => Mouse::On,
                Mouse::On => Mouse::Off,
            };
            let on = app.settings.mouse == Mouse::On;
            app.notice = Some(
                if on {
                    "mouse on: hold Shift to select text"
                } else {
                    "mouse off"
                }
                .to_owned(),
            );
            app.dirty = true;
            return vec![Effect::Mouse(app.settings.mouse)];
        }
        Command::Redraw => return vec![Effect::Redraw],
        Command::SwapPane => return swap(app),
        Command::WholePane => return whole(app),
        _ => {
            app.overlay = Some(Overlay::Help {
                scroll: 0,
                filter: String::new(),
            });
        }
    }
    changed(app)
}

fn next_theme(app: &mut App) {
    let themes = &app.settings.themes;
    let at = themes
        .iter()
        .position(|name| name == app.settings.theme.name());
    let next = at.map_or(0, |at| at + 1) % themes.len().max(1);
    let Some(name) = themes.get(next) else { return };
    match Theme::load(name) {
        Ok(theme) => {
            app.notice = Some(format!("theme {name}"));
            app.settings.theme = theme;
        }
        Err(error) => app.notice = Some(error.to_string()),
    }
}

/// The pane in focus on the whole screen, or back to the panes.
fn whole(app: &mut App) -> Vec<Effect> {
    match (app.view, app.acting()) {
        (View::Tree, View::Tree) => {
            app.panes = match app.panes {
                Panes::Split => Panes::Whole,
                Panes::Whole => Panes::Split,
            };
            changed(app)
        }
        (View::Tree, pane) => super::go::show(app, pane),
        (View::Details | View::Map, _) if app.trail.last() == Some(&View::Tree) => {
            app.trail.pop();
            app.view = View::Tree;
            changed(app)
        }
        _ => changed(app),
    }
}

/// The other pane: in the diff the bytes, elsewhere between the tree and the details of the selected row.
fn swap(app: &mut App) -> Vec<Effect> {
    match app.view {
        View::Diff => {
            app.diff.part = match app.diff.part {
                Part::Runs => Part::Bytes,
                Part::Bytes => Part::Runs,
            };
            changed(app)
        }
        View::Tree if crate::tui::view::is_split(app) => {
            app.focus = match app.focus {
                View::Tree => View::Details,
                View::Details => View::Map,
                _ => View::Tree,
            };
            changed(app)
        }
        View::Tree if matches!(app.row().map(|row| &row.key), Some(RowKey::Error(_))) => {
            changed(app)
        }
        View::Tree => super::go::show(app, View::Details),
        View::Details => super::go::show(app, View::Map),
        View::Map | View::Plan | View::Health => super::go::show(app, View::Tree),
    }
}
