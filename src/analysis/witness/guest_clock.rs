//! The guest's own clock: what its kernel dated on the disk above, and nowhere below.
//!
//! Three things make it lie. What the guest had in its memory reaches the disk after the snapshot with earlier times, and a
//! machine that is resumed from a snapshot's memory goes on with the snapshot's time until its clock is set: so nothing counts
//! of the first minutes. A clock may be wrong for good: so the last time must be that of the file's own last write. And a
//! machine may have been off, or idle: so a gap alone says nothing.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::guest_clock::GuestClock;
use crate::analysis::interval::{DAY_SECONDS, HOUR_SECONDS, moved, seconds_between};
use crate::finding::Code;
use crate::store::SnapshotKind;
use crate::text::{minute, size, span};

crate::catalogue! {
    GUEST_FIRST = "guest-first", Info, "the guest wrote on the disk above by then, by its own clock: the disk is not younger",
        why: "The kernel dates each change of a file's record, and no program sets those times. What only the disk above holds was written after that disk was made.", action: "Nothing.";
    GUEST_WORKED = "guest-worked", Info, "the guest worked on the disk above from the snapshot on, without a stop",
        why: "A revert throws away what was done from the snapshot on. Changes of the first hour, and of the days since, are on the disk above, so it was there then.", action: "Nothing. A revert in the first hour would look the same.";
    GUEST_NOT_STARTED = "guest-not-started", Info, "the guest's volumes were mounted as often as when the snapshot was taken",
        why: "The snapshot holds no memory, so a machine that is reverted to it starts again and mounts its volumes once more.", action: "Nothing.";
    GUEST_GAP = "guest-gap", Warning, "the guest was in use until the snapshot, and the disk above holds nothing from then until it was started again",
        why: "That is what a revert leaves: what was done meanwhile went with the disk that was thrown away. Innocent: the machine was switched off hard or paused at that very moment.", action: "Ask whether the machine was off all that time.";
    GUEST_UNSURE = "guest-unsure", Info, "the guest's own clock says nothing",
        why: "It is wrong, or nothing holds a time, or what it says has several reasons.", action: "Nothing.";
}

/// What was written in this span may have been in memory when the snapshot was taken, or be of a clock that is not set yet.
const QUIET_SECONDS: i64 = 5 * 60;
/// Clocks of guest and host agree as well as this, and a guest writes what it has in memory.
const AGREE_SECONDS: i64 = 60;
/// Written until the snapshot.
const UNTIL_SECONDS: i64 = 15 * 60;
/// Work without a stop: so long at least, and without longer gaps. A resumed clock that is wrong for hours and then set leaves a
/// gap as long as it was behind.
const WORK_SECONDS: i64 = 7 * DAY_SECONDS;
const STOP_SECONDS: i64 = 3 * DAY_SECONDS;
const STOP_WITH_MEMORY_SECONDS: i64 = DAY_SECONDS;

/// Whether a fact is the guest's, not the host's.
pub fn is_guests(code: &'static Code) -> bool {
    ALL.contains(&code)
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let Some((clock, taken)) = read(facts) else {
        return Vec::new();
    };
    let volumes = clock.volumes.join(", ");
    let source = format!(
        "{}: {volumes}, {} read",
        facts.above_disk.path.display(),
        size(clock.read_bytes)
    );
    let of = |code, says, text: String| Of::DiskAbove.says(code, says, text, &*source);
    let unsure = |why: String| {
        let text = "the guest's own clock was looked at".to_owned();
        let says = Says::NotAfter(clock.later.last().copied().unwrap_or(taken));
        vec![of(&GUEST_UNSURE, says, text).dropped(Some(why))]
    };
    let Some(first) = first(clock, taken) else {
        return unsure(
            "nothing on the disk above has a time of the guest's kernel after the snapshot"
                .to_owned(),
        );
    };
    if let Some(why) = wrong(facts, clock, taken) {
        return unsure(why);
    }
    let text = format!(
        "the guest wrote on {} by {}",
        facts.above_name(),
        minute(first)
    );
    let mut all = vec![of(&GUEST_FIRST, Says::NotAfter(first), text)];
    if clock.is_same_mount == Some(true) && is_without_memory(facts) {
        let text = "its volumes were mounted as often as when the snapshot was taken, and the snapshot holds no memory";
        all.push(of(&GUEST_NOT_STARTED, Says::Against, text.to_owned()));
    }
    match worked(facts, clock, taken, first) {
        Ok(()) => all.push(of(
            &GUEST_WORKED,
            Says::Against,
            worked_words(clock, taken, first),
        )),
        Err(why) => match gap(clock, taken, first) {
            Ok(boot) => all.push(of(&GUEST_GAP, Says::For, gap_words(taken, boot))),
            Err(no_gap) => {
                let text = format!(
                    "the guest's first change on the disk above is {} after the snapshot",
                    span(seconds_between(taken, first))
                );
                let why = format!("{why}, and {no_gap}");
                all.push(of(&GUEST_UNSURE, Says::NotAfter(first), text).dropped(Some(why)));
            }
        },
    }
    all
}

