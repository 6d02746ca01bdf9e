//! The command line from outside: text and JSON of every command over small stores built here, and their exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod edges;
mod golden;
mod hyperv_files;
mod metrics;
mod schema;
mod shells;
mod store;
mod trace;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// The program, in a folder, with a known locale and without the user's settings.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vhdtree"));
    command
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .env("HOME", folder)
        .env_remove("NO_COLOR");
    command
}

/// Runs the program to its end.
pub fn run<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Output {
    program(folder).args(args).output().unwrap()
}

/// Standard output as text.
pub fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs a command that prints JSON, and reads that.
pub fn json(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = run(folder, args.iter().copied().chain(["--json"]));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{args:?}: {error}\n{}\n{}",
            text(&output),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
