//! The only place where state changes, but for what a screen does with its own keys. Pure: no I/O, no clock, no frame;
//! what must be done outside is asked for as an [`Effect`], and what time it is arrives inside the message.

mod go;
mod jobs;
mod look;
mod take;
mod typed;

use crate::report::RowKey;
use crate::tui::app::{App, Asking, Dialog, Keys, Visit};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::frame::{area_of, visible};
use crate::tui::keymap::{Context, Key};
use crate::tui::message::{Message, MouseAction, Signal};
use crate::tui::overlay;
use crate::tui::screen::Act;
use crate::tui::screens::{PANES, Screens};
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;

/// Lines a turn of the wheel moves.
const WHEEL: u8 = 3;

/// The orders a fresh browser begins with.
pub fn start(app: &mut App) -> Vec<Effect> {
    vec![app.scan()]
}

/// What a message does to the state, and what it asks for.
pub fn update(app: &mut App, screens: &mut Screens, message: Message) -> Vec<Effect> {
    let before = app.row().map(|row| row.key.clone());
    let mut effects = match message {
        Message::Key(key) => press(app, screens, key),
        Message::Paste(text) => typed::paste(app, screens, &text),
        Message::Mouse(action) => mouse(app, screens, action),
        Message::Resize(width, height) => {
            app.size = (width, height);
            app.dirty = true;
            if app.visit == Visit::Fresh {
                app.first_screen();
            }
            Vec::new()
        }
        Message::Job(slot, no, news) => jobs::news(app, screens, slot, no, news),
        Message::Signal(signal) => match signal {
            Signal::Terminate => leave(app),
            Signal::Suspend => vec![Effect::Suspend],
            Signal::Continue => vec![Effect::Redraw],
        },
        Message::Rested => rested(app, screens),
        Message::Told(text) => {
            app.say(text);
            Vec::new()
        }
    };
    effects.extend(keep_in_step(app, screens, before.as_ref()));
    effects
}

/// Keeps what depends on the cursor and the size in step with them: an open screen's disk at once; the panes below the
/// tree at once if they show nothing, else when the cursor rests. A cursor on its way costs the line only its own rows.
fn keep_in_step(app: &mut App, screens: &mut Screens, before: Option<&RowKey>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let now = app.row().map(|row| &row.key);
    let moved = now != before;
    let (behind, first) = (now != app.pane.as_ref(), app.pane.is_none());
    let parts = app.layout();
    app.restless = false;
    if app.view != View::HOME {
        if moved {
            effects.extend(screens.get_mut(app.view).follow(app));
        }
    } else if parts.is_split() {
        if first {
            effects.extend(rested(app, screens));
        }
        app.restless = behind && !first;
    }
    let parts = app.layout();
    for (view, area) in visible(app, &parts) {
        screens.get_mut(view).settle(app, area);
    }
    effects
}

/// The panes show the row under the cursor.
fn rested(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    app.restless = false;
    if app.view != View::HOME || !app.layout().is_split() {
        return Vec::new();
    }
    app.pane = app.row().map(|row| row.key.clone());
    let follow = |view| screens.get_mut(view).follow(app);
    PANES.into_iter().flat_map(follow).collect()
}

fn press(app: &mut App, screens: &mut Screens, key: Key) -> Vec<Effect> {
    app.visit = Visit::Touched;
    if app.prompt.is_some() {
        return typed::key(app, screens, key);
    }
    if app.chord.is_some() {
        let command = app.settings.keymap.command(app.context(), key);
        app.chord = None;
        app.notice = None;
        app.dirty = true;
        return command
            .map(|command| run(app, screens, command))
            .unwrap_or_default();
    }
    // In help the key that searches a tree searches the keys, whatever screen is below.
    let searches = || {
        let tree = Context::View(View::HOME);
        app.settings.keymap.command(tree, key) == Some(Command::Search)
    };
    if let Some(Dialog::Help { filter, .. }) = &app.overlay
        && searches()
    {
        let line = Prompt::with(filter.clone());
        app.ask(Asking::Help, " keys with: ", line);
        return Vec::new();
    }
    let Some(command) = app.settings.keymap.command(app.context(), key) else {
        return Vec::new();
    };
    if app.notice.take().is_some() {
        app.dirty = true;
    }
    if app.overlay.is_some() {
        return over(app, screens, command);
    }
    run(app, screens, command)
}

