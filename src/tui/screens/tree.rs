//! The tree: a row per file, columns by the width; folding, sorting, marking, searching.

mod keys;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::columns::{Column, Fitted, Style, cell, fit};
use crate::report::row::{Direction, Only, prefix};
use crate::report::{Flag, Now, Row, RowKey, RowKind};
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::message::Slot;
use crate::tui::screen::{Act, Entry, Screen, Subject, Typing};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::rows::{Focus, draw_rows, scrolled};
use crate::tui::widget::text::{Line, clip, clip_middle, pad, pad_left};

/// Columns before a name: cursor, fold, mark, now, and blanks.
const MARGIN: usize = 6;
/// A name up to this width, in columns, is shown whole before its labels: a GUID's first part and an extension fit.
const SHORT_NAME: usize = 20;

/// Its row of the table of screens.
pub const ENTRY: Entry = Entry {
    view: VIEW,
    title: "Tree",
    keys: keys::KEYS,
    make: || Box::new(Tree::default()),
};

const VIEW: View = View::HOME;

/// The tree's own state. Rows and cursor are what all screens share.
#[derive(Debug, Default)]
struct Tree {
    /// First row on the screen.
    scroll: usize,
}

impl Screen for Tree {
    fn draw(&self, app: &App, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let sheet = Sheet::of(app, area.width);
        sheet.heading().paint(buffer, area, &app.settings.theme);
        let body = body(area);
        let focus = if app.acting() == VIEW {
            Focus::Here
        } else {
            Focus::Away
        };
        let cursor = (!app.shown.is_empty()).then_some((app.cursor, focus));
        draw_rows(
            buffer,
            body,
            &app.settings.theme,
            self.scroll,
            cursor,
            app.shown.len(),
            |place| sheet.line(place),
        );
        if app.shown.is_empty() && body.height > 0 {
            let words = match (app.scanning(), app.options.filter.is_empty()) {
                (true, _) => " reading ...",
                (false, true) => " No virtual disk was found below the folders given.",
                (false, false) => " Nothing matches the filter. Esc lifts it.",
            };
            Line::of(Role::Dim, words).paint(buffer, body, &app.settings.theme);
        }
    }

    /// Every row, folded ones included.
    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        let sheet = Sheet::of(app, width);
        let mut lines = vec![sheet.heading()];
        lines.extend((0..app.rows.len()).map(|index| sheet.row(index)));
        lines
    }

    fn run(&mut self, app: &mut App, command: Command, area: Rect) -> Act {
        keys::run(app, command, usize::from(body(area).height))
    }

    fn settle(&mut self, app: &App, area: Rect) {
        let height = usize::from(body(area).height);
        self.scroll = scrolled(self.scroll, app.cursor, app.shown.len(), height);
    }

    fn click(&mut self, app: &mut App, area: Rect, _column: u16, row: u16) -> Act {
        let Some(line) = row.checked_sub(area.height - body(area).height) else {
            return Act::Pass;
        };
        let place = self.scroll + usize::from(line);
        if place >= app.shown.len() {
            return Act::Pass;
        }
        if place == app.cursor {
            return keys::open(app);
        }
        app.cursor = place;
        Act::done()
    }

    fn typed(&mut self, app: &mut App, asking: Asking, text: &str, how: Typing) -> Act {
        keys::typed(app, asking, text, how)
    }

    fn subject(&self, _app: &App) -> Subject {
        Subject::Store
    }

    fn aside(&self, app: &App) -> Vec<String> {
        let mut parts = Vec::new();
        if !app.options.filter.is_empty() {
            parts.push(format!(
                "filter: {}, {} of {} {}",
                app.options.filter,
                app.groups.1,
                app.groups.0,
                groups_word(app)
            ));
        }
        if app.options.only == Only::Problems {
            parts.push("problems only".to_owned());
        }
        if app.runs(Slot::Watch) {
            parts.push("watching".to_owned());
        }
        let reversed = if app.options.direction == Direction::Reversed {
            " reversed"
        } else {
            ""
        };
        parts.push(format!("sort: {}{reversed}", app.options.sort.word()));
        parts
    }
}

/// The rows' part, below the headings.
fn body(area: Rect) -> Rect {
    let head = 1.min(area.height);
    Rect {
        y: area.y + head,
        height: area.height - head,
        ..area
    }
}

/// What the rows at the top of the tree are.
fn groups_word(app: &App) -> &'static str {
    let machines = app.store.forest.machines.len();
    if machines == 0 {
        "folders"
    } else if machines == app.groups.0 {
        "VMs"
    } else {
        "VMs and folders"
    }
}

struct Sheet<'a> {
    app: &'a App,
    columns: Vec<Fitted>,
    style: Style,
}

impl<'a> Sheet<'a> {
    fn of(app: &'a App, width: u16) -> Self {
        let (columns, time) = fit(width);
        let style = Style {
            units: app.units,
            clock: app.settings.clock.clone(),
            charset: app.settings.charset,
            time,
        };
        Self {
            app,
            columns,
            style,
        }
    }

    fn heading(&self) -> Line {
        let mut line = Line::of(Role::Heading, " ");
        for fitted in &self.columns {
            let width = usize::from(fitted.width);
            let heading = fitted.column.heading();
            let text = match fitted.column {
                Column::Name => pad(heading, width.saturating_sub(1)),
                column if column.is_number() => pad_left(heading, width),
                _ => pad(heading, width),
            };
            line.push(Role::Heading, format!("{text} "));
        }
        line
    }

