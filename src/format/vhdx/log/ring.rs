//! The log's ring of 4 KiB sectors, read in pieces.

use std::io;

use crate::source::Source;

/// Length of a log sector, in bytes.
pub(super) const SECTOR_BYTES: u64 = 4096;

/// Bytes read at once.
const WINDOW_BYTES: u64 = 256 << 10;

pub(super) type Sector = [u8; 4096];

/// A log's bytes; positions wrap at its length.
#[derive(Debug)]
pub(super) struct LogRing<'a> {
    source: &'a dyn Source,
    offset_bytes: u64,
    length_bytes: u64,
    window_at: u64,
    window: Vec<u8>,
}

impl<'a> LogRing<'a> {
    /// `length_bytes` from `offset_bytes` on, which the caller has found to be whole sectors inside the source.
    pub(super) fn new(source: &'a dyn Source, offset_bytes: u64, length_bytes: u64) -> Self {
        Self {
            source,
            offset_bytes,
            length_bytes,
            window_at: 0,
            window: Vec::new(),
        }
    }

    pub(super) fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Where in the file a position of the ring is.
    pub(super) fn place(&self, position: u64) -> u64 {
        let position = position.checked_rem(self.length_bytes).unwrap_or(0);
        self.offset_bytes.saturating_add(position)
    }

    /// The sector at a position, which is a whole number of sectors and wraps.
    pub(super) fn sector(&mut self, position: u64) -> io::Result<Sector> {
        let position = position.checked_rem(self.length_bytes).unwrap_or(0);
        if let Some(sector) = self.kept(position) {
            return Ok(sector);
        }
        let start = position & !WINDOW_BYTES.saturating_sub(1);
        let length = WINDOW_BYTES.min(self.length_bytes.saturating_sub(start));
        self.window.clear();
        let mut window = vec![0; usize::try_from(length).unwrap_or(0)];
        self.source
            .read_exact_at(&mut window, self.offset_bytes.saturating_add(start))?;
        self.window = window;
        self.window_at = start;
        self.kept(position)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn kept(&self, position: u64) -> Option<Sector> {
        let into = usize::try_from(position.checked_sub(self.window_at)?).ok()?;
        self.window.get(into..)?.first_chunk().copied()
    }
}
