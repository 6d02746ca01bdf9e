//! `vhdtree-host/1`: facts as the scripts of `vhdtree collect` write them. JSON; unknown keys are ignored, what is not known
//! is `null` or left out, words are read without case.
//!
//! A file and a disk of one path are one [`HostFile`].

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::{
    HostDisk, HostError, HostFacts, HostFile, HostMachine, HostSnapshot, limits, snapshot_id,
};
use crate::format::guid;
use crate::image::Kind;
use crate::store::SnapshotKind;
use crate::store::when::{self, DayOrder, When, ZoneNamed};

/// The schema read here, without its version.
const SCHEMA: &str = "vhdtree-host/";
/// The version read here.
const VERSION: &str = "1";
/// So far into the text the schema is looked for: it is written first.
const HEAD_CHARS: usize = 4096;

/// Whether a text says that it is of this schema.
pub(super) fn is_native(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let end = text
        .char_indices()
        .nth(HEAD_CHARS)
        .map_or(text.len(), |(at, _)| at);
    text.starts_with('{')
        && text
            .get(..end)
            .is_some_and(|head| head.contains(&format!("\"{SCHEMA}")))
}

/// Reads the facts.
///
/// # Errors
/// Another version, wrong JSON, a value of a wrong type, a time without a zone where one is needed.
pub(super) fn read(text: &str) -> Result<HostFacts, HostError> {
    let text = text.trim_start_matches('\u{feff}');
    let wire: NativeJson =
        serde_json::from_str(text).map_err(|error| HostError::Json(error.to_string()))?;
    if wire.schema.strip_prefix(SCHEMA) != Some(VERSION) {
        return Err(HostError::Schema(wire.schema));
    }
    let names: HashMap<Uuid, &str> = wire
        .machines
        .iter()
        .filter_map(|of| Some((id(of.id.as_deref())?, of.name.as_deref()?)))
        .collect();
    let snapshots = wire.snapshots.iter().enumerate();
    let snapshots = snapshots
        .map(|(n, of)| of.read(&names, RowPlace("snapshots", n)))
        .collect::<Result<_, _>>()?;
    let mut files = FileRecords::default();
    for (n, of) in wire.files.iter().enumerate() {
        let file = files.of(of.path.as_deref(), RowPlace("files", n))?;
        file.len = of.length;
        file.born = zoned(of.created.as_deref(), RowPlace("files", n), "created")?;
        file.modified = zoned(of.written.as_deref(), RowPlace("files", n), "written")?;
    }
    for (n, of) in wire.disks.into_iter().enumerate() {
        let file = files.of(of.path.as_deref(), RowPlace("disks", n))?;
        file.len = file.len.or(of.file_size);
        file.disk = Some(of.read());
    }
    let free = wire.free.into_iter();
    Ok(HostFacts {
        at: zoned(wire.at.as_deref(), "the file", "at")?,
        host: wire.host,
        machines: wire.machines.into_iter().map(MachineRecord::read).collect(),
        snapshots,
        files: files.list,
        free: free.filter_map(|of| Some((of.path?, of.bytes?))).collect(),
        vdis: Vec::new(),
    })
}

#[derive(Deserialize)]
struct NativeJson {
    schema: String,
    host: Option<String>,
    at: Option<String>,
    #[serde(default, deserialize_with = "few_machines")]
    machines: Vec<MachineRecord>,
    #[serde(default, deserialize_with = "few_snapshots")]
    snapshots: Vec<SnapshotRecord>,
    #[serde(default, deserialize_with = "few_disks")]
    disks: Vec<DiskRecord>,
    #[serde(default, deserialize_with = "few_files")]
    files: Vec<FileRecord>,
    #[serde(default, deserialize_with = "few_free")]
    free: Vec<Free>,
}

/// Readers of lists, which stop where there is too much.
macro_rules! few {
    ($($name:ident: $of:ty, $most:expr, $what:literal;)*) => {
        $(fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<$of>, D::Error> {
            limits::few(from, $most, $what)
        })*
    };
}

few! {
    few_machines: MachineRecord, limits::MACHINES, "machines";
    few_snapshots: SnapshotRecord, limits::SNAPSHOTS, "snapshots";
    few_disks: DiskRecord, limits::FILES, "disks";
    few_files: FileRecord, limits::FILES, "files";
    few_free: Free, limits::VOLUMES, "places with free space";
}

