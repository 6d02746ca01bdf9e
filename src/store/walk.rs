//! The walk: every file below the roots, each once. Real folders first, symbolic links after, so that a file reached
//! both ways is listed under its real place.

mod listing;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::listing::{Closing, Listings};
use crate::finding::Finding;
use crate::image::directory::is_directory_disk;
use crate::job::CancelToken;
use crate::store::PathError;
use crate::store::codes;
use crate::store::containers::{self, Containers, VolumeName, xo};
use crate::store::journals::{Journal, Work};
use crate::store::mounts::kernel_mounts;
use crate::store::names::{Named, named};
use crate::store::place::real_path;

/// How a file was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Direct,
    /// Through a symbolic link below a root.
    Link,
    /// Named by a child, within the allowed folders.
    Parent,
}

/// A file to look into.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Its path from the root given.
    pub path: PathBuf,
    /// What its name promises.
    pub name: Named,
    /// Its folder with every symbolic link resolved.
    pub folder: Arc<Path>,
    /// How it was reached.
    pub way: Way,
    /// What is wrong with it already: then it is a row, and is not opened.
    pub fault: Option<Box<Finding>>,
}

/// What the walk found.
#[derive(Debug)]
pub(crate) enum Step {
    /// A file to look into.
    Candidate(Candidate),
    /// A file that is named for what it is.
    Companion(PathBuf, &'static str),
    /// A configuration of a machine or snapshot.
    Config(PathBuf),
    /// The description of a backup.
    Backup(PathBuf),
    /// A storage repository in a container; its disks follow.
    Container(Arc<containers::OpenRepository>),
    /// What the host says of its machines and disks.
    Facts(PathBuf),
    /// A path that could not be looked at.
    Error(PathError),
    /// A folder, or a symbolic link to one, that is not gone into.
    NotWalked(PathBuf, Finding),
}

/// Walks `roots` and hands over each step, the containers met among them being open in `containers`; returns once all is walked or `cancel` is set. At most so many
/// `threads` list folders; 0: as many as the storage wants.
///
/// # Errors
/// The first root that cannot be read at all; nothing of it was handed over.
pub(crate) fn walk(
    roots: &[PathBuf],
    threads: usize,
    cancel: &CancelToken,
    containers: &Containers,
    take: &mut dyn FnMut(Step),
) -> Result<(), (PathBuf, io::Error)> {
    let mut walk = Walk {
        roots,
        cancel,
        containers,
        take,
        folders: HashSet::new(),
        links: VecDeque::new(),
        directories: Vec::new(),
        aliased: HashSet::new(),
        kernel: Arc::new(kernel_mounts()),
        threads,
    };
    let mut named = Vec::new();
    for root in roots {
        let root_error = |error| (root.clone(), error);
        // Of a volume in a container, the container is what can be walked.
        let root = &containers::container_of(root).unwrap_or_else(|| root.clone());
        let metadata = std::fs::metadata(root).map_err(root_error)?;
        let real = real_path(root).map_err(root_error)?;
        // What the user asks for is walked, whatever it is.
        let kernel = Arc::make_mut(&mut walk.kernel);
        kernel.retain(|mount, _| !real.starts_with(mount));
        if metadata.is_dir() {
            // A root that cannot be listed is the user's mistake, unlike a folder deep inside.
            std::fs::read_dir(root).map_err(root_error)?;
            walk.folder(root, &real, Way::Direct);
            continue;
        }
        if metadata.is_file() || is_block_device(metadata.file_type()) {
            let found = containers::find(root).map_err(root_error)?;
            if !found.is_empty() {
                named.push(found);
                continue;
            }
        }
        let folder = real.parent().unwrap_or(&real).into();
        let kind = metadata.file_type();
        walk.file(root.clone(), folder, Way::Direct, kind, FoundBy::Given);
    }
    walk.volumes(named);
    while let Some(link) = walk.links.pop_front() {
        if cancel.is_cancelled() {
            break;
        }
        walk.link(link);
    }
    // A folder with an alias is that disk, and no second one.
    for found in std::mem::take(&mut walk.directories) {
        if !walk.aliased.contains(&found.path) {
            (walk.take)(Step::Candidate(found));
        }
    }
    Ok(())
}

/// How a file came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FoundBy {
    /// The user named it.
    Given,
    /// It lies right in a folder that the user named.
    Beside,
    /// The walk met it.
    Met,
}

