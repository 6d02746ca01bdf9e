//! The decision table for Hyper-V, and for any chain whose engine has no rule of its own.
//! Every `row-N` is decided here and documented in [`rows`](crate::analysis::rows).

use super::{Outcome, evidence, words};
use crate::analysis::facts::belief::seconds_between;
use crate::analysis::facts::taken::{CLOSE_SECONDS, NO_ZONE_SECONDS, is_a_zone, tolerance};
use crate::analysis::facts::{Above, Claim, Facts, Generation, Guest, Line, Made};
use crate::analysis::{Reverted, rows};
use crate::finding::Code;

/// c(X) beside `t_s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Later by more than the tolerance.
    Later,
    /// The same moment.
    Same,
    /// Earlier by more than the tolerance: impossible.
    Earlier,
    /// Not before the only bound there is, or too near to a date without a zone to be told from it.
    AfterBound,
    /// Age or date is missing.
    Unknown,
}

/// What the table is asked.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub facts: &'a Facts,
    pub line: &'a Line,
    pub above: &'a Above,
    pub claim: Option<&'a Claim>,
    pub relation: Relation,
    /// c(X) minus `t_s`; `None` for a bound.
    pub gap: Option<i64>,
    /// The footer stamps are not believed: the frozen disk is younger than its snapshot.
    pub frozen_later: bool,
}

impl<'a> Case<'a> {
    pub fn new(facts: &'a Facts, line: &'a Line, above: &'a Above) -> Self {
        let claim = line.taken.first();
        let frozen_later = frozen_later(line, above, claim);
        let made = if frozen_later {
            Made::Unknown
        } else {
            above.made
        };
        let (relation, gap) = relate(claim, made);
        Self {
            facts,
            line,
            above,
            claim,
            relation,
            gap,
            frozen_later,
        }
    }

    /// c(X), as far as it is believed.
    pub fn made(&self) -> Made {
        if self.frozen_later {
            Made::Unknown
        } else {
            self.above.made
        }
    }
}

/// A footer of D(s) later than the snapshot: a migration or conversion made new files with new stamps.
fn frozen_later(line: &Line, above: &Above, claim: Option<&Claim>) -> bool {
    match (line.frozen_made, above.made, claim) {
        (Made::Footer(frozen), Made::Footer(_), Some(claim)) => tolerance(claim.source)
            .is_some_and(|tolerance| seconds_between(claim.at, frozen) > tolerance),
        _ => false,
    }
}

fn relate(claim: Option<&Claim>, made: Made) -> (Relation, Option<i64>) {
    let (Some(claim), Some(made)) = (claim, made.at()) else {
        return (Relation::Unknown, None);
    };
    let gap = seconds_between(claim.at, made);
    match tolerance(claim.source) {
        Some(tolerance) if gap > tolerance => (Relation::Later, Some(gap)),
        Some(tolerance) if gap < -tolerance => (Relation::Earlier, Some(gap)),
        Some(NO_ZONE_SECONDS) if !is_a_zone(gap) => (Relation::AfterBound, Some(gap)),
        Some(_) => (Relation::Same, Some(gap)),
        // The last write and the new disk belong to one pause, so the bound has the same slack.
        None if gap < -CLOSE_SECONDS => (Relation::Earlier, None),
        None => (Relation::AfterBound, None),
    }
}

/// Judges a frozen disk with a disk above.
pub(super) fn judge(facts: &Facts, line: &Line, above: &Above) -> Outcome {
    let case = Case::new(facts, line, above);
    let (row, reverted) = decide(&case);
    let made = case.made().at();
    Outcome {
        row,
        reverted,
        gap: case.gap,
        above: Some(above.disk),
        made,
        stands: above.equals_parent,
        evidence: evidence::gather(&case),
        summary: words::summary(&case, row, reverted),
        settle: (reverted == Reverted::CannotTell).then(|| words::settle(&case, row)),
        notes: words::notes(&case, row),
    }
}

/// The table itself.
pub(super) fn decide(case: &Case<'_>) -> (&'static Code, Reverted) {
    use Reverted::{CannotTell, Certain, NoSign, NotReverted};
    if case.relation == Relation::Later && kept_sibling(case).is_some() {
        return (&rows::ROW_24, Certain);
    }
    match branch_age(case) {
        Branch::Younger => return (&rows::ROW_1A, Certain),
        Branch::AgesUnknown => return (&rows::ROW_1C, Certain),
        // The ages of the branches and of X are one witness, and births alone never say "not reverted".
        Branch::Oldest if case.relation == Relation::Same => {
            let birth_alone = matches!(case.made(), Made::Birth(..))
                && !matches!(case.facts.generation, Generation::Same { .. });
            return (
                &rows::ROW_1B,
                if birth_alone { NoSign } else { NotReverted },
            );
        }
        Branch::Oldest | Branch::Straight => {}
    }
    match case.relation {
        Relation::Earlier => (&rows::ROW_19, CannotTell),
        Relation::AfterBound => (&rows::ROW_21, by_generation(case)),
        Relation::Later => later(case),
        Relation::Same => same(case),
        Relation::Unknown => unknown(case),
    }
}

