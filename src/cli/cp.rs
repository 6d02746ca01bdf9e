//! `cp`: brings files of a node back, or its whole content, as new files outside of any store.

mod place;
mod raw;
mod sibling;
mod tar;
mod tree;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::CpArgs;
use super::confine::{Writable, confine};
use super::diff::CHANGED;
use super::exit::Exit;
use super::output::Output;
use super::session::Session;
use crate::analysis::files::GuestDisk;
use crate::analysis::files::all::GuestPath;
use crate::analysis::moment::Moment;
use crate::analysis::open::open_chain;
use crate::guest::content::{ContentPiece, read_content};
use crate::guest::filesystem::{DirectoryEntry, FileKind, FileSystem, GuestError};
use crate::guest::lookup;
use crate::guest::volume::Volume;
use crate::job::Job;
use crate::store::CountPolicy;
use crate::text::escape;

use place::CopyTarget;

/// What was asked for, found in a volume.
struct Wanted<'v> {
    fs: &'v dyn FileSystem,
    /// Its path in the volume, without its stream.
    path: String,
    stream: String,
    entry: DirectoryEntry,
}

/// What is counted while things are copied.
#[derive(Debug, Default)]
struct Copied {
    files: u64,
    bytes: u64,
    /// What was left out, and why.
    left_out: Vec<String>,
}

/// The most that is written for what the guest claims: sparse files and hard links can make a small disk look large.
#[derive(Debug)]
struct SizeLimit {
    left: u64,
}

impl SizeLimit {
    fn take(&mut self, bytes: u64) -> anyhow::Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => bail!("the files claim to be larger than the disk they lie in; not copied"),
        }
    }
}

pub(super) fn run(session: &Session, args: &CpArgs, out: &mut Output) -> anyhow::Result<Exit> {
    let Some((to, paths)) = args.rest.split_last() else {
        bail!("nowhere to copy to");
    };
    let folder = (to != Path::new("-")).then(|| place::folder_of(to));
    confine(Writable {
        folders: folder.as_slice(),
        ..Writable::default()
    });
    let store = session.read_around(&[&args.disk], &args.store, CountPolicy::HeadersOnly, out)?;
    let id = store.disk_of(&args.disk)?;
    let moment = Moment::of_lines(&store.forest, [id]);
    let chain = open_chain(&store.forest, id)?;
    let target = CopyTarget::new(to, args.force, &store.forest.roots)?;
    let mut copied = Copied::default();
    if paths.is_empty() {
        raw::copy(&chain, &target, &session.job, out, &mut copied)?;
    } else {
        let disk = GuestDisk::open(&chain);
        let volumes: Vec<_> = disk.rows();
        let mut wanted = Vec::new();
        for path in paths {
            let text = path.to_str().context("a path that is not UTF-8")?;
            wanted.push(find(&volumes, text)?);
        }
        let mut bound = SizeLimit {
            left: disk.source.len(),
        };
        let job = &session.job;
        match &target {
            CopyTarget::Stdout => to_stdout(&wanted, job, &mut bound, out, &mut copied)?,
            CopyTarget::File { .. } => {
                tree::copy(&wanted, &target, job, &mut bound, &mut copied)?;
            }
        }
    }
    for left in &copied.left_out {
        out.warn(&escape(left));
    }
    let changed = moment.changed();
    for path in &changed {
        out.warn(&format!("{}: {CHANGED}", crate::text::path(path)));
    }
    let whole = copied.left_out.is_empty() && changed.is_empty();
    Ok(if whole { Exit::Done } else { Exit::CannotTell })
}

/// Looks a path up in the volume it names, or in all: only one may have it.
fn find<'v>(
    volumes: &'v [(crate::analysis::files::VolumeRow, Volume)],
    text: &str,
) -> anyhow::Result<Wanted<'v>> {
    let path = GuestPath::parse(text);
    let mut found: Vec<(&str, Wanted<'v>)> = Vec::new();
    let mut closed = Vec::new();
    for (row, volume) in volumes.iter().filter(|(row, _)| path.is_of(row)) {
        let fs = match volume.file_system() {
            Ok(fs) => fs,
            Err(why) => {
                closed.push(format!("{}: {}", row.name, why.text));
                continue;
            }
        };
        let (file, stream) = lookup::split_stream(fs, &path.path);
        match lookup::find(fs, file) {
            Ok(entry) => found.push((
                &row.name,
                Wanted {
                    fs,
                    path: file.to_owned(),
                    stream: stream.to_owned(),
                    entry,
                },
            )),
            Err(GuestError::NotFound) => {}
            Err(error) => return Err(error).context(escape(text)),
        }
    }
    match found.len() {
        0 if closed.is_empty() => bail!("{}: no such file in the disk", escape(text)),
        0 => bail!(
            "{}: no such file in what can be read of the disk ({})",
            escape(text),
            closed.join("; ")
        ),
        1 => Ok(found.remove(0).1),
        _ => {
            let names: Vec<String> = found.iter().map(|(name, _)| format!("{name}:")).collect();
            bail!(
                "{}: several volumes have it; name one before the path: {}",
                escape(text),
                names.join(" ")
            )
        }
    }
}

