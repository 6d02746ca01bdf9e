//! The two lines at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::Row;
use crate::report::row::Now;
use crate::store::DiskId;
use crate::text;
use crate::tui::app::App;
use crate::tui::screen::TitleSubject;
use crate::tui::screens::{SCREENS, Screens};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::text::{Line, clip, clip_middle};

/// What says that nothing is written; always there.
const READ_ONLY: &str = "READ-ONLY";

/// Draws the program's line.
pub fn draw(app: &App, screens: &Screens, buffer: &mut Buffer, area: Rect) {
    line(app, screens, usize::from(area.width)).paint(buffer, area, &app.settings.theme);
}

/// The program's line: what is open, how much it is, and that it is read-only.
pub fn line(app: &App, screens: &Screens, width: usize) -> Line {
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    let room = width.saturating_sub(READ_ONLY.len() + 2);
    let head = " vhdtree ";
    let room_for_subject = room.saturating_sub(head.len());
    let (subject, facts) = match screens.get(app.view).subject(app) {
        TitleSubject::Store => {
            // The least a path needs to be known by.
            let facts = store_facts(app, room_for_subject.saturating_sub(10));
            (app.settings.roots.clone(), facts)
        }
        TitleSubject::Disk(disk) => {
            let facts = Line::of(Role::Dim, disk_facts(app, disk));
            let room = room_for_subject.saturating_sub(facts.width() + 2);
            // The tree's name says more than what a cut would leave of a longer one.
            let mut names =
                [Names::Whole, Names::Short, Names::Alone].map(|how| subject(app, disk, how));
            let fits = names.iter().position(|name| name.width() <= room);
            (std::mem::take(&mut names[fits.unwrap_or(2)]), facts)
        }
    };
    let with_facts = room_for_subject >= facts.width() + 8;
    let subject_room = if with_facts {
        room_for_subject - facts.width() - 2
    } else {
        room_for_subject
    };
    let mut line =
        Line::of(Role::Title, head).with(Role::Text, clip_middle(&subject, subject_room, ellipsis));
    if with_facts {
        line.push(Role::Dim, "  ");
        for (role, text) in facts.pieces() {
            line.push(*role, text.clone());
        }
    }
    line.pad_to(width.saturating_sub(READ_ONLY.len() + 1));
    line.push(Role::Title, format!("{READ_ONLY} "));
    line
}

/// How much it is, and how many problems of which kind; where there is no room for all, the problems stay.
fn store_facts(app: &App, room: usize) -> Line {
    let forest = &app.store.forest;
    let mut parts = Vec::new();
    if app.settings.saved {
        parts.push("saved scan".to_owned());
    }
    if !forest.machines.is_empty() {
        parts.push(text::many(forest.machines.len(), "machine"));
    }
    parts.push(text::many(forest.disks.len(), "disk"));
    let words: Vec<String> = app
        .problem_kinds
        .iter()
        .map(|(word, count)| match *word {
            noun @ ("orphan" | "warning") => text::many(*count, noun),
            word => format!("{count} {word}"),
        })
        .collect();
    let mut words = words.join(" ");
    let untold = app.store.assessment.untold();
    if untold > 0 {
        let gap = if words.is_empty() { "" } else { " " };
        words = format!("{words}{gap}{untold} unsure");
    }
    while !parts.is_empty() && parts.join(" ").width() + 2 + words.width() > room {
        parts.remove(0);
    }
    let mut line = Line::of(Role::Dim, parts.join(" "));
    if !words.is_empty() {
        let gap = if parts.is_empty() { "" } else { "  " };
        let ellipsis = app.settings.charset.glyphs().ellipsis;
        let words = clip(
            &words,
            room.saturating_sub(line.width() + gap.len()),
            ellipsis,
        );
        line.push(Role::Warning, format!("{gap}{words}"));
    }
    line
}

/// The row of the disk that the screen shows. Not always the selected one: a group shows the disk its machine uses, a
/// missing parent its child, and the diff may be of two marked disks.
fn shown(app: &App, disk: Option<DiskId>) -> Option<&Row> {
    disk.and_then(|disk| app.row_of(disk)).or_else(|| app.row())
}

/// How a disk is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Whole,
    /// Group and short name.
    Short,
    Alone,
}

fn subject(app: &App, disk: Option<DiskId>, names: Names) -> String {
    let Some(row) = shown(app, disk) else {
        return String::new();
    };
    let name = match names {
        Names::Whole => &row.full_name,
        Names::Short | Names::Alone => &row.name,
    };
    let group = app.group_of(row);
    if group.key == row.key || names == Names::Alone {
        name.clone()
    } else {
        format!("{} / {name}", group.name)
    }
}

fn disk_facts(app: &App, disk: Option<DiskId>) -> String {
    let now = shown(app, disk).map(|row| row.now).unwrap_or_default();
    match now {
        Now::Unsure => "one of several leaves",
        now => now.word(),
    }
    .to_owned()
}

/// The screens with the columns their names take, and how each is shown.
pub fn tabs(app: &App) -> Vec<(View, usize, usize, String)> {
    let problems = app.problems.len();
    let width = usize::from(app.size.0);
    let mut column = 0;
    SCREENS
        .iter()
        .zip(1..)
        .map(|(entry, number)| {
            let open = entry.view == app.view;
            let mut name = format!("{number} {}", entry.title);
            if width < 60 && !open {
                name = number.to_string();
            } else if width >= 60 && entry.view == View("health") && problems > 0 {
                name = format!("{name}({problems})");
            }
            let shown = if open {
                format!("[{name}]")
            } else {
                format!(" {name}")
            };
            let from = column;
            column += shown.width();
            (entry.view, from, column, shown)
        })
        .collect()
}

/// The screen whose name is at a column of the tabs.
pub fn tab_at(app: &App, column: u16) -> Option<View> {
    tabs(app)
        .into_iter()
        .find(|(_, from, to, _)| (*from..*to).contains(&usize::from(column)))
        .map(|(view, ..)| view)
}

/// Draws the screens by number, and what changes what is shown.
pub fn draw_tabs(app: &App, screens: &Screens, buffer: &mut Buffer, area: Rect) {
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
    let room = width.saturating_sub(line.width() + 1);
    let aside = screens.get(app.view).aside(app);
    let aside = fitting(aside, room, app.settings.charset.glyphs().ellipsis);
    line.pad_to(width.saturating_sub(aside.width()));
    line.push(Role::Dim, aside);
    line.paint(buffer, area, &app.settings.theme);
}

/// As many parts as fit, the first in any case.
fn fitting(parts: Vec<String>, room: usize, ellipsis: &str) -> String {
    let mut text = String::new();
    for part in parts {
        if text.is_empty() {
            // A letter or two of it say nothing.
            if part.width() > room && room < 8 {
                break;
            }
            text = clip(&part, room, ellipsis);
        } else if text.width() + 3 + part.width() <= room {
            text = format!("{text}   {part}");
        }
    }
    text
}
