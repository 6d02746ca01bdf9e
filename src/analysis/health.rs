//! Health: everything that is wrong or notable in a forest, file by file.

pub mod codes;

use std::path::Path;

use jiff::Timestamp;

use crate::analysis::owner::Owners;
use crate::analysis::topology::Topology;
use crate::analysis::{AssessedSnapshot, Assessment, Reverted};
use crate::finding::Finding;
use crate::store::leftover::is_leftover;
use crate::store::names::has_extension;
use crate::store::{DiskId, DiskUse, Forest, MachineId};
use crate::text::{file_name, many};

/// Every finding of a forest with the file it is about: disks by path (the file's own, then its links', then what only the whole
/// forest shows), then side files, then machines and snapshots. A revert is one of them.
pub fn findings<'a>(forest: &'a Forest, assessment: &Assessment) -> Vec<(&'a Path, Finding)> {
    let whole = Whole::new(forest);
    let mut all = Vec::new();
    for id in forest.ids() {
        let (Some(disk), Some(node)) = (forest.disk(id), forest.node(id)) else {
            continue;
        };
        let path = disk.path.as_path();
        all.extend(
            disk.findings
                .iter()
                .chain(&node.findings)
                .map(|finding| (path, finding.clone())),
        );
        all.extend(whole.of_disk(id).map(|finding| (path, finding)));
    }
    let assessed = assessment.snapshots.iter();
    all.extend(assessed.filter_map(|of| reverted(forest, of)));
    all.extend(
        forest
            .side_findings
            .iter()
            .map(|(path, finding)| (path.as_path(), finding.clone())),
    );
    for machine in &forest.machines {
        let path = machine.source.as_path();
        all.extend(
            missing(
                machine.disks.iter().flatten(),
                &codes::MACHINE_DISK_MISSING,
                &machine.name,
            )
            .map(|finding| (path, finding)),
        );
        if machine.is_merge_pending() {
            all.push((
                path,
                Finding::new(
                    &codes::MACHINE_MERGE_PENDING,
                    format!("{} waits for a merge", machine.name),
                ),
            ));
        }
    }
    for snapshot in &forest.snapshots {
        let name = snapshot
            .name
            .as_ref()
            .or(snapshot.id.as_ref())
            .map_or("a snapshot", String::as_str);
        all.extend(
            missing(snapshot.disks.iter(), &codes::SNAPSHOT_DISK_MISSING, name)
                .map(|finding| (snapshot.source.as_path(), finding)),
        );
    }
    all
}

/// A revert, told at the disk it made.
fn reverted<'a>(forest: &'a Forest, of: &AssessedSnapshot) -> Option<(&'a Path, Finding)> {
    let verdict = &of.verdict;
    if verdict.reverted > Reverted::Likely {
        return None;
    }
    let at = verdict.above.or_else(|| of.frozen.first().copied())?;
    let moment = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let taken = of.taken.map(|taken| taken.at);
    let finding = Finding::new(&codes::MACHINE_REVERTED, verdict.summary.clone())
        .values(moment(taken), moment(verdict.disk_above.exact()));
    Some((forest.disk(at)?.path.as_path(), finding))
}

fn missing<'a>(
    used: impl Iterator<Item = &'a DiskUse>,
    code: &'static crate::finding::Code,
    name: &str,
) -> impl Iterator<Item = Finding> {
    used.filter(|used| used.disk.is_none()).map(move |used| {
        Finding::new(
            code,
            format!("{name} names {}, which is not in the store", used.path),
        )
        .values(used.path.clone(), "")
    })
}

/// What only the whole forest shows of a disk.
struct Whole<'a> {
    forest: &'a Forest,
    topology: Topology<'a>,
    owners: Owners<'a>,
}

impl<'a> Whole<'a> {
    fn new(forest: &'a Forest) -> Self {
        Self {
            forest,
            topology: Topology::new(forest),
            owners: Owners::new(forest),
        }
    }

    fn of_disk(&self, id: DiskId) -> impl Iterator<Item = Finding> {
        [
            self.orphan(id),
            self.shared(id),
            self.in_use_below(id),
            self.lingering(id),
        ]
        .into_iter()
        .flatten()
    }

    fn name(&self, id: DiskId) -> String {
        self.forest
            .disk(id)
            .map(|disk| file_name(&disk.path))
            .unwrap_or_default()
    }

    fn machine(&self, id: MachineId) -> &str {
        self.forest
            .machine(id)
            .map_or("", |machine| machine.name.as_str())
    }

    fn orphan(&self, id: DiskId) -> Option<Finding> {
        self.owners.is_orphan(id).then(|| {
            Finding::new(
                &codes::DISK_ORPHAN,
                format!(
                    "no machine or snapshot read here leads to {}",
                    self.name(id)
                ),
            )
        })
    }

    fn shared(&self, id: DiskId) -> Option<Finding> {
        let users = &self.forest.node(id)?.in_use_by;
        let names: Vec<&str> = users.iter().map(|user| self.machine(*user)).collect();
        (users.len() > 1).then(|| {
            Finding::new(
                &codes::LEAF_SHARED,
                format!("{} is used by {}", self.name(id), names.join(" and ")),
            )
        })
    }

    fn in_use_below(&self, id: DiskId) -> Option<Finding> {
        let user = self.forest.node(id)?.in_use_by.first()?;
        let children = self.topology.children(id);
        let children = children
            .filter(|child| !is_leftover(self.forest, *child))
            .count();
        (children > 0).then(|| {
            Finding::new(
                &codes::IN_USE_BELOW,
                format!(
                    "{} uses {}, on which {} hangs",
                    self.machine(*user),
                    self.name(id),
                    many(children, "other disk")
                ),
            )
        })
    }

