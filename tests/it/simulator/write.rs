//! Writes a simulated store as its host would have left it: disks, configurations or a list, and a listing of times.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;
use vhdtree::build::hyperv::{HypervConfig, IDE};
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;

use super::world::{SimSnapshot, World};

const SIZE: u64 = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFormat {
    Vhd,
    Vhdx,
}

/// What says when snapshots were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// The host's list, with a zone.
    Zoned,
    /// The host's list, in its local time without a zone.
    ZoneLess,
    /// The host's list without dates.
    Undated,
    /// Configurations that hold no date; names of the default form do, in local time.
    Configs { memory: bool, default_names: bool },
    /// Configurations that hold the date.
    DatedConfigs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub format: DiskFormat,
    pub dates: Dates,
    /// A listing of the files' times, made by the host at the end.
    pub listing: bool,
    /// The host's zone in winter, in seconds east of UTC; in summer it is an hour more if `summer` is set.
    pub zone: i64,
    pub summer: bool,
    /// Configurations hold generation ids (2012 and later).
    pub generations: bool,
}

impl Shown {
    pub fn in_configs(&self) -> bool {
        matches!(self.dates, Dates::Configs { .. } | Dates::DatedConfigs)
    }

    /// What the host's wall clock showed.
    pub fn local(&self, at: i64) -> i64 {
        let month = Timestamp::from_second(at)
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .month();
        let summer = self.summer && (4..=10).contains(&month);
        at + self.zone + if summer { 3_600 } else { 0 }
    }
}

pub fn stamp_text(at: i64) -> String {
    Timestamp::from_second(at).unwrap().to_string()
}

pub fn file_name(world: &World, disk: usize, format: DiskFormat) -> String {
    let extension = match (format, world.disks[disk].parent) {
        (DiskFormat::Vhd, None) => "vhd",
        (DiskFormat::Vhd, Some(_)) => "avhd",
        (DiskFormat::Vhdx, None) => "vhdx",
        (DiskFormat::Vhdx, Some(_)) => "avhdx",
    };
    format!("{}.{extension}", world.disks[disk].name)
}

fn put(path: &Path, bytes: &[u8], written: i64) {
    std::fs::write(path, bytes).unwrap();
    touch(path, written);
}

pub fn touch(path: &Path, written: i64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(written).unwrap());
    file.set_modified(at).unwrap();
}

/// Writes the store into an empty folder.
pub fn write(world: &World, shown: &Shown, root: &Path) {
    let mut listing =
        "\"FullName\",\"Length\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\r\n".to_owned();
    for disk in (0..world.disks.len()).filter(|at| world.disks[*at].alive) {
        let name = file_name(world, disk, shown.format);
        let path = root.join(&name);
        match shown.format {
            DiskFormat::Vhd => vhd(world, disk, shown.format, &path),
            DiskFormat::Vhdx => vhdx(world, disk, shown.format, &path),
        }
        touch(&path, world.disks[disk].written);
        let plain = |at: i64| stamp_text(at).replace('T', " ").replace('Z', "");
        write!(
            listing,
            "\"D:\\VMs\\{name}\",\"{}\",\"{}\",\"{}\"\r\n",
            std::fs::metadata(&path).unwrap().len(),
            plain(world.disks[disk].born),
            plain(world.disks[disk].written)
        )
        .unwrap();
    }
    if shown.listing {
        std::fs::write(root.join("times.csv"), listing).unwrap();
    }
    if shown.in_configs() {
        configs(world, shown, root);
    } else {
        let labels = labels(world, shown);
        std::fs::write(
            root.join("labels.json"),
            serde_json::to_vec(&labels).unwrap(),
        )
        .unwrap();
    }
}

fn id_of(disk: usize) -> u128 {
    0x5_0000_0000_4000_8000_0000_0000_1000 + disk as u128
}

fn vhd(world: &World, disk: usize, format: DiskFormat, path: &Path) {
    let of = &world.disks[disk];
    let builder = match of.parent {
        None => VhdBuilder::dynamic(SIZE),
        Some(parent) => {
            let name = file_name(world, parent, format);
            VhdBuilder::differencing(SIZE)
                .parent(id_of(parent), &format!(r"D:\VMs\{name}"))
                .locator(Locator::relative(&format!(r".\{name}")))
        }
    };
    let builder = builder
        .block_size(512 << 10)
        .id(id_of(disk))
        .created_at(Timestamp::from_second(of.stamp).unwrap());
    let builder = if of.holds_data {
        builder.write(
            3 + disk as u64 * 7,
            &[u8::try_from(disk % 250).unwrap() + 1; 3 * 512],
        )
    } else {
        builder
    };
    builder.build_to(path).unwrap();
}

