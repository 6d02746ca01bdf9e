//! `changes --json`: what changed between two scans.

use serde::Serialize;

use super::path_text;
use super::store::roots;
use crate::analysis::changes::{ChangedValue, StoreChange};
use crate::store::Forest;

/// The keys of `changes` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangesBody {
    pub old: ScanOfChanges,
    pub new: ScanOfChanges,
    /// How many of the changes are for the worse.
    pub worse: usize,
    /// The weightiest first.
    pub changes: Vec<StoreChangeJson>,
}

/// One of the two scans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanOfChanges {
    pub host: Option<String>,
    pub roots: Vec<String>,
    pub at: Option<jiff::Timestamp>,
    pub complete: bool,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreChangeJson {
    pub kind: &'static str,
    /// The disk; where it is gone, where it was.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    pub before: Option<ChangedValue>,
    pub after: Option<ChangedValue>,
    pub worse: bool,
    /// One sentence; left out of a brief answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl StoreChangeJson {
    /// Leaves the sentence out.
    pub fn brief(&mut self) {
        self.text.clear();
    }
}

impl From<&StoreChange> for StoreChangeJson {
    fn from(of: &StoreChange) -> Self {
        let (path, path_bytes) = path_text(&of.path);
        Self {
            kind: of.what.word(),
            path,
            path_bytes,
            before: of.before.clone(),
            after: of.after.clone(),
            worse: of.worse,
            text: of.text.clone(),
        }
    }
}

/// A value as text.
pub fn value_text(value: &ChangedValue) -> String {
    match value {
        ChangedValue::Text(text) => text.clone(),
        ChangedValue::Bytes(bytes) => bytes.to_string(),
    }
}

/// What changed from one forest to the other.
pub fn body(old: &Forest, new: &Forest, changes: &[StoreChange]) -> ChangesBody {
    ChangesBody {
        old: scan(old),
        new: scan(new),
        worse: changes.iter().filter(|change| change.worse).count(),
        changes: changes.iter().map(StoreChangeJson::from).collect(),
    }
}

fn scan(forest: &Forest) -> ScanOfChanges {
    ScanOfChanges {
        host: forest.host().map(ToOwned::to_owned),
        roots: roots(forest),
        at: forest.at,
        complete: forest.complete && forest.errors.is_empty(),
    }
}
