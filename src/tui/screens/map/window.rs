//! Which blocks are in the window of the map, in cells of a power of two, and where the cursor is.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::layout::Rect;

use crate::image::{BlockState, StateRun};
use crate::report::page::{Cell, Layer, MapStyle};
use crate::tui::layout::WIDE;
use crate::tui::message::{BlockTable, ChainTables, DiffResult, SectorTable};

use super::answers::{answers_within, runs_within};

/// How many halvings one zoom step is.
const STEP: u32 = 2;

/// Columns for the offsets beside the rows.
pub const OFFSETS: u16 = 8;

/// Lines above the cells.
pub const HEAD: u16 = 1;

/// Rows of the overview above a map that is zoomed in.
const OVERVIEW: u16 = 8;

/// The window on the blocks of one disk.
#[derive(Debug, Clone, Default)]
pub struct MapWindow {
    /// The disk that is asked for.
    pub path: Option<PathBuf>,
    /// Its blocks, once read.
    pub table: Option<Arc<BlockTable>>,
    /// The comparison with its parent, once done.
    pub compared: Option<Arc<DiffResult>>,
    /// The partitions of its content, and the tables of its chain.
    pub chain: Option<Arc<ChainTables>>,
    /// The place to show of the next disk, in bytes: first byte and bytes of a cell.
    pub keep: Option<(u64, u64)>,
    /// The sectors of one block, at the deepest zoom.
    pub sectors: Option<Arc<SectorTable>>,
    /// Blocks per cell, as a power of two.
    pub zoom: u32,
    /// The block (or, in a block, the sector) under the cursor.
    pub cursor: u64,
    /// The first block of the window.
    pub top: u64,
    /// How cells are drawn.
    pub style: MapStyle,
    pub layer: Layer,
    /// Columns and rows of the window, in cells.
    pub grid: (u16, u16),
    pub cells: Vec<Cell>,
    /// The cursor before the sectors were opened.
    pub outer: u64,
    /// The whole disk in a few rows, above a window that shows a part of it.
    pub overview: Overview,
}

/// The whole disk in a few rows of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Its cells; none if it is not shown.
    pub cells: Vec<Cell>,
    /// Blocks per cell, as a power of two.
    pub zoom: u32,
    /// What the cells were made from: columns, rows, and where the tables lie in memory.
    of: (u16, u16, usize, usize),
}

impl MapWindow {
    /// Blocks of the disk, or sectors of the block.
    pub fn len(&self) -> u64 {
        match (&self.sectors, &self.table) {
            (Some(sectors), _) => sectors.held.len() as u64,
            (None, Some(table)) => table.counts.total,
            (None, None) => 0,
        }
    }

    /// True if there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The zoom at which everything fits into the window.
    pub fn widest(&self) -> u32 {
        self.widest_in(self.grid)
    }

    /// The zoom at which everything fits into so many columns and rows.
    pub fn widest_in(&self, (columns, rows): (u16, u16)) -> u32 {
        let cells = u64::from(columns) * u64::from(rows);
        let mut zoom = 0;
        while zoom < 63 && self.len().div_ceil(1 << zoom) > cells.max(1) {
            zoom += 1;
        }
        zoom
    }

    /// Takes a disk's blocks and shows all of them.
    pub fn open(&mut self, table: Arc<BlockTable>) {
        let same = self
            .table
            .as_ref()
            .is_some_and(|old| old.path == table.path);
        self.table = Some(table);
        self.sectors = None;
        if !same {
            self.cursor = 0;
            self.compared = None;
            self.zoom = self.widest();
            self.back_to_place();
        }
        self.refresh();
    }

    /// Keeps the place for the next disk, whose blocks may be of another size.
    pub fn keep_place(&mut self) {
        let bytes = self.table.as_ref().map_or(0, |table| table.block_bytes);
        let (block, zoom) = match &self.sectors {
            Some(sectors) => (sectors.block, 0),
            None => (self.cursor, self.zoom),
        };
        self.keep = Some((block.saturating_mul(bytes), bytes << zoom));
    }

