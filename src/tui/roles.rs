//! How states, verdicts and severities look.

use crate::analysis::{Reverted, Verdict};
use crate::finding::Severity;
use crate::report::Flag;
use crate::tui::theme::Role;

/// How a row's state looks.
pub fn of_flag(flag: Flag) -> Role {
    match flag {
        Flag::RevertedCertain | Flag::Broken | Flag::Missing | Flag::Unreadable => Role::Error,
        Flag::RevertedLikely => Role::Warning,
        Flag::Orphan | Flag::Unsure | Flag::Locked | Flag::Live | Flag::Partial => Role::Unsure,
        Flag::Pending | Flag::Base => Role::Dim,
        Flag::Ok => Role::Ok,
    }
}

/// How a verdict looks.
pub fn of_verdict(verdict: &Verdict) -> Role {
    match verdict.reverted {
        Reverted::Certain => Role::Error,
        Reverted::Likely => Role::Warning,
        Reverted::CannotTell => Role::Unsure,
        Reverted::NoSign | Reverted::NotReverted => Role::Ok,
    }
}

/// How a severity looks.
pub fn of_severity(severity: Severity) -> Role {
    match severity {
        Severity::Error => Role::Error,
        Severity::Warning => Role::Warning,
        Severity::Info => Role::Dim,
    }
}
