//! The probe: one file opened, read, counted if that is cheap, and closed again. A torn read is tried once more here.

use std::path::Path;
use std::sync::Arc;

use crate::finding::{Finding, Severity};
use crate::format::{FormatError, qcow2};
use crate::image::{self, Header, Image};
use crate::job::Job;
use crate::source::{Source, error_words};
use crate::store::access::Barred;
use crate::store::facts::Files;
use crate::store::names::Named;
use crate::store::{CountPolicy, Disk, FileFacts, Liveness, PathError, codes};

/// The shortest disk there is: an empty fixed VHD with Virtual PC's footer of 511 bytes.
const SHORTEST_BYTES: u64 = 511;
/// Blocks up to which a disk is counted at once: its table is one short read.
const INLINE_TABLE_BLOCKS: u64 = 65_536;
/// Blocks the file has room for, up to which a disk is counted at once: each may cost a bitmap's read.
const INLINE_HELD_BLOCKS: u64 = 256;

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A disk, or a file that claims to be one.
    Disk(Arc<Disk>),
    /// No disk, and none by its name.
    NoDisk,
    /// Not a disk by its name, and not to be looked into.
    Error(PathError),
}

/// How a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenAs {
    /// By what its name promises.
    As(Named),
    /// As raw content with sectors of this many bytes, because a child says so.
    Raw(u32),
}

/// Opens, reads and closes one file. A file that changes meanwhile, or reads as damaged, is read once more. Of `job` only
/// the cancel token is meant; its progress gets blocks.
pub(crate) fn probe(
    files: &dyn Files,
    path: &Path,
    taken: TakenAs,
    counts: CountPolicy,
    job: &Job,
) -> Outcome {
    let once = || attempt(files, path, taken, counts, job);
    let first = once();
    if first.nothing_to_doubt(taken) {
        return first.outcome(path, taken, Liveness::Still);
    }
    let second = once();
    // An error of the storage may meet one read or another; what it says of the file is nothing.
    let could_be_read = !first.is_unreadable() && !second.is_unreadable();
    let is_live = second.moved || (could_be_read && second.is_damaged() && !second.agrees(&first));
    let liveness = if is_live {
        Liveness::Live
    } else {
        Liveness::Still
    };
    second.outcome(path, taken, liveness)
}

/// Counts a disk whose header was read before. The count is exact for one state of the file, or the disk is marked live;
/// what could not be read is tried once more.
pub(crate) fn count(files: &dyn Files, disk: &Disk, job: &Job) -> Disk {
    let mut last = disk.clone();
    let mut before = disk.header.clone();
    for is_last_try in [false, true] {
        let image = files
            .open(&disk.path)
            .map_err(|error| vec![unreadable(&error_words(&error), None)])
            .and_then(|opened| {
                let source = Arc::clone(&opened.source);
                let image = Image::open_named(source).map_err(|error| match error {
                    FormatError::Read { at_bytes, .. } => {
                        vec![unreadable(&error.to_string(), Some(at_bytes))]
                    }
                    FormatError::Invalid(refusal) => refusal.all(),
                })?;
                Ok((opened, image))
            });
        let (opened, image) = match image {
            Ok(opened) => opened,
            Err(findings) if is_last_try => {
                last.counts = None;
                last.findings.clone_from(&disk.findings);
                last.findings.extend(findings);
                return last;
            }
            Err(_) => continue,
        };
        let counts = image.count(&inner(job), None);
        let is_cancelled = job.cancel.is_cancelled();
        // The table may take minutes; what was true at its start must still be true at its end.
        let after = Image::open_named(Arc::clone(&opened.source)).ok();
        let held_still = after.is_some_and(|after| after.header() == image.header())
            && before.as_ref() == Some(image.header())
            && has_held_still(files, &disk.path, &*opened.source, &opened.facts);
        let is_whole = counts.complete;
        last.findings.clone_from(&disk.findings);
        last.findings.extend(counts.findings.iter().cloned());
        last.counts = Some(counts);
        last.file = opened.facts;
        last.header = Some(image.header().clone());
        if is_cancelled || (held_still && (is_whole || is_last_try)) {
            return last;
        }
        before.clone_from(&last.header);
    }
    mark_live(&mut last);
    last
}

