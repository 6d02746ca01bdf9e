//! Health: everything that is wrong or notable in a forest, file by file.

pub mod codes;

use std::path::Path;

use crate::analysis::owner::Owners;
use crate::analysis::topology::Topology;
use crate::finding::Finding;
use crate::store::{DiskId, DiskUse, Forest, MachineId};
use crate::text::{file_name, many};

/// Every finding of a forest with the file it is about: disks by path (the file's own, then its links', then what only the whole
/// forest shows), then side files, then machines and snapshots.
pub fn findings(forest: &Forest) -> Vec<(&Path, Finding)> {
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
        if machine.merge_pending == Some(true) {
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
        let children = self.topology.children(id).count();
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

    /// Inside a machine's line, above a snapshot's frozen disk, below Now, and nobody's.
    fn lingering(&self, id: DiskId) -> Option<Finding> {
        let node = self.forest.node(id)?;
        let crate::analysis::topology::Passing::One(machine) = self.topology.passing(id) else {
            return None;
        };
        let between = self.topology.next(machine, id)?.is_some() && node.snapshots.is_empty();
        let above_a_snapshot = between
            && self.forest.line(id).skip(1).any(|below| {
                self.forest
                    .node(below)
                    .is_some_and(|node| !node.snapshots.is_empty())
            });
        above_a_snapshot.then(|| {
            Finding::new(
                &codes::LINGERING,
                format!(
                    "{} lies in the chain of {} and no snapshot owns it",
                    self.name(id),
                    self.machine(machine)
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{Plain, story, with_leftover};

    fn codes_of(store: &Plain) -> Vec<(String, &'static str)> {
        findings(&store.forest)
            .into_iter()
            .map(|(path, finding)| (path.display().to_string(), finding.code.id))
            .collect()
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
