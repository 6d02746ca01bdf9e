//! The block map: a power of two of blocks per cell, and no rounding that hides anything.
//!
//! A cell says *how much*: "any" is never averaged away, "almost all" is never "all". An error beats everything. What
//! the parent comparison found, in the overlay, is ranked instead of averaged, the most telling first.

use super::Role;
use crate::guest::filesystem::OwnerClass;
use crate::image::BlockState;
use crate::text::{Charset, Glyphs};
use crate::worded;

/// What lies in one cell, in blocks (or sectors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Blocks the cell stands for.
    pub total: u64,
    pub full: u64,
    pub partial: u64,
    pub zero: u64,
    pub unmapped: u64,
    pub error: u64,
    /// Compared in vain: something in them could not be read.
    pub unreadable: u64,
    pub changed: u64,
    /// Compared, zero here and not in the parent.
    pub zeroed: u64,
    pub same: u64,
    /// The nearest disk of the chain that answers for something of it: 0 is the disk itself; with the chain's tables only.
    pub answers: Option<u8>,
    /// Of those who own something of what is held, the most telling; with the owners only.
    pub owner: Option<OwnerClass>,
    /// Bit `k`: something is held, whole or in part, in the `k`-th eighth of the cell.
    pub eighths: u8,
}

/// How cells are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum MapStyle {
    /// Five steps of how much.
    #[default]
    Shades,
    Letters,
    /// Where in the cell, by halves.
    #[strum(to_string = "half-blocks")]
    Halves,
    /// Where in the cell, by eighths: a dot for any.
    Braille,
}

/// The 256 braille signs as UTF-8, by the eighths they stand for: from left to right, then down.
static BRAILLE: [[u8; 3]; 256] = braille();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn braille() -> [[u8; 3]; 256] {
    const DOTS: [u8; 8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
    let mut signs = [[0; 3]; 256];
    let mut eighths = 0;
    while eighths < 256 {
        let (mut dots, mut at) = (0_u8, 0);
        while at < 8 {
            if eighths >> at & 1 == 1 {
                dots |= DOTS[at];
            }
            at += 1;
        }
        // U+2800 and the dots.
        signs[eighths] = [0xe2, 0xa0 | (dots >> 6), 0x80 | (dots & 0x3f)];
        eighths += 1;
    }
    signs
}

worded!(MapStyle);

impl MapStyle {
    /// The next one; in ASCII there are only the first two.
    #[must_use]
    pub fn next(self, charset: Charset) -> Self {
        match (self, charset) {
            (Self::Shades, _) => Self::Letters,
            (Self::Letters, Charset::Unicode) => Self::Halves,
            (Self::Halves, Charset::Unicode) => Self::Braille,
            _ => Self::Shades,
        }
    }

    /// What is drawn with a charset: without signs for it, shades.
    #[must_use]
    pub fn within(self, ascii: bool) -> Self {
        match self {
            Self::Halves | Self::Braille if ascii => Self::Shades,
            style => style,
        }
    }
}

/// What a map shows of its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layer {
    /// What the disk holds.
    #[default]
    Held,
    /// What became of the comparison.
    Compared,
    /// Which disk of the chain answers.
    Chain,
    /// Whose it is.
    Owners,
}

/// Signs of owners, the most telling first.
pub const OWNERS: [(OwnerClass, &str, Role, &str); 8] = [
    (OwnerClass::File, "f", Role::Changed, "file"),
    (OwnerClass::Directory, "d", Role::Zeroed, "folder"),
    (OwnerClass::Unreadable, "?", Role::MapError, "unread"),
    (OwnerClass::PageFile, "p", Role::Against, "page file"),
    (OwnerClass::Journal, "j", Role::For, "journal"),
    (OwnerClass::Metadata, "m", Role::Same, "tables"),
    (OwnerClass::Outside, "o", Role::MapSome, "outside"),
    (OwnerClass::Free, "-", Role::MapSome, "free"),
];

impl Cell {
    /// Its sign and role.
    pub fn sign(
        &self,
        style: MapStyle,
        layer: Layer,
        glyphs: &'static Glyphs,
    ) -> (&'static str, Role) {
        if self.error > 0 {
            return ("!", Role::MapError);
        }
        if layer == Layer::Chain {
            return self.answer(glyphs);
        }
        if layer == Layer::Owners {
            let known = OWNERS.iter().find(|known| self.owner == Some(known.0));
            let known = known.map(|(_, sign, role, _)| (*sign, *role));
            return known.unwrap_or((glyphs.shades[0], Role::MapNone));
        }
        let found = (layer == Layer::Compared)
            .then(|| self.compared())
            .flatten();
        let Some((kind, role)) = found else {
            return self.held(style, glyphs);
        };
        // The shade says how much, the colour says what; without shades the sign says what. Of what is `!` nothing else matters.
        match style.within(glyphs.shades[0].is_ascii()) {
            MapStyle::Letters => (kind, role),
            _ if kind == "!" => (kind, role),
            _ => (self.held(style, glyphs).0, role),
        }
    }

