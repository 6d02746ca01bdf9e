//! The built-in rows.

use crate::tui::command::Command;
use crate::tui::keymap::Context::{self, Any, Copy, Details, Diff, Health, Map, Plan, Sort, Tree};

/// The section of the help overlay a row stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Moving the cursor.
    Move,
    /// Looking at something else.
    Look,
    /// Searching, filtering, sorting.
    Find,
    /// Taking something away.
    Take,
    /// Reading again.
    Work,
    /// How it looks.
    Screen,
    /// Going away.
    Leave,
}

impl Group {
    /// Its heading.
    pub fn word(self) -> &'static str {
        match self {
            Self::Move => "MOVE",
            Self::Look => "LOOK",
            Self::Find => "FIND",
            Self::Take => "TAKE AWAY",
            Self::Work => "WORK",
            Self::Screen => "SCREEN",
            Self::Leave => "LEAVE",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Binding {
    /// The command's name in the config file.
    pub name: &'static str,
    /// The command.
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
    /// Its section in help.
    pub group: Group,
}

macro_rules! table {
    ($($name:literal $command:ident in $contexts:expr, [$($key:literal)*], $rank:literal $short:literal, $group:ident: $long:literal;)*) => {
        /// Every row, in the order of help.
        pub static BINDINGS: &[Binding] = &[$(Binding {
            name: $name,
            command: Command::$command,
            contexts: $contexts,
            keys: &[$($key),*],
            rank: $rank,
            short: $short,
            long: $long,
            group: Group::$group,
        }),*];
    };
}

table! {
    "down" Down in &[Any], ["j" "Down"], 0 "down", Move: "one row down";
    "up" Up in &[Any], ["k" "Up"], 0 "up", Move: "one row up";
    "left" Left in &[Tree, Map, Diff], ["h" "Left"], 0 "left", Move: "fold, then to the parent; on a map one cell left";
    "right" Right in &[Tree, Map, Diff], ["l" "Right"], 0 "right", Move: "unfold, then to the child; on a map one cell right";
    "first" First in &[Any], ["Home"], 0 "first", Move: "first row";
    "top" First in &[Tree, Details, Plan, Health], ["g"], 0 "first", Move: "first row";
    "last" Last in &[Any], ["End" "G"], 0 "last", Move: "last row";
    "page-down" PageDown in &[Any], ["PgDn" "^F"], 0 "page", Move: "a page down";
    "page-up" PageUp in &[Any], ["PgUp" "^B"], 0 "page", Move: "a page up";
    "half-down" HalfDown in &[Any], ["^D"], 0 "half", Move: "half a page down";
    "half-up" HalfUp in &[Any], ["^U"], 0 "half", Move: "half a page up";
    "next" NextProblem in &[Any], ["]"], 30 "next", Move: "the next interesting thing: problem, run, differing run, disk of the chain";
    "previous" PrevProblem in &[Any], ["["], 0 "previous", Move: "the previous one";
    "fold" Fold in &[Tree], ["-"], 0 "fold", Move: "fold this row";
    "unfold" Unfold in &[Tree], ["+"], 0 "unfold", Move: "unfold this row";
    "unfold-all" UnfoldAll in &[Tree], ["*"], 0 "unfold all", Move: "unfold everything, or fold everything if all is open";
    "open" Open in &[Tree, Map, Health], ["Enter"], 2 "open", Look: "go deeper: details of a disk, a map cell's blocks, the disk of a finding";
    "bytes" Open in &[Diff], ["Enter"], 1 "bytes", Look: "from the runs to the bytes of the selected one, and back";
    "inspect" Open in &[Tree], ["i"], 0 "details", Look: "details of this disk";
    "tree" ShowTree in &[Any], ["1"], 0 "tree", Look: "the tree";
    "details" ShowDetails in &[Any], ["2"], 0 "details", Look: "details of this disk: header, chain, evidence";
    "map" ShowMap in &[Any], ["m" "3"], 4 "map", Look: "block map of this disk";
    "diff" ShowDiff in &[Any], ["=" "4"], 5 "diff", Look: "compare with the parent, or the two marked disks";
    "plan" ShowPlan in &[Any], ["d" "5"], 6 "plan", Look: "what a delete of this snapshot would do; nothing is deleted";
    "health" ShowHealth in &[Any], ["c" "6"], 7 "health", Look: "every finding of the store";
    "pager" Pager in &[Any], ["v"], 0 "pager", Look: "this view as text in $PAGER";
    "search" Search in &[Tree, Health], ["/"], 8 "find", Find: "search, folded rows included";
    "search-next" SearchNext in &[Tree, Health], ["n"], 0 "next match", Find: "next match";
    "search-previous" SearchPrev in &[Tree, Health], ["N"], 0 "previous match", Find: "previous match";
    "filter" Filter in &[Tree], ["f"], 9 "filter", Find: "show only what matches, with its ancestors";
    "sort" Sort in &[Tree], ["s"], 10 "sort", Find: "sort by: then one of the keys below; again reverses";
    "sort-name" SortName in &[Sort], ["n"], 1 "name", Find: "by name";
    "sort-size" SortSize in &[Sort], ["s"], 2 "size", Find: "by size on disk";
    "sort-dirty" SortDirty in &[Sort], ["d"], 3 "dirty", Find: "by dirty bytes";
    "sort-created" SortCreated in &[Sort], ["c"], 4 "created", Find: "by creation";
    "sort-verdict" SortVerdict in &[Sort], ["v"], 5 "verdict", Find: "by verdict, worst first";
    "problems" OnlyProblems in &[Tree], ["!"], 0 "problems", Find: "only rows with problems, with those above them, or all";
    "mark" Mark in &[Tree], ["Space"], 11 "mark", Find: "mark; two marked disks are compared by =";
    "zoom-in" ZoomIn in &[Map], ["+"], 1 "zoom", Look: "zoom in at the cursor";
    "zoom-out" ZoomOut in &[Map], ["-"], 2 "out", Look: "zoom out";
    "go" GoTo in &[Map, Diff], ["g"], 3 "go to", Move: "go to a block or sector number, an offset (1.5T, 0x200000) or 50%";
    "overlay" Overlay in &[Map], ["o"], 4 "overlay", Look: "lay the comparison with the parent over the map";
    "style" Style in &[Map], ["t"], 8 "style", Look: "shades, letters, half-blocks or braille";
    "kinds" Kinds in &[Diff], ["f"], 2 "kinds", Find: "show all runs, changed only, zeroed only, equal only";
    "all-bytes" AllBytes in &[Diff], ["a"], 3 "all bytes", Look: "show equal rows too, or fold them";
    "severity" Severity in &[Health], ["f"], 3 "severity", Find: "show all, warnings and errors, errors only";
    "hide" HideCode in &[Health], ["x"], 4 "hide code", Find: "hide this code in this store";
    "unhide" ShowHidden in &[Health], ["a"], 0 "show hidden", Find: "show the hidden codes again";
    "explain" Explain in &[Plan, Details, Health], ["e"], 3 "explain", Look: "what the decision table's row means; of a finding all of it";
    "copy" Copy in &[Any], ["y"], 20 "copy", Take: "copy: then one of the keys below";
    "copy-path" CopyPath in &[Copy], ["p"], 1 "path", Take: "the path";
    "copy-id" CopyId in &[Copy], ["i"], 2 "id", Take: "the disk's id";
    "copy-name" CopyName in &[Copy], ["n"], 3 "name", Take: "the name";
    "copy-json" CopyJson in &[Copy], ["j"], 4 "JSON", Take: "this disk as JSON";
    "copy-command" CopyCommand in &[Copy], ["c"], 5 "command", Take: "the command line that shows the same";
    "export" Export in &[Any], ["E"], 0 "export", Take: "write the store as JSON, or the view as text, into a new file";
    "reread" Reread in &[Any], ["r"], 0 "reread", Work: "read this disk again";
    "rescan" Rescan in &[Any], ["R"], 0 "rescan", Work: "read the whole store again";
    "watch" Watch in &[Any], ["w"], 0 "watch", Work: "watch the store for changes, or stop";
    "interrupt" Interrupt in &[Any], ["^C"], 0 "stop", Work: "stop the running job and keep what is known; if none runs, quit";
    "pane" SwapPane in &[Any], ["Tab"], 0 "pane", Screen: "the other pane";
    "whole" WholePane in &[Any], ["_"], 0 "whole", Screen: "this pane on the whole screen, or back";
    "full" Full in &[Any], ["z"], 0 "full", Screen: "full names, ids and exact bytes";
    "ascii" Ascii in &[Any], ["A"], 0 "ASCII", Screen: "plain ASCII signs, or back";
    "theme" Theme in &[Any], ["T"], 0 "theme", Screen: "the next theme";
    "mouse" Mouse in &[Any], ["M"], 0 "mouse", Screen: "mouse on or off";
    "redraw" Redraw in &[Any], ["^L"], 0 "redraw", Screen: "draw everything anew";
    "help" Help in &[Any], ["?" "F1"], 40 "help", Leave: "this help";
    "back" Back in &[Any], ["Esc" "Backspace"], 0 "back", Leave: "back; never quits";
    "quit" Quit in &[Any], ["q"], 41 "quit", Leave: "leave";
    "suspend" Suspend in &[Any], ["^Z"], 0 "suspend", Leave: "to the shell; fg comes back";
}
