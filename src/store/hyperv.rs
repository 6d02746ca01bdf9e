//! What Hyper-V's configurations say of machines and snapshots: plain records; which disk of the store a path means is decided where disks are linked.
//!
//! Names, ids, `generation_id`, the FILETIME of `creation_time`, disks by controller and drive: all are read here, for XML and VMCX alike.
//!
//! No public sample shows how a configuration names a snapshot's parent, the snapshot last applied, or the list of snapshots.
//! None of it is guessed here. What is used, and from where:
//!
//! - *Candidates* are files that end in `.xml` or `.vmcx` and are a configuration by content; other XML is passed over in silence.
//! - *Kind*: see [`ConfigKind`].
//! - *Id*: Hyper-V names every configuration by its id, so a GUID as file name is the id of a snapshot; `global_id` is that of a
//!   machine, and of anything whose file has been renamed. Where both exist and differ both are kept.
//! - *Snapshot kind*: a value `Microsoft:Hyper-V:Snapshot:...` (WMI's `VirtualSystemType`) wherever it is stored; a true key
//!   named as WMI's `IsAutomaticSnapshot`. `user_type` is a setting of the machine (what the next one will be) and is only passed on.
//! - *Also refers to*: every text that is a GUID, with its key, for what may turn out to be another snapshot's id.

mod memory;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use uuid::Uuid;

use super::forest::{FileFacts, SnapshotKind};
use super::winpath::eq_ignore_case;
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::guid;
use crate::format::hyperv::{self, ConfigTree, ConfigValue, Container};
use crate::source::{Source, read_up_to};

pub use memory::{MemoryFile, attach_memory};

/// What a configuration describes.
///
/// By the first of these that says something:
/// 1. a value `Microsoft:Hyper-V:Snapshot:...` or a `type_id` that holds the word `snapshot`: a snapshot;
/// 2. its folder: `Snapshots` (or a folder named by the same GUID below it): a snapshot; `Virtual Machines` likewise: a machine;
/// 3. a value `Microsoft:Hyper-V:System:...`: a machine.
///
/// `type_id` = `Virtual Machines` decides nothing: a snapshot's file begins as a copy of its machine's.
/// What is left, a flat copy, is settled by its disks: [`ConfigRecord::settle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigKind {
    /// A machine as it is now.
    Machine,
    Snapshot,
    Unknown,
}

/// A disk a configuration attaches: entries of type `VHD` with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigDisk {
    /// The controller: `IDE 0`, `SCSI 1`, or its instance id if that is neither.
    pub controller: String,
    pub drive: u32,
    /// The path as written.
    pub path: String,
}

impl ConfigDisk {
    /// Controller and drive in words: `IDE 0:1`.
    pub fn slot(&self) -> String {
        format!("{}:{}", self.controller, self.drive)
    }
}

/// What one configuration says.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigRecord {
    pub path: PathBuf,
    /// What the file system says of it.
    pub file: FileFacts,
    pub container: Container,
    pub kind: ConfigKind,
    /// `global_id`.
    pub global_id: Option<Uuid>,
    /// The GUID it is named by.
    pub file_id: Option<Uuid>,
    /// `logical_id` of the settings.
    pub logical_id: Option<Uuid>,
    pub name: Option<String>,
    /// Version of the configuration, `major << 8 | minor`: 1280 = 5.0.
    pub version: Option<i64>,
    /// When it was created.
    pub created: Option<Timestamp>,
    pub last_state_change: Option<Timestamp>,
    pub last_powered_on: Option<Timestamp>,
    pub last_powered_off: Option<Timestamp>,
    /// Notes; `None` if empty.
    pub notes: Option<String>,
    /// VM-Generation ID, 32 lower-case hex digits if it is one.
    pub generation_id: Option<String>,
    /// Disks it attaches, in the order of the file.
    pub disks: Vec<ConfigDisk>,
    /// Kind of snapshot, if it is one and says so.
    pub snapshot_kind: SnapshotKind,
    /// `user_type`: the kind the machine's next snapshot will be (3 production, 4 production only, 5 standard).
    pub user_snapshot_type: Option<i64>,
    /// `enable_automatic`: the machine takes automatic snapshots.
    pub takes_automatic: Option<bool>,
    /// How many snapshots the configuration counts.
    pub snapshot_count: Option<i64>,
    /// `disk_merge_pending`.
    pub merge_pending: Option<bool>,
    /// Paths of memory and device state, as written.
    pub memory_paths: Vec<String>,
    /// Memory files found beside it: [`attach_memory`].
    pub memory_files: Vec<MemoryFile>,
    /// Every other text that is a GUID: key path and id.
    pub references: Vec<(String, Uuid)>,
    /// What is wrong with the file.
    pub findings: Vec<Finding>,
}

