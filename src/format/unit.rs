//! Units of position, so that a sector is never taken for a block.

/// A logical sector of a virtual disk, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SectorNo(pub u64);

/// A payload block of a virtual disk, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlockNo(pub u64);
