//! `files`: which of the guest's files differ between a disk and its parent or another disk, or all files of a disk.

mod all;
mod versions;

use std::io;
use std::ops::ControlFlow;

use super::args::{FilesArgs, FilesSort};
use super::diff::{CHANGED, DiskPair, pair};
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::analysis::files::all::GuestPath;
use crate::analysis::files::noise::by_interest;
use crate::analysis::files::{FilesEvent, FilesReport, VolumeRow, compare_files};
use crate::analysis::moment::Moment;
use crate::guest::filesystem::{Change, FileVersion};
use crate::report::files::{ChangeTotals, Fold, change_line, fold_lines, volume_line};
use crate::report::json::files::{
    EndJson, FileJson, FilesBody, TotalsJson, VolumeJson, findings, read,
};
use crate::report::json::{Document, SCHEMA};
use crate::report::page::Line;
use crate::store::CountPolicy;
use crate::text::escape;

pub(super) fn run(session: &Session, args: &FilesArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let within = args.within.as_deref().map(GuestPath::parse);
    if args.versions {
        return versions::run(session, args, within.as_ref(), out);
    }
    if args.all {
        return all::run(session, args, within.as_ref(), out);
    }
    let files = [Some(&*args.disk), args.other.as_deref()];
    let files: Vec<_> = files.into_iter().flatten().collect();
    let store = session.read_around(&files, &args.store, CountPolicy::HeadersOnly, out)?;
    let pair = pair(&store, &args.disk, args.other.as_deref())?;
    compare(session, &pair, args, within.as_ref(), out)
}

/// A volume with what changed in it.
struct Changed {
    row: VolumeRow,
    changes: Vec<Change>,
    totals: ChangeTotals,
}

fn compare(
    session: &Session,
    pair: &DiskPair,
    args: &FilesArgs,
    within: Option<&GuestPath>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let mut line = out.progress();
    let progress = &session.job.progress;
    let mut volumes: Vec<Changed> = Vec::new();
    let mut totals = ChangeTotals::default();
    let streams = out.form == Form::Ndjson && args.sort.is_none();
    let mut written = Ok(());
    let report = compare_files(
        &pair.right,
        &pair.left,
        u64::MAX,
        &session.job,
        &mut |event| {
            line.show(|| format!("compared {}", crate::text::size(progress.done())));
            match event {
                FilesEvent::Volume(row) => {
                    volumes.push(Changed {
                        row: row.clone(),
                        changes: Vec::new(),
                        totals: ChangeTotals::default(),
                    });
                    if streams {
                        written = out.json(&VolumeJson::new(row));
                    }
                }
                FilesEvent::Change(row, change) => {
                    // One without a path comes again.
                    if change.path.is_none() || !args.wants(&change, row, within) {
                        return ControlFlow::Continue(());
                    }
                    totals.add(&change);
                    if let Some(of) = volumes.last_mut() {
                        of.totals.add(&change);
                        if streams {
                            written = out.json(&FileJson::changed(&row.name, &change));
                        } else {
                            of.changes.push(*change);
                        }
                    }
                }
            }
            if written.is_err() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        },
    )?;
    drop(line);
    written?;
    for of in &mut volumes {
        args.order(&mut of.changes);
    }
    let report = at_one_moment(report, &pair.moment, out);
    match out.form {
        Form::Json => {
            let file = |of: &Changed| {
                let changes = of.changes.iter();
                let json = changes.map(|change| FileJson::changed(&of.row.name, change));
                json.collect::<Vec<_>>()
            };
            let files = volumes.iter().flat_map(file).collect();
            let volumes = volumes.iter().map(|of| VolumeJson::new(&of.row));
            out.json(&document(volumes.collect(), files, &report, &totals))?;
        }
        Form::Ndjson => {
            for of in volumes.iter().filter(|_| !streams) {
                out.json(&VolumeJson::new(&of.row))?;
                for change in &of.changes {
                    out.json(&FileJson::changed(&of.row.name, change))?;
                }
            }
            out.json(&EndJson::new(&report, &totals))?;
        }
        Form::Text | Form::Csv => text(&volumes, args, out)?,
    }
    told(&report, out);
    Ok(if !report.complete {
        Exit::CannotTell
    } else if totals.all() > 0 {
        Exit::No
    } else {
        Exit::Done
    })
}

