//! The sentences of a plan: what is already gone, what the delete loses, how the engine goes about it, what to do first.

use crate::analysis::plan::gate::{names, unequal_size};
use crate::analysis::plan::steps::Steps;
use crate::analysis::plan::{Answer, Loss, Merge, Reason};
use crate::analysis::witness::{branch, surroundings};
use crate::analysis::{AssessedSnapshot, Reverted, Rule, Verdict, reasons};
use crate::finding::Code;
use crate::store::{DiskId, Forest, Product, Snapshot, TakenSource};
use crate::text::{file_name, many, minute, size, span};

/// What the sentences are about.
#[derive(Debug)]
pub(super) struct SummaryInput<'a> {
    pub forest: &'a Forest,
    pub assessed: Option<&'a AssessedSnapshot>,
    pub snapshot: Option<&'a Snapshot>,
    pub vm: Option<&'a str>,
    pub steps: &'a Steps,
    pub merges: &'a [Merge],
    pub product: Product,
    pub frozen: &'a [DiskId],
}

impl SummaryInput<'_> {
    fn verdict(&self) -> Option<&Verdict> {
        self.assessed.map(|assessed| &assessed.verdict)
    }

    fn is_reverted(&self) -> bool {
        self.verdict()
            .is_some_and(|verdict| verdict.reverted <= Reverted::Likely)
    }

    /// When it was taken; `or later` where only that is known.
    fn taken(&self) -> Option<String> {
        let taken = self.assessed?.taken?;
        Some(match taken.source {
            TakenSource::FrozenWrite => format!("{} or later", minute(taken.at)),
            _ => minute(taken.at),
        })
    }

    fn made(&self) -> Option<String> {
        self.verdict()?.disk_above.exact().map(minute)
    }

    fn name(&self, id: DiskId) -> String {
        self.forest
            .disk(id)
            .map(|disk| file_name(&disk.path))
            .unwrap_or_default()
    }

    fn names(&self, disks: &[DiskId]) -> String {
        names(self.forest, disks)
    }

    /// `snapshot "Before SP1"`, on XCP-ng the snapshot's own VDI, or `the unnamed snapshot on web01.vhd`.
    pub(super) fn title(&self) -> String {
        match self
            .snapshot
            .and_then(|snapshot| snapshot.name.as_ref().or(snapshot.id.as_ref()))
        {
            Some(name) => format!("snapshot \"{name}\""),
            None if self.product == Product::XcpNg && !self.steps.leaves.is_empty() => {
                format!("the snapshot {}", self.names(&self.steps.leaves))
            }
            None => format!(
                "{} {}",
                self.product.rules().unnamed,
                self.names(self.frozen)
            ),
        }
    }

    /// What a person does to it.
    fn doing(&self) -> &'static str {
        self.product.rules().verb.1
    }

    fn vm(&self) -> &str {
        self.vm.unwrap_or("the VM")
    }
}

/// The state the VM ends in.
pub(super) fn ends_in(case: &SummaryInput<'_>) -> String {
    let Some(verdict) = case.verdict() else {
        if case.product == Product::XenOrchestra {
            return "Every other backup of the chain can be restored as before.".to_owned();
        }
        if case.product == Product::CitrixPvs {
            return if case.steps.breaks.is_empty() {
                "Every other version can be used as before.".to_owned()
            } else {
                "The versions that stand on it can no longer be used.".to_owned()
            };
        }
        return "No snapshot is known here, so nothing is merged by a delete.".to_owned();
    };
    if !case.steps.unknown.is_empty() {
        return "Not known, as it is not known which file is merged into which.".to_owned();
    }
    let today = "The delete does not change what the VM shows today";
    if verdict.rule == Rule::OffLine {
        return format!("{today}: this branch is no part of it.");
    }
    match (case.is_reverted(), case.taken(), case.made()) {
        (true, Some(taken), Some(made)) => {
            format!("{today}: the state of {taken} plus everything since {made}.")
        }
        (_, Some(taken), _) if verdict.stands_at_snapshot == Some(true) => {
            format!("{today}: the state of {taken}, unchanged.")
        }
        _ => format!("{today}."),
    }
}

