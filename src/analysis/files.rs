//! The guest's files: which differ between two disks, which a disk holds.
//!
//! ```text
//!  Chain, Chain ─► written ─┐
//!               ─► volumes of both, paired by place ─► guest::volume::changes, of the written part of each ─► FilesEvent
//! ```

pub mod all;
mod budget;
pub mod lost;
pub mod noise;
pub mod owned;
pub mod versions;

use std::ops::ControlFlow;
use std::sync::Arc;

use super::diff::{DiffError, relate};
use super::written::written;
use crate::chain::{Chain, ChainSource};
use crate::finding::Finding;
use crate::guest::codes;
use crate::guest::disk::{VolumePlace, volumes};
use crate::guest::filesystem::{Change, FileSystem, VolumeState};
use crate::guest::volume::{NotRead, Volume, changes};
use crate::job::Job;
use crate::source::{ReadCounts, Source};

use budget::BudgetSource;

/// A volume as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// `p1`.
    pub name: String,
    /// `NTFS`; empty if nothing says what it is.
    pub kind: String,
    pub label: String,
    pub id: String,
    /// Why no file in it can be named.
    pub why: Option<NotRead>,
    /// How its driver left it.
    pub state: Option<VolumeState>,
    /// Bytes of it that were written between the two disks.
    pub written_bytes: u64,
    /// False for what is known to hold no files.
    pub may_hold_files: bool,
}

impl VolumeRow {
    pub(crate) fn new(place: &VolumePlace, volume: &Volume, written_bytes: u64) -> Self {
        let mut row = Self {
            name: place.name.clone(),
            kind: place.word.to_owned(),
            label: String::new(),
            id: String::new(),
            why: None,
            state: None,
            written_bytes,
            may_hold_files: place.may_hold_files,
        };
        match volume.file_system() {
            Ok(fs) => {
                let facts = fs.facts();
                facts.kind.word().clone_into(&mut row.kind);
                row.label.clone_from(&facts.label);
                row.id.clone_from(&facts.id);
                row.state = Some(facts.state);
            }
            Err(why) => row.why = Some(why.clone()),
        }
        row
    }

    /// Whether it may hold changed files that nobody can name.
    pub fn hides_files(&self) -> bool {
        self.why.is_some() && self.may_hold_files && self.written_bytes > 0
    }
}

