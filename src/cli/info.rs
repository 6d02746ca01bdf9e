//! `info`: one disk. Header, counts, chain with the ids wanted and found, snapshots with verdict and evidence, findings.

use std::path::Path;

use serde::Serialize;

use super::args::StoreArgs;
use super::exit::Exit;
use super::output::{Form, Output};
use super::session::{ScannedStore, Session};
use crate::analysis::AssessedSnapshot;
use crate::analysis::files::GuestDisk;
use crate::analysis::open::open_chain;
use crate::guest::disk::VolumePlace;
use crate::report::json::files::DiskVolumeJson;
use crate::report::json::verdict::{SnapshotJson, snapshot};
use crate::report::json::{ls as json, repository};
use crate::report::page::{disk as page, repository as repository_page, volumes as volumes_page};
use crate::report::{RowOptions, ShortNames, rows};
use crate::store::containers::repository::History;
use crate::store::{CountPolicy, DiskId, containers};

#[derive(Serialize)]
struct InfoBody {
    disk: Option<json::DiskJson>,
    /// From the disk to its base.
    chain: Vec<json::DiskJson>,
    /// The verdict about the snapshot below it, which its own age decides.
    below: Option<SnapshotJson>,
    /// `null` if nobody looked into it, or its chain cannot be read.
    volumes: Option<Vec<DiskVolumeJson>>,
}

pub(super) fn run(
    session: &Session,
    file: &Path,
    store_args: &StoreArgs,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let is_container = !file.is_dir() && containers::is_store(file).unwrap_or(false);
    if session.scan.from.is_empty() && is_container {
        return container(session, file, out);
    }
    let mut store = if session.scan.from.is_empty() {
        session.read_around(&[file], store_args, CountPolicy::Count, out)?
    } else {
        session.read(&[], CountPolicy::Count, out)?
    };
    let id = store.disk_of(file)?;
    if let Some(of_disk) = store.assessment.disk(id).cloned() {
        let told = of_disk.snapshots.into_iter().chain(of_disk.above_of);
        session.settle(&mut store, &told.collect::<Vec<_>>());
    }
    let volumes = inside(session, &store, id);
    let forest = &store.forest;
    match out.form {
        Form::Json | Form::Ndjson => {
            let disk = |id| json::disk(forest, &store.assessment, id);
            out.json(&json::head(
                "info",
                forest,
                InfoBody {
                    disk: disk(id),
                    chain: forest.line(id).filter_map(disk).collect(),
                    below: below(&store, id).map(|of| snapshot(forest, of)),
                    volumes: volumes
                        .map(|volumes| volumes.iter().map(DiskVolumeJson::new).collect()),
                },
            ))?;
        }
        Form::Csv | Form::Text => text(&store, id, volumes.as_deref(), out)?,
    }
    Ok(Exit::Done)
}

/// The storage repositories of a container, with the time line of their volumes.
fn container(session: &Session, file: &Path, out: &mut Output) -> anyhow::Result<Exit> {
    let roots = [file.to_path_buf()];
    let store = session.read_with(&roots, CountPolicy::HeadersOnly, History::Whole, out)?;
    let repositories = &store.forest.repositories;
    match out.form {
        Form::Json | Form::Ndjson => {
            let body = repository::body(repositories);
            out.json(&json::head("info", &store.forest, body))?;
        }
        Form::Csv | Form::Text => {
            let names = ShortNames::default();
            let context = store.page_context(&names, out);
            let pages = repositories.iter();
            let lines: Vec<_> = pages
                .flat_map(|of| repository_page::lines(&context, of))
                .collect();
            out.page(&lines)?;
        }
    }
    Ok(Exit::Done)
}

/// The snapshot below a disk: the one its own creation speaks about.
fn below(store: &ScannedStore, id: DiskId) -> Option<&AssessedSnapshot> {
    store
        .assessment
        .snapshots
        .get(store.assessment.disk(id)?.above_of?)
}

/// The volumes inside a disk, as far as their marks say.
fn inside(session: &Session, store: &ScannedStore, id: DiskId) -> Option<Vec<VolumePlace>> {
    if session.scan.no_guest || !session.scan.from.is_empty() {
        return None;
    }
    let chain = open_chain(&store.forest, id).ok()?;
    Some(GuestDisk::open(&chain).volumes)
}

fn text(
    store: &ScannedStore,
    id: DiskId,
    volumes: Option<&[VolumePlace]>,
    out: &mut Output,
) -> anyhow::Result<()> {
    let rows = rows(&store.forest, &store.assessment, &RowOptions::default());
    let row = rows.iter().find(|row| row.disk == Some(id));
    let names = ShortNames::default();
    let context = store.page_context(&names, out);
    let mut lines = page::lines(&context, id, row);
    if let Some(volumes) = volumes {
        lines.extend(volumes_page::lines(&context, volumes));
    }
    out.page(&lines)?;
    Ok(())
}
