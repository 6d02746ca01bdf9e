//! Damaged volumes: no panic, and an end in bounded time, whatever they claim.
//!
//! `VHDTREE_MUTANTS` sets how many are tried of each kind, a few by default; then time and memory are held to what is promised,
//! so run one test at a time.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vhdtree::build::lvm::GroupBuilder;
use vhdtree::guest::clock;
use vhdtree::guest::disk::volumes;
use vhdtree::guest::extents::Extents;
use vhdtree::guest::lookup::Paths;
use vhdtree::guest::probe::probe;
use vhdtree::guest::volume::{Volume, changes};
use vhdtree::job::Job;
use vhdtree::source::{MemorySource, Source};
use vhdtree::testing::volume::read_files;

use super::chains::{content, has, tool};

/// How many mutants are tried of each kind, and how long each may take: two seconds of an optimised build.
fn mutants() -> (usize, Duration) {
    match std::env::var("VHDTREE_MUTANTS") {
        Ok(count) => (count.parse().unwrap(), Duration::from_secs(2)),
        Err(_) => (60, Duration::from_secs(20)),
    }
}

/// What the process may take if it tries mutants only, in KiB.
const PEAK_MAX: u64 = 256 << 10;

/// The time this thread has had a processor; where the system does not tell, all that passed.
struct Worked {
    began: Instant,
    had: Option<Duration>,
}

impl Worked {
    fn of_thread() -> Option<Duration> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }

    fn start() -> Self {
        Self {
            began: Instant::now(),
            had: Self::of_thread(),
        }
    }

    fn so_far(&self) -> Duration {
        let had = self.had.zip(Self::of_thread());
        had.map_or_else(
            || self.began.elapsed(),
            |(before, now)| now.saturating_sub(before),
        )
    }
}

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }
}

/// Changes a few bytes where something stands.
fn mutate(volume: &[u8], places: &[usize], dice: &mut Dice) -> Vec<u8> {
    let mut mutant = volume.to_vec();
    for _ in 0..=dice.roll(6) {
        let at = places[dice.roll(places.len())] + dice.roll(512);
        let values = [0, 1, 0x7f, 0x80, 0xff, mutant[at] ^ 1, mutant[at] ^ 0x80];
        let value = values[dice.roll(values.len())];
        let len = [1, 1, 2, 4, 8][dice.roll(5)];
        for byte in mutant.iter_mut().skip(at).take(len) {
            *byte = value;
        }
    }
    mutant
}

/// Everything that can be asked of a volume.
fn exercise(sound: &Arc<dyn Source>, mutant: Vec<u8>) {
    let mutant: Arc<dyn Source> = Arc::new(MemorySource(mutant));
    let job = Job::default();
    let Ok(kind) = probe(&*mutant) else { return };
    let volume = Volume::open(Arc::clone(&mutant), kind);
    let before = Volume::open(Arc::clone(sound), probe(sound).unwrap());
    let all = Extents::of(0..mutant.len());
    for (one, other) in [(&before, &volume), (&volume, &before)] {
        changes(one, other, Some(&before), &all, &job, &mut |_| {});
        clock::read(one, other, &all, &job);
    }
    let Ok(fs) = volume.file_system() else { return };
    let mut paths = Paths::new(fs);
    for id in read_files(fs, 200, 64) {
        let _ = paths.path(id, &job);
    }
    let _ = fs.owners(&all, &job, &mut |_| ControlFlow::Continue(()));
}

fn try_mutants(name: &str, volume: &[u8]) {
    try_mutants_within(name, volume, 0..volume.len());
}

