//! Where a disk that could not be opened stands in the tree, by the host's word.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use uuid::Uuid;

use super::paths::DiskPaths;
use crate::store::host::{FactsFile, HostSnapshot, snapshot_id};
use crate::store::{Disk, DiskId, Forest, LinkState, ParentLink};

/// Disks that could not be opened.
pub(super) fn disks(forest: &Forest) -> Vec<DiskId> {
    let is_locked = |id: &DiskId| forest.disk(*id).is_some_and(Disk::is_locked);
    forest.ids().filter(is_locked).collect()
}

/// Locked disks, each with the parent the host names for it: in its row of the host's list of disks, else the disk of the
/// snapshot its machine stands on.
pub(super) fn parents(
    paths: &DiskPaths<'_>,
    locked: Vec<DiskId>,
    facts: &[FactsFile],
) -> Vec<(DiskId, DiskId)> {
    let forest = paths.forest;
    let mut by_machine: HashMap<DiskId, DiskId> = HashMap::new();
    for of in facts {
        below_machines(paths, of, &mut by_machine);
    }
    let inputs: HashMap<&Path, &FactsFile> = facts.iter().map(|of| (&*of.path, of)).collect();
    let by_row = |id: DiskId| {
        let row = forest.node(id)?.host.as_ref()?;
        let of = inputs.get(&*row.origin.path)?;
        paths.of_facts(row.file.disk.as_ref()?.parent.as_deref()?, of)
    };
    let parent = |id: DiskId| by_row(id).or_else(|| by_machine.get(&id).copied());
    locked
        .into_iter()
        .filter_map(|id| Some((id, parent(id)?)))
        .collect()
}

/// How the owner of a snapshot is told.
#[derive(PartialEq, Eq, Hash)]
enum SnapshotOwner<'a> {
    Id(Uuid),
    Name(&'a str),
}

/// The disks that machines use, each with the disk of the snapshot its machine stands on: the only one, or the one at the
/// same place.
fn below_machines(paths: &DiskPaths<'_>, of: &FactsFile, found: &mut HashMap<DiskId, DiskId>) {
    // By name and id, each with the machine's name and id.
    let mut snapshots: HashMap<(String, SnapshotOwner<'_>), &HostSnapshot> = HashMap::new();
    for snapshot in &of.facts.snapshots {
        let name = snapshot_id(&snapshot.name);
        let id = snapshot.id.clone().filter(|id| name.as_ref() != Some(id));
        for key in name.into_iter().chain(id) {
            let owners = [
                snapshot.vm_id.map(SnapshotOwner::Id),
                snapshot.vm.as_deref().map(SnapshotOwner::Name),
            ];
            for owner in owners.into_iter().flatten() {
                snapshots.entry((key.clone(), owner)).or_insert(snapshot);
            }
        }
    }
    for machine in &of.facts.machines {
        let Some(parent) = machine.parent.as_deref().and_then(snapshot_id) else {
            continue;
        };
        let by_id = machine.id.map(SnapshotOwner::Id);
        let by_id = by_id.and_then(|owner| snapshots.get(&(parent.clone(), owner)));
        let is_own = |snapshot: &&&HostSnapshot| snapshot.vm_id.is_none() || machine.id.is_none();
        let by_name = || snapshots.get(&(parent.clone(), SnapshotOwner::Name(&machine.name)));
        let own = by_id.or_else(|| by_name().filter(is_own));
        let Some(frozen) = own.and_then(|it| it.disks.as_deref()) else {
            continue;
        };
        let used = machine.disks.as_deref().unwrap_or_default();
        if used.len() != frozen.len() {
            continue;
        }
        for (child, parent) in used.iter().zip(frozen) {
            let both = paths.of_facts(child, of).zip(paths.of_facts(parent, of));
            if let Some((child, parent)) = both {
                found.entry(child).or_insert(parent);
            }
        }
    }
}

/// Puts children below their parents. A parent that stands on its child is none.
pub(super) fn place(forest: &mut Forest, placed: &[(DiskId, DiskId)]) {
    if placed.is_empty() {
        return;
    }
    let mut hung: HashSet<DiskId> = HashSet::new();
    for (child, parent) in without_circles(forest, placed) {
        hung.insert(child);
        let resolved = forest.disk(parent).map(|disk| disk.path.clone());
        let product = forest.node(parent).map(|node| node.product);
        if let Some(node) = forest.nodes.get_mut(child.0 as usize) {
            node.product = product.unwrap_or_default();
            node.parent = Some(ParentLink {
                state: LinkState::ByHost,
                disk: Some(parent),
                resolved,
                by: None,
                tried: Vec::new(),
            });
        }
        if let Some(node) = forest.nodes.get_mut(parent.0 as usize) {
            node.children.push(child);
        }
    }
    forest.tops.retain(|top| !hung.contains(top));
    let mut open: Vec<(DiskId, u32)> = forest.tops.iter().map(|top| (*top, 0)).collect();
    while let Some((id, depth)) = open.pop() {
        if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
            node.depth = depth;
            node.children.sort_unstable();
            let below = depth.saturating_add(1);
            open.extend(node.children.iter().map(|child| (*child, below)));
        }
    }
}

