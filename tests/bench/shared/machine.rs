//! What measuring needs of the machine: its page cache, and a clock read more than once.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Reads a file by `cat`, which also brings it into the page cache.
pub fn cat(path: &Path) {
    let status = Command::new("cat").arg(path).stdout(Stdio::null()).status();
    assert!(status.expect("cat runs").success());
}

/// Empties the page cache; false without the right to.
pub fn drop_caches() -> bool {
    Command::new("sync")
        .status()
        .is_ok_and(|status| status.success())
        && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The middle one of many.
pub fn median(times: usize, mut work: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..times).map(|_| timed(&mut work)).collect();
    all.sort_unstable();
    all[all.len() / 2]
}
