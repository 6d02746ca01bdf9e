//! What is said of a disk's row: what is said of a snapshot stands on the row of its own disk, and nowhere else.

use jiff::Timestamp;

use super::flag::{ChainTrust, Flag, is_other_format};
use crate::analysis::snapshot_vdi::{snapshot_of_vdi, vdis_on};
use crate::analysis::{AssessedSnapshot, Assessment, Reverted, Rule, reasons};
use crate::finding::Code;
use crate::report::copied::copied;
use crate::report::row::Phase;
use crate::store::codes;
use crate::store::{BornSource, Disk, DiskId, Forest, Liveness, Product};
use crate::text::{many, short_span};

/// Seconds within which a disk above was made with its snapshot.
const TOLERANCE: i64 = 300;

/// A row's state and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub flag: Flag,
    pub reverted_at: Option<Timestamp>,
    pub hint: String,
    pub gap_seconds: Option<i64>,
}

impl From<Flag> for Status {
    fn from(flag: Flag) -> Self {
        Self {
            flag,
            ..Self::default()
        }
    }
}

/// What decides a disk's state beside the disk itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct StateSetting {
    pub ground: ChainTrust,
    pub phase: Phase,
    /// Something says which disks the machines of this tree use now.
    pub uses_known: bool,
}

/// The state of a disk's row, orphans aside.
pub(super) fn status(
    forest: &Forest,
    assessment: &Assessment,
    id: DiskId,
    setting: StateSetting,
) -> Status {
    let Some(disk) = forest.disk(id) else {
        return Flag::Unreadable.into();
    };
    let unread = match setting.phase {
        Phase::Scanning => Flag::Pending,
        Phase::Done => Flag::Partial,
    };
    if disk.is_locked() {
        let own = snapshot_of(forest, assessment, id);
        let flag = own.and_then(|own| reverted(own.verdict.reverted));
        let by_revert = assessment.disk(id).and_then(|of| of.made_by_revert);
        return match (own, flag) {
            (Some(own), Some(flag)) => told(forest, own, flag),
            _ if by_revert.and_then(reverted).is_some() => Flag::ByRevert.into(),
            _ => Flag::Locked.into(),
        };
    }
    if disk.header.is_none() {
        let not_reached = disk.findings.is_empty() && !forest.complete;
        let flag = match (not_reached, is_other_format(disk)) {
            (true, _) => unread,
            (false, true) => Flag::Partial,
            (false, false) => Flag::Unreadable,
        };
        return flag.into();
    }
    let own = snapshot_of(forest, assessment, id);
    if let Some(own) = own
        && let Some(flag) = reverted(own.verdict.reverted)
    {
        return told(forest, own, flag);
    }
    if setting.ground == ChainTrust::Broken {
        return Flag::Broken.into();
    }
    if let Some(own) = own
        && let Some(unsure) = unsure(forest, own, id, setting)
    {
        return unsure;
    }
    if disk.liveness == Liveness::Live {
        return Flag::Live.into();
    }
    match &disk.counts {
        Some(counts) if !counts.complete => return Flag::Partial.into(),
        None if !forest.complete => return unread.into(),
        _ => {}
    }
    let by_revert = assessment.disk(id).and_then(|of| of.made_by_revert);
    let flag = match own {
        Some(own) if tells_use(forest, own, setting) => Flag::Ok,
        Some(_) => Flag::NoSign,
        None if by_revert.and_then(reverted).is_some() => Flag::ByRevert,
        None => Flag::Quiet,
    };
    let also = own.and(by_revert).and_then(reverted);
    Status {
        hint: also.map_or_else(String::new, |_| "by revert".to_owned()),
        ..flag.into()
    }
}

/// True if it is not in use, as far as is known, but this user may not open it.
pub(super) fn is_denied(disk: &Disk) -> bool {
    disk.findings.iter().any(|of| *of.code == codes::DENIED)
}

