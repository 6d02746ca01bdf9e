//! The state of a row: word, sign, rank.

use crate::analysis::{Assessment, Reverted};
use crate::finding::Severity;
use crate::format::qcow2;
use crate::report::page::Role;
use crate::report::row::Phase;
use crate::store::{Disk, DiskId, Forest, LinkState, Liveness};
use crate::text::Glyphs;

/// The state of a row, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// Made by a revert: certain.
    RevertedCertain,
    /// Made by a revert: likely.
    RevertedLikely,
    /// Damaged, or below something missing, mismatched or damaged.
    Broken,
    /// Named by a disk or machine, and not in the store.
    Missing,
    /// Could not be read.
    Unreadable,
    /// A leaf that nothing read here names, where the machines of its family or folder are known.
    Orphan,
    /// Whether it was made by a revert cannot be told.
    Unsure,
    /// It could not be opened, as a running machine's disk cannot.
    Locked,
    /// It changed while it was read.
    Live,
    /// Not read to the end.
    Partial,
    /// Not read yet.
    Pending,
    /// A base: nothing to say against it.
    Base,
    /// Nothing to say against it.
    Ok,
}

impl Flag {
    /// Every state, worst first.
    pub const ALL: [Self; 13] = [
        Self::RevertedCertain,
        Self::RevertedLikely,
        Self::Broken,
        Self::Missing,
        Self::Unreadable,
        Self::Orphan,
        Self::Unsure,
        Self::Locked,
        Self::Live,
        Self::Partial,
        Self::Pending,
        Self::Base,
        Self::Ok,
    ];

    /// The word shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::RevertedCertain | Self::RevertedLikely => "REVERTED",
            Self::Broken => "BROKEN",
            Self::Missing => "MISSING",
            Self::Unreadable => "UNREADABLE",
            Self::Orphan => "ORPHAN",
            Self::Unsure => "unsure",
            Self::Locked => "locked",
            Self::Live => "live",
            Self::Partial => "partial",
            Self::Pending => "pending",
            Self::Base => "base",
            Self::Ok => "ok",
        }
    }

    /// The sign before the word; empty where nothing is wrong.
    pub fn sign(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Self::RevertedCertain
            | Self::RevertedLikely
            | Self::Broken
            | Self::Missing
            | Self::Unreadable => "!",
            Self::Orphan | Self::Unsure | Self::Locked => "?",
            Self::Live | Self::Partial => "~",
            Self::Pending => glyphs.pending,
            Self::Base | Self::Ok => "",
        }
    }

    /// Sign and word: `! REVERTED`, `ok`.
    pub fn text(self, glyphs: &Glyphs) -> String {
        match self.sign(glyphs) {
            "" => self.word().to_owned(),
            sign => format!("{sign} {}", self.word()),
        }
    }

    /// How it looks.
    pub fn role(self) -> Role {
        match self {
            Self::RevertedCertain | Self::Broken | Self::Missing | Self::Unreadable => Role::Error,
            Self::RevertedLikely => Role::Warning,
            Self::Orphan | Self::Unsure | Self::Locked | Self::Live | Self::Partial => Role::Unsure,
            Self::Pending | Self::Base => Role::Dim,
            Self::Ok => Role::Ok,
        }
    }

    /// True for what `]` jumps to and `--only problems` keeps.
    pub fn is_problem(self) -> bool {
        self <= Self::Orphan
    }
}

/// Whether a machine uses a disk now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Now {
    /// It is used by none, or it is no leaf and nothing says so.
    #[default]
    No,
    /// A configuration or label says so.
    Known,
    /// Nothing says so; it is the only leaf of its tree.
    Alone,
    /// Nothing says so; it is one of several leaves.
    Unsure,
}

impl Now {
    /// The word after the name: `NOW`, `NOW?`, `?`, or nothing.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Known => "NOW",
            Self::Alone => "NOW?",
            Self::Unsure => "?",
        }
    }

    /// The sign in the margin: `●` where it is known or the only candidate, `?` for one of several.
    pub fn sign(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Self::No => "",
            Self::Known | Self::Alone => glyphs.now,
            Self::Unsure => "?",
        }
    }
}

/// Whether content below a disk can be trusted as far as the disks above the row go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    Sound,
    Broken,
}

/// What a disk stands on together with the disk itself: broken by its own faults or by its link.
pub(super) fn ground_with(forest: &Forest, id: DiskId, below: Ground) -> Ground {
    let own_fault = forest
        .disk(id)
        .is_some_and(|disk| !disk.is_locked() && (disk.header.is_none() || has_error(disk)));
    let link_fault = forest.node(id).is_some_and(|node| {
        node.parent
            .as_ref()
            .is_some_and(|link| !matches!(link.state, LinkState::Ok | LinkState::ByHost))
            || node
                .findings
                .iter()
                .any(|finding| finding.code.severity == Severity::Error)
    });
    if below == Ground::Broken || own_fault || link_fault {
        Ground::Broken
    } else {
        Ground::Sound
    }
}

fn has_error(disk: &Disk) -> bool {
    disk.findings
        .iter()
        .any(|finding| finding.code.severity == Severity::Error)
}

/// The state of a disk's row, orphans aside.
/// A disk that is no damaged one, but of a format that is only named.
pub(super) fn is_other_format(disk: &Disk) -> bool {
    disk.findings.iter().any(|of| *of.code == qcow2::QCOW2)
}

pub(super) fn disk_flag(
    forest: &Forest,
    assessment: &Assessment,
    id: DiskId,
    ground: Ground,
    phase: Phase,
) -> Flag {
    let Some(disk) = forest.disk(id) else {
        return Flag::Unreadable;
    };
    let unread = match phase {
        Phase::Scanning => Flag::Pending,
        Phase::Done => Flag::Partial,
    };
    let made_by_revert = assessment.disk(id).and_then(|of| of.made_by_revert);
    if disk.is_locked() {
        return match made_by_revert {
            Some(Reverted::Certain) => Flag::RevertedCertain,
            Some(Reverted::Likely) => Flag::RevertedLikely,
            _ => Flag::Locked,
        };
    }
    if disk.header.is_none() {
        return if disk.findings.is_empty() && !forest.complete {
            unread
        } else if is_other_format(disk) {
            Flag::Partial
        } else {
            Flag::Unreadable
        };
    }
    match made_by_revert {
        Some(Reverted::Certain) => return Flag::RevertedCertain,
        Some(Reverted::Likely) => return Flag::RevertedLikely,
        _ => {}
    }
    if ground == Ground::Broken {
        return Flag::Broken;
    }
    if made_by_revert == Some(Reverted::CannotTell) {
        return Flag::Unsure;
    }
    if disk.liveness == Liveness::Live {
        return Flag::Live;
    }
    match &disk.counts {
        Some(counts) if !counts.complete => return Flag::Partial,
        None if !forest.complete => return unread,
        _ => {}
    }
    let node = forest.node(id);
    if node.is_some_and(|node| node.parent.is_none() && !node.children.is_empty()) {
        Flag::Base
    } else {
        Flag::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_and_an_ascii_sign() {
        for flag in Flag::ALL {
            assert!(!flag.word().is_empty());
            assert!(flag.text(crate::text::Charset::Ascii.glyphs()).is_ascii());
        }
        assert!(Flag::ALL.is_sorted());
        assert!(Flag::Orphan.is_problem() && !Flag::Unsure.is_problem());
    }
}
