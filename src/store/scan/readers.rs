//! The readers of a scan: threads that probe the files the walk finds, and tell what came of them.

use std::ops::RangeInclusive;
use std::sync::mpsc::SyncSender;
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::ScanOptions;
use crate::format::vhd::SECTOR_BYTES;
use crate::job::{Got, Job, Queue, Slowness, ThreadGrowth, files_at_once, processors, start_some};
use crate::store::facts::Files;
use crate::store::names::Named;
use crate::store::probe::{self, Outcome, TakenAs};
use crate::store::walk::{Candidate, Step};

/// Files read at once if nothing is said: at first as many as keep the processors busy.
const AT_FIRST: RangeInclusive<usize> = 4..=16;
/// Files read at once, at most, when they come from storage that answers many requests together.
const IF_SLOW: usize = 128;
/// A file that takes a reader longer than this on average comes from storage; one from memory takes a tenth.
const SLOW: Duration = Duration::from_micros(150);
/// Files a reader takes at once, at most: waking a thread costs as much as reading a few small headers. From storage each
/// is worth waking one.
const PORTION: usize = 64;
/// So many times what a reader took last it takes next, if all came from memory.
const PORTION_GROWS: usize = 4;
/// Files the walk gathers before it hands them on: one in so many of those found, and at most so many.
const GATHERED_SHARE: u64 = 8;
const GATHERED: u64 = 32;
/// A reader tells what it has once it has so many files, after so long, or when there is nothing to do for it.
const HOLD_FILES: usize = 256;
const HOLD_BACK: Duration = Duration::from_millis(20);

/// What the threads tell the gathering one.
pub(super) enum Note {
    Step(Step),
    Probed(Vec<(Candidate, Outcome)>),
}

/// What all readers share.
pub(super) struct Readers<'a> {
    options: &'a ScanOptions,
    files: &'a dyn Files,
    job: &'a Job,
    counting: Job,
    queue: Queue<Candidate>,
    growth: ThreadGrowth,
}

impl<'a> Readers<'a> {
    pub(super) fn new(options: &'a ScanOptions, files: &'a dyn Files, job: &'a Job) -> Self {
        let at_first = Self::at_first(options);
        // So many and no more, if the number is given.
        let most = match options.threads {
            0 => IF_SLOW.min(files_at_once()).max(at_first),
            threads => threads,
        };
        Self {
            options,
            files,
            job,
            counting: probe::inner(job),
            queue: Queue::default(),
            growth: ThreadGrowth::new(at_first, most),
        }
    }

    /// Threads that read at first.
    pub(super) fn at_first(options: &ScanOptions) -> usize {
        match options.threads {
            0 => processors().clamp(*AT_FIRST.start(), *AT_FIRST.end()),
            threads => threads,
        }
    }

    /// Starts the first readers. Each has a sender of its own, so the receiver knows when the last has gone.
    pub(super) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        notes: &SyncSender<Note>,
    ) {
        for _ in 0..Self::at_first(self.options) {
            self.queue.join();
            let notes = notes.clone();
            scope.spawn(move || self.read(scope, &notes));
        }
    }

    /// Threads that read now: as many as the storage wants, once it was read for a while.
    pub(super) fn threads(&self) -> usize {
        self.growth.threads()
    }

    fn start_more<'scope>(
        &'scope self,
        more: usize,
        scope: &'scope Scope<'scope, '_>,
        notes: &SyncSender<Note>,
    ) {
        let notes = notes.clone();
        for _ in start_some(scope, more, move || self.read(scope, &notes)) {
            self.queue.join();
        }
    }

    /// The walk's end of the queue.
    pub(super) fn found(&self) -> ReaderFeed<'_> {
        ReaderFeed {
            readers: self,
            gathered: Vec::new(),
        }
    }

    fn read<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, notes: &SyncSender<Note>) {
        let mut portion = Vec::new();
        let mut done = Vec::new();
        let mut told = Instant::now();
        let mut slowness = Slowness::new(SLOW);
        let mut most = 1;
        loop {
            if self.queue.take(&mut portion, most) == Got::None {
                tell(&mut done, &mut told, notes);
                self.growth.starve();
                self.queue.wait(&mut portion, most);
            }
            if portion.is_empty() {
                break;
            }
            let count = portion.len();
            let started = Instant::now();
            for candidate in portion.drain(..) {
                // After a cancel the queue is drained, so that the walk is not left waiting.
                if self.job.cancel.is_cancelled() {
                    break;
                }
                done.push(self.probe(candidate));
                if done.len() >= HOLD_FILES || told.elapsed() >= HOLD_BACK {
                    tell(&mut done, &mut told, notes);
                }
            }
            let took = started.elapsed();
            most = if took > SLOW.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX)) {
                1
            } else {
                most.saturating_mul(PORTION_GROWS).min(PORTION)
            };
            match self.growth.note(count, slowness.note(count, took)) {
                0 => {}
                more => self.start_more(more, scope, notes),
            }
        }
        tell(&mut done, &mut told, notes);
    }

    fn probe(&self, candidate: Candidate) -> (Candidate, Outcome) {
        let taken = match candidate.name {
            Named::Raw => TakenAs::Raw(SECTOR_BYTES),
            name => TakenAs::As(name),
        };
        let counts = self.options.counts;
        let outcome = probe::probe(self.files, &candidate.path, taken, counts, &self.counting);
        (candidate, outcome)
    }
}

