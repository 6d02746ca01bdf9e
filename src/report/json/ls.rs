//! `ls --json`: every disk of a forest with its links, snapshots and verdicts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store::{ScanJson, StoreJson, path_of};
use super::verdict::{SnapshotJson, snapshot};
use super::{Document, FindingJson, PathErrorJson, SCHEMA, path_text, word};
use crate::analysis::{Assessment, Reverted};
use crate::image::{Counts, Format, Kind};
use crate::report::words;
use crate::store::{DiskId, Forest, LinkState, Liveness, Product, ResolvedBy};

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

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskJson {
    /// Name of the machine on which it was found.
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
    pub blocks: Option<Counts>,
    /// Blocks it holds itself.
    pub dirty_blocks: Option<u64>,
    /// Sectors it answers for itself.
    pub dirty_sectors: Option<u64>,
    /// The same in bytes.
    pub dirty_bytes: Option<u64>,
    pub id: Option<Uuid>,
    /// VHDX: data write id.
    pub data_write_id: Option<Uuid>,
    /// Who made it, as it says.
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
    pub in_use_by: Option<Vec<String>>,
    /// Snapshots whose frozen disk it is.
    #[serde(default)]
    pub snapshots: Vec<SnapshotJson>,
    /// On the disk above a snapshot's: the verdict's word.
    #[serde(default, with = "word")]
    pub made_by_revert: Option<Reverted>,
    /// Compared with its parent, and all the same; `null` if not compared.
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
    pub role: Option<String>,
    /// The name that people gave it.
    pub label: Option<String>,
    /// It changed while it was read.
    #[serde(default)]
    pub live: bool,
    /// Table and bitmaps were read to the end.
    #[serde(default)]
    pub counted: bool,
    /// Bytes free where it lies.
    pub free: Option<u64>,
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

/// The document of `ls` without its disks.
pub(super) fn without_disks(forest: &Forest) -> Document<LsBody> {
    let body = LsBody {
        scan: ScanJson::new(forest),
        store: StoreJson::new(forest),
        disks: Vec::new(),
    };
    head("ls", forest, body)
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
        blocks: counts.cloned(),
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
