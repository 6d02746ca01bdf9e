//! Cells as bytes: the fewest that turn one screen into the next.
//!
//! What saves most: unchanged cells between two changed ones are written again where that is shorter than moving over
//! them, blanks to the end of a row are one code, a blank's letter colour is nobody's, and a change of style names only
//! what changes. Only codes every terminal of the last decades knows are sent: CUP, CUF, EL, SGR, CR and LF.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// What letters look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }
}

/// Attributes that can be seen on a blank.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK);

/// On, off. Bold and dim share the code that ends them.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Writes what turns `old` into `new`, both of one size; nothing if they are the same. The pen is plain before and
/// after; where the cursor is before is not asked, and where it is after is not told.
pub fn encode(old: &Buffer, new: &Buffer, out: &mut Vec<u8>) {
    let mut encoder = Encoder {
        new,
        out,
        pen: Pen::PLAIN,
        at: None,
    };
    for y in 0..new.area.height {
        // Columns that belong to a wide letter before them, on the old screen and on the new one.
        let (mut hid, mut hides) = (0, 0);
        for x in 0..new.area.width {
            let Some((before, cell)) = old.cell((x, y)).zip(new.cell((x, y))) else {
                break;
            };
            let was_hidden = hid > 0;
            hid = if was_hidden {
                hid - 1
            } else {
                columns(before) - 1
            };
            if hides > 0 {
                hides -= 1;
                continue;
            }
            hides = columns(cell) - 1;
            // What is left of half a wide letter is each terminal's own affair, so it is written over.
            if before == cell && !was_hidden {
                continue;
            }
            encoder.go(x, y);
            if encoder.blank_from(x, y) {
                encoder.clear_row();
                break;
            }
            encoder.put(x, y, cell);
        }
    }
    encoder.pen(Pen::PLAIN);
}

/// Columns a cell's letter takes, 1 at least.
fn columns(cell: &Cell) -> u16 {
    match cell.symbol() {
        letter if letter.len() == 1 => 1,
        letters => u16::try_from(letters.width()).unwrap_or(1).max(1),
    }
}

struct Encoder<'a> {
    new: &'a Buffer,
    out: &'a mut Vec<u8>,
    pen: Pen,
    /// Where the cursor is, if that is sure: after the last column of a row terminals differ.
    at: Option<(u16, u16)>,
}

impl Encoder<'_> {
    fn put(&mut self, x: u16, y: u16, cell: &Cell) {
        self.pen(self.wanted(cell));
        self.out.extend_from_slice(cell.symbol().as_bytes());
        let next = x.saturating_add(columns(cell));
        self.at = (next < self.new.area.width).then_some((next, y));
    }

    /// The pen a cell needs: a blank takes whatever looks the same on it.
    fn wanted(&self, cell: &Cell) -> Pen {
        let own = Pen::of(cell);
        let alike = cell.symbol() == " "
            && own.bg == self.pen.bg
            && !own.modifier.intersects(SEEN_ON_BLANKS)
            && !self.pen.modifier.intersects(SEEN_ON_BLANKS);
        if alike { self.pen } else { own }
    }

    /// At least four plain blanks, and nothing else, from here to the end of the row.
    fn blank_from(&self, x: u16, y: u16) -> bool {
        let width = self.new.area.width;
        width.saturating_sub(x) > 3
            && (x..width).all(|x| {
                self.new.cell((x, y)).is_some_and(|cell| {
                    cell.symbol() == " "
                        && cell.bg == Color::Reset
                        && !cell.modifier.intersects(SEEN_ON_BLANKS)
                })
            })
    }

    /// Clears to the end of the row; some terminals do it in the pen's colour, so that must be plain.
    fn clear_row(&mut self) {
        if self.pen.bg != Color::Reset || self.pen.modifier.intersects(SEEN_ON_BLANKS) {
            self.pen(Pen::PLAIN);
        }
        self.out.extend_from_slice(b"\x1b[K");
    }

    /// Puts the cursor on a cell by the shortest way.
    fn go(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => return,
            Some((from, row)) if row == y && from < x => {
                let ahead = forward(x - from);
                if self
                    .between(from, x, y)
                    .is_some_and(|bytes| bytes <= ahead.len())
                {
                    for x in from..x {
                        if let Some(cell) = self.new.cell((x, y)) {
                            self.out.extend_from_slice(cell.symbol().as_bytes());
                        }
                    }
                } else {
                    self.out.extend_from_slice(&ahead);
                }
            }
            Some((_, row)) if row.saturating_add(1) == y => {
                let mut down = b"\r\n".to_vec();
                if x > 0 {
                    down.extend_from_slice(&forward(x));
                }
                let jump = jump(x, y);
                self.out.extend_from_slice(if down.len() < jump.len() {
                    &down
                } else {
                    &jump
                });
            }
            _ => self.out.extend_from_slice(&jump(x, y)),
        }
        self.at = Some((x, y));
    }

    /// Bytes of the cells from one column to another, if the pen fits them all and each is one column wide.
    fn between(&self, from: u16, to: u16, y: u16) -> Option<usize> {
        // Longer gaps are never shorter than a code.
        if to - from > 6 {
            return None;
        }
        let mut bytes = 0;
        for x in from..to {
            let cell = self.new.cell((x, y))?;
            if columns(cell) != 1 || self.wanted(cell) != self.pen {
                return None;
            }
            bytes += cell.symbol().len();
        }
        Some(bytes)
    }

    /// Changes the pen by the shortest code.
    fn pen(&mut self, to: Pen) {
        if self.pen == to {
            return;
        }
        let change = difference(self.pen, to);
        let mut anew = vec![0];
        anew.extend(difference(Pen::PLAIN, to));
        let text = |codes: &[u8]| {
            if codes == [0] {
                String::new()
            } else {
                codes
                    .iter()
                    .map(u8::to_string)
                    .collect::<Vec<_>>()
                    .join(";")
            }
        };
        let (change, anew) = (text(&change), text(&anew));
        let shorter = if anew.len() < change.len() {
            anew
        } else {
            change
        };
        // Writing to a vector does not fail.
        let _ = write!(self.out, "\x1b[{shorter}m");
        self.pen = to;
    }
}

