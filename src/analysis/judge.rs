//! Judges one snapshot: hears the witnesses of each of its disks, decides, and puts the decision into words.

use crate::analysis::evidence::{Evidence, EvidenceState, Of, Says};
use crate::analysis::facts::{Facts, Gatherer, Standing, Subject};
use crate::analysis::interval::Interval;
use crate::analysis::rules::{Rule, Told};
use crate::analysis::snapshot_vdi::unnamed_vdi;
use crate::analysis::survey::Survey;
use crate::analysis::verdict::{Decision, Verdict, applied_at, decide, joined, together};
use crate::analysis::witness::{self, branch, guest_clock, list_order, scan};
use crate::analysis::zone;
use crate::finding::Code;
use crate::store::TakenSource::{
    Config, FrozenWrite, FrozenWriteRunning, Label, LabelLocal, Management, MemoryFile, Name,
};
use crate::store::{DiskId, MachineId, Snapshot, Taken};
use crate::text::minute;

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

/// Judges a snapshot; `also` is what is known beside what its disks' witnesses say.
pub fn judge(gatherer: &Gatherer<'_>, subject: Subject, also: &[Evidence]) -> Judged {
    let survey = &gatherer.survey;
    let forest = survey.forest;
    let snapshot = gatherer.snapshot(subject);
    let frozen = gatherer.frozen(subject);
    let machine = gatherer.machine(subject, &frozen);
    let standing = frozen.iter().map(|disk| gatherer.standing(machine, *disk));
    let standing: Vec<Standing> = standing.collect();
    let is_above = |standing: &Standing| match standing {
        Standing::Below(above) => Some(*above),
        Standing::Aside(..) => None,
    };
    let above: Vec<DiskId> = standing.iter().filter_map(is_above).collect();
    let hear = |(disk, standing): (&DiskId, Standing)| {
        let (rule, what) = match standing {
            Standing::Below(above_it) => {
                let place = (*disk, above_it);
                match gatherer.facts(snapshot, machine, place, &above) {
                    Some(facts) => return heard(&facts, also),
                    None => (Rule::NothingAbove, String::new()),
                }
            }
            Standing::Aside(rule, what) => (rule, what),
        };
        OfDisk {
            frozen: *disk,
            above: None,
            evidence: Vec::new(),
            decision: Decision {
                rule,
                snapshot: dated(snapshot),
                disk_above: Interval::default(),
            },
            what,
        }
    };
    let disks: Vec<OfDisk> = frozen.iter().zip(standing).map(hear).collect();
    let rules = (0..).zip(disks.iter().map(|disk| disk.decision.rule));
    let rules: Vec<(usize, Rule)> = rules.collect();
    let (at, rule) = together(&rules).unwrap_or((0, Rule::DiskNotHere));
    let node = frozen.first().and_then(|disk| forest.node(*disk));
    let mut told = Told {
        product: node.map(|node| node.product).unwrap_or_default(),
        vm: machine.and_then(|machine| Some(forest.machine(machine)?.name.clone())),
        snapshot: snapshot.and_then(|of| Some(of.label()?.to_owned())),
        facts_above: survey.facts_above.clone(),
        ..Told::default()
    };
    let deciding = disks.get(at);
    if let Some(disk) = deciding {
        told.add(survey, disk, rule);
    }
    let above_it = deciding.and_then(|disk| disk.above);
    let evidence = joined(disks.into_iter().flat_map(|disk| disk.evidence).collect());
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
        let vdi = disk.above;
        let vdi = vdi.and_then(|above| unnamed_vdi(survey.forest, disk.frozen, above));
        self.vdi = vdi.map(|vdi| survey.name(vdi));
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
fn heard(facts: &Facts<'_>, also: &[Evidence]) -> OfDisk {
    let mut evidence = witness::hear(facts);
    evidence.extend_from_slice(also);
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

/// When a snapshot was taken by what dates it, whatever stands on its disk.
fn dated(snapshot: Option<&Snapshot>) -> Interval {
    let memory = snapshot.and_then(|snapshot| snapshot.claim(MemoryFile));
    let written = Interval {
        not_before: None,
        not_after: memory.map(|taken| taken.at),
    };
    let zoned = snapshot.and_then(zone::zoned_date);
    zoned.map_or(written, Interval::at)
}

/// Why the time that the rule misses is not there though something gives it.
fn why_dropped(rule: Rule, evidence: &[Evidence]) -> Option<String> {
    let of = match rule {
        Rule::NoDate => Of::Snapshot,
        _ => Of::DiskAbove,
    };
    let mut of_it = evidence.iter().filter(|one| one.of == of);
    of_it.find_map(|one| match (&one.state, one.says.as_ref()) {
        (EvidenceState::Dropped(why), Some(Says::At(at))) => {
            Some(format!("{} is not the moment, for {why}", minute(*at)))
        }
        (EvidenceState::Dropped(why), Some(Says::NotBefore(_))) => Some(why.clone()),
        (EvidenceState::Missing, _) if one.code == &witness::made::ABOVE_UNKNOWN => {
            Some("no date inside it, and no birth time of its file".to_owned())
        }
        _ => None,
    })
}

fn stands(survey: &Survey<'_>, above: &[DiskId]) -> Option<bool> {
    let equals: Vec<_> = above
        .iter()
        .map(|disk| survey.equals_parent(*disk))
        .collect();
    if equals.contains(&Some(false)) {
        return Some(false);
    }
    (!equals.is_empty() && !equals.contains(&None)).then_some(true)
}

/// When the snapshot was taken, by the best claim at hand, for lists.
fn taken(snapshot: Option<&Snapshot>, evidence: &[Evidence]) -> Option<Taken> {
    let claim = |source| snapshot?.claim(source);
    let local = claim(LabelLocal).or_else(|| claim(Name));
    let used = |code: &'static Code, source| {
        let one = evidence.iter().find(|one| one.code == code)?;
        Some((one.used().filter(|_| one.of == Of::Snapshot)?, source))
    };
    let at = |code, source| match used(code, source)? {
        (Says::At(at), source) => Some(Taken { at: *at, source }),
        _ => None,
    };
    let not_before = || {
        let (says, source) = used(&witness::frozen_write::FROZEN_WRITE, FrozenWrite)?;
        let at = says.word().1?;
        Some(Taken { at, source })
    };
    let local_source = local.map_or(Name, |taken| taken.source);
    claim(Config)
        .or_else(|| claim(Label))
        .or_else(|| claim(Management))
        .or_else(|| at(&witness::memory::TAKEN_MEMORY, MemoryFile))
        .or_else(|| at(&witness::frozen_write::BASE_WRITE, FrozenWriteRunning))
        .or_else(|| at(&witness::local_date::TAKEN_LOCAL, local_source))
        .or_else(not_before)
}
