//! Chains of disks of both formats, built from the input beside a flat model of their content: every read and comparison
//! must give what the model says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;
use vhdtree::analysis::diff::{DiffEvent, DiffKind, DiffRun, DiffTotals, diff};
use vhdtree::build::vhd::VhdBuilder;
use vhdtree::build::vhdx::{Payload, VhdxBuilder};
use vhdtree::chain::{Chain, OnFault};
use vhdtree::finding::Severity;
use vhdtree::format::SectorNo;
use vhdtree::image::Image;
use vhdtree::job::Job;
use vhdtree::source::MemorySource;

use super::bytes::Bytes;
use super::disk;

const MIB: u32 = 1 << 20;
/// States that a block can be given whole.
const STATES: [Payload; 4] = [
    Payload::Zero,
    Payload::Unmapped,
    Payload::Full,
    Payload::Undefined,
];
/// Sectors read around each place that was written.
const AROUND: u64 = 5;

/// One disk as a flat array: of each sector its ink (0 = zeros) and whether the disk answers for it itself.
struct Flat {
    inks: Vec<u32>,
    held: Vec<bool>,
    /// Where something was done.
    places: Vec<u64>,
    image: Arc<Image>,
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let steps = [0, 200, 3, 4, 1, 100, 2, 9, 3, 50, 1, 0, 7, 255, 255, 7];
    let disk = |format: u8, block: u8, grown: u8| {
        [&[format, block, grown, 4], &steps[..], &[9; 5]].concat()
    };
    let mut seeds = Vec::new();
    for (base, child, leaf) in [
        (0, 0, 0),
        (1, 1, 1),
        (0, 1, 0),
        (1, 0, 1),
        (2, 0, 1),
        (3, 3, 2),
    ] {
        for kind in 0..2 {
            let head = [kind, 200, 7, 2, 0, 1];
            let disks = [disk(base, 4, 128), disk(child, 1, 130), disk(leaf, 3, 120)];
            seeds.push([&head[..], &disks.concat()].concat());
        }
    }
    seeds
}

/// Sector size, sectors of the base, number of disks, what is compared; then the disks.
pub fn run(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let sector_size: u32 = if input.byte() & 1 == 0 { 512 } else { 4096 };
    let most = if sector_size == 512 { 5_000 } else { 700 };
    let base_sectors = 1 + u64::from(input.short()) % most;
    let count = 1 + input.below(4);
    let compared = (input.below(count), input.below(count));
    let mut disks: Vec<Flat> = Vec::new();
    for index in 0..count {
        let grown = i64::from(input.byte()) - 128;
        let sectors = base_sectors.saturating_add_signed(grown).max(1);
        let disk = make(&mut input, index, sector_size, sectors, disks.last());
        disks.push(disk);
    }
    let chains: Vec<Chain> = (0..count).map(|leaf| chain(&disks, leaf)).collect();
    let is_slow = disk::is_one_in(8, bytes);
    for (leaf, (disk, chain)) in disks.iter().zip(&chains).enumerate() {
        assert_eq!(chain.sectors(), disk.inks.len() as u64);
        disk::image(&disk.image);
        for range in ranges(&disks[..=leaf]) {
            read(disk, chain, range);
        }
        if is_slow {
            read_all(disk, chain);
        }
    }
    if is_slow {
        compare(&disks, &chains, compared);
    }
}

fn chain(disks: &[Flat], leaf: usize) -> Chain {
    let line = || disks[..=leaf].iter().enumerate().rev();
    let images = line().map(|(_, disk)| Arc::clone(&disk.image)).collect();
    let paths = line().map(|(index, _)| PathBuf::from(index.to_string()));
    Chain::new(images)
        .expect("sectors of one size")
        .with_paths(paths.collect())
}

/// How a disk holds its content.
#[derive(Clone, Copy)]
struct Shape {
    is_vhdx: bool,
    is_fixed: bool,
    has_parent: bool,
    block_size: u32,
    sector_size: u32,
    sectors: u64,
}

