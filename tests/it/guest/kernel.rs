//! Volumes that the running kernel writes, leaves in the midst of work, and recovers, where it lets itself be asked: as root,
//! with loop devices. What its own drivers show is held against what is read here, alone and in a logical volume of two pieces.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use vhdtree::analysis::files::GuestDisk;
use vhdtree::analysis::files::owned::SectorOwners;
use vhdtree::analysis::written::written;
use vhdtree::chain::Chain;
use vhdtree::format::SectorNo;
use vhdtree::guest::extents::Extents;
use vhdtree::guest::filesystem::{OwnerClass, VolumeState};
use vhdtree::job::Job;
use vhdtree::source::ReadCounts;

use super::chains::{Grain, Make, chain, content, has, hold_both, is_same, tool};
use super::linux::{all_are_owned, folder_tree, open, tree};
use super::lvm::in_two_pieces;

/// A volume that the kernel has mounted.
pub struct Mounted {
    pub at: PathBuf,
}

impl Mounted {
    /// `None` if it may not be mounted here.
    pub fn new(image: &Path) -> Option<Self> {
        let at = image.with_extension("mounted");
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        let done = mount.arg("-oloop").arg(image).arg(&at).output();
        let done = done.is_ok_and(|done| done.status.success());
        if !done {
            println!("skipped: mount");
        }
        done.then_some(Self { at })
    }

    /// Stops it as if the machine had stopped; what was done lies in its journal.
    pub fn stop(&self) {
        let at = self.at.to_str().unwrap();
        tool("xfs_io", &["-x", "-c", "shutdown -f", at]);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(&self.at).status();
        assert!(done.is_ok_and(|done| done.success()));
    }
}

/// A file as the kernel shows it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    identity: (u64, SystemTime),
    /// The directory's inode, and the name in it.
    place: (u64, String),
    changed: (i64, i64),
    is_directory: bool,
    content: Vec<u8>,
}

fn look(root: &Path) -> BTreeMap<String, Seen> {
    let mut all = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path();
        let facts = entry.metadata().unwrap();
        let seen = Seen {
            identity: (facts.ino(), facts.created().unwrap()),
            place: (
                fs::metadata(path.parent().unwrap()).unwrap().ino(),
                entry.file_name().to_str().unwrap().to_owned(),
            ),
            changed: (facts.ctime(), facts.ctime_nsec()),
            is_directory: facts.is_dir(),
            content: if facts.is_file() {
                fs::read(path).unwrap()
            } else {
                Vec::new()
            },
        };
        let path = path.strip_prefix(root).unwrap();
        all.insert(format!("/{}", path.display()), seen);
    }
    all
}

/// The changes between two states, by the kernel's own inodes, times of making and contents.
fn told(before: &BTreeMap<String, Seen>, after: &BTreeMap<String, Seen>) -> BTreeSet<String> {
    let names = |tree: &BTreeMap<String, Seen>| {
        let mut names: BTreeMap<_, Vec<(String, Seen)>> = BTreeMap::new();
        for (path, seen) in tree {
            let of = names.entry(seen.identity).or_default();
            of.push((path.clone(), seen.clone()));
        }
        names
    };
    let (old, new) = (names(before), names(after));
    let gone: HashSet<_> = old
        .iter()
        .filter(|(identity, _)| !new.contains_key(identity))
        .flat_map(|(_, names)| names.iter().map(|(_, seen)| &seen.place))
        .collect();
    let mut told = BTreeSet::new();
    for (identity, is) in &new {
        let (path, now) = &is[0];
        let Some(was) = old.get(identity) else {
            let kind = if gone.contains(&now.place) {
                "replaced"
            } else {
                "created"
            };
            told.insert(format!("{kind} {path}"));
            continue;
        };
        let lacks =
            |all: &[(String, Seen)], one: &Seen| all.iter().all(|(_, of)| of.place != one.place);
        // Of several names the new one is told.
        let new_name = is.iter().find(|(_, one)| lacks(was, one));
        let path = new_name.map_or(path, |(path, _)| path);
        let mut given = is.iter().filter(|(_, one)| lacks(was, one)).peekable();
        let mut taken = was.iter().filter(|(_, one)| lacks(is, one)).peekable();
        let is_named = given.peek().is_none() && taken.peek().is_none();
        for (path, _) in given {
            told.insert(match taken.next() {
                Some((old, _)) => format!("renamed {path} (was {old})"),
                None => format!("linked {path}"),
            });
        }
        told.extend(taken.map(|(path, _)| format!("unlinked {path}")));
        let before = &was[0].1;
        if now.content != before.content {
            told.insert(format!("modified {path}"));
        } else if is_named && !now.is_directory && now.changed != before.changed {
            told.insert(format!("metadata {path}"));
        }
    }
    for (identity, was) in &old {
        let (path, seen) = &was[0];
        let is_replaced = after
            .values()
            .any(|one| one.place == seen.place && !old.contains_key(&one.identity));
        if !new.contains_key(identity) && !is_replaced {
            told.insert(format!("deleted {path}"));
        }
    }
    told
}

