//! From a forest and its assessment to rows in display order.
//!
//! ```text
//!  trees (a top and what hangs below) ─► groups (machine or folder) ─► sort ─► emit ─► short names ─► select
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::flag::{ChainTrust, ground_with, is_other_format};
use super::names::Short;
use super::select::{Order, select};
use super::status::{self, snapshot_of, status};
use super::{Cells, Flag, Now, Phase, Row, RowKey, RowKind, RowOptions, names};
use crate::analysis::Assessment;
use crate::analysis::owner::Owners;
use crate::image::Kind;
use crate::store::{Disk, DiskId, Forest, LinkState, MachineId, Node, Product};
use crate::text::{self, escape};

/// Rows of a forest, in display order. Pure; 40,000 disks take well under 100 ms.
pub fn rows(forest: &Forest, assessment: &Assessment, options: &RowOptions) -> Vec<Row> {
    let owners = Owners::new(forest);
    let adopted = adopted(forest);
    let trees = trees(forest, &adopted);
    let groups = groups(forest, &owners, trees);
    let mut builder = Builder {
        forest,
        assessment,
        owners,
        adopted,
        phase: options.phase,
        rows: Vec::with_capacity(forest.disks.len() + groups.len()),
    };
    for group in groups {
        builder.group(group);
    }
    select(builder.rows, options, Order::of(options))
}

/// A top with everything that hangs below it.
struct Tree {
    top: DiskId,
    leaves: usize,
    /// Machines that use a disk of it or have a snapshot on it.
    machines: BTreeSet<MachineId>,
}

/// A group before its rows are made.
struct RowGroup {
    machine: Option<MachineId>,
    name: String,
    trees: Vec<Tree>,
    /// Disks the machine uses that are not in the store, as written.
    absent: Vec<String>,
    /// Indexes into the forest's errors.
    errors: Vec<usize>,
}

/// Disks that are named as parents and cannot be read, with the children that name them.
type Adopted = BTreeMap<DiskId, Vec<DiskId>>;

/// A parent that cannot be read is no disk of a chain, but it is there: in the tree its children hang under it.
fn adopted(forest: &Forest) -> Adopted {
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
fn children<'a>(
    forest: &'a Forest,
    adopted: &'a Adopted,
    id: DiskId,
) -> impl DoubleEndedIterator<Item = DiskId> + 'a {
    let linked = forest.node(id).map_or(&[][..], |node| &node.children);
    let adopted = adopted.get(&id).map_or(&[][..], Vec::as_slice);
    linked.iter().chain(adopted).copied()
}

fn trees(forest: &Forest, adopted: &Adopted) -> Vec<Tree> {
    let mut seen = vec![false; forest.disks.len()];
    let mut trees = Vec::with_capacity(forest.tops.len());
    let taken: BTreeSet<DiskId> = adopted.values().flatten().copied().collect();
    let tops = forest.tops.iter().copied();
    // Whatever the links say, every disk gets a row: what no top leads to becomes a top itself.
    for top in tops.filter(|top| !taken.contains(top)).chain(forest.ids()) {
        if seen.get(top.0 as usize) != Some(&false) {
            continue;
        }
        let mut tree = Tree {
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
            tree.machines.extend(
                node.snapshots
                    .iter()
                    .filter_map(|snapshot| forest.snapshot(*snapshot)?.machine),
            );
        }
        trees.push(tree);
    }
    trees
}

fn groups(forest: &Forest, owners: &Owners<'_>, trees: Vec<Tree>) -> Vec<RowGroup> {
    let mut machines: BTreeMap<MachineId, RowGroup> = BTreeMap::new();
    let mut folders: BTreeMap<String, RowGroup> = BTreeMap::new();
    let named = |machine: MachineId| RowGroup {
        machine: Some(machine),
        name: forest
            .machine(machine)
            .map_or_else(|| "?".to_owned(), |of| escape(&of.name)),
        trees: Vec::new(),
        absent: Vec::new(),
        errors: Vec::new(),
    };
    let folder = |name: &str| RowGroup {
        machine: None,
        name: name.to_owned(),
        trees: Vec::new(),
        absent: Vec::new(),
        errors: Vec::new(),
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
        for used in machine
            .disks
            .iter()
            .flatten()
            .filter(|used| used.disk.is_none())
        {
            let group = machines.entry(id).or_insert_with(|| named(id));
            group.absent.push(used.path.clone());
        }
    }
    for (at, error) in forest.errors.iter().enumerate() {
        let name = folder_name(forest, &error.path);
        folders
            .entry(name)
            .or_insert_with_key(|name| folder(name))
            .errors
            .push(at);
    }
    machines
        .into_values()
        .chain(folders.into_values())
        .collect()
}

