//! `files --all`: every file of a disk.

use std::io;
use std::ops::ControlFlow;

use serde::{Serialize, Serializer};

use super::{at_one_moment, document, told};
use crate::analysis::files::VolumeRow;
use crate::analysis::files::all::{GuestPath, ListEvent, list_files};
use crate::analysis::moment::Moment;
use crate::analysis::open::open_chain;
use crate::cli::args::FilesArgs;
use crate::cli::exit::Exit;
use crate::cli::output::{Form, Output};
use crate::cli::session::Session;
use crate::guest::filesystem::{
    Change, ChangeKind, DirectoryEntry, FileKind, FileVersion, GuestFile,
};
use crate::guest::packed::{PackedAt, PackedChanges};
use crate::report::files::{ChangeTotals, file_line, volume_name};
use crate::report::json::files::{EndJson, FileJson, VolumeJson};
use crate::store::CountPolicy;
use crate::text::escape;

/// What is kept until there is more.
#[derive(Default)]
struct Kept {
    volumes: Vec<VolumeJson>,
    files: ListedFiles,
    /// A volume that is told of only if it has what is asked for.
    volume: Option<VolumeRow>,
    /// Something was listed.
    any: bool,
}

/// The files of a document, as changes by which they came: those are small.
#[derive(Default)]
struct ListedFiles {
    packed: PackedChanges,
    /// The volume's name, and the first file that is not its own any more.
    ends: Vec<(String, usize)>,
    places: Vec<PackedAt>,
}

impl ListedFiles {
    fn push(&mut self, volume: &str, path: &str, entry: &DirectoryEntry, file: &GuestFile) {
        let streams = file.streams.iter().map(|stream| stream.name.clone());
        self.places.push(self.packed.push(&Change {
            number: 0,
            kind: ChangeKind::Created,
            file: file.kind,
            id: entry.id,
            path: Some(path.to_owned()),
            old_path: None,
            before: None,
            after: Some(version_of(file)),
            written_bytes: 0,
            links: Vec::new(),
            streams: streams.collect(),
        }));
        let end = self.places.len();
        match self.ends.last_mut() {
            Some((name, last)) if name == volume => *last = end,
            _ => self.ends.push((volume.to_owned(), end)),
        }
    }

    fn json(&self, place: usize) -> Option<FileJson> {
        let at = self.ends.partition_point(|(_, end)| *end <= place);
        let (volume, _) = self.ends.get(at)?;
        let file = self.packed.get(*self.places.get(place)?);
        let path = file.path.as_deref().unwrap_or_default();
        let id = file.id.to_string();
        let version = file.after?;
        Some(FileJson::listed(
            volume,
            path,
            file.file,
            id,
            &version,
            file.streams,
        ))
    }
}

impl Serialize for ListedFiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.places.len()).filter_map(|place| self.json(place)))
    }
}

pub(super) fn run(
    session: &Session,
    args: &FilesArgs,
    within: Option<&GuestPath>,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    let store = session.read_around(&[&args.disk], &args.store, CountPolicy::HeadersOnly, out)?;
    let id = store.disk_of(&args.disk)?;
    let moment = Moment::of_lines(&store.forest, [id]);
    let chain = open_chain(&store.forest, id)?;
    let mut kept = Kept::default();
    let mut failed = Ok(());
    let report = list_files(&chain, within, &session.job, &mut |event| {
        failed = match event {
            ListEvent::Volume(row) if within.is_some() && !hides_files(row) => {
                kept.volume = row.why.is_none().then(|| row.clone());
                Ok(())
            }
            event => tell(&event, args.min_size, &mut kept, out),
        };
        if failed.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    failed?;
    if out.form == Form::Json {
        session.end_at_once();
        if session.job.cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
    }
    let report = at_one_moment(report, &moment, out);
    if let Some(within) = within.filter(|_| !kept.any && report.complete) {
        anyhow::bail!("{}: no such file in the disk", escape(&within.path));
    }
    let none = ChangeTotals::default();
    match out.form {
        Form::Json => out.json(&document(kept.volumes, kept.files, &report, &none))?,
        Form::Ndjson => out.json(&EndJson::new(&report, &none))?,
        Form::Text | Form::Csv => {}
    }
    told(&report, out);
    Ok(if report.complete {
        Exit::Done
    } else {
        Exit::CannotTell
    })
}

/// Whether a volume may have what is asked for, and nobody can look.
fn hides_files(row: &VolumeRow) -> bool {
    row.why.is_some() && row.may_hold_files
}

fn tell_volume(row: &VolumeRow, kept: &mut Kept, out: &mut Output) -> io::Result<()> {
    let json = VolumeJson::new(row);
    match out.form {
        Form::Json => {
            kept.volumes.push(json);
            Ok(())
        }
        Form::Ndjson => out.json(&json),
        Form::Text | Form::Csv => {
            let why = row.why.as_ref();
            let why = why.map(|why| format!("   {}", escape(&why.text)));
            out.line(&format!("{}{}", volume_name(row), why.unwrap_or_default()))
        }
    }
}

fn tell(event: &ListEvent<'_>, min_size: u64, kept: &mut Kept, out: &mut Output) -> io::Result<()> {
    let (volume, path, entry, file) = match event {
        ListEvent::Volume(row) => return tell_volume(row, kept, out),
        ListEvent::File {
            volume,
            path,
            entry,
            file,
        } => (volume, path, entry, file),
    };
    kept.any = true;
    if let Some(row) = kept.volume.take() {
        tell_volume(&row, kept, out)?;
    }
    let version = version_of(file);
    if version.bytes.unwrap_or(u64::MAX) < min_size {
        return Ok(());
    }
    if out.form == Form::Text || out.form == Form::Csv {
        let line = file_line(path, file.kind, &version, out.style.units, &out.style.clock);
        return out.line(&line.plain());
    }
    if out.form == Form::Json {
        kept.files.push(&volume.name, path, entry, file);
        return Ok(());
    }
    let streams = file.streams.iter().map(|stream| stream.name.clone());
    let id = entry.id.to_string();
    let json = FileJson::listed(
        &volume.name,
        path,
        file.kind,
        id,
        &version,
        streams.collect(),
    );
    out.json(&json)
}

/// What is told of a file in a listing.
fn version_of(file: &GuestFile) -> FileVersion {
    FileVersion {
        bytes: (file.kind != FileKind::Directory).then_some(file.bytes),
        modified: file.modified,
    }
}