/// A saved scan proves a revert without a branch.
fn shows_branch(verdict: &Verdict) -> bool {
    verdict.reverted == Reverted::Certain && verdict.rule != Rule::AnotherThen
}

/// What was gone before any delete.
pub(super) fn already_lost(case: &SummaryInput<'_>) -> Vec<String> {
    let Some(verdict) = case.verdict().filter(|_| case.is_reverted()) else {
        return Vec::new();
    };
    if verdict.rule == Rule::BranchKept {
        let kept = verdict.evidence.iter();
        let kept = kept.filter(|one| one.code == &branch::KEPT_BRANCH);
        return kept.map(|one| format!("{}.", capital(&one.text))).collect();
    }
    if shows_branch(verdict) {
        let at = case
            .made()
            .map(|made| format!(" on {made}"))
            .unwrap_or_default();
        return vec![format!(
            "What {} did on the other branch after its last snapshot there was thrown away when this one was applied{at}. Deleting does not bring it back.",
            case.vm()
        )];
    }
    match (case.taken(), case.made(), verdict.gap_seconds()) {
        (Some(taken), Some(made), Some(gap)) => vec![format!(
            "What was done between {taken} and {made} ({}{}) is not in any file of this store. It was lost at the revert; deleting does not bring it back.",
            verdict.snapshot.exact().map_or("at least ", |_| ""),
            span(gap)
        )],
        _ => vec![
            "What was done between the snapshot and the revert is not in any file of this store."
                .to_owned(),
        ],
    }
}

/// What the delete loses.
pub(super) fn lost(case: &SummaryInput<'_>) -> Vec<Loss> {
    let mut all = Vec::new();
    let bytes_of = |id: DiskId| case.forest.disk(id).map(|disk| disk.file.len);
    for id in &case.steps.dead_ends {
        let changes = case
            .forest
            .disk(*id)
            .and_then(|disk| {
                let sector = u64::from(disk.header.as_ref()?.sector_size);
                Some(disk.counts.as_ref()?.dirty_sectors.saturating_mul(sector))
            })
            .map(|held| format!(" ({} of changes)", size(held)))
            .unwrap_or_default();
        all.push(Loss {
            code: &reasons::LOSS_DEAD_END,
            disk: Some(*id),
            bytes: bytes_of(*id),
            text: format!("{}{changes}: its changes are not part of the running VM; they are deleted, not merged", case.name(*id)),
            files: None,
        });
    }
    for id in &case.steps.breaks {
        all.push(Loss {
            code: &reasons::LOSS_OTHER_BRANCH,
            disk: Some(*id),
            bytes: bytes_of(*id),
            text: format!(
                "{} cannot be opened, or shows wrong content, once its parent has changed",
                case.name(*id)
            ),
            files: None,
        });
    }
    let is_backup = case.assessed.is_none() && !case.product.has_snapshots();
    if is_backup && case.steps.kept.is_empty() {
        let label = case.frozen.iter();
        let label = label
            .clone()
            .find_map(|id| case.forest.node(*id)?.label.clone());
        let label = label.map_or_else(String::new, |label| format!(" ({label})"));
        all.push(Loss {
            code: &reasons::LOSS_WAY_BACK,
            disk: None,
            bytes: None,
            text: format!(
                "{}{label} can no longer be {}",
                case.title(),
                if case.product == Product::CitrixPvs {
                    "used"
                } else {
                    "restored"
                }
            ),
            files: None,
        });
    }
    if case.assessed.is_some() && case.steps.dead_ends.is_empty() {
        let to = case.taken().unwrap_or_else(|| "that moment".to_owned());
        all.push(Loss {
            code: &reasons::LOSS_WAY_BACK,
            disk: None,
            bytes: None,
            text: if case.product == Product::VirtualPc {
                format!("the way back to {to}: the changes can no longer be discarded")
            } else {
                format!(
                    "the way back to {to}: {} can no longer be applied",
                    case.title()
                )
            },
            files: None,
        });
    }
    if let Some(memory) = case
        .snapshot
        .map(|snapshot| snapshot.memory_bytes)
        .filter(|memory| *memory > 0)
    {
        all.push(Loss {
            code: &reasons::LOSS_MEMORY,
            disk: None,
            bytes: Some(memory),
            text: format!(
                "the memory saved with the snapshot ({}), removed at once",
                size(memory)
            ),
            files: None,
        });
    }
    all
}

