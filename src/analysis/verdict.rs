//! The verdict: was the VM reverted since a snapshot was taken? From two intervals, `t_s` and c(X), and what speaks beside them.
//!
//! ```text
//!  least gap = c(X) not before − t_s not after        greatest gap = c(X) not after − t_s not before
//!
//!  a proof of shape or list                     certain
//!  least gap above five minutes                 likely         and generation id equal, the machine having run: cannot tell
//!  greatest gap within the slack                no sign        and equal: not reverted; and different: cannot tell
//!  c(X) wholly before t_s, dates that contradict               cannot tell
//!  open                                         cannot tell    and generation id equal, the machine having run: no sign
//!                                                              and the guest worked on without a stop: no sign
//!                                                              and the guest's times stop at the snapshot until a start: likely
//! ```
//!
//! A pass needs an upper limit on the gap, never the absence of evidence.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, EvidenceState, Of, Says, Slack};
use crate::analysis::interval::{Interval, moved, seconds_between};
use crate::analysis::rules::{Reverted, Rule};
use crate::analysis::survey::GRAIN_SECONDS;
use crate::analysis::witness::{date, guest_clock};
use crate::store::DiskId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub reverted: Reverted,
    pub rule: Rule,
    /// When the snapshot was applied last, where it was and that is known.
    pub applied_at: Option<Timestamp>,
    /// When the snapshot was taken.
    pub snapshot: Interval,
    /// When X(s), the disk above, was made.
    pub disk_above: Interval,
    /// X(s): the disk directly above the frozen disk on the way to Now.
    pub above: Option<DiskId>,
    /// X(s) holds nothing, or nothing that differs; `None` if not compared.
    pub stands_at_snapshot: Option<bool>,
    /// The witnesses: used, dropped and missing.
    pub evidence: Vec<Evidence>,
    /// One sentence for a person: the verdict with its dates.
    pub summary: String,
    /// For `cannot-tell`: what would settle it.
    pub would_settle: Option<String>,
}

impl Verdict {
    /// How much later than the snapshot the disk above was made, in seconds, at least; `None` if that is open.
    pub fn gap_seconds(&self) -> Option<i64> {
        let (taken, made) = (self.snapshot.not_after?, self.disk_above.not_before?);
        Some(seconds_between(taken, made))
    }
}

/// The two times, and the rule they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub rule: Rule,
    /// When the snapshot was taken.
    pub snapshot: Interval,
    /// When the disk above was made.
    pub disk_above: Interval,
}

#[derive(Debug, Clone, Copy)]
struct TakenReading {
    taken: Interval,
    slack: Slack,
}

/// What the times say, before proofs and second witnesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Later,
    Same,
    /// Cannot tell, and no second witness mends it.
    Contradict(Rule),
    /// Cannot tell by the times alone.
    Open(Rule),
}

/// Decides about one disk of a snapshot. Pure: nothing but the evidence.
pub fn decide(evidence: &[Evidence]) -> Decision {
    let disk_above = made(evidence);
    let mut readings = readings(evidence);
    for (_, slack) in used(evidence, Of::DiskAbove) {
        for reading in &mut readings {
            reading.slack.later = reading.slack.later.max(slack.later);
        }
    }
    let times = by_times(evidence, &readings, disk_above);
    let snapshot = Interval {
        not_before: readings.iter().filter_map(|one| one.taken.not_before).min(),
        not_after: readings.iter().filter_map(|one| one.taken.not_after).max(),
    };
    let mut says = evidence.iter().filter_map(Evidence::used);
    let proof = says.find_map(|says| match says {
        // The list proves that one above was applied, if this one's own disk is still there.
        Says::Proves(Rule::ListOrder) if times == Times::Same => None,
        // Of a pool's records only the order is known, and what makes new ones is not always a revert.
        Says::Proves(Rule::RecordYounger) => match times {
            Times::Later => None,
            Times::Same => Some(Rule::RecordYoungerDiskAsOld),
            Times::Contradict(_) | Times::Open(_) => Some(Rule::RecordYounger),
        },
        Says::Proves(rule) => Some(*rule),
        _ => None,
    });
    // Whether a second witness says so: the host's generation id, or the guest's own clock.
    let speaks = |says: &Says, by_guest: bool| {
        let of_kind = |one: &&Evidence| guest_clock::is_guests(one.code) == by_guest;
        let mut heard = evidence.iter().filter(of_kind);
        heard.any(|one| one.used() == Some(says))
    };
    let (differs, equal) = (speaks(&Says::For, false), speaks(&Says::Against, false));
    let (stopped, worked) = (speaks(&Says::For, true), speaks(&Says::Against, true));
    let rule = proof.unwrap_or(match times {
        Times::Later if equal => Rule::YoungerGenerationSame,
        Times::Later => Rule::AboveYounger,
        Times::Same if equal => Rule::AsOldGenerationSame,
        Times::Same if differs => Rule::AsOldGenerationDiffers,
        Times::Same => Rule::AsOld,
        // Two that contradict settle nothing.
        Times::Open(rule) if (equal || worked) && (stopped || (worked && differs)) => rule,
        Times::Open(_) if equal => Rule::GenerationSame,
        Times::Open(_) if worked => Rule::GuestWorked,
        Times::Open(_) if stopped => Rule::GuestStopped,
        Times::Contradict(rule) | Times::Open(rule) => rule,
    });
    Decision {
        rule,
        snapshot,
        disk_above,
    }
}