/// Whether a file may be a configuration by its name.
pub fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|e| e.eq_ignore_ascii_case("xml") || e.eq_ignore_ascii_case("vmcx"))
}

/// Reads a candidate; `None` if it is no configuration of a machine or snapshot.
///
/// # Errors
/// If it is one and cannot be read. XML that only shares the root element's name is `None`, whatever its faults.
pub fn read(
    path: &Path,
    file: FileFacts,
    source: &dyn Source,
) -> Result<Option<ConfigRecord>, FormatError> {
    let config = match hyperv::read(source) {
        Ok(Some(config)) => config,
        Ok(None) => return Ok(None),
        // Of a file that cannot be read nobody knows whose it is.
        Err(error @ FormatError::Read { .. }) => return Err(error),
        Err(error) => {
            let head = read_up_to(source, 0, 64 << 10).unwrap_or_default();
            let ours = file_id(path).is_some()
                || hyperv::sniff(&head) == Some(hyperv::SniffedConfig::Vmcx)
                || hyperv::xml::has_typed_leaf(&head);
            return if ours { Err(error) } else { Ok(None) };
        }
    };
    if !hyperv::is_hyperv(&config.tree) && config.findings.is_empty() {
        return Ok(None);
    }
    let mut record = record(path, file, &config.tree, config.container);
    record.findings = config.findings;
    Ok(Some(record))
}

impl ConfigRecord {
    /// The id of what it describes.
    pub fn id(&self) -> Option<Uuid> {
        match self.kind {
            ConfigKind::Snapshot => self.file_id.or(self.global_id),
            ConfigKind::Machine | ConfigKind::Unknown => self.global_id.or(self.file_id),
        }
    }

    /// Settles a flat copy by its disks. `has_children` answers for a path as written: whether other disks were made on top
    /// of that one; `None` if it is not in the store. A machine writes to its disks, so none of them has children; a
    /// snapshot's have.
    pub fn settle(&mut self, has_children: impl Fn(&str) -> Option<bool>) {
        if self.kind != ConfigKind::Unknown {
            return;
        }
        let known = self
            .disks
            .iter()
            .filter_map(|disk| has_children(&disk.path));
        let (mut leaves, mut parents) = (0_usize, 0_usize);
        for has_children in known {
            let count = if has_children {
                &mut parents
            } else {
                &mut leaves
            };
            *count = count.saturating_add(1);
        }
        self.kind = match (leaves, parents) {
            (1.., 0) => ConfigKind::Machine,
            (0, 1..) => ConfigKind::Snapshot,
            // Disks of one machine are frozen together: a mix says that something was re-made by hand.
            _ => ConfigKind::Unknown,
        };
    }
}

