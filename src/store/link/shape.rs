//! From links to a forest: cycles cut, children hung up, depths counted. Loops only, so that no chain is too deep.

use crate::store::{DiskId, LinkState, Node};

/// Marks cycles, fills children and depth, and returns the tops.
pub(super) fn shape(nodes: &mut [Node]) -> Vec<DiskId> {
    cut_cycles(nodes);
    let mut tops = Vec::new();
    for id in ids(nodes) {
        match hangs_on(nodes, id) {
            Some(parent) => {
                if let Some(parent) = nodes.get_mut(parent.0 as usize) {
                    // Ids ascend here, and disks are sorted by path: so are children.
                    parent.children.push(id);
                }
            }
            None => tops.push(id),
        }
    }
    let mut queue = tops.clone();
    let mut next = 0_usize;
    while let Some(id) = queue.get(next).copied() {
        next = next.saturating_add(1);
        let Some((depth, children)) = nodes
            .get(id.0 as usize)
            .map(|node| (node.depth.saturating_add(1), node.children.clone()))
        else {
            continue;
        };
        for child in children {
            if let Some(child) = nodes.get_mut(child.0 as usize) {
                child.depth = depth;
            }
            queue.push(child);
        }
    }
    tops
}

fn ids(nodes: &[Node]) -> impl Iterator<Item = DiskId> + use<> {
    (0..u32::try_from(nodes.len()).unwrap_or(u32::MAX)).map(DiskId)
}

/// The disk this one hangs on in the tree, right or not.
pub(super) fn hangs_on(nodes: &[Node], id: DiskId) -> Option<DiskId> {
    let link = nodes.get(id.0 as usize)?.parent.as_ref()?;
    link.disk.filter(|_| link.state.hangs())
}

/// Every link of a cycle gets the state `Cycle`; what hangs on a cycle from outside keeps its own state.
fn cut_cycles(nodes: &mut [Node]) {
    /// 0 = not met; otherwise the number of the walk that met the disk first.
    const UNMET: u32 = 0;
    let mut met = vec![UNMET; nodes.len()];
    let mut in_cycle = Vec::new();
    for (walk, start) in (1_u32..).zip(ids(nodes)) {
        let mut at = Some(start);
        while let Some(id) = at {
            match met.get_mut(id.0 as usize) {
                Some(mark) if *mark == UNMET => *mark = walk,
                Some(mark) if *mark == walk => {
                    in_cycle.extend(around(nodes, id));
                    break;
                }
                _ => break,
            }
            at = hangs_on(nodes, id);
        }
    }
    for id in in_cycle {
        let link = nodes
            .get_mut(id.0 as usize)
            .and_then(|node| node.parent.as_mut());
        if let Some(link) = link {
            link.state = LinkState::Cycle;
        }
    }
}

/// The disks of the cycle that `start` is part of, in order; just `start` if it is part of none.
pub(super) fn around(nodes: &[Node], start: DiskId) -> Vec<DiskId> {
    let next = |id: DiskId| {
        nodes
            .get(id.0 as usize)
            .and_then(|node| node.parent.as_ref())
            .and_then(|link| link.disk)
    };
    std::iter::successors(Some(start), |id| next(*id).filter(|next| *next != start))
        .take(nodes.len())
        .collect()
}
