//! The text of LVM2's metadata (`libdm/libdm-config.c`): sections in braces, names with numbers, quoted texts and lists.

use std::borrow::Cow;

/// Sections and lists in one another: LVM writes three.
const DEPTH_MAX: usize = 16;
/// Names, values and sections together: 65,536 segments of eight and 4,096 volumes fit.
const VALUES_MAX: usize = 700_000;

/// Where a text stops being one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextError {
    /// Byte of the text.
    pub at: usize,
    pub expected: &'static str,
    pub found: String,
}

/// What a name stands for.
#[derive(Debug, PartialEq)]
pub(super) enum TextValue<'t> {
    Number(i64),
    /// As it stands between its quotes.
    Quoted(&'t str),
    List(Vec<TextValue<'t>>),
    Section(Section<'t>),
}

impl<'t> TextValue<'t> {
    pub(super) fn text(&self) -> Option<Cow<'t, str>> {
        let Self::Quoted(raw) = self else {
            return None;
        };
        if !raw.contains('\\') {
            return Some(Cow::Borrowed(raw));
        }
        let mut text = String::with_capacity(raw.len());
        let mut letters = raw.chars();
        while let Some(letter) = letters.next() {
            let next = if letter == '\\' {
                letters.next()
            } else {
                Some(letter)
            };
            text.extend(next);
        }
        Some(Cow::Owned(text))
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// Names and values in the order of the text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Section<'t>(pub Vec<(&'t str, TextValue<'t>)>);

impl<'t> Section<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&TextValue<'t>> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<Cow<'t, str>> {
        self.get(name)?.text()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.number()
    }

    pub(super) fn list(&self, name: &str) -> &[TextValue<'t>] {
        match self.get(name) {
            Some(TextValue::List(values)) => values,
            _ => &[],
        }
    }

    pub(super) fn section(&self, name: &str) -> Option<&Self> {
        match self.get(name)? {
            TextValue::Section(section) => Some(section),
            _ => None,
        }
    }

    /// The sections in it, with their names.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&'t str, &Self)> {
        self.0.iter().filter_map(|(name, value)| match value {
            TextValue::Section(section) => Some((*name, section)),
            _ => None,
        })
    }
}

