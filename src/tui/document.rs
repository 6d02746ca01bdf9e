//! A text of many lines of which a window shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::widget::text::Line;

/// Draws lines from `scroll` on, and how many are left below.
pub fn draw(app: &App, lines: &[Line], scroll: usize, area: Rect, buffer: &mut Buffer) {
    let theme = &app.settings.theme;
    Line::paint_all(lines.iter().skip(scroll), buffer, area, theme);
    if lines.len() > scroll + usize::from(area.height) && area.height > 0 {
        let more = format!(
            "{} {} more ",
            app.settings.charset.glyphs().ellipsis,
            lines.len() - scroll - usize::from(area.height)
        );
        let line = Line::of(Role::Selected, more);
        let width = u16::try_from(line.width()).unwrap_or(0).min(area.width);
        let corner = Rect {
            x: area.right() - width,
            y: area.bottom() - 1,
            width,
            height: 1,
        };
        line.paint(buffer, corner, theme);
    }
}

/// The furthest a window of `area` can be scrolled.
pub fn last_scroll(lines: usize, area: Rect) -> usize {
    lines.saturating_sub(usize::from(area.height))
}
