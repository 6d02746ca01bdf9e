//! Chain: leaf to base; who owns a sector; merged reads through bitmaps.
//!
//! A [`Chain`] answers for the content of one node of a tree: `links[0]` is the node, the last link is its base. Of every
//! sector exactly one link answers, the first that holds it; below the base there are zeros, unless the base itself
//! wants a parent that is not there.
//!
//! ```text
//!  Chain ─► windows       stretches in which no link holds anything; bounded pieces of the others   (tables)
//!        ─► owned_runs    runs of { sector, count, owner, place }, merged over all links            (tables, bitmaps)
//!        ─► read_at       some sectors, now, or a typed error with file and position
//!        ─► ChainSource   any bytes, with a memory for who owns what: what file systems are read through
//!        ─► read_all      everything in order: large reads by two threads ahead of the taker
//! ```
//!
//! Disks of different size: beyond the end of a shorter parent there are zeros, and a longer parent is cut. So a link
//! hides everything below it from its own end on.

mod error;
mod fetch;
mod owner;
mod read;
mod source;
mod stream;
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::image::{Image, Kind};

pub use error::{ChainError, ReadFault};
pub use owner::{Content, OwnedRun, Owner, Unknown};
pub use source::ChainSource;
pub use stream::{OnFault, ReadSummary};
pub use window::{Window, Windows};

pub(crate) use fetch::{BadBytes, Fetch};
pub(crate) use owner::{Resolver, intersect};
pub(crate) use window::WINDOW_SECTORS;

/// Open images from a leaf (or any node) down to its base: `links[0]` is the node itself.
#[derive(Debug, Clone)]
pub struct Chain {
    links: Vec<Arc<Image>>,
    paths: Vec<PathBuf>,
    sector_size: u32,
}

impl Chain {
    /// A chain over images in order, leaf first. Block sizes, formats and virtual sizes may differ from link to link.
    ///
    /// If the last link is a differencing disk, its parent is taken as missing: what nobody holds then cannot be read.
    ///
    /// # Errors
    /// [`ChainError::Empty`] without a link; [`ChainError::SectorSizes`] if the links do not all have the logical sector
    /// size of the first, which must not be 0.
    pub fn new(links: Vec<Arc<Image>>) -> Result<Self, ChainError> {
        let chain = Self {
            sector_size: links.first().ok_or(ChainError::Empty)?.header().sector_size,
            links,
            paths: Vec::new(),
        };
        chain.check_sector_sizes()?;
        Ok(chain)
    }

    /// Names the files of the links, in the same order, for errors and to tell whether two chains share a disk.
    #[must_use]
    pub fn with_paths(mut self, paths: Vec<PathBuf>) -> Self {
        self.paths = paths;
        self
    }

    /// The images, leaf first. Never empty.
    pub fn links(&self) -> &[Arc<Image>] {
        &self.links
    }

    /// The file of a link, if the chain was told.
    pub fn path(&self, link: usize) -> Option<&Path> {
        self.paths.get(link).map(PathBuf::as_path)
    }

    /// Sectors of the node's virtual disk.
    pub fn sectors(&self) -> u64 {
        self.links.first().map_or(0, |leaf| leaf.sectors())
    }

    /// Logical sector size of all links, in bytes; never 0.
    pub fn sector_size(&self) -> u32 {
        self.sector_size
    }

    /// The chain of the node's parent; `None` for a base.
    pub fn parent(&self) -> Option<Self> {
        self.from_link(1)
    }

    /// The chain that starts at a link of this one; `None` past the base.
    pub fn from_link(&self, link: usize) -> Option<Self> {
        let links = self.links.get(link..).filter(|links| !links.is_empty())?;
        Some(Self {
            links: links.to_vec(),
            paths: self.paths.get(link..).unwrap_or_default().to_vec(),
            sector_size: self.sector_size,
        })
    }

    /// True if the base wants a parent and this chain does not have it.
    pub fn is_cut_off(&self) -> bool {
        self.links
            .last()
            .is_some_and(|base| base.header().kind == Kind::Differencing)
    }

    /// How errors name a link: its file, or its place in the chain.
    pub(crate) fn name(&self, link: usize) -> PathBuf {
        self.path(link)
            .map_or_else(|| PathBuf::from(format!("link {link}")), Path::to_path_buf)
    }

    fn check_sector_sizes(&self) -> Result<(), ChainError> {
        let expected = self.sector_size;
        let odd = self
            .links
            .iter()
            .enumerate()
            .map(|(link, image)| (link, image.header().sector_size))
            .find(|(_, actual)| *actual != expected || *actual == 0);
        match odd {
            Some((link, actual)) => Err(ChainError::SectorSizes {
                file: self.name(link),
                expected,
                actual,
            }),
            None => Ok(()),
        }
    }
}
