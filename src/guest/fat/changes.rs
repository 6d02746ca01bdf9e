//! What differs between two states of a volume. Directories are gone through side by side; what stands only on one side is
//! held against what stands only on the other, for a file moved elsewhere keeps its first cluster.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::directory::FatEntry;
use super::{FatVolume, ROOT, join};
use crate::finding::Finding;
use crate::guest::codes;
use crate::guest::confirm::{Confirm, Confirmed, written_bytes};
use crate::guest::extents::Extents;
use crate::guest::filesystem::{
    CHANGES_MAX, Change, ChangeKind, Comparison, FileKind, FileVersion, GuestError,
};
use crate::job::Job;

/// A file or directory that was found on one side, with the directory that names it.
#[derive(Debug, Clone)]
struct Found {
    directory: u32,
    /// The path of that directory; empty for the root.
    folder: Rc<str>,
    entry: FatEntry,
}

impl Found {
    fn path(&self) -> String {
        format!("{}/{}", self.folder, self.entry.name)
    }

    fn version(&self) -> FileVersion {
        FileVersion {
            bytes: (!self.entry.is_directory()).then_some(self.entry.size.into()),
            modified: self.entry.modified,
        }
    }
}

/// A directory to be compared: where it is on either side, and its path on the later one.
#[derive(Debug)]
struct DirectoryPair {
    before: u32,
    after: u32,
    old_path: String,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

struct FatSearch<'a> {
    before: &'a FatVolume,
    after: &'a FatVolume,
    written: &'a Extents,
    job: &'a Job,
    confirm: Confirm<'a>,
    each: &'a mut dyn FnMut(Change),
    told: u32,
    pairs: Vec<DirectoryPair>,
    gone: Vec<Found>,
    new: Vec<Found>,
    seen_before: HashSet<u32>,
    seen_after: HashSet<u32>,
    outcome: Comparison,
}

/// Tells what differs between two states of one volume, of which only the bytes of `written` can differ.
pub(in crate::guest) fn changes(
    before: &FatVolume,
    after: &FatVolume,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    let mut search = FatSearch {
        before,
        after,
        written,
        job,
        confirm: Confirm::new(&*before.source, &*after.source, written, job),
        each,
        told: 0,
        pairs: vec![DirectoryPair {
            before: ROOT,
            after: ROOT,
            old_path: String::new(),
            path: String::new(),
        }],
        gone: Vec::new(),
        new: Vec::new(),
        seen_before: HashSet::new(),
        seen_after: HashSet::new(),
        outcome: Comparison::whole(),
    };
    search.run();
    search.outcome
}

