//! XCP-ng: whether another snapshot made the disk above again. The snapshot of a machine that wrote nothing since the last one
//! shares that one's base, and the empty disk above gives way to a new one (FACTS.md §1.8). Then X's age says nothing of a revert.

use jiff::Timestamp;

use crate::analysis::evidence::Slack;
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::analysis::zone;
use crate::store::Snapshot;
use crate::text::escape;

/// Why X, made `at`, was made by another snapshot of the same base; `None` if it was not.
pub fn by_another(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let survey = facts.survey;
    let this = facts.snapshot.filter(|_| survey.is_xcp(facts.frozen))?;
    let date = facts.dated()?;
    let is_it = |other: &&Snapshot| {
        let then = zone::zoned_date(other).filter(|then| {
            seconds_between(date, *then) > Slack::DATE.same
                && seconds_between(*then, at).abs() <= Slack::DATE.same
        });
        let is_ours = other.machine.is_none() || other.machine == facts.machine;
        !std::ptr::eq(*other, this) && is_ours && then.is_some()
    };
    let leaves = survey.topology.children(facts.frozen);
    let mut on_base = leaves.flat_map(|leaf| survey.forest.snapshots_on(leaf));
    let other = on_base.find(is_it)?;
    Some(format!(
        "snapshot \"{}\" was taken then, while nothing had been written since this one, and makes the disk above again",
        escape(other.label().unwrap_or_default())
    ))
}
