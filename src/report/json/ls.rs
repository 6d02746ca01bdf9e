//! `ls --json`: every disk of a forest with its links, snapshots and verdicts.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Document, FindingJson, PathErrorJson, PathFinding, SCHEMA, VERSION, path_text, word};
use crate::analysis::evidence::{EvidenceState, Of};
use crate::analysis::{AssessedSnapshot, Assessment, Evidence, Interval, Reverted, Verdict};
use crate::image::{Counts, Format, Kind};
use crate::report::words;
use crate::store::{
    DiskId, DiskUse, Forest, LinkState, Liveness, Machine, Product, ResolvedBy, Snapshot,
    SnapshotKind, TakenSource,
};

/// The keys of `ls` beside the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LsBody {
    #[serde(flatten)]
    pub scan: ScanJson,
    #[serde(flatten)]
    pub store: StoreJson,
    /// Every disk, by path.
    pub disks: Vec<DiskJson>,
}

/// Which scan it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanJson {
    /// Version of the program that wrote it.
    pub version: Option<String>,
    /// Name of the machine it ran on; `null` for several.
    pub host: Option<String>,
    /// When the scan began.
    pub at: Option<Timestamp>,
    pub roots: Vec<String>,
}

impl ScanJson {
    pub fn new(forest: &Forest) -> Self {
        Self {
            version: Some(VERSION.to_owned()),
            host: forest.host().map(ToOwned::to_owned),
            at: forest.at,
            roots: roots(forest),
        }
    }
}

/// What is known of a store beside its disks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreJson {
    /// Machines known from configurations and lists. Others name one by its place here, counted from 0.
    pub machines: Vec<MachineJson>,
    /// Snapshots known from configurations and lists. Others name one by its place here, counted from 0.
    pub snapshots: Vec<KnownSnapshotJson>,
    /// Findings of configurations and other files beside the disks.
    pub side_findings: Vec<PathFinding>,
    /// Files beside disks that are named for what they are.
    pub companions: Vec<CompanionJson>,
}

impl StoreJson {
    pub fn new(forest: &Forest) -> Self {
        let companion = |(path, what): &(PathBuf, &'static str)| {
            let (path, path_bytes) = path_text(path);
            CompanionJson {
                path,
                path_bytes,
                what: (*what).to_owned(),
            }
        };
        let snapshots = forest.snapshots.iter();
        let side = forest.side_findings.iter();
        Self {
            machines: machines(forest),
            snapshots: snapshots.map(|of| known(forest, of)).collect(),
            side_findings: side
                .map(|(path, finding)| PathFinding::new(path, finding))
                .collect(),
            companions: forest.companions.iter().map(companion).collect(),
        }
    }
}

/// A snapshot as configurations and lists name it, wherever its disks are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownSnapshotJson {
    pub name: Option<String>,
    pub id: Option<String>,
    pub machine: Option<u32>,
    /// Name or id of its parent snapshot.
    pub parent: Option<String>,
    #[serde(with = "word")]
    pub kind: Option<SnapshotKind>,
    /// Its disks, as paths of the store or, where they are not in it, as written.
    pub disks: Vec<String>,
    /// The file that names it.
    pub source: Option<String>,
}

fn known(forest: &Forest, of: &Snapshot) -> KnownSnapshotJson {
    KnownSnapshotJson {
        name: of.name.clone(),
        id: of.id.clone(),
        machine: of.machine.map(|id| id.0),
        parent: of.parent.clone(),
        kind: Some(of.kind).filter(|kind| *kind != SnapshotKind::Unknown),
        disks: uses(forest, &of.disks),
        source: super::some_text(&path_text(&of.source).0),
    }
}

