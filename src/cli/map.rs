//! `map`: which blocks a disk holds, as exact runs or as a grid.

pub(super) mod owners;

use std::cell::RefCell;
use std::path::Path;

use anyhow::Context as _;

use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::analysis::moment::Moment;
use crate::image::{Header, Image, Kind, StateRun, codes};
use crate::report::csv;
use crate::report::json::diff::{Ended, MapDocument, StateRunJson, each};
use crate::report::json::{PathErrorJson, path_text};
use crate::report::page::map::{self as page, MapScale, MapUnit, NO_BLOCKS};
use crate::report::page::{Cell, Layer, Line, MapStyle, Role};
use crate::report::tree_text::Headings;
use crate::store::containers::Containers;
use crate::text::{self, Glyphs, Units, escape};

/// What is said of a file that looks otherwise after its table was read.
const CHANGED: &str = "it changed while it was read; the map may mix two moments";

pub(super) fn run(
    session: &Session,
    file: &Path,
    grid: Option<(u32, u32)>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    session.listen()?;
    let name = text::path(file);
    let source = Containers::default()
        .open(file)
        .with_context(|| format!("cannot open {name}"))?;
    let image = Image::open(source).with_context(|| name.clone())?;
    let moment = Moment::of_files(&[], [(file.to_path_buf(), Some(image.header().clone()))]);
    let block_size = image
        .header()
        .block_size
        .filter(|_| image.header().blocks > 0);
    let count = |visit: &mut dyn FnMut(StateRun)| {
        let mut sums = image.count(&session.job, Some(visit));
        let unread = sums.findings.iter().filter(|finding| {
            [&codes::TABLE_UNREADABLE, &codes::BITMAP_UNREADABLE].contains(&finding.code)
        });
        let mut errors: Vec<_> = unread
            .map(|finding| PathErrorJson::new(file, finding.text.clone()))
            .collect();
        if !moment.changed().is_empty() {
            sums.complete = false;
            errors.push(PathErrorJson::new(file, CHANGED.to_owned()));
        }
        Ended { sums, errors }
    };
    let ended = match out.form {
        Form::Json => {
            let document = MapDocument {
                path: path_text(file).0,
                block_size,
                count: &count,
                ended: RefCell::default(),
            };
            out.json(&document)?;
            document.ended.into_inner()
        }
        Form::Ndjson => each(&count, &mut |run| out.json(&StateRunJson::from(run)))?,
        Form::Csv => {
            out.line("block,count,state")?;
            each(&count, &mut |run| {
                let (first, count) = (run.first.0.to_string(), run.count.to_string());
                out.line(&csv::line([
                    first.as_str(),
                    count.as_str(),
                    run.state.word(),
                ]))
            })?
        }
        Form::Text => {
            let (units, header) = (out.style.units, image.header());
            let block_bytes = block_size.unwrap_or(0).into();
            let ended = if let Some(size) = grid {
                let mut grid = Grid::new(header, size, units);
                let ended = count(&mut |run| grid.add(run));
                out.page(&grid.lines(MapStyle::Shades, out.style.charset.glyphs()))?;
                ended
            } else {
                if out.headings == Headings::Shown && header.blocks > 0 {
                    out.page(&[page::columns(units)])?;
                }
                each(&count, &mut |run| {
                    out.page(&[page::run(run, block_bytes, units)])
                })?
            };
            if header.blocks == 0 {
                out.line(NO_BLOCKS)?;
            } else {
                let differs = header.kind == Kind::Differencing;
                let sector_size = differs.then_some(header.sector_size.into());
                out.page(&page::totals(&ended.sums, sector_size, units))?;
            }
            ended
        }
    };
    for error in &ended.errors {
        out.warn(&format!("{name}: {}", escape(&error.error)));
    }
    Ok(if ended.sums.complete {
        Exit::Done
    } else {
        if ended.errors.is_empty() {
            out.warn(&format!("{name}: not all of the table could be read"));
        }
        Exit::CannotTell
    })
}

/// A power of two of blocks for each cell, so that offsets are round.
struct Grid {
    cells: Vec<Cell>,
    scale: MapScale,
}

impl Grid {
    fn new(header: &Header, (columns, rows): (u32, u32), units: Units) -> Self {
        let blocks = header.blocks;
        let room = u64::from(columns) * u64::from(rows);
        let per_cell = blocks.div_ceil(room).max(1).next_power_of_two();
        let cell = |at: u64| Cell {
            total: blocks.saturating_sub(at * per_cell).min(per_cell),
            ..Cell::default()
        };
        Self {
            cells: (0..blocks.div_ceil(per_cell).min(room)).map(cell).collect(),
            scale: MapScale {
                unit: MapUnit::Block,
                unit_bytes: header.block_size.unwrap_or(0).into(),
                per_cell,
                columns: columns.into(),
                total: blocks,
                units,
            },
        }
    }

    fn add(&mut self, run: StateRun) {
        let per_cell = self.scale.per_cell;
        let mut block = run.first.0;
        let end = block.saturating_add(run.count);
        while block < end {
            let at = block / per_cell;
            let next = (at + 1).saturating_mul(per_cell).min(end);
            let cell = usize::try_from(at).ok();
            if let Some(cell) = cell.and_then(|at| self.cells.get_mut(at)) {
                cell.add(run.state, block % per_cell, next - block);
            }
            block = next;
        }
    }

    fn lines(&self, style: MapStyle, glyphs: &'static Glyphs) -> Vec<Line> {
        let columns = usize::try_from(self.scale.columns).unwrap_or(1);
        let rows = self.cells.chunks(columns);
        let labels = self.scale.labels(0, rows.len() as u64);
        let mut lines = vec![self.scale.line(0, rows.len() as u64, usize::MAX)];
        lines.extend(labels.into_iter().zip(rows).map(|(label, cells)| {
            let mut line = label.with(Role::Text, " ");
            for cell in cells {
                let (sign, role) = cell.sign(style, Layer::Held, glyphs);
                line.push(role, sign);
            }
            line
        }));
        lines.push(page::legend(style, Layer::Held, glyphs));
        lines
    }
}
