//! Paths of directories by their numbers, remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::{Inodes, LISTED_AT_ONCE, by_number, name_in};
use crate::guest::filesystem::DEPTH_MAX;
use crate::job::Job;

/// Where things stand that no way leads to.
pub const ORPHANS: &str = "/$OrphanFiles";

/// Paths within one state of a volume.
pub struct DirectoryPaths<'a> {
    fs: &'a dyn Inodes,
    known: HashMap<u64, String>,
    /// Names that comparing directories came by, with the directory: they need not be looked for.
    names: HashMap<u64, (u64, String)>,
}

impl<'a> DirectoryPaths<'a> {
    pub fn new(fs: &'a dyn Inodes) -> Self {
        Self {
            fs,
            known: HashMap::from([(fs.root().number, String::new())]),
            names: HashMap::new(),
        }
    }

    /// Notes where a directory is named.
    pub fn learn(&mut self, directory: u64, parent: u64, name: &str) {
        self.names.insert(directory, (parent, name.to_owned()));
    }

    /// Finds the ways from these directories to the root, a level at a time: all that a level needs is read together, and each
    /// directory of it once.
    pub fn find(&mut self, directories: impl Iterator<Item = u64>, job: &Job) {
        let mut level: BTreeSet<u64> = directories.collect();
        for _ in 0..DEPTH_MAX {
            level.retain(|directory| !self.is_named(*directory));
            if level.is_empty() {
                return;
            }
            let below: Vec<u64> = level.into_iter().collect();
            let mut children: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
            for portion in below.chunks(LISTED_AT_ONCE) {
                self.fs.will_list(portion);
                for directory in portion {
                    if job.cancel.is_cancelled() {
                        return;
                    }
                    if let Ok(parent) = self.fs.parent(*directory) {
                        children.entry(parent).or_default().insert(*directory);
                    }
                }
            }
            let parents: Vec<u64> = children.keys().copied().collect();
            for portion in parents.chunks(LISTED_AT_ONCE) {
                self.fs.will_list(portion);
                for parent in portion {
                    if job.cancel.is_cancelled() {
                        return;
                    }
                    let wanted = children.remove(parent).unwrap_or_default();
                    self.find_in(*parent, wanted);
                }
            }
            level = parents.into_iter().collect();
        }
    }

    fn is_named(&self, directory: u64) -> bool {
        self.known.contains_key(&directory) || self.names.contains_key(&directory)
    }

    fn find_in(&mut self, parent: u64, mut wanted: BTreeSet<u64>) {
        // A directory that is not found there has no way to the root, which its path tells.
        let _ = self.fs.list(by_number(parent), &mut |entry| {
            if wanted.remove(&entry.id.number) {
                self.names.insert(entry.id.number, (parent, entry.name));
            }
            if wanted.is_empty() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }

    /// The path of what `directory` calls `name`.
    pub fn of(&mut self, directory: u64, name: &str) -> String {
        let folder = self.directory(directory);
        format!("{folder}/{name}")
    }

    /// The path of a directory; empty for the root.
    fn directory(&mut self, number: u64) -> String {
        let mut missing: Vec<(u64, String)> = Vec::new();
        let mut at = number;
        let mut path = loop {
            if let Some(known) = self.known.get(&at) {
                break known.clone();
            }
            let is_loop = missing.iter().any(|(seen, _)| *seen == at);
            let name = self.name(at).filter(|_| !is_loop);
            match name.filter(|_| missing.len() < DEPTH_MAX) {
                Some((parent, name)) => {
                    missing.push((at, name));
                    at = parent;
                }
                None => break format!("{ORPHANS}/{at}"),
            }
        };
        while let Some((number, name)) = missing.pop() {
            path = format!("{path}/{name}");
            self.known.insert(number, path.clone());
        }
        path
    }

    fn name(&self, directory: u64) -> Option<(u64, String)> {
        if let Some(known) = self.names.get(&directory) {
            return Some(known.clone());
        }
        let parent = self.fs.parent(directory).ok()?;
        let found = name_in(self.fs, parent, directory).ok()??;
        Some((parent, found.name))
    }
}
