//! What the gate would say of a delete as far as the forest alone tells: nothing is read, and no sizes are known.

use crate::analysis::AssessedSnapshot;
use crate::analysis::plan::make::{chains, family, guess, missing};
use crate::analysis::plan::steps::{DeleteSubject, steps};
use crate::analysis::plan::{Answer, gate};
use crate::analysis::topology::Topology;
use crate::finding::Code;
use crate::store::Forest;

/// The worst reason that stops the delete of a snapshot; `None` if nothing that the forest tells does.
pub fn stopped_by(
    forest: &Forest,
    topology: &Topology<'_>,
    assessed: &AssessedSnapshot,
    index: &gate::GateIndex<'_>,
) -> Option<&'static Code> {
    let frozen = &assessed.frozen;
    let product = guess(forest, frozen).unwrap_or_default();
    let subject = DeleteSubject {
        forest,
        topology,
        machine: assessed.machine,
        snapshot: assessed.snapshot,
        product,
    };
    let reasons = gate::reasons(&gate::GateInput {
        forest,
        topology,
        product,
        machine: assessed.machine,
        snapshot: assessed.snapshot.and_then(|id| forest.snapshot(id)),
        frozen,
        family: &family(topology, forest, frozen),
        now_known: assessed.now_known,
        verdict: Some(&assessed.verdict),
        steps: &steps(&subject, frozen),
        merges: &[],
        chains: &chains(topology, forest, frozen),
        index,
        missing: &missing(forest, Some(assessed)),
        token: "",
        expect: None,
        accept: &[],
    });
    let worst = reasons.first()?;
    (worst.answer != Answer::Pass).then_some(worst.code)
}
