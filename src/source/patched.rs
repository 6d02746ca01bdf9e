//! Small pieces laid over another source, as a replayed journal asks for; the source itself stays as it is.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::Source;

/// Most memory the pieces may take, in bytes, each counted with what keeping it costs.
const PIECES_BYTES_MAX: u64 = 64 << 20;
/// What keeping a piece costs beside its own bytes.
const PIECE_COST: u64 = 96;

/// What a piece reads as.
#[derive(Debug, Clone)]
enum Patch {
    /// What stands elsewhere in the source below.
    Stored {
        at_bytes: u64,
    },
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone)]
struct PatchedPiece {
    end: u64,
    patch: Patch,
}

impl PatchedPiece {
    fn cost(&self) -> u64 {
        let bytes = match &self.patch {
            Patch::Stored { .. } => 0,
            Patch::Bytes(bytes) => bytes.len() as u64,
        };
        bytes.saturating_add(PIECE_COST)
    }

    /// The piece, which begins at `start`, up to `end`.
    fn until(mut self, start: u64, end: u64) -> Self {
        if let Patch::Bytes(bytes) = &mut self.patch {
            bytes.truncate(usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX));
            bytes.shrink_to_fit();
        }
        self.end = end;
        self
    }

    /// The piece without its first `count` bytes.
    fn skip(&self, count: u64) -> Self {
        let patch = match &self.patch {
            Patch::Stored { at_bytes } => Patch::Stored {
                at_bytes: at_bytes.saturating_add(count),
            },
            Patch::Bytes(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Patch::Bytes(bytes.get(count..).unwrap_or_default().to_vec())
            }
        };
        Self {
            end: self.end,
            patch,
        }
    }
}

/// More pieces than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchesFull;

impl fmt::Display for PatchesFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "more than {} MiB to lay over the volume",
            PIECES_BYTES_MAX >> 20
        )
    }
}

impl std::error::Error for PatchesFull {}

/// A source with pieces laid over it, later ones over earlier ones. Its length stays the source's.
#[derive(Debug)]
pub struct PatchedSource<S> {
    inner: S,
    pieces: BTreeMap<u64, PatchedPiece>,
    kept_bytes: u64,
}

impl<S: Source> PatchedSource<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            pieces: BTreeMap::new(),
            kept_bytes: 0,
        }
    }

    /// Lays `len` bytes, which the source below has at `stored_at_bytes`, at `at_bytes`.
    pub fn lay_stored(
        &mut self,
        at_bytes: u64,
        stored_at_bytes: u64,
        len: u64,
    ) -> Result<(), PatchesFull> {
        let patch = Patch::Stored {
            at_bytes: stored_at_bytes,
        };
        self.lay(at_bytes, len, patch)
    }

    pub fn lay_bytes(&mut self, at_bytes: u64, bytes: &[u8]) -> Result<(), PatchesFull> {
        let len = bytes.len() as u64;
        self.lay(at_bytes, len, Patch::Bytes(bytes.to_vec()))
    }

    /// Where something is laid, in order: ranges of bytes.
    pub fn places(&self) -> impl Iterator<Item = std::ops::Range<u64>> + '_ {
        self.pieces.iter().map(|(start, piece)| *start..piece.end)
    }

    fn lay(&mut self, start: u64, len: u64, patch: Patch) -> Result<(), PatchesFull> {
        let end = start.saturating_add(len);
        if start >= end {
            return Ok(());
        }
        let below = self.pieces.range(..start).next_back();
        let below = below.filter(|(_, piece)| piece.end > start);
        if let Some(at) = below.map(|(at, _)| *at)
            && let Some(piece) = self.remove(at)
        {
            if piece.end > end {
                self.insert(end, piece.skip(end.saturating_sub(at)));
            }
            self.insert(at, piece.until(at, start));
        }
        while let Some(at) = self.pieces.range(start..end).next().map(|(at, _)| *at)
            && let Some(piece) = self.remove(at)
        {
            if piece.end > end {
                self.insert(end, piece.skip(end.saturating_sub(at)));
            }
        }
        self.insert(start, PatchedPiece { end, patch });
        if self.kept_bytes > PIECES_BYTES_MAX {
            return Err(PatchesFull);
        }
        Ok(())
    }

    fn insert(&mut self, start: u64, piece: PatchedPiece) {
        self.kept_bytes = self.kept_bytes.saturating_add(piece.cost());
        self.pieces.insert(start, piece);
    }

    fn remove(&mut self, start: u64) -> Option<PatchedPiece> {
        let piece = self.pieces.remove(&start)?;
        self.kept_bytes = self.kept_bytes.saturating_sub(piece.cost());
        Some(piece)
    }

    fn read_piece(
        &self,
        start: u64,
        piece: &PatchedPiece,
        at: u64,
        out: &mut [u8],
    ) -> io::Result<()> {
        let skip = at.saturating_sub(start);
        match &piece.patch {
            Patch::Stored { at_bytes } => {
                self.inner.read_exact_at(out, at_bytes.saturating_add(skip))
            }
            Patch::Bytes(bytes) => {
                let from = usize::try_from(skip).unwrap_or(usize::MAX);
                let to = from.saturating_add(out.len());
                let found = bytes.get(from..to).ok_or(io::ErrorKind::UnexpectedEof)?;
                out.copy_from_slice(found);
                Ok(())
            }
        }
    }
}

