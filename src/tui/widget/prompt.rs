//! One line of typing: characters, Backspace, ^U; shown at its end.

use crossterm::event::KeyCode;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::keymap::Key;
use crate::tui::theme::Role;
use crate::tui::widget::text::Line;

/// The longest text that can be typed, in characters: longer than any name on disk.
const LONGEST: usize = 300;

/// A line being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    text: String,
}

/// What became of a typed line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    Changed,
    /// Enter: the text is meant.
    Done,
    /// Esc or ^C, or Backspace on nothing: never mind.
    Gone,
}

impl Prompt {
    /// A prompt that begins with a text.
    pub fn with(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes a key; `None` if it means nothing here.
    pub fn key(&mut self, key: Key) -> Option<Typing> {
        Some(match (key.code, key.ctrl) {
            (KeyCode::Enter, _) => Typing::Done,
            (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => Typing::Gone,
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => {
                if self.text.pop().is_some() {
                    Typing::Changed
                } else {
                    Typing::Gone
                }
            }
            (KeyCode::Char('u'), true) => {
                self.text.clear();
                Typing::Changed
            }
            (KeyCode::Char(c), false) => {
                self.paste(&c.to_string());
                Typing::Changed
            }
            _ => return None,
        })
    }

    /// Takes pasted text; what is no printable character is left out.
    pub fn paste(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.chars().count());
        let safe = crate::text::escape(text);
        self.text.extend(safe.chars().take(room));
    }

    /// The line to show: label, the end of the text, a block for the cursor.
    pub fn line(&self, label: &str, width: usize) -> Line {
        let room = width.saturating_sub(label.width() + 2);
        let mut start = 0;
        while self
            .text
            .get(start..)
            .is_some_and(|rest| rest.width() > room)
        {
            start += self
                .text
                .get(start..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8);
        }
        Line::of(Role::Key, label)
            .with(Role::Text, self.text.get(start..).unwrap_or_default())
            .with(Role::Selected, " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(prompt: &mut Prompt, keys: &[&str]) -> Option<Typing> {
        keys.iter()
            .map(|key| prompt.key(Key::parse(key).unwrap()))
            .last()
            .unwrap()
    }

    #[test]
    fn typing_and_taking_back() {
        let mut prompt = Prompt::default();
        assert_eq!(
            typed(&mut prompt, &["w", "e", "b", "Space", "Backspace", "検"]),
            Some(Typing::Changed)
        );
        assert_eq!(prompt.text(), "web検");
        assert_eq!(typed(&mut prompt, &["Enter"]), Some(Typing::Done));
        assert_eq!(typed(&mut prompt, &["^U", "Backspace"]), Some(Typing::Gone));
        assert_eq!(typed(&mut prompt, &["Esc"]), Some(Typing::Gone));
    }

    #[test]
    fn q_and_other_command_keys_are_just_letters() {
        let mut prompt = Prompt::default();
        typed(&mut prompt, &["q", "?", "d", "]"]);
        assert_eq!(prompt.text(), "q?d]");
    }

    #[test]
    fn pasted_escape_codes_are_escaped() {
        let mut prompt = Prompt::default();
        prompt.paste("a\u{1b}[2Jb\n");
        assert!(!prompt.text().contains('\u{1b}') && !prompt.text().contains('\n'));
    }

    #[test]
    fn the_end_of_a_long_text_is_shown() {
        let prompt = Prompt::with("0123456789検証");
        let line = prompt.line("/", 9);
        assert!(line.width() <= 9);
        assert!(line.plain().ends_with("検証"));
    }
}
