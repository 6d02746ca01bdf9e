//! `completions`: what a shell needs to complete commands, flags and files.

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::Exit;
use super::output::Output;

pub(super) fn run(shell: clap_complete::Shell, out: &mut Output) -> anyhow::Result<Exit> {
    // Into memory first: the generator takes a reader that went away for a reason to panic.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vhdtree", &mut text);
    std::io::Write::write_all(out, &text)?;
    Ok(Exit::Done)
}
