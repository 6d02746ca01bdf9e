//! Made-up but realistic histories with their truth, and situations out of public reports: what the gate says of each.
//!
//! `verdict/NAME`: a store, facts beside it, and `EXPECT.json`: questions with the verdicts and exit codes that are right.
//! `reported/NAME`: stores and a note; each has an assertion of its own here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::truth::samples;

/// The cases, unpacked once and kept for the next run; `None` without samples.
pub fn cases() -> Option<&'static Path> {
    static CASES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let unpacked = CASES.get_or_init(|| {
        let archive = samples()?.join("cases.tar.zst");
        let found = std::fs::metadata(&archive).ok()?;
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = kept.join(format!("cases-{}", found.len()));
        if !folder.is_dir() {
            let fresh = tempfile::tempdir_in(kept).unwrap();
            let done = Command::new("tar")
                .arg("-xpSf")
                .arg(&archive)
                .arg("-C")
                .arg(fresh.path())
                .status();
            done.ok().filter(std::process::ExitStatus::success)?;
            let fresh = fresh.keep();
            // Of two that unpack at once the first is kept.
            if std::fs::rename(&fresh, &folder).is_err() {
                std::fs::remove_dir_all(&fresh).unwrap();
            }
        }
        Some(folder.join("cases"))
    });
    if unpacked.is_none() {
        println!("skipped: cases.tar.zst");
    }
    unpacked.as_deref()
}

fn vhdtree(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into_owned().into());
    (output.status.code().unwrap_or(-1), told)
}

/// The flags that bring what lies beside a case's store.
pub fn facts(case: &Path) -> Vec<String> {
    let mut flags = Vec::new();
    for name in ["labels.json", "times.csv"] {
        let path = case.join(name);
        if path.is_file() {
            flags.extend(["--facts".to_owned(), path.display().to_string()]);
        }
    }
    flags
}

/// The gate's answer to a question as `EXPECT.json` writes it.
fn ask(case: &Path, question: &[&str]) -> (i32, Value) {
    let store = case.join("store");
    let mut arguments = vec!["gate".to_owned()];
    match question {
        [file] if file.starts_with('@') => {
            let target = store.join(file.trim_start_matches('@'));
            arguments.extend([target.display().to_string(), "--store".to_owned()]);
            arguments.push(store.display().to_string());
        }
        words => {
            arguments.push(store.display().to_string());
            arguments.extend(words.iter().map(|word| (*word).to_owned()));
        }
    }
    arguments.push("--json".to_owned());
    arguments.extend(facts(case));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    vhdtree(&arguments)
}

#[test]
fn every_history_gets_a_verdict_and_an_exit_code_that_fit_its_truth() {
    let Some(cases) = cases() else { return };
    let mut names: Vec<PathBuf> = std::fs::read_dir(cases.join("verdict"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for case in &names {
        let expect = std::fs::read(case.join("EXPECT.json")).unwrap();
        let expect: Value = serde_json::from_slice(&expect).unwrap();
        for one in expect.as_array().unwrap() {
            let question: Vec<&str> = one["ask"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let (code, told) = ask(case, &question);
            let exits = one["exit"].as_array().unwrap();
            let verdicts = one["verdict"].as_array();
            let fits = exits.contains(&code.into())
                && verdicts.is_none_or(|all| all.contains(&told["reverted"]));
            if !fits {
                wrong.push(format!(
                    "{}: {} (exit {code}), reasons {}; expected {} (exit {})\n{:#}",
                    case.file_name().unwrap().to_string_lossy(),
                    told["reverted"],
                    told["reasons"],
                    one["verdict"],
                    one["exit"],
                    told["evidence"]["evidence"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(names.len() > 20);
}
