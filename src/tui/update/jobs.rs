//! What jobs tell, and starting and stopping them by key.

use std::sync::Arc;

use crate::report::row::Phase;
use crate::store::Growth;
use crate::text;
use crate::tui::app::{App, View};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, Work};
use crate::tui::message::{Compared, JobNo, News, Slot};
use crate::tui::prepared::{Prepared, Wanted, judge};
use crate::tui::update::{changed, leave, start_job};

/// Takes what a job tells; of a job that is not the newest of its slot, nothing.
pub fn news(app: &mut App, slot: Slot, no: JobNo, news: News) -> Vec<Effect> {
    if app.jobs.get(&slot).is_none_or(|running| running.no != no) {
        return Vec::new();
    }
    match news {
        News::Progress(progress) => {
            if let Some(running) = app.jobs.get_mut(&slot) {
                app.dirty |= running.progress != progress;
                running.progress = progress;
            }
        }
        News::Store(snapshot) => {
            let mut by = Wanted::of(app);
            by.options.phase = app.phase();
            return store(app, Prepared::judged(snapshot, by));
        }
        News::Prepared(prepared) => return store(app, *prepared),
        News::Blocks(table) => {
            if app.map.path.as_ref() == Some(&table.path) {
                app.map.open(table);
                app.dirty = true;
            }
        }
        News::Sectors(sectors) => {
            if app.map.path.as_ref() == Some(&sectors.path) {
                app.map.enter(sectors);
                app.dirty = true;
            }
        }
        News::Compared(data) => return compared(app, &data),
        News::Sides(sides) => {
            app.diff.sides = Some(sides);
            app.dirty = true;
        }
        News::Plan(plan) => {
            app.plan = app.disk_path().map(|path| (path, plan));
            app.dirty = true;
        }
        News::Changed => {
            app.notice = Some("the store changed: reading it again".to_owned());
            forget(app);
            return vec![scan(app)];
        }
        News::Ended(result) => return ended(app, slot, result),
    }
    Vec::new()
}

/// A newer forest: rows, verdicts, and whatever was worked out from the old one.
fn store(app: &mut App, prepared: Prepared) -> Vec<Effect> {
    let is_whole = prepared.store.forest.complete;
    if let Some(scan) = app.jobs.get_mut(&Slot::Scan) {
        scan.read_whole = is_whole;
    }
    // What was read whole stays until it is read whole again: the disk one looks at must not go away meanwhile.
    if app.store.forest.complete && !is_whole {
        return Vec::new();
    }
    let suits = prepared.by.suits(app);
    app.store = prepared.store;
    app.health.rebuild(prepared.findings);
    app.bytes = prepared.bytes;
    if app.store.forest.complete {
        app.plan = None;
    }
    if suits {
        app.take_rows(prepared.rows, prepared.by.options.phase);
    } else {
        // A key that came meanwhile wants other rows.
        if prepared.by.equals != app.equals {
            reassess(app);
        }
        app.rebuild();
    }
    // Ids of the old forest mean nothing in the new one.
    if is_whole {
        look_again(app)
    } else {
        Vec::new()
    }
}

/// Asks anew for what the open view shows, where a newer store made it stale.
fn look_again(app: &mut App) -> Vec<Effect> {
    match app.view {
        View::Plan => super::go::plan(app),
        View::Map => {
            let mut effects = super::map::ask(app);
            effects.extend(super::map::overlay(app));
            effects
        }
        View::Diff => super::diff::ask(app),
        View::Tree | View::Details | View::Health => Vec::new(),
    }
}

fn compared(app: &mut App, data: &Arc<Compared>) -> Vec<Effect> {
    app.diff.open(Arc::clone(data));
    super::map::compared(app, data);
    if app.diff.other.is_none()
        && data.summary.complete
        && let Some(path) = app.diff.child.clone()
    {
        app.equals.insert(path, data.summary.equal);
        reassess(app);
        app.rebuild();
    }
    app.dirty = true;
    if app.view == View::Diff {
        super::diff::bytes(app)
    } else {
        Vec::new()
    }
}

/// Verdicts anew, with what comparisons have told.
fn reassess(app: &mut App) {
    app.store.assessment = judge(&app.store.forest, &app.equals);
}

