//! What is known of a store beside its disks: the scan, machines, snapshots, and other files.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PathFinding, VERSION, path_text, word};
use crate::store::{DiskId, DiskUse, Forest, Machine, Snapshot, SnapshotKind};

/// Which scan it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanJson {
    /// Version of the program that wrote it.
    pub version: Option<String>,
    /// Name of the machine it ran on; `null` for several.
    pub host: Option<String>,
    /// When the scan began.
    pub at: Option<Timestamp>,
    pub roots: Vec<String>,
}

impl ScanJson {
    pub fn new(forest: &Forest) -> Self {
        Self {
            version: Some(VERSION.to_owned()),
            host: forest.host().map(ToOwned::to_owned),
            at: forest.at,
            roots: roots(forest),
        }
    }
}

/// What is known of a store beside its disks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreJson {
    /// Machines known from configurations and lists. Others name one by its place here, counted from 0.
    pub machines: Vec<MachineJson>,
    /// Snapshots known from configurations and lists. Others name one by its place here, counted from 0.
    pub snapshots: Vec<KnownSnapshotJson>,
    /// Findings of configurations and other files beside the disks.
    pub side_findings: Vec<PathFinding>,
    /// Files beside disks that are named for what they are.
    pub companions: Vec<CompanionJson>,
}

impl StoreJson {
    pub fn new(forest: &Forest) -> Self {
        let companion = |(path, what): &(PathBuf, &'static str)| {
            let (path, path_bytes) = path_text(path);
            CompanionJson {
                path,
                path_bytes,
                what: (*what).to_owned(),
            }
        };
        let snapshots = forest.snapshots.iter();
        let side = forest.side_findings.iter();
        Self {
            machines: machines(forest),
            snapshots: snapshots.map(|of| known(forest, of)).collect(),
            side_findings: side
                .map(|(path, finding)| PathFinding::new(path, finding))
                .collect(),
            companions: forest.companions.iter().map(companion).collect(),
        }
    }
}

/// A snapshot as configurations and lists name it, wherever its disks are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownSnapshotJson {
    pub name: Option<String>,
    pub id: Option<String>,
    pub machine: Option<u32>,
    /// Name or id of its parent snapshot.
    pub parent: Option<String>,
    #[serde(with = "word")]
    pub kind: Option<SnapshotKind>,
    /// Its disks, as paths of the store or, where they are not in it, as written.
    pub disks: Vec<String>,
    /// The file that names it.
    pub source: Option<String>,
}

fn known(forest: &Forest, of: &Snapshot) -> KnownSnapshotJson {
    KnownSnapshotJson {
        name: of.name.clone(),
        id: of.id.clone(),
        machine: of.machine.map(|id| id.0),
        parent: of.parent.clone(),
        kind: Some(of.kind).filter(|kind| *kind != SnapshotKind::Unknown),
        disks: uses(forest, &of.disks),
        source: super::some_text(&path_text(&of.source).0),
    }
}

/// A file beside disks: change tracking, a replica's log, a VHD set, memory, a part of a split disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanionJson {
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What it is, in words; they may change.
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineJson {
    pub name: String,
    pub id: Option<Uuid>,
    /// Disks it uses now, as paths of the store or as written; `null` if nothing says.
    pub disks: Option<Vec<String>>,
    /// Its configuration says whether a merge is pending.
    pub merge_pending: Option<bool>,
    /// The file that says so.
    pub source: Option<String>,
}

/// The roots given.
pub(super) fn roots(forest: &Forest) -> Vec<String> {
    forest.roots.iter().map(|root| path_text(root).0).collect()
}

fn machines(forest: &Forest) -> Vec<MachineJson> {
    let machine = |machine: &Machine| MachineJson {
        name: machine.name.clone(),
        id: machine.id,
        disks: machine.disks.as_ref().map(|disks| uses(forest, disks)),
        merge_pending: machine.merge_pending,
        source: super::some_text(&path_text(&machine.source).0),
    };
    forest.machines.iter().map(machine).collect()
}

fn uses(forest: &Forest, disks: &[DiskUse]) -> Vec<String> {
    let text = |used: &DiskUse| {
        let path = used.disk.and_then(|id| path_of(forest, id));
        path.unwrap_or_else(|| used.path.clone())
    };
    disks.iter().map(text).collect()
}

pub(super) fn path_of(forest: &Forest, id: DiskId) -> Option<String> {
    Some(path_text(&forest.disk(id)?.path).0)
}
