//! From a forest and its assessment to rows in display order.
//!
//! ```text
//!  trees (a top and what hangs below) ─► groups (machine or folder) ─► sort ─► emit ─► short names ─► select
//! ```

use super::flag::{ChainTrust, ground_with, is_other_format};
use super::groups::{
    Adopted, DiskTree, GroupItem, RowGroup, adopted, children, folder_name, groups, items,
    missing_name, missing_note, stored_name, trees,
};
use super::names::Short;
use super::select::select;
use super::status::{self, snapshot_of, status};
use super::vdi::{fold_bases, goes_on_in};
use super::{Bases, Cells, Flag, Now, Phase, Row, RowKey, RowKind, RowOptions, names};
use crate::analysis::Assessment;
use crate::analysis::owner::Owners;
use crate::analysis::since::SinceScan;
use crate::analysis::snapshot_vdi::{snapshot_of_vdi, vdis_on};
use crate::image::Kind;
use crate::store::HIDDEN_BASE;
use crate::store::{
    Disk, DiskId, DiskUse, Forest, LinkState, MachineId, Node, Snapshot, TakenSource,
};
use crate::text::{self, escape};
use std::cmp::Reverse;

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
        since: SinceScan::of(forest),
        phase: options.phase,
        bases: options.bases,
        folded_bytes: 0,
        rows: Vec::with_capacity(forest.disks.len() + groups.len()),
    };
    for group in groups {
        builder.group(group);
    }
    select(builder.rows, options)
}

