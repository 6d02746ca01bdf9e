//! The gate: which reasons speak against a delete, and the answer they make.

mod index;
mod owners;
mod unfinished;

use std::cmp::Ordering;

use crate::analysis::plan::steps::Steps;
use crate::analysis::plan::{Accept, Answer, FreeSource, Merge, Reason, token};
use crate::analysis::topology::Topology;
use crate::analysis::{Reverted, Verdict, reasons};
use crate::finding::{Code, Severity};
use crate::store::{
    Disk, DiskId, Forest, LinkState, MachineId, Node, Product, ResolvedBy, Snapshot,
    codes as store_codes,
};
use crate::text::{file_name, many, size};

pub use index::GateIndex;

/// What the reasons rest on.
#[derive(Debug)]
pub struct GateInput<'a> {
    pub forest: &'a Forest,
    pub topology: &'a Topology<'a>,
    pub product: Product,
    /// The machine, if known.
    pub machine: Option<MachineId>,
    /// The snapshot, if a configuration or list names it.
    pub snapshot: Option<&'a Snapshot>,
    /// Its disks that are in the store.
    pub frozen: &'a [DiskId],
    /// Every disk below and above those.
    pub family: &'a [DiskId],
    /// Whether what the machine uses is known.
    pub now_known: bool,
    /// The verdict about the snapshot, if the target is one.
    pub verdict: Option<&'a Verdict>,
    /// What the engine would do.
    pub steps: &'a Steps,
    /// The merges with their sizes.
    pub merges: &'a [Merge],
    /// Every chain the delete works on, base first.
    pub chains: &'a [Vec<DiskId>],
    pub index: &'a GateIndex<'a>,
    /// Disks the snapshot names that are not in the store, as written.
    pub missing: &'a [String],
    /// The token of this state.
    pub token: &'a str,
    /// The token a person expected.
    pub expect: Option<&'a str>,
    /// Reasons a person accepts.
    pub accept: &'a [Accept],
}

/// Every reason, worst first; accepted ones are kept and marked.
pub fn reasons(case: &GateInput<'_>) -> Vec<Reason> {
    let mut all = Vec::new();
    state(case, &mut all);
    losses(case, &mut all);
    owners::reasons(case, &mut all);
    unfinished::reasons(case, &mut all);
    chain(case, &mut all);
    links(case, &mut all);
    enlarging(case, &mut all);
    space(case, &mut all);
    verdict(case, &mut all);
    scan(case, &mut all);
    // `Refuse` before `CannotTell`, otherwise in the order given.
    all.sort_by_key(|reason| std::cmp::Reverse(rank(reason.answer)));
    for reason in &mut all {
        reason.accepted = reason.code != &reasons::STATE_CHANGED
            && case.accept.iter().any(|accept| {
                accept.reason.trim() == reason.code.id && token::is_same(&accept.token, case.token)
            });
    }
    all
}

/// The answer that reasons make: the worst one not accepted.
pub fn answer(reasons: &[Reason]) -> Answer {
    reasons
        .iter()
        .filter(|reason| !reason.accepted)
        .map(|reason| reason.answer)
        .max_by_key(|answer| rank(*answer))
        .unwrap_or(Answer::Pass)
}

fn rank(answer: Answer) -> u8 {
    match answer {
        Answer::Refuse => 2,
        Answer::CannotTell => 1,
        Answer::Pass => 0,
    }
}

fn reason(code: &'static Code, answer: Answer, text: impl Into<String>) -> Reason {
    Reason {
        code,
        answer,
        text: text.into(),
        accepted: false,
    }
}

/// File names, a few of many.
pub(super) fn names(forest: &Forest, disks: &[DiskId]) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<String> = disks
        .iter()
        .take(SHOWN)
        .filter_map(|id| forest.disk(*id))
        .map(|disk| file_name(&disk.path))
        .collect();
    if disks.len() > SHOWN {
        names.push(format!("and {} more", disks.len() - SHOWN));
    }
    names.join(", ")
}

