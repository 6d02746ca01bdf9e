//! Every documented code of the program, for `explain`; and the few that belong to no lower room: what a path that could
//! not be looked at means, what the flags of the tree mean, and what a code of another version becomes.

use crate::finding::{Code, Severity};
use crate::report::row::code_of_hint;
use crate::text;

crate::catalogue! {
    PATH_UNREADABLE = "path-unreadable", Error, "a path that could not be looked at",
        why: "What lies there is not part of any answer: a child or a configuration in it could change the verdict, and a disk in it could break by a merge.",
        action: "Run the program as a user who may read it, or leave the path out on purpose.";
    /// An error of a saved scan whose code this version does not know.
    SAVED_ERROR = "saved-error", Error, "an error known to the version that saved the scan",
        why: "The scan was saved by another version of the program, whose code this one does not know; the text begins with it.",
        action: "Look at the store with this version, or ask the other one to explain the code.";
    /// A warning of a saved scan whose code this version does not know.
    SAVED_WARNING = "saved-warning", Warning, "a warning known to the version that saved the scan",
        why: "The scan was saved by another version of the program, whose code this one does not know; the text begins with it.",
        action: "Look at the store with this version, or ask the other one to explain the code.";
    /// Something of a saved scan whose code this version does not know.
    SAVED_INFO = "saved-info", Info, "a note known to the version that saved the scan",
        why: "The scan was saved by another version of the program, whose code this one does not know; the text begins with it.",
        action: "Look at the store with this version, or ask the other one to explain the code.";
    /// Flag of the tree.
    FLAG_REVERTED = "flag-reverted", Warning, "REVERTED: the machine was set back to this snapshot",
        why: "The disk above the snapshot's was made at that moment; `!` says that it is certain, the arrow that it is likely. What the machine did between the snapshot and the revert is in no file any more. Nothing else shows it: the tree looks as before.",
        action: "Look at the evidence (`vhdtree info FILE`) and at the plan (`vhdtree plan FILE`) before deleting the snapshot: after that there is no way back to it.";
    /// Flag of the tree.
    FLAG_BROKEN = "flag-broken", Error, "BROKEN: this disk cannot be read as the machine would see it",
        why: "It is damaged, or it stands on something that is missing, damaged, or has another id than the one wanted.",
        action: "`vhdtree check` names each fault and what to do about it. Merge nothing in this chain before.";
    /// Flag of the tree.
    FLAG_MISSING = "flag-missing", Error, "MISSING: a file that is named and not in the store",
        why: "A disk names it as its parent, or a machine uses it, and it was not found among the files read.",
        action: "Give its folder as well (`--parent-root`, or as a further PATH), translate its path with `--map`, or find the file.";
    /// Flag of the tree.
    FLAG_UNREADABLE = "flag-unreadable", Error, "UNREADABLE: the file could not be read as a disk",
        why: "Its headers are damaged beyond use, or it may not be opened.",
        action: "`vhdtree check` says what was expected where. Compare the file with a backup.";
    /// Flag of the tree.
    FLAG_ORPHAN = "flag-orphan", Warning, "ORPHAN: a leaf that nothing read here uses",
        why: "Machines are known, none of them uses this disk, and no snapshot names it. It may be left over from a branch, or a machine whose configuration was not read uses it. Its changes are part of no running machine, and a merge into its parent would break it.",
        action: "Find out where it comes from before deleting it, and before deleting a snapshot below it.";
    /// Flag of the tree.
    FLAG_UNSURE = "flag-unsure", Info, "?: whether the machine was set back to this snapshot, or whether it may be deleted, cannot be told",
        why: "Evidence is missing or contradicts itself. That is an answer too: it says neither yes nor no.",
        action: "`vhdtree info FILE` says what would settle it, most often when the snapshot was taken or when the files were made; `vhdtree collect` prints a script that asks the host for both (`--facts`).";
    /// Flag of the tree.
    FLAG_LOCKED = "flag-locked", Info, "locked: the file could not be opened",
        why: "A running machine keeps its disk to itself, or this user may not read it. Nothing says that it is damaged.",
        action: "Give what the host says of it (`vhdtree collect`, `--facts`), or look at a shadow copy of the volume.";
    /// Flag of the tree.
    FLAG_LIVE = "flag-live", Info, "live: the file changed while it was read",
        why: "A machine is writing to it. What is shown may mix two moments.",
        action: "Read it again; for an exact answer when the machine is off.";
    /// Flag of the tree.
    FLAG_PARTIAL = "flag-partial", Info, "partial: the file was not read to the end",
        why: "The scan was stopped, or some of the file could not be read. Its counts are too small.",
        action: "Let the scan run through.";
    /// Flag of the tree.
    FLAG_PENDING = "flag-pending", Info, "pending: the file is still to be read",
        why: "The scan is under way.",
        action: "Wait.";
}