/// How the engine goes about it.
pub(super) fn engine_notes(case: &SummaryInput<'_>, merge_pending: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !case.merges.is_empty() {
        notes.extend(
            case.product
                .rules()
                .notes
                .iter()
                .map(|note| (*note).to_owned()),
        );
        notes.push(
            "The merged file is freed only at the end, so both need room meanwhile.".to_owned(),
        );
    }
    for (disk, branches) in &case.steps.kept {
        notes.push(format!(
            "No merge: {} is kept for {} children until one is left.",
            case.name(*disk),
            branches
        ));
    }
    for disk in &case.steps.own {
        notes.push(format!(
            "{} stays: it is a disk of its own, and deleting a snapshot removes only the files that snapshots made.",
            case.name(*disk)
        ));
    }
    for disk in &case.steps.needed {
        notes.push(format!(
            "{} stays: another snapshot or a machine needs it.",
            case.name(*disk)
        ));
    }
    for disk in &case.steps.follow_up {
        notes.push(format!(
            "{} was kept for several branches and is left with one: it is merged too.",
            case.name(*disk)
        ));
    }
    if case.product == Product::XcpNg && !case.steps.leaves.is_empty() {
        notes.push(format!(
            "The snapshot's own disk {} is deleted at once.",
            case.names(&case.steps.leaves)
        ));
    }
    if let Some(verdict) = case.verdict() {
        notes.extend(
            verdict
                .evidence
                .iter()
                .filter(|evidence| evidence.code == &surroundings::LINGERING_ABOVE)
                .map(|evidence| format!("Files on top of the snapshot are {}: a backup's leftover or an unfinished merge; only the disk directly above is merged.", evidence.text)),
        );
    }
    if merge_pending {
        notes.push(
            "A merge is pending already: an earlier delete has not been carried out yet."
                .to_owned(),
        );
    }
    notes
}

/// The finding about two disks of a merge that have different sizes where they must not.
fn resized(case: &SummaryInput<'_>) -> Option<&'static Code> {
    let of_merges = case.merges.iter().map(|merge| merge.from);
    of_merges
        .chain(case.frozen.iter().copied())
        .find_map(|id| unequal_size(case.forest, case.product, id))
}

pub(super) fn do_first(
    case: &SummaryInput<'_>,
    reasons: &[Reason],
    merge_pending: bool,
) -> Vec<String> {
    let mut first = Vec::new();
    let has = |code: &'static crate::finding::Code| {
        reasons.iter().any(|reason| std::ptr::eq(reason.code, code))
    };
    if has(&reasons::DEAD_END) {
        first.push(format!(
            "Copy {} with all its parents if that work matters.",
            case.names(&case.steps.dead_ends)
        ));
    }
    if has(&reasons::BREAKS_CHILDREN) {
        first.push(format!(
            "Find out who uses {}; copy each with all its parents, or merge it away.",
            case.names(&case.steps.breaks)
        ));
    }
    if has(&reasons::BROKEN_CHAIN) {
        first.push(match resized(case) {
            Some(code) => code.action.to_owned(),
            None => {
                "Repair the chain: bring the missing or right parent; check says where it breaks."
                    .to_owned()
            }
        });
    }
    if has(&reasons::NO_SPACE) {
        first.push("Make room on the volume of the receiving file.".to_owned());
    }
    if has(&reasons::REVERTED) {
        let on_branch = case.verdict().is_some_and(shows_branch);
        let between = match (case.taken(), case.made()) {
            (_, Some(made)) if on_branch => {
                format!(" on the other branch after its last snapshot, until {made}")
            }
            (Some(taken), Some(made)) => format!(" between {taken} and {made}"),
            _ => String::new(),
        };
        first.push(format!(
            "Make sure nobody misses what was done{between}; look into backups of that time."
        ));
    }
    if let Some(settle) = case
        .verdict()
        .and_then(|verdict| verdict.would_settle.clone())
    {
        first.push(settle);
    }
    if merge_pending {
        first.push("Let the pending merge finish.".to_owned());
    }
    first
}

