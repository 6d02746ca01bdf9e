//! Paths of directories by their numbers, remembered.

use std::collections::HashMap;

use super::{Inodes, name_in};
use crate::guest::filesystem::DEPTH_MAX;

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
