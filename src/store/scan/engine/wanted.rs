//! Parents that the walk did not meet: those that lie in allowed folders outside of it, and those that are searched by id.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::Engine;
use crate::job::run_ordered;
use crate::store::link::{LinkKey, Linked, Stage, WantedParent, key_of, wanted_keys};
use crate::store::names::Named;
use crate::store::probe::{self, Outcome, TakenAs};
use crate::store::walk::{Candidate, Step, Way, walk};
use crate::store::{CountPolicy, LinkState};

impl Engine<'_> {
    /// Second part: parents that lie in allowed folders outside the walk. Their own parents follow.
    pub(super) fn parents_named(&mut self) -> Linked {
        let mut asked: HashSet<WantedParent> = HashSet::new();
        loop {
            let linked = self.link(Stage::Whole);
            let mut wanted: Vec<WantedParent> = linked
                .wanted
                .iter()
                .filter(|wanted| !asked.contains(*wanted))
                .cloned()
                .collect();
            if wanted.is_empty() {
                wanted = self.wanted_by_id(&linked);
                wanted.retain(|wanted| !asked.contains(wanted));
            }
            if wanted.is_empty() || self.job.cancel.is_cancelled() {
                return linked;
            }
            self.probe_wanted(&wanted);
            asked.extend(wanted);
        }
    }

    /// Disks below `--parent-root` with an id that a child wants and that nothing else led to.
    fn wanted_by_id(&mut self, linked: &Linked) -> Vec<WantedParent> {
        let is_open = |state| {
            use LinkState::{IdMismatch, Missing, OutsideRoots};
            matches!(state, Missing | OutsideRoots | IdMismatch)
        };
        let ids: HashSet<LinkKey> = linked
            .nodes
            .iter()
            .zip(&self.entries)
            .filter(|(node, _)| node.parent.as_ref().is_some_and(|link| is_open(link.state)))
            .filter_map(|(_, entry)| entry.disk.header.as_ref())
            .flat_map(wanted_keys)
            .collect();
        if self.options.parent_roots.is_empty() || ids.is_empty() {
            return Vec::new();
        }
        if self.parent_pool.is_none() {
            self.parent_pool = Some(self.search_parent_roots());
        }
        let pool = self.parent_pool.iter().flatten();
        pool.filter(|(key, _)| ids.contains(key))
            .map(|(_, path)| WantedParent {
                path: path.clone(),
                raw: None,
            })
            .collect()
    }

    /// Reads the headers of all disks below `--parent-root`; only those that are somebody's parent become part of the store.
    fn search_parent_roots(&mut self) -> Vec<(LinkKey, PathBuf)> {
        let (files, job) = (self.files, self.job);
        let mut found = Vec::new();
        let errors = &mut self.errors;
        // A root that is not there was told when the gate was made.
        let _ = walk(
            &self.options.parent_roots,
            self.options.threads,
            &job.cancel,
            files.containers,
            &mut |step| match step {
                Step::Candidate(candidate) if candidate.name == Named::Disk => {
                    let name = candidate.path.file_name().map(PathBuf::from);
                    found.push(candidate.folder.join(name.unwrap_or_default()));
                }
                Step::Error(error) => errors.push(error),
                _ => {}
            },
        );
        let mut pool = Vec::new();
        run_ordered(
            &found,
            self.readers,
            &job.cancel,
            |_, path| {
                let taken = TakenAs::As(Named::Disk);
                match probe::probe(
                    files,
                    path,
                    taken,
                    CountPolicy::HeadersOnly,
                    &probe::inner(job),
                ) {
                    Outcome::Disk(disk) => key_of(disk.header.as_ref()?),
                    Outcome::NoDisk | Outcome::Error(_) => None,
                }
            },
            |at, key| pool.extend(key.zip(found.get(at).cloned())),
        );
        pool
    }

    fn probe_wanted(&mut self, wanted: &[WantedParent]) {
        let (files, options, job) = (self.files, self.options, self.job);
        let gate = self.gate.gate();
        let readers = self.readers;
        let counting = probe::inner(job);
        let mut probed = Vec::new();
        run_ordered(
            wanted,
            readers,
            &job.cancel,
            |_, wanted| {
                let taken = wanted.raw.map_or(TakenAs::As(Named::Disk), TakenAs::Raw);
                let path = gate.as_given(&wanted.path);
                probe::probe(files, &path, taken, options.counts, &counting)
            },
            |at, outcome| probed.push((at, outcome)),
        );
        for (at, outcome) in probed {
            let (Some(wanted), Outcome::Disk(disk)) = (wanted.get(at), outcome) else {
                continue;
            };
            // A file that was no disk by itself and is raw content by its child's word.
            let known = self.entries.iter_mut().find(|entry| {
                disk.file.identity.is_some() && entry.disk.file.identity == disk.file.identity
            });
            match known {
                Some(known) if wanted.raw.is_some() && known.disk.header.is_none() => {
                    let path = known.disk.path.clone();
                    known.disk = disk;
                    Arc::make_mut(&mut known.disk).path = path;
                }
                _ => {
                    let folder = wanted.path.parent().unwrap_or(&wanted.path).into();
                    let found = Candidate {
                        path: disk.path.clone(),
                        name: Named::Disk,
                        folder,
                        way: Way::Parent,
                        fault: None,
                    };
                    self.add(found, disk);
                }
            }
        }
    }
}
