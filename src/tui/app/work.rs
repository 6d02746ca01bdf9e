//! Jobs: which run, starting them, and what the store's own tell.

use std::path::PathBuf;
use std::sync::Arc;

use super::{App, Running, ShownDiff};
use crate::analysis::{Compared, assess};
use crate::report::row::Phase;
use crate::store::ForestUpdates;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::message::{JobKind, JobNo};
use crate::tui::prepared::{Prepared, ShownBy, compared};
use crate::tui::view::View;

/// Why a view of a saved scan is empty. Files of the names in it may be others here, or the same ones changed since.
pub const NOT_SAVED: &str =
    "This is a saved scan. It does not hold what this view reads: browse the store itself for it.";

impl App {
    /// Gives a job its number and its place.
    pub fn start(&mut self, work: JobRequest) -> Effect {
        self.last_job = JobNo(self.last_job.0 + 1);
        let running = Running {
            no: self.last_job,
            view: self.view,
            ..Running::default()
        };
        self.jobs.insert(work.slot(), running);
        self.dirty = true;
        Effect::Start(self.last_job, work)
    }

    /// True while a job of a slot runs.
    pub fn runs(&self, slot: JobKind) -> bool {
        self.jobs.contains_key(&slot)
    }

    /// True of a store without any disk, where nothing is wrong with the folder itself either.
    pub fn is_empty(&self) -> bool {
        let forest = &self.store.forest;
        let nothing = forest.disks.is_empty() && forest.side_findings.is_empty();
        nothing && forest.complete && forest.errors.is_empty() && self.rows.is_empty()
    }

    /// True while a scan runs.
    pub fn scanning(&self) -> bool {
        self.runs(JobKind::Scan)
    }

    /// Whether more rows may come.
    pub fn phase(&self) -> Phase {
        if self.scanning() {
            Phase::Scanning
        } else {
            Phase::Done
        }
    }

    /// The jobs that run, but for the watch: the open screen's own first, quick ones that nobody waits for last.
    pub fn running(&self) -> Vec<JobKind> {
        let rank = |slot: &JobKind| match slot {
            JobKind::Diff
            | JobKind::Map
            | JobKind::Sectors
            | JobKind::Files
            | JobKind::Versions
            | JobKind::Clocks => {
                let asked_by = self.jobs.get(slot).map(|running| running.view);
                u8::from(self.view == View::HOME || asked_by != Some(self.view))
            }
            JobKind::Scan | JobKind::Reread => 1,
            JobKind::Hex | JobKind::Plan | JobKind::Watch | JobKind::Chain => 2,
        };
        let slots = self.jobs.keys().copied();
        let mut slots: Vec<JobKind> = slots.filter(|slot| *slot != JobKind::Watch).collect();
        slots.sort_by_key(rank);
        slots
    }

    /// The order to read the store. One that was read before stays on the screen meanwhile, so its growth is not asked for.
    pub fn scan(&mut self) -> Effect {
        let growth = if self.store.forest.complete {
            ForestUpdates::Untold
        } else {
            ForestUpdates::Told
        };
        self.start(JobRequest::Scan { growth })
    }

    /// Asks for the comparison of a disk with another (`None`: its parent), unless it is here or on the way.
    pub fn compare(&mut self, child: Option<PathBuf>, other: Option<PathBuf>) -> Vec<Effect> {
        let asked = &self.comparison;
        if asked.child == child && asked.other == other {
            if asked.data.is_some() {
                return Vec::new();
            }
            let view = self.view;
            if let Some(running) = self.jobs.get_mut(&JobKind::Diff) {
                running.view = view;
                return Vec::new();
            }
        }
        self.comparison = ShownDiff {
            child: child.clone(),
            other: other.clone(),
            ..ShownDiff::default()
        };
        self.dirty = true;
        if self.settings.saved {
            self.comparison.error = Some(NOT_SAVED.to_owned());
            return Vec::new();
        }
        let Some(child) = child.and_then(|path| self.find(&path)) else {
            return Vec::new();
        };
        let forest = self.store.forest.clone();
        let other = other.and_then(|path| self.find(&path));
        let has_parent = forest.node(child).is_some_and(|node| node.parent.is_some());
        if other.is_none() && !has_parent {
            self.comparison.error = Some("This disk has no parent: there is nothing to compare it with. Mark two disks with Space to compare those.".to_owned());
            return Vec::new();
        }
        let work = JobRequest::Diff {
            forest,
            child,
            other,
        };
        vec![self.start(work)]
    }

    /// What the store is shown by.
    pub fn wanted(&self) -> ShownBy {
        ShownBy {
            options: self.options.clone(),
            equals: self.equals.clone(),
        }
    }

    /// Whether a store is made ready by what it is shown by now.
    pub fn suits(&self, by: &ShownBy) -> bool {
        by.suits(&self.options, &self.equals)
    }

    /// Takes a newer store with its rows; false if what was read whole before is better.
    pub fn take_store(&mut self, prepared: Prepared) -> bool {
        let is_whole = prepared.store.forest.complete;
        if let Some(scan) = self.jobs.get_mut(&JobKind::Scan) {
            scan.read_whole = is_whole;
        }
        // What was read whole stays until it is read whole again: the disk one looks at must not go away meanwhile.
        if self.store.forest.complete && !is_whole {
            return false;
        }
        let suits = self.suits(&prepared.by);
        // Ids of the old forest mean nothing in the new one.
        self.guest_clocks.clear();
        self.store = prepared.store;
        self.findings = prepared.findings;
        self.bytes = prepared.bytes;
        if suits {
            self.take_rows(prepared.rows, prepared.by.options.phase);
        } else {
            // A key that came meanwhile wants other rows.
            if prepared.by.equals != self.equals {
                self.reassess();
            }
            self.rebuild();
        }
        true
    }

    /// What reading the disks' content has told so far.
    pub fn compared(&self) -> Compared {
        Compared {
            guest_clocks: self.guest_clocks.clone(),
            ..compared(&self.store.forest, &self.equals)
        }
    }

    /// Verdicts again, with what reading the disks' content has told.
    pub fn reassess(&mut self) {
        let assessment = assess(&self.store.forest, &self.compared());
        self.store.assessment = Arc::new(assessment);
    }
}
