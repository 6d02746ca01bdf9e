//! Puts a plan together: target, engine steps, sizes, chains, reasons, words.

use crate::analysis::plan::steps::{DeleteSubject, Steps, steps};
use crate::analysis::plan::target::are_one;
use crate::analysis::plan::{
    BlockMaps, FreeSource, Merge, Plan, PlanOptions, Target, TargetError, gate, token, words,
};
use crate::analysis::topology::Topology;
use crate::analysis::{AssessedSnapshot, Assessment};
use crate::format::SectorNo;
use crate::image::{Growth, Place, SectorRun};
use crate::store::{DiskId, Forest, Machine, Product, Snapshot};
use crate::text::file_name;

/// Chains shown for one frozen disk; a golden image may have thousands.
const SHOWN_CHAINS: usize = 16;

/// What deleting the target would do. Pure but for the tables it asks for.
///
/// # Errors
/// When the target is not there, is no frozen disk, or stands for several snapshots.
pub fn plan(
    forest: &Forest,
    assessment: &Assessment,
    target: Target,
    options: &PlanOptions,
    tables: &dyn BlockMaps,
) -> Result<Plan, TargetError> {
    let topology = Topology::new(forest);
    let product_of = |id: DiskId| options.product.or_else(|| guess(forest, &[id]));
    let (index, frozen) = resolve(forest, assessment, &topology, target, &product_of)?;
    let assessed = index.and_then(|index| assessment.snapshots.get(index));
    let machine = assessed.and_then(|assessed| assessed.machine);
    let product = options
        .product
        .or_else(|| guess(forest, &frozen))
        .unwrap_or_default();
    let subject = DeleteSubject {
        forest,
        topology: &topology,
        machine,
        snapshot: assessed.and_then(|assessed| assessed.snapshot),
        product,
    };
    let steps = steps(&subject, &frozen);
    let merges: Vec<Merge> = steps
        .merges
        .iter()
        .map(|(from, into)| merge(&subject, options, tables, *from, *into))
        .collect();
    let before = chains(&topology, forest, &frozen);
    let verdict = assessed.map(|assessed| &assessed.verdict);
    let mut seen = family(&topology, forest, &frozen);
    seen.extend(&steps.breaks);
    let mut looked_at = before.clone();
    if let Some(vm) = machine.and_then(|machine| forest.machine(machine))
        && !steps.unknown.is_empty()
    {
        // The machine's chain may break above the frozen disk, where no chain through that one goes.
        let now = vm.disks.iter().flatten().filter_map(|used| used.disk);
        looked_at.extend(now.map(|disk| forest.line(disk).collect::<Vec<_>>()));
        seen.extend(looked_at.iter().flatten());
    }
    let state_token = token::state_token(forest, &seen, product, verdict);
    let reasons = gate::reasons(&gate::GateInput {
        forest,
        topology: &topology,
        product,
        machine,
        snapshot: assessed.and_then(|assessed| forest.snapshot(assessed.snapshot?)),
        frozen: &frozen,
        family: &seen,
        now_known: assessed.is_some_and(|assessed| assessed.now_known),
        verdict,
        steps: &steps,
        merges: &merges,
        chains: &looked_at,
        token: &state_token,
        index: &gate::GateIndex::new(forest),
        missing: &missing(forest, assessed),
        expect: options.expect.as_deref(),
        accept: &options.accept,
    });
    let answer = gate::answer(&reasons);
    let vm = machine.and_then(|machine| forest.machine(machine));
    let merge_pending = vm.is_some_and(Machine::is_merge_pending);
    let case = words::SummaryInput {
        forest,
        assessed,
        snapshot: assessed.and_then(|assessed| forest.snapshot(assessed.snapshot?)),
        vm: vm.map(|vm| vm.name.as_str()),
        steps: &steps,
        merges: &merges,
        product,
        frozen: &frozen,
    };
    Ok(Plan {
        snapshot: index,
        machine,
        product,
        answer,
        summary: words::summary(&case, answer, &reasons),
        after: after(&before, &steps, &merges),
        ends_in: words::ends_in(&case),
        already_lost: words::already_lost(&case),
        lost: words::lost(&case),
        engine_notes: words::engine_notes(&case, merge_pending),
        do_first: words::do_first(&case, &reasons, merge_pending),
        not_checked: not_checked(&merges),
        verdict: verdict.cloned(),
        deleted: steps
            .dead_ends
            .iter()
            .chain(&steps.leaves)
            .copied()
            .collect(),
        freed: merges.iter().map(Merge::gone).collect(),
        breaks: steps.breaks,
        reasons,
        merges,
        before,
        frozen,
        state_token,
    })
}