impl FoundBy {
    /// A device is opened only where the user said so: by its name, or by a folder of links to devices, as `/dev/VG` is
    /// one, for volumes that are disks by their names.
    fn may_be_device(self, name: Named) -> bool {
        match self {
            Self::Given => true,
            Self::Beside => matches!(name, Named::Disk | Named::Raw),
            Self::Met => false,
        }
    }
}

struct Walk<'a> {
    roots: &'a [PathBuf],
    cancel: &'a CancelToken,
    containers: &'a Containers,
    take: &'a mut dyn FnMut(Step),
    /// Folders listed so far, by their real path.
    folders: HashSet<PathBuf>,
    links: VecDeque<PathBuf>,
    /// Disks that are folders, and the folders that an alias stands for.
    directories: Vec<Candidate>,
    aliased: HashSet<PathBuf>,
    /// Where the kernel shows itself as files, and as what kind of file system.
    kernel: Arc<HashMap<PathBuf, String>>,
    /// Folders listed at once, at most; 0: as many as the storage wants.
    threads: usize,
}

/// A folder on the way down from where a walk began.
struct Level {
    path: PathBuf,
    real: Arc<Path>,
    entries: std::vec::IntoIter<(OsString, FileType)>,
}

impl Level {
    /// The folders in it that are still to be gone into, the next one last.
    fn rest(&self) -> impl Iterator<Item = PathBuf> {
        let folders = self.entries.as_slice().iter().rev();
        let folders = folders.filter(|(_, kind)| kind.is_dir());
        folders.map(|(name, _)| self.path.join(name))
    }
}

