//! Small stores, built by code: unaligned runs, two levels, a branch, and things that are wrong.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use vhdtree::build::vhd::{Locator, VhdBuilder};

const SIZE: u64 = 24 << 20;
/// Seconds from 1970 to 2000, where the footer's clock starts.
const EPOCH: u64 = 946_684_800;

/// Writes a disk, last written `written` seconds after 2000.
fn put(folder: &Path, name: &str, disk: &VhdBuilder, written: u64) {
    disk.build_to(&folder.join(name)).unwrap();
    touch(folder, name, written);
}

fn touch(folder: &Path, name: &str, written: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH + written);
    let times = FileTimes::new().set_modified(at).set_accessed(at);
    File::options()
        .write(true)
        .open(folder.join(name))
        .unwrap()
        .set_times(times)
        .unwrap();
}

fn sectors(fill: u8, count: usize) -> Vec<u8> {
    vec![fill; 512 * count]
}

fn child(id: u128, made: u32, parent: u128, name: &str) -> VhdBuilder {
    VhdBuilder::differencing(SIZE)
        .id(id)
        .created(made)
        .parent(parent, name)
        .locator(Locator::relative(&format!(".\\{name}")))
}

/// A base with one partition, sectors 64 to 1,063, and a child that changes something in and around it; gives the child's
/// name.
pub fn partitioned(folder: &Path) -> &'static str {
    let mut table = vec![0; 512];
    table[450] = 0x07;
    table[454] = 64;
    table[458..460].copy_from_slice(&[0xe8, 0x03]);
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    let mut boot = sectors(0, 1);
    boot[3..11].copy_from_slice(b"NTFS    ");
    let base = VhdBuilder::dynamic(SIZE)
        .id(1)
        .created(300_000_000)
        .write(0, &table)
        .write(64, &boot);
    put(folder, "vm.vhd", &base, 300_100_000);
    table[0] = 0xeb;
    let child_disk = child(2, 300_100_003, 1, "vm.vhd")
        .write(0, &table)
        .write(63, &sectors(0x44, 1))
        .write(1_060, &sectors(0x55, 5))
        .write(9_000, &sectors(0x66, 1));
    put(folder, "child.avhd", &child_disk, 300_200_000);
    "child.avhd"
}

/// A base, a child with changed, equal and zeroed sectors, and two leaves on it: one empty, one equal to its parent.
pub fn healthy(folder: &Path) {
    let base = VhdBuilder::dynamic(SIZE)
        .id(1)
        .created(300_000_000)
        .write(0, &sectors(0x11, 3))
        .write(4095, &sectors(0x22, 7))
        .write(20_000, &sectors(0x33, 5));
    put(folder, "vm.vhd", &base, 300_100_000);
    let middle = child(2, 300_100_003, 1, "vm.vhd")
        .write(1, &sectors(0x44, 2))
        .write(4096, &sectors(0x22, 3))
        .write(20_001, &sectors(0, 2))
        .write(30_003, &sectors(0x55, 1));
    put(
        folder,
        "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd",
        &middle,
        300_200_000,
    );
    let parent = "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd";
    put(
        folder,
        "vm_4E5F6071-0000-4000-8000-000000000002.avhd",
        &child(3, 305_000_000, 2, parent),
        306_000_000,
    );
    put(
        folder,
        "vm_8293A4B5-0000-4000-8000-000000000003.avhd",
        &child(4, 300_200_001, 2, parent).write(1, &sectors(0x44, 1)),
        304_000_000,
    );
}

/// A child whose parent is not there, a file that is named like a disk and is none, and a child of another id.
pub fn broken(folder: &Path) {
    put(
        folder,
        "lost.avhd",
        &child(7, 300_000_000, 99, "gone.vhd").write(5, &sectors(1, 1)),
        300_000_100,
    );
    std::fs::write(folder.join("text.vhd"), "no disk at all\n".repeat(100)).unwrap();
    touch(folder, "text.vhd", 300_000_100);
    put(
        folder,
        "other.vhd",
        &VhdBuilder::dynamic(SIZE).id(8).created(300_000_000),
        300_000_100,
    );
    put(
        folder,
        "odd.avhd",
        &child(9, 300_000_000, 10, "other.vhd"),
        300_000_100,
    );
}

/// A list of snapshots for [`healthy`]: the middle disk was made within seconds of the first, the leaf in use eight weeks
/// after the second.
pub fn labels() -> String {
    serde_json::json!([
        {"VMName": "vm", "Name": "検証 one", "Id": "11111111-0000-4000-8000-000000000001",
         "CreationTime": "2009-07-05T09:06:41Z", "Disks": r"D:\VMs\vm.vhd"},
        {"VMName": "vm", "Name": "two", "Id": "11111111-0000-4000-8000-000000000002",
         "ParentSnapshotName": "検証 one", "CreationTime": "2009-07-06T12:53:20Z",
         "Disks": "vm_0A1B2C3D-0000-4000-8000-000000000001.avhd"},
        {"Name": "vm", "Disks": ["vm_4E5F6071-0000-4000-8000-000000000002.avhd"]},
    ])
    .to_string()
}
