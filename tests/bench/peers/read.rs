//! The whole content of a chain, merged.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use vhdtree::chain::OnFault;
use vhdtree::image::Format;
use vhdtree::job::Job;

use crate::chains::{self, Held, make_chain, write_plain};
use crate::entrant::{Answer, Entrant, Role};
use crate::race::{Race, skipped};
use crate::{limit, line, tools};

const GIB: u64 = 2;

/// Reads the child through its parent, a MiB at a time.
const LIBVHDI: &str = r"
import sys, pyvhdi
child, base = pyvhdi.file(), pyvhdi.file()
child.open(sys.argv[1])
base.open(sys.argv[2])
child.set_parent(base)
while piece := child.read_buffer(1 << 20):
    sys.stdout.buffer.write(piece)
";

/// The first argument of a call as vhdtree's reader, which no command has.
pub const WORD: &str = "chain";

/// Reads a chain into standard output: the call's arguments are the child and the base.
pub fn run(arguments: &[String]) {
    let out = std::io::stdout().as_fd().try_clone_to_owned();
    let mut out = File::from(out.expect("standard output"));
    let paths: Vec<PathBuf> = arguments.iter().map(PathBuf::from).collect();
    chains::open(&paths)
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            out.write_all(bytes).expect("standard output");
        })
        .expect("the chain reads");
}

/// What a file holds, as the answer wanted of others.
fn content_of(path: &Path) -> Answer {
    let mut file = File::open(path).expect("the plain file");
    let mut sum = crc32fast::Hasher::new();
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
    while let count @ 1.. = file.read(&mut buffer).expect("its content") {
        sum.update(&buffer[..count]);
        bytes += count as u64;
    }
    Answer::Content(bytes, sum.finalize())
}

pub fn ask(race: &mut Race) {
    for format in [Format::Vhd, Format::Vhdx] {
        let folder = race.folder();
        let paths = make_chain(folder.path(), format, GIB, Held::Half);
        let plain = folder.path().join("plain");
        write_plain(&chains::open(&paths), &plain);
        let all = content_of(&plain);
        let ours = line![limit::program(), WORD, &paths[0], &paths[1]];
        let cat = line!["cat", &plain];
        let mut entrants = vec![
            Entrant::new(Role::Ours, "vhdtree's reader", ours, all.clone())
                .woken_by(limit::call("hello", &[])),
            Entrant::new(Role::Limit, "cat, a plain file", cat, all.clone())
                .woken_by(line!["cat", "--version"]),
        ];
        entrants.extend(limit::on_threads(
            "a plain file read",
            "whole",
            &[&plain],
            &Answer::Any,
        ));
        match tools::seven_zip() {
            Some(tool) => {
                let kind = match format {
                    Format::Vhd => "-tvhd",
                    Format::Vhdx => "-tvhdx",
                    Format::Raw => "-traw",
                };
                let line = line![&tool, "x", kind, "-so", &paths[0]];
                let entrant = Entrant::new(Role::Peer, "7zz x -so", line, all.clone());
                entrants.push(entrant.woken_by(line![tool]));
            }
            None => skipped("7zz"),
        }
        // Of VHDs it reads other bytes than were written.
        if format == Format::Vhdx {
            match tools::python("pyvhdi") {
                Some(python) => {
                    let mut wake = python.clone();
                    wake.push("import pyvhdi".into());
                    let line = [python, line![LIBVHDI, &paths[0], &paths[1]]].concat();
                    let entrant = Entrant::new(Role::Peer, "libvhdi", line, all);
                    entrants.push(entrant.woken_by(wake));
                }
                None => skipped("pyvhdi"),
            }
        }
        let question = format!("{}: content of a chain of {GIB} GiB", tools::word(format));
        race.warm_and_cold(&question, &entrants);
    }
}
