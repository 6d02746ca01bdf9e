//! Trees of disks as flat arrays, built as real images beside it: what every read must give, known without any reader.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;
use vhdtree::analysis::diff::{DiffKind, DiffRun, DiffTotals};
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::{Payload, VhdxBuilder};
use vhdtree::chain::Chain;
use vhdtree::format::SectorNo;
use vhdtree::image::Image;
use vhdtree::source::{MemorySource, Source};

/// Of which format all disks of a tree are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// VHD.
    Vhd,
    /// VHDX with this sector size in bytes.
    Vhdx(u32),
}

impl Make {
    /// The ending of its files' names.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Vhd => "vhd",
            Self::Vhdx(_) => "vhdx",
        }
    }

    /// Bytes of a sector.
    pub fn sector_size(self) -> u32 {
        match self {
            Self::Vhd => 512,
            Self::Vhdx(bytes) => bytes,
        }
    }
}

/// What is written into a run of sectors.
#[derive(Debug, Clone, Copy)]
pub enum Ink {
    /// Bytes that no other run has.
    Fresh(u8),
    /// What the parent has there.
    AsParent,
    /// Zeros.
    Zeros,
}

/// One step of making a disk. Positions are scaled to the disk's size.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A run of sectors.
    Write { at: u16, count: u64, ink: Ink },
    /// A run that begins so many sectors before a block's end: over it, up to it, or at it.
    AtEnd {
        at: u16,
        before: u64,
        count: u64,
        ink: Ink,
    },
    /// A whole block by its table entry; for a VHD, which has no such entries, a whole block written with zeros.
    Block { at: u16, state: Payload },
}

/// How to make one disk.
#[derive(Debug, Clone)]
pub struct DiskPlan {
    /// Its parent, scaled to the number of disks before it.
    pub parent: u16,
    /// Bytes of a block.
    pub block_size: u32,
    /// Sectors more, or fewer, than the base has.
    pub grown: i64,
    /// What to do, in order; later steps win, states of blocks win over writes.
    pub steps: Vec<Step>,
}

impl Step {
    /// The sectors written, and with what; `None` for a whole block.
    fn write(self, sectors: u64, per_block: u64) -> Option<(Range<u64>, Ink)> {
        let (first, count, ink) = match self {
            Self::Write { at, count, ink } => (scaled(at, sectors), count, ink),
            Self::AtEnd {
                at,
                before,
                count,
                ink,
            } => {
                let end = (scaled(at, sectors.div_ceil(per_block)) + 1) * per_block;
                (end.min(sectors).saturating_sub(before), count, ink)
            }
            Self::Block { .. } => return None,
        };
        Some((first..(first + count).min(sectors), ink))
    }
}

impl DiskPlan {
    /// The parent of disk number `disk`, which is not the first.
    pub fn parent_of(&self, disk: usize) -> usize {
        usize::try_from(scaled(self.parent, disk as u64)).expect("an index")
    }

    /// The runs of sectors written to a disk of `sectors`, none of them empty.
    pub fn runs(&self, sectors: u64, sector_size: u32) -> impl Iterator<Item = Range<u64>> {
        let per_block = u64::from(self.block_size / sector_size);
        let runs = self
            .steps
            .iter()
            .filter_map(move |step| step.write(sectors, per_block));
        runs.map(|(run, _)| run).filter(|run| !run.is_empty())
    }
}

/// One disk of a tree.
#[derive(Debug)]
pub struct ModelDisk {
    /// Index of the parent.
    pub parent: Option<usize>,
    /// The whole content.
    pub content: Vec<u8>,
    /// By sector: the disk answers for it itself.
    pub held: Vec<bool>,
    /// The file.
    pub file: Arc<MemorySource>,
}

/// A tree of disks; the first is the base.
#[derive(Debug)]
pub struct Tree {
    /// The format.
    pub make: Make,
    /// Parents before children.
    pub disks: Vec<ModelDisk>,
}

fn scaled(at: u16, below: u64) -> u64 {
    u64::from(at) * below / 65_536
}

impl Tree {
    /// Makes the disks of `plans` over `base_sectors`; the first plan is the base's.
    pub fn grow(make: Make, base_sectors: u64, plans: &[DiskPlan]) -> Self {
        let mut tree = Self {
            make,
            disks: Vec::new(),
        };
        for (index, plan) in plans.iter().enumerate() {
            let parent = (index > 0).then(|| plan.parent_of(index));
            let disk = tree.make_disk(index, parent, base_sectors, plan);
            tree.disks.push(disk);
        }
        tree
    }

