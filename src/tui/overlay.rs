//! What lies over the screen: help, or a text to read and select.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::{App, Dialog, Keys};
use crate::tui::command::Command;
use crate::tui::help;
use crate::tui::screens::title as title_of;
use crate::tui::theme::Role;
use crate::tui::widget::popup::{popup, sheet};
use crate::tui::widget::text::Line;

/// Draws it, if there is one.
pub fn draw(app: &App, buffer: &mut Buffer, area: Rect) {
    let Some(overlay) = &app.overlay else { return };
    let (lines, scroll) = overlay_text(app, overlay);
    let title = match overlay {
        Dialog::Help { filter, .. } => {
            let find = app.key_of(Command::Search);
            let filter = match (&app.prompt, filter.as_str()) {
                (None, "") => format!("{find} filters"),
                (_, filter) => format!("{find}{filter}"),
            };
            format!("Help: {}   {filter}", title_of(app.acting()))
        }
        Dialog::Text { title, .. } => title.clone(),
    };
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let width = u16::try_from(widest + 4).unwrap_or(u16::MAX).max(40);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let (theme, glyphs) = (&app.settings.theme, app.settings.charset.glyphs());
    let inner = match overlay {
        Dialog::Help { .. } => popup(buffer, area, (width, height), &title, theme, glyphs),
        Dialog::Text { .. } => sheet(buffer, area, height, &title, theme, glyphs),
    };
    Line::paint_all(lines.iter().skip(scroll), buffer, inner, theme);
    let left = lines
        .len()
        .saturating_sub(scroll + usize::from(inner.height));
    if left > 0 && inner.bottom() < area.bottom() {
        let text = format!(" {left} more: PgDn ");
        buffer.set_string(inner.x, inner.bottom(), text, theme.style(Role::Key));
    }
    let key = app.key_of(Command::Back);
    let closes = Line::of(Role::Key, format!(" {key} closes "));
    let width = u16::try_from(closes.width()).unwrap_or(u16::MAX);
    if inner.bottom() < area.bottom() && inner.width > width + 20 {
        let corner = Rect::new(inner.right() - width - 1, inner.bottom(), width, 1);
        closes.paint(buffer, corner, theme);
    }
}

fn overlay_text(app: &App, overlay: &Dialog) -> (Vec<Line>, usize) {
    match overlay {
        Dialog::Help {
            scroll,
            filter,
            keys,
        } => {
            let width = usize::from(app.size.0.saturating_sub(4)).max(10);
            let lines = match keys {
                Keys::Few => help::short(app, width),
                Keys::All => help::lines(app, width, filter),
            };
            (lines, *scroll)
        }
        Dialog::Text { lines, scroll, .. } => {
            let width = usize::from(app.size.0).max(10);
            let lines = lines
                .iter()
                .flat_map(|line| Line::of(Role::Text, line.as_str()).wrap(width, 0))
                .collect();
            (lines, *scroll)
        }
    }
}

/// Lines of what lies over the view, for scrolling.
pub fn lines(app: &App) -> usize {
    app.overlay
        .as_ref()
        .map_or(0, |overlay| overlay_text(app, overlay).0.len())
}
