//! A store's tree: which disks there are, how they hang together, and what each holds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use vhdtree::image::Format;

use crate::entrant::{Answer, Entrant, Line, Role};
use crate::race::{Race, skipped};
use crate::stores::{SMALL, in_one_folder};
use crate::{limit, line, tools};

/// Blocks a disk holds, in part.
const HELD: u64 = 3;
/// Its table has 128 KiB.
const LARGE: u64 = 64 << 30;

/// Most files for those who start a process for each.
const MOST_PROCESSES: usize = 1_100;
/// The same for qemu-img, whose processes are slow to start.
const MOST_QEMU_PROCESSES: usize = 110;

/// The tree by libvhdi in one Python: ids, sizes and parents of every file, then a line for each, indented.
const LIBVHDI: &str = r"
import glob, sys, pyvhdi
disks, children = {}, {}
for path in sorted(glob.glob(sys.argv[1] + '/*.*vhd*')):
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
for path in sorted(glob.glob(sys.argv[1] + '/*.*vhd*')):
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
    for format in [Format::Vhd, Format::Vhdx] {
        for (disks, held) in [
            (1, HELD),
            (100, HELD),
            (1_000, HELD),
            (5_000, HELD),
            (5_000, 1),
            (40_000, 1),
        ] {
            small(race, format, disks, held);
        }
    }
    let folder = race.folder();
    let files = in_one_folder(folder.path(), Format::Vhd, 1_000, LARGE, HELD);
    let mut entrants = entrants(folder.path(), &files, Format::Vhd);
    let heads = Answer::Has(format!("{} files", files.len()));
    entrants.extend(limit::on_threads(
        "2 KiB and table of each file",
        "tables",
        &[folder.path()],
        &heads,
    ));
    race.warm("VHD: tree of 1,000 differencing disks of 64 GiB", &entrants);
}

fn small(race: &mut Race, format: Format, disks: usize, held: u64) {
    let folder = race.folder();
    let files = in_one_folder(folder.path(), format, disks, SMALL, held);
    let of_one_block = if held == 1 && disks == 5_000 {
        " that hold one block"
    } else {
        ""
    };
    let question = format!(
        "{}: tree of {}{of_one_block}",
        tools::word(format),
        counted(disks)
    );
    let mut entrants = entrants(folder.path(), &files, format);
    let all = Answer::Has(format!("{} files", files.len()));
    let what = limit::least_of(format);
    let name = limit::of_each_file(what);
    entrants.extend(limit::on_threads(name, what, &[folder.path()], &all));
    if format == Format::Vhd {
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
    }
    if disks == 5_000 {
        race.warm_and_cold(&question, &entrants);
    } else {
        race.warm(&question, &entrants);
    }
}

fn entrants(folder: &Path, files: &[PathBuf], format: Format) -> Vec<Entrant> {
    let disks = files.len();
    let a_line_each = Answer::Lines(files.len());
    let mut entrants = vec![
        Entrant::new(
            Role::Ours,
            "vhdtree ls",
            line![tools::vhdtree(), "ls", folder],
            a_line_each.clone(),
        )
        .woken_by(line![tools::vhdtree(), "--version"]),
    ];
    match tools::vhd_util() {
        Some(_) if format == Format::Vhdx => (),
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
    // The script for dissect reads VHD's own structures.
    let of_both = usize::from(format == Format::Vhdx);
    for (name, package, script) in &scripts[..scripts.len() - of_both] {
        let Some(mut python) = tools::python(package) else {
            skipped(package);
            continue;
        };
        let mut wake = python.clone();
        wake.push(format!("import {package}").into());
        python.extend(line![*script, folder]);
        entrants.push(Entrant::new(Role::Peer, *name, python, a_line_each.clone()).woken_by(wake));
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
    // It does not open differencing VHDX.
    if disks <= MOST_QEMU_PROCESSES && format == Format::Vhd {
        match tools::qemu_img() {
            Some(tool) => entrants.push(for_each("qemu-img info each", line![tool, "info"])),
            None => skipped("qemu-img"),
        }
    }
    entrants
}

fn counted(disks: usize) -> String {
    match disks {
        1 => "1 differencing disk".to_owned(),
        1_000.. => format!("{},{:03} differencing disks", disks / 1_000, disks % 1_000),
        _ => format!("{disks} differencing disks"),
    }
}
