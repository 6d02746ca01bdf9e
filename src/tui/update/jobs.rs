//! What jobs tell, and starting and stopping them by key.

use std::sync::Arc;

use crate::analysis::since::{DiskSince, SinceScan};
use crate::report::row::Phase;
use crate::report::since;
use crate::text;
use crate::tui::app::{App, Visit};
use crate::tui::command::Command;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::frame::visible;
use crate::tui::message::{DiffResult, JobKind, JobNo, News};
use crate::tui::screens::Screens;
use crate::tui::update::leave;

/// Takes what a job tells; of a job that is not the newest of its slot, nothing.
pub fn news(
    app: &mut App,
    screens: &mut Screens,
    slot: JobKind,
    no: JobNo,
    mut news: News,
) -> Vec<Effect> {
    if app.jobs.get(&slot).is_none_or(|running| running.no != no) {
        return Vec::new();
    }
    match &mut news {
        News::Progress(progress) => {
            if let Some(running) = app.jobs.get_mut(&slot) {
                app.dirty |= running.progress != *progress;
                running.progress = std::mem::take(progress);
            }
            return Vec::new();
        }
        News::Prepared(prepared) => {
            if !app.take_store(std::mem::take(prepared)) {
                return Vec::new();
            }
        }
        News::Compared(data) => compared(app, data),
        News::Clocks(clocks) => {
            app.guest_clocks = std::mem::take(clocks);
            app.reassess();
            app.rebuild();
        }
        News::Changed(what) => {
            app.say(format!("{what}: reading the store again"));
            forget(app, screens);
            return vec![app.scan()];
        }
        News::Ended(result) => {
            let result = std::mem::replace(result, Ok(()));
            return ended(app, screens, slot, result);
        }
        News::Blocks(_)
        | News::Sectors(_)
        | News::Chain(_)
        | News::Sides(_)
        | News::Plan(_)
        | News::Files(_)
        | News::Versions(_) => {}
    }
    let mut effects: Vec<Effect> = screens
        .all()
        .flat_map(|screen| screen.news(app, &news))
        .collect();
    // Ids of the old forest mean nothing in the new one.
    if matches!(news, News::Prepared(_)) {
        effects.extend(look_again(app, screens));
    }
    effects
}

/// Asks again for what is on the screen, where a newer store made it stale.
fn look_again(app: &mut App, screens: &mut Screens) -> Vec<Effect> {
    let parts = app.layout();
    if parts.is_split() {
        app.pane = app.row().map(|row| row.key.clone());
    }
    let views: Vec<_> = visible(app, &parts).map(|(view, _)| view).collect();
    let follow = |view| screens.get_mut(view).follow(app);
    views.into_iter().flat_map(follow).collect()
}

fn compared(app: &mut App, data: &Arc<DiffResult>) {
    app.comparison.data = Some(Arc::clone(data));
    app.comparison.error = None;
    app.dirty = true;
    if app.comparison.other.is_none()
        && data.summary.complete
        && let Some(path) = app.comparison.child.clone()
    {
        app.equals.insert(path, data.summary.equal);
        app.reassess();
        app.rebuild();
    }
}