impl<S: Source> Source for PatchedSource<S> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes
            .checked_add(buf.len() as u64)
            .filter(|end| *end <= self.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut at = offset_bytes;
        let mut rest = buf;
        let before = self.pieces.range(..offset_bytes).next_back();
        let covering = before.filter(|(_, piece)| piece.end > offset_bytes);
        let pieces = covering
            .into_iter()
            .chain(self.pieces.range(offset_bytes..end));
        for (start, piece) in pieces {
            let gap = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX);
            let (before, behind) = rest.split_at_mut(gap.min(rest.len()));
            if !before.is_empty() {
                self.inner.read_exact_at(before, at)?;
            }
            at = at.max(*start);
            let len = piece.end.min(end).saturating_sub(at);
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(behind.len());
            let (covered, behind) = behind.split_at_mut(len);
            self.read_piece(*start, piece, at, covered)?;
            at = at.saturating_add(len as u64);
            rest = behind;
        }
        if !rest.is_empty() {
            self.inner.read_exact_at(rest, at)?;
        }
        Ok(())
    }

    /// What is laid over a part of it matters little: it is small.
    fn will_read(&self, offset_bytes: u64, len: u64) {
        self.inner.will_read(offset_bytes, len);
    }

    fn has_changed(&self) -> Option<bool> {
        self.inner.has_changed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    #[test]
    fn pieces_lie_over_the_source_and_over_each_other() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut flat = bytes.clone();
        let mut patched = PatchedSource::new(MemorySource(bytes.clone()));
        let mut lay = |at: usize, with: Result<usize, &[u8]>, len: usize| match with {
            Ok(from) => {
                patched
                    .lay_stored(at as u64, from as u64, len as u64)
                    .unwrap();
                flat[at..at + len].copy_from_slice(&bytes[from..from + len]);
            }
            Err(with) => {
                patched.lay_bytes(at as u64, with).unwrap();
                flat[at..at + len].copy_from_slice(with);
            }
        };
        lay(10, Ok(100), 30);
        lay(20, Err(b"inside"), 6);
        lay(5, Err(b"over the start"), 14);
        lay(38, Ok(0), 20);
        lay(24, Err(b"twice"), 5);
        for start in 0..80 {
            for len in [1, 3, 40] {
                let mut read = vec![0; len];
                patched.read_exact_at(&mut read, start as u64).unwrap();
                assert_eq!(read, flat[start..start + len], "{start}+{len}");
            }
        }
        let first = patched.places().next().unwrap();
        assert_eq!(first.start, 5);
        assert!(patched.read_exact_at(&mut [0; 2], 255).is_err());
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let mut patched = PatchedSource::new(MemorySource(vec![0; 16]));
        let mebibyte = vec![0; 1 << 20];
        let laid = (0..100).try_for_each(|at| patched.lay_bytes(at << 20, &mebibyte));
        assert_eq!(laid, Err(PatchesFull));
    }
}
