//! States of a disk as a chain of disks, and what the comparison says of them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use vhdtree::analysis::files::{FilesEvent, FilesReport, compare_files};
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::chain::Chain;
use vhdtree::guest::filesystem::{Change, ChangeKind, FileKind};
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::{CountedSource, MemorySource, ReadCounts};

const SECTOR: usize = 512;

/// The format of a chain's disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    Vhd,
    Vhdx,
}

/// What a child holds beside the sectors that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    Sector,
    Page,
    Block,
    /// All of the disk, whatever differs.
    Disk,
}

impl Grain {
    pub const ALL: [Self; 3] = [Self::Sector, Self::Page, Self::Block];

    fn bytes(self) -> usize {
        match self {
            Self::Sector => SECTOR,
            Self::Page => 4_096,
            Self::Block => 2 << 20,
            Self::Disk => usize::MAX,
        }
    }
}

/// Whether a tool is there; says so if not.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {tool}");
    }
    found
}

/// Runs a tool, which must do what it is told.
pub fn tool(name: &str, args: &[&str]) {
    let output = Command::new(name)
        .args(args)
        .env("MTOOLS_SKIP_CHECK", "1")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{name} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A volume behind a master boot record, at 1 MiB.
pub fn behind_mbr(volume: &[u8], kind: u8) -> Vec<u8> {
    partitioned(&[(volume, kind)])
}

/// Volumes behind a master boot record, each at a whole MiB.
pub fn partitioned(volumes: &[(&[u8], u8)]) -> Vec<u8> {
    let mut disk = vec![0; 1 << 20];
    for (number, (volume, kind)) in volumes.iter().enumerate() {
        let sectors = |bytes: usize| u32::try_from(bytes / SECTOR).unwrap().to_le_bytes();
        let first = sectors(disk.len());
        let entry = &mut disk[446 + number * 16..][..16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first);
        entry[12..16].copy_from_slice(&sectors(volume.len()));
        disk.extend_from_slice(volume);
        disk.resize(disk.len().next_multiple_of(1 << 20), 0);
    }
    disk.resize(disk.len().next_multiple_of(2 << 20), 0);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

/// A partition table that `sfdisk` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The volume is the second partition, behind an EFI system partition.
    Gpt,
    /// The same, of which only the copy at the end is left.
    GptCopy,
    /// The volume is the first logical partition of a DOS table.
    Logical,
}

impl Table {
    pub const ALL: [Self; 3] = [Self::Gpt, Self::GptCopy, Self::Logical];

    /// The name of the volume behind it.
    pub fn volume_name(self) -> &'static str {
        match self {
            Self::Gpt | Self::GptCopy => "p2",
            Self::Logical => "p5",
        }
    }

    fn script(self, start: usize, sectors: usize, all: usize) -> String {
        match self {
            Self::Gpt | Self::GptCopy => format!(
                "label: gpt\nlabel-id: 9D417C20-3E5F-4A6B-B7C8-D9E0F1A2B3C4\n\
                 start=2048, size=1984, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=00000000-0000-4000-8000-000000000001\n\
                 start={start}, size={sectors}, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=00000000-0000-4000-8000-000000000002\n"
            ),
            Self::Logical => format!(
                "label: dos\nlabel-id: 0x1234abcd\nstart=2048, size=1024, type=c\nstart=3072, size={}, type=5\n\
                 start={start}, size={sectors}, type=7\n",
                all - 3072
            ),
        }
    }
}

/// A volume behind a table; `None` after saying that `sfdisk` is missing.
pub fn behind(table: Table, volume: &[u8]) -> Option<Vec<u8>> {
    const START: usize = 2 << 20;
    let mut disk = vec![0; START];
    disk.extend_from_slice(volume);
    // Behind it lies the table's copy.
    disk.resize((disk.len() + (1 << 20)).next_multiple_of(2 << 20), 0);
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    std::fs::write(&image, &disk).unwrap();
    let script = table.script(START / SECTOR, volume.len() / SECTOR, disk.len() / SECTOR);
    let described = folder.path().join("script");
    std::fs::write(&described, script).unwrap();
    let done = Command::new("sfdisk")
        .args(["--quiet", "--no-reread", "--no-tell-kernel"])
        .arg(&image)
        .stdin(std::fs::File::open(described).unwrap())
        .output();
    let Ok(done) = done else {
        println!("skipped: sfdisk");
        return None;
    };
    assert!(done.status.success(), "{done:?}");
    let mut disk = content(&image);
    if table == Table::GptCopy {
        disk[SECTOR..34 * SECTOR].fill(0);
    }
    Some(disk)
}

