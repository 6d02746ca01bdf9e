//! On-disk structures: bytes to structs plus findings, one file per structure.
//!
//! Nothing here opens a file, follows a link or knows another file. Every number is untrusted: bounds are checked
//! against the source's length before anything is allocated, and arithmetic is checked.

pub mod base64;
pub mod block;
pub mod bytes;
pub mod encoding;
pub mod guid;
pub mod hyperv;
pub mod parent;
pub mod qcow2;
pub mod text;
pub mod unit;
pub mod vhd;
pub mod vhdx;
pub mod xml;

use std::io;

use thiserror::Error;

use crate::finding::Finding;

pub use unit::{BlockNo, SectorNo};

/// Why a structure could not be read at all. What can be read in spite of a fault is a [`Finding`].
#[derive(Debug, Error)]
pub enum FormatError {
    /// The bytes could not be had.
    #[error(
        "cannot read {what} at {at_bytes}: {}",
        crate::source::error_words(source)
    )]
    Read {
        what: &'static str,
        /// Where it should be.
        at_bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are there and wrong, and nothing further can be made of the file.
    #[error("{}", .0.finding.text)]
    Invalid(Box<RefusedFile>),
}

/// Why a file is refused, and what was odd about it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    /// What makes it useless.
    pub finding: Finding,
    /// What was seen on the way there, in that order.
    pub before: Vec<Finding>,
}

impl RefusedFile {
    /// Everything that was seen, the refusal last.
    pub fn all(self) -> Vec<Finding> {
        let mut all = self.before;
        all.push(self.finding);
        all
    }
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

    /// Keeps what was found before the refusal; a file that cannot be read shows nothing.
    #[must_use]
    pub fn after(mut self, before: Vec<Finding>) -> Self {
        if let Self::Invalid(refusal) = &mut self {
            refusal.before = before;
        }
        self
    }
}

impl From<Finding> for FormatError {
    fn from(finding: Finding) -> Self {
        Self::Invalid(Box::new(RefusedFile {
            finding,
            before: Vec::new(),
        }))
    }
}
