//! `man`: the manual page, in roff. All commands are in one page, for one file is what a person copies.

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::args::Cli;
use super::exit::Exit;
use super::output::Output;

pub(super) fn run(out: &mut Output) -> anyhow::Result<Exit> {
    let command = in_full(Cli::command());
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
    let mut end = section("EXAMPLES");
    after(&command, &mut end);
    end.to_writer(&mut page)?;
    std::io::Write::write_all(out, &page)?;
    Ok(Exit::Done)
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
