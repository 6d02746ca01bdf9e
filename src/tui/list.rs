//! Moving in lists.

use crate::tui::command::Command;

/// Where a step, a page or an end leads from `cursor` in a list of `len`; `None` if the command is no such move.
pub fn moved(cursor: usize, len: usize, page: usize, command: Command) -> Option<usize> {
    let last = len.saturating_sub(1);
    let page = page.max(1);
    let half = (page / 2).max(1);
    let to = match command {
        Command::First => 0,
        Command::Last => last,
        Command::Down => cursor + 1,
        Command::Up => cursor.saturating_sub(1),
        Command::PageDown => cursor + page,
        Command::PageUp => cursor.saturating_sub(page),
        Command::HalfDown => cursor + half,
        Command::HalfUp => cursor.saturating_sub(half),
        _ => return None,
    };
    Some(to.min(last))
}

/// The same where each row is an interesting thing, and the next of those is a row down.
pub fn stepped(cursor: usize, len: usize, page: usize, command: Command) -> Option<usize> {
    let step = match command {
        Command::Next => Command::Down,
        Command::Previous => Command::Up,
        other => other,
    };
    moved(cursor, len, page, step)
}

/// The same for a text of `lines` lines of which `height` fit: the first line shown.
pub fn scrolled_to(scroll: usize, lines: usize, height: u16, command: Command) -> Option<usize> {
    let height = usize::from(height);
    moved(scroll, (lines + 1).saturating_sub(height), height, command)
}
