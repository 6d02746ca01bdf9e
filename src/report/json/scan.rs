//! The record that NDJSON begins with: which scan the records after it are from.

use serde::{Deserialize, Serialize};

use super::ls;
use super::store::{ScanJson, StoreJson};
use super::{PathErrorJson, SCHEMA};
use crate::store::Forest;

/// The kind of this record.
pub const SCAN: &str = "scan";

/// A scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRecord {
    /// [`SCAN`].
    pub record: String,
    /// The schema of all records.
    pub schema: String,
    /// The command that made them.
    pub command: String,
    #[serde(flatten)]
    pub scan: ScanJson,
    /// Everything was read that should be.
    pub complete: bool,
    /// Paths that could not be looked at.
    #[serde(default)]
    pub errors: Vec<PathErrorJson>,
    /// What `ls` says beside the disks.
    #[serde(flatten)]
    pub beside: Option<BesideDisks>,
}

/// What the record of `ls` says beyond the scan, so that nothing of it is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BesideDisks {
    /// How many records of disks follow.
    pub disks: usize,
    #[serde(flatten)]
    pub store: StoreJson,
}

/// The record of a command about a store.
pub fn record(command: &str, forest: &Forest) -> ScanRecord {
    ScanRecord {
        record: SCAN.to_owned(),
        schema: SCHEMA.to_owned(),
        command: command.to_owned(),
        scan: ScanJson::new(forest),
        complete: forest.complete && forest.errors.is_empty(),
        errors: ls::path_errors(forest),
        beside: None,
    }
}

/// The record of `ls`.
pub fn with_disks(forest: &Forest) -> ScanRecord {
    ScanRecord {
        beside: Some(BesideDisks {
            disks: forest.disks.len(),
            store: StoreJson::new(forest),
        }),
        ..record("ls", forest)
    }
}
