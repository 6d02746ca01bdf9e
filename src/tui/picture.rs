//! A screen as a picture: a buffer becomes an SVG, for README.md and for looking at what is drawn. The same buffer gives
//! the same bytes.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Width and height of a cell, in pixels.
const CELL: (usize, usize) = (9, 18);
/// Blank around the screen, in pixels.
const EDGE: usize = 12;

/// Which background the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    #[default]
    Dark,
    Light,
}

impl Background {
    fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Dark => ("#d4d4d4", "#161616"),
            Self::Light => ("#1c1c1c", "#fbfbfb"),
        }
    }

    /// The sixteen colours as a usual terminal shows them on this background.
    fn palette(self, color: Color) -> Option<&'static str> {
        let dark = self == Self::Dark;
        Some(match color {
            Color::Black => "#000000",
            Color::Red => {
                if dark {
                    "#e05561"
                } else {
                    "#b3202c"
                }
            }
            Color::Green => {
                if dark {
                    "#8cc265"
                } else {
                    "#2f7d18"
                }
            }
            Color::Yellow => {
                if dark {
                    "#d8a93a"
                } else {
                    "#8a6500"
                }
            }
            Color::Blue => {
                if dark {
                    "#5f9ff2"
                } else {
                    "#1553b6"
                }
            }
            Color::Magenta => {
                if dark {
                    "#c678dd"
                } else {
                    "#8a2da5"
                }
            }
            Color::Cyan => {
                if dark {
                    "#42b3c2"
                } else {
                    "#0e6f7c"
                }
            }
            Color::Gray => {
                if dark {
                    "#d4d4d4"
                } else {
                    "#5c5c5c"
                }
            }
            Color::DarkGray => {
                if dark {
                    "#8a8a8a"
                } else {
                    "#6b6b6b"
                }
            }
            Color::LightRed => "#ff616e",
            Color::LightGreen => "#a5e075",
            Color::LightYellow => "#f0c85a",
            Color::LightBlue => "#7db7ff",
            Color::LightMagenta => "#de90f4",
            Color::LightCyan => "#63d4e4",
            Color::White => "#ffffff",
            _ => return None,
        })
    }
}

/// The picture of a buffer.
pub fn svg(buffer: &Buffer, ground: Background) -> String {
    let (columns, rows) = (
        usize::from(buffer.area.width),
        usize::from(buffer.area.height),
    );
    let (width, height) = (columns * CELL.0 + 2 * EDGE, rows * CELL.1 + 2 * EDGE);
    let (_, paper) = ground.colors();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{paper}\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Noto Sans Mono CJK JP, Noto Sans CJK JP, Menlo, Consolas, monospace\" font-size=\"15\" xml:space=\"preserve\">\n"
    );
    for (y, row) in buffer.content.chunks(columns.max(1)).enumerate() {
        let mut x = 0;
        while let Some(first) = row.get(x) {
            // Wide characters stand alone: fonts do not agree on their width.
            let wide = first.symbol().width() > 1;
            let alike = |cell: &&Cell| look(cell) == look(first) && cell.symbol().width() == 1;
            let len = if wide {
                first.symbol().width()
            } else {
                row[x..].iter().take_while(alike).count().max(1)
            };
            let text: String = if wide {
                first.symbol().to_owned()
            } else {
                row[x..x + len].iter().map(Cell::symbol).collect()
            };
            stretch(&mut svg, ground, first, &text, (x, y, len));
            x += len;
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn look(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn stretch(
    svg: &mut String,
    ground: Background,
    cell: &Cell,
    text: &str,
    (x, y, len): (usize, usize, usize),
) {
    let (ink, paper) = ground.colors();
    let (mut fg, mut bg) = (hex(cell.fg, ground, ink), hex(cell.bg, ground, paper));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    let (left, top) = (EDGE + x * CELL.0, EDGE + y * CELL.1);
    let width = len * CELL.0;
    // Writing to a String cannot fail.
    if bg != paper {
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{bg}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut style = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        style.push_str(" text-decoration=\"underline\"");
    }
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" fill=\"{fg}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\"{style}>{escaped}</text>",
        top + CELL.1 - 4
    );
}

fn hex(color: Color, ground: Background, otherwise: &str) -> String {
    match color {
        Color::Reset => otherwise.to_owned(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        color => ground.palette(color).unwrap_or(otherwise).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn text_is_escaped_and_reverse_video_swaps() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(
            0,
            0,
            "<a&b> 検証",
            Style::new().add_modifier(Modifier::REVERSED),
        );
        let svg = svg(&buffer, Background::Dark);
        assert!(svg.contains("&lt;a&amp;b&gt;") && svg.contains("検"));
        assert!(svg.contains("fill=\"#161616\" textLength"));
        assert!(roxmltree::Document::parse(&svg).is_ok());
    }
}
