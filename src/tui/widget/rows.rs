//! A list of rows of which only the window is looked at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::tui::theme::{Role, Theme};
use crate::tui::widget::text::Line;

/// How the selected row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list has the keys.
    Here,
    /// Another pane has them.
    Away,
}

/// Where the window begins so that the cursor is in it, moving as little as can be from `scroll`.
pub fn scrolled(scroll: usize, cursor: usize, len: usize, height: usize) -> usize {
    if height == 0 {
        return 0;
    }
    let last_start = len.saturating_sub(height);
    let low = (cursor + 1).saturating_sub(height);
    scroll.clamp(low, cursor.max(low)).min(last_start.max(low))
}

/// Draws the rows of the window, asking `row` for those only, until there is none. The selected row is told by reverse video and `>`.
pub fn draw_rows(
    buffer: &mut Buffer,
    area: Rect,
    theme: &Theme,
    scroll: usize,
    (cursor, focus): (usize, Focus),
    mut row: impl FnMut(usize) -> Option<Line>,
) {
    for (index, line_area) in (scroll..).zip(area.rows()) {
        let Some(line) = row(index) else { break };
        line.paint(buffer, line_area, theme);
        if index == cursor {
            select(buffer, line_area, theme, focus);
        }
    }
}

/// Marks one row as selected.
pub fn select(buffer: &mut Buffer, area: Rect, theme: &Theme, focus: Focus) {
    let role = match focus {
        Focus::Here => Role::Selected,
        Focus::Away => Role::SelectedAway,
    };
    // One colour for the whole row: patches of reversed colours are hard to read.
    let style = Style::new()
        .fg(Color::Reset)
        .bg(Color::Reset)
        .patch(theme.style(role));
    buffer.set_style(area, style);
    if let Some(cell) = buffer
        .cell_mut((area.x, area.y))
        .filter(|cell| cell.symbol() == " ")
    {
        cell.set_symbol(">");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_cursor_and_no_more() {
        assert_eq!(scrolled(0, 0, 100, 10), 0);
        assert_eq!(scrolled(0, 9, 100, 10), 0);
        assert_eq!(scrolled(0, 10, 100, 10), 1);
        assert_eq!(scrolled(50, 45, 100, 10), 45);
        assert_eq!(scrolled(95, 99, 100, 10), 90);
        assert_eq!(scrolled(7, 2, 5, 10), 0);
        assert_eq!(scrolled(7, 0, 0, 10), 0);
        assert_eq!(scrolled(7, 3, 5, 0), 0);
    }

    #[test]
    fn only_rows_of_the_window_are_asked_for() {
        let area = Rect::new(0, 0, 10, 4);
        let mut buffer = Buffer::empty(area);
        let mut asked = Vec::new();
        draw_rows(
            &mut buffer,
            area,
            &Theme::mono(),
            20_000,
            (20_001, Focus::Here),
            |index| {
                asked.push(index);
                Some(Line::of(Role::Text, format!(" {index}")))
            },
        );
        assert_eq!(asked, [20_000, 20_001, 20_002, 20_003]);
        assert_eq!(buffer[(0, 1)].symbol(), ">");
        assert_eq!(buffer[(0, 0)].symbol(), " ");
    }
}
