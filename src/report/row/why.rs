//! One or two sentences that say why a row is flagged, and what to do next.

use jiff::Timestamp;

use super::flag::is_other_format;
use super::status::{is_denied, made, snapshot_of};
use super::{Flag, Now, Row, RowKind};
use crate::analysis::reasons;
use crate::analysis::snapshot_vdi::vdi_of_snapshot;
use crate::analysis::{AssessedSnapshot, Assessment, Rule};
use crate::finding::Severity;
use crate::report::copied;
use crate::store::{DiskId, Forest, LinkState};
use crate::text::{self, Clock, escape};

/// Why a row looks as it does, in one or two sentences for a person; escaped.
pub fn why(forest: &Forest, assessment: &Assessment, row: &Row, clock: &Clock) -> String {
    match row.kind {
        RowKind::Group => group(forest, assessment, row, clock),
        RowKind::Error => format!(
            "{} could not be looked at: {}. What lies in it is not part of any answer.",
            row.full_name, row.note
        ),
        RowKind::MissingParent if row.now == Now::Known => format!(
            "The machine uses {}, which is not among the files read. Give the folder it lies in as well.",
            row.full_name
        ),
        RowKind::MissingParent => missing_parent(row),
        RowKind::Disk => row
            .disk
            .map_or_else(String::new, |id| disk(forest, assessment, row, id, clock)),
    }
}

fn missing_parent(row: &Row) -> String {
    let (state, advice) = match row.flag {
        Flag::Unreadable => ("cannot be read as a disk", "its findings say why"),
        _ if row.note == "not in store" => (
            "not in the store",
            "give its folder as well, or find the file",
        ),
        _ => (row.note.as_str(), "give its folder as well"),
    };
    let verb = if state.starts_with("cannot") {
        ""
    } else {
        "is "
    };
    format!(
        "{}, the parent of what stands below, {verb}{state}. Nothing below it can be read whole: {advice}.",
        row.full_name
    )
}

fn group(forest: &Forest, assessment: &Assessment, row: &Row, clock: &Clock) -> String {
    let of = |what: &str| format!("{} {what}", row.name);
    match row.flag {
        Flag::Ok => of("holds no problem that the disks show."),
        Flag::NoSign | Flag::Quiet | Flag::ByRevert => {
            let own = row.worst.and_then(|id| snapshot_of(forest, assessment, id));
            let ask = own.map_or_else(String::new, |own| asks(forest, own));
            of(&format!(
                "shows no sign of a revert; nothing here says which of its disks are in use.{ask}"
            ))
        }
        Flag::Pending => of("is still being read."),
        Flag::Partial => of("was not read to the end: there may be more in it than is shown."),
        flag => match row.worst {
            Some(id)
                if matches!(
                    flag,
                    Flag::RevertedCertain | Flag::RevertedLikely | Flag::Unsure
                ) =>
            {
                disk(forest, assessment, row, id, clock)
            }
            Some(id) => {
                let name = forest.disk(id).map(|disk| text::file_name(&disk.path));
                let said = disk(forest, assessment, row, id, clock);
                format!("{}: {said}", name.unwrap_or_default())
            }
            None => of(&format!("holds a disk that is {}.", flag.word())),
        },
    }
}

