//! Watching: what differs from the last look at each disk and folder of a store.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::Forest;
use crate::store::containers::Containers;
use crate::store::pulse::{Pulse, pulse};
use crate::text;
use crate::tui::message::News;

use super::reporter::Reporter;

/// How often a watched store is looked at.
const WATCH_GAP: Duration = Duration::from_secs(5);

/// Looks at the pulse of every disk and folder; tells what differs, if something does.
pub(super) fn watch(forest: &Forest, reporter: &Reporter) {
    let disks = forest.disks.len();
    let folders: BTreeSet<&Path> = forest
        .disks
        .iter()
        .filter_map(|disk| disk.path.parent())
        .collect();
    let files = forest
        .disks
        .iter()
        .map(|disk| (disk.path.as_path(), disk.header.as_ref()));
    let watched: Vec<_> = files
        .chain(folders.iter().map(|folder| (*folder, None)))
        .collect();
    let look = || -> Vec<Option<Pulse>> {
        let containers = Containers::among(&forest.roots);
        let watched = watched.iter();
        watched
            .map(|(path, header)| pulse(path, *header, &containers))
            .collect()
    };
    let mut before = look();
    while rest(reporter, WATCH_GAP) {
        let now = look();
        let differs = |of: std::ops::Range<usize>| -> Vec<(bool, &Path)> {
            let pulses = before.iter().zip(&now).zip(&watched);
            let pulses = pulses.skip(of.start).take(of.len());
            pulses
                .filter(|((before, now), _)| before != now)
                .map(|((_, now), (path, _))| (now.is_some(), *path))
                .collect()
        };
        let (files, others) = (differs(0..disks), differs(disks..watched.len()));
        if files.is_empty() && others.is_empty() {
            continue;
        }
        if !reporter.tell(News::Changed(changed_words(&files, &others))) {
            break;
        }
        before = now;
    }
}

/// Waits a moment, or until the job is stopped; false if it was. Whoever stops the job unparks its thread.
fn rest(reporter: &Reporter, how_long: Duration) -> bool {
    let until = Instant::now() + how_long;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if reporter.job.cancel.is_cancelled() || left.is_zero() {
            return !reporter.job.cancel.is_cancelled();
        }
        std::thread::park_timeout(left);
    }
}

/// What changed: files first, each still there or gone, else the folders.
fn changed_words(files: &[(bool, &Path)], folders: &[(bool, &Path)]) -> String {
    match (files, folders) {
        ([(true, file)], _) => format!("{} changed", text::file_name(file)),
        ([(false, file)], _) => format!("{} is gone", text::file_name(file)),
        ([_, _, ..], _) => {
            let gone = files.iter().filter(|(is_there, _)| !is_there).count();
            let changed = text::many(files.len() - gone, "file");
            match gone {
                0 => format!("{changed} changed"),
                n if n == files.len() => format!("{} are gone", text::many(n, "file")),
                n => format!("{changed} changed, {n} gone"),
            }
        }
        ([], [(_, folder)]) => format!("files came or went in {}", text::path(folder)),
        ([], _) => format!(
            "files came or went in {}",
            text::many(folders.len(), "folder")
        ),
    }
}
