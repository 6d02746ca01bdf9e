//! More threads where storage turns out to be slow: it answers scattered requests faster together, and threads that wait
//! cost the processors nothing.

use std::num::NonZero;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

/// Notices that portions of work wait for storage.
#[derive(Debug)]
pub struct Slowness {
    limit: Duration,
    in_a_row: u32,
}

impl Slowness {
    /// Work of which one item takes longer than `limit` on average waits for storage.
    pub fn new(limit: Duration) -> Self {
        Self { limit, in_a_row: 0 }
    }

    /// Notes how long a portion took. True when more threads would help, and there is room for them.
    pub fn note(&mut self, items: usize, took: Duration) -> bool {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        // One slow portion may be the scheduler's doing; two in a row are the storage's.
        self.in_a_row = if took > self.limit.saturating_mul(items) {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
        self.in_a_row == 2 && is_room_for_threads()
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
}
