//! What a piece of a page or screen means. Whoever shows it decides how that looks; every role is also told apart by a
//! word or a sign.

use crate::worded;

/// What a piece of the screen means. Its word names it in theme files.
#[derive(strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
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

worded!(Role);

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;
}
