//! Whose the files are that a delete changes: other machines, stale copies of configurations, machines nobody names.

use crate::analysis::plan::Answer;
use crate::analysis::plan::gate::{GateInput, reason};
use crate::analysis::reasons;
use crate::analysis::topology::Passing;
use crate::store::{DiskId, MachineId, Product, Snapshot, SnapshotId};

use super::Reason;

/// Every reason of this kind.
pub(super) fn reasons(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    if let Some(machine) = case.machine {
        others(case, machine, all);
    }
    if let Some(snapshot) = case.snapshot {
        twins(case, snapshot, all);
        if case.machine.is_none() {
            nobodys(case, all);
        }
    }
}

/// The engine knows only its own machine: what it merges into or away changes under the others.
fn others(case: &GateInput<'_>, machine: MachineId, all: &mut Vec<Reason>) {
    let above = case.verdict.and_then(|verdict| verdict.above);
    let mut changed: Vec<DiskId> = case.frozen.to_vec();
    changed.extend(
        above
            .into_iter()
            .chain(case.steps.merges.iter().map(|(from, _)| *from)),
    );
    changed.sort_unstable();
    changed.dedup();
    let mut told: Vec<String> = Vec::new();
    for id in changed {
        let Some(node) = case.forest.node(id) else {
            continue;
        };
        let name = super::names(case.forest, &[id]);
        let users = node.in_use_by.iter().filter(|user| **user != machine);
        told.extend(
            users
                .filter_map(|user| case.forest.machine(*user))
                .map(|user| format!("{} runs on {name}", user.name)),
        );
        for snapshot in case.forest.snapshots_on(id) {
            let owner = snapshot.machine.filter(|owner| *owner != machine);
            if let Some(owner) = owner.and_then(|owner| case.forest.machine(owner)) {
                told.push(format!(
                    "snapshot {} of {} stands on {name}",
                    title(snapshot),
                    owner.name
                ));
            }
        }
    }
    if !told.is_empty() {
        let text = format!(
            "another machine needs a file that this delete changes or removes: {}",
            told.join("; ")
        );
        all.push(reason(&reasons::OTHER_MACHINE, Answer::Refuse, text));
    }
}

fn title(snapshot: &Snapshot) -> String {
    format!("\"{}\"", snapshot.label().unwrap_or("?"))
}

/// A second configuration of this snapshot, or a second snapshot of this machine on the same disk: one of the two is stale. XCP-ng
/// links two snapshots of an unchanged disk to one base.
fn twins(case: &GateInput<'_>, snapshot: &Snapshot, all: &mut Vec<Reason>) {
    let is_same_machine = |other: &Snapshot| {
        other.machine.is_none() || snapshot.machine.is_none() || other.machine == snapshot.machine
    };
    let shares_disk = |other: &Snapshot| {
        case.product != Product::XcpNg
            && is_same_machine(other)
            && other.disk_ids().any(|disk| case.frozen.contains(&disk))
    };
    let same_id = snapshot.id.as_deref();
    let same_id = same_id.map_or(&[][..], |id| case.index.with_id(id));
    let nodes = case
        .frozen
        .iter()
        .filter_map(|disk| case.forest.node(*disk));
    let on_disks = nodes.flat_map(|node| &node.snapshots);
    let is_twin = |other: &&SnapshotId| {
        let twin = case.forest.snapshot(**other);
        twin.is_some_and(|twin| {
            !std::ptr::eq(twin, snapshot) && (same_id.contains(other) || shares_disk(twin))
        })
    };
    let twins = same_id.iter().chain(on_disks).filter(is_twin);
    let twin = twins.min_by_key(|id| id.0);
    let twin = twin.and_then(|id| case.forest.snapshot(*id));
    if let Some(twin) = twin {
        let text = format!(
            "{} names the same disk as {}: one of the two is an old copy",
            twin.source.display(),
            snapshot.source.display()
        );
        all.push(reason(&reasons::STALE_COPY, Answer::CannotTell, text));
    }
}

/// The snapshot names no machine, and several pass through its disk; or through a disk that goes, whosever the snapshot is.
fn nobodys(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let shared = |disk: &&DiskId| case.topology.passing(**disk) == Passing::Several;
    let mut goes = case.steps.merges.iter().map(|(from, _)| from);
    if let Some(disk) = goes.find(shared) {
        let text = format!(
            "several machines stand on {}, which this delete removes",
            super::names(case.forest, &[*disk])
        );
        all.push(reason(&reasons::OTHER_MACHINE, Answer::Refuse, text));
        return;
    }
    if let Some(disk) = case.frozen.iter().find(shared) {
        let text = format!(
            "several machines stand on {}, and nothing says whose this snapshot is",
            super::names(case.forest, &[*disk])
        );
        all.push(reason(&reasons::MACHINE_UNKNOWN, Answer::CannotTell, text));
    }
}
