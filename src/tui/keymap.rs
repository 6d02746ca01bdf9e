//! The one key table: keys, command, context, words. It feeds dispatch, the footer, the help overlay, the table in
//! README.md and the `[keys]` section of the config file.

mod key;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::text::Charset;
use crate::tui::command::Command;

pub use key::Key;
pub use table::{BINDINGS, Binding, Group};

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Every view.
    Any,
    /// The tree.
    Tree,
    /// The details of a disk.
    Details,
    /// The block map.
    Map,
    /// The diff.
    Diff,
    /// The delete plan.
    Plan,
    /// The findings.
    Health,
    /// After the sort key: by what.
    Sort,
    /// After the copy key: what.
    Copy,
}

impl Context {
    /// Its word in help and README.
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "every view",
            Self::Tree => "tree",
            Self::Details => "details",
            Self::Map => "map",
            Self::Diff => "diff",
            Self::Plan => "plan",
            Self::Health => "health",
            Self::Sort => "sort by",
            Self::Copy => "copy",
        }
    }
}

/// Why a key table of a config file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeymapError {
    /// No such command.
    #[error("[keys]: no command is called {0:?}")]
    Command(String),
    /// No such key.
    #[error("[keys] {0}: {1:?} is no key")]
    Key(String, String),
    /// Two commands on one key.
    #[error("[keys]: {key} would mean both {first} and {second} in {context}")]
    Conflict {
        /// The key.
        key: String,
        /// A command.
        first: &'static str,
        /// Another.
        second: &'static str,
        /// Where.
        context: &'static str,
    },
}

/// The key table in force: the built-in one with the overrides of a config file.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Bound>,
    lookup: HashMap<(Context, Key), Command>,
}

/// One row of the table in force.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The row of the built-in table: command, context and words.
    pub binding: &'static Binding,
    /// The keys in force.
    pub keys: Vec<Key>,
}

impl Keymap {
    /// The built-in table with overrides: command name to its keys.
    ///
    /// # Errors
    /// When an override names no command or no key, or two commands would share a key in one context.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        for name in overrides.keys() {
            if !BINDINGS.iter().any(|binding| binding.name == name) {
                return Err(KeymapError::Command(name.clone()));
            }
        }
        let mut bindings = Vec::with_capacity(BINDINGS.len());
        for binding in BINDINGS {
            let keys = match overrides.get(binding.name) {
                Some(texts) => texts
                    .iter()
                    .map(|text| {
                        Key::parse(text)
                            .ok_or_else(|| KeymapError::Key(binding.name.to_owned(), text.clone()))
                    })
                    .collect::<Result<Vec<_>, _>>()?,
                None => binding
                    .keys
                    .iter()
                    .filter_map(|text| Key::parse(text))
                    .collect(),
            };
            bindings.push(Bound { binding, keys });
        }
        let mut seen: HashMap<(Context, Key), &'static Binding> = HashMap::new();
        for bound in &bindings {
            for context in bound.binding.contexts {
                for key in &bound.keys {
                    if let Some(other) = seen.insert((*context, *key), bound.binding) {
                        return Err(conflict(*key, other, bound.binding, *context));
                    }
                }
            }
        }
        for ((context, key), binding) in &seen {
            let chord = matches!(context, Context::Any | Context::Sort | Context::Copy);
            if let Some(other) = seen.get(&(Context::Any, *key)).filter(|_| !chord) {
                return Err(conflict(*key, other, binding, *context));
            }
        }
        let lookup = seen
            .into_iter()
            .map(|(at, binding)| (at, binding.command))
            .collect();
        Ok(Self { bindings, lookup })
    }

    /// What a key asks for in a context. After a first key (`Sort`, `Copy`) only the second keys count.
    pub fn command(&self, context: Context, key: Key) -> Option<Command> {
        let here = self.lookup.get(&(context, key));
        let chord = matches!(context, Context::Sort | Context::Copy);
        here.or_else(|| self.lookup.get(&(Context::Any, key)).filter(|_| !chord))
            .copied()
    }

    /// The rows that hold in a context, its own first; for help. After a first key only its second keys hold.
    pub fn rows(&self, context: Context) -> impl Iterator<Item = &Bound> {
        let alone = matches!(context, Context::Any | Context::Sort | Context::Copy);
        let own = self
            .bindings
            .iter()
            .filter(move |bound| bound.binding.contexts.contains(&context));
        let any = self
            .bindings
            .iter()
            .filter(move |bound| !alone && bound.binding.contexts.contains(&Context::Any));
        own.chain(any)
    }

    /// The footer of a context: key and short word, most useful first.
    pub fn footer(&self, context: Context, charset: Charset) -> Vec<(String, &'static str)> {
        let mut rows: Vec<_> = self
            .rows(context)
            .filter(|bound| bound.binding.rank > 0 && !bound.keys.is_empty())
            .filter(|bound| bound.binding.command.opens() != Some(context))
            .collect();
        rows.sort_by_key(|bound| rank(bound.binding, context));
        rows.into_iter()
            .map(|bound| (footer_keys(bound, charset), bound.binding.short))
            .collect()
    }

    /// The key of a command as it is shown, for sentences that name it; empty if it has none.
    pub fn key_of(&self, command: Command, charset: Charset) -> String {
        self.bindings
            .iter()
            .find(|bound| bound.binding.command == command)
            .and_then(|bound| bound.keys.first())
            .map(|key| key.show(charset))
            .unwrap_or_default()
    }
}

