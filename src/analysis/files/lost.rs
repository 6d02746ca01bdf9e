//! The files behind a plan's losses, read from the disks.

use std::cell::RefCell;
use std::ops::ControlFlow;

use super::noise::{by_interest, is_noise};
use super::{FilesEvent, compare_files};
use crate::analysis::open::OpenPairs;
use crate::analysis::plan::{GuestFiles, LostFiles};
use crate::guest::filesystem::{Change, ChangeKind, FileKind};
use crate::guest::probe::VolumeKind;
use crate::guest::volume::NotRead;
use crate::job::Job;
use crate::store::{Disk, DiskId, Forest};

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
pub struct StoreGuestFiles<'a> {
    forest: &'a Forest,
    open: RefCell<OpenPairs<'a>>,
    job: &'a Job,
    extent: LossExtent,
}

impl<'a> StoreGuestFiles<'a> {
    pub fn new(forest: &'a Forest, job: &'a Job, extent: LossExtent) -> Self {
        Self {
            forest,
            open: RefCell::new(OpenPairs::new(forest)),
            job,
            extent,
        }
    }

    /// What goes is a child of what stays, as long as that, and has no sector of its own.
    fn holds_nothing(&self, stays: DiskId, goes: DiskId) -> bool {
        let disk = |id| self.forest.disk(id);
        let bytes = |id| disk(id)?.header.as_ref().map(|header| header.virtual_size);
        self.forest.parent_of(goes) == Some(stays)
            && bytes(goes) == bytes(stays)
            && disk(goes).is_some_and(Disk::holds_nothing)
    }
}

impl GuestFiles for StoreGuestFiles<'_> {
    fn lost(&self, stays: DiskId, goes: DiskId) -> Option<LostFiles> {
        if self.holds_nothing(stays, goes) {
            return Some(LostFiles {
                complete: true,
                ..LostFiles::default()
            });
        }
        let pair = self.open.borrow_mut().open(stays, goes);
        let (before, after) = pair.ok()?;
        let (bytes_max, named) = match self.extent {
            LossExtent::Some => (BYTES_MAX, NAMED),
            LossExtent::All => (u64::MAX, usize::MAX),
        };
        let mut lost = LostFiles::default();
        let mut changes: Vec<Change> = Vec::new();
        let unknown = NotRead::of_kind(VolumeKind::Unknown);
        let (mut written, mut formless) = (0_usize, 0_usize);
        let report = compare_files(&before, &after, bytes_max, self.job, &mut |event| {
            match event {
                FilesEvent::Volume(row) if row.written_bytes > 0 => {
                    written += 1;
                    formless += usize::from(row.why == unknown);
                }
                FilesEvent::Change(_, change)
                    if change.path.is_some() && count(&mut lost, &change) =>
                {
                    changes.push(*change);
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        let report = report.ok()?;
        (lost.complete, lost.cut) = (report.complete, report.cut);
        lost.no_file_system = written > 0 && written == formless;
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
