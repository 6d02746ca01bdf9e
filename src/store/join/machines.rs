//! Machines, from configurations, from the host's facts and from what the user says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::disagree;
use super::paths::DiskPaths;
use super::stem;
use crate::finding::Finding;
use crate::store::host::{FactsFile, HostMachine, Origin};
use crate::store::hyperv::{ConfigKind, ConfigRecord};
use crate::store::{DiskId, DiskUse, Forest, Machine, MachineId, MachineState};

/// Machines of one name or id that are looked through for the one meant.
const ALIKE: usize = 64;

/// Machines under way, found by id and name.
#[derive(Default)]
pub(super) struct Machines {
    pub list: Vec<Machine>,
    /// The folder below which what is known of a machine holds, if it holds in one only.
    folders: Vec<Option<PathBuf>>,
    by_id: HashMap<Uuid, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    /// Inputs whose disks of a machine are not those that a configuration here names, and in what way.
    pub disagreeing: Vec<(PathBuf, Finding)>,
}

impl Machines {
    /// Those of saved scans.
    pub fn of_saved(saved: Vec<Machine>) -> Self {
        let mut machines = Self::default();
        for machine in saved {
            machines.add(machine, None);
        }
        machines
    }

    /// Adds those of configurations; copies of one configuration count once.
    pub fn add_configs(&mut self, paths: &DiskPaths<'_>, records: &[ConfigRecord]) {
        let is_machine = |record: &&ConfigRecord| record.kind == ConfigKind::Machine;
        for record in records.iter().filter(is_machine) {
            let disks = paths.uses_of_config(record);
            let known = record.id().and_then(|id| self.by_id.get(&id));
            let is_copy = known.is_some_and(|known| {
                let mut known = known.iter().filter_map(|at| self.list.get(*at));
                known.any(|known| known.disks.as_ref() == Some(&disks))
            });
            if is_copy {
                continue;
            }
            let machine = Machine {
                name: record.name.clone().unwrap_or_else(|| stem(&record.path)),
                id: record.id(),
                disks: Some(disks),
                generation_id: record.generation_id.clone(),
                merge_pending: record.merge_pending,
                source: record.path.clone(),
                ..Machine::default()
            };
            self.add(machine, record.path.parent().map(Path::to_path_buf));
        }
    }

    /// Adds what one input says.
    pub fn add_facts(&mut self, paths: &DiskPaths<'_>, facts: &FactsFile) {
        let origin = Origin::of(facts);
        for row in &facts.facts.machines {
            let disks = row
                .disks
                .as_ref()
                .map(|disks| paths.uses_of_facts(disks, facts));
            self.add_row(row, disks, facts, &origin);
        }
        for snapshot in &facts.facts.snapshots {
            let (name, id) = (snapshot.vm.as_deref(), snapshot.vm_id);
            if (name.is_some() || id.is_some()) && self.find(name, id, None, facts).is_none() {
                let name = name.map(str::to_owned);
                let machine = Machine {
                    name: name.or(id.map(|id| id.to_string())).unwrap_or_default(),
                    id,
                    source: facts.path.clone(),
                    ..Machine::default()
                };
                self.add(machine, facts.folder.clone());
            }
        }
    }

    fn add_row(
        &mut self,
        row: &HostMachine,
        disks: Option<Vec<DiskUse>>,
        facts: &FactsFile,
        origin: &Arc<Origin>,
    ) {
        let is_told = row.running.is_some() || row.last_applied.is_some();
        let state = is_told.then(|| {
            Arc::new(MachineState {
                running: row.running,
                last_applied: row.last_applied.clone(),
                origin: Arc::clone(origin),
            })
        });
        let known = self.find(Some(&row.name), row.id, disks.as_deref(), facts);
        if let Some(known) = known.and_then(|at| self.list.get_mut(at)) {
            let told = disks.as_deref().filter(|_| known.source != facts.path);
            self.disagreeing
                .extend(told.and_then(|told| disagree::on_use(known, told, &facts.path)));
            // A configuration in the store is as old as the store; it knows its own disks best.
            known.disks = known.disks.take().or(disks);
            known.id = known.id.or(row.id);
            known.state = known.state.take().or(state);
            return;
        }
        let machine = Machine {
            name: row.name.clone(),
            id: row.id,
            disks,
            state,
            source: facts.path.clone(),
            ..Machine::default()
        };
        self.add(machine, facts.folder.clone());
    }

    fn add(&mut self, machine: Machine, folder: Option<PathBuf>) {
        let at = self.list.len();
        if let Some(id) = machine.id {
            self.by_id.entry(id).or_default().push(at);
        }
        let name = machine.name.clone();
        self.by_name.entry(name).or_default().push(at);
        self.list.push(machine);
        self.folders.push(folder);
    }

