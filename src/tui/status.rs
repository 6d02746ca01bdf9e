//! The lines at the bottom: why, keys, jobs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::report::row::why;
use crate::report::{Flag, RowKind};
use crate::text;
use crate::text::{Charset, Units, escape};
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::keymap::Context;
use crate::tui::message::{JobKind, JobProgress};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::bar::bar;
use crate::tui::widget::text::{Line, clip};

/// Why the selected row is as it is, and the next key to press.
pub fn draw_why(app: &App, buffer: &mut Buffer, area: Rect) {
    if area.height == 0 {
        return;
    }
    let Some(row) = app.row() else { return };
    let mut text = app.shortened(why(
        &app.store.forest,
        &app.store.assessment,
        row,
        &app.settings.clock,
    ));
    // A whole name does not fit every column, but it is what was asked for.
    if app.units == Units::Bytes && row.kind() != RowKind::Group && !text.contains(&row.full_name) {
        text = format!("{}: {text}", row.full_name);
    }
    let role = match row.flag.role() {
        Role::Error => Role::Error,
        Role::Warning => Role::Warning,
        _ => Role::Text,
    };
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Line::of(role, text).wrap(width, 0);
    let rows = usize::from(area.height);
    // What to press next, where there is room for it.
    let reverted = matches!(row.flag, Flag::RevertedCertain | Flag::RevertedLikely);
    let key = app.key_of(Command::Show(View("plan")));
    let hint = format!("{key}: what a delete would do");
    if reverted
        && lines.len() <= rows
        && let Some(last) = lines.last_mut()
        && last.width() + hint.width() + 3 <= width
    {
        last.pad_to(width - hint.width());
        last.push(Role::Dim, hint);
    }
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            let ellipsis = app.settings.charset.glyphs().ellipsis;
            let cut = clip(&format!("{} {ellipsis}", last.plain()), width, ellipsis);
            *last = Line::of(role, cut);
        }
    }
    let indented = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    Line::paint_all(&lines, buffer, indented, &app.settings.theme);
}

/// The keys of the view, as many as fit; help and quit always.
pub fn draw_footer(app: &App, buffer: &mut Buffer, area: Rect) {
    let line = keys(app, Context::View(app.acting()), usize::from(area.width));
    line.paint(buffer, area, &app.settings.theme);
}

fn keys(app: &App, context: Context, width: usize) -> Line {
    let charset = app.settings.charset;
    let (mut first, last): (Vec<_>, Vec<_>) = app
        .settings
        .keymap
        .footer(context, charset)
        .into_iter()
        .partition(|(_, word)| !is_last(word));
    if context == Context::View(View::HOME) {
        let [up, down, left, right] = charset.glyphs().arrows;
        let (move_keys, fold_keys) = if charset == Charset::Ascii {
            ("j k".to_owned(), "h l".to_owned())
        } else {
            (format!("{up}{down}"), format!("{left}{right}"))
        };
        first.insert(0, (move_keys, "move"));
        first.insert(1, (fold_keys, "fold"));
    }
    let tail: usize = last.iter().map(columns).sum();
    let mut line = Line::of(Role::Text, " ");
    for pair in first {
        if line.width() + columns(&pair) + tail > width {
            break;
        }
        push_key(&mut line, &pair);
    }
    line.pad_to(width.saturating_sub(tail));
    for pair in last {
        push_key(&mut line, &pair);
    }
    line
}

