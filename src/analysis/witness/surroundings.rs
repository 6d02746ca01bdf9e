//! What belongs to a verdict without deciding it: the snapshot's kind, files on top that nobody owns, other disks on D, whether
//! X still stands at the snapshot.

use crate::analysis::evidence::{Evidence, Of};
use crate::analysis::facts::Facts;
use crate::analysis::witness::branch;
use crate::store::{DiskId, SnapshotKind};

crate::catalogue! {
    CHECKPOINT_KIND = "checkpoint-kind", Info, "a checkpoint taken by a machine, not by hand: automatic, recovery or replica",
        why: "The verdict holds as for any other, but such checkpoints come and go without anybody having asked for them.", action: "Find out which program owns it before deleting it.";
    MERGE_PENDING = "merge-pending", Warning, "the VM's configuration says that a merge is pending",
        why: "An earlier delete has not been carried out yet: the chain holds a disk that no snapshot owns any more, and the snapshot's disk may change.", action: "Let the merge finish first.";
    LINGERING_ABOVE = "lingering-above", Info, "files that no snapshot owns lie on top: the disk directly above the snapshot's was judged, not the leaf",
        why: "Lingering backup files and deleted snapshots whose merge has not run leave disks in the chain that no configuration names.", action: "Let backups and merges finish before deleting more.";
    UNRELATED_CHILDREN = "unrelated-children", Warning, "disks of no known snapshot stand on the snapshot's disk",
        why: "They may have been attached by hand; they do not count as a branch. A merge into their parent breaks them.", action: "Find out who uses them.";
    STANDS = "stands-at-snapshot", Info, "the disk above holds nothing that differs from the snapshot",
        why: "The VM shows the snapshot's state to the last sector: freshly reverted, or never used since.", action: "Nothing.";
    MOVED_ON = "moved-on", Info, "the disk above holds changes since the snapshot",
        why: "The VM went on from the snapshot.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let (frozen, above) = (facts.frozen_name(), facts.above_name());
    let kind = kind(facts).map(|kind| {
        let text = format!("this is {kind} checkpoint, taken by a machine and not by hand");
        Of::Snapshot.remark(&CHECKPOINT_KIND, text, facts.snapshot_source("kind"))
    });
    let machine = facts.machine.and_then(|id| facts.survey.forest.machine(id));
    let pending = machine.filter(|machine| machine.is_merge_pending());
    let pending = pending.map(|machine| {
        let source = format!("{}: disk_merge_pending", machine.source.display());
        let text = "a merge is pending: an earlier delete has not been carried out yet";
        Of::Snapshot.remark(&MERGE_PENDING, text, source)
    });
    let lingering = lingering(facts).join(", ");
    let lingering = (!lingering.is_empty()).then(|| {
        let text = format!("owned by no snapshot, with others on top: {lingering}");
        let source = "links, snapshot configurations and lists";
        Of::DiskAbove.remark(&LINGERING_ABOVE, text, source)
    });
    let unrelated = unrelated(facts);
    let unrelated = (unrelated > 0).then(|| {
        let text = format!("disks of no known snapshot that stand on {frozen} too: {unrelated}");
        let source = Facts::source(facts.frozen_disk, "links");
        Of::DiskAbove.remark(&UNRELATED_CHILDREN, text, source)
    });
    let content = facts.survey.equals_parent(facts.above).map(|equals| {
        let stands = "holds nothing that differs from";
        let (code, text) = if equals {
            (
                &STANDS,
                format!("{above} {stands} {frozen}: the VM stands at the snapshot"),
            )
        } else {
            (&MOVED_ON, format!("{above} holds changes"))
        };
        Of::DiskAbove.remark(code, text, Facts::source(facts.above_disk, "content"))
    });
    let all = [kind, pending, lingering, unrelated, content];
    all.into_iter().flatten().collect()
}

fn kind(facts: &Facts<'_>) -> Option<&'static str> {
    match facts.snapshot?.kind {
        SnapshotKind::Automatic => Some("an automatic"),
        SnapshotKind::Recovery => Some("a backup's"),
        SnapshotKind::Replica => Some("a replica's"),
        _ => None,
    }
}

/// Disks between X and Now, X included, that no snapshot owns though others lie above them. A disk nobody names has a long way
/// up only in a store without configurations, where owners say nothing.
fn lingering(facts: &Facts<'_>) -> Vec<String> {
    if facts.snapshot.is_none() {
        return Vec::new();
    }
    let topology = &facts.survey.topology;
    let mut way = topology.way_up(facts.machine, facts.above);
    way.pop();
    // XCP-ng: a snapshot's own disk is a leaf beside, and a base with such a leaf is its.
    let is_named_leaf = |leaf: DiskId| topology.is_leaf(leaf) && topology.is_named(leaf);
    let has_leaf = |id| facts.survey.is_xcp(id) && topology.children(id).any(is_named_leaf);
    way.retain(|id| !topology.is_named(*id) && !has_leaf(*id));
    way.iter().map(|id| facts.survey.name(*id)).collect()
}

fn unrelated(facts: &Facts<'_>) -> usize {
    let topology = &facts.survey.topology;
    let branches = branch::others(facts);
    let is_known = |child: DiskId| child == facts.above || branches.contains(&child);
    let is_own_leaf = |child| facts.survey.is_xcp(child) && topology.is_leaf(child);
    let children = topology.children(facts.frozen);
    children
        .filter(|child| !is_known(*child) && !is_own_leaf(*child))
        .count()
}
