//! A date without a zone: a list's, or the one in a default name. Every offset that fits the files of the store is judged.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Says, Slack};
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

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let Some(snapshot) = facts.snapshot else {
        return Vec::new();
    };
    let dates = zone::local_dates(snapshot);
    let Some(first) = dates.first() else {
        return Vec::new();
    };
    let moments = moments(facts);
    let by_list = facts.claim(TakenSource::LabelLocal).is_some();
    let (says, field) = if by_list {
        ("the host's list", "CreationTime")
    } else {
        ("its name", "name")
    };
    let local = second(*first);
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
    let text = format!(
        "{says} dates it {} without a time zone: {fit}",
        local.trim_end_matches('Z')
    );
    let says = match moments.as_slice() {
        [one] => Says::At(*one),
        _ => Says::OneOf(moments),
    };
    vec![Evidence::of_snapshot(
        &TAKEN_LOCAL,
        says,
        text,
        facts.snapshot_source(field),
    )]
}

/// The moments that fit, and lie beside the memory file's last write where that is the host's.
fn moments(facts: &Facts<'_>) -> Vec<Timestamp> {
    let lower = frozen_write::lower_end(facts);
    let memory = memory::at(facts);
    let mut moments = facts.local_moments();
    moments.retain(|at| {
        lower.is_none_or(|write| seconds_between(*at, write) <= FREEZE_SECONDS)
            && memory.is_none_or(|memory| {
                (-ABOVE_SECONDS..=Slack::DATE.same).contains(&seconds_between(*at, memory))
            })
    });
    moments
}
