//! A stream or index of a file: its value, or where that is.

use super::runs::Run;

/// The value of a stream or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttributeValue {
    Resident(Vec<u8>),
    Runs {
        runs: Vec<Run>,
        valid_bytes: u64,
        /// Clusters of a compressed unit as a power of two; 0 = not compressed.
        unit_power: u16,
    },
}

/// A data stream; the main one has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) flags: u16,
    pub(super) value: AttributeValue,
}
