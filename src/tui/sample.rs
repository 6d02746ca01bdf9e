//! The sample stores that the tests of the browser show: written by the builders, scanned and assessed as any other.
//!
//! The story's VM, a broken chain, a fresh VM, a branch, wide and hostile names.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use uuid::Uuid;

use crate::analysis::{Assessment, Compared, assess};
use crate::build::hyperv::HypervConfig;
use crate::build::vhd::{Locator, VhdBuilder};
use crate::build::vhdx::{Payload, VhdxBuilder};
use crate::demo::store::host_path;
use crate::format::BlockNo;
use crate::image::{BlockState, Counts, StateRun};
use crate::store::{DiskId, Forest, MachineId};
use crate::testing::folder::StoreFolder;
use crate::tui::message::BlockTable;
use crate::tui::prepared::PreparedStore;

/// Where the samples seem to lie.
const ROOT: &str = "/vmstore";
const VHD_BYTES: u64 = 64 << 30;
const VHDX_BYTES: u64 = 512 << 30;
/// The ids of all disks begin alike.
const IDS: u128 = 0x91aa_3c5e_0000_4000_8000_0000_0000_0000;

/// A store and its verdicts.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub forest: Forest,
    pub assessment: Assessment,
}

impl Sample {
    /// As a message brings it.
    pub fn snapshot(self) -> PreparedStore {
        PreparedStore {
            forest: Arc::new(self.forest),
            assessment: Arc::new(self.assessment),
        }
    }

    fn of(forest: Forest) -> Self {
        Self {
            assessment: assess(&forest, &Compared::default()),
            forest,
        }
    }
}

/// The time of a text like `2009-05-02T14:10:00Z`; the epoch if it is none.
fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A disk of a sample.
struct SampleDisk<'a> {
    /// From the root of the store.
    path: &'a str,
    /// Tells its id from those of the others.
    number: u128,
    /// Number and file name of the parent.
    parent: Option<(u128, &'a str)>,
    /// In the footer of a VHD, in the host's listing of a VHDX.
    created: &'a str,
    modified: &'a str,
    /// Blocks held whole, from the first on.
    full: u64,
    /// Sectors held of the block after those.
    sectors: usize,
}

/// A sample being written.
struct Writing {
    folder: StoreFolder,
    /// Creation times that the host lists.
    listing: String,
    configs: u128,
}

impl Writing {
    fn new() -> Self {
        Self {
            folder: StoreFolder::create(),
            listing: "\"FullName\",\"CreationTimeUtc\"\r\n".to_owned(),
            configs: 0x7e57_ab1e_0d0c_4b0a_9080_7060_5040_3020,
        }
    }

    fn vhd(&self, disk: &SampleDisk<'_>) {
        let builder = match disk.parent {
            None => VhdBuilder::dynamic(VHD_BYTES),
            Some((number, name)) => {
                let absolute = host_path(folder_of(disk.path), name);
                VhdBuilder::differencing(VHD_BYTES)
                    .parent(IDS + number, &absolute)
                    .locator(Locator::absolute(&absolute))
                    .locator(Locator::relative(&format!(r".\{name}")))
            }
        };
        let builder = builder.id(IDS + disk.number).created_at(at(disk.created));
        let builder = (0..disk.full)
            .fold(builder, VhdBuilder::fill)
            .write(disk.full * 4096 + 3, &vec![7; disk.sectors * 512]);
        let write = |path: &Path| builder.build_to(path);
        self.folder.put(disk.path, at(disk.modified), write);
    }

    fn vhdx(&mut self, disk: &SampleDisk<'_>) {
        let absolute = |name| host_path(folder_of(disk.path), name);
        let builder = match disk.parent {
            None => VhdxBuilder::dynamic(VHDX_BYTES),
            Some((number, name)) => VhdxBuilder::differencing(VHDX_BYTES).parent(
                Uuid::from_u128(IDS + number),
                &[
                    ("relative_path", &format!(r".\{name}")),
                    ("absolute_win32_path", &absolute(name)),
                ],
            ),
        };
        let builder = builder
            .block_size(2 << 20)
            .disk_id(Uuid::from_u128(IDS + disk.number / 16 * 16))
            .data_write_id(Uuid::from_u128(IDS + disk.number));
        let builder = (0..disk.full)
            .fold(builder, |builder, block| {
                builder.state(block, Payload::Full)
            })
            .write(disk.full * 4096 + 3, &vec![7; disk.sectors * 512]);
        let write = |path: &Path| builder.build_to(path);
        self.folder.put(disk.path, at(disk.modified), write);
        let (host, born) = (absolute(file_of(disk.path)), disk.created);
        // Writing to a String cannot fail.
        let _ = write!(self.listing, "\"{host}\",\"{born}\"\r\n");
    }

