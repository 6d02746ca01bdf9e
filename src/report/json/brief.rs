//! Answers without sentences, for machines that keep many: codes, times and numbers say the same.

use super::FindingJson;
use super::ls::DiskJson;

/// Whether JSON holds sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prose {
    #[default]
    Kept,
    /// Codes, times and numbers only.
    LeftOut,
}

impl Prose {
    /// Leaves the sentences of a disk's verdicts and findings out, if that is wanted.
    pub fn leave_out(self, of: &mut DiskJson) {
        if self == Self::LeftOut {
            disk(of);
        }
    }
}

/// Leaves the sentences of a disk's verdicts and findings out.
fn disk(disk: &mut DiskJson) {
    disk.findings.iter_mut().for_each(finding);
    let verdicts = disk.snapshots.iter_mut();
    for verdict in verdicts.filter_map(|snapshot| snapshot.verdict.as_mut()) {
        verdict.summary.clear();
        verdict.would_settle = None;
        for one in &mut verdict.evidence {
            one.text.clear();
            one.source.clear();
            one.why = None;
        }
    }
}

/// Leaves the sentences of a finding out.
pub fn finding(finding: &mut FindingJson) {
    finding.text.clear();
    finding.expected = None;
    finding.actual = None;
}