fn disk(forest: &Forest, assessment: &Assessment, row: &Row, id: DiskId, clock: &Clock) -> String {
    match row.flag {
        Flag::RevertedCertain | Flag::RevertedLikely => reverted(forest, assessment, row, id, clock),
        Flag::ByRevert => by_revert(forest, assessment, id, clock),
        Flag::Unsure => unsure(forest, assessment, row, id, clock),
        Flag::Broken => broken(forest, id),
        Flag::Unreadable => unreadable(forest, id),
        Flag::Missing => "It is named, and not in the store.".to_owned(),
        Flag::Orphan => orphan(forest, row, id),
        Flag::Locked if forest.disk(id).is_some_and(is_denied) => "This user may not read it. Read the store as one who may (root, an administrator), or bring what its host knows: `vhdtree collect` prints a script that asks it.".to_owned(),
        Flag::Locked => "It could not be opened, as the disk of a running machine cannot. Its host knows what it is: `vhdtree collect` prints a script that asks it.".to_owned(),
        Flag::Live => "It changed while it was read: what is shown may mix two moments. Read it again when the machine is off.".to_owned(),
        Flag::Partial if forest.disk(id).is_some_and(is_other_format) => other_format(forest, id),
        Flag::Partial => "It was not read to the end, so its counts are not whole.".to_owned(),
        Flag::Pending => "It is still being read.".to_owned(),
        Flag::NoSign | Flag::Ok if row.equals_parent => format!(
            "{} Every sector it holds equals its parent's.",
            no_sign(forest, assessment, row, id, clock)
        ),
        Flag::NoSign | Flag::Ok => no_sign(forest, assessment, row, id, clock),
        Flag::Quiet => match row.now {
            Now::Known => "A machine uses it now, and nothing speaks against it.".to_owned(),
            Now::Alone => "Nothing says which disk is in use; this is the only leaf of its tree.".to_owned(),
            Now::Unsure => "It is one of several leaves, and nothing says which is in use.".to_owned(),
            Now::No => base(forest, row, id, clock),
        },
    }
}

/// A snapshot that nothing shows a revert to. What that rests on stands in the details.
fn no_sign(
    forest: &Forest,
    assessment: &Assessment,
    row: &Row,
    id: DiskId,
    clock: &Clock,
) -> String {
    let Some(of) = snapshot_of(forest, assessment, id) else {
        return "Nothing speaks against it.".to_owned();
    };
    let (_, name) = names(forest, assessment, of);
    let before = if row.hint.is_empty() {
        String::new()
    } else {
        by_revert(forest, assessment, id, clock) + " "
    };
    match row.flag {
        Flag::Ok => format!(
            "{before}Nothing shows a revert to {name}, and nothing else read here speaks against deleting it."
        ),
        _ => format!(
            "{before}Nothing shows a revert to {name}; nothing here says which disks are in use.{}",
            asks(forest, of)
        ),
    }
}

/// As a sentence begins.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}

/// How to bring what the host knows.
fn asks(forest: &Forest, of: &AssessedSnapshot) -> String {
    format!(
        " `{}` prints a script that asks the host.",
        copied::collector(forest, of)
    )
}

/// Whose machine it is and how the snapshot is called; escaped.
fn names(forest: &Forest, assessment: &Assessment, of: &AssessedSnapshot) -> (String, String) {
    let known = of.snapshot.and_then(|id| forest.snapshot(id));
    let machine = of.machine.or(known.and_then(|known| known.machine));
    let machine = machine.and_then(|id| forest.machine(id));
    let vm = machine.map_or_else(|| "The machine".to_owned(), |machine| escape(&machine.name));
    let name = known.and_then(|known| known.name.as_deref()).map_or_else(
        || {
            let vdi = vdi_of_snapshot(forest, assessment, of);
            let disk = vdi.or(of.frozen.first().copied());
            let disk = disk.and_then(|id| forest.disk(id));
            let name = disk.map(|disk| text::file_name(&disk.path));
            let what = match vdi {
                Some(_) => "snapshot",
                None => "unnamed snapshot on",
            };
            format!("the {what} {}", name.unwrap_or_default())
        },
        |name| format!("\"{}\"", escape(name)),
    );
    (vm, name)
}

fn day(at: Timestamp, clock: &Clock) -> String {
    let mut text = String::new();
    clock.write_date(at, &mut text);
    text
}

