//! How many sectors a large, much fragmented child holds.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::format::BlockNo;
use vhdtree::image::{BlockState, Image};
use vhdtree::source::FileSource;

use crate::entrant::{Answer, Entrant, Role};
use crate::race::{Race, skipped};
use crate::{limit, line, tools};

const SIZE: u64 = 64 << 30;
const BLOCKS: u64 = SIZE >> 21;
/// Every second block.
const HELD: u64 = BLOCKS / 2;
/// Of a block: a run of three sectors in every 256, sixteen in all.
const RUN_EVERY_BYTES: usize = 32;
const RUN: u8 = 0b0001_1100;
const RUNS: usize = 262_144;
const DIRTY: u64 = HELD * (512 / RUN_EVERY_BYTES as u64) * RUN.count_ones() as u64;

pub fn ask(race: &mut Race) {
    let folder = race.folder();
    let child = folder.path().join("child.avhd");
    build(folder.path(), &child);
    let has_sum = Answer::Has(DIRTY.to_string());
    let version = || line![tools::vhdtree(), "--version"];
    let list = line![tools::vhdtree(), "ls", "--json", folder.path()];
    let inform = line![tools::vhdtree(), "info", "--json", &child];
    let mut entrants = vec![
        Entrant::new(Role::Ours, "vhdtree ls --json", list, has_sum.clone()).woken_by(version()),
        Entrant::new(Role::Ours, "vhdtree info --json", inform, has_sum).woken_by(version()),
    ];
    match tools::vhd_util() {
        Some(tool) => {
            let sectors = (SIZE / 512).to_string();
            let runs = line![&tool, "read", "-e", "0", "-c", sectors, "-n", &child];
            let hexadecimal = Answer::Has(format!("{DIRTY:#x}"));
            let check = line![&tool, "check", "-s", "-n", &child];
            entrants.push(
                Entrant::new(Role::Peer, "vhd-util read -e", runs, Answer::Lines(RUNS))
                    .woken_by(line![&tool]),
            );
            entrants.push(
                Entrant::new(Role::Peer, "vhd-util check -s", check, hexadecimal)
                    .woken_by(line![&tool]),
            );
        }
        None => skipped("vhd-util"),
    }
    let sum = Answer::Has(format!("{DIRTY} sectors"));
    entrants.extend(limit::on_threads(
        "a read for each bitmap",
        "bitmaps",
        &[&child],
        &sum,
    ));
    race.warm_and_cold("dirty sectors of 16,384 blocks in 262,144 runs", &entrants);
}

/// A base and a child that holds every second block; only bits are written, data is holes.
fn build(folder: &Path, child: &Path) {
    VhdBuilder::dynamic(SIZE)
        .id(1)
        .build_to(&folder.join("base.vhd"))
        .expect("room for the base");
    let disk = VhdBuilder::differencing(SIZE)
        .id(2)
        .parent(1, "base.vhd")
        .locator(Locator::relative(r".\base.vhd"));
    (0..HELD)
        .fold(disk, |disk, block| disk.allocate(block * 2))
        .build_to(child)
        .expect("room for the child");
    let image = Image::open(std::sync::Arc::new(
        FileSource::open(child).expect("the child"),
    ));
    let image = image.expect("a sound child");
    let mut entries = Vec::new();
    image
        .read_table(
            BlockNo(0),
            usize::try_from(BLOCKS).unwrap(),
            &mut entries,
            None,
        )
        .expect("its table");
    let mut bits = [0; 512];
    for byte in bits.iter_mut().step_by(RUN_EVERY_BYTES) {
        *byte = RUN;
    }
    let file: File = OpenOptions::new().write(true).open(child).unwrap();
    for entry in entries
        .iter()
        .filter(|entry| entry.state == BlockState::Partial)
    {
        file.write_all_at(&bits, entry.bitmap_offset).expect("room");
    }
    file.sync_all().expect("the disk takes it");
}