fn forward(columns: u16) -> Vec<u8> {
    match columns {
        1 => b"\x1b[C".to_vec(),
        _ => format!("\x1b[{columns}C").into_bytes(),
    }
}

fn jump(x: u16, y: u16) -> Vec<u8> {
    let row = y.saturating_add(1);
    match (x, y) {
        (0, 0) => b"\x1b[H".to_vec(),
        (0, _) => format!("\x1b[{row}H").into_bytes(),
        _ => format!("\x1b[{row};{}H", x.saturating_add(1)).into_bytes(),
    }
}

/// Codes that make one pen the other, what ends first.
fn difference(from: Pen, to: Pen) -> Vec<u8> {
    let mut codes: Vec<u8> = Vec::new();
    let mut kept = from.modifier;
    for (attribute, _, off) in ATTRIBUTES {
        if kept.contains(attribute) && !to.modifier.contains(attribute) {
            codes.push(off);
            for (other, _, same) in ATTRIBUTES {
                if same == off {
                    kept.remove(other);
                }
            }
        }
    }
    for (attribute, on, _) in ATTRIBUTES {
        if to.modifier.contains(attribute) && !kept.contains(attribute) {
            codes.push(on);
        }
    }
    if from.fg != to.fg {
        color(to.fg, 30, &mut codes);
    }
    if from.bg != to.bg {
        color(to.bg, 40, &mut codes);
    }
    codes
}