fn record(path: &Path, file: FileFacts, tree: &ConfigTree, container: Container) -> ConfigRecord {
    let property = |name: &str| format!("/configuration/properties/{name}");
    let global = |name: &str| format!("/configuration/global_settings/{name}");
    let text = |path: &str| {
        let text = tree.string(path)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let global_id = tree
        .string(&property("global_id"))
        .and_then(guid::from_text);
    let file_id = file_id(path);
    let (says, snapshot_kind) = system_type(tree);
    let memory_keys = ["memlocation", "vsvlocation"];
    ConfigRecord {
        kind: kind(path, tree, says),
        global_id,
        file_id,
        logical_id: tree
            .string("/configuration/settings/global/logical_id")
            .and_then(guid::from_text),
        name: text(&property("name")),
        version: tree.integer(&property("version")),
        created: time(tree, &property("creation_time")),
        last_state_change: time(tree, &property("last_state_change_time")),
        last_powered_on: time(tree, &property("last_powered_on_time")),
        last_powered_off: time(tree, &property("last_powered_off_time")),
        notes: text(&property("notes")),
        generation_id: text(&global("devices/generation_id"))
            .map(|id| id.replace(['{', '}', '-'], "").to_ascii_lowercase()),
        disks: disks(tree),
        snapshot_kind,
        user_snapshot_type: tree.integer(&global("snapshots/user_type")),
        takes_automatic: tree.bool(&global("snapshots/enable_automatic")),
        snapshot_count: tree.integer(&global("snapshots/list/size")),
        merge_pending: tree.bool(&global("disk_merge_pending")),
        memory_paths: memory_keys
            .iter()
            .filter_map(|key| text(&format!("/configuration/savedstate/{key}")))
            .collect(),
        memory_files: Vec::new(),
        references: references(tree),
        findings: Vec::new(),
        path: path.to_path_buf(),
        file,
        container,
    }
}

/// The GUID a file is named by: `<GUID>.xml`.
fn file_id(path: &Path) -> Option<Uuid> {
    guid::from_text(path.file_stem()?.to_str()?)
}

fn kind(path: &Path, tree: &ConfigTree, says: ConfigKind) -> ConfigKind {
    let type_id = tree.string("/configuration/properties/type_id");
    let named = type_id.is_some_and(|id| id.to_ascii_lowercase().contains("snapshot"));
    if named || says == ConfigKind::Snapshot {
        return ConfigKind::Snapshot;
    }
    let mut folders = path.ancestors().skip(1).filter_map(Path::file_name);
    let mut folder = folders.next().and_then(|name| name.to_str());
    if folder.and_then(guid::from_text) == file_id(path) && file_id(path).is_some() {
        folder = folders.next().and_then(|name| name.to_str());
    }
    match folder {
        Some(name) if eq_ignore_case(name, "Snapshots") => ConfigKind::Snapshot,
        Some(name) if eq_ignore_case(name, "Virtual Machines") => ConfigKind::Machine,
        _ => says,
    }
}

/// What WMI's `VirtualSystemType` says, in whichever key it is stored; and what a key named `IsAutomaticSnapshot` says.
fn system_type(tree: &ConfigTree) -> (ConfigKind, SnapshotKind) {
    const PREFIX: &str = "microsoft:hyper-v:";
    let mut says = (ConfigKind::Unknown, SnapshotKind::Unknown);
    for entry in tree.entries() {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        let name = name.replace('_', "").to_ascii_lowercase();
        if name == "isautomaticsnapshot" && entry.value == ConfigValue::Bool(true) {
            return (ConfigKind::Snapshot, SnapshotKind::Automatic);
        }
        let ConfigValue::String(text) = &entry.value else {
            continue;
        };
        let text = text.trim().to_ascii_lowercase();
        let Some(rest) = text.strip_prefix(PREFIX) else {
            continue;
        };
        if let Some(kind) = rest.strip_prefix("snapshot:") {
            let kind = match kind.split(':').next() {
                Some("realized") => SnapshotKind::Standard,
                Some("recovery") => SnapshotKind::Recovery,
                Some("replica") => SnapshotKind::Replica,
                _ => SnapshotKind::Other,
            };
            says = (ConfigKind::Snapshot, kind);
        } else if rest.starts_with("system:") && says.0 == ConfigKind::Unknown {
            says.0 = ConfigKind::Machine;
        }
    }
    says
}

/// A FILETIME: 8 bytes, little-endian, or a number: 100 ns since 1601, UTC. 0 means never.
fn time(tree: &ConfigTree, path: &str) -> Option<Timestamp> {
    let ticks = match tree.get(path)? {
        ConfigValue::Bytes(bytes) => u64::from_le_bytes(bytes.as_slice().try_into().ok()?),
        ConfigValue::Integer(ticks) => u64::try_from(*ticks).ok()?,
        ConfigValue::Unsigned(ticks) => *ticks,
        _ => return None,
    };
    if ticks == 0 {
        return None;
    }
    let seconds = i64::try_from(ticks / 10_000_000).ok()?;
    let nanosecond = i32::try_from((ticks % 10_000_000).checked_mul(100)?).ok()?;
    Timestamp::new(seconds.checked_sub(11_644_473_600)?, nanosecond).ok()
}

/// Every `.../controllerN/driveM/pathname` whose `type` is `VHD`.
fn disks(tree: &ConfigTree) -> Vec<ConfigDisk> {
    let mut disks = Vec::new();
    for (rest, value) in tree.below("/configuration") {
        let mut names = rest.split('/');
        let (Some(instance), Some(controller), Some(drive), Some(leaf), None) = (
            names.next(),
            names.next(),
            names.next(),
            names.next(),
            names.next(),
        ) else {
            continue;
        };
        let (Some(number), Some(drive), ConfigValue::String(path)) = (
            numbered(controller, "controller"),
            numbered(drive, "drive"),
            value,
        ) else {
            continue;
        };
        if !leaf.eq_ignore_ascii_case("pathname") || path.trim().is_empty() {
            continue;
        }
        let folder = rest.rsplit_once('/').map_or(rest, |(folder, _)| folder);
        let kind = tree.string(&format!("/configuration/{folder}/type"));
        if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("VHD")) {
            disks.push(ConfigDisk {
                controller: format!("{} {number}", bus(tree, instance)),
                drive,
                path: path.trim().to_owned(),
            });
        }
    }
    disks
}

