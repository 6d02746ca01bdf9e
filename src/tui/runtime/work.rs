//! What each kind of job does. Jobs know neither the state nor the terminal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::diff::{self, DiffEvent};
use crate::analysis::files::lost::{LossExtent, StoreGuestFiles};
use crate::analysis::moment::Moment;
use crate::analysis::plan::{self, PlanOptions, StoreTables, Target, add_files};
use crate::analysis::settle::{GuestAccess, guest_clocks};
use crate::analysis::{Assessment, Compared, assess};
use crate::chain::ChainSource;
use crate::format::SectorNo;
use crate::guest::Partitions;
use crate::image::{Image, Place, StateRun};
use crate::report::json::read;
use crate::report::row::Phase;
use crate::store::containers::Containers;
use crate::store::earlier::EarlierScan;
use crate::store::{DiskId, Forest, ForestUpdates, ScanEvent, ScanOptions, rescan, scan};
use crate::tui::Options;
use crate::tui::effect::JobRequest;
use crate::tui::message::{BlockTable, DiffResult, News, SectorTable, Sides};
use crate::tui::prepared::{Prepared, PreparedStore};

use super::chains::chains;
use super::reporter::{JobError, Reporter};
use super::tables::chain_tables;
use crate::text;

/// Runs of a diff that are kept; beyond, the sums go on and the list says that it is partial.
const RUNS_KEPT: usize = 1 << 20;
/// Runs of block states that are kept: a table of 64 TiB in 1 MiB blocks that alternate is cut here.
const STATES_KEPT: usize = 4 << 20;

/// Does the work; the result is how it ended.
pub fn run(options: &Options, work: JobRequest, reporter: &Reporter) -> Result<(), JobError> {
    match work {
        JobRequest::Scan { growth } => read_store(options, growth, reporter),
        JobRequest::Reread { forest, disk } => {
            let forest = rescan(&forest, disk, &options.scan, &reporter.job)?;
            let prepared = Prepared::of(forest, reporter.wanted(), Phase::Done);
            reporter.tell(News::Prepared(Box::new(prepared)));
            Ok(())
        }
        JobRequest::Map { path } => blocks(&options.scan.roots, &path, reporter),
        JobRequest::Sectors { path, block } => sectors(&options.scan.roots, &path, block, reporter),
        JobRequest::Chain { forest, disk, part } => chain_tables(&forest, disk, part, reporter),
        JobRequest::Diff {
            forest,
            child,
            other,
        } => compare(&forest, child, other, reporter),
        JobRequest::Hex {
            forest,
            child,
            other,
            sector,
        } => sides(&forest, child, other, sector, reporter),
        JobRequest::Plan {
            forest,
            assessment,
            compared,
            target,
        } => plan(options, &forest, assessment, compared, target, reporter),
        JobRequest::Clocks {
            forest,
            assessment,
            compared,
            snapshots,
        } => {
            settle(options, &forest, assessment, compared, &snapshots, reporter);
            Ok(())
        }
        JobRequest::Files { forest, disk, of } => super::files::files(&forest, disk, of, reporter),
        JobRequest::Versions { forest, disk, path } => {
            super::files::versions(&forest, disk, path, reporter);
            Ok(())
        }
        JobRequest::Watch { forest } => {
            super::watch::watch(&forest, reporter);
            Ok(())
        }
    }
}

fn read_store(
    options: &Options,
    growth: ForestUpdates,
    reporter: &Reporter,
) -> Result<(), JobError> {
    if let Some((forest, assessment)) = &options.saved {
        let snapshot = PreparedStore {
            forest: Arc::clone(forest),
            assessment: Arc::clone(assessment),
        };
        let mut by = reporter.wanted();
        by.options.phase = Phase::Done;
        reporter.tell(News::Prepared(Box::new(Prepared::judged(snapshot, by))));
        return Ok(());
    }
    let show = |forest: &Arc<Forest>, phase: Phase| {
        let prepared = Prepared::of(Arc::clone(forest), reporter.wanted(), phase);
        reporter.tell(News::Prepared(Box::new(prepared)));
    };
    let mut ended_with: Option<Arc<Forest>> = None;
    let mut scanned = ScanOptions {
        growth,
        ..options.scan.clone()
    };
    scanned.earlier.extend(saved_before(options, reporter));
    let forest = scan(&scanned, &reporter.job, &mut |event| match event {
        ScanEvent::Walking { files } => reporter.tick(|| format!("{files} files found")),
        ScanEvent::Reading { path } => reporter.tick(|| text::file_name(&path)),
        ScanEvent::Forest(forest) if forest.complete || reporter.job.cancel.is_cancelled() => {
            show(&forest, Phase::Done);
            ended_with = Some(forest);
        }
        ScanEvent::Forest(forest) => show(&forest, Phase::Scanning),
    })?;
    // Usually the last event brought this very forest.
    if ended_with.is_none_or(|shown| !Arc::ptr_eq(&shown, &forest)) {
        show(&forest, Phase::Done);
    }
    Ok(())
}

/// The scan of this store that was saved last, to show what is new since. One that cannot be read any more says nothing.
fn saved_before(options: &Options, reporter: &Reporter) -> Option<Arc<EarlierScan>> {
    let path = options.memory.saved.as_deref()?;
    reporter.tick(|| text::file_name(path));
    let saved = read::read(&mut File::open(path).ok()?).ok()?;
    Some(Arc::new(EarlierScan::of(&saved.forest)))
}