/// The folder of a path, from the root given: its own name where there are several folders below one root.
fn folder_name(forest: &Forest, path: &Path) -> String {
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
enum Item {
    Tree(Tree),
    Missing { name: String, trees: Vec<Tree> },
    Absent(String),
    Error(usize),
}

struct Builder<'a> {
    forest: &'a Forest,
    assessment: &'a Assessment,
    owners: Owners<'a>,
    adopted: Adopted,
    phase: Phase,
    rows: Vec<Row>,
}

/// What the rows of one tree need to know of it.
#[derive(Clone, Copy)]
struct Setting {
    machine: Option<MachineId>,
    /// A configuration or label says which disks a machine of this tree uses now.
    uses_known: bool,
    leaves: usize,
}

impl Builder<'_> {
    fn group(&mut self, group: RowGroup) {
        let start = self.rows.len();
        let key = match group.machine {
            Some(_) => RowKey::Group(format!("vm {}", group.name)),
            None => RowKey::Group(format!("folder {}", group.name)),
        };
        let mut row = blank(RowKind::Group, key, group.name.clone(), 0, None);
        row.machine = group.machine;
        self.rows.push(row);
        let cut_off = group
            .trees
            .iter()
            .any(|tree| self.may_stand_elsewhere(tree.top));
        for item in items(self.forest, group.trees, group.absent, group.errors) {
            self.item(item, group.machine, start, cut_off);
        }
        self.name_rows(start);
        self.sum_up(start);
    }

    /// It stands on a disk that is not here, or could not be asked what it stands on.
    fn may_stand_elsewhere(&self, top: DiskId) -> bool {
        missing_name(self.forest, top).is_some()
            || self.forest.disk(top).is_some_and(Disk::is_locked)
    }

    fn item(&mut self, item: Item, machine: Option<MachineId>, group: usize, cut_off: bool) {
        match item {
            Item::Tree(mut tree) => {
                // A disk whose parent is gone may have hung here: then this leaf is one of several.
                tree.leaves += usize::from(cut_off);
                self.tree(&tree, machine, group, ChainTrust::Sound);
            }
            Item::Missing { name, trees } => {
                let at = self.rows.len();
                let key = RowKey::Missing(format!(
                    "{}/{name}",
                    self.rows.get(group).map_or("", |row| row.name.as_str())
                ));
                let mut row = blank(RowKind::MissingParent, key, escape(&name), 1, Some(group));
                let (flag, note) = missing_note(self.forest, &trees);
                row.flag = flag;
                note.clone_into(&mut row.note);
                self.rows.push(row);
                for tree in &trees {
                    self.tree(tree, machine, at, ChainTrust::Broken);
                }
            }
            Item::Absent(path) => {
                let name = escape(stored_name(&path));
                let key = RowKey::Missing(format!("in use/{path}"));
                let mut row = blank(RowKind::MissingParent, key, name, 1, Some(group));
                row.flag = Flag::Missing;
                row.now = Now::Known;
                "not in store".clone_into(&mut row.note);
                self.rows.push(row);
            }
            Item::Error(at) => {
                if let Some(error) = self.forest.errors.get(at) {
                    let key = RowKey::Error(error.path.clone());
                    let name = text::file_name(&error.path);
                    let mut row = blank(RowKind::Error, key, name, 1, Some(group));
                    row.flag = Flag::Unreadable;
                    row.note = escape(&error.error);
                    self.rows.push(row);
                }
            }
        }
    }

    fn tree(&mut self, tree: &Tree, machine: Option<MachineId>, under: usize, ground: ChainTrust) {
        let uses_known = tree.machines.iter().any(|machine| {
            self.forest
                .machine(*machine)
                .is_some_and(|machine| machine.disks.is_some())
        });
        let setting = Setting {
            machine,
            uses_known,
            leaves: tree.leaves,
        };
        let mut todo = vec![(tree.top, under, ground)];
        let mut left = self.forest.disks.len();
        while let Some((id, under, ground)) = todo.pop() {
            // A forest has no cycle below a top; the bound keeps a wrong one finite.
            let Some(fewer) = left.checked_sub(1) else {
                break;
            };
            left = fewer;
            let ground = ground_with(self.forest, id, ground);
            let at = self.rows.len();
            self.disk(id, under, ground, setting);
            let below = children(self.forest, &self.adopted, id).rev();
            todo.extend(below.map(|child| (child, at, ground)));
        }
    }

    fn disk(&mut self, id: DiskId, under: usize, ground: ChainTrust, setting: Setting) {
        let Some((disk, node)) = self.forest.disk(id).zip(self.forest.node(id)) else {
            return;
        };
        let depth = self.rows.get(under).map_or(1, |row| row.depth + 1);
        let key = RowKey::Disk(disk.path.clone());
        let name = text::file_name(&disk.path);
        let mut row = blank(RowKind::Disk, key, name, depth, Some(under));
        row.disk = Some(id);
        row.machine = setting.machine;
        let orphan = self.owners.is_orphan(id);
        row.now = if orphan {
            Now::No
        } else {
            now(disk, node, setting)
        };
        let around = status::StateSetting {
            ground,
            phase: self.phase,
            uses_known: setting.uses_known,
        };
        let status = status(self.forest, self.assessment, id, around);
        row.flag = status.flag;
        row.reverted_at = status.reverted_at;
        row.hint = status.hint;
        row.gap_seconds = status.gap_seconds;
        row.snapshots = self.snapshot_names(id, node);
        row.users = node
            .in_use_by
            .iter()
            .filter(|user| Some(**user) != setting.machine)
            .filter_map(|user| Some(escape(&self.forest.machine(*user)?.name)))
            .collect();
        let label = node.label.as_deref().map(escape);
        // A base copy's name says no more than its role.
        row.note = label
            .filter(|_| node.role.is_none())
            .unwrap_or_else(|| node.role.unwrap_or_default().to_owned());
        if is_other_format(disk) {
            let parts = ["QCOW2, not read", &row.note];
            row.note = parts.join("  ").trim_end().into();
        }
        if orphan {
            if row.note.is_empty() {
                "in no VM".clone_into(&mut row.note);
            }
            // Only a disk nothing worse is known of is first of all an orphan.
            if row.flag > Flag::Orphan {
                row.flag = Flag::Orphan;
                row.hint.clear();
            }
        }
        let assessed = self.assessment.disk(id);
        row.equals_parent = assessed.and_then(|of| of.equals_parent) == Some(true);
        row.live = disk.liveness == crate::store::Liveness::Live;
        row.cells = cells(disk);
        row.cells.taken = snapshot_of(self.assessment, id)
            .and_then(|of| of.taken)
            .map(|taken| taken.at);
        self.rows.push(row);
    }

    fn snapshot_names(&self, id: DiskId, node: &Node) -> Vec<String> {
        let assessed = self.assessment.disk(id).into_iter().flat_map(|of| {
            of.snapshots
                .iter()
                .filter_map(|at| self.assessment.snapshots.get(*at)?.snapshot)
        });
        let mut names = Vec::new();
        for snapshot in node.snapshots.iter().copied().chain(assessed) {
            let name = self
                .forest
                .snapshot(snapshot)
                .and_then(|of| of.name.as_deref().or(of.id.as_deref()))
                .map(escape);
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                names.push(name);
            }
        }
        names
    }

    /// Short names for the rows of a group; rows of one name in several folders get their folder.
    fn name_rows(&mut self, start: usize) {
        let rows = self.rows.get(start..).unwrap_or_default();
        let candidates: Vec<_> = rows
            .iter()
            .map(|row| names::NameCandidate {
                full: if row.depth == 0 { "" } else { &row.full_name },
                above: row
                    .parent
                    .and_then(|at| self.rows.get(at as usize))
                    .and_then(|above| {
                        let own = || names::parts(&row.full_name).map(|parts| parts.stem);
                        match (above.kind, row.kind) {
                            // A missing parent has nothing above it to share a stem with but its own child.
                            (RowKind::Group, RowKind::MissingParent) if row.now == Now::No => own(),
                            (RowKind::Group, _) => None,
                            _ => Some(names::stem(&above.full_name)),
                        }
                    }),
            })
            .collect();
        let short = names::shorten(&candidates);
        for (row, short) in self.rows.iter_mut().skip(start).zip(short) {
            if row.depth == 0 {
                continue;
            }
            row.name = match (&row.key, short) {
                (RowKey::Disk(path), Short::Alike(name)) => {
                    folder_name(self.forest, path) + "/" + &name
                }
                (_, Short::Alike(name) | Short::Only(name)) => name,
            };
        }
    }

    fn sum_up(&mut self, start: usize) {
        let below = self.rows.get(start + 1..).unwrap_or_default();
        // Of a scan that was stopped nobody knows which files a folder or machine has besides those read.
        let whole = if self.phase == Phase::Done && !self.forest.complete {
            Flag::Partial
        } else {
            Flag::Ok
        };
        // What is said of its disks in peace says nothing against it.
        let said = |row: &&Row| !matches!(row.flag, Flag::ByRevert | Flag::Quiet);
        let worst = below
            .iter()
            .filter(said)
            .min_by_key(|row| (row.flag, Reverse(row.gap_seconds)))
            .filter(|row| row.flag <= whole)
            .cloned();
        let on_disk = below
            .iter()
            .filter_map(|row| row.cells.on_disk)
            .fold(0_u64, u64::saturating_add);
        let dirty = below
            .iter()
            .filter_map(|row| row.cells.dirty_bytes)
            .fold(None, |sum: Option<u64>, dirty| {
                Some(sum.unwrap_or(0).saturating_add(dirty))
            });
        let created = below.iter().filter_map(|row| row.cells.created).max();
        let problems = below.iter().filter(|row| row.flag.is_problem()).count();
        if let Some(group) = self.rows.get_mut(start) {
            group.flag = worst.as_ref().map_or(whole, |row| row.flag);
            if let Some(worst) = worst {
                group.worst = worst.disk;
                group.reverted_at = worst.reverted_at;
                group.hint = worst.hint;
                group.gap_seconds = worst.gap_seconds;
            }
            group.problems = u32::try_from(problems).unwrap_or(u32::MAX);
            group.cells = Cells {
                on_disk: Some(on_disk),
                dirty_bytes: dirty,
                created,
                ..Cells::default()
            };
        }
    }
}