fn state(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    if let Some(expect) = case.expect
        && !token::is_same(expect, case.token)
    {
        all.push(reason(
            &reasons::STATE_CHANGED,
            Answer::Refuse,
            format!("the state of the files is {}, not {expect}", case.token),
        ));
    }
}

fn losses(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let steps = case.steps;
    if !steps.dead_ends.is_empty() {
        let held: u64 = steps
            .dead_ends
            .iter()
            .filter_map(|id| case.forest.disk(*id))
            .map(|disk| disk.file.len)
            .sum();
        all.push(reason(
            &reasons::DEAD_END,
            Answer::Refuse,
            format!(
                "{} ({}) is part of no running VM: its changes are deleted, not merged",
                names(case.forest, &steps.dead_ends),
                size(held)
            ),
        ));
    }
    if !steps.breaks.is_empty() {
        all.push(reason(
            &reasons::BREAKS_CHILDREN,
            Answer::Refuse,
            format!(
                "{} of a file that changes or goes: {}",
                if steps.breaks.len() == 1 {
                    "1 other disk is a child".to_owned()
                } else {
                    format!("{} other disks are children", steps.breaks.len())
                },
                names(case.forest, &steps.breaks)
            ),
        ));
    }
}

fn chain(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let mut broken: Vec<(DiskId, String)> = Vec::new();
    let closed = closed(case);
    for id in case.chains.iter().flatten() {
        let fault = match (case.forest.disk(*id), case.forest.node(*id)) {
            // What the host says of a disk that cannot be opened stands for the disk.
            (Some(disk), Some(_)) if disk.is_locked() => None,
            (Some(disk), _) if disk.header.is_none() => {
                Some("it cannot be read as a disk".to_owned())
            }
            (Some(disk), Some(node)) => node
                .parent
                .as_ref()
                .and_then(|link| fault_of(link.state))
                .map(str::to_owned)
                .or_else(|| finding_against(disk, node))
                .or_else(|| {
                    unequal_size(case.forest, case.product, *id).map(|code| code.title.to_owned())
                }),
            _ => None,
        };
        if let Some(fault) = fault
            && !broken.iter().any(|(known, _)| known == id)
        {
            broken.push((*id, fault));
        }
    }
    if !closed.is_empty() {
        let text = format!(
            "{} could not be opened, so what it holds and what it stands on are not known",
            names(case.forest, &closed)
        );
        all.push(reason(&reasons::NOW_UNREADABLE, Answer::CannotTell, text));
    }
    if let Some((id, fault)) = broken.first() {
        let name = names(case.forest, &[*id]);
        let more = match broken.len() - 1 {
            0 => String::new(),
            n => format!(" (and {} more)", many(n, "fault")),
        };
        all.push(reason(
            &reasons::BROKEN_CHAIN,
            Answer::Refuse,
            format!("the chain breaks at {name}: {fault}{more}"),
        ));
    }
}

/// Disks of these chains, and parents below them, that could not be opened; where nothing says what the machine uses, those
/// beside its disks too.
fn closed(case: &GateInput<'_>) -> Vec<DiskId> {
    let chains = || case.chains.iter().flatten().copied();
    let below = |id| {
        let link = case.forest.node(id)?.parent.as_ref()?;
        link.disk.filter(|_| link.state == LinkState::Closed)
    };
    let own = chains().filter(|id| case.forest.is_closed(*id));
    let mut closed: Vec<DiskId> = own.chain(chains().filter_map(below)).collect();
    if !case.now_known {
        let frozen = case.frozen.iter();
        closed.extend(frozen.flat_map(|id| case.topology.closed_beside(*id)));
    }
    closed.sort_unstable();
    closed.dedup();
    closed
}

