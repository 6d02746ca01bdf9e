//! Why content could not be had.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::format::{FormatError, SectorNo};

/// Why a chain could not be made, or content not be read. Files are named as the chain was told
/// ([`Chain::with_paths`](super::Chain::with_paths)), else `link n`, 0 being the node itself.
#[derive(Debug, Error)]
pub enum ChainError {
    /// A chain of no link.
    #[error("a chain needs at least one disk")]
    Empty,
    /// Disks of different logical sector size cannot be one chain.
    #[error("{}: sector size is {actual} bytes, its child's is {expected}", file.display())]
    SectorSizes {
        /// The file that differs.
        file: PathBuf,
        /// Sector size of the node, in bytes.
        expected: u32,
        /// Sector size of the file, in bytes.
        actual: u32,
    },
    /// A table or bitmap could not be read, so nothing is known of these sectors.
    #[error("{}: sectors from {} on: {source}", file.display(), sector.0)]
    Table {
        file: PathBuf,
        /// First sector of which nothing is known.
        sector: SectorNo,
        source: FormatError,
    },
    /// A table entry or bitmap is wrong, so nothing is known of these sectors.
    #[error("{}: the block table is wrong for sector {}", file.display(), sector.0)]
    WrongTable {
        file: PathBuf,
        /// First sector of which nothing is known.
        sector: SectorNo,
    },
    /// The bytes of a sector could not be read.
    #[error("{}: cannot read sector {} at byte {at_bytes}: {source}", file.display(), sector.0)]
    Read {
        file: PathBuf,
        /// The sector of the virtual disk.
        sector: SectorNo,
        /// Where it lies in the file, in bytes.
        at_bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The disk that would answer is not in the chain.
    #[error("{}: sector {} is held by its parent, which is missing", file.display(), sector.0)]
    ParentMissing {
        /// The last file of the chain.
        file: PathBuf,
        sector: SectorNo,
    },
    /// Beyond the end of the virtual disk, or not in whole sectors.
    #[error("{bytes} bytes from sector {} on are not whole sectors of a disk of {sectors} sectors", sector.0)]
    OutOfRange {
        /// First sector asked for.
        sector: SectorNo,
        /// Bytes asked for.
        bytes: u64,
        /// Sectors of the disk.
        sectors: u64,
    },
}

impl ChainError {
    /// The file at fault, if it is one file's.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::SectorSizes { file, .. }
            | Self::Table { file, .. }
            | Self::WrongTable { file, .. }
            | Self::Read { file, .. }
            | Self::ParentMissing { file, .. } => Some(file),
            Self::Empty | Self::OutOfRange { .. } => None,
        }
    }
}

/// Sectors that could not be read, and why.
#[derive(Debug)]
pub struct ReadFault {
    /// First sector of the virtual disk.
    pub sector: SectorNo,
    /// Number of sectors.
    pub count: u64,
    pub error: ChainError,
}
