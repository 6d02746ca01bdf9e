//! The verdict about a snapshot: the sentence, what would settle it, and each witness.

use crate::analysis::{AssessedSnapshot, Bearing, Evidence, Reverted, Verdict};
use crate::report::page::{Line, Page, PageContext, Role};
use crate::report::words;
use crate::text::escape;

/// How a verdict looks.
pub fn role(reverted: Reverted) -> Role {
    match reverted {
        Reverted::Certain => Role::Error,
        Reverted::Likely => Role::Warning,
        Reverted::CannotTell => Role::Unsure,
        Reverted::NoSign | Reverted::NotReverted => Role::Ok,
    }
}

/// How many witnesses say what.
pub fn tally(evidence: &[Evidence]) -> String {
    let count = |bearing| {
        let alike = evidence.iter().filter(|witness| witness.bearing == bearing);
        alike.count()
    };
    format!(
        "{} for, {} against, {} not available",
        count(Bearing::For),
        count(Bearing::Against),
        count(Bearing::Silent)
    )
}

/// The snapshot's name in quotation marks, with the time it was taken; escaped.
pub(super) fn snapshot(context: &PageContext<'_>, of: &AssessedSnapshot) -> (String, String) {
    let known = of.snapshot.and_then(|id| context.forest.snapshot(id));
    let name = known
        .and_then(|known| known.name.as_deref().or(known.id.as_deref()))
        .map_or_else(
            || "(no name known)".to_owned(),
            |name| format!("\"{}\"", escape(name)),
        );
    let taken = of.taken.map_or_else(
        || "taken at an unknown time".to_owned(),
        |taken| {
            let source = taken.source.word();
            format!("{} ({source})", words::taken(&taken, &context.style.clock))
        },
    );
    (name, taken)
}

/// The verdict with its witnesses: `+` for, `-` against, `~` says nothing.
pub(super) fn write(page: &mut Page, context: &PageContext<'_>, verdict: &Verdict) {
    let word = words::reverted(verdict.reverted);
    let summary = context.sentence(&verdict.summary);
    let line = Line::of(Role::Text, "  ").with(role(verdict.reverted), word);
    // A summary may begin with the same words; once is enough.
    let line = match summary.strip_prefix(word) {
        Some(rest) => line.with(Role::Text, rest),
        None => line.with(Role::Text, format!(". {summary}")),
    };
    page.line(&line, 2);
    for note in &verdict.notes {
        page.text(Role::Text, 2, context.sentence(note));
    }
    if let Some(settle) = &verdict.would_settle {
        let settle = context.sentence(settle);
        page.text(Role::Unsure, 2, format!("What would settle it: {settle}"));
    }
    evidence(page, context, verdict);
}

/// The rule, how many witnesses there are, and each of them.
pub(super) fn evidence(page: &mut Page, context: &PageContext<'_>, verdict: &Verdict) {
    page.text(
        Role::Dim,
        2,
        format!("{}  ({})", tally(&verdict.evidence), verdict.row.id),
    );
    for witness in &verdict.evidence {
        let (sign, role) = match witness.bearing {
            Bearing::For => ("+", Role::For),
            Bearing::Against => ("-", Role::Against),
            Bearing::Silent => ("~", Role::Unsure),
        };
        let mut line =
            Line::of(role, format!("   {sign} ")).with(Role::Text, context.sentence(&witness.text));
        let source = context.source(&witness.source);
        let gap = if source.is_empty() { "" } else { "; " };
        line.push(Role::Dim, format!("  [{source}{gap}{}]", witness.code.id));
        page.line(&line, 5);
    }
}
