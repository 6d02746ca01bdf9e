//! Snapshots, from configurations and from the host's facts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::machines::meets;
use super::paths::DiskPaths;
use crate::store::host::{FactsFile, HostSnapshot};
use crate::store::hyperv::{ConfigKind, ConfigRecord};
use crate::store::names::without_guid;
use crate::store::when::{self, DayOrder, ZoneNamed};
use crate::store::{
    Disk, DiskId, DiskUse, Forest, Machine, MachineId, Snapshot, SnapshotKind, Taken, TakenSource,
};

/// Snapshots of one name or id that are looked through for the one meant.
const ALIKE: usize = 64;

/// Snapshots under way, found by id and name.
#[derive(Default)]
pub(super) struct Snapshots {
    list: Vec<Snapshot>,
    folders: Vec<Option<PathBuf>>,
    by_id: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Snapshots {
    /// Those of saved scans, whose machines went to other places.
    pub fn of_saved(saved: Vec<Snapshot>, went: &[MachineId]) -> Self {
        let mut snapshots = Self::default();
        for mut snapshot in saved {
            let machine = snapshot.machine;
            snapshot.machine = machine.and_then(|at| went.get(at.0 as usize).copied());
            snapshots.add(snapshot, None);
        }
        snapshots
    }

    pub fn add_configs(
        &mut self,
        paths: &DiskPaths<'_>,
        records: &[ConfigRecord],
        machines: &[Machine],
    ) {
        let owners = MachineIndex::new(paths.forest, machines);
        let is_snapshot = |record: &&ConfigRecord| record.kind == ConfigKind::Snapshot;
        for record in records.iter().filter(is_snapshot) {
            let snapshot = of_config(paths, record, &owners);
            self.add(snapshot, record.path.parent().map(Path::to_path_buf));
        }
    }

    fn add(&mut self, snapshot: Snapshot, folder: Option<PathBuf>) {
        let at = self.list.len();
        if let Some(id) = snapshot.id.clone() {
            self.by_id.entry(id).or_default().push(at);
        }
        if let Some(name) = snapshot.name.clone() {
            self.by_name.entry(name).or_default().push(at);
        }
        self.list.push(snapshot);
        self.folders.push(folder);
    }

    /// Adds what one input says of a snapshot of `machine`.
    pub fn add_row(
        &mut self,
        paths: &DiskPaths<'_>,
        row: &HostSnapshot,
        machine: Option<MachineId>,
        facts: &FactsFile,
    ) {
        let taken = row.taken.map(|when| Taken {
            at: when.at,
            source: match when.zone {
                ZoneNamed::Known => TakenSource::Label,
                ZoneNamed::HostLocal => TakenSource::LabelLocal,
            },
        });
        let disks = row
            .disks
            .as_ref()
            .map(|disks| paths.uses_of_facts(disks, facts))
            .unwrap_or_default();
        let known = self.find(row, machine, facts);
        let Some(known) = known.and_then(|at| self.list.get_mut(at)) else {
            let snapshot = Snapshot {
                name: Some(row.name.clone()),
                id: row.id.clone(),
                machine,
                parent: row.parent.clone(),
                taken: taken.into_iter().collect(),
                kind: row.kind,
                disks,
                source: facts.path.clone(),
                ..Snapshot::default()
            };
            self.add(snapshot, facts.folder.clone());
            return;
        };
        known.taken.extend(taken);
        known.lists.push(facts.path.clone());
        known.machine = known.machine.or(machine);
        known.parent = known.parent.take().or_else(|| row.parent.clone());
        known.name = known.name.take().or_else(|| Some(row.name.clone()));
        known.id = known.id.take().or_else(|| row.id.clone());
        if known.kind == SnapshotKind::Unknown {
            known.kind = row.kind;
        }
        if known.disks.is_empty() {
            known.disks = disks;
        }
    }

    /// By id; where one of the two has none by name and machine.
    fn find(
        &self,
        row: &HostSnapshot,
        machine: Option<MachineId>,
        facts: &FactsFile,
    ) -> Option<usize> {
        let is_near = |at: &&usize| {
            let folder = self.folders.get(**at).and_then(Option::as_deref);
            meets(folder, facts.folder.as_deref())
        };
        let by_id = row.id.as_ref().and_then(|id| self.by_id.get(id));
        let by_id = by_id.into_iter().flatten().take(ALIKE).find(is_near);
        if by_id.is_some() {
            return by_id.copied();
        }
        let is_it = |at: &&usize| {
            self.list.get(**at).is_some_and(|known| {
                let ids_differ = known.id.is_some() && row.id.is_some();
                !ids_differ && (known.machine == machine || known.machine.is_none())
            })
        };
        let named = self.by_name.get(&row.name).into_iter().flatten();
        named
            .take(ALIKE)
            .find(|at| is_near(at) && is_it(at))
            .copied()
    }

    /// By machine, then by age, then by name; what has no machine comes last.
    pub fn sorted(self) -> Vec<Snapshot> {
        let mut snapshots = self.list;
        for snapshot in &mut snapshots {
            if let Some(at) = snapshot.name.as_deref().and_then(time_in_name) {
                snapshot.taken.push(Taken {
                    at,
                    source: TakenSource::Name,
                });
            }
            snapshot.taken.sort_by_key(|taken| (taken.source, taken.at));
        }
        snapshots.sort_by_cached_key(|snapshot| {
            (
                snapshot.machine.is_none(),
                snapshot.machine,
                snapshot.taken.first().map(|taken| taken.at),
                snapshot.name.clone(),
                snapshot.id.clone(),
            )
        });
        snapshots
    }
}

fn of_config(paths: &DiskPaths<'_>, record: &ConfigRecord, owners: &MachineIndex) -> Snapshot {
    let disks = paths.uses_of_config(record);
    let memory_write = record
        .memory_files
        .iter()
        .filter_map(|file| file.file.modified)
        .min();
    let claims = [
        (TakenSource::Config, record.created),
        (TakenSource::MemoryFile, memory_write),
        (
            TakenSource::ConfigBirth,
            record.file.born.map(|born| born.at),
        ),
        (TakenSource::ConfigWrite, record.file.modified),
    ];
    let claim = |(source, at): (TakenSource, Option<_>)| Some(Taken { at: at?, source });
    Snapshot {
        name: record.name.clone(),
        id: record.id().map(|id| id.hyphenated().to_string()),
        machine: owners.of(paths.forest, record, &disks),
        parent: None,
        taken: claims.into_iter().filter_map(claim).collect(),
        kind: record.snapshot_kind,
        disks,
        memory: Some(!record.memory_files.is_empty()),
        memory_bytes: record
            .memory_files
            .iter()
            .fold(0, |sum, file| file.file.len.saturating_add(sum)),
        generation_id: record.generation_id.clone(),
        config_born: record.file.born,
        source: record.path.clone(),
        lists: Vec::new(),
        also_refers_to: Vec::new(),
    }
}

/// Machines by id, and by the disks they stand on.
struct MachineIndex {
    by_id: HashMap<Uuid, MachineId>,
    /// The machine whose line passes a disk; `None` if several do.
    on: HashMap<DiskId, Option<MachineId>>,
    /// By folder and name without the GUID: the machine that uses such a disk; `None` if several do.
    beside: HashMap<(PathBuf, String), Beside>,
}

/// A machine beside a disk of the same series.
#[derive(Clone, Copy)]
struct Beside {
    machine: Option<MachineId>,
    /// Its disk could not be opened, so that nothing says what it stands on.
    is_locked: bool,
}

impl MachineIndex {
    fn new(forest: &Forest, machines: &[Machine]) -> Self {
        let mut owners = Self {
            by_id: HashMap::new(),
            on: HashMap::new(),
            beside: HashMap::new(),
        };
        for (id, machine) in (0_u32..).map(MachineId).zip(machines) {
            if let Some(own) = machine.id {
                owners.by_id.entry(own).or_insert(id);
            }
            for now in machine.disks.iter().flatten().filter_map(|used| used.disk) {
                if let Some(disk) = forest.disk(now) {
                    let is_locked = disk.is_locked();
                    let known = owners.beside.entry(series(disk)).or_insert(Beside {
                        machine: Some(id),
                        is_locked,
                    });
                    known.machine = known.machine.filter(|known| *known == id);
                    known.is_locked |= is_locked;
                }
                for disk in forest.line(now) {
                    let known = *owners.on.entry(disk).or_insert(Some(id));
                    // Below a disk that several stand on, several do.
                    if known.is_none() {
                        break;
                    }
                    if known != Some(id) {
                        owners.on.insert(disk, None);
                    }
                }
            }
        }
        owners
    }