fn blank(kind: RowKind, key: RowKey, name: String, depth: u32, parent: Option<usize>) -> Row {
    Row {
        kind,
        key,
        disk: None,
        machine: None,
        depth,
        parent: parent.and_then(|at| u32::try_from(at).ok()),
        last: false,
        descendants: 0,
        // Rows below a group get theirs with the others of the group.
        name: if depth == 0 {
            name.clone()
        } else {
            String::new()
        },
        full_name: name,
        snapshots: Vec::new(),
        note: String::new(),
        now: Now::No,
        users: Vec::new(),
        flag: Flag::Quiet,
        reverted_at: None,
        hint: String::new(),
        gap_seconds: None,
        worst: None,
        equals_parent: false,
        live: false,
        problems: 0,
        cells: Cells::default(),
    }
}

fn items(forest: &Forest, trees: Vec<Tree>, absent: Vec<String>, errors: Vec<usize>) -> Vec<Item> {
    let mut items = Vec::with_capacity(trees.len());
    let mut missing: BTreeMap<String, Vec<Tree>> = BTreeMap::new();
    for tree in trees {
        match missing_name(forest, tree.top) {
            Some(name) => missing.entry(name).or_default().push(tree),
            None => items.push(Item::Tree(tree)),
        }
    }
    items.extend(
        missing
            .into_iter()
            .map(|(name, trees)| Item::Missing { name, trees }),
    );
    items.extend(absent.into_iter().map(Item::Absent));
    items.extend(errors.into_iter().map(Item::Error));
    items
}