fn to_stdout(
    wanted: &[Wanted<'_>],
    job: &Job,
    bound: &mut SizeLimit,
    out: &mut Output,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    match wanted {
        [one] if one.entry.kind != FileKind::Directory => {
            bound.take(size_of(one)?)?;
            write_content(
                one.fs,
                &one.entry,
                &one.stream,
                job,
                &mut |piece| match piece {
                    ContentPiece::Bytes(bytes) => out.write_all(bytes),
                    ContentPiece::Zeros(count) => zeros(out, count),
                },
            )
            .with_context(|| escape(&one.path))?;
            copied.files += 1;
            Ok(())
        }
        several => tar::write(several, job, bound, out, copied),
    }
}

/// The size of what is wanted, if it can be had at all.
fn size_of(wanted: &Wanted<'_>) -> anyhow::Result<u64> {
    let file = wanted
        .fs
        .file(wanted.entry.id)
        .with_context(|| escape(&wanted.path))?;
    if let Some(why) = file.closed {
        bail!("{}: {}", escape(&wanted.path), why.words());
    }
    if wanted.stream.is_empty() {
        return Ok(file.bytes);
    }
    let stream = file.streams.iter().find(|of| of.name == wanted.stream);
    let stream = stream.with_context(|| format!("{}: no such stream", escape(&wanted.path)))?;
    Ok(stream.bytes)
}

/// Hands a content to a writer; the writer's error comes out as it is.
fn write_content(
    fs: &dyn FileSystem,
    entry: &DirectoryEntry,
    stream: &str,
    job: &Job,
    write: &mut dyn FnMut(ContentPiece<'_>) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut written = Ok(());
    read_content(fs, entry.id, stream, job, &mut |piece| {
        written = write(piece);
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(written?)
}

/// Writes zeros to what cannot skip them.
fn zeros(to: &mut dyn Write, mut count: u64) -> std::io::Result<()> {
    let block = [0; 8 << 10];
    while count > 0 {
        let len = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(block.len());
        to.write_all(block.get(..len).unwrap_or_default())?;
        count -= len as u64;
    }
    Ok(())
}

/// The last part of a guest's path, made a name that is safe here.
fn safe_name(name: &str) -> String {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let mut safe: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '\0' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let stem = safe
        .split('.')
        .next()
        .unwrap_or("")
        .trim_end()
        .to_lowercase();
    let numbered = ["com", "lpt"].iter().any(|device| {
        let number = stem.strip_prefix(device);
        // Superscripts count, too.
        let is_number = |of: char| of.is_ascii_digit() || matches!(of, '¹' | '²' | '³');
        let mut rest = number.unwrap_or_default().chars();
        rest.next().is_some_and(is_number) && rest.next().is_none()
    });
    if safe.is_empty() || safe == "." || safe == ".." || numbered || DEVICES.contains(&&*stem) {
        safe.insert(0, '_');
    }
    safe
}

/// Where something of this name goes: into a folder that is there, or to the place itself.
fn within(to: &Path, path: &str) -> PathBuf {
    let name = path.rsplit(['/', '\\']).next().unwrap_or("");
    let name = if name.is_empty() { "volume" } else { name };
    if to.is_dir() {
        to.join(safe_name(name))
    } else {
        to.to_path_buf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_guest_are_made_safe() {
        for (name, safe) in [
            ("..", "_.."),
            ("a/../b", "a_.._b"),
            ("C:\\x", "C__x"),
            ("NUL", "_NUL"),
            ("com1.txt", "_com1.txt"),
            ("com10", "com10"),
            ("comb", "comb"),
            ("LPT³.log", "_LPT³.log"),
            ("a\u{1b}[31m", "a_[31m"),
            ("検証用.txt", "検証用.txt"),
            ("", "_"),
        ] {
            assert_eq!(safe_name(name), safe);
        }
    }
}
