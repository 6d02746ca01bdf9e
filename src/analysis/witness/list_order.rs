//! Proof by the list alone: a snapshot of this machine on another branch is younger than this one, and Now comes from this one.
//! So this one was applied after the other was taken, whatever the files' ages.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{MINUTES_5, seconds_between};
use crate::analysis::rules::Rule;
use crate::analysis::zone;
use crate::store::{DiskId, Snapshot, SnapshotKind};
use crate::text::second;

crate::catalogue! {
    LIST_ORDER = "list-order", Warning, "a later snapshot of this VM was taken on another branch",
        why: "The machine was on that branch then and stands on this snapshot now, so the topmost snapshot on its line that is older was applied after that.", action: "Look at what the other branch holds.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let Some((other, taken)) = later_elsewhere(facts) else {
        return Vec::new();
    };
    let name = other.name.as_deref().or(other.id.as_deref());
    let text = format!(
        "\"{}\" was taken later, {}, on another branch",
        name.unwrap_or_default(),
        second(taken)
    );
    let source = format!("{}: dates and disks", other.source.display());
    vec![Evidence::of_above(
        &LIST_ORDER,
        Says::Proves(Rule::ListOrder),
        text,
        source,
    )]
}

/// The name of the younger snapshot on another branch.
pub fn younger(facts: &Facts<'_>) -> Option<String> {
    let (other, _) = later_elsewhere(facts)?;
    other.name.clone().or_else(|| other.id.clone())
}

fn later_elsewhere<'a>(facts: &Facts<'a>) -> Option<(&'a Snapshot, Timestamp)> {
    let this = facts.snapshot?;
    let date = facts.dated()?;
    facts
        .machine
        .filter(|machine| facts.survey.topology.knows_now(*machine))?;
    let forest = facts.survey.forest;
    let all = facts.survey.topology.snapshots_of(facts.machine);
    let siblings = || {
        let all = all.iter().copied();
        all.filter(|other| !std::ptr::eq(*other, this))
    };
    let (other, taken) = siblings()
        .filter(|other| !matches!(other.kind, SnapshotKind::Recovery | SnapshotKind::Replica))
        .filter_map(|other| Some((other, zone::zoned_date(other)?)))
        .find(|(other, taken)| {
            seconds_between(date, *taken) > MINUTES_5 && is_elsewhere(facts, other)
        })?;
    let hides_it = |nearer: &Snapshot| {
        let mut disks = nearer.disks.iter().filter_map(|used| used.disk);
        let on_line_above = |disk: DiskId| {
            let machine = facts.machine;
            disk != facts.frozen
                && machine
                    .is_some_and(|machine| facts.survey.topology.next(machine, disk).is_some())
                && forest.line(disk).any(|below| below == facts.frozen)
        };
        let there_then = zone::zoned_date(nearer)
            .is_none_or(|nearer| seconds_between(nearer, taken) > MINUTES_5);
        there_then && disks.any(on_line_above)
    };
    (!siblings().any(hides_it)).then_some((other, taken))
}

/// All its disks are in the store, neither below nor above D, and at least one stands on the same base.
fn is_elsewhere(facts: &Facts<'_>, other: &Snapshot) -> bool {
    let forest = facts.survey.forest;
    let base = |disk| forest.line(disk).last();
    let mut shares_base = false;
    for used in &other.disks {
        let Some(disk) = used.disk else { return false };
        if forest.line(disk).any(|below| below == facts.frozen)
            || forest.line(facts.frozen).any(|below| below == disk)
        {
            return false;
        }
        shares_base |= base(disk) == base(facts.frozen);
    }
    shares_base
}
