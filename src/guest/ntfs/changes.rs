//! What differs between two states of a volume.
//!
//! Record n of either state is read from the same bytes unless one of them was written or the table moved; so only such
//! records can differ, and all of a file is in its records. A file whose content alone was written, with no trace in its
//! record, is found by [owners](super::owners).

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use super::file::NtfsFile;
use super::record::{MftRecord, fix_up, is_same};
use super::stream::Stream;
use super::waiting::WaitingFiles;
use super::{FIRST_USER_RECORD, NtfsVolume, data};
use crate::finding::Finding;
use crate::guest::codes;
use crate::guest::confirm::{Confirm, Confirmed, written_bytes};
use crate::guest::extents::Extents;
use crate::guest::filesystem::{
    CHANGES_MAX, Change, ChangeKind, Comparison, DataRun, FileKind, FileName, FileSystem as _,
    FileVersion, GuestError, RUNS_MAX,
};
use crate::guest::lookup::Paths;
use crate::job::Job;

/// Records read at a time, in bytes.
const GROUP_BYTES: usize = 1 << 20;
/// Faults that are told; the count goes on in `complete`.
const FAULTS_MAX: usize = 64;

/// Tells what differs between two states of one volume, of which only the bytes of `written` can differ; of two branches
/// `origin` is the state in which they parted.
pub(in crate::guest) fn changes(
    before: &NtfsVolume,
    after: &NtfsVolume,
    origin: Option<&NtfsVolume>,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    let mut search = NtfsSearch {
        before,
        after,
        origin,
        written,
        job,
        confirm: Confirm::new(&*before.source, &*after.source, written, job),
        old_paths: Paths::new(before),
        new_paths: Paths::new(after),
        each,
        told: 0,
        judged: BTreeSet::new(),
        gone: WaitingFiles::default(),
        new: WaitingFiles::default(),
        outcome: Comparison::whole(),
    };
    search.run();
    search.outcome
}

struct NtfsSearch<'a> {
    before: &'a NtfsVolume,
    after: &'a NtfsVolume,
    origin: Option<&'a NtfsVolume>,
    written: &'a Extents,
    job: &'a Job,
    confirm: Confirm<'a>,
    old_paths: Paths<'a>,
    new_paths: Paths<'a>,
    each: &'a mut dyn FnMut(Change),
    told: u32,
    /// Files that carry on in other records and were judged on the way.
    judged: BTreeSet<u64>,
    gone: WaitingFiles,
    new: WaitingFiles,
    outcome: Comparison,
}

/// Both states of a group of records, fixed up; empty where there is none.
type Groups = [Vec<u8>; 2];

