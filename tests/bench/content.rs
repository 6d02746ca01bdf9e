//! How fast content is read and compared, beside `cat`, `cmp` and `dd` on plain files in the same run.
//!
//! `cargo bench --bench content [-- READ_GIB [DIFF_GIB] [vhd|vhdx]]` (2, 2 and both if not said; the stated goals are for 2 and 8). Needs four
//! times the larger number of free GiB below the folder for temporary files, and memory for twice that number if "warm" is to
//! mean anything. Cold figures need the right to drop the page cache and are left out without it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use vhdtree::analysis::diff::diff_with_parent;
use vhdtree::analysis::open::open_paths;
use vhdtree::chain::OnFault;
use vhdtree::format::BlockNo;
use vhdtree::image::{BlockState, Format, Image};
use vhdtree::job::Job;
use vhdtree::source::FileSource;
use vhdtree::testing::vhd::VhdBuilder;
use vhdtree::testing::vhdx::{Payload, VhdxBuilder};

const BLOCK: usize = 2 << 20;
const ROUNDS: usize = 3;
const COLD_ROUNDS: usize = 2;

/// How much of each block the child holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// 64 KiB of every 128 KiB.
    Half,
    /// Everything.
    All,
}

fn main() {
    let mut sizes = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    let read_gib: u64 = sizes.next().unwrap_or(2);
    let diff_gib: u64 = sizes.next().unwrap_or(2);
    println!("{:<44} {:>9} {:>9} {:>9}", "", "seconds", "GB/s", "ratio");
    let asked = |word: &str| std::env::args().any(|arg| arg == word);
    for format in [Format::Vhd, Format::Vhdx] {
        if asked("vhd") != asked("vhdx") && asked("vhd") != (format == Format::Vhd) {
            continue;
        }
        if read_gib > 0 {
            read(format, read_gib);
        }
        if diff_gib > 0 {
            diff(format, diff_gib);
        }
    }
    println!(
        "{:<44} {:>5} MiB",
        "peak memory of this process",
        peak_mib()
    );
}

/// Whole merged content of a dense two-level chain, beside `cat` of a plain file of the same content.
fn read(format: Format, gib: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = make_chain(folder.path(), format, gib, Held::Half);
    let chain = open_paths(&paths).expect("the chain opens");
    let plain = folder.path().join("plain");
    let mut file = File::create(&plain).expect("the plain file");
    chain
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            file.write_all(bytes).expect("room for the plain file");
        })
        .expect("the chain reads");
    let bytes = gib << 30;
    warm(&[&plain]);
    let cat = best(|| cat(&plain));
    row(
        &format!("{format:?}: cat {gib} GiB plain, warm"),
        bytes,
        cat,
        None,
    );
    warm(&[&paths[0], &paths[1]]);
    let merged = best(|| {
        let mut sum = 0;
        chain
            .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
                sum += bytes.len() as u64;
            })
            .expect("the chain reads");
        assert_eq!(sum, bytes, "all of it was read");
    });
    row(
        &format!("{format:?}: merged {gib} GiB, warm (<= 1.5 cat)"),
        bytes,
        merged,
        Some(ratio(merged, cat)),
    );
}

/// Diff of a child full of dirty blocks, beside `cmp` of two plain files, and `dd` of the same bytes.
fn diff(format: Format, gib: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = make_chain(folder.path(), format, gib, Held::All);
    let chain = open_paths(&paths).expect("the chain opens");
    let bytes = gib << 30;
    let compare = || {
        let report = diff_with_parent(&chain, &Job::default(), &mut |_| ()).expect("a parent");
        assert_eq!(report.summary.totals.compared, bytes / 512);
        assert!(report.summary.totals.changed > 0 && report.summary.complete);
    };
    warm(&[&paths[0], &paths[1]]);
    let warm_diff = best(compare);
    let cold = drop_caches().then(|| {
        let rounds = (0..COLD_ROUNDS).map(|_| {
            drop_caches();
            let dd = timed(|| paths.iter().for_each(|path| dd(path)));
            drop_caches();
            (timed(compare), dd)
        });
        rounds.fold((Duration::MAX, Duration::MAX), |best, round| {
            (best.0.min(round.0), best.1.min(round.1))
        })
    });
    let plains: Vec<PathBuf> = [&chain, &chain.parent().expect("two links")]
        .iter()
        .enumerate()
        .map(|(nth, chain)| {
            let plain = folder.path().join(format!("plain-{nth}"));
            let mut file = File::create(&plain).expect("a plain file");
            // The same bytes on both sides, so that cmp goes to the end.
            let chain = if nth == 0 {
                chain.parent()
            } else {
                Some((*chain).clone())
            };
            chain
                .expect("two links")
                .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
                    file.write_all(bytes).expect("room for the plain file");
                })
                .expect("the chain reads");
            plain
        })
        .collect();
    for path in &paths {
        std::fs::remove_file(path).expect("the image was there");
    }
    drop(chain);
    warm(&[&plains[0], &plains[1]]);
    let cmp = best(|| {
        let same = Command::new("cmp")
            .args(&plains)
            .status()
            .expect("cmp runs");
        assert!(same.success());
    });
    row(
        &format!("{format:?}: cmp {gib} GiB plain, warm"),
        bytes,
        cmp,
        None,
    );
    row(
        &format!("{format:?}: diff {gib} GiB dirty, warm (rate >= 0.8 cmp)"),
        bytes,
        warm_diff,
        Some(ratio(cmp, warm_diff)),
    );
    if let Some((ours, dd)) = cold {
        row(
            &format!("{format:?}: dd bs=1M of both files, cold"),
            bytes,
            dd,
            None,
        );
        row(
            &format!("{format:?}: diff {gib} GiB dirty, cold (<= 1.2 dd)"),
            bytes,
            ours,
            Some(ratio(ours, dd)),
        );
    }
}

