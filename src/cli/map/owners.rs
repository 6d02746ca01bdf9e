//! `map --owners`: whose the sectors are that a disk holds itself.

use std::path::Path;

use anyhow::Context as _;

use crate::analysis::files::owned::{OwnerRun, SectorOwners};
use crate::analysis::moment::Moment;
use crate::analysis::open::open_chain;
use crate::analysis::written::held;
use crate::cli::args::{OwnersArgs, StoreArgs};
use crate::cli::diff::{owner_cells, told_of_owners, within};
use crate::cli::exit::Exit;
use crate::cli::output::{Form, Output};
use crate::cli::session::Session;
use crate::format::SectorNo;
use crate::report::csv;
use crate::report::json::diff::{OwnerRunJson, OwnersBody};
use crate::report::json::{Document, PathErrorJson, SCHEMA, path_text};
use crate::report::page::owners::OwnersPage;
use crate::report::tree_text::Headings;
use crate::store::CountPolicy;
use crate::text;

pub(in crate::cli) fn run(
    session: &Session,
    file: &Path,
    args: &OwnersArgs,
    store_args: &StoreArgs,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let store = session.read_around(&[file], store_args, CountPolicy::HeadersOnly, out)?;
    let id = store.disk_of(file)?;
    let name = text::path(file);
    let moment = Moment::of_lines(&store.forest, [id]);
    let chain = open_chain(&store.forest, id).with_context(|| name.clone())?;
    let sector_bytes = u64::from(chain.sector_size()).max(1);
    let held = held(&chain, &session.job).with_context(|| name.clone())?;
    let of = within(&held, args, chain.sector_size());
    let owned = SectorOwners::read(&chain, &of, &session.job);
    let runs: Vec<OwnerRun<'_>> = of
        .iter()
        .flat_map(|range| {
            let first = range.start / sector_bytes;
            let end = range.end.div_ceil(sector_bytes);
            owned.cut(SectorNo(first), end.saturating_sub(first))
        })
        .collect();
    let changed = moment.changed();
    let complete = owned.complete && changed.is_empty();
    match out.form {
        Form::Json => out.json(&Document {
            schema: SCHEMA,
            command: "map",
            complete,
            errors: changed
                .iter()
                .map(|path| PathErrorJson::new(path, super::CHANGED.to_owned()))
                .collect(),
            body: OwnersBody {
                path: path_text(file).0,
                owners: runs.iter().map(OwnerRunJson::new).collect(),
            },
        })?,
        Form::Ndjson => {
            for run in &runs {
                out.json(&OwnerRunJson::new(run))?;
            }
        }
        Form::Csv => {
            out.line("sector,count,class,volume,path,stream")?;
            for run in &runs {
                let (sector, count) = (run.sector.0.to_string(), run.count.to_string());
                let cells = [sector.as_str(), &count].into_iter();
                out.line(&csv::line(cells.chain(owner_cells(run.owner))))?;
            }
        }
        Form::Text => {
            let mut page = OwnersPage::new(sector_bytes, out.style.units);
            if out.headings == Headings::Shown && !runs.is_empty() {
                out.page(&[page.heading()])?;
            }
            for run in &runs {
                out.page(&[page.run(run)])?;
            }
            out.page(&[page.totals()])?;
        }
    }
    for path in &changed {
        out.warn(&format!("{}: {}", text::path(path), super::CHANGED));
    }
    told_of_owners(&owned, out);
    Ok(if complete {
        Exit::Done
    } else {
        Exit::CannotTell
    })
}
