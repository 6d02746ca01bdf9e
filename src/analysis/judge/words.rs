//! The sentences of a verdict: facts first, no certainty that cannot be had.

use super::table::{Case, Relation, kept_sibling};
use crate::analysis::facts::taken::{CLOSE_SECONDS, NO_ZONE_SECONDS, tolerance};
use crate::analysis::facts::{Facts, Generation};
use crate::analysis::{Reverted, rows};
use crate::finding::Code;
use crate::text::{minute, second, span};

/// What a person brings to settle the date.
pub(super) const BRING_LABELS: &str = "Bring the host's list of snapshots: Get-VMSnapshot -VMName ... | Select VMName,Name,Id,ParentSnapshotName,CreationTime,SnapshotType,@{n='Disks';e={$_.HardDrives.Path}} | ConvertTo-Json, given with --facts";
/// What a person brings to settle the age.
pub(super) const BRING_TIMES: &str = "Bring a listing of times made on the host: Get-ChildItem -Recurse | Select FullName,Length,CreationTimeUtc,LastWriteTimeUtc | ConvertTo-Csv, given with --facts";

/// `TestWin7`, or `The VM`.
pub(super) fn subject(facts: &Facts) -> String {
    facts.vm.clone().unwrap_or_else(|| "The VM".to_owned())
}

/// `TestWin7`, or `the VM`: inside a sentence.
pub(super) fn inside(facts: &Facts) -> &str {
    facts.vm.as_deref().unwrap_or("the VM")
}

/// `"Before SP1" (taken 2009-05-02 14:10Z)`, as far as known.
pub(super) fn snapshot(case: &Case<'_>) -> String {
    let name = match &case.facts.name {
        Some(name) => format!("\"{name}\""),
        None => format!("the unnamed snapshot on {}", case.line.frozen_name),
    };
    match case.claim {
        Some(claim) if tolerance(claim.source).is_some() => {
            format!("{name} (taken {})", minute(claim.at))
        }
        Some(claim) => format!("{name} (not taken before {})", minute(claim.at)),
        None => format!("{name} (taken at an unknown time)"),
    }
}

/// One sentence or two: the verdict with its dates.
pub(super) fn summary(case: &Case<'_>, row: &'static Code, reverted: Reverted) -> String {
    let vm = subject(case.facts);
    let snapshot = snapshot(case);
    let above = &case.above.name;
    let made = case.above.made.at().map(minute);
    let made_text = made.as_deref().unwrap_or("at an unknown time");
    let is = |other: &'static Code| std::ptr::eq(row, other);
    if is(&rows::ROW_24) {
        let kept = kept_sibling(case).unwrap_or_default();
        return format!(
            "{vm} was reverted to {snapshot} at least once, last on {made_text}; the state before that was kept as snapshot \"{kept}\"."
        );
    }
    if is(&rows::ROW_1C) {
        return format!(
            "{vm}: {snapshot} was applied at some time, for another branch hangs on {}; which branch came first cannot be told.",
            case.line.frozen_name
        );
    }
    if is(&rows::ROW_1B) {
        return format!(
            "{snapshot} of {} was applied once, as another branch shows, but what the VM uses now does not come from that: {above} was made {made_text}, with the snapshot. A revert in the first {} would look the same.",
            inside(case.facts),
            blind(case)
        );
    }
    if is(&rows::ROW_1A) {
        return format!(
            "{vm} was reverted to {snapshot} at least once, last on {made_text}: an older branch hangs on the same disk."
        );
    }
    match reverted {
        Reverted::Certain | Reverted::Likely => {
            let how = if reverted == Reverted::Certain {
                "was reverted"
            } else {
                "was very likely reverted"
            };
            let why = if made.is_some() && case.relation == Relation::Later {
                let gap = case.gap.map(span).unwrap_or_default();
                format!("the disk above, {above}, was made {gap} after the snapshot")
            } else {
                "the VM's generation id has changed since".to_owned()
            };
            let last = made
                .as_deref()
                .filter(|_| case.relation == Relation::Later)
                .map(|made| format!(", last on {made}"))
                .unwrap_or_default();
            let innocent = match (reverted, &case.facts.generation) {
                (Reverted::Certain, _) => "",
                (_, Generation::Different { .. }) => {
                    " Innocent explanations left: the VM was imported, restored or failed over."
                }
                _ => {
                    " Innocent explanations left: that disk was re-made or converted by hand, copied or restored."
                }
            };
            format!("{vm} {how} to {snapshot} at least once{last}: {why}.{innocent}")
        }
        Reverted::NoSign | Reverted::NotReverted if case.relation == Relation::Same => {
            let start = if reverted == Reverted::NotReverted {
                "Not reverted"
            } else {
                "Nothing shows that it was reverted"
            };
            let second_witness = if reverted == Reverted::NotReverted {
                ", and the generation id is unchanged"
            } else {
                ""
            };
            format!(
                "{start}: the disk above, {above}, was made {made_text}, at the same moment as {snapshot}{second_witness}. A revert in the first {} would look the same.",
                blind(case)
            )
        }
        Reverted::NoSign | Reverted::NotReverted => {
            format!(
                "Nothing shows that it was reverted: the generation id is still that of {snapshot}. The age of the disks says nothing."
            )
        }
        Reverted::CannotTell => format!(
            "Cannot tell whether {} was reverted to {snapshot}: {}.",
            inside(case.facts),
            why_not(case, row)
        ),
    }
}

