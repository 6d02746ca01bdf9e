//! The two lines at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::Row;
use crate::report::row::{Direction, Now, Only};
use crate::text;
use crate::tui::app::{App, View};
use crate::tui::command::Command;
use crate::tui::message::Slot;
use crate::tui::theme::Role;
use crate::tui::widget::text::{Line, clip, clip_middle};

/// What says that nothing is written; always there.
const READ_ONLY: &str = "READ-ONLY";

/// Draws the program's line.
pub fn draw(app: &App, buffer: &mut Buffer, area: Rect) {
    line(app, usize::from(area.width)).paint(buffer, area, &app.settings.theme);
}

/// The program's line: what is open, how much it is, and that it is read-only.
pub fn line(app: &App, width: usize) -> Line {
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let room = width.saturating_sub(READ_ONLY.len() + 2);
    let head = " vhdtree  ";
    let room_for_subject = room.saturating_sub(head.len());
    let (subject, facts) = match app.view {
        View::Tree | View::Health => (app.settings.roots.clone(), store_facts(app)),
        _ => {
            let facts = view_facts(app);
            let room = room_for_subject.saturating_sub(facts.width() + 2);
            // The tree's name says more than what a cut would leave of a longer one.
            let mut names = [Names::Whole, Names::Short, Names::Alone].map(|how| subject(app, how));
            let fits = names.iter().position(|name| name.width() <= room);
            (std::mem::take(&mut names[fits.unwrap_or(2)]), facts)
        }
    };
    let facts_width = facts.width();
    let with_facts = room_for_subject >= facts_width + 12;
    let subject_room = if with_facts {
        room_for_subject - facts_width - 2
    } else {
        room_for_subject
    };
    let mut line =
        Line::of(Role::Title, head).with(Role::Text, clip_middle(&subject, subject_room, ellipsis));
    if with_facts {
        line.push(Role::Dim, format!("  {facts}"));
    }
    line.pad_to(width.saturating_sub(READ_ONLY.len() + 1));
    line.push(Role::Title, format!("{READ_ONLY} "));
    line
}

fn store_facts(app: &App) -> String {
    let forest = &app.store.forest;
    let machines = match forest.machines.len() {
        0 => String::new(),
        1 => "1 VM  ".to_owned(),
        n => format!("{n} VMs  "),
    };
    let disks = forest.disks.len() as u64;
    let saved = if app.settings.saved {
        "saved scan  "
    } else {
        ""
    };
    format!(
        "{saved}{machines}{} disk{}  {} on disk",
        text::count(disks),
        if disks == 1 { "" } else { "s" },
        text::size(app.bytes)
    )
}

/// The row of the disk that the view shows. Not always the selected one: a group shows the disk its machine uses, a
/// missing parent its child, and the diff may be of two marked disks.
fn shown(app: &App) -> Option<&Row> {
    app.shown_disk()
        .and_then(|disk| app.row_of(disk))
        .or_else(|| app.row())
}

/// How a disk is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Group and file.
    Whole,
    /// Group and short name.
    Short,
    /// The short name.
    Alone,
}

fn subject(app: &App, names: Names) -> String {
    let Some(row) = shown(app) else {
        return String::new();
    };
    let name = match names {
        Names::Whole => &row.full_name,
        Names::Short | Names::Alone => &row.name,
    };
    let mut group = row;
    while let Some(above) = group.parent.and_then(|at| app.rows.get(at as usize)) {
        group = above;
    }
    if group.key == row.key || names == Names::Alone {
        name.clone()
    } else {
        format!("{} / {name}", group.name)
    }
}

fn view_facts(app: &App) -> String {
    let now = shown(app).map(|row| row.now).unwrap_or_default();
    match now {
        Now::Unsure => "one of several leaves",
        now => now.word(),
    }
    .to_owned()
}

/// The views with the columns their names take, and how each is shown.
pub fn tabs(app: &App) -> Vec<(View, usize, usize, String)> {
    let problems = app.health.problems;
    let width = usize::from(app.size.0);
    let mut column = 0;
    View::ALL
        .into_iter()
        .zip(1..)
        .map(|(view, number)| {
            let mut name = format!("{number} {}", view.word());
            if width < 60 {
                name = if view == app.view {
                    format!("{number} {}", view.word())
                } else {
                    number.to_string()
                };
            } else if view == View::Health && problems > 0 {
                name = format!("{name}({problems})");
            }
            let shown = if view == app.view {
                format!("[{name}]")
            } else {
                format!(" {name} ")
            };
            let from = column;
            column += shown.width();
            (view, from, column, shown)
        })
        .collect()
}

/// Draws the views by number, and what changes the rows.
pub fn draw_tabs(app: &App, buffer: &mut Buffer, area: Rect) {
    let mut line = Line::new();
    for (view, _, _, shown) in tabs(app) {
        line.push(
            if view == app.view {
                Role::Tab
            } else {
                Role::Text
            },
            shown,
        );
    }
    let width = usize::from(area.width);
    let room = width.saturating_sub(line.width() + 2);
    let aside = fitting(aside(app), room, app.settings.charset.glyphs().ellipsis);
    line.pad_to(width.saturating_sub(aside.width() + 1));
    line.push(Role::Dim, aside);
    line.paint(buffer, area, &app.settings.theme);
}

/// As many parts as fit, the first in any case.
fn fitting(parts: Vec<String>, room: usize, ellipsis: &str) -> String {
    let mut text = String::new();
    for part in parts {
        if text.is_empty() {
            text = clip(&part, room, ellipsis);
        } else if text.width() + 3 + part.width() <= room {
            text = format!("{text}   {part}");
        }
    }
    text
}

/// What changes what is shown, the most telling first.
fn aside(app: &App) -> Vec<String> {
    let narrow = app.size.0 < 60;
    match app.view {
        View::Tree => {
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
            if app.jobs.contains_key(&Slot::Watch) {
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
        View::Map => {
            let steps = app.map.widest().div_ceil(2) + 1;
            let step = steps - app.map.zoom.div_ceil(2);
            vec![
                format!("zoom {step}/{steps}"),
                app.map.style.word().to_owned(),
            ]
        }
        View::Diff if narrow => vec![app.diff.kinds.word().to_owned()],
        View::Diff => vec![format!("shown: {}", app.diff.kinds.word())],
        View::Health => {
            let hidden = app.health.hidden_items();
            if hidden > 0 {
                let keymap = &app.settings.keymap;
                let key = keymap.key_of(Command::ShowHidden, app.settings.charset);
                vec![format!("{hidden} hidden: {key} shows")]
            } else {
                Vec::new()
            }
        }
        View::Details | View::Plan => Vec::new(),
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
