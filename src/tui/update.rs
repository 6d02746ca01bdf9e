//! The only place where state changes. Pure: no I/O, no clock, no frame; what must be done outside is asked for as
//! an [`Effect`], and what time it is arrives inside the message.

mod copy;
mod diff;
mod go;
mod jobs;
mod list;
mod look;
mod map;
mod tree;
mod typed;

use crate::tui::app::{App, Asking, Overlay, View};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Work};
use crate::tui::keymap::{Context, Key};
use crate::tui::message::{JobNo, Message, MouseAction, Signal, Slot};
use crate::tui::widget::prompt::Prompt;

/// Why a view of a saved scan is empty. Files of the names in it may be others here, or the same ones changed since.
const NOT_SAVED: &str =
    "This is a saved scan. It does not hold what this view reads: browse the store itself for it.";

/// The orders a fresh browser begins with.
pub fn start(app: &mut App) -> Vec<Effect> {
    vec![jobs::scan(app)]
}

/// What a message does to the state, and what it asks for.
pub fn update(app: &mut App, message: Message) -> Vec<Effect> {
    let effects = match message {
        Message::Key(key) => press(app, key),
        Message::Paste(text) => typed::paste(app, &text),
        Message::Mouse(action) => mouse(app, action),
        Message::Resize(width, height) => {
            app.size = (width, height);
            app.dirty = true;
            Vec::new()
        }
        Message::Job(slot, no, news) => jobs::news(app, slot, no, news),
        Message::Signal(signal) => match signal {
            Signal::Terminate => leave(app),
            Signal::Suspend => vec![Effect::Suspend],
            Signal::Continue => vec![Effect::Redraw],
        },
        Message::Rested => rested(app),
        Message::Told(text) => {
            app.notice = Some(text);
            app.dirty = true;
            Vec::new()
        }
    };
    let mut effects = effects;
    effects.extend(follow(app));
    effects
}

/// Gives a job its number and its place.
fn start_job(app: &mut App, work: Work) -> Effect {
    app.last_job = JobNo(app.last_job.0 + 1);
    let running = crate::tui::app::Running {
        no: app.last_job,
        ..crate::tui::app::Running::default()
    };
    app.jobs.insert(work.slot(), running);
    app.dirty = true;
    Effect::Start(app.last_job, work)
}

/// Keeps what hangs on the cursor and the size in step with them: the map's window at once; the panes below the tree
/// at once if they show nothing, else when the cursor rests. A cursor on its way costs the line only its own rows.
fn follow(app: &mut App) -> Vec<Effect> {
    let grid = crate::tui::view::layout::map_grid(app);
    if grid == (0, 0) {
        app.restless = false;
        return Vec::new();
    }
    app.map.resize(grid);
    app.map.survey(crate::tui::view::layout::map_overview(app));
    if app.view != View::Tree {
        return Vec::new();
    }
    let wanted = app.disk_path();
    if app.pane.is_none() {
        return rested(app);
    }
    app.restless = wanted != app.pane;
    Vec::new()
}

/// The panes show the disk under the cursor.
fn rested(app: &mut App) -> Vec<Effect> {
    app.restless = false;
    let path = app.disk_path();
    if app.pane != path {
        app.pane = path;
        app.pane_scroll = 0;
        app.dirty = true;
    }
    if app.pane == app.map.path {
        Vec::new()
    } else {
        map::ask(app)
    }
}

fn press(app: &mut App, key: Key) -> Vec<Effect> {
    if app.prompt.is_some() {
        return typed::key(app, key);
    }
    if app.chord.is_some() {
        let command = app.settings.keymap.command(app.context(), key);
        app.chord = None;
        app.notice = None;
        app.dirty = true;
        return command.map(|command| run(app, command)).unwrap_or_default();
    }
    // In help the key that searches a tree searches the keys, whatever view is below.
    let searches = || app.settings.keymap.command(Context::Tree, key) == Some(Command::Search);
    if let Some(Overlay::Help { filter, .. }) = &app.overlay
        && searches()
    {
        app.prompt = Some((Asking::Help, Prompt::with(filter.clone())));
        return changed(app);
    }
    let Some(command) = app.settings.keymap.command(app.context(), key) else {
        return Vec::new();
    };
    if app.notice.take().is_some() {
        app.dirty = true;
    }
    if app.overlay.is_some() {
        return over(app, command);
    }
    run(app, command)
}

