//! What deleting a snapshot would do: the answer first, then which file goes into which, then what is lost.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::plan::{Answer, Plan, Target};
use crate::report::page::plan as page;
use crate::report::row::why;
use crate::store::DiskId;
use crate::text::escape;
use crate::tui::app::{App, Asking, NOT_SAVED};
use crate::tui::command::Command;
use crate::tui::document;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::scrolled_to;
use crate::tui::message::{JobKind, News};
use crate::tui::screen::{Act, Screen, ScreenEntry, Typing};
use crate::tui::screens::details::explain;
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::text::Line;

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
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
    "explain" Explain in &[HERE], ["e"], 3 "explain", Look: "what the rule behind the verdict means";
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
        let work = JobRequest::Plan {
            forest: app.store.forest.clone(),
            assessment: app.store.assessment.clone(),
            compared: app.compared(),
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

    fn failed(&mut self, slot: JobKind, error: &str) {
        if slot == JobKind::Plan {
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
            Some(Answer::Pass) => {
                let plan = self.plan.as_ref().map(|(_, plan)| plan);
                if let Some(command) = plan.and_then(|plan| app.command_of_plan(plan)) {
                    return Act::Done(app.send(command));
                }
            }
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
        let plan = self.plan.as_ref().map(|(_, plan)| plan);
        let Some((plan, command)) = plan.and_then(|plan| Some((plan, app.command_of_plan(plan)?)))
        else {
            return Act::done();
        };
        let text = format!(
            "# {}: {}\n{command}",
            plan.answer.word(),
            escape(&plan.summary)
        );
        Act::Done(app.send(text))
    }

    /// The page of the plan.
    fn lines(&self, app: &App, width: u16) -> Vec<Line> {
        let mut lines = self.choice_line(app, width);
        match (&self.plan, &self.error) {
            (Some((_, plan)), _) => {
                let chains = plan.before.iter().chain(&plan.after).flatten();
                let others = plan.frozen.iter().chain(&plan.deleted).chain(&plan.breaks);
                let named: Vec<DiskId> = chains.chain(others).copied().collect();
                lines.extend(app.page(&named, width, |context| page::lines(context, plan)));
            }
            (None, Some(error)) => {
                // What stands instead of a plan, and what is to be said of the row.
                let said = app.row().map_or_else(String::new, |row| {
                    let (forest, assessment) = (&app.store.forest, &app.store.assessment);
                    app.shortened(why(forest, assessment, row, &app.settings.clock))
                });
                let error = escape(error);
                let error = format!("{}.", error.trim_end_matches('.'));
                let hint = "A plan is of a snapshot: choose a row that has one.";
                let hint = if app.settings.saved { "" } else { hint };
                for (role, text) in [
                    (Role::Text, &*error),
                    (Role::Text, &*said),
                    (Role::Dim, hint),
                ] {
                    let line = Line::of(role, format!(" {text}"));
                    if !text.is_empty() {
                        lines.extend(line.wrap(width.into(), 1));
                    }
                }
            }
            (None, None) => lines.push(Line::of(Role::Dim, " working it out ...")),
        }
        lines
    }

    /// Which of the disk's snapshots this is about, where there are several.
    fn choice_line(&self, app: &App, width: u16) -> Vec<Line> {
        let snapshots = app.snapshots();
        if snapshots.len() < 2 {
            return Vec::new();
        }
        let (store, chosen) = (&app.store, self.chosen(app));
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
        let keys = format!(
            "  {} {} the others",
            app.key_of(Command::Next),
            app.key_of(Command::Previous)
        );
        line.push(Role::Dim, keys);
        line.wrap(width.into(), 10)
    }
}