/// A file beside disks: change tracking, a replica's log, a VHD set, memory, a part of a split disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanionJson {
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What it is, in words; they may change.
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineJson {
    pub name: String,
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Disks it uses now, as paths of the store or as written; `null` if nothing says.
    #[serde(default)]
    pub disks: Option<Vec<String>>,
    /// Its configuration says whether a merge is pending.
    #[serde(default)]
    pub merge_pending: Option<bool>,
    /// The file that says so.
    #[serde(default)]
    pub source: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskJson {
    /// Name of the machine on which it was found.
    #[serde(default)]
    pub host: Option<String>,
    pub path: String,
    /// Base64 of its bytes, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    #[serde(default, with = "word")]
    pub format: Option<Format>,
    /// `fixed`, `dynamic` or `differencing`.
    #[serde(default, with = "word")]
    pub kind: Option<Kind>,
    /// Bytes the guest sees.
    pub virtual_size: Option<u64>,
    /// Bytes of the file.
    pub file_size: u64,
    /// Bytes of a block.
    pub block_size: Option<u32>,
    /// Bytes of a sector.
    pub sector_size: Option<u32>,
    pub blocks: Option<BlocksJson>,
    /// Blocks it holds itself.
    pub dirty_blocks: Option<u64>,
    /// Sectors it answers for itself.
    pub dirty_sectors: Option<u64>,
    /// The same in bytes.
    pub dirty_bytes: Option<u64>,
    pub id: Option<Uuid>,
    /// VHDX: data write id.
    #[serde(default)]
    pub data_write_id: Option<Uuid>,
    /// Who made it, as it says.
    #[serde(default)]
    pub creator: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Who says so: `footer`, `filesystem`, `host`.
    pub created_source: Option<String>,
    /// Last write of the file.
    pub modified: Option<Timestamp>,
    /// `ok`, `locked`, `live`, `partial` or `unreadable`.
    #[serde(default)]
    pub state: String,
    pub parent: Option<ParentJson>,
    /// Paths of its children.
    #[serde(default)]
    pub children: Vec<String>,
    /// 0 for a base.
    #[serde(default)]
    pub depth: u32,
    /// It has no children.
    #[serde(default)]
    pub leaf: bool,
    /// Machines that use it now; `null` if nothing is known of any.
    #[serde(default)]
    pub in_use_by: Option<Vec<String>>,
    /// Snapshots whose frozen disk it is.
    #[serde(default)]
    pub snapshots: Vec<SnapshotJson>,
    /// On the disk above a snapshot's: the verdict's word.
    #[serde(default, with = "word")]
    pub made_by_revert: Option<Reverted>,
    /// Compared with its parent, and all the same; `null` if not compared.
    #[serde(default)]
    pub equals_parent: Option<bool>,
    /// What is wrong or notable: of the file itself, then of its links.
    #[serde(default)]
    pub findings: Vec<FindingJson>,
    /// How many of the findings, from the first on, are the file's own.
    #[serde(default)]
    pub own_findings: usize,
    /// Whose rules it follows.
    #[serde(default, with = "word")]
    pub product: Option<Product>,
    /// What its name or place says it is.
    #[serde(default)]
    pub role: Option<String>,
    /// The name that people gave it.
    #[serde(default)]
    pub label: Option<String>,
    /// It changed while it was read.
    #[serde(default)]
    pub live: bool,
    /// Table and bitmaps were read to the end.
    #[serde(default)]
    pub counted: bool,
    /// Bytes free where it lies.
    #[serde(default)]
    pub free: Option<u64>,
}

/// Blocks by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlocksJson {
    pub total: u64,
    /// Every sector held.
    pub full: u64,
    /// Some sectors held.
    pub partial: u64,
    pub zero: u64,
    pub unmapped: u64,
    pub absent: u64,
    /// Entries that cannot be right.
    #[serde(default)]
    pub error: u64,
}

impl From<&Counts> for BlocksJson {
    fn from(counts: &Counts) -> Self {
        Self {
            total: counts.total,
            full: counts.full,
            partial: counts.partial,
            zero: counts.zero,
            unmapped: counts.unmapped,
            absent: counts.absent,
            error: counts.error,
        }
    }
}