impl Walk<'_> {
    fn folder(&mut self, root: &Path, real_root: &Path, way: Way) {
        let kernel = Arc::clone(&self.kernel);
        let is_wanted = |folder: &Path| {
            named(folder) != Named::Disk
                && !kernel.contains_key(&real_place(folder, root, real_root))
        };
        let listings = Listings::new(self.threads, &is_wanted);
        std::thread::scope(|scope| {
            let _closing = Closing(&listings);
            let mut slowness = listing::slowness();
            let mut way_down: Vec<Level> = Vec::new();
            let mut next = Some(root.to_path_buf());
            loop {
                if self.cancel.is_cancelled() {
                    return;
                }
                // As early as its listing, so that disks come to be sorted as they are found.
                if let Some(path) = next.take()
                    && let Some(real) =
                        self.entered(&path, way_down.is_empty(), (root, real_root), way)
                {
                    let rest = || way_down.iter().flat_map(Level::rest).collect();
                    let listing = listings.next(&path, &mut slowness, scope, rest);
                    for (path, error) in listing.faults {
                        let error = error.to_string();
                        (self.take)(Step::Error(PathError { path, error }));
                    }
                    way_down.push(Level {
                        path,
                        real: real.into(),
                        entries: listing.entries.into_iter(),
                    });
                }
                let Some(level) = way_down.last_mut() else {
                    return;
                };
                match level.entries.next() {
                    None => {
                        way_down.pop();
                    }
                    Some((name, kind)) if kind.is_dir() => next = Some(level.path.join(name)),
                    Some((name, kind)) if kind.is_symlink() => {
                        self.links.push_back(level.path.join(name));
                    }
                    Some((name, kind)) => {
                        let (path, folder) = (level.path.join(name), Arc::clone(&level.real));
                        self.file(path, folder, way, kind, FoundBy::Met);
                    }
                }
            }
        });
    }

    /// The real place of a folder that is to be listed; `None` if it is not, and why is told.
    fn entered(
        &mut self,
        path: &Path,
        is_top: bool,
        (root, real_root): (&Path, &Path),
        way: Way,
    ) -> Option<PathBuf> {
        let real = real_place(path, root, real_root);
        if let Some(kind) = self.kernel.get(&real) {
            let told = kernel_finding(kind);
            (self.take)(Step::NotWalked(path.to_path_buf(), told));
            return None;
        }
        if !self.folders.insert(real.clone()) {
            return None;
        }
        if let Some(finding) = xo::encrypted(path) {
            (self.take)(Step::NotWalked(path.to_path_buf(), finding));
            return None;
        }
        if !is_top && named(path) == Named::Disk {
            let folder: Arc<Path> = real.parent().unwrap_or(&real).into();
            if is_directory_disk(path) {
                let found = Candidate::plain(path.to_path_buf(), Named::Disk, folder, way);
                self.directories.push(found);
                return None;
            }
            self.special(path.to_path_buf(), folder, way, "a folder");
        }
        Some(real)
    }

    fn file(&mut self, path: PathBuf, folder: Arc<Path>, way: Way, kind: FileType, told: FoundBy) {
        if xo::is_alias(&path)
            && let Ok(target) = xo::target(&path)
        {
            self.aliased.insert(target);
        }
        let journal = Journal::of(&path).filter(|of| of.work != Work::OldLeaf);
        let name = match journal {
            Some(journal) => Named::Companion(journal.what()),
            None if xo::merged(&path).is_some() => {
                Named::Companion("state of a merge that is not finished")
            }
            None => named(&path),
        };
        if is_block_device(kind) && told.may_be_device(name) {
            (self.take)(Step::Candidate(Candidate::plain(path, name, folder, way)));
            return;
        }
        if !kind.is_file() {
            if told == FoundBy::Given || matches!(name, Named::Disk | Named::Raw) {
                self.special(path, folder, way, what_kind(kind));
            }
            return;
        }
        let step = match name {
            // A file given by name is looked into whatever it is called.
            _ if told == FoundBy::Given => {
                Step::Candidate(Candidate::plain(path, name, folder, way))
            }
            Named::Companion(what) => Step::Companion(path, what),
            Named::Config => Step::Config(path),
            Named::Anything if xo::is_backup(&path) => Step::Backup(path),
            Named::Facts => Step::Facts(path),
            Named::Disk | Named::Raw | Named::Anything => {
                Step::Candidate(Candidate::plain(path, name, folder, way))
            }
        };
        (self.take)(step);
    }

    /// The volumes of the storage repositories on all devices and images that were named.
    fn volumes(&mut self, found: Vec<containers::DeviceContent>) {
        let (groups, findings) = containers::open_groups(found);
        for (path, finding) in findings {
            (self.take)(Step::NotWalked(path, finding));
        }
        for group in groups {
            // Before the first of its volumes is opened by anybody.
            self.containers.add(Arc::clone(&group));
            (self.take)(Step::Container(Arc::clone(&group)));
            let folder = real_container(&group.folder).into();
            for volume in &group.volumes.volumes {
                let path = group.folder.join(&volume.name);
                let name = named(&path);
                match VolumeName::of(&volume.name) {
                    VolumeName::Vhd(_)
                    | VolumeName::Raw(_)
                    | VolumeName::Qcow2(_)
                    | VolumeName::PutAside => {
                        let folder = Arc::clone(&folder);
                        let found = Candidate::plain(path, name, folder, Way::Direct);
                        (self.take)(Step::Candidate(found));
                    }
                    VolumeName::Management => {
                        let what = "names and snapshots of the disks of a storage repository";
                        (self.take)(Step::Companion(path, what));
                    }
                    VolumeName::ChangeLog => {
                        let what = "changed blocks of a disk, kept for backups";
                        (self.take)(Step::Companion(path, what));
                    }
                    VolumeName::Other => {
                        if let Some(journal) = Journal::of(&path) {
                            (self.take)(Step::Companion(path, journal.what()));
                        }
                    }
                }
            }
        }
    }

    fn special(&mut self, path: PathBuf, folder: Arc<Path>, way: Way, what: &'static str) {
        let fault = Finding::new(
            &codes::NOT_A_FILE,
            format!("It is {what}, which is not opened."),
        )
        .values("a regular file", what);
        (self.take)(Step::Candidate(Candidate {
            name: named(&path),
            path,
            folder,
            way,
            fault: Some(Box::new(fault)),
        }));
    }

    fn link(&mut self, path: PathBuf) {
        let is_disk = named(&path) == Named::Disk;
        let target = real_path(&path).and_then(|real| {
            let metadata = std::fs::metadata(&real)?;
            Ok((real, metadata))
        });
        let (real, metadata) = match target {
            Ok(target) => target,
            Err(error) => {
                if is_disk {
                    self.dangling(path, &error);
                } else if error.kind() != io::ErrorKind::NotFound {
                    (self.take)(Step::Error(PathError {
                        path,
                        error: error.to_string(),
                    }));
                }
                return;
            }
        };
        let here = path.parent().and_then(|folder| real_path(folder).ok());
        if !metadata.is_dir() {
            // Its place is where the link lies: that is where a child looks for it.
            let folder = here.unwrap_or_default().into();
            let is_named = self.roots.iter().any(|root| Some(&**root) == path.parent());
            let told = if is_named {
                FoundBy::Beside
            } else {
                FoundBy::Met
            };
            self.file(path, folder, Way::Link, metadata.file_type(), told);
            return;
        }
        if here.is_some_and(|here| here.starts_with(&real)) {
            let finding = Finding::new(
                &codes::LINK_LOOP,
                format!("It leads to {}, in which it lies.", real.display()),
            );
            (self.take)(Step::NotWalked(path, finding));
        } else if let Some(kind) = real.ancestors().find_map(|place| self.kernel.get(place)) {
            let told = kernel_finding(kind);
            (self.take)(Step::NotWalked(path, told));
        } else if !self.folders.contains(&real) {
            self.folder(&path, &real, Way::Link);
        }
    }

    fn dangling(&mut self, path: PathBuf, error: &io::Error) {
        let folder = path
            .parent()
            .and_then(|folder| real_path(folder).ok())
            .unwrap_or_default();
        let target = std::fs::read_link(&path).unwrap_or_default();
        let fault = Finding::new(
            &codes::DANGLING_LINK,
            format!("It leads to {}: {error}.", target.display()),
        );
        (self.take)(Step::Candidate(Candidate {
            name: named(&path),
            path,
            folder: folder.into(),
            way: Way::Link,
            fault: Some(Box::new(fault)),
        }));
    }
}

