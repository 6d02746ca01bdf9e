//! What stands together: the trees of disks, and the machine or folder that each belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::flag::Flag;
use crate::analysis::owner::Owners;
use crate::store::{DiskId, Forest, LinkState, MachineId};
use crate::text::{self, escape};

/// A top with everything that hangs below it.
pub(super) struct DiskTree {
    pub top: DiskId,
    pub leaves: usize,
    /// Machines that use a disk of it or have a snapshot on it.
    pub machines: BTreeSet<MachineId>,
}

/// A group before its rows are made.
#[derive(Default)]
pub(super) struct RowGroup {
    pub machine: Option<MachineId>,
    pub name: String,
    pub trees: Vec<DiskTree>,
    /// Disks the machine uses that are not in the store, as written.
    pub absent: Vec<String>,
    /// Indexes into the forest's errors.
    pub errors: Vec<usize>,
}

/// Disks that are named as parents and cannot be read, with the children that name them.
pub(super) type Adopted = BTreeMap<DiskId, Vec<DiskId>>;

/// A parent that cannot be read is no disk of a chain, but it is there: in the tree its children hang under it.
pub(super) fn adopted(forest: &Forest) -> Adopted {
    let mut adopted = Adopted::new();
    let cut_off = forest.tops.iter().filter(|top| {
        let link = forest.node(**top).and_then(|node| node.parent.as_ref());
        link.is_some_and(|link| link.state == LinkState::Unreadable && link.disk.is_none())
    });
    for top in cut_off {
        let found = forest
            .node(*top)
            .and_then(|node| node.parent.as_ref()?.resolved.as_deref());
        let beside = missing_name(forest, *top)
            .and_then(|name| Some(forest.disk(*top)?.path.parent()?.join(name)));
        let named = |path: &Path| {
            found.is_some_and(|found| found == path) || beside.as_deref() == Some(path)
        };
        let parent = forest
            .ids()
            .find(|id| forest.disk(*id).is_some_and(|disk| named(&disk.path)));
        if let Some(parent) = parent.filter(|parent| parent != top) {
            adopted.entry(parent).or_default().push(*top);
        }
    }
    adopted
}

/// The disks that hang under a disk in the tree.
pub(super) fn children<'a>(
    forest: &'a Forest,
    adopted: &'a Adopted,
    id: DiskId,
) -> impl DoubleEndedIterator<Item = DiskId> + 'a {
    let linked = forest.node(id).map_or(&[][..], |node| &node.children);
    let adopted = adopted.get(&id).map_or(&[][..], Vec::as_slice);
    linked.iter().chain(adopted).copied()
}

pub(super) fn trees(forest: &Forest, adopted: &Adopted) -> Vec<DiskTree> {
    let mut seen = vec![false; forest.disks.len()];
    let mut trees = Vec::with_capacity(forest.tops.len());
    let taken: BTreeSet<DiskId> = adopted.values().flatten().copied().collect();
    let tops = forest.tops.iter().copied();
    // Whatever the links say, every disk gets a row: what no top leads to becomes a top itself.
    for top in tops.filter(|top| !taken.contains(top)).chain(forest.ids()) {
        if seen.get(top.0 as usize) != Some(&false) {
            continue;
        }
        let mut tree = DiskTree {
            top,
            leaves: 0,
            machines: BTreeSet::new(),
        };
        let mut todo = vec![top];
        while let Some(id) = todo.pop() {
            match seen.get_mut(id.0 as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let Some(node) = forest.node(id) else {
                continue;
            };
            let before = todo.len();
            todo.extend(children(forest, adopted, id));
            tree.leaves += usize::from(todo.len() == before);
            tree.machines.extend(&node.in_use_by);
            let snapshots = forest.snapshots_on(id);
            tree.machines.extend(snapshots.filter_map(|of| of.machine));
        }
        trees.push(tree);
    }
    trees
}

pub(super) fn groups(forest: &Forest, owners: &Owners<'_>, trees: Vec<DiskTree>) -> Vec<RowGroup> {
    let mut machines: BTreeMap<MachineId, RowGroup> = BTreeMap::new();
    let mut folders: BTreeMap<String, RowGroup> = BTreeMap::new();
    let named = |machine: MachineId| RowGroup {
        machine: Some(machine),
        name: forest
            .machine(machine)
            .map_or_else(|| "?".to_owned(), |of| escape(&of.name)),
        ..RowGroup::default()
    };
    let folder = |name: &str| RowGroup {
        name: name.to_owned(),
        ..RowGroup::default()
    };
    for tree in trees {
        let machine = match tree.machines.len() {
            0 => owners.machine_around(tree.top),
            1 => tree.machines.first().copied(),
            _ => None,
        };
        let group = if let Some(machine) = machine {
            machines.entry(machine).or_insert_with(|| named(machine))
        } else {
            let path = forest.disk(tree.top).map(|disk| disk.path.as_path());
            let name = folder_name(forest, path.unwrap_or(Path::new("")));
            folders.entry(name).or_insert_with_key(|name| folder(name))
        };
        group.trees.push(tree);
    }
    for (at, machine) in forest.machines.iter().enumerate() {
        let id = MachineId(u32::try_from(at).unwrap_or(u32::MAX));
        let used = machine.disks.iter().flatten();
        for used in used.filter(|used| used.disk.is_none()) {
            let group = machines.entry(id).or_insert_with(|| named(id));
            group.absent.push(used.path.clone());
        }
    }
    for (at, error) in forest.errors.iter().enumerate() {
        let name = folder_name(forest, &error.path);
        let group = folders.entry(name).or_insert_with_key(|name| folder(name));
        group.errors.push(at);
    }
    let mut groups: Vec<RowGroup> = machines.into_values().collect();
    tell_apart(forest, &mut groups);
    groups.extend(folders.into_values());
    groups
}

/// Machines of one name get their folder behind it.
fn tell_apart(forest: &Forest, machines: &mut [RowGroup]) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for group in machines.iter() {
        *times.entry(group.name.clone()).or_default() += 1;
    }
    for group in machines {
        let top = group.trees.first().and_then(|tree| forest.disk(tree.top));
        let alike = times.get(&group.name).is_some_and(|times| *times > 1);
        if let Some(disk) = top.filter(|_| alike) {
            group.name = format!("{} ({})", group.name, folder_name(forest, &disk.path));
        }
    }
}