    /// The configuration of a machine, which names the disk in use.
    fn machine(&mut self, name: &str, disk: &str, generation: Option<&str>) {
        let config = HypervConfig {
            generation_id: generation.map(str::to_owned),
            ..self.config(name, disk)
        };
        let folder = format!("{}/Virtual Machines", folder_of(disk));
        self.put_config(&folder, "2026-11-22T19:41:00Z", &config);
    }

    /// The configuration of a snapshot, which names the disk that was frozen.
    fn snapshot(&mut self, name: &str, disk: &str, taken: &str, generation: Option<&str>) {
        let config = HypervConfig {
            created: Some(at(taken)),
            generation_id: generation.map(str::to_owned),
            ..self.config(name, disk)
        };
        let folder = format!("{}/Snapshots", folder_of(disk));
        self.put_config(&folder, taken, &config);
    }

    fn config(&mut self, name: &str, disk: &str) -> HypervConfig {
        self.configs += 1;
        let path = host_path(folder_of(disk), file_of(disk));
        HypervConfig::new(Uuid::from_u128(self.configs), name, &path)
    }

    fn put_config(&self, folder: &str, written: &str, config: &HypervConfig) {
        let id = config.id.to_string().to_uppercase();
        let path = format!("{folder}/{id}.xml");
        self.folder.write(&path, at(written), &config.xml());
    }

    fn read(self) -> Sample {
        let (name, written) = ("times.csv", at("2026-11-22T19:45:00Z"));
        self.folder.write(name, written, self.listing.as_bytes());
        Sample::of(self.folder.scan(ROOT))
    }
}

fn folder_of(path: &str) -> &str {
    path.split_once('/').map_or("", |(folder, _)| folder)
}

fn file_of(path: &str) -> &str {
    path.split_once('/').map_or(path, |(_, file)| file)
}

/// The usual sample: four machines and a folder.
pub fn store() -> Sample {
    static STORE: LazyLock<Sample> = LazyLock::new(|| usual().read());
    STORE.clone()
}

/// The usual sample after a disk was added whose path comes first of all.
pub fn grown() -> Sample {
    let store = usual();
    let new = VhdBuilder::fixed(1 << 20).id(IDS + 0x52);
    let write = |path: &Path| new.build_to(path);
    let written = at("2026-11-22T19:41:00Z");
    store.folder.put("aaa/first.vhd", written, write);
    store.read()
}

fn usual() -> Writing {
    let mut store = Writing::new();
    write_testwin7(&mut store);
    write_build_agent(&mut store);
    write_db02(&mut store);
    write_web01(&mut store);
    let path = "lab/evil\u{1b}[31m\u{202e}name.vhd";
    let odd = VhdBuilder::fixed(1 << 20).id(IDS + 0x51).created(0);
    let write = |path: &Path| odd.build_to(path);
    store.folder.put(path, at("2026-11-22T19:41:00Z"), write);
    store
}

/// Reverted two months after its only snapshot, and used for years since.
fn write_testwin7(store: &mut Writing) {
    let base = "TestWin7/WIN7x64_Diff.vhd";
    let now = "TestWin7/WIN7x64_Diff_7C44D1AA-1BD2-4A4E-9C01-93B8AE2D7F10.avhd";
    store.vhd(&SampleDisk {
        path: base,
        number: 0x11,
        parent: None,
        created: "2009-01-10T08:00:00Z",
        modified: "2009-05-02T14:09:58Z",
        full: 2_145,
        sectors: 0,
    });
    store.vhd(&SampleDisk {
        path: now,
        number: 0x12,
        parent: Some((0x11, file_of(base))),
        created: "2009-06-30T09:41:00Z",
        modified: "2026-11-22T19:41:00Z",
        full: 4,
        sectors: 204,
    });
    store.machine("TestWin7", now, None);
    store.snapshot("before 検証", base, "2009-05-02T14:10:00Z", None);
}

/// Never reverted.
fn write_build_agent(store: &mut Writing) {
    let base = "build/build-agent.vhd";
    let now = "build/build-agent_6B1F4D7C-0A0A-4B4B-8C8C-0123456789AB.avhd";
    store.vhd(&SampleDisk {
        path: base,
        number: 0x21,
        parent: None,
        created: "2025-03-02T09:14:00Z",
        modified: "2025-03-03T01:59:58Z",
        full: 4_900,
        sectors: 0,
    });
    store.vhd(&SampleDisk {
        path: now,
        number: 0x22,
        parent: Some((0x21, file_of(base))),
        created: "2025-03-03T02:00:04Z",
        modified: "2026-11-22T19:41:00Z",
        full: 302,
        sectors: 1_347,
    });
    store.machine("build-agent", now, None);
    store.snapshot("nightly", base, "2025-03-03T02:00:00Z", None);
}

