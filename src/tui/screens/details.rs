//! A machine: its snapshots and time line. One disk: verdict with its witnesses, chain, header, allocation, findings.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::settle::can_be_settled;
use crate::report::page::disk as page;
use crate::report::page::machine;
use crate::report::{Row, RowKey, RowKind};
use crate::store::DiskId;
use crate::text::{Charset, Units, Zone, escape};
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::document;
use crate::tui::effect::{Effect, JobRequest};
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::list::scrolled_to;
use crate::tui::message::News;
use crate::tui::screen::{Act, Screen, ScreenEntry, TitleSubject};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::text::Line;

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
    view: VIEW,
    title: "Details",
    keys: KEYS,
    make: || Box::new(Details::default()),
};

/// Its name.
pub const VIEW: View = View("details");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "details" show in &[Any], ["2"], 0 "details", Look: "details: a disk's header, chain, evidence; a machine's snapshots and time line";
    "top" First in &[HERE], ["g"], 0 "first", Move: "first line";
    "explain" Explain in &[HERE], ["e"], 3 "explain", Look: "what the rule behind the verdict means";
};

/// What it is about, and how far its text is scrolled.
#[derive(Debug, Default)]
struct Details {
    of: Option<DetailsOf>,
    scroll: usize,
    /// Snapshots whose guests' clocks were asked for, by their place in the assessment.
    asked: BTreeSet<usize>,
    /// The page as it was made last, which is drawn as long as nothing it is made of changes: a group's may be long.
    page: Option<(PageMadeBy, Vec<Line>)>,
}

/// What a page is made by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PageMadeBy {
    of: Option<DetailsOf>,
    width: u16,
    units: Units,
    zone: Zone,
    charset: Charset,
    rows: u64,
}

impl Details {
    fn made_by(&self, app: &App, width: u16) -> PageMadeBy {
        PageMadeBy {
            of: self.of.clone(),
            width,
            units: app.units,
            zone: app.settings.clock.zone(),
            charset: app.settings.charset,
            rows: app.rows_made,
        }
    }

    /// The page, made anew where the last one is not it.
    fn lines(&self, app: &App, width: u16) -> Cow<'_, [Line]> {
        match &self.page {
            Some((by, page)) if *by == self.made_by(app, width) => Cow::Borrowed(page),
            _ => Cow::Owned(lines(app, self.of.as_ref(), width)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DetailsOf {
    Disk(DiskId),
    /// A machine, or a folder whose machine is not known.
    Group(RowKey),
}

impl Screen for Details {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        let lines = self.lines(app, area.width);
        if app.view == VIEW {
            document::draw(app, &lines, self.scroll, area, buffer);
        } else {
            let shown = lines.iter().skip(self.scroll);
            Line::paint_all(shown, buffer, area, &app.settings.theme);
        }
    }

    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        self.lines(app, width).into_owned()
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let count = || self.lines(app, area.width).len();
        if let Some(scroll) = scrolled_to(self.scroll, count(), area.height, command) {
            self.scroll = scroll;
            return Act::done();
        }
        match command {
            Command::Next | Command::Previous => app.along_chain(command == Command::Next),
            Command::Explain => explain(app),
            Command::SwapPane if app.view == VIEW => return Act::Show(View("map")),
            _ => return Act::Pass,
        }
        Act::done()
    }

    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        let group = app.row().filter(|row| row.kind() == RowKind::Group);
        let of = match group {
            Some(group) => Some(DetailsOf::Group(group.key.clone())),
            None => app.disk().map(DetailsOf::Disk),
        };
        if self.of != of {
            self.of = of;
            self.scroll = 0;
            app.dirty = true;
        }
        self.ask_clocks(app).into_iter().collect()
    }

    fn news(&mut self, _app: &mut App, news: &News) -> Vec<Effect> {
        if matches!(news, News::Prepared(_)) {
            self.asked.clear();
        }
        Vec::new()
    }

    fn subject(&self, app: &App) -> TitleSubject {
        match self.of {
            Some(DetailsOf::Group(_)) => TitleSubject::Disk(None),
            _ => TitleSubject::Disk(app.disk()),
        }
    }

