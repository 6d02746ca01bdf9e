//! The record that NDJSON begins with: which scan the records after it are from.

use serde::{Deserialize, Serialize};

use super::ls::{self, CompanionJson, MachineJson};
use super::{PathErrorJson, SCHEMA, VERSION};
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
    /// Version of the program.
    #[serde(default)]
    pub version: Option<String>,
    /// Name of the machine it ran on; `null` for several.
    #[serde(default)]
    pub host: Option<String>,
    /// The roots given.
    #[serde(default)]
    pub roots: Vec<String>,
    /// When the scan began.
    #[serde(default)]
    pub at: Option<String>,
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
    /// Machines known from configurations and labels.
    pub machines: Vec<MachineJson>,
    /// Files beside disks that are named for what they are.
    pub companions: Vec<CompanionJson>,
}

/// The record of a command about a store.
pub fn record(command: &str, forest: &Forest) -> ScanRecord {
    ScanRecord {
        record: SCAN.to_owned(),
        schema: SCHEMA.to_owned(),
        command: command.to_owned(),
        version: Some(VERSION.to_owned()),
        host: forest.host().map(ToOwned::to_owned),
        roots: ls::roots(forest),
        at: forest.at.map(|at| at.to_string()),
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
            machines: ls::machines(forest),
            companions: ls::companions(forest),
        }),
        ..record("ls", forest)
    }
}
