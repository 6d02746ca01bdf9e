//! Chunks: how payload blocks and sector bitmap blocks share the table, and where a block's bits lie ([MS-VHDX] 2.4, 2.5).
//!
//! ```text
//!  table    P0 P1 ... Pr-1 B0  Pr ... P2r-1 B1  ...         r = chunk ratio = 2^23 sectors / sectors of a block
//!                          │
//!  1 MiB    [ bits of P0 | bits of P1 | ... | bits of Pr-1 ]   bit 0 of byte 0 is the first sector: LSB first
//! ```

use crate::format::BlockNo;

/// Length of a sector bitmap block, in bytes.
pub const BLOCK_BYTES: u64 = 1 << 20;

/// Sectors whose bits fill one bitmap block.
const CHUNK_SECTORS: u64 = 1 << 23;

/// The interleaving of one disk's table. Both values are powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunks {
    /// Payload blocks in a chunk: at least 16 (256 MiB blocks of 512-byte sectors), at most 32,768.
    pub ratio: u64,
    /// Length of one block's bits, in bytes: 32 to 65,536.
    pub bits_bytes: u64,
}

impl Chunks {
    /// Of a disk whose block size is a power of two of at least 1 MiB, whose sectors are 512 or 4096 bytes.
    pub fn new(block_size: u32, sector_size: u32) -> Self {
        let sectors = u64::from(block_size)
            .checked_div(u64::from(sector_size))
            .unwrap_or(1)
            .max(1);
        Self {
            ratio: CHUNK_SECTORS.checked_div(sectors).unwrap_or(1).max(1),
            bits_bytes: sectors.div_ceil(8),
        }
    }

    /// The chunk a block belongs to.
    pub fn chunk_of(self, block: BlockNo) -> u64 {
        block.0.checked_div(self.ratio).unwrap_or(0)
    }

    /// How many blocks of its chunk come before it.
    pub fn place_in_chunk(self, block: BlockNo) -> u64 {
        block.0.checked_rem(self.ratio).unwrap_or(0)
    }

    /// Index in the table of a block's entry.
    pub fn payload_index(self, block: BlockNo) -> u64 {
        block.0.saturating_add(self.chunk_of(block))
    }

    /// Index in the table of a chunk's bitmap entry.
    pub fn bitmap_index(self, chunk: u64) -> u64 {
        chunk
            .saturating_add(1)
            .saturating_mul(self.ratio)
            .saturating_add(chunk)
    }

    /// How many of the first `entries` entries of a table are payload blocks'.
    pub fn payload_entries(self, entries: u64) -> u64 {
        let chunk = self.ratio.saturating_add(1);
        let whole = entries.checked_div(chunk).unwrap_or(0);
        let rest = entries.checked_rem(chunk).unwrap_or(0);
        whole
            .saturating_mul(self.ratio)
            .saturating_add(rest.min(self.ratio))
    }

    /// Position of a block's bits inside its chunk's bitmap block, in bytes.
    pub fn bits_offset(self, block: BlockNo) -> u64 {
        self.place_in_chunk(block).saturating_mul(self.bits_bytes)
    }

    /// Entries a table must have for `blocks` payload blocks: a differencing disk's ends with a bitmap entry.
    pub fn entries_needed(self, blocks: u64, has_parent: bool) -> u64 {
        match blocks.checked_sub(1).map(BlockNo) {
            None => 0,
            Some(last) if has_parent => self.bitmap_index(self.chunk_of(last)).saturating_add(1),
            Some(last) => self.payload_index(last).saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_specification() {
        let ratio = |block: u32, sector| Chunks::new(block << 20, sector).ratio;
        assert_eq!(ratio(2, 512), 2048);
        assert_eq!(ratio(32, 512), 128);
        assert_eq!(ratio(256, 512), 16);
        assert_eq!(ratio(1, 4096), 32_768);
    }

    #[test]
    fn the_bits_of_a_chunk_fill_its_bitmap_block() {
        for (block, sector) in [(1u32, 512), (2, 512), (256, 512), (1, 4096), (64, 4096)] {
            let chunks = Chunks::new(block << 20, sector);
            assert_eq!(chunks.ratio * chunks.bits_bytes, BLOCK_BYTES);
            let last = BlockNo(3 * chunks.ratio - 1);
            assert_eq!(chunks.bits_offset(last) + chunks.bits_bytes, BLOCK_BYTES);
        }
    }

    #[test]
    fn entries_interleave() {
        let chunks = Chunks::new(256 << 20, 512);
        assert_eq!(chunks.payload_index(BlockNo(15)), 15);
        assert_eq!(chunks.bitmap_index(0), 16);
        assert_eq!(chunks.payload_index(BlockNo(16)), 17);
        assert_eq!(chunks.bitmap_index(1), 33);
        for (entries, blocks) in [(0, 0), (1, 1), (16, 16), (17, 16), (18, 17), (34, 32)] {
            assert_eq!(chunks.payload_entries(entries), blocks, "{entries}");
        }
        assert_eq!(chunks.entries_needed(0, true), 0);
        assert_eq!(chunks.entries_needed(16, false), 16);
        assert_eq!(chunks.entries_needed(17, false), 18);
        assert_eq!(chunks.entries_needed(17, true), 34);
    }
}
