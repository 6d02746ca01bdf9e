//! Joins what configurations and labels say with the disks that are there: machines, snapshots, and which disk each means.
//!
//! A stored path means the disk of that file name, then the one whose folders agree most, then the one nearest to the file
//! that stores the path. Nothing is invented: a snapshot's machine is told by an id, by a disk of the machine that stands on
//! the snapshot's, or by the label; else it stays unknown.

use std::path::Path;

use uuid::Uuid;

use crate::format::guid;
use crate::store::hyperv::{ConfigKind, ConfigRecord};
use crate::store::labels::{Labels, MachineLabel, SnapshotLabel};
use crate::store::pathmatch::{Match, PathIndex};
use crate::store::when::{self, DayOrder, Zone};
use crate::store::winpath::WinPath;
use crate::store::{
    DiskId, DiskUse, Forest, Machine, MachineId, Product, Snapshot, SnapshotId, SnapshotKind,
    Taken, TakenSource,
};

/// Configuration version of Windows Server 2012 R2, 5.0: machines of this and later merge while they run.
const VERSION_2012_R2: i64 = 5 << 8;

/// Fills machines, snapshots and the nodes' uses of a forest whose disks are linked. `records` must be sorted by path.
pub(super) fn join(
    forest: &mut Forest,
    records: &[ConfigRecord],
    labels: Option<(&Path, &Labels)>,
) {
    if records.is_empty() && labels.is_none() {
        return;
    }
    let index = PathIndex::new(forest.disks.iter().map(|disk| &*disk.path));
    let paths = Paths { index, forest };
    let mut records = records.to_vec();
    for record in &mut records {
        let source = record.path.clone();
        record.settle(|path| {
            let disk = paths.find(path, &source)?;
            Some(!forest.node(disk)?.children.is_empty())
        });
    }
    let mut machines = machines(&paths, &records, labels);
    machines.sort_by(|a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)));
    let mut snapshots = snapshots(&paths, &records, labels, &machines);
    snapshots.sort_by_cached_key(order);
    refer(&mut machines, &mut snapshots, &records);
    forest.machines = machines;
    forest.snapshots = snapshots;
    use_disks(forest);
    newer_hosts(forest, &records);
}

/// By machine, then by age, then by name; what has no machine comes last.
fn order(snapshot: &Snapshot) -> impl Ord + use<> {
    (
        snapshot.machine.is_none(),
        snapshot.machine,
        snapshot.taken.first().map(|taken| taken.at),
        snapshot.name.clone(),
        snapshot.id.clone(),
    )
}

struct Paths<'a> {
    index: PathIndex,
    forest: &'a Forest,
}

impl Paths<'_> {
    /// The disk a stored path means, as seen from the file that stores it.
    fn find(&self, stored: &str, source: &Path) -> Option<DiskId> {
        let at = match self.index.find(&WinPath::parse(stored)) {
            Match::None => return None,
            Match::One(at) => at,
            Match::Several(several) => self.nearest(&several, source)?,
        };
        u32::try_from(at).ok().map(DiskId)
    }

    /// The one of several that shares most folders with `source`; `None` if two share as many.
    fn nearest(&self, several: &[usize], source: &Path) -> Option<usize> {
        let shared = |at: usize| {
            self.forest.disks.get(at).map_or(0, |disk| {
                let pairs = disk.path.components().zip(source.components());
                pairs.take_while(|(a, b)| a == b).count()
            })
        };
        let most = several.iter().map(|at| shared(*at)).max()?;
        let mut best = several.iter().filter(|at| shared(**at) == most);
        best.next().filter(|_| best.next().is_none()).copied()
    }

    fn uses<'p>(
        &self,
        paths: impl Iterator<Item = (&'p str, Option<String>)>,
        source: &Path,
    ) -> Vec<DiskUse> {
        paths
            .map(|(path, slot)| DiskUse {
                path: path.to_owned(),
                disk: self.find(path, source),
                slot,
            })
            .collect()
    }

    fn of_record(&self, record: &ConfigRecord) -> Vec<DiskUse> {
        let disks = record
            .disks
            .iter()
            .map(|disk| (disk.path.as_str(), Some(disk.slot())));
        self.uses(disks, &record.path)
    }

    fn of_label(&self, disks: &[String], source: &Path) -> Vec<DiskUse> {
        self.uses(disks.iter().map(|path| (path.as_str(), None)), source)
    }
}