/// Columns a key and its word take.
fn columns((key, word): &(String, &'static str)) -> usize {
    key.width() + word.len() + 3
}

fn push_key(line: &mut Line, (key, word): &(String, &'static str)) {
    line.push(Role::Key, key.clone());
    line.push(Role::Text, format!(" {word}  "));
}

/// One line of what is going on: a prompt, a second key, a notice, a job, or how the scan ended.
pub fn draw_status(app: &App, buffer: &mut Buffer, area: Rect) {
    line(app, usize::from(area.width)).paint(buffer, area, &app.settings.theme);
}

fn line(app: &App, width: usize) -> Line {
    let ellipsis = app.settings.charset.glyphs().ellipsis;
    if let Some(asked) = &app.prompt {
        return asked.line.line(&asked.label, width);
    }
    if let Some(context) = app.chord {
        let mut line = Line::of(Role::Notice, format!(" {}: ", context.word()));
        for pair in app.settings.keymap.footer(context, app.settings.charset) {
            push_key(&mut line, &pair);
        }
        return line;
    }
    if let Some(notice) = &app.notice {
        return Line::of(
            Role::Notice,
            format!(" {}", clip(notice, width.saturating_sub(1), ellipsis)),
        );
    }
    let mut running = app.running();
    running.retain(|slot| !doing(*slot).is_empty());
    if let Some((slot, others)) = running.split_first()
        && let Some(job) = app.jobs.get(slot)
    {
        let words = job_words(app, *slot, others, &job.progress);
        let glyphs = app.settings.charset.glyphs();
        return bar(job.progress.done, job.progress.total, &words, width, glyphs);
    }
    if app.layout().footer.height == 0 {
        return without_footer(app, width);
    }
    let mut line = Line::of(
        Role::Dim,
        clip(&format!(" {}", app.scan_words), width, ellipsis),
    );
    let problems = app.problems.len();
    if app.view == View::HOME && problems > 0 {
        let key = app.key_of(Command::Next);
        let s = if problems == 1 { "" } else { "s" };
        let hint = format!("{key} next of {problems} problem{s}  ");
        if line.width() + hint.width() + 2 <= width {
            line.pad_to(width - hint.width());
            line.push(Role::Text, hint);
        }
    }
    line
}

/// On a screen too low for a footer: how the scan ended, and the two keys nobody can do without.
fn without_footer(app: &App, width: usize) -> Line {
    let charset = app.settings.charset;
    let keys = app
        .settings
        .keymap
        .footer(Context::View(app.acting()), charset);
    let last: Vec<_> = keys.into_iter().filter(|(_, word)| is_last(word)).collect();
    let tail: usize = last.iter().map(columns).sum();
    let room = width.saturating_sub(tail + 1);
    let words = clip(
        &format!(" {}", app.scan_words),
        room,
        charset.glyphs().ellipsis,
    );
    let mut line = Line::of(Role::Dim, words);
    line.pad_to(width.saturating_sub(tail));
    for pair in &last {
        push_key(&mut line, pair);
    }
    line
}

/// The keys that stand at the end of a footer.
fn is_last(word: &str) -> bool {
    matches!(word, "help" | "quit")
}

/// What a job does, in a word or two; nothing for jobs too short to be told of.
fn doing(slot: JobKind) -> &'static str {
    match slot {
        JobKind::Scan => "scanning",
        JobKind::Reread => "reading the disk again",
        JobKind::Map => "reading blocks",
        JobKind::Sectors => "reading the block's bitmap",
        JobKind::Diff => "comparing",
        JobKind::Files => "looking for files",
        JobKind::Versions => "looking into every disk of the tree",
        JobKind::Clocks => "reading the guest's clock",
        JobKind::Chain | JobKind::Hex | JobKind::Plan | JobKind::Watch => "",
    }
}

fn job_words(app: &App, slot: JobKind, others: &[JobKind], progress: &JobProgress) -> String {
    let stop = app.key_of(Command::Interrupt);
    let left = time_left(progress);
    // A map's blocks are read with every step of the cursor; only what one waits for is told beside another job.
    let also: Vec<&str> = others
        .iter()
        .filter(|slot| matches!(slot, JobKind::Scan | JobKind::Diff | JobKind::Files))
        .map(|slot| self::doing(*slot))
        .collect();
    let doing = match also.as_slice() {
        [] => doing(slot).to_owned(),
        also => format!("{} (also {})", doing(slot), also.join(", ")),
    };
    match slot {
        JobKind::Scan => {
            let done = text::count(progress.done);
            let of = match progress.total {
                0 => String::new(),
                total => format!(" of {}", text::count(total)),
            };
            let at = match escape(&progress.at) {
                at if at.is_empty() => at,
                at => format!("  {at}"),
            };
            format!("{doing}: {done}{of} files{left}  {stop} stops{at}")
        }
        JobKind::Files | JobKind::Versions | JobKind::Clocks => format!("{doing}  {stop} stops"),
        JobKind::Map | JobKind::Diff if progress.total == 0 => format!("{doing}  {stop} stops"),
        JobKind::Map | JobKind::Diff => {
            let number = match slot {
                JobKind::Diff => text::size,
                _ => text::count,
            };
            let [done, total] = [progress.done, progress.total].map(number);
            format!("{doing}: {done} of {total}{left}  {stop} stops")
        }
        JobKind::Reread
        | JobKind::Sectors
        | JobKind::Chain
        | JobKind::Hex
        | JobKind::Plan
        | JobKind::Watch => doing,
    }
}

/// Seconds left by the rate so far; nothing as long as that would be a guess.
fn time_left(progress: &JobProgress) -> String {
    if progress.millis < 2_000 || progress.done == 0 || progress.total <= progress.done {
        return String::new();
    }
    let left = u128::from(progress.millis / 1000) * u128::from(progress.total - progress.done)
        / u128::from(progress.done);
    format!(", ~{left} s left")
}