fn vhdx(world: &World, disk: usize, format: DiskFormat, path: &Path) {
    let of = &world.disks[disk];
    let builder = match of.parent {
        None => VhdxBuilder::dynamic(SIZE),
        Some(parent) => {
            let name = file_name(world, parent, format);
            VhdxBuilder::differencing(SIZE).parent(
                Uuid::from_u128(id_of(parent)),
                &[("relative_path", &format!(r".\{name}"))],
            )
        }
    };
    let builder = builder
        .block_size(1 << 20)
        .disk_id(Uuid::from_u128(id_of(world.base_of(disk)) + 0x7777_0000))
        .data_write_id(Uuid::from_u128(id_of(disk)));
    let builder = if of.holds_data {
        builder.write(
            3 + disk as u64 * 7,
            &[u8::try_from(disk % 250).unwrap() + 1; 3 * 512],
        )
    } else {
        builder
    };
    builder.build_to(path).unwrap();
}

fn windows_path(world: &World, disk: usize, format: DiskFormat) -> String {
    format!(r"D:\VMs\{}", file_name(world, disk, format))
}

pub fn snapshot_id(at: usize) -> Uuid {
    Uuid::from_u128(0xabc0_0000_0000_4000_8000_0000_0000_0000 + at as u128)
}

fn labels(world: &World, shown: &Shown) -> Value {
    let mut rows = Vec::new();
    for (at, snapshot) in world.snapshots.iter().enumerate() {
        if !snapshot.alive {
            continue;
        }
        let disks: Vec<String> = snapshot
            .disks
            .iter()
            .map(|disk| windows_path(world, *disk, shown.format))
            .collect();
        let parent = snapshot
            .parent
            .map(|parent| world.snapshots[parent].name.clone());
        let mut row = json!({"VMName": world.machines[snapshot.machine].name, "Name": snapshot.name, "Id": snapshot_id(at).to_string(),
            "ParentSnapshotName": parent, "SnapshotType": "Standard", "Disks": disks});
        match shown.dates {
            Dates::Zoned => row["CreationTime"] = json!(stamp_text(snapshot.taken)),
            Dates::ZoneLess => {
                row["CreationTime"] =
                    json!(stamp_text(shown.local(snapshot.taken)).replace('Z', ""));
            }
            _ => {}
        }
        rows.push(row);
    }
    for machine in &world.machines {
        let disks: Vec<String> = machine
            .now
            .iter()
            .map(|disk| windows_path(world, *disk, shown.format))
            .collect();
        rows.push(json!({"Name": machine.name, "Disks": disks}));
    }
    Value::Array(rows)
}

fn generation(id: u64) -> String {
    format!("{id:016x}{:016x}", id.rotate_left(17))
}

fn configs(world: &World, shown: &Shown, root: &Path) {
    std::fs::create_dir(root.join("Virtual Machines")).unwrap();
    std::fs::create_dir(root.join("Snapshots")).unwrap();
    for (at, machine) in world.machines.iter().enumerate() {
        let id = Uuid::from_u128(0xfee0_0000_0000_4000_8000_0000_0000_0000 + at as u128);
        let config = HypervConfig {
            id,
            name: machine.name.clone(),
            type_id: Some("Virtual Machines".to_owned()),
            generation_id: shown.generations.then(|| generation(machine.generation)),
            merge_pending: !machine.pending.is_empty(),
            disks: drives(world, &machine.now, shown.format),
            ..HypervConfig::default()
        };
        let path = root.join("Virtual Machines").join(format!("{id}.xml"));
        put(&path, &config.xml(), machine.config_written);
    }
    for (at, snapshot) in world.snapshots.iter().enumerate() {
        if snapshot.alive {
            snapshot_config(world, shown, root, at, snapshot);
        }
    }
}

fn drives(
    world: &World,
    disks: &[usize],
    format: DiskFormat,
) -> Vec<(&'static str, u32, u32, String)> {
    (0_u32..)
        .zip(disks)
        .map(|(drive, disk)| (IDE, 0, drive, windows_path(world, *disk, format)))
        .collect()
}

fn snapshot_config(world: &World, shown: &Shown, root: &Path, at: usize, snapshot: &SimSnapshot) {
    let id = snapshot_id(at);
    let with_memory = matches!(shown.dates, Dates::Configs { memory: true, .. });
    let memory = snapshot.memory.filter(|_| with_memory);
    let config = HypervConfig {
        id,
        name: snapshot.name.clone(),
        type_id: Some("Snapshots".to_owned()),
        generation_id: shown.generations.then(|| generation(snapshot.generation)),
        disks: drives(world, &snapshot.disks, shown.format),
        created: (shown.dates == Dates::DatedConfigs)
            .then(|| Timestamp::from_second(snapshot.taken).unwrap()),
        memory: memory.map(|_| {
            (
                format!(r"D:\VMs\Snapshots\{id}\{id}.bin"),
                format!(r"D:\VMs\Snapshots\{id}\{id}.vsv"),
            )
        }),
        ..HypervConfig::default()
    };
    let path = root.join("Snapshots").join(format!("{id}.xml"));
    put(&path, &config.xml(), snapshot.config_written);
    if let Some(written) = memory {
        let folder = root.join("Snapshots").join(id.to_string());
        std::fs::create_dir(&folder).unwrap();
        put(&folder.join(format!("{id}.bin")), b"memory", written);
        put(&folder.join(format!("{id}.vsv")), b"state", written);
    }
}
