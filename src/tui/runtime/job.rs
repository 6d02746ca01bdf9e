//! Jobs: of each kind the newest runs, older ones are asked to stop. A job's panic is its own failure, not the browser's.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread::Thread;

use crate::job::{Job, locked};
use crate::tui::Options;
use crate::tui::app::App;
use crate::tui::effect::JobRequest;
use crate::tui::message::{JobKind, JobNo, Message, News};
use crate::tui::prepared::ShownBy;

use super::reporter::Reporter;
use super::work;

/// What runs.
#[derive(Debug)]
pub struct Jobs {
    options: Arc<Options>,
    inbox: SyncSender<Message>,
    running: BTreeMap<JobKind, RunningJob>,
    /// What rows are wanted by; jobs look at it when they make some.
    wanted: Arc<Mutex<ShownBy>>,
}

/// A job and its thread, which may rest.
#[derive(Debug)]
struct RunningJob {
    job: Job,
    thread: Thread,
}

impl RunningJob {
    fn stop(&self) {
        self.job.cancel.cancel();
        self.thread.unpark();
    }
}

/// What a job tells, whole, and how it ended: for tests that want a browser's answer without its terminal.
#[cfg(any(test, feature = "testing"))]
pub fn answers(options: &Options, work: JobRequest) -> (Vec<News>, Result<(), String>) {
    let (inbox, told) = std::sync::mpsc::sync_channel(1024);
    let reporter = Reporter::new(work.slot(), JobNo(0), inbox, Job::default(), Arc::default());
    let ended = work::run(options, work, &reporter).map_err(|error| error.to_string());
    drop(reporter);
    let news = told.into_iter().filter_map(|message| match message {
        Message::Job(_, _, news) => Some(news),
        _ => None,
    });
    (news.collect(), ended)
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
        let mut wanted = locked(&self.wanted);
        if !app.suits(&wanted) {
            *wanted = app.wanted();
        }
    }

    /// Starts a job; an older one of its kind is asked to stop, and what it still tells is dropped by its number.
    pub fn start(&mut self, no: JobNo, work: JobRequest) {
        let slot = work.slot();
        self.cancel(slot);
        let job = Job::default();
        let own = job.clone();
        let reporter = Reporter::new(slot, no, self.inbox.clone(), own, Arc::clone(&self.wanted));
        let options = Arc::clone(&self.options);
        let inbox = self.inbox.clone();
        let name = format!("{slot:?}").to_lowercase();
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| work::run(&options, work, &reporter)))
                .unwrap_or_else(|panic| Err(panic_words(&*panic).into()))
                .map_err(|error| error.to_string());
            reporter.tell(News::Progress(reporter.progress(String::new())));
            reporter.tell(News::Ended(ended));
        });
        match spawned {
            Ok(handle) => {
                let thread = handle.thread().clone();
                self.running.insert(slot, RunningJob { job, thread });
            }
            Err(error) => {
                // The inbox may be full and this is its reader: losing the news is better than waiting for oneself.
                let _ = inbox.try_send(Message::Job(slot, no, News::Ended(Err(error.to_string()))));
            }
        }
    }

    /// Asks the job of a slot to stop.
    pub fn cancel(&mut self, slot: JobKind) {
        if let Some(running) = self.running.remove(&slot) {
            running.stop();
        }
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&mut self) {
        for running in std::mem::take(&mut self.running).values() {
            running.stop();
        }
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