/// Who was set back, to what, when, and what is gone.
fn reverted(
    forest: &Forest,
    assessment: &Assessment,
    row: &Row,
    id: DiskId,
    clock: &Clock,
) -> String {
    let Some(of) = snapshot_of(forest, assessment, id) else {
        return String::new();
    };
    let (vm, name) = names(forest, assessment, of);
    let when = row
        .reverted_at
        .map(|at| format!(" on {}", day(at, clock)))
        .unwrap_or_default();
    let sure = if row.flag == Flag::RevertedLikely {
        " (likely)"
    } else {
        ""
    };
    // Another branch holds what was done until the last snapshot there.
    match of.verdict.rule {
        Rule::BranchKept => {
            return format!(
                "{vm} was set back to {name}{when}{sure}. The state before is kept as another snapshot: deleting that one loses it."
            );
        }
        Rule::BranchYounger | Rule::BranchAgesUnknown | Rule::ListOrder => {
            return format!(
                "{vm} was set back to {name}{when}{sure}. The other branch keeps what was done until its last snapshot; what came after is in no file."
            );
        }
        _ => {}
    }
    let gap = row.gap_seconds.filter(|gap| *gap > 0);
    let gone = gap.map_or_else(
        || "What was done between the two is in no file of this store.".to_owned(),
        |gap| {
            format!(
                "What was done in the {} before is in no file of this store.",
                text::span(gap)
            )
        },
    );
    format!("{vm} was set back to {name}{when}{sure}. {gone}")
}

fn by_revert(forest: &Forest, assessment: &Assessment, id: DiskId, clock: &Clock) -> String {
    let Some(of) = above_of(assessment, id) else {
        return String::new();
    };
    let (vm, name) = names(forest, assessment, of);
    let vm = vm.replace("The machine", "the machine");
    let made = made(forest, of).map(|at| format!(" on {}", day(at, clock)));
    format!(
        "It was made{} when {vm} was set back to {name}, and holds what was done since.",
        made.unwrap_or_default()
    )
}

/// Why it cannot be told, and what would settle it.
fn unsure(
    forest: &Forest,
    assessment: &Assessment,
    row: &Row,
    id: DiskId,
    clock: &Clock,
) -> String {
    let Some(of) = snapshot_of(forest, assessment, id) else {
        return String::new();
    };
    if of.stopped_by == Some(&reasons::DEAD_END) {
        let (_, name) = names(forest, assessment, of);
        let name = capital(&name);
        return format!(
            "{name} keeps another branch: what is on it is part of no running machine, and a delete loses it. The plan names the files."
        );
    }
    if let Some(stop) = of.stopped_by {
        return format!("A delete would not pass: {}. {}", stop.title, stop.action);
    }
    let (vm, name) = names(forest, assessment, of);
    let made = made(forest, of);
    if let Some((gap, made)) = row.gap_seconds.zip(made) {
        return format!(
            "{vm} was either off for {} or set back to {name} on {}. To settle it, bring the host's own list: `{}`.",
            text::span(gap),
            day(made, clock),
            copied::collector(forest, of)
        );
    }
    if let Some(copied) = copied::sentence(forest, of, clock) {
        return copied;
    }
    let why = match row.hint.as_str() {
        "no date" => "nothing says when it was taken".to_owned(),
        "disk above locked" => "the disk above it could not be opened".to_owned(),
        several if several.ends_with("leaves") => {
            format!("it has {several}, and nothing says which is in use")
        }
        _ => return escape(&of.verdict.summary),
    };
    let vm = vm.replace("The machine", "the machine");
    format!(
        "Cannot tell whether {vm} was set back to {name}: {why}.{}",
        asks(forest, of)
    )
}

fn above_of(assessment: &Assessment, id: DiskId) -> Option<&crate::analysis::AssessedSnapshot> {
    assessment.snapshots.get(assessment.disk(id)?.above_of?)
}

fn base(forest: &Forest, row: &Row, id: DiskId, clock: &Clock) -> String {
    let children = forest.node(id).map_or(0, |node| node.children.len());
    let written = row.cells.modified.map_or_else(String::new, |at| {
        format!(", last written {}", clock.second(at))
    });
    match children {
        0 => "Nothing speaks against it.".to_owned(),
        1 if forest.node(id).is_some_and(|node| node.parent.is_some()) => format!(
            "A disk inside a chain{written}. One disk builds on it: whoever writes to it breaks that disk."
        ),
        1 => format!(
            "The base of a chain{written}. One disk builds on it: whoever writes to it breaks that disk."
        ),
        n => format!(
            "The base of a tree{written}. {n} disks build on it: whoever writes to it breaks them."
        ),
    }
}

