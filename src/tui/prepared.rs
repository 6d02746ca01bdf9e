//! A store made ready to be shown, where the user does not wait for it: verdicts, rows and findings are worked out by
//! the thread that read the store, and the browser's own thread only takes them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::assess;
use crate::analysis::{Assessment, Compared};
use crate::report::findings::{self, PlacedFinding};
use crate::report::row::Phase;
use crate::report::{Row, RowOptions, rows};
use crate::store::Forest;

/// A forest and what is to be said of it, of one moment.
#[derive(Debug, Clone, Default)]
pub struct PreparedStore {
    pub forest: Arc<Forest>,
    pub assessment: Arc<Assessment>,
}

/// What the browser shows a store by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownBy {
    /// What decides the rows; its phase is the worker's to say.
    pub options: RowOptions,
    /// Disks compared with their parents in this session, and whether they are equal.
    pub equals: BTreeMap<PathBuf, bool>,
}

impl ShownBy {
    /// True if rows made by it are those that are wanted now; their phase is the worker's to say.
    pub fn suits(&self, options: &RowOptions, equals: &BTreeMap<PathBuf, bool>) -> bool {
        let options = RowOptions {
            phase: self.options.phase,
            ..options.clone()
        };
        self.options == options && self.equals == *equals
    }
}

/// A store with everything the browser needs of it.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The store and its verdicts.
    pub store: PreparedStore,
    /// Its rows, in display order.
    pub rows: Vec<Row>,
    pub findings: Vec<PlacedFinding>,
    /// Bytes of all its files.
    pub bytes: u64,
    /// What the rows and verdicts were made by.
    pub by: ShownBy,
}

impl Prepared {
    /// Judges a forest and makes its rows.
    pub fn of(forest: Arc<Forest>, mut by: ShownBy, phase: Phase) -> Self {
        let assessment = Arc::new(assess(&forest, &compared(&forest, &by.equals)));
        by.options.phase = phase;
        Self::judged(PreparedStore { forest, assessment }, by)
    }

    /// Makes the rows of a store that is judged already.
    pub fn judged(store: PreparedStore, by: ShownBy) -> Self {
        let sizes = store.forest.disks.iter().map(|disk| disk.file.len);
        let rows = rows(&store.forest, &store.assessment, &by.options);
        Self {
            rows,
            findings: findings::of(&store.forest, &store.assessment),
            bytes: sizes.fold(0, u64::saturating_add),
            store,
            by,
        }
    }
}

/// What comparisons of disks with their parents have told of a forest.
pub fn compared(forest: &Forest, equals: &BTreeMap<PathBuf, bool>) -> Compared {
    let equals_parent = if equals.is_empty() {
        Vec::new()
    } else {
        let told = |path: &PathBuf| equals.get(path).copied();
        forest.disks.iter().map(|disk| told(&disk.path)).collect()
    };
    Compared {
        equals_parent,
        ..Compared::default()
    }
}
