//! From facts to a verdict: one pure function.
//!
//! ```text
//!  Facts ─► per frozen disk: hyperv table | xcpng | virtualpc | no way to Now  ─► Outcome
//!        ─► several disks: agree, or the worst of them (row 20)                ─► Verdict
//! ```

mod evidence;
mod table;
#[cfg(test)]
mod tests;
mod virtualpc;
mod way;
mod words;
mod xcpng;

use jiff::Timestamp;

use crate::analysis::facts::belief::seconds_between;
use crate::analysis::facts::taken::CLOSE_SECONDS;
use crate::analysis::facts::{Facts, Line, Way};
use crate::analysis::{Bearing, Evidence, Reverted, Verdict, rows, witness};
use crate::finding::Code;
use crate::store::{DiskId, Product, SnapshotKind};
use crate::text::span;

/// What one frozen disk says.
#[derive(Debug, Clone)]
struct Outcome {
    row: &'static Code,
    reverted: Reverted,
    gap: Option<i64>,
    above: Option<DiskId>,
    made: Option<Timestamp>,
    stands: Option<bool>,
    evidence: Vec<Evidence>,
    summary: String,
    settle: Option<String>,
    notes: Vec<String>,
}

impl Outcome {
    /// False where the disk merely has no witness: such a disk does not contradict another that has one.
    fn speaks(&self) -> bool {
        self.reverted != Reverted::CannotTell
            || ![
                &rows::ROW_18,
                &rows::ROW_21,
                &rows::ROW_VPC_UNKNOWN,
                &rows::ROW_XCP_COALESCED,
            ]
            .iter()
            .any(|row| std::ptr::eq(*row, self.row))
    }
}

/// Judges one snapshot. Pure: everything it rests on is in the facts.
pub fn judge(facts: &Facts) -> Verdict {
    let outcomes: Vec<Outcome> = facts
        .lines
        .iter()
        .map(|line| judge_line(facts, line))
        .collect();
    let mut outcome = combine(facts, outcomes);
    for path in &facts.missing {
        outcome.evidence.push(Evidence {
            code: &witness::FROZEN_MISSING,
            bearing: Bearing::Silent,
            text: format!("{path} is not in the store"),
            source: facts.source.clone(),
        });
    }
    if let Some(source) = &facts.merge_pending {
        outcome.evidence.push(Evidence {
            code: &witness::MERGE_PENDING,
            bearing: Bearing::Silent,
            text: "a merge is pending: a disk of a deleted snapshot is still in the chain"
                .to_owned(),
            source: source.clone(),
        });
        outcome
            .notes
            .push("A merge is pending for this VM.".to_owned());
    }
    if let Some(kind) = machine_made(facts.kind) {
        outcome.evidence.insert(
            0,
            Evidence {
                code: &rows::ROW_23,
                bearing: Bearing::Silent,
                text: format!("a {kind} checkpoint"),
                source: facts.source.clone(),
            },
        );
        outcome.notes.insert(
            0,
            format!("This is a {kind} checkpoint: no person took it by hand."),
        );
    }
    Verdict {
        reverted: outcome.reverted,
        row: outcome.row,
        gap_seconds: outcome.gap,
        above: outcome.above,
        above_made: outcome.made,
        stands_at_snapshot: outcome.stands,
        evidence: outcome.evidence,
        summary: outcome.summary,
        would_settle: outcome.settle,
        notes: outcome.notes,
    }
}

fn machine_made(kind: SnapshotKind) -> Option<&'static str> {
    match kind {
        SnapshotKind::Automatic => Some("automatic"),
        SnapshotKind::Recovery => Some("recovery (backup)"),
        SnapshotKind::Replica => Some("replica"),
        SnapshotKind::Unknown
        | SnapshotKind::Standard
        | SnapshotKind::Production
        | SnapshotKind::Other => None,
    }
}

fn judge_line(facts: &Facts, line: &Line) -> Outcome {
    let Way::Above(above) = &line.way else {
        return way::judge(facts, line);
    };
    match facts.product {
        Product::XcpNg => xcpng::judge(facts, line, above),
        Product::VirtualPc if virtualpc::is_undo_disk(&above.name) => {
            virtualpc::judge(facts, line, above)
        }
        _ => table::judge(facts, line, above),
    }
}

