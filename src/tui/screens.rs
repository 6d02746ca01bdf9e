//! The table of screens. A screen is one file below here and one row of this table: its number among the tabs is its place.

mod details;
mod diff;
mod files;
mod health;
mod map;
mod plan;
mod tree;

use std::collections::BTreeMap;

use crate::tui::keymap::{Binding, COMMON, Keymap, KeymapError};
use crate::tui::screen::{Screen, ScreenEntry};
use crate::tui::view::View;

/// Every screen, in the order of their numbers; the first is where every way begins.
pub static SCREENS: [ScreenEntry; 7] = [
    tree::ENTRY,
    details::ENTRY,
    map::ENTRY,
    diff::ENTRY,
    plan::ENTRY,
    health::ENTRY,
    files::ENTRY,
];

/// What the panes below the tree show, left and right.
pub const PANES: [View; 2] = [details::VIEW, map::VIEW];

/// The name of a screen among the tabs.
pub fn title(view: View) -> &'static str {
    let entry = SCREENS.iter().find(|entry| entry.view == view);
    entry.map_or("", |entry| entry.title)
}

/// Every row of the key table: what holds everywhere, then each screen's own.
pub fn bindings() -> Vec<&'static Binding> {
    let own = SCREENS.iter().flat_map(|entry| entry.keys);
    COMMON.iter().chain(own).collect()
}

/// The key table with the overrides of a config file.
///
/// # Errors
/// When an override names no command or no key, or two commands would share a key.
pub fn keymap(overrides: &BTreeMap<String, Vec<String>>) -> Result<Keymap, KeymapError> {
    Keymap::new(&bindings(), overrides)
}

#[derive(Debug)]
pub struct Screens(Vec<(View, Box<dyn Screen>)>);

impl Default for Screens {
    fn default() -> Self {
        let make = |entry: &ScreenEntry| (entry.view, (entry.make)());
        Self(SCREENS.iter().map(make).collect())
    }
}

impl Screens {
    /// The screen of a name; the first one if there is none of that name.
    pub fn get(&self, view: View) -> &dyn Screen {
        self.0[self.place(view)].1.as_ref()
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, view: View) -> &mut dyn Screen {
        let place = self.place(view);
        self.0[place].1.as_mut()
    }

    /// All of them.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Box<dyn Screen>> {
        self.0.iter_mut().map(|(_, screen)| screen)
    }

    fn place(&self, view: View) -> usize {
        self.0
            .iter()
            .position(|(known, _)| *known == view)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Charset;
    use crate::tui::command::Command;
    use crate::tui::keymap::{Context, Key};

    const TREE: Context = Context::View(View::HOME);
    const MAP: Context = Context::View(map::VIEW);

    fn built_in() -> Keymap {
        keymap(&BTreeMap::new()).unwrap()
    }

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn no_key_means_two_things_in_one_context() {
        built_in();
    }

    #[test]
    fn every_key_of_the_table_is_a_key() {
        for binding in bindings() {
            for text in binding.keys {
                assert!(Key::parse(text).is_some(), "{}: {text}", binding.name);
            }
        }
    }

    #[test]
    fn a_name_is_one_command_and_every_row_says_what_it_does() {
        let all = bindings();
        for binding in &all {
            assert!(
                !binding.long.is_empty() && !binding.contexts.is_empty(),
                "{}",
                binding.name
            );
            for other in all.iter().filter(|other| other.name == binding.name) {
                assert_eq!(other.command, binding.command, "{}", binding.name);
                let apart = std::ptr::eq(*other, *binding) || other.contexts != binding.contexts;
                assert!(apart, "{}", binding.name);
            }
        }
    }

    #[test]
    fn a_screen_knows_the_commands_of_its_own_file() {
        use crate::tui::screen::Act;
        use crate::tui::{sample, script};
        for entry in &SCREENS {
            for binding in entry.keys {
                if let Command::Own(name) = binding.command {
                    let mut app = script::browser(sample::store(), (80, 24));
                    let area = app.layout().body;
                    let act = (entry.make)().run(&mut app, binding.command, area);
                    assert!(!matches!(act, Act::Pass), "{name}");
                }
            }
        }
    }

    #[test]
    fn habit_does_no_harm() {
        let keymap = built_in();
        for entry in &SCREENS {
            let context = Context::View(entry.view);
            assert_eq!(
                keymap.command(context, key("d")),
                Some(Command::Show(View("plan")))
            );
            assert_eq!(keymap.command(context, key("Esc")), Some(Command::Back));
            assert_eq!(keymap.command(context, key("q")), Some(Command::Quit));
            assert_eq!(keymap.command(context, key("?")), Some(Command::Help));
        }
    }

    #[test]
    fn after_a_first_key_only_second_keys_count() {
        let keymap = built_in();
        assert_eq!(
            keymap.command(Context::Sort, key("n")),
            Some(Command::Own("sort-name"))
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
        let keymap = built_in();
        let words = |context| -> Vec<_> {
            let pairs = keymap.footer(context, Charset::Ascii);
            pairs.into_iter().map(|(_, word)| word).collect()
        };
        assert!(!words(MAP).contains(&"map"));
        assert!(words(Context::View(View("diff"))).contains(&"map"));
        assert!(!words(Context::View(View("plan"))).contains(&"plan"));
    }

    #[test]
    fn a_config_file_may_move_keys() {
        let overrides = BTreeMap::from([("help".to_owned(), vec!["H".to_owned()])]);
        let keymap = keymap(&overrides).unwrap();
        assert_eq!(keymap.command(TREE, key("H")), Some(Command::Help));
        assert_eq!(keymap.command(TREE, key("?")), None);
        assert_eq!(keymap.key_of(Command::Help, Charset::Ascii), "H");
    }

    #[test]
    fn a_config_file_may_not_put_two_commands_on_one_key() {
        let wrong = |name: &str, text: &str| {
            keymap(&BTreeMap::from([(name.to_owned(), vec![text.to_owned()])]))
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