/// What a comparison tells, in order: a volume, then what changed in it.
#[derive(Debug)]
pub enum FilesEvent<'a> {
    Volume(&'a VolumeRow),
    /// See [`Change`]: one without a path comes again.
    Change(&'a VolumeRow, Box<Change>),
}

/// How a comparison, or a listing, ended.
#[derive(Debug, Default)]
pub struct FilesReport {
    /// False if it was stopped, or damage or a limit cut it short, or a volume that was written could not be read.
    pub complete: bool,
    /// As many bytes were read as were allowed.
    pub cut: bool,
    /// With the volume's name.
    pub findings: Vec<(String, Finding)>,
    pub read_bytes: u64,
    pub reads: u64,
}

impl FilesReport {
    fn note(&mut self, volume: &str, finding: Finding) {
        self.complete &= finding.code != &codes::GUEST_JOURNAL_UNUSABLE;
        self.findings.push((volume.to_owned(), finding));
    }

    /// Notes if a volume's journal could not be replayed: it may show files as they were not, so that what is told of them is
    /// not the whole answer.
    fn note_journal(&mut self, name: &str, volume: &Volume, of: &str) {
        let findings = volume.file_system().map(|fs| &fs.facts().findings);
        let findings = findings.into_iter().flatten();
        for finding in findings.filter(|finding| finding.code == &codes::GUEST_JOURNAL_UNUSABLE) {
            let text = format!("{of}{}", finding.text);
            self.note(name, Finding::new(finding.code, text));
        }
    }
}

/// A node's content, opened to look into it.
pub struct GuestDisk {
    pub source: Arc<dyn Source>,
    pub volumes: Vec<VolumePlace>,
    counts: Arc<ReadCounts>,
}

impl GuestDisk {
    /// Looks at the partitions of a node.
    pub fn open(chain: &Chain) -> Self {
        Self::with(chain, &Arc::default(), &Job::default(), u64::MAX)
    }

    /// Likewise, counting into `counts`; what is read beyond `bytes_max` there stops the job.
    pub(super) fn with(chain: &Chain, counts: &Arc<ReadCounts>, job: &Job, bytes_max: u64) -> Self {
        let source = BudgetSource::new(
            ChainSource::new(chain.clone()),
            Arc::clone(counts),
            bytes_max,
            job.cancel.clone(),
        );
        let source: Arc<dyn Source> = Arc::new(source);
        Self {
            volumes: volumes(&source, chain.sector_size()),
            source,
            counts: Arc::clone(counts),
        }
    }

    /// The volumes, opened, with what is told of each.
    pub fn rows(&self) -> Vec<(VolumeRow, Volume)> {
        let open = |place: &VolumePlace| {
            let volume = place.open(&self.source);
            (VolumeRow::new(place, &volume, 0), volume)
        };
        self.volumes.iter().map(open).collect()
    }

    /// Reads and bytes so far.
    pub fn read(&self) -> (u64, u64) {
        (self.counts.reads(), self.counts.bytes())
    }
}

/// Tells which files differ between two disks of one family. At most `bytes_max` are read of each; then the answer is not
/// complete.
///
/// # Errors
/// As [`diff`](super::diff::diff).
pub fn compare_files(
    before: &Chain,
    after: &Chain,
    bytes_max: u64,
    job: &Job,
    each: &mut dyn FnMut(FilesEvent<'_>) -> ControlFlow<()>,
) -> Result<FilesReport, DiffError> {
    let written = written(before, after, job)?;
    let own = Job {
        cancel: job.cancel.child(),
        progress: Arc::clone(&job.progress),
    };
    let old = GuestDisk::with(before, &Arc::default(), &own, bytes_max);
    let new = GuestDisk::with(after, &Arc::default(), &own, bytes_max);
    let origin = origin(before, after)?;
    let origin = origin.map(|chain| GuestDisk::with(&chain, &Arc::default(), &own, bytes_max));
    let mut report = FilesReport {
        complete: true,
        ..FilesReport::default()
    };
    for place in unpaired(&old, &new) {
        report.complete = false;
        let text = format!("{} is only in one of the two disks", place.name);
        let finding = Finding::new(&codes::GUEST_TABLE_CHANGED, text);
        report.findings.push((place.name.clone(), finding));
    }
    for place in &new.volumes {
        if own.cancel.is_cancelled() {
            break;
        }
        let Some(former) = pair(place, &old.volumes) else {
            continue;
        };
        let part = place.written(former, &written);
        let volume = place.open(&new.source);
        let row = VolumeRow::new(place, &volume, part.bytes());
        report.complete &= !row.hides_files();
        if each(FilesEvent::Volume(&row)).is_break() {
            own.cancel.cancel();
            break;
        }
        if part.is_empty() || row.why.is_some() {
            continue;
        }
        let former_volume = former.open(&old.source);
        let origin_volume = origin.as_ref().and_then(|disk| {
            let place = pair(place, &disk.volumes)?;
            Some(place.open(&disk.source))
        });
        let origin_volume = origin_volume.as_ref();
        let mut stopped = false;
        let mut told = |change| {
            if !stopped && each(FilesEvent::Change(&row, Box::new(change))).is_break() {
                stopped = true;
                own.cancel.cancel();
            }
        };
        let outcome = changes(
            &former_volume,
            &volume,
            origin_volume,
            &part,
            &own,
            &mut told,
        );
        report.complete &= outcome.complete;
        let facts = volume.file_system().map(FileSystem::facts);
        let said = facts.map(|facts| facts.findings.clone());
        let said = said.unwrap_or_default().into_iter();
        for finding in said.chain(outcome.findings) {
            report.note(&place.name, finding);
        }
        report.note_journal(&place.name, &former_volume, "in the other disk, ");
    }
    report.complete &= !own.cancel.is_cancelled();
    for disk in [Some(&old), Some(&new), origin.as_ref()]
        .into_iter()
        .flatten()
    {
        let (reads, bytes) = disk.read();
        report.reads = report.reads.saturating_add(reads);
        report.read_bytes = report.read_bytes.saturating_add(bytes);
        report.cut |= bytes > bytes_max;
    }
    Ok(report)
}

/// The disk from which both were made, if neither was made from the other.
fn origin(before: &Chain, after: &Chain) -> Result<Option<Chain>, DiffError> {
    let relation = relate(before, after)?;
    let parted = relation.left > 0 && relation.right > 0;
    Ok(before.from_link(relation.left).filter(|_| parted))
}

/// The volume of the other disk that is this one: at the same place, or of the same id in the same group.
fn pair<'a>(place: &VolumePlace, others: &'a [VolumePlace]) -> Option<&'a VolumePlace> {
    others.iter().find(|other| place.is_pair(other))
}

fn unpaired<'a>(old: &'a GuestDisk, new: &'a GuestDisk) -> Vec<&'a VolumePlace> {
    let gone = old
        .volumes
        .iter()
        .filter(|place| pair(place, &new.volumes).is_none());
    let added = new
        .volumes
        .iter()
        .filter(|place| pair(place, &old.volumes).is_none());
    gone.chain(added)
        .filter(|place| place.may_hold_files)
        .collect()
}
