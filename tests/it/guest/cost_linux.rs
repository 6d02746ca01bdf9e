//! What it costs to say which files of large ext4 and XFS volumes differ: reads and bytes of the disks' files, and how often the
//! storage has to be waited for, counted.
//!
//! `VHDTREE_GUEST_FILES` sets how many files there are, some thousands by default.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use vhdtree::analysis::files::{FilesEvent, GuestDisk, compare_files};
use vhdtree::chain::Chain;
use vhdtree::guest::filesystem::{DataPlace, VolumeState};
use vhdtree::guest::lookup::find;
use vhdtree::guest::probe::probe;
use vhdtree::guest::volume::Volume;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::{CountedSource, FileSource, MemorySource, ReadCounts, Source};

use super::chains::{Grain, Make, behind_mbr, content, disk_bytes, has, is_same, tool, words};
use super::kernel::Mounted;
use super::linux::{image, make_xfs, open, unpacked};
use super::lvm::in_two_pieces;

const LINUX: u8 = 0x83;
const PAGE: u64 = 4_096;

/// Counts reads for which the storage has to be waited for: of a page that was neither announced nor read before.
#[derive(Debug)]
struct WaitedSource<S> {
    inner: S,
    known: Mutex<HashSet<u64>>,
    waits: Arc<AtomicU64>,
}

impl<S: Source> WaitedSource<S> {
    fn new(inner: S, waits: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            known: Mutex::default(),
            waits,
        }
    }

    /// True if all pages of a range were known.
    fn know(&self, at: u64, len: u64) -> bool {
        let mut known = self.known.lock().unwrap();
        let pages = at / PAGE..(at + len).div_ceil(PAGE);
        pages.filter(|page| known.insert(*page)).count() == 0
    }
}

impl<S: Source> Source for WaitedSource<S> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if !self.know(offset_bytes, buf.len() as u64) {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.read_exact_at(buf, offset_bytes)
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        self.know(offset_bytes, len);
    }
}

#[derive(Debug, Default)]
struct Costs {
    counts: Arc<ReadCounts>,
    waits: Arc<AtomicU64>,
}

/// Waits, reads and bytes.
type Cost = (u64, u64, u64);

impl Costs {
    fn now(&self) -> Cost {
        let waits = self.waits.load(Ordering::Relaxed);
        (waits, self.counts.reads(), self.counts.bytes())
    }

    fn open(&self, bytes: Vec<u8>) -> Arc<Image> {
        let source = CountedSource::new(MemorySource(bytes), Arc::clone(&self.counts));
        let source = WaitedSource::new(source, Arc::clone(&self.waits));
        Arc::new(Image::open(Arc::new(source)).unwrap())
    }

    /// A base and a child.
    fn chain(&self, make: Make, states: [&[u8]; 2]) -> Chain {
        let zeros = vec![0; states[0].len()];
        let base = disk_bytes(make, [0, 0], [&zeros, states[0]], Grain::Sector);
        let child = disk_bytes(make, [1, 0], states, Grain::Sector);
        Chain::new(vec![self.open(child), self.open(base)]).unwrap()
    }
}

fn files() -> u64 {
    let asked = std::env::var("VHDTREE_GUEST_FILES");
    asked.map_or(4_000, |count| count.parse().unwrap())
}

fn path(number: u64) -> String {
    let folder = number / 100;
    format!(
        "/top{:02}/folder{folder:04}/file-number{number:07}",
        folder % 20
    )
}

/// A folder of so many files, a hundred in each of its folders.
fn tree(root: &Path, count: u64) {
    for number in 0..count {
        let file = root.join(&path(number)[1..]);
        if number % 100 == 0 {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
        }
        let bytes = if number % 8 == 0 { 5_000 } else { 0 };
        fs::write(file, vec![b'a'; bytes]).unwrap();
    }
}

/// Two states of a volume, and what was done between them. Nearly all files that differ stand in folders that do not.
struct Story {
    states: [Vec<u8>; 2],
    done: BTreeSet<String>,
}

/// Paths all over the volume.
fn picked(count: u64) -> impl Iterator<Item = String> {
    (0..40).map(move |at| path(at * count / 40 / 8 * 8))
}