impl NtfsSearch<'_> {
    fn run(&mut self) {
        let mut numbers = Vec::new();
        self.before.table.records_within(self.written, &mut numbers);
        self.after.table.records_within(self.written, &mut numbers);
        self.after
            .table
            .moved_since(&self.before.table, &mut numbers);
        let numbers = Extents::collect(numbers);
        let len = self.after.table.record_len();
        let group = u64::try_from(GROUP_BYTES.checked_div(len).unwrap_or(1)).unwrap_or(1);
        for range in numbers.iter() {
            let mut first = range.start;
            while first < range.end {
                if self.is_stopped() {
                    return;
                }
                let end = range.end.min(first.saturating_add(group.max(1)));
                self.compare(first..end);
                first = end;
            }
        }
        self.tell_waiting();
    }

    fn is_stopped(&mut self) -> bool {
        let told = usize::try_from(self.told).unwrap_or(usize::MAX);
        let all = told.saturating_add(self.gone.len().max(self.new.len()));
        let cut = all >= CHANGES_MAX;
        if cut {
            let text = format!("more than {CHANGES_MAX} files differ");
            let finding = Finding::new(&codes::GUEST_CUT, text);
            self.outcome.findings.push(finding);
        }
        let stopped = cut || self.job.cancel.is_cancelled();
        self.outcome.complete &= !stopped;
        stopped
    }

    fn fault(&mut self, what: &str, error: &GuestError) {
        self.outcome.complete = false;
        if self.outcome.findings.len() < FAULTS_MAX {
            let text = format!("{what}: {error}");
            let finding = Finding::new(&codes::GUEST_DAMAGED, text);
            self.outcome.findings.push(finding);
        }
    }

    /// Compares records and judges the files of those that differ.
    fn compare(&mut self, numbers: Range<u64>) {
        let read = |volume: &NtfsVolume| volume.table.read_raw(numbers.clone());
        let groups: Groups = match (read(self.before), read(self.after)) {
            (Ok(before), Ok(after)) => [before, after],
            (Err(error), _) | (_, Err(error)) => {
                let what = format!("records {} to {}", numbers.start, numbers.end);
                self.fault(&what, &error);
                return;
            }
        };
        let [mut before, mut after] = groups;
        let len = self.after.table.record_len();
        let bytes = before.len().saturating_add(after.len());
        self.job.progress.advance(bytes as u64);
        for (index, number) in numbers.enumerate() {
            let at = index.saturating_mul(len);
            let part = at..at.saturating_add(len);
            let mut torn = false;
            let mut fixed = |bytes: &mut Vec<u8>| -> Option<Vec<u8>> {
                let record = bytes.get_mut(part.clone())?;
                // Records that were never used hold zeros or nothing of sense.
                record.get(..4).filter(|mark| *mark == b"FILE")?;
                let whole = fix_up(record).is_some();
                torn |= !whole;
                whole.then(|| record.to_vec())
            };
            let old = fixed(&mut before);
            let new = fixed(&mut after);
            if torn {
                let at = number.saturating_mul(len as u64);
                let error = GuestError::damaged("a record of $MFT", at, "a whole one", "a part");
                self.fault(&format!("record {number}"), &error);
            }
            let same = match (&old, &new) {
                (Some(old), Some(new)) => is_same(old, new),
                (None, None) => true,
                _ => false,
            };
            if !same {
                self.judge_record(number, old.as_deref(), new.as_deref());
            }
        }
    }

    /// Judges the file of a record that differs: itself, or the file it carries on in either state.
    fn judge_record(&mut self, number: u64, old: Option<&[u8]>, new: Option<&[u8]>) {
        let base_of = |bytes: Option<&[u8]>| {
            let record = MftRecord::new(bytes?).filter(|record| record.is_in_use())?;
            Some(record.base().map_or(number, |base| base.number))
        };
        let mut bases = [base_of(old), base_of(new)];
        if bases[0] == bases[1] {
            bases[1] = None;
        }
        for base in bases.into_iter().flatten() {
            if base < FIRST_USER_RECORD || !self.judged.insert(base) {
                continue;
            }
            let load = |volume: &NtfsVolume, bytes: Option<&[u8]>| match bytes {
                _ if base != number => NtfsFile::load(volume, base),
                Some(bytes) => NtfsFile::of_record(volume, base, bytes),
                None => Ok(None),
            };
            match (load(self.before, old), load(self.after, new)) {
                (Ok(old), Ok(new)) => self.judge(old, new),
                (Err(error), _) | (_, Err(error)) => {
                    self.fault(&format!("record {base}"), &error);
                }
            }
        }
    }

    fn judge(&mut self, old: Option<NtfsFile>, new: Option<NtfsFile>) {
        match (old, new) {
            (Some(old), Some(new)) if self.is_one_file(&old, &new) => self.judge_one(&old, &new),
            (old, new) => {
                if let Some(old) = old {
                    let change = self.change(ChangeKind::Deleted, Some(&old), None);
                    self.gone.push(&old, &change);
                }
                if let Some(new) = new {
                    let change = self.change(ChangeKind::Created, None, Some(&new));
                    self.new.push(&new, &change);
                }
            }
        }
    }

    /// The number of times a record was given away tells files apart along one line of states. Two branches may each have
    /// given it away once: then it is one file only if it was there before they parted.
    fn is_one_file(&self, old: &NtfsFile, new: &NtfsFile) -> bool {
        let created = |file: &NtfsFile| file.standard.and_then(|of| of.created);
        old.id == new.id
            && self.origin.is_none_or(|origin| {
                created(old) == created(new)
                    || !matches!(origin.load(old.id), Err(GuestError::NotFound))
            })
    }

    /// One file in both states.
    fn judge_one(&mut self, old: &NtfsFile, new: &NtfsFile) {
        let lost: Vec<&FileName> = missing(&old.names, &new.names);
        let won: Vec<&FileName> = missing(&new.names, &old.names);
        // A name for a name is a renaming; what is left over is a link that came or went.
        let renamed = lost.len().min(won.len());
        for (from, to) in lost.iter().zip(&won) {
            self.tell_names(ChangeKind::Renamed, old, new, Some(from), Some(to));
        }
        for to in won.iter().skip(renamed) {
            self.tell_names(ChangeKind::Linked, old, new, None, Some(to));
        }
        for from in lost.iter().skip(renamed) {
            self.tell_names(ChangeKind::Unlinked, old, new, Some(from), None);
        }
        let told = self.told;
        self.judge_content(old, new);
        let nothing = self.told == told && lost.is_empty() && won.is_empty();
        if nothing && is_other(old, new) {
            self.tell(ChangeKind::Metadata, Some(old), Some(new));
        }
    }

    fn judge_content(&mut self, old: &NtfsFile, new: &NtfsFile) {
        let mut kind = old.has_other_reparse(new).then_some(ChangeKind::Modified);
        let mut streams = Vec::new();
        let names: BTreeSet<&str> = [old, new]
            .into_iter()
            .flat_map(|file| file.streams.iter().map(|of| of.name.as_str()))
            .collect();
        for name in names {
            let found = match (old.stream(name), new.stream(name)) {
                (Some(one), Some(other)) => match self.compare_streams(one, other) {
                    Ok(Confirmed::Same) => continue,
                    Ok(Confirmed::Differs) => ChangeKind::Modified,
                    Ok(Confirmed::TooMuch) => ChangeKind::Written,
                    Err(GuestError::Cancelled) => return,
                    Err(error) => {
                        let what = self.new_path(new);
                        self.fault(&what, &error);
                        ChangeKind::Written
                    }
                },
                _ => ChangeKind::Modified,
            };
            // Modified is the stronger word.
            kind = kind.map_or(Some(found), |known| Some(known.min(found)));
            if !name.is_empty() {
                streams.push(name.to_owned());
            }
        }
        if let Some(kind) = kind {
            let mut change = self.change(kind, Some(old), Some(new));
            change.streams = streams;
            let _ = self.hand_over(change);
        }
    }

    fn compare_streams(&mut self, old: &Stream, new: &Stream) -> Result<Confirmed, GuestError> {
        if old.bytes != new.bytes {
            return Ok(Confirmed::Differs);
        }
        let before = runs_of(self.before, old)?;
        let after = runs_of(self.after, new)?;
        self.confirm.compare(&before, &after)
    }

    /// Tells of what is in one state only: under a name that both have as replaced.
    fn tell_waiting(&mut self) {
        let mut gone = std::mem::take(&mut self.gone);
        let mut new = std::mem::take(&mut self.new);
        WaitingFiles::take_pairs(&mut gone, &mut new, &mut |old, new| {
            self.hand_over(Change {
                kind: ChangeKind::Replaced,
                before: old.before,
                ..new
            })
        });
        for waiting in [gone, new] {
            waiting.take_rest(&mut |change| self.hand_over(change));
        }
    }

    fn tell(&mut self, kind: ChangeKind, old: Option<&NtfsFile>, new: Option<&NtfsFile>) {
        let change = self.change(kind, old, new);
        self.hand_over(change);
    }

    fn tell_names(
        &mut self,
        kind: ChangeKind,
        old: &NtfsFile,
        new: &NtfsFile,
        from: Option<&FileName>,
        to: Option<&FileName>,
    ) {
        let mut change = self.change(kind, Some(old), Some(new));
        let old_path = from.map(|name| self.old_paths.of_name(name, self.job));
        let new_path = to.map(|name| self.new_paths.of_name(name, self.job));
        change.links = new
            .names
            .iter()
            .filter(|name| Some(*name) != to)
            .map(|name| self.new_paths.of_name(name, self.job))
            .collect();
        (change.path, change.old_path) = match new_path {
            Some(path) => (Some(path), old_path),
            None => (old_path, None),
        };
        self.hand_over(change);
    }

    fn new_path(&mut self, file: &NtfsFile) -> String {
        match file.names.first() {
            Some(name) => self.new_paths.of_name(name, self.job),
            None => format!("/$OrphanFiles/{}", file.id),
        }
    }

    /// A change of a file under its present name, or its last.
    fn change(
        &mut self,
        kind: ChangeKind,
        old: Option<&NtfsFile>,
        new: Option<&NtfsFile>,
    ) -> Change {
        let (file, paths) = match new {
            Some(new) => (Some(new), &mut self.new_paths),
            None => (old, &mut self.old_paths),
        };
        let names = file.map(|file| file.names.as_slice()).unwrap_or_default();
        let mut all = names.iter().map(|name| paths.of_name(name, self.job));
        let path = all.next();
        let links: Vec<String> = all.collect();
        let id = file.map_or(self.after.root(), |file| file.id);
        let written_bytes = new.map_or(0, |new| {
            let runs = new.streams.iter().map(|of| runs_of(self.after, of));
            runs.flatten().fold(0_u64, |sum, runs| {
                sum.saturating_add(written_bytes(&runs, self.written))
            })
        });
        Change {
            number: 0,
            kind,
            file: file.map_or(FileKind::File, NtfsFile::kind),
            id,
            path: Some(path.unwrap_or_else(|| format!("/$OrphanFiles/{id}"))),
            old_path: None,
            before: old.map(version),
            after: new.map(version),
            written_bytes,
            links,
            streams: Vec::new(),
        }
    }

    /// Tells a change; false if no more are wanted.
    fn hand_over(&mut self, mut change: Change) -> bool {
        change.number = self.told;
        self.told = self.told.saturating_add(1);
        (self.each)(change);
        let stopped = self.job.cancel.is_cancelled();
        self.outcome.complete &= !stopped;
        !stopped
    }
}

/// The names of one list that another has not.
fn missing<'n>(names: &'n [FileName], others: &[FileName]) -> Vec<&'n FileName> {
    let names = names.iter();
    names.filter(|name| !others.contains(name)).collect()
}

fn version(file: &NtfsFile) -> FileVersion {
    FileVersion {
        bytes: (!file.is_directory).then(|| file.bytes()),
        modified: file.standard.and_then(|of| of.modified),
    }
}

/// Whether anything but names and content differs; access times are no change.
fn is_other(old: &NtfsFile, new: &NtfsFile) -> bool {
    old.standard != new.standard || old.index_root != new.index_root || old.index != new.index
}

fn runs_of(volume: &NtfsVolume, stream: &Stream) -> Result<Vec<DataRun>, GuestError> {
    let mut runs = Vec::new();
    let _ = data::runs(volume, stream, &mut |run| {
        runs.push(run);
        if runs.len() < RUNS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if runs.len() >= RUNS_MAX {
        return Err(GuestError::TooLarge {
            what: "the list of a file's runs",
            limit: RUNS_MAX as u64,
        });
    }
    Ok(runs)
}