    /// On a machine's line and nobody's: between a snapshot's disk and Now, or made by a snapshot although none is left below.
    fn lingering(&self, id: DiskId) -> Option<Finding> {
        let crate::analysis::topology::Passing::One(machine) = self.topology.passing(id) else {
            return None;
        };
        let is_between = self.topology.next(machine, id)?.is_some();
        let of_a_snapshot = |id: DiskId| {
            self.forest
                .node(id)
                .is_some_and(|node| !node.snapshots.is_empty())
        };
        let is_above_one = self.forest.line(id).skip(1).any(of_a_snapshot);
        let is_lingering = !of_a_snapshot(id)
            && if is_above_one {
                is_between
            } else {
                // Of what lies below a gap nothing is known.
                !self.topology.is_broken(machine) && self.is_made_by_a_snapshot(id)
            };
        is_lingering.then(|| {
            let (name, vm) = (self.name(id), self.machine(machine));
            let text = if is_between {
                format!("{name} lies in the chain of {vm} and no snapshot owns it")
            } else {
                format!(
                    "{vm} runs on {name}, which a snapshot made, and no snapshot is left below it"
                )
            };
            Finding::new(&codes::LINGERING, text)
        })
    }

    fn is_made_by_a_snapshot(&self, id: DiskId) -> bool {
        self.forest.disk(id).is_some_and(|disk| {
            has_extension(&disk.path, "avhd") || has_extension(&disk.path, "avhdx")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{Plain, story, with_leftover};
    use crate::analysis::{Compared, assess};

    fn codes_of(store: &Plain) -> Vec<(String, &'static str)> {
        let assessment = assess(&store.forest, &Compared::default());
        findings(&store.forest, &assessment)
            .into_iter()
            .map(|(path, finding)| (path.display().to_string(), finding.code.id))
            .collect()
    }

    #[test]
    fn a_revert_is_told_at_the_disk_it_made_with_both_dates() {
        let store = story("2009-06-30T09:41:00Z");
        let assessment = assess(&store.forest, &Compared::default());
        let found = findings(&store.forest, &assessment);
        let [(path, finding)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(path.to_str(), Some("/s/WIN7x64_Diff_7C.avhd"));
        assert_eq!(finding.code.id, "machine-reverted");
        assert_eq!(finding.expected, "2009-05-02T14:10:00Z");
        assert_eq!(finding.actual, "2009-06-30T09:41:00Z");
    }

    #[test]
    fn a_machine_on_a_snapshots_disk_with_no_snapshot_left_has_lingering_disks() {
        let mut store = with_leftover();
        store.forest.snapshots.clear();
        store.node("/s/WIN7x64_Diff.vhd").snapshots.clear();
        assert_eq!(
            codes_of(&store),
            [
                ("/s/WIN7x64_Diff_7C.avhd".to_owned(), "lingering-disk"),
                ("/s/x-AutoRecovery.avhd".to_owned(), "lingering-disk")
            ]
        );
    }

    #[test]
    fn a_sound_store_has_no_findings() {
        assert_eq!(codes_of(&story("2009-05-02T14:10:01Z")), []);
    }

    #[test]
    fn what_nobody_names_and_what_is_named_in_vain_is_found() {
        let mut store = story("2009-05-02T14:10:01Z");
        store.vhd(
            "/s/left.avhd",
            "/s/WIN7x64_Diff.vhd",
            "2009-05-02T14:10:01Z",
            "2009-06-30T09:40:00Z",
        );
        let vm = store.machine("web02", &["/s/gone.avhd"]);
        store.snapshot(vm, "s9", &["/s/lost.vhd"], "");
        store.forest.machines[1].merge_pending = Some(true);
        assert_eq!(
            codes_of(&store),
            [
                ("/s/left.avhd".to_owned(), "disk-orphan"),
                ("web02.xml".to_owned(), "machine-disk-missing"),
                ("web02.xml".to_owned(), "machine-merge-pending"),
                ("s9.xml".to_owned(), "snapshot-disk-missing"),
            ]
        );
        store.forest.machines.clear();
        assert!(
            codes_of(&store)
                .iter()
                .all(|(_, code)| *code != "disk-orphan"),
            "without machines nobody can be missed"
        );
    }

    #[test]
    fn two_machines_on_one_disk_and_a_disk_used_below_others_are_faults() {
        let mut store = story("2009-05-02T14:10:01Z");
        store.machine("copy", &["/s/WIN7x64_Diff_7C.avhd"]);
        assert_eq!(
            codes_of(&store),
            [("/s/WIN7x64_Diff_7C.avhd".to_owned(), "leaf-shared")]
        );
        let mut store = story("2009-05-02T14:10:01Z");
        store.machine("old", &["/s/WIN7x64_Diff.vhd"]);
        assert_eq!(
            codes_of(&store),
            [("/s/WIN7x64_Diff.vhd".to_owned(), "in-use-below")]
        );
    }

    #[test]
    fn a_file_inside_a_chain_that_no_snapshot_owns_is_lingering() {
        let store = with_leftover();
        assert_eq!(
            codes_of(&store),
            [("/s/WIN7x64_Diff_7C.avhd".to_owned(), "lingering-disk")]
        );
    }
}
