//! The facts of one disk of one snapshot: what its witnesses look at. They hold no judgement.

use jiff::Timestamp;

use crate::analysis::interval::seconds_between;
use crate::analysis::survey::Survey;
use crate::analysis::topology::{Lead, Passing};
use crate::analysis::zone::{self, Zones};
use crate::store::{
    BornSource, Disk, DiskId, MachineId, Product, Snapshot, SnapshotId, TakenSource,
};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Below(DiskId),
    /// Now is known and does not come from here.
    OffLine,
    /// The machine uses the disk itself.
    IsNow,
    /// The machine's chain breaks before it reaches the disk.
    Broken,
    /// This one, which the machine uses or may use, could not be opened, so that it may well stand on the disk.
    Closed(DiskId),
    /// So many leaves could be Now, and nothing says which; 0: the only one is another machine's.
    NowUnknown(u32),
    /// XCP-ng: a base with more than two children, of which any may be the active one.
    SeveralChildren,
    /// Nothing was made above the disk, and Now is not known.
    NothingAbove,
    /// Several disks stand on it and no snapshot is known: a shared parent.
    Shared,
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
        self.snapshot.map_or_else(String::new, |snapshot| {
            format!("{}: {field}", snapshot.source.display())
        })
    }

    /// A claim of when the snapshot was taken.
    pub fn claim(&self, source: TakenSource) -> Option<Timestamp> {
        let taken = &self.snapshot?.taken;
        let claim = taken.iter().find(|taken| taken.source == source);
        claim.map(|taken| taken.at)
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
        let mut moments: Vec<Timestamp> = local
            .flat_map(|local| self.zones.moments(local))
            .filter(|at| zone::is_before_above(*at, limits))
            .collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// When D(s) was made by what it says itself, or by its file's birth, a copy's too.
    pub fn frozen_made(&self) -> Option<Timestamp> {
        let birth = || {
            let born = self.frozen_disk.file.born?;
            (born.source != BornSource::OtherFileSystem).then_some(born.at)
        };
        let age = self.survey.age(self.frozen);
        age.map(|age| age.at).or_else(birth)
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
        let births = forest.line(self.above);
        let births: Vec<Timestamp> = births
            .filter_map(|id| Some(forest.disk(id)?.file.born?.at))
            .collect();
        let (first, last) = (births.iter().min()?, births.iter().max()?);
        let is_short = seconds_between(*first, *last) <= ONE_COPY_BIRTHS_SECONDS;
        (births.len() > 1 && is_short).then_some(*first)
    }

    /// The last writes of the chain, D(s) and what is below it, X(s) and what is above it, lie together: one copy's.
    pub fn is_one_copy(&self) -> bool {
        let (below, above) = (
            self.survey.below(self.frozen),
            self.survey.above(self.above),
        );
        let first = [below.first, above.first].into_iter().flatten().min();
        let last = below.last.max(above.last);
        first
            .zip(last)
            .is_some_and(|((first, _), last)| seconds_between(first, last) <= ONE_COPY_SECONDS)
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
        let named = (0..u32::try_from(forest.snapshots.len()).unwrap_or(u32::MAX))
            .map(|n| Subject::Named(SnapshotId(n)));
        let unnamed = forest.ids().filter_map(|disk| self.unnamed(disk));
        named.chain(unnamed).collect()
    }

    /// The unnamed snapshot of a disk: others stand on it, and no configuration or label names it.
    fn unnamed(&self, disk: DiskId) -> Option<Subject> {
        let topology = &self.survey.topology;
        let node = self.survey.forest.node(disk)?;
        // A backup's chain is restore points: nothing was applied there.
        if node.product == Product::XenOrchestra
            || !node.snapshots.is_empty()
            || topology.is_leaf(disk)
            || self.is_named_by_leaf(disk)
        {
            return None;
        }
        match topology.passing(disk) {
            Passing::One(machine) if topology.next(machine, disk) != Some(None) => {
                Some(Subject::Unnamed(disk, Some(machine)))
            }
            // In use as it is, though others stand on it: no snapshot.
            Passing::One(_) => None,
            _ => Some(Subject::Unnamed(disk, None)),
        }
    }

    /// XCP-ng: labels name the snapshot's own disk, a leaf; its base is the frozen disk.
    fn is_named_by_leaf(&self, base: DiskId) -> bool {
        let topology = &self.survey.topology;
        self.survey.is_xcp(base)
            && topology
                .children(base)
                .any(|leaf| topology.is_leaf(leaf) && topology.is_named(leaf))
    }

    pub fn snapshot(&self, subject: Subject) -> Option<&'a Snapshot> {
        match subject {
            Subject::Named(id) => self.survey.forest.snapshot(id),
            Subject::Unnamed(..) => None,
        }
    }

    /// Its disks that are in the store. On XCP-ng the base of the snapshot's own leaf.
    pub fn frozen(&self, subject: Subject) -> Vec<DiskId> {
        let id = match subject {
            Subject::Unnamed(disk, _) => return vec![disk],
            Subject::Named(id) => id,
        };
        let mut frozen = Vec::new();
        let used = self.survey.forest.snapshot(id).into_iter();
        for disk in used
            .flat_map(|snapshot| &snapshot.disks)
            .filter_map(|used| used.disk)
        {
            let is_leaf = self.survey.topology.is_leaf(disk);
            let disk = match self.survey.forest.parent_of(disk) {
                Some(base) if is_leaf && self.survey.is_xcp(disk) => base,
                _ => disk,
            };
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
        named.or_else(|| {
            let mut passing = frozen
                .iter()
                .map(|disk| self.survey.topology.passing(*disk));
            match passing.next()? {
                Passing::One(machine) => passing
                    .all(|other| other == Passing::One(machine))
                    .then_some(machine),
                _ => None,
            }
        })
    }

    pub fn standing(&self, machine: Option<MachineId>, frozen: DiskId) -> Standing {
        let topology = &self.survey.topology;
        if let Some(machine) = machine.filter(|machine| topology.knows_now(*machine)) {
            return match topology.next(machine, frozen) {
                Some(Some(above)) => Standing::Below(above),
                Some(None) => Standing::IsNow,
                None if topology.is_broken(machine) => self
                    .closed_disk_of(machine, frozen)
                    .map_or(Standing::Broken, Standing::Closed),
                None => Standing::OffLine,
            };
        }
        let children = topology.children(frozen).count();
        match topology.lead(frozen) {
            Lead::One(above)
                if above != frozen
                    && (self.is_anothers(machine, above) || self.is_left(machine, frozen)) =>
            {
                Standing::NowUnknown(0)
            }
            Lead::One(above) if above != frozen => Standing::Below(above),
            Lead::None if self.leads_elsewhere(frozen) => Standing::OffLine,
            _ if children == 0 => match topology.closed_beside(frozen) {
                [] => Standing::NothingAbove,
                [first, ..] => Standing::Closed(*first),
            },
            _ if children > 2 && self.survey.is_xcp(frozen) => Standing::SeveralChildren,
            Lead::Many(leaves) if machine.is_some() => Standing::NowUnknown(leaves),
            Lead::Many(_) => Standing::Shared,
            // Every leaf above is some snapshot's frozen disk: a branch no machine is on.
            _ if machine.is_none() => Standing::OffLine,
            _ => Standing::NowUnknown(0),
        }
    }

    /// A disk of the machine that could not be opened, nor anything says what it stands on: rather one of the same folder.
    fn closed_disk_of(&self, machine: MachineId, frozen: DiskId) -> Option<DiskId> {
        let forest = self.survey.forest;
        let folder = |id: DiskId| forest.disk(id).and_then(|disk| disk.path.parent());
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
        let topology = &self.survey.topology;
        machine.is_none()
            && topology.passing(frozen) == Passing::Nobody
            && self
                .survey
                .forest
                .line(frozen)
                .any(|below| topology.passing(below) != Passing::Nobody)
    }

    /// A single leaf on another branch of the family could be Now, and none above this disk.
    fn leads_elsewhere(&self, frozen: DiskId) -> bool {
        self.survey
            .forest
            .line(frozen)
            .any(|below| matches!(self.survey.topology.lead(below), Lead::One(_)))
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
