//! Merges that are pending or were interrupted: the machine's configuration says so, or files the engines leave meanwhile.

use std::path::Path;

use crate::analysis::plan::Answer;
use crate::analysis::plan::gate::{GateInput, reason};
use crate::analysis::reasons;
use crate::store::journals::{Journal, Work, vdi_of};
use crate::store::names::is_unfinished_merge;
use crate::store::{Forest, Machine, MachineId};
use crate::text::file_name;

use super::Reason;

/// A file that tells of a merge begun and not finished: a journal of a merge or snapshot, or a leaf put aside for one.
/// Enlarging or clearing a volume changes no chain.
#[derive(Debug)]
pub(super) struct MergeMarker<'a> {
    path: &'a Path,
    /// The file's name in small letters.
    name: String,
    is_journal: bool,
    /// Some disk beside it is named in it.
    names_any: bool,
}

impl<'a> MergeMarker<'a> {
    /// Every one of a forest.
    pub(super) fn all(forest: &'a Forest) -> Vec<Self> {
        let beside = forest.companions.iter().map(|(path, _)| path.as_path());
        let disks = || forest.disks.iter().map(|disk| &*disk.path);
        let all = beside.chain(disks());
        let mut markers: Vec<Self> = all.filter_map(Self::of).collect();
        for marker in &mut markers {
            marker.names_any = disks().any(|path| marker.is_beside(path) && marker.is_about(path));
        }
        markers
    }

    fn of(path: &'a Path) -> Option<Self> {
        let journal = Journal::of(path).map(|journal| journal.work);
        let is_journal = journal.is_some();
        let is_merge = journal.is_some_and(|work| !matches!(work, Work::Inflate | Work::Zero));
        let name = path.file_name().unwrap_or_default();
        (is_unfinished_merge(path) || is_merge).then(|| Self {
            path,
            name: name.to_string_lossy().to_lowercase(),
            is_journal,
            names_any: false,
        })
    }

    fn is_beside(&self, path: &Path) -> bool {
        path.parent() == self.path.parent()
    }

    /// Whether it is named for a disk. The storage manager's journals name disks by their ids, the one worked on first.
    fn is_about(&self, path: &Path) -> bool {
        if self.is_journal && path == self.path {
            return true;
        }
        if self.is_journal
            && let Some(vdi) = vdi_of(path)
        {
            return self.name.contains(&vdi.hyphenated().to_string());
        }
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        !stem.is_empty() && path != self.path && self.name.contains(&stem)
    }

    /// In a folder of the family, and named for one of its disks. Of other engines' files, one that is named for no disk at
    /// all may be anybody's.
    fn is_of_family(&self, case: &GateInput<'_>) -> bool {
        let is_anybodys = !self.is_journal && !self.names_any;
        let mut family = case.family.iter().filter_map(|id| case.forest.disk(*id));
        family.any(|disk| self.is_beside(&disk.path) && (is_anybodys || self.is_about(&disk.path)))
    }
}

/// Machines whose configuration says that a merge is pending.
pub(super) fn pending(forest: &Forest) -> Vec<(MachineId, &Machine)> {
    let machines = (0..).map(MachineId).zip(&forest.machines);
    machines
        .filter(|(_, machine)| machine.is_merge_pending())
        .collect()
}

/// Every reason of this kind.
pub(super) fn reasons(case: &GateInput<'_>, all: &mut Vec<Reason>) {
    for (id, machine) in &case.index.pending {
        let is_ours = match case.machine {
            Some(ours) => ours == *id,
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
    let markers = case.index.markers.iter();
    let left: Vec<String> = markers
        .filter(|marker| marker.is_of_family(case))
        .map(|marker| file_name(marker.path))
        .collect();
    if !left.is_empty() {
        let text = format!(
            "a merge was begun here and not finished: {}",
            left.join(", ")
        );
        all.push(reason(&reasons::MERGE_UNFINISHED, Answer::Refuse, text));
    }
}
