//! What LVM's older texts tell of a snapshot on XCP-ng: taking it renames the disk in use to a base copy, and makes the volume
//! of the snapshot and that of the disk above, all in one act.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says, Slack};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::guest::lvm::{VolumeChange, VolumeChangeKind};
use crate::store::containers::repository;
use crate::store::journals::vdi_of;
use crate::store::{BornSource, Disk};
use crate::text::{file_name, second};

crate::catalogue! {
    LVM_TAKEN = "lvm-taken", Info, "LVM's history shows the snapshot being taken",
        why: "The disk that was in use became the base copy and the snapshot's volume was made, in one act. A revert renames and makes other volumes.", action: "Nothing.";
    LVM_RENAMED = "lvm-renamed", Info, "LVM's history shows when the snapshot's disk became a base copy",
        why: "The snapshot is not older: until then the disk was in use. It may be younger, where the disk of an older snapshot took it in.", action: "Nothing.";
    LVM_SNAPSHOT = "lvm-snapshot-volume", Info, "LVM says when the snapshot's own volume was made",
        why: "The snapshot is not younger. A revert makes this volume again, under its old name.", action: "Nothing.";
}

/// One act takes the host at most so long, in seconds.
const ACT_SECONDS: i64 = 120;

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let forest = facts.survey.forest;
    let repository = repository::of(forest, &facts.frozen_disk.path);
    let history = repository.map_or(&[][..], |known| &known.history);
    let frozen = facts.frozen_name();
    let renamed = history.iter().rev().find_map(|change| {
        let is_it = matches!(&change.kind, VolumeChangeKind::Renamed { to, .. } if *to == frozen);
        change.at.filter(|_| is_it)
    });
    let mut all = Vec::new();
    let own = own_volume(facts);
    if let Some(at) = renamed {
        let made = own.and_then(|disk| first_made(history, &file_name(&disk.path)));
        let is_one_act = made.is_some_and(|made| seconds_between(at, made).abs() <= ACT_SECONDS);
        let (code, says, more) = if is_one_act {
            let text = " and the snapshot's volume was made";
            (&LVM_TAKEN, Says::At(at), text)
        } else {
            (&LVM_RENAMED, Says::NotBefore(at), "")
        };
        let text = format!("{frozen} became a base copy{more} {}", second(at));
        let source = Facts::source(facts.frozen_disk, "history in LVM's metadata");
        all.push(
            Of::Snapshot
                .says(code, says, text, source)
                .slack(Slack::DATE),
        );
    }
    let born = own.and_then(|disk| Some((disk, disk.file.born?)));
    if let Some((disk, born)) = born.filter(|(_, born)| born.source == BornSource::Lvm) {
        let name = file_name(&disk.path);
        let text = format!("the snapshot's volume {name} was made {}", second(born.at));
        let source = Facts::source(disk, "creation_time in LVM's metadata");
        let says = Says::NotAfter(born.at);
        all.push(Of::Snapshot.says(&LVM_SNAPSHOT, says, text, source));
    }
    all
}

/// The snapshot's own disk: the leaf on D with its id, or the only leaf beside X.
fn own_volume<'a>(facts: &Facts<'a>) -> Option<&'a Disk> {
    let topology = &facts.survey.topology;
    let forest = facts.survey.forest;
    let beside = topology
        .children(facts.frozen)
        .filter(|child| *child != facts.above)
        .filter(|child| topology.is_leaf(*child));
    let disks: Vec<&Disk> = beside.filter_map(|id| forest.disk(id)).collect();
    let id = facts.snapshot.and_then(|snapshot| snapshot.id.as_deref());
    let is_named = |disk: &&&Disk| {
        let vdi = vdi_of(&disk.path).map(|vdi| vdi.hyphenated().to_string());
        vdi.is_some() && vdi.as_deref() == id
    };
    match (disks.iter().find(is_named), &disks[..]) {
        (Some(named), _) => Some(named),
        (None, [one]) => Some(one),
        _ => None,
    }
}

/// When a volume of this name was made for the first time that the history knows of.
fn first_made(history: &[VolumeChange], name: &str) -> Option<Timestamp> {
    history.iter().find_map(|change| {
        let is_it = matches!(&change.kind, VolumeChangeKind::Made { name: made } if made == name);
        change.at.filter(|_| is_it)
    })
}
