//! XCP-ng: rows as its administrator knows the disks. A base copy, which no tool of XCP-ng shows, is folded into the disk whose
//! content it holds; a disk stands below the snapshots of it, the oldest on top, as wherever else snapshots are shown.

use std::collections::BTreeMap;

use super::{Flag, Row};
use crate::analysis::Assessment;
use crate::analysis::snapshot_vdi::snapshot_of_vdi;
use crate::store::HIDDEN_BASE;
use crate::store::{DiskId, Forest};

/// True if the structure tells that the machine goes on in this disk.
pub(super) fn goes_on_in(forest: &Forest, assessment: &Assessment, id: DiskId) -> bool {
    let is_leaf = forest.node(id).is_some_and(|node| node.children.is_empty());
    let below = assessment.disk(id).and_then(|of| of.above_of);
    let below = below.and_then(|at| assessment.snapshots.get(at));
    let on_base = || {
        let base = forest.parent_of(id).and_then(|base| forest.node(base));
        base.is_some_and(|base| base.role == Some(HIDDEN_BASE))
    };
    is_leaf && below.is_some_and(|of| of.verdict.above == Some(id)) && on_base()
}

/// Takes the base copies out of the rows of one tree, from `start` on, and puts each disk below the snapshots of it. Gives
/// back the bytes of the files that have no row now. One that anything is said of keeps its row.
pub(super) fn fold_bases(
    forest: &Forest,
    assessment: &Assessment,
    rows: &mut Vec<Row>,
    start: usize,
) -> u64 {
    let is_base = |row: &Row| {
        let node = row.disk.and_then(|id| forest.node(id));
        node.is_some_and(|node| node.role == Some(HIDDEN_BASE))
    };
    let said = |row: &Row| {
        !matches!(
            row.flag,
            Flag::Quiet | Flag::ByRevert | Flag::NoSign | Flag::Ok
        )
    };
    let tree = rows.split_off(start);
    let goes = |row: &Row| is_base(row) && !said(row) && row.snapshots.is_empty();
    if tree.iter().all(|row| goes(row) || row.vdi_of.is_some()) {
        rows.extend(tree);
        return 0;
    }
    // Where each row of the tree is now; of one that is gone, where the row it stood below is.
    let mut place: Vec<Option<u32>> = vec![None; tree.len()];
    let was_at = |parent: u32| (parent as usize).checked_sub(start);
    let mut bytes = 0_u64;
    let mut aside: Vec<Row> = Vec::new();
    for (at, mut row) in tree.into_iter().enumerate() {
        let above = row.parent.and_then(|parent| match was_at(parent) {
            Some(inside) => place.get(inside).copied().flatten(),
            None => Some(parent),
        });
        let here = if goes(&row) {
            bytes = bytes.saturating_add(row.cells.on_disk.unwrap_or(0));
            above
        } else {
            row.parent = above;
            if row.vdi_of.is_some() {
                aside.push(row);
                continue;
            }
            let here = u32::try_from(rows.len()).ok();
            put(rows, row);
            here
        };
        if let Some(place) = place.get_mut(at) {
            *place = here;
        }
    }
    let (of_leaf, others): (Vec<Row>, Vec<Row>) = aside.into_iter().partition(|row| {
        let of = row.disk.and_then(|id| leaf_of(forest, assessment, id));
        of.is_some_and(|of| rows.iter().skip(start).any(|row| row.disk == Some(of)))
    });
    for row in others {
        put(rows, row);
    }
    under_snapshots(forest, assessment, rows, start, of_leaf);
    bytes
}

/// Puts each machine's disk below the snapshots of it, the oldest on top, as where snapshots are disks of the chain.
fn under_snapshots(
    forest: &Forest,
    assessment: &Assessment,
    rows: &mut Vec<Row>,
    start: usize,
    mut snapshots: Vec<Row>,
) {
    snapshots.sort_by_key(|row| row.cells.taken);
    let mut of_leaf: BTreeMap<DiskId, Vec<Row>> = BTreeMap::new();
    for row in snapshots {
        if let Some(leaf) = row.disk.and_then(|id| leaf_of(forest, assessment, id)) {
            of_leaf.entry(leaf).or_default().push(row);
        }
    }
    let tree = rows.split_off(start);
    let mut place: Vec<Option<u32>> = Vec::with_capacity(tree.len());
    for mut row in tree {
        // A row stands after the one above it, so its new place is known.
        let above = row.parent.map(|parent| parent as usize);
        if let Some(above) = above.filter(|above| *above >= start) {
            row.parent = place.get(above.saturating_sub(start)).copied().flatten();
        }
        let own = row.disk.and_then(|id| of_leaf.remove(&id));
        for mut snapshot in own.into_iter().flatten() {
            snapshot.parent = row.parent;
            row.parent = u32::try_from(rows.len()).ok();
            put(rows, snapshot);
        }
        place.push(u32::try_from(rows.len()).ok());
        put(rows, row);
    }
}

fn put(rows: &mut Vec<Row>, mut row: Row) {
    let above = row.parent.and_then(|parent| rows.get(parent as usize));
    row.depth = above.map_or(1, |above| above.depth.saturating_add(1));
    rows.push(row);
}

/// The disk that a machine goes on in, of whose state a snapshot's VDI is.
fn leaf_of(forest: &Forest, assessment: &Assessment, vdi: DiskId) -> Option<DiskId> {
    let of = assessment
        .snapshots
        .get(snapshot_of_vdi(forest, assessment, vdi)?)?;
    let mut at = of.verdict.above?;
    // No chain is longer than the store.
    for _ in 0..forest.disks.len() {
        let node = forest.node(at)?;
        if node.children.is_empty() {
            return Some(at);
        }
        let own = assessment.disk(at).into_iter().flat_map(|of| &of.snapshots);
        let mut above = own.filter_map(|own| assessment.snapshots.get(*own)?.verdict.above);
        at = above.next().or(node.children.first().copied())?;
    }
    None
}