/// States of a volume behind a table; `None` after saying that `sfdisk` is missing.
pub fn all_behind<const N: usize>(table: Table, states: &[Vec<u8>; N]) -> Option<[Vec<u8>; N]> {
    let disks: Option<Vec<_>> = states.iter().map(|state| behind(table, state)).collect();
    disks?.try_into().ok()
}

/// The sectors of `new` that are not as in `old`, as runs, each grown to whole grains.
fn differing(old: &[u8], new: &[u8], grain: Grain) -> Vec<std::ops::Range<usize>> {
    let grain = grain.bytes();
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    while at < new.len() {
        let end = (at + grain).min(new.len());
        if old.get(at..end) != new.get(at..end) {
            match runs.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => runs.push(at..end),
            }
        }
        at = end;
    }
    runs
}

/// The pages of `new` that are not as in `old`, as runs.
pub fn differing_pages(old: &[u8], new: &[u8]) -> Vec<std::ops::Range<usize>> {
    differing(old, new, Grain::Page)
}

/// The states as a chain, the last on top; each child holds what differs from the state before.
pub fn chain(make: Make, states: &[Vec<u8>], grain: Grain, counts: &Arc<ReadCounts>) -> Chain {
    let zeros = vec![0; states[0].len()];
    let mut images = vec![disk(
        make,
        [0, 0],
        [&zeros, &states[0]],
        Grain::Sector,
        counts,
    )];
    for (level, pair) in (1..).zip(states.windows(2)) {
        let states = [&*pair[0], &*pair[1]];
        images.push(disk(make, [level, level - 1], states, grain, counts));
    }
    images.reverse();
    Chain::new(images).unwrap()
}

/// Two disks on one base, each of which holds what differs from it.
fn branches(make: Make, [origin, left, right]: [&[u8]; 3], grain: Grain) -> [Chain; 2] {
    let counts = Arc::default();
    let zeros = vec![0; origin.len()];
    let base = disk(make, [0, 0], [&zeros, origin], Grain::Sector, &counts);
    [(1, left), (2, right)].map(|(number, state)| {
        let own = disk(make, [number, 0], [origin, state], grain, &counts);
        Chain::new(vec![own, Arc::clone(&base)]).unwrap()
    })
}

/// A disk of a number, with what its state has and its parent's has not; number 0 is the base.
fn disk(
    make: Make,
    [number, parent]: [u128; 2],
    [before, state]: [&[u8]; 2],
    grain: Grain,
    counts: &Arc<ReadCounts>,
) -> Arc<Image> {
    let bytes = disk_bytes(make, [number, parent], [before, state], grain);
    let source = CountedSource::new(MemorySource(bytes), Arc::clone(counts));
    Arc::new(Image::open(Arc::new(source)).unwrap())
}

/// The file of a disk.
pub fn disk_bytes(
    make: Make,
    [number, parent]: [u128; 2],
    [before, state]: [&[u8]; 2],
    grain: Grain,
) -> Vec<u8> {
    let size = state.len() as u64;
    let runs = differing(before, state, grain);
    let runs = runs
        .into_iter()
        .map(|run| ((run.start / SECTOR) as u64, run));
    match make {
        Make::Vhd => {
            let mut disk = match number {
                0 => VhdBuilder::dynamic(size),
                _ => VhdBuilder::differencing(size).parent(parent + 1, "parent.vhd"),
            }
            .id(number + 1);
            for (sector, run) in runs {
                disk.write_more(sector, &state[run]);
            }
            disk.build()
        }
        Make::Vhdx => {
            let id = |number: u128| uuid::Uuid::from_u128(number + 1);
            let mut disk = match number {
                0 => VhdxBuilder::dynamic(size),
                _ => VhdxBuilder::differencing(size).parent(id(parent), &[]),
            }
            .block_size(2 << 20)
            .data_write_id(id(number));
            for (sector, run) in runs {
                disk = disk.write(sector, &state[run]);
            }
            disk.build()
        }
    }
}

