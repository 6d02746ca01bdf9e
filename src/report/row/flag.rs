//! The state of a row: word, sign, rank.

use crate::finding::Severity;
use crate::format::qcow2;
use crate::report::page::Role;
use crate::store::leftover::is_leftover;
use crate::store::{Disk, DiskId, Forest};
use crate::text::Glyphs;

/// The state of a row, worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, strum::VariantArray,
)]
pub enum Flag {
    /// The machine was set back to this snapshot: certain.
    RevertedCertain,
    /// The machine was set back to this snapshot: likely.
    RevertedLikely,
    /// Damaged, or below something missing, mismatched or damaged.
    Broken,
    /// Named by a disk or machine, and not in the store.
    Missing,
    /// Could not be read.
    Unreadable,
    /// A leaf that nothing read here names, where the machines of its family or folder are known.
    Orphan,
    /// Whether the machine was set back to this snapshot cannot be told.
    Unsure,
    /// It could not be opened, as a running machine's disk cannot.
    Locked,
    /// It changed while it was read.
    Live,
    /// Not read to the end.
    Partial,
    Pending,
    /// Made by the revert that the snapshot's own row tells of.
    ByRevert,
    /// A snapshot, and the ages agree; but nothing says what is in use.
    NoSign,
    /// Nothing is to be said of it.
    #[default]
    Quiet,
    /// A snapshot that could be deleted, as far as can be told; of a group, that nothing speaks against anything in it.
    Ok,
}

impl Flag {
    /// Every state, worst first.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

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
            Self::ByRevert => "made by that revert",
            Self::NoSign => "no sign",
            Self::Quiet => "",
            Self::Ok => "ok",
        }
    }

    /// The sign before the word; empty where nothing is wrong.
    pub fn sign(self, glyphs: &Glyphs) -> &'static str {
        match self {
            Self::RevertedLikely => glyphs.reverted,
            Self::RevertedCertain | Self::Broken | Self::Missing | Self::Unreadable => "!",
            Self::Orphan | Self::Unsure | Self::Locked => "?",
            Self::Live | Self::Partial => "~",
            Self::Pending => glyphs.pending,
            Self::ByRevert | Self::NoSign | Self::Quiet | Self::Ok => "",
        }
    }

    /// Sign and word: `! REVERTED` where it is certain, `ok`.
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
            Self::Pending | Self::ByRevert | Self::NoSign | Self::Quiet => Role::Dim,
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
pub(super) enum ChainTrust {
    Sound,
    Broken,
}

/// What a disk stands on together with the disk itself: broken by its own faults or by its link.
pub(super) fn ground_with(forest: &Forest, id: DiskId, below: ChainTrust) -> ChainTrust {
    let own_fault = forest
        .disk(id)
        .is_some_and(|disk| !disk.is_locked() && (disk.header.is_none() || has_error(disk)));
    let link_fault = forest.node(id).is_some_and(|node| {
        node.parent
            .as_ref()
            .is_some_and(|link| link.state.is_fault())
            && !is_leftover(forest, id)
            || node
                .findings
                .iter()
                .any(|finding| finding.code.severity == Severity::Error)
    });
    if below == ChainTrust::Broken || own_fault || link_fault {
        ChainTrust::Broken
    } else {
        ChainTrust::Sound
    }
}

fn has_error(disk: &Disk) -> bool {
    disk.findings
        .iter()
        .any(|finding| finding.code.severity == Severity::Error)
}

/// A disk that is no damaged one, but of a format that is only named.
pub(super) fn is_other_format(disk: &Disk) -> bool {
    disk.findings.iter().any(|of| *of.code == qcow2::QCOW2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_and_an_ascii_sign() {
        for flag in Flag::ALL {
            assert_eq!(flag.word().is_empty(), *flag == Flag::Quiet);
            assert!(flag.text(crate::text::Charset::Ascii.glyphs()).is_ascii());
        }
        assert!(Flag::ALL.is_sorted());
        assert!(Flag::Orphan.is_problem() && !Flag::Unsure.is_problem());
    }
}