/// A list of paths; one that is not there is not known.
fn few_paths<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    struct PathList;

    impl<'de> Visitor<'de> for PathList {
        type Value = Option<Vec<String>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            limits::few(from, limits::DISKS, "disks of one machine").map(Some)
        }
    }

    from.deserialize_option(PathList)
}

#[derive(Deserialize)]
struct MachineRecord {
    id: Option<String>,
    name: Option<String>,
    state: Option<String>,
    parent_snapshot: Option<String>,
    last_applied: Option<String>,
    #[serde(default, deserialize_with = "few_paths")]
    disks: Option<Vec<String>>,
}

impl MachineRecord {
    fn read(self) -> HostMachine {
        HostMachine {
            id: id(self.id.as_deref()),
            name: self.name.or(self.id).unwrap_or_default(),
            running: self
                .state
                .map(|state| state.eq_ignore_ascii_case("running")),
            parent: self.parent_snapshot,
            last_applied: self.last_applied.as_deref().and_then(snapshot_id),
            disks: self.disks,
        }
    }
}

#[derive(Deserialize)]
struct SnapshotRecord {
    id: Option<String>,
    name: Option<String>,
    machine: Option<String>,
    parent: Option<String>,
    taken: Option<String>,
    kind: Option<String>,
    #[serde(default, deserialize_with = "few_paths")]
    disks: Option<Vec<String>>,
}

impl SnapshotRecord {
    fn read(&self, names: &HashMap<Uuid, &str>, at: RowPlace) -> Result<HostSnapshot, HostError> {
        let vm_id = id(self.machine.as_deref());
        let of_id = vm_id.and_then(|id| names.get(&id).map(|name| (*name).to_owned()));
        Ok(HostSnapshot {
            vm: of_id.or_else(|| self.machine.clone().filter(|_| vm_id.is_none())),
            vm_id,
            name: self
                .name
                .clone()
                .or_else(|| self.id.clone())
                .unwrap_or_default(),
            id: self.id.as_deref().and_then(snapshot_id),
            parent: self.parent.clone(),
            taken: time(self.taken.as_deref(), at, "taken")?,
            kind: kind(self.kind.as_deref()),
            disks: self.disks.clone(),
        })
    }
}

#[derive(Deserialize)]
struct DiskRecord {
    path: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    parent: Option<String>,
    id: Option<String>,
    size: Option<u64>,
    file_size: Option<u64>,
    block_size: Option<u64>,
    attached: Option<bool>,
}

impl DiskRecord {
    fn read(self) -> HostDisk {
        let kind = self.kind.map(|kind| kind.to_ascii_lowercase());
        HostDisk {
            id: id(self.id.as_deref()),
            parent: self.parent.filter(|parent| !parent.trim().is_empty()),
            kind: match kind.as_deref() {
                Some("fixed") => Some(Kind::Fixed),
                Some("dynamic") => Some(Kind::Dynamic),
                Some("differencing") => Some(Kind::Differencing),
                _ => None,
            },
            size: self.size,
            block_size: self.block_size,
            attached: self.attached,
        }
    }
}

#[derive(Deserialize)]
struct FileRecord {
    path: Option<String>,
    length: Option<u64>,
    created: Option<String>,
    written: Option<String>,
}

#[derive(Deserialize)]
struct Free {
    path: Option<String>,
    bytes: Option<u64>,
}

/// A list of the input, and the place in it.
#[derive(Clone, Copy)]
struct RowPlace(&'static str, usize);

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.0, self.1)
    }
}

/// Files by path, each once.
#[derive(Default)]
struct FileRecords {
    list: Vec<HostFile>,
    known: HashMap<String, usize>,
}

impl FileRecords {
    fn of(&mut self, path: Option<&str>, at: RowPlace) -> Result<&mut HostFile, HostError> {
        let path = path.filter(|path| !path.trim().is_empty());
        let path = path.ok_or_else(|| HostError::Json(format!("{at} has no path")))?;
        let next = self.list.len();
        let known = *self.known.entry(path.to_lowercase()).or_insert(next);
        if known == next {
            self.list.push(HostFile {
                path: path.to_owned(),
                ..HostFile::default()
            });
        }
        let file = self.list.get_mut(known);
        file.ok_or_else(|| HostError::Json(format!("{at} has no path")))
    }
}

fn id(text: Option<&str>) -> Option<Uuid> {
    text.and_then(guid::from_text)
}

fn kind(word: Option<&str>) -> SnapshotKind {
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("standard") => SnapshotKind::Standard,
        Some("production") => SnapshotKind::Production,
        Some("recovery") => SnapshotKind::Recovery,
        Some("replica") => SnapshotKind::Replica,
        Some("automatic") => SnapshotKind::Automatic,
        Some("other") => SnapshotKind::Other,
        _ => SnapshotKind::Unknown,
    }
}

