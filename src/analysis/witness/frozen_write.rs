//! D's last write: the snapshot is not older. On XCP-ng it is the moment itself, for the base is marked hidden then.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, MINUTES_5, seconds_between};
use crate::analysis::witness::{examine, made, memory};
use crate::analysis::zone;
use crate::text::{second, span};

crate::catalogue! {
    FROZEN_WRITE = "frozen-write", Info, "the last write of the snapshot's disk: the snapshot is not older",
        why: "A machine that runs writes until its disk is frozen; one that was off may have left it alone for any time before. Merges, mounts and copies write it later, so it is examined first.", action: "Bring the host's list of snapshots for a date.";
    BASE_WRITE = "base-write", Info, "XCP-ng: the last write of the base, when it was marked hidden",
        why: "A snapshot makes the new disks and then marks the base hidden, and nothing writes a base again until something is coalesced into it.", action: "Nothing.";
}

/// Written until the disk above was made.
const RIGHT_BEFORE_SECONDS: i64 = 5;

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let is_xcp = facts.survey.is_xcp(facts.frozen);
    let code = if is_xcp { &BASE_WRITE } else { &FROZEN_WRITE };
    let (write, why) = match examine::frozen_write(facts) {
        Ok(write) => (write, doubt(facts, write)),
        Err(spoilt) => spoilt.map(|(write, why)| (write, Some(why)))?,
    };
    // A date is the better moment; against one the mark can only say that it is too early.
    let (says, slack) = if is_xcp && dated(facts).is_none() {
        (Says::At(write), Slack::MARK)
    } else {
        (Says::NotBefore(write), Slack::WRITE)
    };
    let text = format!("{} was last written {}", facts.frozen_name(), second(write));
    let source = Facts::source(facts.frozen_disk, "last write");
    let fact = Of::Snapshot.says(code, says, text, source);
    Some(fact.slack(slack).dropped(why))
}

/// The lower end of `t_s` by D's last write, if it may be trusted as such.
pub fn lower_end(facts: &Facts<'_>) -> Option<Timestamp> {
    let write = examine::frozen_write(facts).ok()?;
    doubt(facts, write).is_none().then_some(write)
}

/// The date it is held against: with a zone, or a memory file's where that is a moment.
fn dated(facts: &Facts<'_>) -> Option<Timestamp> {
    let zoned = facts.snapshot.and_then(zone::zoned_date);
    zoned.or_else(|| memory::at(facts))
}

/// Why a last write that survived the examination is no lower end all the same. One that is more than minutes after the date,
/// and right before the disk above was made, is none of these: it contradicts the date, and neither may be dropped.
fn doubt(facts: &Facts<'_>, write: Timestamp) -> Option<String> {
    let made = made::at(facts);
    let late = dated(facts).map(|date| seconds_between(date, write));
    if let Some(late) = late.filter(|late| *late > MINUTES_5) {
        let until = made.map(|made| seconds_between(write, made));
        let contradicts = until.is_some_and(|until| until <= RIGHT_BEFORE_SECONDS);
        let late = span(late);
        let why = || format!("it is {late} after the date: something was merged into it since");
        return (!contradicts).then(why);
    }
    let (name, above) = (facts.frozen_name(), facts.above_name());
    if facts.survey.is_xcp(facts.frozen) {
        let why = || format!("nothing tells when {above} was made, so it may be a coalesce's");
        return made.is_none().then(why);
    }
    match facts.frozen_made() {
        None => Some(format!("how old {name} was then is not known")),
        Some(born) if seconds_between(born, write) <= DAY_SECONDS => Some(format!(
            "{name} was less than a day old then: where a chain is converted, each disk is made as its parent ends"
        )),
        Some(_) => None,
    }
}