    fn back_to_place(&mut self) {
        let bytes = self.table.as_ref().map_or(0, |table| table.block_bytes);
        let Some((at, cell)) = self.keep.take().filter(|_| bytes > 0) else {
            return;
        };
        self.zoom = (cell / bytes).max(1).ilog2().min(self.widest());
        self.cursor = (at / bytes).min(self.len().saturating_sub(1));
    }

    /// Asks for a disk's blocks: until they come, those of another one are not shown.
    pub fn ask(&mut self, path: Option<PathBuf>) {
        let shown = self.table.as_ref().map(|table| &table.path);
        if shown != path.as_ref() {
            self.table = None;
            self.sectors = None;
        }
        self.path = path;
        self.compared = None;
        self.chain = None;
        self.refresh();
    }

    /// The window has so many columns and rows of cells now.
    pub fn resize(&mut self, grid: (u16, u16)) {
        if self.grid == grid {
            return;
        }
        let fitted = self.zoom >= self.widest();
        self.grid = grid;
        let widest = self.widest();
        self.zoom = if fitted {
            widest
        } else {
            self.zoom.min(widest)
        };
        self.refresh();
    }

    /// Sums up the whole disk in so many rows, if anything changed since; no row: there is no overview.
    pub fn survey(&mut self, rows: u16) {
        let columns = self.grid.0;
        let address = |there: Option<usize>| there.unwrap_or_default();
        let of = (
            columns,
            rows,
            address(self.table.as_ref().map(|table| Arc::as_ptr(table).addr())),
            address(self.compared.as_ref().map(|data| Arc::as_ptr(data).addr())),
        );
        if of == self.overview.of {
            return;
        }
        let zoom = self.widest_in((columns, rows));
        let cells = if rows == 0 || self.sectors.is_some() {
            0
        } else {
            self.len().div_ceil(1 << zoom)
        };
        let cells = (0..cells).map(|index| self.cell_at(index << zoom, zoom));
        self.overview = Overview {
            cells: cells.collect(),
            zoom,
            of,
        };
    }

    /// One step in; at one block a cell there is nothing further in here.
    pub fn zoom_in(&mut self) {
        self.zoom = self.zoom.saturating_sub(STEP);
        self.refresh();
    }

    /// One step out; out of a block's sectors, back to the blocks.
    pub fn zoom_out(&mut self) {
        if self.sectors.take().is_some() {
            self.cursor = self.outer;
            self.zoom = 0;
        } else {
            self.zoom = (self.zoom + STEP).min(self.widest());
        }
        self.refresh();
    }

    /// All the way in.
    pub fn zoom_full(&mut self) {
        self.zoom = 0;
        self.refresh();
    }

    /// Opens the sectors of a block.
    pub fn enter(&mut self, sectors: Arc<SectorTable>) {
        self.outer = sectors.block;
        self.sectors = Some(sectors);
        self.cursor = 0;
        self.zoom = self.widest();
        self.refresh();
    }

    /// Fills its part of the screen: with the whole disk in a few rows above, where there is room, that is wanted, and the
    /// window shows a part of the disk.
    pub fn fit(&mut self, area: Rect, overview: bool) {
        let mut whole = grid(area);
        whole.1 = whole.1.saturating_sub(self.strips(area));
        let part = self.zoom < self.widest_in(whole) && self.sectors.is_none();
        let roomy = area.width >= WIDE.0 && area.height >= WIDE.1 - 5;
        let rows = if overview && roomy && part {
            OVERVIEW
        } else {
            0
        };
        let taken = if rows == 0 { 0 } else { rows + HEAD };
        self.resize((whole.0, whole.1.saturating_sub(taken)));
        self.survey(rows);
    }

    /// Lays a layer over the map, or takes it away.
    pub fn switch(&mut self, layer: Layer) {
        self.layer = match self.layer {
            shown if shown == layer => Layer::Held,
            _ => layer,
        };
    }

    /// The layer that is drawn. Which disk of the chain answers is known by blocks: of a block's sectors, which the disk itself holds.
    pub fn shown_layer(&self) -> Layer {
        match (self.layer, &self.sectors) {
            (Layer::Chain, Some(_)) => Layer::Held,
            (layer, _) => layer,
        }
    }