/// A change in a few words: `created /a`, `renamed /b (was /a)`.
pub fn words(change: &Change) -> String {
    let path = change.path.as_deref().unwrap_or("?");
    let old = change.old_path.as_ref();
    let old = old.map(|old| format!(" (was {old})")).unwrap_or_default();
    format!("{} {path}{old}", change.kind.word())
}

/// The changes between two chains, folders that were only touched left out.
pub fn changes(before: &Chain, after: &Chain) -> (BTreeSet<String>, FilesReport) {
    let mut told = BTreeSet::new();
    let report = compare_files(before, after, u64::MAX, &Job::default(), &mut |event| {
        if let FilesEvent::Change(_, change) = event
            && change.path.is_some()
            && !(change.kind == ChangeKind::Metadata && change.file == FileKind::Directory)
        {
            assert!(
                told.insert(words(&change)),
                "told twice: {}",
                words(&change)
            );
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (told, report)
}

/// How many changes are told if the job is cancelled at the first, and whether the answer is called complete.
pub fn told_when_cancelled(before: &Chain, after: &Chain) -> (usize, bool) {
    let job = Job::default();
    let mut told = 0;
    let report = compare_files(before, after, u64::MAX, &job, &mut |event| {
        if matches!(event, FilesEvent::Change(..)) {
            told += 1;
            job.cancel.cancel();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (told, report.complete)
}

pub fn expected(lines: &str) -> BTreeSet<String> {
    let lines = lines.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The other way round: what was created is deleted, and so on.
pub fn mirrored(told: &BTreeSet<String>) -> BTreeSet<String> {
    let turn = |line: &String| {
        let (kind, path) = line.split_once(' ').unwrap();
        match (kind, path.split_once(" (was ")) {
            ("created", _) => format!("deleted {path}"),
            ("deleted", _) => format!("created {path}"),
            ("linked", _) => format!("unlinked {path}"),
            ("unlinked", _) => format!("linked {path}"),
            (kind, Some((new, old))) => format!("{kind} {} (was {new})", old.trim_end_matches(')')),
            _ => line.clone(),
        }
    };
    told.iter().map(turn).collect()
}

/// Two lists must be the same; of what is in one of them only, the first are shown.
pub fn is_same(of: &str, found: &BTreeSet<String>, wanted: &BTreeSet<String>) {
    let other: Vec<_> = found.symmetric_difference(wanted).take(4).collect();
    assert_eq!(other, [""; 0], "{of}");
}

/// Holds a list of changes against what is told of it in every form a chain can have.
pub fn hold(states: &[Vec<u8>], wanted: &BTreeSet<String>) {
    hold_both(states, wanted, &mirrored(wanted));
}

/// Likewise, with the list the other way round.
pub fn hold_both(states: &[Vec<u8>], wanted: &BTreeSet<String>, wanted_back: &BTreeSet<String>) {
    let counts = Arc::new(ReadCounts::default());
    for make in [Make::Vhd, Make::Vhdx] {
        for grain in Grain::ALL {
            let newest = chain(make, states, grain, &counts);
            let oldest = newest.from_link(states.len() - 1).unwrap();
            let (told, report) = changes(&oldest, &newest);
            is_same(&format!("{make:?} {grain:?}"), &told, wanted);
            assert!(report.complete, "{make:?} {grain:?}: {:?}", report.findings);
            let (back, _) = changes(&newest, &oldest);
            is_same(&format!("{make:?} {grain:?}, back"), &back, wanted_back);
        }
    }
    let newest = chain(Make::Vhdx, states, Grain::Disk, &counts);
    let (told, _) = changes(&newest.from_link(states.len() - 1).unwrap(), &newest);
    is_same("all of it written", &told, wanted);
}

/// Holds what differs between two branches of one state against a list, in every form their disks can have.
pub fn hold_branches(states: [&[u8]; 3], wanted: &BTreeSet<String>) {
    for make in [Make::Vhd, Make::Vhdx] {
        for grain in Grain::ALL {
            let [left, right] = branches(make, states, grain);
            let (told, report) = changes(&left, &right);
            assert_eq!(&told, wanted, "{make:?} {grain:?}, branches");
            assert!(report.complete, "{make:?} {grain:?}: {:?}", report.findings);
            let (back, _) = changes(&right, &left);
            assert_eq!(back, mirrored(wanted), "{make:?} {grain:?}, branches, back");
        }
    }
}

/// A node's content in memory.
pub fn content(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}
