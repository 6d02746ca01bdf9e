//! Disks that a backup left: no part of the machine they lie beside, and no harm to it.

use crate::finding::Finding;
use crate::store::names::is_auto_recovery;
use crate::store::{DiskId, Forest, LinkState, codes};

/// Marks a backup's leftovers, once it is known what the machines use: a disk nobody uses and nobody builds on, whose parent
/// a machine itself writes to. That the parent was written since is then nothing to mend.
pub(super) fn mark(forest: &mut Forest) {
    let leftovers: Vec<(usize, String)> = forest
        .ids()
        .filter_map(|id| Some((id.0 as usize, parent_in_use(forest, id)?)))
        .collect();
    for (at, text) in leftovers {
        if let Some(node) = forest.nodes.get_mut(at) {
            node.findings
                .retain(|finding| finding.code != &codes::PARENT_WRITTEN);
            node.findings
                .push(Finding::new(&codes::BACKUP_LEFTOVER, text));
        }
    }
}

/// True for what `mark` marked.
pub fn is_leftover(forest: &Forest, id: DiskId) -> bool {
    forest.node(id).is_some_and(|node| {
        node.findings
            .iter()
            .any(|finding| finding.code == &codes::BACKUP_LEFTOVER)
    })
}

/// What is said of a leftover.
fn parent_in_use(forest: &Forest, id: DiskId) -> Option<String> {
    let (disk, node) = (forest.disk(id)?, forest.node(id)?);
    let link = node.parent.as_ref()?;
    let is_nobodys =
        node.children.is_empty() && node.in_use_by.is_empty() && node.snapshots.is_empty();
    let is_written = node
        .findings
        .iter()
        .any(|finding| finding.code == &codes::PARENT_WRITTEN);
    let is_one = match link.state {
        LinkState::Ok => is_auto_recovery(&disk.path),
        LinkState::IdMismatch => is_written,
        _ => false,
    };
    let parent = link.disk.filter(|_| is_nobodys && is_one)?;
    let user = forest.machine(*forest.node(parent)?.in_use_by.first()?)?;
    let name = forest.disk(parent)?.path.file_name()?.to_string_lossy();
    Some(format!(
        "{} runs from {name} itself; nothing uses this disk.",
        user.name
    ))
}
