//! The parent's time stamp in a blktap child: the base's last guest write when X was linked to it. It survives every copy.

use crate::analysis::evidence::{Evidence, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::analysis::survey::parent_stamp;
use crate::analysis::witness::made;
use crate::text::second;

crate::catalogue! {
    PARENT_STAMP = "parent-stamp", Info, "XCP-ng: the disk above holds the last write of its parent when it was linked",
        why: "blktap copies the parent's last write into the child when it makes it. A coalesce links the child again, which the later time shows. Windows writes 0 there, so only blktap's disks have it.", action: "Nothing.";
}

/// A relink is later than the making by more than this.
const RELINK_SECONDS: i64 = 10;

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let at = parent_stamp(facts.above_disk)?;
    let relinked = match made::at(facts) {
        None => Some(
            "nothing tells when the disk above was made: it may have been linked again after a coalesce",
        ),
        Some(made) => (seconds_between(made, at) > RELINK_SECONDS)
            .then_some("it is later than the disk above: that was linked again after a coalesce"),
    };
    let (name, write) = (facts.above_name(), second(at));
    let text = format!("{name} says its parent was last written {write} when it was linked");
    let source = Facts::source(facts.above_disk, "parent time stamp");
    let fact = Of::Snapshot.says(&PARENT_STAMP, Says::NotBefore(at), text, source);
    Some(fact.slack(Slack::PARENT_STAMP).dropped(relinked))
}
