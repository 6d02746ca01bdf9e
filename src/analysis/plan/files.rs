//! The guest's files that a delete loses: what a person fears for, behind the bytes.

use super::{Loss, Plan};
use crate::analysis::reasons;
use crate::guest::filesystem::Change;
use crate::store::{DiskId, Forest};

/// Access to the guests' files, so that a plan stays free of reading.
pub trait GuestFiles {
    /// The files that are in `goes` and are not, or not so, in `stays`; `None` if they cannot be compared.
    fn lost(&self, stays: DiskId, goes: DiskId) -> Option<LostFiles>;
}

/// Files that go with a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LostFiles {
    /// Files that are nowhere else.
    pub created: u64,
    /// Files of which another version stays.
    pub modified: u64,
    /// Files that are gone in what is lost, and stay.
    pub deleted: u64,
    /// Bytes of the first two.
    pub bytes: u64,
    /// Page files, logs, caches: new ones and other versions, counted apart.
    pub noise: u64,
    /// Those that a person would look at first; what systems write by themselves comes last.
    pub first: Vec<Change>,
    /// False if not all was looked at, or could be.
    pub complete: bool,
    /// There is more to look at than is quick.
    pub cut: bool,
    /// Nothing that was written is a file system, as far as is known.
    pub no_file_system: bool,
}

/// Looks up the files behind each loss of a plan.
pub fn add_files(plan: &mut Plan, forest: &Forest, files: &dyn GuestFiles) {
    let back = way_back(plan, forest);
    for loss in &mut plan.lost {
        let pair = match (loss.disk, back) {
            (Some(goes), _) => forest.parent_of(goes).map(|stays| (stays, goes)),
            (None, Some(pair)) if loss.code == &reasons::LOSS_WAY_BACK => Some(pair),
            _ => None,
        };
        loss.files = pair.and_then(|(stays, goes)| files.lost(stays, goes));
    }
    let is_known = |loss: &Loss| loss.files.as_ref().is_some_and(|files| files.complete);
    if !plan.lost.is_empty() && plan.lost.iter().all(is_known) {
        plan.not_checked.retain(|word| *word != "guest-content");
    }
}

/// What the machine has now, and the snapshot's disk: the way back leads from the one to the other.
fn way_back(plan: &Plan, forest: &Forest) -> Option<(DiskId, DiskId)> {
    let machine = plan.machine.and_then(|id| forest.machine(id));
    let used = machine.and_then(|machine| machine.disks.as_ref());
    let used: Vec<DiskId> = used
        .into_iter()
        .flatten()
        .filter_map(|of| of.disk)
        .collect();
    let frozen = *plan.frozen.first()?;
    let through = plan.before.iter().filter(|chain| chain.contains(&frozen));
    let leaves: Vec<DiskId> = through.filter_map(|chain| chain.last().copied()).collect();
    let now = leaves.iter().find(|leaf| used.contains(leaf));
    let only = leaves.first().filter(|_| leaves.len() == 1);
    let now = *now.or(only)?;
    (now != frozen).then_some((now, frozen))
}
