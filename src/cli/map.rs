//! `map`: which blocks a disk holds, as exact runs or as a grid.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use anyhow::Context as _;

use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::analysis::moment::Moment;
use crate::image::{BlockState, Counts, Image, StateRun, codes};
use crate::report::csv;
use crate::report::json::diff::{CountRuns, Ended, MapDocument, StateRunJson};
use crate::report::json::{PathErrorJson, path_text};
use crate::report::tree_text::{Headings, align};
use crate::store::containers::Containers;
use crate::text::{self, Glyphs, escape};

/// What is said of a file that looks otherwise after its table was read.
const CHANGED: &str = "it changed while it was read; the map may mix two moments";

/// Lines of the table of runs that are aligned with each other.
const ALIGNED_LINES: usize = 4096;

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
            let document = MapDocument::new(path_text(file).0, block_size, &count);
            out.json(&document)?;
            document.into_ended()
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
            let block_bytes = u64::from(block_size.unwrap_or(0));
            let ended = match grid {
                Some(size) => {
                    let mut grid = Grid::new(image.header().blocks, size);
                    let ended = count(&mut |run| grid.add(run));
                    grid.draw(block_bytes, out)?;
                    ended
                }
                None => draw_runs(&count, block_bytes, out)?,
            };
            totals(&image, &ended.sums, out)?;
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

/// Hands each run to `show` as it is found, up to the first that cannot be shown.
fn each(
    count: CountRuns<'_>,
    show: &mut dyn FnMut(&StateRun) -> io::Result<()>,
) -> io::Result<Ended<Counts>> {
    let mut shown = Ok(());
    let ended = count(&mut |run| {
        if shown.is_ok() {
            shown = show(&run);
        }
    });
    shown.map(|()| ended)
}

/// Runs as a table, aligned over so many lines at a time as need no memory to speak of.
fn draw_runs(
    count: CountRuns<'_>,
    block_bytes: u64,
    out: &mut Output,
) -> anyhow::Result<Ended<Counts>> {
    let mut table = Vec::new();
    if out.headings == Headings::Shown {
        table.push(
            ["FIRST", "COUNT", "OFFSET", "BYTES", "STATE"]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    let flush = |table: &mut Vec<Vec<String>>, out: &mut Output| {
        let lines = align(table, &[true, true, true, true, false]);
        table.clear();
        out.lines(lines)
    };
    let ended = each(count, &mut |run| {
        let number = |value: u64| out.style.units.count(value);
        let size = |blocks: u64| out.style.units.size(blocks.saturating_mul(block_bytes));
        table.push(vec![
            number(run.first.0),
            number(run.count),
            size(run.first.0),
            size(run.count),
            run.state.word().to_owned(),
        ]);
        if table.len() < ALIGNED_LINES {
            return Ok(());
        }
        flush(&mut table, out)
    })?;
    flush(&mut table, out)?;
    Ok(ended)
}

/// What one cell of the grid stands for.
#[derive(Debug, Clone, Copy, Default)]
struct GridCell {
    held: u64,
    zero: u64,
    unmapped: u64,
    error: u64,
}

impl GridCell {
    fn sign(self, of: u64, glyphs: &Glyphs) -> &'static str {
        if self.error > 0 {
            "!"
        } else if self.held == 0 && self.zero > 0 {
            "0"
        } else if self.held == 0 && self.unmapped > 0 {
            "x"
        } else {
            glyphs.shade(self.held, of)
        }
    }
}

/// A power of two of blocks for each cell, so that offsets are round; whatever there is in a cell shows, errors first.
struct Grid {
    cells: Vec<GridCell>,
    blocks: u64,
    per_cell: u64,
    columns: u32,
}

impl Grid {
    fn new(blocks: u64, (columns, rows): (u32, u32)) -> Self {
        let room = u64::from(columns) * u64::from(rows);
        let per_cell = blocks.div_ceil(room).max(1).next_power_of_two();
        let cells = blocks.div_ceil(per_cell).min(room);
        Self {
            cells: vec![GridCell::default(); usize::try_from(cells).unwrap_or(0)],
            blocks,
            per_cell,
            columns,
        }
    }

    fn add(&mut self, run: StateRun) {
        let mut block = run.first.0;
        let end = block.saturating_add(run.count);
        while block < end {
            let at = block / self.per_cell;
            let next = (at + 1).saturating_mul(self.per_cell).min(end);
            let share = next - block;
            let cell = usize::try_from(at).ok();
            if let Some(cell) = cell.and_then(|at| self.cells.get_mut(at)) {
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

    fn draw(&self, block_bytes: u64, out: &mut Output) -> io::Result<()> {
        let Self {
            per_cell, columns, ..
        } = *self;
        let row_blocks = per_cell.saturating_mul(u64::from(columns));
        let size = |blocks: u64| out.style.units.size(blocks.saturating_mul(block_bytes));
        let head = format!(
            "1 cell = {} = {}; 1 row = {}; {}",
            text::many(per_cell, "block"),
            size(per_cell),
            size(row_blocks),
            text::many(self.blocks, "block")
        );
        let mut lines = vec![head];
        for (row, cells) in self.cells.chunks(columns as usize).enumerate() {
            let offset = size((row as u64).saturating_mul(row_blocks));
            let mut line = format!("{offset:>12}  ");
            for (at, cell) in cells.iter().enumerate() {
                let first = (row as u64 * u64::from(columns) + at as u64) * per_cell;
                let of = self.blocks.saturating_sub(first).min(per_cell);
                line.push_str(cell.sign(of, out.style.charset.glyphs()));
            }
            lines.push(line);
        }
        let glyphs = out.style.charset.glyphs();
        lines.push(format!(
        "{} none  {} any  {} over 10 %  {} over half  {} all  0 zero  x unmapped  ! error, before all others",
        glyphs.shade(0, 100),
        glyphs.shade(1, 100),
        glyphs.shade(11, 100),
        glyphs.shade(51, 100),
        glyphs.shade(100, 100),
    ));
        out.lines(lines)
    }
}

fn totals(image: &Image, counts: &Counts, out: &mut Output) -> anyhow::Result<()> {
    let header = image.header();
    if header.blocks == 0 {
        out.line("a fixed disk: it has no blocks, all of it is in the file")?;
        return Ok(());
    }
    let mut line = format!(
        "{}: {} full, {} partial, {} zero, {} unmapped, {} absent, {}",
        text::many(counts.total, "block"),
        text::count(counts.full),
        text::count(counts.partial),
        text::count(counts.zero),
        text::count(counts.unmapped),
        text::count(counts.absent),
        text::many(counts.error, "error")
    );
    if header.kind == crate::image::Kind::Differencing {
        let bytes = counts
            .dirty_sectors
            .saturating_mul(u64::from(header.sector_size));
        let _ = write!(
            line,
            "; {} dirty sectors, {}",
            text::count(counts.dirty_sectors),
            out.style.units.size(bytes)
        );
    }
    out.line(&line)?;
    Ok(())
}
