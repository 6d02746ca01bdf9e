//! When X was made: by the stamp in its footer, else by a birth time that can be the host's.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, EvidenceState, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, HOUR_SECONDS, seconds_between};
use crate::analysis::survey::clock::StampClock;
use crate::analysis::witness::{lvm_made, remade, retaken};
use crate::analysis::zone;
use crate::store::BornSource;
use crate::text::{second, span};

crate::catalogue! {
    ABOVE_FOOTER = "above-footer", Info, "the footer of the disk above says when it was made",
        why: "The stamp lies inside the file, in UTC, and survives copying; later writes do not touch it. A conversion or a storage migration makes a new one, which the snapshot's own disk shows too.", action: "Nothing.";
    ABOVE_BIRTH = "above-birth", Info, "the file system or a listing says when the disk above was made",
        why: "A birth time is as good as the file's history: a copy renews it, so the births of the whole chain are looked at first.", action: "Nothing.";
    ABOVE_UNKNOWN = "above-unknown", Info, "nothing says when the disk above was made",
        why: "A VHDX holds no date, and no birth time of the host's is known.", action: "Bring a listing of times made on the host.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let mut all: Vec<Evidence> = by_stamp(facts).into_iter().collect();
    if !all.iter().any(is_used) {
        all.extend(by_birth(facts));
    }
    if all.is_empty() && lvm_made::evidence(facts).is_none() {
        let name = facts.above_name();
        let text = format!(
            "nothing says when {name} was made: no date inside it, no birth time of its file"
        );
        all.push(Of::DiskAbove.missing(&ABOVE_UNKNOWN, text));
    }
    all
}

/// The moment, if it is known.
pub fn at(facts: &Facts<'_>) -> Option<Timestamp> {
    let used = lvm_made::evidence(facts).filter(is_used);
    let used = used.or_else(|| by_stamp(facts).filter(is_used));
    let used = used.or_else(|| by_birth(facts).filter(is_used));
    match used?.says {
        Some(Says::At(at)) => Some(at),
        _ => None,
    }
}

fn is_used(evidence: &Evidence) -> bool {
    evidence.state == EvidenceState::Used
}

fn by_stamp(facts: &Facts<'_>) -> Option<Evidence> {
    let disk = facts.above_disk;
    let (at, why) = match facts.survey.stamp(disk) {
        Ok(None) => return None,
        Ok(Some(at)) => {
            let why = remade::with(facts, at).or_else(|| retaken::by_another(facts, at));
            (at, why)
        }
        Err((at, why)) => (at, Some(why.to_owned())),
    };
    let mut text = format!("{} was made {}", facts.above_name(), second(at));
    if let StampClock::Ahead(ahead @ (1.. | ..=-1)) = facts.survey.clock(disk) {
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        let apart = span(ahead);
        text = format!("{text} by the file server's clock; the stamp's is {apart} {way} it");
    }
    let source = Facts::source(disk, "footer time stamp");
    let stamp = Of::DiskAbove.says(&ABOVE_FOOTER, Says::At(at), text, source);
    let slack = match facts.survey.clock(disk) {
        StampClock::Unknown => Slack::NO_CLOCK,
        StampClock::Ahead(_) | StampClock::Same => stamp.slack,
    };
    Some(stamp.slack(slack).dropped(why))
}

fn by_birth(facts: &Facts<'_>) -> Option<Evidence> {
    let disk = facts.above_disk;
    let born = disk.file.born?;
    let (at, why) = match facts.survey.birth(disk) {
        // Of a volume LVM says it, in a witness of its own.
        Ok(_) if born.source == BornSource::Lvm => return None,
        Ok(_) => {
            let why = copied_with(facts, born.at)
                .or_else(|| remade::with(facts, born.at))
                .or_else(|| retaken::by_another(facts, born.at));
            (born.at, why.or_else(|| born_together(facts, born.at)))
        }
        Err((at, why)) => (at, Some(why.to_owned())),
    };
    let text = format!("{} was made {}", facts.above_name(), second(at));
    let field = match born.source {
        BornSource::WindowsFileSystem | BornSource::OtherFileSystem => "birth",
        _ => "birth, by the listing",
    };
    let source = Facts::source(disk, field);
    Some(
        Of::DiskAbove
            .says(&ABOVE_BIRTH, Says::At(at), text, source)
            .dropped(why),
    )
}

/// D's birth is a copy's, and X's within a day of it.
fn copied_with(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let (copied, _) = facts.survey.birth(facts.frozen_disk).err()?;
    let copy = second(copied);
    let why = || format!("the files were copied {copy}: births later than last writes");
    (seconds_between(copied, at).abs() <= DAY_SECONDS).then(why)
}

/// The births of the whole chain lie together, while the snapshot was not taken then; or all writes do, as births then do too.
fn born_together(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let first = second(facts.births_together()?);
    let date = facts.snapshot.and_then(zone::zoned_date);
    let is_young = date.is_some_and(|date| seconds_between(date, at).abs() <= HOUR_SECONDS);
    let why = || format!("all files of the chain were born together, {first}, as by a copy");
    (!is_young || facts.is_one_copy()).then(why)
}
