//! `diff`: a child compared with its parent's content, or two disks of one family. Runs are printed as they are found.

use std::cell::{Cell, RefCell};
use std::path::Path;

use anyhow::Context as _;

use super::args::{OwnersArgs, StoreArgs};
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::{ScannedStore, Session};
use crate::analysis::diff::{DiffError, DiffEvent, DiffRun, DiffSummary, DiffTotals, diff, relate};
use crate::analysis::files::owned::{SectorOwner, SectorOwners};
use crate::analysis::moment::Moment;
use crate::analysis::open::{open_chain, open_pair};
use crate::analysis::written::written;
use crate::chain::{Chain, ChainSource, ReadFault};
use crate::format::SectorNo;
use crate::guest::Partitions;
use crate::guest::extents::Extents;
use crate::job::{Job, Progress};
use crate::report::csv;
use crate::report::json::diff::{CompareRuns, DiffDocument, DiffRunJson, Ended, each};
use crate::report::json::{PathErrorJson, path_text};
use crate::report::page::diff::{DiffPage, outcome};
use crate::report::placed::{DiskPlaces, PlacedRun};
use crate::report::tree_text::Headings;
use crate::report::words::disk_name;
use crate::store::{CountPolicy, DiskId, LinkState};
use crate::text::Units;
use crate::text::{self, escape};

/// What is said of a file that looks otherwise after the comparison.
pub(super) const CHANGED: &str = "it changed while it was compared; the answer may mix two moments";

pub(super) fn run(
    session: &Session,
    child: &Path,
    other: Option<&Path>,
    owners: &OwnersArgs,
    store_args: &StoreArgs,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let files: Vec<&Path> = [Some(child), other].into_iter().flatten().collect();
    let store = session.read_around(&files, store_args, CountPolicy::HeadersOnly, out)?;
    let pair = pair(&store, child, other)?;
    let left = ChainSource::new(pair.left.clone());
    let partitions = Partitions::read(&left, pair.left.sector_size());
    let owned = owners_of(&pair, owners, &session.job).with_context(|| text::path(child))?;
    let places = DiskPlaces {
        partitions: partitions.as_ref(),
        owners: owned.as_ref(),
    };
    let progress = &session.job.progress;
    let line = RefCell::new(out.progress());
    let outcome: RefCell<Result<Ended<DiffSummary>, DiffError>> =
        RefCell::new(Ok(Ended::default()));
    let compare = |visit: &mut dyn FnMut(DiffRun)| {
        let mut of_wanted = DiffTotals::default();
        let told = diff(&pair.left, &pair.right, &session.job, &mut |event| {
            line.borrow_mut().show(|| compared_so_far(progress));
            if let DiffEvent::Run(run) = event
                && let Some(run) = wanted(run, owners)
            {
                of_wanted.add(run.kind, run.count);
                visit(run);
            }
        });
        let mut ended = Ended::<DiffSummary>::default();
        if let Ok(told) = &told {
            ended.sums = told.summary;
            if owners.sectors.is_some() {
                ended.sums.equal = told.summary.complete && of_wanted.same == of_wanted.compared;
                ended.sums.totals = of_wanted;
            }
            let faults = told.faults.iter();
            ended.errors = faults.map(|fault| unread(fault, child)).collect();
        }
        let changed = pair.moment.changed();
        if !changed.is_empty() {
            ended.sums.equal = false;
            ended.sums.complete = false;
            pair.is_mixed.set(true);
        }
        let changed = changed.iter();
        let changed = changed.map(|path| PathErrorJson::new(path, CHANGED.to_owned()));
        ended.errors.extend(changed);
        *outcome.borrow_mut() = told.map(|_| ended.clone());
        ended
    };
    match out.form {
        Form::Json => {
            let parent = pair.with.and_then(|id| path_of(&store, id));
            let child = path_of(&store, pair.child).unwrap_or_default();
            out.json(&DiffDocument {
                child,
                parent,
                places,
                compare: &compare,
                ended: RefCell::default(),
            })?;
        }
        Form::Ndjson => {
            each(&compare, &mut |run| {
                let mut parts = places.cut(*run).into_iter();
                parts.try_for_each(|part| out.json(&DiffRunJson::new(&part)))
            })?;
        }
        Form::Csv => {
            out.line(if owners.owners {
                "sector,count,kind,class,volume,path,stream"
            } else {
                "sector,count,kind"
            })?;
            each(&compare, &mut |run| {
                let mut parts = places.cut(*run).into_iter();
                parts.try_for_each(|part| out.line(&csv_line(&part)))
            })?;
        }
        Form::Text => {
            let clear = || line.borrow_mut().clear();
            text(&store, &pair, places, &compare, &clear, out)?;
        }
    }
    drop(line);
    let ended = outcome.into_inner().with_context(|| text::path(child))?;
    for error in &ended.errors {
        out.warn(&escape(&format!("{}: {}", error.path, error.error)));
    }
    if let Some(owned) = &owned {
        told_of_owners(owned, out);
    }
    let totals = ended.sums.totals;
    let differs = totals.changed > 0 || totals.zeroed > 0;
    Ok(if differs && !pair.is_mixed.get() {
        Exit::No
    } else if ended.sums.complete && owned.is_none_or(|owned| owned.complete) {
        Exit::Done
    } else {
        Exit::CannotTell
    })
}

