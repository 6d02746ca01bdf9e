//! How fast content is read and compared, beside `cat`, `cmp` and `dd` on plain files in the same run.
//!
//! `cargo bench --bench content [-- READ_GIB [DIFF_GIB] [vhd|vhdx]]` (2, 2 and both if not said; the stated goals are for 2 and 8). Needs four
//! times the larger number of free GiB below the folder for temporary files, and memory for twice that number if "warm" is to
//! mean anything. Cold figures need the right to drop the page cache and are left out without it.

#[path = "shared/chains.rs"]
mod chains;
#[path = "shared/machine.rs"]
mod machine;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use vhdtree::analysis::diff::diff_with_parent;
use vhdtree::chain::OnFault;
use vhdtree::image::Format;
use vhdtree::job::Job;

use chains::{Held, make_chain, write_plain};
use machine::{cat, drop_caches, timed};

const ROUNDS: usize = 3;
const COLD_ROUNDS: usize = 2;

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
    let chain = chains::open(&paths);
    let plain = folder.path().join("plain");
    write_plain(&chain, &plain);
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
    let chain = chains::open(&paths);
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
    // The same bytes on both sides, so that cmp goes to the end.
    let plains = ["plain-0", "plain-1"].map(|name| folder.path().join(name));
    for plain in &plains {
        write_plain(&chain.parent().expect("two links"), plain);
    }
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