impl FatSearch<'_> {
    fn run(&mut self) {
        loop {
            while let Some(pair) = self.pairs.pop() {
                if self.is_stopped() {
                    return;
                }
                self.compare(&pair);
            }
            self.match_moved(FileKind::Directory);
            if self.pairs.is_empty() && !self.open_folders() {
                break;
            }
        }
        self.match_moved(FileKind::File);
        for side in [Side::Before, Side::After] {
            self.tell_rest(side);
        }
    }

    /// Tells of what is on one side only. There may be half a million: memory is given back on the way.
    fn tell_rest(&mut self, side: Side) {
        const AT_ONCE: usize = 1 << 16;
        let mut rest = std::mem::take(self.list(side));
        rest.reverse();
        while let Some(found) = rest.pop() {
            if self.job.cancel.is_cancelled() {
                self.outcome.complete = false;
                return;
            }
            match side {
                Side::Before => self.tell(ChangeKind::Deleted, Some(&found), None, 0),
                Side::After => {
                    let written = self.written_of(&found.entry);
                    self.tell(ChangeKind::Created, None, Some(&found), written);
                }
            }
            if rest.len().is_multiple_of(AT_ONCE) {
                rest.shrink_to_fit();
            }
        }
    }

    fn is_stopped(&mut self) -> bool {
        let cut = self.gone.len().max(self.new.len()) >= CHANGES_MAX;
        if cut {
            let text = format!("more than {CHANGES_MAX} files are only in one of the disks");
            self.outcome
                .findings
                .push(Finding::new(&codes::GUEST_CUT, text));
        }
        let stopped = cut || self.job.cancel.is_cancelled();
        self.outcome.complete &= !stopped;
        stopped
    }

    /// The entries of a directory, each only once in a walk: a directory that leads back to itself ends.
    fn entries(&mut self, side: Side, cluster: u32, path: &str) -> Vec<Found> {
        let (volume, seen) = match side {
            Side::Before => (self.before, &mut self.seen_before),
            Side::After => (self.after, &mut self.seen_after),
        };
        if !seen.insert(cluster) {
            return Vec::new();
        }
        match volume.entries(cluster) {
            Ok(entries) => {
                let folder: Rc<str> = path.into();
                let found = |entry| Found {
                    directory: cluster,
                    folder: Rc::clone(&folder),
                    entry,
                };
                entries.into_iter().map(found).collect()
            }
            Err(error) => {
                self.damaged(path, &error);
                Vec::new()
            }
        }
    }

    /// The entries of a directory that has a counterpart. Those that were listed while it seemed to have none come back.
    fn entries_of_pair(&mut self, side: Side, cluster: u32, path: &str) -> Vec<Found> {
        let list = self.list(side);
        if list.iter().any(|found| found.directory == cluster) {
            let (mut inside, others): (Vec<_>, Vec<_>) = std::mem::take(list)
                .into_iter()
                .partition(|found| found.directory == cluster);
            *list = others;
            let folder: Rc<str> = path.into();
            for found in &mut inside {
                found.folder = Rc::clone(&folder);
            }
            return inside;
        }
        self.entries(side, cluster, path)
    }

    fn damaged(&mut self, path: &str, error: &GuestError) {
        self.outcome.complete = false;
        if self.outcome.findings.len() < 64 {
            let text = format!("{path}: {error}");
            self.outcome
                .findings
                .push(Finding::new(&codes::GUEST_DAMAGED, text));
        }
    }

    fn compare(&mut self, pair: &DirectoryPair) {
        let before = self.entries_of_pair(Side::Before, pair.before, &pair.old_path);
        let after = self.entries_of_pair(Side::After, pair.after, &pair.path);
        let mut by_name: HashMap<String, Found> = before
            .into_iter()
            .map(|found| (found.entry.name.to_lowercase(), found))
            .collect();
        for new in after {
            match by_name.remove(&new.entry.name.to_lowercase()) {
                Some(old) if old.entry.is_directory() == new.entry.is_directory() => {
                    self.compare_files(&old, &new);
                }
                Some(old) => {
                    self.gone.push(old);
                    self.new.push(new);
                }
                None => self.new.push(new),
            }
        }
        let mut gone: Vec<Found> = by_name.into_values().collect();
        gone.sort_by_key(|found| found.entry.slot);
        self.gone.append(&mut gone);
    }

    /// Two entries of one name.
    fn compare_files(&mut self, old: &Found, new: &Found) {
        if new.entry.name != old.entry.name {
            self.tell(ChangeKind::Renamed, Some(old), Some(new), 0);
        }
        if new.entry.is_directory() {
            if is_other(&old.entry, &new.entry) {
                self.tell(ChangeKind::Metadata, Some(old), Some(new), 0);
            }
            self.pair(old, new);
            return;
        }
        let is_another = old.entry.created != new.entry.created
            && old.entry.cluster != new.entry.cluster
            && old.entry.created.is_some();
        let content = self.compare_content(&old.entry, &new.entry);
        let written = self.written_of(&new.entry);
        let kind = match content {
            _ if is_another => Some(ChangeKind::Replaced),
            Ok(Confirmed::Differs) => Some(ChangeKind::Modified),
            Ok(Confirmed::TooMuch) => Some(ChangeKind::Written),
            Ok(Confirmed::Same) => is_other(&old.entry, &new.entry).then_some(ChangeKind::Metadata),
            Err(GuestError::Cancelled) => None,
            Err(error) => {
                self.damaged(&new.path(), &error);
                let touched = old.entry != new.entry || written > 0;
                touched.then_some(ChangeKind::Written)
            }
        };
        if let Some(kind) = kind {
            self.tell(kind, Some(old), Some(new), written);
        }
    }

    /// Puts two directories on the list of those to be compared; one that says it is the root leads nowhere new.
    fn pair(&mut self, old: &Found, new: &Found) {
        if old.entry.cluster != ROOT && new.entry.cluster != ROOT {
            self.pairs.push(DirectoryPair {
                before: old.entry.cluster,
                after: new.entry.cluster,
                old_path: old.path(),
                path: new.path(),
            });
        }
    }

    fn compare_content(&mut self, old: &FatEntry, new: &FatEntry) -> Result<Confirmed, GuestError> {
        if old.size != new.size {
            return Ok(Confirmed::Differs);
        }
        let before = self.before.entry_runs(old)?;
        let after = self.after.entry_runs(new)?;
        self.confirm.compare(&before, &after)
    }

    fn written_of(&self, entry: &FatEntry) -> u64 {
        if entry.is_directory() {
            return 0;
        }
        let runs = self.after.entry_runs(entry).unwrap_or_default();
        written_bytes(&runs, self.written)
    }

    /// Looks into directories that stand only on one side, for a file may have been moved into or out of them.
    fn open_folders(&mut self) -> bool {
        let mut opened = false;
        for side in [Side::Before, Side::After] {
            let folders = self.list(side).iter();
            let folders: Vec<(u32, String)> = folders
                .filter(|found| found.entry.is_directory())
                .map(|found| (found.entry.cluster, found.path()))
                .collect();
            for (cluster, path) in folders {
                if self.job.cancel.is_cancelled() {
                    break;
                }
                let mut inside = self.entries(side, cluster, &path);
                opened |= !inside.is_empty();
                self.list(side).append(&mut inside);
            }
        }
        opened && !self.is_stopped()
    }

    fn list(&mut self, side: Side) -> &mut Vec<Found> {
        match side {
            Side::Before => &mut self.gone,
            Side::After => &mut self.new,
        }
    }

    /// Finds, for what is gone, what is new and begins at the same cluster: the same file under another name.
    fn match_moved(&mut self, kind: FileKind) {
        if self.gone.is_empty() || self.new.is_empty() {
            return;
        }
        let is_asked = |found: &Found| found.entry.kind() == kind && found.entry.cluster != ROOT;
        let mut new_at: HashMap<u32, usize> = HashMap::new();
        for (at, found) in self.new.iter().enumerate() {
            if is_asked(found) {
                new_at.entry(found.entry.cluster).or_insert(at);
            }
        }
        let mut moved = Vec::new();
        let mut taken = HashSet::new();
        for (at, old) in self.gone.iter().enumerate() {
            let Some(new_at) = new_at.get(&old.entry.cluster).filter(|_| is_asked(old)) else {
                continue;
            };
            let Some(new) = self.new.get(*new_at) else {
                continue;
            };
            if self.is_one_file(&old.entry, &new.entry) && taken.insert(*new_at) {
                moved.push((at, *new_at));
            }
        }
        if moved.is_empty() {
            return;
        }
        let (mut gone, mut new) = (some(&mut self.gone), some(&mut self.new));
        for (old_at, new_at) in moved {
            let old = gone.get_mut(old_at).and_then(Option::take);
            let new = new.get_mut(new_at).and_then(Option::take);
            if let (Some(old), Some(new)) = (old, new) {
                self.tell_moved(&old, &new);
            }
        }
        self.gone = gone.into_iter().flatten().collect();
        self.new = new.into_iter().flatten().collect();
    }

    /// A cluster is used again as soon as it is free, so its number alone does not make two entries one file: they were made
    /// at one time, and what they begin with is the same.
    fn is_one_file(&self, old: &FatEntry, new: &FatEntry) -> bool {
        if old.created != new.created {
            return false;
        }
        let untouched = old.size == new.size && old.modified == new.modified;
        if untouched || old.is_directory() {
            return untouched || old.created.is_some();
        }
        let beginning = |volume: &FatVolume, len: u64| {
            let place = volume.layout.cluster(old.cluster)?;
            let len = len.min(place.end.saturating_sub(place.start));
            let mut bytes = vec![0; usize::try_from(len).ok()?];
            volume.source.read_exact_at(&mut bytes, place.start).ok()?;
            Some(bytes)
        };
        let len = u64::from(old.size.min(new.size));
        len > 0 && beginning(self.before, len) == beginning(self.after, len)
    }

    fn tell_moved(&mut self, old: &Found, new: &Found) {
        if new.entry.is_directory() {
            self.tell(ChangeKind::Renamed, Some(old), Some(new), 0);
            self.pair(old, new);
            return;
        }
        let written = self.written_of(&new.entry);
        self.tell(ChangeKind::Renamed, Some(old), Some(new), written);
        match self.compare_content(&old.entry, &new.entry) {
            Ok(Confirmed::Differs) => {
                self.tell(ChangeKind::Modified, Some(old), Some(new), written);
            }
            Ok(Confirmed::TooMuch) => self.tell(ChangeKind::Written, Some(old), Some(new), written),
            Ok(Confirmed::Same) | Err(GuestError::Cancelled) => {}
            Err(error) => self.damaged(&new.path(), &error),
        }
    }

    fn tell(&mut self, kind: ChangeKind, old: Option<&Found>, new: Option<&Found>, written: u64) {
        let Some(found) = new.or(old) else { return };
        let path = found.path();
        let old_path = old.map(Found::path).filter(|old| *old != path);
        let change = Change {
            number: self.told,
            kind,
            file: found.entry.kind(),
            id: join(found.directory, found.entry.slot),
            path: Some(path),
            old_path,
            before: old.map(Found::version),
            after: new.map(Found::version),
            written_bytes: written,
            links: Vec::new(),
            streams: Vec::new(),
        };
        self.told = self.told.saturating_add(1);
        (self.each)(change);
    }
}

fn some(list: &mut Vec<Found>) -> Vec<Option<Found>> {
    std::mem::take(list).into_iter().map(Some).collect()
}

/// Whether anything but name, place and content differs; access dates are no change.
fn is_other(old: &FatEntry, new: &FatEntry) -> bool {
    old.attributes != new.attributes || old.created != new.created || old.modified != new.modified
}
