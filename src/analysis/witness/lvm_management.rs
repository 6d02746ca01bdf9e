//! What the storage manager's records (`MGT`) say beside the snapshot's date: when the disk in use was cloned from it, and that
//! the disk the snapshot was taken of is gone. Both are what a revert leaves; so does a machine made from the snapshot.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::store::containers::repository;
use crate::store::journals::vdi_of;
use crate::text::second;

crate::catalogue! {
    MANAGEMENT_CLONED = "management-cloned", Info, "the storage manager's record says when the disk in use was cloned",
        why: "XCP-ng notes the time of a clone as it notes that of a snapshot, and a revert of the usual kind clones the snapshot. A revert in place, as newer versions do it, leaves no such note.", action: "Nothing.";
    MANAGEMENT_REPLACED = "management-replaced", Info, "the disk that the snapshot was taken of is no longer in the repository",
        why: "A revert of the usual kind removes the disk in use and makes another one. It alone proves nothing: a machine that was deleted or moved leaves the same.", action: "Nothing.";
}

/// The record must be later than the snapshot by more than this to be of another act.
const OTHER_ACT_SECONDS: i64 = 300;

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    let forest = facts.survey.forest;
    let Some(repository) = repository::of(forest, &facts.frozen_disk.path) else {
        return all;
    };
    let Some(management) = &repository.management else {
        return all;
    };
    let source = || format!("{}: records of the disks", repository.source().display());
    let above = vdi_of(&facts.above_disk.path).and_then(|vdi| management.disk(vdi));
    let cloned = above.filter(|record| !record.is_snapshot && !record.is_deleted);
    let cloned = cloned.and_then(|record| record.snapshot_time);
    // A disk that was cloned, and of which this snapshot was taken later, carries the older time.
    let is_other =
        |date| cloned.filter(|cloned| seconds_between(date, *cloned) > OTHER_ACT_SECONDS);
    if let Some(at) = facts.dated().and_then(is_other) {
        let text = format!("{} was cloned {}", facts.above_name(), second(at));
        let says = Says::At(at);
        let code = &MANAGEMENT_CLONED;
        all.push(Of::DiskAbove.says(code, says, text, source()));
    }
    let id = facts.snapshot.and_then(|snapshot| snapshot.id.as_deref());
    let own = management
        .disks
        .iter()
        .find(|record| id.is_some_and(|id| record.id.hyphenated().to_string() == id));
    if let Some(origin) = own.and_then(|own| own.snapshot_of) {
        let folder = &repository.folder;
        let is_here = |path: &std::path::Path| {
            path.parent() == Some(&**folder) && vdi_of(path) == Some(origin)
        };
        if !forest.disks.iter().any(|disk| is_here(&disk.path)) {
            let text =
                format!("the disk it was taken of, {origin}, is not in the repository any more");
            let code = &MANAGEMENT_REPLACED;
            all.push(Of::Snapshot.remark(code, text, source()));
        }
    }
    all
}
