//! Which snapshot a person means: by its name or id, by its machine, by its disk.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::analysis::Assessment;
use crate::analysis::plan::Target;
use crate::analysis::snapshot_vdi::{one_of_several, snapshot_of_vdi};
use crate::store::journals::vdi_of;
use crate::store::{DiskId, Forest, Machine, Snapshot};
use crate::text::{escape, file_name, many, path};

/// What a person said of the snapshot they mean. Names are compared without case, as `PowerShell` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotQuery<'a> {
    /// Its name or id.
    pub snapshot: Option<&'a str>,
    /// The name of its machine.
    pub machine: Option<&'a str>,
}

/// Why that is no single snapshot. Names in it are escaped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Neither name nor id was given.
    #[error("say which snapshot with --snapshot NAME|ID{0}")]
    Unnamed(KnownSnapshots),
    /// There is none of that name or id.
    #[error("no snapshot {0:?} in this store{1}")]
    NotFound(String, KnownSnapshots),
    /// There is no such machine.
    #[error("no machine {0:?} in this store; there are {1}")]
    NoMachine(String, String),
    /// The machine has no snapshot that anything names.
    #[error(
        "nothing here names a snapshot of {0}: name the snapshot's disk, or bring the list of snapshots with --facts"
    )]
    NoneOfMachine(String),
    /// There are several.
    #[error("{} are called {wanted:?}: {}; choose with --vm or by id", many(titles.len(), "snapshot"), titles.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        titles: Vec<String>,
    },
    /// The disk is none of that snapshot or machine.
    #[error("{0} is not the disk of such a snapshot")]
    OtherDisk(String),
    /// The disk is that of several snapshots.
    #[error("{disk} is the disk of {}: {}; choose with --snapshot or --vm", many(titles.len(), "snapshot"), titles.join(", "))]
    SeveralOfDisk {
        /// The disk's file name.
        disk: String,
        titles: Vec<String>,
    },
}

/// The snapshots there are, for an answer to a wrong name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownSnapshots(Vec<String>);

impl std::fmt::Display for KnownSnapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            f.write_str("; nothing here names any: name the snapshot's disk, or bring the list of snapshots with --facts")
        } else {
            write!(f, "; there are {}", self.0.join(", "))
        }
    }
}

/// Snapshots named in an answer at most.
const SHOWN: usize = 12;
/// Digits of an id that must be given: as many as the tree shows.
const LEAST_DIGITS: usize = 8;

fn plain_id(text: &str) -> String {
    text.trim_matches(['{', '}']).to_ascii_lowercase()
}

/// The snapshot of a name or id, and of the machine if one is given.
///
/// # Errors
/// When nothing, or more than one, goes by that name.
pub fn by_name(
    forest: &Forest,
    assessment: &Assessment,
    query: SnapshotQuery<'_>,
) -> Result<Target, QueryError> {
    let store = TargetStore { forest, assessment };
    store.knows_machine(query.machine)?;
    let Some(wanted) = query.snapshot else {
        return Err(QueryError::Unnamed(store.known(query.machine)));
    };
    let mut found: Vec<usize> = (0..assessment.snapshots.len())
        .filter(|at| store.is_meant(*at, query))
        .collect();
    if found.is_empty() {
        found.extend(store.of_vdi(wanted));
    }
    if found.is_empty() {
        found = store.that_begin_with(wanted, query.machine);
    }
    match found.as_slice() {
        [one] => Ok(Target::Snapshot(*one)),
        [_, ..] if are_one(forest, assessment, &found) => Ok(store.worst(&found)),
        [] => {
            let known = store.known(query.machine);
            Err(match query.machine.filter(|_| known.0.is_empty()) {
                Some(machine) => QueryError::NoneOfMachine(escape(machine)),
                None => QueryError::NotFound(wanted.to_owned(), known),
            })
        }
        several => Err(QueryError::Ambiguous {
            wanted: wanted.to_owned(),
            titles: several.iter().map(|at| store.title(*at)).collect(),
        }),
    }
}

