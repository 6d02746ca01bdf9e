//! What a key can ask for. Verbs; the key tables say which key asks for which. Those that several screens or the frame
//! know have a name of their own here; what only one screen can do is [`Command::Own`], and stands in that screen's file.

use crate::tui::view::View;

/// One thing a key, a click or a script can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    Down,
    Up,
    Left,
    Right,
    First,
    Last,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Next,
    Previous,
    Open,
    Search,
    SearchNext,
    SearchPrev,
    GoTo,
    Explain,
    Show(View),
    /// Something only one screen can do, by the name of its binding.
    Own(&'static str),
    Sort,
    Copy,
    CopyPath,
    CopyId,
    CopyName,
    CopyJson,
    CopyCommand,
    Pager,
    Export,
    Reread,
    Rescan,
    Watch,
    Full,
    SwapPane,
    WholePane,
    Ascii,
    Theme,
    Mouse,
    Redraw,
    Help,
    Back,
    Quit,
    Interrupt,
    Suspend,
}
