//! Going from screen to screen.

use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::frame::visible;
use crate::tui::layout::{Panes, Story};
use crate::tui::screen::TitleSubject;
use crate::tui::screens::{PANES, Screens};
use crate::tui::title::tab_at;
use crate::tui::update::done;
use crate::tui::view::View;

/// Opens a screen.
pub fn show(app: &mut App, screens: &mut Screens, view: View) -> Vec<Effect> {
    let of_store = screens.get(view).subject(app) == TitleSubject::Store;
    if !of_store && app.disk().is_none() {
        app.say("no disk is selected");
        return Vec::new();
    }
    if app.view != view {
        app.trail.retain(|seen| *seen != view);
        app.trail.push(app.view);
        app.view = view;
    }
    app.dirty = true;
    screens.get_mut(view).follow(app)
}

/// The tree is where every way begins: nothing lies behind it.
pub fn home(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    let effects = show(app, screens, View::HOME);
    app.trail.clear();
    effects
}

/// Back to where one came from. Never quits.
pub fn back(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    if app.acting() != app.view {
        app.focus = View::HOME;
    } else if let Some(view) = app.trail.pop() {
        app.view = view;
        return screens.get_mut(view).follow(app);
    } else if app.view != View::HOME {
        app.view = View::HOME;
    } else if !app.marks.is_empty() {
        app.marks.clear();
    } else {
        let key = app.key_of(Command::Quit);
        app.say(format!("{key} leaves"));
    }
    Vec::new()
}

/// The pane in focus on the whole screen, or back to the panes.
pub fn whole(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    let acting = app.acting();
    if app.view == View::HOME && acting == View::HOME {
        app.panes = match app.panes {
            Panes::Split => Panes::Whole,
            Panes::Whole => Panes::Split,
        };
    } else if app.view == View::HOME {
        return show(app, screens, acting);
    } else if PANES.contains(&app.view) && app.trail.last() == Some(&View::HOME) {
        app.trail.pop();
        app.view = View::HOME;
    }
    Vec::new()
}

/// The other pane; where there is only one, the story below the tree, or from screen to screen.
pub fn swap(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    let turn = [View::HOME, PANES[0], PANES[1]];
    let at = turn.iter().position(|view| *view == app.acting());
    let next = turn[at.map_or(0, |at| at + 1) % turn.len()];
    if app.view == View::HOME && app.layout().has_panes() {
        app.focus = next;
        return Vec::new();
    }
    if app.view == View::HOME {
        app.story = match app.story {
            Story::Hidden => Story::Shown,
            Story::Shown => Story::Hidden,
        };
        return Vec::new();
    }
    show(app, screens, next)
}

/// A click: a screen's name, or something in a screen.
pub fn click(app: &mut App, screens: &mut Screens, column: u16, row: u16) -> Vec<Effect> {
    let parts = app.layout();
    if row == parts.tabs.y
        && parts.tabs.height > 0
        && let Some(view) = tab_at(app, column)
    {
        return show(app, screens, view);
    }
    let hit = visible(app, &parts).find(|(_, area)| area.contains((column, row).into()));
    let Some((view, area)) = hit else {
        return Vec::new();
    };
    if app.view == View::HOME && parts.has_panes() {
        app.focus = view;
    }
    let act = screens
        .get_mut(view)
        .click(app, area, column - area.x, row - area.y);
    done(app, screens, act)
}
