//! Evidence: one observed fact, and what it says of the two times a verdict rests on.
//!
//! `t_s` is when the snapshot was taken, c(X) when the disk above was made. If that disk is the snapshot's own, both are the same
//! moment; if the snapshot was applied since, c(X) is later.

use jiff::Timestamp;

use crate::analysis::rules::Rule;
use crate::finding::Code;

/// Which of the two times a fact is about.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Of {
    /// When the snapshot was taken.
    Snapshot,
    /// When the disk above was made.
    DiskAbove,
}

crate::worded!(Of);

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    At(Timestamp),
    /// It happened at one of these, earliest first: a date without a zone. None: no zone fits.
    OneOf(Vec<Timestamp>),
    /// It did not happen before.
    NotBefore(Timestamp),
    /// It did not happen later.
    NotAfter(Timestamp),
    /// It proves that the snapshot was applied, by this rule.
    Proves(Rule),
    /// It speaks for a revert.
    For,
    /// It speaks against one.
    Against,
}

impl Says {
    /// The word of the contract, and the time that goes with it.
    pub fn word(&self) -> (&'static str, Option<Timestamp>) {
        match self {
            Self::At(at) => ("at", Some(*at)),
            Self::OneOf(times) => ("not-before", times.first().copied()),
            Self::NotBefore(at) => ("not-before", Some(*at)),
            Self::NotAfter(at) => ("not-after", Some(*at)),
            Self::Proves(_) | Self::For => ("for", None),
            Self::Against => ("against", None),
        }
    }
}

/// What became of a fact.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum EvidenceState {
    /// The verdict rests on it, or would if it decided anything.
    Used,
    /// It is there and not to be trusted: why.
    Dropped(String),
    /// It would help and is not there.
    Missing,
}

impl EvidenceState {
    pub fn word(&self) -> &'static str {
        self.into()
    }
}

/// How far apart, in seconds, the two times may lie by this fact's lower end and still be one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slack {
    /// The disk above made this much later is the snapshot's own.
    pub same: i64,
    /// The disk above made this much earlier is no contradiction.
    pub early: i64,
    /// Only a disk above made more than this later was made anew.
    pub later: i64,
}

impl Slack {
    /// Of a date: the disk is made at the pause, the memory written after it.
    pub const DATE: Self = Self::of(300, 300, 300);
    /// Of the frozen disk's last write.
    pub const WRITE: Self = Self::of(2, 2, 300);
    /// Of XCP-ng's hidden mark, set after the new disks are made.
    pub const MARK: Self = Self::of(5, 10, 5);
    /// Of a stamp whose clock nothing tells: a zone and more may lie between.
    pub const NO_CLOCK: Self = Self::of(300, 300, 15 * 3_600);
    /// Of a time that bounds from above: it decides alone.
    pub const NONE: Self = Self::of(0, 0, 0);
    /// Of the parent's time stamp in a child.
    pub const PARENT_STAMP: Self = Self::of(5, 5, 300);

    const fn of(same: i64, early: i64, later: i64) -> Self {
        Self { same, early, later }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub code: &'static Code,
    pub of: Of,
    /// What it says; `None` for what is missing, or belongs to the verdict without deciding it.
    pub says: Option<Says>,
    pub slack: Slack,
    pub state: EvidenceState,
    /// One sentence with the raw values; may hold text from disks, not escaped.
    pub text: String,
    /// Where it was read: a file and field.
    pub source: String,
}

impl Of {
    /// A fact in use; of the snapshot, with a date's slack.
    pub fn says(
        self,
        code: &'static Code,
        says: Says,
        text: impl Into<String>,
        source: impl Into<String>,
    ) -> Evidence {
        Evidence {
            says: Some(says),
            ..self.remark(code, text, source)
        }
    }

    /// What belongs to the verdict without deciding it.
    pub fn remark(
        self,
        code: &'static Code,
        text: impl Into<String>,
        source: impl Into<String>,
    ) -> Evidence {
        Evidence {
            code,
            of: self,
            says: None,
            slack: match self {
                Self::Snapshot => Slack::DATE,
                Self::DiskAbove => Slack::NONE,
            },
            state: EvidenceState::Used,
            text: text.into(),
            source: source.into(),
        }
    }

    /// What would help and is not there.
    pub fn missing(self, code: &'static Code, text: impl Into<String>) -> Evidence {
        Evidence {
            state: EvidenceState::Missing,
            ..self.remark(code, text, "")
        }
    }
}

impl Evidence {
    #[must_use]
    pub fn slack(self, slack: Slack) -> Self {
        Self { slack, ..self }
    }

    /// Dropped, if there is a reason to.
    #[must_use]
    pub fn dropped(self, why: Option<impl Into<String>>) -> Self {
        let dropped = why.map(|why| EvidenceState::Dropped(why.into()));
        let state = dropped.unwrap_or_else(|| self.state.clone());
        Self { state, ..self }
    }

    /// What it says, if the verdict may rest on it.
    pub fn used(&self) -> Option<&Says> {
        let says = self.says.as_ref();
        says.filter(|_| self.state == EvidenceState::Used)
    }

    /// Its sentence, with the reason if it was dropped.
    pub fn told(&self) -> String {
        match &self.state {
            EvidenceState::Dropped(why) => format!("{}; says nothing: {why}", self.text),
            EvidenceState::Used | EvidenceState::Missing => self.text.clone(),
        }
    }

    /// The sign that stands before it in a list: `+` for, `-` against, `*` a time in use, `~` dropped or missing.
    pub fn sign(&self) -> char {
        match (&self.state, &self.says) {
            (EvidenceState::Used, Some(Says::Proves(_) | Says::For)) => '+',
            (EvidenceState::Used, Some(Says::Against)) => '-',
            (EvidenceState::Used, _) => '*',
            _ => '~',
        }
    }
}
