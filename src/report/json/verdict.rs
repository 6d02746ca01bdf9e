//! Snapshots and verdicts as JSON carries them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::store::path_of;
use super::word;
use crate::analysis::evidence::{EvidenceState, Of};
use crate::analysis::{AssessedSnapshot, Evidence, Interval, Reverted, Verdict};
use crate::store::{Forest, SnapshotKind, TakenSource};

/// A snapshot whose frozen disk this is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotJson {
    /// Display name; `null` if nothing names it.
    pub name: Option<String>,
    pub id: Option<String>,
    pub vm: Option<String>,
    /// Its place among the store's snapshots; `null` if nothing names it.
    pub known: Option<u32>,
    /// The place of its machine among the store's.
    pub machine: Option<u32>,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    #[serde(default, with = "word")]
    pub taken_source: Option<TakenSource>,
    /// Name or id of its parent snapshot.
    pub parent: Option<String>,
    /// What kind it is, if known.
    #[serde(default, with = "word")]
    pub kind: Option<SnapshotKind>,
    /// Whether the machine was reverted to it since.
    pub verdict: Option<VerdictJson>,
    /// The reason for which a delete would not pass though the verdict does, as far as that is told without a plan.
    pub stopped_by: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictJson {
    /// `certain`, `likely`, `no-sign`, `not-reverted`, `cannot-tell`.
    #[serde(with = "word")]
    pub reverted: Option<Reverted>,
    /// The rule it rests on.
    #[serde(alias = "row")]
    pub rule: String,
    /// When the snapshot was applied last, where it was and that is known.
    pub applied_at: Option<Timestamp>,
    /// Between what the snapshot was taken.
    #[serde(default)]
    pub snapshot: Interval,
    /// Between what the disk above was made.
    #[serde(default)]
    pub disk_above: Interval,
    /// How much later than the snapshot the disk above was made, at least.
    pub gap_seconds: Option<i64>,
    /// Path of the disk above.
    pub above: Option<String>,
    /// The disk above holds nothing that differs; `null` if not compared.
    pub stands_at_snapshot: Option<bool>,
    pub evidence: Vec<EvidenceJson>,
    /// One sentence for a person; left out of a brief answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    pub would_settle: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceJson {
    pub code: String,
    /// Which time it is about: `snapshot`, `disk-above`.
    #[serde(default, with = "word")]
    pub of: Option<Of>,
    /// `at`, `not-before`, `not-after`, `for`, `against`; `null`: it is missing, or decides nothing.
    pub says: Option<String>,
    /// The time it says.
    pub time: Option<Timestamp>,
    /// Two times this close by it are one moment.
    pub slack_seconds: Option<i64>,
    /// `used`, `dropped`, `missing`.
    #[serde(default)]
    pub state: String,
    /// Why it was dropped.
    pub why: Option<String>,
    pub text: String,
    /// Where it was read.
    pub source: String,
}

/// A snapshot as its frozen disk carries it.
pub fn snapshot(forest: &Forest, of: &AssessedSnapshot) -> SnapshotJson {
    let known = of.snapshot.and_then(|id| forest.snapshot(id));
    let machine = of.machine.or(known.and_then(|known| known.machine));
    SnapshotJson {
        name: known.and_then(|known| known.name.clone()),
        id: known.and_then(|known| known.id.clone()),
        vm: machine.and_then(|id| Some(forest.machine(id)?.name.clone())),
        known: of.snapshot.map(|id| id.0),
        machine: machine.map(|id| id.0),
        taken: of.taken.map(|taken| taken.at),
        taken_source: of.taken.map(|taken| taken.source),
        parent: known.and_then(|known| known.parent.clone()),
        kind: known
            .map(|known| known.kind)
            .filter(|kind| *kind != SnapshotKind::Unknown),
        verdict: Some(verdict(forest, &of.verdict)),
        stopped_by: of.stopped_by.map(|code| code.id.to_owned()),
    }
}

pub fn verdict(forest: &Forest, of: &Verdict) -> VerdictJson {
    VerdictJson {
        reverted: Some(of.reverted),
        rule: of.rule.code().id.to_owned(),
        applied_at: of.applied_at,
        snapshot: of.snapshot,
        disk_above: of.disk_above,
        gap_seconds: of.gap_seconds(),
        above: of.above.and_then(|id| path_of(forest, id)),
        stands_at_snapshot: of.stands_at_snapshot,
        evidence: of.evidence.iter().map(EvidenceJson::from).collect(),
        summary: of.summary.clone(),
        would_settle: of.would_settle.clone(),
    }
}

impl From<&Evidence> for EvidenceJson {
    fn from(of: &Evidence) -> Self {
        let says = of.says.as_ref().map(crate::analysis::evidence::Says::word);
        let time = says.and_then(|(_, time)| time);
        Self {
            code: of.code.id.to_owned(),
            of: Some(of.of),
            says: says.map(|(word, _)| word.to_owned()),
            time,
            slack_seconds: time.map(|_| of.slack.same),
            state: of.state.word().to_owned(),
            why: match &of.state {
                EvidenceState::Dropped(why) => Some(why.clone()),
                EvidenceState::Used | EvidenceState::Missing => None,
            },
            text: of.text.clone(),
            source: of.source.clone(),
        }
    }
}
