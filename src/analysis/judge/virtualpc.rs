//! Virtual PC and Virtual Server: the undo disk's name holds the time it was made, its footer the time it was made last.

use super::{Outcome, words};
use crate::analysis::facts::belief::seconds_between;
use crate::analysis::facts::taken::CLOSE_SECONDS;
use crate::analysis::facts::{Above, Facts, Line, Made};
use crate::analysis::{Bearing, Evidence, Reverted, rows, witness};
use crate::text::{minute, second, span};

/// Zones differ from UTC by at most this, in steps of a quarter of an hour.
const FARTHEST_ZONE_SECONDS: i64 = 14 * 3_600;

/// A `.vud` by its name.
pub(super) fn is_undo_disk(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("vud"))
}

/// Judges a disk with an undo disk above it.
pub(super) fn judge(facts: &Facts, line: &Line, above: &Above) -> Outcome {
    let vm = words::inside(facts);
    let named = line.undo.named;
    let stamp = match above.made {
        Made::Footer(at) => Some(at),
        Made::Birth(..) | Made::Unknown => None,
    };
    let gap = named
        .zip(stamp)
        .map(|(named, stamp)| seconds_between(named, stamp));
    let (row, reverted) = match gap {
        Some(gap) if gap.abs() <= CLOSE_SECONDS => (&rows::ROW_VPC_KEPT, Reverted::NoSign),
        Some(gap) if gap > 0 && !could_be_zone(gap) => (&rows::ROW_VPC_DISCARDED, Reverted::Likely),
        _ => (&rows::ROW_VPC_UNKNOWN, Reverted::CannotTell),
    };
    let (named_text, stamp_text) = (
        named.map_or_else(|| "no time".to_owned(), minute),
        stamp.map_or_else(|| "at an unknown time".to_owned(), minute),
    );
    let summary = match reverted {
        Reverted::Likely | Reverted::Certain => format!(
            "The changes of {vm} were very likely discarded at least once, last on {stamp_text}: {} is named for {named_text}, {} earlier.",
            above.name,
            gap.map(span).unwrap_or_default()
        ),
        Reverted::NoSign | Reverted::NotReverted => format!(
            "Nothing shows that changes were discarded: {} was made {stamp_text}, as its name says. A discard in the first 5 minutes would look the same.",
            above.name
        ),
        Reverted::CannotTell => format!(
            "Cannot tell whether changes were discarded: the name of {} gives {named_text}, its footer {stamp_text}.",
            above.name
        ),
    };
    let bearing = match reverted {
        Reverted::Likely | Reverted::Certain => Bearing::For,
        Reverted::NoSign | Reverted::NotReverted => Bearing::Against,
        Reverted::CannotTell => Bearing::Silent,
    };
    let mut evidence = Vec::new();
    if let Some(stamp) = stamp {
        evidence.push(Evidence {
            code: &witness::ABOVE_FOOTER,
            bearing,
            text: format!("{} was made {}", above.name, second(stamp)),
            source: format!("{}: footer time stamp", above.path),
        });
    }
    if let Some(named) = named {
        evidence.push(Evidence {
            code: &witness::UNDO_NAME,
            bearing,
            text: format!("its name says {}", second(named)),
            source: format!("{}: file name", above.path),
        });
    }
    Outcome {
        row,
        reverted,
        gap,
        above: Some(above.disk),
        made: stamp,
        stands: above.equals_parent,
        evidence,
        summary,
        settle: (reverted == Reverted::CannotTell).then(|| {
            "Find out whether the undo disk was renamed, and the zone of the host.".to_owned()
        }),
        notes: Vec::new(),
    }
}

/// The name looks like UTC, but nobody documents it: a difference that a zone explains is no witness.
fn could_be_zone(gap: i64) -> bool {
    const QUARTER: i64 = 900;
    let rest = gap.rem_euclid(QUARTER);
    gap.abs() <= FARTHEST_ZONE_SECONDS + CLOSE_SECONDS && rest.min(QUARTER - rest) <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quarter_hours_within_a_day_can_be_a_zone() {
        assert!(could_be_zone(9 * 3_600 + 3));
        assert!(could_be_zone(5 * 3_600 + 45 * 60 - 20));
        assert!(!could_be_zone(9 * 3_600 + 420));
        assert!(!could_be_zone(48 * 3_600));
    }
}
