//! Lines of text on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use crate::report::page::Line;
pub use crate::text::{Overlong, clip, clip_middle, pad, pad_left, split_at_width};
use crate::tui::theme::Theme;

impl Line {
    /// Paints it into one row, cut at the right edge.
    pub fn paint(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let mut x = area.x;
        if area.height == 0 {
            return;
        }
        for (role, text) in self.pieces() {
            let left = usize::from(area.right().saturating_sub(x));
            if left == 0 {
                break;
            }
            (x, _) = buffer.set_stringn(x, area.y, text, left, theme.style(*role));
        }
    }

    /// Paints lines below each other from the top of `area`, as many as fit.
    pub fn paint_all<'a>(
        lines: impl IntoIterator<Item = &'a Self>,
        buffer: &mut Buffer,
        area: Rect,
        theme: &Theme,
    ) {
        for (line, row) in lines.into_iter().zip(area.rows()) {
            line.paint(buffer, row, theme);
        }
    }
}
