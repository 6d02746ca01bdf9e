//! When X was made: by the stamp in its footer, else by a birth time that can be the host's.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, EvidenceState, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, HOUR_SECONDS, seconds_between};
use crate::analysis::survey::AgeSource;
use crate::analysis::survey::clock::StampClock;
use crate::analysis::witness::{lvm_made, remade};
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
    if all.is_empty() && lvm_made::evidence(facts).is_empty() {
        all.push(Evidence::missing(
            &ABOVE_UNKNOWN,
            Of::DiskAbove,
            format!(
                "nothing says when {} was made: no date inside it, no birth time of its file",
                facts.above_name()
            ),
        ));
    }
    all
}

/// The moment, if it is known.
pub fn at(facts: &Facts<'_>) -> Option<Timestamp> {
    let used = lvm_made::evidence(facts).into_iter().find(is_used);
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
        Ok(Some(at)) => (at, remade::with(facts, at)),
        Err((at, why)) => (at, Some(why.to_owned())),
    };
    let mut text = format!("{} was made {}", facts.above_name(), second(at));
    if let StampClock::Ahead(ahead @ (1.. | ..=-1)) = facts.survey.clock(disk) {
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        let apart = span(ahead);
        text += " by the file server's clock; the stamp's is ";
        text += &[&apart, way, "it"].join(" ");
    }
    let source = Facts::source(disk, "footer time stamp");
    let stamp = Evidence::of_above(&ABOVE_FOOTER, Says::At(at), text, source);
    Some(match facts.survey.clock(disk) {
        StampClock::Unknown => stamp.slack(Slack::NO_CLOCK).dropped(why),
        StampClock::Ahead(_) | StampClock::Same => stamp.dropped(why),
    })
}

fn by_birth(facts: &Facts<'_>) -> Option<Evidence> {
    let disk = facts.above_disk;
    let (at, why) = match facts.survey.birth(disk) {
        Ok(None) => return None,
        // Of a volume LVM says it, in a witness of its own.
        Ok(Some(age)) if age.source == AgeSource::Birth(BornSource::Lvm) => return None,
        Ok(Some(age)) => (
            age.at,
            copied_with(facts, age.at)
                .or_else(|| remade::with(facts, age.at))
                .or_else(|| born_together(facts, age.at)),
        ),
        Err((at, why)) => (at, Some(why.to_owned())),
    };
    let text = format!("{} was made {}", facts.above_name(), second(at));
    let field = match disk.file.born.map(|born| born.source) {
        Some(BornSource::WindowsFileSystem | BornSource::OtherFileSystem) => "birth",
        _ => "birth, by the listing",
    };
    let source = Facts::source(disk, field);
    Some(Evidence::of_above(&ABOVE_BIRTH, Says::At(at), text, source).dropped(why))
}

/// D's birth is a copy's, and X's within a day of it.
fn copied_with(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let (copied, _) = facts.survey.birth(facts.frozen_disk).err()?;
    (seconds_between(copied, at).abs() <= DAY_SECONDS).then(|| {
        format!(
            "the files were copied {}: births later than last writes",
            second(copied)
        )
    })
}

/// The births of the whole chain lie together, while the snapshot was not taken then; or all writes do, as births then do too.
fn born_together(facts: &Facts<'_>, at: Timestamp) -> Option<String> {
    let first = facts.births_together()?;
    let date = facts.snapshot.and_then(zone::zoned_date);
    let is_young = date.is_some_and(|date| seconds_between(date, at).abs() <= HOUR_SECONDS);
    (!is_young || facts.is_one_copy()).then(|| {
        format!(
            "all files of the chain were born together, {}, as by a copy",
            second(first)
        )
    })
}