/// Works on a folder without a pattern, the same in every run.
struct Worker {
    root: PathBuf,
    dice: u64,
    number: u32,
    /// Inodes that there were when the round began.
    old: HashSet<u64>,
    /// Those that were named otherwise in this round: once is enough.
    named: HashSet<u64>,
    /// Files that are deleted and still open.
    open: Vec<File>,
}

impl Worker {
    fn roll(&mut self, below: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice >> 11).unwrap() % below.max(1)
    }

    fn pick(&mut self, wanted: impl Fn(&fs::Metadata) -> bool) -> Option<PathBuf> {
        let entries = walkdir::WalkDir::new(&self.root).sort_by_file_name();
        let entries = entries.into_iter().map(Result::unwrap);
        let all: Vec<_> = entries
            .filter(|entry| entry.file_name() != "lost+found" && wanted(&entry.metadata().unwrap()))
            .map(|entry| entry.path().to_path_buf())
            .collect();
        let at = self.roll(all.len());
        all.get(at).cloned()
    }

    fn fresh(&mut self) -> PathBuf {
        let folder = self.pick(fs::Metadata::is_dir).unwrap();
        self.number += 1;
        let long = "with-a-long-name-".repeat(self.roll(6));
        folder.join(format!("{long}{}", self.number))
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let seed = self.roll(250);
        (0..self.roll(most))
            .map(|at| ((at / 3 + seed) % 251).to_le_bytes()[0])
            .collect()
    }

    fn step(&mut self) {
        let alone = |facts: &fs::Metadata| facts.is_file() && facts.nlink() == 1;
        let what = self.roll(20);
        let fresh = self.fresh();
        let Some(file) = self.pick(alone) else {
            return fs::write(fresh, b"first").unwrap();
        };
        let inode = fs::metadata(&file).unwrap().ino();
        match what {
            0..6 => {
                let most = [60, 900, 9_000, 150_000][self.roll(4)];
                fs::write(fresh, self.bytes(most)).unwrap();
            }
            6 => fs::create_dir(fresh).unwrap(),
            7 => {
                let folder = self.pick(fs::Metadata::is_dir).unwrap();
                let inside = || {
                    walkdir::WalkDir::new(&folder)
                        .into_iter()
                        .map(Result::unwrap)
                };
                let is_plain = |entry: &walkdir::DirEntry| {
                    let facts = entry.metadata().unwrap();
                    entry.file_name() != "lost+found" && (facts.is_dir() || facts.nlink() == 1)
                };
                if folder != self.root && inside().count() < 9 && inside().all(|one| is_plain(&one))
                {
                    // Whoever gets one of these numbers again is new, and is given one name.
                    for one in inside() {
                        self.old.remove(&one.metadata().unwrap().ino());
                    }
                    fs::remove_dir_all(&folder).unwrap();
                }
            }
            8 => symlink("t".repeat(1 + self.roll(1_000)), fresh).unwrap(),
            9 | 10 => {
                let mut to = File::options().append(true).open(&file).unwrap();
                to.write_all(&self.bytes(20_000)).unwrap();
            }
            11 => {
                let to = File::options().write(true).open(&file).unwrap();
                let at = self.roll(400_000) as u64;
                to.write_all_at(&self.bytes(3_000), at).unwrap();
            }
            12 => {
                let to = File::options().write(true).open(&file).unwrap();
                to.set_len(self.roll(5_000) as u64).unwrap();
            }
            13 => self.remove(&file, inode),
            14 => {
                self.remove(&file, inode);
                fs::write(&file, b"another of the same name").unwrap();
            }
            15 => {
                self.open.push(File::open(&file).unwrap());
                self.remove(&file, inode);
            }
            16 if self.named.insert(inode) => fs::rename(&file, fresh).unwrap(),
            17 if self.old.contains(&inode) && self.named.insert(inode) => {
                fs::hard_link(&file, fresh).unwrap();
            }
            18 => {
                let folder = self.pick(fs::Metadata::is_dir).unwrap();
                let inode = fs::metadata(&folder).unwrap().ino();
                let is_below = fresh.starts_with(&folder);
                if !is_below && folder != self.root && self.named.insert(inode) {
                    fs::rename(&folder, fresh).unwrap();
                }
            }
            _ => {
                let mut mode = fs::metadata(&file).unwrap().permissions();
                mode.set_readonly(!mode.readonly());
                fs::set_permissions(&file, mode).unwrap();
            }
        }
    }

    fn remove(&mut self, file: &Path, inode: u64) {
        self.old.remove(&inode);
        fs::remove_file(file).unwrap();
    }

    fn work(&mut self, steps: usize) {
        self.named.clear();
        let all = walkdir::WalkDir::new(&self.root).into_iter();
        self.old = all
            .map(|entry| entry.unwrap().metadata().unwrap().ino())
            .collect();
        (0..steps).for_each(|_| self.step());
    }
}

