//! The conditions of belief for the chain of every disk, from its base to it.

use crate::analysis::facts::belief::Chain;
use crate::analysis::facts::taken;
use crate::store::{DiskId, Forest, TakenSource};

/// The chains of all disks that have children. A chain is large, and few leaves are asked for: a leaf's is made from its
/// parent's.
#[derive(Debug)]
pub(super) struct Chains {
    /// By disk: an index into `chains`.
    places: Vec<Option<u32>>,
    chains: Vec<Chain>,
}

impl Chains {
    /// Goes through all disks once; `order` has parents before their children.
    pub(super) fn new(forest: &Forest, order: &[DiskId]) -> Self {
        let mut all = Self {
            places: vec![None; forest.disks.len()],
            chains: Vec::new(),
        };
        let has_children = |id: DiskId| {
            let node = forest.node(id);
            node.is_some_and(|node| !node.children.is_empty())
        };
        for id in order.iter().copied().filter(|id| has_children(*id)) {
            let chain = all.made(forest, id);
            let next = u32::try_from(all.chains.len()).ok();
            if let Some(place) = all.places.get_mut(id.0 as usize) {
                *place = next;
                all.chains.push(chain);
            }
        }
        all
    }

    /// The chain of a disk.
    pub(super) fn of(&self, forest: &Forest, id: DiskId) -> Chain {
        self.stored(id).unwrap_or_else(|| self.made(forest, id))
    }

    fn stored(&self, id: DiskId) -> Option<Chain> {
        let place = self.places.get(id.0 as usize).copied()??;
        self.chains.get(place as usize).copied()
    }

    /// The parent's chain with the disk added.
    fn made(&self, forest: &Forest, id: DiskId) -> Chain {
        let parent = forest.parent_of(id);
        let mut chain = parent
            .and_then(|parent| self.stored(parent))
            .unwrap_or_default();
        let (Some(disk), Some(node)) = (forest.disk(id), forest.node(id)) else {
            return chain;
        };
        chain.add_disk(id.0, &disk.file);
        for snapshot_id in &node.snapshots {
            let Some(snapshot) = forest.snapshot(*snapshot_id) else {
                continue;
            };
            let Some(dated) = taken::dated(snapshot) else {
                continue;
            };
            let tolerance = taken::tolerance(dated.source).unwrap_or(0);
            chain.add_taken(id.0, &disk.file, dated.at, tolerance);
            if let Some(born) = snapshot.config_born
                && matches!(dated.source, TakenSource::Config | TakenSource::Label)
            {
                chain.add_config(snapshot_id.0, born.at, dated.at, tolerance);
            }
        }
        chain
    }
}