impl Shape {
    fn choose(input: &mut Bytes<'_>, sector_size: u32, sectors: u64, has_parent: bool) -> Self {
        let is_vhdx = sector_size != 512 || input.byte() & 1 != 0;
        let shift = input.byte() % 13;
        Self {
            is_vhdx,
            is_fixed: !has_parent && input.byte() & 3 == 3,
            has_parent,
            block_size: if is_vhdx {
                MIB << (shift % 2)
            } else {
                512 << shift
            },
            sector_size,
            sectors,
        }
    }

    /// Sectors of a block.
    fn block(self, block: u64) -> Range<usize> {
        let per_block = u64::from(self.block_size / self.sector_size);
        let end = ((block + 1) * per_block).min(self.sectors);
        let place = |sector| usize::try_from(sector).expect("a small disk");
        place(block * per_block)..place(end)
    }

    fn block_of(self, sector: u64) -> u64 {
        sector / u64::from(self.block_size / self.sector_size)
    }

    fn build(
        self,
        inks: &[u32],
        written: &BTreeSet<usize>,
        states: BTreeMap<u64, Payload>,
    ) -> Vec<u8> {
        let size = self.sectors * u64::from(self.sector_size);
        let sectors = written.iter().map(|place| {
            let sector = inks[*place].to_le_bytes();
            let sector = sector.repeat(self.sector_size as usize / 4);
            (*place as u64, sector)
        });
        if self.is_vhdx {
            let mut builder = match (self.has_parent, self.is_fixed) {
                (false, true) => VhdxBuilder::fixed(size),
                (false, false) => VhdxBuilder::dynamic(size),
                _ => VhdxBuilder::differencing(size).parent(Uuid::from_u128(9), &[]),
            }
            .block_size(self.block_size)
            .sector_size(self.sector_size);
            for (place, sector) in sectors {
                builder = builder.write(place, &sector);
            }
            for (block, state) in states {
                builder = builder.state(block, state);
            }
            return builder.build();
        }
        let mut builder = match (self.has_parent, self.is_fixed) {
            (false, true) => VhdBuilder::fixed(size),
            (false, false) => VhdBuilder::dynamic(size).block_size(self.block_size as usize),
            _ => VhdBuilder::differencing(size)
                .block_size(self.block_size as usize)
                .parent(9, "parent.vhd"),
        };
        for (place, sector) in sectors {
            builder.write_more(place, &sector);
        }
        builder.build()
    }
}

/// A disk over `parent`: runs of 1 to 7 sectors, of new content, of the parent's and of zeros; and whole blocks by their
/// state.
fn make(
    input: &mut Bytes<'_>,
    index: usize,
    sector_size: u32,
    sectors: u64,
    parent: Option<&Flat>,
) -> Flat {
    let shape = Shape::choose(input, sector_size, sectors, parent.is_some());
    let mut inks = parent.map_or_else(Vec::new, |parent| parent.inks.clone());
    inks.resize(usize::try_from(sectors).expect("a small disk"), 0);
    let below = inks.clone();
    let mut written = BTreeSet::new();
    let mut states = BTreeMap::new();
    let mut places = Vec::new();
    for step in 0..input.below(8) {
        let at = u64::from(input.short()) * sectors / 65_536;
        let what = input.byte();
        places.push(at);
        if what & 0xc0 == 0xc0 && shape.is_vhdx && !shape.is_fixed {
            states.insert(shape.block_of(at), STATES[usize::from(what & 3)]);
            continue;
        }
        let end = (at + 1 + u64::from(what >> 2) % 7).min(sectors);
        for sector in at..end {
            let place = usize::try_from(sector).expect("a small disk");
            written.insert(place);
            inks[place] = match what & 3 {
                0 => 0,
                1 => below[place],
                _ => u32::try_from((index * 8 + step + 1) * 10_000 + place).expect("small"),
            };
        }
    }
    let mut held = vec![false; inks.len()];
    for place in &written {
        held[*place] = true;
    }
    for (block, state) in &states {
        for place in shape.block(*block) {
            if *state != Payload::Full || !written.contains(&place) {
                inks[place] = 0;
            }
            held[place] = true;
        }
    }
    let file = shape.build(&inks, &written, states);
    let image = disk::open(MemorySource(file)).expect("a sound disk");
    for finding in image.findings() {
        assert!(finding.code.severity < Severity::Error, "{finding:?}");
    }
    Flat {
        inks,
        held,
        places,
        image,
    }
}