/// All of what was written between the ends of a chain has an owner.
fn written_is_owned(of: &str, leaf: &Chain) {
    let base = leaf.from_link(leaf.links().len() - 1).unwrap();
    let written = written(&base, leaf, &Job::default()).unwrap();
    let owners = SectorOwners::read(leaf, &written, &Job::default());
    assert!(owners.complete && written.bytes() > 0, "{of}");
    for part in written.iter() {
        let sectors = (part.end - part.start) / 512;
        for run in owners.cut(SectorNo(part.start / 512), sectors) {
            let owner = run
                .owner
                .unwrap_or_else(|| panic!("{of}: {run:?} has no owner"));
            // Swap lies between the two pieces.
            let is_read = owner.class != OwnerClass::Unreadable || owner.volume == "rl/page";
            assert!(is_read, "{of}: {run:?}");
        }
    }
}

/// The states of a volume, and what the kernel shows in each.
struct Story {
    states: Vec<Vec<u8>>,
    trees: Vec<BTreeSet<String>>,
    /// From each state to the next, and back.
    changes: Vec<[BTreeSet<String>; 2]>,
}

/// Made and filled; then stopped amid work; then recovered, worked on and unmounted. `None` without the right to mount.
fn story(image: &Path) -> Option<Story> {
    let mut worker = Worker {
        root: PathBuf::new(),
        dice: 0x9e37_79b9_7f4a_7c15,
        number: 0,
        old: HashSet::new(),
        named: HashSet::new(),
        open: Vec::new(),
    };
    let mut story = Story {
        states: Vec::new(),
        trees: Vec::new(),
        changes: Vec::new(),
    };
    let mut seen: Option<BTreeMap<String, Seen>> = None;
    let mut note = |at: &Path, story: &mut Story| {
        let now = look(at);
        if let Some(before) = seen.replace(now.clone()) {
            story
                .changes
                .push([told(&before, &now), told(&now, &before)]);
        }
        story.trees.push(folder_tree(at, 1));
    };
    let mounted = Mounted::new(image)?;
    worker.root.clone_from(&mounted.at);
    worker.work(200);
    note(&mounted.at, &mut story);
    drop(worker.open.drain(..));
    drop(mounted);
    story.states.push(content(image));

    let mounted = Mounted::new(image)?;
    worker.work(90);
    mounted.stop();
    drop(worker.open.drain(..));
    drop(mounted);
    story.states.push(content(image));

    let mounted = Mounted::new(image)?;
    note(&mounted.at, &mut story);
    worker.work(60);
    note(&mounted.at, &mut story);
    drop(worker.open.drain(..));
    drop(mounted);
    story.states.push(content(image));
    Some(story)
}