fn machines(
    paths: &Paths<'_>,
    records: &[ConfigRecord],
    labels: Option<(&Path, &Labels)>,
) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    for record in records
        .iter()
        .filter(|record| record.kind == ConfigKind::Machine)
    {
        let disks = paths.of_record(record);
        let is_copy = record.id().is_some()
            && machines
                .iter()
                .any(|known| known.id == record.id() && known.disks.as_ref() == Some(&disks));
        if is_copy {
            continue;
        }
        machines.push(Machine {
            name: record.name.clone().unwrap_or_else(|| stem(&record.path)),
            id: record.id(),
            disks: Some(disks),
            generation_id: record.generation_id.clone(),
            merge_pending: record.merge_pending,
            source: record.path.clone(),
            also_refers_to: Vec::new(),
        });
    }
    let Some((source, labels)) = labels else {
        return machines;
    };
    for label in &labels.machines {
        label_machine(paths, &mut machines, label, source);
    }
    for name in labels
        .snapshots
        .iter()
        .filter_map(|label| label.vm.as_ref())
    {
        if !machines.iter().any(|machine| machine.name == *name) {
            machines.push(Machine {
                name: name.clone(),
                source: source.to_path_buf(),
                ..Machine::default()
            });
        }
    }
    machines
}

fn label_machine(
    paths: &Paths<'_>,
    machines: &mut Vec<Machine>,
    label: &MachineLabel,
    source: &Path,
) {
    let id = label.id.as_deref().and_then(guid::from_text);
    let disks = label
        .disks
        .as_ref()
        .map(|disks| paths.of_label(disks, source));
    let known = machines
        .iter_mut()
        .find(|machine| (id.is_some() && machine.id == id) || machine.name == label.name);
    match known {
        // A configuration in the store is as old as the store; it knows its own disks best.
        Some(known) => known.disks = known.disks.take().or(disks),
        None => machines.push(Machine {
            name: label.name.clone(),
            id,
            disks,
            source: source.to_path_buf(),
            ..Machine::default()
        }),
    }
}

fn snapshots(
    paths: &Paths<'_>,
    records: &[ConfigRecord],
    labels: Option<(&Path, &Labels)>,
    machines: &[Machine],
) -> Vec<Snapshot> {
    let mut snapshots: Vec<Snapshot> = records
        .iter()
        .filter(|record| record.kind == ConfigKind::Snapshot)
        .map(|record| of_config(paths, record, machines))
        .collect();
    if let Some((source, labels)) = labels {
        for label in &labels.snapshots {
            of_label(paths, &mut snapshots, label, source, machines);
        }
    }
    for snapshot in &mut snapshots {
        if let Some(at) = snapshot.name.as_deref().and_then(time_in_name) {
            snapshot.taken.push(Taken {
                at,
                source: TakenSource::Name,
            });
        }
        snapshot.taken.sort_by_key(|taken| (taken.source, taken.at));
    }
    snapshots
}

fn of_config(paths: &Paths<'_>, record: &ConfigRecord, machines: &[Machine]) -> Snapshot {
    let disks = paths.of_record(record);
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
        machine: machine_of(paths.forest, record, &disks, machines),
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
        also_refers_to: Vec::new(),
    }
}

/// By id; else by the one machine that has a disk standing on the snapshot's.
fn machine_of(
    forest: &Forest,
    record: &ConfigRecord,
    disks: &[DiskUse],
    machines: &[Machine],
) -> Option<MachineId> {
    let ids = || (0_u32..).map(MachineId).zip(machines);
    let named: Vec<Uuid> = [record.global_id, record.logical_id]
        .into_iter()
        .flatten()
        .chain(record.references.iter().map(|(_, id)| *id))
        .collect();
    let by_id = ids().find(|(_, machine)| machine.id.is_some_and(|id| named.contains(&id)));
    if let Some((id, _)) = by_id {
        return Some(id);
    }
    let stands_on = |machine: &Machine| {
        let now = machine.disks.iter().flatten().filter_map(|used| used.disk);
        now.flat_map(|disk| forest.line(disk))
            .any(|below| disks.iter().any(|used| used.disk == Some(below)))
    };
    let mut standing = ids().filter(|(_, machine)| stands_on(machine));
    let (id, _) = standing.next()?;
    standing.next().is_none().then_some(id)
}