fn ext4(folder: &Path, count: u64) -> Option<Story> {
    if !has("mke2fs") || !has("debugfs") {
        return None;
    }
    let root = folder.join("root");
    tree(&root, count);
    let image = image(folder, count / 500 + 24);
    let (image_name, root) = (image.to_str().unwrap(), root.to_str().unwrap());
    let inodes = (count + count / 50 + 100).to_string();
    let made = ["-q", "-F", "-text4", "-N", &inodes, "-d", root, image_name];
    tool("mke2fs", &made);
    let before = content(&image);
    let new = folder.join("new");
    fs::write(&new, b"new").unwrap();
    // A number that is free again is given to a new file.
    let (mut script, mut removed) = (String::new(), String::new());
    let mut done = BTreeSet::new();
    for (number, path) in picked(count).enumerate() {
        match number % 8 {
            0 => {
                writeln!(removed, "rm {path}").unwrap();
                done.insert(format!("deleted {path}"));
            }
            1 => {
                writeln!(script, "write {} {}.new", new.display(), &path[1..]).unwrap();
                done.insert(format!("created {path}.new"));
            }
            _ => {
                writeln!(script, "sif {path} uid 7").unwrap();
                done.insert(format!("metadata {path}"));
            }
        }
    }
    let requests = folder.join("requests");
    fs::write(&requests, script + &removed).unwrap();
    let requests = requests.to_str().unwrap();
    tool("debugfs", &["-w", "-f", requests, image_name]);
    let states = [before, content(&image)].map(|state| behind_mbr(&state, LINUX));
    Some(Story { states, done })
}

fn xfs(folder: &Path, count: u64) -> Option<Story> {
    if !has("mkfs.xfs") || Command::new("xfs_db").arg("-V").output().is_err() {
        return None;
    }
    let root = folder.join("root");
    tree(&root, count);
    let image = image(folder, count / 250 + 48);
    make_xfs(&image, &root, &["--unsupported"]);
    let before = content(&image);
    let volume = open(&before);
    let fs = volume.file_system().unwrap();
    let mut args = vec!["-x".to_owned()];
    let mut done = BTreeSet::new();
    let mut written = Vec::new();
    for (number, path) in picked(count).enumerate() {
        let file = find(fs, &path).unwrap().id;
        args.extend(["-c".to_owned(), format!("inode {}", file.number)]);
        args.extend(["-c".to_owned(), "write core.uid 7".to_owned()]);
        if number % 4 == 0 {
            fs.runs(file, "", &mut |run| {
                if let DataPlace::Here { offset_bytes } = run.place {
                    written.push(usize::try_from(offset_bytes).unwrap());
                }
                ControlFlow::Break(())
            })
            .unwrap();
            done.insert(format!("modified {path}"));
        } else {
            done.insert(format!("metadata {path}"));
        }
    }
    args.push(image.to_str().unwrap().to_owned());
    tool(
        "xfs_db",
        &args.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let mut after = content(&image);
    for at in written {
        after[at..at + 9].copy_from_slice(b"elsewhere");
    }
    let states = [before, after].map(|state| in_two_pieces(&state));
    Some(Story { states, done })
}

#[test]
fn storage_is_waited_for_a_few_times_however_many_folders_there_are() {
    let count = files();
    for (name, made) in [
        ("ext4", ext4 as fn(&Path, u64) -> Option<Story>),
        ("xfs", xfs),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some(story) = made(folder.path(), count) else {
            continue;
        };
        let states = story.states.each_ref().map(Vec::as_slice);
        for make in [Make::Vhd, Make::Vhdx] {
            let costs = Costs::default();
            let newest = costs.chain(make, states);
            let opened = costs.now();
            let mut seen = BTreeSet::new();
            let mut events = opened;
            let mut told = BTreeSet::new();
            let oldest = newest.parent().unwrap();
            let report = compare_files(&oldest, &newest, u64::MAX, &Job::default(), &mut |event| {
                if let FilesEvent::Change(_, change) = event {
                    if seen.insert(change.number) {
                        events = costs.now();
                    }
                    if change.path.is_some() {
                        told.insert(words(&change));
                    }
                }
                ControlFlow::Continue(())
            });
            assert!(report.unwrap().complete);
            told.retain(|line| line.contains("/file-number"));
            is_same(&format!("{name} {make:?}"), &told, &story.done);
            let named = costs.now();
            println!(
                "{count} files, {name}, {make:?}, waits, reads and bytes: opened {opened:?}, events {events:?}, names {named:?}"
            );
            let (waits, _, bytes) = named;
            assert!(events.0 <= 64 && waits <= events.0 + 10, "{name} {make:?}");
            assert!(bytes <= (1 << 20) + count * 72, "{name} {make:?}: {bytes}");
        }
    }
}

#[test]
fn a_logical_volume_in_pieces_costs_little_more_than_a_partition() {
    let Some(both) = unpacked("xfs-crashed.zst") else {
        return;
    };
    let state = &both[..both.len() / 2];
    let cost = |disk: &[u8], make: Make| {
        let costs = Costs::default();
        let chain = costs.chain(make, [disk, disk]);
        let opened = costs.now();
        let disk = GuestDisk::open(&chain);
        let found = costs.now();
        assert!(
            disk.volumes
                .iter()
                .any(|volume| volume.kind.word() == "XFS")
        );
        (found.1 - opened.1, found.2 - opened.2)
    };
    for make in [Make::Vhd, Make::Vhdx] {
        let plain = cost(&behind_mbr(state, LINUX), make);
        let logical = cost(&in_two_pieces(state), make);
        println!("{make:?}, reads and bytes: partition {plain:?}, logical volume {logical:?}");
        assert!(logical.0 <= plain.0 + 12 && logical.1 <= plain.1 + (32 << 10));
    }
}

/// A log, as its own tool tells of it: its place on the volume, and the bytes from its tail to its head.
fn log(image: &Path) -> Option<(Range<u64>, u64)> {
    let output = Command::new("xfs_logprint").arg("-t").arg(image).output();
    let Ok(output) = output else {
        println!("skipped: xfs_logprint");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("DIRTY"), "{text}");
    let bytes = |name: &str| -> u64 {
        let rest = text.split(name).nth(1).unwrap_or_else(|| panic!("{text}"));
        let word = rest.split_whitespace().next().unwrap();
        word.parse::<u64>().unwrap() * 512
    };
    let start = bytes(" daddr: ");
    let live = bytes(" head: ").checked_sub(bytes("log tail: "));
    Some((start..start + bytes(" length: "), live.unwrap()))
}

/// Counts what is read of a part.
#[derive(Debug)]
struct PartSource {
    inner: FileSource,
    part: Range<u64>,
    bytes: AtomicU64,
}

impl Source for PartSource {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if self.part.contains(&offset_bytes) {
            self.bytes.fetch_add(buf.len() as u64, Ordering::Relaxed);
        }
        self.inner.read_exact_at(buf, offset_bytes)
    }
}

