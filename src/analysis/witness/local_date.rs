//! A date without a zone: a list's, or the one in a default name. Every offset that fits the files of the store is judged.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::analysis::witness::{frozen_write, memory};
use crate::analysis::zone::{self, ABOVE_SECONDS, FREEZE_SECONDS};
use crate::store::TakenSource;
use crate::text::{many, second};

crate::catalogue! {
    TAKEN_LOCAL = "taken-local", Info, "a date of the snapshot in the host's local time, its zone not said",
        why: "Windows PowerShell and Hyper-V's default names give local time. The zones that fit every file and every such date of the store are all judged, and must agree.", action: "Bring a list that says the zone.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let local = second(*zone::local_dates(facts.snapshot?).first()?);
    let moments = moments(facts);
    let (who, source) = match facts.claim(TakenSource::LabelLocal) {
        Some(_) => ("the host's list", facts.list_source("CreationTime")),
        None => ("its name", facts.snapshot_source("name")),
    };
    let fit = match moments.as_slice() {
        [] => "no time zone fits the files".to_owned(),
        [one] => format!("by the files that is {}", second(*one)),
        [one, .., last] => format!(
            "{} between {} and {} fit the files",
            many(moments.len(), "moment"),
            second(*one),
            second(*last)
        ),
    };
    let local = local.trim_end_matches('Z');
    let text = format!("{who} dates it {local} without a time zone: {fit}");
    let says = match moments.as_slice() {
        [one] => Says::At(*one),
        _ => Says::OneOf(moments),
    };
    Some(Of::Snapshot.says(&TAKEN_LOCAL, says, text, source))
}

/// The moments that fit, and lie beside the memory file's last write where that is the host's.
fn moments(facts: &Facts<'_>) -> Vec<Timestamp> {
    let lower = frozen_write::lower_end(facts);
    let memory = memory::at(facts);
    let beside = -ABOVE_SECONDS..=Slack::DATE.same;
    let mut moments = facts.local_moments();
    moments.retain(|at| {
        lower.is_none_or(|write| seconds_between(*at, write) <= FREEZE_SECONDS)
            && memory.is_none_or(|memory| beside.contains(&seconds_between(*at, memory)))
    });
    moments
}