/// Its base is not in the store.
fn write_db02(store: &mut Writing) {
    let lost = "db02/db02_1C9E0A44-0000-4000-8000-000000000001.avhdx";
    let now = "db02/db02_77AB01D3-0000-4000-8000-000000000002.avhdx";
    store.vhdx(&SampleDisk {
        path: lost,
        number: 0x31,
        parent: Some((0x30, "db02_base.vhdx")),
        created: "2026-11-02T04:11:00Z",
        modified: "2026-11-03T04:10:59Z",
        full: 15_640,
        sectors: 2_561,
    });
    store.vhdx(&SampleDisk {
        path: now,
        number: 0x32,
        parent: Some((0x31, file_of(lost))),
        created: "2026-11-03T04:11:00Z",
        modified: "2026-11-22T19:41:00Z",
        full: 1_220,
        sectors: 2_881,
    });
    store.machine("db02", now, None);
}

/// Set back to its snapshot seven weeks after it was taken; what was worked on until then is left as a branch.
fn write_web01(store: &mut Writing) {
    let base = "web01/web01.vhdx";
    let mid = "web01/web01_3A55E0B1-0000-4000-8000-000000000003.avhdx";
    let now = "web01/web01_A02E91B3-0000-4000-8000-000000000004.avhdx";
    let left = "web01/web01_77C0D1AA-0000-4000-8000-000000000005.avhdx";
    store.vhdx(&SampleDisk {
        path: base,
        number: 0x41,
        parent: None,
        created: "2025-03-02T10:02:00Z",
        modified: "2026-09-12T07:29:59Z",
        full: 194_600,
        sectors: 0,
    });
    store.vhdx(&SampleDisk {
        path: mid,
        number: 0x42,
        parent: Some((0x41, file_of(base))),
        created: "2026-09-12T07:30:00Z",
        modified: "2026-10-01T21:03:59Z",
        full: 14_794,
        sectors: 3_783,
    });
    store.vhdx(&SampleDisk {
        path: now,
        number: 0x43,
        parent: Some((0x42, file_of(mid))),
        created: "2026-11-20T08:12:44Z",
        modified: "2026-11-22T19:41:00Z",
        full: 4,
        sectors: 204,
    });
    store.vhdx(&SampleDisk {
        path: left,
        number: 0x44,
        parent: Some((0x42, file_of(mid))),
        created: "2026-10-01T21:04:01Z",
        modified: "2026-11-20T08:12:40Z",
        full: 4_711,
        sectors: 3_745,
    });
    let [before, after] = [
        "b7ca8a6ab91ab997147185c9284d42c5",
        "5e0b84c1f7d24a6993320f6c1db8e7a4",
    ];
    store.machine("web01", now, Some(after));
    store.snapshot("pre-patch", mid, "2026-10-01T21:04:00Z", Some(before));
}

/// A machine whose base is frozen for two snapshots, one of them reverted to.
pub fn twice_frozen() -> Sample {
    static STORE: LazyLock<Sample> = LazyLock::new(|| {
        let mut store = Writing::new();
        let base = "mail/mail_base.vhd";
        let first = "mail/mail_11111111-0000-4000-8000-000000000001.avhd";
        let now = "mail/mail_22222222-0000-4000-8000-000000000002.avhd";
        store.vhd(&SampleDisk {
            path: base,
            number: 0x61,
            parent: None,
            created: "2024-01-04T11:00:00Z",
            modified: "2024-02-01T02:59:58Z",
            full: 4_340,
            sectors: 0,
        });
        store.vhd(&SampleDisk {
            path: first,
            number: 0x62,
            parent: Some((0x61, file_of(base))),
            created: "2024-02-01T03:00:01Z",
            modified: "2024-05-09T10:29:57Z",
            full: 14,
            sectors: 2_659,
        });
        store.vhd(&SampleDisk {
            path: now,
            number: 0x63,
            parent: Some((0x61, file_of(base))),
            created: "2024-05-09T10:30:00Z",
            modified: "2026-11-22T19:41:00Z",
            full: 1,
            sectors: 3,
        });
        store.machine("mail", now, None);
        store.snapshot("February", base, "2024-02-01T03:00:00Z", None);
        store.snapshot("before the move", base, "2024-02-01T03:10:00Z", None);
        store.read()
    });
    STORE.clone()
}

