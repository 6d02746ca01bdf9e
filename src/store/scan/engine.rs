//! The running scan: a walker thread feeds a few readers, and the caller's thread gathers, links and tells.

mod show;
mod wanted;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use self::show::SpaceOn;
use super::readers::{Note, Readers};
use super::{Entry, ScanError, ScanEvent, ScanOptions};
use crate::finding::Finding;
use crate::job::{Job, run_ordered};
use crate::store::configs::configs;
use crate::store::containers::xo::{self, Backup};
use crate::store::containers::{self, FilesAndVolumes, Repository};
use crate::store::facts::Files as _;
use crate::store::gate::Gate;
use crate::store::host::rows::{Ends, Rows, date_disk};
use crate::store::host::{FactsFile, above, load};
use crate::store::hyperv::{ConfigRecord, MemoryFile};
use crate::store::link::{LinkKey, Linked, Remembering, Stage};
use crate::store::place::real_path;
use crate::store::probe::{self, Outcome};
use crate::store::pvs::Manifest;
use crate::store::walk::{Candidate, Step, Way, walk};
use crate::store::{Disk, Forest, PathError, PathMap, codes};

/// Notes the walk and the readers may be ahead of the gathering thread.
const QUEUE: usize = 128;
/// How soon the first rows are shown, and how often the current path is told.
const FIRST_ROWS: Duration = Duration::from_millis(30);

