//! `files --json` and `--ndjson`: volumes, files, totals. Records of NDJSON carry their kind in `record`.

use serde::Serialize;

use super::FindingJson;
use crate::analysis::files::noise::is_noise;
use crate::analysis::files::{FilesReport, VolumeRow};
use crate::guest::disk::VolumePlace;
use crate::guest::filesystem::{Change, ChangeKind, FileKind, FileVersion, GuestTime, VolumeState};
use crate::report::files::ChangeTotals;

/// The keys of `files` beside the head.
#[derive(Debug, Serialize)]
pub struct FilesBody<F> {
    pub volumes: Vec<VolumeJson>,
    /// A list of [`FileJson`].
    pub files: F,
    pub totals: TotalsJson,
    pub findings: Vec<GuestFindingJson>,
    pub read: ReadJson,
}

/// What was read of the disks' content.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ReadJson {
    pub bytes: u64,
    pub reads: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct VolumeJson {
    record: &'static str,
    volume: String,
    fs: Option<String>,
    label: Option<String>,
    id: Option<String>,
    readable: bool,
    why: Option<String>,
    /// `null` if it cannot be read.
    clean: Option<bool>,
    written: u64,
}

impl VolumeJson {
    pub fn new(row: &VolumeRow) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            record: "volume",
            volume: row.name.clone(),
            fs: some(&row.kind.to_lowercase()),
            label: some(&row.label),
            id: some(&row.id),
            readable: row.why.is_none(),
            why: row.why.as_ref().map(|why| why.text.clone()),
            clean: row.state.map(|state| state != VolumeState::NotClean),
            written: row.written_bytes,
        }
    }
}

/// A volume inside a disk, as `info` tells of it: by the marks at its start.
#[derive(Debug, Clone, Serialize)]
pub struct DiskVolumeJson {
    volume: String,
    fs: Option<String>,
    size: u64,
    /// The byte of the disk where it begins; `null` for a logical volume.
    start: Option<u64>,
    readable: bool,
    why: Option<String>,
}

impl DiskVolumeJson {
    pub fn new(place: &VolumePlace) -> Self {
        let why = place.why();
        Self {
            volume: place.name.clone(),
            fs: (!place.word.is_empty()).then(|| place.word.to_lowercase()),
            size: place.bytes(),
            start: place.start(),
            readable: why.is_none(),
            why: why.map(|why| why.text),
        }
    }
}

/// A file that changed, or, without a change, one that is there.
#[derive(Debug, Clone, Serialize)]
pub struct FileJson {
    record: &'static str,
    volume: String,
    change: Option<&'static str>,
    #[serde(rename = "type")]
    kind: &'static str,
    path: Option<String>,
    old_path: Option<String>,
    size: Option<u64>,
    old_size: Option<u64>,
    modified: Option<String>,
    old_modified: Option<String>,
    written: Option<u64>,
    noise: bool,
    id: String,
    links: Vec<String>,
    streams: Vec<String>,
}

impl FileJson {
    pub fn changed(volume: &str, change: &Change) -> Self {
        let size = |version: Option<FileVersion>| version?.bytes;
        let modified = |version: Option<FileVersion>| version?.modified.map(time_text);
        Self {
            record: "file",
            volume: volume.to_owned(),
            change: Some(change.kind.word()),
            kind: change.file.word(),
            path: change.path.clone(),
            old_path: change.old_path.clone(),
            size: size(change.after),
            old_size: size(change.before),
            modified: modified(change.after),
            old_modified: modified(change.before),
            written: Some(change.written_bytes),
            noise: is_noise(change),
            id: change.id.to_string(),
            links: change.links.clone(),
            streams: change.streams.clone(),
        }
    }

    pub fn listed(
        volume: &str,
        path: &str,
        kind: FileKind,
        id: String,
        version: &FileVersion,
        streams: Vec<String>,
    ) -> Self {
        Self {
            record: "file",
            volume: volume.to_owned(),
            change: None,
            kind: kind.word(),
            path: Some(path.to_owned()),
            old_path: None,
            size: version.bytes,
            old_size: None,
            modified: version.modified.map(time_text),
            old_modified: None,
            written: None,
            noise: false,
            id,
            links: Vec::new(),
            streams,
        }
    }
}

/// RFC 3339 in UTC; a guest's local time, whose zone nobody knows, without one.
pub fn time_text(at: GuestTime) -> String {
    match at {
        GuestTime::Utc(at) => at.to_string(),
        GuestTime::Local(at) => at.to_string(),
    }
}

/// How many changes of each kind there are, and what they wrote.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TotalsJson {
    created: u64,
    modified: u64,
    deleted: u64,
    renamed: u64,
    replaced: u64,
    linked: u64,
    unlinked: u64,
    metadata: u64,
    written: u64,
    noise: u64,
    written_bytes: u64,
}

impl TotalsJson {
    pub fn new(totals: &ChangeTotals) -> Self {
        use crate::report::files::Fold;
        Self {
            created: totals.of(ChangeKind::Created),
            modified: totals.of(ChangeKind::Modified),
            deleted: totals.of(ChangeKind::Deleted),
            renamed: totals.of(ChangeKind::Renamed),
            replaced: totals.of(ChangeKind::Replaced),
            linked: totals.of(ChangeKind::Linked),
            unlinked: totals.of(ChangeKind::Unlinked),
            metadata: totals.folded(Fold::Metadata) + totals.folded(Fold::TouchedFolder),
            written: totals.of(ChangeKind::Written),
            noise: totals.folded(Fold::Noise),
            written_bytes: totals.written_bytes,
        }
    }
}

/// A finding about a volume.
#[derive(Debug, Clone, Serialize)]
pub struct GuestFindingJson {
    volume: String,
    #[serde(flatten)]
    finding: FindingJson,
}

/// The last record.
#[derive(Debug, Serialize)]
pub struct EndJson {
    record: &'static str,
    complete: bool,
    totals: TotalsJson,
    findings: Vec<GuestFindingJson>,
    read: ReadJson,
}

impl EndJson {
    pub fn new(report: &FilesReport, totals: &ChangeTotals) -> Self {
        Self {
            record: "end",
            complete: report.complete,
            totals: TotalsJson::new(totals),
            findings: findings(report),
            read: read(report),
        }
    }
}

pub fn findings(report: &FilesReport) -> Vec<GuestFindingJson> {
    let of = |(volume, finding): &(String, _)| GuestFindingJson {
        volume: volume.clone(),
        finding: FindingJson::from(finding),
    };
    report.findings.iter().map(of).collect()
}

pub fn read(report: &FilesReport) -> ReadJson {
    ReadJson {
        bytes: report.read_bytes,
        reads: report.reads,
    }
}
