//! Verdicts of saved scans when facts come to them. A scan keeps its verdicts where the facts change nothing that its files
//! show; where they do, the snapshot is judged again, and what only the scan had seen is heard with the rest.

use std::collections::HashMap;

use crate::analysis::assess::assess_by;
use crate::analysis::assessment::{AssessedSnapshot, Assessment};
use crate::analysis::evidence::{Evidence, EvidenceState, Says};
use crate::analysis::judge::{Judged, judge};
use crate::analysis::rules::{Reverted, Rule};
use crate::analysis::survey::Compared;
use crate::analysis::verdict::{Verdict, joined};
use crate::analysis::witness::pool;
use crate::store::{DiskId, Forest, Snapshot, SnapshotId};

/// A saved scan as it was.
#[derive(Clone, Copy)]
struct SavedVerdicts<'a> {
    forest: &'a Forest,
    assessment: &'a Assessment,
}

/// Judges what facts changed. `forest` is the scan's without them, `with_facts` the same disks with them.
pub fn judge_again(forest: &Forest, assessment: &Assessment, with_facts: &Forest) -> Assessment {
    let saved = SavedVerdicts { forest, assessment };
    let equals_parent = assessment.disks.iter().map(|disk| disk.equals_parent);
    let compared = Compared {
        equals_parent: equals_parent.collect(),
        ..Compared::default()
    };
    // What this version makes of what the scan holds: only what differs from it is the facts' doing.
    let alone = assess_by(forest, &compared, &|gatherer, subject| {
        judge(gatherer, subject, &[])
    });
    let alone: HashMap<_, &Verdict> = alone
        .snapshots
        .iter()
        .map(|of| ((of.snapshot, of.frozen.first().copied()), &of.verdict))
        .collect();
    let by_disk = saved.by_disk();
    let mut all = assess_by(with_facts, &compared, &|gatherer, subject| {
        let judged = judge(gatherer, subject, &[]);
        let named = gatherer.snapshot(subject);
        let Some(before) = saved.find(&by_disk, named, &judged.frozen) else {
            return judged;
        };
        let key = (before.snapshot, before.frozen.first().copied());
        let alone = alone.get(&key).copied();
        if alone == Some(&judged.verdict) {
            return Judged {
                taken: before.taken,
                verdict: before.verdict.clone(),
                ..judged
            };
        }
        let heard = alone.map_or(&[][..], |alone| &alone.evidence);
        let again = judge(gatherer, subject, &only_saved(&before.verdict, heard));
        keep_proof(&before.verdict, again)
    });
    for of in &mut all.snapshots {
        let named = of.snapshot.and_then(|id| with_facts.snapshot(id));
        let before = saved.find(&by_disk, named, &of.frozen);
        of.stopped_by = of
            .stopped_by
            .or(before.and_then(|before| before.stopped_by));
    }
    all
}

impl<'a> SavedVerdicts<'a> {
    fn by_disk(self) -> HashMap<DiskId, Vec<&'a AssessedSnapshot>> {
        let mut by_disk: HashMap<_, Vec<_>> = HashMap::new();
        for of in &self.assessment.snapshots {
            for disk in &of.frozen {
                by_disk.entry(*disk).or_default().push(of);
            }
        }
        by_disk
    }

    /// The snapshot of the scan that this one is: of its disks the one of its id, else of its name, else the one without any.
    fn find(
        self,
        by_disk: &HashMap<DiskId, Vec<&'a AssessedSnapshot>>,
        named: Option<&Snapshot>,
        frozen: &[DiskId],
    ) -> Option<&'a AssessedSnapshot> {
        let of = |id: Option<SnapshotId>| id.and_then(|id| self.forest.snapshot(id));
        let here = || frozen.iter().filter_map(|disk| by_disk.get(disk)).flatten();
        let by_id = || {
            let id = named?.id.as_deref()?;
            here().find(|known| of(known.snapshot).is_some_and(|of| of.id.as_deref() == Some(id)))
        };
        let by_name = || {
            let named = named?;
            here().find(|known| {
                of(known.snapshot).is_some_and(|of| {
                    of.name == named.name && (of.id.is_none() || named.id.is_none())
                })
            })
        };
        let unnamed = || here().find(|known| known.snapshot.is_none());
        by_id().or_else(by_name).or_else(unnamed).copied()
    }
}

/// What the scan heard and its files do not tell any more: configurations, memory files, volumes, records, guests.
fn only_saved(saved: &Verdict, heard: &[Evidence]) -> Vec<Evidence> {
    let is_heard = |one: &&Evidence| {
        let same = |other: &Evidence| other.code == one.code && other.of == one.of;
        one.state == EvidenceState::Missing || heard.iter().any(same)
    };
    let only = saved.evidence.iter().filter(|one| !is_heard(one)).cloned();
    let only = only.map(|mut one| {
        // A saved scan says of a proof only that it speaks for a revert.
        if one.says == Some(Says::For) && pool::ALL.contains(&one.code) {
            one.says = Some(Says::Proves(Rule::RecordYounger));
        }
        one
    });
    only.collect()
}

/// No fact that comes later takes a proof back.
fn keep_proof(saved: &Verdict, again: Judged) -> Judged {
    let is_kept = |verdict: &Verdict| verdict.reverted == Reverted::Certain;
    if !is_kept(saved) || is_kept(&again.verdict) {
        return again;
    }
    let own = saved.evidence.iter().cloned();
    let evidence = joined(own.chain(again.verdict.evidence).collect());
    Judged {
        verdict: Verdict {
            evidence,
            ..saved.clone()
        },
        ..again
    }
}
