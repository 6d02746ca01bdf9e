//! What deleting a snapshot would do: the answer first, then which file goes into which, then what is lost.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::plan::{Answer, Merge, Plan, Target};
use crate::report::words;
use crate::store::DiskId;
use crate::text;
use crate::text::escape;
use crate::tui::app::{App, Asking, NOT_SAVED};
use crate::tui::command::Command;
use crate::tui::document;
use crate::tui::effect::{Effect, Work};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::scrolled_to;
use crate::tui::message::{News, Slot};
use crate::tui::roles::of_verdict;
use crate::tui::screen::{Act, Entry, Screen, Typing};
use crate::tui::screens::details::{explain, tally};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::text::Line;

/// Its row of the table of screens.
pub const ENTRY: Entry = Entry {
    view: VIEW,
    title: "Plan",
    keys: KEYS,
    make: || Box::new(PlanScreen::default()),
};

const VIEW: View = View("plan");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "plan" show in &[Any], ["d" "5"], 6 "plan", Look: "what a delete of this snapshot would do; nothing is deleted";
    "top" First in &[HERE], ["g"], 0 "first", Move: "first line";
    "explain" Explain in &[HERE], ["e"], 3 "explain", Look: "what the decision table's row means";
};

/// The plan of the selected disk.
#[derive(Debug, Default)]
struct PlanScreen {
    /// Of which disk, and what.
    plan: Option<(PathBuf, Arc<Plan>)>,
    /// Which of the disk's snapshots it is about, where there are several: which disk, and a place in [`App::snapshots`].
    choice: Option<(PathBuf, usize)>,
    /// Why there is none.
    error: Option<String>,
    /// First line shown.
    scroll: usize,
}

impl Screen for PlanScreen {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        document::draw(app, &self.lines(app, area.width), self.scroll, area, buffer);
    }

    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        self.lines(app, width)
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let count = self.lines(app, area.width).len();
        if let Some(scroll) = scrolled_to(self.scroll, count, area.height, command) {
            self.scroll = scroll;
            return Act::done();
        }
        match command {
            Command::Next | Command::Previous => {
                return Act::Done(self.step(app, command == Command::Next));
            }
            Command::Explain => explain(app),
            Command::CopyCommand => return self.copy(app),
            _ => return Act::Pass,
        }
        Act::done()
    }

    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let (Some(disk), Some(path)) = (app.disk(), app.disk_path()) else {
            return Vec::new();
        };
        if self
            .plan
            .as_ref()
            .is_some_and(|(planned, _)| *planned == path)
        {
            return Vec::new();
        }
        self.plan = None;
        self.error = None;
        self.scroll = 0;
        app.dirty = true;
        if app.settings.saved {
            self.error = Some(NOT_SAVED.to_owned());
            return Vec::new();
        }
        let snapshot = app.snapshots().get(self.chosen(app)).copied();
        let work = Work::Plan {
            forest: app.store.forest.clone(),
            assessment: app.store.assessment.clone(),
            target: snapshot.map_or(Target::Disk(disk), Target::Snapshot),
        };
        vec![app.start(work)]
    }

    fn news(&mut self, app: &mut App, news: &News) -> Vec<Effect> {
        match news {
            News::Plan(plan) => {
                self.plan = app.disk_path().map(|path| (path, Arc::clone(plan)));
                app.dirty = true;
            }
            // Ids of the old forest mean nothing in the new one.
            News::Prepared(_) if app.store.forest.complete => self.plan = None,
            _ => {}
        }
        Vec::new()
    }

    fn failed(&mut self, slot: Slot, error: &str) {
        if slot == Slot::Plan {
            self.error = Some(error.to_owned());
        }
    }

    fn settle(&mut self, app: &App, area: Rect) {
        if self.scroll > 0 {
            let count = self.lines(app, area.width).len();
            self.scroll = self.scroll.min(document::last_scroll(count, area));
        }
    }

    fn typed(&mut self, app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
        if (asking, how) == (Asking::Confirm, Typing::Done) {
            return self.confirmed(app, text);
        }
        Act::Pass
    }

    fn verb(&self) -> &'static str {
        VIEW.0
    }
}