/// One short sentence: the answer with its name and date. What it rests on is told by the reasons and by the verdict.
pub(super) fn summary(case: &SummaryInput<'_>, answer: Answer, reasons: &[Reason]) -> String {
    let open: Vec<&Reason> = reasons
        .iter()
        .filter(|reason| !reason.accepted && reason.answer == answer)
        .collect();
    let Some(first) = open.first().filter(|_| answer != Answer::Pass) else {
        return passes(case, reasons);
    };
    let more = match open.len() - 1 {
        0 => String::new(),
        n => format!(" And {}.", many(n, "further reason")),
    };
    let of_verdict = case
        .verdict()
        .filter(|_| first.code == &reasons::REVERTED || first.code == &reasons::CANNOT_TELL);
    match of_verdict {
        Some(verdict) if first.code == &reasons::REVERTED => {
            let ends = if case.merges.is_empty() {
                String::new()
            } else {
                format!("; {} it ends the way back to the snapshot", case.doing())
            };
            format!("{}{ends}.{more}", reverted(case, verdict))
        }
        Some(_) if case.product == Product::VirtualPc => format!(
            "Cannot tell whether changes of {} were discarded.{more}",
            case.vm()
        ),
        Some(_) => format!(
            "Cannot tell whether {} was reverted to {}.{more}",
            case.vm(),
            case.title()
        ),
        None => format!(
            "{}: {}.{more}",
            capital(&format!("{} {}", case.doing(), case.title())),
            first.text.trim_end_matches('.')
        ),
    }
}

/// `TestWin7 was very likely reverted to snapshot "Before SP1", last on 2009-06-30 09:41Z`.
fn reverted(case: &SummaryInput<'_>, verdict: &Verdict) -> String {
    let how = match verdict.reverted {
        Reverted::Certain => "was",
        _ => "was very likely",
    };
    let last = verdict
        .applied_at
        .map(|at| format!(", last on {}", minute(at)))
        .unwrap_or_default();
    if case.product == Product::VirtualPc {
        return format!(
            "Changes of {} {} discarded{last}",
            case.vm(),
            how.replace("was", "were")
        );
    }
    let vm = case.vm.unwrap_or("The VM");
    format!("{vm} {how} reverted to {}{last}", case.title())
}

fn passes(case: &SummaryInput<'_>, reasons: &[Reason]) -> String {
    let accepted: Vec<&str> = reasons
        .iter()
        .filter(|reason| reason.accepted)
        .map(|reason| reason.code.id)
        .collect();
    if !accepted.is_empty() {
        return format!(
            "{} passes, accepted: {}.",
            capital(&format!("{} {}", case.doing(), case.title())),
            accepted.join(", ")
        );
    }
    let verdict = match case.verdict().map(|verdict| verdict.reverted) {
        Some(Reverted::NotReverted) => "; it was not reverted",
        Some(Reverted::NoSign) if case.product == Product::VirtualPc => {
            "; there is no sign that changes were discarded"
        }
        Some(Reverted::NoSign) => "; there is no sign of a revert",
        _ => "",
    };
    format!(
        "Nothing speaks against {} {}{verdict}.",
        case.doing(),
        case.title()
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