    fn line(&self, place: usize) -> Line {
        self.app
            .shown
            .get(place)
            .map(|index| self.row(*index as usize))
            .unwrap_or_default()
    }

    fn row(&self, index: usize) -> Line {
        let Some(row) = self.app.rows.get(index) else {
            return Line::new();
        };
        let mut line = Line::new();
        let ellipsis = self.style.charset.glyphs().ellipsis;
        for fitted in &self.columns {
            let width = usize::from(fitted.width);
            match fitted.column {
                Column::Name => self.name(&mut line, row, index, width),
                Column::Verdict => {
                    line.push(
                        role(row.flag),
                        clip(&cell(Column::Verdict, row, &self.style), width, ellipsis),
                    );
                }
                column => {
                    let text = cell(column, row, &self.style);
                    // A number that was cut would be a wrong number.
                    let text = if text.len() > width && column.is_number() {
                        "#".repeat(width)
                    } else {
                        clip(&text, width, ellipsis)
                    };
                    let text = if column.is_number() {
                        pad_left(&text, width)
                    } else {
                        pad(&text, width)
                    };
                    line.push(
                        if row.kind == RowKind::Group {
                            Role::Dim
                        } else {
                            Role::Text
                        },
                        format!("{text} "),
                    );
                }
            }
        }
        line
    }

    /// Margin, lines, name, snapshots, NOW, notes; cut so that what tells two names apart stays.
    fn name(&self, line: &mut Line, row: &Row, index: usize, width: usize) {
        let glyphs = self.style.charset.glyphs();
        let start = line.width();
        let folded = self.app.folded.contains(&row.key);
        let fold = match (row.descendants > 0, folded) {
            (true, true) => glyphs.folds[1],
            (true, false) if row.kind == RowKind::Group => glyphs.folds[0],
            _ => " ",
        };
        let marked = matches!(&row.key, RowKey::Disk(path) if self.app.marks.contains(path));
        if row.kind == RowKind::Group {
            line.push(Role::Text, format!(" {fold} "));
            let name = clip_middle(&row.name, width.saturating_sub(3), glyphs.ellipsis);
            line.push(Role::Heading, name);
            self.labels(line, row, start, width);
        } else {
            let sign = match row.kind {
                RowKind::MissingParent if row.now == Now::No => "?",
                RowKind::Error => "!",
                _ => row.now.sign(glyphs),
            };
            let sign = if sign.is_empty() { " " } else { sign };
            line.push(Role::Text, format!(" {fold}"));
            line.push(
                Role::Marked,
                if marked {
                    self.app.settings.charset.glyphs().mark
                } else {
                    " "
                },
            );
            line.push(
                if row.now == Now::No {
                    role(row.flag)
                } else {
                    Role::Now
                },
                sign,
            );
            line.push(Role::Text, " ".repeat(MARGIN - 4));
            let levels = u32::try_from(width.saturating_sub(MARGIN + 14) / 3)
                .unwrap_or(0)
                .clamp(2, 12);
            line.push(Role::Border, prefix(&self.app.rows, index, glyphs, levels));
            let used = line.width() - start;
            let name = if self.app.units == crate::text::Units::Bytes {
                &row.full_name
            } else {
                &row.name
            };
            let room = width.saturating_sub(used);
            let wanted = labels_width(row);
            // A short name is never cut for its labels: it may be all that tells two disks apart. A long one leaves
            // them a third.
            let kept = if name.width() <= SHORT_NAME {
                room
            } else {
                room.saturating_sub(wanted.min(room / 3))
                    .max(room.min(SHORT_NAME))
            };
            let name = clip_middle(name, kept, glyphs.ellipsis);
            line.push(if marked { Role::Marked } else { Role::Text }, name);
            self.labels(line, row, start, width);
        }
        let used = line.width() - start;
        line.push(Role::Text, " ".repeat((width + 1).saturating_sub(used)));
    }

    fn labels(&self, line: &mut Line, row: &Row, start: usize, width: usize) {
        for (role, text) in labels(row) {
            let room = (start + width).saturating_sub(line.width() + 2);
            if room >= 4 {
                line.push(Role::Text, "  ");
                line.push(
                    role,
                    clip(&text, room, self.style.charset.glyphs().ellipsis),
                );
            }
        }
    }
}

fn labels_width(row: &Row) -> usize {
    labels(row)
        .iter()
        .map(|(_, text)| Line::of(Role::Text, text.as_str()).width() + 2)
        .sum()
}

/// What stands after a name, most telling first.
fn labels(row: &Row) -> Vec<(Role, String)> {
    let mut labels = Vec::new();
    // One of several leaves has its sign in the margin; the word is no longer than that.
    if matches!(row.now, Now::Known | Now::Alone) {
        labels.push((Role::Now, row.now.word().to_owned()));
    }
    for snapshot in &row.snapshots {
        labels.push((Role::Text, format!("\"{snapshot}\"")));
    }
    if !row.users.is_empty() {
        labels.push((Role::Now, row.users.join(", ")));
    }
    if !row.note.is_empty() {
        labels.push((Role::Dim, row.note.clone()));
    }
    labels
}

/// How a state looks.
pub fn role(flag: Flag) -> Role {
    match flag {
        Flag::RevertedCertain | Flag::Broken | Flag::Missing | Flag::Unreadable => Role::Error,
        Flag::RevertedLikely => Role::Warning,
        Flag::Orphan | Flag::Unsure | Flag::Locked | Flag::Live | Flag::Partial => Role::Unsure,
        Flag::Pending | Flag::Base => Role::Dim,
        Flag::Ok => Role::Ok,
    }
}
