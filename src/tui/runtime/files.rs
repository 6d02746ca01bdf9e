//! The jobs of the files screen: what changed in the guest, and the versions of one file.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::analysis::files::all::{GuestPath, ListEvent, list_files};
use crate::analysis::files::versions::path_versions;
use crate::analysis::files::{FilesEvent, FilesReport, VolumeRow, compare_files};
use crate::analysis::moment::Moment;
use crate::analysis::open::open_chain;
use crate::report::files::ChangeTotals;
use crate::store::{DiskId, Forest};
use crate::tui::found::{FileVersions, FilesEnd, FilesOf, FoundFile, FoundFiles};
use crate::tui::message::News;

use super::chains::chains;
use super::reporter::{JobError, Reporter};

/// Files that are kept; the command line has no such limit.
const FILES_KEPT: usize = 200_000;
/// The least time between two batches of rows.
const BATCH_GAP: Duration = Duration::from_millis(100);

/// What was found since the last batch.
struct Batch<'a> {
    reporter: &'a Reporter,
    found: FoundFiles,
    files: usize,
    sent: Instant,
}

impl<'a> Batch<'a> {
    fn new(reporter: &'a Reporter) -> Self {
        Self {
            reporter,
            found: FoundFiles::default(),
            files: 0,
            sent: Instant::now(),
        }
    }

    fn volume(&mut self, row: &VolumeRow) {
        self.found.volumes.push(row.clone());
        self.found.totals.push(ChangeTotals::default());
        self.send();
    }

    fn file(&mut self, file: FoundFile) -> ControlFlow<()> {
        if self.files == FILES_KEPT {
            return ControlFlow::Break(());
        }
        self.files += 1;
        self.found.files.push(file);
        if self.sent.elapsed() >= BATCH_GAP && !self.send() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Sends what came; false if nobody reads any more.
    fn send(&mut self) -> bool {
        self.sent = Instant::now();
        let found = FoundFiles {
            volumes: self.found.volumes.clone(),
            totals: self.found.totals.clone(),
            files: std::mem::take(&mut self.found.files),
            end: self.found.end.take(),
        };
        self.reporter.tell(News::Files(Arc::new(found)))
    }

    fn end(mut self, report: &FilesReport, moment: &Moment) {
        let findings = report.findings.iter();
        let mut said: Vec<String> = findings
            .map(|(volume, finding)| format!("{volume}: {}", finding.text))
            .collect();
        if self.files == FILES_KEPT {
            said.push("There are more: the command line names all.".to_owned());
        }
        let held_still = moment.changed().is_empty();
        if !held_still {
            said.push("A disk changed meanwhile: this may mix two moments.".to_owned());
        }
        self.found.end = Some(FilesEnd {
            complete: report.complete && held_still && self.files < FILES_KEPT,
            said,
        });
        self.send();
    }
}

/// The files of a disk that differ from those of another, by default its parent, or all of them.
pub fn files(
    forest: &Forest,
    disk: DiskId,
    of: FilesOf,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let other = match of {
        FilesOf::Other(other) => Some(other),
        FilesOf::Parent | FilesOf::All => None,
    };
    let moment = Moment::of_lines(forest, std::iter::once(disk).chain(other));
    let mut batch = Batch::new(reporter);
    if of == FilesOf::All {
        let chain = open_chain(forest, disk)?;
        let report = list_files(&chain, None, &reporter.job, &mut |event| match event {
            ListEvent::Volume(row) => {
                batch.volume(row);
                ControlFlow::Continue(())
            }
            ListEvent::File { path, file, .. } => {
                let volume = batch.found.volumes.len().saturating_sub(1);
                batch.file(FoundFile::listed(volume, path, file))
            }
        });
        batch.end(&report, &moment);
        return Ok(());
    }
    let (after, before) = chains(forest, disk, other)?;
    let report = compare_files(&before, &after, u64::MAX, &reporter.job, &mut |event| {
        match event {
            FilesEvent::Volume(row) => batch.volume(row),
            // One without a path comes again.
            FilesEvent::Change(_, change) if change.path.is_none() => {}
            FilesEvent::Change(_, change) => {
                if let Some(totals) = batch.found.totals.last_mut() {
                    totals.add(&change);
                }
                let volume = batch.found.volumes.len().saturating_sub(1);
                return batch.file(FoundFile::changed(volume, &change));
            }
        }
        ControlFlow::Continue(())
    });
    batch.end(&report?, &moment);
    Ok(())
}

/// The versions of a path in every disk of a disk's tree.
pub fn versions(forest: &Forest, disk: DiskId, path: GuestPath, reporter: &Reporter) {
    let mut versions = Vec::new();
    path_versions(forest, disk, &path, &reporter.job, &mut |version| {
        versions.push(version);
        ControlFlow::Continue(())
    });
    if !reporter.job.cancel.is_cancelled() {
        reporter.tell(News::Versions(Arc::new(FileVersions { path, versions })));
    }
}
