//! The snapshots and leaves of a group of rows, and which stands on which.

use std::collections::{BTreeSet, HashMap};

use crate::analysis::AssessedSnapshot;
use crate::analysis::snapshot_vdi::{snapshot_of_vdi, vdis_on};
use crate::report::page::PageContext;
use crate::report::row::{Now, Row};
use crate::store::{DiskId, Snapshot};
use crate::text::escape;

/// What a machine has.
#[derive(Debug)]
pub(super) struct MachineStory<'a> {
    context: &'a PageContext<'a>,
    /// The row of each disk that has one.
    rows: HashMap<DiskId, &'a Row>,
    /// Indexes into the assessment, the oldest first.
    pub snapshots: Vec<usize>,
    /// Every disk of the rows and below them: a base copy may have no row.
    pub family: BTreeSet<DiskId>,
    pub leaves: Vec<Leaf<'a>>,
    /// By snapshot, or by none, what stands directly on it.
    standing: HashMap<Option<usize>, StandingOn>,
}

/// Snapshots, and leaves by their place, that stand on one snapshot.
#[derive(Debug, Default)]
struct StandingOn {
    snapshots: Vec<usize>,
    leaves: Vec<usize>,
}

/// Disks that no other stands on, and the snapshot they stand on.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    pub on: Option<usize>,
    pub rows: Vec<&'a Row>,
}

/// A node of the snapshot tree.
#[derive(Debug)]
pub(super) enum Point<'a> {
    /// An index into the assessment.
    Snapshot(usize),
    Leaf(Leaf<'a>),
}

impl Leaf<'_> {
    pub fn now(&self) -> Now {
        let now = |row: &&Row| row.now;
        self.rows.iter().map(now).max().unwrap_or_default()
    }
}

impl<'a> MachineStory<'a> {
    pub fn of(context: &'a PageContext<'a>, rows: &'a [Row]) -> Self {
        let (forest, assessment) = (context.forest, context.assessment);
        let own = rows.iter().filter_map(|row| row.disk);
        let family: BTreeSet<DiskId> = own.flat_map(|id| forest.line(id)).collect();
        let of_disk = |id: &DiskId| Some(&assessment.disk(*id)?.snapshots);
        let mut snapshots: Vec<usize> = family
            .iter()
            .filter_map(of_disk)
            .flatten()
            .copied()
            .collect();
        let time = |at: &usize| {
            let of = assessment.snapshots.get(*at)?;
            let bounds = of.verdict.snapshot;
            let taken = of.taken.map(|taken| taken.at);
            taken.or(bounds.not_before).or(bounds.not_after)
        };
        snapshots.sort_by_key(|at| (time(at).is_none(), time(at), *at));
        snapshots.dedup();
        let mut story = Self {
            context,
            rows: rows
                .iter()
                .filter_map(|row| Some((row.disk?, row)))
                .collect(),
            standing: snapshots
                .iter()
                .map(|at| (Some(*at), StandingOn::default()))
                .collect(),
            snapshots,
            family,
            leaves: Vec::new(),
        };
        let mut used = HashMap::new();
        for row in rows {
            story.take(row, &mut used);
        }
        story.stand();
        story
    }

    /// Works out what stands on what, once the snapshots and leaves are known.
    fn stand(&mut self) {
        let below: Vec<_> = self.snapshots.iter().map(|at| self.below(*at)).collect();
        for (at, on) in self.snapshots.iter().zip(below) {
            self.standing.entry(on).or_default().snapshots.push(*at);
        }
        for (place, leaf) in self.leaves.iter().enumerate() {
            self.standing.entry(leaf.on).or_default().leaves.push(place);
        }
    }