fn time(text: Option<&str>, at: impl fmt::Display, field: &str) -> Result<Option<When>, HostError> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let when = when::parse(text, DayOrder::Unknown);
    when.map(Some)
        .map_err(|why| HostError::Json(format!("{at}, {field}: \"{text}\" {why}")))
}

fn zoned(
    text: Option<&str>,
    at: impl fmt::Display + Copy,
    field: &str,
) -> Result<Option<Timestamp>, HostError> {
    match time(text, at, field)? {
        Some(when) if when.zone == ZoneNamed::HostLocal => Err(HostError::Json(format!(
            "{at}, {field}: \"{}\" has no zone",
            text.unwrap_or_default()
        ))),
        when => Ok(when.map(|when| when.at)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const WHOLE: &str = r#"{"schema":"vhdtree-host/1","host":"HV01","at":"2026-11-27T10:00:00Z","product":"hyperv","unknown":{"a":[1]},
      "machines":[{"id":"11111111-2222-4333-8444-555555555555","name":"検証","state":"Running","version":"9.0","parent_snapshot":null,"disks":["D:\\a_1.avhdx"]},
                  {"name":"off","state":"OFF","disks":null}],
      "snapshots":[{"id":"{AAAAAAAA-2222-4333-8444-555555555555}","name":"s","machine":"11111111-2222-4333-8444-555555555555","taken":"2026-01-05T09:00:00+09:00","kind":"Production","disks":["D:\\a.vhdx"]}],
      "disks":[{"path":"d:\\A.vhdx","format":"VHDX","type":"Dynamic","id":"BBBBBBBB-2222-4333-8444-555555555555","size":1024,"file_size":10,"attached":true},
               {"path":"D:\\a_1.avhdx","type":"Differencing","parent":"D:\\a.vhdx"}],
      "files":[{"path":"D:\\a.vhdx","length":12,"created":"2026-01-01T00:00:00Z","written":"2026-01-05T00:00:00Z"}],
      "free":[{"path":"D:\\","bytes":5}]}"#;

    #[test]
    fn every_part_is_read_and_a_disk_is_its_file() {
        let facts = read(WHOLE.as_bytes()).unwrap();
        assert_eq!(facts.host.as_deref(), Some("HV01"));
        assert_eq!(facts.machines[0].name, "検証");
        assert_eq!(facts.machines[0].running, Some(true));
        assert_eq!(facts.machines[1].running, Some(false));
        assert_eq!(facts.machines[1].disks, None);
        let snapshot = &facts.snapshots[0];
        assert_eq!(snapshot.vm.as_deref(), Some("検証"));
        assert_eq!(snapshot.kind, SnapshotKind::Production);
        assert_eq!(
            snapshot.taken.unwrap().at.to_string(),
            "2026-01-05T00:00:00Z"
        );
        assert_eq!(facts.files.len(), 2);
        assert_eq!(facts.files[0].len, Some(12));
        let disk = facts.files[0].disk.as_ref().unwrap();
        assert_eq!(
            (disk.kind, disk.attached),
            (Some(Kind::Dynamic), Some(true))
        );
        let child = facts.files[1].disk.as_ref().unwrap();
        assert_eq!(child.parent.as_deref(), Some("D:\\a.vhdx"));
        assert_eq!(facts.free, [("D:\\".to_owned(), 5)]);
    }

    #[test]
    fn faults_say_where() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        let json = |rest: &str| format!("{{\"schema\":\"vhdtree-host/1\"{rest}}}");
        assert_eq!(
            error(&json("").replace("/1", "/2")),
            "its schema is vhdtree-host/2; vhdtree-host/1 is read"
        );
        assert_eq!(
            error(&json(r#","files":[{"length":1}]"#)),
            "files[0] has no path"
        );
        assert!(
            error(&json(
                r#","files":[{"path":"a","created":"2026-01-01T00:00:00"}]"#
            ))
            .ends_with("has no zone")
        );
        assert!(error(&json(r#","machines":[{"disks":"x"}]"#)).contains("line 1"));
        assert!(error(&json(r#","machines":7"#)).contains("expected a sequence"));
        assert!(error("{\"schema\":\"vhdtree-host/1\"").contains("EOF"));
        assert_eq!(read(json("").as_bytes()).unwrap(), HostFacts::default());
    }
}
