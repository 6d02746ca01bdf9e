//! Judges one snapshot: hears the witnesses of each of its disks, decides, and puts the decision into words.

use crate::analysis::evidence::{Evidence, EvidenceState, Of, Says};
use crate::analysis::facts::{Facts, Gatherer, Standing, Subject};
use crate::analysis::interval::Interval;
use crate::analysis::rules::{Rule, Told};
use crate::analysis::survey::Survey;
use crate::analysis::verdict::{Decision, Verdict, applied_at, decide, joined, together};
use crate::analysis::witness::{self, branch, guest_clock, list_order, scan};
use crate::analysis::zone;
use crate::finding::Code;
use crate::store::{DiskId, MachineId, Snapshot, Taken, TakenSource};
use crate::text::{many, minute};

#[derive(Debug)]
pub struct Judged {
    pub machine: Option<MachineId>,
    /// Whether what that uses is known.
    pub now_known: bool,
    /// Its disks that are in the store.
    pub frozen: Vec<DiskId>,
    /// X of each that is on the way to Now.
    pub above: Vec<DiskId>,
    /// When it was taken, by the best claim at hand.
    pub taken: Option<Taken>,
    pub verdict: Verdict,
}

struct OfDisk {
    frozen: DiskId,
    above: Option<DiskId>,
    evidence: Vec<Evidence>,
    decision: Decision,
    /// What the rule's sentence names beside the disks.
    what: String,
}

pub fn judge(gatherer: &Gatherer<'_>, subject: Subject) -> Judged {
    let survey = &gatherer.survey;
    let snapshot = gatherer.snapshot(subject);
    let frozen = gatherer.frozen(subject);
    let machine = gatherer.machine(subject, &frozen);
    let standing: Vec<Standing> = frozen
        .iter()
        .map(|disk| gatherer.standing(machine, *disk))
        .collect();
    let above: Vec<DiskId> = standing
        .iter()
        .filter_map(|standing| match standing {
            Standing::Below(above) => Some(*above),
            _ => None,
        })
        .collect();
    let mut disks: Vec<OfDisk> = frozen
        .iter()
        .zip(&standing)
        .map(|(disk, standing)| {
            let facts = match standing {
                Standing::Below(above_it) => {
                    gatherer.facts(snapshot, machine, (*disk, *above_it), &above)
                }
                _ => None,
            };
            facts.map_or_else(
                || aside(survey, snapshot, *disk, *standing),
                |facts| heard(&facts),
            )
        })
        .collect();
    let rules: Vec<(usize, Rule)> = (0..)
        .zip(disks.iter().map(|disk| disk.decision.rule))
        .collect();
    let (at, rule) = together(&rules).unwrap_or((0, Rule::DiskNotHere));
    let product = frozen.first().and_then(|disk| survey.forest.node(*disk));
    let mut told = Told {
        product: product.map(|node| node.product).unwrap_or_default(),
        vm: machine.and_then(|machine| Some(survey.forest.machine(machine)?.name.clone())),
        snapshot: snapshot
            .and_then(|snapshot| snapshot.name.clone().or_else(|| snapshot.id.clone())),
        ..Told::default()
    };
    let deciding = disks.get(at);
    if let Some(disk) = deciding {
        told.add(survey, disk, rule);
    }
    let above_it = deciding.and_then(|disk| disk.above);
    let evidence = disks
        .iter_mut()
        .map(|disk| std::mem::take(&mut disk.evidence));
    let evidence = joined(evidence.flatten().collect());
    Judged {
        machine,
        now_known: gatherer.knows_now(machine, &frozen),
        taken: taken(snapshot, &evidence),
        verdict: Verdict {
            reverted: rule.reverted(),
            rule,
            applied_at: told.applied_at,
            snapshot: told.taken,
            disk_above: told.made,
            above: above_it,
            stands_at_snapshot: stands(survey, &above),
            evidence,
            summary: rule.summary(&told),
            would_settle: rule.settle(&told),
        },
        frozen,
        above,
    }
}

impl Told {
    /// What the deciding disk brings to the sentences.
    fn add(&mut self, survey: &Survey<'_>, disk: &OfDisk, rule: Rule) {
        let decision = Decision {
            rule,
            ..disk.decision
        };
        let above = disk.above.map(|above| survey.name(above));
        let mut evidence = disk.evidence.iter();
        self.frozen = survey.name(disk.frozen);
        self.above = above.unwrap_or_default();
        self.taken = decision.snapshot;
        self.made = decision.disk_above;
        self.applied_at = applied_at(&decision);
        self.generation_differs = evidence.any(|one| one.used() == Some(&Says::For));
        self.dropped = why_dropped(rule, &disk.evidence);
        self.what = match rule {
            Rule::DisksDisagree => {
                let made = self.made.exact().map(minute).unwrap_or_default();
                format!("the disk above {} was made on its own, {made}", self.frozen)
            }
            _ => disk.what.clone(),
        };
    }
}

