//! A saved scan of the same store: what stood on D then. Another disk than today's shows that the machine was set back since,
//! as long as nothing was merged into D; it needs no date of any file, so it survives every copy.

use jiff::Timestamp;

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, seconds_between};
use crate::analysis::rules::Rule;
use crate::analysis::then::{Then, stood_then};
use crate::analysis::witness::made;
use crate::store::earlier::EarlierMatch;
use crate::text::{file_name, second};

crate::catalogue! {
    SCAN_SAME = "scan-same-above", Info, "a saved scan shows the same disk above the snapshot's",
        why: "What stood there then was made before that scan.", action: "Nothing.";
    SCAN_OTHER = "scan-another-above", Warning, "a saved scan shows another disk above the snapshot's",
        why: "A snapshot's disk gets a second disk above it only when the snapshot is applied. A snapshot that was deleted and taken again looks alike unless its disk is known not to have been written in between.",
        action: "Look at both scans with `vhdtree changes`.";
    SCAN_BEFORE = "scan-before", Info, "a saved scan is older than the snapshot",
        why: "Nothing stood on the disk then, so the snapshot was taken after that scan.", action: "Nothing.";
}

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let scans = facts.survey.forest.earlier.iter();
    scans.flat_map(|scan| of(facts, scan)).collect()
}

/// The disk that stood on D by the scan that proves the revert.
pub fn then(facts: &Facts<'_>) -> Option<String> {
    let mut scans = facts.survey.forest.earlier.iter();
    scans.find_map(|earlier| match stood(facts, earlier)? {
        (
            at,
            Then::Another {
                above,
                proves: true,
                ..
            },
        ) => {
            let disk = earlier.scan.disks.get(above)?;
            let name = file_name(&disk.path);
            Some(format!(
                "{name} stood there when the store was scanned {}",
                second(at)
            ))
        }
        _ => None,
    })
}

fn stood(facts: &Facts<'_>, earlier: &EarlierMatch) -> Option<(Timestamp, Then)> {
    let place = (facts.frozen, facts.above);
    let then = stood_then(facts.survey.forest, earlier, place, facts.snapshot)?;
    Some((earlier.scan.at?, then))
}

fn of(facts: &Facts<'_>, earlier: &EarlierMatch) -> Vec<Evidence> {
    let Some((at, then)) = stood(facts, earlier) else {
        return Vec::new();
    };
    let scan = &earlier.scan;
    let (frozen, above) = (facts.frozen_name(), facts.above_name());
    let source = match &scan.host {
        Some(host) => format!("saved scan of {}, by the clock of {host}", second(at)),
        None => format!("saved scan of {}", second(at)),
    };
    let of_above = |code, says, text: String| Of::DiskAbove.says(code, says, text, source.clone());
    match then {
        Then::Same => {
            let text = format!("{above} stood on {frozen} already when the store was scanned");
            vec![of_above(&SCAN_SAME, Says::NotAfter(at), text)]
        }
        Then::Nothing => {
            let text = format!("nothing stood on {frozen} when the store was scanned");
            vec![Of::Snapshot.says(&SCAN_BEFORE, Says::NotBefore(at), text, source)]
        }
        Then::Another {
            above: other,
            proves,
            ..
        } => {
            let other = scan.disks.get(other).map(|disk| file_name(&disk.path));
            let other = other.unwrap_or_default();
            let text = format!(
                "{other} stood on {frozen} when the store was scanned, and {above} was not there"
            );
            let later = of_above(&SCAN_OTHER, Says::NotBefore(at), text.clone());
            let older = made::at(facts).filter(|made| seconds_between(*made, at) > DAY_SECONDS);
            let brought = older.map(|made| {
                format!(
                    "{above} is older than that scan ({}): it was brought from elsewhere",
                    second(made)
                )
            });
            let proof = proves.then(|| {
                of_above(&SCAN_OTHER, Says::Proves(Rule::AnotherThen), text)
                    .dropped(brought.clone())
            });
            proof.into_iter().chain([later.dropped(brought)]).collect()
        }
    }
}
