//! What people read for states whose short words (`word`) would say too little.

use crate::analysis::Reverted;
use crate::image::Kind;
use crate::store::{BornSource, Disk, DiskId, Forest, Liveness, Taken, TakenSource};
use crate::text::{Clock, escape, file_name};

/// Three letters for a column: `fix`, `dyn`, `dif`.
pub fn short_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Fixed => "fix",
        Kind::Dynamic => "dyn",
        Kind::Differencing => "dif",
    }
}

/// How much of a disk is known, as one word.
pub fn disk_state(disk: &Disk) -> &'static str {
    let is_partial = |disk: &Disk| disk.counts.as_ref().is_none_or(|counts| !counts.complete);
    match disk {
        _ if disk.is_locked() => "locked",
        _ if disk.header.is_none() => "unreadable",
        _ if disk.liveness == Liveness::Live => "live",
        _ if is_partial(disk) => "partial",
        _ => "ok",
    }
}

/// What a plan did not check, by its codes, as questions for whoever is about to delete.
pub fn unchecked(codes: &[&'static str]) -> String {
    let question = |code: &&'static str| match *code {
        "vm-power-state" => "is the VM on?",
        "running-jobs" => "does a backup or a merge run?",
        "disks-elsewhere" => "do disks in other places need these?",
        "free-space" => "is there room for the merge?",
        "guest-content" => "what does the guest keep in them?",
        other => other,
    };
    codes.iter().map(question).collect::<Vec<_>>().join(" ")
}

/// The word of the source of a creation time that is no footer.
pub fn born_source(source: BornSource) -> &'static str {
    match source {
        BornSource::WindowsFileSystem | BornSource::OtherFileSystem => "filesystem",
        BornSource::Host => "host",
        BornSource::Lvm => "lvm",
    }
}

/// When a snapshot was taken: `taken 2009-05-02 14:10:00Z`, or `not taken before ...` where only that is known.
pub fn taken(taken: &Taken, clock: &Clock) -> String {
    let start = match taken.source {
        TakenSource::FrozenWrite => "not taken before",
        _ => "taken",
    };
    format!("{start} {}", clock.second(taken.at))
}

/// Who says when a snapshot was taken.
pub fn taken_source(source: TakenSource) -> &'static str {
    match source {
        TakenSource::Config => "says its configuration",
        TakenSource::Label | TakenSource::LabelLocal => "says the host's list",
        TakenSource::Management => "says the storage manager's record",
        TakenSource::Name => "says its name",
        TakenSource::MemoryFile => "last write of its memory file",
        TakenSource::ConfigBirth => "birth of its configuration file",
        TakenSource::ConfigWrite => "last write of its configuration file",
        TakenSource::FrozenWriteRunning | TakenSource::FrozenWrite => "last write of its disk",
    }
}

/// What a person reads for a step of the verdict's scale.
pub fn reverted(reverted: Reverted) -> &'static str {
    match reverted {
        Reverted::Certain => "Reverted: certain",
        Reverted::Likely => "Reverted: likely",
        Reverted::NoSign => "No sign of a revert",
        Reverted::NotReverted => "Not reverted",
        Reverted::CannotTell => "Cannot tell",
    }
}

/// What a disk's name or place can say it is: every text a node's role can have.
pub const ROLES: [&str; 4] = [
    "hidden base copy",
    "undo disk",
    "backup's recovery checkpoint",
    "data disk of a VHD set",
];

/// The whole name of a disk's file, escaped.
pub fn disk_name(forest: &Forest, id: DiskId) -> String {
    let disk = forest.disk(id);
    disk.map_or_else(|| "?".to_owned(), |disk| file_name(&disk.path))
}

/// The name of a disk's parent: the file found, else the name stored; escaped.
pub fn parent_name(forest: &Forest, child: DiskId) -> String {
    let link = forest.node(child).and_then(|node| node.parent.as_ref());
    if let Some(parent) = link.and_then(|link| forest.disk(link.disk?)) {
        return file_name(&parent.path);
    }
    let header = forest.disk(child).and_then(|disk| disk.header.as_ref());
    let stored = header.and_then(|header| header.parent.as_ref()?.paths.first());
    let text = stored.map_or("(no name stored)", |path| path.text.as_str());
    escape(text.rsplit(['\\', '/']).next().unwrap_or(text))
}
