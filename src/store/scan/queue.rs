//! Files on their way from the walk to the readers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::store::walk::Candidate;

/// Files the walk may be ahead of the readers: some MiB of paths.
const AHEAD: usize = 8192;
/// Files a reader takes at once, at most: waking a thread costs as much as reading a few small headers.
const PORTION: usize = 64;

/// A queue with one end for the walk and one for all readers. Readers take a share of what waits, so that many files go
/// in large portions and few are still spread over all.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: VecDeque<Candidate>,
    is_closed: bool,
    readers: usize,
    waiting: usize,
}

/// What a reader got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    /// Files.
    Files,
    /// None at the moment.
    None,
    /// None, and none will come.
    End,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock has left a whole queue behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more reader takes its share.
    pub(super) fn join(&self) {
        let mut state = self.state();
        state.readers = state.readers.saturating_add(1);
    }

    /// Puts `files` into the queue and empties them; waits while the walk is too far ahead.
    pub(super) fn put(&self, files: &mut Vec<Candidate>) {
        let mut state = self.state();
        while state.files.len() >= AHEAD {
            state = self
                .emptied
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.files.extend(files.drain(..));
        if state.waiting > 0 {
            self.filled.notify_one();
        }
    }

    /// The walk has ended.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_all();
    }

    /// Takes files, if there are any.
    pub(super) fn take(&self, files: &mut Vec<Candidate>) -> Got {
        self.taken(self.state(), files)
    }

    /// Takes files, and waits for them.
    pub(super) fn wait(&self, files: &mut Vec<Candidate>) -> Got {
        let mut state = self.state();
        while state.files.is_empty() && !state.is_closed {
            state.waiting = state.waiting.saturating_add(1);
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting = state.waiting.saturating_sub(1);
        }
        self.taken(state, files)
    }

    fn taken(&self, mut state: MutexGuard<'_, State>, files: &mut Vec<Candidate>) -> Got {
        let before = state.files.len();
        let shares = state.readers.saturating_mul(2).max(1);
        let share = before.div_ceil(shares).min(PORTION);
        files.extend(state.files.drain(..share));
        if before >= AHEAD {
            self.emptied.notify_one();
        }
        if !state.files.is_empty() && state.waiting > 0 {
            self.filled.notify_one();
        }
        match (share, state.is_closed) {
            (1.., _) => Got::Files,
            (0, false) => Got::None,
            (0, true) => Got::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::names::Named;
    use crate::store::walk::Way;

    fn files(count: usize) -> Vec<Candidate> {
        let file = |at: usize| Candidate {
            path: format!("{at}").into(),
            name: Named::Anything,
            folder: Path::new("").into(),
            way: Way::Direct,
            fault: None,
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn few_files_are_spread_and_many_go_in_portions() {
        let queue = Queue::default();
        for _ in 0..4 {
            queue.join();
        }
        let mut taken = Vec::new();
        assert_eq!(queue.take(&mut taken), Got::None);
        queue.put(&mut files(4));
        assert_eq!((queue.take(&mut taken), taken.len()), (Got::Files, 1));
        queue.put(&mut files(1000));
        taken.clear();
        assert_eq!((queue.wait(&mut taken), taken.len()), (Got::Files, PORTION));
        queue.close();
        while queue.take(&mut taken) == Got::Files {}
        assert_eq!(taken.len(), 1003);
        assert_eq!(queue.wait(&mut taken), Got::End);
    }

    #[test]
    fn every_file_comes_out_once_however_many_take_and_the_walk_waits_for_them() {
        let queue = Queue::default();
        let total = AHEAD * 3;
        let mut taken: Vec<Candidate> = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..8)
                .map(|_| {
                    queue.join();
                    scope.spawn(|| {
                        let mut taken = Vec::new();
                        while queue.wait(&mut taken) == Got::Files {}
                        taken
                    })
                })
                .collect();
            let mut all = files(total).into_iter();
            loop {
                let mut some: Vec<_> = all.by_ref().take(100).collect();
                if some.is_empty() {
                    break;
                }
                queue.put(&mut some);
            }
            queue.close();
            let joined = readers.into_iter().map(|reader| reader.join().unwrap());
            joined.flatten().collect()
        });
        taken.sort_by(|a, b| a.path.cmp(&b.path));
        taken.dedup_by(|a, b| a.path == b.path);
        assert_eq!(taken.len(), total);
    }
}
