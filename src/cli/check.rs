//! `check`: every finding of a store; the exit code says whether one is bad enough.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{Form, Output};
use super::session::Session;
use crate::finding::Severity;
use crate::report::csv;
use crate::report::findings::{self, PlacedFinding};
use crate::report::json::brief::Prose;
use crate::report::json::ls::head;
use crate::report::json::{brief, check as json, scan};
use crate::report::page::Page;
use crate::report::page::finding::brief;
use crate::store::CountPolicy;
use crate::text::{self, Overlong, escape, many};

pub(super) fn run(
    session: &Session,
    paths: &[PathBuf],
    fail_on: Severity,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let store = session.read_named(paths, CountPolicy::CountAndCompareCopies, out)?;
    let found = findings::of(&store.forest, &store.assessment);
    let disks = store.forest.disks.len();
    let body = || {
        let mut body = json::body(&found, disks);
        if out.prose == Prose::LeftOut {
            let findings = body.findings.iter_mut();
            findings.for_each(|of| brief::finding(&mut of.finding));
        }
        body
    };
    match out.form {
        Form::Json => {
            let document = head("check", &store.forest, body());
            out.json(&document)?;
        }
        Form::Ndjson => {
            let findings = body().findings;
            out.json(&scan::record("check", &store.forest))?;
            for finding in findings {
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
        Form::Text => text(&found, disks, store.assessment.untold(), out)?,
    }
    Ok(
        if found.iter().any(|one| one.finding.code.severity >= fail_on) {
            Exit::No
        } else {
            store.exit()
        },
    )
}

/// `untold`: snapshots of which it cannot be told whether their machine was reverted.
fn text(
    found: &[PlacedFinding],
    disks: usize,
    untold: usize,
    out: &mut Output,
) -> anyhow::Result<()> {
    let mut page = Page::new(out.text_width(), Overlong::Keep);
    for one in found {
        brief(&mut page, &one.finding, Some(&one.path));
    }
    out.page(&page.into_lines())?;
    let count = |severity: Severity| {
        found
            .iter()
            .filter(|one| one.finding.code.severity == severity)
            .count()
    };
    out.line(&format!(
        "{} checked: {}, {}, {}",
        many(disks, "disk"),
        many(count(Severity::Error), "error"),
        many(count(Severity::Warning), "warning"),
        many(count(Severity::Info), "note"),
    ))?;
    if untold > 0 {
        out.line(&format!(
            "Of {} it cannot be told whether the VM was reverted: `vhdtree ls` says why.",
            many(untold, "snapshot")
        ))?;
    }
    Ok(())
}
