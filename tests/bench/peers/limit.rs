//! The least that can be done for an answer, by this very program: `peers limit WHAT PATH...`.
//!
//! Close to the system's calls, and with the work spread over as many threads as are asked for.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::fs::{Mode, OFlags};
use vhdtree::image::Format;

use crate::entrant::{Answer, Entrant, Line, Role};
use crate::line;

/// The first argument of a call as a limit.
pub const WORD: &str = "limit";

/// The thread counts tried; the quickest is the limit.
const THREADS: [usize; 3] = [1, 2, 8];
/// The same where each request is waited for.
const THREADS_THAT_WAIT: [usize; 3] = [8, 32, 128];

const HEAD_BYTES: usize = 2048;
/// Where in the head the number of table entries is, big-endian, and where the table of a built VHD begins.
const ENTRIES_AT: usize = 512 + 28;
const TABLE_AT: u64 = 1536;
const SECTOR: usize = 512;
/// What says everything of a built VHDX but its parent: identifier, headers, region table, metadata, table.
const STRUCTURES_AT: [u64; 6] = [0, 64 << 10, 128 << 10, 192 << 10, 2 << 20, 3 << 20];
const STRUCTURE_BYTES: usize = 4096;
/// Of a whole file: small enough for the processor's cache.
const PIECE_BYTES: usize = 256 << 10;
/// Files, blocks or pieces a thread takes at a time, at most.
const SHARE: usize = 64;
/// Shares for each thread, where there are few things.
const SHARES_EACH: usize = 4;

/// This program, whose processes the limits are.
pub fn program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// The command line of a limit.
pub fn call(what: &str, arguments: &[&Path]) -> Line {
    let mut line = line![program(), WORD, what];
    line.extend(arguments.iter().map(|argument| OsString::from(*argument)));
    line
}

/// The same work on several numbers of threads.
pub fn on_threads(name: &str, what: &str, paths: &[&Path], answer: &Answer) -> Vec<Entrant> {
    on(&THREADS, name, what, paths, answer)
}

/// The same on as many threads as help where storage waits.
pub fn on_threads_that_wait(what: &str, paths: &[&Path], answer: &Answer) -> Vec<Entrant> {
    let name = of_each_file(what);
    on(&THREADS_THAT_WAIT, name, what, paths, answer)
}

fn on(threads: &[usize], name: &str, what: &str, paths: &[&Path], answer: &Answer) -> Vec<Entrant> {
    let entrant = |threads: &usize| {
        let mut line = call(what, paths);
        line.push(threads.to_string().into());
        let name = match threads {
            1 => format!("{name}, 1 thread"),
            _ => format!("{name}, {threads} threads"),
        };
        Entrant::new(Role::Limit, name, line, answer.clone()).woken_by(call("hello", &[]))
    };
    threads.iter().map(entrant).collect()
}

/// The least that is read of each small disk of a format: a word for the command line.
pub fn least_of(format: Format) -> &'static str {
    match format {
        Format::Vhdx => "structures",
        Format::Vhd | Format::Raw => "heads",
    }
}

/// What that word means.
pub fn of_each_file(what: &str) -> &'static str {
    match what {
        "structures" => "6 x 4 KiB of each file",
        _ => "2 KiB of each file",
    }
}

/// Does what the command line says.
pub fn run(arguments: &[String]) {
    let (what, rest) = arguments.split_first().expect("what to do");
    let path = |index: usize| PathBuf::from(&rest[index]);
    let threads = || {
        let last = rest.last().expect("a number of threads");
        last.parse().expect("a number of threads")
    };
    match what.as_str() {
        "hello" => println!("hello"),
        "heads" => heads(&path(0), threads(), &|_, _| ()),
        "tables" => heads(&path(0), threads(), &table_too),
        "structures" => structures(&path(0), threads()),
        "same" => same(&path(0), &path(1), threads()),
        "whole" => whole(&path(0), threads()),
        "bitmaps" => bitmaps(&path(0), threads()),
        _ => panic!("no such limit: {what}"),
    }
}

/// Walks a folder, opens each file, asks for its length, reads the first 2 KiB, closes it.
fn heads(folder: &Path, threads: usize, more: &(dyn Fn(&File, &[u8]) + Sync)) {
    each_file(folder, threads, &|file| {
        let mut head = [0; HEAD_BYTES];
        let read = file.read_at(&mut head, 0).expect("its head");
        more(file, &head[..read]);
    });
}

/// The same, with a read for each structure of a VHDX.
fn structures(folder: &Path, threads: usize) {
    each_file(folder, threads, &|file| {
        let mut bytes = [0; STRUCTURE_BYTES];
        for at in STRUCTURES_AT {
            file.read_at(&mut bytes, at).expect("its structures");
        }
    });
}

