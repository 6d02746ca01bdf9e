//! A source with a few pieces of it already in memory, so that opening a disk costs few reads.

use std::io;
use std::sync::Arc;

use crate::source::{Source, read_up_to};

/// Ranges with at most this between them are read as one, in bytes.
const GAP: u64 = 64 << 10;
/// Longest piece that several ranges are joined into, in bytes.
const JOINED_MAX: u64 = 1 << 20;

/// Answers reads from pieces in memory where they reach, else from the source.
#[derive(Debug)]
pub(super) struct Pieces {
    source: Arc<dyn Source>,
    pieces: Vec<(u64, Vec<u8>)>,
}

impl Pieces {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            pieces: Vec::new(),
        }
    }

    /// What the pieces are of.
    pub(super) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Reads `len` bytes at `offset`, or as many as there are, and keeps them.
    pub(super) fn keep(&mut self, offset: u64, len: usize) -> io::Result<()> {
        let bytes = read_up_to(&self.source, offset, len)?;
        self.pieces.push((offset, bytes));
        Ok(())
    }

    /// The kept bytes from `offset` on, as far as one piece goes; empty if none is kept.
    pub(super) fn kept(&self, offset: u64) -> &[u8] {
        self.pieces
            .iter()
            .find_map(|(start, bytes)| {
                let skip = usize::try_from(offset.checked_sub(*start)?).ok()?;
                bytes.get(skip..).filter(|rest| !rest.is_empty())
            })
            .unwrap_or_default()
    }

    /// Keeps all of `ranges` (position and length in bytes) that are inside the file and not yet kept, neighbours in one read.
    ///
    /// # Errors
    /// The first read's that fails, with its position in bytes.
    pub(super) fn keep_all(&mut self, ranges: &[(u64, u64)]) -> Result<(), (u64, io::Error)> {
        let len = self.source.len();
        let mut missing: Vec<(u64, u64)> = ranges
            .iter()
            .filter_map(|(start, length)| {
                let end = start.checked_add(*length)?.min(len);
                let have = (self.kept(*start).len() as u64) >= end.checked_sub(*start)?;
                (!have).then_some((*start, end))
            })
            .collect();
        missing.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (start, end) in missing {
            match joined.last_mut() {
                Some(last)
                    if start <= last.1.saturating_add(GAP)
                        && end.saturating_sub(last.0) <= JOINED_MAX =>
                {
                    last.1 = last.1.max(end);
                }
                _ => joined.push((start, end)),
            }
        }
        for (start, end) in joined {
            let length = end.saturating_sub(start);
            self.keep(start, usize::try_from(length).unwrap_or(usize::MAX))
                .map_err(|error| (start, error))?;
        }
        Ok(())
    }
}

impl Source for Pieces {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        match self.kept(offset_bytes).get(..buf.len()) {
            Some(bytes) => {
                buf.copy_from_slice(bytes);
                Ok(())
            }
            None => self.source.read_exact_at(buf, offset_bytes),
        }
    }

    fn append_exact_at(&self, out: &mut Vec<u8>, len: usize, offset_bytes: u64) -> io::Result<()> {
        match self.kept(offset_bytes).get(..len) {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            None => self.source.append_exact_at(out, len, offset_bytes),
        }
    }

    fn will_read(&self, offset_bytes: u64, len: u64) {
        self.source.will_read(offset_bytes, len);
    }
}
