//! The two sets of signs: WGL4 (what `PuTTY` and old console fonts have) and plain ASCII. One switch changes everything.

/// Which signs the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8, limited to the WGL4 repertoire.
    #[default]
    Unicode,
    Ascii,
}

impl Charset {
    /// The charset by locale and terminal: ASCII where the locale is not UTF-8, or the terminal is one that lacks the signs.
    ///
    /// `locale` is the value of `LC_ALL`, `LC_CTYPE` or `LANG`, the first that is set and not empty.
    pub fn detect(locale: Option<&str>, term: Option<&str>) -> Self {
        let utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let plain = term.is_some_and(|term| {
            matches!(
                term,
                "linux" | "dumb" | "vt52" | "vt100" | "vt102" | "vt220" | "ansi" | "cons25"
            )
        });
        if utf8 && !plain {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Unicode => Self::Ascii,
            Self::Ascii => Self::Unicode,
        }
    }

    /// The signs of this charset.
    pub fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Unicode => &UNICODE,
            Self::Ascii => &ASCII,
        }
    }
}

/// One set of signs; each is one column wide, but those of a tree's branches in ASCII.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// A marked row.
    pub mark: &'static str,
    /// Something left out.
    pub ellipsis: &'static str,
    /// Horizontal rule.
    pub rule: &'static str,
    /// Vertical rule.
    pub wall: &'static str,
    /// Corners: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// A horizontal rule meets a vertical one from above.
    pub tee: &'static str,
    /// How much of a cell is held: none, any, more than 10 %, more than 50 %, all.
    pub shades: [&'static str; 5],
    /// The cursor on a map.
    pub cursor: &'static str,
    /// Before a child with later siblings, before the last child; beside the former's children stands `wall`.
    pub branches: [&'static str; 2],
    /// A machine that was set back.
    pub reverted: &'static str,
    /// The disk a machine uses now.
    pub now: &'static str,
    /// An open fold, a closed one.
    pub folds: [&'static str; 2],
    /// Something that is still read.
    pub pending: &'static str,
    /// Arrow keys in help: up, down, left, right.
    pub arrows: [&'static str; 4],
    /// Progress bar: done, to do.
    pub bar: [&'static str; 2],
}

static UNICODE: Glyphs = Glyphs {
    mark: "■",
    ellipsis: "…",
    rule: "─",
    wall: "│",
    corners: ["┌", "┐", "└", "┘"],
    tee: "┬",
    shades: ["·", "░", "▒", "▓", "█"],
    cursor: "▲",
    branches: ["├", "└"],
    reverted: "↩",
    now: "●",
    folds: ["▼", "►"],
    pending: "…",
    arrows: ["↑", "↓", "←", "→"],
    bar: ["█", "░"],
};

static ASCII: Glyphs = Glyphs {
    mark: "#",
    ellipsis: "~",
    rule: "-",
    wall: "|",
    corners: ["+", "+", "+", "+"],
    tee: "+",
    shades: [".", ":", "+", "%", "#"],
    cursor: "^",
    branches: ["|-", "`-"],
    reverted: "<",
    now: "*",
    folds: ["v", ">"],
    pending: ".",
    arrows: ["Up", "Down", "Left", "Right"],
    bar: ["#", "-"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr as _;

    fn all(glyphs: &Glyphs) -> Vec<&'static str> {
        let mut all = vec![
            glyphs.mark,
            glyphs.ellipsis,
            glyphs.rule,
            glyphs.wall,
            glyphs.tee,
            glyphs.cursor,
            glyphs.now,
            glyphs.pending,
        ];
        all.extend(glyphs.corners);
        all.extend(glyphs.folds);
        all.extend(glyphs.shades);
        all.extend(glyphs.bar);
        all
    }

    #[test]
    fn every_sign_is_one_column_wide() {
        for glyph in all(&UNICODE).into_iter().chain(all(&ASCII)) {
            assert_eq!(glyph.width(), 1, "{glyph}");
        }
    }

    #[test]
    fn the_ascii_set_is_ascii() {
        assert!(all(&ASCII).iter().all(|glyph| glyph.is_ascii()));
        let longer = ASCII.arrows.into_iter().chain(ASCII.branches);
        assert!(longer.into_iter().all(str::is_ascii));
    }

    #[test]
    fn five_shades_are_five_different_signs() {
        for glyphs in [&UNICODE, &ASCII] {
            for (index, shade) in glyphs.shades.iter().enumerate() {
                assert!(!glyphs.shades[..index].contains(shade));
            }
        }
    }

    #[test]
    fn a_locale_without_utf8_gets_ascii() {
        assert_eq!(Charset::detect(Some("C"), Some("xterm")), Charset::Ascii);
        assert_eq!(Charset::detect(None, Some("xterm")), Charset::Ascii);
        assert_eq!(
            Charset::detect(Some("de_DE.UTF-8"), Some("xterm")),
            Charset::Unicode
        );
        assert_eq!(
            Charset::detect(Some("C.utf8"), Some("linux")),
            Charset::Ascii
        );
    }
}