/// Every documented code of the program, by id.
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = [
        crate::format::vhd::codes::ALL,
        crate::format::vhdx::codes::ALL,
        crate::format::hyperv::codes::ALL,
        crate::format::qcow2::ALL,
        crate::image::codes::ALL,
        crate::guest::codes::ALL,
        crate::store::codes::ALL,
        crate::store::containers::codes::ALL,
        crate::store::containers::xo::ALL,
        crate::store::journals::ALL,
        crate::store::pvs::ALL,
        ALL,
    ]
    .concat();
    codes.extend(crate::analysis::codes::all());
    codes.sort_by_key(|code| code.id);
    codes
}

/// The code of an id or of a flag's word, without case; where a code has a flag's word, capitals mean the flag, as the tree writes it.
pub fn find(name: &str) -> Option<&'static Code> {
    let id = name.trim().to_ascii_lowercase();
    let flag = format!("flag-{id}");
    let all = all();
    let named = |id: &str| all.iter().copied().find(|code| code.id == id);
    let hint = id.trim_start_matches(['?', '~', ' ']);
    if let Some(code) = code_of_hint(hint) {
        return Some(code);
    }
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        named(&flag).or_else(|| named(&id))
    } else {
        named(&id).or_else(|| named(&flag))
    }
}

/// Up to three codes whose ids look like a name that is none.
pub fn alike(name: &str) -> Vec<&'static str> {
    let name = name.trim().to_ascii_lowercase();
    let mut near: Vec<(usize, &'static str)> = all()
        .into_iter()
        .map(|code| {
            let part = !name.is_empty() && code.id.contains(&name);
            (
                if part {
                    1
                } else {
                    text::distance(&name, code.id)
                },
                code.id,
            )
        })
        .filter(|(far, id)| *far <= id.len().max(name.len()) / 3)
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, id)| id).collect()
}

/// The code for a finding of a saved scan whose own code is not known here.
pub fn saved(severity: Severity) -> &'static Code {
    match severity {
        Severity::Error => &SAVED_ERROR,
        Severity::Warning => &SAVED_WARNING,
        Severity::Info => &SAVED_INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_once_and_well_formed() {
        let all = all();
        for pair in all.windows(2) {
            assert_ne!(pair[0].id, pair[1].id);
        }
        for code in all {
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(code.id.chars().all(good), "{}", code.id);
            assert!(
                !code.title.is_empty() && !code.why.is_empty() && !code.action.is_empty(),
                "{}",
                code.id
            );
        }
    }

    #[test]
    fn a_flag_is_found_by_its_word_and_a_slip_finds_its_neighbours() {
        assert_eq!(find("REVERTED").map(|code| code.id), Some("flag-reverted"));
        assert_eq!(find("reverted").map(|code| code.id), Some("reverted"));
        assert_eq!(find("BRANCH-kept").map(|code| code.id), Some("branch-kept"));
        assert_eq!(
            find("vhd-no-footer").map(|code| code.id),
            Some("vhd-no-footer")
        );
        assert!(alike("vhd-no-foter").contains(&"vhd-no-footer"));
        assert!(alike("completely different words here").is_empty());
    }
}
