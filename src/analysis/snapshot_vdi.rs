//! XCP-ng: the disk of a snapshot as its administrator knows it. A snapshot there is a VDI with an id of its own: a leaf, normally
//! empty, beside the disk the machine goes on in. What it stands for is held by the hidden base copy below both, which no tool of
//! XCP-ng shows (FACTS.md §1.8).

use crate::analysis::{AssessedSnapshot, Assessment, Rule};
use crate::store::{Disk, DiskId, Forest, Product};

/// The snapshot that a disk is the VDI of: an index into [`Assessment::snapshots`]. The pool's facts name it; without them it is
/// the leaf that holds nothing, where the structure tells which of its neighbours the machine goes on in.
pub fn snapshot_of_vdi(forest: &Forest, assessment: &Assessment, id: DiskId) -> Option<usize> {
    let node = forest.node(id)?;
    let is_aside = node.children.is_empty() && node.in_use_by.is_empty();
    if node.product != Product::XcpNg || !is_aside {
        return None;
    }
    let own = &assessment.disk(forest.parent_of(id)?)?.snapshots;
    let of = |at: &usize| assessment.snapshots.get(*at);
    let is_named = |at: &&usize| {
        let snapshot = of(at).and_then(|of| of.snapshot);
        snapshot.is_some_and(|snapshot| node.snapshots.contains(&snapshot))
    };
    if let Some(named) = own.iter().find(is_named) {
        return Some(*named);
    }
    let first = own.first().copied()?;
    let above = of(&first)?.verdict.above;
    (is_empty(forest, id) && above.is_some_and(|above| above != id)).then_some(first)
}

/// The unnamed snapshot on the base of a leaf that holds nothing, where more leaves than two stand there: any of them may be
/// its VDI, and a person who asks about one asks about that base.
pub fn one_of_several(forest: &Forest, assessment: &Assessment, id: DiskId) -> Option<usize> {
    let base = forest.parent_of(id).filter(|_| is_empty(forest, id))?;
    let first = *assessment.disk(base)?.snapshots.first()?;
    let rule = assessment.snapshots.get(first)?.verdict.rule;
    (rule == Rule::SeveralChildren).then_some(first)
}

fn is_empty(forest: &Forest, id: DiskId) -> bool {
    forest.disk(id).is_some_and(Disk::holds_nothing)
}

/// The VDI of a snapshot that no facts name: the leaf on its base copy that holds nothing, beside the disk the machine goes on in.
pub fn unnamed_vdi(forest: &Forest, base: DiskId, above: DiskId) -> Option<DiskId> {
    let node = forest.node(base)?;
    let is_it = |id: &DiskId| {
        let leaf = forest.node(*id);
        let is_aside =
            leaf.is_some_and(|node| node.children.is_empty() && node.in_use_by.is_empty());
        *id != above && is_aside && is_empty(forest, *id)
    };
    let mut children = node.children.iter().copied();
    children.find(|id| node.product == Product::XcpNg && is_it(id))
}

/// The VDI that is a snapshot's own.
pub fn vdi_of_snapshot(
    forest: &Forest,
    assessment: &Assessment,
    of: &AssessedSnapshot,
) -> Option<DiskId> {
    let base = of.frozen.first().copied()?;
    let is_it =
        |(id, at): (DiskId, usize)| (assessment.snapshots.get(at) == Some(of)).then_some(id);
    vdis_on(forest, assessment, base).find_map(is_it)
}

/// The VDIs of the snapshots whose content a base copy holds.
pub fn vdis_on<'a>(
    forest: &'a Forest,
    assessment: &'a Assessment,
    base: DiskId,
) -> impl Iterator<Item = (DiskId, usize)> + 'a {
    let children = forest.node(base).map_or(&[][..], |node| &node.children);
    let vdi = move |id: &DiskId| Some((*id, snapshot_of_vdi(forest, assessment, *id)?));
    children.iter().filter_map(vdi)
}
