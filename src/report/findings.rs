//! All findings of a forest with the file each belongs to, worst first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::analysis::{Assessment, health};
use crate::finding::{Finding, Severity};
use crate::report::codes;
use crate::store::{DiskId, Forest};

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFinding {
    pub path: PathBuf,
    pub disk: Option<DiskId>,
    pub finding: Finding,
}

/// Every finding of a forest: files, links, what only the whole shows, configurations, paths that could not be looked at;
/// worst first, of those equally bad reverts first, then by path.
pub fn of(forest: &Forest, assessment: &Assessment) -> Vec<PlacedFinding> {
    let ids: HashMap<&Path, DiskId> = forest
        .ids()
        .filter_map(|id| Some((forest.disk(id)?.path.as_path(), id)))
        .collect();
    let mut found: Vec<PlacedFinding> = health::findings(forest, assessment)
        .into_iter()
        .map(|(path, finding)| PlacedFinding {
            path: path.to_path_buf(),
            disk: ids.get(path).copied(),
            finding,
        })
        .collect();
    let already = |path: &Path| {
        found
            .iter()
            .any(|known| known.path == path && known.finding.code.severity == Severity::Error)
    };
    let unread: Vec<PlacedFinding> = forest
        .errors
        .iter()
        .filter(|error| !already(&error.path))
        .map(|error| PlacedFinding {
            path: error.path.clone(),
            disk: None,
            finding: Finding::new(&codes::PATH_UNREADABLE, error.error.clone()),
        })
        .collect();
    found.extend(unread);
    found.sort_by(|a, b| {
        let severity = b.finding.code.severity.cmp(&a.finding.code.severity);
        let other = |one: &PlacedFinding| one.finding.code != &health::codes::MACHINE_REVERTED;
        let reverts = other(a).cmp(&other(b));
        severity.then(reverts).then_with(|| a.path.cmp(&b.path))
    });
    found
}