fn compared_so_far(progress: &Progress) -> String {
    let [done, total] = [progress.done(), progress.total()].map(|bytes| Units::Human.size(bytes));
    format!("compared {done} of {total}")
}

/// Whose the sectors are that can differ, if that is asked.
fn owners_of(
    pair: &DiskPair,
    args: &OwnersArgs,
    job: &Job,
) -> Result<Option<SectorOwners>, DiffError> {
    if !args.owners {
        return Ok(None);
    }
    let of = written(&pair.right, &pair.left, job)?;
    let of = within(&of, args, pair.left.sector_size());
    Ok(Some(SectorOwners::read(&pair.left, &of, job)))
}

/// What of a run lies in the sectors that are asked for.
fn wanted(run: DiffRun, owners: &OwnersArgs) -> Option<DiffRun> {
    let sectors = owners.sectors.clone().unwrap_or(0..u64::MAX);
    let end = run.sector.0.saturating_add(run.count).min(sectors.end);
    let first = run.sector.0.max(sectors.start);
    let count = end.checked_sub(first).filter(|count| *count > 0)?;
    Some(DiffRun {
        sector: SectorNo(first),
        count,
        ..run
    })
}

/// What of some bytes lies in the sectors that are asked for.
pub(super) fn within(of: &Extents, owners: &OwnersArgs, sector_bytes: u32) -> Extents {
    let Some(sectors) = &owners.sectors else {
        return of.clone();
    };
    let byte = |sector: u64| sector.saturating_mul(sector_bytes.into());
    let wanted = byte(sectors.start)..byte(sectors.end);
    Extents::collect(of.within(&wanted))
}

/// What was found wrong while owners were looked for.
pub(super) fn told_of_owners(owned: &SectorOwners, out: &Output) {
    for (volume, finding) in &owned.findings {
        out.warn(&format!("{volume}: {}", escape(&finding.text)));
    }
    if !owned.complete {
        out.warn("not all owners could be found");
    }
}

fn csv_line(part: &PlacedRun<'_>) -> String {
    let (sector, count) = (part.run.sector.0.to_string(), part.run.count.to_string());
    let mut cells = vec![sector.as_str(), &count, part.run.kind.word()];
    if let Some(owner) = part.owner {
        cells.extend(owner_cells(owner));
    }
    csv::line(cells)
}

/// Class, volume, path and stream of an owner.
pub(super) fn owner_cells(owner: Option<&SectorOwner>) -> [&str; 4] {
    owner.map_or([""; 4], |owner| {
        let path = owner.path.as_deref().unwrap_or("");
        [owner.class.word(), &owner.volume, path, &owner.stream]
    })
}

