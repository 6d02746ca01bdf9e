//! Backup repositories of Xen Orchestra (`@xen-orchestra/backups`, `vhd-lib`): which backup needs which disk, disks that
//! are folders reached by an alias, and merges that were not finished.
//!
//! `xo-vm-backups/<VM>/<time>.json` names its disks; those lie in `vdis/` beside it, as a VHD, or as an alias: a text file
//! with the relative path of a folder ([`crate::image::directory`]). A disk that no backup names is merged away later.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::finding::Finding;
use crate::source::{FileSource, read_up_to};
use crate::store::facts::Files;
use crate::store::{DiskId, Forest};

/// The folder in which a repository keeps the backups of machines.
const FOLDER: &str = "xo-vm-backups";
const ALIAS: &str = ".alias.vhd";
/// Longest alias, in bytes, as `vhd-lib` has it.
const ALIAS_MAX: usize = 1024;
/// Longest description of a backup that is read, in bytes; usual are some ten thousand.
const BACKUP_MAX: u64 = 4 << 20;

crate::catalogue! {
    XO_MERGE = "xo-merge-unfinished", Error, "a merge into this disk was begun and not finished",
        why: "The disk holds a part of its child's blocks already: it is neither the older backup nor the newer one, and neither must be restored from it.",
        action: "Let Xen Orchestra finish the merge: run the backup job again, or the merge of its health page. Restore nothing of this chain before.";
    /// A backup's disk is not there.
    XO_DISK_MISSING = "xo-disk-missing", Error, "a disk of the backup is not there",
        why: "The backup is still listed and cannot be restored.",
        action: "Look for the file in other copies of the repository; if it is lost, a new full backup is needed.";
    XO_DISK_UNUSED = "xo-disk-unused", Info, "no backup names this disk",
        why: "Its backup was deleted, or was never finished. Xen Orchestra merges it into its child or removes it when the job runs again.",
        action: "Nothing, if that is wanted. Copy it elsewhere first if it is the only copy.";
    XO_ENCRYPTED = "xo-encrypted", Warning, "the backup repository is encrypted",
        why: "Its disks and descriptions are read by Xen Orchestra with its key only; nothing of them is shown here.",
        action: "Look at it in Xen Orchestra.";
    XO_BACKUP = "xo-backup-unreadable", Warning, "the description of a backup cannot be read",
        why: "Which disks it needs is not known.",
        action: "Compare it with another copy of the repository.";
}

/// True for a file that stands for a folder.
pub(in crate::store) fn is_alias(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.ends_with(ALIAS))
}

/// The folder an alias stands for: below the alias's own folder, and no alias again.
///
/// # Errors
/// What the system says; `InvalidData` for anything but such a path.
pub(in crate::store) fn target(alias: &Path) -> io::Result<PathBuf> {
    let wrong = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the alias holds no path below its own folder",
        )
    };
    let file = FileSource::open(alias)?;
    let bytes = read_up_to(&file, 0, ALIAS_MAX.saturating_add(1))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong())?.trim();
    let path = Path::new(text);
    let stays = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    let is_sound = bytes.len() <= ALIAS_MAX && !text.is_empty() && !text.contains('\0');
    if !is_sound || !path.components().all(stays) || is_alias(path) {
        return Err(wrong());
    }
    let folder = alias.parent().unwrap_or(Path::new(""));
    Ok(path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .fold(folder.to_path_buf(), |path, part| path.join(part)))
}

/// The disk that a state of an unfinished merge is about: `.NAME.merge.json` of `NAME` beside it.
pub(in crate::store) fn merged(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let disk = name.strip_prefix('.')?.strip_suffix(".merge.json")?;
    Some(path.with_file_name(disk))
}

/// True for the description of a machine's backup.
pub(in crate::store) fn is_backup(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let is_json = name.is_some_and(|name| name.ends_with(".json") && !name.starts_with('.'));
    let folder = path
        .parent()
        .and_then(Path::parent)
        .and_then(Path::file_name);
    is_json && folder.is_some_and(|folder| folder == FOLDER)
}

/// True for a disk of a repository.
pub(in crate::store) fn is_in_repository(path: &Path) -> bool {
    is_alias(path) || path.components().any(|part| part.as_os_str() == FOLDER)
}

/// Why the backups in a folder cannot be read: the repository says that it is encrypted.
pub(in crate::store) fn encrypted(folder: &Path) -> Option<Finding> {
    #[derive(Deserialize)]
    struct Encryption {
        algorithm: Option<String>,
    }
    if folder.file_name()? != FOLDER {
        return None;
    }
    let path = folder.parent()?.join("encryption.json");
    let bytes = read_up_to(&FileSource::open(&path).ok()?, 0, 1 << 16).ok()?;
    let told: Encryption = serde_json::from_slice(&bytes).ok()?;
    let algorithm = told.algorithm.filter(|algorithm| algorithm != "none")?;
    let text = format!("It says that it is encrypted with {algorithm}; it was not gone into.");
    Some(Finding::new(&XO_ENCRYPTED, text))
}

/// The description of a backup, as far as it is used.
#[derive(Debug, Deserialize)]
struct Description {
    vm: Option<BackupMachine>,
    /// Milliseconds since 1970.
    timestamp: Option<i64>,
    /// Relative paths of disks.
    #[serde(default)]
    vhds: HashMap<String, String>,
    #[serde(default)]
    vdis: HashMap<String, Vdi>,
}

