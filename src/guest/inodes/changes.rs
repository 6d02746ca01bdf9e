//! What differs between two states of a file system of inodes.
//!
//! ```text
//!  candidates ─► pairs of inodes that differ ─┬─► directories: both lists ─► names given and taken
//!   (by place)                                └─► contents compared                 │
//!                                                                                   ▼
//!                      names that no changed directory tells ─► one walk     created, renamed, …
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::paths::{DirectoryPaths, ORPHANS};
use super::{InodeState, Inodes, LISTED_AT_ONCE, announced, by_number, each_entry};
use crate::finding::Finding;
use crate::guest::codes;
use crate::guest::confirm::{Confirm, Confirmed, written_bytes};
use crate::guest::content::collect_runs;
use crate::guest::extents::Extents;
use crate::guest::filesystem::{
    CHANGES_MAX, Change, ChangeKind, Comparison, FileId, FileKind, GuestError,
};
use crate::job::Job;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct NamePlace {
    directory: u64,
    name: String,
}

/// The two states of one inode number, and the names that changed directories tell of it.
#[derive(Debug, Default)]
struct InodePair {
    before: Option<InodeState>,
    after: Option<InodeState>,
    taken: Vec<NamePlace>,
    given: Vec<NamePlace>,
    kept: Vec<NamePlace>,
}

impl InodePair {
    /// Whether it is one file on both sides, not a number that was used again: a generation may be, a time of making is not.
    fn is_same_file(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                before.id == after.id
                    && before.kind == after.kind
                    && before.created == after.created
            }
            _ => false,
        }
    }
}

/// Compares the inodes `candidates`, of which `written` holds all that can differ.
pub fn changes(
    before: &dyn Inodes,
    after: &dyn Inodes,
    candidates: impl Iterator<Item = u64>,
    written: &Extents,
    job: &Job,
    each: &mut dyn FnMut(Change),
) -> Comparison {
    let mut comparing = Comparing {
        before,
        after,
        written,
        job,
        pairs: BTreeMap::new(),
        end: Comparison::whole(),
    };
    comparing.collect(candidates);
    comparing.compare_directories();
    comparing.tell(each);
    comparing.end
}

struct Comparing<'a> {
    before: &'a dyn Inodes,
    after: &'a dyn Inodes,
    written: &'a Extents,
    job: &'a Job,
    pairs: BTreeMap<u64, InodePair>,
    end: Comparison,
}

impl<'a> Comparing<'a> {
    fn fault(&mut self, error: &GuestError) {
        self.end.complete = false;
        if self.end.findings.is_empty() && !matches!(error, GuestError::Cancelled) {
            let finding = Finding::new(&codes::GUEST_DAMAGED, error.to_string());
            self.end.findings.push(finding);
        }
    }

    fn is_cancelled(&mut self) -> bool {
        let cancelled = self.job.cancel.is_cancelled();
        self.end.complete &= !cancelled;
        cancelled
    }

    fn collect(&mut self, candidates: impl Iterator<Item = u64>) {
        for number in announced([self.before, self.after], candidates) {
            if self.is_cancelled() {
                return;
            }
            if self.pairs.len() >= CHANGES_MAX {
                self.end.complete = false;
                self.end.findings.push(Finding::new(
                    &codes::GUEST_CUT,
                    format!("more than {CHANGES_MAX} files differ"),
                ));
                return;
            }
            match self.load(number) {
                Ok(pair) => {
                    if pair.before != pair.after {
                        self.pairs.insert(number, pair);
                    }
                }
                Err(error) => self.fault(&error),
            }
        }
    }

    fn load(&self, number: u64) -> Result<InodePair, GuestError> {
        Ok(InodePair {
            before: self.before.inode(number)?,
            after: self.after.inode(number)?,
            ..InodePair::default()
        })
    }

    /// Lists every changed directory on both sides and notes names given, taken and kept.
    fn compare_directories(&mut self) {
        let is_directory = |side: &Option<InodeState>| {
            side.as_ref()
                .is_some_and(|inode| inode.kind == FileKind::Directory)
        };
        let directories: Vec<(u64, bool, bool)> = self
            .pairs
            .iter()
            .map(|(number, pair)| {
                (
                    *number,
                    is_directory(&pair.before),
                    is_directory(&pair.after),
                )
            })
            .filter(|(_, before, after)| *before || *after)
            .collect();
        for portion in directories.chunks(LISTED_AT_ONCE) {
            let numbers: Vec<u64> = portion.iter().map(|(number, ..)| *number).collect();
            self.before.will_list(&numbers);
            self.after.will_list(&numbers);
            for (number, was, is) in portion {
                if self.is_cancelled() {
                    return;
                }
                self.compare_directory(*number, *was, *is);
            }
        }
    }

