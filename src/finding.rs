//! What is wrong or notable, as data.
//!
//! A [`Code`] is documented once, where its knowledge lives, with [`catalogue!`](crate::catalogue); `explain CODE` prints that document.
//! A [`Finding`] is one occurrence of a code in one file.

/// How much a finding matters.
#[derive(strum::EnumString, strum::IntoStaticStr, serde::Serialize)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// Odd, and may matter for what is about to be done.
    Warning,
    /// Wrong: content or links cannot be trusted.
    Error,
}

impl Severity {
    /// The lower-case word used in JSON and on the command line.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// The document of one stable code.
#[derive(Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Code {
    /// The stable name, lower-case words joined by hyphens: `vhd-footer-checksum`.
    #[serde(rename = "code")]
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One line: what it is.
    pub title: &'static str,
    /// Why it matters to a person with such a store.
    pub why: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

/// One occurrence of a [`Code`] in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static Code,
    /// Where: offset in the file in bytes, if there is one.
    pub at: Option<u64>,
    /// What should be there; empty if there is no such value.
    pub expected: String,
    /// What is there; empty if there is no such value.
    pub actual: String,
    /// One sentence with the particulars, not escaped: it may hold text from the disk.
    pub text: String,
}

impl Finding {
    /// A finding with a sentence and nothing else.
    pub fn new(code: &'static Code, text: impl Into<String>) -> Self {
        Self {
            code,
            at: None,
            expected: String::new(),
            actual: String::new(),
            text: text.into(),
        }
    }

    /// Adds where in the file it is.
    #[must_use]
    pub fn at(mut self, offset_bytes: u64) -> Self {
        self.at = Some(offset_bytes);
        self
    }

    /// Adds what was expected and what was found.
    #[must_use]
    pub fn values(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = expected.into();
        self.actual = actual.into();
        self
    }
}

/// Declares documented codes as statics, and `ALL`, the list of them.
///
/// ```
/// vhdtree::catalogue! {
///     /// The example's code.
///     EXAMPLE = "example-code", Warning, "something is odd",
///         why: "because", action: "look at it";
/// }
/// assert_eq!(ALL[0].id, EXAMPLE.id);
/// ```
#[macro_export]
macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $severity:ident, $title:literal,
        why: $why:literal, action: $action:literal;)*) => {
        $($(#[$doc])* pub static $name: $crate::finding::Code = $crate::finding::Code {
            id: $id,
            severity: $crate::finding::Severity::$severity,
            title: $title,
            why: $why,
            action: $action,
        };)*
        /// Every code of this catalogue.
        pub static ALL: &[&$crate::finding::Code] = &[$(&$name),*];
    };
}
