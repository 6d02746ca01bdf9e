//! Storage that waits: a store shown through a file system of our own that answers each request after two milliseconds and
//! counts them all. Skipped where that may not be mounted.

#![cfg(target_os = "linux")]

#[path = "../bench/shared/slow_storage.rs"]
mod slow_storage;

use std::path::Path;
use std::time::Duration;

use uuid::Uuid;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;

use self::slow_storage::{Asked, SlowStorage};
use crate::runner::vhdtree;

const FOLDERS: u64 = 60;
const CHILDREN: u64 = 6;
const DISKS: u64 = FOLDERS * (CHILDREN + 1);
const DELAY: Duration = Duration::from_millis(2);
const SIZE: u64 = 64 << 20;

/// A base and its children in each folder.
fn build(root: &Path, word: &str) {
    for folder in 0..FOLDERS {
        let place = root.join(format!("vm{folder:03}"));
        std::fs::create_dir(&place).unwrap();
        for disk in 0..=CHILDREN {
            let path = place.join(format!("{disk}.{word}"));
            let name = format!("0.{word}");
            let relative = format!(r".\{name}");
            let id = u128::from(folder + 1) << 64;
            match (word, disk) {
                ("vhd", 0) => VhdBuilder::dynamic(SIZE).id(id).build_to(&path).unwrap(),
                ("vhd", _) => VhdBuilder::differencing(SIZE)
                    .id(id + u128::from(disk))
                    .parent(id, &name)
                    .locator(Locator::relative(&relative))
                    .build_to(&path)
                    .unwrap(),
                (_, 0) => VhdxBuilder::dynamic(SIZE)
                    .data_write_id(Uuid::from_u128(id))
                    .build_to(&path)
                    .unwrap(),
                (_, _) => VhdxBuilder::differencing(SIZE)
                    .parent(Uuid::from_u128(id), &[("relative_path", &relative)])
                    .build_to(&path)
                    .unwrap(),
            }
        }
    }
}

/// What `ls` with these flags asks of the store on slow storage; its answer is the same as without.
fn asked(word: &str, flags: &[&str]) -> Option<Asked> {
    let folder = tempfile::tempdir().unwrap();
    let (store, slow) = (folder.path().join("store"), folder.path().join("slow"));
    std::fs::create_dir(&store).unwrap();
    std::fs::create_dir(&slow).unwrap();
    build(&store, word);
    let Some(storage) = SlowStorage::mount(&store, &slow, DELAY) else {
        println!("skipped: FUSE");
        return None;
    };
    let arguments = [&["ls", "-n", "-o", "name,format,virtual,dirty"], flags].concat();
    let seen = vhdtree(&arguments, &slow);
    let asked = storage.asked();
    let wanted = vhdtree(&arguments, &store);
    assert!(seen.status.success(), "{seen:?}");
    assert_eq!(
        String::from_utf8_lossy(&seen.stdout),
        String::from_utf8_lossy(&wanted.stdout)
    );
    Some(asked)
}

#[test]
fn storage_that_waits_is_asked_for_nothing_twice_and_for_much_at_once() {
    for (word, reads, bytes) in [("vhd", 1, 8 << 10), ("vhdx", 9, 96 << 10)] {
        let Some(asked) = asked(word, &[]) else {
            return;
        };
        for each in ["open", "flush"] {
            assert_eq!(asked.times(each), DISKS, "{each}: {asked:?}");
        }
        assert!(asked.times("read") <= DISKS * reads, "{asked:?}");
        assert!(asked.read_bytes <= DISKS * bytes, "{asked:?}");
        assert!(asked.times("lookup") <= DISKS + FOLDERS + 4, "{asked:?}");
        assert!(asked.times("opendir") <= FOLDERS + 2, "{asked:?}");
        assert!(asked.times("readdir") <= 2 * (FOLDERS + 1), "{asked:?}");
        // One question of the free space, and the attributes of the root, however many disks there are.
        assert_eq!(asked.times("statfs"), 1, "{asked:?}");
        assert!(asked.times("getattr") <= 4, "{asked:?}");
        assert!(asked.at_once > 4, "{asked:?}");
    }
}

#[test]
fn as_many_files_are_read_at_once_as_is_said() {
    let Some(asked) = asked("vhd", &["--jobs", "2"]) else {
        return;
    };
    // Two that read, two that list, and what is closed while they go on.
    assert!(asked.at_once <= 8, "{asked:?}");
}