    /// `was` and `is` say on which sides it is a directory.
    fn compare_directory(&mut self, number: u64, was: bool, is: bool) {
        let mut before = self.entries(was.then_some(self.before), number);
        let after = self.entries(is.then_some(self.after), number);
        for (name, inode) in after {
            let place = NamePlace {
                directory: number,
                name,
            };
            match before.remove(&place.name) {
                Some(old) if old == inode => {
                    if let Some(pair) = self.pairs.get_mut(&inode) {
                        pair.kept.push(place);
                    }
                }
                old => {
                    if let Some(old) = old {
                        self.note(old, |pair| pair.taken.push(place.clone()));
                    }
                    self.note(inode, |pair| pair.given.push(place));
                }
            }
        }
        for (name, inode) in before {
            let place = NamePlace {
                directory: number,
                name,
            };
            self.note(inode, |pair| pair.taken.push(place));
        }
    }

    fn entries(&mut self, fs: Option<&dyn Inodes>, directory: u64) -> BTreeMap<String, u64> {
        let mut entries = BTreeMap::new();
        let listed = fs.map_or(Ok(()), |fs| {
            fs.list(by_number(directory), &mut |entry| {
                entries.insert(entry.name, entry.id.number);
                ControlFlow::Continue(())
            })
        });
        if let Err(error) = listed {
            self.fault(&error);
        }
        entries
    }

    /// Notes a name of an inode, which may be one that did not change itself.
    fn note(&mut self, number: u64, what: impl FnOnce(&mut InodePair)) {
        if !self.pairs.contains_key(&number) {
            match self.load(number) {
                Ok(pair) => {
                    self.pairs.insert(number, pair);
                }
                Err(error) => return self.fault(&error),
            }
        }
        if let Some(pair) = self.pairs.get_mut(&number) {
            what(pair);
        }
    }

    fn tell(&mut self, each: &mut dyn FnMut(Change)) {
        let pairs = std::mem::take(&mut self.pairs);
        let mut telling = Telling {
            old_paths: DirectoryPaths::new(self.before),
            new_paths: DirectoryPaths::new(self.after),
            each,
            told: 0,
            root: self.after.root().number,
            nameless: HashMap::new(),
            gone: HashMap::new(),
        };
        for (number, pair) in &pairs {
            telling.learn(*number, pair);
        }
        let all = || pairs.values();
        let given = all().flat_map(|pair| pair.given.iter().chain(&pair.kept));
        let given = given.map(|place| place.directory);
        telling.new_paths.find(given, self.job);
        let taken = all().flat_map(|pair| &pair.taken);
        let taken = taken.map(|place| place.directory);
        telling.old_paths.find(taken, self.job);
        let mut gone: BTreeMap<&NamePlace, &InodeState> = BTreeMap::new();
        for pair in pairs.values().filter(|pair| !pair.is_same_file()) {
            if let Some(before) = &pair.before {
                let places = pair.taken.iter().chain(&pair.kept);
                gone.extend(places.map(|place| (place, before)));
            }
        }
        let mut replaced = BTreeSet::new();
        for (number, pair) in &pairs {
            if self.is_cancelled() {
                return;
            }
            if pair.is_same_file() {
                self.tell_same(pair, &mut telling);
            } else if let Some(inode) = &pair.after {
                let mut places = pair.given.iter().chain(&pair.kept);
                let named = places.clone().find(|place| gone.contains_key(place));
                let before = named.and_then(|place| gone.get(place)).copied();
                if let Some(before) = before {
                    replaced.insert(before.id);
                }
                let kind = match before {
                    Some(_) => ChangeKind::Replaced,
                    None => ChangeKind::Created,
                };
                let place = named.or_else(|| places.next());
                let mut change = telling.change(kind, inode, place);
                change.before = before.map(InodeState::version);
                change.after = Some(inode.version());
                change.written_bytes = self.written_bytes(*number);
                let more = pair.given.iter().chain(&pair.kept);
                let more = more.filter(|other| Some(*other) != place);
                change.links = more.map(|place| telling.new_path(place)).collect();
                telling.tell(change, *number);
            }
        }
        for (number, pair) in &pairs {
            let Some(before) = &pair.before else {
                continue;
            };
            if pair.is_same_file() || replaced.contains(&before.id) {
                continue;
            }
            let mut change = telling.change(ChangeKind::Deleted, before, None);
            let places = pair.taken.iter().chain(&pair.kept);
            let mut paths = places.map(|place| telling.old_path(place));
            let path = paths.next();
            change.links = paths.collect();
            change.path = path;
            change.before = Some(before.version());
            telling.tell(change, *number);
        }
        self.find_names(telling);
    }