/// What is said of a snapshot that the machine was set back to.
fn told(forest: &Forest, own: &AssessedSnapshot, flag: Flag) -> Status {
    Status {
        flag,
        reverted_at: made(forest, own),
        hint: String::new(),
        gap_seconds: own.verdict.gap_seconds(),
    }
}

fn reverted(how: Reverted) -> Option<Flag> {
    match how {
        Reverted::Certain => Some(Flag::RevertedCertain),
        Reverted::Likely => Some(Flag::RevertedLikely),
        Reverted::CannotTell | Reverted::NoSign | Reverted::NotReverted => None,
    }
}

/// The snapshot whose disk it is; of several the one with the worst verdict. On XCP-ng a snapshot has a VDI of its own, and is
/// that disk's, not the base copy's.
pub(super) fn snapshot_of<'a>(
    forest: &Forest,
    assessment: &'a Assessment,
    id: DiskId,
) -> Option<&'a AssessedSnapshot> {
    if let Some(at) = snapshot_of_vdi(forest, assessment, id) {
        return assessment.snapshots.get(at);
    }
    let has_vdi = |at: &&usize| vdis_on(forest, assessment, id).any(|(_, of)| of == **at);
    let own = &assessment.disk(id)?.snapshots;
    own.iter()
        .filter(|at| !has_vdi(at))
        .filter_map(|at| assessment.snapshots.get(*at))
        .min_by_key(|of| of.verdict.reverted)
}

/// Whether anything says what the machine uses now: configurations and lists, or, on XCP-ng, the shape of the chain.
fn tells_use(forest: &Forest, own: &AssessedSnapshot, setting: StateSetting) -> bool {
    let base = own.frozen.first().and_then(|id| forest.node(*id));
    let is_xcp = base.is_some_and(|node| node.product == Product::XcpNg);
    setting.uses_known || (is_xcp && own.verdict.above.is_some())
}

/// Why it cannot be told, in three words.
fn unsure(
    forest: &Forest,
    own: &AssessedSnapshot,
    id: DiskId,
    setting: StateSetting,
) -> Option<Status> {
    // A snapshot's VDI holds nothing that could tell: its base copy does.
    let id = own.frozen.first().copied().unwrap_or(id);
    let node = forest.node(id)?;
    // That it is not known what is in use says less than what stops the gate whatever is.
    if let Some(stop) = own.stopped_by.filter(|stop| {
        forest.complete && (**stop != reasons::NO_NOW || tells_use(forest, own, setting))
    }) {
        return Some(Status {
            hint: stop_words(stop).to_owned(),
            ..Flag::Unsure.into()
        });
    }
    let several = node.children.len() > 1 && !tells_use(forest, own, setting);
    if own.verdict.reverted != Reverted::CannotTell && !several {
        return None;
    }
    let gap = own.verdict.gap_seconds().or_else(|| ages(forest, own, id));
    let hint = if several {
        let children = node.children.len();
        if children == 2 {
            "two leaves".to_owned()
        } else {
            many(children, "leaf").replace("leafs", "leaves")
        }
    } else if let Some(gap) = gap.filter(|gap| *gap > TOLERANCE) {
        short_span(gap) + " gap"
    } else if let Some(why) = of_rule(own.verdict.rule) {
        why.to_owned()
    } else if copied(forest, own).is_some() || forest.disk(id).is_some_and(is_copy) {
        "copied store".to_owned()
    } else {
        match (own.verdict.rule, gap) {
            (Rule::BoundsOpen, Some(gap)) if gap > 0 => short_span(gap) + " gap",
            (Rule::NoAge, _) => "age not known".to_owned(),
            _ => "no date".to_owned(),
        }
    };
    Some(Status {
        flag: Flag::Unsure,
        reverted_at: None,
        hint,
        gap_seconds: gap.filter(|gap| *gap > TOLERANCE),
    })
}