/// What is known of a disk that nothing read here names: a changed branch, or a base whose chain may be the one that is cut.
fn orphan(forest: &Forest, row: &Row, id: DiskId) -> String {
    let is_child = forest.node(id).is_some_and(|node| node.parent.is_some());
    if is_child {
        return "Nothing read here names it: no machine uses it and no snapshot keeps it. Its changes are part of no running machine; a merge into its parent would break it.".to_owned();
    }
    let cut = row.machine.and_then(|machine| {
        let used = forest.machine(machine)?.disks.as_ref()?;
        let end = used
            .iter()
            .filter_map(|used| forest.line(used.disk?).last())
            .find(|end| forest.node(*end).is_some_and(|node| node.parent.is_some()))?;
        Some((
            escape(&forest.machine(machine)?.name),
            text::file_name(&forest.disk(end)?.path),
        ))
    });
    match cut {
        Some((machine, end)) => format!(
            "Nothing read here names it. The chain of {machine} is cut below {end}, so this may be the base of that chain: do not delete it before the missing parent is found."
        ),
        None => "Nothing read here names it: no machine uses it and no disk is its child. Find its owner before deleting it.".to_owned(),
    }
}

fn other_format(forest: &Forest, id: DiskId) -> String {
    let findings = forest.disk(id).map_or(&[][..], |disk| &disk.findings);
    let text = findings.first().map(|finding| escape(&finding.text));
    format!("{} Its format is not read.", text.unwrap_or_default())
}

fn unreadable(forest: &Forest, id: DiskId) -> String {
    let text = forest
        .disk(id)
        .and_then(|disk| {
            disk.findings
                .iter()
                .max_by_key(|finding| finding.code.severity)
        })
        .map(|finding| escape(&finding.text));
    match text {
        Some(text) => format!(
            "It could not be read as a disk: {}.",
            text.trim_end_matches('.')
        ),
        None => "It could not be read as a disk.".to_owned(),
    }
}

/// Names the first thing that is wrong, from the disk itself down to its base.
fn broken(forest: &Forest, id: DiskId) -> String {
    let mut at = id;
    for _ in 0..=forest.disks.len() {
        let place = if at == id {
            String::new()
        } else {
            forest.disk(at).map_or_else(
                || "Below: ".to_owned(),
                |disk| format!("In {} below it: ", text::file_name(&disk.path)),
            )
        };
        let Some(node) = forest.node(at) else { break };
        let own = forest.disk(at).into_iter().flat_map(|disk| &disk.findings);
        let fault = own
            .chain(&node.findings)
            .find(|finding| finding.code.severity == Severity::Error);
        if let Some(fault) = fault {
            return format!(
                "{place}{}. {}",
                escape(fault.text.trim_end_matches('.')),
                fault.code.action
            );
        }
        let Some(link) = &node.parent else { break };
        let says = match link.state {
            LinkState::Ok | LinkState::ByHost | LinkState::Closed => None,
            LinkState::Missing => Some("Its parent is not in the store"),
            LinkState::IdMismatch => {
                Some("The parent found by name has another id than the one wanted")
            }
            LinkState::Cycle => Some("Following its parents comes back to it"),
            LinkState::OutsideRoots => {
                Some("Its parent lies outside the folders given, where nothing is opened")
            }
            LinkState::Unreadable => Some("Its parent cannot be read"),
        };
        if let Some(says) = says {
            return format!(
                "{place}{says}. What it holds cannot be read as the machine would see it."
            );
        }
        match link.disk {
            Some(parent) => at = parent,
            None => break,
        }
    }
    "Something below it is missing or damaged.".to_owned()
}