#[derive(Debug, Deserialize)]
struct BackupMachine {
    name_label: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Vdi {
    name_label: Option<String>,
}

/// A backup of a machine.
#[derive(Debug)]
pub(in crate::store) struct Backup {
    path: PathBuf,
    described: Description,
}

/// Reads descriptions; one that cannot be read is a finding.
pub(in crate::store) fn read(
    files: &dyn Files,
    paths: &[PathBuf],
    findings: &mut Vec<(PathBuf, Finding)>,
) -> Vec<Backup> {
    let mut backups = Vec::new();
    for path in paths {
        match describe(files, path) {
            Ok(described) => backups.push(Backup {
                path: path.clone(),
                described,
            }),
            Err(error) => {
                let finding = Finding::new(&XO_BACKUP, format!("{error}."));
                findings.push((path.clone(), finding));
            }
        }
    }
    backups
}

/// Names the disks of backups, and tells which are missing, unused or half merged.
pub(in crate::store) fn join(forest: &mut Forest, backups: &[Backup]) {
    let by_path: HashMap<PathBuf, DiskId> = forest
        .ids()
        .filter_map(|id| Some((forest.disk(id)?.path.clone(), id)))
        .collect();
    let mut used: Vec<DiskId> = Vec::new();
    for Backup { path, described } in backups {
        let taken = described
            .timestamp
            .and_then(|at| Timestamp::from_millisecond(at).ok());
        for (key, relative) in &described.vhds {
            let folder = path.parent().unwrap_or(Path::new(""));
            let place = folder.join(relative.trim_start_matches("./").trim_start_matches('/'));
            let Some(id) = by_path.get(&place).copied() else {
                let text = format!("{relative} is not in the store.");
                let finding = Finding::new(&XO_DISK_MISSING, text);
                forest.side_findings.push((path.clone(), finding));
                continue;
            };
            used.push(id);
            let vm = described
                .vm
                .as_ref()
                .and_then(|vm| vm.name_label.as_deref());
            let vdi = described
                .vdis
                .get(key)
                .and_then(|vdi| vdi.name_label.as_deref());
            let mut label = [vm, vdi]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": ");
            if let Some(taken) = taken {
                let at = taken.strftime("%Y-%m-%d %H:%MZ");
                label = format!("{label}, backup of {at}");
            }
            if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
                node.label = Some(label.trim_start_matches(", ").into());
            }
        }
    }
    used.sort_unstable();
    unused(forest, &used);
    let states = forest.companions.iter().map(|(path, _)| path.clone());
    let states: Vec<_> = states
        .filter_map(|path| Some((merged(&path)?, path)))
        .collect();
    for (disk, state) in states {
        let name = state.file_name().unwrap_or_default().to_string_lossy();
        let finding = Finding::new(&XO_MERGE, format!("{name} lies beside it."));
        match by_path
            .get(&disk)
            .and_then(|id| forest.nodes.get_mut(id.0 as usize))
        {
            Some(node) => node.findings.push(finding),
            None => forest.side_findings.push((state, finding)),
        }
    }
}

/// Disks of machines in a repository that no description names.
fn unused(forest: &mut Forest, used: &[DiskId]) {
    let ids: Vec<DiskId> = forest.ids().collect();
    for id in ids {
        let is_one = forest.disk(id).is_some_and(|disk| {
            disk.header.is_some()
                && disk
                    .path
                    .components()
                    .any(|part| part.as_os_str() == FOLDER)
        });
        if !is_one || used.binary_search(&id).is_ok() {
            continue;
        }
        if let Some(node) = forest.nodes.get_mut(id.0 as usize) {
            let text = "No description of a backup beside it names it.";
            node.findings.push(Finding::new(&XO_DISK_UNUSED, text));
        }
    }
}

fn describe(files: &dyn Files, path: &Path) -> io::Result<Description> {
    let opened = files.open(path)?;
    if opened.facts.len > BACKUP_MAX {
        let text = format!("it is longer than {BACKUP_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let bytes = read_up_to(&opened.source, 0, usize::try_from(BACKUP_MAX).unwrap_or(0))?;
    serde_json::from_slice(&bytes).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_leads_only_below_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let alias = folder.path().join("20261101T000000Z.alias.vhd");
        assert!(is_alias(&alias) && !is_alias(Path::new("a.vhd")));
        let leads = |text: &[u8]| {
            std::fs::write(&alias, text).unwrap();
            target(&alias)
                .ok()
                .map(|path| path.strip_prefix(folder.path()).unwrap().to_path_buf())
        };
        for text in ["data/a.vhd", "./data/a.vhd", " data/a.vhd\n"] {
            assert_eq!(
                leads(text.as_bytes()),
                Some(PathBuf::from("data/a.vhd")),
                "{text:?}"
            );
        }
        for text in [
            "",
            "/etc/passwd",
            "../a.vhd",
            "data/../../a",
            "b.alias.vhd",
            "a\0b",
        ] {
            assert_eq!(leads(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(leads(&[0xff; 3]), None);
        assert_eq!(leads(&vec![b'a'; 2000]), None);
    }

    #[test]
    fn states_and_descriptions_are_known_by_name_and_place() {
        let of = |path: &str| merged(Path::new(path));
        assert_eq!(of("v/.a.vhd.merge.json"), Some(PathBuf::from("v/a.vhd")));
        assert_eq!(of("v/a.vhd.merge.json"), None);
        let machine = "xo-vm-backups/08d19d66-0d6a-562b-8c55-bd4ed98d338c";
        assert!(is_backup(Path::new(&format!(
            "{machine}/20261101T000000Z.json"
        ))));
        for other in ["x.json", "cache.json.gz", "vdis/a/b.json"] {
            let path = format!("{machine}/{other}");
            assert_eq!(is_backup(Path::new(&path)), other == "x.json", "{path}");
        }
        assert!(!is_backup(Path::new("vm/x.json")));
    }
}
