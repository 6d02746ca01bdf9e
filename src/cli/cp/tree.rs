//! Files and folders as files and folders.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::place::{CopyTarget, NewFile, make_folder};
use super::{Copied, SizeLimit, Wanted, safe_name, size_of, within, write_content};
use crate::guest::content::ContentPiece;
use crate::guest::filesystem::{DirectoryEntry, FileKind, FileSystem};
use crate::guest::walk::{TreeStep, walk};
use crate::job::Job;
use crate::text::escape;

pub(super) fn copy(
    wanted: &[Wanted<'_>],
    target: &CopyTarget,
    job: &Job,
    bound: &mut SizeLimit,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    let CopyTarget::File { path: to, force } = target else {
        return Ok(());
    };
    if wanted.len() > 1 && !to.is_dir() {
        bail!(
            "{} is no folder; several files need one",
            crate::text::path(to)
        );
    }
    for one in wanted {
        let name = match one.stream.as_str() {
            "" => one.path.clone(),
            stream => format!("{}_{stream}", one.path),
        };
        let place = within(to, &name);
        match one.entry.kind {
            FileKind::Directory => folder(one, &place, job, bound, copied)?,
            FileKind::File => {
                bound.take(size_of(one)?)?;
                file(one.fs, &one.entry, &one.stream, &place, *force, job, copied)
                    .with_context(|| escape(&one.path))?;
            }
            kind => bail!(
                "{} is a {}, which is not followed",
                escape(&one.path),
                kind.word()
            ),
        }
    }
    Ok(())
}

fn folder(
    one: &Wanted<'_>,
    place: &Path,
    job: &Job,
    bound: &mut SizeLimit,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    make_folder(place)?;
    // Where each folder of the guest went, by its path there.
    let mut places: HashMap<String, PathBuf> = HashMap::new();
    places.insert(one.path.clone(), place.to_path_buf());
    let mut failed = Ok(());
    walk(one.fs, one.entry.id, &one.path, job, &mut |step| {
        let (path, entry) = match step {
            TreeStep::Entry { path, entry } => (path, entry),
            TreeStep::Fault { path, error } => {
                copied.left_out.push(format!("{path}: {error}"));
                return ControlFlow::Continue(());
            }
        };
        // A name may hold what parts names elsewhere.
        let parent = path.strip_suffix(&*entry.name);
        let parent = parent.and_then(|parent| parent.strip_suffix('/'));
        let parent = parent.unwrap_or_default();
        let Some(to) = places.get(parent).map(|to| to.join(safe_name(&entry.name))) else {
            return ControlFlow::Continue(());
        };
        let result = match entry.kind {
            FileKind::Directory => make_folder(&to).map(|()| {
                places.insert(path.to_owned(), to);
            }),
            FileKind::File => one_of_many(one.fs, entry, &to, job, bound, copied),
            kind => Err(anyhow::anyhow!("a {}, which is not followed", kind.word())),
        };
        if let Err(error) = result {
            if job.cancel.is_cancelled() || bound.left == 0 {
                failed = Err(error);
                return ControlFlow::Break(());
            }
            copied.left_out.push(format!("{path}: {error:#}"));
        }
        ControlFlow::Continue(())
    });
    failed
}

fn one_of_many(
    fs: &dyn FileSystem,
    entry: &DirectoryEntry,
    to: &Path,
    job: &Job,
    bound: &mut SizeLimit,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    let facts = fs.file(entry.id)?;
    if let Some(why) = facts.closed {
        bail!("{}", why.words());
    }
    bound.take(facts.bytes)?;
    file(fs, entry, "", to, false, job, copied)
}

fn file(
    fs: &dyn FileSystem,
    entry: &DirectoryEntry,
    stream: &str,
    to: &Path,
    force: bool,
    job: &Job,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    let mut new = NewFile::make(to, force)?;
    write_content(fs, entry, stream, job, &mut |piece| match piece {
        ContentPiece::Bytes(bytes) => new.write(bytes),
        ContentPiece::Zeros(count) => new.skip(count),
    })?;
    new.finish()?;
    copied.files += 1;
    Ok(())
}
