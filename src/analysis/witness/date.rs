//! Dates of the snapshot with their zone: its configuration's, a host's list's.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::zone;
use crate::store::TakenSource;
use crate::text::second;

crate::catalogue! {
    TAKEN_CONFIG = "taken-config", Info, "the configuration's date of the snapshot",
        why: "Written by the host when the snapshot was taken: the best date there is.", action: "Nothing.";
    TAKEN_LABEL = "taken-label", Info, "the host's list of snapshots gives the date",
        why: "CreationTime as the host keeps it, with its zone.", action: "Nothing.";
    TAKEN_MANAGEMENT = "taken-management", Info, "the storage manager's record gives the date",
        why: "XCP-ng keeps the time of each snapshot, in UTC, in the repository's volume MGT; it does not change when the snapshot is applied.", action: "Nothing.";
    TAKEN_UNKNOWN = "taken-unknown", Info, "no date of the snapshot",
        why: "No configuration, list, name or memory file dates it. Without a date only the frozen disk's last write says when it was taken at the earliest.", action: "Bring the host's list of snapshots.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let kinds = [
        (
            TakenSource::Config,
            &TAKEN_CONFIG,
            "the configuration dates it",
            "creation_time",
        ),
        (
            TakenSource::Label,
            &TAKEN_LABEL,
            "the host's list dates it",
            "CreationTime",
        ),
        (
            TakenSource::Management,
            &TAKEN_MANAGEMENT,
            "the storage manager's record dates it",
            "snapshot_time",
        ),
    ];
    let mut all = Vec::new();
    for (source, code, says, field) in kinds {
        if let Some(at) = facts.claim(source) {
            let text = format!("{says} {}", second(at));
            let source = facts.snapshot_source(field);
            all.push(Evidence::of_snapshot(code, Says::At(at), text, source));
        }
    }
    let is_undated = facts.dated().is_none()
        && facts
            .snapshot
            .is_none_or(|snapshot| zone::local_dates(snapshot).is_empty());
    if is_undated {
        all.push(Evidence::missing(
            &TAKEN_UNKNOWN,
            Of::Snapshot,
            "no date of the snapshot: no configuration, list, name or memory file gives one",
        ));
    }
    all
}