fn hold_story(of: &str, story: &Story) {
    for (number, (state, wanted)) in story.states.iter().zip(&story.trees).enumerate() {
        let of = format!("{of}, state {number}");
        let volume = open(state);
        let fs = volume.file_system().unwrap();
        let is_stopped = fs.facts().state == VolumeState::Replayed;
        assert_eq!(is_stopped, number == 1, "{of}: {:?}", fs.facts());
        is_same(&of, &tree(fs), wanted);
        all_are_owned(&of, state, &Extents::of(0..state.len() as u64));
    }
    let disks: Vec<_> = story
        .states
        .iter()
        .map(|state| in_two_pieces(state))
        .collect();
    for (pair, wanted) in disks.windows(2).zip(&story.changes) {
        hold_both(pair, &wanted[0], &wanted[1]);
    }
    // Base, middle and leaf of one chain.
    let counts = Arc::new(ReadCounts::default());
    for make in [Make::Vhd, Make::Vhdx] {
        let leaf = chain(make, &disks, Grain::Sector, &counts);
        written_is_owned(of, &leaf);
        written_is_owned(of, &chain(make, &disks, Grain::Block, &counts));
        for (link, wanted) in story.trees.iter().rev().enumerate() {
            let disk = GuestDisk::open(&leaf.from_link(link).unwrap());
            let rows = disk.rows();
            let root = rows.iter().find(|(row, _)| row.name == "rl/root").unwrap();
            is_same(of, &tree(root.1.file_system().unwrap()), wanted);
        }
    }
}

#[test]
fn every_layout_of_a_volume_is_read_as_the_kernel_leaves_and_recovers_it() {
    let ext = ["mke2fs", "-q", "-F"];
    let xfs = ["mkfs.xfs", "-q", "-f", "--unsupported"];
    let forms: [(&[&str], &[&str]); 8] = [
        (&ext, &["-text4"]),
        (&ext, &["-text4", "-b1024", "-O^metadata_csum,^64bit"]),
        (&ext, &["-text4", "-Oinline_data,bigalloc", "-C16384"]),
        (&ext, &["-text3", "-b1024"]),
        (&xfs, &[]),
        (&xfs, &["-mrmapbt=1", "-inrext64=1"]),
        (&xfs, &["-mbigtime=0", "-nsize=8192", "-isparse=0"]),
        (&xfs, &["-ssize=4096", "-mreflink=0", "-isize=1024"]),
    ];
    if !has("mke2fs") || !has("mkfs.xfs") || !has("xfs_io") {
        return;
    }
    for (make, options) in forms {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("volume");
        File::create(&image).unwrap().set_len(24 << 20).unwrap();
        let path = image.to_str().unwrap();
        tool(make[0], &[&make[1..], options, &[path]].concat());
        let Some(story) = story(&image) else {
            return;
        };
        hold_story(&options.join(" "), &story);
    }
}