/// True if the disk's table or bitmaps are too much to count along with the headers.
pub(crate) fn is_counted_later(disk: &Disk, counts: CountPolicy) -> bool {
    counts != CountPolicy::HeadersOnly
        && disk.counts.is_none()
        && disk.header.as_ref().is_some_and(|header| !is_cheap(header))
}

fn is_cheap(header: &Header) -> bool {
    let held = header
        .file_size
        .checked_div(u64::from(header.block_size.unwrap_or(0)))
        .unwrap_or(0);
    header.blocks <= INLINE_TABLE_BLOCKS && held <= INLINE_HELD_BLOCKS
}

/// A job that is cancelled with the scan and counts its blocks for itself: what a disk is probed with.
pub(super) fn inner(job: &Job) -> Job {
    Job {
        cancel: job.cancel.clone(),
        ..Job::default()
    }
}

/// True if nothing shows that somebody wrote to an open file or took it away: asked of itself, else by its path.
fn has_held_still(files: &dyn Files, path: &Path, source: &dyn Source, opened: &FileFacts) -> bool {
    let by_path = || files.facts(path).is_ok_and(|now| same_state(&now, opened));
    source
        .has_changed()
        .map_or_else(by_path, |changed| !changed)
}

/// True if nothing shows that somebody wrote to the file between the two looks.
pub(super) fn same_state(a: &FileFacts, b: &FileFacts) -> bool {
    (a.len, a.modified, a.identity) == (b.len, b.modified, b.identity)
}

pub(super) fn mark_live(disk: &mut Disk) {
    disk.liveness = Liveness::Live;
    if disk
        .findings
        .iter()
        .any(|finding| *finding.code == codes::LIVE)
    {
        return;
    }
    disk.findings.push(Finding::new(
        &codes::LIVE,
        "It changed while it was read, and again on a second try.",
    ));
}

/// One pass over a file.
#[derive(Debug)]
struct Attempt {
    facts: FileFacts,
    content: FileContent,
    /// The file changed between its opening and the last read.
    moved: bool,
}

#[derive(Debug, PartialEq)]
enum FileContent {
    Disk(Arc<Disk>),
    NoDisk(Finding),
    Fault(Vec<Finding>),
    Barred(Finding),
    Unreadable { why: String, at: Option<u64> },
}

fn attempt(
    files: &dyn Files,
    path: &Path,
    taken: TakenAs,
    policy: CountPolicy,
    job: &Job,
) -> Attempt {
    let opened = match files.open(path) {
        Ok(opened) => opened,
        Err(error) => {
            return Attempt {
                facts: files.facts(path).unwrap_or_default(),
                content: match Barred::of(&error) {
                    Some(barred) => FileContent::Barred(barred.finding(&error)),
                    None => FileContent::Unreadable {
                        why: error_words(&error),
                        at: None,
                    },
                },
                moved: false,
            };
        }
    };
    let facts = opened.facts;
    let source = Arc::clone(&opened.source);
    let content = match taken {
        _ if facts.len < SHORTEST_BYTES => FileContent::NoDisk(too_short(facts.len)),
        TakenAs::Raw(sector_size) => {
            let image = Image::raw(opened.source, sector_size);
            FileContent::Disk(Arc::new(read(path, &facts, image, policy, job)))
        }
        TakenAs::As(named) => match open(opened.source, named) {
            Ok(image) => FileContent::Disk(Arc::new(read(path, &facts, image, policy, job))),
            Err(FormatError::Invalid(refusal))
                if *refusal.finding.code == image::codes::NOT_A_DISK =>
            {
                FileContent::NoDisk(qcow2::finding(&*source).unwrap_or(refusal.finding))
            }
            Err(FormatError::Invalid(refusal)) => FileContent::Fault(refusal.all()),
            Err(ref error @ FormatError::Read { at_bytes, .. }) => FileContent::Unreadable {
                why: error.to_string(),
                at: Some(at_bytes),
            },
        },
    };
    let moved = !has_held_still(files, path, &*source, &facts);
    Attempt {
        facts,
        content,
        moved,
    }
}

fn open(source: Arc<dyn Source>, named: Named) -> Result<Image, FormatError> {
    match named {
        Named::Disk => Image::open_named(source),
        _ => Image::open(source),
    }
}

