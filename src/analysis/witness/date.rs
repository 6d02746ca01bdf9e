//! Dates of the snapshot with their zone: its configuration's, a host's list's.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::zone;
use crate::store::TakenSource::{Config, Label, Management};
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
    let dated = |claim, code, who: &str, field| {
        let at = facts.claim(claim)?;
        let text = format!("{who} dates it {}", second(at));
        let source = facts.snapshot_source(field);
        Some(Of::Snapshot.says(code, Says::At(at), text, source))
    };
    let by_config = dated(Config, &TAKEN_CONFIG, "the configuration", "creation_time");
    let by_label = dated(Label, &TAKEN_LABEL, "the host's list", "CreationTime");
    let record = "the storage manager's record";
    let by_record = dated(Management, &TAKEN_MANAGEMENT, record, "snapshot_time");
    let local = facts.snapshot.map(zone::local_dates).unwrap_or_default();
    let undated = (facts.dated().is_none() && local.is_empty()).then(|| {
        let text = "no date of the snapshot: no configuration, list, name or memory file gives one";
        Of::Snapshot.missing(&TAKEN_UNKNOWN, text)
    });
    let all = [by_config, by_label, by_record, undated];
    all.into_iter().flatten().collect()
}