/// A child's link to its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentJson {
    /// The id it must have.
    pub id_wanted: Option<Uuid>,
    pub stored_paths: Vec<String>,
    /// The parent's path in the store.
    pub resolved: Option<String>,
    /// `relative`, `same-folder`, `absolute`, `id`.
    #[serde(default, with = "word")]
    pub resolved_by: Option<ResolvedBy>,
    /// `ok`, `missing`, `id-mismatch`, `cycle`, `outside-roots`, `unreadable`.
    #[serde(default, with = "word")]
    pub state: Option<LinkState>,
}

/// A snapshot whose frozen disk this is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotJson {
    /// Display name; `null` if nothing names it.
    pub name: Option<String>,
    pub id: Option<String>,
    pub vm: Option<String>,
    /// Its place among the store's snapshots; `null` if nothing names it.
    #[serde(default)]
    pub known: Option<u32>,
    /// The place of its machine among the store's.
    #[serde(default)]
    pub machine: Option<u32>,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    #[serde(default, with = "word")]
    pub taken_source: Option<TakenSource>,
    /// Name or id of its parent snapshot.
    pub parent: Option<String>,
    /// What kind it is, if known.
    #[serde(default, with = "word")]
    pub kind: Option<SnapshotKind>,
    /// Whether the machine was reverted to it since.
    pub verdict: Option<VerdictJson>,
    /// The reason for which a delete would not pass though the verdict does, as far as that is told without a plan.
    #[serde(default)]
    pub stopped_by: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictJson {
    /// `certain`, `likely`, `no-sign`, `not-reverted`, `cannot-tell`.
    #[serde(with = "word")]
    pub reverted: Option<Reverted>,
    /// The rule it rests on.
    #[serde(alias = "row")]
    pub rule: String,
    /// When the snapshot was applied last, where it was and that is known.
    #[serde(default)]
    pub applied_at: Option<Timestamp>,
    /// Between what the snapshot was taken.
    #[serde(default)]
    pub snapshot: IntervalJson,
    /// Between what the disk above was made.
    #[serde(default)]
    pub disk_above: IntervalJson,
    /// How much later than the snapshot the disk above was made, at least.
    pub gap_seconds: Option<i64>,
    /// Path of the disk above.
    pub above: Option<String>,
    /// The disk above holds nothing that differs; `null` if not compared.
    pub stands_at_snapshot: Option<bool>,
    pub evidence: Vec<EvidenceJson>,
    /// One sentence for a person; left out of a brief answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default)]
    pub would_settle: Option<String>,
}

/// A first and a last possible moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalJson {
    /// Not before; `null`: open.
    pub not_before: Option<Timestamp>,
    /// Not after; `null`: open.
    pub not_after: Option<Timestamp>,
}

impl IntervalJson {
    fn new(of: Interval) -> Self {
        Self {
            not_before: of.not_before,
            not_after: of.not_after,
        }
    }
}

/// A witness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceJson {
    pub code: String,
    /// Which time it is about: `snapshot`, `disk-above`.
    #[serde(default, with = "word")]
    pub of: Option<Of>,
    /// `at`, `not-before`, `not-after`, `for`, `against`; `null`: it is missing, or decides nothing.
    #[serde(default)]
    pub says: Option<String>,
    /// The time it says.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// Two times this close by it are one moment.
    #[serde(default)]
    pub slack_seconds: Option<i64>,
    /// `used`, `dropped`, `missing`.
    #[serde(default)]
    pub state: String,
    /// Why it was dropped.
    #[serde(default)]
    pub why: Option<String>,
    pub text: String,
    /// Where it was read.
    pub source: String,
}

/// The document of `ls` without its disks.
pub(super) fn without_disks(forest: &Forest) -> Document<LsBody> {
    let body = LsBody {
        scan: ScanJson::new(forest),
        store: StoreJson::new(forest),
        disks: Vec::new(),
    };
    head("ls", forest, body)
}

/// The roots given.
pub(super) fn roots(forest: &Forest) -> Vec<String> {
    forest.roots.iter().map(|root| path_text(root).0).collect()
}