fn numbered(name: &str, prefix: &str) -> Option<u32> {
    let head = name.get(..prefix.len())?;
    let number = name.get(prefix.len()..)?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| number.parse().ok())
        .flatten()
}

/// `IDE` or `SCSI` by the controller's device class: `_<instance>_` is the class itself, or the manifest tells its class.
fn bus(tree: &ConfigTree, folder: &str) -> String {
    let instance = folder.trim_matches('_');
    let class = |id: &str| match guid::from_text(id).map(|id| id.as_u128()) {
        Some(0x83f8_638b_8dca_4152_9eda_2ca8_b330_39b4) => Some("IDE"),
        Some(0xd422_512d_2bf2_4752_809d_7b82_b5fc_b1b4) => Some("SCSI"),
        _ => None,
    };
    let listed = || {
        let (key, _) = tree.below("/configuration/manifest").find(|(key, value)| {
            let id = match value {
                ConfigValue::String(id) => guid::from_text(id),
                _ => None,
            };
            key.to_ascii_lowercase().ends_with("/instance")
                && id.is_some()
                && id == guid::from_text(instance)
        })?;
        let device = key.rsplit_once('/')?.0;
        class(tree.string(&format!("/configuration/manifest/{device}/device"))?)
    };
    class(instance)
        .or_else(listed)
        .map_or_else(|| instance.to_owned(), str::to_owned)
}

/// Every text that is a GUID, except what is no reference: its own id, device classes, generation id.
fn references(tree: &ConfigTree) -> Vec<(String, Uuid)> {
    const OWN: [&str; 3] = [
        "/configuration/properties/global_id",
        "/configuration/global_settings/devices/generation_id",
        "/configuration/manifest/",
    ];
    let references = tree.entries().iter().filter_map(|entry| {
        let ConfigValue::String(text) = &entry.value else {
            return None;
        };
        let path = entry.path.to_ascii_lowercase();
        if OWN.iter().any(|own| path.starts_with(own)) {
            return None;
        }
        let id = guid::from_text(text).filter(|id| !id.is_nil())?;
        Some((entry.path.clone(), id))
    });
    references.collect()
}

#[cfg(test)]
mod tests;
