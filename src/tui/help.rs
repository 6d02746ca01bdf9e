//! The help overlay: the key table in words.

use strum::VariantArray as _;
use unicode_width::UnicodeWidthStr as _;

use crate::text::Charset;
use crate::tui::app::App;
use crate::tui::command::Command;
use crate::tui::keymap::{ActiveBinding, Context, HelpSection};
use crate::tui::theme::Role;
use crate::tui::view::View;
use crate::tui::widget::text::{Line, pad};

/// Keys that short help shows.
const FEW: usize = 15;

/// The keys most used in this view, and how to see the rest.
pub fn short(app: &App, width: usize) -> Vec<Line> {
    let charset = app.settings.charset;
    let keymap = &app.settings.keymap;
    let context = Context::View(app.acting());
    let used = |bound: &&ActiveBinding| {
        let opens_itself =
            matches!(bound.binding.command, Command::Show(view) if Context::View(view) == context);
        bound.binding.rank > 0 && !bound.keys.is_empty() && !opens_itself
    };
    let mut rows: Vec<&ActiveBinding> = keymap.rows(context).filter(used).collect();
    rows.sort_by_key(|bound| bound.binding.rank);
    let moves = [Command::Down, Command::Up].map(|command| app.key_of(command));
    let mut lines: Vec<Vec<Line>> = vec![key_line(
        &moves.join(" "),
        "one row down, one row up",
        width,
    )];
    for bound in rows.into_iter().take(FEW - 1) {
        let keys = bound.all_keys(charset);
        lines.push(key_line(&keys, bound.binding.long, width));
    }
    let mut lines: Vec<Line> = lines.into_iter().flatten().collect();
    lines.push(Line::new());
    let (all, find) = (app.key_of(Command::Help), app.key_of(Command::Search));
    lines.push(Line::of(
        Role::Dim,
        format!("{all} again: every key and what the signs mean   {find} filters them"),
    ));
    lines
}

/// A key and what it does.
fn key_line(keys: &str, words: &str, width: usize) -> Vec<Line> {
    let column = 10.max(keys.width() + 1);
    let line = Line::of(Role::Text, "  ")
        .with(Role::Key, pad(keys, column))
        .with(Role::Text, words);
    line.wrap(width, column + 2)
}

/// Keys of this view first, then those of every view, then what the signs mean; of all these the lines with a text.
pub fn lines(app: &App, width: usize, filter: &str) -> Vec<Line> {
    let wanted = filter.to_lowercase();
    let wanted = |texts: [&str; 3]| {
        let has = |text: &&str| text.to_lowercase().contains(&wanted);
        wanted.is_empty() || texts.iter().any(has)
    };
    let keymap = &app.settings.keymap;
    let charset = app.settings.charset;
    let mut lines = Vec::new();
    let section = |context: Context, heading: String, lines: &mut Vec<Line>| {
        let before = lines.len();
        lines.push(Line::of(Role::Heading, heading));
        for group in HelpSection::VARIANTS {
            let rows = keymap.rows(context).filter(|bound| {
                bound.binding.group == *group
                    && bound.binding.contexts.contains(&context)
                    && !bound.keys.is_empty()
            });
            for bound in rows {
                let (keys, binding) = (bound.all_keys(charset), bound.binding);
                if wanted([&keys, binding.name, binding.long]) {
                    lines.extend(key_line(&keys, binding.long, width));
                }
            }
        }
        if lines.len() == before + 1 {
            lines.pop();
        } else {
            lines.push(Line::new());
        }
    };
    let own = Context::View(app.acting());
    section(own, format!("IN THIS VIEW ({})", own.word()), &mut lines);
    if own == Context::View(View::HOME) {
        let key = keymap.key_of(Command::Sort, charset);
        section(Context::Sort, format!("AFTER {key}, SORT BY"), &mut lines);
    }
    section(Context::Any, "IN EVERY VIEW".to_owned(), &mut lines);
    let key = keymap.key_of(Command::Copy, charset);
    section(Context::Copy, format!("AFTER {key}, COPY"), &mut lines);
    signs(charset, width, wanted, &mut lines);
    if let Some(guard) = app
        .settings
        .guard
        .as_ref()
        .filter(|guard| wanted([guard, "", ""]))
    {
        lines.push(Line::new());
        lines.push(Line::of(Role::Heading, "WRITING"));
        lines.extend(Line::of(Role::Text, format!("  {guard}")).wrap(width, 2));
    }
    if lines.is_empty() {
        lines.push(Line::of(Role::Dim, "Nothing here has that text."));
    }
    lines
}

/// What the signs mean.
fn signs(
    charset: Charset,
    width: usize,
    wanted: impl Fn([&str; 3]) -> bool,
    lines: &mut Vec<Line>,
) {
    let before = lines.len();
    lines.push(Line::of(Role::Heading, "SIGNS"));
    let now = charset.glyphs().now;
    let shades = charset.glyphs().shades;
    for (sign, role, words) in [
        (
            now,
            Role::Now,
            "in use by a VM now; NOW? the only candidate, nothing says so",
        ),
        (
            charset.glyphs().reverted,
            Role::Warning,
            "likely set back to this snapshot; ! where it is certain",
        ),
        ("!", Role::Error, "a problem: broken, missing, unreadable"),
        (
            "?",
            Role::Unsure,
            "cannot be told, or named by nothing read here",
        ),
        (
            "~",
            Role::Unsure,
            "not read to the end, or changing while it is read; before a date: then or later",
        ),
        ("=", Role::Text, "compared, and equal to its parent"),
        (
            shades[1],
            Role::MapSome,
            "map: some of these blocks are in this file",
        ),
        (shades[4], Role::MapFull, "map: all of them"),
        (
            "+",
            Role::For,
            "evidence for a revert; - against it; ~ not available",
        ),
    ] {
        if !wanted([sign, words, ""]) {
            continue;
        }
        let line = Line::of(Role::Text, "  ")
            .with(role, pad(sign, 10))
            .with(Role::Text, words);
        lines.extend(line.wrap(width, 12));
    }
    if lines.len() == before + 1 {
        lines.pop();
    }
}
