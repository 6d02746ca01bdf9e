//! Sector bitmaps of one block, in one bit order for both formats.

/// The bits of one block: bit n of the words (LSB first) is sector n of the block; set = the disk answers for it itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    sectors: u32,
}
