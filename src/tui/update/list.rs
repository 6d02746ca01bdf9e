//! Moving in whatever list the view has.

use crate::tui::app::diff::Part;
use crate::tui::app::{App, View};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::view::layout;

/// One step, page or end.
pub fn step(app: &mut App, command: Command) -> Vec<Effect> {
    let page = page(app).max(1);
    match app.acting() {
        View::Details if app.view == View::Tree => {
            let area = layout::layout(app).details;
            let shown = app.pane.as_deref().and_then(|path| app.find(path));
            let lines = crate::tui::view::details::lines(app, shown, area.width).len();
            let last = lines.saturating_sub(usize::from(area.height));
            app.pane_scroll = moved(app.pane_scroll, last + 1, page, command);
        }
        View::Tree => {
            app.cursor = moved(app.cursor, app.shown.len(), page, command);
        }
        View::Details | View::Plan => {
            let lines = crate::tui::view::document_lines(app);
            let last = lines.saturating_sub(app.page());
            app.scroll = match command {
                Command::First => 0,
                Command::Last => last,
                Command::Down => app.scroll + 1,
                Command::Up => app.scroll.saturating_sub(1),
                Command::PageDown => app.scroll + page,
                Command::PageUp => app.scroll.saturating_sub(page),
                Command::HalfDown => app.scroll + page / 2,
                _ => app.scroll.saturating_sub(page / 2),
            }
            .min(last);
        }
        View::Map => return super::map::step(app, command),
        View::Diff if app.diff.part == Part::Bytes => {
            return super::diff::scroll(app, command, page);
        }
        View::Diff => {
            let cursor = moved(app.diff.cursor, app.diff.shown.len(), page, command);
            if cursor != app.diff.cursor {
                app.diff.cursor = cursor;
                return super::diff::selected(app);
            }
        }
        View::Health => {
            app.health.cursor = moved(app.health.cursor, app.health.shown.len(), page, command);
        }
    }
    super::changed(app)
}

fn page(app: &App) -> usize {
    let body = layout::body(app);
    let rows = match app.acting() {
        View::Details if app.view == View::Tree => layout::layout(app).details.height,
        View::Tree => body.height.saturating_sub(1),
        View::Diff if app.diff.part == Part::Bytes => {
            layout::diff_parts(body).1.height.saturating_sub(2)
        }
        View::Diff => layout::diff_parts(body).0.height,
        View::Health => layout::health_parts(body, app.health.shown.len()).0.height,
        View::Details | View::Map | View::Plan => body.height,
    };
    usize::from(rows)
}

fn moved(cursor: usize, len: usize, page: usize, command: Command) -> usize {
    let last = len.saturating_sub(1);
    match command {
        Command::First => 0,
        Command::Last => last,
        Command::Down => cursor + 1,
        Command::Up => cursor.saturating_sub(1),
        Command::PageDown => cursor + page,
        Command::PageUp => cursor.saturating_sub(page),
        Command::HalfDown => cursor + (page / 2).max(1),
        _ => cursor.saturating_sub((page / 2).max(1)),
    }
    .min(last)
}

/// The next or previous interesting thing of the view.
pub fn seek(app: &mut App, forward: bool) -> Vec<Effect> {
    match app.acting() {
        View::Tree => return super::tree::seek_problem(app, forward),
        View::Details => return super::go::along_chain(app, forward),
        View::Plan => return super::go::next_plan(app, forward),
        View::Map => {
            if !app.map.seek(forward) {
                app.notice = Some(format!(
                    "no {} run",
                    if forward { "further" } else { "earlier" }
                ));
            }
        }
        View::Diff => {
            let command = if forward { Command::Down } else { Command::Up };
            let cursor = moved(app.diff.cursor, app.diff.shown.len(), 1, command);
            if cursor != app.diff.cursor {
                app.diff.cursor = cursor;
                return super::diff::selected(app);
            }
        }
        View::Health => {
            let command = if forward { Command::Down } else { Command::Up };
            app.health.cursor = moved(app.health.cursor, app.health.shown.len(), 1, command);
        }
    }
    super::changed(app)
}
