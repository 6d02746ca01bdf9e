//! The runs of a comparison: which of them are shown, which is selected, and its bytes.

use std::sync::Arc;

use crate::analysis::diff::{DiffKind, DiffRun};
use crate::tui::message::{DiffResult, Sides};

/// Which runs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    #[default]
    Differing,
    All,
    Zeroed,
    Same,
}

impl Kinds {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Differing => Self::All,
            Self::All => Self::Zeroed,
            Self::Zeroed => Self::Same,
            Self::Same => Self::Differing,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Differing => "differing",
            Self::All => "all",
            Self::Zeroed => "zeroed only",
            Self::Same => "equal only",
        }
    }

    fn shows(self, kind: DiffKind) -> bool {
        match self {
            Self::Differing => kind != DiffKind::Same,
            Self::All => true,
            Self::Zeroed => kind == DiffKind::Zeroed,
            Self::Same => kind == DiffKind::Same,
        }
    }
}

/// Which part of the diff has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffFocus {
    #[default]
    Runs,
    Bytes,
}

/// The runs of a comparison, and the selected place.
#[derive(Debug, Clone, Default)]
pub struct DiffRuns {
    pub data: Option<Arc<DiffResult>>,
    /// Which runs are shown.
    pub kinds: Kinds,
    /// Indexes of the runs shown.
    pub shown: Vec<usize>,
    /// The selected one of those.
    pub cursor: usize,
    /// The first one on the screen.
    pub top: usize,
    /// How many sectors into the run the bytes are.
    pub into: u64,
    /// The bytes.
    pub sides: Option<Arc<Sides>>,
    /// First row of bytes shown.
    pub scroll: usize,
    /// Which part has the keys.
    pub part: DiffFocus,
    /// Equal rows are shown too.
    pub all_bytes: bool,
}

impl DiffRuns {
    /// None yet, shown by the same rules.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            kinds: self.kinds,
            all_bytes: self.all_bytes,
            ..Self::default()
        }
    }

    /// Takes what was compared.
    pub fn open(&mut self, data: Arc<DiffResult>) {
        let known = self.data.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &data)) {
            return;
        }
        *self = self.emptied();
        self.data = Some(data);
        self.filter();
    }

    /// Works out which runs are shown.
    pub fn filter(&mut self) {
        let runs = self
            .data
            .as_ref()
            .map(|data| data.runs.as_slice())
            .unwrap_or_default();
        let kinds = self.kinds;
        self.shown = (0..runs.len())
            .filter(|index| runs.get(*index).is_some_and(|run| kinds.shows(run.kind)))
            .collect();
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
        self.into = 0;
        self.scroll = 0;
    }

    /// The selected run.
    pub fn run(&self) -> Option<DiffRun> {
        let index = *self.shown.get(self.cursor)?;
        self.data.as_ref()?.runs.get(index).copied()
    }

    /// The sector whose bytes are asked for.
    pub fn sector(&self) -> Option<u64> {
        self.run()
            .map(|run| run.sector.0 + self.into.min(run.count.saturating_sub(1)))
    }

    /// Selects the run that holds a sector, or the next one after it.
    pub fn go(&mut self, sector: u64) {
        let Some(data) = &self.data else { return };
        let position = self.shown.partition_point(|index| {
            data.runs
                .get(*index)
                .is_some_and(|run| run.sector.0 + run.count <= sector)
        });
        self.cursor = position.min(self.shown.len().saturating_sub(1));
        self.into = self.run().map_or(0, |run| {
            sector
                .saturating_sub(run.sector.0)
                .min(run.count.saturating_sub(1))
        });
        self.scroll = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::SectorNo;

    fn state() -> DiffRuns {
        let run = |sector, count, kind| DiffRun {
            sector: SectorNo(sector),
            count,
            kind,
        };
        let mut state = DiffRuns::default();
        state.open(Arc::new(DiffResult {
            runs: vec![
                run(3, 5, DiffKind::Changed),
                run(8, 7, DiffKind::Same),
                run(100, 1, DiffKind::Zeroed),
                run(205, 3, DiffKind::Changed),
            ],
            ..DiffResult::default()
        }));
        state
    }

    #[test]
    fn what_differs_is_shown_first() {
        let mut state = state();
        assert_eq!(state.shown, [0, 2, 3]);
        state.kinds = Kinds::Same;
        state.filter();
        assert_eq!(state.shown, [1]);
    }

    #[test]
    fn going_to_a_sector_finds_its_run_or_the_next() {
        let mut state = state();
        state.go(206);
        assert_eq!((state.cursor, state.sector()), (2, Some(206)));
        state.go(50);
        assert_eq!(state.sector(), Some(100));
        state.go(9_999);
        assert_eq!(state.cursor, 2);
    }
}
