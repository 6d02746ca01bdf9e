//! Work that can be watched and stopped, and the threads that do it.
//!
//! ```text
//!  ordered   many inputs, a few threads, results in the order of the inputs; with slots that are used again and again
//!  par       short work in memory on all processors
//!  queue     one end that fills, many that take portions
//!  growing   more threads where storage turns out to be slow
//! ```

mod growing;
mod ordered;
mod par;
mod queue;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use growing::{
    Slowness, ThreadGrowth, files_at_once, is_room_for_threads, processors, start_some,
};
pub use ordered::{run_ordered, run_pipeline};
pub use par::{par_chunks, par_map};
pub use queue::{Got, Queue};

/// Locks what threads share. One that panicked while it held the lock takes no other down: what is shared is whole between any
/// two lines that change it.
pub fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks work to stop; cheap to clone and to look at. Cancelling twice is the same as once.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
    /// Whose cancel is this one's as well.
    parent: Option<Arc<Self>>,
}

impl CancelToken {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// A token for a part of the work: cancelled with this one, and by itself.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            flag: Arc::default(),
            parent: Some(Arc::new(self.clone())),
        }
    }

    /// The flag itself, for those that can only set a flag: signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// True once somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        let parent = self.parent.as_ref();
        self.flag.load(Ordering::Relaxed) || parent.is_some_and(|parent| parent.is_cancelled())
    }
}

/// How far work has come, in units of the work's own (bytes for reads, files for scans).
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Adds to what is done.
    pub fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    /// Adds to what there is to do.
    pub fn expect(&self, more: u64) {
        self.total.fetch_add(more, Ordering::Relaxed);
    }

    /// Done so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// What there is to do, as far as known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// A running piece of work as seen from both sides: the worker reports, the owner watches and stops.
#[derive(Debug, Clone, Default)]
pub struct Job {
    pub cancel: CancelToken,
    pub progress: Arc<Progress>,
}
