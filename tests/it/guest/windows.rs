//! Volumes that Windows wrote, held against the Sleuth Kit's reading of them.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use vhdtree::analysis::files::GuestDisk;
use vhdtree::analysis::files::all::{ListEvent, list_files};
use vhdtree::chain::Chain;
use vhdtree::guest::content::{ContentPiece, read_content};
use vhdtree::guest::filesystem::{FileKind, FileSystem};
use vhdtree::guest::lookup;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::FileSource;

use super::chains::{changes, expected, has};
use crate::truth::{samples, unpacked_sample};

/// Unpacks samples and opens them as a chain, the last on top; `None` after saying what is missing.
fn chain(folder: &Path, names: &[&str]) -> Option<Chain> {
    let Some(samples) = samples() else {
        println!("skipped: samples");
        return None;
    };
    let mut links = Vec::new();
    for name in names.iter().rev() {
        let file = folder.join(Path::new(name).file_name().unwrap());
        if !file.exists() && !unpacked_sample(&samples.join(format!("{name}.zst")), &file) {
            return None;
        }
        let source = FileSource::open(&file).unwrap();
        links.push(Arc::new(Image::open(Arc::new(source)).unwrap()));
    }
    Some(Chain::new(links).unwrap())
}

/// The content of a volume as a file, for other tools.
fn raw(chain: &Chain, folder: &Path) -> (PathBuf, u64) {
    let disk = GuestDisk::open(chain);
    let place = disk.volumes[0].clone();
    let volume = place.source(&disk.source);
    let len = volume.len();
    let mut bytes = vec![0; usize::try_from(len).unwrap()];
    volume.read_exact_at(&mut bytes, 0).unwrap();
    let path = folder.join("volume.raw");
    fs::write(&path, bytes).unwrap();
    (path, len)
}

/// Paths as `fls -rp` names them: files and folders that are not deleted, the file system's own left out.
pub fn sleuth_kit(volume: &Path) -> Option<BTreeSet<String>> {
    if !has_sleuth_kit() {
        return None;
    }
    let output = Command::new("fls")
        .args(["-rpu"])
        .arg(volume)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let path = |line: &str| {
        let (kind, path) = line.split_once('\t')?;
        let own = path.starts_with('$');
        let other = kind.starts_with('v') || kind.starts_with('V') || own || path.ends_with(')');
        // A stream has the file's name before a colon.
        (!other && !path.contains(':')).then(|| format!("/{path}"))
    };
    Some(text.lines().filter_map(path).collect())
}

pub fn has_sleuth_kit() -> bool {
    has("fls")
}

pub fn listed(chain: &Chain) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let report = list_files(chain, None, &Job::default(), &mut |event| {
        if let ListEvent::File { path, .. } = event {
            paths.insert(path.to_owned());
        }
        ControlFlow::Continue(())
    });
    assert!(report.complete, "{:?}", report.findings);
    // The Sleuth Kit takes files without a content of their own for streams only.
    paths.retain(|path| !path.starts_with("/$Extend"));
    paths
}

/// The bytes of a file.
pub fn bytes_of(fs: &dyn FileSystem, path: &str) -> Vec<u8> {
    let entry = lookup::find(fs, path).unwrap();
    let mut bytes = Vec::new();
    read_content(fs, entry.id, "", &Job::default(), &mut |piece| {
        match piece {
            ContentPiece::Bytes(part) => bytes.extend_from_slice(part),
            ContentPiece::Zeros(count) => {
                bytes.resize(bytes.len() + usize::try_from(count).unwrap(), 0);
            }
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    bytes
}

const CHAINS: [&[&str]; 9] = [
    &["dfvfs/fat-parent.vhd"],
    &["dfvfs/fat-parent.vhd", "dfvfs/fat-differential.vhd"],
    &["dfvfs/fat-parent.vhdx", "dfvfs/fat-differential.vhdx"],
    &["dfvfs/ntfs-dynamic.vhd"],
    &["dfvfs/ntfs-fixed.vhdx"],
    &["dfvfs/ntfs-parent.vhd"],
    &["dfvfs/ntfs-parent.vhd", "dfvfs/ntfs-differential.vhd"],
    &["dfvfs/ntfs-parent.vhdx", "dfvfs/ntfs-differential.vhdx"],
    &["windows/ntfs-whole-disk.vhd"],
];

#[test]
fn volumes_by_windows_are_listed_and_read_as_the_sleuth_kit_does() {
    let mut all = 0;
    for names in CHAINS {
        let folder = tempfile::tempdir().unwrap();
        let Some(chain) = chain(folder.path(), names) else {
            return;
        };
        let (volume, _) = raw(&chain, folder.path());
        let Some(wanted) = sleuth_kit(&volume) else {
            return;
        };
        let found = listed(&chain);
        assert_eq!(found, wanted, "{names:?}");
        all += found.len();
        let disk = GuestDisk::open(&chain);
        let (_, volume_of) = disk.rows().remove(0);
        let fs = volume_of.file_system().unwrap();
        for path in &found {
            let entry = lookup::find(fs, path).unwrap();
            let closed = fs.file(entry.id).unwrap().closed.is_some();
            if entry.kind != FileKind::File || closed {
                continue;
            }
            let output = Command::new("fcat")
                .args([path.trim_start_matches('/')])
                .arg(&volume)
                .output()
                .unwrap();
            assert!(bytes_of(fs, path) == output.stdout, "{names:?} {path}");
        }
    }
    // Parents that were just formatted hold none.
    assert!(all > 30, "{all}");
}

#[test]
fn changes_by_windows_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for names in CHAINS.iter().filter(|names| names.len() == 2) {
        let Some(child) = chain(folder.path(), names) else {
            return;
        };
        let (told, report) = changes(&child.parent().unwrap(), &child);
        assert!(report.complete, "{names:?} {:?}", report.findings);
        let mut wanted = expected(
            "created /a_directory
            created /a_directory/a_file
            created /a_directory/another_file
            created /passwords.txt",
        );
        if names[0].contains("ntfs") {
            wanted.insert("created /a_link".to_owned());
        }
        let indexer = "created /System Volume Information/IndexerVolumeGuid";
        let told: BTreeSet<_> = told.into_iter().filter(|line| line != indexer).collect();
        assert_eq!(told, wanted, "{names:?}");
        assert!(
            report.read_bytes < 100_000 && report.reads < 30,
            "{report:?}"
        );
    }
}