/// Keys while something lies over the screen.
fn over(app: &mut App, screens: &mut Screens, command: Command) -> Vec<Effect> {
    let page = usize::from(app.size.1.saturating_sub(4)).max(1);
    app.dirty = true;
    if let (Command::Help, Some(Dialog::Help { keys, scroll, .. })) = (command, &mut app.overlay)
        && *keys == Keys::Few
    {
        (*keys, *scroll) = (Keys::All, 0);
        return Vec::new();
    }
    let Some(Dialog::Help { scroll, .. } | Dialog::Text { scroll, .. }) = app.overlay.as_mut()
    else {
        return Vec::new();
    };
    match command {
        Command::Down => *scroll += 1,
        Command::Up => *scroll = scroll.saturating_sub(1),
        Command::PageDown | Command::HalfDown => *scroll += page,
        Command::PageUp | Command::HalfUp => *scroll = scroll.saturating_sub(page),
        Command::First => *scroll = 0,
        Command::Last => *scroll = usize::MAX,
        Command::Help | Command::Back | Command::Quit | Command::Open => app.overlay = None,
        Command::Interrupt
        | Command::Suspend
        | Command::Redraw
        | Command::Ascii
        | Command::Theme => {
            return run(app, screens, command);
        }
        // A text is in nobody's way: the key that goes on goes on.
        _ if matches!(app.overlay, Some(Dialog::Text { .. })) => {
            app.overlay = None;
            return run(app, screens, command);
        }
        _ => {}
    }
    // Drawing must not change state, so the end is found here.
    let last = overlay::lines(app).saturating_sub(page);
    if let Some(Dialog::Help { scroll, .. } | Dialog::Text { scroll, .. }) = app.overlay.as_mut() {
        *scroll = (*scroll).min(last);
    }
    Vec::new()
}

/// A command goes to the screen that has the keys first; what that does not know, all screens have in common.
fn run(app: &mut App, screens: &mut Screens, command: Command) -> Vec<Effect> {
    let view = app.acting();
    let area = area_of(app, view);
    let act = screens.get_mut(view).run(app, command, area);
    match act {
        Act::Pass => common(app, screens, command),
        act => done(app, screens, act),
    }
}

/// What a screen's act comes to.
fn done(app: &mut App, screens: &mut Screens, act: Act) -> Vec<Effect> {
    app.dirty = true;
    match act {
        Act::Done(effects) => effects,
        Act::Show(view) => go::show(app, screens, view),
        Act::Pass => Vec::new(),
    }
}

fn common(app: &mut App, screens: &mut Screens, command: Command) -> Vec<Effect> {
    app.dirty = true;
    match command {
        Command::Show(view) if view == View::HOME => go::home(app, screens),
        Command::Show(view) => go::show(app, screens, view),
        Command::Back => go::back(app, screens),
        Command::Copy => {
            app.chord = Some(Context::Copy);
            Vec::new()
        }
        Command::CopyPath
        | Command::CopyId
        | Command::CopyName
        | Command::CopyJson
        | Command::CopyCommand
        | Command::Pager
        | Command::Export => take::run(app, screens, command),
        Command::Reread | Command::Rescan | Command::Watch => jobs::run(app, screens, command),
        Command::SwapPane => go::swap(app, screens),
        Command::WholePane => go::whole(app, screens),
        Command::Full
        | Command::Ascii
        | Command::Theme
        | Command::Mouse
        | Command::Redraw
        | Command::Help => look::run(app, command),
        Command::Quit => leave(app),
        Command::Interrupt => jobs::interrupt(app),
        Command::Suspend => vec![Effect::Suspend],
        _ => Vec::new(),
    }
}

fn leave(app: &mut App) -> Vec<Effect> {
    app.leaving = true;
    let mut effects: Vec<Effect> = app.jobs.keys().copied().map(Effect::Cancel).collect();
    let memory = app.memory();
    effects.extend(memory.map(|(place, memory)| Effect::Remember(place, memory)));
    effects.push(Effect::Quit);
    effects
}

fn mouse(app: &mut App, screens: &mut Screens, action: MouseAction) -> Vec<Effect> {
    app.visit = Visit::Touched;
    if app.prompt.is_some() {
        return Vec::new();
    }
    let command = match action {
        MouseAction::WheelDown => Command::Down,
        MouseAction::WheelUp => Command::Up,
        MouseAction::Click(column, row) if app.overlay.is_none() => {
            return go::click(app, screens, column, row);
        }
        MouseAction::Click(..) => return Vec::new(),
    };
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        effects.extend(if app.overlay.is_some() {
            over(app, screens, command)
        } else {
            run(app, screens, command)
        });
    }
    effects
}
