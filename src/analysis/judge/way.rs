//! Snapshots without a disk above on the way to Now.

use super::Outcome;
use crate::analysis::facts::{Facts, Line, Way};
use crate::analysis::{Bearing, Evidence, Reverted, rows, witness};
use crate::finding::Code;
use crate::text::many;

/// The outcome where X(s) is not known, or there is none.
pub(super) fn judge(facts: &Facts, line: &Line) -> Outcome {
    let name = &line.frozen_name;
    let vm = facts.vm.as_deref().unwrap_or("the VM");
    match &line.way {
        // With X(s) at hand the tables judge; this arm only keeps the match whole.
        Way::Above(_) => outcome(&witness::ABOVE_UNKNOWN, line, name, None),
        Way::OffLine { children } => off_line(line, vm, *children),
        Way::IsNow => outcome(
            &witness::ABOVE_UNKNOWN,
            line,
            &format!(
                "{vm} uses {name} itself: no disk was made above it, or it has been merged already."
            ),
            Some("Bring the present configuration of the VM."),
        ),
        Way::Broken => outcome(
            &witness::CHAIN_BROKEN,
            line,
            &format!(
                "The chain of {vm} breaks before it reaches {name}, so the disk directly above it is unknown."
            ),
            Some("Bring the missing parent, or name its folder with --parent-root."),
        ),
        Way::NowUnknown { leaves } => outcome(
            &witness::NOW_UNKNOWN,
            line,
            &format!(
                "{} above {name} could be what {vm} uses now, and nothing says which.",
                many(*leaves, "leaf").replace("leafs", "leaves")
            ),
            Some(
                "Bring the VM's configuration, or its disks in the labels (Get-VM | Select Name,@{n='Disks';e={$_.HardDrives.Path}}).",
            ),
        ),
        Way::NothingAbove => outcome(
            &witness::ABOVE_UNKNOWN,
            line,
            &format!("No disk hangs on {name}, and nothing says what {vm} uses now."),
            Some("Bring the rest of the store, or the VM's disks in the labels."),
        ),
        Way::Shared { children } => outcome(
            &witness::SHARED_PARENT,
            line,
            &format!(
                "{} on {name}, and no snapshot is known here: it may be a shared parent, which has nothing to be reverted to.",
                if *children == 1 {
                    "1 disk hangs".to_owned()
                } else {
                    format!("{children} disks hang")
                }
            ),
            Some("If it is a snapshot, bring the list of snapshots (--facts)."),
        ),
    }
}

/// None of the snapshot's disks is in the store.
pub(super) fn nothing_here(facts: &Facts) -> Outcome {
    let name = facts.name.as_deref().unwrap_or("the snapshot");
    Outcome {
        row: &rows::ROW_18,
        reverted: Reverted::CannotTell,
        gap: None,
        above: None,
        made: None,
        stands: None,
        evidence: Vec::new(),
        summary: format!("Cannot tell: no disk of \"{name}\" is in the store."),
        settle: Some(
            "Bring the snapshot's disks, or name their folder with --parent-root.".to_owned(),
        ),
        notes: Vec::new(),
    }
}

fn outcome(code: &'static Code, line: &Line, why: &str, settle: Option<&str>) -> Outcome {
    Outcome {
        row: &rows::ROW_18,
        reverted: Reverted::CannotTell,
        gap: None,
        above: None,
        made: None,
        stands: None,
        evidence: vec![Evidence {
            code,
            bearing: Bearing::Silent,
            text: why.to_owned(),
            source: format!("links of {}", line.frozen_name),
        }],
        summary: format!("Cannot tell: {}", lower_first(why)),
        settle: settle.map(str::to_owned),
        notes: Vec::new(),
    }
}

fn lower_first(text: &str) -> String {
    match text.strip_prefix("The ").map(|rest| format!("the {rest}")) {
        Some(text) => text,
        None => text
            .strip_prefix("No ")
            .map_or_else(|| text.to_owned(), |rest| format!("no {rest}")),
    }
}

fn off_line(line: &Line, vm: &str, children: usize) -> Outcome {
    let name = &line.frozen_name;
    let text = format!("what {vm} uses now does not come from {name}");
    let summary = if children == 0 {
        format!(
            "Nothing shows a revert to it: {text}. It is a dead end: its changes are not part of the running VM."
        )
    } else {
        format!("Nothing shows a revert to it: {text}.")
    };
    Outcome {
        row: &rows::ROW_OFF_LINE,
        reverted: Reverted::NoSign,
        evidence: vec![Evidence {
            code: &witness::BRANCH,
            bearing: Bearing::Against,
            text,
            source: format!("links of {name}"),
        }],
        summary,
        settle: None,
        notes: vec![
            "The VM was set back from this branch to another one: the tree shows it.".to_owned(),
        ],
        ..outcome(&witness::BRANCH, line, "", None)
    }
}
