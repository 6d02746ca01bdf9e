//! What an engine does with the files of a snapshot: which is merged into which, which is deleted, kept, or broken.
//!
//! ```text
//!  D on the way to Now, one branch of its own     the disk above is merged into D and goes
//!  several branches of its own                    D is kept until one is left
//!  no branch of its own                           D is deleted, its changes with it
//!  other disks on D (or on the merged disk)       break
//! ```

use crate::analysis::topology::{Lead, Topology};
use crate::store::names::has_extension;
use crate::store::product::MergeModel;
use crate::store::{DiskId, Forest, MachineId, Product, SnapshotId};

/// The steps for all frozen disks of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Merges, in order: from, into.
    pub merges: Vec<(DiskId, DiskId)>,
    /// Deleted without a merge, though they may hold changes.
    pub dead_ends: Vec<DiskId>,
    /// Deleted without a merge, nobody else needing what they hold (XCP-ng's snapshot leaves, the newest backup).
    pub leaves: Vec<DiskId>,
    /// Kept, as several branches hang on them: the disk and how many.
    pub kept: Vec<(DiskId, usize)>,
    /// Kept, as they are the user's own files and not ones that a snapshot made.
    pub own: Vec<DiskId>,
    /// Kept, as another snapshot or machine needs them.
    pub needed: Vec<DiskId>,
    /// Disks that would break.
    pub breaks: Vec<DiskId>,
    /// Frozen disks above which nothing says what the machine uses.
    pub unknown: Vec<DiskId>,
    /// Merges that follow because a disk kept for several branches is left with one: the disk kept so far.
    pub follow_up: Vec<DiskId>,
}

#[derive(Debug, Clone, Copy)]
pub struct DeleteSubject<'a> {
    pub forest: &'a Forest,
    pub topology: &'a Topology<'a>,
    /// The machine, if known.
    pub machine: Option<MachineId>,
    /// The snapshot, if a configuration or label names it.
    pub snapshot: Option<SnapshotId>,
    pub product: Product,
}

/// The steps of deleting a snapshot with these frozen disks.
pub fn steps(subject: &DeleteSubject<'_>, frozen: &[DiskId]) -> Steps {
    let mut steps = Steps::default();
    for disk in frozen {
        match subject.product.rules().merge {
            MergeModel::Coalesced => xcpng(subject, *disk, &mut steps),
            MergeModel::RestorePoints => xo(subject, *disk, &mut steps),
            MergeModel::Versions => version(subject, *disk, &mut steps),
            MergeModel::Chain => hyperv(subject, *disk, &mut steps),
        }
    }
    steps
}

fn hyperv(subject: &DeleteSubject<'_>, frozen: DiskId, steps: &mut Steps) {
    if needed_elsewhere(subject, frozen) {
        steps.needed.push(frozen);
        return;
    }
    let (own, others) = branches(subject, frozen);
    if !knows_now(subject) && matches!(subject.topology.lead(frozen), Lead::Many(_)) {
        // Which of them is the machine's cannot be told; whatever happens to their parent, the others break.
        steps.unknown.push(frozen);
        steps.breaks.extend(others);
        return;
    }
    if own.is_empty() && (breaks_on_the_way(subject) || may_be_below_a_closed_one(subject)) {
        // The disk may well be on the way to Now: where the machine's chain goes cannot be seen.
        steps.unknown.push(frozen);
        steps.breaks.extend(others);
        return;
    }
    match own.as_slice() {
        [] if !is_made_by_a_snapshot(subject.forest, frozen) => steps.own.push(frozen),
        [] if others.is_empty() => dead_end(subject, frozen, steps),
        [] => {
            steps.dead_ends.push(frozen);
            steps.breaks.extend(others);
        }
        [one] => merge(subject, *one, frozen, &others, steps),
        several => steps.kept.push((frozen, several.len())),
    }
}

/// Hyper-V and Virtual PC name the disks they make themselves; of all others a delete leaves the file.
fn is_made_by_a_snapshot(forest: &Forest, disk: DiskId) -> bool {
    forest.disk(disk).is_some_and(|disk| {
        ["avhd", "avhdx", "vud"]
            .iter()
            .any(|extension| has_extension(&disk.path, extension))
    })
}

fn knows_now(subject: &DeleteSubject<'_>) -> bool {
    subject
        .machine
        .is_some_and(|machine| subject.topology.knows_now(machine))
}

/// What the machine uses is not known, and some disk here could not be opened: it may be that one, and stand on any.
fn may_be_below_a_closed_one(subject: &DeleteSubject<'_>) -> bool {
    !knows_now(subject) && subject.forest.disks.iter().any(|disk| disk.is_locked())
}

/// The machine's own chain cannot be followed to its base.
pub(super) fn breaks_on_the_way(subject: &DeleteSubject<'_>) -> bool {
    subject
        .machine
        .is_some_and(|machine| subject.topology.is_broken(machine))
}

/// Another snapshot of this machine keeps the same disk frozen, or the machine uses it as it is. What other machines need the
/// engine does not know.
fn needed_elsewhere(subject: &DeleteSubject<'_>, disk: DiskId) -> bool {
    let is_ours = |machine: Option<MachineId>| {
        machine.is_none() || subject.machine.is_none() || machine == subject.machine
    };
    subject.forest.node(disk).is_some_and(|node| {
        let others = node
            .snapshots
            .iter()
            .filter(|other| Some(**other) != subject.snapshot);
        let mut owners = others.filter_map(|other| Some(subject.forest.snapshot(*other)?.machine));
        owners.any(is_ours) || node.in_use_by.iter().any(|user| is_ours(Some(*user)))
    })
}

