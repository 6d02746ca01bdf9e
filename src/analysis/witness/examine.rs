//! The examination of D's last write, before anything rests on it: it is the lower end of `t_s`, and the only thing that can
//! contradict a date.

use jiff::Timestamp;

use crate::analysis::facts::Facts;
use crate::analysis::interval::{MINUTES_5, seconds_between};
use crate::analysis::witness::made;
use crate::store::TakenSource;
use crate::text::second;

/// A frozen disk is written no longer once the disk above is there; XCP-ng marks it hidden after that.
const AFTER_SECONDS: i64 = 1;
const HIDDEN_SECONDS: i64 = 10;

/// The last write of D, if it can be the moment it was frozen or one before that.
///
/// # Errors
/// The last write, if there is one, and why it says nothing.
pub fn frozen_write(facts: &Facts<'_>) -> Result<Timestamp, Option<(Timestamp, String)>> {
    let write = facts.frozen_disk.file.modified.ok_or(None)?;
    let no = |why: String| Err(Some((write, why)));
    let name = facts.frozen_name();
    if is_merge_pending(facts) {
        return no(format!("a merge into {name} may have begun"));
    }
    if let Some(made) = facts.remade() {
        return no(format!(
            "{name} was made anew after the snapshot, {}",
            second(made)
        ));
    }
    if facts.is_one_copy() {
        return no(
            "the last writes of the whole chain lie within a minute, as a copy leaves them"
                .to_owned(),
        );
    }
    if let Some(at) = made::at(facts) {
        let later = if facts.survey.is_xcp(facts.frozen) {
            HIDDEN_SECONDS
        } else {
            AFTER_SECONDS
        };
        if seconds_between(at, write) > later {
            return no(format!(
                "{name} was written after {} was made ({}): by a merge, a mount or a copy",
                facts.above_name(),
                second(at)
            ));
        }
    }
    if let Some(config) = facts.claim(TakenSource::ConfigWrite)
        && seconds_between(config, write) > MINUTES_5
    {
        return no(format!(
            "the snapshot's configuration was there before, {}",
            second(config)
        ));
    }
    Ok(write)
}

fn is_merge_pending(facts: &Facts<'_>) -> bool {
    let machines = &facts.survey.forest.machines;
    match facts.machine {
        Some(machine) => machines
            .get(machine.0 as usize)
            .is_some_and(|machine| machine.merge_pending == Some(true)),
        None => machines
            .iter()
            .any(|machine| machine.merge_pending == Some(true)),
    }
}