/// What finding the head takes: single blocks, and a stretch before it.
const HEAD_BYTES: u64 = 128 << 10;

#[test]
fn of_a_log_no_more_than_its_live_part_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(both) = unpacked("xfs-crashed.zst") else {
        return;
    };
    let shipped = folder.path().join("shipped.img");
    fs::write(&shipped, &both[both.len() / 2..]).unwrap();
    let mut images = vec![shipped];
    images.extend(large_log(folder.path()));
    for image in images {
        let Some((part, live)) = log(&image) else {
            return;
        };
        let log_bytes = part.end - part.start;
        let source = Arc::new(PartSource {
            inner: FileSource::open(&image).unwrap(),
            part,
            bytes: AtomicU64::new(0),
        });
        let kind = probe(&*source).unwrap();
        let counted: Arc<dyn Source> = source.clone();
        let volume = Volume::open(counted, kind);
        let state = volume.file_system().unwrap().facts().state;
        assert_eq!(state, VolumeState::Replayed);
        let bytes = source.bytes.load(Ordering::Relaxed);
        println!("log of {log_bytes} bytes, its live part {live}: {bytes} bytes read");
        assert!(bytes <= 2 * live + HEAD_BYTES, "{live}: {bytes}");
    }
}

/// A volume whose log of 64 MiB holds some MiB that were not written to their places.
fn large_log(folder: &Path) -> Option<std::path::PathBuf> {
    if !has("mkfs.xfs") {
        return None;
    }
    let image = image(folder, 400);
    tool(
        "mkfs.xfs",
        &["-q", "-f", "-lsize=64m", image.to_str().unwrap()],
    );
    let mounted = Mounted::new(&image)?;
    for number in 0..2_000 {
        fs::write(mounted.at.join(format!("file{number}")), b"content").unwrap();
    }
    mounted.stop();
    drop(mounted);
    Some(image)
}
