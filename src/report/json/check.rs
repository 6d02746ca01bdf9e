//! `check --json`: findings with the path they belong to.

use serde::Serialize;

use super::{FindingJson, path_text};
use crate::report::findings::PlacedFinding;

/// The keys of `check` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckBody {
    /// Every finding, worst first, then by path.
    pub findings: Vec<PathFinding>,
    pub disks: usize,
}

/// A finding of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathFinding {
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    #[serde(flatten)]
    pub finding: FindingJson,
}

/// The findings of a forest as JSON carries them.
pub fn body(found: &[PlacedFinding], disks: usize) -> CheckBody {
    CheckBody {
        findings: found
            .iter()
            .map(|found| {
                let (path, path_bytes) = path_text(&found.path);
                PathFinding {
                    path,
                    path_bytes,
                    finding: FindingJson::from(&found.finding),
                }
            })
            .collect(),
        disks,
    }
}