impl Candidate {
    fn plain(path: PathBuf, name: Named, folder: Arc<Path>, way: Way) -> Self {
        Self {
            path,
            name,
            folder,
            way,
            fault: None,
        }
    }
}

fn kernel_finding(kind: &str) -> Finding {
    Finding::new(
        &codes::KERNEL_FILES,
        format!("It is a file system of kind {kind}, in which no disks lie; it was not gone into."),
    )
}

fn real_place(path: &Path, root: &Path, real_root: &Path) -> PathBuf {
    match path.strip_prefix(root) {
        Ok(below) if below.as_os_str().is_empty() => real_root.to_path_buf(),
        Ok(below) => real_root.join(below),
        Err(_) => path.to_path_buf(),
    }
}

/// `CONTAINER/VG` with every symbolic link to the container resolved.
fn real_container(folder: &Path) -> PathBuf {
    let container = folder
        .parent()
        .and_then(|container| real_path(container).ok());
    match (container, folder.file_name()) {
        (Some(container), Some(group)) => container.join(group),
        _ => folder.to_path_buf(),
    }
}

#[cfg(unix)]
fn is_block_device(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&kind)
}

#[cfg(not(unix))]
fn is_block_device(_kind: FileType) -> bool {
    false
}

#[cfg(unix)]
fn what_kind(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "no regular file"
    }
}

#[cfg(not(unix))]
fn what_kind(_kind: FileType) -> &'static str {
    "no regular file"
}