/// What the sentence of a rule says of the guest.
pub fn words(facts: &Facts<'_>) -> Option<String> {
    let (clock, taken) = read(facts)?;
    let first = first(clock, taken)?;
    Some(match gap(clock, taken, first) {
        Ok(boot) => gap_words(taken, boot),
        Err(_) if worked(facts, clock, taken, first).is_ok() => worked_words(clock, taken, first),
        Err(_) => "the guest was not started again since, by its volumes' counts of mounts, and the snapshot holds no memory".to_owned(),
    })
}

fn read<'f>(facts: &Facts<'f>) -> Option<(&'f GuestClock, Timestamp)> {
    let clocks = &facts.survey.compared.guest_clocks;
    Some((clocks.get(&(facts.frozen, facts.above))?, facts.dated()?))
}

/// The first time that counts.
fn first(clock: &GuestClock, taken: Timestamp) -> Option<Timestamp> {
    let quiet = moved(taken, QUIET_SECONDS);
    let before = clock.later.partition_point(|time| *time <= quiet);
    clock.later.get(before).copied()
}

/// Why the guest's clock is not the host's.
fn wrong(facts: &Facts<'_>, clock: &GuestClock, taken: Timestamp) -> Option<String> {
    if let Some(last) = clock.frozen_last
        && seconds_between(taken, last) > QUIET_SECONDS
    {
        return Some(format!(
            "its clock was ahead: {} holds {}, after the snapshot",
            facts.frozen_name(),
            minute(last)
        ));
    }
    if facts.is_one_copy() {
        return Some(
            "the last writes of the files are a copy's, so that nothing says whether it was right"
                .to_owned(),
        );
    }
    let write = facts.above_disk.file.modified;
    let last = clock.later.last().copied();
    let (Some(write), Some(last)) = (write, last) else {
        return Some("no last write of the file says whether it was right".to_owned());
    };
    (seconds_between(last, write).abs() > HOUR_SECONDS).then(|| {
        format!(
            "its last time is {}, and {} was last written {}: it was wrong, or the guest idle",
            minute(last),
            facts.above_name(),
            minute(write)
        )
    })
}

fn is_without_memory(facts: &Facts<'_>) -> bool {
    let kind = facts.snapshot.map(|snapshot| snapshot.kind);
    kind == Some(SnapshotKind::Production)
}

/// Whether the guest worked from the snapshot on, without a stop.
fn worked(
    facts: &Facts<'_>,
    clock: &GuestClock,
    taken: Timestamp,
    first: Timestamp,
) -> Result<(), String> {
    let after = seconds_between(taken, first);
    if after > HOUR_SECONDS {
        return Err(format!(
            "nothing shows that it worked in the first hour: the first time is {} later",
            span(after)
        ));
    }
    // A machine that was off left no memory to go on from.
    let most = if is_without_memory(facts) || !clock.was_in_use {
        STOP_SECONDS
    } else {
        STOP_WITH_MEMORY_SECONDS
    };
    let mut at = taken;
    for next in clock.later.iter().copied().filter(|time| *time > taken) {
        if seconds_between(at, next) > most {
            return Err(format!(
                "it did nothing for {} from {} on",
                span(seconds_between(at, next)),
                minute(at)
            ));
        }
        at = next;
    }
    if seconds_between(taken, at) < WORK_SECONDS {
        return Err("it is too short a time to tell work from a clock that is set late".to_owned());
    }
    Ok(())
}