fn resolve(
    forest: &Forest,
    assessment: &Assessment,
    topology: &Topology<'_>,
    target: Target,
    product: &dyn Fn(DiskId) -> Option<Product>,
) -> Result<(Option<usize>, Vec<DiskId>), TargetError> {
    let frozen_of = |index: usize| {
        let assessed = assessment
            .snapshots
            .get(index)
            .ok_or(TargetError::Unknown)?;
        if assessed.frozen.is_empty() {
            return Err(TargetError::NoDisks);
        }
        Ok((Some(index), assessed.frozen.clone()))
    };
    let id = match target {
        Target::Snapshot(index) => return frozen_of(index),
        Target::Disk(id) => id,
    };
    let disk = forest.disk(id).ok_or(TargetError::Unknown)?;
    match assessment
        .disk(id)
        .map(|disk| disk.snapshots.as_slice())
        .unwrap_or_default()
    {
        [one] => frozen_of(*one),
        [] if topology.is_leaf(id)
            && topology.closed_beside(id).is_empty()
            && product(id).is_none_or(Product::has_snapshots) =>
        {
            Err(TargetError::NotFrozen(file_name(&disk.path)))
        }
        [] => Ok((None, vec![id])),
        several if are_one(forest, assessment, several) => {
            frozen_of(several.first().copied().unwrap_or_default())
        }
        several => Err(TargetError::Several {
            disk: file_name(&disk.path),
            names: several
                .iter()
                .filter_map(|index| assessment.snapshots.get(*index))
                .map(|one| name(forest, one))
                .collect(),
        }),
    }
}

fn name(forest: &Forest, assessed: &AssessedSnapshot) -> String {
    let known = assessed.snapshot.and_then(|id| forest.snapshot(id));
    let name = known.and_then(Snapshot::label);
    name.unwrap_or("unnamed").to_owned()
}

pub(super) fn guess(forest: &Forest, frozen: &[DiskId]) -> Option<Product> {
    frozen
        .first()
        .and_then(|id| forest.node(*id))
        .map(|node| node.product)
}

fn merge(
    subject: &DeleteSubject<'_>,
    options: &PlanOptions,
    tables: &dyn BlockMaps,
    from: DiskId,
    into: DiskId,
) -> Merge {
    let forest = subject.forest;
    let header = |id: DiskId| forest.disk(id).and_then(|disk| disk.header.as_ref());
    let block = header(from)
        .and_then(|header| header.block_size)
        .map_or(0, u64::from);
    let held = tables.held(from);
    let counted = forest.disk(from).and_then(|disk| disk.counts.as_ref());
    let blocks = match (counted, &held) {
        (Some(counts), _) => [counts.full, counts.partial, counts.zero, counts.unmapped]
            .into_iter()
            .fold(0, u64::saturating_add),
        (None, Some(held)) => held
            .iter()
            .map(|run| run.count)
            .fold(0, u64::saturating_add),
        (None, None) => header(from).map_or(0, |header| header.blocks),
    };
    let bytes_max = blocks.saturating_mul(block);
    // Of what cannot be opened the file's length alone is known: it holds no more than that.
    let shut = forest.disk(from).filter(|disk| disk.is_locked());
    let bytes_max = shut.map_or(bytes_max, |disk| disk.file.len);
    let sector = header(from).map_or(0, |header| u64::from(header.sector_size));
    let bytes = counted.map_or(bytes_max, |counts| {
        counts.dirty_sectors.saturating_mul(sector)
    });
    let grow = header(from).zip(header(into)).map(|(child, parent)| {
        let mut growth = Growth::new(child, parent);
        if !tables.sectors(from, &mut |run| growth.add(run)) {
            // Every block may be new.
            growth = Growth::new(child, parent);
            growth.add(SectorRun {
                first: SectorNo(0),
                count: child.stored_size / u64::from(child.sector_size.max(1)),
                place: Place::Error,
            });
        }
        growth.bytes_max(&tables.held(into).unwrap_or_default())
    });
    let is_leaf = subject.topology.is_leaf(from);
    let enlarge_to = header(from)
        .zip(header(into))
        .filter(|(child, parent)| child.stored_size > parent.stored_size)
        .map(|(child, _)| child.stored_size)
        .filter(|_| subject.product == Product::XcpNg);
    let here = forest.free_bytes.get(into.0 as usize).copied().flatten();
    let host = forest.node(into).and_then(|node| node.host.as_ref()?.free);
    let free = [
        (options.free, FreeSource::Given),
        (host, FreeSource::Host),
        (here, FreeSource::Here),
    ];
    let free = free.into_iter().find_map(|(free, by)| Some((free?, by)));
    let (free, free_source) = free.unzip();
    Merge {
        from,
        into,
        survivor: match subject.product {
            // The garbage collector gives the base the name of the leaf it took in.
            Product::XcpNg if is_leaf => from,
            // The backup that stays keeps its name, whichever file it is.
            Product::XenOrchestra => from,
            _ => into,
        },
        blocks: Some(blocks).filter(|_| shut.is_none()),
        bytes: Some(bytes).filter(|_| shut.is_none()),
        bytes_max,
        grow_max: grow.unwrap_or(bytes_max),
        enlarge_to,
        is_possible: gate::unequal_size(forest, subject.product, from).is_none(),
        free,
        free_source,
    }
}

