//! One or two sentences that say why a row is flagged, and what to do next.

use super::flag::is_other_format;
use super::status::{is_denied, made, snapshot_of};
use super::{Flag, Now, Row, RowKind};
use crate::analysis::reasons;
use crate::analysis::snapshot_vdi::vdi_of_snapshot;
use crate::analysis::{AssessedSnapshot, Assessment, Rule};
use crate::finding::Severity;
use crate::report::copied;
use crate::report::words::disk_name;
use crate::store::{DiskId, Forest, LinkState};
use crate::text::{self, Clock, escape};

/// Why a row looks as it does, in one or two sentences for a person; escaped.
pub fn why(forest: &Forest, assessment: &Assessment, row: &Row, clock: &Clock) -> String {
    let why = Why {
        forest,
        assessment,
        row,
        clock,
    };
    match row.kind() {
        RowKind::Group => why.group(),
        RowKind::Error => format!(
            "{} could not be looked at: {}. What lies in it is not part of any answer.",
            row.full_name, row.note
        ),
        RowKind::Missing if row.now == Now::Known => format!(
            "The machine uses {}, which is not among the files read. Give the folder it lies in as well.",
            row.full_name
        ),
        RowKind::Missing => missing_parent(row),
        RowKind::Disk => row.disk.map_or_else(String::new, |id| why.disk(id)),
    }
}

/// What is told of, and what is known of it.
struct Why<'a> {
    forest: &'a Forest,
    assessment: &'a Assessment,
    row: &'a Row,
    clock: &'a Clock,
}

