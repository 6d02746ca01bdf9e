//! Exit codes: part of the contract with scripts.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; pass; same; healthy.
    Done,
    /// Refuse; differ; findings at or above the limit.
    No,
    /// Could not do it: usage, I/O.
    Trouble,
    /// Cannot tell: evidence missing, scan partial.
    CannotTell,
    Interrupted,
    /// The browser was ended by the signal of this number.
    Signal(u8),
}

impl Exit {
    /// The number a script sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Trouble => 2,
            Self::CannotTell => 3,
            Self::Interrupted => 130,
            Self::Signal(number) => number.saturating_add(128),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
