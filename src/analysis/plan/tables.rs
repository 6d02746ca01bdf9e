//! Block tables of the disks of a store, read when a plan asks for them.

use crate::analysis::plan::BlockMaps;
use crate::format::{BlockNo, SectorNo};
use crate::image::{BlockState, Image, Place, SectorRun, StateRun};
use crate::store::containers::Containers;
use crate::store::{DiskId, Forest};

/// Blocks read at once.
const WINDOW: usize = 65_536;
/// Bitmaps read at once.
const BITMAPS: u64 = 4096;

/// The tables of a forest's files.
#[derive(Debug)]
pub struct StoreTables<'a> {
    forest: &'a Forest,
    containers: Containers,
}

impl<'a> StoreTables<'a> {
    /// Reads tables of this forest's disks.
    pub fn new(forest: &'a Forest) -> Self {
        Self {
            forest,
            containers: Containers::among(&forest.roots),
        }
    }

    fn open(&self, disk: DiskId) -> Option<Image> {
        let disk = self.forest.disk(disk)?;
        let header = disk.header.as_ref()?;
        let source = self.containers.open(&disk.path).ok()?;
        if header.is_raw() {
            return Some(Image::raw(source, header.sector_size));
        }
        Image::open_named(source).ok()
    }
}

impl BlockMaps for StoreTables<'_> {
    fn held(&self, disk: DiskId) -> Option<Vec<StateRun>> {
        held(&self.open(disk)?)
    }

    fn sectors(&self, disk: DiskId, visit: &mut dyn FnMut(SectorRun)) -> bool {
        self.open(disk)
            .is_some_and(|image| sectors(&image, visit).is_some())
    }
}

/// Runs of sectors, in order; of what has no entry in the table nothing is known.
fn sectors(image: &Image, visit: &mut dyn FnMut(SectorRun)) -> Option<()> {
    let (told_of, all) = (image.sectors_told_of(), image.sectors());
    let window = image.sectors_per_block().saturating_mul(BITMAPS).max(1);
    let mut runs = Vec::new();
    let mut first = 0;
    while first < told_of {
        let end = first.saturating_add(window).min(told_of);
        image
            .sector_runs(SectorNo(first)..SectorNo(end), &mut runs)
            .ok()?;
        runs.iter().copied().for_each(&mut *visit);
        first = end;
    }
    visit(SectorRun {
        first: SectorNo(told_of),
        count: all.saturating_sub(told_of),
        place: Place::Error,
    });
    Some(())
}

/// Runs of blocks that are not absent, by the table alone; `None` if the table cannot be read. Fixed disks have none to tell.
pub fn held(image: &Image) -> Option<Vec<StateRun>> {
    let known = image.blocks_with_entry();
    let mut runs = Vec::new();
    let mut window = Vec::new();
    let mut first = 0;
    while first < known {
        let asked =
            usize::try_from(known.saturating_sub(first)).map_or(WINDOW, |left| left.min(WINDOW));
        image
            .read_table(BlockNo(first), asked, &mut window, None)
            .ok()?;
        if window.is_empty() {
            break;
        }
        for entry in &window {
            push(&mut runs, first, 1, entry.state);
            first = first.saturating_add(1);
        }
    }
    let rest = image.header().blocks.saturating_sub(first);
    push(&mut runs, first, rest, BlockState::Error);
    Some(runs)
}

/// Adds blocks that follow those before; absent ones are left out.
fn push(runs: &mut Vec<StateRun>, first: u64, count: u64, state: BlockState) {
    match runs.last_mut() {
        _ if count == 0 || state == BlockState::Absent => {}
        Some(run) if run.state == state && run.first.0.saturating_add(run.count) == first => {
            run.count = run.count.saturating_add(count);
        }
        _ => runs.push(StateRun {
            first: BlockNo(first),
            count,
            state,
        }),
    }
}