/// Why it cannot be told, in three words, where that is no missing time.
fn of_rule(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::NowClosed => "disk above locked",
        Rule::SharedParent => "shared parent",
        Rule::ChainBroken => "chain breaks",
        Rule::DiskNotHere => "disk not here",
        Rule::DatesDisagree => "two dates",
        Rule::ImpossibleOrder | Rule::DateContradicts | Rule::RecordYoungerDiskAsOld => {
            "dates clash"
        }
        Rule::YoungerGenerationSame | Rule::AsOldGenerationDiffers => "signs clash",
        Rule::ClockUnknown => "clocks differ",
        Rule::NowUnknown => "NOW unknown",
        Rule::SeveralChildren => "several children",
        Rule::OnSnapshotDisk => "VM uses it",
        Rule::NothingAbove => "no disk above",
        Rule::DisksDisagree => "disks disagree",
        Rule::ZoneOpen | Rule::NoZoneFits => "no time zone",
        _ => return None,
    })
}

/// The code behind what a row's state says in a few words, for those who look them up.
pub fn code_of_hint(hint: &str) -> Option<&'static Code> {
    let stop = STOP_WORDS.iter().find(|(_, words)| *words == hint);
    let rules = || {
        let mut rules = Rule::ALL.iter();
        rules.find(|rule| of_rule(**rule) == Some(hint)).copied()
    };
    let other = || match hint {
        "copied store" | "age not known" => Some(Rule::NoAge),
        "no date" => Some(Rule::NoDate),
        gap if gap.ends_with(" gap") => Some(Rule::BoundsOpen),
        several if several.ends_with(" leaves") => Some(Rule::NowUnknown),
        _ => None,
    };
    stop.map(|(code, _)| *code)
        .or_else(|| rules().or_else(other).map(Rule::code))
}

/// What stops the gate though no revert shows, in three words.
static STOP_WORDS: [(&Code, &str); 12] = [
    (&reasons::DEAD_END, "kept branch"),
    (&reasons::BREAKS_CHILDREN, "breaks others"),
    (&reasons::BROKEN_CHAIN, "chain broken"),
    (&reasons::OTHER_MACHINE, "other VM's too"),
    (&reasons::MERGE_UNFINISHED, "merge pending"),
    (&reasons::STALE_COPY, "stale copy"),
    (&reasons::MACHINE_UNKNOWN, "whose VM?"),
    (&reasons::BY_ID_ONLY, "linked by id"),
    (&reasons::NOW_UNREADABLE, "disk locked"),
    (&reasons::DISK_MISSING, "disk missing"),
    (&reasons::NO_NOW, "NOW unknown"),
    (&reasons::SCAN_PARTIAL, "not all read"),
];

fn stop_words(stop: &'static Code) -> &'static str {
    STOP_WORDS
        .iter()
        .find(|(code, _)| *code == stop)
        .map_or("see the plan", |(_, words)| words)
}

/// How much later than the last write of the snapshot's disk the disk above was made, where both are known.
fn ages(forest: &Forest, own: &AssessedSnapshot, id: DiskId) -> Option<i64> {
    let written = forest.disk(id)?.file.modified?;
    let made = made(forest, own)?;
    Some(made.duration_since(written).as_secs())
}

/// When the disk above was made: as the verdict believes, else by its footer. The birth of a file may be that of a copy.
pub(super) fn made(forest: &Forest, of: &AssessedSnapshot) -> Option<Timestamp> {
    let footer = || {
        let above = forest.disk(of.verdict.above?)?;
        above.header.as_ref()?.created
    };
    of.verdict.disk_above.exact().or_else(footer)
}

/// True if the file was born here after its last write: a copy.
pub(super) fn is_copy(disk: &Disk) -> bool {
    let own = disk.header.as_ref().and_then(|header| header.created);
    let (Some(born), None) = (disk.file.born, own) else {
        return false;
    };
    let later = |written| born.at.duration_since(written).as_secs() > TOLERANCE;
    born.source == BornSource::OtherFileSystem && disk.file.modified.is_some_and(later)
}
