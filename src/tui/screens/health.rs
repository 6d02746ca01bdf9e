//! Every finding of the store, worst first, and what the selected one means.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::finding::Severity;
use crate::report::findings::PlacedFinding;
use crate::report::page::Page;
use crate::report::page::finding::{brief, meaning, severity_role, whole};
use crate::text::{self, Overlong, escape};
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::Context::{self, Any};
use crate::tui::keymap::{Binding, bindings};
use crate::tui::layout::band;
use crate::tui::list::stepped;
use crate::tui::message::News;
use crate::tui::screen::{Act, Screen, ScreenEntry, TitleSubject, Typing};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::rows::{Focus, draw_rows, scrolled};
use crate::tui::widget::text::{Line, clip, clip_middle, pad};

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
    view: VIEW,
    title: "Health",
    keys: KEYS,
    make: || Box::new(Health::default()),
};

const VIEW: View = View("health");

const HERE: Context = Context::View(VIEW);

const KEYS: &[Binding] = bindings! {
    "health" show in &[Any], ["c" "6"], 7 "health", Look: "every finding of the store";
    "top" First in &[HERE], ["g"], 0 "first", Move: "first finding";
    "open" Open in &[HERE], ["Enter"], 2 "open", Look: "the disk of this finding";
    "search" Search in &[HERE], ["/"], 8 "find", Find: "search the findings";
    "search-next" SearchNext in &[HERE], ["n"], 0 "next match", Find: "next match";
    "search-previous" SearchPrev in &[HERE], ["N"], 0 "previous match", Find: "previous match";
    "severity" own in &[HERE], ["f"], 3 "severity", Find: "show all, warnings and errors, errors only";
    "hide" own in &[HERE], ["x"], 4 "hide code", Find: "hide this code in this store";
    "unhide" own in &[HERE], ["a"], 0 "show hidden", Find: "show the hidden codes again";
    "explain" Explain in &[HERE], ["e"], 3 "explain", Look: "all of this finding";
};

/// Which of the store's findings are shown, and which is selected.
#[derive(Debug)]
struct Health {
    /// Indexes of those shown.
    shown: Vec<usize>,
    /// The selected one of those.
    cursor: usize,
    /// First one on the screen.
    scroll: usize,
    /// The least severity shown.
    least: Severity,
    /// The selected one itself, to find it again in a newer store.
    kept: Option<PlacedFinding>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            cursor: 0,
            scroll: 0,
            least: Severity::Info,
            kept: None,
        }
    }
}