/// The folder of a path, from the root given: its own name where there are several folders below one root.
pub(super) fn folder_name(forest: &Forest, path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let below = forest.roots.iter().find_map(|root| {
        let below = folder.strip_prefix(root).ok()?;
        (forest.roots.len() == 1 && !below.as_os_str().is_empty()).then_some(below)
    });
    let name = text::path(below.unwrap_or(folder));
    if name.is_empty() {
        ".".to_owned()
    } else {
        name
    }
}

/// What hangs directly under a group.
pub(super) enum GroupItem {
    Tree(DiskTree),
    Missing { name: String, trees: Vec<DiskTree> },
    Absent(String),
    Error(usize),
}

pub(super) fn items(
    forest: &Forest,
    trees: Vec<DiskTree>,
    absent: Vec<String>,
    errors: Vec<usize>,
) -> Vec<GroupItem> {
    let mut items = Vec::with_capacity(trees.len());
    let mut missing: BTreeMap<String, Vec<DiskTree>> = BTreeMap::new();
    for tree in trees {
        match missing_name(forest, tree.top) {
            Some(name) => missing.entry(name).or_default().push(tree),
            None => items.push(GroupItem::Tree(tree)),
        }
    }
    let missing = missing.into_iter();
    items.extend(missing.map(|(name, trees)| GroupItem::Missing { name, trees }));
    items.extend(absent.into_iter().map(GroupItem::Absent));
    items.extend(errors.into_iter().map(GroupItem::Error));
    items
}

/// The name of the parent a top of a tree wants and that is no disk of the store.
pub(super) fn missing_name(forest: &Forest, top: DiskId) -> Option<String> {
    let link = forest.node(top)?.parent.as_ref()?;
    if link.disk.is_some() || matches!(link.state, LinkState::Ok | LinkState::Cycle) {
        return None;
    }
    let wanted = forest.disk(top)?.header.as_ref()?.parent.as_ref();
    let by_path = wanted.and_then(|wanted| {
        let path = wanted.paths.iter().find(|path| !path.text.is_empty())?;
        Some(stored_name(&path.text).to_owned())
    });
    let by_id = || Some(wanted?.id_wanted?.to_string());
    by_path.or_else(by_id).or(Some("?".to_owned()))
}

/// The last part of a path as Windows or Unix writes it.
pub(super) fn stored_name(path: &str) -> &str {
    path.rsplit(['\\', '/'])
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

pub(super) fn missing_note(forest: &Forest, trees: &[DiskTree]) -> (Flag, &'static str) {
    let state = trees
        .first()
        .and_then(|tree| Some(forest.node(tree.top)?.parent.as_ref()?.state));
    match state {
        Some(LinkState::OutsideRoots) => (Flag::Missing, "outside the folders given"),
        Some(LinkState::Unreadable) => (Flag::Unreadable, "cannot be read"),
        _ => (Flag::Missing, "not in store"),
    }
}
