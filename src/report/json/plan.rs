//! `plan --json` and `gate --json`: the answer, its reasons, what is merged and what is lost.

use serde::Serialize;

use super::files::time_text;
use super::path_text;
use super::verdict::{SnapshotJson, VerdictJson, snapshot, verdict};
use crate::analysis::Assessment;
use crate::analysis::plan::{FreeSource, LostFiles, Plan};
use crate::guest::filesystem::Change;
use crate::store::{DiskId, Forest};

/// The keys of `plan` and `gate` beside the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanBody {
    /// `pass`, `refuse` or `cannot-tell`.
    pub verdict: &'static str,
    /// One short sentence; the verdict's own, with all dates and names, is in `evidence`.
    pub summary: String,
    /// Why, worst first.
    pub reasons: Vec<ReasonJson>,
    /// What is merged into what, in order.
    pub merge: Vec<MergeJson>,
    /// What is lost for good.
    pub lost: Vec<LossJson>,
    /// What was gone before any delete.
    pub already_lost: Vec<String>,
    /// Files deleted without a merge.
    pub deleted: Vec<String>,
    /// Files freed after the merges.
    pub freed: Vec<String>,
    /// Disks that would break.
    pub breaks: Vec<String>,
    /// Chains before, base first.
    pub before: Vec<Vec<String>>,
    /// Chains after, base first.
    pub after: Vec<Vec<String>>,
    /// The state the machine ends in.
    pub ends_in: String,
    pub do_first: Vec<String>,
    /// What was not checked.
    pub not_checked: Vec<&'static str>,
    /// The snapshot, with its verdict.
    pub snapshot: Option<SnapshotJson>,
    pub vm: Option<String>,
    /// Under whose rules.
    #[serde(rename = "as")]
    pub product: &'static str,
    /// The verdict's word about the snapshot.
    pub reverted: Option<&'static str>,
    /// The verdict whole, where the target is no known snapshot.
    pub evidence: Option<VerdictJson>,
    /// Names this state of the files.
    pub state_token: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonJson {
    /// Its stable code.
    pub code: &'static str,
    /// `refuse` or `cannot-tell`.
    pub answer: &'static str,
    pub text: String,
    /// It was accepted by name for this state of the files.
    pub accepted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeJson {
    /// The file whose blocks move.
    pub from: Option<String>,
    /// The file that receives them.
    pub into: Option<String>,
    /// Whose name is left.
    pub survivor: Option<String>,
    /// Blocks that move; `null` where the file could not be opened.
    pub blocks: Option<u64>,
    /// Bytes expected; `null` as above.
    pub bytes: Option<u64>,
    pub bytes_max: u64,
    /// Bytes the receiving file may grow by.
    pub grow_max: u64,
    /// The size the receiving disk is given first.
    pub enlarge_to: Option<u64>,
    pub free: Option<u64>,
    /// Who says so: `here`, `host` or `given`.
    pub free_source: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LossJson {
    /// Its stable code.
    pub code: &'static str,
    /// The file, if it is one.
    pub path: Option<String>,
    pub bytes: Option<u64>,
    pub text: String,
    /// The guest's files that go with it; `null` if they were not looked at.
    pub files: Option<LostFilesJson>,
}

/// Files that go with a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostFilesJson {
    /// Files that are nowhere else.
    pub created: u64,
    /// Files of which another version stays.
    pub modified: u64,
    /// Files that are gone in what is lost, and stay.
    pub deleted: u64,
    /// Bytes of the first two.
    pub bytes: u64,
    /// Page files, logs, caches: new ones and other versions, counted apart.
    pub noise: u64,
    /// Those that a person would look at first.
    pub first: Vec<LostFileJson>,
    /// All was looked at.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostFileJson {
    /// `created`, `modified`, `replaced` or `written`.
    pub change: &'static str,
    /// Its path in the volume.
    pub path: Option<String>,
    /// Its bytes.
    pub size: Option<u64>,
    /// When it was last written.
    pub modified: Option<String>,
}

fn lost_files(files: &LostFiles) -> LostFilesJson {
    let file = |change: &Change| LostFileJson {
        change: change.kind.word(),
        path: change.path.clone(),
        size: change.after.and_then(|version| version.bytes),
        modified: change
            .after
            .and_then(|version| version.modified)
            .map(time_text),
    };
    LostFilesJson {
        created: files.created,
        modified: files.modified,
        deleted: files.deleted,
        bytes: files.bytes,
        noise: files.noise,
        first: files.first.iter().map(file).collect(),
        complete: files.complete,
    }
}

/// A plan as JSON carries it.
pub fn body(forest: &Forest, assessment: &Assessment, plan: &Plan) -> PlanBody {
    let path = |id: DiskId| forest.disk(id).map(|disk| path_text(&disk.path).0);
    let paths = |ids: &[DiskId]| ids.iter().filter_map(|id| path(*id)).collect::<Vec<_>>();
    let of = plan.snapshot.and_then(|at| assessment.snapshots.get(at));
    PlanBody {
        verdict: plan.answer.word(),
        summary: plan.summary.clone(),
        reasons: plan
            .reasons
            .iter()
            .map(|reason| ReasonJson {
                code: reason.code.id,
                answer: reason.answer.word(),
                text: reason.text.clone(),
                accepted: reason.accepted,
            })
            .collect(),
        merge: plan
            .merges
            .iter()
            .map(|merge| MergeJson {
                from: path(merge.from),
                into: path(merge.into),
                survivor: path(merge.survivor),
                blocks: merge.blocks,
                bytes: merge.bytes,
                bytes_max: merge.bytes_max,
                grow_max: merge.grow_max,
                enlarge_to: merge.enlarge_to,
                free: merge.free,
                free_source: merge.free_source.map(FreeSource::word),
            })
            .collect(),
        lost: plan
            .lost
            .iter()
            .map(|loss| LossJson {
                code: loss.code.id,
                path: loss.disk.and_then(path),
                bytes: loss.bytes,
                text: loss.text.clone(),
                files: loss.files.as_ref().map(lost_files),
            })
            .collect(),
        already_lost: plan.already_lost.clone(),
        deleted: paths(&plan.deleted),
        freed: paths(&plan.freed),
        breaks: paths(&plan.breaks),
        before: plan.before.iter().map(|chain| paths(chain)).collect(),
        after: plan.after.iter().map(|chain| paths(chain)).collect(),
        ends_in: plan.ends_in.clone(),
        do_first: plan.do_first.clone(),
        not_checked: plan.not_checked.clone(),
        snapshot: of.map(|of| snapshot(forest, of)),
        vm: plan
            .machine
            .and_then(|id| Some(forest.machine(id)?.name.clone())),
        product: plan.product.word(),
        reverted: plan.verdict.as_ref().map(|of| of.reverted.word()),
        evidence: plan.verdict.as_ref().map(|of| verdict(forest, of)),
        state_token: plan.state_token.clone(),
    }
}
