//! How many colours the terminal has, and bringing a finished screen down to that many.

use ratatui::buffer::Buffer;
use ratatui::style::Color;

/// How many colours may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// None: attributes only.
    Mono,
    /// The sixteen of the terminal's palette.
    #[default]
    Ansi16,
    /// The xterm 256.
    Indexed,
    /// 24 bits.
    True,
}

/// When colours are wanted, as `--color` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Depth {
    /// The depth by `--color`, `NO_COLOR` (any non-empty value: no-color.org), `COLORTERM` and `TERM`.
    pub fn detect(
        choice: ColorChoice,
        no_color: Option<&str>,
        colorterm: Option<&str>,
        term: Option<&str>,
    ) -> Self {
        let term = term.unwrap_or("");
        let refused = no_color.is_some_and(|value| !value.is_empty())
            || matches!(term, "dumb" | "vt100" | "vt220");
        match choice {
            ColorChoice::Never => return Self::Mono,
            ColorChoice::Auto if refused => return Self::Mono,
            ColorChoice::Auto | ColorChoice::Always => {}
        }
        if colorterm.is_some_and(|value| matches!(value, "truecolor" | "24bit"))
            || term.ends_with("-direct")
        {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Ansi16
        }
    }

    /// Brings every cell down to this depth.
    pub fn apply(self, buffer: &mut Buffer) {
        if self == Self::True {
            return;
        }
        for cell in &mut buffer.content {
            cell.fg = self.reduce(cell.fg);
            cell.bg = self.reduce(cell.bg);
        }
    }

    fn reduce(self, color: Color) -> Color {
        match (self, color) {
            (_, Color::Reset) | (Self::Mono, _) => Color::Reset,
            (Self::Indexed, Color::Rgb(red, green, blue)) => {
                Color::Indexed(nearest_indexed([red, green, blue]))
            }
            (Self::Ansi16, Color::Rgb(red, green, blue)) => nearest_ansi([red, green, blue]),
            (Self::Ansi16, Color::Indexed(index)) if index >= 16 => {
                nearest_ansi(indexed_rgb(index))
            }
            (_, color) => color,
        }
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The usual values of the sixteen; terminals differ, the order of lightness rarely.
const ANSI: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    // Green counts most and blue least for the eye.
    let weights = [3_u32, 4, 2];
    a.iter()
        .zip(b)
        .zip(weights)
        .map(|((a, b), weight)| weight * u32::from(a.abs_diff(b)).pow(2))
        .sum()
}

fn nearest_ansi(rgb: [u8; 3]) -> Color {
    ANSI.iter()
        .min_by_key(|(_, candidate)| distance(rgb, *candidate))
        .map_or(Color::Reset, |(color, _)| *color)
}

fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    (16..=255)
        .min_by_key(|index| distance(rgb, indexed_rgb(*index)))
        .unwrap_or(16)
}

fn indexed_rgb(index: u8) -> [u8; 3] {
    match index {
        0..=15 => ANSI.get(usize::from(index)).map_or([0; 3], |(_, rgb)| *rgb),
        16..=231 => {
            let offset = usize::from(index - 16);
            [CUBE[offset / 36], CUBE[offset / 6 % 6], CUBE[offset % 6]]
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};

    #[test]
    fn no_color_wins_unless_colours_are_asked_for() {
        let detect = |choice, no_color| {
            Depth::detect(choice, no_color, Some("truecolor"), Some("xterm-256color"))
        };
        assert_eq!(detect(ColorChoice::Auto, Some("1")), Depth::Mono);
        assert_eq!(detect(ColorChoice::Auto, Some("")), Depth::True);
        assert_eq!(detect(ColorChoice::Always, Some("1")), Depth::True);
        assert_eq!(detect(ColorChoice::Never, None), Depth::Mono);
    }

    #[test]
    fn the_terminal_says_how_many_colours_it_has() {
        let detect =
            |colorterm, term| Depth::detect(ColorChoice::Auto, None, colorterm, Some(term));
        assert_eq!(detect(None, "xterm"), Depth::Ansi16);
        assert_eq!(detect(None, "screen-256color"), Depth::Indexed);
        assert_eq!(detect(Some("24bit"), "xterm"), Depth::True);
        assert_eq!(detect(None, "dumb"), Depth::Mono);
    }

    #[test]
    fn colours_come_down_and_attributes_stay() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        let style = Style::new()
            .fg(Color::Rgb(250, 5, 5))
            .add_modifier(Modifier::REVERSED);
        buffer.set_string(0, 0, "abc", style);
        let mut sixteen = buffer.clone();
        Depth::Ansi16.apply(&mut sixteen);
        assert_eq!(sixteen[(0, 0)].fg, Color::LightRed);
        Depth::Indexed.apply(&mut buffer);
        assert_eq!(buffer[(0, 0)].fg, Color::Indexed(196));
        Depth::Mono.apply(&mut buffer);
        assert_eq!(buffer[(0, 0)].fg, Color::Reset);
        assert!(buffer[(0, 0)].modifier.contains(Modifier::REVERSED));
    }
}
