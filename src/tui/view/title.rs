//! The two lines at the top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::row::{Direction, Only};
use crate::report::units;
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
    let (subject, facts) = match app.view {
        View::Tree | View::Health => (app.settings.roots.clone(), store_facts(app)),
        _ => (subject(app), view_facts(app)),
    };
    let head = " vhdtree  ";
    let facts_width = facts.width();
    let room_for_subject = room.saturating_sub(head.len());
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
        units::count(disks),
        if disks == 1 { "" } else { "s" },
        units::human(app.bytes)
    )
}

fn subject(app: &App) -> String {
    let Some(row) = app.row() else {
        return String::new();
    };
    let group = row
        .parent
        .and_then(|_| {
            app.rows
                .iter()
                .take_while(|above| above.key != row.key)
                .filter(|above| above.depth == 0)
                .last()
        })
        .map(|group| group.name.clone());
    match group {
        Some(group) => format!("{group} / {}", row.full_name),
        None => row.full_name.clone(),
    }
}

fn view_facts(app: &App) -> String {
    let word = app.row().map(|row| row.now.word()).unwrap_or_default();
    word.to_owned()
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
    let aside = clip(&aside(app), room, app.settings.charset.glyphs().ellipsis);
    line.pad_to(width.saturating_sub(aside.width() + 1));
    line.push(Role::Dim, aside);
    line.paint(buffer, area, &app.settings.theme);
}

fn aside(app: &App) -> String {
    match app.view {
        View::Tree => {
            let mut parts = Vec::new();
            if !app.options.filter.is_empty() {
                parts.push(format!(
                    "filter: {} ({} of {})",
                    app.options.filter, app.groups.1, app.groups.0
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
            parts.join("   ")
        }
        View::Map => {
            let steps = app.map.widest().div_ceil(2) + 1;
            let step = steps - app.map.zoom.div_ceil(2);
            format!("zoom {step}/{steps}   {}", app.map.style.word())
        }
        View::Diff => format!("shown: {}", app.diff.kinds.word()),
        View::Health => {
            let hidden = app.health.hidden_items();
            if hidden > 0 {
                let keymap = &app.settings.keymap;
                let key = keymap.key_of(Command::ShowHidden, app.settings.charset);
                format!("{hidden} hidden: {key} shows")
            } else {
                String::new()
            }
        }
        View::Details | View::Plan => String::new(),
    }
}
