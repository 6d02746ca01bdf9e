//! What the largest block table costs: a VHDX of 64 TiB with blocks of 1 MiB, 67,108,864 of them, every one allocated, and
//! the same with every second one allocated, which has as many runs as there can be.
//!
//! `cargo bench --bench table` runs the program itself. Goals: under 128 MiB of memory, and one pass over the table's 512 MiB.
//! Files of more than 16 TiB do not fit the usual file systems, so they are made in `/dev/shm`, where they take 1 GiB.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be set up has nothing to say"
)]

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use vhdtree::build::vhdx::VhdxBuilder;

const GOAL_KIB: u64 = 128 << 10;
const BLOCKS: u64 = 64 << 20;
/// Entries of payload, and one of a bitmap behind every 4096.
const TABLE_BYTES: u64 = (BLOCKS + BLOCKS / 4096) * 8;
/// Where the builder puts the table, in bytes.
const TABLE_AT: u64 = 3 << 20;
/// Headers, region tables and metadata are read beside the table.
const HEADERS_BYTES: u64 = 4 << 20;

fn main() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: /dev/shm");
        return;
    };
    let (full, every_second) = (folder.path().join("full"), folder.path().join("second"));
    for folder in [&full, &every_second] {
        std::fs::create_dir(folder).unwrap();
    }
    let (full, every_second) = (full.join("disk.vhdx"), every_second.join("disk.vhdx"));
    let disk = VhdxBuilder::fixed(BLOCKS << 20).block_size(1 << 20);
    disk.build_to(&full).unwrap();
    disk.build_to(&every_second).unwrap();
    free_every_second(&every_second).unwrap();
    println!(
        "{:<34} {:>8} {:>9} {:>12} {:>14}",
        "", "seconds", "peak MiB", "read MiB", "printed bytes"
    );
    let mut kept = true;
    for (name, path) in [("every block", &full), ("every second", &every_second)] {
        let folder = path.parent().unwrap();
        kept &= measure(name, &["info", "--json"], path);
        kept &= measure(name, &["ls", "--json"], folder);
        kept &= measure(name, &["check", "--json"], folder);
        kept &= measure(name, &["map", "--json"], path);
        kept &= measure(name, &["map", "--ndjson"], path);
        kept &= measure(name, &["map", "--grid", "100x20"], path);
        kept &= measure(name, &["map"], path);
    }
    assert!(kept, "a goal was missed");
}

/// Clears every second entry, a piece at a time. Chunks hold an even number of entries and one of a bitmap.
fn free_every_second(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut chunk = vec![0; 4097 * 8];
    for at in (TABLE_AT..TABLE_AT + TABLE_BYTES).step_by(chunk.len()) {
        file.read_exact_at(&mut chunk, at)?;
        for pair in chunk.chunks_exact_mut(16) {
            pair[..8].fill(0);
        }
        file.write_all_at(&chunk, at)?;
    }
    Ok(())
}

/// Runs the program and tells what it took; false if a goal was missed.
fn measure(name: &str, arguments: &[&str], path: &Path) -> bool {
    let program = env!("CARGO_BIN_EXE_vhdtree");
    let folder = tempfile::tempdir().unwrap();
    let (peak_at, reads_at) = (folder.path().join("peak"), folder.path().join("reads"));
    let mut timed = Command::new("time");
    timed.args(["-f", "%M", "-o"]).arg(&peak_at).arg(program);
    let start = Instant::now();
    let printed = run(timed.args(arguments).arg(path));
    let seconds = start.elapsed().as_secs_f64();
    let mut traced = Command::new("strace");
    traced.args(["-f", "-e", "trace=read,pread64,readv,preadv", "-o"]);
    traced.arg(&reads_at).arg(program);
    let was_traced = run(traced.args(arguments).arg(path)).is_some();
    let peak: Option<u64> = std::fs::read_to_string(&peak_at)
        .ok()
        .and_then(|text| text.lines().last()?.trim().parse().ok());
    let read = was_traced.then(|| bytes_read(&std::fs::read_to_string(&reads_at).unwrap()));
    let or_skipped = |value: Option<u64>| value.map_or("skipped".to_owned(), |v| v.to_string());
    println!(
        "{:<34} {seconds:>8.1} {:>9} {:>12} {:>14}",
        format!("{name}: {}", arguments.join(" ")),
        or_skipped(peak.map(|kib| kib >> 10)),
        or_skipped(read.map(|bytes| bytes >> 20)),
        or_skipped(printed),
    );
    peak.is_none_or(|kib| kib < GOAL_KIB)
        && read.is_none_or(|bytes| bytes <= TABLE_BYTES + HEADERS_BYTES)
}

/// Runs a command to its end and counts what it prints; `None` if it cannot be run.
fn run(command: &mut Command) -> Option<u64> {
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let mut buffer = vec![0; 1 << 16];
    let mut printed = 0;
    let mut pipe = child.stdout.take()?;
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => printed += length as u64,
        }
    }
    let status = child.wait().ok()?;
    assert!(
        status.code().is_some_and(|code| code < 2),
        "{command:?}: {status}"
    );
    Some(printed)
}

/// What the traced reads returned, in bytes. Libraries and settings are among them; they are small.
fn bytes_read(trace: &str) -> u64 {
    let returned = trace
        .lines()
        .filter_map(|line| line.rsplit_once("= ")?.1.parse::<u64>().ok());
    returned.sum()
}
