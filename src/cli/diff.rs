//! `diff`: a child compared with its parent's content, or two disks of one family.

use std::path::Path;

use anyhow::Context as _;

use super::args::StoreArgs;
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::{Session, Store};
use crate::analysis::diff::{DiffEvent, DiffReport, DiffRun, diff, diff_with_parent};
use crate::analysis::open::{open_chain, open_pair};
use crate::report::json::diff::{DiffBody, DiffRunJson, SectorsJson};
use crate::report::json::{Document, SCHEMA, path_text};
use crate::report::tree_text::{Headings, align};
use crate::report::units::{Units, count};
use crate::report::{csv, words};
use crate::store::{CountPolicy, DiskId};

pub(super) fn run(
    session: &Session,
    child: &Path,
    other: Option<&Path>,
    store_args: &StoreArgs,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let files: Vec<&Path> = [Some(child), other].into_iter().flatten().collect();
    let store = session.read_around(&files, store_args, CountPolicy::HeadersOnly, out)?;
    let left = store.disk_of(child)?;
    let mut runs: Vec<DiffRun> = Vec::new();
    let mut line = out.progress();
    let progress = &session.job.progress;
    let mut on_event = |event: DiffEvent| {
        if let DiffEvent::Run(run) = event {
            runs.push(run);
        }
        line.show(|| {
            let (done, total) = (progress.done(), progress.total());
            format!(
                "compared {} of {}",
                Units::Human.size(done),
                Units::Human.size(total)
            )
        });
    };
    let name = words::path_text(child);
    let (report, right, sector_size) = if let Some(other) = other {
        let right = store.disk_of(other)?;
        let (a, b) = open_pair(&store.forest, left, right)?;
        let report = diff(&a, &b, &session.job, &mut on_event)
            .with_context(|| format!("{name} and {}", words::path_text(other)))?;
        (report, Some(right), a.sector_size())
    } else {
        let chain = open_chain(&store.forest, left)?;
        let report =
            diff_with_parent(&chain, &session.job, &mut on_event).with_context(|| name.clone())?;
        (report, store.forest.parent_of(left), chain.sector_size())
    };
    drop(line);
    print(&store, left, right, &report, &runs, sector_size, out)?;
    for fault in &report.faults {
        let text = format!(
            "sectors {} to {} cannot be read: {}",
            fault.sector.0,
            fault.sector.0.saturating_add(fault.count.saturating_sub(1)),
            fault.error
        );
        out.warn(&crate::format::text::escape(&text));
    }
    let summary = report.summary;
    let differs = summary.totals.changed > 0 || summary.totals.zeroed > 0;
    Ok(if differs {
        Exit::No
    } else if !summary.complete || summary.totals.unreadable > 0 {
        Exit::CannotTell
    } else {
        Exit::Done
    })
}

fn print(
    store: &Store,
    left: DiskId,
    right: Option<DiskId>,
    report: &DiffReport,
    runs: &[DiffRun],
    sector_size: u32,
    out: &mut Output,
) -> anyhow::Result<()> {
    let path = |id: DiskId| store.forest.disk(id).map(|disk| disk.path.as_path());
    let summary = report.summary;
    match out.form {
        Form::Json => {
            let body = DiffBody {
                child: path(left).map(|path| path_text(path).0).unwrap_or_default(),
                parent: right.and_then(path).map(|path| path_text(path).0),
                sectors: SectorsJson::from(&summary),
                equal: summary.equal,
                runs: runs.iter().map(DiffRunJson::from).collect(),
            };
            out.json(&Document {
                schema: SCHEMA,
                command: "diff",
                complete: summary.complete,
                errors: Vec::new(),
                body,
            })?;
        }
        Form::Ndjson => {
            for run in runs {
                out.json(&DiffRunJson::from(run))?;
            }
        }
        Form::Csv => {
            out.line("sector,count,kind")?;
            for run in runs {
                let (sector, count) = (run.sector.0.to_string(), run.count.to_string());
                out.line(&csv::line([
                    sector.as_str(),
                    count.as_str(),
                    run.kind.word(),
                ]))?;
            }
        }
        Form::Text => {
            let number = |value: u64| match out.style.units {
                Units::Human => count(value),
                Units::Bytes => value.to_string(),
            };
            let size = |sectors: u64| {
                out.style
                    .units
                    .size(sectors.saturating_mul(u64::from(sector_size)))
            };
            let mut table = Vec::with_capacity(runs.len() + 1);
            if out.headings == Headings::Shown && !runs.is_empty() {
                table.push(
                    ["SECTOR", "COUNT", "BYTES", "KIND"]
                        .map(str::to_owned)
                        .to_vec(),
                );
            }
            for run in runs {
                table.push(vec![
                    number(run.sector.0),
                    number(run.count),
                    size(run.count),
                    run.kind.word().to_owned(),
                ]);
            }
            let mut lines = align(&table, &[true, true, true, false]);
            let totals = summary.totals;
            lines.push(format!(
                "compared {}: changed {}, same {}, zeroed {}, unreadable {}; {} runs",
                size(totals.compared),
                size(totals.changed),
                size(totals.same),
                size(totals.zeroed),
                size(totals.unreadable),
                count(runs.len() as u64),
            ));
            let child = path(left).map(words::file_name).unwrap_or_default();
            let with = right
                .and_then(path)
                .map_or_else(|| "its parent".to_owned(), words::file_name);
            lines.push(if !summary.complete {
                "not everything was compared".to_owned()
            } else if summary.equal {
                format!("{child} equals {with}")
            } else {
                format!("{child} differs from {with}")
            });
            out.lines(lines)?;
        }
    }
    Ok(())
}
