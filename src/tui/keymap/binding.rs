//! One row of a key table, and the macro that writes them.

use crate::tui::command::Command;
use crate::tui::keymap::Context;

/// The section of the help overlay a row stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray)]
pub enum HelpSection {
    Move,
    /// Looking at something else.
    Look,
    Find,
    Take,
    Work,
    Screen,
    Leave,
}

/// One row of the table.
#[derive(Debug)]
pub struct Binding {
    /// The command's name in the config file.
    pub name: &'static str,
    pub command: Command,
    /// Where it holds.
    pub contexts: &'static [Context],
    /// Its keys, as [`super::Key::parse`] reads them.
    pub keys: &'static [&'static str],
    /// Its place in the footer, 1 first; 0 = not in the footer.
    pub rank: u8,
    /// Its word in the footer.
    pub short: &'static str,
    /// What it does, for help.
    pub long: &'static str,
    pub group: HelpSection,
}

/// A key table: a row is its name, command, contexts, keys, rank and word in the footer, section and words of help. The
/// command `own` is the screen's own of that name, `show` opens the screen of that name.
macro_rules! bindings {
    (@command $name:literal own) => { $crate::tui::command::Command::Own($name) };
    (@command $name:literal show) => { $crate::tui::command::Command::Show($crate::tui::view::View($name)) };
    (@command $name:literal $command:ident) => { $crate::tui::command::Command::$command };
    ($($name:literal $command:ident in $contexts:expr, [$($key:literal)*], $rank:literal $short:literal, $group:ident: $long:literal;)*) => {
        &[$($crate::tui::keymap::Binding {
            name: $name,
            command: $crate::tui::keymap::bindings!(@command $name $command),
            contexts: $contexts,
            keys: &[$($key),*],
            rank: $rank,
            short: $short,
            long: $long,
            group: $crate::tui::keymap::HelpSection::$group,
        }),*]
    };
}

pub(in crate::tui) use bindings;
