//! `files`: which of the guest's files differ between a disk and its parent or another disk, or all files of a disk.

mod all;
mod kept;
mod versions;

use std::io;
use std::ops::ControlFlow;

use serde::{Serialize, Serializer};

use super::args::FilesArgs;
use super::diff::{CHANGED, DiskPair, pair};
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::analysis::files::all::GuestPath;
use crate::analysis::files::{FilesEvent, FilesReport, VolumeRow, compare_files};
use crate::analysis::moment::Moment;
use crate::guest::filesystem::Change;
use crate::report::files::{ChangeTotals, Fold, change_line, fold_lines, volume_line};
use crate::report::json::files::{
    EndJson, FileJson, FilesBody, TotalsJson, VolumeJson, findings, read,
};
use crate::report::json::{Document, SCHEMA};
use crate::report::page::Line;
use crate::store::CountPolicy;
use crate::text::escape;
use kept::KeptChanges;

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
    changes: KeptChanges,
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
    let is_json = matches!(out.form, Form::Json | Form::Ndjson);
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
                        changes: KeptChanges::new(args.sort),
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
                            // What is only counted need not be kept.
                            let is_listed = args.noise || Fold::of(&change).is_none();
                            if is_listed || is_json {
                                of.changes.push(&change);
                            }
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
    if !streams {
        session.end_at_once();
        if session.job.cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        for of in &mut volumes {
            of.changes.sort();
        }
    }
    let report = at_one_moment(report, &pair.moment, out);
    match out.form {
        Form::Json => {
            let rows = volumes.iter().map(|of| VolumeJson::new(&of.row)).collect();
            let files = ChangedFiles(&volumes);
            out.json(&document(rows, files, &report, &totals))?;
        }
        Form::Ndjson => {
            for of in volumes.iter().filter(|_| !streams) {
                out.json(&VolumeJson::new(&of.row))?;
                for change in of.changes.iter() {
                    out.json(&FileJson::changed(&of.row.name, &change))?;
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
        for change in of.changes.iter() {
            let line = change_line(&change, units, &out.style.clock);
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

/// The files of all volumes, made one by one as they are written.
struct ChangedFiles<'a>(&'a [Changed]);

impl Serialize for ChangedFiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|of| {
            let changes = of.changes.iter();
            changes.map(|change| FileJson::changed(&of.row.name, &change))
        }))
    }
}

fn document<F: Serialize>(
    volumes: Vec<VolumeJson>,
    files: F,
    report: &FilesReport,
    totals: &ChangeTotals,
) -> Document<FilesBody<F>> {
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
            && (only.is_empty() || only.contains(&change.kind))
            && (self.min_size == 0 || bytes >= self.min_size)
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