    /// All disks that a machine uses now are one leaf; any other is one of its own. `used` has the leaf in use on each
    /// snapshot.
    fn take(&mut self, row: &'a Row, used: &mut HashMap<usize, usize>) {
        let (forest, assessment) = (self.context.forest, self.context.assessment);
        let Some(id) = row.disk else {
            return;
        };
        let is_leaf = forest.node(id).is_some_and(|node| node.children.is_empty());
        if !is_leaf || snapshot_of_vdi(forest, assessment, id).is_some() {
            return;
        }
        let mut line = forest.line(id).skip(1);
        let on = line.find_map(|below| self.on_disk(below));
        // A disk that is a snapshot's own and has nothing above it stands for that snapshot.
        if self.on_disk(id).is_some() {
            return;
        }
        let is_used = matches!(row.now, Now::Known | Now::Alone);
        let used_on = on.filter(|_| is_used);
        let known = used_on.and_then(|on| used.get(&on));
        if let Some(leaf) = known.and_then(|place| self.leaves.get_mut(*place)) {
            leaf.rows.push(row);
            return;
        }
        if let Some(on) = used_on {
            used.insert(on, self.leaves.len());
        }
        self.leaves.push(Leaf {
            on,
            rows: vec![row],
        });
    }

    /// The first snapshot whose disk it is.
    fn on_disk(&self, id: DiskId) -> Option<usize> {
        let own = &self.context.assessment.disk(id)?.snapshots;
        own.iter()
            .copied()
            .find(|at| self.standing.contains_key(&Some(*at)))
    }

    pub fn snapshot(&self, at: usize) -> Option<&'a AssessedSnapshot> {
        self.context.assessment.snapshots.get(at)
    }

    /// The snapshot that one was taken on.
    fn below(&self, at: usize) -> Option<usize> {
        let first = *self.snapshot(at)?.frozen.first()?;
        let mut line = self.context.forest.line(first).skip(1);
        line.find_map(|below| self.on_disk(below))
    }

    /// What stands directly on a snapshot, or on none: snapshots by age, then leaves, the one in use last.
    pub fn points_on(&self, on: Option<usize>) -> Vec<Point<'a>> {
        let Some(standing) = self.standing.get(&on) else {
            return Vec::new();
        };
        let snapshots = standing.snapshots.iter().copied();
        let leaves = standing.leaves.iter();
        let mut leaves: Vec<&Leaf<'a>> = leaves.filter_map(|at| self.leaves.get(*at)).collect();
        leaves.sort_by_key(|leaf| leaf.now());
        let leaves = leaves.into_iter().cloned().map(Point::Leaf);
        snapshots.map(Point::Snapshot).chain(leaves).collect()
    }

    /// Its name in quotation marks, else its disk; escaped.
    pub fn name(&self, at: usize) -> String {
        let known = self.snapshot(at).and_then(|of| of.snapshot);
        let known = known.and_then(|id| self.context.forest.snapshot(id));
        let name = known.and_then(Snapshot::label);
        name.map_or_else(
            || format!("snapshot {}", self.disks(at)),
            |name| format!("\"{}\"", escape(name)),
        )
    }

    /// The row that says what is said of a snapshot: its VDI's, or its disk's.
    pub fn row(&self, at: usize) -> Option<&'a Row> {
        self.rows.get(&self.own_disk(at)?).copied()
    }

    fn own_disk(&self, at: usize) -> Option<DiskId> {
        let base = *self.snapshot(at)?.frozen.first()?;
        let mut vdis = vdis_on(self.context.forest, self.context.assessment, base);
        Some(vdis.find(|(_, of)| *of == at).map_or(base, |(vdi, _)| vdi))
    }

    /// The names of its disks.
    pub fn disks(&self, at: usize) -> String {
        let Some(of) = self.snapshot(at) else {
            return String::new();
        };
        let own = self.own_disk(at);
        let base = of.frozen.first().copied();
        let disks = own
            .into_iter()
            .chain(of.frozen.iter().copied().filter(|id| Some(*id) != base));
        let names: Vec<String> = disks.map(|id| self.context.name(id)).collect();
        names.join(", ")
    }
}