fn ended(app: &mut App, slot: Slot, result: Result<(), String>) -> Vec<Effect> {
    let job = app.jobs.remove(&slot).unwrap_or_default();
    app.dirty = true;
    match (slot, result) {
        (Slot::Scan, result) => {
            let disks = app.store.forest.disks.len() as u64;
            let unreadable = app.store.forest.errors.len()
                + app
                    .store
                    .forest
                    .disks
                    .iter()
                    .filter(|disk| disk.header.is_none())
                    .count();
            let words = match (job.read_whole, app.store.forest.complete) {
                (true, _) => "scan done",
                (false, false) => "~ scan stopped",
                (false, true) => "~ scan stopped, this is the store as read before",
            };
            app.scan_words = format!(
                "{words}: {} in {}, {} unreadable",
                text::many(disks, "disk"),
                seconds(job.progress.millis),
                text::count(unreadable as u64)
            );
            if let Err(error) = result {
                app.scan_words = format!("! {error}");
                app.notice = Some(error);
            }
            // The last rows of a scan are usually made for its end already.
            if app.options.phase != Phase::Done {
                app.rebuild();
            }
            if !job.read_whole {
                return look_again(app);
            }
        }
        (Slot::Reread, Ok(())) => {
            // If it is gone, the row's own sign says so.
            if app.notice.is_none() {
                app.notice = Some("read again".to_owned());
            }
        }
        (_, Ok(())) => {}
        (Slot::Map | Slot::Sectors, Err(error)) => app.map.error = Some(error),
        (Slot::Diff, Err(error)) => app.diff.error = Some(error),
        (Slot::Plan, Err(error)) => app.plan_error = Some(error),
        (Slot::Reread | Slot::Hex | Slot::Watch, Err(error)) => app.notice = Some(error),
    }
    Vec::new()
}

/// The order to read the store. One that was read before stays on the screen meanwhile, so its growth is not asked for.
pub fn scan(app: &mut App) -> Effect {
    let growth = if app.store.forest.complete {
        Growth::Untold
    } else {
        Growth::Told
    };
    start_job(app, Work::Scan { growth })
}

/// `0.3 s`, `12 s`.
fn seconds(millis: u64) -> String {
    if millis < 10_000 {
        format!("{}.{} s", millis / 1000, millis % 1000 / 100)
    } else {
        format!("{} s", millis / 1000)
    }
}

/// Reading again, watching.
pub fn run(app: &mut App, command: Command) -> Vec<Effect> {
    if app.settings.saved {
        app.notice = Some("this is a saved scan: there is nothing to read again".to_owned());
        return changed(app);
    }
    match command {
        Command::Watch if super::runs(app, Slot::Watch) => {
            app.jobs.remove(&Slot::Watch);
            app.notice = Some("watch off".to_owned());
            app.dirty = true;
            vec![Effect::Cancel(Slot::Watch)]
        }
        Command::Watch => {
            app.notice = Some("watch on: the store is looked at every 5 s".to_owned());
            let forest = Arc::clone(&app.store.forest);
            vec![start_job(app, Work::Watch { forest })]
        }
        Command::Reread => match app.disk() {
            _ if app.scanning() => {
                app.notice = Some("the whole store is being read".to_owned());
                changed(app)
            }
            None => {
                app.notice = Some("no disk is selected".to_owned());
                changed(app)
            }
            Some(disk) => {
                forget(app);
                let forest = Arc::clone(&app.store.forest);
                vec![start_job(app, Work::Reread { forest, disk })]
            }
        },
        _ => {
            forget(app);
            // Its answer would be about the forest of before.
            app.jobs.remove(&Slot::Reread);
            vec![Effect::Cancel(Slot::Reread), scan(app)]
        }
    }
}

/// What was read before may be stale: maps and comparisons are asked for anew.
fn forget(app: &mut App) {
    app.map.path = None;
    app.diff.child = None;
    app.equals.clear();
}

/// Ctrl-C: stops the running job, of several the one on the status line, and keeps what is known; if none runs, leaves.
pub fn interrupt(app: &mut App) -> Vec<Effect> {
    match app.running().first().copied() {
        None => leave(app),
        Some(slot) => {
            app.notice = Some("stopping; what is known stays".to_owned());
            app.dirty = true;
            vec![Effect::Cancel(slot)]
        }
    }
}
