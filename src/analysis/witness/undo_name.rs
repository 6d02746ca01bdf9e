//! Virtual PC and Virtual Server: the undo disk's name holds the time it was made first, its footer the time it was made last.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{off_quarter, seconds_between};
use crate::analysis::witness::made;
use crate::store::virtualpc::undo_name_time;
use crate::text::second;

crate::catalogue! {
    UNDO_NAME = "undo-name", Info, "the undo disk's name holds the time it was first made",
        why: "Virtual PC names an undo disk by its time of making and keeps the name when it empties or re-makes the disk.", action: "Nothing.";
}

const SAME_SECONDS: i64 = 300;
/// Zones differ from UTC by at most this, in steps of a quarter of an hour.
const FARTHEST_ZONE: i64 = 14 * 3_600;

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let name = facts.above_name();
    let named = undo_name_time(&name)?;
    let gap = made::at(facts).map(|made| seconds_between(named, made));
    let zone = gap.filter(|gap| could_be_zone(*gap)).map(
        |_| "nobody documents its zone, and a time zone explains all the difference to the footer",
    );
    let text = format!("the name of {name} says {}", second(named));
    let source = Facts::source(facts.above_disk, "file name");
    let fact = Of::Snapshot.says(&UNDO_NAME, Says::At(named), text, source);
    Some(fact.dropped(zone))
}

/// A difference that a zone explains is no witness.
fn could_be_zone(gap: i64) -> bool {
    (SAME_SECONDS..=FARTHEST_ZONE + SAME_SECONDS).contains(&gap.abs()) && off_quarter(gap) <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quarter_hours_within_a_day_can_be_a_zone() {
        assert!(could_be_zone(9 * 3_600 + 3));
        assert!(could_be_zone(5 * 3_600 + 45 * 60 - 20));
        assert!(!could_be_zone(9 * 3_600 + 420) && !could_be_zone(48 * 3_600));
        assert!(!could_be_zone(7), "the same moment");
    }
}
