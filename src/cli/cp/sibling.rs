//! Folders of other machines of the store: no copy goes there either. The folder of a disk says nothing of them; what lies in
//! them does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::format::guid;
use crate::store::names::{Named, has_extension, named};

/// Folders that Hyper-V makes in that of a machine.
const OF_MACHINES: [&str; 3] = ["Virtual Hard Disks", "Virtual Machines", "Snapshots"];

/// A folder of a store, and what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MachineFolder {
    pub(super) folder: PathBuf,
    /// A disk, or a configuration of a machine or snapshot.
    pub(super) file: PathBuf,
}

/// The nearest such folder at or above `folder`, up to the one that it has in common with one of the `roots` at last. Both are
/// absolute paths without links. A disk in the topmost folder of a file system makes no store of all that is below.
pub(super) fn machine_folder(folder: &Path, roots: &[PathBuf]) -> Option<MachineFolder> {
    for folder in folder.ancestors() {
        folder.parent()?;
        let below = OF_MACHINES.map(|name| folder.join(name));
        let file = std::iter::once(folder).chain(below.iter().map(PathBuf::as_path));
        if let Some(file) = file.into_iter().find_map(file_of_store) {
            let folder = folder.to_path_buf();
            return Some(MachineFolder { folder, file });
        }
        if roots.iter().any(|root| root.starts_with(folder)) {
            return None;
        }
    }
    None
}

/// The first disk or configuration in a folder, by its name.
fn file_of_store(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten();
    let files = files.filter(|file| file.file_type().is_ok_and(|kind| !kind.is_dir()));
    files
        .map(|file| file.path())
        .filter(|path| is_of_store(path))
        .min()
}

fn is_of_store(path: &Path) -> bool {
    match named(path) {
        // Other programs' documents are called so, too.
        Named::Config if has_extension(path, "xml") => {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| guid::from_text(stem).is_some())
        }
        Named::Disk | Named::Config => true,
        Named::Facts => has_extension(path, "vbox"),
        Named::Companion(_) | Named::Raw | Named::Anything => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(at: &Path, to: &str, roots: &[&str]) -> Option<String> {
        let roots: Vec<PathBuf> = roots.iter().map(|root| at.join(root)).collect();
        let found = machine_folder(&at.join(to), &roots)?;
        let short = |path: &Path| path.strip_prefix(at).unwrap().display().to_string();
        Some(format!("{}: {}", short(&found.folder), short(&found.file)))
    }

    #[test]
    fn a_folder_of_another_machine_is_told_by_what_lies_in_it() {
        let temporary = tempfile::tempdir().unwrap();
        let at = temporary.path().canonicalize().unwrap();
        let guid = "11111111-2222-4333-8444-555555555555";
        for file in [
            "vms/one/Virtual Hard Disks/a.vhdx",
            "vms/two/Virtual Hard Disks/b_1.AVHDX",
            "vms/two/notes/later/read me.txt",
            &format!("vms/three/Snapshots/{guid}.xml"),
            "vms/three/Snapshots/sub/x",
            "vms/box/box.vbox",
            "old/c.vhd",
            "out/whole.raw",
            "out/settings.xml",
            "out/deep/settings.xml",
            "out/Snapshots/pages.xml",
        ] {
            let file = at.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let one = ["vms/one/Virtual Hard Disks"];
        let two = "vms/two: vms/two/Virtual Hard Disks/b_1.AVHDX";
        for to in ["vms/two", "vms/two/notes/later"] {
            assert_eq!(found(&at, to, &one).as_deref(), Some(two));
        }
        let own = found(&at, "vms/two/Virtual Hard Disks", &one).unwrap();
        assert!(own.starts_with("vms/two/Virtual Hard Disks: "), "{own}");
        assert!(
            found(&at, "vms/one", &one)
                .unwrap()
                .starts_with("vms/one: ")
        );
        let three = found(&at, "vms/three/Snapshots/sub", &one).unwrap();
        assert!(three.ends_with(&format!("{guid}.xml")), "{three}");
        assert_eq!(
            found(&at, "vms/box", &one).as_deref(),
            Some("vms/box: vms/box/box.vbox")
        );
        for free in ["", "vms", "out", "out/deep"] {
            assert_eq!(found(&at, free, &one), None, "{free}");
        }
        // Another tree, that has only what is above in common.
        assert_eq!(found(&at, "old", &one).as_deref(), Some("old: old/c.vhd"));
        assert_eq!(
            found(&at, "old/below", &one).as_deref(),
            Some("old: old/c.vhd")
        );
        fs::write(at.join("stray.vhd"), "").unwrap();
        assert_eq!(found(&at, "out", &one).as_deref(), Some(": stray.vhd"));
        assert_eq!(found(&at, "out", &["out/x"]), None);
        assert_eq!(machine_folder(Path::new("/"), &[at]), None);
    }
}