/// Whether every disk above stands at the snapshot: one that moved on settles it, one not compared leaves it open.
fn all_stand(outcomes: &[Outcome]) -> Option<bool> {
    let merge = |a, b| match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let each = outcomes.iter().map(|outcome| outcome.stands);
    each.reduce(merge).flatten()
}

/// Several disks of one snapshot: those that speak decide. If they differ, the worst does, and the odd ones are named.
fn combine(facts: &Facts, mut outcomes: Vec<Outcome>) -> Outcome {
    if outcomes.len() < 2 {
        return outcomes.pop().unwrap_or_else(|| way::nothing_here(facts));
    }
    let stands = all_stand(&outcomes);
    let speaking: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.speaks())
        .map(|(n, _)| n)
        .collect();
    let worst = outcomes
        .iter()
        .enumerate()
        .filter(|(n, _)| speaking.is_empty() || speaking.contains(n))
        .min_by_key(|(_, outcome)| (outcome.reverted, std::cmp::Reverse(outcome.made)))
        .map_or(0, |(n, _)| n);
    let names: Vec<String> = facts
        .lines
        .iter()
        .map(|line| line.frozen_name.clone())
        .collect();
    let mut all = Vec::new();
    for (n, outcome) in outcomes.iter_mut().enumerate() {
        let name = names.get(n).map_or("", String::as_str);
        for mut evidence in outcome.evidence.drain(..) {
            evidence.text = format!("{name}: {}", evidence.text);
            all.push(evidence);
        }
    }
    let judged: Vec<Outcome> = speaking
        .iter()
        .filter_map(|n| outcomes.get(*n).cloned())
        .collect();
    let made: Vec<Timestamp> = judged.iter().filter_map(|outcome| outcome.made).collect();
    let spread = match (made.iter().min(), made.iter().max()) {
        (Some(first), Some(last)) => seconds_between(*first, *last),
        _ => 0,
    };
    let mut chosen = outcomes.swap_remove(worst);
    chosen.stands = stands;
    let ages_matter = chosen.reverted <= Reverted::Likely;
    let agree = judged
        .iter()
        .all(|outcome| outcome.reverted == chosen.reverted)
        && spread
            <= if ages_matter {
                CLOSE_SECONDS
            } else {
                2 * CLOSE_SECONDS
            };
    if agree {
        if judged.len() > 1 && made.len() > 1 {
            all.push(Evidence {
                code: &witness::DISKS_AGREE,
                bearing: if ages_matter {
                    Bearing::For
                } else {
                    Bearing::Against
                },
                text: format!(
                    "the disks above all {} frozen disks were made within {}",
                    judged.len(),
                    span(spread)
                ),
                source: "all disks of the snapshot".to_owned(),
            });
        }
        if judged.len() < names.len() && !judged.is_empty() {
            chosen.notes.push("Not every disk of the snapshot has a witness of its own; a revert re-makes all of them at once.".to_owned());
        }
    } else {
        if chosen.reverted > Reverted::CannotTell {
            // Each fits a date that is only rough, but a snapshot makes all of them at once: one of them is not its own.
            chosen.reverted = Reverted::CannotTell;
        }
        let odd = names.get(worst).cloned().unwrap_or_default();
        let text = format!(
            "the disk above {odd} stands apart: it was re-made on its own ({} by {})",
            chosen.reverted.word(),
            chosen.row.id
        );
        all.push(Evidence {
            code: &witness::DISKS_DISAGREE,
            bearing: Bearing::Silent,
            text: text.clone(),
            source: "all disks of the snapshot".to_owned(),
        });
        chosen.summary = format!(
            "{} The disks of this snapshot disagree: {text}.",
            chosen.summary
        );
        if chosen.reverted == Reverted::CannotTell && chosen.settle.is_none() {
            chosen.settle = Some("Find out why the disks differ in age.".to_owned());
        }
        chosen
            .notes
            .push(format!("The disk above {odd} was re-made on its own."));
        chosen.row = &rows::ROW_20;
    }
    chosen.evidence = all;
    chosen
}
