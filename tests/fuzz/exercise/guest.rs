//! Volumes changed in a few places: ext and XFS whose machine stopped amid its work, in what they hold and in the journal;
//! NTFS and FAT, in what they hold and in their tables.

use std::ops::ControlFlow;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use vhdtree::guest::clock;
use vhdtree::guest::extents::Extents;
use vhdtree::guest::probe::probe;
use vhdtree::guest::volume::{Volume, changes};
use vhdtree::job::Job;
use vhdtree::source::Source;
use vhdtree::testing::volume::read_files;

use super::patched::Patched;

const SECTOR: usize = 512;
/// Bytes of an input that are one change: sector among those in use, byte in it, eight bytes that are put there.
const CHANGE: usize = 12;
const CHANGES_MAX: usize = 16;

/// A sound volume, and where something stands in it: all of it, and its journal or table.
struct Sound {
    bytes: Arc<Vec<u8>>,
    used: Vec<usize>,
    inner: Vec<usize>,
}

static EXT: LazyLock<Option<Sound>> =
    LazyLock::new(|| Sound::read("ext4-live", 2, &[0xc0, 0x3b, 0x39, 0x98]));
static XFS: LazyLock<Option<Sound>> =
    LazyLock::new(|| Sound::read("xfs-crashed", 2, &[0xfe, 0xed, 0xba, 0xbe]));
/// Its file records, and what lies between them.
static NTFS: LazyLock<Option<Sound>> = LazyLock::new(|| Sound::read("ntfs", 1, b"FILE"));
/// Its tables.
static FAT: LazyLock<Option<Sound>> =
    LazyLock::new(|| Sound::read("fat", 1, &[0xf8, 0xff, 0xff, 0xff]));

impl Sound {
    /// The last of the states in a fixture of the tests; `None` where nothing unpacks it.
    fn read(name: &str, states: usize, mark: &[u8]) -> Option<Self> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
        let root = root.trim_end_matches("tests/fuzz/");
        let path = format!("{root}/tests/it/fixtures/guest/{name}.zst");
        let unpacked = Command::new("zstd").args(["-dqc", &path]).output().ok()?;
        let all = unpacked.stdout;
        let bytes = all
            .get(all.len() / states * (states - 1)..)
            .filter(|bytes| !bytes.is_empty())?;
        let sectors = (0..bytes.len() / SECTOR).map(|sector| sector * SECTOR);
        let is_used = |at: &usize| bytes[*at..*at + SECTOR].iter().any(|byte| *byte != 0);
        let used: Vec<usize> = sectors.filter(is_used).collect();
        let mut marked = used.iter().filter(|at| bytes[**at..].starts_with(mark));
        let first = *marked.next()?;
        let last = *marked.next_back()?;
        let inner = used
            .iter()
            .copied()
            .filter(|at| (first..=last).contains(at));
        Some(Self {
            inner: inner.collect(),
            bytes: Arc::new(bytes.to_vec()),
            used,
        })
    }

    /// The first byte says whether only the journal or table is changed; then change after change.
    fn changed(&self, input: &[u8]) -> Option<Patched> {
        let (which, rest) = input.split_first()?;
        let places = if which & 1 == 0 {
            &self.used
        } else {
            &self.inner
        };
        let mut patched = Patched::new(Arc::clone(&self.bytes));
        for change in rest.chunks_exact(CHANGE).take(CHANGES_MAX) {
            let sector = usize::from(u16::from_le_bytes([change[0], change[1]]));
            let byte = usize::from(u16::from_le_bytes([change[2], change[3]])) % SECTOR;
            let at = places[sector % places.len()] + byte;
            let count = 1 + usize::from(change[3] >> 5);
            patched.put(at, &change[4..4 + count]);
        }
        Some(patched)
    }
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let change = |sector: u16, byte: u8| {
        let mut change = sector.to_le_bytes().to_vec();
        change.extend([byte, 0xe0]);
        change.extend([0xff, 0, 1, 0x80, 7, 0, 0, 0]);
        change
    };
    let input = |which: u8, first: u16| {
        let changes = (0..4).flat_map(|n: u16| change(first + 37 * n, 40));
        std::iter::once(which).chain(changes).collect()
    };
    vec![
        vec![0],
        input(0, 0),
        input(1, 0),
        input(0, 200),
        input(1, 60),
    ]
}

pub fn run_ext(input: &[u8]) {
    run(EXT.as_ref(), input);
}

pub fn run_fat(input: &[u8]) {
    run(FAT.as_ref(), input);
}

pub fn run_ntfs(input: &[u8]) {
    run(NTFS.as_ref(), input);
}

pub fn run_xfs(input: &[u8]) {
    run(XFS.as_ref(), input);
}

fn run(sound: Option<&Sound>, input: &[u8]) {
    let Some(sound) = sound else {
        println!("skipped: zstd");
        return;
    };
    let Some(mutant) = sound.changed(input) else {
        return;
    };
    let open = |source: Patched| {
        let source: Arc<dyn Source> = Arc::new(source);
        let kind = probe(&source).expect("in memory");
        Volume::open(source, kind)
    };
    let before = open(Patched::new(Arc::clone(&sound.bytes)));
    let mutant = open(mutant);
    let job = Job::default();
    let all = Extents::of(0..sound.bytes.len() as u64);
    changes(&before, &mutant, Some(&before), &all, &job, &mut |_| {});
    if let Some(clock) = clock::read(&before, &mutant, &all, &job) {
        assert!(clock.later.len() <= sound.bytes.len() / 64);
    }
    let Ok(fs) = mutant.file_system() else {
        return;
    };
    read_files(fs, 64, 16);
    let mut owned = 0;
    let _ = fs.owners(&all, &job, &mut |part| {
        assert!(part.bytes.start < part.bytes.end);
        owned += part.bytes.end - part.bytes.start;
        ControlFlow::Continue(())
    });
    assert!(owned <= all.bytes(), "owned twice");
}