/// A scan under way.
pub(super) struct Engine<'a> {
    options: &'a ScanOptions,
    files: &'a FilesAndVolumes<'a>,
    job: &'a Job,
    on_event: &'a mut dyn FnMut(ScanEvent),
    gate: Remembering<Gate>,
    maps: Vec<PathMap>,
    entries: Vec<Entry>,
    /// Device and inode to the entry; `None` since the entries were sorted.
    identities: Option<HashMap<(u64, u64), usize>>,
    configs: Vec<PathBuf>,
    memory: Vec<PathBuf>,
    records: Vec<ConfigRecord>,
    /// Of the versions of provisioned disks.
    manifests: Vec<Manifest>,
    /// Inputs of known names that the walk met.
    found_facts: Vec<PathBuf>,
    facts: Arc<[FactsFile]>,
    /// Their rows of files.
    rows: Rows,
    /// Storage repositories in containers.
    groups: Vec<Arc<containers::OpenRepository>>,
    repositories: Vec<Arc<Repository>>,
    backup_paths: Vec<PathBuf>,
    /// Of backup repositories; `None` until they are read.
    backups: Option<Vec<Backup>>,
    companions: Vec<(PathBuf, &'static str)>,
    errors: Vec<PathError>,
    side_findings: Vec<(PathBuf, Finding)>,
    /// Free bytes of each device, and of folders on none.
    free: HashMap<SpaceOn, Option<u64>>,
    /// What lies below `--parent-root`, once a child's parent was nowhere else: real path and link id.
    parent_pool: Option<Vec<(LinkKey, PathBuf)>>,
    seen: u64,
    /// Files read at once: what the storage turned out to want.
    readers: usize,
    next_forest: Instant,
    next_word: Instant,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        options: &'a ScanOptions,
        files: &'a FilesAndVolumes<'a>,
        job: &'a Job,
        on_event: &'a mut dyn FnMut(ScanEvent),
    ) -> Result<Self, ScanError> {
        let now = Instant::now();
        Ok(Self {
            facts: load::named(&options.facts)?.into(),
            rows: Rows::default(),
            found_facts: Vec::new(),
            errors: Vec::new(),
            gate: Remembering::new(gate(options)?),
            maps: maps(options),
            options,
            files,
            job,
            on_event,
            entries: Vec::new(),
            identities: None,
            configs: Vec::new(),
            memory: Vec::new(),
            records: Vec::new(),
            manifests: Vec::new(),
            groups: Vec::new(),
            repositories: Vec::new(),
            backup_paths: Vec::new(),
            backups: None,
            companions: Vec::new(),
            side_findings: Vec::new(),
            free: HashMap::new(),
            parent_pool: None,
            seen: 0,
            readers: Readers::at_first(options),
            next_forest: later(now, FIRST_ROWS),
            next_word: now,
        })
    }

    pub(super) fn run(mut self) -> Result<Arc<Forest>, ScanError> {
        self.walk_and_probe()?;
        if self.groups.iter().any(|group| group.has_changed()) {
            self.forget();
            self.walk_and_probe()?;
            self.mark_live();
        }
        self.backup_paths.sort();
        let backups = xo::read(self.files, &self.backup_paths, &mut self.side_findings);
        self.backups = Some(backups);
        let groups = self.groups.iter();
        let read = |group| Arc::new(Repository::read(group, self.options.history));
        self.repositories = groups.map(|group| read(group)).collect();
        self.read_sides();
        let linked = self.parents_named();
        let linked = self.date(linked);
        let has_more = self
            .entries
            .iter()
            .any(|entry| probe::is_counted_later(&entry.disk, self.options.counts));
        if has_more && !self.job.cancel.is_cancelled() {
            let forest = self.forest(linked, false);
            (self.on_event)(ScanEvent::Forest(forest));
            self.count_large();
            let linked = self.link(Stage::Whole);
            return Ok(self.finish(linked));
        }
        Ok(self.finish(linked))
    }

    /// Facts that lie in the store, then configurations, which they may date.
    fn read_sides(&mut self) {
        let found = load::found(
            self.files,
            &mut self.found_facts,
            &mut self.errors,
            &mut self.side_findings,
        );
        self.side_findings
            .extend(above::above(self.files, self.options));
        self.facts = self.facts.iter().cloned().chain(found).collect();
        self.rows = Rows::new(Arc::clone(&self.facts));
        let (records, manifests) = configs(
            self.files,
            &mut self.configs,
            &mut self.memory,
            &self.rows,
            &mut self.errors,
        );
        self.records = records;
        for (path, manifest) in manifests {
            match manifest {
                Ok(manifest) => self.manifests.push(manifest),
                Err(fault) => self.side_findings.push((path, fault)),
            }
        }
        for record in &self.records {
            let found = record.findings.iter().cloned();
            self.side_findings
                .extend(found.map(|finding| (record.path.clone(), finding)));
        }
    }

    /// Gives each disk its row of the host's listings, and its times. Links are looked at again, as some rest on times.
    fn date(&mut self, linked: Linked) -> Linked {
        if self.facts.iter().all(|of| of.facts.files.is_empty()) {
            return linked;
        }
        let disks: Vec<_> = self
            .entries
            .iter()
            .map(|entry| (&*entry.disk, entry.place()))
            .collect();
        let rows = self.rows.of_disks(&disks, &self.maps);
        drop(disks);
        if rows.iter().all(Option::is_none) {
            return linked;
        }
        for (at, (entry, row)) in self.entries.iter_mut().zip(rows).enumerate() {
            let ends = Ends::of(linked.nodes.get(at));
            if let Some(row) = &row {
                date_disk(&mut entry.disk, row, ends);
            }
            entry.host = row.map(|row| (row, ends));
        }
        self.link(Stage::Whole)
    }

    fn finish(mut self, linked: Linked) -> Arc<Forest> {
        let is_complete = !self.job.cancel.is_cancelled();
        let forest = self.forest(linked, is_complete);
        (self.on_event)(ScanEvent::Forest(Arc::clone(&forest)));
        forest
    }

    /// Before all is read once more, because a container changed meanwhile.
    fn forget(&mut self) {
        self.entries.clear();
        self.identities = None;
        self.configs.clear();
        self.found_facts.clear();
        self.memory.clear();
        self.found_facts.clear();
        self.groups.clear();
        self.files.containers.forget();
        self.backup_paths.clear();
        self.companions.clear();
        self.errors.clear();
        self.side_findings.clear();
    }

    /// The disks of containers that changed again.
    fn mark_live(&mut self) {
        let changed = self.groups.iter().filter(|group| group.has_changed());
        let folders: Vec<_> = changed.map(|group| group.folder.clone()).collect();
        for entry in &mut self.entries {
            if folders
                .iter()
                .any(|folder| entry.disk.path.starts_with(folder))
            {
                probe::mark_live(Arc::make_mut(&mut entry.disk));
            }
        }
    }

    /// First part: every file below the roots, headers and cheap counts.
    fn walk_and_probe(&mut self) -> Result<(), ScanError> {
        let (options, job) = (self.options, self.job);
        let containers = self.files.containers;
        let readers = Readers::new(options, self.files, job);
        std::thread::scope(|scope| {
            let (notes, inbox) = sync_channel(QUEUE);
            readers.start(scope, &notes);
            let mut found = readers.found();
            let walker = scope.spawn(move || {
                let roots = &options.roots;
                walk(
                    roots,
                    options.threads,
                    &job.cancel,
                    containers,
                    &mut |step| {
                        found.pass_on(step, &notes);
                    },
                )
            });
            self.gather(&inbox);
            self.readers = readers.threads();
            match walker.join() {
                Ok(Err((path, source))) => Err(ScanError::Root { path, source }),
                // A panic of the walker would have ended the scope with it.
                Ok(Ok(())) | Err(_) => Ok(()),
            }
        })
    }

    fn gather(&mut self, inbox: &Receiver<Note>) {
        loop {
            let wait = self.next_forest.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(wait.max(Duration::from_millis(1))) {
                Ok(note) => self.take(note),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.show_growth();
        }
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Step(Step::Candidate(found)) => {
                // Only files with a fault come this way; the others come probed.
                if let Some(fault) = found.fault.clone() {
                    let facts = self.files.facts(&found.path).unwrap_or_default();
                    let disk = Arc::new(probe::row(&found.path, facts, vec![*fault]));
                    self.add(found, disk);
                }
            }
            Note::Step(Step::Companion(path, what)) => {
                if MemoryFile::id(&path).is_some() {
                    self.memory.push(path.clone());
                }
                self.companions.push((path, what));
            }
            Note::Step(Step::Config(path)) => self.configs.push(path),
            Note::Step(Step::Backup(path)) => self.backup_paths.push(path),
            Note::Step(Step::Container(group)) => self.groups.push(group),
            Note::Step(Step::Facts(path)) => self.found_facts.push(path),
            Note::Step(Step::Error(error)) => self.errors.push(error),
            Note::Step(Step::NotWalked(path, finding)) => self.side_findings.push((path, finding)),
            Note::Probed(batch) => {
                for (found, outcome) in batch {
                    self.take_probed(found, outcome);
                }
            }
        }
    }

    fn take_probed(&mut self, found: Candidate, outcome: Outcome) {
        self.job.progress.advance(1);
        self.seen = self.seen.saturating_add(1);
        self.word(&found.path);
        match outcome {
            Outcome::Disk(disk) => self.add(found, disk),
            Outcome::NoDisk => {}
            Outcome::Error(error) => self.errors.push(error),
        }
    }

    fn word(&mut self, path: &Path) {
        let now = Instant::now();
        if now >= self.next_word {
            self.next_word = later(now, FIRST_ROWS);
            (self.on_event)(ScanEvent::Walking { files: self.seen });
            (self.on_event)(ScanEvent::Reading {
                path: path.to_path_buf(),
            });
        }
    }

    /// Adds a disk, or a further name of one that is known.
    fn add(&mut self, found: Candidate, disk: Arc<Disk>) {
        let entry = Entry {
            disk,
            folder: found.folder,
            way: found.way,
            also: Vec::new(),
            host: None,
        };
        let at = self.entries.len();
        let identities = self.identities.get_or_insert_with(|| {
            let known = self.entries.iter().enumerate();
            known
                .filter_map(|(at, entry)| Some((entry.disk.file.identity?, at)))
                .collect()
        });
        let known = entry
            .disk
            .file
            .identity
            .map(|identity| *identities.entry(identity).or_insert(at))
            .filter(|known| *known != at)
            .and_then(|known| self.entries.get_mut(known));
        match known {
            Some(known) => merge(known, entry),
            None => self.entries.push(entry),
        }
    }

    /// Third part: tables and bitmaps of large disks, those that are soonest done first.
    fn count_large(&mut self) {
        let (files, job) = (self.files, self.job);
        let mut large: Vec<(usize, Arc<Disk>)> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| probe::is_counted_later(&entry.disk, self.options.counts))
            .map(|(at, entry)| (at, Arc::clone(&entry.disk)))
            .collect();
        large.sort_by_key(|(_, disk)| {
            let header = disk.header.as_ref();
            header.map_or(0, |header| header.blocks.min(header.file_size))
        });
        job.progress.expect(large.len() as u64);
        run_ordered(
            &large,
            self.readers,
            &job.cancel,
            |_, (_, disk)| Arc::new(probe::count(files, disk, job)),
            |at, mut counted| {
                job.progress.advance(1);
                self.word(&counted.path);
                let entry = large
                    .get(at)
                    .and_then(|(entry, _)| self.entries.get_mut(*entry));
                if let Some(entry) = entry {
                    if let Some((row, ends)) = &entry.host {
                        date_disk(&mut counted, row, *ends);
                    }
                    entry.disk = counted;
                }
                self.show_growth_of(Stage::Whole);
            },
        );
    }
}

