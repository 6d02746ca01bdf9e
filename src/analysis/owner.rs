//! Whose a disk is: named by a machine or snapshot, nobody's, or unknown because nothing speaks of its surroundings.
//!
//! A disk is nobody's only where machines are known completely: in the chains of a machine whose configuration is in the
//! store, and in its folder if the configuration lies there as Hyper-V puts it. A list of some machines says nothing of the
//! disks it does not name.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::store::hyperv::is_candidate;
use crate::store::names::without_guid;
use crate::store::{DiskId, Forest, MachineId};
use crate::text::file_name;

/// Folders Hyper-V makes inside a machine's folder; a disk in one of them belongs to the machine's surroundings.
const INNER_FOLDERS: [&str; 4] = [
    "snapshots",
    "virtual hard disks",
    "virtual machines",
    "planned virtual machines",
];

/// What configurations and labels say of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// A machine's disk, a snapshot's frozen disk, or below one of those.
    Yes,
    /// Nothing read here leads to it, though the machines of its chain or folder are known.
    No,
    /// Nothing read here speaks of its family or folder at all.
    Unknown,
}

/// Who names what in a forest: the one rule by which a disk is said to be nobody's.
#[derive(Debug)]
pub struct Owners<'a> {
    forest: &'a Forest,
    reached: Vec<bool>,
    /// By the base of a family: machines whose line or snapshots end there.
    families: HashMap<DiskId, Around>,
    /// By a machine's folder: machines that have a disk or their configuration there.
    folders: HashMap<PathBuf, Around>,
}

/// Machines around a disk.
#[derive(Debug, Default)]
struct Around {
    machines: BTreeSet<MachineId>,
    /// The configuration of one of them is in the store (and, for a folder, lies there as Hyper-V puts it).
    is_covered: bool,
}

impl<'a> Owners<'a> {
    /// Looks at a forest; linear in disks and in the lengths of the lines from what is named.
    pub fn new(forest: &'a Forest) -> Self {
        let mut owners = Self {
            forest,
            reached: vec![false; forest.disks.len()],
            families: HashMap::new(),
            folders: HashMap::new(),
        };
        for (at, machine) in forest.machines.iter().enumerate() {
            let id = MachineId(u32::try_from(at).unwrap_or(u32::MAX));
            // Only where the disks of a machine are known can a disk be said to be nobody's.
            let Some(disks) = &machine.disks else {
                continue;
            };
            for disk in disks.iter().filter_map(|used| used.disk) {
                owners.reach(disk, Some(id));
            }
            if let Some(folder) = config_folder(&machine.source) {
                let around = owners.folders.entry(folder.to_path_buf()).or_default();
                around.machines.insert(id);
                around.is_covered = true;
            }
        }
        for snapshot in &forest.snapshots {
            let machine = snapshot.machine.filter(|id| {
                forest
                    .machine(*id)
                    .is_some_and(|machine| machine.disks.is_some())
            });
            for disk in snapshot.disk_ids() {
                owners.reach(disk, machine);
            }
        }
        owners
    }

    /// Whether anything names a disk.
    pub fn named(&self, id: DiskId) -> NamedBy {
        if self.reached.get(id.0 as usize) == Some(&true) {
            NamedBy::Yes
        } else if self.family(id).is_some_and(|around| around.is_covered)
            || self.neighbours(id).is_some_and(|around| around.is_covered)
        {
            NamedBy::No
        } else {
            NamedBy::Unknown
        }
    }

    /// A leaf that nothing read here names, though the machines around it are known.
    pub fn is_orphan(&self, id: DiskId) -> bool {
        let is_leaf_disk = self
            .forest
            .node(id)
            .zip(self.forest.disk(id))
            .is_some_and(|(node, disk)| node.children.is_empty() && disk.header.is_some());
        is_leaf_disk && self.named(id) == NamedBy::No
    }

    /// The one machine in whose family a disk lies; else the only one in its folder, if its configuration lies there; else
    /// the one in its folder that uses a disk of the same name but for the GUID.
    pub fn machine_around(&self, id: DiskId) -> Option<MachineId> {
        let only =
            |all: &mut dyn Iterator<Item = MachineId>| all.next().filter(|_| all.next().is_none());
        if let Some(family) = self.family(id) {
            return only(&mut family.machines.iter().copied());
        }
        let around = self.neighbours(id)?;
        let own = without_guid(&file_name(&self.forest.disk(id)?.path));
        let same_name = |machine: &MachineId| {
            let uses = self
                .forest
                .machine(*machine)
                .and_then(|of| of.disks.as_ref());
            uses.into_iter().flatten().any(|used| {
                let name = used.path.rsplit(['\\', '/']).next().unwrap_or_default();
                without_guid(name) == own
            })
        };
        let machines = || around.machines.iter().copied();
        let covering = if around.is_covered {
            only(&mut machines())
        } else {
            None
        };
        covering.or_else(|| only(&mut machines().filter(same_name)))
    }

    fn family(&self, id: DiskId) -> Option<&Around> {
        if self.families.is_empty() {
            return None;
        }
        self.families.get(&self.forest.line(id).last()?)
    }

