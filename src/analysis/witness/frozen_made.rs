//! When D was made: X stands on it, so it is not older, unless D was made again under it.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::analysis::survey::{AgeSource, GRAIN_SECONDS};
use crate::text::second;

crate::catalogue! {
    FROZEN_MADE = "frozen-made", Info, "when the snapshot's disk was made: the disk above is not older",
        why: "A child is made on its parent. A snapshot's disk that is younger than the snapshot was converted, moved or copied, and dates nothing.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let age = facts.survey.age(facts.frozen)?;
    let is_birth = age.source != AgeSource::Stamp;
    let write = facts.above_disk.file.modified;
    let why = if facts.remade().is_some() {
        Some("it is later than the snapshot: the disk was converted, moved or copied")
    } else if is_birth && facts.births_together().is_some() {
        Some("all files of the chain were born together, as by a copy")
    } else {
        write.filter(|write| seconds_between(*write, age.at) > GRAIN_SECONDS).map(|_| {
            "it is later than the last write of the disk above: a clock was wrong, or the disk was made again"
        })
    };
    let text = format!("{} was made {}", facts.frozen_name(), second(age.at));
    let source = Facts::source(facts.frozen_disk, "footer time stamp or birth");
    let fact = Of::DiskAbove.says(&FROZEN_MADE, Says::NotBefore(age.at), text, source);
    Some(fact.dropped(why))
}