/// The gate around a scan's roots.
pub(super) fn gate(options: &ScanOptions) -> Result<Gate, ScanError> {
    Gate::new(options.roots.iter().chain(&options.parent_roots))
        .map_err(|(path, source)| ScanError::Root { path, source })
}

/// A scan's maps, their folders in the form in which places are compared. One that is not there leads nowhere as it is.
pub(super) fn maps(options: &ScanOptions) -> Vec<PathMap> {
    let real = |map: &PathMap| PathMap {
        from: map.from.clone(),
        to: real_path(&map.to).unwrap_or_else(|_| map.to.clone()),
    };
    options.maps.iter().map(real).collect()
}

fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

fn path_bytes(entry: &Entry) -> &[u8] {
    entry.disk.path.as_os_str().as_encoded_bytes()
}

/// Keeps the better name of one file and notes the other: real before linked, then by path.
fn merge(known: &mut Entry, mut other: Entry) {
    let rank = |entry: &Entry| (entry.way, path_bytes(entry).to_vec());
    if rank(&other) < rank(known) {
        std::mem::swap(known, &mut other);
    }
    let place = |entry: &Entry| entry.disk.path.file_name().map(|_| entry.place());
    known.also.append(&mut other.also);
    let (here, there) = (place(known), place(&other));
    let is_elsewhere = here != there;
    if is_elsewhere {
        known.also.extend(there);
    }
    let findings = &mut Arc::make_mut(&mut known.disk).findings;
    // What was told of other names stays, whichever name came first.
    let is_told = |finding: &Finding| *finding.code == codes::SAME_FILE;
    findings.extend(other.disk.findings.iter().filter(|of| is_told(of)).cloned());
    if is_elsewhere {
        let how = if other.way == Way::Link {
            "through a symbolic link"
        } else {
            "as a hard link"
        };
        let text = format!("It is also found {how}: {}.", other.disk.path.display());
        findings.push(Finding::new(&codes::SAME_FILE, text));
    }
    findings.sort_by(|a, b| {
        let rank = |of: &Finding| is_told(of).then(|| of.text.clone());
        rank(a).cmp(&rank(b))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FileFacts;

    fn entry(path: &str, way: Way) -> Entry {
        let path = Path::new(path);
        Entry {
            disk: Arc::new(probe::row(path, FileFacts::default(), Vec::new())),
            folder: path.parent().unwrap().into(),
            way,
            also: Vec::new(),
            host: None,
        }
    }

    #[test]
    fn a_place_reached_through_a_link_first_and_then_directly_keeps_what_was_told() {
        let mut known = entry("/s/linked/base.vhd", Way::Link);
        known.folder = Path::new("/s/a").into();
        let mut link = entry("/s/z/link.vhd", Way::Link);
        link.folder = Path::new("/s/z").into();
        merge(&mut known, link);
        merge(&mut known, entry("/s/a/base.vhd", Way::Direct));
        assert_eq!(known.disk.path, Path::new("/s/a/base.vhd"));
        assert_eq!(known.also, [Path::new("/s/z/link.vhd")]);
        let told: Vec<_> = known.disk.findings.iter().map(|of| &*of.text).collect();
        assert_eq!(
            told,
            ["It is also found through a symbolic link: /s/z/link.vhd."]
        );
    }

    #[test]
    fn whichever_name_of_a_file_comes_first_the_best_stays_and_all_others_are_told() {
        let names = [
            ("/s/a/base.vhd", Way::Direct),
            ("/s/z/twin.vhd", Way::Direct),
            ("/s/a/link.vhd", Way::Link),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let [mut known, second, third] = order.map(|at: usize| entry(names[at].0, names[at].1));
            merge(&mut known, second);
            merge(&mut known, third);
            // Its own place, reached again through a folder that is a link, is nothing to tell.
            let mut again = entry("/s/linked/base.vhd", Way::Link);
            again.folder = Path::new("/s/a").into();
            merge(&mut known, again);
            assert_eq!(known.disk.path, Path::new("/s/a/base.vhd"), "{order:?}");
            known.also.sort();
            let also = ["/s/a/link.vhd", "/s/z/twin.vhd"].map(PathBuf::from);
            assert_eq!(known.also, also, "{order:?}");
            let told: Vec<_> = known.disk.findings.iter().map(|of| &*of.text).collect();
            assert_eq!(
                told,
                [
                    "It is also found as a hard link: /s/z/twin.vhd.",
                    "It is also found through a symbolic link: /s/a/link.vhd.",
                ],
                "{order:?}"
            );
        }
    }
}