/// The decision about a disk by its witnesses.
fn heard(facts: &Facts<'_>) -> OfDisk {
    let evidence = witness::hear(facts);
    let decision = decide(&evidence);
    let what = match decision.rule {
        Rule::BranchKept => branch::kept_as(facts),
        Rule::AnotherThen => scan::then(facts),
        Rule::ListOrder => list_order::younger(facts),
        Rule::GuestWorked | Rule::GuestStopped => guest_clock::words(facts),
        _ => None,
    };
    OfDisk {
        frozen: facts.frozen,
        above: Some(facts.above),
        what: what.unwrap_or_default(),
        decision,
        evidence,
    }
}

/// The decision about a disk without one above it on the way to Now.
fn aside(
    survey: &Survey<'_>,
    snapshot: Option<&Snapshot>,
    frozen: DiskId,
    standing: Standing,
) -> OfDisk {
    let name = survey.name(frozen);
    let mut what = String::new();
    let rule = match standing {
        Standing::OffLine => Rule::OffLine,
        Standing::IsNow => Rule::OnSnapshotDisk,
        Standing::Broken => Rule::ChainBroken,
        Standing::Closed(disk) => {
            what = survey.name(disk);
            Rule::NowClosed
        }
        Standing::NowUnknown(leaves) => {
            what = match leaves {
                0 => format!(
                    "what stands on {name} is another machine's or a snapshot's, and nothing says what the VM uses now"
                ),
                n => format!(
                    "{} above {name} could be what the VM uses now, and nothing says which",
                    many(n, "disk")
                ),
            };
            Rule::NowUnknown
        }
        Standing::SeveralChildren => Rule::SeveralChildren,
        Standing::Shared => Rule::SharedParent,
        Standing::NothingAbove | Standing::Below(_) => Rule::NothingAbove,
    };
    OfDisk {
        frozen,
        above: None,
        evidence: Vec::new(),
        decision: Decision {
            rule,
            snapshot: dated(snapshot),
            disk_above: Interval::default(),
        },
        what,
    }
}

/// When a snapshot was taken by what dates it, whatever stands on its disk.
fn dated(snapshot: Option<&Snapshot>) -> Interval {
    let Some(snapshot) = snapshot else {
        return Interval::default();
    };
    let memory = |taken: &&Taken| taken.source == TakenSource::MemoryFile;
    match zone::zoned_date(snapshot) {
        Some(at) => Interval::at(at),
        None => Interval {
            not_before: None,
            not_after: snapshot.taken.iter().find(memory).map(|taken| taken.at),
        },
    }
}

/// Why the time that the rule misses is not there though something gives it.
fn why_dropped(rule: Rule, evidence: &[Evidence]) -> Option<String> {
    let of = match rule {
        Rule::NoDate => Of::Snapshot,
        _ => Of::DiskAbove,
    };
    evidence
        .iter()
        .find_map(|one| match (&one.state, one.says.as_ref()) {
            (EvidenceState::Dropped(why), Some(Says::At(at))) if one.of == of => {
                Some(format!("{} is not the moment, for {why}", minute(*at)))
            }
            (EvidenceState::Dropped(why), Some(Says::NotBefore(_))) if one.of == of => {
                Some(why.clone())
            }
            (EvidenceState::Missing, _)
                if one.code == &witness::made::ABOVE_UNKNOWN && of == Of::DiskAbove =>
            {
                Some("no date inside it, and no birth time of its file".to_owned())
            }
            _ => None,
        })
}

fn stands(survey: &Survey<'_>, above: &[DiskId]) -> Option<bool> {
    let mut all = above.iter().map(|disk| survey.equals_parent(*disk));
    let first = all.next()?;
    all.fold(first, |known, next| match (known, next) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    })
}

/// When the snapshot was taken, by the best claim at hand, for lists.
fn taken(snapshot: Option<&Snapshot>, evidence: &[Evidence]) -> Option<Taken> {
    let by = |code: &'static Code| {
        let one = evidence.iter().find(|one| one.code == code)?;
        one.used().filter(|_| one.of == Of::Snapshot)
    };
    let at = |code, source| match by(code)? {
        Says::At(at) => Some(Taken { at: *at, source }),
        _ => None,
    };
    let claim = |source| {
        let claims = snapshot.map_or(&[][..], |snapshot| &snapshot.taken);
        claims.iter().find(|taken| taken.source == source).copied()
    };
    let local = claim(TakenSource::LabelLocal).or_else(|| claim(TakenSource::Name));
    let local_source = local.map_or(TakenSource::Name, |taken| taken.source);
    let not_before = || {
        let write = by(&witness::frozen_write::FROZEN_WRITE)?;
        Some(Taken {
            at: write.word().1?,
            source: TakenSource::FrozenWrite,
        })
    };
    claim(TakenSource::Config)
        .or_else(|| claim(TakenSource::Label))
        .or_else(|| claim(TakenSource::Management))
        .or_else(|| at(&witness::memory::TAKEN_MEMORY, TakenSource::MemoryFile))
        .or_else(|| {
            at(
                &witness::frozen_write::BASE_WRITE,
                TakenSource::FrozenWriteRunning,
            )
        })
        .or_else(|| at(&witness::local_date::TAKEN_LOCAL, local_source))
        .or(local)
        .or_else(not_before)
}