struct Builder<'a> {
    forest: &'a Forest,
    assessment: &'a Assessment,
    owners: Owners<'a>,
    adopted: Adopted,
    /// The newest saved scan, if there is one.
    since: Option<SinceScan<'a>>,
    phase: Phase,
    bases: Bases,
    /// Bytes of the base copies of a group that have no row.
    folded_bytes: u64,
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
        let mut row = blank(key, group.name.clone(), 0, None);
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

    fn item(&mut self, item: GroupItem, machine: Option<MachineId>, group: usize, cut_off: bool) {
        match item {
            GroupItem::Tree(mut tree) => {
                // A disk whose parent is gone may have hung here: then this leaf is one of several.
                tree.leaves += usize::from(cut_off);
                self.tree(&tree, machine, group, ChainTrust::Sound);
            }
            GroupItem::Missing { name, trees } => {
                let at = self.rows.len();
                let key = RowKey::Missing(format!(
                    "{}/{name}",
                    self.rows.get(group).map_or("", |row| row.name.as_str())
                ));
                let mut row = blank(key, escape(&name), 1, Some(group));
                let (flag, note) = missing_note(self.forest, &trees);
                row.flag = flag;
                note.clone_into(&mut row.note);
                self.rows.push(row);
                for tree in &trees {
                    self.tree(tree, machine, at, ChainTrust::Broken);
                }
            }
            GroupItem::Absent(path) => {
                let name = escape(stored_name(&path));
                let key = RowKey::Missing(format!("in use/{path}"));
                let mut row = blank(key, name, 1, Some(group));
                row.flag = Flag::Missing;
                row.now = Now::Known;
                "not in store".clone_into(&mut row.note);
                self.rows.push(row);
            }
            GroupItem::Error(at) => {
                if let Some(error) = self.forest.errors.get(at) {
                    let key = RowKey::Error(error.path.clone());
                    let name = text::file_name(&error.path);
                    let mut row = blank(key, name, 1, Some(group));
                    row.flag = Flag::Unreadable;
                    row.note = escape(&error.error);
                    self.rows.push(row);
                }
            }
        }
    }

    fn tree(
        &mut self,
        tree: &DiskTree,
        machine: Option<MachineId>,
        under: usize,
        ground: ChainTrust,
    ) {
        let uses = |machine: &MachineId| self.forest.machine(*machine)?.disks.as_ref();
        let misses_one = |disks: &Vec<DiskUse>| disks.iter().any(|used| used.disk.is_none());
        // The disk that is missing may be the one that stands on this tree.
        let uses_known = tree.machines.iter().any(|machine| uses(machine).is_some())
            || machine.as_ref().and_then(uses).is_some_and(misses_one);
        let setting = Setting {
            machine,
            uses_known,
            leaves: tree.leaves,
        };
        let start = self.rows.len();
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
        if self.bases == Bases::Folded {
            let bytes = fold_bases(self.forest, self.assessment, &mut self.rows, start);
            self.folded_bytes = self.folded_bytes.saturating_add(bytes);
        }
    }

    fn disk(&mut self, id: DiskId, under: usize, ground: ChainTrust, setting: Setting) {
        let Some((disk, node)) = self.forest.disk(id).zip(self.forest.node(id)) else {
            return;
        };
        let depth = self.rows.get(under).map_or(1, |row| row.depth + 1);
        let key = RowKey::Disk(disk.path.clone());
        let name = text::file_name(&disk.path);
        let mut row = blank(key, name, depth, Some(under));
        row.disk = Some(id);
        row.machine = setting.machine;
        let orphan = self.owners.is_orphan(id);
        row.vdi_of = snapshot_of_vdi(self.forest, self.assessment, id);
        row.now = if orphan || row.vdi_of.is_some() {
            Now::No
        } else if goes_on_in(self.forest, self.assessment, id) {
            now(disk, node, setting).min(Now::Alone)
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
        // A base copy's name says no more than its role; that it is hidden is what XCP-ng means by one.
        let role = match node.role {
            Some(HIDDEN_BASE) => "base copy",
            role => role.unwrap_or_default(),
        };
        row.note = label
            .filter(|_| node.role.is_none())
            .unwrap_or_else(|| role.to_owned());
        if row.vdi_of.is_some() && row.note.is_empty() {
            "snapshot".clone_into(&mut row.note);
        }
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
        row.since = self.since.and_then(|since| since.disk(id));
        row.live = disk.liveness == crate::store::Liveness::Live;
        row.cells = cells(disk);
        let taken = snapshot_of(self.forest, self.assessment, id).and_then(|of| of.taken);
        row.cells.taken = taken.map(|taken| taken.at);
        row.cells.taken_is_bound =
            taken.is_some_and(|taken| taken.source == TakenSource::FrozenWrite);
        self.rows.push(row);
    }

    fn snapshot_names(&self, id: DiskId, node: &Node) -> Vec<String> {
        let assessed = self.assessment.disk(id).into_iter().flat_map(|of| {
            of.snapshots
                .iter()
                .filter_map(|at| self.assessment.snapshots.get(*at)?.snapshot)
        });
        // Where a snapshot has a VDI of its own, its name stands there.
        let elsewhere: Vec<_> = vdis_on(self.forest, self.assessment, id)
            .filter_map(|(_, at)| self.assessment.snapshots.get(at)?.snapshot)
            .collect();
        let mut names = Vec::new();
        let own = node.snapshots.iter().copied().chain(assessed);
        for snapshot in own.filter(|of| !elsewhere.contains(of)) {
            let name = self
                .forest
                .snapshot(snapshot)
                .and_then(Snapshot::label)
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
                        match (above.kind(), row.kind()) {
                            // A missing parent has nothing above it to share a stem with but its own child.
                            (RowKind::Group, RowKind::Missing) if row.now == Now::No => own(),
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

    /// The host told what this disk stands on.
    fn is_placed(&self, id: DiskId) -> bool {
        let node = self.forest.node(id);
        let link = node.and_then(|node| node.parent.as_ref());
        link.is_some_and(|link| link.state == LinkState::ByHost)
    }

    fn sum_up(&mut self, start: usize) {
        let below = self.rows.get(start + 1..).unwrap_or_default();
        // Of a scan that was stopped nobody knows which files a folder or machine has besides those read.
        let whole = if self.phase == Phase::Done && !self.forest.complete {
            Flag::Partial
        } else {
            Flag::Ok
        };
        // What is said of its disks in peace says nothing against it; nor does a running machine's disk whose host has told
        // what it stands on.
        let said = |row: &&Row| match row.flag {
            Flag::ByRevert | Flag::Quiet => false,
            Flag::Locked => !row.disk.is_some_and(|id| self.is_placed(id)),
            _ => true,
        };
        let worst = below
            .iter()
            .filter(said)
            .min_by_key(|row| (row.flag, Reverse(row.gap_seconds)))
            .filter(|row| row.flag <= whole)
            .cloned();
        let on_disk = below
            .iter()
            .filter_map(|row| row.cells.on_disk)
            .fold(std::mem::take(&mut self.folded_bytes), u64::saturating_add);
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

fn blank(key: RowKey, name: String, depth: u32, parent: Option<usize>) -> Row {
    Row {
        key,
        depth,
        parent: parent.and_then(|at| u32::try_from(at).ok()),
        // Those of disks are shortened beside each other.
        name: if depth == 0 {
            name.clone()
        } else {
            String::new()
        },
        full_name: name,
        ..Row::default()
    }
}

fn now(disk: &Disk, node: &Node, setting: Setting) -> Now {
    if !node.in_use_by.is_empty() {
        Now::Known
    } else if disk.header.is_none() || !node.product.has_snapshots() {
        // No machine writes to a backup or a provisioned version; of what cannot be read as a disk not even a guess is made.
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