    fn make_disk(
        &self,
        index: usize,
        parent: Option<usize>,
        base_sectors: u64,
        plan: &DiskPlan,
    ) -> ModelDisk {
        let size = self.make.sector_size() as usize;
        let sectors = base_sectors.saturating_add_signed(plan.grown).max(1);
        let mut content = parent.map_or_else(Vec::new, |parent| self.disks[parent].content.clone());
        content.resize(usize::try_from(sectors).expect("a small disk") * size, 0);
        let below = content.clone();
        let mut held = vec![false; content.len() / size];
        let mut states = BTreeMap::new();
        let per_block = u64::from(plan.block_size) / size as u64;
        for step in &plan.steps {
            match step.write(sectors, per_block) {
                Some((run, ink)) => {
                    for sector in run {
                        let sector = usize::try_from(sector).expect("a small disk");
                        let bytes = sector * size..(sector + 1) * size;
                        match ink {
                            Ink::AsParent => content[bytes.clone()].copy_from_slice(&below[bytes]),
                            Ink::Zeros => content[bytes].fill(0),
                            Ink::Fresh(ink) => {
                                content[bytes.clone()].fill(ink);
                                let mark = (sector * 1000 + index).to_le_bytes();
                                content[bytes.start + 7..bytes.start + 15].copy_from_slice(&mark);
                            }
                        }
                        held[sector] = true;
                    }
                }
                None => {
                    if let Step::Block { at, state } = *step {
                        states.insert(scaled(at, sectors.div_ceil(per_block)), state);
                    }
                }
            }
        }
        for (block, state) in &states {
            for sector in block * per_block..((block + 1) * per_block).min(sectors) {
                let sector = usize::try_from(sector).expect("a small disk");
                let keeps = *state == Payload::Full && held[sector];
                if !keeps {
                    content[sector * size..(sector + 1) * size].fill(0);
                }
            }
        }
        let written: Vec<bool> = held.clone();
        for block in states.keys() {
            let end = ((block + 1) * per_block).min(sectors);
            for sector in block * per_block..end {
                held[usize::try_from(sector).expect("a small disk")] = true;
            }
        }
        let file = self.build(index, parent, plan, &content, &held, &written, &states);
        let file = Arc::new(MemorySource(file));
        ModelDisk {
            parent,
            content,
            held,
            file,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one disk")]
    fn build(
        &self,
        index: usize,
        parent: Option<usize>,
        plan: &DiskPlan,
        content: &[u8],
        held: &[bool],
        written: &[bool],
        states: &BTreeMap<u64, Payload>,
    ) -> Vec<u8> {
        let size = self.make.sector_size() as usize;
        let length = content.len() as u64;
        let name = parent.map(|parent| self.name(parent));
        let sectors = |which: &[bool]| -> Vec<(u64, Vec<u8>)> {
            (0..which.len())
                .filter(|sector| which[*sector])
                .map(|sector| {
                    let bytes = content[sector * size..(sector + 1) * size].to_vec();
                    (sector as u64, bytes)
                })
                .collect()
        };
        let id = |index: usize| 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10 * (index as u128 + 1);
        match self.make {
            Make::Vhd => {
                let mut builder = match (&name, parent) {
                    (Some(name), Some(parent)) => VhdBuilder::differencing(length)
                        .parent(id(parent), name)
                        .locator(Locator::relative(&format!(r".\{name}"))),
                    _ => VhdBuilder::dynamic(length),
                }
                .id(id(index))
                .block_size(plan.block_size as usize);
                for (sector, bytes) in sectors(held) {
                    builder.write_more(sector, &bytes);
                }
                builder.build()
            }
            Make::Vhdx(sector_size) => {
                let mut builder = match &name {
                    Some(_) => VhdxBuilder::differencing(length),
                    None => VhdxBuilder::dynamic(length),
                }
                .block_size(plan.block_size)
                .sector_size(sector_size)
                .disk_id(Uuid::from_u128(id(index) ^ 0xff))
                .data_write_id(Uuid::from_u128(id(index)));
                if let (Some(name), Some(parent)) = (&name, parent) {
                    let path = format!(r".\{name}");
                    builder = builder.parent(
                        Uuid::from_u128(id(parent)),
                        &[("relative_path", path.as_str())],
                    );
                }
                for (sector, bytes) in sectors(written) {
                    builder = builder.write(sector, &bytes);
                }
                for (block, state) in states {
                    builder = builder.state(*block, *state);
                }
                builder.build()
            }
        }
    }

    /// The name of a disk's file.
    pub fn name(&self, disk: usize) -> String {
        format!("disk-{disk}.{}", self.make.ending())
    }

    /// Sectors of a disk.
    pub fn sectors(&self, disk: usize) -> u64 {
        self.disks[disk].held.len() as u64
    }

    /// A disk and its ancestors, the disk first.
    pub fn line(&self, disk: usize) -> Vec<usize> {
        std::iter::successors(Some(disk), |disk| self.disks[*disk].parent).collect()
    }

    /// The chain of a disk, its files wrapped by `wrap`. Chains of one tree know their shared disks by path.
    pub fn chain_over<S: Source + 'static>(
        &self,
        disk: usize,
        wrap: impl Fn(usize, Arc<MemorySource>) -> S,
    ) -> Chain {
        let line = self.line(disk);
        let links = line
            .iter()
            .map(|disk| {
                let source = wrap(*disk, Arc::clone(&self.disks[*disk].file));
                Arc::new(Image::open(Arc::new(source)).expect("a sound image"))
            })
            .collect();
        let paths = line.iter().map(|disk| PathBuf::from(self.name(*disk)));
        Chain::new(links)
            .expect("a sound chain")
            .with_paths(paths.collect())
    }

    /// The chain of a disk.
    pub fn chain(&self, disk: usize) -> Chain {
        self.chain_over(disk, |_, source| source)
    }

    /// What a diff must say: runs and sums.
    pub fn diff(&self, left: usize, right: usize) -> (Vec<DiffRun>, DiffTotals) {
        let (left_line, right_line) = (self.line(left), self.line(right));
        let path: Vec<usize> = left_line
            .iter()
            .filter(|disk| !right_line.contains(disk))
            .chain(right_line.iter().filter(|disk| !left_line.contains(disk)))
            .copied()
            .collect();
        let size = self.make.sector_size() as usize;
        let mut runs: Vec<DiffRun> = Vec::new();
        let mut totals = DiffTotals::default();
        for sector in 0..self.disks[left].held.len() {
            let is_held = |disk: &usize| *self.disks[*disk].held.get(sector).unwrap_or(&true);
            if !path.iter().any(is_held) {
                continue;
            }
            let bytes = |disk: usize| {
                self.disks[disk]
                    .content
                    .get(sector * size..(sector + 1) * size)
                    .map_or_else(|| vec![0; size], <[u8]>::to_vec)
            };
            let (one, other) = (bytes(left), bytes(right));
            let kind = if one == other {
                DiffKind::Same
            } else if one.iter().all(|byte| *byte == 0) {
                DiffKind::Zeroed
            } else {
                DiffKind::Changed
            };
            totals.add(kind, 1);
            let sector = sector as u64;
            match runs.last_mut() {
                Some(last) if last.kind == kind && last.sector.0 + last.count == sector => {
                    last.count += 1;
                }
                _ => runs.push(DiffRun {
                    sector: SectorNo(sector),
                    count: 1,
                    kind,
                }),
            }
        }
        (runs, totals)
    }
}

fn inks() -> impl Strategy<Value = Ink> {
    prop_oneof![
        4 => (1..=255_u8).prop_map(Ink::Fresh),
        2 => Just(Ink::AsParent),
        1 => Just(Ink::Zeros),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let states = prop_oneof![
        Just(Payload::Zero),
        Just(Payload::Unmapped),
        Just(Payload::Undefined),
        Just(Payload::Full),
    ];
    prop_oneof![
        8 => (any::<u16>(), 1..=7_u64, inks()).prop_map(|(at, count, ink)| Step::Write { at, count, ink }),
        2 => (any::<u16>(), 8..=900_u64, inks()).prop_map(|(at, count, ink)| Step::Write { at, count, ink }),
        3 => (any::<u16>(), 0..=7_u64, 1..=7_u64, inks()).prop_map(|(at, before, count, ink)| Step::AtEnd {
            at,
            before,
            count,
            ink,
        }),
        1 => (any::<u16>(), states).prop_map(|(at, state)| Step::Block { at, state }),
    ]
}

/// Sectors of a base, of this many, and plans of it and up to five more disks, with these block sizes.
pub fn trees(
    base_sectors: Range<u64>,
    block_sizes: &'static [u32],
) -> impl Strategy<Value = (u64, Vec<DiskPlan>)> {
    let sizes = prop_oneof![6 => Just(0_i64), 1 => -90..90_i64, 1 => -4_500..4_500_i64];
    // Deep trees more often than broad ones: a parent chosen evenly seldom gives six levels.
    let parents = prop_oneof![3 => Just(u16::MAX), 1 => any::<u16>()];
    let plan = (
        parents,
        prop::sample::select(block_sizes),
        sizes,
        prop::collection::vec(steps(), 0..12),
    );
    let plans = prop::collection::vec(
        plan.prop_map(|(parent, block_size, grown, steps)| DiskPlan {
            parent,
            block_size,
            grown,
            steps,
        }),
        1..=6,
    );
    (base_sectors, plans)
}
