//! Merges that are pending or were interrupted: the machine's configuration says so, or files the engines leave meanwhile.

use std::path::Path;

use crate::analysis::plan::Answer;
use crate::analysis::plan::gate::{Case, reason};
use crate::analysis::reasons;
use crate::store::Forest;
use crate::store::journals::{Journal, Work, vdi_of};
use crate::store::names::is_unfinished_merge;
use crate::text::file_name;

use super::Reason;

/// Every reason of this kind.
pub(super) fn reasons(case: &Case<'_>, all: &mut Vec<Reason>) {
    let machines = case.forest.machines.iter().enumerate();
    for (at, machine) in machines.filter(|(_, machine)| machine.merge_pending == Some(true)) {
        let is_ours = match case.machine {
            Some(ours) => ours.0 as usize == at,
            None => (machine.disks.iter().flatten().filter_map(|used| used.disk))
                .any(|disk| case.family.contains(&disk)),
        };
        if is_ours {
            let text = format!(
                "the configuration of {} says that a merge is pending",
                machine.name
            );
            all.push(reason(&reasons::MERGE_UNFINISHED, Answer::Refuse, text));
        }
    }
    let markers = case.markers.iter().filter(|path| is_about(case, path));
    let left: Vec<String> = markers.map(|path| file_name(path)).collect();
    if !left.is_empty() {
        let text = format!(
            "a merge was begun here and not finished: {}",
            left.join(", ")
        );
        all.push(reason(&reasons::MERGE_UNFINISHED, Answer::Refuse, text));
    }
}

/// Every file of the forest that tells of a merge begun and not finished.
pub fn markers(forest: &Forest) -> Vec<&Path> {
    let beside = forest.companions.iter().map(|(path, _)| path.as_path());
    let disks = forest.disks.iter().map(|disk| &*disk.path);
    let all = beside.chain(disks);
    all.filter(|path| is_marker(path)).collect()
}

/// A journal of a merge or snapshot, or a leaf put aside for one. Enlarging or clearing a volume changes no chain.
fn is_marker(path: &Path) -> bool {
    let journal = Journal::of(path).map(|journal| journal.work);
    is_unfinished_merge(path)
        || journal.is_some_and(|work| !matches!(work, Work::Inflate | Work::Zero))
}

/// In a folder of the family, and named for one of its disks. The storage manager's journals name disks by their ids, the
/// one worked on first; of other engines' files, one that is named for no disk at all may be anybody's.
fn is_about(case: &Case<'_>, marker: &Path) -> bool {
    let name = marker
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let beside = |path: &Path| path.parent() == marker.parent();
    let is_journal = Journal::of(marker).is_some();
    let names_it = |path: &Path| {
        if is_journal && path == marker {
            return true;
        }
        if is_journal && let Some(vdi) = vdi_of(path) {
            return name.contains(&vdi.hyphenated().to_string());
        }
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        !stem.is_empty() && path != marker && name.contains(&stem)
    };
    let mut family = case.family.iter().filter_map(|id| case.forest.disk(*id));
    if family
        .clone()
        .any(|disk| beside(&disk.path) && names_it(&disk.path))
    {
        return true;
    }
    let named = case
        .forest
        .disks
        .iter()
        .any(|disk| beside(&disk.path) && names_it(&disk.path));
    !is_journal && !named && family.any(|disk| beside(&disk.path))
}
