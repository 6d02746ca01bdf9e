//! On-disk structures: bytes to structs plus findings, one file per structure.
//!
//! Nothing here opens a file, follows a link or knows another file. Every number is untrusted: bounds are checked
//! against the source's length before anything is allocated, and arithmetic is checked.

pub mod block;
pub mod encoding;
pub mod guid;
pub mod hyperv;
pub mod parent;
pub mod text;
pub mod unit;
pub mod vhd;
pub mod vhdx;

use std::io;

use thiserror::Error;

pub use unit::{BlockNo, SectorNo};

/// Why a structure could not be read at all. What can be read in spite of a fault is a [`Finding`](crate::finding::Finding).
#[derive(Debug, Error)]
pub enum FormatError {
    /// The bytes could not be had.
    #[error(
        "cannot read {what} at {at_bytes}: {}",
        crate::source::error_words(source)
    )]
    Read {
        /// The structure.
        what: &'static str,
        /// Where it should be.
        at_bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are there and wrong, and nothing further can be made of the file.
    #[error("{}", .0.text)]
    Invalid(Box<crate::finding::Finding>),
}

impl FormatError {
    /// An [`io::Error`] on reading the structure `what` at `at_bytes`.
    pub fn read(what: &'static str, at_bytes: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            what,
            at_bytes,
            source,
        }
    }
}

impl From<crate::finding::Finding> for FormatError {
    fn from(finding: crate::finding::Finding) -> Self {
        Self::Invalid(Box::new(finding))
    }
}
