//! The VM-Generation ID: a machine gets a new one when it begins to run a snapshot's state, and when it is imported, restored,
//! copied or failed over.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::seconds_between;
use crate::store::DiskId;

crate::catalogue! {
    GENERATION_SAME = "generation-same", Info, "the VM's generation id is the snapshot's",
        why: "The host gives a new id when a snapshot's state begins to run, so it counts only if the machine has run on the disk above: one that was applied and not started keeps the old id.", action: "Nothing.";
    GENERATION_DIFFERS = "generation-differs", Warning, "the VM's generation id is not the snapshot's",
        why: "A state was applied, or the VM was imported, restored, copied or failed over.", action: "Ask whether the VM was imported or restored.";
    GENERATION_UNKNOWN = "generation-unknown", Info, "no generation id to compare",
        why: "Hosts before 2012 have none; else the configurations are not in the store.", action: "Bring the configurations of the VM and its snapshots.";
}

/// Written so long after the snapshot, a disk was in use.
const IN_USE_SECONDS: i64 = 3_600;

pub fn evidence(facts: &Facts<'_>) -> Option<Evidence> {
    let Some((then, later, from, way)) = ids(facts) else {
        let text = "no generation id to compare";
        return Some(Of::DiskAbove.missing(&GENERATION_UNKNOWN, text));
    };
    let source = format!("{from}: generation_id");
    if then != later {
        let text = format!("the generation id was {then} and is {later}");
        return Some(Of::DiskAbove.says(&GENERATION_DIFFERS, Says::For, text, source));
    }
    let idle = (!has_run(facts, &way)).then(|| {
        format!(
            "nothing shows that the machine ran since {} was made: applied and not started it would keep the id",
            facts.above_name()
        )
    });
    let text = format!("the generation id is still {then}");
    let same = Of::DiskAbove.says(&GENERATION_SAME, Says::Against, text, source);
    Some(same.dropped(idle))
}

type Ids = (String, String, String, Vec<DiskId>);

/// Both ids, where the later one stands, and the disks from X up to there.
fn ids(facts: &Facts<'_>) -> Option<Ids> {
    let forest = facts.survey.forest;
    let then = generation_id(facts.snapshot?.generation_id.as_deref()?)?;
    let mut way = Vec::new();
    let mut skipped = false;
    for disk in facts.survey.topology.way_up(facts.machine, facts.above) {
        way.push(disk);
        for next in forest.snapshots_on(disk) {
            if next.machine != facts.machine {
                continue;
            }
            match next.generation_id.as_deref().and_then(generation_id) {
                Some(id) => return Some((then, id, next.source.display().to_string(), way)),
                None => skipped = true,
            }
        }
    }
    let vm = facts.machine.and_then(|machine| forest.machine(machine))?;
    let id = generation_id(vm.generation_id.as_deref()?)?;
    // A later snapshot without an id lies between: the change may be that one's.
    (!skipped || id == then).then(|| (then, id, vm.source.display().to_string(), way))
}

/// Some disk of the machine from X up holds data and was written well after the snapshot.
fn has_run(facts: &Facts<'_>, way: &[DiskId]) -> bool {
    let Some(since) = facts.dated().or(facts.frozen_disk.file.modified) else {
        return false;
    };
    way.iter().chain(facts.aboves).any(|id| {
        let write = facts.survey.forest.modified(*id);
        facts.survey.forest.holds_data(*id)
            && write.is_some_and(|write| seconds_between(since, write) > IN_USE_SECONDS)
    })
}

/// A generation id without what writers dress it in; `None` for an empty or all-zero one, which names no generation.
fn generation_id(text: &str) -> Option<String> {
    let id: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    id.bytes().any(|byte| byte != b'0').then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_all_zero_generation_id_names_no_generation() {
        for text in [
            "",
            "  ",
            "0",
            "00000000000000000000000000000000",
            "{0000-0000}",
        ] {
            assert_eq!(generation_id(text), None, "{text}");
        }
        let dressed = generation_id("{B7CA8A6A-B91A}");
        assert_eq!(dressed.as_deref(), Some("b7ca8a6ab91a"));
    }
}
