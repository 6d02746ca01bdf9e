//! Some sectors, now.

use super::{Chain, ChainError, Content, Fetch, Unknown, WINDOW_SECTORS};
use crate::format::SectorNo;

impl Chain {
    /// Fills `buf` with the content from `sector` on. Zeros cost no read.
    ///
    /// # Errors
    /// [`ChainError::OutOfRange`] if `buf` is not whole sectors within the disk; otherwise the first sector that could not be
    /// read, with its file and position.
    pub fn read_at(&self, sector: SectorNo, buf: &mut [u8]) -> Result<(), ChainError> {
        let sector_bytes = usize::try_from(self.sector_size())
            .unwrap_or(usize::MAX)
            .max(1);
        let out_of_range = ChainError::OutOfRange {
            sector,
            bytes: buf.len() as u64,
            sectors: self.sectors(),
        };
        if !buf.len().is_multiple_of(sector_bytes) {
            return Err(out_of_range);
        }
        let count = (buf.len() as u64)
            .checked_div(u64::from(self.sector_size()))
            .unwrap_or(0);
        match sector.0.checked_add(count) {
            Some(end) if end <= self.sectors() => {}
            _ => return Err(out_of_range),
        }
        let window_bytes = usize::try_from(WINDOW_SECTORS)
            .unwrap_or(usize::MAX)
            .saturating_mul(sector_bytes);
        let mut first = sector.0;
        for part in buf.chunks_mut(window_bytes) {
            self.read_window(first, part)?;
            first = first.saturating_add(WINDOW_SECTORS);
        }
        Ok(())
    }

    fn read_window(&self, first: u64, buf: &mut [u8]) -> Result<(), ChainError> {
        let sector_size = u64::from(self.sector_size());
        let count = (buf.len() as u64).checked_div(sector_size).unwrap_or(0);
        let mut runs = Vec::new();
        self.owned_runs(
            SectorNo(first)..SectorNo(first.saturating_add(count)),
            &mut runs,
        )?;
        let mut fetch = Fetch::default();
        let mut at = 0_usize;
        for run in &runs {
            let len = usize::try_from(run.count.saturating_mul(sector_size)).unwrap_or(usize::MAX);
            let end = at.saturating_add(len);
            match run.content() {
                Content::Bytes { link, offset_bytes } => fetch.push(link, offset_bytes, at, len),
                Content::Zeros => {
                    if let Some(zeros) = buf.get_mut(at..end) {
                        zeros.fill(0);
                    }
                }
                Content::Unknown(unknown) => return Err(self.unknown(unknown, run.first)),
            }
            at = end;
        }
        let mut bad = Vec::new();
        fetch.run(self, buf, &mut bad);
        match bad.into_iter().next() {
            Some(bad) => {
                let sectors = (bad.at.start as u64).checked_div(sector_size).unwrap_or(0);
                Err(ChainError::Read {
                    file: self.name(bad.link),
                    sector: SectorNo(first.saturating_add(sectors)),
                    at_bytes: bad.offset_bytes,
                    source: bad.error,
                })
            }
            None => Ok(()),
        }
    }

    /// The error for a sector of which nothing is known.
    pub(crate) fn unknown(&self, unknown: Unknown, sector: SectorNo) -> ChainError {
        match unknown {
            Unknown::Table(link) => ChainError::WrongTable {
                file: self.name(link),
                sector,
            },
            Unknown::ParentMissing => ChainError::ParentMissing {
                file: self.name(self.links().len().saturating_sub(1)),
                sector,
            },
        }
    }
}
