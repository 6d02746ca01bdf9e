//! `check`: every finding of a store; the exit code says whether one is bad enough.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::finding::Severity;
use crate::report::csv;
use crate::report::findings::{self, Found};
use crate::report::json::check as json;
use crate::report::json::ls::head;
use crate::store::CountPolicy;
use crate::text::{self, escape};

pub(super) fn run(
    session: &Session,
    paths: &[PathBuf],
    fail_on: Severity,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let store = session.read(paths, CountPolicy::Count, out)?;
    let found = findings::of(&store.forest);
    let disks = store.forest.disks.len();
    let body = || json::body(&found, disks);
    match out.form {
        Form::Json => out.json(&head("check", &store.forest, body()))?,
        Form::Ndjson => {
            for finding in body().findings {
                out.json(&finding)?;
            }
        }
        Form::Csv => {
            out.line("severity,code,path,at,expected,actual,text")?;
            for one in &found {
                let finding = &one.finding;
                let at = finding.at.map_or_else(String::new, |at| at.to_string());
                let path = text::path(&one.path);
                let (expected, actual, text) = (
                    escape(&finding.expected),
                    escape(&finding.actual),
                    escape(&finding.text),
                );
                let (severity, code) = (finding.code.severity.word(), finding.code.id);
                let cells = [severity, code, &path, &at, &expected, &actual, &text];
                out.line(&csv::line(cells))?;
            }
        }
        Form::Text => text(&found, disks, out)?,
    }
    Ok(
        if found.iter().any(|one| one.finding.code.severity >= fail_on) {
            Exit::No
        } else {
            store.exit()
        },
    )
}

fn text(found: &[Found], disks: usize, out: &mut Output) -> anyhow::Result<()> {
    for one in found {
        out.lines(finding_lines(one))?;
    }
    let count = |severity: Severity| {
        found
            .iter()
            .filter(|one| one.finding.code.severity == severity)
            .count()
    };
    out.line(&format!(
        "{} checked: {}, {}, {}",
        counted(disks, "disk"),
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning"),
        counted(count(Severity::Info), "remark"),
    ))?;
    Ok(())
}

/// `1 error`, `2 errors`.
fn counted(n: usize, what: &str) -> String {
    format!(
        "{} {what}{}",
        text::count(n as u64),
        if n == 1 { "" } else { "s" }
    )
}

/// A finding in two or three lines: severity, code and file; what; where, expected and found.
pub(super) fn finding_lines(one: &Found) -> Vec<String> {
    let finding = &one.finding;
    let mut lines = vec![
        format!(
            "{:<8} {:<28} {}",
            finding.code.severity.word(),
            finding.code.id,
            text::path(&one.path)
        ),
        format!("         {}", escape(&finding.text)),
    ];
    let mut place = Vec::new();
    if let Some(at) = finding.at {
        place.push(format!("at byte {at} (0x{at:x})"));
    }
    if !finding.expected.is_empty() {
        place.push(format!("expected {}", escape(&finding.expected)));
    }
    if !finding.actual.is_empty() {
        place.push(format!("found {}", escape(&finding.actual)));
    }
    if !place.is_empty() {
        lines.push(format!("         {}", place.join("; ")));
    }
    lines
}
