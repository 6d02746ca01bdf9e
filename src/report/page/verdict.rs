//! The verdict about a snapshot: the sentence, what would settle it, and each witness.

use crate::analysis::evidence::EvidenceState;
use crate::analysis::snapshot_vdi::vdi_of_snapshot;
use crate::analysis::{AssessedSnapshot, Evidence, Reverted, Verdict};
use crate::report::page::{Line, Page, PageContext, Role};
use crate::report::words;
use crate::store::Snapshot;
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

/// How many witnesses the verdict rests on, and how many it cannot.
pub fn tally(evidence: &[Evidence]) -> String {
    let count =
        |is: fn(&EvidenceState) -> bool| evidence.iter().filter(|one| is(&one.state)).count();
    format!(
        "{} used, {} dropped, {} missing",
        count(|state| *state == EvidenceState::Used),
        count(|state| matches!(state, EvidenceState::Dropped(_))),
        count(|state| *state == EvidenceState::Missing)
    )
}

/// The snapshot's name in quotation marks, with the time it was taken; escaped.
pub(super) fn snapshot(context: &PageContext<'_>, of: &AssessedSnapshot) -> (String, String) {
    let known = of.snapshot.and_then(|id| context.forest.snapshot(id));
    let name = known.and_then(Snapshot::label).map_or_else(
        || {
            let vdi = vdi_of_snapshot(context.forest, context.assessment, of);
            let vdi = vdi.map(|vdi| context.name(vdi));
            vdi.unwrap_or_else(|| "(no name known)".to_owned())
        },
        |name| format!("\"{}\"", escape(name)),
    );
    let taken = of.taken.map_or_else(
        || "taken at an unknown time".to_owned(),
        |taken| {
            let source = words::taken_source(taken.source);
            format!("{} ({source})", words::taken(&taken, &context.style.clock))
        },
    );
    (name, taken)
}

/// How the sentence about a snapshot begins that no sign of a revert is seen of.
const NOTHING: &str = "Nothing shows a revert";

/// The verdict with its witnesses: `+` for, `-` against, `*` a time in use, `~` says nothing.
pub(super) fn write(page: &mut Page, context: &PageContext<'_>, verdict: &Verdict) {
    let summary = context.sentence(&verdict.summary);
    // A summary may begin with the same words; once is enough.
    let word = match words::reverted(verdict.reverted) {
        _ if summary.starts_with(NOTHING) => NOTHING,
        word => word,
    };
    let line = Line::of(Role::Text, "  ").with(role(verdict.reverted), word);
    let line = match summary.strip_prefix(word) {
        Some(rest) => line.with(Role::Text, rest),
        None => line.with(Role::Text, format!(". {summary}")),
    };
    page.line(&line, 2);
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
        format!("{}  ({})", tally(&verdict.evidence), verdict.rule.code().id),
    );
    for witness in &verdict.evidence {
        let sign = witness.sign();
        let role = match sign {
            '+' => Role::For,
            '-' => Role::Against,
            '~' => Role::Unsure,
            _ => Role::Text,
        };
        let told = context.sentence(&witness.told());
        let mut line = Line::of(role, format!("   {sign} ")).with(Role::Text, told);
        let source = context.source(&witness.source);
        let gap = if source.is_empty() { "" } else { "; " };
        line.push(Role::Dim, format!("  [{source}{gap}{}]", witness.code.id));
        page.line(&line, 5);
    }
}
