//! Forests written down by hand, for tests of what is made of them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::format::parent::ParentRef;
use crate::image::{Counts, Format, Header, Kind, Specific, VhdSpecific};
use crate::store::{
    Born, BornSource, Disk, DiskId, DiskUse, FileFacts, Forest, LinkState, Liveness, Machine,
    MachineId, Node, ParentLink, ResolvedBy, Snapshot, SnapshotId, Taken, TakenSource,
};

pub(crate) const MIB: u64 = 1 << 20;

/// A moment.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A VHD with its footer's stamp and its last write.
pub(crate) fn vhd(path: &str, created: &str, modified: &str) -> Disk {
    disk(
        path,
        Format::Vhd,
        Some(at(created)),
        Some(at(modified)),
        None,
    )
}

fn disk(
    path: &str,
    format: Format,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
    born: Option<Timestamp>,
) -> Disk {
    Disk {
        path: PathBuf::from(path),
        file: FileFacts {
            len: 10 * MIB,
            modified,
            born: born.map(|at| Born {
                at,
                source: BornSource::WindowsFileSystem,
            }),
            ..FileFacts::default()
        },
        header: Some(Header {
            format,
            kind: Kind::Dynamic,
            virtual_size: 64 * MIB,
            stored_size: 64 * MIB,
            file_size: 10 * MIB,
            block_size: Some(2 << 20),
            sector_size: 512,
            blocks: 32,
            id: Uuid::from_u128(path.bytes().fold(1_u128, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(u128::from(byte))
            })),
            data_write_id: None,
            creator: "win".to_owned(),
            created,
            parent: None,
            specific: Specific::Vhd(VhdSpecific::default()),
        }),
        counts: Some(Counts {
            total: 32,
            partial: 3,
            absent: 29,
            dirty_sectors: 77,
            complete: true,
            ..Counts::default()
        }),
        findings: Vec::new(),
        liveness: Liveness::Still,
    }
}

/// A forest under construction. Disks are named by path.
#[derive(Debug)]
pub(crate) struct Plain {
    pub forest: Forest,
}

impl Plain {
    pub fn new() -> Self {
        Self {
            forest: Forest {
                complete: true,
                roots: vec![PathBuf::from("/s")],
                ..Forest::default()
            },
        }
    }

    /// A VHD; `parent` empty for a base.
    pub fn vhd(&mut self, path: &str, parent: &str, created: &str, modified: &str) -> DiskId {
        self.add(vhd(path, created, modified), parent)
    }

    /// A VHDX with a birth time as a Windows file system gives it.
    pub fn vhdx(&mut self, path: &str, parent: &str, born: &str, modified: &str) -> DiskId {
        self.add(
            disk(path, Format::Vhdx, None, Some(at(modified)), Some(at(born))),
            parent,
        )
    }

    fn add(&mut self, mut disk: Disk, parent: &str) -> DiskId {
        let id = DiskId(u32::try_from(self.forest.disks.len()).unwrap());
        let mut node = Node::default();
        if parent.is_empty() {
            self.forest.tops.push(id);
        } else {
            let parent = self.id(parent);
            if let Some(header) = &mut disk.header {
                header.kind = Kind::Differencing;
                header.parent = Some(ParentRef::default());
            }
            node.depth = self.forest.nodes[parent.0 as usize].depth + 1;
            node.parent = Some(ParentLink {
                state: LinkState::Ok,
                disk: Some(parent),
                resolved: None,
                by: Some(ResolvedBy::Relative),
                tried: Vec::new(),
            });
            self.forest.nodes[parent.0 as usize].children.push(id);
        }
        self.forest.disks.push(Arc::new(disk));
        self.forest.nodes.push(node);
        self.forest.free_bytes.push(Some(1 << 40));
        id
    }

    pub fn id(&self, path: &str) -> DiskId {
        let found = self
            .forest
            .disks
            .iter()
            .position(|disk| disk.path.as_os_str() == path);
        DiskId(u32::try_from(found.unwrap_or_else(|| panic!("no disk {path}"))).unwrap())
    }

    pub fn node(&mut self, path: &str) -> &mut Node {
        let id = self.id(path);
        &mut self.forest.nodes[id.0 as usize]
    }

    pub fn disk_mut(&mut self, path: &str) -> &mut Disk {
        let id = self.id(path);
        Arc::get_mut(&mut self.forest.disks[id.0 as usize]).unwrap()
    }

