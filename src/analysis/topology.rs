//! Topology: what each machine uses now, which disk lies directly above a frozen one, and which branches are the machine's own.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::path::Path;

use crate::analysis::interval::seconds_between;
use crate::analysis::owner::config_folder;
use crate::store::names::is_auto_recovery;
use crate::store::{DiskId, Forest, MachineId, Snapshot, SnapshotId, SnapshotKind};

/// Stamps of XCP-ng leaves made at one moment differ by less than this.
const ONE_MOMENT_SECONDS: i64 = 300;

/// The way up from a disk, where no machine says what it uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lead {
    /// No leaf above that could be Now.
    #[default]
    None,
    /// One leaf: through this child, or the disk itself if it is that leaf.
    One(DiskId),
    Many(u32),
}

/// What of a machine lies in a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owned {
    /// Now, or the disk of a snapshot that somebody or the machine itself took.
    Kept,
    /// Only the disks of a backup's or replica's checkpoints.
    ByBackup,
}

/// Which machines' lines pass through a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Passing {
    /// None's.
    #[default]
    Nobody,
    One(MachineId),
    Several,
}

/// The shape of a forest as verdicts need it; made once per forest, linear in disks and in the lengths of the machines' lines.
#[derive(Debug)]
pub struct Topology<'a> {
    forest: &'a Forest,
    /// Every disk, parents before children.
    pub order: Vec<DiskId>,
    lead: Vec<Lead>,
    passing: Vec<Passing>,
    /// From a machine and a disk on its line to the next disk on the way to Now; `None` at Now itself.
    way: HashMap<(MachineId, DiskId), Option<DiskId>>,
    /// Machine (`None`: snapshots whose machine is not known) and disk with Now or a snapshot's disk of that machine in the subtree.
    own: HashMap<(Option<MachineId>, DiskId), Owned>,
    broken: HashSet<MachineId>,
    /// By folder of a disk in use: the first machine whose chain cannot be followed to its base.
    broken_in: HashMap<&'a Path, MachineId>,
    /// By folder: disks that could not be opened, of which nothing says what they stand on.
    closed: HashMap<&'a Path, Vec<DiskId>>,
    snapshots: HashMap<Option<MachineId>, Vec<SnapshotId>>,
}

impl<'a> Topology<'a> {
    pub fn new(forest: &'a Forest) -> Self {
        let mut topology = Self {
            forest,
            order: order(forest),
            lead: vec![Lead::None; forest.disks.len()],
            passing: vec![Passing::Nobody; forest.disks.len()],
            way: HashMap::new(),
            own: HashMap::new(),
            broken: HashSet::new(),
            broken_in: HashMap::new(),
            closed: HashMap::new(),
            snapshots: HashMap::new(),
        };
        for (id, snapshot) in (0..).map(SnapshotId).zip(&forest.snapshots) {
            let of = topology.snapshots.entry(snapshot.machine);
            of.or_default().push(id);
        }
        for id in forest.ids().filter(|id| forest.is_closed(*id)) {
            if let Some(folder) = folder(forest, id) {
                topology.closed.entry(folder).or_default().push(id);
            }
        }
        topology.find_leads();
        topology.follow_machines();
        topology.follow_snapshots();
        topology
    }

