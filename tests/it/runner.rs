//! Runs the program over a store, with a deadline, and looks at what it says of one file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// No command over a small store may take longer; a hang fails instead of blocking the tests.
const DEADLINE: Duration = Duration::from_mins(1);

/// Runs the program with `arguments` and `last` behind them; panics if it does not end in time.
pub fn vhdtree(arguments: &[&str], last: &Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .arg(last)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if pipe.unwrap().read_to_end(&mut bytes).is_ok() {
                // The receiver is gone only if the test has failed already.
                let _ = send.send(bytes);
            }
        });
        receive
    };
    let stdout = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let stderr = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(DEADLINE), stderr.recv_timeout(DEADLINE))
    else {
        let _ = child.kill();
        panic!("{arguments:?} {} did not end in time", last.display());
    };
    Output {
        status: child.wait().unwrap(),
        stdout,
        stderr,
    }
}

/// Runs the program and reads the JSON that it prints.
pub fn json_of(arguments: &[&str], last: &Path) -> Value {
    let output = vhdtree(arguments, last);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{arguments:?} {}: {error}\n{said}", last.display())
    })
}

/// True if the entry's path is that of `file`, given by the end of it.
pub fn is_about(entry: &Value, file: &str) -> bool {
    let path = entry["path"].as_str();
    path.is_some_and(|path| path.ends_with(file))
}

/// The row of `file` in an `ls --json`.
pub fn row_of<'a>(ls: &'a Value, file: &str) -> &'a Value {
    let disks = ls["disks"].as_array().unwrap();
    let row = disks.iter().find(|disk| is_about(disk, file));
    row.unwrap_or_else(|| panic!("{file} has no row: {ls:#}"))
}

/// The ids of all findings about `file` in a `check --json`.
pub fn codes_of(check: &Value, file: &str) -> Vec<String> {
    let findings = check["findings"].as_array().unwrap();
    let about = findings.iter().filter(|finding| is_about(finding, file));
    about
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

/// Checks the store in `folder`: exit code 1, one of `codes` for `file`, and a row for `file` in `ls`. Returns that row.
pub fn expect(folder: &Path, file: &str, codes: &[&str]) -> Value {
    let output = vhdtree(&["check", "--json"], folder);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{codes:?}: {text}{errors}");
    let json: Value = serde_json::from_str(&text).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let found: Vec<_> = findings
        .iter()
        .filter(|finding| is_about(finding, file))
        .collect();
    let hit = found
        .iter()
        .find(|finding| codes.contains(&finding["code"].as_str().unwrap()));
    let Some(hit) = hit else {
        panic!("{file}: none of {codes:?} in {found:#?}");
    };
    assert!(!hit["text"].as_str().unwrap().is_empty());
    row_of(&json_of(&["ls", "--json"], folder), file).clone()
}

/// A store of one file with these bytes: [`expect`] of it.
pub fn damaged(name: &str, bytes: impl AsRef<[u8]>, codes: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    expect(folder.path(), name, codes)
}

/// Numbers that look random and are the same each time.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number under `below`.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