/// Those of which no disk comes to stand on itself. A disk that is placed has no parent of its own.
fn without_circles(forest: &Forest, placed: &[(DiskId, DiskId)]) -> Vec<(DiskId, DiskId)> {
    // Each disk's parent, or a disk farther below it.
    let mut below: Vec<DiskId> = forest
        .ids()
        .map(|id| forest.parent_of(id).unwrap_or(id))
        .collect();
    let mut sound = Vec::new();
    for (child, parent) in placed {
        if lowest(&mut below, *parent) != lowest(&mut below, *child) {
            if let Some(slot) = below.get_mut(child.0 as usize) {
                *slot = *parent;
            }
            sound.push((*child, *parent));
        }
    }
    sound
}

/// The disk at the end of a way down; the way is shortened for the next who goes it.
fn lowest(below: &mut [DiskId], of: DiskId) -> DiskId {
    let mut at = of;
    while let Some(next) = below.get(at.0 as usize).copied().filter(|next| *next != at) {
        let farther = below.get(next.0 as usize).copied().unwrap_or(next);
        if let Some(slot) = below.get_mut(at.0 as usize) {
            *slot = farther;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FileFacts, Node};

    fn forest(disks: usize) -> Forest {
        let blank = |n| {
            crate::store::probe::row(
                Path::new(&format!("{n}.vhd")),
                FileFacts::default(),
                Vec::new(),
            )
        };
        Forest {
            disks: (0..disks).map(|n| blank(n).into()).collect(),
            nodes: vec![Node::default(); disks],
            tops: (0..u32::try_from(disks).unwrap()).map(DiskId).collect(),
            ..Forest::default()
        }
    }

    #[test]
    fn a_circle_is_cut_where_it_would_close_and_a_long_chain_costs_little() {
        let mut small = forest(4);
        let edge = |child, parent| (DiskId(child), DiskId(parent));
        place(
            &mut small,
            &[edge(0, 1), edge(1, 2), edge(2, 0), edge(3, 3)],
        );
        assert_eq!(small.tops, [DiskId(2), DiskId(3)]);
        assert_eq!(small.line(DiskId(0)).count(), 3);
        assert_eq!(small.nodes[0].depth, 2);
        let mut long = forest(20_000);
        let edges: Vec<_> = (1..20_000).map(|n| edge(n, n - 1)).collect();
        place(&mut long, &edges);
        assert_eq!(long.nodes[19_999].depth, 19_999);
        let mut back = forest(20_000);
        let edges: Vec<_> = (1..20_000).map(|n| edge(n - 1, n)).collect();
        place(&mut back, &edges);
        assert_eq!(back.nodes[0].depth, 19_999);
    }
}
