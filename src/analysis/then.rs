//! What stood on a snapshot's disk by an earlier scan of the store.

use crate::store::earlier::marks::is_same_snapshot;
use crate::store::earlier::{DiskMarks, EarlierDisk, EarlierMatch};
use crate::store::{DiskId, Forest, Product, Snapshot};

/// What an earlier scan says of a disk and the one that stands on it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The same disk stood on it, or was there already.
    Same,
    /// Nothing stood on it.
    Nothing,
    /// Another disk stood on it, and the one of today was not there.
    Another {
        /// That disk, by its index in the scan.
        above: usize,
        /// Nothing was merged into the disk since, so that only a revert explains it.
        proves: bool,
        /// It held something.
        held: bool,
    },
}

/// What stood on `frozen`, where `above` stands now; `None` if the scan does not know the disk, or does not know all.
pub fn stood_then(
    forest: &Forest,
    earlier: &EarlierMatch,
    (frozen, above): (DiskId, DiskId),
    snapshot: Option<&Snapshot>,
) -> Option<Then> {
    let scan = &earlier.scan;
    if !scan.complete {
        return None;
    }
    let then = scan.disks.get(earlier.then(frozen.0 as usize)?)?;
    if earlier.then(above.0 as usize).is_some() {
        return Some(Then::Same);
    }
    // A folder that was not scanned then says nothing of what lay in it.
    if !scan.covers(&DiskMarks::of(forest, forest.disk(above)?)) {
        return None;
    }
    let children = || then.children.iter().copied();
    // What is gone tells more than what still stands beside, and of that what held something.
    let gone = || children().filter(|at| earlier.now(*at).is_none());
    let holds = |at: &usize| scan.disks.get(*at).and_then(|disk| disk.holds_data) == Some(true);
    let lost = gone().find(holds);
    let Some(other) = lost.or_else(|| gone().next()).or_else(|| children().next()) else {
        return Some(Then::Nothing);
    };
    let is_named = is_named(forest, then, snapshot);
    let is_xcp = forest
        .node(frozen)
        .is_some_and(|node| node.product == Product::XcpNg);
    // XCP-ng lets an empty disk go when the next snapshot is taken, and links the new ones below it. Elsewhere too, nothing
    // would show that an empty disk was merged.
    let tells = lost.is_some() || (is_named && !is_xcp);
    Some(Then::Another {
        above: other,
        held: lost.is_some(),
        proves: tells && (is_named || is_unwritten(forest, frozen, then)),
    })
}

/// A disk that took the place of another on a snapshot's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InPlaceOf {
    /// The disk that is gone, by its index in the scan.
    pub then: usize,
    /// Only a revert explains it.
    pub proves: bool,
}

/// The disk in whose place `above` stands on `frozen`: it stood there by the earlier scan, held something, and is gone.
pub fn in_place_of(
    forest: &Forest,
    earlier: &EarlierMatch,
    (frozen, above): (DiskId, DiskId),
) -> Option<InPlaceOf> {
    let snapshots = forest.snapshots_on(frozen).map(Some);
    let stood = snapshots.chain([None]).filter_map(|snapshot| {
        match stood_then(forest, earlier, (frozen, above), snapshot)? {
            Then::Another {
                above,
                proves,
                held,
            } => Some((proves, held, above)),
            Then::Same | Then::Nothing => None,
        }
    });
    let (proves, held, then) = stood.max()?;
    let is_gone = earlier.now(then).is_none();
    (is_gone && (proves || held)).then_some(InPlaceOf { then, proves })
}

/// Nothing was merged into D since, as it is the disk of the same snapshot.
fn is_named(forest: &Forest, then: &EarlierDisk, snapshot: Option<&Snapshot>) -> bool {
    snapshot.is_some_and(|now| {
        let mut earlier = then.snapshots.iter();
        earlier.any(|then| is_same_snapshot(forest, now, then))
    })
}

/// Nothing was merged into D since, as it was not written. A VHDX gets a new link id before that; of a VHD only length and last write tell.
fn is_unwritten(forest: &Forest, frozen: DiskId, then: &EarlierDisk) -> bool {
    let Some(disk) = forest.disk(frozen) else {
        return false;
    };
    let counts_writes = disk
        .header
        .as_ref()
        .is_some_and(|header| header.family_id().is_some());
    if counts_writes {
        let now = DiskMarks::of(forest, disk);
        return now.link_id.is_some() && now.link_id == then.marks.link_id;
    }
    disk.file.len == then.len && disk.file.modified.is_some() && disk.file.modified == then.modified
}