fn ended(
    app: &mut App,
    screens: &mut Screens,
    slot: JobKind,
    result: Result<(), String>,
) -> Vec<Effect> {
    let job = app.jobs.remove(&slot).unwrap_or_default();
    app.dirty = true;
    match (slot, result) {
        (JobKind::Scan, result) => {
            let forest = &app.store.forest;
            let disks = forest.disks.len() as u64;
            let unread = forest.disks.iter().filter(|disk| disk.header.is_none());
            let (locked, damaged): (Vec<_>, Vec<_>) = unread.partition(|disk| disk.is_locked());
            let unreadable = forest.errors.len() + damaged.len();
            let locked = match locked.len() {
                0 => String::new(),
                some => format!(", {} locked", text::count(some as u64)),
            };
            let words = match (job.read_whole, app.store.forest.complete) {
                (true, _) => "scan done",
                (false, false) => "~ scan stopped",
                (false, true) => "~ scan stopped, this is the store as read before",
            };
            app.scan_words = format!(
                "{words}: {} in {}{locked}, {} unreadable",
                text::many(disks, "disk"),
                seconds(job.progress.millis),
                text::count(unreadable as u64)
            );
            let disks: Vec<&DiskSince> = app
                .rows
                .iter()
                .filter_map(|row| row.since.as_ref())
                .collect();
            if let Some(since) = SinceScan::of(&app.store.forest) {
                let totals = since::totals(&since, &disks, &app.settings.clock);
                app.scan_words = format!("{}; {totals}", app.scan_words);
            }
            if let Err(error) = result {
                app.scan_words = format!("! {error}");
                app.notice = Some(error);
            }
            if app.visit == Visit::Fresh && job.read_whole && app.is_empty() {
                let mut effects = leave(app);
                effects.push(Effect::QuitEmpty);
                return effects;
            }
            // The last rows of a scan are usually made for its end already.
            if app.options.phase != Phase::Done {
                app.rebuild();
            }
            if !job.read_whole {
                return look_again(app, screens);
            }
        }
        (JobKind::Reread, Ok(())) => {
            // If it is gone, the row's own sign says so.
            if app.notice.is_none() {
                app.notice = Some("read again".to_owned());
            }
        }
        (_, Ok(())) => {}
        (JobKind::Diff, Err(error)) => app.comparison.error = Some(error),
        (
            JobKind::Reread | JobKind::Hex | JobKind::Watch | JobKind::Versions | JobKind::Clocks,
            Err(error),
        ) => app.notice = Some(error),
        (
            JobKind::Map | JobKind::Sectors | JobKind::Chain | JobKind::Plan | JobKind::Files,
            Err(error),
        ) => {
            for screen in screens.all() {
                screen.failed(slot, &error);
            }
        }
    }
    Vec::new()
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
pub fn run(app: &mut App, screens: &mut Screens, command: Command) -> Vec<Effect> {
    if app.settings.saved {
        app.say("this is a saved scan: there is nothing to read again");
        return Vec::new();
    }
    match command {
        Command::Watch if app.runs(JobKind::Watch) => {
            app.jobs.remove(&JobKind::Watch);
            app.say("watch off");
            vec![Effect::Cancel(JobKind::Watch)]
        }
        Command::Watch => {
            app.say("watch on: the store is looked at every 5 s");
            let forest = Arc::clone(&app.store.forest);
            vec![app.start(JobRequest::Watch { forest })]
        }
        Command::Reread => match app.disk() {
            _ if app.scanning() => {
                app.say("the whole store is being read");
                Vec::new()
            }
            None => {
                app.say("no disk is selected");
                Vec::new()
            }
            Some(disk) => {
                forget(app, screens);
                let forest = Arc::clone(&app.store.forest);
                vec![app.start(JobRequest::Reread { forest, disk })]
            }
        },
        _ => {
            forget(app, screens);
            // Its answer would be about the forest of before.
            app.jobs.remove(&JobKind::Reread);
            vec![Effect::Cancel(JobKind::Reread), app.scan()]
        }
    }
}

/// What was read before may be stale: maps and comparisons are asked for again.
fn forget(app: &mut App, screens: &mut Screens) {
    app.comparison.child = None;
    app.equals.clear();
    for screen in screens.all() {
        screen.forget();
    }
}

/// Ctrl-C: stops the running job, of several the one on the status line, and keeps what is known; if none runs, leaves.
pub fn interrupt(app: &mut App) -> Vec<Effect> {
    match app.running().first().copied() {
        None => leave(app),
        Some(slot) => {
            app.say("stopping; what is known stays");
            vec![Effect::Cancel(slot)]
        }
    }
}