/// Tries mutants of a part of a volume, such as its journal.
fn try_mutants_within(name: &str, volume: &[u8], part: Range<usize>) {
    let (count, time_max) = mutants();
    let places: Vec<usize> = (part.start / 512..part.end / 512 - 1)
        .map(|sector| sector * 512)
        .filter(|at| volume[*at..at + 512].iter().any(|byte| *byte != 0))
        .collect();
    let sound: Arc<dyn Source> = Arc::new(MemorySource(volume.to_vec()));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut worst = Duration::ZERO;
    for number in 0..count {
        let mutant = mutate(volume, &places, &mut dice);
        let start = Worked::start();
        exercise(&sound, mutant);
        worst = worst.max(start.so_far());
        assert!(worst < time_max, "{name}: mutant {number} took {worst:?}");
    }
    println!(
        "{name}: {count} mutants, the slowest took {worst:?}; peak {:?} KiB",
        peak()
    );
    let is_alone = std::env::var_os("VHDTREE_MUTANTS").is_some();
    assert!(!is_alone || peak().is_none_or(|peak| peak < PEAK_MAX));
}

/// The most memory this process has had, in KiB, where the system tells.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn fill(folder: &Path, image: &Path, put: &dyn Fn(&str, &str)) {
    let from = folder.join("put");
    for number in 0..20_u8 {
        let bytes: Vec<u8> = (0..u32::from(number) * 700)
            .map(|at| at.to_le_bytes()[0])
            .collect();
        fs::write(&from, bytes).unwrap();
        put(
            from.to_str().unwrap(),
            &format!("/a file with a long name {number}.txt"),
        );
    }
    assert!(image.exists());
}

#[test]
fn damaged_fat_volumes_end() {
    if !has("mcopy") || !has("mkfs.fat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, mebibytes) in [("12", 2), ("16", 9), ("32", 34)] {
        let image = folder.path().join(kind);
        let name = image.to_str().unwrap();
        fs::File::create(&image)
            .unwrap()
            .set_len(mebibytes << 20)
            .unwrap();
        tool("mkfs.fat", &["-F", kind, "-s", "1", name]);
        tool("mmd", &["-i", name, "::/docs"]);
        fill(folder.path(), &image, &|from, to| {
            tool("mcopy", &["-i", name, from, &format!("::/docs{to}")]);
        });
        try_mutants(&format!("FAT{kind}"), &content(&image));
    }
}

#[test]
fn damaged_ntfs_volumes_end() {
    if !has("mkntfs") || !has("ntfscp") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("ntfs");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(4 << 20).unwrap();
    tool("mkntfs", &["-F", "-Q", "-q", name]);
    if let Some(change) = super::ntfs::changer() {
        for words in [["mkdir", "/packed"], ["compress", "/packed"]] {
            tool(change.to_str().unwrap(), &[&[name], &words[..]].concat());
        }
        let from = folder.path().join("log");
        fs::write(&from, "a line of a log\n".repeat(9_000)).unwrap();
        tool(
            "ntfscp",
            &["-f", "-q", name, from.to_str().unwrap(), "/packed/log"],
        );
    }
    fill(folder.path(), &image, &|from, to| {
        tool("ntfscp", &["-f", "-q", name, from, to]);
    });
    try_mutants("NTFS", &content(&image));
}

/// With a fragmented table, attribute lists, streams and small clusters; its records are hit more often than the rest.
#[cfg(unix)]
#[test]
fn damaged_records_of_ntfs_end() {
    let Some(volume) = super::linux::unpacked("ntfs.zst") else {
        return;
    };
    try_mutants("NTFS in pieces", &volume);
    let records = marked(&volume, b"FILE");
    try_mutants_within("records of NTFS", &volume, records);
}

/// The part of a volume between the first and the last place of a mark at the start of a sector.
#[cfg(unix)]
fn marked(volume: &[u8], mark: &[u8]) -> Range<usize> {
    let sectors = (0..volume.len() / 512).map(|sector| sector * 512);
    let mut found = sectors.filter(|at| volume[*at..].starts_with(mark));
    let first = found.next().unwrap();
    first..found.next_back().unwrap_or(first) + 4_096
}