/// The whole of a small disk, else what lies around every place where this disk or one below it was written to, and both
/// ends.
fn ranges(line: &[Flat]) -> Vec<Range<u64>> {
    let sectors = line.last().map_or(0, |disk| disk.inks.len() as u64);
    let around = if sectors < 300 { sectors } else { AROUND };
    let mut places: Vec<u64> = line
        .iter()
        .flat_map(|disk| disk.places.iter().copied())
        .collect();
    places.extend([0, sectors.saturating_sub(1)]);
    places.sort_unstable();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for place in places {
        let start = place.saturating_sub(around).min(sectors);
        let end = (place + 7 + around).min(sectors);
        match ranges.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    }
    ranges
}

fn matches(disk: &Flat, first: u64, bytes: &[u8], sector_size: usize) {
    let first = usize::try_from(first).expect("a small disk");
    for (place, sector) in (first..).zip(bytes.chunks(sector_size)) {
        let is_right = sector[..4] == disk.inks[place].to_le_bytes()
            && sector[4..] == sector[..sector_size - 4];
        assert!(is_right, "sector {place}");
    }
}

fn read(disk: &Flat, chain: &Chain, range: Range<u64>) {
    let size = chain.sector_size() as usize;
    let count = usize::try_from(range.end - range.start).expect("small");
    let mut bytes = vec![0xee; count * size];
    chain
        .read_at(SectorNo(range.start), &mut bytes)
        .expect("sound disks can be read");
    matches(disk, range.start, &bytes, size);
}

fn read_all(disk: &Flat, chain: &Chain) {
    let mut all = Vec::new();
    let summary = chain.read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
        all.extend_from_slice(bytes);
    });
    assert!(summary.expect("sound disks can be read").complete);
    let size = chain.sector_size() as usize;
    assert_eq!(all.len(), disk.inks.len() * size);
    matches(disk, 0, &all, size);
}

/// All disks stand in one line, so the way between two is the disks above the lower one.
fn compare(disks: &[Flat], chains: &[Chain], (left, right): (usize, usize)) {
    let way = left.min(right) + 1..=left.max(right);
    let mut expected: Vec<DiffRun> = Vec::new();
    let mut totals = DiffTotals::default();
    let ink = |disk: usize, place: usize| disks[disk].inks.get(place).copied().unwrap_or(0);
    for place in 0..disks[left].inks.len() {
        let is_held = |disk: usize| disks[disk].held.get(place).copied().unwrap_or(true);
        if !way.clone().any(is_held) {
            continue;
        }
        let kind = match (ink(left, place), ink(right, place)) {
            (one, other) if one == other => DiffKind::Same,
            (0, _) => DiffKind::Zeroed,
            _ => DiffKind::Changed,
        };
        totals.add(kind, 1);
        let sector = place as u64;
        match expected.last_mut() {
            Some(last) if last.kind == kind && last.sector.0 + last.count == sector => {
                last.count += 1;
            }
            _ => expected.push(DiffRun {
                sector: SectorNo(sector),
                count: 1,
                kind,
            }),
        }
    }
    let (mut runs, mut of_blocks) = (Vec::new(), 0);
    let job = Job::default();
    let report = diff(
        &chains[left],
        &chains[right],
        &job,
        &mut |event| match event {
            DiffEvent::Run(run) => runs.push(run),
            DiffEvent::Block(block) => of_blocks += block.totals.compared,
        },
    )
    .expect("disks of one line can be compared");
    assert_eq!(runs, expected, "runs of {left} and {right}");
    assert_eq!(report.summary.totals, totals);
    assert_eq!(of_blocks, totals.compared, "blocks and runs agree");
    assert!(report.summary.complete);
    assert_eq!(report.summary.equal, totals.same == totals.compared);
    assert_eq!(job.progress.done(), job.progress.total());
}
