//! What a screen is: one file with its own state, its drawing, its keys, its text, and what it needs to be read. The table
//! in [`screens`](super::screens) lists them; nothing else knows any of them by more than its name.

use std::fmt::Debug;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::store::DiskId;
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::Binding;
use crate::tui::message::{JobKind, News};
use crate::tui::view::View;
pub use crate::tui::widget::prompt::Typing;
use crate::tui::widget::text::Line;

/// One row of the table of screens.
#[derive(Debug)]
pub struct ScreenEntry {
    pub view: View,
    /// Its name among the tabs.
    pub title: &'static str,
    /// Its rows of the key table: what opens it, and what is its own.
    pub keys: &'static [Binding],
    /// Makes one with nothing in it.
    pub make: fn() -> Box<dyn Screen>,
}

/// What a screen did with a command.
#[derive(Debug)]
pub enum Act {
    /// What it knows of; these orders follow.
    Done(Vec<Effect>),
    /// Another screen is to be opened.
    Show(View),
    /// It does not know the command.
    Pass,
}

impl Act {
    /// Done, and nothing else is wanted.
    pub fn done() -> Self {
        Self::Done(Vec::new())
    }
}

/// What the program's line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitleSubject {
    Store,
    Disk(Option<DiskId>),
}

pub trait Screen: Debug + Send {
    /// Draws it into its part of the terminal.
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer);

    /// All of it as lines, for the pager and for export.
    fn text(&self, app: &App, width: u16) -> Vec<Line>;

    /// Does what a key asks for. `area` is where it is drawn: a page is what fits there.
    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act;

    /// It was opened, or another row was selected, or the store is a newer one: shows that, and asks for what it needs.
    fn follow(&mut self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    /// A job has something to tell. Every screen hears it, and takes what is its own.
    fn news(&mut self, _app: &mut App, _news: &News) -> Vec<Effect> {
        Vec::new()
    }

    /// The job of a slot could not go on.
    fn failed(&mut self, _slot: JobKind, _error: &str) {}

    /// What was read before may be stale.
    fn forget(&mut self) {}

    /// Keeps its scroll in step with its cursor, and whatever depends on its part of the terminal; after every message.
    fn settle(&mut self, _app: &App, _area: Rect) {}

    /// A click into its part of the terminal, at a column and row of that part.
    fn click(&mut self, _app: &mut App, _area: Rect, _column: u16, _row: u16) -> Act {
        Act::Pass
    }

    /// A line that it asked for was typed.
    fn typed(&mut self, _app: &mut App, _asking: Asking, _text: &str, _how: Typing) -> Act {
        Act::Pass
    }

    /// What the program's line names.
    fn subject(&self, app: &App) -> TitleSubject {
        TitleSubject::Disk(app.disk())
    }

    /// What stands beside the tabs, the most telling first.
    fn aside(&self, _app: &App) -> Vec<String> {
        Vec::new()
    }

    /// The command of the command line that shows the same, without the file: `info`.
    fn verb(&self) -> &'static str {
        "info"
    }
}
