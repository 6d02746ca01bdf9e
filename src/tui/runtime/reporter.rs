//! A job's side of the inbox: what it has to tell, and how far it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::job::{Job, locked};
use crate::tui::message::{JobKind, JobNo, JobProgress, Message, News};
use crate::tui::prepared::ShownBy;

/// The least time between two reports of progress.
const REPORT_GAP: Duration = Duration::from_millis(100);

/// Why a job could not be done; its text is for a person.
pub type JobError = Box<dyn std::error::Error>;

/// A job's side of the inbox.
#[derive(Debug)]
pub struct Reporter {
    slot: JobKind,
    no: JobNo,
    inbox: SyncSender<Message>,
    /// Stops and counts the job.
    pub job: Job,
    began: Instant,
    last: Mutex<Option<Instant>>,
    wanted: Arc<Mutex<ShownBy>>,
}

impl Reporter {
    pub fn new(
        slot: JobKind,
        no: JobNo,
        inbox: SyncSender<Message>,
        job: Job,
        wanted: Arc<Mutex<ShownBy>>,
    ) -> Self {
        Self {
            slot,
            no,
            inbox,
            job,
            began: Instant::now(),
            last: Mutex::new(None),
            wanted,
        }
    }

    /// What rows are wanted by now.
    pub fn wanted(&self) -> ShownBy {
        locked(&self.wanted).clone()
    }

    /// Sends news; waits if the inbox is full. False if nobody reads any more.
    pub fn tell(&self, news: News) -> bool {
        self.inbox
            .send(Message::Job(self.slot, self.no, news))
            .is_ok()
    }

    /// Sends how far the job is, ten times a second at most.
    pub fn tick(&self, at: impl FnOnce() -> String) {
        let now = Instant::now();
        {
            let mut last = locked(&self.last);
            if last.is_some_and(|last| now.duration_since(last) < REPORT_GAP) {
                return;
            }
            *last = Some(now);
        }
        self.tell(News::Progress(self.progress(at())));
    }

    /// How far the job is.
    pub fn progress(&self, at: String) -> JobProgress {
        JobProgress {
            done: self.job.progress.done(),
            total: self.job.progress.total(),
            millis: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            at,
        }
    }

    /// Runs something long while another thread reports its progress.
    pub fn watch<T>(&self, long: impl FnOnce() -> T) -> T {
        let over = Mutex::new(false);
        let changed = std::sync::Condvar::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut over = locked(&over);
                while !*over {
                    let waited = changed.wait_timeout(over, REPORT_GAP);
                    over = waited.unwrap_or_else(PoisonError::into_inner).0;
                    if !*over {
                        self.tick(String::new);
                    }
                }
            });
            // A panic must end the other thread too, or the scope would wait for ever.
            let result = catch_unwind(AssertUnwindSafe(long));
            *locked(&over) = true;
            changed.notify_all();
            match result {
                Ok(value) => value,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}