/// Makes child and base, and gives their paths, the child first. Content that agrees but for one sector in 4 MiB.
fn make_chain(folder: &Path, format: Format, gib: u64, held: Held) -> Vec<PathBuf> {
    let size = gib << 30;
    let (child, base) = (folder.join("child"), folder.join("base"));
    match format {
        Format::Vhd => {
            let blocks = size / BLOCK as u64;
            let all = |builder: VhdBuilder| (0..blocks).fold(builder, VhdBuilder::allocate);
            all(VhdBuilder::dynamic(size).id(1))
                .build_to(&base)
                .expect("room for the base");
            all(VhdBuilder::differencing(size).id(2).parent(1, "base"))
                .build_to(&child)
                .expect("room for the child");
        }
        Format::Vhdx => {
            let blocks = size / BLOCK as u64;
            let all = |builder: VhdxBuilder, state| {
                (0..blocks).fold(builder, |builder, block| builder.state(block, state))
            };
            let parent = VhdxBuilder::dynamic(size);
            let linkage = parent.data_write_id_now();
            all(parent, Payload::Full)
                .build_to(&base)
                .expect("room for the base");
            let state = if held == Held::All {
                Payload::Full
            } else {
                Payload::Partial
            };
            let paths = [("relative_path", r".\base")];
            all(
                VhdxBuilder::differencing(size).parent(linkage, &paths),
                state,
            )
            .build_to(&child)
            .expect("room for the child");
        }
    }
    fill(&base, Held::All, 0, false);
    fill(&child, held, 1, true);
    vec![child, base]
}

/// Writes data, and bits where there are some, where the table says they belong.
fn fill(path: &Path, held: Held, level: u8, has_bits: bool) {
    let image = Image::open(std::sync::Arc::new(
        FileSource::open(path).expect("the image"),
    ))
    .expect("a sound image");
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the image again");
    let blocks = usize::try_from(image.header().blocks).expect("a table that fits");
    let mut entries = Vec::new();
    image
        .read_table(BlockNo(0), blocks, &mut entries, None)
        .expect("its table");
    let mut noise = vec![0_u8; BLOCK];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for chunk in noise.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    for (number, entry) in entries.iter().enumerate() {
        noise[..8].copy_from_slice(&(number as u64).to_le_bytes());
        noise[512] = if number % 2 == 0 { level } else { 0 };
        let step = match held {
            Held::All => BLOCK,
            Held::Half => 128 << 10,
        };
        for at in (0..BLOCK).step_by(step) {
            let len = if held == Held::Half { step / 2 } else { step };
            file.write_all_at(&noise[at..at + len], entry.data_offset + at as u64)
                .expect("room");
        }
        if has_bits && entry.state == BlockState::Partial {
            let bits: Vec<u8> = (0..BLOCK / 512 / 8)
                .map(|byte| {
                    if held == Held::All || byte / 16 % 2 == 0 {
                        0xff
                    } else {
                        0
                    }
                })
                .collect();
            file.write_all_at(&bits, entry.bitmap_offset).expect("room");
        }
    }
    file.sync_all().expect("the disk takes it");
}

fn cat(path: &Path) {
    let status = Command::new("cat").arg(path).stdout(Stdio::null()).status();
    assert!(status.expect("cat runs").success());
}

fn dd(path: &Path) {
    let status = Command::new("dd")
        .arg(format!("if={}", path.display()))
        .args(["of=/dev/null", "bs=1M"])
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("dd runs").success());
}

fn warm(paths: &[&PathBuf]) {
    for path in paths {
        cat(path);
    }
}

/// Empties the page cache; false without the right to.
fn drop_caches() -> bool {
    Command::new("sync")
        .status()
        .is_ok_and(|status| status.success())
        && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn best(work: impl Fn()) -> Duration {
    (0..ROUNDS).map(|_| timed(&work)).min().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn row(what: &str, bytes: u64, time: Duration, ratio: Option<f64>) {
    let rate = bytes as f64 / 1e9 / time.as_secs_f64();
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    println!(
        "{what:<44} {:>9.3} {rate:>9.2} {ratio:>9}",
        time.as_secs_f64()
    );
}

/// The high-water mark of resident memory, in MiB; 0 where the system does not say.
fn peak_mib() -> u64 {
    let mut status = String::new();
    let _ = File::open("/proc/self/status").and_then(|mut file| file.read_to_string(&mut status));
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}
