//! A text of many lines of which a window shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::widget::text::Line;

/// Draws lines from `scroll` on, and how many are left below. A line that reaches to where that stands is left for later.
pub fn draw(app: &App, lines: &[Line], scroll: usize, area: Rect, buffer: &mut Buffer) {
    let theme = &app.settings.theme;
    let mut height = usize::from(area.height);
    if lines.len() > scroll + height && height > 0 {
        let ellipsis = app.settings.charset.glyphs().ellipsis;
        let more = |height: usize| {
            let left = lines.len() - scroll - height;
            Line::of(Role::Selected, format!("{ellipsis} {left} more "))
        };
        let mut line = more(height);
        let last = lines.get(scroll + height - 1);
        if last.is_some_and(|last| last.width() + line.width() >= usize::from(area.width)) {
            height -= 1;
            line = more(height);
        }
        let width = u16::try_from(line.width()).unwrap_or(0).min(area.width);
        let corner = Rect {
            x: area.right() - width,
            y: area.bottom() - 1,
            width,
            height: 1,
        };
        line.paint(buffer, corner, theme);
    }
    let shown = lines.iter().skip(scroll).take(height);
    Line::paint_all(shown, buffer, area, theme);
}

/// The furthest a window of `area` can be scrolled.
pub fn last_scroll(lines: usize, area: Rect) -> usize {
    lines.saturating_sub(usize::from(area.height))
}