/// The codes of a colour; `base` is 30 for letters and 40 for what is behind them.
fn color(color: Color, base: u8, codes: &mut Vec<u8>) {
    let basic = match color {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return codes.extend([base + 8, 5, index]),
        Color::Rgb(red, green, blue) => return codes.extend([base + 8, 2, red, green, blue]),
    };
    codes.push(base + basic);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const WIDTH: u16 = 24;
    const HEIGHT: u16 = 5;

    fn blank() -> Buffer {
        Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT))
    }

    /// What a terminal shows of a cell: text, colours, attributes; of a blank only what can be seen on it.
    type Look = (String, vt100::Color, vt100::Color, [bool; 4]);

    fn looks(parser: &vt100::Parser) -> Vec<Look> {
        let mut looks = Vec::new();
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let cell = parser.screen().cell(y, x).unwrap();
                let text = match cell.contents() {
                    "" => " ",
                    text => text,
                };
                let blank = text == " ";
                let fg = if blank && !cell.inverse() {
                    vt100::Color::Default
                } else {
                    cell.fgcolor()
                };
                looks.push((
                    text.to_owned(),
                    fg,
                    cell.bgcolor(),
                    [
                        cell.inverse(),
                        cell.underline(),
                        cell.bold() && !blank,
                        cell.italic() && !blank,
                    ],
                ));
            }
        }
        looks
    }

    fn terminal() -> vt100::Parser {
        vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0)
    }

    #[derive(Debug, Clone)]
    struct StyledPiece(u16, u16, String, Style);

    fn piece() -> impl Strategy<Value = StyledPiece> {
        let colors = prop::sample::select(vec![
            Color::Reset,
            Color::Red,
            Color::White,
            Color::Indexed(200),
            Color::Rgb(1, 20, 255),
        ]);
        let attributes = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::REVERSED,
            Modifier::UNDERLINED,
            Modifier::BOLD.union(Modifier::ITALIC),
        ]);
        let text = prop::sample::select(vec![
            "a",
            "ab cd",
            "   ",
            "            ",
            "░░·█",
            "検証用",
            "x  y  z",
            "0123456789abcdef",
        ]);
        (
            0..WIDTH,
            0..HEIGHT,
            text,
            colors.clone(),
            colors,
            attributes,
        )
            .prop_map(|(x, y, text, fg, bg, attributes)| {
                let style = Style::new().fg(fg).bg(bg).add_modifier(attributes);
                StyledPiece(x, y, text.to_owned(), style)
            })
    }

    proptest! {
        #[test]
        fn a_terminal_that_follows_step_by_step_shows_what_one_that_begins_anew_shows(
            frames in prop::collection::vec(prop::collection::vec(piece(), 0..6), 1..6)
        ) {
            let (mut old, mut follower) = (blank(), terminal());
            let mut new = blank();
            for frame in frames {
                for StyledPiece(x, y, text, style) in frame {
                    new.set_string(x, y, text, style);
                }
                let mut bytes = Vec::new();
                encode(&old, &new, &mut bytes);
                follower.process(&bytes);
                let mut fresh = terminal();
                for y in 0..HEIGHT {
                    // A wide character hides the cell behind it, and a hidden one hides none.
                    let mut hidden = false;
                    for x in 0..WIDTH {
                        // Cell by cell, each with its whole style: nothing is saved here.
                        let cell = new.cell((x, y)).unwrap();
                        if hidden {
                            hidden = false;
                        } else {
                            hidden = cell.symbol().width() == 2;
                            let mut codes = vec![0];
                            codes.extend(difference(Pen::PLAIN, Pen::of(cell)));
                            let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
                            let text = format!(
                                "\x1b[{};{}H\x1b[{}m{}", y + 1, x + 1, codes.join(";"), cell.symbol()
                            );
                            fresh.process(text.as_bytes());
                        }
                    }
                }
                prop_assert_eq!(looks(&follower), looks(&fresh));
                old = new.clone();
            }
        }
    }

    #[test]
    fn equal_screens_cost_nothing() {
        let mut bytes = Vec::new();
        encode(&blank(), &blank(), &mut bytes);
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_short_gap_is_written_again_and_a_long_one_jumped() {
        let (mut old, mut new) = (blank(), blank());
        old.set_string(0, 0, "1 of 7              8", Style::new());
        new.set_string(0, 0, "2 of 8              9", Style::new());
        let mut bytes = Vec::new();
        encode(&old, &new, &mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[H2 of 8\x1b[14C9");
        old.set_string(0, 1, "1 2", Style::new());
        new.set_string(0, 1, "2 3", Style::new());
        let mut bytes = Vec::new();
        encode(&old, &new, &mut bytes);
        assert!(bytes.ends_with(b"\r\n2 3"), "{bytes:?}");
    }

    #[test]
    fn a_style_names_what_changes() {
        let (mut new, mut bytes) = (blank(), Vec::new());
        new.set_string(0, 0, "a", Style::new().fg(Color::Red));
        let bold = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        new.set_string(1, 0, "b", bold);
        new.set_string(2, 0, "c", Style::new());
        encode(&blank(), &new, &mut bytes);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\x1b[H\x1b[31ma\x1b[1mb\x1b[mc"
        );
    }
}
