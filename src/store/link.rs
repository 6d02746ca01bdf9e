//! Links: who is whose parent. Pure but for the gate, which is asked only about paths that no known disk has.
//!
//! Each differencing disk looks for its parent by its stored paths and then by id ([`resolve`]); what hangs together is
//! then walked once, without recursion, to find cycles, children and depth ([`shape`]); last, each link is checked
//! ([`check`]).

mod check;
mod family;
mod index;
mod places;
mod resolve;
mod shape;

pub use family::family;
pub(super) use places::mapped;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::job::par_chunks;
use crate::store::gate::{Admission, Admit};
use crate::store::scan::Entry;
use crate::store::{DiskId, Node, PathMap};

pub(super) use index::{LinkKey, key_of, wanted_keys};

/// How much of the store is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Files are still coming in: a parent that is not there may come yet, and the file system is not asked.
    Growing,
    /// All files are in.
    Whole,
}

/// A file a child names that is allowed and not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct WantedParent {
    /// Its path, symbolic links resolved.
    pub path: PathBuf,
    /// The child takes it as raw content, in sectors of this many bytes.
    pub raw: Option<u32>,
}

/// What linking gives.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// One node a disk, by the same index.
    pub nodes: Vec<Node>,
    /// Disks at the top, in the order of the disks.
    pub tops: Vec<DiskId>,
    /// Files to read before linking again.
    pub wanted: Vec<WantedParent>,
}

/// Links disks that are sorted by path. O(n log n) in their number; nothing recurses.
pub(super) fn link(entries: &[Entry], maps: &[PathMap], gate: &dyn Admit, stage: Stage) -> Linked {
    let index = index::Index::new(entries);
    let shares = par_chunks(entries, |first, share| {
        let mut found = Linked::default();
        found.nodes.reserve_exact(share.len());
        for (at, entry) in (first..).zip(share) {
            let id = DiskId(u32::try_from(at).unwrap_or(u32::MAX));
            let of_disk = resolve::resolve(&index, id, entry, maps, gate, stage);
            found.nodes.push(of_disk.node);
            found.wanted.extend(of_disk.wanted);
        }
        found
    });
    let mut shares = shares.into_iter();
    let mut linked = shares.next().unwrap_or_default();
    linked
        .nodes
        .reserve_exact(entries.len().saturating_sub(linked.nodes.len()));
    for share in shares {
        linked.nodes.extend(share.nodes);
        linked.wanted.extend(share.wanted);
    }
    linked.wanted.sort_by(|a, b| a.path.cmp(&b.path));
    linked.wanted.dedup_by(|a, b| a.path == b.path);
    linked.tops = shape::shape(&mut linked.nodes);
    check::check(&index, &mut linked.nodes, stage);
    linked
}

/// A gate that remembers its answers, for the links that are made again and again while a scan grows.
#[derive(Debug)]
pub(super) struct Remembering<G> {
    gate: G,
    known: Mutex<HashMap<PathBuf, Admission>>,
}

impl<G> Remembering<G> {
    pub(super) fn new(gate: G) -> Self {
        Self {
            gate,
            known: Mutex::default(),
        }
    }

    pub(super) fn gate(&self) -> &G {
        &self.gate
    }
}

impl<G: Admit> Admit for Remembering<G> {
    fn admit(&self, path: &Path) -> Admission {
        // A thread that panicked while it held the lock has left whole answers behind.
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(path) {
            return known.clone();
        }
        let answer = self.gate.admit(path);
        known().insert(path.to_path_buf(), answer.clone());
        answer
    }
}
