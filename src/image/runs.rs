//! Runs of sectors: what a disk answers for itself, and where it lies.

use crate::format::SectorNo;

/// Where the content of a run of sectors is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this file, from this byte on, without a gap.
    Here {
        /// Position in the file, in bytes.
        offset_bytes: u64,
    },
    /// Zeros, said by this disk.
    Zero,
    /// Unmapped: reads as zeros, said by this disk.
    Unmapped,
    /// Not in this disk: the parent answers; zeros where there is none.
    Absent,
    /// The table or bitmap is wrong or unreadable here.
    Error,
}

/// A run of sectors with one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectorRun {
    /// First sector.
    pub first: SectorNo,
    /// Number of sectors.
    pub count: u64,
    /// Where they are.
    pub place: Place,
}
