//! Every file of every disk of a chain, and whose each written sector is, held against ntfs-3g's tools, mtools and the Sleuth
//! Kit.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use vhdtree::analysis::files::GuestDisk;
use vhdtree::analysis::files::owned::SectorOwners;
use vhdtree::analysis::written::written;
use vhdtree::format::SectorNo;
use vhdtree::guest::filesystem::{FileKind, FileSystemKind, OwnerClass};
use vhdtree::guest::lookup;
use vhdtree::job::Job;

use super::chains::{Grain, Make, chain, has};
use super::windows::{bytes_of, has_sleuth_kit, listed, sleuth_kit};
use super::{fat, ntfs};

const SECTOR: u64 = 512;

/// What a tool prints.
fn output(tool: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(tool)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .env("MTOOLS_SKIP_CHECK", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{tool} {args:?}: {output:?}");
    output.stdout
}

/// The content of a file by the file system's own tool.
fn by_its_tool(kind: FileSystemKind, image: &str, path: &str) -> Vec<u8> {
    if kind == FileSystemKind::Ntfs {
        return output("ntfscat", &["-f", "-q", image, path]);
    }
    output("mcopy", &["-i", image, &format!("::{path}"), "-"])
}

/// Holds every file of every disk of the states' chain against the tools' reading of the state. How many were read.
fn contents_are_equal(states: &[Vec<u8>], folder: &Path) -> usize {
    let mut read = 0;
    let image = folder.join("state.img");
    let name = image.to_str().unwrap();
    let forms = [(Make::Vhd, Grain::Sector), (Make::Vhdx, Grain::Block)];
    let chains = forms.map(|(make, grain)| chain(make, states, grain, &Arc::default()));
    for (level, state) in states.iter().enumerate() {
        fs::write(&image, state).unwrap();
        let wanted = sleuth_kit(&image).unwrap();
        let mut contents: HashMap<String, Vec<u8>> = HashMap::new();
        for newest in &chains {
            let node = newest.from_link(states.len() - 1 - level).unwrap();
            assert_eq!(listed(&node), wanted, "level {level}");
            let disk = GuestDisk::open(&node);
            let (_, volume) = disk.rows().remove(0);
            let fs = volume.file_system().unwrap();
            for path in &wanted {
                if lookup::find(fs, path).unwrap().kind != FileKind::File {
                    continue;
                }
                let theirs = contents.entry(path.clone()).or_insert_with(|| {
                    let own = by_its_tool(fs.facts().kind, name, path);
                    let kit = output("fcat", &[path.trim_start_matches('/'), name]);
                    assert!(own == kit, "the tools differ on {path}");
                    own
                });
                assert!(bytes_of(fs, path) == *theirs, "level {level}: {path}");
                read += 1;
            }
        }
    }
    read
}

#[test]
fn every_file_of_every_disk_holds_what_the_tools_read() {
    if !has_sleuth_kit() || !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [first, second, third, _] = fat::states(folder.path(), "16", 24);
    let read = contents_are_equal(&[first, second, third], folder.path());
    assert!(read > 200, "{read}");
    if !has("mkntfs") || !has("ntfscat") || ntfs::changer().is_none() {
        return;
    }
    for options in [&["-c", "4096"], &["-c", "512"]] {
        let [first, second, third, _] = ntfs::states(folder.path(), "ntfs", options);
        let read = contents_are_equal(&[first, second, third], folder.path());
        assert!(read > 700, "{read}");
    }
}

/// Whose the clusters (NTFS) or sectors (FAT) of a volume are, by the Sleuth Kit: the paths of their owners.
struct KitMap {
    owners: HashMap<u64, BTreeSet<String>>,
}

impl KitMap {
    fn read(image: &str, root: &str) -> Self {
        let text = String::from_utf8(output("fls", &["-rpu", image])).unwrap();
        let mut paths: HashMap<String, BTreeSet<String>> = HashMap::new();
        let root_path = BTreeSet::from(["/".to_owned()]);
        paths.insert(root.to_owned(), root_path);
        for line in text.lines() {
            let (head, path) = line.split_once('\t').unwrap();
            let inode = head.rsplit(' ').next().unwrap().trim_end_matches(':');
            let inode = inode.split('-').next().unwrap();
            // A stream has the file's name before a colon; the list of bad clusters is one hole over all.
            let path = path.split(':').next().unwrap();
            if path != "$BadClus" && !head.starts_with('V') {
                let of = paths.entry(inode.to_owned()).or_default();
                of.insert(format!("/{path}"));
            }
        }
        let mut owners: HashMap<u64, BTreeSet<String>> = HashMap::new();
        for (inode, paths) in paths {
            let text = String::from_utf8_lossy(&output("istat", &[image, &inode])).into_owned();
            let mut lists = false;
            for line in text.lines() {
                let numbers: Option<Vec<u64>> = line
                    .split_whitespace()
                    .map(|word| word.parse().ok())
                    .collect();
                match numbers {
                    Some(numbers) if lists => {
                        // Holes are shown as cluster 0.
                        let boot = ["/$Boot", "/$MBR"].map(|boot| paths.contains(boot));
                        let is_own = |unit: &u64| *unit > 0 || boot.contains(&true);
                        for unit in numbers.into_iter().filter(is_own) {
                            owners
                                .entry(unit)
                                .or_default()
                                .extend(paths.iter().cloned());
                        }
                    }
                    _ => lists = line.contains("Non-Resident") || line.starts_with("Sectors:"),
                }
            }
        }
        Self { owners }
    }
}

/// Holds the owner of each sector that may have been written against the Sleuth Kit's. How many of them a file or a table owns.
fn owners_are_equal(
    states: &[Vec<u8>; 2],
    unit_of: &dyn Fn(u64) -> u64,
    root: &str,
    folder: &Path,
) -> usize {
    let image = folder.join("state.img");
    fs::write(&image, &states[1]).unwrap();
    let map = KitMap::read(image.to_str().unwrap(), root);
    let mut owned = 0;
    for grain in Grain::ALL {
        let child = chain(Make::Vhdx, states, grain, &Arc::default());
        let own = written(&child.parent().unwrap(), &child, &Job::default()).unwrap();
        let owners = SectorOwners::read(&child, &own, &Job::default());
        assert!(owners.complete, "{:?}", owners.findings);
        let sectors = own
            .iter()
            .flat_map(|part| part.start / SECTOR..part.end / SECTOR);
        for sector in sectors {
            let found = owners.cut(SectorNo(sector), 1)[0].owner;
            let found = found.unwrap_or_else(|| panic!("sector {sector} is owned by nobody"));
            let path = found.path.as_deref().unwrap_or("");
            match map.owners.get(&unit_of(sector)) {
                Some(paths)
                    if paths
                        .iter()
                        .any(|path| path.starts_with("/$FAT") || path == "/$MBR") =>
                {
                    assert_eq!(found.class, OwnerClass::Metadata, "sector {sector}");
                }
                Some(paths) => {
                    assert!(
                        paths.contains(path),
                        "sector {sector}: {found:?}, not {paths:?}"
                    );
                    owned += 1;
                }
                // What the last unit of a compressed file has beyond it is not counted there.
                None if found.class == OwnerClass::File => {
                    let before = unit_of(sector).saturating_sub(16)..unit_of(sector);
                    let mut last = before.filter_map(|unit| map.owners.get(&unit));
                    let is_packed = path.starts_with("/packed/");
                    assert!(
                        is_packed && last.any(|paths| paths.contains(path)),
                        "sector {sector}: {found:?}"
                    );
                }
                None => assert!(
                    matches!(
                        found.class,
                        OwnerClass::Free | OwnerClass::Metadata | OwnerClass::Outside
                    ),
                    "sector {sector}: {found:?}, which the Sleuth Kit gives to nobody"
                ),
            }
        }
    }
    owned
}

/// The first sector of a FAT volume's clusters, and how many a cluster has.
fn fat_data(volume: &[u8]) -> (u64, u64) {
    let byte = |at: usize| u64::from(volume[at]);
    let word = |at: usize| byte(at) | byte(at + 1) << 8;
    let table = match word(22) {
        0 => word(36) | word(38) << 16,
        small => small,
    };
    let root = (word(17) * 32).div_ceil(SECTOR);
    (word(14) + byte(16) * table + root, byte(13))
}

#[test]
fn every_written_sector_has_the_owner_that_the_sleuth_kit_gives_it() {
    if !has_sleuth_kit() || !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, mebibytes) in [("12", 6), ("16", 24), ("32", 40)] {
        let [first, _, third, _] = fat::states(folder.path(), kind, mebibytes);
        let (data, per_cluster) = fat_data(&first);
        // The Sleuth Kit does not count what a file's last cluster has beyond it.
        let unit = |sector: u64| match sector.checked_sub(data) {
            Some(of_data) => data + of_data / per_cluster * per_cluster,
            None => sector,
        };
        let owned = owners_are_equal(&[first, third], &unit, "2", folder.path());
        println!("FAT{kind}: {owned} sectors");
        assert!(owned > 100, "FAT{kind}: {owned}");
    }
    if !has("mkntfs") || ntfs::changer().is_none() {
        return;
    }
    for cluster_bytes in [512_u64, 4_096, 65_536] {
        let option = cluster_bytes.to_string();
        let [first, _, third, _] = ntfs::states(folder.path(), "ntfs", &["-c", &option]);
        let unit = |sector: u64| sector * SECTOR / cluster_bytes;
        let owned = owners_are_equal(&[first, third], &unit, "5", folder.path());
        println!("NTFS, clusters of {option}: {owned} sectors");
        assert!(owned > 100, "{owned}");
    }
}
