//! One key, as the table and the config file write it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::text::Charset;

/// One key: a character or a named key, with or without Ctrl. Shift is in the character itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    /// Held with Ctrl.
    pub ctrl: bool,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("BackTab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Space", KeyCode::Char(' ')),
    ("F1", KeyCode::F(1)),
];

impl Key {
    /// The key of a terminal event; `None` for a release, and for keys held with Alt or the like, which mean nothing here.
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        // On Windows every key arrives twice.
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let others =
            KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META;
        if event.modifiers.intersects(others) {
            return None;
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Some(Self { code, ctrl })
    }

    /// Reads a key as the table writes it: `j`, `G`, `Up`, `PgDn`, `Space`, `^D` or `Ctrl-D`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Some(Self {
                code: *code,
                ctrl: false,
            });
        }
        let held = text
            .strip_prefix("Ctrl-")
            .or_else(|| text.strip_prefix('^').filter(|rest| !rest.is_empty()));
        let mut chars = held.unwrap_or(text).chars();
        let c = chars.next().filter(|_| chars.next().is_none())?;
        let ctrl = held.is_some();
        let c = if ctrl { c.to_ascii_lowercase() } else { c };
        Some(Self {
            code: KeyCode::Char(c),
            ctrl,
        })
    }

    /// The key as people read it.
    pub fn show(self, charset: Charset) -> String {
        let arrows = charset.glyphs().arrows;
        match self.code {
            KeyCode::Up => arrows[0].to_owned(),
            KeyCode::Down => arrows[1].to_owned(),
            KeyCode::Left => arrows[2].to_owned(),
            KeyCode::Right => arrows[3].to_owned(),
            KeyCode::Char(c) if self.ctrl => format!("^{}", c.to_ascii_uppercase()),
            code => NAMED
                .iter()
                .find(|(_, named)| *named == code)
                .map_or_else(|| code.to_string(), |(name, _)| (*name).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_and_read_the_same() {
        for text in ["j", "G", "]", "PgDn", "Space", "^D", "F1", "Esc", "?", "^"] {
            let key = Key::parse(text).unwrap();
            assert_eq!(key.show(Charset::Ascii), text);
        }
        assert_eq!(Key::parse("Ctrl-D"), Key::parse("^d"));
        assert_eq!(Key::parse("jj"), None);
        assert_eq!(Key::parse(""), None);
    }

    #[test]
    fn a_release_and_an_alt_chord_are_no_keys() {
        let mut event = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::NONE);
        assert_eq!(Key::from_event(&event), Key::parse("d"));
        event.kind = KeyEventKind::Release;
        assert_eq!(Key::from_event(&event), None);
        let alt = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::ALT);
        assert_eq!(Key::from_event(&alt), None);
        let shift = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Key::from_event(&shift), Key::parse("G"));
    }
}