/// The snapshot whose disk this is; the disk itself where nothing calls it a snapshot's.
///
/// # Errors
/// When it is the disk of several, or of none that is asked for.
pub fn by_disk(
    forest: &Forest,
    assessment: &Assessment,
    id: DiskId,
    query: SnapshotQuery<'_>,
) -> Result<Target, QueryError> {
    let store = TargetStore { forest, assessment };
    let name = || {
        forest
            .disk(id)
            .map_or_else(String::new, |disk| file_name(&disk.path))
    };
    let found: Vec<usize> = assessment
        .disk(id)
        .into_iter()
        .flat_map(|of| &of.snapshots)
        .copied()
        .filter(|at| store.is_meant(*at, query))
        .collect();
    match found.as_slice() {
        [one] => Ok(Target::Snapshot(*one)),
        [_, ..] if are_one(forest, assessment, &found) => Ok(store.worst(&found)),
        [] if let Some(at) = snapshot_of_vdi(forest, assessment, id)
            && store.is_meant(at, query) =>
        {
            Ok(Target::Snapshot(at))
        }
        [] if query == SnapshotQuery::default() => Ok(Target::Disk(id)),
        [] => Err(QueryError::OtherDisk(name())),
        several => Err(QueryError::SeveralOfDisk {
            disk: name(),
            titles: several.iter().map(|at| store.title(*at)).collect(),
        }),
    }
}

/// Whether snapshots are one by their id: several configurations of it, which the gate tells.
pub fn are_one(forest: &Forest, assessment: &Assessment, snapshots: &[usize]) -> bool {
    let id = |at: &usize| {
        let snapshot = assessment.snapshots.get(*at)?.snapshot?;
        forest.snapshot(snapshot)?.id.clone()
    };
    let first = snapshots.first().and_then(id);
    first.is_some() && snapshots.iter().all(|at| id(at) == first)
}

struct TargetStore<'a> {
    forest: &'a Forest,
    assessment: &'a Assessment,
}

