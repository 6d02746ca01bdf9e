//! `map`: which blocks a disk holds, as exact runs or as a grid.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::image::{BlockState, Counts, Image, StateRun};
use crate::report::json::diff::{MapBody, StateRunJson};
use crate::report::json::{Document, SCHEMA, path_text};
use crate::report::tree_text::{Headings, align};
use crate::report::units::{Units, count};
use crate::report::{Glyphs, csv, words};
use crate::source::FileSource;

pub(super) fn run(
    session: &Session,
    file: &Path,
    grid: Option<(u32, u32)>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    session.listen()?;
    let name = words::path_text(file);
    let source = FileSource::open(file).with_context(|| format!("cannot open {name}"))?;
    let image = Image::open(Arc::new(source)).with_context(|| name.clone())?;
    let mut runs: Vec<StateRun> = Vec::new();
    let counts = image.count(&session.job, Some(&mut |run| runs.push(run)));
    let block_size = image
        .header()
        .block_size
        .filter(|_| image.header().blocks > 0);
    match out.form {
        Form::Json => out.json(&Document {
            schema: SCHEMA,
            command: "map",
            complete: counts.complete,
            errors: Vec::new(),
            body: MapBody {
                path: path_text(file).0,
                block_size,
                blocks: (&counts).into(),
                runs: runs.iter().map(StateRunJson::from).collect(),
            },
        })?,
        Form::Ndjson => {
            for run in &runs {
                out.json(&StateRunJson::from(run))?;
            }
        }
        Form::Csv => {
            out.line("block,count,state")?;
            for run in &runs {
                let (first, count) = (run.first.0.to_string(), run.count.to_string());
                out.line(&csv::line([
                    first.as_str(),
                    count.as_str(),
                    words::block_state(run.state),
                ]))?;
            }
        }
        Form::Text => {
            let block_bytes = u64::from(block_size.unwrap_or(0));
            match grid {
                Some(grid) => draw_grid(&runs, &counts, block_bytes, grid, out)?,
                None => draw_runs(&runs, block_bytes, out)?,
            }
            totals(&image, &counts, out)?;
        }
    }
    Ok(if counts.complete {
        Exit::Done
    } else {
        out.warn(&format!("{name}: not all of the table could be read"));
        Exit::CannotTell
    })
}

fn draw_runs(runs: &[StateRun], block_bytes: u64, out: &mut Output) -> anyhow::Result<()> {
    let number = |value: u64| match out.style.units {
        Units::Human => count(value),
        Units::Bytes => value.to_string(),
    };
    let mut table = Vec::with_capacity(runs.len() + 1);
    if out.headings == Headings::Shown {
        table.push(
            ["FIRST", "COUNT", "OFFSET", "BYTES", "STATE"]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    for run in runs {
        table.push(vec![
            number(run.first.0),
            number(run.count),
            out.style
                .units
                .size(run.first.0.saturating_mul(block_bytes)),
            out.style.units.size(run.count.saturating_mul(block_bytes)),
            words::block_state(run.state).to_owned(),
        ]);
    }
    out.lines(align(&table, &[true, true, true, true, false]))?;
    Ok(())
}

/// What one cell of the grid stands for.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    held: u64,
    zero: u64,
    unmapped: u64,
    error: u64,
}

impl Cell {
    fn sign(self, of: u64, glyphs: Glyphs) -> &'static str {
        if self.error > 0 {
            glyphs.block(BlockState::Error)
        } else if self.held == 0 && self.zero > 0 {
            glyphs.block(BlockState::Zero)
        } else if self.held == 0 && self.unmapped > 0 {
            glyphs.block(BlockState::Unmapped)
        } else {
            glyphs.shade(self.held, of)
        }
    }
}

/// A power of two of blocks for each cell, so that offsets are round; whatever there is in a cell shows, errors first.
fn draw_grid(
    runs: &[StateRun],
    counts: &Counts,
    block_bytes: u64,
    (columns, rows): (u32, u32),
    out: &mut Output,
) -> anyhow::Result<()> {
    let room = u64::from(columns) * u64::from(rows);
    let per_cell = counts.total.div_ceil(room).max(1).next_power_of_two();
    let cells = counts.total.div_ceil(per_cell);
    let mut grid = vec![Cell::default(); usize::try_from(cells.min(room)).unwrap_or(0)];
    for run in runs {
        let mut block = run.first.0;
        let end = block.saturating_add(run.count);
        while block < end {
            let at = block / per_cell;
            let next = (at + 1).saturating_mul(per_cell).min(end);
            let share = next - block;
            if let Some(cell) = usize::try_from(at).ok().and_then(|at| grid.get_mut(at)) {
                match run.state {
                    BlockState::Full | BlockState::Partial => cell.held += share,
                    BlockState::Zero => cell.zero += share,
                    BlockState::Unmapped => cell.unmapped += share,
                    BlockState::Error => cell.error += share,
                    BlockState::Absent => {}
                }
            }
            block = next;
        }
    }
    let row_blocks = per_cell.saturating_mul(u64::from(columns));
    let size = |blocks: u64| out.style.units.size(blocks.saturating_mul(block_bytes));
    let head = format!(
        "1 cell = {} blocks = {}; 1 row = {}; {} blocks",
        count(per_cell),
        size(per_cell),
        size(row_blocks),
        count(counts.total)
    );
    let mut lines = vec![head];
    for (row, cells) in grid.chunks(columns as usize).enumerate() {
        let offset = size((row as u64).saturating_mul(row_blocks));
        let mut line = format!("{offset:>12}  ");
        for (at, cell) in cells.iter().enumerate() {
            let first = (row as u64 * u64::from(columns) + at as u64) * per_cell;
            let of = counts.total.saturating_sub(first).min(per_cell);
            line.push_str(cell.sign(of, out.style.glyphs));
        }
        lines.push(line);
    }
    let glyphs = out.style.glyphs;
    lines.push(format!(
        "{} none  {} any  {} over 10 %  {} over half  {} all  0 zero  x unmapped  ! error, before all others",
        glyphs.shade(0, 100),
        glyphs.shade(1, 100),
        glyphs.shade(11, 100),
        glyphs.shade(51, 100),
        glyphs.shade(100, 100),
    ));
    out.lines(lines)?;
    Ok(())
}

fn totals(image: &Image, counts: &Counts, out: &mut Output) -> anyhow::Result<()> {
    let header = image.header();
    if header.blocks == 0 {
        out.line("a fixed disk: it has no blocks, all of it is in the file")?;
        return Ok(());
    }
    let mut line = format!(
        "{} blocks: {} full, {} partial, {} zero, {} unmapped, {} absent, {} errors",
        count(counts.total),
        count(counts.full),
        count(counts.partial),
        count(counts.zero),
        count(counts.unmapped),
        count(counts.absent),
        count(counts.error)
    );
    if header.kind == crate::image::Kind::Differencing {
        let bytes = counts
            .dirty_sectors
            .saturating_mul(u64::from(header.sector_size));
        let _ = write!(
            line,
            "; {} dirty sectors, {}",
            count(counts.dirty_sectors),
            out.style.units.size(bytes)
        );
    }
    out.line(&line)?;
    Ok(())
}
