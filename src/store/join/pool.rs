//! Gives disks the records a pool has of them, and tells where records and disks contradict each other.

use std::sync::Arc;

use super::paths::DiskPaths;
use crate::finding::Finding;
use crate::store::host::{FactsFile, Origin, VdiRole};
use crate::store::{DiskId, Forest, PoolDisk, codes};

/// The record of each disk that has one: that of the input that counts most.
pub(super) fn records(paths: &DiskPaths<'_>, facts: &[FactsFile]) -> Vec<(DiskId, Arc<PoolDisk>)> {
    let mut records = Vec::new();
    for of in facts.iter().filter(|of| !of.facts.vdis.is_empty()) {
        let origin = Origin::of(of);
        let found = of.facts.vdis.iter().filter_map(|vdi| {
            let disk = paths.vdi(vdi.id, of)?;
            let record = PoolDisk {
                vdi: vdi.clone(),
                origin: Arc::clone(&origin),
            };
            Some((disk, Arc::new(record)))
        });
        records.extend(found);
    }
    records
}

/// Puts the records on their disks.
pub(super) fn join(forest: &mut Forest, records: Vec<(DiskId, Arc<PoolDisk>)>) {
    for (disk, record) in records {
        if let Some(node) = forest.nodes.get_mut(disk.0 as usize)
            && node.pool.is_none()
        {
            let name = Some(&*record.vdi.name).filter(|name| !name.is_empty());
            node.label = node.label.take().or_else(|| name.map(Into::into));
            node.pool = Some(record);
        }
    }
    let by_id: std::collections::HashMap<_, _> = forest
        .ids()
        .filter_map(|id| Some((forest.node(id)?.pool.as_ref()?.vdi.id, id)))
        .collect();
    let contradiction = |id: DiskId| {
        let record = forest.node(id)?.pool.as_ref()?;
        match record.vdi.role {
            VdiRole::Own => None,
            VdiRole::SnapshotOfNothing => {
                let text = format!("{} names none.", record.origin.path.display());
                Some(Finding::new(&codes::POOL_SNAPSHOT_OF_NOTHING, text))
            }
            VdiRole::SnapshotOf(of) => {
                let other = *by_id.get(&of)?;
                let base = |id| forest.line(id).last();
                (base(id) != base(other)).then(|| {
                    let text = format!(
                        "{} has it as a snapshot of {of}, with which it shares no disk.",
                        record.origin.path.display()
                    );
                    Finding::new(&codes::FACTS_DISAGREE, text)
                })
            }
        }
    };
    let found: Vec<_> = forest
        .ids()
        .filter_map(|id| Some((id, contradiction(id)?)))
        .collect();
    for (id, finding) in found {
        if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
            node.findings.push(finding);
        }
    }
}
