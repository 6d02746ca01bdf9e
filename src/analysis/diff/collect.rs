//! Totals, whole runs and blocks from the pieces, in order.

use super::{BlockDiff, DiffEvent, DiffRun, DiffTotals};
use crate::format::BlockNo;

/// Joins runs across pieces and tells them and the blocks.
pub(super) struct Collector<'a> {
    on_event: &'a mut dyn FnMut(DiffEvent),
    block_sectors: u64,
    run: Option<DiffRun>,
    block: Option<BlockDiff>,
    /// The sums so far.
    pub(super) totals: DiffTotals,
}

impl<'a> Collector<'a> {
    pub(super) fn new(block_sectors: u64, on_event: &'a mut dyn FnMut(DiffEvent)) -> Self {
        Self {
            on_event,
            block_sectors: block_sectors.max(1),
            run: None,
            block: None,
            totals: DiffTotals::default(),
        }
    }

    /// Takes the next run; runs come in order.
    pub(super) fn take(&mut self, run: DiffRun) {
        self.take_blocks(run);
        self.take_last(run);
    }

    /// Takes the last run, of which no blocks are told.
    pub(super) fn take_last(&mut self, run: DiffRun) {
        self.totals.add(run.kind, run.count);
        match &mut self.run {
            Some(last)
                if last.kind == run.kind
                    && last.sector.0.saturating_add(last.count) == run.sector.0 =>
            {
                last.count = last.count.saturating_add(run.count);
            }
            last => {
                if let Some(done) = last.replace(run) {
                    (self.on_event)(DiffEvent::Run(done));
                }
            }
        }
    }

    fn take_blocks(&mut self, run: DiffRun) {
        let end = run.sector.0.saturating_add(run.count);
        let mut at = run.sector.0;
        while at < end {
            let block = at.checked_div(self.block_sectors).unwrap_or(0);
            let block_end = block.saturating_add(1).saturating_mul(self.block_sectors);
            let part = block_end.min(end).saturating_sub(at);
            if self.block.is_none_or(|known| known.block.0 != block) {
                self.tell_block();
                self.block = Some(BlockDiff {
                    block: BlockNo(block),
                    totals: DiffTotals::default(),
                });
            }
            if let Some(known) = &mut self.block {
                known.totals.add(run.kind, part);
            }
            at = block_end;
        }
    }

    fn tell_block(&mut self) {
        if let Some(done) = self.block.take() {
            (self.on_event)(DiffEvent::Block(done));
        }
    }

    /// Tells what is left and gives the sums.
    pub(super) fn finish(mut self) -> DiffTotals {
        if let Some(done) = self.run.take() {
            (self.on_event)(DiffEvent::Run(done));
        }
        self.tell_block();
        self.totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diff::DiffKind;
    use crate::analysis::diff::DiffKind::{Changed, Same};
    use crate::format::SectorNo;

    fn run(sector: u64, count: u64, kind: DiffKind) -> DiffRun {
        DiffRun {
            sector: SectorNo(sector),
            count,
            kind,
        }
    }

    #[test]
    fn runs_join_across_pieces_and_blocks_are_told_once() {
        let (mut runs, mut blocks) = (Vec::new(), Vec::new());
        let mut on_event = |event| match event {
            DiffEvent::Run(run) => runs.push(run),
            DiffEvent::Block(block) => {
                blocks.push((block.block.0, block.totals.same, block.totals.changed));
            }
        };
        let mut collector = Collector::new(8, &mut on_event);
        for piece in [
            run(6, 1, Same),
            run(7, 3, Same),
            run(10, 2, Changed),
            run(13, 1, Changed),
            run(40, 17, Same),
        ] {
            collector.take(piece);
        }
        let totals = collector.finish();
        assert_eq!(
            runs,
            [
                run(6, 4, Same),
                run(10, 2, Changed),
                run(13, 1, Changed),
                run(40, 17, Same)
            ]
        );
        assert_eq!(
            blocks,
            [(0, 2, 0), (1, 2, 3), (5, 8, 0), (6, 8, 0), (7, 1, 0)]
        );
        assert_eq!((totals.compared, totals.same, totals.changed), (24, 21, 3));
    }
}