fn text(volumes: &[Changed], args: &FilesArgs, out: &mut Output) -> io::Result<()> {
    let units = out.style.units;
    for of in volumes {
        let Some(line) = volume_line(&of.row, &of.totals, units) else {
            continue;
        };
        out.line(&line.plain())?;
        let shown = of.changes.iter();
        for change in shown.filter(|change| args.noise || Fold::of(change).is_none()) {
            let line = change_line(change, units, &out.style.clock);
            out.line(&line.plain())?;
        }
        if !args.noise {
            out.lines(fold_lines(&of.totals).iter().map(Line::plain))?;
        }
    }
    Ok(())
}

/// Marks an answer as incomplete if the disks changed under it, and says so.
fn at_one_moment(report: FilesReport, moment: &Moment, out: &Output) -> FilesReport {
    let changed = moment.changed();
    for path in &changed {
        out.warn(&format!("{}: {CHANGED}", crate::text::path(path)));
    }
    FilesReport {
        complete: report.complete && changed.is_empty(),
        ..report
    }
}

fn document(
    volumes: Vec<VolumeJson>,
    files: Vec<FileJson>,
    report: &FilesReport,
    totals: &ChangeTotals,
) -> Document<FilesBody> {
    Document {
        schema: SCHEMA,
        command: "files",
        complete: report.complete,
        errors: Vec::new(),
        body: FilesBody {
            volumes,
            files,
            totals: TotalsJson::new(totals),
            findings: findings(report),
            read: read(report),
        },
    }
}

/// What was found wrong, for people.
fn told(report: &FilesReport, out: &Output) {
    for (volume, finding) in &report.findings {
        out.warn(&format!("{volume}: {}", escape(&finding.text)));
    }
}

impl FilesArgs {
    fn wants(&self, change: &Change, row: &VolumeRow, within: Option<&GuestPath>) -> bool {
        let path = change.path.as_deref().unwrap_or("");
        let is_within = within.is_none_or(|within| {
            let holds = |path: &str| lies_within(path, &within.path);
            within.is_of(row) && (holds(path) || change.old_path.as_deref().is_some_and(holds))
        });
        let version = change.after.or(change.before);
        let bytes = version.and_then(|version| version.bytes).unwrap_or(0);
        let only = &self.only;
        is_within
            && (only.is_empty() || only.iter().any(|kind| kind.0 == change.kind))
            && (self.min_size == 0 || bytes >= self.min_size)
    }

    fn order(&self, changes: &mut [Change]) {
        let bytes = |version: Option<FileVersion>| version.and_then(|of| of.bytes).unwrap_or(0);
        match self.sort {
            None => by_interest(changes),
            Some(FilesSort::Path) => changes.sort_by(|one, other| one.path.cmp(&other.path)),
            Some(FilesSort::Size) => {
                changes.sort_by_key(|of| std::cmp::Reverse(bytes(of.after.or(of.before))));
            }
            Some(FilesSort::Written) => {
                changes.sort_by_key(|of| std::cmp::Reverse(of.written_bytes));
            }
            Some(FilesSort::Modified) => changes.sort_by_cached_key(|of| {
                let version = of.after.or(of.before);
                let time = version.and_then(|of| of.modified);
                std::cmp::Reverse(time.map(crate::report::json::files::time_text))
            }),
        }
    }
}

fn lies_within(path: &str, folder: &str) -> bool {
    let (path, folder) = (
        path.to_lowercase(),
        folder.to_lowercase().replace('\\', "/"),
    );
    path.strip_prefix(&*folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