fn read(path: &Path, facts: &FileFacts, mut image: Image, policy: CountPolicy, job: &Job) -> Disk {
    if policy == CountPolicy::CountAndCompareCopies {
        image.check_copies();
    }
    let is_counted =
        policy != CountPolicy::HeadersOnly && is_cheap(image.header()) && image.is_table_known();
    let counts = is_counted.then(|| image.count(job, None));
    let (header, mut findings) = image.into_header();
    findings.extend(counts.iter().flat_map(|counts| counts.findings.clone()));
    Disk {
        path: path.to_path_buf(),
        file: facts.clone(),
        header: Some(header),
        counts,
        findings,
        liveness: Liveness::Still,
    }
}

fn too_short(len: u64) -> Finding {
    Finding::new(
        &codes::TOO_SHORT,
        format!("It is {len} bytes long; the shortest disk has {SHORTEST_BYTES}."),
    )
    .values(format!("at least {SHORTEST_BYTES}"), len.to_string())
}

impl Attempt {
    fn is_damaged(&self) -> bool {
        match &self.content {
            FileContent::Disk(disk) => {
                disk.findings
                    .iter()
                    .any(|finding| finding.code.severity == Severity::Error)
                    || disk.counts.as_ref().is_some_and(|counts| !counts.complete)
            }
            FileContent::Barred(_) => false,
            FileContent::NoDisk(finding) => *finding.code != qcow2::QCOW2,
            FileContent::Fault(_) | FileContent::Unreadable { .. } => true,
        }
    }

    fn nothing_to_doubt(&self, taken: TakenAs) -> bool {
        let is_plain_other_file =
            taken == TakenAs::As(Named::Anything) && matches!(self.content, FileContent::NoDisk(_));
        is_plain_other_file || (!self.moved && !self.is_damaged())
    }

    fn is_unreadable(&self) -> bool {
        matches!(self.content, FileContent::Unreadable { .. })
    }

    /// Both passes found the same damage, so it is damage and not a moment.
    fn agrees(&self, other: &Self) -> bool {
        self.content == other.content && same_state(&self.facts, &other.facts)
    }

    fn outcome(self, path: &Path, taken: TakenAs, liveness: Liveness) -> Outcome {
        let is_expected = taken != TakenAs::As(Named::Anything);
        let mut disk = match self.content {
            FileContent::Disk(disk) => disk,
            // A disk of a format that is not read is named for what it is.
            FileContent::NoDisk(finding) if *finding.code == qcow2::QCOW2 => {
                Arc::new(row(path, self.facts, vec![finding]))
            }
            FileContent::NoDisk(_) if !is_expected => return Outcome::NoDisk,
            FileContent::NoDisk(finding) => {
                Arc::new(row(path, self.facts, vec![named_but_none(finding)]))
            }
            FileContent::Fault(findings) => Arc::new(row(path, self.facts, findings)),
            FileContent::Barred(finding) if !is_expected => {
                return Outcome::Error(PathError {
                    path: path.to_path_buf(),
                    error: finding.text,
                });
            }
            FileContent::Barred(finding) => Arc::new(row(path, self.facts, vec![finding])),
            FileContent::Unreadable { why, .. } if !is_expected => {
                return Outcome::Error(PathError {
                    path: path.to_path_buf(),
                    error: why,
                });
            }
            FileContent::Unreadable { why, at } => {
                Arc::new(row(path, self.facts, vec![unreadable(&why, at)]))
            }
        };
        if liveness == Liveness::Live {
            mark_live(Arc::make_mut(&mut disk));
        }
        Outcome::Disk(disk)
    }
}

fn unreadable(why: &str, at: Option<u64>) -> Finding {
    let text = format!("It could not be read: {why}.");
    Finding {
        at,
        ..Finding::new(&codes::UNREADABLE, text)
    }
}

fn named_but_none(finding: Finding) -> Finding {
    if *finding.code == image::codes::NOT_A_DISK {
        Finding::new(&codes::NOT_A_DISK, finding.text)
    } else {
        finding
    }
}

/// A row for a file that cannot be read as a disk.
pub(crate) fn row(path: &Path, file: FileFacts, findings: Vec<Finding>) -> Disk {
    Disk {
        path: path.to_path_buf(),
        file,
        header: None,
        counts: None,
        findings,
        liveness: Liveness::Still,
    }
}
