//! What is laid over the blocks: the comparison's sectors, the partitions, the disks of the chain.

use std::ops::Range;
use std::sync::Arc;

use crate::analysis::diff::{DiffKind, DiffRun};
use crate::guest::Partitions;
use crate::guest::partitions::Partition;
use crate::report::page::Cell;
use crate::report::placed::owner_words;
use crate::tui::message::{BlockTable, ChainTables};

use super::answers::held_within;
use super::window::MapWindow;

impl MapWindow {
    /// What the comparison found in some sectors of a block.
    pub fn compared_sectors(&self, block: u64, first: u64, end: u64, cell: &mut Cell) {
        let (Some(compared), Some(table)) = (&self.compared, &self.table) else {
            return;
        };
        let per_block = table.block_bytes / table.sector_bytes.max(1);
        let start = block.saturating_mul(per_block);
        let (first, end) = (start.saturating_add(first), start.saturating_add(end));
        let run_end = |run: &DiffRun| run.sector.0.saturating_add(run.count);
        let from = compared.runs.partition_point(|run| run_end(run) <= first);
        let runs = compared.runs.iter().skip(from);
        for run in runs.take_while(|run| run.sector.0 < end) {
            let count = run_end(run)
                .min(end)
                .saturating_sub(run.sector.0.max(first));
            match run.kind {
                DiffKind::Changed => cell.changed += count,
                DiffKind::Same => cell.same += count,
                DiffKind::Zeroed => cell.zeroed += count,
                DiffKind::Unreadable => cell.unreadable += count,
            }
        }
    }

    /// Takes what was read of the chain, and keeps what was read before.
    pub fn take(&mut self, found: &Arc<ChainTables>) {
        let mut chain = ChainTables::clone(found);
        if let Some(known) = self.chain.take() {
            if chain.tables.is_empty() {
                chain.tables.clone_from(&known.tables);
            }
            chain.owners = chain.owners.or_else(|| known.owners.clone());
        }
        self.chain = Some(Arc::new(chain));
        self.refresh();
    }

    /// The bytes of the disk that some blocks, or sectors of a block, stand for.
    pub fn span(&self, first: u64, end: u64) -> Range<u64> {
        let Some(table) = &self.table else {
            return 0..0;
        };
        let (start, unit) = match &self.sectors {
            Some(sectors) => (
                sectors.block.saturating_mul(table.block_bytes),
                table.sector_bytes,
            ),
            None => (0, table.block_bytes),
        };
        let at = |number: u64| start.saturating_add(number.saturating_mul(unit));
        at(first)..at(end)
    }

    /// Whose something of some bytes is.
    pub fn own(&self, bytes: &Range<u64>, cell: &mut Cell) {
        let owners = self.chain.as_ref().and_then(|chain| chain.owners.as_ref());
        let owners = owners.into_iter().flat_map(|owners| owners.within(bytes));
        owners.for_each(|owner| cell.own(owner.class));
    }

    /// The first of those who own something of some bytes that a cell's sign tells of, in words.
    pub fn owner_within(&self, bytes: &Range<u64>, cell: &Cell) -> Option<String> {
        let owners = self.chain.as_ref()?.owners.as_ref()?;
        let mut telling = owners
            .within(bytes)
            .filter(|owner| Some(owner.class) == cell.owner);
        let first = telling.next()?;
        let words = owner_words(Some(first));
        let others = telling.any(|other| other != first);
        Some(if others { words + " and others" } else { words })
    }

    /// The partition at the first byte of a unit, by name.
    pub fn partition_at(&self, byte: u64) -> Option<String> {
        let chain = self.chain.as_ref()?;
        let sector = byte / chain.sector_bytes.max(1);
        let all = chain.partitions.as_ref()?.all().iter();
        let mut here = all.filter(|one| one.first.0 <= sector && sector < one.end());
        here.next().map(|one| named(one.number, one.word()))
    }

    /// The partitions that begin within some bytes.
    pub fn partitions_from(&self, bytes: Range<u64>) -> Vec<String> {
        let Some(chain) = &self.chain else {
            return Vec::new();
        };
        let all = chain.partitions.as_ref().map_or(&[][..], Partitions::all);
        let at = |one: &Partition| one.first.0.saturating_mul(chain.sector_bytes.max(1));
        let here = all.iter().filter(|one| bytes.contains(&at(one)));
        here.map(|one| named(one.number, one.word())).collect()
    }

    /// A disk of the chain in so many cells.
    pub fn strip(&self, table: &BlockTable, cells: u64) -> Vec<Cell> {
        let len = self
            .table
            .as_ref()
            .map_or(0, |own| self.whole_len().saturating_mul(own.block_bytes));
        let cells = cells.max(1);
        let at = |cell: u64| {
            u64::try_from(u128::from(len) * u128::from(cell) / u128::from(cells)).unwrap_or(len)
        };
        (0..cells)
            .map(|cell| {
                let span = at(cell)..at(cell + 1);
                let (held, total) = held_within(table, &span);
                Cell {
                    total,
                    full: held,
                    ..Cell::default()
                }
            })
            .collect()
    }

    fn whole_len(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.counts.total)
    }
}

fn named(number: u32, word: &str) -> String {
    format!("p{number} {word}").trim_end().to_owned()
}
