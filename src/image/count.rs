//! Exact counts of one disk, from its table and bitmaps alone.

use crate::finding::Finding;
use crate::format::BlockNo;
use crate::image::BlockState;

/// Blocks by state and dirty sectors of one disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Blocks of the disk.
    pub total: u64,
    /// Every sector held.
    pub full: u64,
    /// Some sectors held (or none, where a block is allocated and no bit is set).
    pub partial: u64,
    /// Zero or undefined.
    pub zero: u64,
    /// Unmapped.
    pub unmapped: u64,
    /// Not held.
    pub absent: u64,
    /// Entries that cannot be right, and blocks whose bitmap could not be read.
    pub error: u64,
    /// Sectors the disk answers for itself; meaningful for differencing disks.
    pub dirty_sectors: u64,
    /// What is wrong with the table.
    pub findings: Vec<Finding>,
    /// False if the count was cancelled or something could not be read.
    pub complete: bool,
}

/// A run of blocks of one state, bitmaps looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateRun {
    /// First block.
    pub first: BlockNo,
    /// Number of blocks.
    pub count: u64,
    /// Their state.
    pub state: BlockState,
}
