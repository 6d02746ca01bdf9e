//! More threads where storage turns out to be slow: it answers scattered requests faster together, and threads that wait
//! cost the processors nothing.

use std::num::NonZero;
use std::sync::{Mutex, MutexGuard};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use super::locked;

/// Times in a row that an item must be slow: one may be the scheduler's doing, two are the storage's.
const SLOW_IN_A_ROW: u32 = 2;
/// Items each thread does before what its kind brings is judged.
const JUDGED_AFTER: usize = 3;
/// So many times the threads are tried next.
const GROWS_TO: usize = 4;
/// More threads pay while they do so many fourths of what was done before in the same time.
const PAYS_FOURTHS: u128 = 5;

/// Notices items that take longer than they do from memory.
#[derive(Debug)]
pub struct Slowness {
    limit: Duration,
    in_a_row: u32,
}

impl Slowness {
    /// `limit` is what one item may take.
    pub fn new(limit: Duration) -> Self {
        Self { limit, in_a_row: 0 }
    }

    /// True once, when `items` took too long for the second time in a row, unless there is no room for threads.
    pub fn note(&mut self, items: usize, took: Duration) -> bool {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        self.in_a_row = if took > self.limit.saturating_mul(items) {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
        self.in_a_row == SLOW_IN_A_ROW && is_room_for_threads()
    }
}

/// How many threads have a request under way: four times as many each time, as long as that pays.
#[derive(Debug)]
pub struct ThreadGrowth {
    most: usize,
    state: Mutex<GrowthSoFar>,
}

#[derive(Debug)]
struct GrowthSoFar {
    threads: usize,
    /// Since when `done` is counted; `None` while nothing was slow, and once more threads do not pay.
    since: Option<Instant>,
    done: usize,
    /// What was done with fewer threads, and in what time.
    before: Option<(usize, Duration)>,
    is_over: bool,
}

impl ThreadGrowth {
    /// `threads` are there, and there may be as many as `most`.
    pub fn new(threads: usize, most: usize) -> Self {
        Self {
            most,
            state: Mutex::new(GrowthSoFar {
                threads,
                since: None,
                done: 0,
                before: None,
                is_over: threads >= most,
            }),
        }
    }

    /// Threads that are there.
    pub fn threads(&self) -> usize {
        self.state().threads
    }

    /// A thread has done `items`, and finds the storage slow or not; as many threads as this gives are to be started.
    pub fn note(&self, items: usize, is_slow: bool) -> usize {
        self.note_at(items, is_slow, Instant::now())
    }

    /// There was nothing to do for a thread: what is done tells nothing of the storage meanwhile.
    pub fn starve(&self) {
        let mut state = self.state();
        if state.since.is_some() {
            state.since = Some(Instant::now());
            state.done = 0;
        }
    }

    fn state(&self) -> MutexGuard<'_, GrowthSoFar> {
        locked(&self.state)
    }

    fn note_at(&self, items: usize, is_slow: bool, now: Instant) -> usize {
        let mut state = self.state();
        if state.is_over {
            return 0;
        }
        let Some(since) = state.since else {
            return if is_slow {
                state.grow(self.most, now)
            } else {
                0
            };
        };
        state.done = state.done.saturating_add(items);
        if state.done < state.threads.saturating_mul(JUDGED_AFTER) {
            return 0;
        }
        let took = now.saturating_duration_since(since);
        let done = state.done;
        let before = state.before.replace((done, took));
        let pays = before.is_none_or(|(done_before, took_before)| {
            let now = (done as u128).saturating_mul(took_before.as_nanos());
            let then = (done_before as u128).saturating_mul(took.as_nanos());
            now.saturating_mul(4) >= then.saturating_mul(PAYS_FOURTHS)
        });
        if pays {
            return state.grow(self.most, now);
        }
        state.is_over = true;
        0
    }
}

impl GrowthSoFar {
    fn grow(&mut self, most: usize, now: Instant) -> usize {
        let wanted = self.threads.saturating_mul(GROWS_TO).min(most);
        let more = wanted.saturating_sub(self.threads);
        self.threads = self.threads.saturating_add(more);
        self.is_over = more == 0;
        self.since = Some(now);
        self.done = 0;
        more
    }
}

/// Starts up to `count` threads; one that cannot be had is done without.
pub fn start_some<'scope, T, W>(
    scope: &'scope Scope<'scope, '_>,
    count: usize,
    work: W,
) -> Vec<ScopedJoinHandle<'scope, T>>
where
    T: Send + 'scope,
    W: FnOnce() -> T + Send + Clone + 'scope,
{
    (0..count)
        .map_while(|_| Builder::new().spawn_scoped(scope, work.clone()).ok())
        .collect()
}

/// Processors; one if nothing says.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Files that may be open at once besides those that the program itself needs; few where nothing says.
#[cfg(unix)]
pub fn files_at_once() -> usize {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX)
}

/// Nothing limits them here.
#[cfg(not(unix))]
pub fn files_at_once() -> usize {
    usize::MAX
}

/// True unless the address space of the process is limited (`ulimit -v`). The C library sets 64 MiB of it aside for each
/// thread that allocates, so a few threads more could take what the work itself needs.
#[cfg(unix)]
pub fn is_room_for_threads() -> bool {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current.is_none()
}

/// True: there is no such limit here.
#[cfg(not(unix))]
pub fn is_room_for_threads() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slow_portions_in_a_row_want_help_once() {
        let (slow, fast) = (Duration::from_millis(9), Duration::from_micros(9));
        let mut slowness = Slowness::new(Duration::from_millis(1));
        let asked: Vec<bool> = [slow, fast, slow, slow, slow]
            .map(|took| slowness.note(4, took))
            .into();
        let room = is_room_for_threads();
        assert_eq!(asked, [false, false, false, room, false]);
    }

    #[test]
    fn threads_grow_as_long_as_that_pays_and_not_beyond_the_most() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let growth = ThreadGrowth::new(4, 100);
        assert_eq!(growth.note_at(1000, false, at(0)), 0);
        assert_eq!(growth.note_at(1, true, at(10)), 12);
        // Too few to judge by, then enough: one each 2 ms.
        assert_eq!(growth.note_at(10, true, at(20)), 0);
        assert_eq!(growth.note_at(38, true, at(106)), 48);
        // Four times the threads, and three times as much in the same time.
        assert_eq!(growth.note_at(192, true, at(234)), 36);
        assert_eq!(growth.threads(), 100);
        assert_eq!(growth.note_at(10_000, true, at(235)), 0);
        assert_eq!(ThreadGrowth::new(3, 3).note_at(1, true, at(0)), 0);
    }

    #[test]
    fn threads_that_bring_nothing_are_the_last() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let growth = ThreadGrowth::new(4, 100);
        assert_eq!(growth.note_at(1, true, at(0)), 12);
        assert_eq!(growth.note_at(48, true, at(96)), 48);
        assert_eq!(growth.note_at(192, true, at(480)), 0);
        assert_eq!(growth.note_at(9999, true, at(490)), 0);
        assert_eq!(growth.threads(), 64);
    }
}
