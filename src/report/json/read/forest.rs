//! From the records of a saved scan to a forest with its verdicts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::Saved;
use crate::analysis::evidence::{EvidenceState, Of, Says, Slack};
use crate::analysis::{
    AssessedSnapshot, Assessment, DiskAssessment, Evidence, Interval, Reverted, Rule, Verdict,
};
use crate::finding::{Code, Finding, Severity};
use crate::format::parent::{ParentRef, PathKind, StoredPath};
use crate::image::{Counts, Header, Specific};
use crate::report::codes;
use crate::report::json::FindingJson;
use crate::report::json::ls::{
    DiskJson, EvidenceJson, IntervalJson, LsBody, ParentJson, SnapshotJson, VerdictJson,
};
use crate::store::{
    Born, BornSource, Disk, DiskId, DiskUse, FileFacts, Forest, LinkState, Liveness, Machine,
    MachineId, Node, ParentLink, ScannedOn, Snapshot, SnapshotId, Taken, TakenSource,
};

/// Machine, id and name of a snapshot: the same on each of its disks.
type SnapshotKey = (Option<String>, Option<String>, Option<String>);

/// What is built up while the disks go by.
pub(super) struct Reader<'a> {
    codes: HashMap<&'static str, &'static Code>,
    by_path: HashMap<&'a str, DiskId>,
    forest: Forest,
    assessment: Assessment,
    machines: HashMap<String, MachineId>,
    snapshots: HashMap<SnapshotKey, usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a LsBody) -> Self {
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
            assessment: Assessment::default(),
            machines: HashMap::new(),
            snapshots: HashMap::new(),
        }
    }

    pub(super) fn finish(mut self, body: &LsBody) -> Saved {
        self.forest.at = time(body.at.as_deref());
        self.forest.roots = body.roots.iter().map(PathBuf::from).collect();
        for machine in &body.machines {
            let disks = machine.disks.as_ref().map(|disks| {
                let used = |path: &String| DiskUse {
                    path: path.clone(),
                    disk: self.by_path.get(path.as_str()).copied(),
                    slot: None,
                };
                disks.iter().map(used).collect()
            });
            let id = self.machine(&machine.name);
            if let Some(known) = self.forest.machines.get_mut(id.0 as usize) {
                known.id = machine.id.as_deref().and_then(|id| id.parse().ok());
                known.disks = disks;
                known.source = machine
                    .source
                    .as_deref()
                    .map(PathBuf::from)
                    .unwrap_or_default();
            }
        }
        for (disk, id) in body.disks.iter().zip(0..u32::MAX) {
            self.scanned_on(disk.host.as_ref().or(body.host.as_ref()), DiskId(id));
            self.disk(disk, DiskId(id));
        }
        let no_children = |node: &Node| node.children.is_empty();
        debug_assert!(self.forest.nodes.iter().any(no_children) || body.disks.is_empty());
        self.forest.tops = self
            .forest
            .ids()
            .filter(|id| {
                let hangs = |link: &ParentLink| {
                    matches!(
                        link.state,
                        LinkState::Ok | LinkState::IdMismatch | LinkState::ByHost
                    ) && link.disk.is_some()
                };
                !self
                    .forest
                    .node(*id)
                    .and_then(|node| node.parent.as_ref())
                    .is_some_and(hangs)
            })
            .collect();
        Saved {
            forest: self.forest,
            assessment: self.assessment,
        }
    }

    fn disk(&mut self, json: &DiskJson, id: DiskId) {
        let (own, links) = self.findings(&json.findings);
        let header = header(json);
        let born = json.created_source.as_deref().and_then(|source| {
            let source = match source {
                "filesystem" => BornSource::OtherFileSystem,
                "host" | "times-file" => BornSource::Host,
                "lvm" => BornSource::Lvm,
                _ => return None,
            };
            Some(Born {
                at: time(json.created.as_deref())?,
                source,
            })
        });
        let parent = json.parent.as_ref().map(|parent| self.link(parent));
        let children = json
            .children
            .iter()
            .filter_map(|child| self.by_path.get(child.as_str()).copied())
            .filter(|child| *child != id)
            .collect();
        let users = json.in_use_by.iter().flatten();
        let in_use_by = users.map(|name| self.machine(name)).collect();
        let mut node = Node {
            parent,
            children,
            depth: json.depth,
            product: json.product.unwrap_or_default(),
            in_use_by,
            snapshots: Vec::new(),
            role: json.role.as_deref().and_then(role),
            host: None,
            pool: None,
            label: json.label.as_deref().map(Into::into),
            findings: links,
        };
        let mut assessed = DiskAssessment {
            made_by_revert: json.made_by_revert.as_deref().and_then(reverted),
            equals_parent: json.equals_parent,
            ..DiskAssessment::default()
        };
        for snapshot in &json.snapshots {
            self.snapshot(snapshot, id, &mut node, &mut assessed);
        }
        self.forest.disks.push(Arc::new(Disk {
            path: path(&json.path, json.path_bytes.as_deref()),
            file: FileFacts {
                len: json.file_size,
                modified: time(json.modified.as_deref()),
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
        while self.assessment.disks.len() <= id.0 as usize {
            self.assessment.disks.push(DiskAssessment::default());
        }
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
            self.forest.scanned_on.push(ScannedOn { host, first });
        }
    }

    fn machine(&mut self, name: &str) -> MachineId {
        if let Some(id) = self.machines.get(name) {
            return *id;
        }
        let id = MachineId(u32::try_from(self.forest.machines.len()).unwrap_or(u32::MAX));
        self.forest.machines.push(Machine {
            name: name.to_owned(),
            ..Machine::default()
        });
        self.machines.insert(name.to_owned(), id);
        id
    }

    fn snapshot(
        &mut self,
        json: &SnapshotJson,
        disk: DiskId,
        node: &mut Node,
        assessed: &mut DiskAssessment,
    ) {
        let named = json.name.is_some() || json.id.is_some();
        let key = (json.vm.clone(), json.id.clone(), json.name.clone());
        if let Some(at) = self.snapshots.get(&key).copied().filter(|_| named) {
            // Another disk of the same snapshot: its machine was frozen as one.
            assessed.snapshots.push(at);
            if let Some(known) = self.assessment.snapshots.get_mut(at) {
                known.frozen.push(disk);
                node.snapshots.extend(known.snapshot);
            }
            return;
        }
        let machine = json.vm.as_deref().map(|vm| self.machine(vm));
        let taken = time(json.taken.as_deref()).map(|at| Taken {
            at,
            source: json.taken_source.unwrap_or(TakenSource::FrozenWrite),
        });
        let known = named.then(|| {
            let id = SnapshotId(u32::try_from(self.forest.snapshots.len()).unwrap_or(u32::MAX));
            self.forest.snapshots.push(Snapshot {
                name: json.name.clone(),
                id: json.id.clone(),
                machine,
                parent: json.parent.clone(),
                taken: taken.into_iter().collect(),
                kind: json.kind.unwrap_or_default(),
                ..Snapshot::default()
            });
            id
        });
        let Some(verdict) = json.verdict.as_ref().and_then(|json| self.verdict(json)) else {
            node.snapshots.extend(known);
            return;
        };
        let at = self.assessment.snapshots.len();
        if let Some(above) = verdict.above {
            let index = above.0 as usize;
            while self.assessment.disks.len() <= index && index < self.by_path.len() {
                self.assessment.disks.push(DiskAssessment::default());
            }
            if let Some(of) = self.assessment.disks.get_mut(index) {
                of.above_of = Some(at);
            }
        }
        self.assessment.snapshots.push(AssessedSnapshot {
            snapshot: known,
            machine,
            now_known: true,
            frozen: vec![disk],
            taken,
            verdict,
            stopped_by: json.stopped_by.as_deref().and_then(|id| self.code(id)),
        });
        node.snapshots.extend(known);
        assessed.snapshots.push(at);
        self.snapshots.insert(key, at);
    }

    fn verdict(&self, json: &VerdictJson) -> Option<Verdict> {
        let reverted = reverted(&json.reverted)?;
        Some(Verdict {
            reverted,
            rule: Rule::from_code(&json.rule, reverted),
            applied_at: time(json.applied_at.as_deref()),
            snapshot: interval(&json.snapshot),
            disk_above: interval(&json.disk_above),
            above: json
                .above
                .as_deref()
                .and_then(|path| self.by_path.get(path).copied()),
            stands_at_snapshot: json.stands_at_snapshot,
            evidence: json.evidence.iter().map(|one| self.evidence(one)).collect(),
            summary: json.summary.clone(),
            would_settle: json.would_settle.clone(),
        })
    }

    fn evidence(&self, json: &EvidenceJson) -> Evidence {
        let code = self.code(&json.code);
        let of = match json.of.as_str() {
            "snapshot" => Of::Snapshot,
            _ => Of::DiskAbove,
        };
        let at = time(json.time.as_deref());
        let same = json.slack_seconds.unwrap_or(Slack::DATE.same);
        Evidence {
            code: code.unwrap_or(&codes::SAVED_INFO),
            of,
            says: match (json.says.as_deref(), at) {
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

    /// Findings of the file and of its links, apart again as far as their codes tell.
    fn findings(&self, all: &[FindingJson]) -> (Vec<Finding>, Vec<Finding>) {
        let read = all.iter().map(|json| {
            let code = self.code(&json.code);
            Finding {
                code: code.unwrap_or_else(|| codes::saved(severity(&json.severity))),
                at: json.at,
                expected: json.expected.clone().unwrap_or_default(),
                actual: json.actual.clone().unwrap_or_default(),
                text: with_code(code, &json.code, &json.text),
            }
        });
        (read.collect(), Vec::new())
    }

    fn link(&self, json: &ParentJson) -> ParentLink {
        ParentLink {
            state: json.state.unwrap_or(LinkState::Missing),
            disk: json
                .resolved
                .as_deref()
                .and_then(|path| self.by_path.get(path).copied()),
            resolved: json.resolved.as_deref().map(PathBuf::from),
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

fn interval(json: &IntervalJson) -> Interval {
    Interval {
        not_before: time(json.not_before.as_deref()),
        not_after: time(json.not_after.as_deref()),
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn severity(word: &str) -> Severity {
    match word {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    }
}

fn reverted(word: &str) -> Option<Reverted> {
    [
        Reverted::Certain,
        Reverted::Likely,
        Reverted::CannotTell,
        Reverted::NoSign,
        Reverted::NotReverted,
    ]
    .into_iter()
    .find(|known| known.word() == word)
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
    let guid = |text: &Option<String>| text.as_deref().and_then(|id| Uuid::try_parse(id).ok());
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
        id: guid(&json.id).unwrap_or_default(),
        data_write_id: guid(&json.data_write_id),
        creator: json.creator.clone().unwrap_or_default(),
        created: time(json.created.as_deref()).filter(|_| footer),
        parent: json.parent.as_ref().map(|parent| ParentRef {
            id_wanted: guid(&parent.id_wanted),
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
        specific: Specific::unknown(format),
    })
}

fn counts(json: &DiskJson) -> Option<Counts> {
    let blocks = json.blocks?;
    Some(Counts {
        total: blocks.total,
        full: blocks.full,
        partial: blocks.partial,
        zero: blocks.zero,
        unmapped: blocks.unmapped,
        absent: blocks.absent,
        error: blocks.error,
        dirty_sectors: json.dirty_sectors.unwrap_or(0),
        findings: Vec::new(),
        complete: json.counted,
    })
}