impl Why<'_> {
    fn group(&self) -> String {
        let of = |what: &str| format!("{} {what}", self.row.name);
        match self.row.flag {
            Flag::Ok => of("holds no problem that the disks show."),
            Flag::NoSign | Flag::Quiet | Flag::ByRevert => {
                let own = self
                    .row
                    .worst
                    .and_then(|id| snapshot_of(self.forest, self.assessment, id));
                let ask = own.map_or_else(String::new, |own| self.asks(own));
                of(&format!(
                    "shows no sign of a revert; nothing here says which of its disks are in use.{ask}"
                ))
            }
            Flag::Pending => of("is still being read."),
            Flag::Partial => of("was not read to the end: there may be more in it than is shown."),
            flag => match self.row.worst {
                None => of(&format!("holds a disk that is {}.", flag.word())),
                Some(id) => match flag {
                    Flag::RevertedCertain | Flag::RevertedLikely | Flag::Unsure => self.disk(id),
                    _ => format!("{}: {}", disk_name(self.forest, id), self.disk(id)),
                },
            },
        }
    }

    fn disk(&self, id: DiskId) -> String {
        match self.row.flag {
            Flag::RevertedCertain | Flag::RevertedLikely => self.reverted(id),
            Flag::ByRevert => self.by_revert(id),
            Flag::Unsure => self.unsure(id),
            Flag::Broken => self.broken(id),
            Flag::Unreadable => self.unreadable(id),
            Flag::Missing => "It is named, and not in the store.".to_owned(),
            Flag::Orphan => self.orphan(id),
            Flag::Locked if self.forest.disk(id).is_some_and(is_denied) => "This user may not read it. Read the store as one who may (root, an administrator), or bring what its host knows: `vhdtree collect` prints a script that asks it.".to_owned(),
            Flag::Locked => "It could not be opened, as the disk of a running machine cannot. Its host knows what it is: `vhdtree collect` prints a script that asks it.".to_owned(),
            Flag::Live => "It changed while it was read: what is shown may mix two moments. Read it again when the machine is off.".to_owned(),
            Flag::Partial if self.forest.disk(id).is_some_and(is_other_format) => self.other_format(id),
            Flag::Partial => "It was not read to the end, so its counts are not whole.".to_owned(),
            Flag::Pending => "It is still being read.".to_owned(),
            Flag::NoSign | Flag::Ok if self.row.equals_parent => format!(
                "{} Every sector it holds equals its parent's.",
                self.no_sign(id)
            ),
            Flag::NoSign | Flag::Ok => self.no_sign(id),
            Flag::Quiet => match self.row.now {
                Now::Known => "A machine uses it now, and nothing speaks against it.".to_owned(),
                Now::Alone => "Nothing says which disk is in use; this is the only leaf of its tree.".to_owned(),
                Now::Unsure => "It is one of several leaves, and nothing says which is in use.".to_owned(),
                Now::No => self.base(id),
            },
        }
    }

    /// A snapshot that nothing shows a revert to. What that rests on stands in the details.
    fn no_sign(&self, id: DiskId) -> String {
        let Some(of) = snapshot_of(self.forest, self.assessment, id) else {
            return "Nothing speaks against it.".to_owned();
        };
        let (_, name) = self.names(of);
        let before = if self.row.hint.is_empty() {
            String::new()
        } else {
            self.by_revert(id) + " "
        };
        match self.row.flag {
            Flag::Ok => format!(
                "{before}Nothing shows a revert to {name}, and nothing else read here speaks against deleting it."
            ),
            _ => format!(
                "{before}Nothing shows a revert to {name}; nothing here says which disks are in use.{}",
                self.asks(of)
            ),
        }
    }

    /// How to bring what the host knows.
    fn asks(&self, of: &AssessedSnapshot) -> String {
        format!(
            " `{}` prints a script that asks the host.",
            copied::collector(self.forest, of)
        )
    }

    /// Whose machine it is and how the snapshot is called; escaped.
    fn names(&self, of: &AssessedSnapshot) -> (String, String) {
        let known = of.snapshot.and_then(|id| self.forest.snapshot(id));
        let machine = of.machine.or(known.and_then(|known| known.machine));
        let machine = machine.and_then(|id| self.forest.machine(id));
        let vm = machine.map_or_else(|| "The machine".to_owned(), |machine| escape(&machine.name));
        let name = known.and_then(|known| known.name.as_deref()).map_or_else(
            || {
                let vdi = vdi_of_snapshot(self.forest, self.assessment, of);
                let disk = vdi.or(of.frozen.first().copied());
                let name = disk.map(|id| disk_name(self.forest, id));
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

    /// Who was set back, to what, when, and what is gone.
    fn reverted(&self, id: DiskId) -> String {
        let Some(of) = snapshot_of(self.forest, self.assessment, id) else {
            return String::new();
        };
        let (vm, name) = self.names(of);
        let when = self
            .row
            .reverted_at
            .map(|at| format!(" on {}", self.clock.date(at)))
            .unwrap_or_default();
        let sure = if self.row.flag == Flag::RevertedLikely {
            " (likely)"
        } else {
            ""
        };
        let gap = self.row.gap_seconds.filter(|gap| *gap > 0);
        let gone = match (of.verdict.rule, gap) {
            (Rule::BranchKept, _) => {
                "The state before is kept as another snapshot: deleting that one loses it.".to_owned()
            }
            (Rule::BranchYounger | Rule::BranchAgesUnknown | Rule::ListOrder, _) => {
                "The other branch keeps what was done until its last snapshot; what came after is in no file.".to_owned()
            }
            (_, None) => "What was done between the two is in no file of this store.".to_owned(),
            (_, Some(gap)) => format!(
                "What was done in the {} before is in no file of this store.",
                text::span(gap)
            ),
        };
        format!("{vm} was set back to {name}{when}{sure}. {gone}")
    }

    fn by_revert(&self, id: DiskId) -> String {
        let above_of = self.assessment.disk(id).and_then(|of| of.above_of);
        let Some(of) = above_of.and_then(|at| self.assessment.snapshots.get(at)) else {
            return String::new();
        };
        let (vm, name) = self.names(of);
        let vm = vm.replace("The machine", "the machine");
        let made = made(self.forest, of).map(|at| format!(" on {}", self.clock.date(at)));
        format!(
            "It was made{} when {vm} was set back to {name}, and holds what was done since.",
            made.unwrap_or_default()
        )
    }

    /// Why it cannot be told, and what would settle it.
    fn unsure(&self, id: DiskId) -> String {
        let Some(of) = snapshot_of(self.forest, self.assessment, id) else {
            return String::new();
        };
        if of.stopped_by == Some(&reasons::DEAD_END) {
            let (_, name) = self.names(of);
            let name = capital(&name);
            return format!(
                "{name} keeps another branch: what is on it is part of no running machine, and a delete loses it. The plan names the files."
            );
        }
        if let Some(stop) = of.stopped_by {
            return format!("A delete would not pass: {}. {}", stop.title, stop.action);
        }
        let (vm, name) = self.names(of);
        let made = made(self.forest, of);
        if let Some((gap, made)) = self.row.gap_seconds.zip(made) {
            return format!(
                "{vm} was either off for {} or set back to {name} on {}. To settle it, bring the host's own list: `{}`.",
                text::span(gap),
                self.clock.date(made),
                copied::collector(self.forest, of)
            );
        }
        if let Some(copied) = copied::sentence(self.forest, of, self.clock) {
            return copied;
        }
        let why = match self.row.hint.as_str() {
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
            self.asks(of)
        )
    }

    fn base(&self, id: DiskId) -> String {
        let children = self.forest.node(id).map_or(0, |node| node.children.len());
        let written = self.row.cells.modified.map_or_else(String::new, |at| {
            format!(", last written {}", self.clock.second(at))
        });
        match children {
            0 => "Nothing speaks against it.".to_owned(),
            1 if self
                .forest
                .node(id)
                .is_some_and(|node| node.parent.is_some()) =>
            {
                format!(
                    "A disk inside a chain{written}. One disk builds on it: whoever writes to it breaks that disk."
                )
            }
            1 => format!(
                "The base of a chain{written}. One disk builds on it: whoever writes to it breaks that disk."
            ),
            n => format!(
                "The base of a tree{written}. {n} disks build on it: whoever writes to it breaks them."
            ),
        }
    }

    /// What is known of a disk that nothing read here names: a changed branch, or a base whose chain may be the one that is cut.
    fn orphan(&self, id: DiskId) -> String {
        let is_child = self
            .forest
            .node(id)
            .is_some_and(|node| node.parent.is_some());
        if is_child {
            return "Nothing read here names it: no machine uses it and no snapshot keeps it. Its changes are part of no running machine; a merge into its parent would break it.".to_owned();
        }
        let cut = self.row.machine.and_then(|machine| {
            let used = self.forest.machine(machine)?.disks.as_ref()?;
            let end = used
                .iter()
                .filter_map(|used| self.forest.line(used.disk?).last())
                .find(|end| {
                    self.forest
                        .node(*end)
                        .is_some_and(|node| node.parent.is_some())
                })?;
            let machine = escape(&self.forest.machine(machine)?.name);
            Some((machine, disk_name(self.forest, end)))
        });
        match cut {
            Some((machine, end)) => format!(
                "Nothing read here names it. The chain of {machine} is cut below {end}, so this may be the base of that chain: do not delete it before the missing parent is found."
            ),
            None => "Nothing read here names it: no machine uses it and no disk is its child. Find its owner before deleting it.".to_owned(),
        }
    }

    fn other_format(&self, id: DiskId) -> String {
        let findings = self.forest.disk(id).map_or(&[][..], |disk| &disk.findings);
        let text = findings.first().map(|finding| escape(&finding.text));
        format!("{} Its format is not read.", text.unwrap_or_default())
    }

    fn unreadable(&self, id: DiskId) -> String {
        let text = self
            .forest
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
    fn broken(&self, id: DiskId) -> String {
        let mut at = id;
        for _ in 0..=self.forest.disks.len() {
            let place = if at == id {
                String::new()
            } else {
                format!("In {} below it: ", disk_name(self.forest, at))
            };
            let Some(node) = self.forest.node(at) else {
                break;
            };
            let own = self
                .forest
                .disk(at)
                .into_iter()
                .flat_map(|disk| &disk.findings);
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
}

fn missing_parent(row: &Row) -> String {
    let elsewhere = format!("is {}", row.note);
    let (state, advice) = match row.flag {
        Flag::Unreadable => ("cannot be read as a disk", "its findings say why"),
        _ if row.note == "not in store" => (
            "is not in the store",
            "give its folder as well, or find the file",
        ),
        _ => (&*elsewhere, "give its folder as well"),
    };
    format!(
        "{}, the parent of what stands below, {state}. Nothing below it can be read whole: {advice}.",
        row.full_name
    )
}

/// As a sentence begins.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}