    /// By id; else the one machine that has a disk standing on the snapshot's; else the one that uses a disk of the same
    /// folder and name but for the GUID, if that could not be opened or stands on a disk below the snapshot's: the snapshot
    /// is of a branch that the machine left.
    fn of(&self, forest: &Forest, record: &ConfigRecord, disks: &[DiskUse]) -> Option<MachineId> {
        let named = [record.global_id, record.logical_id]
            .into_iter()
            .flatten()
            .chain(record.references.iter().map(|(_, id)| *id));
        if let Some(id) = named.filter_map(|id| self.by_id.get(&id)).min() {
            return Some(*id);
        }
        let found = || disks.iter().filter_map(|used| used.disk);
        let only = |all: Vec<Option<MachineId>>| {
            let first = *all.first()?;
            all.iter().all(|other| *other == first).then_some(first)?
        };
        let standing: Vec<_> = found()
            .filter_map(|disk| self.on.get(&disk).copied())
            .collect();
        if !standing.is_empty() {
            return only(standing);
        }
        let alike = |id: DiskId| {
            let beside = self.beside.get(&series(forest.disk(id)?))?;
            let below = || {
                forest
                    .line(id)
                    .find_map(|below| self.on.get(&below).copied())
            };
            let is_it = beside.is_locked || below() == Some(beside.machine);
            is_it.then_some(beside.machine)
        };
        only(found().filter_map(alike).collect())
    }
}

/// Folder and name of a disk without the GUID: Hyper-V names the disks of one chain alike.
fn series(disk: &Disk) -> (PathBuf, String) {
    let name = disk.path.file_name().unwrap_or_default().to_string_lossy();
    let folder = disk.path.parent().unwrap_or(Path::new(""));
    (folder.to_path_buf(), without_guid(&name))
}

/// The time in a default name: `<machine> (<date> - <time>)`, in the host's local time.
fn time_in_name(name: &str) -> Option<jiff::Timestamp> {
    let inner = name.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let (date, time) = inner.split_once(" - ")?;
    let when = when::parse(
        &format!("{} {}", date.trim(), time.trim()),
        DayOrder::Unknown,
    );
    when.ok().map(|when| when.at)
}
