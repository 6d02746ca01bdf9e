//! Jobs: of each kind the newest runs, older ones are asked to stop. A job's panic is its own failure, not the browser's.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::job::Job;
use crate::tui::Options;
use crate::tui::app::App;
use crate::tui::effect::Work;
use crate::tui::message::{JobNo, Message, News, Progress, Slot};
use crate::tui::prepared::Wanted;

use super::work;

/// The least time between two reports of progress.
const REPORT_GAP: Duration = Duration::from_millis(100);

/// What runs.
#[derive(Debug)]
pub struct Jobs {
    options: Arc<Options>,
    inbox: SyncSender<Message>,
    running: BTreeMap<Slot, Job>,
    /// What rows are wanted by; jobs look at it when they make some.
    wanted: Arc<Mutex<Wanted>>,
}

impl Jobs {
    /// None yet.
    pub fn new(options: Options, inbox: SyncSender<Message>) -> Self {
        Self {
            options: Arc::new(options),
            inbox,
            running: BTreeMap::new(),
            wanted: Arc::default(),
        }
    }

    /// Tells the jobs what rows are wanted by from now on.
    pub fn want(&self, app: &App) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !wanted.suits(app) {
            *wanted = Wanted::of(app);
        }
    }

    /// Starts a job; an older one of its kind is asked to stop, and what it still tells is dropped by its number.
    pub fn start(&mut self, no: JobNo, work: Work) {
        let slot = work.slot();
        self.cancel(slot);
        let job = Job::default();
        self.running.insert(slot, job.clone());
        let reporter = Reporter::new(slot, no, self.inbox.clone(), job, Arc::clone(&self.wanted));
        let options = Arc::clone(&self.options);
        let inbox = self.inbox.clone();
        let name = format!("{slot:?}").to_lowercase();
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| work::run(&options, work, &reporter)))
                .unwrap_or_else(|panic| Err(panic_words(&*panic)));
            reporter.tell(News::Progress(reporter.progress(String::new())));
            reporter.tell(News::Ended(ended));
        });
        if let Err(error) = spawned {
            // The inbox may be full and this is its reader: losing the news is better than waiting for oneself.
            let _ = inbox.try_send(Message::Job(slot, no, News::Ended(Err(error.to_string()))));
        }
    }

    /// Asks the job of a slot to stop.
    pub fn cancel(&mut self, slot: Slot) {
        if let Some(job) = self.running.remove(&slot) {
            job.cancel.cancel();
        }
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&mut self) {
        for job in self.running.values() {
            job.cancel.cancel();
        }
        self.running.clear();
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "this is a fault of vhdtree: {}",
        text.unwrap_or("it panicked")
    )
}

/// A job's side of the inbox.
#[derive(Debug)]
pub struct Reporter {
    slot: Slot,
    no: JobNo,
    inbox: SyncSender<Message>,
    /// Stops and counts the job.
    pub job: Job,
    began: Instant,
    last: Mutex<Option<Instant>>,
    wanted: Arc<Mutex<Wanted>>,
}

impl Reporter {
    fn new(
        slot: Slot,
        no: JobNo,
        inbox: SyncSender<Message>,
        job: Job,
        wanted: Arc<Mutex<Wanted>>,
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
    pub fn wanted(&self) -> Wanted {
        self.wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| now.duration_since(last) < REPORT_GAP) {
                return;
            }
            *last = Some(now);
        }
        self.tell(News::Progress(self.progress(at())));
    }

    /// How far the job is.
    pub fn progress(&self, at: String) -> Progress {
        Progress {
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
                let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
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
            *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            changed.notify_all();
            match result {
                Ok(value) => value,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}
