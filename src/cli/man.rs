//! `man`: the manual page, in roff. All commands are in one page, for one file is what a person copies.

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::Cli;
use super::exit::Exit;
use super::output::Output;
use crate::tui::keymap::Context;
use crate::tui::screens;

pub(super) fn run(out: &mut Output) -> anyhow::Result<Exit> {
    let mut command = in_full(Cli::command());
    // What a command's own options exclude may stand for all commands.
    command.build();
    // The version says when; a date would be one more thing to keep true. An empty word would be lost.
    let man = Man::new(command.clone()).date("\"\"");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    section("COMMANDS").to_writer(&mut page)?;
    for command in command.get_subcommands() {
        about_command(command.clone(), &mut page)?;
    }
    keys().to_writer(&mut page)?;
    for (title, entries) in [
        ("EXIT STATUS", EXITS),
        ("FILES", FILES),
        ("ENVIRONMENT", ENVIRONMENT),
    ] {
        let mut roff = section(title);
        for (name, words) in entries {
            entry(name, words, &mut roff);
        }
        roff.to_writer(&mut page)?;
    }
    let mut end = section("EXAMPLES");
    after(&command, &mut end);
    end.to_writer(&mut page)?;
    std::io::Write::write_all(out, &page)?;
    Ok(Exit::Done)
}

const EXITS: &[(&str, &str)] = &[
    (
        "0",
        "Done; `gate`: pass; `diff` and `files`: the same; `check`: healthy; `changes`: nothing worse.",
    ),
    (
        "1",
        "`gate`: refuse; `diff` and `files`: something differs; `check`: findings at or above --fail-on; `changes`: something is worse.",
    ),
    (
        "2",
        "It could not be done: usage, I/O, no virtual disk found.",
    ),
    (
        "3",
        "Cannot tell: evidence is missing, the scan is not complete, a guest cannot be read.",
    ),
    ("130", "Interrupted."),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/vhdtree/config.toml",
        "The config file (%APPDATA%\\vhdtree\\config.toml on Windows): long flags as keys, and a table [keys] of command and keys.",
    ),
    (
        "~/.local/state/vhdtree/",
        "What the browser keeps of each store (order, folds, theme, hidden codes), and its exports without --export. Nothing is ever written into a store.",
    ),
    (
        "vhdtree-host*.json, vhdtree-host*.xe, labels.json, times.csv, state.db, xo.json",
        "In any folder of a store: what the host knows, for that folder and all below it, as with --facts.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("NO_COLOR", "No colours, unless --color says so."),
    ("TZ", "The zone of --local."),
    ("PAGER", "What `v` shows a page in."),
];

/// The browser's key table.
fn keys() -> Roff {
    let mut roff = section("KEYS");
    roff.text([roman(
        "Of the browser. The words in brackets are the names for the table [keys] of the config file.",
    )]);
    let table = screens::bindings();
    let mut contexts: Vec<Context> = vec![Context::Any];
    for context in table.iter().flat_map(|binding| binding.contexts) {
        if !contexts.contains(context) {
            contexts.push(*context);
        }
    }
    for context in contexts {
        let title = match context {
            Context::Any => "In every view".to_owned(),
            Context::View(view) => format!("In the view {}", view.0),
            Context::Sort => "After the key that sorts".to_owned(),
            Context::Copy => "After the key that copies".to_owned(),
        };
        roff.control("SS", [title.as_str()]);
        for binding in table
            .iter()
            .filter(|binding| binding.contexts.contains(&context))
        {
            if !binding.keys.is_empty() {
                let words = format!("{} [{}]", binding.long, binding.name);
                entry(&binding.keys.join(" "), &words, &mut roff);
            }
        }
    }
    roff
}

/// A name and what it is.
fn entry(name: &str, words: &str, roff: &mut Roff) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(words)]);
}

/// With every option's words: those that the short help leaves out would be left out of the page too.
fn in_full(command: Command) -> Command {
    command
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(in_full)
}

fn section(title: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    roff
}

/// A command with its own options; those of the whole program stand above.
fn about_command(command: Command, page: &mut Vec<u8>) -> anyhow::Result<()> {
    let name = format!("vhdtree {}", command.get_name());
    let mut command = command.bin_name(name).disable_help_flag(true);
    let usage = command.render_usage().to_string();
    let about = command.get_about().map(ToString::to_string);
    let mut roff = Roff::new();
    roff.control("SS", [usage.trim_start_matches("Usage: ")]);
    roff.text([roman(about.unwrap_or_default())]);
    after(&command, &mut roff);
    roff.to_writer(page)?;
    let mut options = Vec::new();
    Man::new(command).render_options_section(&mut options)?;
    // Its headings are sections of a page of its own.
    for line in String::from_utf8(options)?.lines() {
        if !line.starts_with(".SH") {
            page.extend_from_slice(line.as_bytes());
            page.push(b'\n');
        }
    }
    Ok(())
}

/// What stands below a command's help. Examples keep their lines.
fn after(command: &Command, roff: &mut Roff) {
    let text = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    for paragraph in text.split("\n\n").filter(|part| !part.is_empty()) {
        let keep_lines = paragraph.contains("\n  ");
        roff.control("PP", []);
        if keep_lines {
            roff.control("nf", []);
        }
        roff.text([roman(paragraph)]);
        if keep_lines {
            roff.control("fi", []);
        }
    }
}