fn open(roots: &[PathBuf], path: &Path) -> Result<Image, JobError> {
    let containers = Containers::among(roots);
    let source = containers
        .open(path)
        .map_err(|error| format!("{}: {error}", text::path(path)))?;
    Ok(Image::open(source).map_err(|error| format!("{}: {error}", text::path(path)))?)
}

fn blocks(roots: &[PathBuf], path: &Path, reporter: &Reporter) -> Result<(), JobError> {
    let image = open(roots, path)?;
    let moment = Moment::of_files(roots, [(path.to_owned(), Some(image.header().clone()))]);
    let mut runs: Vec<StateRun> = Vec::new();
    let mut cut = false;
    let counts = reporter.watch(|| {
        image.count(
            &reporter.job,
            Some(&mut |run: StateRun| {
                if let Some(last) = runs.last_mut().filter(|last| last.state == run.state) {
                    last.count = last.count.saturating_add(run.count);
                } else if runs.len() < STATES_KEPT {
                    runs.push(run);
                } else {
                    cut = true;
                }
            }),
        )
    });
    let mut counts = counts;
    counts.complete &= !cut && moment.changed().is_empty();
    let header = image.header();
    reporter.tell(News::Blocks(Arc::new(BlockTable {
        path: path.to_owned(),
        block_bytes: header.block_size.map_or(0, u64::from),
        sector_bytes: header.sector_size.into(),
        runs,
        counts,
    })));
    Ok(())
}

fn sectors(
    roots: &[PathBuf],
    path: &Path,
    block: u64,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let image = open(roots, path)?;
    let per_block = image.sectors_per_block();
    let first = block.saturating_mul(per_block);
    let last = first.saturating_add(per_block).min(image.sectors());
    let mut runs = Vec::new();
    image.sector_runs(SectorNo(first)..SectorNo(last), &mut runs)?;
    let mut held = Vec::new();
    for run in &runs {
        let here = matches!(
            run.place,
            Place::Here { .. } | Place::Zero | Place::Unmapped
        );
        held.extend(std::iter::repeat_n(
            here,
            usize::try_from(run.count).unwrap_or(0),
        ));
    }
    reporter.tell(News::Sectors(Arc::new(SectorTable {
        path: path.to_owned(),
        block,
        held,
    })));
    Ok(())
}

fn compare(
    forest: &Forest,
    child: DiskId,
    other: Option<DiskId>,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let moment = Moment::of_lines(forest, std::iter::once(child).chain(other));
    let (child, other) = chains(forest, child, other)?;
    let mut found = DiffResult {
        sector_size: child.sector_size(),
        partitions: Partitions::read(&ChainSource::new(child.clone()), child.sector_size()),
        ..DiffResult::default()
    };
    let mut cut = false;
    let report = reporter.watch(|| {
        diff::diff(&child, &other, &reporter.job, &mut |event| match event {
            DiffEvent::Run(run) if found.runs.len() < RUNS_KEPT => found.runs.push(run),
            DiffEvent::Run(_) => cut = true,
            DiffEvent::Block(block) => found.blocks.push(block),
        })
    });
    let report = report?;
    found.summary = report.summary;
    let held_still = moment.changed().is_empty();
    found.summary.complete &= !cut && held_still;
    found.summary.equal &= held_still;
    reporter.tell(News::Compared(Arc::new(found)));
    Ok(())
}

fn sides(
    forest: &Forest,
    child: DiskId,
    other: Option<DiskId>,
    sector: u64,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let (child, other) = chains(forest, child, other)?;
    if reporter.job.cancel.is_cancelled() {
        return Ok(());
    }
    let both = diff::side_by_side(&other, &child, SectorNo(sector), 1);
    let left = both.left?;
    let right = both.right?;
    reporter.tell(News::Sides(Arc::new(Sides {
        sector,
        left,
        right,
    })));
    Ok(())
}

/// The verdicts with what the guests' own clocks say of snapshots, where that settles them.
fn settle(
    options: &Options,
    forest: &Forest,
    assessment: Arc<Assessment>,
    mut compared: Compared,
    snapshots: &[usize],
    reporter: &Reporter,
) -> Arc<Assessment> {
    if options.guest == GuestAccess::Forbidden {
        return assessment;
    }
    let clocks = guest_clocks(forest, &assessment, &compared, snapshots, &reporter.job);
    if clocks == compared.guest_clocks || reporter.job.cancel.is_cancelled() {
        return assessment;
    }
    compared.guest_clocks.clone_from(&clocks);
    reporter.tell(News::Clocks(clocks));
    Arc::new(assess(forest, &compared))
}

fn plan(
    options: &Options,
    forest: &Forest,
    assessment: Arc<Assessment>,
    compared: Compared,
    target: Target,
    reporter: &Reporter,
) -> Result<(), JobError> {
    let plan_options = PlanOptions {
        product: options.product,
        ..PlanOptions::default()
    };
    let assessment = match target {
        Target::Snapshot(at) => settle(options, forest, assessment, compared, &[at], reporter),
        Target::Disk(_) => assessment,
    };
    let tables = StoreTables::new(forest);
    let mut made = plan::plan(forest, &assessment, target, &plan_options, &tables)?;
    let told = reporter.tell(News::Plan(Arc::new(made.clone())));
    if !told || made.lost.is_empty() || options.guest != GuestAccess::Allowed {
        return Ok(());
    }
    // The guest's files take reading; the plan is shown meanwhile.
    let files = StoreGuestFiles::new(forest, &reporter.job, LossExtent::Some);
    add_files(&mut made, forest, &files);
    if !reporter.job.cancel.is_cancelled() {
        reporter.tell(News::Plan(Arc::new(made)));
    }
    Ok(())
}