/// Parents found by their id alone: the engine of Hyper-V follows paths.
fn links(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let by_id = |id: &&DiskId| {
        let link = case.forest.node(**id).and_then(|node| node.parent.as_ref());
        link.is_some_and(|link| link.state == LinkState::Ok && link.by == Some(ResolvedBy::Id))
    };
    if case.machine.is_none() || case.product == Product::XcpNg {
        return;
    }
    if let Some(child) = case.chains.iter().flatten().find(by_id) {
        let text = format!(
            "no stored path of {} leads to its parent, which was found by its id: the machine does not start so",
            names(case.forest, &[*child])
        );
        all.push(reason(&reasons::BY_ID_ONLY, Answer::CannotTell, text));
    }
}

/// A finding that an engine would stop at, or that makes the merged content wrong.
fn finding_against(disk: &Disk, node: &Node) -> Option<String> {
    disk.findings
        .iter()
        .chain(&node.findings)
        .filter(|finding| finding.code.severity == Severity::Error)
        // Whether unequal sizes are a fault depends on whose rules the plan follows.
        .find(|finding| {
            finding.code != &store_codes::PARENT_ENLARGED
                && finding.code != &store_codes::CHILD_ENLARGED
        })
        .map(|finding| finding.code.title.to_owned())
}

/// XCP-ng lets a disk grow above its snapshot; elsewhere the engine opens no chain of unequal sizes.
pub(super) fn unequal_size(forest: &Forest, product: Product, id: DiskId) -> Option<&'static Code> {
    let size = |id: DiskId| Some(forest.disk(id)?.header.as_ref()?.stored_size);
    match size(id)?.cmp(&size(forest.parent_of(id)?)?) {
        _ if product == Product::XcpNg => None,
        Ordering::Equal => None,
        Ordering::Less => Some(&store_codes::PARENT_ENLARGED),
        Ordering::Greater => Some(&store_codes::CHILD_ENLARGED),
    }
}

/// What libvhd does not enlarge: the parent of a merge that another program made (`vhd-util resize`).
fn enlarging(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let header = |id: DiskId| case.forest.disk(id)?.header.as_ref();
    let is_refused = |merge: &&Merge| {
        merge.enlarge_to.is_some()
            && header(merge.into).is_some_and(|into| !into.is_raw() && into.creator != "tap")
    };
    if let Some(merge) = case.merges.iter().find(is_refused) {
        all.push(reason(
            &reasons::NOT_ENLARGED,
            Answer::Refuse,
            format!(
                "{} is smaller than {} and was not made by XCP-ng, whose tools enlarge only their own disks",
                names(case.forest, &[merge.into]),
                names(case.forest, &[merge.from]),
            ),
        ));
    }
}

fn fault_of(state: LinkState) -> Option<&'static str> {
    match state {
        LinkState::Ok | LinkState::ByHost | LinkState::Closed => None,
        LinkState::Missing => Some("its parent is missing"),
        LinkState::IdMismatch => Some("the file found as its parent has another id"),
        LinkState::Cycle => Some("its parents lead back to it"),
        LinkState::OutsideRoots => Some("its parent lies outside the folders read"),
        LinkState::Unreadable => Some("its parent cannot be read"),
    }
}

/// Whether two disks share their free space: by device where both files have one, else by folder.
fn share_a_volume(forest: &Forest, a: DiskId, b: DiskId) -> bool {
    let (Some(a), Some(b)) = (forest.disk(a), forest.disk(b)) else {
        return false;
    };
    match (a.file.identity, b.file.identity) {
        (Some((a, _)), Some((b, _))) => a == b,
        _ => a.path.parent() == b.path.parent(),
    }
}

/// Merges on one volume share its free space.
fn space(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    for (n, merge) in case.merges.iter().enumerate() {
        let same = |other: &&Merge| share_a_volume(case.forest, other.into, merge.into);
        // Each volume is asked once, at its first merge.
        if case.merges.iter().take(n).any(|other| same(&other)) {
            continue;
        }
        let need: u64 = case
            .merges
            .iter()
            .filter(same)
            .map(|other| other.grow_max)
            .fold(0, u64::saturating_add);
        if let Some(free) = merge.free.filter(|free| *free < need) {
            all.push(reason(
                &reasons::NO_SPACE,
                Answer::Refuse,
                format!(
                    "{} may grow by up to {}; {}: {}",
                    names(case.forest, &[merge.into]),
                    size(need),
                    merge.free_source.map_or("free", FreeSource::label),
                    size(free)
                ),
            ));
        }
    }
}