    /// Lines of the chain's disks below a map that shows who answers, where there is room.
    pub fn strips(&self, area: Rect) -> u16 {
        let disks = self.chain.as_ref().map_or(0, |chain| chain.tables.len());
        let wanted = self.shown_layer() == Layer::Chain && disks > 1;
        if wanted && area.width >= WIDE.0 && area.height >= WIDE.1 - 5 {
            u16::try_from(disks).unwrap_or(u16::MAX).min(10)
        } else {
            0
        }
    }

    /// Lines the overview takes.
    pub fn overview_lines(&self) -> u16 {
        let columns = usize::from(self.grid.0.max(1));
        match u16::try_from(self.overview.cells.len().div_ceil(columns)) {
            Ok(0) | Err(_) => 0,
            Ok(rows) => rows + HEAD,
        }
    }

    /// Puts the cursor on the cell at a column and row of the map's part of the screen; false if there is none.
    pub fn click(&mut self, area: Rect, column: u16, row: u16) -> bool {
        let first = HEAD + self.overview_lines();
        let Some((column, row)) = column.checked_sub(OFFSETS).zip(row.checked_sub(first)) else {
            return false;
        };
        if column >= self.grid.0 || row >= self.grid.1 || row + first >= area.height {
            return false;
        }
        let cell = usize::from(row) * usize::from(self.grid.0) + usize::from(column);
        if cell >= self.cells.len() {
            return false;
        }
        self.go(self.top + ((cell as u64) << self.zoom));
        true
    }

    /// Moves by cells and rows of cells.
    pub fn step(&mut self, columns: i64, rows: i64) {
        let by = columns + rows * i64::from(self.grid.0);
        let cell = 1_u64 << self.zoom;
        let distance = by.unsigned_abs().saturating_mul(cell);
        let moved = if by < 0 {
            self.cursor.saturating_sub(distance)
        } else {
            self.cursor.saturating_add(distance)
        };
        // A step past either end stays in its column.
        if (moved >= self.len() || (by < 0 && distance > self.cursor)) && rows != 0 {
            return;
        }
        self.go(moved);
    }

    /// Puts the cursor on a block.
    pub fn go(&mut self, block: u64) {
        self.cursor = block.min(self.len().saturating_sub(1));
        self.refresh();
    }

    /// The next block in a direction that is worth looking at: with the comparison shown, one that differs; else the
    /// start of a run that is not simply absent.
    pub fn seek(&mut self, forward: bool) -> bool {
        let found = if let Some(sectors) = &self.sectors {
            seek_sectors(&sectors.held, self.cursor, forward)
        } else if let (Layer::Compared, Some(compared)) = (self.layer, &self.compared) {
            let mut differing = compared
                .blocks
                .iter()
                .filter(|block| block.totals.compared > block.totals.same)
                .map(|block| block.block.0);
            if forward {
                differing.find(|block| *block > self.last_of_cell())
            } else {
                differing
                    .take_while(|block| *block < self.first_of_cell())
                    .last()
            }
        } else if let Some(table) = &self.table {
            seek_runs(
                &table.runs,
                self.first_of_cell(),
                self.last_of_cell(),
                forward,
            )
        } else {
            None
        };
        if let Some(block) = found {
            self.go(block);
        }
        found.is_some()
    }

    /// First block of the cell under the cursor.
    pub fn first_of_cell(&self) -> u64 {
        self.cursor >> self.zoom << self.zoom
    }

    /// Last block of the cell under the cursor.
    pub fn last_of_cell(&self) -> u64 {
        (self.first_of_cell() + ((1_u64 << self.zoom) - 1)).min(self.len().saturating_sub(1))
    }

    /// What is in the cell under the cursor.
    pub fn cell(&self) -> Cell {
        self.cell_at(self.first_of_cell(), self.zoom)
    }

    pub fn cursor_cell(&self) -> Option<usize> {
        usize::try_from(self.cursor.checked_sub(self.top)? >> self.zoom).ok()
    }

