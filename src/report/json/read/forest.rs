//! From the records of a saved scan to a forest with its verdicts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::Saved;
use crate::analysis::evidence::{EvidenceState, Of, Says, Slack};
use crate::analysis::{AssessedSnapshot, Assessment, DiskAssessment, Evidence, Rule, Verdict};
use crate::finding::{Code, Finding, Severity};
use crate::format::parent::{ParentRef, PathKind, StoredPath};
use crate::image::{Counts, Header};
use crate::report::codes;
use crate::report::json::FindingJson;
use crate::report::json::ls::{DiskJson, LsBody, ParentJson};
use crate::report::json::store::{KnownSnapshotJson, MachineJson};
use crate::report::json::verdict::{EvidenceJson, SnapshotJson, VerdictJson};
use crate::store::{
    Born, BornSource, Disk, DiskId, DiskUse, FileFacts, Forest, LinkState, Liveness, Machine,
    MachineId, Node, ParentLink, ScannedOn, Snapshot, SnapshotId, Taken, TakenSource,
};

/// What is built up while the disks go by.
pub(super) struct Reader<'a> {
    codes: HashMap<&'static str, &'static Code>,
    by_path: HashMap<&'a str, DiskId>,
    forest: Forest,
    assessment: Assessment,
    /// By a known snapshot, where it stands in the assessment.
    assessed: HashMap<SnapshotId, usize>,
    /// When each machine was scanned.
    moments: &'a HashMap<String, Timestamp>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a LsBody, moments: &'a HashMap<String, Timestamp>) -> Self {
        let mut by_path = HashMap::with_capacity(body.disks.len());
        for (disk, id) in body.disks.iter().zip(0..u32::MAX) {
            by_path.entry(disk.path.as_str()).or_insert(DiskId(id));
        }
        Self {
            codes: codes::all()
                .into_iter()
                .map(|code| (code.id, code))
                .collect(),
            by_path,
            forest: Forest::default(),
            assessment: Assessment {
                disks: vec![DiskAssessment::default(); body.disks.len()],
                ..Assessment::default()
            },
            assessed: HashMap::new(),
            moments,
        }
    }

    pub(super) fn finish(mut self, body: &LsBody) -> Saved {
        self.forest.at = body.scan.at;
        self.forest.roots = body.scan.roots.iter().map(PathBuf::from).collect();
        let machines = body.store.machines.iter();
        self.forest.machines = machines.map(|of| self.machine(of)).collect();
        let snapshots = body.store.snapshots.iter();
        self.forest.snapshots = snapshots.map(|of| self.known(of)).collect();
        let side = body.store.side_findings.iter();
        self.forest.side_findings = side
            .map(|of| {
                let path = path(&of.path, of.path_bytes.as_deref());
                (path, self.finding(&of.finding))
            })
            .collect();
        for (disk, id) in body.disks.iter().zip(0..u32::MAX) {
            self.scanned_on(disk.host.as_ref().or(body.scan.host.as_ref()), DiskId(id));
            self.disk(disk, DiskId(id));
        }
        self.name_disks();
        let is_top = |id: &DiskId| {
            let parent = self.forest.node(*id).and_then(|node| node.parent.as_ref());
            let hangs = |link: &ParentLink| link.state.hangs() && link.disk.is_some();
            !parent.is_some_and(hangs)
        };
        self.forest.tops = self.forest.ids().filter(is_top).collect();
        Saved {
            forest: self.forest,
            assessment: self.assessment,
        }
    }

    /// Tells each disk which machines and snapshots name it.
    fn name_disks(&mut self) {
        let forest = &mut self.forest;
        for (machine, id) in forest.machines.iter().zip(0..) {
            let used = machine.disks.iter().flatten();
            for disk in used.filter_map(|used| used.disk) {
                if let Some(node) = forest.nodes.get_mut(disk.0 as usize) {
                    node.in_use_by.push(MachineId(id));
                }
            }
        }
        for (snapshot, id) in forest.snapshots.iter().zip(0..) {
            for disk in snapshot.disk_ids() {
                if let Some(node) = forest.nodes.get_mut(disk.0 as usize) {
                    node.snapshots.push(SnapshotId(id));
                }
            }
        }
        // The first of a snapshot's disks decides where it is shown.
        for of in &mut self.assessment.snapshots {
            let known = of.snapshot.and_then(|id| forest.snapshot(id));
            let order: Vec<DiskId> = known.into_iter().flat_map(Snapshot::disk_ids).collect();
            let place = |disk: &DiskId| order.iter().position(|own| own == disk);
            of.frozen
                .sort_by_key(|disk| place(disk).unwrap_or(usize::MAX));
        }
    }

    fn disk_at(&self, path: &str) -> Option<DiskId> {
        self.by_path.get(path).copied()
    }

    fn uses(&self, paths: &[String]) -> Vec<DiskUse> {
        let used = |path: &String| DiskUse {
            path: path.clone(),
            disk: self.disk_at(path),
            slot: None,
        };
        paths.iter().map(used).collect()
    }

    fn machine(&self, json: &MachineJson) -> Machine {
        Machine {
            name: json.name.clone(),
            id: json.id,
            disks: json.disks.as_deref().map(|disks| self.uses(disks)),
            merge_pending: json.merge_pending,
            source: source(json.source.as_ref()),
            ..Machine::default()
        }
    }

    fn known(&self, json: &KnownSnapshotJson) -> Snapshot {
        let machines = self.forest.machines.len();
        Snapshot {
            name: json.name.clone(),
            id: json.id.clone(),
            machine: json
                .machine
                .filter(|at| (*at as usize) < machines)
                .map(MachineId),
            parent: json.parent.clone(),
            kind: json.kind.unwrap_or_default(),
            disks: self.uses(&json.disks),
            source: source(json.source.as_ref()),
            ..Snapshot::default()
        }
    }

    fn disk(&mut self, json: &DiskJson, id: DiskId) {
        let mut own: Vec<Finding> = json.findings.iter().map(|of| self.finding(of)).collect();
        let links = own.split_off(json.own_findings.min(own.len()));
        let header = header(json);
        let born = json.created_source.as_deref().and_then(|source| {
            let source = match source {
                "filesystem" => BornSource::OtherFileSystem,
                "host" | "times-file" => BornSource::Host,
                "lvm" => BornSource::Lvm,
                _ => return None,
            };
            Some(Born {
                at: json.created?,
                source,
            })
        });
        let parent = json.parent.as_ref().map(|parent| self.link(parent));
        let children = json
            .children
            .iter()
            .filter_map(|child| self.disk_at(child))
            .filter(|child| *child != id)
            .collect();
        let node = Node {
            parent,
            children,
            depth: json.depth,
            product: json.product.unwrap_or_default(),
            role: json.role.as_deref().and_then(role),
            label: json.label.as_deref().map(Into::into),
            findings: links,
            ..Node::default()
        };
        let mut assessed = DiskAssessment {
            made_by_revert: json.made_by_revert,
            equals_parent: json.equals_parent,
            ..DiskAssessment::default()
        };
        for snapshot in &json.snapshots {
            self.snapshot(snapshot, id, &mut assessed);
        }
        self.forest.disks.push(Arc::new(Disk {
            path: path(&json.path, json.path_bytes.as_deref()),
            file: FileFacts {
                len: json.file_size,
                modified: json.modified,
                born,
                ..FileFacts::default()
            },
            header,
            counts: counts(json),
            findings: own,
            liveness: if json.live {
                Liveness::Live
            } else {
                Liveness::Still
            },
        }));
        self.forest.nodes.push(node);
        self.forest.free_bytes.push(json.free);
        // A disk above may come before or after the snapshot that names it.
        if let Some(known) = self.assessment.disks.get_mut(id.0 as usize) {
            assessed.above_of = known.above_of;
            *known = assessed;
        }
    }

    /// Disks of one host follow each other.
    fn scanned_on(&mut self, host: Option<&String>, first: DiskId) {
        let Some(host) = host else { return };
        if self
            .forest
            .scanned_on
            .last()
            .is_none_or(|of| of.host != *host)
        {
            let host = host.clone();
            let at = self.moments.get(&host).copied();
            self.forest.scanned_on.push(ScannedOn { host, first, at });
        }
    }

    fn snapshot(&mut self, json: &SnapshotJson, disk: DiskId, assessed: &mut DiskAssessment) {
        let known = json
            .known
            .map(SnapshotId)
            .filter(|id| self.forest.snapshot(*id).is_some());
        if let Some(at) = known.and_then(|id| self.assessed.get(&id).copied()) {
            // Another disk of the same snapshot: its machine was frozen as one.
            assessed.snapshots.push(at);
            if let Some(first) = self.assessment.snapshots.get_mut(at) {
                first.frozen.push(disk);
            }
            return;
        }
        let Some(verdict) = json.verdict.as_ref().and_then(|json| self.verdict(json)) else {
            return;
        };
        let taken = json.taken.map(|at| Taken {
            at,
            source: json.taken_source.unwrap_or(TakenSource::FrozenWrite),
        });
        let snapshot = known.and_then(|id| self.forest.snapshots.get_mut(id.0 as usize));
        if let Some(snapshot) = snapshot {
            snapshot.taken.extend(taken);
        }
        let at = self.assessment.snapshots.len();
        let above = verdict.above.map(|above| above.0 as usize);
        if let Some(of) = above.and_then(|index| self.assessment.disks.get_mut(index)) {
            of.above_of = Some(at);
        }
        let machine = json.machine.map(MachineId);
        self.assessment.snapshots.push(AssessedSnapshot {
            snapshot: known,
            machine: machine.filter(|id| self.forest.machine(*id).is_some()),
            now_known: true,
            frozen: vec![disk],
            taken,
            verdict,
            stopped_by: json.stopped_by.as_deref().and_then(|id| self.code(id)),
        });
        assessed.snapshots.push(at);
        self.assessed.extend(known.map(|id| (id, at)));
    }

    fn verdict(&self, json: &VerdictJson) -> Option<Verdict> {
        let reverted = json.reverted?;
        Some(Verdict {
            reverted,
            rule: Rule::from_code(&json.rule, reverted),
            applied_at: json.applied_at,
            snapshot: json.snapshot,
            disk_above: json.disk_above,
            above: json.above.as_deref().and_then(|path| self.disk_at(path)),
            stands_at_snapshot: json.stands_at_snapshot,
            evidence: json.evidence.iter().map(|one| self.evidence(one)).collect(),
            summary: json.summary.clone(),
            would_settle: json.would_settle.clone(),
        })
    }

    fn evidence(&self, json: &EvidenceJson) -> Evidence {
        let code = self.code(&json.code);
        let same = json.slack_seconds.unwrap_or(Slack::DATE.same);
        Evidence {
            code: code.unwrap_or(&codes::SAVED_INFO),
            of: json.of.unwrap_or(Of::DiskAbove),
            says: match (json.says.as_deref(), json.time) {
                (Some("at"), Some(at)) => Some(Says::At(at)),
                (Some("not-before"), Some(at)) => Some(Says::NotBefore(at)),
                (Some("not-after"), Some(at)) => Some(Says::NotAfter(at)),
                (Some("for"), _) => Some(Says::For),
                (Some("against"), _) => Some(Says::Against),
                _ => None,
            },
            slack: Slack {
                same,
                ..Slack::DATE
            },
            state: match (json.state.as_str(), &json.why) {
                ("dropped", why) => EvidenceState::Dropped(why.clone().unwrap_or_default()),
                ("missing", _) => EvidenceState::Missing,
                _ => EvidenceState::Used,
            },
            text: with_code(code, &json.code, &json.text),
            source: json.source.clone(),
        }
    }

    fn code(&self, id: &str) -> Option<&'static Code> {
        self.codes.get(id).copied()
    }

    fn finding(&self, json: &FindingJson) -> Finding {
        let code = self.code(&json.code);
        Finding {
            code: code
                .unwrap_or_else(|| codes::saved(json.severity.parse().unwrap_or(Severity::Info))),
            at: json.at,
            expected: json.expected.clone().unwrap_or_default(),
            actual: json.actual.clone().unwrap_or_default(),
            text: with_code(code, &json.code, &json.text),
        }
    }

    fn link(&self, json: &ParentJson) -> ParentLink {
        let resolved = json.resolved.as_deref();
        ParentLink {
            state: json.state.unwrap_or(LinkState::Missing),
            disk: resolved.and_then(|path| self.disk_at(path)),
            resolved: resolved.map(PathBuf::from),
            by: json.resolved_by,
            tried: Vec::new(),
        }
    }
}

