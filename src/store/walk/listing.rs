//! Listings of folders: made by the walk itself, and ahead of it by a few threads where the storage waits.
//!
//! The walk asks for one listing after the other, in its order. What it will ask for is known as soon as the folder above
//! is listed, so that much is there when it comes.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use crate::job::{Slowness, ThreadGrowth, files_at_once, start_some};

/// A listing with so many entries that takes longer than so long comes from storage.
const ENTRIES: usize = 64;
const SLOW: Duration = Duration::from_micros(400);
/// Folders listed at once, at most.
const AT_ONCE: usize = 64;
/// Entries that may be listed before the walk asks for them: some MiB of names.
const AHEAD: usize = 32_768;

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The folder, or what of it could not be looked at, and why.
    pub faults: Vec<(PathBuf, io::Error)>,
    /// By name.
    pub entries: Vec<(OsString, FileType)>,
}

impl Listing {
    fn of(folder: &Path) -> Self {
        let mut listing = Self::default();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                listing.faults.push((folder.to_path_buf(), error));
                return listing;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    listing.faults.push((folder.to_path_buf(), error));
                    continue;
                }
            };
            match entry.file_type() {
                Ok(kind) => listing.entries.push((entry.file_name(), kind)),
                Err(error) => listing.faults.push((entry.path(), error)),
            }
        }
        listing.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        listing
    }
}

/// The listings of one walk below one folder.
pub(super) struct Listings<'a> {
    /// Whether the walk will go into a folder, as far as its path tells.
    is_wanted: &'a (dyn Fn(&Path) -> bool + Sync),
    growth: ThreadGrowth,
    state: Mutex<AheadOfWalk>,
    changed: Condvar,
}

#[derive(Default)]
struct AheadOfWalk {
    /// Folders to list ahead, the one wanted first last.
    stack: Vec<PathBuf>,
    ahead: HashMap<PathBuf, Ahead>,
    /// Entries of the listings made ahead.
    entries: usize,
    has_helpers: bool,
    is_closed: bool,
}

enum Ahead {
    Waiting,
    UnderWay,
    Made(Listing),
}

/// Ends the helpers of a walk, however the walk ends.
pub(super) struct Closing<'a>(pub &'a Listings<'a>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl<'a> Listings<'a> {
    /// With at most so many threads; 0: as many as the storage wants.
    pub(super) fn new(threads: usize, is_wanted: &'a (dyn Fn(&Path) -> bool + Sync)) -> Self {
        let most = match threads {
            0 => AT_ONCE.min(files_at_once()).max(1),
            threads => threads,
        };
        Self {
            is_wanted,
            growth: ThreadGrowth::new(1, most),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, AheadOfWalk> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, AheadOfWalk>) -> MutexGuard<'s, AheadOfWalk> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// The walk's next listing. Helpers start in `scope` once listings turn out to be slow; `rest` then gives the folders
    /// that the walk knows of and has not asked for, the next one last.
    pub(super) fn next<'scope>(
        &'scope self,
        folder: &Path,
        slowness: &mut Slowness,
        scope: &'scope Scope<'scope, '_>,
        rest: impl FnOnce() -> Vec<PathBuf>,
    ) -> Listing {
        let mut state = self.state();
        loop {
            match state.ahead.remove(folder) {
                Some(Ahead::UnderWay) => {
                    state.ahead.insert(folder.to_path_buf(), Ahead::UnderWay);
                    state = self.wait(state);
                }
                Some(Ahead::Made(listing)) => {
                    state.entries = state.entries.saturating_sub(listing.entries.len());
                    self.changed.notify_all();
                    return listing;
                }
                Some(Ahead::Waiting) | None => break,
            }
        }
        drop(state);
        let (listing, is_slow) = timed(folder, slowness);
        let more = self.growth.note(1, is_slow);
        if more > 0 {
            let mut state = self.state();
            if !state.has_helpers {
                state.has_helpers = true;
                let rest = rest();
                state.offer(rest.into_iter().filter(|folder| (self.is_wanted)(folder)));
            }
        }
        self.offer(folder, &listing);
        self.start(more, scope);
        listing
    }

    fn start<'scope>(&'scope self, count: usize, scope: &'scope Scope<'scope, '_>) {
        start_some(scope, count, move || self.help(scope));
    }

    fn help<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let mut slowness = Slowness::new(SLOW);
        while let Some(folder) = self.take() {
            let (listing, is_slow) = timed(&folder, &mut slowness);
            self.offer(&folder, &listing);
            let mut state = self.state();
            state.entries = state.entries.saturating_add(listing.entries.len());
            state.ahead.insert(folder, Ahead::Made(listing));
            drop(state);
            self.changed.notify_all();
            let more = self.growth.note(1, is_slow);
            self.start(more, scope);
        }
    }

    /// The next folder to list ahead; `None` once the walk has ended.
    fn take(&self) -> Option<PathBuf> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return None;
            }
            if state.entries < AHEAD {
                while let Some(folder) = state.stack.pop() {
                    // The walk may have listed it meanwhile.
                    if let Some(ahead @ Ahead::Waiting) = state.ahead.get_mut(&folder) {
                        *ahead = Ahead::UnderWay;
                        return Some(folder);
                    }
                }
            }
            self.growth.starve();
            state = self.wait(state);
        }
    }

    /// The folders in a listing may be listed ahead, if anybody does.
    fn offer(&self, folder: &Path, listing: &Listing) {
        let mut state = self.state();
        if !state.has_helpers {
            return;
        }
        let folders = listing.entries.iter().rev();
        let folders = folders.filter(|(_, kind)| kind.is_dir());
        let folders = folders.map(|(name, _)| folder.join(name));
        state.offer(folders.filter(|folder| (self.is_wanted)(folder)));
        drop(state);
        self.changed.notify_all();
    }
}

impl AheadOfWalk {
    fn offer(&mut self, folders: impl Iterator<Item = PathBuf>) {
        for folder in folders {
            self.ahead.insert(folder.clone(), Ahead::Waiting);
            self.stack.push(folder);
        }
    }
}

fn timed(folder: &Path, slowness: &mut Slowness) -> (Listing, bool) {
    let started = Instant::now();
    let listing = Listing::of(folder);
    let parts = listing.entries.len() / ENTRIES;
    let is_slow = slowness.note(parts.saturating_add(1), started.elapsed());
    (listing, is_slow)
}

/// What tells of slow listings.
pub(super) fn slowness() -> Slowness {
    Slowness::new(SLOW)
}
