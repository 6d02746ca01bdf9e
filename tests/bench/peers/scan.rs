//! A store's tree: which disks there are, how they hang together, and what each holds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use vhdtree::build::vhd::{Locator, VhdBuilder};

use crate::entrant::{Answer, Entrant, Line, Role};
use crate::race::{Race, skipped};
use crate::{limit, line, tools};

/// Children to each base.
const CHILDREN: usize = 10;
/// Blocks a disk holds, in part: each a bitmap to read somewhere else in the file.
const HELD: u64 = 3;
/// Its table is in the first 2 KiB.
const SMALL: u64 = 256 << 20;
/// Its table has 128 KiB.
const LARGE: u64 = 64 << 30;

/// Most disks for those who start a process for each.
const MOST_PROCESSES: usize = 1_000;
/// The same for qemu-img, whose processes are slow to start.
const MOST_QEMU_PROCESSES: usize = 100;

/// The tree by libvhdi in one Python: ids, sizes and parents of every file, then a line for each, indented.
const LIBVHDI: &str = r"
import glob, sys, pyvhdi
disks, children = {}, {}
for path in sorted(glob.glob(sys.argv[1] + '/*.*vhd')):
    disk = pyvhdi.file()
    disk.open(path)
    own, parent = disk.get_identifier(), None
    if disk.get_disk_type() == 4:
        parent = disk.get_parent_identifier()
    disks[own] = (path, disk.get_media_size(), disk.get_parent_filename())
    children.setdefault(parent, []).append(own)
    disk.close()
def show(own, depth):
    print('  ' * depth, *disks[own])
    for child in children.get(own, ()):
        show(child, depth + 1)
for own in children[None]:
    show(own, 0)
";

/// The same by dissect.hypervisor, which names a child's parent by id only.
const DISSECT: &str = r"
import glob, sys
from dissect.hypervisor.disk.vhd import VHD
disks, children = {}, {}
for path in sorted(glob.glob(sys.argv[1] + '/*.*vhd')):
    with open(path, 'rb') as file:
        disk = VHD(file).disk
        own, parent = bytes(disk.footer.unique_id), None
        if disk.footer.disk_type == 4:
            parent = bytes(disk.header.parent_unique_id)
        disks[own] = (path, disk.size)
        children.setdefault(parent, []).append(own)
def show(own, depth):
    print('  ' * depth, *disks[own])
    for child in children.get(own, ()):
        show(child, depth + 1)
for own in children[None]:
    show(own, 0)
";

pub fn ask(race: &mut Race) {
    for (disks, held) in [
        (1, HELD),
        (100, HELD),
        (1_000, HELD),
        (5_000, HELD),
        (5_000, 1),
    ] {
        let folder = race.folder();
        let files = build(folder.path(), disks, SMALL, held);
        let of_one_block = if held == 1 {
            " that hold one block"
        } else {
            ""
        };
        let question = format!("tree of {}{of_one_block}", counted(disks));
        let mut entrants = entrants(folder.path(), &files, disks);
        let heads = Answer::Has(format!("{} files", files.len()));
        entrants.extend(limit::on_threads(
            "2 KiB of each file",
            "heads",
            &[folder.path()],
            &heads,
        ));
        let find = line!["find", folder.path(), "-type", "f"];
        let heads: Line = ["-exec", "head", "-qc", "2048", "{}", "+"]
            .map(OsString::from)
            .into();
        let bytes = Answer::Bytes(files.len() as u64 * 2048);
        entrants.push(Entrant::new(
            Role::Limit,
            "find -exec head",
            [find, heads].concat(),
            bytes,
        ));
        if disks == 5_000 {
            race.warm_and_cold(&question, &entrants);
        } else {
            race.warm(&question, &entrants);
        }
    }
    let folder = race.folder();
    let files = build(folder.path(), 1_000, LARGE, HELD);
    let mut entrants = entrants(folder.path(), &files, 1_000);
    let heads = Answer::Has(format!("{} files", files.len()));
    entrants.extend(limit::on_threads(
        "2 KiB and table of each file",
        "tables",
        &[folder.path()],
        &heads,
    ));
    race.warm("tree of 1,000 differencing disks of 64 GiB", &entrants);
}