impl TargetStore<'_> {
    fn is_meant(&self, at: usize, query: SnapshotQuery<'_>) -> bool {
        let Some(of) = self.assessment.snapshots.get(at) else {
            return false;
        };
        let known = of.snapshot.and_then(|id| self.forest.snapshot(id));
        let name = known.and_then(|known| known.name.as_deref());
        let id = known.and_then(|known| known.id.as_deref());
        let is_same =
            |wanted: &str, name: &str| wanted.trim().to_lowercase() == name.trim().to_lowercase();
        let named = query.snapshot.is_none_or(|wanted| {
            name.is_some_and(|name| is_same(wanted, name))
                || id.is_some_and(|id| plain_id(id) == plain_id(wanted))
                || known.is_some_and(|known| self.has_vdi(known, &plain_id(wanted)))
        });
        let machine = of.machine.or(known.and_then(|known| known.machine));
        let is_its = |vm: &str| match machine {
            Some(id) => (self.forest.machine(id)).is_some_and(|machine| {
                is_same(vm, &machine.name)
                    || is_same(
                        vm,
                        &format!("{} ({})", machine.name, self.folder(&of.frozen)),
                    )
            }),
            // Nothing says whose it is: whoever stands on its disks may be meant.
            None => (self.forest.machines.iter())
                .filter(|machine| is_same(vm, &machine.name))
                .any(|machine| self.stands_on(machine, &of.frozen)),
        };
        named && query.machine.is_none_or(is_its)
    }

    /// The folder of the first of some disks, below the root: it tells machines of one name apart, as the tree does.
    fn folder(&self, disks: &[DiskId]) -> String {
        let first = disks.first().and_then(|id| self.forest.disk(*id));
        let folder = first.and_then(|disk| disk.path.parent());
        folder.map_or_else(String::new, |folder| {
            let mut roots = self.forest.roots.iter();
            let below = roots.find_map(|root| folder.strip_prefix(root).ok());
            path(
                below
                    .filter(|below| !below.as_os_str().is_empty())
                    .unwrap_or(folder),
            )
        })
    }

    /// Nothing against a machine that is named, unless the store knows machines and not that one.
    fn knows_machine(&self, wanted: Option<&str>) -> Result<(), QueryError> {
        let machines = &self.forest.machines;
        let Some(wanted) = wanted.filter(|_| !machines.is_empty()) else {
            return Ok(());
        };
        let plain = |name: &str| name.trim().to_lowercase();
        let begins = |machine: &Machine| {
            let name = plain(&machine.name);
            let rest = plain(wanted).strip_prefix(&name).map(str::to_owned);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        };
        if machines.iter().any(begins) {
            return Ok(());
        }
        let mut names: Vec<String> = machines.iter().map(|of| escape(&of.name)).collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let mut names = names.join(", ");
        if more > 0 {
            names = format!("{names} and {more} more");
        }
        Err(QueryError::NoMachine(wanted.to_owned(), names))
    }

    fn stands_on(&self, machine: &Machine, frozen: &[DiskId]) -> bool {
        let used = machine.disks.iter().flatten().filter_map(|used| used.disk);
        let mut lines = used.flat_map(|used| self.forest.line(used));
        lines.any(|disk| frozen.contains(&disk))
    }

    /// On XCP-ng an administrator can name only the snapshot's own disk, by its id or the name of its file or volume.
    fn has_vdi(&self, snapshot: &Snapshot, wanted: &str) -> bool {
        snapshot.disk_ids().any(|id| self.is_vdi(id, wanted))
    }

    fn is_vdi(&self, id: DiskId, wanted: &str) -> bool {
        let file = self.forest.disk(id).map(|disk| disk.path.as_path());
        file.is_some_and(|path| {
            let vdi = vdi_of(path).map(|vdi| vdi.hyphenated().to_string());
            vdi.is_some_and(|vdi| vdi == wanted || file_name(path).to_ascii_lowercase() == wanted)
        })
    }

    /// The snapshot whose VDI has such an id or name, though nothing calls it a snapshot.
    fn of_vdi(&self, wanted: &str) -> Option<usize> {
        let wanted = wanted.to_ascii_lowercase();
        let vdi = self.forest.ids().find(|id| self.is_vdi(*id, &wanted))?;
        self.at_vdi(vdi)
    }

    fn at_vdi(&self, vdi: DiskId) -> Option<usize> {
        let (forest, assessment) = (self.forest, self.assessment);
        snapshot_of_vdi(forest, assessment, vdi).or_else(|| one_of_several(forest, assessment, vdi))
    }

    /// The snapshots whose id, or whose VDI's, begins so, as the tree shortens them.
    fn that_begin_with(&self, wanted: &str, machine: Option<&str>) -> Vec<usize> {
        let wanted = plain_id(wanted);
        if wanted.len() < LEAST_DIGITS {
            return Vec::new();
        }
        let begins = |id: &str| plain_id(id).starts_with(&wanted);
        let disk_begins = |id: DiskId| {
            let vdi = self.forest.disk(id).and_then(|disk| vdi_of(&disk.path));
            vdi.is_some_and(|vdi| begins(&vdi.hyphenated().to_string()))
        };
        let query = SnapshotQuery {
            snapshot: None,
            machine,
        };
        let named = (0..).zip(&self.assessment.snapshots).filter(|(_, of)| {
            let known = of.snapshot.and_then(|id| self.forest.snapshot(id));
            known.is_some_and(|known| {
                known.id.as_deref().is_some_and(begins) || known.disk_ids().any(disk_begins)
            })
        });
        let own = named.map(|(at, _)| at);
        let vdis = self.forest.ids().filter(|id| disk_begins(*id));
        let of_vdis = vdis.filter_map(|vdi| self.at_vdi(vdi));
        let found = own.chain(of_vdis).filter(|at| self.is_meant(*at, query));
        let found: BTreeSet<usize> = found.collect();
        found.into_iter().collect()
    }

    /// Of several configurations of one snapshot the one that speaks most against a delete.
    fn worst(&self, found: &[usize]) -> Target {
        let reverted = |at: &usize| Some(self.assessment.snapshots.get(*at)?.verdict.reverted);
        let worst = found.iter().copied().min_by_key(reverted);
        Target::Snapshot(worst.unwrap_or_default())
    }

    fn title(&self, at: usize) -> String {
        let of = self.assessment.snapshots.get(at);
        let known = of.and_then(|of| self.forest.snapshot(of.snapshot?));
        let machine = of
            .and_then(|of| of.machine.or(known?.machine))
            .and_then(|id| Some(escape(&self.forest.machine(id)?.name)))
            .map_or_else(String::new, |name| format!(" of {name}"));
        let folder = of.map_or_else(String::new, |of| self.folder(&of.frozen));
        let is_alike = |other: &Machine| machine == format!(" of {}", escape(&other.name));
        let alike = self
            .forest
            .machines
            .iter()
            .filter(|of| is_alike(of))
            .count();
        let machine = if alike > 1 && !folder.is_empty() {
            format!("{machine} ({folder})")
        } else {
            machine
        };
        let id = known
            .and_then(|known| known.id.as_deref())
            .unwrap_or("no id");
        let name = known.and_then(|known| known.name.as_deref()).unwrap_or("?");
        format!("\"{}\"{machine} ({})", escape(name), escape(id))
    }

    fn known(&self, machine: Option<&str>) -> KnownSnapshots {
        let query = SnapshotQuery {
            snapshot: None,
            machine,
        };
        let named = (0..).zip(&self.assessment.snapshots);
        let titles = named
            .filter(|(at, of)| of.snapshot.is_some() && self.is_meant(*at, query))
            .take(SHOWN)
            .map(|(at, _)| self.title(at));
        KnownSnapshots(titles.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::story;
    use crate::analysis::{Compared, assess};

    const DAY: &str = "2009-06-30T09:41:00Z";

    #[test]
    fn names_are_compared_without_case_and_a_wrong_one_is_answered_with_what_there_is() {
        let store = story(DAY);
        let assessment = assess(&store.forest, &Compared::default());
        let ask = |snapshot, machine| {
            let query = SnapshotQuery { snapshot, machine };
            by_name(&store.forest, &assessment, query)
        };
        let name = store.forest.snapshots[0].name.clone().unwrap();
        let upper = name.to_uppercase();
        assert_eq!(ask(Some(&upper), None), ask(Some(&name), None));
        assert!(matches!(ask(Some(&name), None), Ok(Target::Snapshot(_))));
        let wrong = ask(Some("nothing like it"), None).unwrap_err().to_string();
        assert!(wrong.contains(&name), "{wrong}");
        let elsewhere = ask(Some(&name), Some("no such machine")).unwrap_err();
        assert!(matches!(elsewhere, QueryError::NoMachine(..)));
        assert!(matches!(ask(None, None), Err(QueryError::Unnamed(_))));
    }

    #[test]
    fn the_beginning_of_an_id_is_enough_where_it_is_long_and_the_only_one() {
        let mut store = story(DAY);
        store.forest.snapshots[0].id = Some("8c1f0a52-0000-4000-8000-000000000001".to_owned());
        let assessment = assess(&store.forest, &Compared::default());
        let ask = |snapshot| {
            let query = SnapshotQuery {
                snapshot: Some(snapshot),
                machine: None,
            };
            by_name(&store.forest, &assessment, query)
        };
        let whole = ask("{8C1F0A52-0000-4000-8000-000000000001}");
        assert!(matches!(whole, Ok(Target::Snapshot(_))), "{whole:?}");
        assert_eq!(ask("8C1F0A52"), whole);
        assert_eq!(ask("8c1f0a52-0000"), whole);
        assert!(matches!(ask("8c1f0a5"), Err(QueryError::NotFound(..))));
        assert!(matches!(ask("8c1f0a53"), Err(QueryError::NotFound(..))));
    }

    #[test]
    fn a_disk_stands_for_its_snapshot_or_for_itself() {
        let store = story(DAY);
        let assessment = assess(&store.forest, &Compared::default());
        let of = |id, query| by_disk(&store.forest, &assessment, id, query);
        let frozen = assessment.snapshots[0].frozen[0];
        assert_eq!(
            of(frozen, SnapshotQuery::default()),
            Ok(Target::Snapshot(0))
        );
        let other = SnapshotQuery {
            snapshot: Some("nothing like it"),
            machine: None,
        };
        assert!(matches!(of(frozen, other), Err(QueryError::OtherDisk(_))));
        let leaf = store.forest.ids().find(|id| *id != frozen).unwrap();
        assert_eq!(of(leaf, SnapshotQuery::default()), Ok(Target::Disk(leaf)));
    }
}