/// Another machine, or a snapshot of another, needs the disk too.
fn is_anothers(subject: &DeleteSubject<'_>, disk: DiskId) -> bool {
    subject.forest.node(disk).is_some_and(|node| {
        let of = subject.forest.snapshots_on(disk);
        let of = of.filter_map(|snapshot| snapshot.machine);
        node.in_use_by
            .iter()
            .copied()
            .chain(of)
            .any(|other| Some(other) != subject.machine)
    })
}

/// Branches on a disk: those of the machine, and all others.
fn branches(subject: &DeleteSubject<'_>, disk: DiskId) -> (Vec<DiskId>, Vec<DiskId>) {
    let topology = subject.topology;
    let alone = topology.lead_above(disk);
    let now_known = knows_now(subject);
    topology.children(disk).partition(|child| {
        topology.is_own(subject.machine, *child) || (!now_known && Some(*child) == alone)
    })
}

fn dead_end(subject: &DeleteSubject<'_>, frozen: DiskId, steps: &mut Steps) {
    steps.dead_ends.push(frozen);
    let Some(below) = subject.forest.parent_of(frozen) else {
        return;
    };
    // A disk whose snapshot was deleted while several branches hung on it is merged as soon as one is left.
    let owned = subject
        .forest
        .node(below)
        .is_some_and(|node| !node.snapshots.is_empty() || !node.in_use_by.is_empty());
    let (own, others) = branches(subject, below);
    let left: Vec<DiskId> = own.into_iter().filter(|child| *child != frozen).collect();
    if owned || subject.machine.is_none() {
        return;
    }
    if let [one] = left.as_slice() {
        steps.follow_up.push(below);
        let others: Vec<DiskId> = others
            .into_iter()
            .filter(|child| *child != frozen)
            .collect();
        merge(subject, *one, below, &others, steps);
    }
}

fn merge(
    subject: &DeleteSubject<'_>,
    from: DiskId,
    into: DiskId,
    others: &[DiskId],
    steps: &mut Steps,
) {
    steps.merges.push((from, into));
    steps.breaks.extend_from_slice(others);
    if subject.machine.is_some() && is_anothers(subject, from) {
        steps.breaks.push(from);
    }
    // The engine hangs its own disks on the receiving file; it knows nothing of the others.
    steps.breaks.extend(branches(subject, from).1);
}

/// Xen Orchestra: the disk of the backup takes in its child, and with it the child's name; the newest one just goes. A disk
/// with several children it does not touch.
fn xo(subject: &DeleteSubject<'_>, disk: DiskId, steps: &mut Steps) {
    let children: Vec<DiskId> = subject.topology.children(disk).collect();
    match children.as_slice() {
        [] => steps.leaves.push(disk),
        [one] => steps.merges.push((*one, disk)),
        several => steps.kept.push((disk, several.len())),
    }
}

/// Citrix Provisioning merges by a command of its own: a delete takes the file away, whatever stands on it.
fn version(subject: &DeleteSubject<'_>, disk: DiskId, steps: &mut Steps) {
    steps.leaves.push(disk);
    steps.breaks.extend(subject.topology.children(disk));
}

/// XCP-ng: the snapshot's own leaf goes, and a base left with one child takes that child in.
fn xcpng(subject: &DeleteSubject<'_>, base: DiskId, steps: &mut Steps) {
    let children: Vec<DiskId> = subject.topology.children(base).collect();
    let active = subject.topology.lead_above(base);
    let is_leaf = |disk: &DiskId| subject.topology.is_leaf(*disk);
    let named = |disk: &DiskId| match subject.snapshot {
        Some(snapshot) => subject
            .forest
            .node(*disk)
            .is_some_and(|node| node.snapshots.contains(&snapshot)),
        None => false,
    };
    let spare: Vec<DiskId> = children
        .iter()
        .copied()
        .filter(|child| Some(*child) != active && is_leaf(child))
        .filter(|child| {
            let node = subject.forest.node(*child);
            node.is_some_and(|node| node.in_use_by.is_empty())
        })
        .collect();
    let gone = spare
        .iter()
        .copied()
        .find(named)
        .or_else(|| spare.first().copied().filter(|_| spare.len() == 1));
    let left: Vec<DiskId> = children
        .iter()
        .copied()
        .filter(|child| Some(*child) != gone)
        .collect();
    match gone {
        // A snapshot's own leaf is empty unless somebody wrote to it, or it is no snapshot's leaf at all.
        Some(leaf) if may_hold_data(subject.forest, leaf) => steps.dead_ends.push(leaf),
        _ => steps.leaves.extend(gone),
    }
    match (left.as_slice(), active) {
        ([], _) if may_be_below_a_closed_one(subject) => steps.unknown.push(base),
        ([], _) => steps.dead_ends.push(base),
        (_, None) => steps.unknown.push(base),
        ([one], _) => steps.merges.push((*one, base)),
        (several, _) => steps.kept.push((base, several.len())),
    }
}

/// Whether a disk holds anything of its own, or that is not known.
fn may_hold_data(forest: &Forest, disk: DiskId) -> bool {
    forest
        .disk(disk)
        .and_then(|disk| disk.counts.as_ref())
        .is_none_or(|counts| !counts.complete || counts.error > 0 || counts.dirty_sectors > 0)
}
