//! The config file: TOML whose keys are the long flags of the command line, and a `[keys]` table. Flags win over it.
//!
//! It is read from the user's configuration folder (`~/.config/vhdtree/config.toml`, `%APPDATA%\vhdtree\config.toml`),
//! or from where `--config` says. A key that is not known is a warning with its line, never an error: a newer file must
//! not stop an older program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// The user's folders, by the environment; `None` where it names no home.
///
/// The user data base is not asked: that loads modules of the system, and a static program dies of those of another C library.
pub(crate) fn user_folders() -> Option<impl etcetera::BaseStrategy> {
    let has_home = std::env::var_os("HOME").is_some_and(|home| !home.is_empty());
    (has_home || cfg!(windows)).then(|| etcetera::choose_base_strategy().ok())?
}

/// The file that is shipped: every key, commented.
pub const EXAMPLE: &str = include_str!("../assets/config.toml");

/// What a config file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `theme`: name or path.
    pub theme: Option<String>,
    /// `ascii`: only ASCII signs.
    pub ascii: Option<bool>,
    /// `mouse`: listen to the mouse.
    pub mouse: Option<bool>,
    /// `color`: `auto`, `always` or `never`.
    pub color: Option<String>,
    /// `local`: times in the zone of this machine.
    pub local: Option<bool>,
    /// `bytes`: exact bytes.
    pub bytes: Option<bool>,
    /// `sort`: a column's word, with a leading `-` the other way round.
    pub sort: Option<String>,
    /// `[keys]`: command to its keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What was not understood: sentences.
    pub warnings: Vec<String>,
}

/// Why a config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no TOML.
    #[error("{}: {message}", path.display())]
    Syntax {
        path: PathBuf,
        /// What is wrong, with line and column.
        message: String,
    },
}

impl Config {
    /// Where the file is looked for without `--config`; `None` if the system names no such folder.
    pub fn usual_path() -> Option<PathBuf> {
        let folders = user_folders()?;
        Some(folders.config_dir().join("vhdtree").join("config.toml"))
    }

    /// Reads the file at its usual place; nothing is there: nothing is said.
    ///
    /// # Errors
    /// When a file is there and cannot be used.
    pub fn usual() -> Result<Self, ConfigError> {
        match Self::usual_path() {
            Some(path) if path.exists() => Self::read(&path),
            _ => Ok(Self::default()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no TOML.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|message| ConfigError::Syntax {
            path: path.to_owned(),
            message,
        })
    }

    /// Reads text.
    ///
    /// # Errors
    /// When it is no TOML: what is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| error.to_string())?;
        let mut config = Self::default();
        for (key, value) in &table {
            let fits = match key.as_str() {
                "theme" => set(&mut config.theme, value.as_str().map(str::to_owned)),
                "color" => set(&mut config.color, value.as_str().map(str::to_owned)),
                "sort" => set(&mut config.sort, value.as_str().map(str::to_owned)),
                "ascii" => set(&mut config.ascii, value.as_bool()),
                "mouse" => set(&mut config.mouse, value.as_bool()),
                "local" => set(&mut config.local, value.as_bool()),
                "bytes" => set(&mut config.bytes, value.as_bool()),
                "keys" => match value.as_table() {
                    Some(keys) => {
                        config.read_keys(keys, text);
                        true
                    }
                    None => false,
                },
                _ => {
                    config
                        .warnings
                        .push(format!("line {}: {key} is not known", line_of(text, key)));
                    true
                }
            };
            if !fits {
                config.warnings.push(format!(
                    "line {}: {key} cannot be {value}",
                    line_of(text, key)
                ));
            }
        }
        Ok(config)
    }

    fn read_keys(&mut self, table: &toml::Table, text: &str) {
        for (command, value) in table {
            let keys: Option<Vec<String>> = match value {
                toml::Value::String(key) => Some(vec![key.clone()]),
                toml::Value::Array(keys) => keys
                    .iter()
                    .map(|key| key.as_str().map(str::to_owned))
                    .collect(),
                _ => None,
            };
            match keys {
                Some(keys) => {
                    self.keys.insert(command.clone(), keys);
                }
                None => self.warnings.push(format!(
                    "line {}: {command} needs a key or a list of keys",
                    line_of(text, command)
                )),
            }
        }
    }
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value;
    fits
}

/// The line on which a key stands, counted from 1.
fn line_of(text: &str, key: &str) -> usize {
    let stands = |line: &str| {
        let line = line.trim_start().trim_start_matches(['[', '"']);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '"', '.']))
    };
    text.lines().position(stands).map_or(1, |line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_understood_as_it_is_and_with_every_line_in_force() {
        let shipped = Config::parse(EXAMPLE).unwrap();
        assert_eq!(shipped, Config::default());
        let in_force: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let config = Config::parse(&in_force).unwrap();
        assert_eq!(config.warnings, Vec::<String>::new());
        assert!(config.theme.is_some() && config.ascii.is_some() && config.mouse.is_some());
        assert!(
            config.color.is_some()
                && config.local.is_some()
                && config.sort.is_some()
                && config.bytes.is_some()
        );
        assert!(!config.keys.is_empty());
        crate::tui::screens::keymap(&config.keys).unwrap();
    }

    #[test]
    fn what_is_not_known_is_a_warning_with_its_line() {
        let config =
            Config::parse("theme = \"mono\"\nthmee = 1\nascii = \"yes\"\n[keys]\nquit = 3\n")
                .unwrap();
        assert_eq!(config.theme.as_deref(), Some("mono"));
        assert_eq!(
            config.warnings,
            [
                "line 3: ascii cannot be \"yes\"",
                "line 5: quit needs a key or a list of keys",
                "line 2: thmee is not known"
            ]
        );
    }

    #[test]
    fn what_is_no_toml_says_where() {
        assert!(
            Config::parse("theme = \"mono\"\n= =")
                .unwrap_err()
                .contains("line 2")
        );
    }
}
