//! The command line: arguments to a command, a command to an answer and an exit code. One command, one file.

pub mod args;
mod browse;
mod changes;
mod check;
mod collect;
mod completions;
pub mod confine;
mod cp;
mod demo;
mod diff;
mod exit;
mod explain;
mod files;
mod info;
mod ls;
mod man;
mod map;
mod output;
mod plan;
mod saved;
mod session;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Cli, CliCommand};
pub use exit::Exit;
use output::{Form, Output, shows_screens};
use session::Session;

/// Runs the program with its arguments (the first is its name) and gives the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let mut out = Output::new(&cli.out);
    let session = Session::new(&cli.scan);
    let result = dispatch(&cli, &session, &mut out).and_then(|exit| match exit {
        // The terminal may be gone, and with it whoever would read the rest.
        Exit::Signal(_) => Ok(exit),
        _ => Ok(out.flush().map(|()| exit)?),
    });
    match result {
        _ if session.job.cancel.is_cancelled() => {
            out.warn("interrupted: the answer is not complete");
            Exit::Interrupted.into()
        }
        Ok(exit) => exit.into(),
        Err(error) => trouble(&error),
    }
}

fn trouble(error: &anyhow::Error) -> ExitCode {
    let said = crate::text::escape(&causes(error));
    // There is nowhere left to say that standard error is gone.
    let _ = writeln!(std::io::stderr(), "vhdtree: {said}");
    Exit::Trouble.into()
}

/// An error with its causes, each said once: some errors already hold the words of their cause.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are answers; a reader that does not want them to the end is no error.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
        _ => Exit::Trouble.into(),
    }
}

fn dispatch(cli: &Cli, session: &Session, out: &mut Output) -> anyhow::Result<Exit> {
    if cli.command.is_some() && !cli.paths.is_empty() {
        anyhow::bail!("a PATH before the command means nothing; put it after the command");
    }
    let columns = cli.out.columns.as_deref();
    let browses = out.form == Form::Text && columns.is_none() && shows_screens();
    let names_what_it_writes = match cli.command {
        Some(CliCommand::Demo { .. } | CliCommand::Cp(_)) => true,
        None => browses,
        Some(_) => false,
    };
    if !names_what_it_writes {
        confine::confine(confine::Writable::default());
    }
    match &cli.command {
        None if browses => browse::run(session, &cli.paths, cli, &[], out),
        None => ls::run(session, &cli.paths, &cli.tree, columns, out),
        Some(CliCommand::Ls {
            paths,
            prometheus: true,
            ..
        }) => ls::metrics(session, paths, out),
        Some(CliCommand::Ls { paths, tree, .. }) => ls::run(session, paths, tree, columns, out),
        Some(CliCommand::Info { file, store }) => info::run(session, file, store, out),
        Some(CliCommand::Map {
            file,
            owners,
            store,
            ..
        }) if owners.owners => map::owners::run(session, file, owners, store, out),
        Some(CliCommand::Map { file, grid, .. }) => map::run(session, file, *grid, out),
        Some(CliCommand::Diff {
            child,
            other,
            owners,
            store,
        }) => diff::run(session, child, other.as_deref(), owners, store, out),
        Some(CliCommand::Check { paths, fail_on }) => {
            check::run(session, paths, (*fail_on).into(), out)
        }
        Some(CliCommand::Plan(args)) => plan::run(session, args, plan::PlanCommand::Plan, out),
        Some(CliCommand::Gate(args)) => plan::run(session, args, plan::PlanCommand::Gate, out),
        Some(CliCommand::Files(args)) => files::run(session, args, out),
        Some(CliCommand::Cp(args)) => cp::run(session, args, out),
        Some(CliCommand::Changes { old, new }) => changes::run(session, old, new, out),
        Some(CliCommand::Explain { code }) => explain::run(code.as_deref(), out),
        Some(CliCommand::Demo { dir }) => demo::run(session, dir.as_deref(), cli, out),
        Some(CliCommand::Collect { kind }) => collect::run(*kind, out),
        Some(CliCommand::Completions {
            snapshots: Some(path),
            ..
        }) => completions::snapshots(session, path, out),
        Some(CliCommand::Completions { shell, .. }) => match shell {
            Some(shell) => completions::run(*shell, out),
            None => anyhow::bail!("say which shell"),
        },
        Some(CliCommand::Man) => man::run(out),
    }
}
