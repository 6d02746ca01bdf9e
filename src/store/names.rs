//! What a file's name says it is. Content decides what is a disk; names decide what is expected to be one, and what is a companion.

use std::path::Path;

use crate::format::guid;
use crate::image::Format;
use crate::store::containers::{VolumeName, lvm_name};

/// What a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A virtual disk: a file of this name that is none is a finding.
    Disk,
    /// A file that lies beside disks and is named for what it is.
    Companion(&'static str),
    /// A configuration of a machine or snapshot.
    Config,
    /// A volume or file that is a disk's content as it is.
    Raw,
    /// What the host says of its machines and disks.
    Facts,
    Anything,
}

/// Takes a path by its last component, without regard to case.
pub fn named(path: &Path) -> Named {
    let Some(name) = path.file_name() else {
        return Named::Anything;
    };
    if is_facts_name(path) {
        return Named::Facts;
    }
    let name = name.to_string_lossy();
    if is_unfinished_merge(path) {
        return Named::Companion("left by a merge that is under way or was interrupted");
    }
    let volume = lvm_name(&name).unwrap_or_else(|| name.clone().into_owned());
    match VolumeName::of(&volume) {
        VolumeName::Vhd(_) | VolumeName::Qcow2(_) | VolumeName::PutAside => return Named::Disk,
        VolumeName::Raw(_) => return Named::Raw,
        _ => {}
    }
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return Named::Anything;
    };
    let extension = extension.to_ascii_lowercase();
    if Format::of_extension(&extension).is_some() {
        return Named::Disk;
    }
    match extension.as_str() {
        "vmcx" | "xml" => Named::Config,
        "rct" => Named::Companion(
            "changed blocks of a disk, kept for backups (resilient change tracking)",
        ),
        "mrt" => Named::Companion("changed blocks of a disk since power on, kept for backups"),
        "hrl" => Named::Companion("log of a replicated disk"),
        "vhds" => Named::Companion("VHD set: names the data disk that lies beside it"),
        "vmgs" => Named::Companion("guest state of a generation 2 machine"),
        "vmrs" => Named::Companion("run state and memory of a machine or snapshot"),
        "vmc" => Named::Companion("configuration of a Virtual PC machine"),
        "pvp" => Named::Companion("properties of a disk of Citrix Provisioning"),
        "lok" => Named::Companion("lock that Citrix Provisioning keeps beside a disk"),
        "bin" if guid::from_text(stem).is_some() => {
            Named::Companion("memory of a machine or snapshot")
        }
        "vsv" => Named::Companion("device state of a machine or snapshot"),
        extension if is_split_part(extension) => {
            Named::Companion("part of a split disk; split disks are not read")
        }
        _ => Named::Anything,
    }
}

/// Virtual PC cuts a disk into `name.vhd`, `name.v01` ... `name.v63`.
fn is_split_part(extension: &str) -> bool {
    extension
        .strip_prefix('v')
        .filter(|digits| digits.len() == 2)
        .and_then(|digits| digits.parse::<u8>().ok())
        .is_some_and(|part| (1..64).contains(&part))
}

/// True for the disk that Hyper-V's backup leaves: `name-AutoRecovery.avhdx`.
pub fn is_auto_recovery(path: &Path) -> bool {
    const ENDING: &[u8] = b"-autorecovery";
    path.file_stem().is_some_and(|stem| {
        let ending = stem.as_encoded_bytes().last_chunk::<{ ENDING.len() }>();
        ending.is_some_and(|ending| ending.eq_ignore_ascii_case(ENDING))
    })
}

/// A file name in lower case, without extension and without the GUID Hyper-V adds.
pub fn without_guid(name: &str) -> String {
    let name = name.to_lowercase();
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem);
    match stem.rsplit_once('_') {
        Some((before, guid)) if uuid::Uuid::try_parse(guid).is_ok() => before.to_owned(),
        _ => stem.to_owned(),
    }
}

/// True for a file that other engines than the storage manager write while they merge, and remove at the end: libvhd's
/// (`.journal-...`), Xen Orchestra's (`.NAME.vhd.merge.json`).
pub fn is_unfinished_merge(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    if !name.as_encoded_bytes().starts_with(b".") {
        return false;
    }
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.starts_with(".journal-") || (name.starts_with('.') && name.ends_with(".merge.json"))
}

/// True for a name with this extension, without regard to case.
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Whether a file of a store is one of the host's by its name.
fn is_facts_name(path: &Path) -> bool {
    let Some(extension) = path.extension() else {
        return false;
    };
    let is = |word: &str| extension.eq_ignore_ascii_case(word);
    if !["json", "csv", "db", "xe", "vbox"].into_iter().any(is) {
        return false;
    }
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let known = ["labels.json", "times.csv", "state.db", "xo.json"];
    let is_ours = is("json") || is("xe");
    known.contains(&name.as_str()) || is("vbox") || name.starts_with("vhdtree-host") && is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_known_by_extension_in_any_case() {
        for name in ["a.vhd", "b.AVHD", "c.vud", "d.VhdX", "検証用.avhdx"] {
            assert_eq!(named(Path::new(name)), Named::Disk, "{name}");
        }
        assert_eq!(named(Path::new("vhd")), Named::Anything);
        assert_eq!(named(Path::new("a.vhd.bak")), Named::Anything);
    }

    #[test]
    fn split_parts_are_numbered_from_one_to_sixty_three() {
        assert!(matches!(named(Path::new("a.v01")), Named::Companion(_)));
        assert!(matches!(named(Path::new("a.V63")), Named::Companion(_)));
        for name in ["a.v00", "a.v64", "a.v1", "a.v001", "a.vab"] {
            assert_eq!(named(Path::new(name)), Named::Anything, "{name}");
        }
    }

    #[test]
    fn what_merges_leave_is_known_by_name() {
        for name in [".journal-web", ".web.vhd.merge.json"] {
            assert!(
                matches!(named(Path::new(name)), Named::Companion(_)),
                "{name}"
            );
        }
        for name in ["merge.json", "journal-x", ".web.vhd"] {
            assert!(!is_unfinished_merge(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_bin_is_memory_only_under_a_guid() {
        assert_eq!(named(Path::new("firmware.bin")), Named::Anything);
        assert!(matches!(
            named(Path::new("B7CA8A6A-B91A-B997-1471-85C9284D42C5.bin")),
            Named::Companion(_)
        ));
    }

    #[test]
    fn a_backups_disk_is_known_by_its_ending() {
        assert!(is_auto_recovery(Path::new("x/srv01-AutoRecovery.avhdx")));
        assert!(!is_auto_recovery(Path::new("x/AutoRecovery-srv01.avhdx")));
    }
}
