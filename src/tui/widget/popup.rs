//! What lies over the screen: a framed box, or a strip between two rules.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::text::Glyphs;
use crate::tui::layout::band;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::text::clip;

/// Clears a box of at most `width` by `height` in the middle of `area`, frames it, and gives the room inside.
pub fn popup(
    buffer: &mut Buffer,
    area: Rect,
    (width, height): (u16, u16),
    title: &str,
    theme: &Theme,
    glyphs: &Glyphs,
) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    clear(buffer, outer);
    if width < 4 || height < 3 {
        return outer;
    }
    let border = theme.style(Role::Border);
    let rule = glyphs.rule.repeat(usize::from(width - 2));
    let [top_left, top_right, bottom_left, bottom_right] = glyphs.corners;
    let top = format!("{top_left}{rule}{top_right}");
    let bottom = format!("{bottom_left}{rule}{bottom_right}");
    for (line, y) in [(top, outer.y), (bottom, outer.bottom() - 1)] {
        buffer.set_string(outer.x, y, line, border);
    }
    for y in outer.y + 1..outer.bottom() - 1 {
        buffer.set_string(outer.x, y, glyphs.wall, border);
        buffer.set_string(outer.right() - 1, y, glyphs.wall, border);
    }
    draw_title(buffer, outer, title, theme, glyphs);
    outer.inner(Margin::new(2, 1))
}

/// Clears a strip of at most `height` rows over the whole width in the middle of `area`, between two rules, and gives the
/// room inside. Nothing stands beside its lines, so that a mouse takes the text alone.
pub fn sheet(
    buffer: &mut Buffer,
    area: Rect,
    height: u16,
    title: &str,
    theme: &Theme,
    glyphs: &Glyphs,
) -> Rect {
    let height = height.min(area.height);
    let outer = band(area, area.y + (area.height - height) / 2, height);
    clear(buffer, outer);
    if height < 3 {
        return outer;
    }
    let rule = glyphs.rule.repeat(usize::from(outer.width));
    for y in [outer.y, outer.bottom() - 1] {
        buffer.set_string(outer.x, y, &rule, theme.style(Role::Border));
    }
    draw_title(buffer, outer, title, theme, glyphs);
    outer.inner(Margin::new(0, 1))
}

fn clear(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
        }
    }
}

/// The title in the upper rule of a box.
fn draw_title(buffer: &mut Buffer, area: Rect, title: &str, theme: &Theme, glyphs: &Glyphs) {
    let room = usize::from(area.width.saturating_sub(6));
    let title = format!(" {} ", clip(title, room, glyphs.ellipsis));
    let x = area.x + 2.min(area.width);
    buffer.set_string(x, area.y, title, theme.style(Role::Title));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Charset;

    #[test]
    fn a_popup_fits_any_screen() {
        for width in 0..30 {
            for height in 0..8 {
                let area = Rect::new(0, 0, width, height);
                let mut buffer = Buffer::empty(area);
                let inner = popup(
                    &mut buffer,
                    area,
                    (20, 5),
                    "title",
                    &Theme::mono(),
                    Charset::Ascii.glyphs(),
                );
                assert!(inner.right() <= width && inner.bottom() <= height);
                let inner = sheet(
                    &mut buffer,
                    area,
                    5,
                    "title",
                    &Theme::mono(),
                    Charset::Ascii.glyphs(),
                );
                assert!(inner.width == width && inner.bottom() <= height);
            }
        }
    }

    #[test]
    fn what_lay_below_is_gone() {
        let area = Rect::new(0, 0, 20, 5);
        let mut buffer = Buffer::filled(area, ratatui::buffer::Cell::new("x"));
        popup(
            &mut buffer,
            area,
            (20, 5),
            "t",
            &Theme::mono(),
            Charset::Ascii.glyphs(),
        );
        assert!(buffer.content.iter().all(|cell| cell.symbol() != "x"));
        assert_eq!(buffer[(0, 0)].symbol(), "+");
    }
}
