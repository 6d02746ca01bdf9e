//! The rows that hold in every screen. Each screen's own stand in its file.

use super::bindings;
use crate::tui::keymap::Binding;
use crate::tui::keymap::Context::{Any, Copy};

/// The rows that hold in every screen, in the order of help.
pub static COMMON: &[Binding] = bindings! {
    "down" Down in &[Any], ["j" "Down"], 0 "down", Move: "one row down";
    "up" Up in &[Any], ["k" "Up"], 0 "up", Move: "one row up";
    "first" First in &[Any], ["Home"], 0 "first", Move: "first row";
    "last" Last in &[Any], ["End" "G"], 0 "last", Move: "last row";
    "page-down" PageDown in &[Any], ["PgDn" "^F"], 0 "page", Move: "a page down";
    "page-up" PageUp in &[Any], ["PgUp" "^B"], 0 "page", Move: "a page up";
    "half-down" HalfDown in &[Any], ["^D"], 0 "half", Move: "half a page down";
    "half-up" HalfUp in &[Any], ["^U"], 0 "half", Move: "half a page up";
    "next" Next in &[Any], ["]"], 30 "next", Move: "the next interesting thing: problem, run, differing run, disk of the chain";
    "previous" Previous in &[Any], ["["], 0 "previous", Move: "the previous one";
    "pager" Pager in &[Any], ["v"], 0 "pager", Look: "this view as text in $PAGER";
    "copy" Copy in &[Any], ["y"], 20 "copy", Take: "copy: the last line asks what";
    "copy-path" CopyPath in &[Copy], ["p"], 1 "path", Take: "the path";
    "copy-id" CopyId in &[Copy], ["i"], 2 "id", Take: "the disk's id";
    "copy-name" CopyName in &[Copy], ["n"], 3 "name", Take: "the name";
    "copy-json" CopyJson in &[Copy], ["j"], 4 "JSON", Take: "this disk as JSON";
    "copy-command" CopyCommand in &[Copy], ["c"], 5 "command", Take: "the command line that shows the same";
    "export" Export in &[Any], ["E"], 0 "export", Take: "write the store as JSON, or the view as text, into a new file of the export folder";
    "reread" Reread in &[Any], ["r"], 0 "reread", Work: "read this disk again";
    "rescan" Rescan in &[Any], ["R"], 0 "rescan", Work: "read the whole store again";
    "watch" Watch in &[Any], ["w"], 0 "watch", Work: "watch the store for changes, or stop";
    "interrupt" Interrupt in &[Any], ["^C"], 0 "stop", Work: "stop the running job and keep what is known; if none runs, quit";
    "pane" SwapPane in &[Any], ["Tab"], 0 "pane", Screen: "the other pane; below the tree the story of the selected row";
    "whole" WholePane in &[Any], ["_"], 0 "whole", Screen: "this pane on the whole screen, or back";
    "full" Full in &[Any], ["z"], 0 "full", Screen: "full names, ids and exact bytes";
    "ascii" Ascii in &[Any], ["A"], 0 "ASCII", Screen: "plain ASCII signs, or back";
    "theme" Theme in &[Any], ["T"], 0 "theme", Screen: "the next theme";
    "mouse" Mouse in &[Any], ["M"], 0 "mouse", Screen: "mouse on or off";
    "redraw" Redraw in &[Any], ["^L"], 0 "redraw", Screen: "draw everything again";
    "help" Help in &[Any], ["?" "F1"], 40 "help", Leave: "the keys of this view; again for all of them";
    "back" Back in &[Any], ["Esc" "Backspace"], 0 "back", Leave: "back; never quits";
    "quit" Quit in &[Any], ["q"], 41 "quit", Leave: "leave";
    "suspend" Suspend in &[Any], ["^Z"], 0 "suspend", Leave: "to the shell; fg comes back";
};
