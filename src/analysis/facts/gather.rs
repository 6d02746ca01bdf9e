//! Gathers the facts of every snapshot of a forest: the named ones, and one unnamed snapshot for each frozen disk nobody names.

use std::path::Path;

use jiff::Timestamp;

use crate::analysis::Compared;
use crate::analysis::facts::chains::Chains;
use crate::analysis::facts::topology::{Lead, Passing, Topology};
use crate::analysis::facts::{
    Above, Belief, Doubt, Facts, Line, Made, OtherBranch, SiblingSnapshot, UndoFacts, Way,
    XcpFacts, ages, taken,
};
use crate::store::virtualpc::undo_name_time;
use crate::store::{
    Disk, DiskId, Forest, MachineId, Product, Snapshot, SnapshotId, SnapshotKind, TakenSource,
};
use crate::text::file_name;

/// A snapshot to gather facts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One that a configuration or label names.
    Named(SnapshotId),
    /// A frozen disk that nobody names, on the line of a machine if one is known.
    Unnamed(DiskId, Option<MachineId>),
}

/// Gathers facts; made once per forest.
#[derive(Debug)]
pub struct Gatherer<'a> {
    pub(super) forest: &'a Forest,
    pub(super) compared: &'a Compared,
    pub(super) topology: Topology<'a>,
    pub(super) newest: Option<Timestamp>,
    pub(super) chains: Chains,
}

impl<'a> Gatherer<'a> {
    /// Looks at a forest.
    pub fn new(forest: &'a Forest, compared: &'a Compared) -> Self {
        let topology = Topology::new(forest);
        let chains = Chains::new(forest, &topology.order);
        Self {
            forest,
            compared,
            newest: ages::newest_stamp(forest),
            topology,
            chains,
        }
    }

