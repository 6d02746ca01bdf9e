//! The forest of what was found so far: shown while it grows, and whole at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Engine, later, path_bytes};
use crate::store::assign::assign_by_companions;
use crate::store::containers::{repository, xo};
use crate::store::earlier::EarlierMatch;
use crate::store::facts::free_bytes;
use crate::store::join::{Known, join};
use crate::store::link::{Linked, Stage, link};
use crate::store::scan::machine::this_machine;
use crate::store::scan::{Entry, ScanEvent};
use crate::store::{Forest, ForestUpdates, journals, leftover, pvs};

/// The shortest time between two forests.
const BETWEEN_FORESTS: Duration = Duration::from_millis(150);
/// A forest may cost at most one in so many parts of the scan's time.
const FOREST_SHARE: u32 = 6;

/// Whose free space it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum SpaceOn {
    Device(u64),
    Folder(PathBuf),
}

impl Engine<'_> {
    pub(super) fn show_growth(&mut self) {
        self.show_growth_of(Stage::Growing);
    }

    pub(super) fn show_growth_of(&mut self, stage: Stage) {
        let start = Instant::now();
        let is_due = start >= self.next_forest && !self.entries.is_empty();
        if !is_due || self.options.growth == ForestUpdates::Untold {
            return;
        }
        let linked = self.link(stage);
        let forest = self.forest(linked, false);
        (self.on_event)(ScanEvent::Forest(forest));
        let pause = start.elapsed().saturating_mul(FOREST_SHARE);
        self.next_forest = later(Instant::now(), pause.max(BETWEEN_FORESTS));
    }

    pub(super) fn link(&mut self, stage: Stage) -> Linked {
        // Nearly sorted each time but the first.
        if !self
            .entries
            .is_sorted_by(|a, b| path_bytes(a) <= path_bytes(b))
        {
            self.entries
                .sort_by(|a, b| path_bytes(a).cmp(path_bytes(b)));
            self.identities = None;
        }
        link(&self.entries, &self.maps, &self.gate, stage)
    }

    /// Free bytes where each disk lies. Each device is asked once.
    fn free_bytes(&mut self) -> Vec<Option<u64>> {
        let containers = self.files.containers;
        let free = &mut self.free;
        let mut free_bytes_of = |entry: &Entry| {
            let folder = entry.disk.path.parent().unwrap_or(Path::new(""));
            let whose = match entry.disk.file.identity {
                Some((device, _)) => SpaceOn::Device(device),
                None => SpaceOn::Folder(folder.to_path_buf()),
            };
            *free
                .entry(whose)
                .or_insert_with(|| free_bytes(folder).or_else(|| containers.free_bytes(folder)))
        };
        // Neighbours share a device, and a folder.
        let mut near: Option<(&Entry, Option<u64>)> = None;
        let is_near = |a: &Entry, b: &Entry| {
            let device = |of: &Entry| Some(of.disk.file.identity?.0);
            device(a) == device(b)
                && (device(a).is_some() || a.disk.path.parent() == b.disk.path.parent())
        };
        let mut all = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let free = match near {
                Some((known, free)) if is_near(known, entry) => free,
                _ => free_bytes_of(entry),
            };
            near = Some((entry, free));
            all.push(free);
        }
        all
    }

    pub(super) fn forest(&mut self, linked: Linked, is_complete: bool) -> Arc<Forest> {
        let free_bytes = self.free_bytes();
        let now = jiff::Timestamp::now();
        self.companions.sort();
        self.errors.sort_by(|a, b| a.path.cmp(&b.path));
        let mut forest = Forest {
            roots: self.options.roots.clone(),
            disks: self
                .entries
                .iter()
                .map(|entry| Arc::clone(&entry.disk))
                .collect(),
            nodes: linked.nodes,
            tops: linked.tops,
            companions: self.companions.clone(),
            errors: self.errors.clone(),
            side_findings: self.side_findings.clone(),
            repositories: self.repositories.clone(),
            free_bytes,
            at: Some(now),
            scanned_on: this_machine(now).into_iter().collect(),
            complete: is_complete,
            ..Forest::default()
        };
        for (node, entry) in forest.nodes.iter_mut().zip(&self.entries) {
            node.host = entry.host.as_ref().map(|(row, _)| Arc::clone(row));
        }
        assign_by_companions(&mut forest);
        let are_places_asked = !(self.maps.is_empty() && self.options.now.is_empty());
        let asked = self.entries.iter().filter(|_| are_places_asked);
        let places: Vec<PathBuf> = asked.map(Entry::place).collect();
        let known = Known {
            records: &self.records,
            facts: &self.facts,
            now: &self.options.now,
            places: &places,
            maps: &self.maps,
        };
        join(&mut forest, &known);
        repository::join(&mut forest);
        journals::tell(&mut forest);
        if let Some(backups) = &self.backups {
            xo::join(&mut forest, backups);
        }
        pvs::join(&mut forest, &self.manifests);
        leftover::mark(&mut forest);
        let earlier = self.options.earlier.iter();
        forest.earlier = earlier
            .map(|scan| EarlierMatch::of(Arc::clone(scan), &forest))
            .collect();
        Arc::new(forest)
    }
}