fn with_code(known: Option<&Code>, id: &str, text: &str) -> String {
    match known {
        Some(_) => text.to_owned(),
        None => format!("{id}: {text}"),
    }
}

#[cfg(unix)]
pub(super) fn path(text: &str, bytes: Option<&str>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    match bytes.and_then(crate::format::base64::decode) {
        Some(bytes) => PathBuf::from(std::ffi::OsString::from_vec(bytes)),
        None => PathBuf::from(text),
    }
}

#[cfg(not(unix))]
pub(super) fn path(text: &str, bytes: Option<&str>) -> PathBuf {
    // Bytes of another system's name have no meaning here; the text shows the file all the same.
    let _ = bytes.and_then(crate::format::base64::decode);
    PathBuf::from(text)
}

fn source(path: Option<&String>) -> PathBuf {
    path.map(PathBuf::from).unwrap_or_default()
}

/// A role is one of few texts; kept as a constant so that a saved scan cannot grow the program.
fn role(text: &str) -> Option<&'static str> {
    crate::report::words::ROLES
        .iter()
        .copied()
        .find(|known| *known == text)
}

fn header(json: &DiskJson) -> Option<Header> {
    let (format, kind) = (json.format?, json.kind?);
    let footer = json.created_source.as_deref() == Some("footer");
    let block_size = json.block_size;
    let virtual_size = json.virtual_size?;
    Some(Header {
        format,
        kind,
        virtual_size,
        stored_size: virtual_size,
        file_size: json.file_size,
        block_size,
        sector_size: json.sector_size.filter(|size| *size > 0)?,
        blocks: block_size
            .filter(|size| *size > 0)
            .map_or(0, |size| virtual_size.div_ceil(u64::from(size))),
        id: json.id.unwrap_or_default(),
        data_write_id: json.data_write_id,
        creator: json.creator.clone().unwrap_or_default(),
        created: json.created.filter(|_| footer),
        parent: json.parent.as_ref().map(|parent| ParentRef {
            id_wanted: parent.id_wanted,
            paths: parent
                .stored_paths
                .iter()
                .map(|text| StoredPath {
                    kind: if text.starts_with(['.', '/']) || !text.contains(':') {
                        PathKind::Relative
                    } else {
                        PathKind::Absolute
                    },
                    field: "saved",
                    text: text.clone(),
                })
                .collect(),
            ..ParentRef::default()
        }),
        specific: (format.rules().unknown)(),
    })
}

fn counts(json: &DiskJson) -> Option<Counts> {
    Some(Counts {
        dirty_sectors: json.dirty_sectors.unwrap_or(0),
        complete: json.counted,
        ..json.blocks.clone()?
    })
}