/// A store of `count` machines with a base and a child each, for budgets: one that was scanned, again and again.
pub fn many(count: usize) -> Sample {
    static ONE: LazyLock<Forest> = LazyLock::new(|| {
        let mut store = Writing::new();
        let (base, now) = (
            "vm/vm.vhd",
            "vm/vm_00000000-0000-4000-8000-000000000005.avhd",
        );
        store.vhd(&SampleDisk {
            path: base,
            number: 0x71,
            parent: None,
            created: "2025-03-02T10:02:00Z",
            modified: "2025-04-02T10:01:58Z",
            full: 512,
            sectors: 0,
        });
        store.vhd(&SampleDisk {
            path: now,
            number: 0x72,
            parent: Some((0x71, file_of(base))),
            created: "2025-04-02T10:02:00Z",
            modified: "2026-11-22T19:41:00Z",
            full: 0,
            sectors: 7,
        });
        store.machine("vm", now, None);
        store.read().forest
    });
    let mut forest = Forest {
        roots: ONE.roots.clone(),
        complete: true,
        ..Forest::default()
    };
    for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        append(&mut forest, &ONE, number);
    }
    Sample::of(forest)
}

/// Adds the disks and the machine of `one` under another name, with ids of their own.
fn append(forest: &mut Forest, one: &Forest, number: u32) {
    let first = u32::try_from(forest.disks.len()).unwrap_or(u32::MAX);
    let disk_id = |id: DiskId| DiskId(first + id.0);
    let name = format!("vm{number:05}");
    let renamed = |path: &Path| {
        let below = path.strip_prefix(ROOT).unwrap_or(path).to_string_lossy();
        Path::new(ROOT).join(below.replace("vm", &name))
    };
    let own = |id: Uuid| Uuid::from_u128(id.as_u128() + (u128::from(number) << 16));
    for disk in &one.disks {
        let mut disk = disk.as_ref().clone();
        disk.path = renamed(&disk.path);
        if let Some(header) = &mut disk.header {
            header.id = own(header.id);
            let parent = header.parent.as_mut();
            if let Some(wanted) = parent.and_then(|parent| parent.id_wanted.as_mut()) {
                *wanted = own(*wanted);
            }
        }
        forest.disks.push(Arc::new(disk));
    }
    for node in &one.nodes {
        let mut node = node.clone();
        for child in &mut node.children {
            *child = disk_id(*child);
        }
        if let Some(link) = &mut node.parent {
            link.disk = link.disk.map(disk_id);
            link.resolved = link.resolved.as_deref().map(renamed);
        }
        for machine in &mut node.in_use_by {
            *machine = MachineId(number);
        }
        forest.nodes.push(node);
    }
    forest.tops.extend(one.tops.iter().copied().map(disk_id));
    forest.free_bytes.extend(&one.free_bytes);
    for machine in &one.machines {
        let mut machine = machine.clone();
        machine.name.clone_from(&name);
        machine.source = renamed(&machine.source);
        for used in machine.disks.iter_mut().flatten() {
            used.path = used.path.replace("vm", &name);
            used.disk = used.disk.map(disk_id);
        }
        forest.machines.push(machine);
    }
}

/// Blocks of a disk of 1,048,576 blocks with one changed block, one error, and a filled start.
pub fn block_table(path: &str) -> BlockTable {
    let total = 1_048_576;
    let mut runs = Vec::new();
    let mut next = 0;
    let mut run = |until: u64, state: BlockState| {
        if until > next {
            runs.push(StateRun {
                first: BlockNo(next),
                count: until - next,
                state,
            });
            next = until;
        }
    };
    run(70_000, BlockState::Full);
    run(70_100, BlockState::Partial);
    run(400_000, BlockState::Zero);
    run(543_210, BlockState::Absent);
    run(543_211, BlockState::Partial);
    run(800_000, BlockState::Absent);
    run(800_001, BlockState::Error);
    run(900_000, BlockState::Unmapped);
    run(total, BlockState::Absent);
    BlockTable {
        path: PathBuf::from(path),
        block_bytes: 2 << 20,
        sector_bytes: 512,
        counts: Counts {
            total,
            full: 70_000,
            partial: 101,
            zero: 329_900,
            unmapped: 99_999,
            error: 1,
            absent: total - 70_000 - 101 - 329_900 - 99_999 - 1,
            complete: true,
            ..Counts::default()
        },
        runs,
    }
}
