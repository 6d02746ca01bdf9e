//! Proof by the list alone: a snapshot of this machine on another branch is younger than this one, and Now comes from this one.
//! So this one was applied after the other was taken, whatever the files' ages.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says};
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

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let (other, taken) = later_elsewhere(facts)?;
    let name = other.label().unwrap_or_default();
    let taken = second(taken);
    let text = format!("\"{name}\" was taken later, {taken}, on another branch");
    let source = format!("{}: dates and disks", other.source.display());
    let says = Says::Proves(Rule::ListOrder);
    Some(Of::DiskAbove.says(&LIST_ORDER, says, text, source))
}

/// The name of the younger snapshot on another branch.
pub fn younger(facts: &Facts<'_>) -> Option<String> {
    Some(later_elsewhere(facts)?.0.label()?.to_owned())
}

fn later_elsewhere<'a>(facts: &Facts<'a>) -> Option<(&'a Snapshot, Timestamp)> {
    let this = facts.snapshot?;
    let date = facts.dated()?;
    let (forest, topology) = (facts.survey.forest, &facts.survey.topology);
    let machine = facts.machine.filter(|id| topology.knows_now(*id))?;
    let all = topology.snapshots_of(facts.machine);
    let siblings = || {
        all.iter()
            .copied()
            .filter(|other| !std::ptr::eq(*other, this))
    };
    let is_later = |at| seconds_between(date, at) > MINUTES_5;
    let (other, taken) = siblings()
        .filter(|other| !matches!(other.kind, SnapshotKind::Recovery | SnapshotKind::Replica))
        .filter_map(|other| Some((other, zone::zoned_date(other)?)))
        .find(|(other, taken)| is_later(*taken) && is_elsewhere(facts, other))?;
    let on_line_above = |disk: DiskId| {
        disk != facts.frozen
            && topology.next(machine, disk).is_some()
            && forest.line(disk).any(|below| below == facts.frozen)
    };
    let hides_it = |nearer: &Snapshot| {
        let date = zone::zoned_date(nearer);
        let there_then = date.is_none_or(|date| seconds_between(date, taken) > MINUTES_5);
        there_then && nearer.disk_ids().any(on_line_above)
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
