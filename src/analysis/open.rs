//! From disks of a forest to chains that can be read.
//!
//! Only files are opened that the scan has found and let through its gate; a chain ends where a link is not sound, and what the
//! missing parent would hold then reads as an error, not as zeros.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::chain::{Chain, ChainError};
use crate::format::FormatError;
use crate::image::{Header, Image};
use crate::store::containers::Containers;
use crate::store::{DiskId, Forest};

/// Why a disk cannot be opened for reading its content.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The forest has no such disk.
    #[error("no such disk in the store")]
    NoSuchDisk,
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    File {
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not readable as a disk.
    #[error("{}: {source}", path.display())]
    Disk { path: PathBuf, source: FormatError },
    /// The file is another disk than the one that was linked.
    #[error("{} is not the disk it was when the store was read; read it again", path.display())]
    Changed { path: PathBuf },
    /// The disks are no chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Opens a disk of a forest with all its ancestors that are soundly linked.
///
/// # Errors
/// The first file that cannot be opened, or why they are no chain.
pub fn open_chain(forest: &Forest, id: DiskId) -> Result<Chain, OpenError> {
    open_line(forest, id, &mut OpenDisks::new(forest))
}

/// Opens two disks of a forest; ancestors they share are opened once, so that a diff knows them as one.
///
/// # Errors
/// As [`open_chain`].
pub fn open_pair(
    forest: &Forest,
    left: DiskId,
    right: DiskId,
) -> Result<(Chain, Chain), OpenError> {
    OpenPairs::new(forest).open(left, right)
}

/// Opens pairs one after the other; what the next pair has in common with the left disk of the last one stays open.
pub struct OpenPairs<'a> {
    forest: &'a Forest,
    open: OpenDisks,
}

impl<'a> OpenPairs<'a> {
    pub fn new(forest: &'a Forest) -> Self {
        Self {
            forest,
            open: OpenDisks::new(forest),
        }
    }

    /// # Errors
    /// As [`open_chain`].
    pub fn open(&mut self, left: DiskId, right: DiskId) -> Result<(Chain, Chain), OpenError> {
        let stays: Vec<DiskId> = self.forest.line(left).collect();
        self.open.images.retain(|id, _| stays.contains(id));
        Ok((
            open_line(self.forest, left, &mut self.open)?,
            open_line(self.forest, right, &mut self.open)?,
        ))
    }
}

/// Opens files as a chain, leaf first, without asking whether they name each other as parents.
///
/// # Errors
/// As [`open_chain`].
pub fn open_paths(paths: &[PathBuf]) -> Result<Chain, OpenError> {
    let mut links: Vec<Arc<Image>> = Vec::with_capacity(paths.len());
    let containers = Containers::default();
    for path in paths {
        let image = open_image(&containers, path, links.last().map(AsRef::as_ref))?;
        links.push(Arc::new(image));
    }
    Ok(Chain::new(links)?.with_paths(paths.to_vec()))
}

/// Disks of a forest that are open, and the containers in which some lie.
struct OpenDisks {
    containers: Containers,
    images: BTreeMap<DiskId, Arc<Image>>,
}

impl OpenDisks {
    fn new(forest: &Forest) -> Self {
        Self {
            containers: Containers::among(&forest.roots),
            images: BTreeMap::new(),
        }
    }
}

fn open_line(forest: &Forest, id: DiskId, open: &mut OpenDisks) -> Result<Chain, OpenError> {
    let mut links: Vec<Arc<Image>> = Vec::new();
    let mut paths = Vec::new();
    for id in forest.line(id) {
        let disk = forest.disk(id).ok_or(OpenError::NoSuchDisk)?;
        let path = &disk.path;
        let image = match open.images.get(&id) {
            Some(image) => Arc::clone(image),
            None => Arc::new(open_image(
                &open.containers,
                path,
                links.last().map(AsRef::as_ref),
            )?),
        };
        let is_parent = !links.is_empty();
        let is_known = disk
            .header
            .as_ref()
            .is_none_or(|known| is_same_disk(known, image.header(), is_parent));
        if !is_known {
            return Err(OpenError::Changed { path: path.clone() });
        }
        open.images.insert(id, Arc::clone(&image));
        links.push(image);
        paths.push(path.clone());
    }
    Ok(Chain::new(links)?.with_paths(paths))
}

/// A leaf may go on being written; whoever has children may not.
fn is_same_disk(known: &Header, now: &Header, is_parent: bool) -> bool {
    let named = |header: &Header| header.parent.as_ref().and_then(|parent| parent.id_wanted);
    known.kind == now.kind
        && known.id == now.id
        && known.virtual_size == now.virtual_size
        && named(known) == named(now)
        && (!is_parent || known.data_write_id == now.data_write_id)
}

/// Opens a file as what its child says it is: a disk, or bare content.
fn open_image(
    containers: &Containers,
    path: &Path,
    child: Option<&Image>,
) -> Result<Image, OpenError> {
    let source = containers.open(path).map_err(|source| OpenError::File {
        path: path.to_path_buf(),
        source,
    })?;
    let raw_of = child.filter(|child| {
        child
            .header()
            .parent
            .as_ref()
            .is_some_and(|parent| parent.raw)
    });
    if let Some(child) = raw_of {
        return Ok(Image::raw(source, child.header().sector_size));
    }
    Image::open_named(source).map_err(|source| OpenError::Disk {
        path: path.to_path_buf(),
        source,
    })
}
