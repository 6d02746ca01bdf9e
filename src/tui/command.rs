//! What a key can ask for. Verbs; the key table says which key asks for which, `update` says what happens.

use crate::tui::keymap::Context;

/// One thing a key, a click or a script can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "the table in keymap.rs documents every command in the words people read"
)]
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
    NextProblem,
    PrevProblem,
    Fold,
    Unfold,
    UnfoldAll,
    Open,
    Search,
    SearchNext,
    SearchPrev,
    Filter,
    Sort,
    SortName,
    SortSize,
    SortDirty,
    SortCreated,
    SortVerdict,
    Mark,
    OnlyProblems,
    ShowTree,
    ShowDetails,
    ShowMap,
    ShowDiff,
    ShowPlan,
    ShowHealth,
    ZoomIn,
    ZoomOut,
    GoTo,
    Overlay,
    Style,
    Kinds,
    AllBytes,
    Severity,
    HideCode,
    ShowHidden,
    Explain,
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

impl Command {
    /// The context of the view it opens, if it opens one.
    pub fn opens(self) -> Option<Context> {
        Some(match self {
            Self::ShowTree => Context::Tree,
            Self::ShowDetails => Context::Details,
            Self::ShowMap => Context::Map,
            Self::ShowDiff => Context::Diff,
            Self::ShowPlan => Context::Plan,
            Self::ShowHealth => Context::Health,
            _ => return None,
        })
    }
}
