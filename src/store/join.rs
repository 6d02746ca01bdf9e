//! Joins what configurations, the host's facts and the user say with the disks that are there: machines, snapshots, and which
//! disk each means.
//!
//! Nothing is invented: a snapshot's machine is told by an id, by a disk of the machine that stands on the snapshot's or, for
//! a branch that was left, is named like it and stands on the same disk, or by the facts; else it stays unknown.

mod disagree;
mod locked;
mod machines;
mod paths;
mod pool;
mod snapshots;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::format::guid;
use crate::store::host::FactsFile;
use crate::store::hyperv::ConfigRecord;
use crate::store::{DiskId, Forest, Machine, MachineId, PathMap, Product, Snapshot, SnapshotId};
use machines::Machines;
use paths::DiskPaths;
use snapshots::Snapshots;

/// Configuration version of Windows Server 2012 R2, 5.0: machines of this and later merge while they run.
const VERSION_2012_R2: i64 = 5 << 8;

/// What is known beside the disks.
pub(super) struct Known<'a> {
    /// Configurations, sorted by path.
    pub records: &'a [ConfigRecord],
    /// The host's facts, those that count most first.
    pub facts: &'a [FactsFile],
    /// Disks that are in use by the user's word.
    pub now: &'a [PathBuf],
    /// Where each disk really lies.
    pub places: &'a [PathBuf],
    /// Where paths of the host lie here.
    pub maps: &'a [PathMap],
}

/// Fills machines, snapshots and the nodes' uses of a forest whose disks are linked. Those that a saved scan knew stay.
pub(super) fn join(forest: &mut Forest, known: &Known<'_>) {
    if known.records.is_empty() && known.facts.is_empty() && known.now.is_empty() {
        return;
    }
    let saved_machines = std::mem::take(&mut forest.machines);
    let saved_snapshots = std::mem::take(&mut forest.snapshots);
    let locked = locked::disks(forest);
    if !locked.is_empty() {
        let paths = DiskPaths::new(forest, known.places, known.maps);
        let placed = locked::parents(&paths, locked, known.facts);
        drop(paths);
        locked::place(forest, &placed);
    }
    let paths = DiskPaths::new(forest, known.places, known.maps);
    let mut records = known.records.to_vec();
    for record in &mut records {
        let source = record.path.clone();
        record.settle(|path| {
            let disk = paths.of_config(path, &source)?;
            Some(!forest.node(disk)?.children.is_empty())
        });
    }
    let mut machines = Machines::of_saved(saved_machines);
    machines.add_configs(&paths, &records);
    for facts in known.facts {
        machines.add_facts(&paths, facts);
    }
    // To which machine each snapshot of the facts belongs, by its place among all machines.
    let owner = |facts: &FactsFile, at: usize| {
        let row = facts.facts.snapshots.get(at)?;
        machines.find(row.vm.as_deref(), row.vm_id, None, facts)
    };
    let owners: Vec<Vec<Option<usize>>> = known
        .facts
        .iter()
        .map(|of| {
            (0..of.facts.snapshots.len())
                .map(|at| owner(of, at))
                .collect()
        })
        .collect();
    let mut disagreeing = std::mem::take(&mut machines.disagreeing);
    let pool = pool::records(&paths, known.facts);
    let rows = disagree::rows(&paths, known.facts);
    let (mut machines, went) = machines.sorted();
    let mut snapshots = Snapshots::of_saved(saved_snapshots, &went);
    snapshots.add_configs(&paths, &records, &machines);
    for (facts, owners) in known.facts.iter().zip(owners) {
        for (row, owner) in facts.facts.snapshots.iter().zip(owners) {
            let machine = owner.and_then(|at| went.get(at)).copied();
            snapshots.add_row(&paths, row, machine, facts);
        }
    }
    let mut snapshots = snapshots.sorted();
    refer(&mut machines, &mut snapshots, &records);
    forest.machines = machines;
    forest.snapshots = snapshots;
    for now in known.now {
        if let Some(disk) = named_disk(forest, now, known.places) {
            machines::say_now(forest, disk);
        }
    }
    use_disks(forest);
    pool::join(forest, pool);
    for (disk, finding) in rows {
        if let Some(node) = forest.nodes.get_mut(disk.0 as usize) {
            node.findings.push(finding);
        }
    }
    disagreeing.extend(disagree::dates(&forest.snapshots));
    disagreeing.extend(disagree::unfit(forest, known.facts));
    forest.side_findings.extend(disagreeing);
    newer_hosts(forest, &records);
}

