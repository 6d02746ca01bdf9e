//! Proof by shape: two children of D that both lead to a snapshot of this machine or to Now. Only applying the snapshot starts
//! a second one.

use crate::analysis::evidence::{Evidence, Of, Says};
use crate::analysis::facts::Facts;
use crate::analysis::interval::{DAY_SECONDS, seconds_between};
use crate::analysis::rules::Rule;
use crate::analysis::survey::GRAIN_SECONDS;
use crate::analysis::witness::made;
use crate::analysis::zone;
use crate::store::{DiskId, Snapshot};
use crate::text::second;

crate::catalogue! {
    BRANCH = "branch", Warning, "another branch of this VM stands on the snapshot's disk",
        why: "Only applying a snapshot starts a second branch. Where the machine's own branch is the older one, somebody applied the snapshot once, but the machine does not come from that.", action: "Look at what the other branch holds.";
    KEPT_BRANCH = "kept-branch", Info, "the state before the revert was kept as a snapshot",
        why: "Create checkpoint and apply keeps the state before: the disk of that snapshot was written until the machine's own was made.", action: "Do not delete that snapshot unless its state is no longer wanted.";
}

/// Children made at one moment differ by less.
const AT_ONCE_SECONDS: i64 = 5;
const KEPT_SECONDS: i64 = 300;

pub fn evidence(facts: &Facts<'_>) -> Vec<Evidence> {
    let others = others(facts);
    if others.is_empty() {
        return Vec::new();
    }
    let source = Facts::source(facts.frozen_disk, "links");
    let name = facts.survey.name(*others.first().unwrap_or(&facts.above));
    let made = made::at(facts);
    // Disks made in the act that made the frozen one anew bear its order, not their own.
    let remade = facts.remade();
    let age = |id: &DiskId| {
        let at = facts.survey.age(*id)?.at;
        let is_far = |act| seconds_between(act, at).abs() > DAY_SECONDS;
        remade.is_none_or(is_far).then_some(at)
    };
    let ages: Option<Vec<_>> = others.iter().map(age).collect();
    let begins = format!("another branch of this VM begins with {name}");
    let Some((made, oldest)) = made.zip(ages.and_then(|ages| ages.into_iter().min())) else {
        let says = Says::Proves(Rule::BranchAgesUnknown);
        let text = format!("{begins}; which is the older one is not known");
        return vec![Of::DiskAbove.says(&BRANCH, says, text, source)];
    };
    if seconds_between(oldest, made) <= AT_ONCE_SECONDS {
        let text = format!(
            "{begins}, made {}: the snapshot was applied once, but what the VM uses now does not come from that",
            second(oldest)
        );
        return vec![Of::DiskAbove.remark(&BRANCH, text, source)];
    }
    let kept = kept(facts, &others);
    let rule = match kept {
        Some(_) => Rule::BranchKept,
        None => Rule::BranchYounger,
    };
    let text = format!("{begins}, made {}: the older one", second(oldest));
    let proof = Of::DiskAbove.says(&BRANCH, Says::Proves(rule), text, &*source);
    let kept = kept.map(|kept| {
        let text = format!("the state before the revert was kept as snapshot \"{kept}\"; deleting that one loses it");
        Of::DiskAbove.remark(&KEPT_BRANCH, text, source)
    });
    std::iter::once(proof).chain(kept).collect()
}

/// Other branches of this machine on D. XCP-ng puts a leaf of its own beside the active disk for each snapshot: no branch.
pub fn others(facts: &Facts<'_>) -> Vec<DiskId> {
    let topology = &facts.survey.topology;
    let is_branch = |child: DiskId| {
        let is_leaf = topology.is_leaf(child);
        let is_aside = topology.is_backup(child) || (is_leaf && facts.survey.is_xcp(child));
        !is_aside
            && topology.is_kept(facts.machine, facts.frozen, child)
            && !was_there(facts, child)
    };
    if !topology.is_kept(facts.machine, facts.frozen, facts.above) {
        return Vec::new();
    }
    let others = topology.children(facts.frozen);
    let others = others.filter(|child| *child != facts.above);
    others.filter(|child| is_branch(*child)).collect()
}

/// XCP-ng: a branch that is older than the snapshot stood there when that was taken, on the base of an older one that it shares.
fn was_there(facts: &Facts<'_>, child: DiskId) -> bool {
    let date = facts.dated().filter(|_| facts.survey.is_xcp(child));
    let made = facts.survey.age(child).map(|age| age.at);
    let made = date
        .zip(made)
        .map(|(date, made)| seconds_between(made, date));
    made.is_some_and(|before| before > KEPT_SECONDS)
}

pub fn kept_as(facts: &Facts<'_>) -> Option<String> {
    kept(facts, &others(facts))
}

/// The snapshot on another branch whose disk was written until X was made, and that is not dated otherwise: its name.
fn kept(facts: &Facts<'_>, others: &[DiskId]) -> Option<String> {
    let forest = facts.survey.forest;
    let made = made::at(facts)?;
    let before = |at| (-GRAIN_SECONDS..=KEPT_SECONDS).contains(&seconds_between(at, made));
    let is_kept = |disk: DiskId| {
        let write = forest.modified(disk);
        write.is_some_and(before) && forest.line(disk).any(|below| others.contains(&below))
    };
    let holds = |snapshot: &&Snapshot| {
        zone::zoned_date(snapshot).is_none_or(before) && snapshot.disk_ids().any(is_kept)
    };
    let all = facts.survey.topology.snapshots_of(facts.machine);
    Some(all.into_iter().find(holds)?.label()?.to_owned())
}
