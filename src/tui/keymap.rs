//! The key table: keys, command, context, words. It feeds dispatch, the footer, the help overlay, the
//! manual page and the `[keys]` section of the config file. Its rows come from [`COMMON`] and from each screen's file.

mod binding;
mod key;
mod table;

use std::collections::{BTreeMap, HashMap};

use crate::text::Charset;
use crate::tui::command::Command;
use crate::tui::view::View;

pub(in crate::tui) use binding::bindings;
pub use binding::{Binding, HelpSection};
pub use key::Key;
pub use table::COMMON;

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    Any,
    View(View),
    /// After the sort key: by what.
    Sort,
    /// After the copy key: what.
    Copy,
}

impl Context {
    /// Its word in help and manual page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "every view",
            Self::View(view) => view.0,
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
        key: String,
        first: &'static str,
        second: &'static str,
        context: &'static str,
    },
}

/// The key table in force: the built-in one with the overrides of a config file.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    bindings: Vec<ActiveBinding>,
    lookup: HashMap<(Context, Key), Command>,
}

/// One row of the table in force.
#[derive(Debug, Clone)]
pub struct ActiveBinding {
    /// The row of the built-in table: command, context and words.
    pub binding: &'static Binding,
    /// The keys in force.
    pub keys: Vec<Key>,
}

impl ActiveBinding {
    fn first_key(&self, charset: Charset) -> String {
        let key = self.keys.first();
        key.map(|key| key.show(charset)).unwrap_or_default()
    }

    /// Every key, as help shows them.
    pub fn all_keys(&self, charset: Charset) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| key.show(charset)).collect();
        keys.join(" ")
    }
}

impl Keymap {
    /// A table with overrides: command name to its keys.
    ///
    /// # Errors
    /// When an override names no command or no key, or two commands would share a key in one context.
    pub fn new(
        table: &[&'static Binding],
        overrides: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, KeymapError> {
        for name in overrides.keys() {
            if !table.iter().any(|binding| binding.name == name) {
                return Err(KeymapError::Command(name.clone()));
            }
        }
        let mut bindings = Vec::with_capacity(table.len());
        for binding in table.iter().copied() {
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
            bindings.push(ActiveBinding { binding, keys });
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
    pub fn rows(&self, context: Context) -> impl Iterator<Item = &ActiveBinding> {
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
            .filter(|bound| !matches!(bound.binding.command, Command::Show(view) if Context::View(view) == context))
            .collect();
        rows.sort_by_key(|bound| rank(bound.binding, context));
        rows.into_iter()
            .map(|bound| (bound.first_key(charset), bound.binding.short))
            .collect()
    }

    /// The key of a command as it is shown, for sentences that name it; empty if it has none.
    pub fn key_of(&self, command: Command, charset: Charset) -> String {
        self.bindings
            .iter()
            .find(|bound| bound.binding.command == command)
            .map(|bound| bound.first_key(charset))
            .unwrap_or_default()
    }
}

/// The place in a footer. Jumping is what one does in a map or a list of runs; the tree says it in its status line.
fn rank(binding: &Binding, context: Context) -> u8 {
    if binding.command == Command::Next && context != Context::View(View::HOME) {
        3
    } else {
        binding.rank
    }
}

fn conflict(key: Key, first: &Binding, second: &Binding, context: Context) -> KeymapError {
    KeymapError::Conflict {
        key: key.show(Charset::Ascii),
        first: first.name,
        second: second.name,
        context: context.word(),
    }
}