/// Keys while something lies over the view.
fn over(app: &mut App, command: Command) -> Vec<Effect> {
    let page = usize::from(app.size.1.saturating_sub(4)).max(1);
    let Some(Overlay::Help { scroll, .. } | Overlay::Text { scroll, .. }) = app.overlay.as_mut()
    else {
        return Vec::new();
    };
    app.dirty = true;
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
            return run(app, command);
        }
        // A text is in nobody's way: the key that goes on goes on.
        _ if matches!(app.overlay, Some(Overlay::Text { .. })) => {
            app.overlay = None;
            return run(app, command);
        }
        _ => {}
    }
    // Drawing must not change state, so the end is found here.
    let last = crate::tui::view::overlay_lines(app).saturating_sub(page);
    if let Some(Overlay::Help { scroll, .. } | Overlay::Text { scroll, .. }) = app.overlay.as_mut()
    {
        *scroll = (*scroll).min(last);
    }
    Vec::new()
}

fn run(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Down
        | Command::Up
        | Command::First
        | Command::Last
        | Command::PageDown
        | Command::PageUp
        | Command::HalfDown
        | Command::HalfUp => list::step(app, command),
        Command::Left | Command::Right => match app.acting() {
            View::Tree => tree::sideways(app, command),
            View::Map => map::run(app, command),
            _ => diff::run(app, command),
        },
        Command::NextProblem | Command::PrevProblem => {
            list::seek(app, command == Command::NextProblem)
        }
        Command::Fold
        | Command::Unfold
        | Command::UnfoldAll
        | Command::Mark
        | Command::OnlyProblems
        | Command::Sort
        | Command::SortName
        | Command::SortSize
        | Command::SortDirty
        | Command::SortCreated
        | Command::SortVerdict => tree::run(app, command),
        Command::Search
        | Command::Filter
        | Command::GoTo
        | Command::SearchNext
        | Command::SearchPrev => typed::run(app, command),
        Command::Open => go::open(app),
        Command::ShowTree => go::home(app),
        Command::ShowDetails => go::show(app, View::Details),
        Command::ShowMap => go::show(app, View::Map),
        Command::ShowDiff => go::show(app, View::Diff),
        Command::ShowPlan => go::show(app, View::Plan),
        Command::ShowHealth => go::show(app, View::Health),
        Command::ZoomIn | Command::ZoomOut | Command::Overlay | Command::Style => {
            map::run(app, command)
        }
        Command::Kinds | Command::AllBytes => diff::run(app, command),
        Command::Severity => {
            app.health.next_severity();
            changed(app)
        }
        Command::HideCode => {
            app.health.hide();
            changed(app)
        }
        Command::ShowHidden => {
            app.health.unhide();
            changed(app)
        }
        Command::Explain => go::explain(app),
        Command::Copy => {
            app.chord = Some(Context::Copy);
            changed(app)
        }
        Command::CopyPath
        | Command::CopyId
        | Command::CopyName
        | Command::CopyJson
        | Command::CopyCommand
        | Command::Pager
        | Command::Export => copy::run(app, command),
        Command::Reread | Command::Rescan | Command::Watch => jobs::run(app, command),
        Command::Full
        | Command::SwapPane
        | Command::WholePane
        | Command::Ascii
        | Command::Theme
        | Command::Mouse
        | Command::Redraw
        | Command::Help => look::run(app, command),
        Command::Back => go::back(app),
        Command::Quit => leave(app),
        Command::Interrupt => jobs::interrupt(app),
        Command::Suspend => vec![Effect::Suspend],
    }
}

fn changed(app: &mut App) -> Vec<Effect> {
    app.dirty = true;
    Vec::new()
}

fn leave(app: &mut App) -> Vec<Effect> {
    app.leaving = true;
    let mut effects: Vec<Effect> = app.jobs.keys().copied().map(Effect::Cancel).collect();
    let memory = app.memory();
    effects.extend(memory.map(|(place, memory)| Effect::Remember(place, memory)));
    effects.push(Effect::Quit);
    effects
}

fn mouse(app: &mut App, action: MouseAction) -> Vec<Effect> {
    if app.prompt.is_some() {
        return Vec::new();
    }
    let lines = 3;
    let mut effects = Vec::new();
    match action {
        MouseAction::WheelDown | MouseAction::WheelUp => {
            let command = if action == MouseAction::WheelDown {
                Command::Down
            } else {
                Command::Up
            };
            for _ in 0..lines {
                effects.extend(if app.overlay.is_some() {
                    over(app, command)
                } else {
                    run(app, command)
                });
            }
        }
        MouseAction::Click(column, row) if app.overlay.is_none() => {
            effects.extend(go::click(app, column, row));
        }
        MouseAction::Click(..) => {}
    }
    effects
}

/// True while a job of a slot runs.
fn runs(app: &App, slot: Slot) -> bool {
    app.jobs.contains_key(&slot)
}
