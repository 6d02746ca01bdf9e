//! The tree: a row per file, columns by the width; folding, sorting, marking, searching.

mod keys;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::columns::{
    Column, ColumnStyle, Fitted, NOT_BEFORE, cell, fit, snapshot_label, status, write_use,
};
use crate::report::row::{Direction, Only, prefix};
use crate::report::{Now, Row, RowKey, RowKind, since};
use crate::text::{Units, Zone, clip_apart, many};
use crate::tui::app::{App, Asking};
use crate::tui::command::Command;
use crate::tui::layout::band;
use crate::tui::message::JobKind;
use crate::tui::screen::{Act, Screen, ScreenEntry, TitleSubject, Typing};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::rows::{Focus, draw_rows, scrolled};
use crate::tui::widget::text::{Line, clip, clip_middle, pad, pad_left};

/// Columns before a name: fold, now, mark.
const MARGIN: usize = 3;

/// Its row of the table of screens.
pub const ENTRY: ScreenEntry = ScreenEntry {
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
        let body = body(area);
        let sheet = RowLines::of(app, area.width).beside(self.scroll, body.height);
        sheet.heading().paint(buffer, area, &app.settings.theme);
        let focus = if app.acting() == VIEW {
            Focus::Here
        } else {
            Focus::Away
        };
        let (theme, cursor) = (&app.settings.theme, (app.cursor, focus));
        draw_rows(buffer, body, theme, self.scroll, cursor, |place| {
            Some(sheet.row(*app.shown.get(place)? as usize))
        });
        if app.shown.is_empty() && body.height > 0 {
            let lines =
                Line::of(Role::Dim, format!(" {}", nothing(app))).wrap(body.width.into(), 1);
            Line::paint_all(&lines, buffer, body, &app.settings.theme);
        }
    }

    /// Every row, folded ones included.
    fn text(&self, app: &App, width: u16) -> Vec<Line> {
        let sheet = RowLines::of(app, width);
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

    fn click(&mut self, app: &mut App, area: Rect, column: u16, row: u16) -> Act {
        let Some(line) = row.checked_sub(area.height - body(area).height) else {
            let column = RowLines::of(app, area.width).column_at(column);
            return column.map_or(Act::Pass, |column| keys::sort_by(app, column));
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

    fn subject(&self, _app: &App) -> TitleSubject {
        TitleSubject::Store
    }

    fn aside(&self, app: &App) -> Vec<String> {
        let mut parts = Vec::new();
        if !app.options.filter.is_empty() {
            let (all, left) = app.groups;
            let mut words = format!("filter: {}, {left} of {all}", app.options.filter);
            if app.size.0 >= 100 {
                words = format!("{words} {}", groups_word(app));
            } else {
                // What is left of a long text says enough; the numbers are not cut.
                words = format!("{left} of {all} match {}", app.options.filter);
            }
            parts.push(words);
        }
        if app.options.only == Only::Problems {
            parts.push("problems only".to_owned());
        }
        if app.runs(JobKind::Watch) {
            parts.push("watching".to_owned());
        }
        let reversed = if app.options.direction == Direction::Reversed {
            " reversed"
        } else {
            ""
        };
        parts.push(format!("sort: {}{reversed}", app.options.sort.word()));
        let zone = match app.settings.clock.zone() {
            Zone::Utc => "UTC",
            Zone::Local => "local time",
        };
        parts.push(zone.to_owned());
        parts
    }
}

/// The rows' part, below the headings.
fn body(area: Rect) -> Rect {
    let head = 1.min(area.height);
    band(area, area.y + head, area.height - head)
}

/// Why there is no row.
fn nothing(app: &App) -> String {
    if app.scanning() {
        return "reading ...".to_owned();
    }
    if app.store.forest.disks.is_empty() {
        return format!(
            "No virtual disk below {}. `vhdtree demo` builds a store to look at.",
            app.settings.roots
        );
    }
    if !app.options.filter.is_empty() {
        return "Nothing matches the filter. Esc lifts it.".to_owned();
    }
    let unsure = app.store.assessment.untold();
    let key = app.key_of(Command::Own("problems"));
    let unsure = match unsure {
        0 => String::new(),
        n => format!("; of {} it cannot be told (?)", many(n, "snapshot")),
    };
    format!("No row has a problem{unsure}. {key} shows all rows.")
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

/// The rows as lines, by the columns that fit.
struct RowLines<'a> {
    app: &'a App,
    columns: Vec<Fitted>,
    style: ColumnStyle,
    /// The labels of snapshots on the screen.
    beside: Vec<String>,
}

impl<'a> RowLines<'a> {
    fn of(app: &'a App, width: u16) -> Self {
        let fitted = fit(width, &app.needs);
        let style = ColumnStyle {
            time: fitted.time,
            changed: fitted.changed,
            ..app.style()
        };
        Self {
            app,
            columns: fitted.columns,
            style,
            beside: Vec::new(),
        }
    }

    /// With the labels of the rows that show, from `first` on: they are cut so that they can be told apart.
    fn beside(mut self, first: usize, height: u16) -> Self {
        let shown = self.app.shown.iter().skip(first).take(height.into());
        let rows = shown.filter_map(|index| self.app.rows.get(*index as usize));
        self.beside = rows.map(snapshot_label).collect();
        self
    }

    fn heading(&self) -> Line {
        let mut line = Line::new();
        for fitted in &self.columns {
            let width = usize::from(fitted.width);
            let heading = fitted.column.heading();
            let text = if fitted.column.is_number() {
                // A short number's heading takes the blank before it as well.
                pad_left(heading, width + 1)
            } else {
                format!(" {}", pad(heading, width))
            };
            line.push(Role::Heading, text);
        }
        line
    }

    /// The column at a place of the headings.
    fn column_at(&self, x: u16) -> Option<Column> {
        let mut end = 0;
        self.columns.iter().find_map(|fitted| {
            end += fitted.width + 1;
            (x < end).then_some(fitted.column)
        })
    }

    fn row(&self, index: usize) -> Line {
        let Some(row) = self.app.rows.get(index) else {
            return Line::new();
        };
        let mut line = Line::new();
        let ellipsis = self.style.charset.glyphs().ellipsis;
        let quiet = if row.kind() == RowKind::Group {
            Role::Dim
        } else {
            Role::Text
        };
        for fitted in &self.columns {
            let width = usize::from(fitted.width);
            let mut text = match fitted.column {
                Column::Name | Column::Snapshots | Column::Verdict => String::new(),
                column => cell(column, row, &self.style),
            };
            // Its mark stands in the blank before a date, so that all days stand below each other.
            let bound = fitted.column == Column::Taken && text.starts_with(NOT_BEFORE);
            if bound {
                text.remove(0);
                line.push(Role::Unsure, NOT_BEFORE.to_string());
            } else {
                line.push(Role::Text, " ");
            }
            match fitted.column {
                Column::Name => self.name(&mut line, row, index, width),
                Column::Snapshots => {
                    let role = match &row.since {
                        Some(of) => since::role(of),
                        None if row.snapshots.is_empty() => Role::Dim,
                        None => Role::Text,
                    };
                    let text = clip_apart(&snapshot_label(row), &self.beside, width, ellipsis);
                    line.push(role, pad(&text, width));
                }
                Column::Verdict => {
                    let text = clip(&status(row, &self.style), width, ellipsis);
                    line.push(row.flag.role(), text);
                }
                column => {
                    let text = if column.is_number() {
                        pad_left(&text, width)
                    } else {
                        pad(&clip(&text, width, ellipsis), width)
                    };
                    line.push(quiet, text);
                }
            }
        }
        line
    }

    /// Fold, sign of Now, mark, lines, name, NOW and users; cut in the middle, so that what tells two names apart stays.
    fn name(&self, line: &mut Line, row: &Row, index: usize, width: usize) {
        let glyphs = self.style.charset.glyphs();
        let start = line.width();
        let folded = self.app.folded.contains(&row.key);
        let fold = match (row.descendants > 0, folded) {
            (true, true) => glyphs.folds[1],
            (true, false) if row.kind() == RowKind::Group => glyphs.folds[0],
            _ => " ",
        };
        line.push(Role::Text, fold);
        let mut after = String::new();
        let name = if row.kind() == RowKind::Group {
            line.push(Role::Text, " ");
            &row.name
        } else {
            let sign = match row.kind() {
                RowKind::Missing if row.now == Now::No => "?",
                RowKind::Error => "!",
                _ => row.now.sign(glyphs),
            };
            let role = if row.now == Now::No {
                row.flag.role()
            } else {
                Role::Now
            };
            line.push(role, if sign.is_empty() { " " } else { sign });
            if self.is_marked(row) {
                line.push(Role::Marked, glyphs.mark);
            } else {
                line.push(Role::Text, " ");
            }
            let levels = u32::try_from(width.saturating_sub(MARGIN + 14) / 3)
                .unwrap_or(0)
                .clamp(2, 12);
            line.push(Role::Border, prefix(&self.app.rows, index, glyphs, levels));
            write_use(row, &mut after);
            match self.app.units {
                Units::Human => &row.name,
                Units::Bytes => &row.full_name,
            }
        };
        let used = line.width() - start;
        let room = width.saturating_sub(used + after.width());
        let role = match row.kind() {
            RowKind::Group => Role::Heading,
            _ if self.is_marked(row) => Role::Marked,
            _ => Role::Text,
        };
        line.push(role, clip_middle(name, room.max(8), glyphs.ellipsis));
        line.push(Role::Now, after);
        let used = line.width() - start;
        line.push(Role::Text, " ".repeat(width.saturating_sub(used)));
    }

    fn is_marked(&self, row: &Row) -> bool {
        matches!(&row.key, RowKey::Disk(path) if self.app.marks.contains(path))
    }
}
