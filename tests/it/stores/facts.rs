//! What is compared of a disk, from a forest, from JSON, and from a model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vhdtree::report::json::ls::DiskJson;
use vhdtree::store::{DiskId, Forest};

/// Everything a scan says of one disk; paths from the store's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub format: String,
    pub kind: String,
    pub virtual_size: u64,
    pub file_size: u64,
    pub block_size: Option<u32>,
    pub sector_size: u32,
    /// All, full, partial, zero, unmapped, absent, wrong.
    pub blocks: [u64; 7],
    pub dirty_sectors: Option<u64>,
    pub id: String,
    pub data_write_id: Option<String>,
    pub creator: String,
    /// As the file itself says.
    pub created: Option<String>,
    pub parent: Option<Link>,
    pub children: Vec<String>,
    pub depth: u32,
    /// Machines that use it now; `None` if no disk of any machine is known.
    pub in_use_by: Option<BTreeSet<String>>,
    /// Snapshots that froze it: name and machine.
    pub snapshots: BTreeSet<(String, Option<String>)>,
    /// Codes of errors.
    pub errors: BTreeSet<String>,
}

/// What is said of a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    pub id_wanted: Option<String>,
    pub resolved: Option<String>,
    pub by: Option<String>,
    pub state: String,
}

fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap();
    below.to_string_lossy().replace('\\', "/")
}

/// The disks of a forest, by path.
pub fn of_forest(root: &Path, forest: &Forest) -> BTreeMap<String, Facts> {
    forest
        .ids()
        .map(|id| {
            let path = below(root, &forest.disk(id).unwrap().path);
            (path, of_disk(root, forest, id))
        })
        .collect()
}

fn of_disk(root: &Path, forest: &Forest, id: DiskId) -> Facts {
    let (disk, node) = (forest.disk(id).unwrap(), forest.node(id).unwrap());
    let header = disk.header.as_ref().unwrap();
    let counts = disk.counts.as_ref().unwrap();
    assert!(counts.complete, "{}", disk.path.display());
    let is_child = header.kind == vhdtree::image::Kind::Differencing;
    let path = |id: DiskId| below(root, &forest.disk(id).unwrap().path);
    let knows_uses = forest.machines.iter().any(|of| of.disks.is_some());
    let machines = node.in_use_by.iter();
    let snapshots = node.snapshots.iter().map(|id| {
        let snapshot = forest.snapshot(*id).unwrap();
        let machine = snapshot.machine.map(|id| forest.machine(id).unwrap());
        let name = snapshot.name.clone().unwrap();
        (name, machine.map(|machine| machine.name.clone()))
    });
    let findings = disk.findings.iter().chain(&node.findings);
    Facts {
        format: header.format.word().to_owned(),
        kind: header.kind.word().to_owned(),
        virtual_size: header.virtual_size,
        file_size: header.file_size,
        block_size: header
            .block_size
            .filter(|_| header.kind != vhdtree::image::Kind::Fixed),
        sector_size: header.sector_size,
        blocks: [
            counts.total,
            counts.full,
            counts.partial,
            counts.zero,
            counts.unmapped,
            counts.absent,
            counts.error,
        ],
        dirty_sectors: is_child.then_some(counts.dirty_sectors),
        id: header.id.to_string(),
        data_write_id: header.data_write_id.map(|id| id.to_string()),
        creator: header.creator.clone(),
        created: header.created.map(|at| at.to_string()),
        parent: node.parent.as_ref().map(|link| Link {
            id_wanted: header
                .parent
                .as_ref()
                .unwrap()
                .id_wanted
                .map(|id| id.to_string()),
            // The path that led there may be written otherwise.
            resolved: link.disk.map(path),
            by: link.by.map(|by| by.word().to_owned()),
            state: link.state.word().to_owned(),
        }),
        children: node.children.iter().map(|child| path(*child)).collect(),
        depth: node.depth,
        in_use_by: knows_uses.then(|| {
            machines
                .map(|id| forest.machine(*id).unwrap().name.clone())
                .collect()
        }),
        snapshots: snapshots.collect(),
        errors: findings
            .filter(|finding| finding.code.severity == vhdtree::finding::Severity::Error)
            .map(|finding| finding.code.id.to_owned())
            .collect(),
    }
}

/// The disks of an `ls --json`, by path.
pub fn of_json(root: &Path, json: &[u8]) -> BTreeMap<String, Facts> {
    let document: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert_eq!(document["complete"], true);
    let disks: Vec<DiskJson> = serde_json::from_value(document["disks"].clone()).unwrap();
    let path = |path: &str| below(root, Path::new(path));
    disks
        .into_iter()
        .map(|disk| {
            assert!(disk.counted);
            assert_eq!(disk.leaf, disk.children.is_empty());
            assert_eq!(
                disk.dirty_bytes,
                disk.dirty_sectors
                    .map(|of| of * u64::from(disk.sector_size.unwrap()))
            );
            let blocks = disk.blocks.unwrap();
            let from_footer = disk.created_source.as_deref() == Some("footer");
            let findings = disk.findings.into_iter();
            let errors = findings.filter(|finding| finding.severity == "error");
            let snapshots = disk.snapshots.into_iter();
            let facts = Facts {
                format: disk.format.unwrap().word().to_owned(),
                kind: disk.kind.unwrap().word().to_owned(),
                virtual_size: disk.virtual_size.unwrap(),
                file_size: disk.file_size,
                block_size: disk.block_size,
                sector_size: disk.sector_size.unwrap(),
                blocks: [
                    blocks.total,
                    blocks.full,
                    blocks.partial,
                    blocks.zero,
                    blocks.unmapped,
                    blocks.absent,
                    blocks.error,
                ],
                dirty_sectors: disk.dirty_sectors,
                id: disk.id.unwrap().to_string(),
                data_write_id: disk.data_write_id.map(|id| id.to_string()),
                creator: disk.creator.unwrap_or_default(),
                created: disk
                    .created
                    .filter(|_| from_footer)
                    .map(|at| at.to_string()),
                parent: disk.parent.map(|link| Link {
                    id_wanted: link.id_wanted.map(|id| id.to_string()),
                    resolved: link.resolved.as_deref().map(path),
                    by: link.resolved_by.map(|by| by.word().to_owned()),
                    state: link.state.unwrap().word().to_owned(),
                }),
                children: disk.children.iter().map(|child| path(child)).collect(),
                depth: disk.depth,
                in_use_by: disk.in_use_by.map(|names| names.into_iter().collect()),
                snapshots: snapshots.filter_map(|of| Some((of.name?, of.vm))).collect(),
                errors: errors.map(|finding| finding.code).collect(),
            };
            (path(&disk.path), facts)
        })
        .collect()
}