/// How long after the snapshot a revert would go unseen.
fn blind(case: &Case<'_>) -> &'static str {
    match case.claim.and_then(|claim| tolerance(claim.source)) {
        Some(NO_ZONE_SECONDS) => "26 hours",
        _ => "5 minutes",
    }
}

fn why_not(case: &Case<'_>, row: &'static Code) -> String {
    let above = &case.above.name;
    let made = case.made().at().map(minute).unwrap_or_default();
    let gap = case.gap.map(span).unwrap_or_default();
    let is = |other: &'static Code| std::ptr::eq(row, other);
    if is(&rows::ROW_5) || is(&rows::ROW_12) {
        return format!("{above} was made {made}, {gap} later, yet the generation id is unchanged");
    }
    if is(&rows::ROW_6) {
        return format!(
            "{above} was made {made}, {gap} later, yet the guest was active in between: the file was re-made and its content continues"
        );
    }
    if is(&rows::ROW_9) {
        return format!(
            "{above} was made with the snapshot ({made}), yet the generation id changed: imported, restored, failed over, or reverted within minutes"
        );
    }
    if is(&rows::ROW_17) {
        return "the generation id changed, which a revert, an import and a copy all do, and the age of the disk above is unknown".to_owned();
    }
    if is(&rows::ROW_19) {
        return match case.claim.filter(|claim| tolerance(claim.source).is_none()) {
            Some(claim) => format!(
                "{} was written ({}) after {above} was made ({made}), so its last write is no date of the snapshot",
                case.line.frozen_name,
                second(claim.at)
            ),
            None => format!("{above} was made {made}, {gap} before the snapshot, which cannot be"),
        };
    }
    if is(&rows::ROW_21)
        && let (Some(claim), Some(gap)) = (case.claim, case.gap)
    {
        return format!(
            "the date of the snapshot ({}) has no time zone, and {above} was made {made}, {} {} it, which no zone explains and a revert within a day would",
            second(claim.at).trim_end_matches('Z'),
            span(gap),
            if gap < 0 { "before" } else { "after" }
        );
    }
    if is(&rows::ROW_21) {
        let bound = case.claim.map(|claim| minute(claim.at)).unwrap_or_default();
        let near = match (case.claim, case.made().at()) {
            (Some(claim), Some(made))
                if (0..=CLOSE_SECONDS).contains(
                    &crate::analysis::facts::belief::seconds_between(claim.at, made),
                ) =>
            {
                "; the two lie together, which fits a VM that ran and was not reverted"
            }
            _ => "",
        };
        return format!(
            "{} was last written {bound} and {above} was made {made}; when in between the snapshot was taken is not known{near}",
            case.line.frozen_name
        );
    }
    if case.frozen_later {
        return format!(
            "the frozen disk {} is itself younger than the snapshot, so these files were converted, copied or moved",
            case.line.frozen_name
        );
    }
    match (case.above.made.at(), case.claim) {
        (None, _) => match case.above.belief.doubts.first() {
            Some(doubt) => format!("the age of {above} is unknown, for {}", doubt_words(doubt)),
            None => format!("the age of {above} is unknown"),
        },
        (Some(_), None) => {
            format!("{above} was made {made}, but nothing says when the snapshot was taken")
        }
        (Some(_), Some(_)) => "the witnesses do not suffice".to_owned(),
    }
}

fn doubt_words(doubt: &crate::analysis::facts::Doubt) -> String {
    use crate::analysis::facts::Doubt;
    match doubt {
        Doubt::FrozenLater(_, born, _) => format!(
            "the frozen disk was born after its snapshot ({}): the files were copied",
            minute(*born)
        ),
        Doubt::AfterWrite(_, born, _) => format!(
            "the files were copied on {} (births later than last writes)",
            minute(*born)
        ),
        Doubt::Together(first, _) => format!(
            "all files of the chain were born together on {}, as by a copy",
            minute(*first)
        ),
        Doubt::ConfigDiffers(_, born, _) => {
            format!(
                "the snapshot's configuration was copied on {}",
                minute(*born)
            )
        }
        Doubt::OfCopy(_, born) => format!(
            "the file system here knows only the birth of this copy ({})",
            minute(*born)
        ),
        Doubt::Missing(_) => {
            "the file system gives no birth time and a VHDX holds no date".to_owned()
        }
    }
}

/// What would settle a `cannot-tell`.
pub(super) fn settle(case: &Case<'_>, row: &'static Code) -> String {
    let is = |other: &'static Code| std::ptr::eq(row, other);
    if is(&rows::ROW_5) || is(&rows::ROW_12) || is(&rows::ROW_6) {
        return "Find out which tool made that disk anew (a conversion, a storage migration, a copy).".to_owned();
    }
    if is(&rows::ROW_9) {
        return "Ask whether the VM was imported, restored or failed over since.".to_owned();
    }
    if is(&rows::ROW_19) {
        return format!("Check the host's clock and where the dates come from. {BRING_LABELS}.");
    }
    if is(&rows::ROW_21) {
        return format!("{BRING_LABELS}.");
    }
    let date_missing = case
        .claim
        .is_none_or(|claim| tolerance(claim.source).is_none());
    match (date_missing, case.made().at().is_none()) {
        (true, true) => format!("{BRING_LABELS}. {BRING_TIMES}."),
        (true, false) => format!("{BRING_LABELS}."),
        (false, _) => format!("{BRING_TIMES}."),
    }
}

/// What belongs to the verdict without changing it.
pub(super) fn notes(case: &Case<'_>, row: &'static Code) -> Vec<String> {
    let above = case.above;
    let mut notes = Vec::new();
    if above.equals_parent == Some(true) {
        notes.push(format!(
            "{} holds nothing that differs: the VM stands at the snapshot.",
            above.name
        ));
    }
    if let Some(kept) = kept_sibling(case) {
        notes.push(format!("The state before the revert was kept as snapshot \"{kept}\"; deleting that one loses it."));
    }
    if !above.branches.is_empty() && row != &rows::ROW_1A {
        notes.push(format!(
            "Another branch hangs on {}: the snapshot was applied at some time.",
            case.line.frozen_name
        ));
    }
    if !above.lingering.is_empty() {
        notes.push(format!(
            "No snapshot owns {}: a backup's leftover, or a merge that has not run.",
            above.lingering.join(", ")
        ));
    }
    if above.unrelated > 0 {
        notes.push(format!(
            "Disks of no known snapshot hang on {} too: {}.",
            case.line.frozen_name, above.unrelated
        ));
    }
    notes
}