/// The name of the parent a top of a tree wants and that is no disk of the store.
fn missing_name(forest: &Forest, top: DiskId) -> Option<String> {
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
fn stored_name(path: &str) -> &str {
    path.rsplit(['\\', '/'])
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

fn missing_note(forest: &Forest, trees: &[Tree]) -> (Flag, &'static str) {
    let state = trees
        .first()
        .and_then(|tree| Some(forest.node(tree.top)?.parent.as_ref()?.state));
    match state {
        Some(LinkState::OutsideRoots) => (Flag::Missing, "outside the folders given"),
        Some(LinkState::Unreadable) => (Flag::Unreadable, "cannot be read"),
        _ => (Flag::Missing, "not in store"),
    }
}

fn now(disk: &Disk, node: &Node, setting: Setting) -> Now {
    if !node.in_use_by.is_empty() {
        Now::Known
    } else if disk.header.is_none() || node.product == Product::XenOrchestra {
        // No machine runs on a backup; of what cannot be read as a disk not even a guess is made.
        Now::No
    } else if setting.uses_known || !node.children.is_empty() {
        Now::No
    } else if setting.leaves == 1 {
        Now::Alone
    } else {
        Now::Unsure
    }
}

fn cells(disk: &Disk) -> Cells {
    let mut cells = Cells {
        on_disk: Some(disk.file.len),
        created: disk.created().map(|(at, _)| at),
        is_copied: status::is_copy(disk),
        modified: disk.file.modified,
        ..Cells::default()
    };
    if let Some(header) = &disk.header {
        cells.format = Some(header.format);
        cells.kind = Some(header.kind);
        cells.virtual_size = Some(header.virtual_size);
        if let Some(counts) = disk.counts.as_ref().filter(|_| header.kind != Kind::Fixed) {
            cells.blocks = Some(counts.full.saturating_add(counts.partial));
        }
        cells.dirty_bytes = disk.dirty_bytes();
    }
    cells
}