    fn uses(&self, paths: &[&str]) -> Vec<DiskUse> {
        paths
            .iter()
            .map(|path| DiskUse {
                path: (*path).to_owned(),
                disk: self
                    .forest
                    .disks
                    .iter()
                    .any(|disk| disk.path == PathBuf::from(path))
                    .then(|| self.id(path)),
                slot: None,
            })
            .collect()
    }

    /// A machine and the disks it uses now.
    pub fn machine(&mut self, name: &str, now: &[&str]) -> MachineId {
        let id = MachineId(u32::try_from(self.forest.machines.len()).unwrap());
        let disks = self.uses(now);
        for used in disks.iter().filter_map(|used| used.disk) {
            self.forest.nodes[used.0 as usize].in_use_by.push(id);
        }
        self.forest.machines.push(Machine {
            name: name.to_owned(),
            disks: Some(disks),
            source: PathBuf::from(format!("{name}.xml")),
            ..Machine::default()
        });
        id
    }

    /// A snapshot with a date in its configuration; an empty date for none.
    pub fn snapshot(
        &mut self,
        machine: MachineId,
        name: &str,
        frozen: &[&str],
        taken: &str,
    ) -> SnapshotId {
        let id = SnapshotId(u32::try_from(self.forest.snapshots.len()).unwrap());
        let disks = self.uses(frozen);
        for used in disks.iter().filter_map(|used| used.disk) {
            self.forest.nodes[used.0 as usize].snapshots.push(id);
        }
        self.forest.snapshots.push(Snapshot {
            name: Some(name.to_owned()),
            machine: Some(machine),
            disks,
            taken: if taken.is_empty() {
                Vec::new()
            } else {
                vec![Taken {
                    at: at(taken),
                    source: TakenSource::Config,
                }]
            },
            source: PathBuf::from(format!("{name}.xml")),
            ..Snapshot::default()
        });
        id
    }

    pub fn snapshot_mut(&mut self, id: SnapshotId) -> &mut Snapshot {
        &mut self.forest.snapshots[id.0 as usize]
    }
}

/// The story: a snapshot of `TestWin7`, reverted 59 days later (or not), forgotten.
pub(crate) fn story(above_made: &str) -> Plain {
    let mut store = Plain::new();
    store.vhd(
        "/s/WIN7x64_Diff.vhd",
        "",
        "2009-01-10T09:00:00Z",
        "2009-05-02T14:10:02Z",
    );
    store.vhd(
        "/s/WIN7x64_Diff_7C.avhd",
        "/s/WIN7x64_Diff.vhd",
        above_made,
        "2010-01-03T18:00:00Z",
    );
    let machine = store.machine("TestWin7", &["/s/WIN7x64_Diff_7C.avhd"]);
    store.snapshot(
        machine,
        "Before SP1",
        &["/s/WIN7x64_Diff.vhd"],
        "2009-05-02T14:10:00Z",
    );
    store
}

/// base <- A (kept snapshot, or another branch) and base <- B (Now).
pub(crate) fn branched(now_made: &str, kept: &str) -> Plain {
    let mut store = Plain::new();
    store.vhd(
        "/s/base.vhd",
        "",
        "2009-01-10T09:00:00Z",
        "2009-05-02T14:10:00Z",
    );
    store.vhd(
        "/s/a.avhd",
        "/s/base.vhd",
        "2009-05-02T14:10:01Z",
        "2009-06-30T09:40:00Z",
    );
    store.vhd("/s/b.avhd", "/s/base.vhd", now_made, "2010-01-03T18:00:00Z");
    let vm = store.machine("web01", &["/s/b.avhd"]);
    store.snapshot(vm, "s1", &["/s/base.vhd"], "2009-05-02T14:10:00Z");
    store.snapshot(vm, "s2", &["/s/a.avhd"], kept);
    store
}

/// The story's store, not reverted, with a backup's leftover file above Now: the machine runs on that.
pub(crate) fn with_leftover() -> Plain {
    let mut store = story("2009-05-02T14:10:01Z");
    store.vhd(
        "/s/x-AutoRecovery.avhd",
        "/s/WIN7x64_Diff_7C.avhd",
        "2009-12-01T00:00:00Z",
        "2010-01-03T18:00:00Z",
    );
    store.forest.machines.clear();
    store.node("/s/WIN7x64_Diff_7C.avhd").in_use_by.clear();
    store.machine("TestWin7", &["/s/x-AutoRecovery.avhd"]);
    store
}