impl Screen for Health {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let theme = &app.settings.theme;
        self.summary(app).paint(buffer, area, theme);
        let (list, text) = parts(area, self.shown.len());
        let cursor = (self.cursor, Focus::Here);
        draw_rows(buffer, list, theme, self.scroll, cursor, |place| {
            Some(row(app, self.at(app, place)?, usize::from(list.width)))
        });
        if self.shown.is_empty() && list.height > 0 {
            let words = if app.findings.is_empty() {
                " No findings: nothing is wrong or notable."
            } else {
                " All findings are hidden: a shows hidden codes, f changes the severity."
            };
            Line::of(Role::Dim, words).paint(buffer, list, theme);
        }
        if let Some(item) = self.item(app) {
            let glyphs = app.settings.charset.glyphs();
            let title = format!("{} {} ", glyphs.rule.repeat(2), item.finding.code.id);
            let mut lines = vec![Line::of(Role::Border, title)];
            lines.extend(about(item, usize::from(text.width)));
            Line::paint_all(&lines, buffer, text, theme);
        }
    }

    /// Every finding, hidden ones included.
    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        let mut lines = vec![self.summary(app)];
        let mut page = Page::new(width.into(), Overlong::Keep);
        for item in &app.findings {
            brief(&mut page, &item.finding, Some(&item.path));
            meaning(&mut page, item.finding.code);
            page.blank();
        }
        lines.extend(page.into_lines());
        lines
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        let page = usize::from(parts(area, self.shown.len()).0.height);
        if let Some(cursor) = stepped(self.cursor, self.shown.len(), page, command) {
            self.select(app, cursor);
            return Act::done();
        }
        match command {
            Command::Open => return self.open(app),
            Command::Explain => self.explain(app),
            Command::Search => app.ask(Asking::Search, " find: ", Prompt::default()),
            Command::SearchNext | Command::SearchPrev => {
                self.search(app, command == Command::SearchNext);
            }
            Command::Own("severity") => {
                self.least = match self.least {
                    Severity::Info => Severity::Warning,
                    Severity::Warning => Severity::Error,
                    Severity::Error => Severity::Info,
                };
                self.filter(app);
            }
            Command::Own("hide") => {
                if let Some(item) = self.item(app) {
                    app.hidden.insert(item.finding.code.id.to_owned());
                }
                self.filter(app);
            }
            Command::Own("unhide") => {
                app.hidden.clear();
                self.filter(app);
            }
            Command::CopyCommand => {
                let line = app.command_of_store("check");
                return Act::Done(app.send(line));
            }
            _ => return Act::Pass,
        }
        Act::done()
    }

    fn follow(&mut self, app: &mut App) -> Vec<Effect> {
        self.filter(app);
        Vec::new()
    }

    fn news(&mut self, app: &mut App, news: &News) -> Vec<Effect> {
        if matches!(news, News::Prepared(_)) {
            self.filter(app);
        }
        Vec::new()
    }

    fn settle(&mut self, _app: &App, area: Rect) {
        let height = usize::from(parts(area, self.shown.len()).0.height);
        self.scroll = scrolled(self.scroll, self.cursor, self.shown.len(), height);
    }

    fn click(&mut self, app: &mut App, area: Rect, _column: u16, row: u16) -> Act {
        let list = parts(area, self.shown.len()).0;
        let line = (area.y + row).checked_sub(list.y);
        let Some(line) = line.filter(|line| *line < list.height) else {
            return Act::Pass;
        };
        let place = self.scroll + usize::from(line);
        if place < self.shown.len() {
            if place == self.cursor {
                return self.open(app);
            }
            self.select(app, place);
        }
        Act::done()
    }

    fn typed(&mut self, app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
        if (asking, how) == (Asking::Search, Typing::Done) {
            if !text.is_empty() {
                text.clone_into(&mut app.search);
            }
            self.search(app, true);
        }
        Act::done()
    }

    fn subject(&self, _app: &App) -> TitleSubject {
        TitleSubject::Store
    }

    fn aside(&self, app: &App) -> Vec<String> {
        let hidden = |item: &&PlacedFinding| app.hidden.contains(item.finding.code.id);
        let hidden = app.findings.iter().filter(hidden).count();
        if hidden == 0 {
            return Vec::new();
        }
        let key = app.key_of(Command::Own("unhide"));
        vec![format!("{hidden} hidden: {key} shows")]
    }
}

impl Health {
    /// Works out which are shown, the selected one staying selected.
    fn filter(&mut self, app: &App) {
        let shows = |item: &PlacedFinding| {
            item.finding.code.severity >= self.least && !app.hidden.contains(item.finding.code.id)
        };
        self.shown = (0..app.findings.len())
            .filter(|index| app.findings.get(*index).is_some_and(shows))
            .collect();
        let same = |index: &usize| app.findings.get(*index) == self.kept.as_ref();
        if let Some(place) = self.shown.iter().position(same) {
            self.cursor = place;
        }
        self.select(app, self.cursor.min(self.shown.len().saturating_sub(1)));
    }

    fn select(&mut self, app: &App, place: usize) {
        self.cursor = place;
        self.kept = self.item(app).cloned();
    }