fn verdict(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    match case.verdict {
        Some(verdict) if verdict.reverted <= Reverted::Likely => {
            all.push(reason(
                &reasons::REVERTED,
                Answer::Refuse,
                verdict.summary.clone(),
            ));
        }
        Some(verdict) if verdict.reverted == Reverted::CannotTell => {
            let settle = verdict.would_settle.as_deref().unwrap_or_default();
            all.push(reason(
                &reasons::CANNOT_TELL,
                Answer::CannotTell,
                format!("{} {settle}", verdict.summary).trim_end(),
            ));
        }
        _ => {}
    }
    // A backup or version is no snapshot: what is deleted is a file that the person named.
    if case.verdict.is_none() && case.product.has_snapshots() {
        all.push(reason(
            &reasons::CANNOT_TELL,
            Answer::CannotTell,
            "no snapshot is known here, so there is none to delete and nothing to judge",
        ));
    }
    if let Some(first) = case.missing.first() {
        let more = match case.missing.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        all.push(reason(
            &reasons::DISK_MISSING,
            Answer::CannotTell,
            format!("the snapshot names {first}, which is not in the store{more}"),
        ));
    }
    // What cannot be opened is told as such; what the machine uses may be known all the same.
    let is_open = !case.now_known || closed(case).is_empty();
    // What no machine is on is deleted with its changes, whatever the machine uses.
    let is_dead_end = |id: &DiskId| case.steps.dead_ends.contains(id);
    let rests_on_now = !case.frozen.iter().all(is_dead_end);
    let is_now_open = !case.now_known && case.verdict.is_some();
    let is_unknown = !case.steps.unknown.is_empty() || (is_now_open && rests_on_now);
    if is_unknown && is_open {
        let disks = match case.steps.unknown.as_slice() {
            [] => case.frozen,
            unknown => unknown,
        };
        let of = names(case.forest, disks);
        let broken = disks.iter().find_map(|id| case.topology.broken_beside(*id));
        let broken = broken.and_then(|id| case.forest.machine(id));
        let is_used = |id: &DiskId| {
            let node = case.forest.node(*id);
            node.is_some_and(|node| !node.in_use_by.is_empty())
        };
        let missing = broken.and_then(|machine| {
            let mut used = machine.disks.iter().flatten();
            Some((machine, used.find(|used| used.disk.is_none())?))
        });
        let text = match broken {
            Some(_) if let Some((machine, used)) = missing => format!(
                "{} uses {}, which is not in the store and may stand on {of}",
                machine.name, used.path
            ),
            Some(machine) => format!(
                "the chain of {} breaks before its base, and may lead to {of}",
                machine.name
            ),
            None if case.machine.is_none() && case.family.iter().any(is_used) => {
                format!("nothing says which VM the snapshot on {of} is of, nor what that uses now")
            }
            None => format!(
                "nothing says which disk above {of} the VM uses now: name it (--now DISK), or bring what its host says (vhdtree collect)"
            ),
        };
        all.push(reason(&reasons::NO_NOW, Answer::CannotTell, text));
    }
}

fn scan(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    let errors = case.forest.errors.len();
    if !case.forest.complete {
        all.push(reason(
            &reasons::SCAN_PARTIAL,
            Answer::CannotTell,
            "the scan was stopped before its end",
        ));
    } else if let Some(first) = case.forest.errors.first() {
        all.push(reason(
            &reasons::SCAN_PARTIAL,
            Answer::CannotTell,
            format!(
                "{} could not be looked at: {} ({})",
                many(errors, "path"),
                first.path.display(),
                first.error
            ),
        ));
    }
}
