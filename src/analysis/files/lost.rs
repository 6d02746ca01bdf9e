//! The files behind a plan's losses, read from the disks.

use std::ops::ControlFlow;

use super::noise::{by_interest, is_noise};
use super::{FilesEvent, compare_files};
use crate::analysis::open::open_pair;
use crate::analysis::plan::{GuestFiles, LostFiles};
use crate::guest::filesystem::{Change, ChangeKind, FileKind};
use crate::job::Job;
use crate::store::{DiskId, Forest};

/// Read of each disk for one loss, at most, unless all is asked for.
pub const BYTES_MAX: u64 = 64 << 20;
/// Files named for one loss, at most, unless all are asked for.
const NAMED: usize = 10;

/// How much of a loss is looked at and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossExtent {
    /// As much as is quick: [`BYTES_MAX`], ten names.
    Some,
    All,
}

/// Reads the guests' files of a forest's disks.
#[derive(Debug)]
pub struct StoreGuestFiles<'a> {
    forest: &'a Forest,
    job: &'a Job,
    extent: LossExtent,
}

impl<'a> StoreGuestFiles<'a> {
    pub fn new(forest: &'a Forest, job: &'a Job, extent: LossExtent) -> Self {
        Self {
            forest,
            job,
            extent,
        }
    }
}

impl GuestFiles for StoreGuestFiles<'_> {
    fn lost(&self, stays: DiskId, goes: DiskId) -> Option<LostFiles> {
        let (before, after) = open_pair(self.forest, stays, goes).ok()?;
        let (bytes_max, named) = match self.extent {
            LossExtent::Some => (BYTES_MAX, NAMED),
            LossExtent::All => (u64::MAX, usize::MAX),
        };
        let mut lost = LostFiles::default();
        let mut changes: Vec<Change> = Vec::new();
        let report = compare_files(&before, &after, bytes_max, self.job, &mut |event| {
            if let FilesEvent::Change(_, change) = event
                && change.path.is_some()
                && count(&mut lost, &change)
            {
                changes.push(*change);
            }
            ControlFlow::Continue(())
        });
        let report = report.ok()?;
        (lost.complete, lost.cut) = (report.complete, report.cut);
        by_interest(&mut changes);
        changes.truncate(named);
        lost.first = changes;
        Some(lost)
    }
}

/// Counts a change; true if something of the file goes.
fn count(lost: &mut LostFiles, change: &Change) -> bool {
    if change.file != FileKind::File {
        return false;
    }
    let counter = match change.kind {
        ChangeKind::Created => &mut lost.created,
        ChangeKind::Modified | ChangeKind::Replaced | ChangeKind::Written => &mut lost.modified,
        ChangeKind::Deleted => {
            lost.deleted += u64::from(!is_noise(change));
            return false;
        }
        ChangeKind::Renamed | ChangeKind::Linked | ChangeKind::Unlinked | ChangeKind::Metadata => {
            return false;
        }
    };
    if is_noise(change) {
        lost.noise += 1;
        return true;
    }
    *counter += 1;
    let bytes = change.after.and_then(|version| version.bytes).unwrap_or(0);
    lost.bytes = lost.bytes.saturating_add(bytes);
    true
}