/// Walks a folder, opens each file, asks for its length, does the work, closes it.
fn each_file(folder: &Path, threads: usize, work: &(dyn Fn(&File) + Sync)) {
    let mut files = Vec::new();
    let folders = list(folder, &mut files);
    let below = Mutex::new(files);
    spread(folders.len(), threads, &|range| {
        let mut files = Vec::new();
        for folder in &folders[range] {
            walk(folder, &mut files);
        }
        below.lock().expect("no panic").append(&mut files);
    });
    let files = below.into_inner().expect("no panic");
    let bytes = AtomicU64::new(0);
    spread(files.len(), threads, &|range| {
        let mut sum = 0;
        for path in &files[range] {
            let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
            let file = File::from(file.expect("the file"));
            sum += u64::try_from(rustix::fs::fstat(&file).expect("its length").st_size).unwrap();
            work(&file);
        }
        bytes.fetch_add(sum, Ordering::Relaxed);
    });
    println!("{} files, {} bytes", files.len(), bytes.into_inner());
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for folder in list(folder, files) {
        walk(&folder, files);
    }
}

/// The folders in a folder; its files are added to `files`.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("its type").is_dir() {
            folders.push(entry.path());
        } else {
            files.push(entry.path());
        }
    }
    folders
}

/// Reads the part of the block table that the head does not hold.
fn table_too(file: &File, head: &[u8]) {
    let entries = u32::from_be_bytes(head[ENTRIES_AT..ENTRIES_AT + 4].try_into().unwrap());
    let end = TABLE_AT + u64::from(entries) * 4;
    let rest = end.saturating_sub(HEAD_BYTES as u64);
    if rest > 0 {
        let mut table = vec![0; usize::try_from(rest).unwrap()];
        file.read_exact_at(&mut table, HEAD_BYTES as u64)
            .expect("its table");
    }
}

/// Reads the table and then the bits of each block, with a read for each, and counts the bits that are set.
fn bitmaps(path: &Path, threads: usize) {
    let file = File::open(path).expect("the disk");
    let mut head = [0; HEAD_BYTES];
    file.read_exact_at(&mut head, 0).expect("its head");
    let entries = u32::from_be_bytes(head[ENTRIES_AT..ENTRIES_AT + 4].try_into().unwrap());
    let mut table = vec![0; entries as usize * 4];
    file.read_exact_at(&mut table, TABLE_AT).expect("its table");
    let places: Vec<u32> = table
        .chunks_exact(4)
        .map(|entry| u32::from_be_bytes(entry.try_into().unwrap()))
        .filter(|sector| *sector != u32::MAX)
        .collect();
    let dirty = AtomicU64::new(0);
    spread(places.len(), threads, &|range| {
        let mut bits = [0; SECTOR];
        let mut sum = 0;
        for sector in &places[range] {
            file.read_exact_at(&mut bits, u64::from(*sector) * SECTOR as u64)
                .expect("its bits");
            let words = bits.chunks_exact(8);
            sum += words
                .map(|word| u64::from(u64::from_ne_bytes(word.try_into().unwrap()).count_ones()))
                .sum::<u64>();
        }
        dirty.fetch_add(sum, Ordering::Relaxed);
    });
    println!("{} sectors", dirty.into_inner());
}

/// Reads two files and compares their bytes.
fn same(one: &Path, other: &Path, threads: usize) {
    let [one, other] = [one, other].map(|path| File::open(path).expect("the file"));
    pieces(&one, threads, &|at, piece, beside| {
        other.read_exact_at(beside, at).expect("the other file");
        assert!(*piece == *beside, "they differ");
    });
    println!("identical");
}

/// Reads a file.
fn whole(path: &Path, threads: usize) {
    let file = File::open(path).expect("the file");
    pieces(&file, threads, &|_, _, _| ());
}

/// Takes where a piece begins, its bytes, and room for as many.
type WithPiece<'a> = dyn Fn(u64, &[u8], &mut [u8]) + Sync + 'a;

/// Reads a file in pieces, with room of the same length beside each.
fn pieces(file: &File, threads: usize, with: &WithPiece<'_>) {
    let bytes = usize::try_from(file.metadata().expect("its length").len()).unwrap();
    spread(bytes.div_ceil(PIECE_BYTES), threads, &|range| {
        let (mut piece, mut beside) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
        for number in range {
            let from = number * PIECE_BYTES;
            let length = PIECE_BYTES.min(bytes - from);
            let piece = &mut piece[..length];
            file.read_exact_at(piece, from as u64).expect("its content");
            with(from as u64, piece, &mut beside[..length]);
        }
    });
}

/// Hands out `count` things in shares until none is left.
fn spread(count: usize, threads: usize, work: &(dyn Fn(std::ops::Range<usize>) + Sync)) {
    let next = AtomicUsize::new(0);
    let share = count.div_ceil(threads * SHARES_EACH).clamp(1, SHARE);
    let until_none = || {
        loop {
            let from = next.fetch_add(share, Ordering::Relaxed);
            if from >= count {
                break;
            }
            work(from..count.min(from + share));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(until_none);
        }
        until_none();
    });
}