fn by_generation(case: &Case<'_>) -> Reverted {
    match case.facts.generation {
        Generation::Same { .. } => Reverted::NoSign,
        Generation::Different { .. } => Reverted::Likely,
        Generation::Unknown => Reverted::CannotTell,
    }
}

fn later(case: &Case<'_>) -> (&'static Code, Reverted) {
    use Reverted::{CannotTell, Certain, Likely};
    let gap = case.facts.guest == Some(Guest::Gap);
    let birth = matches!(case.made(), Made::Birth(..));
    match (&case.facts.generation, birth) {
        (Generation::Same { .. }, true) => (&rows::ROW_12, CannotTell),
        _ if case.facts.guest == Some(Guest::ActiveInside) => (&rows::ROW_6, CannotTell),
        (Generation::Same { .. }, false) => (&rows::ROW_5, CannotTell),
        (Generation::Different { .. }, false) => (&rows::ROW_2, Certain),
        (Generation::Unknown, false) if gap => (&rows::ROW_3, Certain),
        (Generation::Unknown, false) => (&rows::ROW_4, Likely),
        (Generation::Different { .. }, true) if gap => (&rows::ROW_10, Certain),
        (Generation::Different { .. }, true) => (&rows::ROW_10, Likely),
        (Generation::Unknown, true) if gap => (&rows::ROW_10, Likely),
        (Generation::Unknown, true) => (&rows::ROW_11, Likely),
    }
}

fn same(case: &Case<'_>) -> (&'static Code, Reverted) {
    let birth = matches!(case.made(), Made::Birth(..));
    match (&case.facts.generation, birth) {
        (Generation::Same { .. }, false) => (&rows::ROW_7, Reverted::NotReverted),
        (Generation::Same { .. }, true) => (&rows::ROW_13, Reverted::NotReverted),
        (Generation::Unknown, false) => (&rows::ROW_8, Reverted::NoSign),
        (Generation::Unknown, true) => (&rows::ROW_14, Reverted::NoSign),
        (Generation::Different { .. }, _) => (&rows::ROW_9, Reverted::CannotTell),
    }
}

fn unknown(case: &Case<'_>) -> (&'static Code, Reverted) {
    match (&case.facts.generation, case.facts.guest) {
        (Generation::Same { .. }, _) => (&rows::ROW_15, Reverted::NoSign),
        (Generation::Different { .. }, Some(Guest::Gap)) => (&rows::ROW_16, Reverted::Likely),
        (Generation::Different { .. }, _) => (&rows::ROW_17, Reverted::CannotTell),
        (Generation::Unknown, _) => (&rows::ROW_18, Reverted::CannotTell),
    }
}

/// How X stands among the machine's branches on the frozen disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Straight,
    Younger,
    Oldest,
    AgesUnknown,
}

fn branch_age(case: &Case<'_>) -> Branch {
    if case.above.branches.is_empty() {
        return Branch::Straight;
    }
    // Files converted or moved after the snapshot have the ages of that work, in whatever order it took them.
    if case.frozen_later {
        return Branch::AgesUnknown;
    }
    let mut all_known = true;
    let mut younger = false;
    for branch in &case.above.branches {
        match case.above.made.comparable(branch.made) {
            Some((above, other)) if above == other => all_known = false,
            Some((above, other)) => younger |= above > other,
            None => all_known = false,
        }
    }
    match (younger, all_known) {
        (true, _) => Branch::Younger,
        (false, true) => Branch::Oldest,
        (false, false) => Branch::AgesUnknown,
    }
}

/// A snapshot on another branch, taken when X was made: it kept the state before.
pub(super) fn kept_sibling<'a>(case: &Case<'a>) -> Option<&'a str> {
    let made = case.made().at()?;
    case.above
        .siblings
        .iter()
        .find(|sibling| {
            tolerance(sibling.taken.source)
                .is_some_and(|tolerance| seconds_between(sibling.taken.at, made).abs() <= tolerance)
        })
        .map(|sibling| sibling.name.as_str())
}