fn of_label(
    paths: &Paths<'_>,
    snapshots: &mut Vec<Snapshot>,
    label: &SnapshotLabel,
    source: &Path,
    machines: &[Machine],
) {
    let id = label.id.as_deref().map(|text| {
        guid::from_text(text).map_or_else(|| text.to_lowercase(), |id| id.hyphenated().to_string())
    });
    let machine = label.vm.as_ref().and_then(|name| {
        let ids = (0_u32..).map(MachineId).zip(machines);
        let mut named = ids.filter(|(_, machine)| machine.name == *name);
        named.next().map(|(id, _)| id)
    });
    let taken = label.taken.map(|when| Taken {
        at: when.at,
        source: match when.zone {
            Zone::Known => TakenSource::Label,
            Zone::HostLocal => TakenSource::LabelLocal,
        },
    });
    let parent = label
        .parent_id
        .clone()
        .or_else(|| label.parent_name.clone());
    let disks = label
        .disks
        .as_ref()
        .map(|disks| paths.of_label(disks, source))
        .unwrap_or_default();
    let known = snapshots.iter().position(|known| match (&id, &known.id) {
        (Some(id), Some(known)) => id == known,
        _ => {
            known.name.as_deref() == Some(label.name.as_str())
                && (known.machine == machine || known.machine.is_none())
        }
    });
    let Some(known) = known.and_then(|at| snapshots.get_mut(at)) else {
        snapshots.push(Snapshot {
            name: Some(label.name.clone()),
            id,
            machine,
            parent,
            taken: taken.into_iter().collect(),
            kind: label.kind,
            disks,
            source: source.to_path_buf(),
            ..Snapshot::default()
        });
        return;
    };
    known.taken.extend(taken);
    known.machine = known.machine.or(machine);
    known.parent = known.parent.take().or(parent);
    known.name = known.name.take().or_else(|| Some(label.name.clone()));
    known.id = known.id.take().or(id);
    if known.kind == SnapshotKind::Unknown {
        known.kind = label.kind;
    }
    if known.disks.is_empty() {
        known.disks = disks;
    }
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

fn refer(machines: &mut [Machine], snapshots: &mut [Snapshot], records: &[ConfigRecord]) {
    let ids: Vec<(SnapshotId, Option<Uuid>)> = (0_u32..)
        .map(SnapshotId)
        .zip(snapshots.iter())
        .map(|(at, snapshot)| (at, snapshot.id.as_deref().and_then(guid::from_text)))
        .collect();
    let found = |source: &Path, own: Option<Uuid>| -> Vec<(String, SnapshotId)> {
        let record = records.iter().find(|record| record.path == source);
        let references = record.into_iter().flat_map(|record| &record.references);
        references
            .filter(|(_, id)| Some(*id) != own)
            .flat_map(|(key, id)| {
                let meant = ids.iter().filter(move |(_, known)| *known == Some(*id));
                meant.map(move |(at, _)| (key.clone(), *at))
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
    for (id, machine) in (0_u32..).map(MachineId).zip(&forest.machines) {
        for disk in machine.disks.iter().flatten().filter_map(|used| used.disk) {
            if let Some(node) = nodes.get_mut(disk.0 as usize)
                && !node.in_use_by.contains(&id)
            {
                node.in_use_by.push(id);
            }
        }
    }
    for (id, snapshot) in (0_u32..).map(SnapshotId).zip(&forest.snapshots) {
        for disk in snapshot.disks.iter().filter_map(|used| used.disk) {
            if let Some(node) = nodes.get_mut(disk.0 as usize)
                && !node.snapshots.contains(&id)
            {
                node.snapshots.push(id);
            }
        }
    }
}

/// Machines with `.avhd` files exist on 2012 and later too: their configuration says so.
fn newer_hosts(forest: &mut Forest, records: &[ConfigRecord]) {
    let is_newer = |source: &Path| {
        let record = records.iter().find(|record| record.path == source);
        record
            .and_then(|record| record.version)
            .is_some_and(|version| version >= VERSION_2012_R2)
    };
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
