//! What deleting a snapshot would do: the answer first, then which file goes into which, then what is lost.

use crate::analysis::plan::{Answer, Merge, Plan};
use crate::report::words;
use crate::store::DiskId;
use crate::text;
use crate::text::escape;
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::theme::Role;
use crate::tui::widget::text::Line;

/// The document of the plan, wrapped to a width.
pub fn lines(app: &App, width: u16) -> Vec<Line> {
    let mut page = Page {
        app,
        width: usize::from(width),
        lines: Vec::new(),
    };
    page.choice();
    match (&app.plan, &app.plan_error) {
        (Some((_, plan)), _) => page.plan(plan),
        (None, Some(error)) => page.text(Role::Text, 1, escape(error)),
        (None, None) => page.text(Role::Dim, 1, "working it out ..."),
    }
    page.lines
}

struct Page<'a> {
    app: &'a App,
    width: usize,
    lines: Vec<Line>,
}

impl Page<'_> {
    fn text(&mut self, role: Role, indent: usize, text: impl AsRef<str>) {
        let line = Line::of(Role::Text, " ".repeat(indent)).with(role, text.as_ref());
        self.lines.extend(line.wrap(self.width, indent));
    }

    fn labelled(&mut self, label: &str, role: Role, text: impl AsRef<str>) {
        let line = Line::of(Role::Heading, format!(" {label:<8} ")).with(role, text.as_ref());
        self.lines.extend(line.wrap(self.width, 10));
    }

    fn list<'t>(&mut self, label: &str, items: impl Iterator<Item = &'t str>) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        self.lines
            .push(Line::of(Role::Heading, format!(" {label}")));
        for item in items {
            let line = Line::of(Role::Text, "   - ").with(Role::Text, self.told(item));
            self.lines.extend(line.wrap(self.width, 5));
        }
    }

    /// The name of a disk as the tree shows it.
    fn name(&self, id: DiskId) -> String {
        self.app.name_of(id)
    }

    /// The whole name of a disk: what goes into what is never said in short.
    fn whole_name(&self, id: DiskId) -> String {
        let disk = self.app.store.forest.disk(id);
        disk.map_or_else(|| "?".to_owned(), |disk| text::file_name(&disk.path))
    }

    /// A text of the plan, escaped, with the names of the tree.
    fn told(&self, text: &str) -> String {
        self.app.shortened(escape(text))
    }

    fn size(&self, id: DiskId) -> String {
        let disk = self.app.store.forest.disk(id);
        disk.map_or_else(String::new, |disk| text::size(disk.file.len))
    }

    /// Which of the disk's snapshots this is about, where there are several.
    fn choice(&mut self) {
        let snapshots = self.app.snapshots();
        if snapshots.len() < 2 {
            return;
        }
        let store = &self.app.store;
        let chosen = self.app.chosen();
        let mut line = Line::of(
            Role::Heading,
            format!(" SNAPSHOT {} of {} ", chosen + 1, snapshots.len()),
        );
        for (place, index) in snapshots.iter().enumerate() {
            let assessed = store.assessment.snapshots.get(*index);
            let known = assessed.and_then(|of| store.forest.snapshot(of.snapshot?));
            let name = known.and_then(|known| known.name.as_deref());
            let name = name.map_or_else(
                || "(unnamed)".to_owned(),
                |name| format!("\"{}\"", escape(name)),
            );
            if place == chosen {
                line.push(Role::Selected, format!(">{name}"));
                line.push(Role::Text, " ");
            } else {
                line.push(Role::Dim, format!(" {name} "));
            }
        }
        let key = |command| {
            let keymap = &self.app.settings.keymap;
            keymap.key_of(command, self.app.settings.charset)
        };
        let keys = format!(
            "  {} {} the others",
            key(Command::NextProblem),
            key(Command::PrevProblem)
        );
        line.push(Role::Dim, keys);
        self.lines.extend(line.wrap(self.width, 10));
    }

    fn plan(&mut self, plan: &Plan) {
        let (word, role) = match plan.answer {
            Answer::Refuse => ("! REFUSE", Role::Error),
            Answer::CannotTell => ("? CANNOT TELL", Role::Unsure),
            Answer::Pass => ("PASS", Role::Ok),
        };
        let line = Line::of(role, format!(" {word}  ")).with(Role::Text, self.told(&plan.summary));
        self.lines.extend(line.wrap(self.width, 2));
        for reason in &plan.reasons {
            let sign = if reason.accepted {
                "accepted"
            } else {
                reason.answer.word()
            };
            let role = match reason.answer {
                Answer::Refuse => Role::Error,
                Answer::CannotTell | Answer::Pass => Role::Unsure,
            };
            let mut line = Line::of(role, format!("   {sign}: "))
                .with(Role::Dim, format!("[{}] ", reason.code.id));
            // The summary mostly is the first reason's sentence; once is enough.
            if !plan.summary.contains(&reason.text) {
                line.push(Role::Text, self.told(&reason.text));
            }
            self.lines.extend(line.wrap(self.width, 5));
        }
        self.labelled("DELETE", Role::Text, self.target(plan));
        for merge in &plan.merges {
            self.merge(merge);
        }
        for id in &plan.deleted {
            let text = format!(
                "{}  {}  deleted, not merged: nothing else needs it",
                self.name(*id),
                self.size(*id)
            );
            self.labelled("DELETED", Role::Text, text);
        }
        for id in &plan.freed {
            let text = format!(
                "{}  {}  goes after the merge",
                self.name(*id),
                self.size(*id)
            );
            self.labelled("FREED", Role::Text, text);
        }
        for id in &plan.breaks {
            self.labelled(
                "BREAKS",
                Role::Error,
                format!("{}  cannot be opened any more", self.name(*id)),
            );
        }
        self.chains("BEFORE", &plan.before);
        self.chains("AFTER", &plan.after);
        if !plan.ends_in.is_empty() {
            self.labelled("ENDS IN", Role::Text, self.told(&plan.ends_in));
        }
        self.list(
            "ALREADY GONE, BEFORE ANY DELETE",
            plan.already_lost.iter().map(String::as_str),
        );
        self.list(
            "LOST FOR GOOD BY THE DELETE",
            plan.lost.iter().map(|loss| loss.text.as_str()),
        );
        if let Some(verdict) = &plan.verdict {
            let text = format!(
                "{}  {}",
                words::reverted(verdict.reverted),
                super::details::tally(&verdict.evidence)
            );
            self.labelled("EVIDENCE", super::details::role_of(verdict), text);
            let told = plan
                .reasons
                .iter()
                .any(|reason| reason.text.starts_with(&verdict.summary));
            if !told {
                self.labelled("", Role::Text, self.told(&verdict.summary));
            }
        }
        self.list(
            "HOW THE ENGINE GOES ABOUT IT",
            plan.engine_notes.iter().map(String::as_str),
        );
        self.list("DO FIRST", plan.do_first.iter().map(String::as_str));
        if !plan.not_checked.is_empty() {
            let questions = words::unchecked(&plan.not_checked);
            self.labelled("NOT CHECKED", Role::Unsure, questions);
        }
        self.lines.push(Line::new());
        self.text(
            Role::Dim,
            1,
            "vhdtree never changes a disk; the delete itself is done in your hypervisor.",
        );
        self.text(Role::Dim, 1, format!("state token {}", plan.state_token));
    }

    /// What would be deleted, and by whose rules.
    fn target(&self, plan: &Plan) -> String {
        let forest = &self.app.store.forest;
        let known = plan
            .snapshot
            .and_then(|at| forest.snapshot(self.app.store.assessment.snapshots.get(at)?.snapshot?));
        let what = if let Some(name) = known.and_then(|known| known.name.as_deref()) {
            format!("the snapshot \"{}\"", escape(name))
        } else {
            let names: Vec<String> = plan.frozen.iter().map(|id| self.name(*id)).collect();
            format!("the unnamed snapshot of {}", names.join(", "))
        };
        let machine = plan.machine.and_then(|id| forest.machine(id));
        let of = machine.map_or(String::new(), |machine| {
            format!(" of {}", escape(&machine.name))
        });
        format!(
            "{what}{of}, by the rules of {}",
            words::product_name(plan.product)
        )
    }

    fn merge(&mut self, merge: &Merge) {
        self.labelled(
            "MERGE",
            Role::Text,
            format!("{}  {}", self.whole_name(merge.from), self.size(merge.from)),
        );
        self.labelled(
            "INTO",
            Role::Text,
            format!("{}  {}", self.whole_name(merge.into), self.size(merge.into)),
        );
        let moves = format!(
            "{} of changed sectors in {} (at worst {} written)",
            text::size(merge.bytes),
            text::many(merge.blocks, "block"),
            text::size(merge.bytes_max)
        );
        self.labelled("MOVES", Role::Text, moves);
        let free = merge.free.map_or_else(
            || "free space unknown".to_owned(),
            |free| format!("{} free", text::size(free)),
        );
        let tight = merge.free.is_some_and(|free| free < merge.grow_max);
        let space = format!(
            "{} grows by up to {}; {free}",
            self.name(merge.into),
            text::size(merge.grow_max)
        );
        self.labelled("SPACE", if tight { Role::Error } else { Role::Text }, space);
    }

    fn chains(&mut self, label: &str, chains: &[Vec<DiskId>]) {
        for (index, chain) in chains.iter().enumerate() {
            let names: Vec<String> = chain.iter().map(|id| self.name(*id)).collect();
            self.labelled(
                if index == 0 { label } else { "" },
                Role::Text,
                names.join(" <- "),
            );
        }
    }
}
