//! What the gate asks of a whole forest, gathered once: it is asked about every snapshot.

use std::collections::HashMap;

use super::unfinished::{MergeMarker, pending};
use crate::store::{Forest, Machine, MachineId, SnapshotId};

/// Made once per forest, linear in it.
#[derive(Debug)]
pub struct GateIndex<'a> {
    /// Files that tell of a merge begun and not finished.
    pub(super) markers: Vec<MergeMarker<'a>>,
    /// Machines whose configuration says that a merge is pending.
    pub(super) pending: Vec<(MachineId, &'a Machine)>,
    by_id: HashMap<&'a str, Vec<SnapshotId>>,
}

impl<'a> GateIndex<'a> {
    pub fn new(forest: &'a Forest) -> Self {
        let mut by_id: HashMap<&str, Vec<SnapshotId>> = HashMap::new();
        for (at, snapshot) in (0..).map(SnapshotId).zip(&forest.snapshots) {
            if let Some(id) = snapshot.id.as_deref() {
                by_id.entry(id).or_default().push(at);
            }
        }
        Self {
            markers: MergeMarker::all(forest),
            pending: pending(forest),
            by_id,
        }
    }

    /// Every snapshot with this id.
    pub(super) fn with_id(&self, id: &str) -> &[SnapshotId] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }
}
