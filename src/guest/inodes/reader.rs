//! Reads inodes from their tables: a whole block where neighbours are asked for one after another, else the inode alone.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::guest::extents::Extents;
use crate::guest::filesystem::GuestError;
use crate::source::Source;

const WHAT: &str = "an inode";

/// What is read of a block if nothing says that its neighbours are wanted.
const PIECE_BYTES: u64 = 512;

/// Stretches of a table from this length on are read in order, and systems read ahead of that further than is known here.
const STRETCH_BYTES: u64 = 64 << 10;

/// Bytes that are kept; then it begins again.
const KEPT_BYTES: usize = 1 << 20;

/// What was read, and which block was asked for last.
#[derive(Debug, Default)]
struct KeptPieces {
    /// Where that block begins.
    block: Option<u64>,
    /// By where they begin; blocks, or pieces of one.
    pieces: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl KeptPieces {
    fn get(&self, place: &Range<u64>) -> Option<&[u8]> {
        let (start, bytes) = self.pieces.range(..=place.start).next_back()?;
        let from = usize::try_from(place.start.checked_sub(*start)?).ok()?;
        let to = usize::try_from(place.end.checked_sub(*start)?).ok()?;
        bytes.get(from..to)
    }

    fn put(&mut self, start: u64, bytes: Vec<u8>) {
        if self.bytes.saturating_add(bytes.len()) > KEPT_BYTES {
            self.pieces.clear();
            self.bytes = 0;
        }
        // Pieces of a block that is read whole are in it.
        let end = start.saturating_add(bytes.len() as u64);
        while let Some((at, _)) = self.pieces.range(start..end).next() {
            let at = *at;
            let piece = self.pieces.remove(&at).unwrap_or_default();
            self.bytes = self.bytes.saturating_sub(piece.len());
        }
        self.bytes = self.bytes.saturating_add(bytes.len());
        self.pieces.insert(start, bytes);
    }
}

/// Reads inodes of a volume, and keeps what was read last.
#[derive(Debug, Default)]
pub struct InodeReader {
    kept: Mutex<KeptPieces>,
}

impl InodeReader {
    /// The bytes `place` of the volume, which lie in one block of `block_bytes`.
    pub fn read(
        &self,
        source: &dyn Source,
        place: &Range<u64>,
        block_bytes: u32,
    ) -> Result<Vec<u8>, GuestError> {
        let block_bytes = u64::from(block_bytes.max(1));
        let block = down(place.start, block_bytes);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.block.replace(block);
        if let Some(inode) = kept.get(place) {
            return Ok(inode.to_vec());
        }
        let is_here = last == Some(block);
        let is_next = last.and_then(|last| last.checked_add(block_bytes)) == Some(block);
        let wanted = if is_here || is_next {
            block..block.saturating_add(block_bytes)
        } else {
            piece(place)
        };
        let len = wanted.end.saturating_sub(wanted.start);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        source
            .read_exact_at(&mut bytes, wanted.start)
            .map_err(GuestError::read(WHAT, wanted.start))?;
        kept.put(wanted.start, bytes);
        let outside = || GuestError::damaged(WHAT, place.start, "an inode in one block", "none");
        kept.get(place).map(<[u8]>::to_vec).ok_or_else(outside)
    }

    /// Says that these places will be read; those that are kept are left out, and long stretches.
    pub fn will_read(&self, source: &dyn Source, places: impl Iterator<Item = Range<u64>>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = places.filter(|place| kept.get(place).is_none());
        let stretches = Extents::collect(missing.map(|place| piece(&place)));
        let short = stretches
            .iter()
            .filter(|range| range.end.saturating_sub(range.start) < STRETCH_BYTES);
        announce(source, short);
    }
}

/// Says that these bytes will be read, neighbours together, so that the storage works on all of them at once.
pub fn announce(source: &dyn Source, ranges: impl Iterator<Item = Range<u64>>) {
    for range in Extents::collect(ranges).iter() {
        source.will_read(range.start, range.end.saturating_sub(range.start));
    }
}

fn down(at: u64, to: u64) -> u64 {
    at.saturating_sub(at.checked_rem(to).unwrap_or(0))
}

fn piece(place: &Range<u64>) -> Range<u64> {
    let end = place.end.div_ceil(PIECE_BYTES).saturating_mul(PIECE_BYTES);
    down(place.start, PIECE_BYTES)..end
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::{CountedSource, MemorySource, ReadCounts};

    #[test]
    fn neighbours_are_read_by_the_block_and_others_alone() {
        let bytes: Vec<u8> = (0..64_u32 << 10)
            .map(|at| (at / 256).to_le_bytes()[0])
            .collect();
        let counts = Arc::new(ReadCounts::default());
        let source = CountedSource::new(MemorySource(bytes), Arc::clone(&counts));
        let reader = InodeReader::default();
        let ask = |number: u64, reads: u64, bytes: u64| {
            let before = (counts.reads(), counts.bytes());
            let place = number * 256..number * 256 + 256;
            let found = reader.read(&source, &place, 4_096).unwrap();
            assert_eq!(found, vec![number.to_le_bytes()[0]; 256], "{number}");
            let now = (counts.reads() - before.0, counts.bytes() - before.1);
            assert_eq!(now, (reads, bytes), "{number}");
        };
        ask(100, 1, 512);
        ask(101, 0, 0);
        ask(5, 1, 512);
        ask(6, 1, 4_096);
        ask(4, 0, 0);
        ask(16, 1, 4_096);
        ask(31, 0, 0);
        ask(90, 1, 512);
        ask(100, 0, 0);
        ask(200, 1, 512);
        assert!(reader.kept.lock().unwrap().bytes <= KEPT_BYTES);
    }
}
