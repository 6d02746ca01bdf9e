//! Dates of the snapshot with their zone: its configuration's, a host's list's.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::zone;
use crate::finding::Code;
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
        why: "No configuration, list, name or memory file dates it. Without a date only the last write of the snapshot's disk says when it was taken at the earliest.", action: "Bring the host's list of snapshots.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    for taken in facts.snapshot.iter().flat_map(|snapshot| &snapshot.taken) {
        let (code, who, source) = match taken.source {
            TakenSource::Config => (
                &TAKEN_CONFIG,
                "the configuration",
                facts.snapshot_source("creation_time"),
            ),
            TakenSource::Label => (
                &TAKEN_LABEL,
                "the host's list",
                facts.list_source("CreationTime"),
            ),
            TakenSource::Management => (
                &TAKEN_MANAGEMENT,
                "the storage manager's record",
                facts.snapshot_source("snapshot_time"),
            ),
            _ => continue,
        };
        let text = format!("{who} dates it {}", second(taken.at));
        all.push(Of::Snapshot.says(code, Says::At(taken.at), text, source));
    }
    let local = facts.snapshot.map(zone::local_dates).unwrap_or_default();
    if facts.dated().is_none() && local.is_empty() {
        let text = "no date of the snapshot: no configuration, list, name or memory file gives one";
        all.push(Of::Snapshot.missing(&TAKEN_UNKNOWN, text));
    }
    all
}

/// Whether a fact is a date with its zone.
pub fn is_date(code: &'static Code) -> bool {
    ALL.contains(&code)
}
