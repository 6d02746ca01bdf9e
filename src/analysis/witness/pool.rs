//! XCP-ng: when the disk in use was made, by the pool's own records.
//!
//! xapi reverts by a clone (until 26.1.4): the disk in use is destroyed, and the clone of the snapshot's own disk takes its
//! place. It stamps that clone with `snapshot_time`, as it does a snapshot, and `snapshot_of` of the machine's snapshots then
//! leads to it. So a disk is younger than its own snapshot only if it was made by a revert. Newer releases revert in place and
//! leave no trace in the records: their silence says nothing.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{MINUTES_5, seconds_between};
use crate::analysis::rules::Rule;
use crate::store::host::{HostVdi, VdiRole};
use crate::store::{DiskId, PoolDisk};
use crate::text::second;

crate::catalogue! {
    POOL_CLONE = "pool-clone", Info, "the pool's record says when the disk in use was made by a clone",
        why: "Until xapi 26.1.4 a revert clones the snapshot's disk and gives the clone a snapshot_time, by the clock that dates the snapshot too. A disk that was never cloned has none.", action: "Nothing.";
    POOL_ORDER = "pool-order", Warning, "the pool made the record of the disk in use after the record of its snapshot",
        why: "Each record carries the generation of the database in which it was made, whatever the clock said then. A disk is there before its snapshots, unless a revert made it. Moving the disks to another repository, an import, or forgetting and introducing a repository makes new records too.", action: "Ask whether the VM was moved, imported or reverted.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let Some(((now, own), snapshot)) = records(facts) else {
        return Vec::new();
    };
    let name = facts.survey.name(now);
    let source = |field: &str| format!("{}: {field}", own.origin.path.display());
    let mut all = Vec::new();
    if let Some(at) = cloned(&own.vdi, snapshot) {
        let text = format!(
            "{name}, the disk in use, was made by a clone {}",
            second(at)
        );
        let source = source("VDI.snapshot_time");
        // A revert in place keeps this time, so the disk may be younger; one that says it is older contradicts.
        let proof = Says::Proves(Rule::RecordYounger);
        all.push(Of::DiskAbove.says(&POOL_CLONE, Says::NotBefore(at), text.clone(), &*source));
        all.push(Of::DiskAbove.says(&POOL_CLONE, proof, text, source));
    }
    if let Some((made, taken)) = own.vdi.made_in.zip(snapshot.made_in)
        && made > taken
    {
        let text = format!(
            "the pool made its record of {name} in generation {made} of its database, the snapshot's in {taken}"
        );
        let says = Says::Proves(Rule::RecordYounger);
        let source = source("VDI.__ctime");
        all.push(Of::DiskAbove.says(&POOL_ORDER, says, text, source));
    }
    all
}

/// When the disk in use was cloned, if that was after this snapshot was taken.
fn cloned(own: &HostVdi, snapshot: &HostVdi) -> Option<Timestamp> {
    let (made, taken) = own.time.zip(snapshot.time)?;
    (seconds_between(taken, made) >= 0).then_some(made)
}

/// The records of the disk in use and of this snapshot of it, if the snapshot is the last of that disk on its line: the disk
/// was made on that one.
fn records<'a>(facts: &'a Facts<'_>) -> Option<((DiskId, &'a PoolDisk), &'a HostVdi)> {
    let survey = facts.survey;
    if !survey.is_xcp(facts.frozen) {
        return None;
    }
    let way = survey.topology.way_up(facts.machine, facts.above);
    let now = *way.last()?;
    let own = survey.forest.node(now)?.pool.as_deref()?;
    let of_own = |disk: DiskId| {
        let vdi = &survey.forest.node(disk)?.pool.as_ref()?.vdi;
        (vdi.role == VdiRole::SnapshotOf(own.vdi.id)).then_some(vdi)
    };
    let of_base = |base: DiskId| survey.topology.children(base).filter_map(of_own);
    let named = |disk: DiskId| {
        let mut snapshots = survey.forest.snapshots_on(disk);
        snapshots.any(|of| facts.snapshot.is_some_and(|this| std::ptr::eq(this, of)))
    };
    let leaves = survey.topology.children(facts.frozen);
    let snapshot = leaves.filter(|leaf| named(*leaf)).find_map(of_own)?;
    let is_older = |later: &HostVdi| {
        let by_clock = later.time.zip(own.vdi.time);
        let by_order = later.made_in.zip(own.vdi.made_in);
        by_clock.is_some_and(|(later, own)| seconds_between(later, own) >= -MINUTES_5)
            || by_order.is_some_and(|(later, own)| later < own)
    };
    let mut nearer = way.iter().flat_map(|base| of_base(*base));
    (!nearer.any(is_older)).then_some(((now, own), snapshot))
}