/// The disk of a path given by the user, as it was found or as it really lies; where no file is there, the one of that name.
fn named_disk(forest: &Forest, path: &Path, places: &[PathBuf]) -> Option<DiskId> {
    let is_named = |id: &DiskId| forest.disk(*id).is_some_and(|disk| disk.path == path);
    let real = || super::place::real_path(path).ok();
    forest.ids().find(is_named).or_else(|| match real() {
        Some(real) => {
            let at = places.iter().position(|place| *place == real)?;
            u32::try_from(at).ok().map(DiskId)
        }
        None => forest.disk_called(path),
    })
}

fn refer(machines: &mut [Machine], snapshots: &mut [Snapshot], records: &[ConfigRecord]) {
    let mut ids: HashMap<Uuid, Vec<SnapshotId>> = HashMap::new();
    for (at, snapshot) in (0_u32..).map(SnapshotId).zip(snapshots.iter()) {
        if let Some(id) = snapshot.id.as_deref().and_then(guid::from_text) {
            ids.entry(id).or_default().push(at);
        }
    }
    let records: HashMap<&Path, &ConfigRecord> = records
        .iter()
        .map(|record| (&*record.path, record))
        .collect();
    let found = |source: &Path, own: Option<Uuid>| -> Vec<(String, SnapshotId)> {
        let references = records.get(source).map(|record| &record.references);
        references
            .into_iter()
            .flatten()
            .filter(|(_, id)| Some(*id) != own)
            .flat_map(|(key, id)| {
                let meant = ids.get(id).into_iter().flatten();
                meant.map(move |at| (key.clone(), *at))
            })
            .collect()
    };
    for machine in machines {
        machine.also_refers_to = found(&machine.source, machine.id);
    }
    for snapshot in snapshots {
        let own = snapshot.id.as_deref().and_then(guid::from_text);
        snapshot.also_refers_to = found(&snapshot.source, own);
    }
}

fn use_disks(forest: &mut Forest) {
    let nodes = &mut forest.nodes;
    for node in nodes.iter_mut() {
        node.in_use_by.clear();
        node.snapshots.clear();
    }
    for (id, machine) in (0_u32..).map(MachineId).zip(&forest.machines) {
        for disk in machine.disks.iter().flatten().filter_map(|used| used.disk) {
            // Their numbers rise: one that is there already is the last.
            if let Some(node) = nodes.get_mut(disk.0 as usize)
                && node.in_use_by.last() != Some(&id)
            {
                node.in_use_by.push(id);
            }
        }
    }
    for (id, snapshot) in (0_u32..).map(SnapshotId).zip(&forest.snapshots) {
        for disk in snapshot.disk_ids() {
            if let Some(node) = nodes.get_mut(disk.0 as usize)
                && node.snapshots.last() != Some(&id)
            {
                node.snapshots.push(id);
            }
        }
    }
}

/// Machines with `.avhd` files exist on 2012 and later too: their configuration says so.
fn newer_hosts(forest: &mut Forest, records: &[ConfigRecord]) {
    let version = |record: &ConfigRecord| record.version.unwrap_or_default();
    let newer: HashSet<&Path> = records
        .iter()
        .filter(|record| version(record) >= VERSION_2012_R2)
        .map(|record| &*record.path)
        .collect();
    let is_newer = |source: &Path| newer.contains(source);
    let used = forest
        .machines
        .iter()
        .filter(|machine| is_newer(&machine.source));
    let leaves: Vec<DiskId> = used
        .flat_map(|machine| machine.disks.iter().flatten())
        .filter_map(|used| used.disk)
        .collect();
    let mut queue: Vec<DiskId> = leaves
        .into_iter()
        .filter_map(|leaf| forest.line(leaf).last())
        .collect();
    while let Some(id) = queue.pop() {
        if let Some(node) = forest.nodes.get_mut(id.0 as usize)
            && node.product == Product::HyperV2008
        {
            node.product = Product::HyperV;
            queue.extend(node.children.iter().copied());
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