impl PlanScreen {
    /// The place in [`App::snapshots`] that the plan is about.
    fn chosen(&self, app: &App) -> usize {
        match &self.choice {
            Some((path, place)) if app.disk_path().as_ref() == Some(path) => {
                (*place).min(app.snapshots().len().saturating_sub(1))
            }
            _ => 0,
        }
    }

    /// The plan of the disk's next snapshot; after its last one, of the next disk of the chain.
    fn step(&mut self, app: &mut App, forward: bool) -> Vec<Effect> {
        let (at, all) = (self.chosen(app), app.snapshots().len());
        let next = if forward {
            Some(at + 1).filter(|next| *next < all)
        } else {
            at.checked_sub(1)
        };
        let (Some(next), Some(path)) = (next, app.disk_path()) else {
            app.along_chain(forward);
            return Vec::new();
        };
        self.choice = Some((path, next));
        self.plan = None;
        self.follow(app)
    }

    /// The plan's command: freely if nothing speaks against it, else only after the name was typed.
    fn copy(&self, app: &mut App) -> Act {
        match self.plan.as_ref().map(|(_, plan)| plan.answer) {
            None => app.say("there is no plan here"),
            Some(Answer::Pass) => return Act::Pass,
            Some(Answer::Refuse | Answer::CannotTell) => {
                let label = format!(
                    " not a pass: type {} to take the command anyway: ",
                    app.group_name()
                );
                app.ask(Asking::Confirm, label, Prompt::default());
            }
        }
        Act::done()
    }

    /// The name was typed: the command goes with the verdict as a comment above it.
    fn confirmed(&self, app: &mut App, typed: &str) -> Act {
        let name = app.group_name();
        if typed != name {
            app.say(format!("that is not {name}: nothing was sent"));
            return Act::done();
        }
        let Some(((_, plan), command)) = self.plan.as_ref().zip(app.command_line(VIEW.0)) else {
            return Act::done();
        };
        let text = format!(
            "# {}: {}\n{command}",
            plan.answer.word(),
            escape(&plan.summary)
        );
        Act::Done(app.send(text))
    }

    /// The document of the plan, wrapped to a width.
    fn lines(&self, app: &App, width: u16) -> Vec<Line> {
        let mut page = Page {
            app,
            width: usize::from(width),
            lines: Vec::new(),
        };
        page.choice(self.chosen(app));
        match (&self.plan, &self.error) {
            (Some((_, plan)), _) => page.plan(plan),
            (None, Some(error)) => page.text(Role::Text, 1, escape(error)),
            (None, None) => page.text(Role::Dim, 1, "working it out ..."),
        }
        page.lines
    }
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
        disk.map_or_else(String::new, |disk| self.app.units.size(disk.file.len))
    }

    /// Which of the disk's snapshots this is about, where there are several.
    fn choice(&mut self, chosen: usize) {
        let snapshots = self.app.snapshots();
        if snapshots.len() < 2 {
            return;
        }
        let store = &self.app.store;
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
            key(Command::Next),
            key(Command::Previous)
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
                tally(&verdict.evidence)
            );
            self.labelled("EVIDENCE", of_verdict(verdict), text);
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
        let app = self.app;
        let size = |bytes| app.units.size(bytes);
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
            size(merge.bytes),
            text::many(merge.blocks, "block"),
            size(merge.bytes_max)
        );
        self.labelled("MOVES", Role::Text, moves);
        let free = merge.free.map_or_else(
            || "free space unknown".to_owned(),
            |free| format!("{} free", size(free)),
        );
        let tight = merge.free.is_some_and(|free| free < merge.grow_max);
        let space = format!(
            "{} grows by up to {}; {free}",
            self.name(merge.into),
            size(merge.grow_max)
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
