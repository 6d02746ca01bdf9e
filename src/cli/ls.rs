//! `ls`: the store as a tree, a table, JSON or CSV.

use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;

use super::args::{self, OnlyWord, TreeArgs};
use super::exit::Exit;
use super::output::{Form, Output, Paint};
use super::session::{ScannedStore, Session};
use crate::report::columns::{self, TimeForm};
use crate::report::json::stream;
use crate::report::page::{Line, Role};
use crate::report::prometheus::{self, ScanRun};
use crate::report::row::Only;
use crate::report::tree_text::{self, Headings};
use crate::report::{Column, Row, RowKind, RowOptions, csv, rows};
use crate::store::CountPolicy;
use crate::text::{self, Units};

pub(super) fn run(
    session: &Session,
    paths: &[PathBuf],
    tree: &TreeArgs,
    list: Option<&str>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let usual = usual(out);
    let columns = match list {
        Some(list) => args::columns(list, &Column::TREE).map_err(anyhow::Error::msg)?,
        None => usual,
    };
    let store = session.read_named(paths, CountPolicy::Count, out)?;
    let (forest, assessment, prose) = (&store.forest, &store.assessment, out.prose);
    match out.form {
        Form::Json => stream::document(out, forest, assessment, prose)?,
        Form::Ndjson => stream::records(out, forest, assessment, prose)?,
        Form::Csv => table(&store, tree, list.map(|_| columns.as_slice()), out)?,
        Form::Text => {
            // Columns that were asked for are all shown.
            let room = out.width().filter(|_| list.is_none());
            text(&store, tree, (&columns, room), out)?;
        }
    }
    Ok(store.exit())
}

/// The scan as metrics. A scan that cannot be done is one too: its failure must be seen where nobody reads what is said.
pub(super) fn metrics(
    session: &Session,
    paths: &[PathBuf],
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let (at, started) = (Timestamp::now(), Instant::now());
    let read = session.read_named(paths, CountPolicy::Count, out);
    let is_saved = !session.scan.from.is_empty();
    let mut run = ScanRun {
        at: Some(at),
        seconds: (!is_saved).then(|| started.elapsed().as_secs_f64()),
    };
    let store = match read {
        Ok(store) => store,
        Err(error) => {
            out.write_all(prometheus::failed(run).as_bytes())?;
            out.flush()?;
            return Err(error);
        }
    };
    if is_saved {
        run.at = store.forest.at;
    }
    let text = prometheus::text(&store.forest, &store.assessment, run);
    out.write_all(text.as_bytes())?;
    Ok(store.exit())
}

/// All columns in a pipe; at a terminal those that fit.
fn usual(out: &mut Output) -> Vec<Column> {
    match out.width() {
        Some(width) => {
            let fitted = columns::fit(width, &columns::Needs::default());
            out.style.time = fitted.time;
            fitted.columns.into_iter().map(|of| of.column).collect()
        }
        None => Column::TREE.to_vec(),
    }
}

pub(super) fn row_options(tree: &TreeArgs) -> RowOptions {
    let (sort, direction) = tree.sort.unwrap_or_default();
    RowOptions {
        sort,
        direction,
        only: match tree.only {
            Some(OnlyWord::Problems) => Only::Problems,
            None => Only::All,
        },
        max_depth: tree.depth,
        ..RowOptions::default()
    }
}

fn text(
    store: &ScannedStore,
    tree: &TreeArgs,
    (columns, room): (&[Column], Option<u16>),
    out: &mut Output,
) -> anyhow::Result<()> {
    // As the store, the rows are not given back.
    let rows = ManuallyDrop::new(rows(&store.forest, &store.assessment, &row_options(tree)));
    let lines = tree_text::lines(&rows, columns, &out.style, out.headings, room);
    let head = usize::from(out.headings == Headings::Shown);
    let ends_in_verdict = columns.last() == Some(&Column::Verdict);
    for (at, line) in lines.enumerate() {
        let row = at.checked_sub(head).and_then(|at| rows.get(at));
        match row.filter(|_| out.paint == Paint::Coloured && ends_in_verdict) {
            Some(row) => out.page(&[painted(&line, row, out)])?,
            None => out.line(&line)?,
        }
    }
    if rows.is_empty() && tree.only.is_none() && store.forest.complete {
        let roots = text::paths(&store.forest.roots, ", ");
        out.warn(&format!("no virtual disk in {roots}"));
    }
    Ok(())
}

/// The line with its verdict in a role of its own.
fn painted(line: &str, row: &Row, out: &Output) -> Line {
    let verdict = columns::status(row, &out.style);
    match line.strip_suffix(&verdict) {
        Some(rest) => Line::of(Role::Text, rest).with(row.flag.role(), verdict),
        None => Line::of(Role::Text, line),
    }
}

/// A flat table: no groups, no lines before names, exact bytes, the path of every row.
fn table(
    store: &ScannedStore,
    tree: &TreeArgs,
    columns: Option<&[Column]>,
    out: &mut Output,
) -> anyhow::Result<()> {
    const USUAL: [Column; 11] = [
        Column::Path,
        Column::Format,
        Column::Virtual,
        Column::OnDisk,
        Column::Blocks,
        Column::Dirty,
        Column::Created,
        Column::LastWrite,
        Column::Snapshots,
        Column::Now,
        Column::Verdict,
    ];
    let columns = columns.unwrap_or(&USUAL);
    let style = columns::ColumnStyle {
        units: Units::Bytes,
        time: TimeForm::Minute,
        ..out.style.clone()
    };
    if out.headings == Headings::Shown {
        out.line(&csv::line(columns.iter().map(|column| column.word())))?;
    }
    let rows = rows(&store.forest, &store.assessment, &row_options(tree));
    for row in rows.iter().filter(|row| row.kind() != RowKind::Group) {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| match column {
                Column::Name => row.full_name.clone(),
                Column::Verdict => row.flag.word().to_owned(),
                Column::Created => row
                    .cells
                    .created
                    .map_or_else(String::new, |at| at.to_string()),
                Column::LastWrite => row
                    .cells
                    .modified
                    .map_or_else(String::new, |at| at.to_string()),
                other => columns::cell(*other, row, &style),
            })
            .collect();
        out.line(&csv::line(cells.iter().map(String::as_str)))?;
    }
    Ok(())
}
