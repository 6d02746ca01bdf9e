//! The facts of one disk of one snapshot: what its witnesses look at. They hold no judgement.

use jiff::Timestamp;

use crate::analysis::interval::seconds_between;
use crate::analysis::rules::Rule;
use crate::analysis::survey::Survey;
use crate::analysis::topology::{Lead, Passing};
use crate::analysis::zone::{self, Zones};
use crate::store::host::VdiRole;
use crate::store::{
    BornSource, Disk, DiskId, MachineId, Product, Snapshot, SnapshotId, TakenSource,
};
use crate::text::many;

/// A disk is there before its snapshot is taken; clocks tick in seconds.
const THERE_SECONDS: i64 = 5;
/// Births this close together are one copy's.
const ONE_COPY_BIRTHS_SECONDS: i64 = 3_600;
/// Last writes this close together are one copy's.
const ONE_COPY_SECONDS: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One that a configuration or label names.
    Named(SnapshotId),
    /// A frozen disk that nobody names, on the line of a machine if one is known.
    Unnamed(DiskId, Option<MachineId>),
}

/// Where a snapshot's disk stands on the way to Now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Below this one.
    Below(DiskId),
    /// Nowhere, or that is not known: the rule that says so, and what its sentence names.
    Aside(Rule, String),
}

/// What one disk of a snapshot and the disk above it offer to witnesses.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub survey: &'a Survey<'a>,
    pub zones: &'a Zones,
    /// The snapshot, if a configuration or label names it.
    pub snapshot: Option<&'a Snapshot>,
    pub machine: Option<MachineId>,
    /// D(s): the snapshot's disk.
    pub frozen: DiskId,
    pub frozen_disk: &'a Disk,
    /// X(s): the disk directly above it on the way to Now.
    pub above: DiskId,
    pub above_disk: &'a Disk,
    /// X of every disk of the snapshot.
    pub aboves: &'a [DiskId],
}

