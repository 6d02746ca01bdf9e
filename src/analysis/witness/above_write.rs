//! The disks from X up: X was there when they were made, and when they were last written.

use crate::analysis::evidence::{Evidence, Says};
use crate::analysis::facts::Facts;
use crate::text::second;

crate::catalogue! {
    ABOVE_WRITE = "above-write", Info, "a disk above was made or last written then: the disk directly above is not younger",
        why: "Whatever stands on a disk is younger than that disk, and no file is younger than its own last write.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let survey = facts.survey;
    let write = survey
        .above(facts.above)
        .first
        .map(|(at, disk)| (at, disk, "was last written", "last write"));
    let made = survey
        .topology
        .children(facts.above)
        .filter_map(|child| survey.above(child).oldest)
        .min()
        .map(|(at, disk)| (at, disk, "was made", "footer time stamp or birth"));
    let Some((at, id, what, field)) = [made, write].into_iter().flatten().min() else {
        return Vec::new();
    };
    let Some(disk) = survey.forest.disk(id) else {
        return Vec::new();
    };
    let copy = (what == "was last written" && facts.is_one_copy()).then(|| {
        "the last writes of the whole chain lie within a minute, as a copy leaves them".to_owned()
    });
    let text = format!("{} {what} {}", survey.name(id), second(at));
    let source = Facts::source(disk, field);
    vec![Evidence::of_above(&ABOVE_WRITE, Says::NotAfter(at), text, source).dropped(copy)]
}
