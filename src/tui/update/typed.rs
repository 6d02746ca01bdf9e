//! Typed lines: each goes to the screen that asked for it; help's filter is nobody's but help's.

use crate::tui::app::{App, Asking, Dialog, Keys};
use crate::tui::effect::Effect;
use crate::tui::keymap::Key;
use crate::tui::screen::Typing;
use crate::tui::screens::Screens;
use crate::tui::update::{done, take};

/// Takes pasted text.
pub fn paste(app: &mut App, screens: &mut Screens, text: &str) -> Vec<Effect> {
    let Some(asked) = app.prompt.as_mut() else {
        // A paste outside a prompt means nothing: its letters must not become commands.
        return Vec::new();
    };
    asked.line.paste(text);
    tell(app, screens, Typing::Changed)
}

/// Takes a key while a line is being typed.
pub fn key(app: &mut App, screens: &mut Screens, key: Key) -> Vec<Effect> {
    let Some(asked) = app.prompt.as_mut() else {
        return Vec::new();
    };
    let typed = asked.line.key(key);
    typed.map_or_else(Vec::new, |how| tell(app, screens, how))
}

fn tell(app: &mut App, screens: &mut Screens, how: Typing) -> Vec<Effect> {
    app.dirty = true;
    let asked = match how {
        Typing::Changed => app.prompt.clone(),
        Typing::Done | Typing::Gone => app.prompt.take(),
    };
    let Some(asked) = asked else {
        return Vec::new();
    };
    let text = asked.line.text();
    if asked.what == Asking::Help {
        if let Some(Dialog::Help {
            scroll,
            filter,
            keys,
        }) = app.overlay.as_mut()
        {
            let wanted = if how == Typing::Gone { "" } else { text };
            wanted.clone_into(filter);
            *scroll = 0;
            *keys = Keys::All;
        }
        return Vec::new();
    }
    if asked.what == Asking::Export {
        return match how {
            Typing::Done => take::export(app, screens, text),
            Typing::Changed | Typing::Gone => Vec::new(),
        };
    }
    let view = app.acting();
    let act = screens.get_mut(view).typed(app, asked.what, text, how);
    done(app, screens, act)
}