/// What may be rested on of one of the two times.
fn used(evidence: &[Evidence], of: Of) -> impl Iterator<Item = (&Says, Slack)> {
    let of_it = evidence.iter().filter(move |one| one.of == of);
    of_it.filter_map(|one| Some((one.used()?, one.slack)))
}

/// When the disk above was made: the best moment, unless something shows that it was there before; else what bounds it.
fn made(evidence: &[Evidence]) -> Interval {
    let (mut made, mut at) = (Interval::default(), None);
    for (says, _) in used(evidence, Of::DiskAbove) {
        match says {
            Says::At(moment) => at = at.or(Some(*moment)),
            Says::NotBefore(moment) => made.raise(*moment),
            Says::NotAfter(moment) => made.lower(*moment),
            _ => {}
        }
    }
    let Some(at) = at else { return made };
    let there = made.not_after;
    let there = there.filter(|last| seconds_between(*last, at) > GRAIN_SECONDS);
    Interval {
        not_after: there.or(Some(at)),
        ..Interval::at(at)
    }
}

/// The dates with a zone, if they are not one.
fn dates(evidence: &[Evidence]) -> Vec<Timestamp> {
    let zoned = evidence.iter().filter(|one| date::is_date(one.code));
    let mut dates: Vec<Timestamp> = zoned
        .filter_map(|one| match one.used() {
            Some(Says::At(at)) => Some(*at),
            _ => None,
        })
        .collect();
    let first = dates.first().copied();
    let is_first = |at: &Timestamp| {
        let apart = first.map_or(0, |first| seconds_between(first, *at).abs());
        apart <= Slack::DATE.same
    };
    if dates.iter().all(is_first) {
        dates.truncate(1);
    }
    dates
}

/// The ways to read `t_s`: the best moment, else each a date without a zone allows, else what bounds it.
fn readings(evidence: &[Evidence]) -> Vec<TakenReading> {
    let used = || used(evidence, Of::Snapshot);
    let dates = dates(evidence);
    if let Some((_, slack)) = used().next().filter(|_| dates.len() > 1) {
        let taken = dates.into_iter().map(Interval::at);
        return taken.map(|taken| TakenReading { taken, slack }).collect();
    }
    let at = used().find_map(|(says, slack)| match says {
        Says::At(at) => Some((std::slice::from_ref(at), slack)),
        _ => None,
    });
    let mut one_of = used().filter_map(|(says, slack)| match says {
        Says::OneOf(moments) => Some((&**moments, slack)),
        _ => None,
    });
    if let Some((moments, slack)) = at.or_else(|| one_of.next()) {
        let taken = moments.iter().map(|at| Interval::at(*at));
        return taken.map(|taken| TakenReading { taken, slack }).collect();
    }
    let mut range = TakenReading {
        taken: Interval::default(),
        slack: Slack::DATE,
    };
    for (says, slack) in used() {
        match says {
            Says::NotBefore(at) if range.taken.not_before < Some(*at) => {
                range.slack = slack;
                range.taken.raise(*at);
            }
            Says::NotAfter(at) => range.taken.lower(*at),
            _ => {}
        }
    }
    vec![range]
}