    fn at<'a>(&self, app: &'a App, place: usize) -> Option<&'a PlacedFinding> {
        app.findings.get(*self.shown.get(place)?)
    }

    fn item<'a>(&self, app: &'a App) -> Option<&'a PlacedFinding> {
        self.at(app, self.cursor)
    }

    /// To the disk of the selected finding.
    fn open(&self, app: &mut App) -> Act {
        let path = self.item(app).map(|item| item.path.clone());
        if let Some(disk) = path.and_then(|path| app.find(&path)) {
            app.reveal(disk);
            return Act::Show(View::HOME);
        }
        app.say("this file is no disk of the tree");
        Act::done()
    }

    /// All of the selected finding, where its part of the screen is too small for it.
    fn explain(&self, app: &mut App) {
        let Some(item) = self.item(app) else {
            app.say("there is no finding here");
            return;
        };
        let (code, lines) = (item.finding.code.id, about(item, app.size.0.into()));
        app.show_text(code, lines.iter().map(Line::plain).collect());
    }

    fn search(&mut self, app: &mut App, forward: bool) {
        let wanted = app.search.to_lowercase();
        let matches = |place: &usize| {
            self.at(app, *place).is_some_and(|item| {
                let text = format!(
                    "{} {} {}",
                    item.finding.code.id,
                    item.path.display(),
                    item.finding.text
                );
                text.to_lowercase().contains(&wanted)
            })
        };
        let (from, len) = (self.cursor, self.shown.len());
        let found = if forward {
            (from + 1..len).chain(0..len.min(from + 1)).find(matches)
        } else {
            (0..from).rev().chain((from..len).rev()).find(matches)
        };
        match found {
            Some(place) => self.select(app, place),
            None => app.say(format!("no match for {}", app.search)),
        }
    }

    fn summary(&self, app: &App) -> Line {
        let mut counts = BTreeMap::new();
        for item in &app.findings {
            *counts.entry(item.finding.code.severity).or_insert(0_u64) += 1;
        }
        let many = |severity, one: &str| {
            let number = counts.get(&severity).copied().unwrap_or(0);
            crate::text::many(number, one)
        };
        let least = match self.least {
            Severity::Info => "all",
            Severity::Warning => "warnings and errors",
            Severity::Error => "errors only",
        };
        Line::of(
            Role::Heading,
            format!(
                " {}  {}  {}",
                many(Severity::Error, "error"),
                many(Severity::Warning, "warning"),
                many(Severity::Info, "note")
            ),
        )
        .with(Role::Dim, format!("   shown: {least}"))
    }
}

/// The list of so many findings and the text of the selected one, which gets what the list does not need.
fn parts(body: Rect, findings: usize) -> (Rect, Rect) {
    let rows = body.height.saturating_sub(1);
    let least = if rows >= 12 {
        rows / 2
    } else {
        (rows / 3).min(3)
    };
    let wanted = u16::try_from(findings).unwrap_or(u16::MAX).max(1);
    let list = band(body, body.y + 1.min(body.height), wanted.min(rows - least));
    (list, band(body, list.bottom(), rows - list.height))
}

fn row(app: &App, item: &PlacedFinding, width: usize) -> Line {
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let code = &item.finding.code;
    let name_width = if width < 70 { 18 } else { 26 };
    let mut line = Line::of(
        severity_role(code.severity),
        format!(" {:<7} ", code.severity.word()),
    );
    // The code stands in the heading below; what it means is worth the room first.
    if width >= 120 {
        line.push(Role::Text, format!("{} ", pad(code.id, 26)));
    }
    let name = clip_middle(&place(app, item), name_width, ellipsis);
    line.push(Role::Text, format!("{} ", pad(&name, name_width)));
    let left = width.saturating_sub(line.width());
    line.push(Role::Dim, clip(&escape(&item.finding.text), left, ellipsis));
    line
}

/// The disk of a finding as the tree shows it, behind its machine or folder.
fn place(app: &App, item: &PlacedFinding) -> String {
    let row = app.find(&item.path).and_then(|id| app.row_of(id));
    let Some(row) = row else {
        return text::file_name(&item.path);
    };
    let group = app.group_of(row);
    let group = group.name.rsplit('/').next().unwrap_or(&group.name);
    if group == "." || row.name.contains('/') {
        row.name.clone()
    } else {
        format!("{group}/{}", row.name)
    }
}

/// What a finding means.
fn about(item: &PlacedFinding, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, Overlong::Cut);
    whole(&mut page, &item.finding, &item.path);
    page.into_lines()
}