    /// Counts an owner in: one that tells less stays behind.
    pub fn own(&mut self, class: OwnerClass) {
        let rank = |class: OwnerClass| OWNERS.iter().position(|known| known.0 == class);
        if self.owner.is_none_or(|known| rank(class) < rank(known)) {
            self.owner = Some(class);
        }
    }

    /// The disk of the chain that answers, as its number there.
    fn answer(&self, glyphs: &'static Glyphs) -> (&'static str, Role) {
        const NUMBERS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "+"];
        const ROLES: [Role; 6] = [
            Role::MapFull,
            Role::Changed,
            Role::Same,
            Role::Zeroed,
            Role::For,
            Role::Against,
        ];
        let Some(at) = self.answers.map(usize::from) else {
            return (glyphs.shades[0], Role::MapNone);
        };
        let number = NUMBERS.get(at).or(NUMBERS.last()).copied().unwrap_or("+");
        let role = ROLES
            .get(at % ROLES.len())
            .copied()
            .unwrap_or(Role::MapSome);
        (number, role)
    }

    fn held(&self, style: MapStyle, glyphs: &'static Glyphs) -> (&'static str, Role) {
        let [none, ..] = glyphs.shades;
        let held = self.full + self.partial;
        if held == 0 {
            return match (self.zero, self.unmapped) {
                (0, 0) => (none, Role::MapNone),
                (0, _) => ("x", Role::MapZero),
                _ => ("0", Role::MapZero),
            };
        }
        let role = if self.full == self.total {
            Role::MapFull
        } else {
            Role::MapSome
        };
        match style.within(none.is_ascii()) {
            MapStyle::Shades => self.shade(held, glyphs),
            MapStyle::Halves => match (self.eighths & 0x0f, self.eighths & 0xf0) {
                (_, 0) => ("▀", role),
                (0, _) => ("▄", role),
                _ => ("█", role),
            },
            MapStyle::Braille => {
                let sign = BRAILLE.get(usize::from(self.eighths));
                let sign = sign.and_then(|sign| std::str::from_utf8(sign).ok());
                (sign.unwrap_or("?"), role)
            }
            MapStyle::Letters if self.full == self.total => ("F", Role::MapFull),
            MapStyle::Letters if self.full > 0 => ("f", Role::MapSome),
            MapStyle::Letters => ("p", Role::MapSome),
        }
    }

    /// Adds `count` blocks of one state, the first of them at the cell's `from`-th place.
    pub fn add(&mut self, state: BlockState, from: u64, count: u64) {
        match state {
            BlockState::Absent => {}
            BlockState::Full => self.full += count,
            BlockState::Partial => self.partial += count,
            BlockState::Zero => self.zero += count,
            BlockState::Unmapped => self.unmapped += count,
            BlockState::Error => self.error += count,
        }
        if matches!(state, BlockState::Full | BlockState::Partial) {
            self.mark(from, from + count);
        }
    }

    /// Marks the eighths that hold something of the cell's units `from..to`.
    pub fn mark(&mut self, from: u64, to: u64) {
        let total = u128::from(self.total.max(1));
        let first = u128::from(from) * 8 / total;
        let end = (u128::from(to) * 8).div_ceil(total).min(8);
        for eighth in first..end {
            self.eighths |= 1 << eighth;
        }
    }

    fn compared(&self) -> Option<(&'static str, Role)> {
        if self.unreadable > 0 {
            Some(("!", Role::MapError))
        } else if self.changed > 0 {
            Some(("#", Role::Changed))
        } else if self.zeroed > 0 {
            Some(("0", Role::Zeroed))
        } else if self.same > 0 {
            Some(("=", Role::Same))
        } else {
            None
        }
    }

    fn shade(&self, held: u64, glyphs: &'static Glyphs) -> (&'static str, Role) {
        let total = u128::from(self.total.max(1));
        // A block held in part counts half, so that it is told from a whole one when a cell is one block.
        let weight = u128::from(self.full) * 2 + u128::from(self.partial);
        let [_, any, tenth, half, all] = glyphs.shades;
        if self.full == self.total {
            (all, Role::MapFull)
        } else if weight * 100 > total * 2 * 50 {
            (half, Role::MapFull)
        } else if u128::from(held) * 100 > total * 10 {
            (tenth, Role::MapSome)
        } else {
            (any, Role::MapSome)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(cell: Cell) -> &'static str {
        cell.sign(MapStyle::Shades, Layer::Held, Charset::Unicode.glyphs())
            .0
    }

    #[test]
    fn any_is_never_none_and_almost_all_is_never_all() {
        let total = 1 << 20;
        assert_eq!(
            sign(Cell {
                total,
                ..Cell::default()
            }),
            "·"
        );
        assert_eq!(
            sign(Cell {
                total,
                full: 1,
                ..Cell::default()
            }),
            "░"
        );
        assert_eq!(
            sign(Cell {
                total,
                partial: 1,
                ..Cell::default()
            }),
            "░"
        );
        assert_eq!(
            sign(Cell {
                total,
                full: total - 1,
                ..Cell::default()
            }),
            "▓"
        );
        assert_eq!(
            sign(Cell {
                total,
                full: total,
                ..Cell::default()
            }),
            "█"
        );
        assert_eq!(
            sign(Cell {
                total,
                partial: total,
                ..Cell::default()
            }),
            "▒"
        );
    }

    #[test]
    fn halves_and_dots_say_where_and_lose_nothing() {
        let cell = |from, to| {
            let total = 1 << 20;
            let mut cell = Cell {
                total,
                full: to - from,
                ..Cell::default()
            };
            cell.mark(from, to);
            let glyphs = Charset::Unicode.glyphs();
            [MapStyle::Halves, MapStyle::Braille]
                .map(|style| cell.sign(style, Layer::Held, glyphs).0)
        };
        let half = 1 << 19;
        assert_eq!(cell(0, 1), ["▀", "⠁"]);
        assert_eq!(cell(2 * half - 1, 2 * half), ["▄", "⢀"]);
        assert_eq!(cell(half - 1, half + 1), ["█", "⠔"]);
        assert_eq!(cell(0, 2 * half), ["█", "⣿"]);
        let mut one = Cell {
            total: 1,
            full: 1,
            ..Cell::default()
        };
        one.mark(0, 1);
        assert_eq!(one.eighths, 0xff, "a single block fills its cell");
        let ascii = one.sign(MapStyle::Braille, Layer::Held, Charset::Ascii.glyphs());
        assert_eq!(ascii.0, "#");
        let mut style = MapStyle::Shades;
        for word in ["letters", "half-blocks", "braille", "shades"] {
            style = style.next(Charset::Unicode);
            assert_eq!(style.word(), word);
        }
        assert_eq!(MapStyle::Letters.next(Charset::Ascii), MapStyle::Shades);
    }

    #[test]
    fn an_error_beats_every_other_state() {
        let cell = Cell {
            total: 9,
            full: 8,
            changed: 8,
            error: 1,
            ..Cell::default()
        };
        for layer in [Layer::Held, Layer::Compared] {
            for style in [
                MapStyle::Shades,
                MapStyle::Letters,
                MapStyle::Halves,
                MapStyle::Braille,
            ] {
                assert_eq!(cell.sign(style, layer, Charset::Ascii.glyphs()).0, "!");
            }
        }
    }

    #[test]
    fn one_file_among_free_clusters_is_never_averaged_away() {
        let mut cell = Cell::default();
        let sign = |cell: Cell| {
            let glyphs = Charset::Ascii.glyphs();
            cell.sign(MapStyle::Shades, Layer::Owners, glyphs).0
        };
        assert_eq!(sign(cell), Charset::Ascii.glyphs().shades[0]);
        for (class, wanted) in [
            (OwnerClass::Free, "-"),
            (OwnerClass::Metadata, "m"),
            (OwnerClass::File, "f"),
            (OwnerClass::Free, "f"),
            (OwnerClass::Directory, "f"),
        ] {
            cell.own(class);
            assert_eq!(sign(cell), wanted);
        }
    }

    #[test]
    fn zero_and_unmapped_show_where_nothing_else_is() {
        assert_eq!(
            sign(Cell {
                total: 4,
                zero: 1,
                unmapped: 3,
                ..Cell::default()
            }),
            "0"
        );
        assert_eq!(
            sign(Cell {
                total: 4,
                unmapped: 1,
                ..Cell::default()
            }),
            "x"
        );
        assert_eq!(
            sign(Cell {
                total: 4,
                full: 1,
                zero: 3,
                ..Cell::default()
            }),
            "▒"
        );
    }

    #[test]
    fn one_differing_block_is_never_averaged_away() {
        let cell = Cell {
            total: 1 << 20,
            full: 1 << 20,
            same: (1 << 20) - 1,
            changed: 1,
            ..Cell::default()
        };
        let sign = |style| cell.sign(style, Layer::Compared, Charset::Unicode.glyphs());
        assert_eq!(sign(MapStyle::Letters), ("#", Role::Changed));
        // The shade says how much there is, the colour that some of it differs.
        assert_eq!(sign(MapStyle::Shades), ("█", Role::Changed));
    }
}
