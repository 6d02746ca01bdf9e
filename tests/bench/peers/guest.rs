//! The guest's files: all of a disk, those that changed, one copied out.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use vhdtree::build::vhd::{Locator, VhdBuilder};

use crate::entrant::{Answer, Entrant, Line, Role};
use crate::race::{Race, skipped};
use crate::{line, tools};

const VOLUME: u64 = 512 << 20;
const FOLDERS: usize = 100;
const FILES_EACH: usize = 50;
const LARGE_BYTES: u64 = 256 << 20;
/// Files written after the base was.
const NEWER: usize = 200;
const PIECE_BYTES: usize = 64 << 10;

/// What is asked about: plain files, a volume with them, and disks with the volume as it was and as it is.
struct Places {
    plain: PathBuf,
    volume: PathBuf,
    base: PathBuf,
    child: PathBuf,
}

pub fn ask(race: &mut Race) {
    let folder = race.folder();
    let Some(places) = build(folder.path()) else {
        return;
    };
    lists(race, &places);
    let large = Answer::Bytes(LARGE_BYTES);
    let plain = places.plain.join("large");
    let copy = line![tools::vhdtree(), "cp", &places.child, "/large", "-"];
    let others = [
        (
            "cat, a plain file",
            Role::Limit,
            line!["cat", plain],
            line!["cat", "--version"],
        ),
        (
            "debugfs cat, the plain volume",
            Role::Peer,
            line!["debugfs", "-R", "cat /large", &places.volume],
            line!["debugfs", "-V"],
        ),
    ];
    let mut entrants =
        vec![Entrant::new(Role::Ours, "vhdtree cp", copy, large.clone()).woken_by(version())];
    entrants.extend(others.map(|(name, role, line, wake)| {
        Entrant::new(role, name, line, large.clone()).woken_by(wake)
    }));
    race.warm_and_cold("cp: a file of 256 MiB out of a child", &entrants);
}

fn version() -> Line {
    line![tools::vhdtree(), "--version"]
}

fn lists(race: &mut Race, places: &Places) {
    let files = FOLDERS * FILES_EACH;
    let all = line![tools::vhdtree(), "files", "--all", &places.base];
    let line = line![
        "find",
        &places.plain,
        "-type",
        "f",
        "-printf",
        "%p %s %T@\n"
    ];
    let name = "find, a plain folder";
    let find = || {
        Entrant::new(Role::Limit, name, line.clone(), Answer::Lines(files))
            .woken_by(line!["find", "--version"])
    };
    let ours = Entrant::new(Role::Ours, "vhdtree files --all", all, Answer::Lines(files));
    let mut entrants = vec![ours.woken_by(version()), find()];
    match tools::find("FLS", "fls") {
        Some(fls) => {
            let line = line![&fls, "-r", "-l", "-p", &places.volume];
            let name = "fls, the plain volume";
            let entrant = Entrant::new(Role::Peer, name, line, Answer::Lines(files));
            entrants.push(entrant.woken_by(line![fls, "-V"]));
        }
        None => skipped("fls"),
    }
    race.warm_and_cold("files: the 5,001 of an ext4 volume", &entrants);
    let changed = line![tools::vhdtree(), "files", &places.child];
    let last = Answer::Has(format!("newer{}", NEWER - 1));
    let changed = Entrant::new(Role::Ours, "vhdtree files", changed, last);
    let changed = changed.may_exit(1).woken_by(version());
    race.warm_and_cold(
        "files: 200 new ones among 5,001 of an ext4 volume",
        &[changed, find()],
    );
}

/// `None` without the tools of ext4.
fn build(folder: &Path) -> Option<Places> {
    let [plain, volume, later, newer, script] =
        ["plain", "volume", "later", "newer", "script"].map(|name| folder.join(name));
    let places = Places {
        plain,
        volume,
        base: folder.join("base.vhd"),
        child: folder.join("child.avhd"),
    };
    fill(&places.plain);
    let size = format!("{}M", VOLUME >> 20);
    let made = line![
        "-q",
        "-t",
        "ext4",
        "-d",
        &places.plain,
        &places.volume,
        size
    ];
    if !is_done(Command::new("mke2fs").args(made)) {
        skipped("mke2fs");
        return None;
    }
    std::fs::copy(&places.volume, &later).expect("room for a volume");
    std::fs::write(&newer, vec![b'n'; 10_000]).expect("room for a file");
    let lines = (0..NEWER).map(|file| format!("write {} newer{file}\n", newer.display()));
    std::fs::write(&script, lines.collect::<String>()).expect("room for a script");
    if !is_done(Command::new("debugfs").args(line!["-w", "-f", &script, &later])) {
        skipped("debugfs");
        return None;
    }
    differing(VhdBuilder::dynamic(VOLUME).id(1), &places.volume, None)
        .build_to(&places.base)
        .expect("room for the base");
    let disk = VhdBuilder::differencing(VOLUME)
        .id(2)
        .parent(1, "base.vhd")
        .locator(Locator::relative(r".\base.vhd"));
    differing(disk, &later, Some(&places.volume))
        .build_to(&places.child)
        .expect("room for the child");
    Some(places)
}

/// Many small files and a large one.
fn fill(plain: &Path) {
    for number in 0..FOLDERS {
        let folder = plain.join(format!("folder{number:03}"));
        std::fs::create_dir_all(&folder).expect("room for a folder");
        for file in 0..FILES_EACH {
            std::fs::write(
                folder.join(format!("file{file:03}.txt")),
                vec![b'f'; 1000 + file],
            )
            .expect("room for a file");
        }
    }
    let large = File::create(plain.join("large")).expect("room for a file");
    let piece: Vec<u8> = (1..=251_u8).cycle().take(PIECE_BYTES).collect();
    for at in (0..LARGE_BYTES).step_by(PIECE_BYTES) {
        large
            .write_all_at(&piece, at)
            .expect("room for a large file");
    }
}

/// Writes what of a volume is not zero, or is not as in the other.
fn differing(mut disk: VhdBuilder, volume: &Path, other: Option<&Path>) -> VhdBuilder {
    let volume = File::open(volume).expect("the volume");
    let other = other.map(|other| File::open(other).expect("the other volume"));
    let (mut bytes, mut before) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    for at in (0..VOLUME).step_by(PIECE_BYTES) {
        volume.read_exact_at(&mut bytes, at).expect("its content");
        if let Some(other) = &other {
            other.read_exact_at(&mut before, at).expect("its content");
        }
        for (nth, (page, before)) in bytes.chunks(4096).zip(before.chunks(4096)).enumerate() {
            if page != before {
                disk.write_more(at / 512 + nth as u64 * 8, page);
            }
        }
    }
    disk
}

fn is_done(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
