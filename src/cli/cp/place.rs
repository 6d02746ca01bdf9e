//! Where copies may go: new files, never below a store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::sibling::machine_folder;
use crate::store::real_path;
use crate::text::path as shown;

/// Zeros from this length on become holes.
const HOLE_BYTES: usize = 4_096;

/// Where copies go.
#[derive(Debug)]
pub(super) enum CopyTarget {
    Stdout,
    File { path: PathBuf, force: bool },
}

impl CopyTarget {
    /// Refuses places below the folders of a store, and in those of its other machines.
    pub(super) fn new(to: &Path, force: bool, roots: &[PathBuf]) -> anyhow::Result<Self> {
        if to == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let here = real(to).with_context(|| shown(to))?;
        let mut folders = Vec::new();
        for root in roots {
            let folder = folder_of(root);
            let folder = real_path(folder).with_context(|| shown(root))?;
            let is_inside = here.starts_with(&folder);
            folders.push(folder);
            if is_inside {
                bail!(
                    "{} lies in the store {}: nothing is written there",
                    shown(to),
                    shown(root)
                );
            }
        }
        if let Some(found) = machine_folder(folder_of(&here), &folders) {
            bail!(
                "{} lies in a machine's folder, {}, which holds {}: nothing is written there",
                shown(to),
                shown(&found.folder),
                shown(
                    found
                        .file
                        .strip_prefix(&found.folder)
                        .unwrap_or(&found.file)
                )
            );
        }
        Ok(Self::File {
            path: to.to_path_buf(),
            force,
        })
    }
}

/// The folder in which something is made: the place itself, or the folder it lies in.
pub(super) fn folder_of(to: &Path) -> &Path {
    match to.parent() {
        _ if to.is_dir() => to,
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A path that may not be there yet, by what its folder really is.
fn real(path: &Path) -> io::Result<PathBuf> {
    if let Ok(found) = real_path(path) {
        return Ok(found);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(real_path(folder_of(path))?.join(name))
}

/// A new file that is taken away again unless it is finished.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    path: PathBuf,
    /// Length, holes at the end included.
    len: u64,
    /// The system takes holes: a disk or a pipe may not.
    is_plain: bool,
    finished: bool,
}

impl NewFile {
    /// Makes a file that was not there; with force, in the place of a plain one that was.
    pub(super) fn make(path: &Path, force: bool) -> anyhow::Result<Self> {
        let known = fs::symlink_metadata(path).ok();
        if let Some(known) = known {
            if !force {
                bail!("{} is there already (--force replaces it)", shown(path));
            }
            if !known.is_file() {
                bail!("{} is no plain file", shown(path));
            }
            fs::remove_file(path).with_context(|| shown(path))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.with_context(|| shown(path))?;
        Ok(Self {
            is_plain: file.metadata().is_ok_and(|of| of.is_file()),
            file,
            path: path.to_path_buf(),
            len: 0,
            finished: false,
        })
    }

    /// Adds bytes; blocks of zeros become holes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Blocks are those of the file, so that the system can leave them out.
            let into = usize::try_from(self.len % HOLE_BYTES as u64).unwrap_or(0);
            let is_hole = |at: usize| rest.get(at..at + HOLE_BYTES).is_some_and(is_zero);
            if self.is_plain && into == 0 && is_hole(0) {
                self.skip(HOLE_BYTES as u64)?;
                rest = rest.get(HOLE_BYTES..).unwrap_or_default();
                continue;
            }
            let mut until = (HOLE_BYTES - into).min(rest.len());
            while until < rest.len() && !(self.is_plain && is_hole(until)) {
                until = (until + HOLE_BYTES).min(rest.len());
            }
            let (part, left) = rest.split_at(until);
            self.file.write_all(part)?;
            self.len += part.len() as u64;
            rest = left;
        }
        Ok(())
    }

    /// Leaves a hole.
    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.len += bytes;
        self.file.seek(SeekFrom::Start(self.len)).map(drop)
    }

    /// Gives the file its length and keeps it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_zero(block: &[u8]) -> bool {
    let words = block.chunks_exact(16);
    words
        .map(|word| u128::from_ne_bytes(word.try_into().unwrap_or([1; 16])))
        .all(|word| word == 0)
}

/// Makes a folder that was not there.
pub(super) fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir(path).with_context(|| shown(path))
}
