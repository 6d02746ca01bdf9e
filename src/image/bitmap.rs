//! Sector bitmaps of one block, in one bit order for both formats.

use std::ops::Range;

/// Bytes of a bitmap looked at together, and their bits.
const STRETCH: usize = 64;
const STRETCH_BITS: u32 = 512;

/// Which bit of a byte on disk is the first sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitOrder {
    /// VHD: the most significant.
    MsbFirst,
    /// VHDX: the least significant.
    LsbFirst,
}

/// A run of sectors of one block that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRun {
    /// First sector, counted from the start of the block.
    pub first: u32,
    /// Number of sectors.
    pub count: u32,
    /// True if the disk answers for them itself.
    pub is_set: bool,
}

/// The bits of one block: bit n of the words (LSB first) is sector n of the block; set = the disk answers for it itself.
///
/// Bits past the last sector are always clear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    sectors: u32,
}

impl Bitmap {
    /// Takes the first `sectors` bits of `bytes`; bits that `bytes` does not have are clear. Keeps its memory.
    pub fn load(&mut self, bytes: &[u8], order: BitOrder, sectors: u32) {
        self.words.clear();
        self.sectors = sectors;
        let whole = usize::try_from(sectors.div_ceil(64)).unwrap_or(usize::MAX);
        let words = bytes.chunks(8).map(|chunk| word(chunk, order));
        self.words.extend(words.take(whole));
        self.words.resize(whole, 0);
        self.clear_rest();
    }

    /// Sets or clears all of `sectors` bits. Keeps its memory.
    pub fn fill(&mut self, is_set: bool, sectors: u32) {
        self.words.clear();
        self.sectors = sectors;
        let whole = usize::try_from(sectors.div_ceil(64)).unwrap_or(usize::MAX);
        self.words.resize(whole, if is_set { u64::MAX } else { 0 });
        self.clear_rest();
    }

    fn clear_rest(&mut self) {
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), self.sectors % 64) {
            *last &= !u64::MAX.checked_shl(rest).unwrap_or(0);
        }
    }

    /// Number of bits.
    pub fn sectors(&self) -> u32 {
        self.sectors
    }

    /// True if the disk answers for sector `sector` of the block itself.
    pub fn is_set(&self, sector: u32) -> bool {
        usize::try_from(sector / 64)
            .ok()
            .and_then(|word| self.words.get(word))
            .is_some_and(|word| word.checked_shr(sector % 64).unwrap_or(0) & 1 == 1)
    }

    /// Number of sectors the disk answers for itself.
    pub fn count_ones(&self) -> u32 {
        self.words
            .iter()
            .fold(0, |sum, word| sum.saturating_add(word.count_ones()))
    }

    /// True if the disk answers for every sector itself.
    pub fn is_full(&self) -> bool {
        self.count_ones() == self.sectors
    }

    /// All runs in order, from the first sector to the last, alternately set and clear.
    pub fn runs(&self) -> BitmapRuns<'_> {
        self.runs_in(0..self.sectors)
    }

    /// The runs inside `range`, cut to it.
    pub fn runs_in(&self, range: Range<u32>) -> BitmapRuns<'_> {
        BitmapRuns {
            words: &self.words,
            next: range.start,
            end: range.end.min(self.sectors),
        }
    }
}

/// Number of set bits among the first `sectors` of `bytes`.
pub(super) fn count_ones(bytes: &[u8], order: BitOrder, sectors: u32) -> u32 {
    let mut left = sectors;
    let mut ones = 0_u32;
    for stretch in bytes.chunks(STRETCH) {
        let bits = left.min(STRETCH_BITS);
        // Most stretches are all of one kind, and not every processor has an instruction to count.
        if bits == STRETCH_BITS && stretch == [0xff; STRETCH] {
            ones = ones.saturating_add(bits);
        } else if stretch != [0; STRETCH] {
            ones = ones.saturating_add(count_ones_of_words(stretch, order, bits));
        }
        left = left.saturating_sub(bits);
        if left == 0 {
            break;
        }
    }
    ones
}

fn count_ones_of_words(bytes: &[u8], order: BitOrder, sectors: u32) -> u32 {
    let first = (0..sectors).step_by(64);
    bytes.chunks(8).zip(first).fold(0, |ones, (chunk, first)| {
        let left = sectors.saturating_sub(first);
        // In which order the bits of a whole word are does not matter.
        let word = match chunk.first_chunk() {
            Some(whole) if left >= 64 => u64::from_ne_bytes(*whole),
            _ => word(chunk, order) & !u64::MAX.checked_shl(left).unwrap_or(0),
        };
        ones.saturating_add(word.count_ones())
    })
}

/// Up to eight bytes as a word whose bit n is their sector n.
fn word(chunk: &[u8], order: BitOrder) -> u64 {
    let bytes = chunk.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(chunk) {
            *to = *from;
        }
        bytes
    });
    match order {
        BitOrder::MsbFirst => u64::from_be_bytes(bytes).reverse_bits(),
        BitOrder::LsbFirst => u64::from_le_bytes(bytes),
    }
}