    fn settle(&mut self, app: &App, area: Rect) {
        let by = self.made_by(app, area.width);
        if self.page.as_ref().is_none_or(|(last, _)| *last != by) {
            self.page = Some((by, lines(app, self.of.as_ref(), area.width)));
        }
        if self.scroll > 0 {
            let count = self.page.as_ref().map_or(0, |(_, page)| page.len());
            self.scroll = self.scroll.min(document::last_scroll(count, area));
        }
    }
}

impl Details {
    /// Asks for the guests' clocks where they may settle what the page says, once, and not beside another page.
    fn ask_clocks(&mut self, app: &mut App) -> Option<Effect> {
        if app.view != VIEW || app.settings.saved || app.scanning() {
            return None;
        }
        let (forest, assessment) = (&app.store.forest, &app.store.assessment);
        let disks: Vec<DiskId> = match self.of.as_ref()? {
            DetailsOf::Group(key) => group_rows(app, key)
                .iter()
                .filter_map(|row| row.disk)
                .collect(),
            DetailsOf::Disk(id) => vec![*id],
        };
        let line = disks.iter().flat_map(|id| forest.line(*id));
        let told = line.filter_map(|id| assessment.disk(id));
        let snapshots: BTreeSet<usize> = told
            .flat_map(|of| of.snapshots.iter().copied())
            .filter(|at| {
                let of = assessment.snapshots.get(*at);
                of.is_some_and(|of| can_be_settled(&of.verdict)) && !self.asked.contains(at)
            })
            .collect();
        if snapshots.is_empty() {
            return None;
        }
        let work = JobRequest::Clocks {
            forest: Arc::clone(forest),
            assessment: Arc::clone(assessment),
            compared: app.compared(),
            snapshots: snapshots.iter().copied().collect(),
        };
        self.asked.extend(snapshots);
        Some(app.start(work))
    }
}

/// What the row of the decision table means that the selected disk's verdict is by.
pub fn explain(app: &mut App) {
    let assessment = app.store.assessment.clone();
    let assessed = app.disk().and_then(|disk| assessment.disk(disk));
    let verdict = assessed
        .and_then(|of| of.above_of.or_else(|| of.snapshots.first().copied()))
        .and_then(|index| assessment.snapshots.get(index))
        .map(|assessed| &assessed.verdict);
    let Some(verdict) = verdict else {
        app.say("no verdict is about this disk");
        return;
    };
    let mut lines = vec![escape(&verdict.summary), String::new()];
    let rule = verdict.rule.code();
    lines.push(format!("{}: {}", rule.id, rule.title));
    lines.push(rule.why.to_owned());
    lines.push(rule.action.to_owned());
    if let Some(settle) = &verdict.would_settle {
        lines.push(String::new());
        lines.push(format!("What would settle it: {}", escape(settle)));
    }
    app.show_text(format!("Why: {}", rule.id), lines);
}

/// The page of a machine or a disk.
fn lines(app: &App, of: Option<&DetailsOf>, width: u16) -> Vec<Line> {
    let id = match of {
        None => return vec![Line::of(Role::Dim, " Nothing is selected.")],
        Some(DetailsOf::Group(key)) => return group(app, key, width),
        Some(DetailsOf::Disk(id)) => *id,
    };
    let forest = &app.store.forest;
    let below = forest.node(id).map_or(&[][..], |node| &node.children);
    let named: Vec<DiskId> = forest.line(id).chain(below.iter().copied()).collect();
    app.page(&named, width, |context| {
        page::lines(context, id, app.row_of(id))
    })
}

/// The row of a machine, and those below it.
fn group_rows<'a>(app: &'a App, key: &RowKey) -> &'a [Row] {
    let Some(first) = app.rows.iter().position(|row| row.key == *key) else {
        return &[];
    };
    let below = app
        .rows
        .get(first)
        .map_or(0, |row| row.descendants as usize);
    app.rows.get(first..=first + below).unwrap_or_default()
}

fn group(app: &App, key: &RowKey, width: u16) -> Vec<Line> {
    let rows = group_rows(app, key);
    let named: Vec<DiskId> = rows.iter().filter_map(|row| row.disk).collect();
    app.page(&named, width, |context| machine::lines(context, rows))
}
