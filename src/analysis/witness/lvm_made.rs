//! When X's volume was made: LVM keeps it for each volume, by the clock of the host, and no rename changes it.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::survey::clock::{StampClock, ahead_of_volume};
use crate::analysis::witness::{remade, retaken};
use crate::store::BornSource;
use crate::text::{second, span};

crate::catalogue! {
    LVM_MADE = "lvm-made", Info, "LVM says when the volume of the disk above was made",
        why: "A snapshot and a revert each make a new volume, and LVM notes the second. A migration or a copy makes one too, which the stamp inside the disk or the snapshot's own disk shows.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let disk = facts.above_disk;
    let at = disk
        .file
        .born
        .filter(|born| born.source == BornSource::Lvm)?
        .at;
    let text = format!("the volume {} was made {}", facts.above_name(), second(at));
    let why = filled(facts)
        .or_else(|| remade::with(facts, at))
        .or_else(|| retaken::by_another(facts, at));
    let source = Facts::source(disk, "creation_time in LVM's metadata");
    Some(
        Of::DiskAbove
            .says(&LVM_MADE, Says::At(at), text, source)
            .dropped(why),
    )
}

/// The disk in the volume was made at another time than the volume.
fn filled(facts: &Facts<'_>) -> Option<String> {
    let ahead = ahead_of_volume(facts.above_disk)?;
    let is_blktap = facts.survey.clock(facts.above_disk);
    (is_blktap == StampClock::Unknown).then(|| {
        let way = if ahead > 0 { "younger" } else { "older" };
        format!(
            "the disk in it is {} {way} than the volume: it was copied there",
            span(ahead)
        )
    })
}
