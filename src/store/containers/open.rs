//! The containers that the user has named, open: what finds a volume by its path. A group may lie on several devices, and the
//! path of a volume names only one of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::lvm::{OpenRepository, find, open as open_groups};
use super::{other, place, xo};
use crate::source::{FileSource, Source};
use crate::store::FileFacts;
use crate::store::files::{Files, Opened};

/// The containers among some roots, opened when the first volume is asked for.
#[derive(Debug, Default)]
pub struct Containers {
    roots: Vec<PathBuf>,
    /// `None` until then.
    open: Mutex<Option<Vec<Arc<OpenRepository>>>>,
}

impl Containers {
    /// Those among the roots of a store; and whichever a path itself leads into.
    pub fn among(roots: &[PathBuf]) -> Self {
        Self {
            roots: roots.to_vec(),
            open: Mutex::default(),
        }
    }

    /// None yet: the walk of a store adds those it meets.
    pub(in crate::store) fn to_be_found() -> Self {
        Self {
            roots: Vec::new(),
            open: Mutex::new(Some(Vec::new())),
        }
    }

    pub(in crate::store) fn add(&self, repository: Arc<OpenRepository>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get_or_insert_default().push(repository);
    }

    /// Before a store is walked once more.
    pub(in crate::store) fn forget(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Some(Vec::new());
    }

    /// Opens a disk of a store by its path, whatever it is: a file, a block device, a folder, a volume of a container.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` for what is none of these; a volume's own.
    pub fn open(&self, path: &Path) -> io::Result<Arc<dyn Source>> {
        let error = match plain(path) {
            Ok(file) => return Ok(Arc::new(file)),
            Err(error) => error,
        };
        match other::open(path).or_else(|| self.volume(path)) {
            Some(opened) => Ok(opened?.source),
            None => Err(error),
        }
    }

    /// Opens the volume that a path stands for; `None` if it stands for none.
    fn volume(&self, path: &Path) -> Option<io::Result<Opened>> {
        let (repository, name) = self.repository_of(path)?;
        let facts = repository.facts(&name)?;
        let opened = repository.source(&name);
        Some(opened.map(|source| Opened { source, facts }))
    }

    /// What is known of a path that is no regular file.
    pub(in crate::store) fn facts(&self, path: &Path) -> Option<FileFacts> {
        match self.repository_of(path) {
            Some((repository, name)) => repository.facts(&name),
            None => other::facts(path),
        }
    }

    /// A number that is another one after each change of the container a volume lies in, as it was when that was opened;
    /// `None` for what lies in none.
    pub(in crate::store) fn mark(&self, path: &Path) -> Option<u64> {
        self.repository_of(path).map(|(found, _)| found.mark())
    }

    /// Room that no volume has, of the container whose volumes seem to lie in `folder`.
    pub(in crate::store) fn free_bytes(&self, folder: &Path) -> Option<u64> {
        let repository = self.by_folder(folder)?;
        Some(repository.volumes.free_bytes())
    }

    fn repository_of(&self, path: &Path) -> Option<(Arc<OpenRepository>, String)> {
        let name = path.file_name()?.to_str()?;
        let repository = self.by_folder(path.parent()?)?;
        repository.volumes.volume(name)?;
        Some((repository, name.to_owned()))
    }

    fn by_folder(&self, folder: &Path) -> Option<Arc<OpenRepository>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            // Most stores have none, and then nothing is read for it.
            let own = place::container_of(folder)?;
            let roots = self.roots.iter();
            let named = roots.map(|root| place::container_of(root).unwrap_or_else(|| root.clone()));
            let mut all: Vec<PathBuf> = named.filter(|root| is_container(root)).collect();
            if !all.contains(&own) {
                all.push(own);
            }
            let found = all.iter().filter_map(|root| find(root).ok()).collect();
            *open = Some(open_groups(found).0);
        }
        let mut all = open.iter().flatten();
        all.find(|known| known.folder == folder).map(Arc::clone)
    }
}

/// Whether a path may be a container at all: a file or device, no folder.
fn is_container(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_dir())
}

/// An alias is a file, and stands for a folder.
fn plain(path: &Path) -> io::Result<FileSource> {
    if xo::is_alias(path) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    FileSource::open(path)
}

/// The files of a store, and the volumes of its containers.
pub(in crate::store) struct FilesAndVolumes<'a> {
    pub files: &'a dyn Files,
    pub containers: &'a Containers,
}

impl Files for FilesAndVolumes<'_> {
    fn open(&self, path: &Path) -> io::Result<Opened> {
        let opened = self.files.open(path);
        opened.or_else(|error| self.containers.volume(path).unwrap_or(Err(error)))
    }

    fn facts(&self, path: &Path) -> io::Result<FileFacts> {
        let facts = self.files.facts(path);
        facts.or_else(|error| self.containers.facts(path).ok_or(error))
    }
}
