//! `check --json`: findings with the path they belong to.

use serde::Serialize;

use super::PathFinding;
use crate::report::findings::PlacedFinding;

/// The keys of `check` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckBody {
    /// Every finding, worst first, then by path.
    pub findings: Vec<PathFinding>,
    pub disks: usize,
}

/// The findings of a forest as JSON carries them.
pub fn body(found: &[PlacedFinding], disks: usize) -> CheckBody {
    CheckBody {
        findings: found
            .iter()
            .map(|found| PathFinding::new(&found.path, &found.finding))
            .collect(),
        disks,
    }
}