/// Chains through the frozen disks, base first: one for each leaf above, or the disk's own where nothing hangs on it.
pub(super) fn chains(
    topology: &Topology<'_>,
    forest: &Forest,
    frozen: &[DiskId],
) -> Vec<Vec<DiskId>> {
    let mut all: Vec<Vec<DiskId>> = Vec::new();
    for disk in frozen {
        let mut shown = 0;
        let mut open = vec![*disk];
        while let Some(at) = open.pop() {
            let children: Vec<DiskId> = topology.children(at).collect();
            if children.is_empty() {
                let mut chain: Vec<DiskId> = forest.line(at).collect();
                chain.reverse();
                if !all.contains(&chain) {
                    all.push(chain);
                }
                shown += 1;
                if shown == SHOWN_CHAINS {
                    break;
                }
            }
            open.extend(children.into_iter().rev());
        }
    }
    all
}

/// The chains once everything is done: merged and deleted files are out, chains that break are gone.
fn after(before: &[Vec<DiskId>], steps: &Steps, merges: &[Merge]) -> Vec<Vec<DiskId>> {
    let gone = |id: &DiskId| {
        merges.iter().any(|merge| merge.gone() == *id)
            || steps.dead_ends.contains(id)
            || steps.leaves.contains(id)
    };
    let mut after: Vec<Vec<DiskId>> = Vec::new();
    for chain in before {
        if chain.iter().any(|id| steps.breaks.contains(id)) {
            continue;
        }
        let left: Vec<DiskId> = chain.iter().copied().filter(|id| !gone(id)).collect();
        if !left.is_empty() && !after.contains(&left) {
            after.push(left);
        }
    }
    // What a deleted disk stood on is a chain of its own only where no other chain goes through it.
    let all = after.clone();
    after.retain(|chain| {
        let goes_on = |other: &Vec<DiskId>| other.len() > chain.len() && other.starts_with(chain);
        !all.iter().any(goes_on)
    });
    after
}

/// Every disk below and above the frozen ones: what the state token names.
pub(super) fn family(topology: &Topology<'_>, forest: &Forest, frozen: &[DiskId]) -> Vec<DiskId> {
    let mut all: Vec<DiskId> = frozen.iter().flat_map(|disk| forest.line(*disk)).collect();
    let mut open = frozen.to_vec();
    while let Some(at) = open.pop() {
        let children = topology.children(at);
        open.extend(children);
        all.push(at);
    }
    all
}

/// Disks the snapshot names that are not in the store, as written.
pub(super) fn missing(forest: &Forest, assessed: Option<&AssessedSnapshot>) -> Vec<String> {
    assessed
        .and_then(|assessed| forest.snapshot(assessed.snapshot?))
        .into_iter()
        .flat_map(|snapshot| &snapshot.disks)
        .filter(|used| used.disk.is_none())
        .map(|used| used.path.clone())
        .collect()
}

fn not_checked(merges: &[Merge]) -> Vec<&'static str> {
    let mut words = vec!["vm-power-state", "running-jobs", "disks-elsewhere"];
    if merges.iter().any(|merge| merge.free.is_none()) {
        words.push("free-space");
    }
    words.push("guest-content");
    words
}