/// Sectors that could not be compared, with the file at fault.
fn unread(fault: &ReadFault, child: &Path) -> PathErrorJson {
    let file = fault.error.file().unwrap_or(child);
    let why = fault.error.to_string();
    let why = why
        .strip_prefix(&format!("{}: ", file.display()))
        .unwrap_or(&why);
    let last = fault.sector.0.saturating_add(fault.count.saturating_sub(1));
    let first = fault.sector.0;
    PathErrorJson::new(
        file,
        format!("sectors {first} to {last} cannot be read: {why}"),
    )
}

/// Two disks that can be compared.
pub(super) struct DiskPair {
    child: DiskId,
    with: Option<DiskId>,
    pub(super) left: Chain,
    pub(super) right: Chain,
    /// How all files looked before.
    pub(super) moment: Moment,
    /// One of them looked otherwise afterwards.
    is_mixed: Cell<bool>,
}

/// Opens both sides, and finds out before anything is printed whether they can be compared.
pub(super) fn pair(
    store: &ScannedStore,
    child: &Path,
    other: Option<&Path>,
) -> anyhow::Result<DiskPair> {
    let left_id = store.disk_of(child)?;
    let right_id = other.map(|other| store.disk_of(other)).transpose()?;
    let moment = Moment::of_lines(&store.forest, std::iter::once(left_id).chain(right_id));
    let name = text::path(child);
    let (with, left, right, name) = if let (Some(right_id), Some(other)) = (right_id, other) {
        let (left, right) = open_pair(&store.forest, left_id, right_id)?;
        let name = format!("{name} and {}", text::path(other));
        (Some(right_id), left, right, name)
    } else {
        let left = open_chain(&store.forest, left_id)?;
        let Some(right) = left.parent() else {
            let link = store
                .forest
                .node(left_id)
                .and_then(|node| node.parent.as_ref());
            let error = match link.map(|link| link.state) {
                Some(LinkState::OutsideRoots) => anyhow::anyhow!(
                    "nothing to compare with: its parent lies outside the folder read; name that folder with --parent-root"
                ),
                Some(state) => {
                    anyhow::anyhow!("nothing to compare with: its parent is {}", state.word())
                }
                None => DiffError::NoParent.into(),
            };
            return Err(error.context(name));
        };
        (store.forest.parent_of(left_id), left, right, name)
    };
    relate(&left, &right).with_context(|| name)?;
    Ok(DiskPair {
        child: left_id,
        with,
        left,
        right,
        moment,
        is_mixed: Cell::new(false),
    })
}

fn path_of(store: &ScannedStore, id: DiskId) -> Option<String> {
    store.forest.disk(id).map(|disk| path_text(&disk.path).0)
}

/// Runs, sums, and what they come to.
fn text(
    store: &ScannedStore,
    pair: &DiskPair,
    places: DiskPlaces<'_>,
    compare: CompareRuns<'_>,
    clear_progress: &dyn Fn(),
    out: &mut Output,
) -> anyhow::Result<()> {
    let page = DiffPage {
        sector_size: pair.left.sector_size().into(),
        places,
        units: out.style.units,
        width: out.text_width(),
    };
    let mut runs = 0_u64;
    let ended = each(compare, &mut |run| {
        clear_progress();
        if runs == 0 && out.headings == Headings::Shown {
            out.page(&[page.heading()])?;
        }
        let parts = places.cut(*run);
        runs = runs.saturating_add(parts.len() as u64);
        let lines: Vec<_> = parts.iter().map(|part| page.run(part)).collect();
        out.page(&lines)
    })?;
    let summary = ended.sums;
    clear_progress();
    out.page(&[page.totals(&summary, runs)])?;
    let name = |id| disk_name(&store.forest, id);
    let child = name(pair.child);
    let with = pair.with.map_or_else(|| "its parent".to_owned(), name);
    out.line(&if pair.is_mixed.get() {
        "files changed meanwhile: this may mix two moments".to_owned()
    } else {
        outcome(&summary, &child, &with)
    })?;
    Ok(())
}