/// Runs of a [`Bitmap`], in order.
#[derive(Debug, Clone)]
pub struct BitmapRuns<'a> {
    words: &'a [u64],
    next: u32,
    end: u32,
}

impl Iterator for BitmapRuns<'_> {
    type Item = BitRun;

    fn next(&mut self) -> Option<BitRun> {
        let first = self.next;
        if first >= self.end {
            return None;
        }
        let mut is_set = None;
        while self.next < self.end {
            let word = usize::try_from(self.next / 64)
                .ok()
                .and_then(|word| self.words.get(word))
                .copied()
                .unwrap_or(0);
            let shift = self.next % 64;
            let rest = word.checked_shr(shift).unwrap_or(0);
            let run_is_set = *is_set.get_or_insert(rest & 1 == 1);
            let alike = if run_is_set { !rest } else { rest };
            let left_in_word = 64_u32.saturating_sub(shift);
            let length = alike.trailing_zeros().min(left_in_word);
            if length == 0 {
                break;
            }
            self.next = self.next.saturating_add(length);
            if length < left_in_word {
                break;
            }
        }
        self.next = self.next.min(self.end);
        Some(BitRun {
            first,
            count: self.next.saturating_sub(first),
            is_set: is_set.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(bytes: &[u8], order: BitOrder, sectors: u32) -> Bitmap {
        let mut bitmap = Bitmap::default();
        bitmap.load(bytes, order, sectors);
        bitmap
    }

    #[test]
    fn both_bit_orders_give_the_same_sectors() {
        let msb = loaded(&[0b1010_0000, 0b0000_0001], BitOrder::MsbFirst, 16);
        let lsb = loaded(&[0b0000_0101, 0b1000_0000], BitOrder::LsbFirst, 16);
        assert_eq!(msb, lsb);
        let set: Vec<u32> = (0..16).filter(|sector| msb.is_set(*sector)).collect();
        assert_eq!(set, [0, 2, 15]);
        assert_eq!(msb.count_ones(), 3);
    }

    #[test]
    fn runs_agree_with_single_bits_across_words() {
        // Runs of 1 to 7 sectors, then one longer than a word.
        let mut bytes = vec![0_u8; 64];
        let mut expected = Vec::new();
        let (mut sector, mut is_set) = (0_u32, false);
        for length in [1, 2, 3, 4, 5, 6, 7, 130, 1, 63, 64, 65] {
            expected.push(BitRun {
                first: sector,
                count: length,
                is_set,
            });
            for bit in sector..sector + length {
                if is_set {
                    bytes[bit as usize / 8] |= 0x80 >> (bit % 8);
                }
            }
            sector += length;
            is_set = !is_set;
        }
        let bitmap = loaded(&bytes, BitOrder::MsbFirst, sector);
        assert_eq!(bitmap.runs().collect::<Vec<_>>(), expected);
        assert_eq!(
            bitmap.count_ones(),
            super::count_ones(&bytes, BitOrder::MsbFirst, sector)
        );
        for range in [(0, 0), (3, 4), (5, 200), (64, 128), (100, 1000)] {
            let mut at = range.0;
            for run in bitmap.runs_in(range.0..range.1) {
                assert_eq!(run.first, at);
                assert!(
                    (run.first..run.first + run.count).all(|bit| bitmap.is_set(bit) == run.is_set)
                );
                at += run.count;
            }
            assert_eq!(at, range.1.min(sector).max(range.0));
        }
    }

    #[test]
    fn bits_past_the_last_sector_do_not_count() {
        for sectors in [1, 7, 9, 63, 64, 65, 127] {
            let bitmap = loaded(&[0xff; 16], BitOrder::MsbFirst, sectors);
            assert_eq!(bitmap.count_ones(), sectors);
            assert!(bitmap.is_full());
            assert_eq!(
                count_ones(&[0xff; 16], BitOrder::LsbFirst, sectors),
                sectors
            );
        }
    }

    #[test]
    fn bits_that_are_not_there_are_clear() {
        let bitmap = loaded(&[0xff], BitOrder::LsbFirst, 100);
        assert_eq!(bitmap.count_ones(), 8);
        assert_eq!(bitmap.runs().count(), 2);
    }

    #[test]
    fn bits_are_counted_as_a_loaded_bitmap_counts_them() {
        for order in [BitOrder::MsbFirst, BitOrder::LsbFirst] {
            for fill in [0, 0xff, 0x5a, 0x01] {
                for len in [0, 1, 8, 63, 64, 65, 128, 512] {
                    let mut bytes = vec![fill; len];
                    if let Some(odd) = bytes.get_mut(70) {
                        *odd ^= 0x30;
                    }
                    for sectors in [0, 1, 7, 64, 500, 511, 512, 513, 1000, 4096] {
                        let wanted = loaded(&bytes, order, sectors).count_ones();
                        let counted = super::count_ones(&bytes, order, sectors);
                        assert_eq!(counted, wanted, "{sectors} of {len} bytes {fill:#x}");
                    }
                }
            }
        }
    }
}