    /// Scrolls so that the cursor is in the window, and sums up the window's cells.
    pub fn refresh(&mut self) {
        self.zoom = self.zoom.min(self.widest());
        let (columns, rows) = (u64::from(self.grid.0), u64::from(self.grid.1));
        if columns == 0 || rows == 0 || self.is_empty() {
            self.cells.clear();
            return;
        }
        let row_blocks = columns << self.zoom;
        let row = self.cursor / row_blocks;
        let first = self.top / row_blocks;
        let last_row = (self.len() - 1) / row_blocks;
        let first = first
            .clamp(row.saturating_sub(rows - 1), row)
            .min(last_row.saturating_sub(rows - 1));
        self.top = first * row_blocks;
        let cell = 1_u64 << self.zoom;
        let left = (self.len() - self.top).div_ceil(cell);
        let count = left.min(columns * rows);
        self.cells = (0..count)
            .map(|index| self.cell_at(self.top + index * cell, self.zoom))
            .collect();
    }

    fn cell_at(&self, first: u64, zoom: u32) -> Cell {
        let end = first.saturating_add(1 << zoom).min(self.len());
        let mut cell = Cell {
            total: end.saturating_sub(first),
            ..Cell::default()
        };
        if let Some(sectors) = &self.sectors {
            let range = usize::try_from(first).ok().zip(usize::try_from(end).ok());
            let held = range
                .and_then(|(first, end)| sectors.held.get(first..end))
                .unwrap_or_default();
            for (at, _) in (0..).zip(held).filter(|(_, held)| **held) {
                cell.full += 1;
                cell.mark(at, at + 1);
            }
            self.compared_sectors(sectors.block, first, end, &mut cell);
            self.own(&self.span(first, end), &mut cell);
            return cell;
        }
        let Some(table) = &self.table else {
            return cell;
        };
        for (state, part) in runs_within(&table.runs, first..end) {
            cell.add(state, part.start - first, part.end - part.start);
        }
        let span = self.span(first, end);
        let tables = self.chain.as_ref().map_or(&[][..], |chain| &chain.tables);
        let answers = |table: &BlockTable| answers_within(table, &span);
        let nearest = tables.iter().position(answers);
        cell.answers = nearest.map(|at| u8::try_from(at).unwrap_or(u8::MAX));
        self.own(&span, &mut cell);
        if let Some(compared) = &self.compared {
            let from = compared
                .blocks
                .partition_point(|block| block.block.0 < first);
            for block in compared
                .blocks
                .iter()
                .skip(from)
                .take_while(|block| block.block.0 < end)
            {
                if block.totals.unreadable > 0 {
                    cell.unreadable += 1;
                } else if block.totals.changed > 0 {
                    cell.changed += 1;
                } else if block.totals.zeroed > 0 {
                    cell.zeroed += 1;
                } else if block.totals.same > 0 {
                    cell.same += 1;
                }
            }
        }
        cell
    }
}

/// The window of a map that fills an area, in cells.
fn grid(area: Rect) -> (u16, u16) {
    let room = area.width.saturating_sub(OFFSETS);
    let columns = if room == 0 {
        0
    } else {
        (1_u16 << room.ilog2()).min(128)
    };
    let foot = match area.height {
        0..=6 => 1,
        7..=9 => 2,
        _ => 3,
    };
    (columns, area.height.saturating_sub(HEAD + foot))
}

fn seek_runs(runs: &[StateRun], first: u64, last: u64, forward: bool) -> Option<u64> {
    let shown = |run: &&StateRun| run.state != BlockState::Absent;
    if forward {
        let from = runs.partition_point(|run| run.first.0 <= last);
        runs.get(from..)?.iter().find(shown).map(|run| run.first.0)
    } else {
        let until = runs.partition_point(|run| run.first.0 < first);
        runs.get(..until)?
            .iter()
            .rev()
            .find(shown)
            .map(|run| run.first.0)
    }
}

fn seek_sectors(held: &[bool], cursor: u64, forward: bool) -> Option<u64> {
    let starts = |index: &usize| {
        held.get(*index) == Some(&true) && (*index == 0 || held.get(index - 1) == Some(&false))
    };
    let cursor = usize::try_from(cursor).ok()?;
    let found = if forward {
        (cursor + 1..held.len()).find(starts)
    } else {
        (0..cursor).rev().find(starts)
    };
    found.map(|index| index as u64)
}

#[cfg(test)]
mod tests;
