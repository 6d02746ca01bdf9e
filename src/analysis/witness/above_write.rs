//! The disks from X up: X was there when they were made, and when they were last written.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::witness::examine::ONE_COPY;
use crate::text::second;

crate::catalogue! {
    ABOVE_WRITE = "above-write", Info, "a disk above was made or last written then: the disk directly above is not younger",
        why: "Whatever stands on a disk is younger than that disk, and no file is younger than its own last write.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let survey = facts.survey;
    let children = survey.topology.children(facts.above);
    let made = children
        .filter_map(|child| survey.above(child).oldest)
        .min();
    let made = made.map(|(at, disk)| (at, disk, "was made", "footer time stamp or birth"));
    let write = survey.above(facts.above).first;
    let write = write.map(|(at, disk)| (at, disk, "was last written", "last write"));
    let (at, id, what, field) = made.into_iter().chain(write).min()?;
    let is_copy = what == "was last written" && facts.is_one_copy();
    let text = format!("{} {what} {}", survey.name(id), second(at));
    let source = Facts::source(survey.forest.disk(id)?, field);
    let fact = Of::DiskAbove.says(&ABOVE_WRITE, Says::NotAfter(at), text, source);
    Some(fact.dropped(is_copy.then_some(ONE_COPY)))
}
