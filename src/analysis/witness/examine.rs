//! The examination of D's last write, before anything rests on it: it is the lower end of `t_s`, and the only thing that can
//! contradict a date.

use jiff::Timestamp;

use crate::analysis::facts::Facts;
use crate::analysis::interval::{MINUTES_5, seconds_between};
use crate::analysis::witness::made;
use crate::store::{Machine, TakenSource};
use crate::text::second;

/// A frozen disk is written no longer once the disk above is there; XCP-ng marks it hidden after that.
const AFTER_SECONDS: i64 = 1;
const HIDDEN_SECONDS: i64 = 10;
/// Why times of a copied chain say nothing.
pub const ONE_COPY: &str =
    "the last writes of the whole chain lie within a minute, as a copy leaves them";

/// The last write of D, if it can be the moment it was frozen or one before that.
///
/// # Errors
/// The last write, if there is one, and why it says nothing.
pub fn frozen_write(facts: &Facts<'_>) -> Result<Timestamp, Option<(Timestamp, String)>> {
    let write = facts.frozen_disk.file.modified.ok_or(None)?;
    spoilt(facts, write).map_or(Ok(write), |why| Err(Some((write, why))))
}

/// Why a last write of D says nothing.
fn spoilt(facts: &Facts<'_>, write: Timestamp) -> Option<String> {
    let name = facts.frozen_name();
    if is_merge_pending(facts) {
        return Some(format!("a merge into {name} may have begun"));
    }
    if let Some(made) = facts.remade() {
        let made = second(made);
        return Some(format!("{name} was made again after the snapshot, {made}"));
    }
    if facts.is_one_copy() {
        return Some(ONE_COPY.to_owned());
    }
    let is_xcp = facts.survey.is_xcp(facts.frozen);
    let after = if is_xcp {
        HIDDEN_SECONDS
    } else {
        AFTER_SECONDS
    };
    let made = made::at(facts).filter(|at| seconds_between(*at, write) > after);
    if let Some(made) = made {
        return Some(format!(
            "{name} was written after {} was made ({}): by a merge, a mount or a copy",
            facts.above_name(),
            second(made)
        ));
    }
    let config = facts.claim(TakenSource::ConfigWrite)?;
    let config = (seconds_between(config, write) > MINUTES_5).then_some(config)?;
    let config = second(config);
    Some(format!(
        "the snapshot's configuration was there before, {config}"
    ))
}

fn is_merge_pending(facts: &Facts<'_>) -> bool {
    let machine = facts.machine.map(|id| facts.survey.forest.machine(id));
    machine.map_or(facts.survey.merge_pending, |machine| {
        machine.is_some_and(Machine::is_merge_pending)
    })
}