    fn neighbours(&self, id: DiskId) -> Option<&Around> {
        if self.folders.is_empty() {
            return None;
        }
        self.folders.get(home(self.forest.disk(id)?.path.parent()?))
    }

    fn reach(&mut self, disk: DiskId, machine: Option<MachineId>) {
        let mut base = disk;
        for below in self.forest.line(disk) {
            base = below;
            if let Some(reached) = self.reached.get_mut(below.0 as usize) {
                *reached = true;
            }
        }
        let Some(machine) = machine else { return };
        let source = self.forest.machine(machine).map(|of| &*of.source);
        let family = self.families.entry(base).or_default();
        family.machines.insert(machine);
        family.is_covered |= source.is_some_and(is_candidate);
        let is_covered = source.is_some_and(|source| config_folder(source).is_some());
        if let Some(folder) = self
            .forest
            .disk(disk)
            .and_then(|disk| disk.path.parent())
            .map(home)
        {
            let around = self.folders.entry(folder.to_path_buf()).or_default();
            around.machines.insert(machine);
            around.is_covered |= is_covered;
        }
    }
}

/// The folder of the machine a folder belongs to: without the inner folders Hyper-V makes.
fn home(folder: &Path) -> &Path {
    let mut at = folder;
    while let Some(name) = at.file_name().and_then(|name| name.to_str())
        && (INNER_FOLDERS.contains(&name.to_lowercase().as_str())
            || uuid::Uuid::try_parse(name).is_ok())
        && let Some(above) = at.parent()
    {
        at = above;
    }
    at
}

/// The machine's folder, where its configuration lies as Hyper-V puts it; facts lie anywhere and say nothing of a folder.
pub fn config_folder(source: &Path) -> Option<&Path> {
    let folder = source.parent()?;
    let home = home(folder);
    (home != folder).then_some(home)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::{Plain, story};

    const DAY: &str = "2009-05-02T14:10:01Z";

    #[test]
    fn a_leaf_is_an_orphan_in_the_family_or_folder_of_a_known_machine_only() {
        let mut store = story(DAY);
        let family = store.vhd("/else/left.avhd", "/s/WIN7x64_Diff.vhd", DAY, DAY);
        let folder = store.vhd("/s/Snapshots/alone.vhd", "", DAY, DAY);
        let stranger = store.vhd("/other/alone.vhd", "", DAY, DAY);
        let config = "/s/Virtual Machines/7E57AB1E-0D0C-4B0A-9080-706050403020.xml";
        store.forest.machines[0].source = PathBuf::from(config);
        let used = store.id("/s/WIN7x64_Diff_7C.avhd");
        let owners = Owners::new(&store.forest);
        assert_eq!(owners.named(used), NamedBy::Yes);
        assert!(owners.is_orphan(family) && owners.is_orphan(folder));
        assert_eq!(owners.machine_around(folder), Some(MachineId(0)));
        assert_eq!(owners.named(stranger), NamedBy::Unknown);
        assert!(!owners.is_orphan(stranger));
        store.machine("copy", &["/s/WIN7x64_Diff_7C.avhd"]);
        let owners = Owners::new(&store.forest);
        assert!(owners.is_orphan(folder), "it is still nobody's");
        assert_eq!(owners.machine_around(folder), None, "of two machines");
        store.forest.machines.clear();
        store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
        assert!(!Owners::new(&store.forest).is_orphan(folder));
    }

    #[test]
    fn a_machine_whose_disks_are_all_gone_still_has_the_folder_of_its_configuration() {
        let mut store = Plain::new();
        let disk = store.vhd("/s/db02/db02.vhd", "", DAY, DAY);
        store.machine("db02", &["/s/gone.avhd"]);
        store.forest.machines[0].source =
            PathBuf::from("/s/db02/Virtual Machines/7E57AB1E-0D0C-4B0A-9080-706050403020.xml");
        let owners = Owners::new(&store.forest);
        assert_eq!(owners.machine_around(disk), Some(MachineId(0)));
        assert!(owners.is_orphan(disk));
        store.forest.machines[0].source = PathBuf::from("/s/db02/labels.json");
        assert_eq!(Owners::new(&store.forest).named(disk), NamedBy::Unknown);
    }

    #[test]
    fn of_several_machines_in_a_folder_the_name_tells() {
        let mut store = story(DAY);
        let cut = store.vhd("/s/DB02.vhd", "", DAY, DAY);
        let now = "/s/db02_77AB01D3-E20F-4C55-9D3A-6B8E4F1207C9.avhd";
        store.vhd(now, "", DAY, DAY);
        let db = store.machine("db", &[now]);
        assert_eq!(Owners::new(&store.forest).machine_around(cut), Some(db));
    }

    #[test]
    fn inner_folders_belong_to_the_folder_around_them() {
        let guid = "9d417c20-3e5f-4a6b-b7c8-d9e0f1a2b3c4";
        assert_eq!(
            home(Path::new(&format!("/s/web/Snapshots/{guid}"))),
            Path::new("/s/web")
        );
        assert_eq!(home(Path::new("Snapshots")), Path::new(""));
        assert_eq!(home(Path::new("/")), Path::new("/"));
    }
}