    /// A file that is on both sides: its names, and its content.
    fn tell_same(&mut self, pair: &InodePair, telling: &mut Telling<'_, '_>) {
        let (Some(before), Some(after)) = (&pair.before, &pair.after) else {
            return;
        };
        let number = after.id.number;
        let mut told = false;
        let mut taken = pair.taken.iter();
        for place in &pair.given {
            let old = taken.next();
            let kind = match old {
                Some(_) => ChangeKind::Renamed,
                None => ChangeKind::Linked,
            };
            let mut change = telling.change(kind, after, Some(place));
            change.old_path = old.map(|old| telling.old_path(old));
            change.before = Some(before.version());
            change.after = Some(after.version());
            telling.tell(change, number);
            told = true;
        }
        for place in taken {
            let mut change = telling.change(ChangeKind::Unlinked, after, None);
            change.path = Some(telling.old_path(place));
            change.before = Some(before.version());
            change.after = Some(after.version());
            telling.tell(change, number);
            told = true;
        }
        let kind = match self.compare_content(before, after) {
            Ok(Confirmed::Differs) => ChangeKind::Modified,
            Ok(Confirmed::TooMuch) => ChangeKind::Written,
            Ok(Confirmed::Same) if told || before.compared == after.compared => return,
            Ok(Confirmed::Same) => ChangeKind::Metadata,
            Err(error) => {
                self.fault(&error);
                ChangeKind::Written
            }
        };
        let place = pair.given.first().or(pair.kept.first());
        let mut change = telling.change(kind, after, place);
        change.before = Some(before.version());
        change.after = Some(after.version());
        change.written_bytes = self.written_bytes(number);
        telling.tell(change, number);
    }

    fn compare_content(
        &self,
        before: &InodeState,
        after: &InodeState,
    ) -> Result<Confirmed, GuestError> {
        if !matches!(after.kind, FileKind::File | FileKind::Link) {
            return Ok(Confirmed::Same);
        }
        if before.bytes != after.bytes {
            return Ok(Confirmed::Differs);
        }
        let old = collect_runs(self.before, before.id, "")?;
        let new = collect_runs(self.after, after.id, "")?;
        let (old_source, new_source) = (self.before.source(), self.after.source());
        Confirm::new(old_source, new_source, self.written, self.job).compare(&old, &new)
    }

    fn written_bytes(&self, number: u64) -> u64 {
        let runs = collect_runs(self.after, by_number(number), "");
        runs.map_or(0, |runs| written_bytes(&runs, self.written))
    }

    /// Looks for the names that no changed directory told, and tells those changes again with them.
    fn find_names(&mut self, telling: Telling<'_, 'a>) {
        let Telling {
            old_paths,
            new_paths,
            each,
            nameless,
            gone,
            ..
        } = telling;
        let sides = [
            (self.after, new_paths, nameless),
            (self.before, old_paths, gone),
        ];
        for (fs, mut paths, mut nameless) in sides {
            if nameless.is_empty() {
                continue;
            }
            let completed = each_entry(fs, self.job, &mut |directory, entry| {
                if entry.kind == FileKind::Directory {
                    paths.learn(entry.id.number, directory, &entry.name);
                }
                if let Some(mut change) = nameless.remove(&entry.id.number) {
                    change.path = Some(paths.of(directory, &entry.name));
                    each(change);
                }
                if nameless.is_empty() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            self.end.complete &= completed;
            if completed {
                let mut rest: Vec<_> = nameless.into_values().collect();
                rest.sort_by_key(|change| change.number);
                for mut change in rest {
                    change.path = Some(format!("{ORPHANS}/{}", change.id.number));
                    each(change);
                }
            }
        }
    }
}

/// Hands changes over, numbered, with the paths that are known.
struct Telling<'e, 'a> {
    old_paths: DirectoryPaths<'a>,
    new_paths: DirectoryPaths<'a>,
    each: &'e mut dyn FnMut(Change),
    told: u32,
    root: u64,
    /// Changes without a path, by inode: at most one each.
    nameless: HashMap<u64, Change>,
    /// The same of files that are gone, whose names the earlier state has.
    gone: HashMap<u64, Change>,
}

impl Telling<'_, '_> {
    /// Directories that moved are found by the names that told so.
    fn learn(&mut self, number: u64, pair: &InodePair) {
        if let Some(place) = pair.given.first().or(pair.kept.first()) {
            self.new_paths.learn(number, place.directory, &place.name);
        }
        if let Some(place) = pair.taken.first().or(pair.kept.first()) {
            self.old_paths.learn(number, place.directory, &place.name);
        }
    }

    fn new_path(&mut self, place: &NamePlace) -> String {
        self.new_paths.of(place.directory, &place.name)
    }

    fn old_path(&mut self, place: &NamePlace) -> String {
        self.old_paths.of(place.directory, &place.name)
    }

    fn change(
        &mut self,
        kind: ChangeKind,
        inode: &InodeState,
        place: Option<&NamePlace>,
    ) -> Change {
        let id: FileId = inode.id;
        let number = self.told;
        self.told = self.told.saturating_add(1);
        Change {
            number,
            kind,
            file: inode.kind,
            id,
            path: match place {
                Some(place) => Some(self.new_path(place)),
                None => (id.number == self.root).then(|| "/".to_owned()),
            },
            old_path: None,
            before: None,
            after: None,
            written_bytes: 0,
            links: Vec::new(),
            streams: Vec::new(),
        }
    }

    fn tell(&mut self, change: Change, number: u64) {
        if change.path.is_none() {
            let waiting = match change.kind {
                ChangeKind::Deleted => &mut self.gone,
                _ => &mut self.nameless,
            };
            waiting.insert(number, change.clone());
        }
        (self.each)(change);
    }
}
