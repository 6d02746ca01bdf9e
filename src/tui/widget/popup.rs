//! What lies over the screen: a framed box, or a strip between two rules.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::Glyphs;
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
    for position in outer.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
            cell.set_style(Style::new());
        }
    }
    if width < 4 || height < 3 {
        return outer;
    }
    let border = theme.style(Role::Border);
    let rule = glyphs.rule.repeat(usize::from(width - 2));
    let [top_left, top_right, bottom_left, bottom_right] = glyphs.corners;
    buffer.set_string(
        outer.x,
        outer.y,
        format!("{top_left}{rule}{top_right}"),
        border,
    );
    buffer.set_string(
        outer.x,
        outer.bottom() - 1,
        format!("{bottom_left}{rule}{bottom_right}"),
        border,
    );
    for y in outer.y + 1..outer.bottom() - 1 {
        buffer.set_string(outer.x, y, glyphs.wall, border);
        buffer.set_string(outer.right() - 1, y, glyphs.wall, border);
    }
    let title = clip(title, usize::from(width.saturating_sub(6)), glyphs.ellipsis);
    buffer.set_string(
        outer.x + 2,
        outer.y,
        format!(" {title} "),
        theme.style(Role::Title),
    );
    Rect {
        x: outer.x + 2,
        y: outer.y + 1,
        width: width - 4,
        height: height - 2,
    }
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
    let outer = Rect {
        y: area.y + (area.height - height) / 2,
        height,
        ..area
    };
    for position in outer.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
            cell.set_style(Style::new());
        }
    }
    if height < 3 {
        return outer;
    }
    let rule = glyphs.rule.repeat(usize::from(outer.width));
    for y in [outer.y, outer.bottom() - 1] {
        buffer.set_string(outer.x, y, &rule, theme.style(Role::Border));
    }
    let title = clip(
        title,
        usize::from(outer.width.saturating_sub(6)),
        glyphs.ellipsis,
    );
    buffer.set_string(
        outer.x + 2.min(outer.width),
        outer.y,
        format!(" {title} "),
        theme.style(Role::Title),
    );
    Rect {
        y: outer.y + 1,
        height: height - 2,
        ..outer
    }
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
