//! XCP-ng and XenServer: a snapshot makes the active disk and the snapshot's own leaf at one moment, a revert makes both anew.
//!
//! So the two leaves always agree, and only the base's last write (or the pool's date) tells when the snapshot was taken.

use jiff::Timestamp;

use super::{Outcome, evidence, words};
use crate::analysis::facts::belief::seconds_between;
use crate::analysis::facts::taken::{CLOSE_SECONDS, NO_ZONE_SECONDS, is_a_zone, tolerance};
use crate::analysis::facts::{Above, Claim, Facts, Line, Made};
use crate::analysis::{Bearing, Evidence, Reverted, rows, witness};
use crate::finding::Code;
use crate::store::TakenSource;
use crate::text::{minute, second, span};

/// Judges a base with the disk above it on the way to the active one.
pub(super) fn judge(facts: &Facts, line: &Line, above: &Above) -> Outcome {
    let made = match above.made {
        Made::Footer(at) => Some(at),
        Made::Birth(..) | Made::Unknown => None,
    };
    // The base's own last write is this rule's witness already; a memory file or a label is a date of its own.
    let dated = line.taken.first().filter(|claim| {
        !matches!(
            claim.source,
            TakenSource::FrozenWrite | TakenSource::FrozenWriteRunning
        )
    });
    let (row, reverted, gap) = decide(line, made, dated);
    let vm = words::subject(facts);
    let made_text = made.map_or_else(|| "at an unknown time".to_owned(), minute);
    let base = line
        .xcp
        .base_write
        .map_or_else(|| "at an unknown time".to_owned(), minute);
    let taken_text = dated.map_or_else(
        || format!("its base was last written {base}"),
        |claim| format!("the snapshot was taken {}", minute(claim.at)),
    );
    let summary = match reverted {
        Reverted::Certain | Reverted::Likely => format!(
            "{vm} was very likely reverted at least once, last on {}: {taken_text}, {} earlier. Innocent explanations left: the VM was cloned or copied.",
            line.xcp
                .leaf
                .as_ref()
                .filter(|_| row == &rows::ROW_XCP_CLONED)
                .map_or(made_text, |(_, stamp)| minute(*stamp)),
            gap.map(span).unwrap_or_default(),
        ),
        Reverted::NoSign | Reverted::NotReverted => format!(
            "Nothing shows that it was reverted: {} was made {made_text}; {taken_text}. A revert in the first 5 minutes would look the same.",
            above.name
        ),
        Reverted::CannotTell => format!(
            "Cannot tell whether {} was reverted: {} was made {made_text}; {taken_text}.",
            words::inside(facts),
            above.name
        ),
    };
    Outcome {
        row,
        reverted,
        gap,
        above: Some(above.disk),
        made,
        stands: above.equals_parent,
        evidence: witnesses(line, above, reverted, dated.is_some()),
        summary,
        settle: (reverted == Reverted::CannotTell)
            .then(|| "Bring the snapshot's time from the pool (snapshot_time), as CreationTime in the labels.".to_owned()),
        notes: Vec::new(),
    }
}

fn decide(
    line: &Line,
    made: Option<Timestamp>,
    dated: Option<&Claim>,
) -> (&'static Code, Reverted, Option<i64>) {
    let unknown = (&rows::ROW_18, Reverted::CannotTell, None);
    let Some(made) = made else { return unknown };
    if let Some(claim) = dated {
        let close = tolerance(claim.source).unwrap_or(CLOSE_SECONDS);
        if let Some((_, leaf)) = &line.xcp.leaf {
            let gap = seconds_between(claim.at, *leaf);
            if gap > close {
                return (&rows::ROW_XCP_CLONED, Reverted::Likely, Some(gap));
            }
        }
        let gap = seconds_between(claim.at, made);
        return match gap {
            gap if gap > close => (&rows::ROW_XCP_LATER, Reverted::Likely, Some(gap)),
            gap if gap < -close => (&rows::ROW_XCP_COALESCED, Reverted::CannotTell, Some(gap)),
            gap if close == NO_ZONE_SECONDS && !is_a_zone(gap) => {
                (&rows::ROW_21, Reverted::CannotTell, Some(gap))
            }
            gap => (&rows::ROW_XCP_DATED, Reverted::NoSign, Some(gap)),
        };
    }
    let Some(base) = line.xcp.base_write else {
        return unknown;
    };
    let gap = seconds_between(base, made);
    match gap {
        gap if gap > CLOSE_SECONDS => (&rows::ROW_XCP_LATER, Reverted::Likely, Some(gap)),
        gap if gap < -CLOSE_SECONDS => (&rows::ROW_XCP_COALESCED, Reverted::CannotTell, Some(gap)),
        gap => (&rows::ROW_XCP_SAME, Reverted::NoSign, Some(gap)),
    }
}

fn witnesses(line: &Line, above: &Above, reverted: Reverted, dated: bool) -> Vec<Evidence> {
    let bearing = match reverted {
        Reverted::Certain | Reverted::Likely => Bearing::For,
        Reverted::NoSign | Reverted::NotReverted => Bearing::Against,
        Reverted::CannotTell => Bearing::Silent,
    };
    let mut all = Vec::new();
    match above.made {
        Made::Footer(at) => all.push(Evidence {
            code: &witness::ABOVE_FOOTER,
            bearing,
            text: format!("{} was made {}", above.name, second(at)),
            source: format!("{}: footer time stamp", above.path),
        }),
        Made::Birth(..) | Made::Unknown => all.push(Evidence {
            code: &witness::ABOVE_UNKNOWN,
            bearing: Bearing::Silent,
            text: format!("the footer of {} gives no usable time", above.name),
            source: format!("{}: footer time stamp", above.path),
        }),
    }
    if dated {
        evidence::taken(&line.taken, line.ambiguous_name.as_deref(), &mut all);
    }
    if let Some(write) = line.xcp.base_write {
        all.push(Evidence {
            code: &witness::BASE_WRITE,
            bearing: if dated { Bearing::Silent } else { bearing },
            text: format!(
                "the base {} was last written {}",
                line.frozen_name,
                second(write)
            ),
            source: format!("{}: last write", line.frozen_name),
        });
    }
    if let Some((name, stamp)) = &line.xcp.leaf {
        all.push(Evidence {
            code: &witness::SNAPSHOT_LEAF,
            bearing: if dated { bearing } else { Bearing::Silent },
            text: format!("the snapshot's own disk {name} was made {}", second(*stamp)),
            source: format!("{name}: footer time stamp"),
        });
    }
    all
}