/// A document with a forest's head: complete only if every path was looked at.
pub fn head<T>(command: &'static str, forest: &Forest, body: T) -> Document<T> {
    Document {
        schema: SCHEMA,
        command,
        complete: forest.complete && forest.errors.is_empty(),
        errors: path_errors(forest),
        body,
    }
}

pub(super) fn path_errors(forest: &Forest) -> Vec<PathErrorJson> {
    forest
        .errors
        .iter()
        .map(|error| PathErrorJson::new(&error.path, error.error.clone()))
        .collect()
}

fn machines(forest: &Forest) -> Vec<MachineJson> {
    let machine = |machine: &Machine| MachineJson {
        name: machine.name.clone(),
        id: machine.id,
        disks: machine.disks.as_ref().map(|disks| uses(forest, disks)),
        merge_pending: machine.merge_pending,
        source: super::some_text(&path_text(&machine.source).0),
    };
    forest.machines.iter().map(machine).collect()
}

fn uses(forest: &Forest, disks: &[DiskUse]) -> Vec<String> {
    let text = |used: &DiskUse| {
        let path = used.disk.and_then(|id| path_of(forest, id));
        path.unwrap_or_else(|| used.path.clone())
    };
    disks.iter().map(text).collect()
}

fn path_of(forest: &Forest, id: DiskId) -> Option<String> {
    Some(path_text(&forest.disk(id)?.path).0)
}

/// One disk of the document; `None` if there is no such disk.
pub fn disk(forest: &Forest, assessment: &Assessment, id: DiskId) -> Option<DiskJson> {
    let (disk, node) = (forest.disk(id)?, forest.node(id)?);
    let (path, path_bytes) = path_text(&disk.path);
    let header = disk.header.as_ref();
    let counts = disk.counts.as_ref();
    let dirty = counts.filter(|_| header.is_some_and(|of| of.kind == Kind::Differencing));
    let created = disk.created();
    let assessed = assessment.disk(id);
    let uses_known = forest
        .machines
        .iter()
        .any(|machine| machine.disks.is_some());
    Some(DiskJson {
        host: forest.host_of(id).map(ToOwned::to_owned),
        path,
        path_bytes,
        format: header.map(|of| of.format),
        kind: header.map(|of| of.kind),
        virtual_size: header.map(|of| of.virtual_size),
        file_size: disk.file.len,
        block_size: header.and_then(|of| of.block_size.filter(|_| of.kind != Kind::Fixed)),
        sector_size: header.map(|of| of.sector_size),
        blocks: counts.map(BlocksJson::from),
        dirty_blocks: dirty.map(|of| {
            of.full
                .saturating_add(of.partial)
                .saturating_add(of.zero)
                .saturating_add(of.unmapped)
        }),
        dirty_sectors: dirty.map(|of| of.dirty_sectors),
        dirty_bytes: disk.dirty_bytes(),
        id: header.filter(|of| !of.is_raw()).map(|of| of.id),
        data_write_id: header.and_then(|of| of.data_write_id),
        creator: header.and_then(|of| super::some_text(&of.creator)),
        created: created.map(|(at, _)| at),
        created_source: created
            .map(|(_, source)| source.map_or("footer", words::born_source).to_owned()),
        modified: disk.file.modified,
        state: words::disk_state(disk).to_owned(),
        parent: parent(forest, id),
        children: node
            .children
            .iter()
            .filter_map(|child| path_of(forest, *child))
            .collect(),
        depth: node.depth,
        leaf: node.children.is_empty(),
        in_use_by: uses_known.then(|| {
            node.in_use_by
                .iter()
                .filter_map(|machine| Some(forest.machine(*machine)?.name.clone()))
                .collect()
        }),
        snapshots: assessed.map_or_else(Vec::new, |assessed| {
            assessed
                .snapshots
                .iter()
                .filter_map(|at| assessment.snapshots.get(*at))
                .map(|of| snapshot(forest, of))
                .collect()
        }),
        made_by_revert: assessed.and_then(|of| of.made_by_revert),
        equals_parent: assessed.and_then(|of| of.equals_parent),
        findings: disk
            .findings
            .iter()
            .chain(&node.findings)
            .map(FindingJson::from)
            .collect(),
        own_findings: disk.findings.len(),
        product: Some(node.product),
        role: node.role.map(ToOwned::to_owned),
        label: node.label.as_deref().map(ToOwned::to_owned),
        live: disk.liveness == Liveness::Live,
        counted: counts.is_some_and(|of| of.complete),
        free: forest.free_bytes.get(id.0 as usize).copied().flatten(),
    })
}