/// The place in a footer. Jumping is what one does in a map or a list of runs; the tree says it in its status line.
fn rank(binding: &Binding, context: Context) -> u8 {
    if binding.command == Command::NextProblem && context != Context::Tree {
        3
    } else {
        binding.rank
    }
}

fn footer_keys(bound: &Bound, charset: Charset) -> String {
    bound
        .keys
        .first()
        .map(|key| key.show(charset))
        .unwrap_or_default()
}

fn conflict(key: Key, first: &Binding, second: &Binding, context: Context) -> KeymapError {
    KeymapError::Conflict {
        key: key.show(Charset::Ascii),
        first: first.name,
        second: second.name,
        context: context.word(),
    }
}

/// The key table as Markdown, for README.md.
pub fn markdown() -> String {
    let mut text =
        String::from("| keys | command | where | what it does |\n| --- | --- | --- | --- |\n");
    for binding in BINDINGS {
        let keys: Vec<String> = binding
            .keys
            .iter()
            .map(|key| format!("`{}`", key.replace('|', "\\|")))
            .collect();
        let contexts: Vec<&str> = binding
            .contexts
            .iter()
            .map(|context| context.word())
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            keys.join(" "),
            binding.name,
            contexts.join(", "),
            binding.long
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap() -> Keymap {
        Keymap::new(&BTreeMap::new()).unwrap()
    }

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn no_key_means_two_things_in_one_context() {
        keymap();
    }

    #[test]
    fn every_key_of_the_table_is_a_key() {
        for binding in BINDINGS {
            for text in binding.keys {
                assert!(Key::parse(text).is_some(), "{}: {text}", binding.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_every_row_says_what_it_does() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            assert!(
                !binding.long.is_empty() && !binding.contexts.is_empty(),
                "{}",
                binding.name
            );
            assert!(
                BINDINGS[..index]
                    .iter()
                    .all(|other| other.name != binding.name),
                "{}",
                binding.name
            );
        }
    }

    #[test]
    fn habit_does_no_harm() {
        let keymap = keymap();
        for context in [
            Context::Tree,
            Context::Details,
            Context::Map,
            Context::Diff,
            Context::Health,
        ] {
            assert_eq!(keymap.command(context, key("d")), Some(Command::ShowPlan));
            assert_eq!(keymap.command(context, key("Esc")), Some(Command::Back));
            assert_eq!(keymap.command(context, key("q")), Some(Command::Quit));
            assert_eq!(keymap.command(context, key("?")), Some(Command::Help));
        }
    }

    #[test]
    fn after_a_first_key_only_second_keys_count() {
        let keymap = keymap();
        assert_eq!(
            keymap.command(Context::Sort, key("n")),
            Some(Command::SortName)
        );
        assert_eq!(keymap.command(Context::Sort, key("q")), None);
        for context in [Context::Sort, Context::Copy] {
            for (shown, word) in keymap.footer(context, Charset::Ascii) {
                let works = keymap.command(context, key(&shown)).is_some();
                assert!(works, "{shown} {word}");
            }
        }
    }

    #[test]
    fn a_footer_does_not_offer_the_view_that_is_open() {
        let keymap = keymap();
        let words = |context| -> Vec<_> {
            let pairs = keymap.footer(context, Charset::Ascii);
            pairs.into_iter().map(|(_, word)| word).collect()
        };
        assert!(!words(Context::Map).contains(&"map"));
        assert!(words(Context::Diff).contains(&"map"));
        assert!(!words(Context::Plan).contains(&"plan"));
    }

    #[test]
    fn a_config_file_may_move_keys() {
        let overrides = BTreeMap::from([("help".to_owned(), vec!["H".to_owned()])]);
        let keymap = Keymap::new(&overrides).unwrap();
        assert_eq!(keymap.command(Context::Tree, key("H")), Some(Command::Help));
        assert_eq!(keymap.command(Context::Tree, key("?")), None);
        assert_eq!(keymap.key_of(Command::Help, Charset::Ascii), "H");
    }

    #[test]
    fn a_config_file_may_not_put_two_commands_on_one_key() {
        let wrong = |name: &str, text: &str| {
            Keymap::new(&BTreeMap::from([(name.to_owned(), vec![text.to_owned()])]))
        };
        assert!(matches!(
            wrong("help", "q"),
            Err(KeymapError::Conflict { .. })
        ));
        assert!(matches!(
            wrong("search", "q"),
            Err(KeymapError::Conflict { .. })
        ));
        assert!(matches!(wrong("hlep", "H"), Err(KeymapError::Command(_))));
        assert!(matches!(
            wrong("help", "Hyper-x"),
            Err(KeymapError::Key(..))
        ));
    }
}