impl Facts<'_> {
    pub fn frozen_name(&self) -> String {
        self.survey.name(self.frozen)
    }

    pub fn above_name(&self) -> String {
        self.survey.name(self.above)
    }

    /// `path: field`.
    pub fn source(disk: &Disk, field: &str) -> String {
        format!("{}: {field}", disk.path.display())
    }

    /// `file of the snapshot: field`.
    pub fn snapshot_source(&self, field: &str) -> String {
        let source = self.snapshot.map(|snapshot| snapshot.source.display());
        source.map_or_else(String::new, |source| format!("{source}: {field}"))
    }

    /// The same of the lists that tell of the snapshot: it is named by the first of them, or by its configuration.
    pub fn list_source(&self, field: &str) -> String {
        let lists = self.snapshot.map_or(&[][..], |snapshot| &snapshot.lists);
        let lists = lists.iter().map(|list| list.display().to_string());
        let by_list = self.claim(TakenSource::ConfigWrite).is_none();
        let first = self.snapshot.filter(|_| by_list);
        let first = first.map(|snapshot| snapshot.source.display().to_string());
        let all: Vec<String> = first.into_iter().chain(lists).collect();
        format!("{}: {field}", all.join(", "))
    }

    /// A claim of when the snapshot was taken.
    pub fn claim(&self, source: TakenSource) -> Option<Timestamp> {
        Some(self.snapshot?.claim(source)?.at)
    }

    /// The date of the snapshot to the second, if there is one: with its zone, else its memory file's.
    pub fn dated(&self) -> Option<Timestamp> {
        let zoned = self.snapshot.and_then(zone::zoned_date);
        zoned.or_else(|| self.claim(TakenSource::MemoryFile))
    }

    /// First and last moment at which the snapshot can have been taken by what dates it, however roughly: none of it is
    /// earlier than the snapshot.
    fn dated_between(&self) -> Option<(Timestamp, Timestamp)> {
        if let Some(zoned) = self.snapshot.and_then(zone::zoned_date) {
            return Some((zoned, zoned));
        }
        let files = [TakenSource::MemoryFile, TakenSource::ConfigWrite];
        let written = files.into_iter().filter_map(|file| self.claim(file)).min();
        let moments = self.local_moments();
        let last = moments.last().copied().into_iter().chain(written).min()?;
        Some((moments.first().copied().unwrap_or(last).min(last), last))
    }

    /// What its date without a zone may stand for, before a disk of this machine was there above D(s).
    pub fn local_moments(&self) -> Vec<Timestamp> {
        let Some(snapshot) = self.snapshot else {
            return Vec::new();
        };
        let limits = zone::limits(self.survey, snapshot);
        let local = zone::local_dates(snapshot).into_iter();
        let mut moments: Vec<Timestamp> = local.flat_map(|at| self.zones.moments(at)).collect();
        moments.retain(|at| zone::is_before_above(*at, limits));
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// When D(s) was made by what it says itself, or by its file's birth, a copy's too. A stamp that is later than the last
    /// write is no age, but a tool that made the disk anew and set its times leaves it so.
    pub fn frozen_made(&self) -> Option<Timestamp> {
        let born = self.frozen_disk.file.born;
        let born = born.filter(|born| born.source != BornSource::OtherFileSystem);
        let age = self.survey.age(self.frozen).map(|age| age.at);
        let stamp = self.survey.stamp(self.frozen_disk).err().map(|(at, _)| at);
        let stamp = stamp.filter(|stamp| self.survey.forest.at.is_none_or(|now| *stamp <= now));
        age.max(stamp).or(born.map(|born| born.at))
    }

    /// D(s) was made after the snapshot: a migration, a conversion, a copy. When.
    pub fn remade(&self) -> Option<Timestamp> {
        let made = self.frozen_made()?;
        let (_, last) = self.dated_between()?;
        (seconds_between(last, made) > THERE_SECONDS).then_some(made)
    }

    /// The same for some moment that a date without a zone may stand for.
    pub fn may_be_remade(&self) -> Option<Timestamp> {
        let made = self.frozen_made()?;
        let (first, _) = self.dated_between()?;
        (seconds_between(first, made) > THERE_SECONDS).then_some(made)
    }

    /// The births of X(s) and all below it lie together, as a copy makes them: the first.
    pub fn births_together(&self) -> Option<Timestamp> {
        let forest = self.survey.forest;
        let line = forest.line(self.above);
        let births = line.filter_map(|id| Some(forest.disk(id)?.file.born?.at));
        let births: Vec<Timestamp> = births.collect();
        let (first, last) = (births.iter().min()?, births.iter().max()?);
        let is_short = seconds_between(*first, *last) <= ONE_COPY_BIRTHS_SECONDS;
        (births.len() > 1 && is_short).then_some(*first)
    }

    /// The last writes of the chain, D(s) and what is below it, X(s) and what is above it, lie together: one copy's.
    pub fn is_one_copy(&self) -> bool {
        let mut writes = self.survey.below(self.frozen);
        writes.add(self.survey.above(self.above));
        let ends = writes.first.zip(writes.last);
        ends.is_some_and(|((first, _), last)| seconds_between(first, last) <= ONE_COPY_SECONDS)
    }
}

/// Finds snapshots and where they stand; made once per forest.
#[derive(Debug)]
pub struct Gatherer<'a> {
    pub survey: Survey<'a>,
    pub zones: Zones,
}

impl<'a> Gatherer<'a> {
    pub fn new(survey: Survey<'a>) -> Self {
        let zones = Zones::learn(&survey);
        Self { survey, zones }
    }

    /// Every snapshot: the named ones in the forest's order, then the unnamed ones by disk.
    pub fn subjects(&self) -> Vec<Subject> {
        let forest = self.survey.forest;
        let named = (0..).map(|at| Subject::Named(SnapshotId(at)));
        let named = named.take(forest.snapshots.len());
        let unnamed = forest.ids().filter_map(|disk| self.unnamed(disk));
        named.chain(unnamed).collect()
    }

    /// The unnamed snapshot of a disk: others stand on it, and no configuration or label names it.
    fn unnamed(&self, disk: DiskId) -> Option<Subject> {
        let topology = &self.survey.topology;
        let product = self.survey.forest.node(disk)?.product;
        // A backup's chain is restore points, and nobody writes to a provisioned version: nothing was applied there.
        if !product.has_snapshots()
            || topology.is_named(disk)
            || topology.is_leaf(disk)
            || self.is_named_by_leaf(disk)
        {
            return None;
        }
        let machine = match topology.passing(disk) {
            // In use as it is, though others stand on it: no snapshot.
            Passing::One(machine) if topology.next(machine, disk) == Some(None) => return None,
            Passing::One(machine) => Some(machine),
            _ => None,
        };
        Some(Subject::Unnamed(disk, machine))
    }