    /// The machine an input means: by id, else by name, among those that are known of the same places. Of several the one
    /// that has a disk in common.
    pub fn find(
        &self,
        name: Option<&str>,
        id: Option<Uuid>,
        disks: Option<&[DiskUse]>,
        facts: &FactsFile,
    ) -> Option<usize> {
        let is_near = |at: &&usize| {
            let folder = self.folders.get(**at).and_then(Option::as_deref);
            meets(folder, facts.folder.as_deref())
        };
        let by_id = id.and_then(|id| self.by_id.get(&id));
        let by_id = by_id.into_iter().flatten().take(ALIKE);
        let by_id = by_id.copied().find(|at| is_near(&at));
        if by_id.is_some() {
            return by_id;
        }
        let named = name.and_then(|name| self.by_name.get(name));
        let is_other = |at: &&usize| {
            let known = self.list.get(**at).and_then(|machine| machine.id);
            known.is_some() && id.is_some()
        };
        let near: Vec<usize> = named
            .into_iter()
            .flatten()
            .take(ALIKE)
            .filter(|at| is_near(at) && !is_other(at))
            .copied()
            .collect();
        let shares_a_disk = |at: &&usize| {
            let known = self.list.get(**at).and_then(|of| of.disks.as_deref());
            let found = |used: &DiskUse| used.disk.is_some();
            let mut known = known.unwrap_or_default().iter().filter(|used| found(used));
            known.any(|known| {
                let disks = disks.unwrap_or_default();
                disks.iter().any(|used| used.disk == known.disk)
            })
        };
        near.iter().find(shares_a_disk).or(near.first()).copied()
    }

    /// In the order of a forest, and where each went.
    pub fn sorted(self) -> (Vec<Machine>, Vec<MachineId>) {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by(|a, b| {
            let key = |at: &usize| self.list.get(*at).map(|of| (&of.name, &of.source));
            key(a).cmp(&key(b))
        });
        let mut went = vec![MachineId(0); order.len()];
        for (to, from) in (0_u32..).zip(&order) {
            if let Some(went) = went.get_mut(*from) {
                *went = MachineId(to);
            }
        }
        let mut list: Vec<Option<Machine>> = self.list.into_iter().map(Some).collect();
        let taken = order.into_iter().filter_map(|at| list.get_mut(at)?.take());
        (taken.collect(), went)
    }
}

/// Whether what holds below one folder and below another can be about the same machine.
pub(super) fn meets(a: Option<&Path>, b: Option<&Path>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        _ => true,
    }
}

/// What the user says is in use. The machine that uses the disk's chain now uses this disk of it; a chain without a machine
/// gets one, named by the chain's base.
pub(super) fn say_now(forest: &mut Forest, disk: DiskId) {
    let base_of = |forest: &Forest, disk: DiskId| forest.line(disk).last().unwrap_or(disk);
    let base = base_of(forest, disk);
    let is_here = |used: &DiskUse| used.disk.is_some_and(|used| base_of(forest, used) == base);
    let is_on_it = |machine: &Machine| machine.disks.iter().flatten().any(is_here);
    let users: Vec<usize> = (0..forest.machines.len())
        .filter(|at| forest.machines.get(*at).is_some_and(is_on_it))
        .collect();
    let of_snapshots: Vec<usize> = forest
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.disks.iter().any(is_here))
        .filter_map(|snapshot| Some(snapshot.machine?.0 as usize))
        .collect();
    let only = |all: &[usize]| {
        let first = all.first()?;
        all.iter().all(|at| at == first).then_some(*first)
    };
    let of_disk = users.iter().copied().find(|at| {
        let machine = forest.machines.get(*at);
        let mut all = machine.into_iter().flat_map(|of| of.disks.iter().flatten());
        all.any(|used| used.disk == Some(disk))
    });
    let known = of_disk
        .or_else(|| only(&users))
        .or_else(|| only(&of_snapshots));
    let path = forest
        .disk(disk)
        .map(|of| of.path.clone())
        .unwrap_or_default();
    let at = known.unwrap_or(forest.machines.len());
    let mut kept: Vec<DiskUse> = forest
        .machines
        .get(at)
        .and_then(|machine| machine.disks.clone())
        .unwrap_or_default();
    kept.retain(|used| !is_here(used));
    kept.push(DiskUse {
        path: path.to_string_lossy().into_owned(),
        disk: Some(disk),
        slot: None,
    });
    let unowned: Vec<usize> = (0..forest.snapshots.len())
        .filter(|at| {
            let snapshot = forest.snapshots.get(*at);
            snapshot.is_some_and(|of| of.machine.is_none() && of.disks.iter().any(is_here))
        })
        .collect();
    if at == forest.machines.len() {
        let base = forest.disk(base).map(|of| stem(&of.path));
        forest.machines.push(Machine {
            name: base.unwrap_or_default(),
            source: PathBuf::from("--now"),
            ..Machine::default()
        });
    }
    if let Some(machine) = forest.machines.get_mut(at) {
        machine.disks = Some(kept);
    }
    let machine = u32::try_from(at).ok().map(MachineId);
    for at in unowned {
        if let Some(snapshot) = forest.snapshots.get_mut(at) {
            snapshot.machine = machine;
        }
    }
}
