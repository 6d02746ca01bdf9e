//! Where a disk that could not be opened stands in the tree, by the host's word.

use std::collections::HashMap;

use super::paths::DiskPaths;
use crate::store::host::{FactsFile, HostMachine, HostSnapshot, snapshot_id};
use crate::store::{Disk, DiskId, Forest, LinkState, ParentLink};

/// Disks that could not be opened, each with the parent the host names for it: in its row of the host's list of disks, else
/// the disk of the snapshot its machine stands on.
pub(super) fn parents(
    forest: &Forest,
    paths: &DiskPaths<'_>,
    facts: &[FactsFile],
) -> Vec<(DiskId, DiskId)> {
    let is_locked = |id: &DiskId| forest.disk(*id).is_some_and(Disk::is_locked);
    let locked: Vec<DiskId> = forest.ids().filter(is_locked).collect();
    if locked.is_empty() || facts.is_empty() {
        return Vec::new();
    }
    let mut by_machine: HashMap<DiskId, DiskId> = HashMap::new();
    for of in facts {
        for machine in of.facts.machines.iter().filter(|of| of.parent.is_some()) {
            below_machine(paths, machine, of, &mut by_machine);
        }
    }
    let by_row = |id: DiskId| {
        let row = forest.node(id)?.host.as_ref()?;
        let of = facts.iter().find(|of| of.path == row.origin.path)?;
        paths.of_facts(row.file.disk.as_ref()?.parent.as_deref()?, of)
    };
    let parent = |id: DiskId| by_row(id).or_else(|| by_machine.get(&id).copied());
    locked
        .into_iter()
        .filter_map(|id| Some((id, parent(id)?)))
        .collect()
}

/// The disks a machine uses, each with the disk of the snapshot it stands on: the only one, or the one at the same place.
fn below_machine(
    paths: &DiskPaths<'_>,
    machine: &HostMachine,
    of: &FactsFile,
    found: &mut HashMap<DiskId, DiskId>,
) {
    let Some(parent) = machine.parent.as_deref() else {
        return;
    };
    let is_own = |snapshot: &&HostSnapshot| match (snapshot.vm_id, machine.id) {
        (Some(a), Some(b)) => a == b,
        _ => snapshot.vm.as_deref() == Some(&machine.name),
    };
    let is_it = |snapshot: &&HostSnapshot| {
        snapshot.name == parent || snapshot.id.as_deref() == Some(&snapshot_id(parent))
    };
    let mut snapshots = of.facts.snapshots.iter().filter(is_it).filter(is_own);
    let Some(frozen) = snapshots.next().and_then(|it| it.disks.as_deref()) else {
        return;
    };
    let used = machine.disks.as_deref().unwrap_or_default();
    if used.len() != frozen.len() {
        return;
    }
    for (child, parent) in used.iter().zip(frozen) {
        let both = paths.of_facts(child, of).zip(paths.of_facts(parent, of));
        if let Some((child, parent)) = both {
            found.entry(child).or_insert(parent);
        }
    }
}

/// Puts children below their parents. A parent that stands on its child is none.
pub(super) fn place(forest: &mut Forest, placed: &[(DiskId, DiskId)]) {
    for (child, parent) in placed {
        if forest.line(*parent).any(|below| below == *child) {
            continue;
        }
        let resolved = forest.disk(*parent).map(|disk| disk.path.clone());
        let product = forest.node(*parent).map(|node| node.product);
        if let Some(node) = forest.nodes.get_mut(child.0 as usize) {
            node.product = product.unwrap_or_default();
            node.parent = Some(ParentLink {
                state: LinkState::ByHost,
                disk: Some(*parent),
                resolved,
                by: None,
                tried: Vec::new(),
            });
        }
        if let Some(node) = forest.nodes.get_mut(parent.0 as usize) {
            node.children.push(*child);
            node.children.sort_unstable();
        }
        forest.tops.retain(|top| top != child);
    }
    let mut todo: Vec<DiskId> = placed.iter().map(|(child, _)| *child).collect();
    while let Some(id) = todo.pop() {
        let depth = u32::try_from(forest.line(id).count()).unwrap_or(u32::MAX);
        if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
            node.depth = depth.saturating_sub(1);
            todo.extend(&node.children);
        }
    }
}