    /// The shape of the forest.
    pub fn topology(&self) -> &Topology<'a> {
        &self.topology
    }

    /// Every snapshot: the named ones in the forest's order, then the unnamed ones by disk.
    pub fn subjects(&self) -> Vec<Subject> {
        let named = (0..u32::try_from(self.forest.snapshots.len()).unwrap_or(u32::MAX))
            .map(|n| Subject::Named(SnapshotId(n)));
        named
            .chain(self.forest.ids().filter_map(|disk| self.unnamed(disk)))
            .collect()
    }

    /// The unnamed snapshot of a disk: it is frozen, and no configuration or label names it.
    fn unnamed(&self, disk: DiskId) -> Option<Subject> {
        let node = self.forest.node(disk)?;
        if node.product == Product::XenOrchestra
            || !node.snapshots.is_empty()
            || self.topology.children(disk).next().is_none()
            || self.is_named_by_leaf(disk)
        {
            return None;
        }
        match self.topology.passing(disk) {
            Passing::One(machine) if self.topology.next(machine, disk) != Some(None) => {
                Some(Subject::Unnamed(disk, Some(machine)))
            }
            // In use as it is, though something hangs on it: no snapshot.
            Passing::One(_) => None,
            _ => Some(Subject::Unnamed(disk, None)),
        }
    }

    /// XCP-ng: labels name the snapshot's own disk, a leaf; its base is the frozen disk.
    fn is_named_by_leaf(&self, base: DiskId) -> bool {
        self.forest
            .node(base)
            .is_some_and(|node| node.product == Product::XcpNg)
            && self.topology.children(base).any(|leaf| {
                self.topology.children(leaf).next().is_none()
                    && self
                        .forest
                        .node(leaf)
                        .is_some_and(|node| !node.snapshots.is_empty())
            })
    }

    /// The facts of one snapshot.
    pub fn facts(&self, subject: Subject) -> Facts {
        match subject {
            Subject::Named(id) => self.named(id),
            Subject::Unnamed(disk, machine) => self.facts_of(None, machine, vec![disk], Vec::new()),
        }
    }

    /// The machine of a snapshot.
    pub fn machine(&self, subject: Subject) -> Option<MachineId> {
        match subject {
            Subject::Named(id) => self
                .forest
                .snapshot(id)
                .and_then(|snapshot| snapshot.machine),
            Subject::Unnamed(_, machine) => machine,
        }
    }

    fn named(&self, id: SnapshotId) -> Facts {
        let snapshot = self.forest.snapshot(id);
        let mut frozen = Vec::new();
        let mut missing = Vec::new();
        for used in snapshot.iter().flat_map(|snapshot| &snapshot.disks) {
            match used.disk {
                Some(disk) => {
                    let disk = self.frozen_of(disk);
                    if !frozen.contains(&disk) {
                        frozen.push(disk);
                    }
                }
                None => missing.push(used.path.clone()),
            }
        }
        self.facts_of(
            snapshot,
            snapshot.and_then(|snapshot| snapshot.machine),
            frozen,
            missing,
        )
    }

    /// XCP-ng: the base of a snapshot's own leaf; elsewhere the disk itself.
    fn frozen_of(&self, disk: DiskId) -> DiskId {
        let xcp = self
            .forest
            .node(disk)
            .is_some_and(|node| node.product == Product::XcpNg);
        match self.forest.parent_of(disk) {
            Some(base) if xcp && self.topology.children(disk).next().is_none() => base,
            _ => disk,
        }
    }

    fn facts_of(
        &self,
        snapshot: Option<&Snapshot>,
        machine: Option<MachineId>,
        frozen: Vec<DiskId>,
        missing: Vec<String>,
    ) -> Facts {
        let vm = machine.and_then(|machine| self.forest.machine(machine));
        let lines: Vec<Line> = frozen
            .into_iter()
            .filter_map(|disk| self.line(snapshot, machine, disk))
            .collect();
        Facts {
            product: lines
                .first()
                .and_then(|line| self.forest.node(line.frozen))
                .map(|node| node.product)
                .unwrap_or_default(),
            name: snapshot
                .and_then(|snapshot| snapshot.name.clone().or_else(|| snapshot.id.clone())),
            vm: vm.map(|vm| vm.name.clone()),
            kind: snapshot.map_or(SnapshotKind::Unknown, |snapshot| snapshot.kind),
            merge_pending: vm
                .filter(|vm| vm.merge_pending == Some(true))
                .map(|vm| format!("{}: disk_merge_pending", vm.source.display())),
            generation: self.generation(snapshot, machine, &lines),
            guest: None,
            lines,
            missing,
            source: snapshot
                .map(|snapshot| snapshot.source.display().to_string())
                .unwrap_or_default(),
        }
    }

    fn line(
        &self,
        snapshot: Option<&Snapshot>,
        machine: Option<MachineId>,
        frozen: DiskId,
    ) -> Option<Line> {
        let disk = self.forest.disk(frozen)?;
        let mut way = self.way(machine, frozen);
        let mut belief = self.belief(frozen);
        let mut above_made = None;
        if let Way::Above(above) = &mut way {
            self.fill_above(snapshot, machine, frozen, above);
            belief = above.belief.clone();
            above_made = above.made.at();
        }
        let claims = taken::gather(snapshot, disk, &belief, above_made);
        if let (Way::Above(above), Some(best)) = (&mut way, claims.claims.first()) {
            above.builds = self.builds(disk, above.disk, snapshot, machine, best);
        }
        Some(Line {
            frozen,
            frozen_name: file_name(&disk.path),
            frozen_made: ages::made(disk, self.newest, &belief).0,
            taken: claims.claims,
            ambiguous_name: claims.ambiguous,
            xcp: self.xcp(disk, frozen, &way),
            undo: match &way {
                Way::Above(above) => UndoFacts {
                    named: undo_name_time(&above.name),
                },
                _ => UndoFacts::default(),
            },
            way,
        })
    }

    fn way(&self, machine: Option<MachineId>, frozen: DiskId) -> Way {
        if let Some(machine) = machine.filter(|machine| self.topology.knows_now(*machine)) {
            return match self.topology.next(machine, frozen) {
                Some(Some(above)) => self.above(above),
                Some(None) => Way::IsNow,
                None if self.topology.is_broken(machine) => Way::Broken,
                None => Way::OffLine {
                    children: self.topology.children(frozen).count(),
                },
            };
        }
        let children = self.topology.children(frozen).count();
        match self.topology.lead(frozen) {
            Lead::One(above) if above != frozen && self.is_anothers(machine, above) => {
                Way::NowUnknown { leaves: 0 }
            }
            Lead::One(above) if above != frozen => self.above(above),
            Lead::None if self.leads_elsewhere(frozen) => Way::OffLine { children },
            _ if children == 0 => Way::NothingAbove,
            Lead::Many(leaves) if machine.is_some() => Way::NowUnknown {
                leaves: leaves as usize,
            },
            Lead::Many(_) => Way::Shared { children },
            // Every leaf above is some snapshot's frozen disk: a branch no machine is on.
            _ if machine.is_none() => Way::OffLine { children },
            _ => Way::NowUnknown { leaves: 0 },
        }
    }

    /// The only leaf there is belongs to other machines, whose disks are known, while this one's are not.
    fn is_anothers(&self, machine: Option<MachineId>, above: DiskId) -> bool {
        let Some(machine) = machine else { return false };
        self.topology
            .way_up(None, above)
            .last()
            .and_then(|leaf| self.forest.node(*leaf))
            .is_some_and(|leaf| !leaf.in_use_by.is_empty() && !leaf.in_use_by.contains(&machine))
    }

    /// A single leaf on another branch of the family could be Now, and none above this disk.
    fn leads_elsewhere(&self, frozen: DiskId) -> bool {
        self.forest
            .line(frozen)
            .any(|below| matches!(self.topology.lead(below), Lead::One(_)))
    }

    fn above(&self, disk: DiskId) -> Way {
        let path = self
            .forest
            .disk(disk)
            .map_or(Path::new(""), |disk| disk.path.as_path());
        Way::Above(Box::new(Above {
            disk,
            name: file_name(path),
            path: path.display().to_string(),
            made: Made::Unknown,
            footer_doubt: None,
            belief: Belief::default(),
            equals_parent: self.equals_parent(disk),
            branches: Vec::new(),
            siblings: Vec::new(),
            unrelated: 0,
            lingering: Vec::new(),
            earliest_write: None,
            builds: None,
        }))
    }

    fn fill_above(
        &self,
        snapshot: Option<&Snapshot>,
        machine: Option<MachineId>,
        frozen: DiskId,
        above: &mut Above,
    ) {
        // A disk nobody names has a long way up only in a store without configurations, where owners say nothing.
        let way_up = if snapshot.is_some() {
            self.topology.way_up(machine, above.disk)
        } else {
            vec![above.disk]
        };
        let now = way_up.last().copied().unwrap_or(above.disk);
        above.belief = self.belief(now);
        if let Some(disk) = self.forest.disk(above.disk) {
            (above.made, above.footer_doubt) = ages::made(disk, self.newest, &above.belief);
        }
        above.earliest_write = way_up
            .iter()
            .filter_map(|id| {
                let disk = self.forest.disk(*id)?;
                Some((file_name(&disk.path), disk.file.modified?))
            })
            .min_by_key(|(_, write)| *write);
        if snapshot.is_some() {
            let below_now = way_up
                .split_last()
                .map(|(_, below)| below)
                .unwrap_or_default();
            above.lingering = below_now
                .iter()
                .filter(|id| {
                    self.forest
                        .node(**id)
                        .is_some_and(|node| node.snapshots.is_empty())
                })
                .filter_map(|id| self.forest.disk(*id))
                .map(|disk| file_name(&disk.path))
                .collect();
        }
        for child in self
            .topology
            .children(frozen)
            .filter(|child| *child != above.disk)
        {
            if self.is_snapshot_leaf(frozen, child) {
                continue;
            }
            let Some(disk) = self.forest.disk(child) else {
                continue;
            };
            if self.topology.is_own(machine, child) {
                let (made, _) = ages::made(disk, self.newest, &self.belief(child));
                above.branches.push(OtherBranch {
                    disk: child,
                    name: file_name(&disk.path),
                    made,
                });
            } else {
                above.unrelated += 1;
            }
        }
        if !above.branches.is_empty() {
            above.siblings = self.siblings(machine, frozen, &above.branches);
        }
    }

    /// XCP-ng puts a leaf of its own beside the active disk for each snapshot: no branch.
    fn is_snapshot_leaf(&self, base: DiskId, child: DiskId) -> bool {
        self.forest
            .node(base)
            .is_some_and(|node| node.product == Product::XcpNg)
            && self.topology.children(child).next().is_none()
    }

    fn siblings(
        &self,
        machine: Option<MachineId>,
        frozen: DiskId,
        branches: &[OtherBranch],
    ) -> Vec<SiblingSnapshot> {
        let on_a_branch = |disk: DiskId| {
            self.forest
                .line(disk)
                .take_while(|below| *below != frozen)
                .any(|below| branches.iter().any(|branch| branch.disk == below))
        };
        self.forest
            .snapshots
            .iter()
            .filter(|other| other.machine == machine && machine.is_some())
            .filter_map(|other| {
                let disk = other
                    .disks
                    .iter()
                    .filter_map(|used| used.disk)
                    .find(|disk| on_a_branch(*disk))?;
                let claims = taken::gather(
                    Some(other),
                    self.forest.disk(disk)?,
                    &self.belief(disk),
                    None,
                )
                .claims;
                let taken = claims
                    .into_iter()
                    .next()
                    .filter(|claim| claim.source != TakenSource::FrozenWrite)?;
                let name = other
                    .name
                    .clone()
                    .or_else(|| other.id.clone())
                    .unwrap_or_default();
                Some(SiblingSnapshot { name, taken })
            })
            .collect()
    }

    fn equals_parent(&self, disk: DiskId) -> Option<bool> {
        let compared = self
            .compared
            .equals_parent
            .get(disk.0 as usize)
            .copied()
            .flatten();
        compared.or_else(|| {
            let counts = self.forest.disk(disk)?.counts.as_ref()?;
            (counts.complete && counts.error == 0 && counts.dirty_sectors == 0).then_some(true)
        })
    }

    fn belief(&self, top: DiskId) -> Belief {
        let chain = self.chains.of(self.forest, top);
        let name = |disk: u32| {
            self.forest
                .disk(DiskId(disk))
                .map(|disk| disk.path.display().to_string())
                .unwrap_or_default()
        };
        let source = |id: u32| {
            self.forest
                .snapshot(SnapshotId(id))
                .map(|snapshot| snapshot.source.display().to_string())
                .unwrap_or_default()
        };
        // One doubt is enough to disbelieve; the missing birth hides the others, which need one.
        let doubts = [
            chain.missing.map(|disk| Doubt::Missing(name(disk))),
            chain
                .of_copy
                .map(|(disk, born)| Doubt::OfCopy(name(disk), born)),
            chain
                .frozen_later
                .map(|(disk, born, taken)| Doubt::FrozenLater(name(disk), born, taken)),
            chain
                .after_write
                .map(|(disk, born, write)| Doubt::AfterWrite(name(disk), born, write)),
            chain
                .together()
                .map(|(first, last)| Doubt::Together(first, last)),
            chain
                .config_differs
                .map(|(id, born, dated)| Doubt::ConfigDiffers(source(id), born, dated)),
        ];
        let mut doubts: Vec<Doubt> = doubts.into_iter().flatten().collect();
        if matches!(doubts.first(), Some(Doubt::Missing(_) | Doubt::OfCopy(..))) {
            doubts.truncate(1);
        }
        Belief { doubts }
    }

    fn xcp(&self, base: &Disk, frozen: DiskId, way: &Way) -> XcpFacts {
        let above = match way {
            Way::Above(above) => Some(above.disk),
            _ => None,
        };
        let leaf = self
            .topology
            .children(frozen)
            .filter(|child| Some(*child) != above && self.is_snapshot_leaf(frozen, *child))
            .filter_map(|child| {
                let disk = self.forest.disk(child)?;
                Some((
                    file_name(&disk.path),
                    ages::footer(disk, self.newest).ok()??,
                ))
            })
            .max_by_key(|(_, stamp)| *stamp);
        XcpFacts {
            base_write: base.file.modified,
            leaf,
        }
    }
}
