//! How it looks.

use crate::text::Units;
use crate::tui::app::{App, Dialog, Keys};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::terminal::Mouse;
use crate::tui::theme::Theme;

/// Changes how things look.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Full => {
            app.units = match app.units {
                Units::Human => Units::Bytes,
                Units::Bytes => Units::Human,
            };
            app.measure();
        }
        Command::Ascii => app.settings.charset = app.settings.charset.toggled(),
        Command::Theme => next_theme(app),
        Command::Mouse => {
            let (mouse, words) = match app.settings.mouse {
                Mouse::Off => (Mouse::On, "mouse on: hold Shift to select text"),
                Mouse::On => (Mouse::Off, "mouse off"),
            };
            app.settings.mouse = mouse;
            app.say(words);
            return vec![Effect::Mouse(mouse)];
        }
        Command::Redraw => return vec![Effect::Redraw],
        _ => {
            app.overlay = Some(Dialog::Help {
                scroll: 0,
                filter: String::new(),
                keys: Keys::Few,
            });
        }
    }
    app.dirty = true;
    Vec::new()
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
