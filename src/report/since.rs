//! What is new since the newest saved scan, in words.

use crate::analysis::since::{DiskSince, SinceScan};
use crate::report::page::Role;
use crate::text::{Clock, escape, file_name, path};

/// The word of a row, after the sign of all that is new.
pub fn sign(of: &DiskSince) -> &'static str {
    match of {
        DiskSince::MadeAgain { .. } => "+ made again",
        DiskSince::New => "+ new",
        DiskSince::Moved { .. } => "+ moved",
    }
}

/// How that is shown.
pub fn role(of: &DiskSince) -> Role {
    match of {
        DiskSince::MadeAgain { .. } => Role::Warning,
        DiskSince::New | DiskSince::Moved { .. } => Role::Text,
    }
}

/// The scan, by its time and host.
pub fn scan(since: &SinceScan<'_>, clock: &Clock) -> String {
    let at = since.at().map_or_else(String::new, |at| clock.second(at));
    match since.host() {
        Some(host) => format!("the saved scan of {at} on {}", escape(host)),
        None => format!("the saved scan of {at}"),
    }
}

/// One sentence about a disk, or two.
pub fn sentence(of: &DiskSince, since: &SinceScan<'_>, clock: &Clock) -> String {
    let scan = scan(since, clock);
    match of {
        DiskSince::New => format!("It is new since {scan}."),
        DiskSince::Moved { from } => format!("In {scan} it was {}.", path(from)),
        DiskSince::MadeAgain { was, proves } => {
            let was = file_name(was);
            let why = if *proves {
                "The machine was reverted to the snapshot in between.".to_owned()
            } else {
                format!(
                    "The machine was reverted in between, or {was} was merged and another snapshot taken."
                )
            };
            format!("In {scan} {was} stood in its place, and that is gone. {why}")
        }
    }
}

/// How much is new, for a line at the bottom: `since 2026-11-27 05:40:00Z: 1 made again, 2 new, 1 gone`.
pub fn totals(since: &SinceScan<'_>, disks: &[&DiskSince], clock: &Clock) -> String {
    let at = since.at().map_or_else(String::new, |at| clock.second(at));
    let kinds = ["+ made again", "+ new", "+ moved"];
    let counted = kinds.map(|kind| {
        let count = disks.iter().filter(|of| sign(of) == kind).count();
        (count, kind.trim_start_matches("+ "))
    });
    let gone = (since.gone().len(), "gone");
    let parts: Vec<String> = counted
        .into_iter()
        .chain([gone])
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    if parts.is_empty() {
        return format!("since {at}: the same disks");
    }
    format!("since {at}: {}", parts.join(", "))
}
