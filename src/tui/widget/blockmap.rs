//! The cells of a block map, painted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::tui::theme::{Role, Theme};

/// Draws cells row by row; `cursor` is an index into them.
pub fn draw_cells(
    buffer: &mut Buffer,
    area: Rect,
    theme: &Theme,
    columns: u16,
    cells: impl Iterator<Item = (&'static str, Role)>,
    cursor: Option<usize>,
) {
    let columns = usize::from(columns.max(1));
    for (index, (sign, role)) in cells.enumerate() {
        let (row, column) = (index / columns, index % columns);
        let (Ok(row), Ok(column)) = (u16::try_from(row), u16::try_from(column)) else {
            return;
        };
        if row >= area.height {
            return;
        }
        if column >= area.width {
            continue;
        }
        let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) else {
            continue;
        };
        cell.set_symbol(sign).set_style(theme.style(role));
        if cursor == Some(index) {
            // A whole block in reverse video would be a hole.
            if sign == "█" {
                cell.set_symbol("■");
            }
            cell.fg = Color::Reset;
            cell.set_style(theme.style(Role::Selected));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_outside_the_area_are_not_drawn() {
        let area = Rect::new(0, 0, 3, 2);
        let mut buffer = Buffer::empty(area);
        draw_cells(
            &mut buffer,
            area,
            &Theme::mono(),
            4,
            std::iter::repeat_n(("x", Role::Text), 100),
            Some(1),
        );
        assert_eq!(buffer[(2, 1)].symbol(), "x");
    }
}
