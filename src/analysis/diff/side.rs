//! Both sides' bytes of some sectors, for a reader's eyes.

use crate::chain::{Chain, ChainError};
use crate::format::SectorNo;

/// Most sectors of one call: a screen needs a few.
pub const SIDE_SECTORS: u64 = 2_048;

/// The bytes of the same sectors in two disks.
#[derive(Debug)]
pub struct SideBySide {
    /// The first sector.
    pub sector: SectorNo,
    /// Of the first disk; ends with it.
    pub left: Result<Vec<u8>, ChainError>,
    /// Of the second disk; ends with it.
    pub right: Result<Vec<u8>, ChainError>,
}

/// Reads up to [`SIDE_SECTORS`] sectors from both disks. One side's fault leaves the other side's bytes.
pub fn side_by_side(left: &Chain, right: &Chain, sector: SectorNo, count: u64) -> SideBySide {
    SideBySide {
        sector,
        left: bytes_of(left, sector, count),
        right: bytes_of(right, sector, count),
    }
}

fn bytes_of(chain: &Chain, sector: SectorNo, count: u64) -> Result<Vec<u8>, ChainError> {
    let there = chain
        .sectors()
        .saturating_sub(sector.0)
        .min(count)
        .min(SIDE_SECTORS);
    if there == 0 {
        return Ok(Vec::new());
    }
    let len = there.saturating_mul(u64::from(chain.sector_size()));
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    chain.read_at(sector, &mut bytes)?;
    Ok(bytes)
}