fn by_times(evidence: &[Evidence], readings: &[TakenReading], made: Interval) -> Times {
    let is_undated = readings.iter().all(|one| one.taken == Interval::default());
    let open = match made.exact() {
        None => Rule::NoAge,
        Some(_) if is_undated => Rule::NoDate,
        Some(_) => Rule::BoundsOpen,
    };
    let written = used(evidence, Of::Snapshot).find_map(|(says, slack)| match says {
        Says::NotBefore(at) if slack == Slack::WRITE => Some(*at),
        _ => None,
    });
    let mut all: Option<Times> = None;
    for reading in readings {
        // A last write that survived its examination and is later than the date: one of the two is not this snapshot's.
        let late = reading.taken.exact().zip(written);
        let late = late.map(|(date, write)| seconds_between(date, write));
        let times = if late.is_some_and(|late| late > Slack::DATE.same) {
            Times::Contradict(Rule::DateContradicts)
        } else {
            by_gap(*reading, made, open)
        };
        match all {
            None => all = Some(times),
            Some(known) if known == times => {}
            Some(_) if dates(evidence).len() > 1 => return Times::Contradict(Rule::DatesDisagree),
            Some(_) => return Times::Open(Rule::ZoneOpen),
        }
    }
    all.unwrap_or(Times::Contradict(Rule::NoZoneFits))
}

fn by_gap(reading: TakenReading, made: Interval, open: Rule) -> Times {
    let TakenReading { taken, slack } = reading;
    let gap = |from: Option<Timestamp>, to: Option<Timestamp>| Some(seconds_between(from?, to?));
    let least = gap(taken.not_after, made.not_before);
    let greatest = gap(taken.not_before, made.not_after);
    let crossed = gap(made.not_before, made.not_after).is_some_and(|span| span < 0);
    if crossed || greatest.is_some_and(|greatest| greatest < -slack.early) {
        Times::Contradict(Rule::ImpossibleOrder)
    } else if least.is_some_and(|least| least > slack.later) {
        Times::Later
    } else if greatest.is_some_and(|greatest| greatest <= slack.same) {
        Times::Same
    } else if slack.later == Slack::NO_CLOCK.later && least.is_some() {
        Times::Open(Rule::ClockUnknown)
    } else {
        Times::Open(open)
    }
}

/// Several disks of one snapshot share one moment and one act: which decision stands for all, and by which rule.
pub fn together(decisions: &[(usize, Rule)]) -> Option<(usize, Rule)> {
    // What is off the machine's line says nothing where another disk is on it.
    let on_line = decisions.iter().any(|(_, rule)| *rule != Rule::OffLine);
    let is_here = |rule| !on_line || rule != Rule::OffLine;
    let first = |wanted: &dyn Fn(Rule) -> bool| {
        let mut all = decisions.iter().copied();
        all.find(|(_, rule)| is_here(*rule) && wanted(*rule))
    };
    let is = |reverted| move |rule: Rule| rule.reverted() == reverted;
    let passes = |rule: Rule| rule.reverted() > Reverted::CannotTell;
    if let Some(certain) = first(&is(Reverted::Certain)) {
        return Some(certain);
    }
    if let Some((at, rule)) = first(&is(Reverted::Likely)) {
        let disagrees = first(&passes).map(|_| Rule::DisksDisagree);
        return Some((at, disagrees.unwrap_or(rule)));
    }
    // A disk that contradicts itself spoils the others; one that says nothing does not.
    first(&|rule| is(Reverted::CannotTell)(rule) && rule.contradicts())
        .or_else(|| first(&is(Reverted::NoSign)))
        .or_else(|| first(&passes))
        .or_else(|| first(&|_| true))
}

/// When the snapshot was applied: the making of X, where the rule says so and that is a moment after the snapshot.
pub fn applied_at(decision: &Decision) -> Option<Timestamp> {
    let made = decision.disk_above.exact()?;
    let taken = decision.snapshot.not_before;
    let is_later = taken.is_none_or(|taken| made > moved(taken, Slack::WRITE.same));
    let is_applied = decision.rule.reverted() <= Reverted::Likely;
    (is_applied && is_later && decision.rule != Rule::BranchAgesUnknown).then_some(made)
}

/// Evidence of several disks without what they share.
pub fn joined(evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut all: Vec<Evidence> = Vec::with_capacity(evidence.len());
    for one in evidence {
        let is_missing = one.state == EvidenceState::Missing;
        let is_same = |known: &Evidence| *known == one || is_missing && known.code == one.code;
        if !all.iter().any(is_same) {
            all.push(one);
        }
    }
    all
}
