//! Where facts contradict the disks, the configurations beside them, or each other, and facts that are of no disk here.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::paths::DiskPaths;
use crate::finding::Finding;
use crate::store::host::FactsFile;
use crate::store::{
    DiskId, DiskUse, Forest, HostRow, LinkState, Machine, Snapshot, TakenSource, codes,
};
use crate::text::second;

/// Two dates of one snapshot this far apart are two dates.
const DATES_SECONDS: i64 = 60;

type SideFinding = (PathBuf, Finding);

/// Disks that are not as the row of the host's list has them.
pub(super) fn rows(paths: &DiskPaths<'_>, facts: &[FactsFile]) -> Vec<(DiskId, Finding)> {
    let forest = paths.forest;
    let inputs: HashMap<&Path, &FactsFile> = facts.iter().map(|of| (&*of.path, of)).collect();
    let told = |id: DiskId| {
        let row = forest.node(id)?.host.as_ref()?;
        let input = inputs.get(&*row.origin.path).copied();
        let differences = differences(paths, input, id, row)?;
        let text = format!("{}: {differences}.", row.origin.path.display());
        Some((id, Finding::new(&codes::FACTS_DISAGREE, text)))
    };
    forest.ids().filter_map(told).collect()
}

/// What a row says otherwise than the disk, in words.
fn differences(
    paths: &DiskPaths<'_>,
    input: Option<&FactsFile>,
    id: DiskId,
    row: &HostRow,
) -> Option<String> {
    let forest = paths.forest;
    let header = forest.disk(id)?.header.as_ref()?;
    let of = row.file.disk.as_ref()?;
    let mut all = Vec::new();
    let mut differ = |what: &str, listed: Option<String>, here: String| {
        if let Some(listed) = listed.filter(|listed| *listed != here) {
            all.push(format!("{what} {listed}, here {here}"));
        }
    };
    let has_id = !header.is_raw() && !header.id.is_nil();
    let id_listed = of.id.filter(|id| has_id && !id.is_nil());
    differ(
        "id",
        id_listed.map(|id| id.to_string()),
        header.id.to_string(),
    );
    let kind = of.kind.map(|kind| kind.word().to_owned());
    differ("type", kind, header.kind.word().to_owned());
    let size = of.size.filter(|size| *size != header.stored_size);
    differ(
        "size",
        size.map(|size| size.to_string()),
        header.virtual_size.to_string(),
    );
    let block = of
        .block_size
        .filter(|size| *size > 0)
        .zip(header.block_size);
    if let Some((listed, here)) = block {
        let listed = Some(listed.to_string());
        differ("block size", listed, here.to_string());
    }
    let listed = of.parent.as_deref().zip(input);
    let listed = listed.and_then(|(parent, input)| paths.of_facts(parent, input));
    let link = forest.node(id)?.parent.as_ref();
    let here = link.filter(|link| link.state == LinkState::Ok);
    let name = |id: DiskId| forest.disk(id).map(|disk| disk.path.display().to_string());
    if let Some((listed, here)) = listed.zip(here.and_then(|link| link.disk)) {
        differ("parent", name(listed), name(here).unwrap_or_default());
    }
    (!all.is_empty()).then(|| all.join("; "))
}

/// A machine that uses other disks by a configuration or an earlier input than by this one.
pub(super) fn on_use(known: &Machine, told: &[DiskUse], source: &Path) -> Option<SideFinding> {
    let found = |uses: &[DiskUse]| -> HashSet<DiskId> {
        uses.iter().filter_map(|used| used.disk).collect()
    };
    let (here, there) = (found(known.disks.as_deref()?), found(told));
    if here == there || there.is_empty() {
        return None;
    }
    let names = |uses: &[DiskUse]| {
        let names: Vec<&str> = uses.iter().map(|used| used.path.as_str()).collect();
        names.join(", ")
    };
    let text = format!(
        "It has {} on {}; {} has it on {}, which is used.",
        known.name,
        names(told),
        known.source.display(),
        names(known.disks.as_deref().unwrap_or_default())
    );
    let finding = Finding::new(&codes::FACTS_DISAGREE, text);
    Some((source.to_path_buf(), finding))
}

/// Snapshots with two dates that are not one.
pub(super) fn dates(snapshots: &[Snapshot]) -> Vec<SideFinding> {
    let two = |snapshot: &Snapshot| {
        let is_zoned = |source: TakenSource| {
            matches!(
                source,
                TakenSource::Config | TakenSource::Label | TakenSource::Management
            )
        };
        let dates = snapshot.taken.iter().filter(|of| is_zoned(of.source));
        let at: Vec<_> = dates.map(|taken| taken.at).collect();
        let (first, last) = (at.iter().min()?, at.iter().max()?);
        let apart = last.as_second().saturating_sub(first.as_second());
        (apart > DATES_SECONDS).then(|| {
            let text = format!(
                "\"{}\" was taken {} by one, {} by another.",
                snapshot.label().unwrap_or_default(),
                second(*first),
                second(*last)
            );
            let finding = Finding::new(&codes::FACTS_DISAGREE, text);
            (snapshot.source.clone(), finding)
        })
    };
    snapshots.iter().filter_map(two).collect()
}

/// Inputs of which nothing is about a disk found.
pub(super) fn unfit(forest: &Forest, facts: &[FactsFile]) -> Vec<SideFinding> {
    if facts.is_empty() || forest.disks.is_empty() {
        return Vec::new();
    }
    let mut fit: HashSet<&Path> = HashSet::new();
    for node in &forest.nodes {
        fit.extend(node.host.as_ref().map(|row| &*row.origin.path));
        fit.extend(node.pool.as_ref().map(|of| &*of.origin.path));
    }
    let is_here = |used: &DiskUse| used.disk.is_some();
    for machine in &forest.machines {
        if machine.disks.iter().flatten().any(is_here) {
            fit.insert(&machine.source);
            fit.extend(machine.state.as_ref().map(|of| &*of.origin.path));
        }
    }
    for snapshot in &forest.snapshots {
        if snapshot.disks.iter().any(is_here) {
            fit.insert(&snapshot.source);
            fit.extend(snapshot.lists.iter().map(PathBuf::as_path));
        }
    }
    let is_unfit = |of: &&FactsFile| {
        let says = &of.facts;
        let says_nothing =
            says.machines.is_empty() && says.snapshots.is_empty() && says.files.is_empty();
        !says_nothing && !fit.contains(&*of.path)
    };
    let unfit = facts.iter().filter(is_unfit).map(|of| {
        let says = &of.facts;
        let text = format!(
            "It tells of machines ({}), snapshots ({}) and files ({}), and of no disk found here.",
            says.machines.len(),
            says.snapshots.len(),
            says.files.len()
        );
        (of.path.clone(), Finding::new(&codes::FACTS_UNFIT, text))
    });
    unfit.collect()
}