    /// Children whose link is sound.
    pub fn children(&self, disk: DiskId) -> impl Iterator<Item = DiskId> + use<'a> {
        self.forest.children_of(disk)
    }

    /// No disk stands on it.
    pub fn is_leaf(&self, disk: DiskId) -> bool {
        self.children(disk).next().is_none()
    }

    /// A configuration or label names it as a snapshot's disk.
    pub fn is_named(&self, disk: DiskId) -> bool {
        let node = self.forest.node(disk);
        node.is_some_and(|node| !node.snapshots.is_empty())
    }

    /// The machine's snapshots and those that name no machine, in the forest's order.
    pub fn snapshots_of(&self, machine: Option<MachineId>) -> Vec<&'a Snapshot> {
        let own = self.snapshots.get(&machine);
        let nobodys = self.snapshots.get(&None).filter(|_| machine.is_some());
        let mut ids: Vec<SnapshotId> = own.into_iter().chain(nobodys).flatten().copied().collect();
        ids.sort_unstable_by_key(|id| id.0);
        let snapshots = ids.iter().filter_map(|id| self.forest.snapshot(*id));
        snapshots.collect()
    }

    /// Whether anything says what the machine uses now.
    pub fn knows_now(&self, machine: MachineId) -> bool {
        let machine = self.forest.machine(machine);
        machine.is_some_and(|machine| machine.disks.is_some())
    }

    /// Whether one of the machine's chains cannot be followed to its base, or a disk it uses is not here.
    pub fn is_broken(&self, machine: MachineId) -> bool {
        self.broken.contains(&machine)
    }

    /// A machine with a disk in use in the folder of this one, whose chain cannot be followed to its base.
    pub fn broken_beside(&self, disk: DiskId) -> Option<MachineId> {
        self.broken_in.get(folder(self.forest, disk)?).copied()
    }

    /// Disks in the folder of this one that could not be opened, and of which nothing says what they stand on: any of them may
    /// stand on it.
    pub fn closed_beside(&self, disk: DiskId) -> &[DiskId] {
        let folder = folder(self.forest, disk);
        let closed = folder.and_then(|folder| self.closed.get(folder));
        closed.map_or(&[], Vec::as_slice)
    }

    /// The next disk on the machine's way to Now: `None` if the disk is not on its line, `Some(None)` at Now itself.
    pub fn next(&self, machine: MachineId, disk: DiskId) -> Option<Option<DiskId>> {
        self.way.get(&(machine, disk)).copied()
    }

    /// The way up where no machine says.
    pub fn lead(&self, disk: DiskId) -> Lead {
        let lead = self.lead.get(disk.0 as usize).copied();
        lead.unwrap_or_default()
    }

    /// Whose lines pass through the disk.
    pub fn passing(&self, disk: DiskId) -> Passing {
        let passing = self.passing.get(disk.0 as usize).copied();
        passing.unwrap_or_default()
    }

    /// Whether a branch leads to Now or to a snapshot of this machine.
    pub fn is_own(&self, machine: Option<MachineId>, branch: DiskId) -> bool {
        machine.is_some() && self.own.contains_key(&(machine, branch))
    }

    /// Whether a branch shows that a state was applied: it leads to Now or to a snapshot of this machine, a backup's checkpoints
    /// left out. A snapshot whose machine is not known counts where no other machine's line passes the disk below.
    pub fn is_kept(&self, machine: Option<MachineId>, below: DiskId, branch: DiskId) -> bool {
        let kept = |machine| self.own.get(&(machine, branch)) == Some(&Owned::Kept);
        kept(machine) || (self.passing(below) != Passing::Several && kept(None))
    }

    /// A backup's disk by its name: no branch.
    pub fn is_backup(&self, disk: DiskId) -> bool {
        let disk = self.forest.disk(disk);
        disk.is_some_and(|disk| is_auto_recovery(&disk.path))
    }

    /// From `above` up to Now, both included.
    pub fn way_up(&self, machine: Option<MachineId>, above: DiskId) -> Vec<DiskId> {
        let mut way = vec![above];
        let mut at = above;
        // Each step goes to a child, so the number of disks bounds it.
        while way.len() <= self.forest.disks.len() {
            let by_machine = machine.and_then(|machine| self.next(machine, at));
            let Some(next) = by_machine.unwrap_or_else(|| self.lead_above(at)) else {
                break;
            };
            way.push(next);
            at = next;
        }
        way
    }

    /// The child through which a single leaf above is reached.
    pub fn lead_above(&self, disk: DiskId) -> Option<DiskId> {
        match self.lead(disk) {
            Lead::One(child) if child != disk => Some(child),
            _ => None,
        }
    }

    fn find_leads(&mut self) {
        for disk in self.order.clone().into_iter().rev() {
            let lead = self.lead_of(disk);
            if let Some(slot) = self.lead.get_mut(disk.0 as usize) {
                *slot = lead;
            }
        }
    }

    fn lead_of(&self, disk: DiskId) -> Lead {
        if self.is_leaf(disk) {
            // A snapshot's own disk is none that a machine is on, nor a branch that ends in nothing else.
            let free = (!self.is_named(disk)).then_some(Lead::One(disk));
            return free.unwrap_or_default();
        }
        let children = || self.children(disk);
        if self.forest.is_xcp(disk) {
            let mut open = children().filter(|child| self.lead(*child) != Lead::None);
            match (open.next(), open.next()) {
                (None, _) => return Lead::None,
                (Some(only), None) => return Lead::One(only),
                _ => {}
            }
            let active = self.active_child(disk);
            if let Some(active) = active.filter(|_| children().nth(2).is_none()) {
                return Lead::One(active);
            }
        }
        // What a backup left counts only where there is nothing else.
        let (backups, others): (Vec<_>, Vec<_>) = children().partition(|id| self.is_backup(*id));
        match self.lead_through(&others) {
            Lead::None => self.lead_through(&backups),
            lead => lead,
        }
    }

    fn lead_through(&self, children: &[DiskId]) -> Lead {
        let (mut leaves, mut through) = (0_u32, None);
        for child in children.iter().copied() {
            leaves = leaves.saturating_add(match self.lead(child) {
                Lead::None => continue,
                Lead::One(_) => 1,
                Lead::Many(n) => n,
            });
            through = Some(child);
        }
        match (leaves, through) {
            (1, Some(child)) => Lead::One(child),
            (_, None) => Lead::None,
            (n, _) => Lead::Many(n),
        }
    }

    /// XCP-ng: of a base's children the one the VM goes on in. A snapshot's own disk is a leaf and normally empty; where all
    /// leaves were made at one moment it does not matter for the verdict which one is taken, so the last written stands for it.
    /// With more than two children nothing tells which is the active one.
    fn active_child(&self, base: DiskId) -> Option<DiskId> {
        let mut inner = self.children(base).filter(|child| !self.is_leaf(*child));
        if let Some(only) = inner.next() {
            return inner.next().is_none().then_some(only);
        }
        let forest = self.forest;
        let only = |keep: &dyn Fn(DiskId) -> bool| {
            let mut kept = self.children(base).filter(|leaf| keep(*leaf));
            kept.next().filter(|_| kept.next().is_none())
        };
        let is_used = |leaf| {
            forest
                .node(leaf)
                .is_some_and(|node| !node.in_use_by.is_empty())
        };
        let told = only(&is_used)
            .or_else(|| only(&|leaf| !self.is_named(leaf)))
            .or_else(|| only(&|leaf| forest.holds_data(leaf)));
        if told.is_some() {
            return told;
        }
        let stamp = |leaf| forest.disk(leaf)?.header.as_ref()?.created;
        let stamps: Option<Vec<_>> = self.children(base).map(stamp).collect();
        let stamps = stamps?;
        let (first, last) = (stamps.iter().min()?, stamps.iter().max()?);
        let one_moment = seconds_between(*first, *last) <= ONE_MOMENT_SECONDS;
        let written_last = self
            .children(base)
            .max_by_key(|leaf| forest.modified(*leaf));
        written_last.filter(|_| one_moment)
    }

    fn follow_machines(&mut self) {
        let forest = self.forest;
        for (id, machine) in (0..).map(MachineId).zip(&forest.machines) {
            let used = || machine.disks.iter().flatten();
            for used in used() {
                match used.disk {
                    Some(now) => self.follow(id, now),
                    None => _ = self.broken.insert(id),
                }
            }
            if self.broken.contains(&id) {
                let used = used().filter_map(|used| folder(forest, used.disk?));
                for folder in used.chain(config_folder(&machine.source)) {
                    self.broken_in.entry(folder).or_insert(id);
                }
            }
        }
    }

    fn follow(&mut self, machine: MachineId, now: DiskId) {
        let mut next = None;
        let mut base = now;
        for disk in self.forest.line(now) {
            base = disk;
            // What cannot be read as a disk names no parent; the host may.
            let is_told = self.forest.disk(disk).is_some_and(|of| {
                of.header.is_some() || (of.is_locked() && !self.forest.is_closed(disk))
            });
            if !is_told && self.forest.parent_of(disk).is_none() {
                self.broken.insert(machine);
            }
            // Two uses may share a line; the first to come keeps its way.
            if self.way.contains_key(&(machine, disk)) {
                return;
            }
            self.way.insert((machine, disk), next);
            self.own.insert((Some(machine), disk), Owned::Kept);
            if let Some(passing) = self.passing.get_mut(disk.0 as usize) {
                *passing = match *passing {
                    Passing::Nobody => Passing::One(machine),
                    Passing::One(other) if other == machine => Passing::One(machine),
                    _ => Passing::Several,
                };
            }
            next = Some(disk);
        }
        let base = self.forest.node(base);
        if base.is_some_and(|base| base.parent.is_some()) {
            self.broken.insert(machine);
        }
    }

    fn follow_snapshots(&mut self) {
        let forest = self.forest;
        let by_backup = |kind| matches!(kind, SnapshotKind::Recovery | SnapshotKind::Replica);
        // What is kept for a better reason comes first, so that it is not hidden by a backup's.
        for owned in [Owned::Kept, Owned::ByBackup] {
            for snapshot in &forest.snapshots {
                if by_backup(snapshot.kind) != (owned == Owned::ByBackup) {
                    continue;
                }
                let machine = snapshot.machine;
                let knows_now = machine.is_some_and(|machine| self.knows_now(machine));
                for frozen in snapshot.disk_ids() {
                    self.own_line(machine, forest.line(frozen), owned);
                    // Where nobody says what the machine uses, a single leaf stands for it.
                    let lead = self.lead_above(frozen).filter(|_| !knows_now);
                    if let Some(child) = lead {
                        let way = self.way_up(None, child);
                        self.own_line(machine, way.into_iter().rev(), owned);
                    }
                }
            }
        }
    }

    /// Marks disks from a top down to the first that is marked already.
    fn own_line(
        &mut self,
        machine: Option<MachineId>,
        line: impl Iterator<Item = DiskId>,
        owned: Owned,
    ) {
        for disk in line {
            match self.own.entry((machine, disk)) {
                Entry::Occupied(_) => break,
                Entry::Vacant(free) => _ = free.insert(owned),
            }
        }
    }
}

fn folder(forest: &Forest, disk: DiskId) -> Option<&Path> {
    forest.disk(disk)?.path.parent()
}

/// Every disk, parents before children.
fn order(forest: &Forest) -> Vec<DiskId> {
    let bases = forest.ids().filter(|id| forest.parent_of(*id).is_none());
    let mut order: Vec<DiskId> = bases.collect();
    let mut at = 0;
    while let Some(disk) = order.get(at).copied() {
        at += 1;
        order.extend(forest.children_of(disk));
    }
    order
}
