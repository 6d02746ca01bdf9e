//! Reads inodes from their tables: a whole block where neighbours are asked for one after another, else the inode alone.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::guest::filesystem::GuestError;
use crate::source::Source;

const WHAT: &str = "an inode";

/// What is read of a block if nothing says that its neighbours are wanted.
const PIECE_BYTES: u64 = 512;

/// What was read last, of the block that was asked for last.
#[derive(Debug, Default)]
struct LastRead {
    /// Where the block begins.
    block: Option<u64>,
    /// Where what was read begins.
    start: u64,
    bytes: Vec<u8>,
}

impl LastRead {
    fn get(&self, place: &Range<u64>) -> Option<&[u8]> {
        let from = usize::try_from(place.start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(place.end.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..to)
    }
}

/// Reads inodes of a volume, and keeps what was read last.
#[derive(Debug, Default)]
pub struct InodeReader {
    last: Mutex<LastRead>,
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
        let down = |at: u64, to: u64| at.saturating_sub(at.checked_rem(to).unwrap_or(0));
        let block = down(place.start, block_bytes);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_here = last.block == Some(block);
        let is_next = last.block.and_then(|last| last.checked_add(block_bytes)) == Some(block);
        if let Some(inode) = last.get(place).filter(|_| is_here) {
            return Ok(inode.to_vec());
        }
        let wanted = if is_here || is_next {
            block..block.saturating_add(block_bytes)
        } else {
            down(place.start, PIECE_BYTES)
                ..place.end.div_ceil(PIECE_BYTES).saturating_mul(PIECE_BYTES)
        };
        let len = wanted.end.saturating_sub(wanted.start);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        source
            .read_exact_at(&mut bytes, wanted.start)
            .map_err(GuestError::read(WHAT, wanted.start))?;
        *last = LastRead {
            block: Some(block),
            start: wanted.start,
            bytes,
        };
        let outside = || GuestError::damaged(WHAT, place.start, "an inode in one block", "none");
        last.get(place).map(<[u8]>::to_vec).ok_or_else(outside)
    }
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
    }
}
