//! All findings of a forest with the file each belongs to, worst first.

use std::path::PathBuf;

use crate::finding::{Finding, Severity};
use crate::report::codes;
use crate::store::{DiskId, Forest};

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The disk, if it is one.
    pub disk: Option<DiskId>,
    /// The finding.
    pub finding: Finding,
}

/// Every finding of a forest: files, links, configurations, paths that could not be looked at; worst first, then by path.
pub fn of(forest: &Forest) -> Vec<Found> {
    let mut found = Vec::new();
    for id in forest.ids() {
        let Some((disk, node)) = forest.disk(id).zip(forest.node(id)) else {
            continue;
        };
        found.extend(
            disk.findings
                .iter()
                .chain(&node.findings)
                .map(|finding| Found {
                    path: disk.path.clone(),
                    disk: Some(id),
                    finding: finding.clone(),
                }),
        );
    }
    found.extend(forest.side_findings.iter().map(|(path, finding)| Found {
        path: path.clone(),
        disk: None,
        finding: finding.clone(),
    }));
    let already = |path: &PathBuf| {
        forest
            .side_findings
            .iter()
            .any(|(known, finding)| known == path && finding.code.severity == Severity::Error)
    };
    found.extend(
        forest
            .errors
            .iter()
            .filter(|error| !already(&error.path))
            .map(|error| Found {
                path: error.path.clone(),
                disk: None,
                finding: Finding::new(&codes::PATH_UNREADABLE, error.error.clone()),
            }),
    );
    found.sort_by(|a, b| {
        let severity = b.finding.code.severity.cmp(&a.finding.code.severity);
        severity.then_with(|| a.path.cmp(&b.path))
    });
    found
}
