//! Items on their way from one thread that finds them to many that work on them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::locked;

/// Items the finder may be ahead: some MiB of paths.
const AHEAD: usize = 8192;
/// A queue with one end for the finder and one for all workers. Workers take a share of what waits, so that many items go
/// in large portions and few are still spread over all.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    is_closed: bool,
    workers: usize,
    waiting: usize,
}

/// What a worker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    Some,
    /// None at the moment.
    None,
    /// None, and none will come.
    End,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                is_closed: false,
                workers: 0,
                waiting: 0,
            }),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        locked(&self.state)
    }

    /// One more worker takes its share.
    pub fn join(&self) {
        let mut state = self.state();
        state.workers = state.workers.saturating_add(1);
    }

    /// Puts `items` into the queue and empties them; waits while the workers are too far behind.
    pub fn put(&self, items: &mut Vec<T>) {
        let mut state = self.state();
        while state.items.len() >= AHEAD {
            state = self
                .emptied
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.items.extend(items.drain(..));
        if state.waiting > 0 {
            self.filled.notify_one();
        }
    }

    /// No more will be put in.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_all();
    }

    /// Takes items, at most so many, if there are any.
    pub fn take(&self, items: &mut Vec<T>, most: usize) -> Got {
        self.taken(self.state(), items, most)
    }

    /// Takes items, at most so many, and waits for them.
    pub fn wait(&self, items: &mut Vec<T>, most: usize) -> Got {
        let mut state = self.state();
        while state.items.is_empty() && !state.is_closed {
            state.waiting = state.waiting.saturating_add(1);
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting = state.waiting.saturating_sub(1);
        }
        self.taken(state, items, most)
    }

    fn taken(&self, mut state: MutexGuard<'_, State<T>>, items: &mut Vec<T>, most: usize) -> Got {
        let before = state.items.len();
        let shares = state.workers.saturating_mul(2).max(1);
        let share = before.div_ceil(shares).min(most);
        items.extend(state.items.drain(..share));
        if before >= AHEAD {
            self.emptied.notify_one();
        }
        if !state.items.is_empty() && state.waiting > 0 {
            self.filled.notify_one();
        }
        match (share, state.is_closed) {
            (1.., _) => Got::Some,
            (0, false) => Got::None,
            (0, true) => Got::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTION: usize = 64;

    #[test]
    fn few_items_are_spread_and_many_go_in_portions() {
        let queue = Queue::default();
        for _ in 0..4 {
            queue.join();
        }
        let mut taken = Vec::new();
        assert_eq!(queue.take(&mut taken, PORTION), Got::None);
        queue.put(&mut vec![(); 4]);
        assert_eq!(
            (queue.take(&mut taken, PORTION), taken.len()),
            (Got::Some, 1)
        );
        queue.put(&mut vec![(); 1000]);
        taken.clear();
        assert_eq!(
            (queue.wait(&mut taken, PORTION), taken.len()),
            (Got::Some, PORTION)
        );
        queue.close();
        while queue.take(&mut taken, PORTION) == Got::Some {}
        assert_eq!(taken.len(), 1003);
        assert_eq!(queue.wait(&mut taken, PORTION), Got::End);
    }

    #[test]
    fn every_item_comes_out_once_however_many_take_and_the_finder_waits_for_them() {
        let queue = Queue::default();
        let total = AHEAD * 3;
        let mut taken: Vec<usize> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    queue.join();
                    scope.spawn(|| {
                        let mut taken = Vec::new();
                        while queue.wait(&mut taken, PORTION) == Got::Some {}
                        taken
                    })
                })
                .collect();
            let mut all = 0..total;
            loop {
                let mut some: Vec<_> = all.by_ref().take(100).collect();
                if some.is_empty() {
                    break;
                }
                queue.put(&mut some);
            }
            queue.close();
            let joined = workers.into_iter().map(|worker| worker.join().unwrap());
            joined.flatten().collect()
        });
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..total));
    }
}
