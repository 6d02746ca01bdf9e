//! What a piece of a page or screen means. Whoever shows it decides how that looks; every role is also told apart by a
//! word or a sign.

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Text,
    /// Less important text: ids, times, legends.
    Dim,
    /// The program's line at the top.
    Title,
    /// Column headings and section names.
    Heading,
    /// The view that is open.
    Tab,
    Selected,
    /// The selected row of a pane without the focus.
    SelectedAway,
    Marked,
    Ok,
    /// The disk a VM uses now.
    Now,
    /// Odd, or likely reverted.
    Warning,
    Error,
    /// Not known.
    Unsure,
    For,
    Against,
    /// A key in the footer and in help.
    Key,
    /// A message of the moment.
    Notice,
    Border,
    /// Text that matches a search.
    Match,
    /// A map cell with nothing in it.
    MapNone,
    /// A map cell with something in it.
    MapSome,
    /// A map cell that is full.
    MapFull,
    /// A map cell with zero blocks only.
    MapZero,
    /// A map cell that cannot be right.
    MapError,
    /// Content that is new or differs.
    Changed,
    /// Content that is the same.
    Same,
    /// Content that became zeros.
    Zeroed,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 27] = [
        Self::Text,
        Self::Dim,
        Self::Title,
        Self::Heading,
        Self::Tab,
        Self::Selected,
        Self::SelectedAway,
        Self::Marked,
        Self::Ok,
        Self::Now,
        Self::Warning,
        Self::Error,
        Self::Unsure,
        Self::For,
        Self::Against,
        Self::Key,
        Self::Notice,
        Self::Border,
        Self::Match,
        Self::MapNone,
        Self::MapSome,
        Self::MapFull,
        Self::MapZero,
        Self::MapError,
        Self::Changed,
        Self::Same,
        Self::Zeroed,
    ];

    /// The role's name in a theme file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Title => "title",
            Self::Heading => "heading",
            Self::Tab => "tab",
            Self::Selected => "selected",
            Self::SelectedAway => "selected-away",
            Self::Marked => "marked",
            Self::Ok => "ok",
            Self::Now => "now",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unsure => "unsure",
            Self::For => "for",
            Self::Against => "against",
            Self::Key => "key",
            Self::Notice => "notice",
            Self::Border => "border",
            Self::Match => "match",
            Self::MapNone => "map-none",
            Self::MapSome => "map-some",
            Self::MapFull => "map-full",
            Self::MapZero => "map-zero",
            Self::MapError => "map-error",
            Self::Changed => "changed",
            Self::Same => "same",
            Self::Zeroed => "zeroed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