/// Parses a whole text, or its beginning up to a NUL.
pub(super) fn parse(text: &str) -> Result<Section<'_>, TextError> {
    let text = text.split('\0').next().unwrap_or_default();
    let mut parser = Parser {
        text,
        at: 0,
        room: VALUES_MAX,
    };
    let whole = parser.section(0)?;
    match parser.peek() {
        None => Ok(whole),
        Some(_) => Err(parser.error("a name or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    room: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// The next character that is neither space nor comment.
    fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let bare = rest.trim_start();
            self.skip(rest.len().saturating_sub(bare.len()));
            if !bare.starts_with('#') {
                return bare.chars().next();
            }
            self.skip(bare.find('\n').unwrap_or(bare.len()));
        }
    }

    fn error(&self, expected: &'static str) -> TextError {
        let found: String = self.rest().chars().take(20).collect();
        TextError {
            at: self.at,
            expected,
            found: if found.is_empty() {
                "the end".to_owned()
            } else {
                found
            },
        }
    }

    fn count(&mut self) -> Result<(), TextError> {
        match self.room.checked_sub(1) {
            Some(room) => self.room = room,
            None => return Err(self.error("at most 700,000 values")),
        }
        Ok(())
    }

    fn deeper(&self, depth: usize) -> Result<usize, TextError> {
        let depth = depth.saturating_add(1);
        if depth > DEPTH_MAX {
            return Err(self.error("at most 16 sections in one another"));
        }
        Ok(depth)
    }

    fn take(&mut self, wanted: char, expected: &'static str) -> Result<(), TextError> {
        if self.peek() != Some(wanted) {
            return Err(self.error(expected));
        }
        self.skip(wanted.len_utf8());
        Ok(())
    }

    fn section(&mut self, depth: usize) -> Result<Section<'t>, TextError> {
        let depth = self.deeper(depth)?;
        let mut entries = Vec::new();
        while !matches!(self.peek(), None | Some('}')) {
            self.count()?;
            let name = self.name()?;
            let value = match self.peek() {
                Some('{') => {
                    self.skip(1);
                    let section = self.section(depth)?;
                    self.take('}', "the end of the section")?;
                    TextValue::Section(section)
                }
                Some('=') => {
                    self.skip(1);
                    self.value(depth)?
                }
                _ => return Err(self.error("= or {")),
            };
            entries.push((name, value));
        }
        Ok(Section(entries))
    }

    fn name(&mut self) -> Result<&'t str, TextError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let len = rest
            .find(|letter: char| letter.is_whitespace() || "={}[],#\"".contains(letter))
            .unwrap_or(rest.len());
        match rest.get(..len) {
            Some(name) if !name.is_empty() => {
                self.skip(len);
                Ok(name)
            }
            _ => Err(self.error("a name")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<TextValue<'t>, TextError> {
        match self.peek() {
            Some('"') => self.quoted().map(TextValue::Quoted),
            Some('[') => {
                let depth = self.deeper(depth)?;
                self.skip(1);
                let mut values = Vec::new();
                while self.peek() != Some(']') {
                    self.count()?;
                    values.push(self.value(depth)?);
                    if self.peek() == Some(',') {
                        self.skip(1);
                    } else if self.peek() != Some(']') {
                        return Err(self.error(", or ]"));
                    }
                }
                self.skip(1);
                Ok(TextValue::List(values))
            }
            _ => {
                let rest = self.rest();
                let len = rest
                    .find(|letter: char| !(letter.is_ascii_digit() || "+-.".contains(letter)))
                    .unwrap_or(rest.len());
                let digits = rest.get(..len).unwrap_or_default();
                // Fractions stand in no value that is used here.
                let whole = digits.split('.').next().unwrap_or_default();
                let number = whole.parse().map_err(|_| self.error("a value"))?;
                self.skip(len);
                Ok(TextValue::Number(number))
            }
        }
    }

    /// What stands between two quotes; in it a backslash takes the next character with it.
    fn quoted(&mut self) -> Result<&'t str, TextError> {
        let inner = self.rest().get(1..).unwrap_or_default();
        let mut is_escaped = false;
        let end = inner.find(|letter: char| {
            let is_end = letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            is_end
        });
        let text = end.and_then(|end| inner.get(..end));
        match text {
            Some(text) => {
                self.skip(text.len().saturating_add(2));
                Ok(text)
            }
            None => Err(self.error("a closing quote")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_value_is_read() {
        let text = r#"
            # a comment
            vg0 { seqno = 7	flags = [] status = ["READ", "WRITE"]
                sub{a=-1 b = "x\"y\\" } # behind
                stripes = [ "pv0", 12, [ 1 ] ] size = 1.5
            }
            description = "lvcreate # no comment" "#;
        let text = format!("{text}\0 behind {{ }} }}");
        let whole = parse(&text).unwrap();
        let group = whole.section("vg0").unwrap();
        assert_eq!(group.number("seqno"), Some(7));
        assert_eq!(group.list("flags"), []);
        assert_eq!(group.list("status")[1].text().unwrap(), "WRITE");
        assert_eq!(group.list("stripes")[1].number(), Some(12));
        assert_eq!(group.number("size"), Some(1));
        let sub = group.section("sub").unwrap();
        assert_eq!(sub.number("a"), None);
        assert_eq!(sub.text("b").unwrap(), "x\"y\\");
        assert_eq!(whole.text("description").unwrap(), "lvcreate # no comment");
        assert_eq!(whole.sections().count(), 1);
    }

    #[test]
    fn what_is_no_such_text_is_told_with_its_place() {
        for (text, at, expected) in [
            ("a", 1, "= or {"),
            ("a = ", 4, "a value"),
            ("a { b = 1", 9, "the end of the section"),
            ("}", 0, "a name or the end"),
            ("a = [1 2]", 7, ", or ]"),
            ("a = [1", 6, ", or ]"),
            ("a = \"x\\\"", 4, "a closing quote"),
            ("= 1", 0, "a name"),
            ("a = 99999999999999999999", 4, "a value"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.at, error.expected), (at, expected), "{text}");
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        assert!(parse(&format!("{}{}", "a{".repeat(15), "}".repeat(15))).is_ok());
        assert!(parse(&"a{".repeat(16)).is_err());
        assert!(parse(&format!("a={}", "[".repeat(1 << 20))).is_err());
        assert!(parse(&"a=1\n".repeat(VALUES_MAX)).is_ok());
        assert!(parse(&"a=1\n".repeat(VALUES_MAX + 1)).is_err());
    }
}