    /// XCP-ng: labels name the snapshot's own disk, a leaf; its base is the frozen disk.
    fn is_named_by_leaf(&self, base: DiskId) -> bool {
        let topology = &self.survey.topology;
        let mut children = topology.children(base);
        self.survey.is_xcp(base)
            && children.any(|leaf| topology.is_leaf(leaf) && topology.is_named(leaf))
    }

    pub fn snapshot(&self, subject: Subject) -> Option<&'a Snapshot> {
        match subject {
            Subject::Named(id) => self.survey.forest.snapshot(id),
            Subject::Unnamed(..) => None,
        }
    }

    /// Its disks that are in the store. On XCP-ng the base of the snapshot's own leaf.
    pub fn frozen(&self, subject: Subject) -> Vec<DiskId> {
        if let Subject::Unnamed(disk, _) = subject {
            return vec![disk];
        }
        let mut frozen = Vec::new();
        for disk in self.snapshot(subject).iter().flat_map(|of| of.disk_ids()) {
            let is_leaf = self.survey.topology.is_leaf(disk) && self.survey.is_xcp(disk);
            let base = self.survey.forest.parent_of(disk).filter(|_| is_leaf);
            let disk = base.unwrap_or(disk);
            if !frozen.contains(&disk) {
                frozen.push(disk);
            }
        }
        frozen
    }

    /// The facts of one disk of a snapshot and the disk above it; `None` if one of the two is not here.
    pub fn facts<'g>(
        &'g self,
        snapshot: Option<&'g Snapshot>,
        machine: Option<MachineId>,
        (frozen, above): (DiskId, DiskId),
        aboves: &'g [DiskId],
    ) -> Option<Facts<'g>> {
        let forest = self.survey.forest;
        Some(Facts {
            survey: &self.survey,
            zones: &self.zones,
            snapshot,
            machine,
            frozen,
            frozen_disk: forest.disk(frozen)?,
            above,
            above_disk: forest.disk(above)?,
            aboves,
        })
    }

    /// The machine of a subject: named by it, else the only one whose line passes its disks.
    pub fn machine(&self, subject: Subject, frozen: &[DiskId]) -> Option<MachineId> {
        let named = match subject {
            Subject::Named(id) => self.survey.forest.snapshot(id)?.machine,
            Subject::Unnamed(_, machine) => machine,
        };
        if named.is_some() {
            return named;
        }
        let topology = &self.survey.topology;
        let mut passing = frozen.iter().map(|disk| topology.passing(*disk));
        let first = passing.next()?;
        match first {
            Passing::One(machine) if passing.all(|other| other == first) => Some(machine),
            _ => None,
        }
    }

    pub fn standing(&self, machine: Option<MachineId>, frozen: DiskId) -> Standing {
        let topology = &self.survey.topology;
        let name = |disk| self.survey.name(disk);
        let aside = |rule| Standing::Aside(rule, String::new());
        let closed = |disk| Standing::Aside(Rule::NowClosed, name(disk));
        let now_unknown = |what| Standing::Aside(Rule::NowUnknown, what);
        let anothers = || {
            now_unknown(format!(
                "what stands on {} is another machine's or a snapshot's, and nothing says what the VM uses now",
                name(frozen)
            ))
        };
        if let Some(machine) = machine.filter(|machine| topology.knows_now(*machine)) {
            return match topology.next(machine, frozen) {
                Some(Some(above)) => Standing::Below(above),
                Some(None) => aside(Rule::OnSnapshotDisk),
                None if !topology.is_broken(machine) => aside(Rule::OffLine),
                None => match self.closed_disk_of(machine, frozen) {
                    Some(disk) => closed(disk),
                    None => aside(Rule::ChainBroken),
                },
            };
        }
        if machine.is_none() && self.is_template(frozen) {
            return aside(Rule::SharedParent);
        }
        if let Some(above) = topology.lead_above(frozen) {
            let is_own = !self.is_anothers(machine, above) && !self.is_left(machine, frozen);
            return if is_own {
                Standing::Below(above)
            } else {
                anothers()
            };
        }
        let children = topology.children(frozen).count();
        match topology.lead(frozen) {
            Lead::None if self.leads_elsewhere(frozen) => aside(Rule::OffLine),
            _ if children == 0 => match topology.closed_beside(frozen) {
                [first, ..] => closed(*first),
                [] if topology.broken_beside(frozen).is_some() => aside(Rule::ChainBroken),
                [] => aside(Rule::NothingAbove),
            },
            _ if children > 2 && self.survey.is_xcp(frozen) => aside(Rule::SeveralChildren),
            Lead::Many(leaves) if machine.is_some() => now_unknown(format!(
                "{} above {} could be what the VM uses now, and nothing says which",
                many(leaves, "disk"),
                name(frozen)
            )),
            Lead::Many(_) => aside(Rule::SharedParent),
            // Every leaf above is some snapshot's frozen disk: a branch no machine is on.
            _ if machine.is_none() => aside(Rule::OffLine),
            _ => anothers(),
        }
    }

    /// XCP-ng: the pool knows every disk on this base, none is a snapshot's, and they are several machines'.
    fn is_template(&self, base: DiskId) -> bool {
        let forest = self.survey.forest;
        let children: Vec<DiskId> = self.survey.topology.children(base).collect();
        let users = |id: &DiskId| forest.node(*id).map_or(&[][..], |node| &node.in_use_by);
        let is_own = |id: &DiskId| {
            let record = forest.node(*id).and_then(|node| node.pool.as_ref());
            record.is_some_and(|of| of.vdi.role == VdiRole::Own)
        };
        let mut machines: Vec<MachineId> = children.iter().flat_map(users).copied().collect();
        machines.sort_unstable();
        machines.dedup();
        machines.len() > 1 && children.iter().all(is_own)
    }

    /// A disk of the machine that could not be opened, nor anything says what it stands on: rather one of the same folder.
    fn closed_disk_of(&self, machine: MachineId, frozen: DiskId) -> Option<DiskId> {
        let forest = self.survey.forest;
        let folder = |id: DiskId| forest.disk(id)?.path.parent();
        let used = forest.machine(machine)?.disks.iter().flatten();
        let closed = used.filter_map(|used| used.disk.filter(|disk| forest.is_closed(*disk)));
        closed.min_by_key(|disk| folder(*disk) != folder(frozen))
    }

    /// The only leaf there is belongs to other machines, whose disks are known, while this one's are not.
    fn is_anothers(&self, machine: Option<MachineId>, above: DiskId) -> bool {
        let Some(machine) = machine else { return false };
        let way = self.survey.topology.way_up(None, above);
        let leaf = way.last().and_then(|leaf| self.survey.forest.node(*leaf));
        leaf.is_some_and(|leaf| !leaf.in_use_by.is_empty() && !leaf.in_use_by.contains(&machine))
    }

    /// The snapshot names no machine, and the one machine whose line passes below it went another way.
    fn is_left(&self, machine: Option<MachineId>, frozen: DiskId) -> bool {
        let is_passed = |disk| self.survey.topology.passing(disk) != Passing::Nobody;
        let mut line = self.survey.forest.line(frozen);
        machine.is_none() && !is_passed(frozen) && line.any(is_passed)
    }

    /// A single leaf on another branch of the family could be Now, and none above this disk.
    fn leads_elsewhere(&self, frozen: DiskId) -> bool {
        let lead = |disk| self.survey.topology.lead(disk);
        let mut line = self.survey.forest.line(frozen);
        line.any(|below| matches!(lead(below), Lead::One(_)))
    }

    /// Whether what the machine uses is known: somebody says so, or the product's structure does.
    pub fn knows_now(&self, machine: Option<MachineId>, frozen: &[DiskId]) -> bool {
        let topology = &self.survey.topology;
        let by_structure = |disk: &DiskId| {
            let node = self.survey.forest.node(*disk);
            let product = node.map(|node| node.product);
            matches!(product, Some(Product::XcpNg | Product::VirtualPc))
                && matches!(self.standing(machine, *disk), Standing::Below(_))
        };
        machine.is_some_and(|machine| topology.knows_now(machine))
            || (!frozen.is_empty() && frozen.iter().all(by_structure))
    }
}
