//! Evidence: one observed fact for or against a revert, with its source and raw values.

use crate::finding::Code;

/// What a fact says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bearing {
    /// Speaks for a revert.
    For,
    /// Speaks against.
    Against,
    /// Could have spoken and is not available, or says nothing either way.
    Silent,
}

/// One witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its documented code.
    pub code: &'static Code,
    /// What it says.
    pub bearing: Bearing,
    /// One sentence with the raw values; may hold text from disks, not escaped.
    pub text: String,
    /// Where it was read: a file and field.
    pub source: String,
}
