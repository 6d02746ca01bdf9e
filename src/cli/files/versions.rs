//! `files --versions --in PATH`: the path in every disk of the tree.

use std::ops::ControlFlow;

use anyhow::Context as _;

use crate::analysis::files::all::GuestPath;
use crate::analysis::files::versions::{PathFound, path_versions};
use crate::cli::args::FilesArgs;
use crate::cli::exit::Exit;
use crate::cli::output::{Form, Output};
use crate::cli::session::Session;
use crate::report::files::version_lines;
use crate::report::json::versions::{VersionJson, VersionsBody};
use crate::report::json::{Document, SCHEMA, path_text};
use crate::report::page::Line;
use crate::store::{CountPolicy, DiskId};
use crate::text::{self, escape};

pub(super) fn run(
    session: &Session,
    args: &FilesArgs,
    within: Option<&GuestPath>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let path = within.context("--versions needs --in PATH")?;
    let store = session.read_around(&[&args.disk], &args.store, CountPolicy::HeadersOnly, out)?;
    let id = store.disk_of(&args.disk)?;
    let mut versions = Vec::new();
    // Lines stream from the first disk that has it: of a path that no disk has, there is no answer.
    let mut held = Vec::new();
    let mut is_found = false;
    let mut failed = Ok(());
    let name = |id: DiskId| {
        let disk = store.forest.disk(id);
        disk.map(|disk| path_text(&disk.path).0).unwrap_or_default()
    };
    path_versions(&store.forest, id, path, &session.job, &mut |version| {
        if out.form == Form::Ndjson {
            is_found |= !matches!(version.found, PathFound::Absent);
            held.push(VersionJson::new(name(version.disk), &version));
            if is_found {
                failed = held.drain(..).try_for_each(|line| out.json(&line));
            }
        }
        versions.push(version);
        if failed.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    failed?;
    let is_here = |found: &PathFound| matches!(found, PathFound::Here { .. });
    let is_unknown = |found: &PathFound| matches!(found, PathFound::Unknown(_));
    let any = |is: &dyn Fn(&PathFound) -> bool| versions.iter().any(|of| is(&of.found));
    let complete = !any(&is_unknown) && !session.job.cancel.is_cancelled();
    if !any(&is_here) && complete {
        anyhow::bail!(
            "{}: no such file in any disk of this tree",
            escape(&path.path)
        );
    }
    match out.form {
        Form::Json => {
            let json = versions
                .iter()
                .map(|of| VersionJson::new(name(of.disk), of));
            out.json(&Document {
                schema: SCHEMA,
                command: "files",
                complete,
                errors: Vec::new(),
                body: VersionsBody {
                    path: path.path.clone(),
                    versions: json.collect(),
                },
            })?;
        }
        Form::Ndjson => {}
        Form::Text | Form::Csv => {
            out.line(&escape(&path.path))?;
            let name = |id: DiskId| {
                let disk = store.forest.disk(id);
                disk.map(|disk| text::file_name(&disk.path))
                    .unwrap_or_default()
            };
            let lines = version_lines(&versions, &name, out.style.units, &out.style.clock);
            out.lines(lines.iter().map(Line::plain))?;
        }
    }
    Ok(if complete {
        Exit::Done
    } else {
        Exit::CannotTell
    })
}