/// The start that ends a gap which begins at the snapshot.
fn gap(clock: &GuestClock, taken: Timestamp, first: Timestamp) -> Result<Timestamp, String> {
    let soon = moved(taken, AGREE_SECONDS);
    let is_early = |time: &Timestamp| *time > soon && *time < first;
    if seconds_between(taken, first) <= DAY_SECONDS {
        return Err("no gap begins at the snapshot".to_owned());
    }
    if clock.later.iter().any(is_early) {
        return Err("something was written right after the snapshot, as by a shutdown".to_owned());
    }
    if !clock.was_in_use {
        return Err(
            "the machine was off when the snapshot was taken, or its volumes were frozen"
                .to_owned(),
        );
    }
    match clock.frozen_last {
        None => return Err("nothing says when it was last in use before the snapshot".to_owned()),
        Some(last) if seconds_between(last, taken) > UNTIL_SECONDS => {
            return Err(format!(
                "it was last in use {} before the snapshot",
                span(seconds_between(last, taken))
            ));
        }
        Some(_) => {}
    }
    if !clock.complete {
        return Err("not all of it could be looked at".to_owned());
    }
    if let Some(volume) = clock.unread.first() {
        return Err(format!("no times can be read from {volume}"));
    }
    let ends = |boot: &&Timestamp| seconds_between(first, **boot).abs() <= HOUR_SECONDS;
    let boot = clock.boots.iter().find(ends);
    boot.copied().ok_or_else(|| {
        "nothing shows a start of the guest at the end of that time: it may have stood idle, or been resumed".to_owned()
    })
}

fn worked_words(clock: &GuestClock, taken: Timestamp, first: Timestamp) -> String {
    let last = clock.later.last().copied().unwrap_or(first);
    format!(
        "the guest worked from {} after the snapshot until {}, without a stop",
        span(seconds_between(taken, first)),
        minute(last)
    )
}

fn gap_words(taken: Timestamp, boot: Timestamp) -> String {
    format!(
        "the guest was in use until the snapshot, and nothing it wrote is from then until it was started on {}, {} later",
        minute(boot),
        span(seconds_between(taken, boot))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::Rule;
    use crate::analysis::verdict::decide;
    use crate::analysis::witness::date::TAKEN_LABEL;
    use crate::analysis::witness::generation::{GENERATION_DIFFERS, GENERATION_SAME};
    use crate::analysis::witness::made::ABOVE_FOOTER;

    #[test]
    fn two_witnesses_that_contradict_settle_nothing() {
        let taken = Timestamp::from_second(1_772_445_600).unwrap();
        let dated = Of::Snapshot.says(&TAKEN_LABEL, Says::At(taken), "", "");
        let rule = |said: &[(&'static Code, Says)]| {
            let mut all = vec![dated.clone()];
            let heard = said
                .iter()
                .map(|(code, says)| Of::DiskAbove.says(code, says.clone(), "", ""));
            all.extend(heard);
            decide(&all).rule
        };
        let worked = (&GUEST_WORKED, Says::Against);
        let stopped = (&GUEST_GAP, Says::For);
        let same = (&GENERATION_SAME, Says::Against);
        let differs = (&GENERATION_DIFFERS, Says::For);
        for (said, expected) in [
            (vec![], Rule::NoAge),
            (vec![worked.clone()], Rule::GuestWorked),
            (vec![stopped.clone()], Rule::GuestStopped),
            (vec![stopped.clone(), differs.clone()], Rule::GuestStopped),
            (vec![worked.clone(), same.clone()], Rule::GenerationSame),
            (vec![worked.clone(), differs], Rule::NoAge),
            (vec![stopped.clone(), same], Rule::NoAge),
            (vec![stopped, worked.clone()], Rule::NoAge),
            // What the files show of the times counts more.
            (
                vec![
                    worked,
                    (&ABOVE_FOOTER, Says::At(moved(taken, 40 * DAY_SECONDS))),
                ],
                Rule::AboveYounger,
            ),
        ] {
            assert_eq!(rule(&said), expected, "{said:?}");
        }
    }
}
