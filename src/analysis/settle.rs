//! Verdicts that the disks' own bounds leave open, judged again with what the guest's own clock says.

use super::assess::assess;
use super::assessment::Assessment;
use super::facts::{Gatherer, Standing};
use super::guest_clock::GuestClocks;
use super::guest_clock::read::read;
use super::survey::{Compared, Survey};
use super::verdict::Verdict;
use crate::job::Job;
use crate::store::{DiskId, Forest, MachineId};

/// Whether the content of disks may be looked at as a guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestAccess {
    #[default]
    Allowed,
    Forbidden,
}

/// Reads the guests' clocks for the snapshots `asked`, indexes into the assessment, where that can help. The assessment with
/// what they say; `None` if they say nothing more.
pub fn settle(
    forest: &Forest,
    assessment: &Assessment,
    compared: &Compared,
    asked: &[usize],
    job: &Job,
) -> Option<Assessment> {
    let guest_clocks = guest_clocks(forest, assessment, compared, asked, job);
    let compared = Compared {
        guest_clocks,
        ..compared.clone()
    };
    (!compared.guest_clocks.is_empty()).then(|| assess(forest, &compared))
}

/// The guests' clocks that are known, and those of the snapshots `asked` that can help.
pub fn guest_clocks(
    forest: &Forest,
    assessment: &Assessment,
    compared: &Compared,
    asked: &[usize],
    job: &Job,
) -> GuestClocks {
    let mut clocks = compared.guest_clocks.clone();
    for pair in open_pairs(forest, assessment, compared, asked) {
        if !job.cancel.is_cancelled()
            && !clocks.contains_key(&pair)
            && let Some(clock) = read(forest, pair.0, pair.1, job)
        {
            clocks.insert(pair, clock);
        }
    }
    clocks
}

/// Whether a guest's clock may help: the times are open though the snapshot's date is known.
pub fn can_be_settled(verdict: &Verdict) -> bool {
    verdict.rule.is_open() && verdict.snapshot.exact().is_some()
}

/// The disks of snapshots whose times are open though their dates are known, each with the disk above it.
fn open_pairs(
    forest: &Forest,
    assessment: &Assessment,
    compared: &Compared,
    asked: &[usize],
) -> Vec<(DiskId, DiskId)> {
    let open = asked
        .iter()
        .filter_map(|at| assessment.snapshots.get(*at))
        .filter(|of| can_be_settled(&of.verdict));
    let open: Vec<(Option<MachineId>, &[DiskId])> =
        open.map(|of| (of.machine, &*of.frozen)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let gatherer = Gatherer::new(Survey::new(forest, compared));
    let mut pairs = Vec::new();
    for (machine, frozen) in open {
        for disk in frozen {
            if let Standing::Below(above) = gatherer.standing(machine, *disk) {
                pairs.push((*disk, above));
            }
        }
    }
    pairs
}