/// What the walk has found for the readers. They end when this is gone and all is read.
pub(super) struct ReaderFeed<'a> {
    readers: &'a Readers<'a>,
    gathered: Vec<Candidate>,
}

impl ReaderFeed<'_> {
    /// Takes one step: files without a fault go to the readers, everything else to the gathering thread.
    pub(super) fn pass_on(&mut self, step: Step, notes: &SyncSender<Note>) {
        match step {
            Step::Candidate(candidate) if candidate.fault.is_none() => {
                let progress = &self.readers.job.progress;
                progress.expect(1);
                self.gathered.push(candidate);
                let enough = progress.total().div_ceil(GATHERED_SHARE).min(GATHERED);
                if self.gathered.len() as u64 >= enough {
                    self.readers.queue.put(&mut self.gathered);
                }
            }
            step => {
                let _ = notes.send(Note::Step(step));
            }
        }
    }
}

impl Drop for ReaderFeed<'_> {
    fn drop(&mut self) {
        self.readers.queue.put(&mut self.gathered);
        self.readers.queue.close();
    }
}

/// Hands over what was read. The gathering thread stays until the last reader has gone.
fn tell(done: &mut Vec<(Candidate, Outcome)>, told: &mut Instant, notes: &SyncSender<Note>) {
    *told = Instant::now();
    if !done.is_empty() {
        let next = Vec::with_capacity(done.len());
        let _ = notes.send(Note::Probed(std::mem::replace(done, next)));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::sync::{Condvar, Mutex};

    use super::*;
    use crate::job::is_room_for_threads;
    use crate::store::facts::{Opened, SystemFiles};
    use crate::store::{FileFacts, scan_with};

    /// Opening takes two milliseconds until more files are opened at once than `few`.
    struct Slow {
        few: usize,
        files: SystemFiles,
        at_once: Mutex<(usize, usize)>,
        grown: Condvar,
    }

    impl Files for Slow {
        fn open(&self, path: &Path) -> io::Result<Opened> {
            let mut state = self.at_once.lock().unwrap();
            state.0 += 1;
            state.1 = state.1.max(state.0);
            self.grown.notify_all();
            let is_few = |(_, most): &mut (usize, usize)| *most <= self.few;
            let wait = Duration::from_millis(2);
            let (mut state, _) = self.grown.wait_timeout_while(state, wait, is_few).unwrap();
            state.0 -= 1;
            drop(state);
            self.files.open(path)
        }

        fn facts(&self, path: &Path) -> io::Result<FileFacts> {
            self.files.facts(path)
        }
    }

    #[test]
    fn slow_storage_brings_more_readers_unless_their_number_is_given() {
        let folder = tempfile::tempdir().unwrap();
        for file in 0..200 {
            std::fs::write(folder.path().join(format!("{file}.vhd")), [0; 600]).unwrap();
        }
        for threads in [0, 2] {
            let options = ScanOptions {
                roots: vec![folder.path().to_path_buf()],
                threads,
                ..ScanOptions::default()
            };
            let few = Readers::at_first(&options);
            let slow = Slow {
                few,
                files: SystemFiles::new(),
                at_once: Mutex::default(),
                grown: Condvar::new(),
            };
            let forest = scan_with(&options, &slow, &Job::default(), &mut |_| {}).unwrap();
            assert_eq!(forest.disks.len(), 200);
            let (_, most) = *slow.at_once.lock().unwrap();
            let may_grow = threads == 0 && is_room_for_threads();
            assert_eq!(most > few, may_grow, "{most} at once, {few} at first");
        }
    }
}
