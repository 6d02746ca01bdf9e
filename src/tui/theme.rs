//! Roles and how they look. A view names a role, never a colour; every role is also told apart by a word or a sign.
//!
//! A theme file is TOML: `role = "bold red on black"`, one line a role, optionally `base = "light"` to patch another theme.
//! Colours: `default`, the sixteen ANSI names (`red`, `bright-red`, …), `0`-`255`, `#rrggbb`. Attributes: `bold`, `dim`,
//! `italic`, `underline`, `reverse`.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use ratatui::style::{Color, Modifier, Style};

pub use crate::report::page::Role;

/// A named set of styles, one per role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: BTreeMap<Role, Style>,
}

/// The themes that are always there: name and source.
pub static BUILT_IN: [(&str, &str); 4] = [
    ("ansi16", include_str!("../../assets/themes/ansi16.toml")),
    ("safe", include_str!("../../assets/themes/safe.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("mono", include_str!("../../assets/themes/mono.toml")),
];

/// Why a theme could not be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ThemeError {
    /// No built-in theme and no file of that name.
    #[error(
        "no theme called {0:?}; there are ansi16, safe, light, mono, or the path of a theme file"
    )]
    Unknown(String),
    /// The file could not be read.
    #[error("theme {0}: {1}")]
    Unreadable(String, String),
    /// The file is no TOML.
    #[error("theme {0}: {1}")]
    Syntax(String, String),
    /// A key that is no role.
    #[error("theme {0}: no role is called {1:?}")]
    Role(String, String),
    /// A value that is no style.
    #[error("theme {0}: {1}: {2:?} is neither a colour nor an attribute")]
    Style(String, &'static str, String),
    /// A theme that is its own base.
    #[error("theme {0}: its base may only be a built-in theme")]
    Base(String),
}

impl Theme {
    /// A built-in theme by name, or a theme file by path (a name with a dot or a separator in it).
    ///
    /// # Errors
    /// When there is no such theme, or the file does not hold one.
    pub fn load(name: &str) -> Result<Self, ThemeError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return Self::parse(name, text);
        }
        if !name.contains(['.', '/', '\\']) {
            return Err(ThemeError::Unknown(name.to_owned()));
        }
        let text = std::fs::read_to_string(name)
            .map_err(|error| ThemeError::Unreadable(name.to_owned(), error.to_string()))?;
        Self::parse(name, &text)
    }

    /// The theme without any colour: what `NO_COLOR` gets.
    pub fn mono() -> Self {
        Self::load("mono").unwrap_or_else(|_| Self {
            name: "mono".to_owned(),
            styles: BTreeMap::from([(
                Role::Selected,
                Style::new().add_modifier(Modifier::REVERSED),
            )]),
        })
    }

    /// Reads a theme from TOML text.
    ///
    /// # Errors
    /// When the text is no TOML, or names a role or a style that does not exist.
    pub fn parse(name: &str, text: &str) -> Result<Self, ThemeError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ThemeError::Syntax(name.to_owned(), error.message().to_owned())
        })?;
        let mut styles = match table.get("base").and_then(toml::Value::as_str) {
            None => BTreeMap::new(),
            Some(base) => match BUILT_IN.iter().find(|(built_in, _)| *built_in == base) {
                Some((built_in, text)) if *built_in != name => Self::parse(built_in, text)?.styles,
                _ => return Err(ThemeError::Base(name.to_owned())),
            },
        };
        for (key, value) in &table {
            if key == "base" {
                continue;
            }
            let role =
                Role::from_str(key).map_err(|_| ThemeError::Role(name.to_owned(), key.clone()))?;
            let words = value.as_str().unwrap_or("?");
            let style = parse_style(words)
                .map_err(|word| ThemeError::Style(name.to_owned(), role.word(), word.to_owned()))?;
            styles.insert(role, style);
        }
        Ok(Self {
            name: name.to_owned(),
            styles,
        })
    }

    /// The theme's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}

fn parse_style(words: &str) -> Result<Style, &str> {
    let mut style = Style::new();
    let mut background = false;
    for word in words.split_whitespace() {
        let modifier = match word {
            "on" => {
                background = true;
                continue;
            }
            "bold" => Some(Modifier::BOLD),
            "dim" => Some(Modifier::DIM),
            "italic" => Some(Modifier::ITALIC),
            "underline" => Some(Modifier::UNDERLINED),
            "reverse" => Some(Modifier::REVERSED),
            _ => None,
        };
        if let Some(modifier) = modifier {
            style = style.add_modifier(modifier);
            continue;
        }
        let color = parse_color(word).ok_or(word)?;
        style = if background {
            style.bg(color)
        } else {
            style.fg(color)
        };
    }
    Ok(style)
}

fn parse_color(word: &str) -> Option<Color> {
    Some(match word {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => {
            if let Some(hex) = word.strip_prefix('#') {
                if hex.len() != 6 {
                    return None;
                }
                let [_, red, green, blue] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
                Color::Rgb(red, green, blue)
            } else {
                Color::Indexed(word.parse().ok()?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_has_every_role() {
        for (name, text) in BUILT_IN {
            let theme = Theme::parse(name, text).unwrap();
            for role in Role::ALL {
                assert!(
                    theme.styles.contains_key(role),
                    "{name} lacks {}",
                    role.word()
                );
            }
            assert!(
                theme
                    .style(Role::Selected)
                    .add_modifier
                    .contains(Modifier::REVERSED),
                "{name}: the selection must show without colours"
            );
        }
    }

    #[test]
    fn mono_sets_no_colour_at_all() {
        let theme = Theme::mono();
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.word());
        }
    }

    #[test]
    fn the_default_theme_uses_the_terminals_own_palette() {
        let theme = Theme::load("ansi16").unwrap();
        for role in Role::ALL {
            let style = theme.style(*role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                    "{}",
                    role.word()
                );
            }
            assert_eq!(
                style.bg,
                None,
                "{}: a set background fights light terminals",
                role.word()
            );
        }
    }

    #[test]
    fn a_file_may_patch_a_built_in_theme() {
        let theme =
            Theme::parse("mine", "base = \"mono\"\nerror = \"bold #ff0000 on 17\"").unwrap();
        assert_eq!(theme.style(Role::Error).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(theme.style(Role::Error).bg, Some(Color::Indexed(17)));
        assert_eq!(
            theme.style(Role::Selected),
            Theme::mono().style(Role::Selected)
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert!(matches!(Theme::load("nope"), Err(ThemeError::Unknown(_))));
        assert!(
            matches!(Theme::parse("x", "eror = \"red\""), Err(ThemeError::Role(_, key)) if key == "eror")
        );
        assert!(
            matches!(Theme::parse("x", "error = \"rad\""), Err(ThemeError::Style(_, "error", word)) if word == "rad")
        );
        assert!(matches!(
            Theme::parse("x", "base = \"x\""),
            Err(ThemeError::Base(_))
        ));
        assert!(matches!(
            Theme::parse("x", "= ="),
            Err(ThemeError::Syntax(..))
        ));
    }
}