fn entrants(folder: &Path, files: &[PathBuf], disks: usize) -> Vec<Entrant> {
    let a_line_each = Answer::Lines(files.len());
    let mut entrants = vec![
        Entrant::new(
            Role::Ours,
            "vhdtree ls",
            line![tools::VHDTREE, "ls", folder],
            a_line_each.clone(),
        )
        .woken_by(line![tools::VHDTREE, "--version"]),
    ];
    match tools::vhd_util() {
        Some(tool) => {
            let pattern = folder.join("*.*vhd");
            for (name, flags) in [("vhd-util scan -p", "-p"), ("vhd-util scan -f -p", "-fp")] {
                let line = line![&tool, "scan", flags, "-m", &pattern];
                entrants.push(
                    Entrant::new(Role::Peer, name, line, a_line_each.clone())
                        .woken_by(line![&tool]),
                );
            }
        }
        None => skipped("vhd-util"),
    }
    let scripts = [
        ("libvhdi", "pyvhdi", LIBVHDI),
        ("dissect", "dissect.hypervisor.disk.vhd", DISSECT),
    ];
    for (name, package, script) in scripts {
        let Some(mut python) = tools::python(package) else {
            skipped(package);
            continue;
        };
        let mut wake = python.clone();
        wake.push(format!("import {package}").into());
        python.extend(line![script, folder]);
        entrants.push(Entrant::new(Role::Peer, name, python, a_line_each.clone()).woken_by(wake));
    }
    let for_each = |name: &str, start: Line| {
        let lines = files.iter().map(|file| {
            let mut line = start.clone();
            line.push(file.into());
            line
        });
        Entrant::of_many(Role::Peer, name, lines.collect(), a_line_each.clone())
    };
    if disks <= MOST_PROCESSES {
        match tools::vhdiinfo() {
            Some(tool) => entrants.push(for_each("vhdiinfo each", line![tool])),
            None => skipped("vhdiinfo"),
        }
    }
    if disks <= MOST_QEMU_PROCESSES {
        match tools::qemu_img() {
            Some(tool) => entrants.push(for_each("qemu-img info each", line![tool, "info"])),
            None => skipped("qemu-img"),
        }
    }
    entrants
}

/// Builds bases and their children into one folder, and names the files.
fn build(folder: &Path, disks: usize, size: u64, held: u64) -> Vec<PathBuf> {
    let bases = disks.div_ceil(CHILDREN);
    let mut files = Vec::new();
    for base in 0..bases {
        let name = format!("vm{base:05}.vhd");
        let id = (base as u128 + 1) << 64;
        let path = folder.join(&name);
        holding(VhdBuilder::dynamic(size).id(id), held, 8)
            .build_to(&path)
            .expect("room for a base");
        files.push(path);
        for child in 0..CHILDREN.min(disks - base * CHILDREN) {
            let path = folder.join(format!("vm{base:05}_{child:02}.avhd"));
            let disk = VhdBuilder::differencing(size)
                .id(id + child as u128 + 1)
                .parent(id, &name)
                .locator(Locator::relative(&format!(r".\{name}")));
            holding(disk, held, 3)
                .build_to(&path)
                .expect("room for a child");
            files.push(path);
        }
    }
    files
}

/// A few blocks, with as many sectors written in the middle of each.
fn holding(disk: VhdBuilder, held: u64, sectors: usize) -> VhdBuilder {
    (0..held).fold(disk, |disk, block| {
        disk.write(block * 2 * 4096 + 1027, &vec![0xab; sectors * 512])
    })
}

fn counted(disks: usize) -> String {
    match disks {
        1 => "1 differencing disk".to_owned(),
        1_000.. => format!("{},{:03} differencing disks", disks / 1_000, disks % 1_000),
        _ => format!("{disks} differencing disks"),
    }
}