#[cfg(unix)]
#[test]
fn damaged_ext_and_xfs_volumes_and_their_journals_end() {
    for (name, journal) in [
        ("ext4-live", [0xc0, 0x3b, 0x39, 0x98]),
        ("xfs-crashed", [0xfe, 0xed, 0xba, 0xbe]),
    ] {
        let Some([_, volume]) = super::linux::states(name) else {
            return;
        };
        try_mutants(name, &volume);
        let part = marked(&volume, &journal);
        try_mutants_within(&format!("the journal of {name}"), &volume, part);
    }
}

/// A volume with files in it, made with some words for `mke2fs`; `None` without the tools.
#[cfg(unix)]
fn made_by_mke2fs(folder: &Path, words: &[&str]) -> Option<PathBuf> {
    if !has("mke2fs") || !has("debugfs") {
        return None;
    }
    let image = folder.join("ext");
    let name = image.to_str().unwrap();
    fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
    tool(
        "mke2fs",
        &[&["-q", "-F", "-b1024"], words, &[name]].concat(),
    );
    fill(folder, &image, &|from, to| {
        let request = format!("write {from} {}", to.replace(['/', ' '], ""));
        tool("debugfs", &["-w", "-R", &request, name]);
    });
    Some(image)
}

#[cfg(unix)]
#[test]
fn damaged_volumes_with_block_maps_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = made_by_mke2fs(folder.path(), &["-text2"]) else {
        return;
    };
    let volume = content(&image);
    try_mutants("ext2", &volume);
    // Superblock, groups and the tables.
    try_mutants_within("the head of ext2", &volume, 1_024..48 << 10);
}

/// A journal without checksums lets damage in.
#[cfg(unix)]
#[test]
fn damaged_journals_without_checksums_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some(image) = made_by_mke2fs(folder.path(), &["-text3", "-Jsize=1"]) else {
        return;
    };
    let name = image.to_str().unwrap();
    // The tables of the volume as they stand, a second time through the journal, with revocations between them.
    let volume = content(&image);
    let block = folder.path().join("block");
    let script = folder.path().join("script");
    fs::write(&block, &volume[30 << 10..42 << 10]).unwrap();
    let write = |from: &Path| format!("jw -b 30-41 {}\n", from.display());
    let script_text = format!("jo\n{0}jw -r 33-36\n{0}jc\n", write(&block));
    fs::write(&script, script_text).unwrap();
    tool("debugfs", &["-w", "-f", script.to_str().unwrap(), name]);
    let volume = content(&image);
    let part = marked(&volume, &[0xc0, 0x3b, 0x39, 0x98]);
    try_mutants_within("a journal without checksums", &volume, part);
}

#[test]
fn damaged_metadata_of_lvm_ends() {
    let group = GroupBuilder::new("rl", 64 << 10, 60 << 10, &[40], 1)
        .create("root", 20 << 16, 1)
        .create("other", 3 << 16, 2)
        .extend("root", 4 << 16, 3);
    let device = group.devices().swap_remove(0);
    let (count, time_max) = mutants();
    let start = device
        .windows(4)
        .position(|bytes| bytes == b"rl {")
        .unwrap();
    let text = device[start..].split(|byte| *byte == 0).next().unwrap();
    let places: Vec<usize> = (0..text.len().saturating_sub(512)).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut worst = Duration::ZERO;
    for _ in 0..count {
        let mutant = mutate(text, &places, &mut dice);
        let device = GroupBuilder::new("rl", 64 << 10, 60 << 10, &[40], 1)
            .with_text(&mutant)
            .devices()
            .swap_remove(0);
        let disk: Arc<dyn Source> =
            Arc::new(MemorySource(super::chains::behind_mbr(&device, 0x8e)));
        let start = Worked::start();
        for place in volumes(&disk, 512) {
            let volume = place.open(&disk);
            let _ = volume.file_system();
            let written = place.written(&place, &Extents::of(0..disk.len()));
            assert!(written.bytes() <= disk.len().max(1 << 40));
        }
        worst = worst.max(start.so_far());
        assert!(worst < time_max, "{worst:?}");
    }
    println!("LVM: {count} mutants, the slowest took {worst:?}");
}