fn parent(forest: &Forest, id: DiskId) -> Option<ParentJson> {
    let wanted = forest
        .disk(id)?
        .header
        .as_ref()
        .and_then(|of| of.parent.as_ref());
    let link = forest.node(id)?.parent.as_ref()?;
    let resolved = link
        .disk
        .and_then(|disk| path_of(forest, disk))
        .or_else(|| link.resolved.as_ref().map(|path| path_text(path).0));
    Some(ParentJson {
        id_wanted: wanted.and_then(|of| of.id_wanted),
        stored_paths: wanted.map_or_else(Vec::new, |of| {
            of.paths.iter().map(|path| path.text.clone()).collect()
        }),
        resolved: resolved.filter(|_| link.state != LinkState::Missing),
        resolved_by: link.by,
        state: Some(link.state),
    })
}

/// A snapshot as its frozen disk carries it.
pub fn snapshot(forest: &Forest, of: &AssessedSnapshot) -> SnapshotJson {
    let known = of.snapshot.and_then(|id| forest.snapshot(id));
    let machine = of.machine.or(known.and_then(|known| known.machine));
    SnapshotJson {
        name: known.and_then(|known| known.name.clone()),
        id: known.and_then(|known| known.id.clone()),
        vm: machine.and_then(|id| Some(forest.machine(id)?.name.clone())),
        known: of.snapshot.map(|id| id.0),
        machine: machine.map(|id| id.0),
        taken: of.taken.map(|taken| taken.at),
        taken_source: of.taken.map(|taken| taken.source),
        parent: known.and_then(|known| known.parent.clone()),
        kind: known
            .map(|known| known.kind)
            .filter(|kind| *kind != SnapshotKind::Unknown),
        verdict: Some(verdict(forest, &of.verdict)),
        stopped_by: of.stopped_by.map(|code| code.id.to_owned()),
    }
}

pub fn verdict(forest: &Forest, of: &Verdict) -> VerdictJson {
    VerdictJson {
        reverted: Some(of.reverted),
        rule: of.rule.code().id.to_owned(),
        applied_at: of.applied_at,
        snapshot: IntervalJson::new(of.snapshot),
        disk_above: IntervalJson::new(of.disk_above),
        gap_seconds: of.gap_seconds(),
        above: of.above.and_then(|id| path_of(forest, id)),
        stands_at_snapshot: of.stands_at_snapshot,
        evidence: of.evidence.iter().map(EvidenceJson::from).collect(),
        summary: of.summary.clone(),
        would_settle: of.would_settle.clone(),
    }
}

impl From<&Evidence> for EvidenceJson {
    fn from(of: &Evidence) -> Self {
        let says = of.says.as_ref().map(crate::analysis::evidence::Says::word);
        let time = says.and_then(|(_, time)| time);
        Self {
            code: of.code.id.to_owned(),
            of: Some(of.of),
            says: says.map(|(word, _)| word.to_owned()),
            time,
            slack_seconds: time.map(|_| of.slack.same),
            state: of.state.word().to_owned(),
            why: match &of.state {
                EvidenceState::Dropped(why) => Some(why.clone()),
                EvidenceState::Used | EvidenceState::Missing => None,
            },
            text: of.text.clone(),
            source: of.source.clone(),
        }
    }
}
