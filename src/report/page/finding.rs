//! A finding: in two or three lines for lists, and whole with what its code means.

use std::path::Path;

use crate::finding::{Code, Finding, Severity};
use crate::report::page::{Line, Page, Role};
use crate::text::{self, escape};

/// How a severity looks.
pub fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Error => Role::Error,
        Severity::Warning => Role::Warning,
        Severity::Info => Role::Dim,
    }
}

/// Where it is, what was expected and what is there, as far as the finding has it; escaped.
pub fn values(finding: &Finding) -> String {
    let at = finding.at.map(|at| format!("at byte {at} ({at:#x})"));
    let of =
        |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name} {}", escape(value)));
    [
        at,
        of("expected", &finding.expected),
        of("found", &finding.actual),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// Columns before what follows the severity.
const AFTER_SEVERITY: usize = 9;

/// A finding in two or three lines: severity, code and file, if that is not said elsewhere; what; where, expected and found.
pub fn brief(page: &mut Page, finding: &Finding, path: Option<&Path>) {
    let code = finding.code;
    let mut line = Line::of(
        severity_role(code.severity),
        format!("{:<1$}", code.severity.word(), AFTER_SEVERITY),
    )
    .with(Role::Text, format!("{:<28} ", code.id));
    if let Some(path) = path {
        line.push(Role::Text, text::path(path));
    }
    page.record(line, AFTER_SEVERITY);
    page.text(Role::Text, AFTER_SEVERITY, escape(&finding.text));
    let values = values(finding);
    if !values.is_empty() {
        page.text(Role::Dim, AFTER_SEVERITY, values);
    }
}

/// A finding whole: what, in which file, how it is known, why it matters, what to do.
pub fn whole(page: &mut Page, finding: &Finding, path: &Path) {
    page.paragraph("What", escape(&finding.text));
    page.paragraph("File", text::path(path));
    page.paragraph("How we know", values(finding));
    meaning(page, finding.code);
}

/// What a code means: why it matters, what to do.
pub fn meaning(page: &mut Page, code: &Code) {
    page.paragraph("Why it matters", code.why);
    page.paragraph("What to do", code.action);
}

/// A code and what it means.
pub fn code(page: &mut Page, code: &Code) {
    let line = Line::of(Role::Heading, code.id).with(
        severity_role(code.severity),
        format!("  ({})", code.severity.word()),
    );
    page.line(&line, 2);
    page.text(Role::Text, 1, code.title);
    page.blank();
    meaning(page, code);
}
