//! VHD: footer, dynamic header, parent locators, block allocation table, sector bitmaps, XenServer's batmap.
//!
//! Source: Microsoft Virtual Hard Disk Image Format Specification 1.0; xapi-project/blktap for XenServer's additions;
//! qemu's `block/vpc.c` for which of the two sizes each creator means.

pub mod bat;
pub mod batmap;
pub mod codes;
pub mod dynamic;
pub mod footer;
pub mod locator;

/// The unit of every position in a VHD, and its only logical sector size, in bytes.
pub const SECTOR_BYTES: u32 = 512;

/// The checksum of footer and dynamic header: one's complement of the sum of all bytes, without the field at `field`.
fn checksum(bytes: &[u8], field: usize) -> u32 {
    let of_field = bytes
        .get(field..)
        .and_then(|rest| rest.get(..4))
        .map_or(0, sum);
    !sum(bytes).wrapping_sub(of_field)
}

/// The sum of all bytes. A scan takes it of thousands of headers, so eight are added at a time, in lanes of 16 bits.
fn sum(bytes: &[u8]) -> u32 {
    /// So many words of at most twice 255 a lane fit into 16 bits.
    const WORDS: usize = 128;
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let (words, rest) = bytes.as_chunks();
    let of_words = words.chunks(WORDS).fold(0_u32, |sum, words| {
        let lanes = words.iter().fold(0_u64, |lanes, word| {
            let word = u64::from_ne_bytes(*word);
            lanes.wrapping_add((word & EVEN).wrapping_add((word >> 8) & EVEN))
        });
        let lanes = lanes.to_ne_bytes();
        let (lanes, _) = lanes.as_chunks();
        lanes.iter().fold(sum, |sum, lane| {
            sum.wrapping_add(u32::from(u16::from_ne_bytes(*lane)))
        })
    });
    rest.iter()
        .fold(of_words, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_summed_as_one_by_one() {
        for len in [0, 1, 7, 8, 511, 512, 1024, 5000] {
            for byte in [0, 1, 0x80, 0xff_u8] {
                let bytes = vec![byte; len];
                let wanted = u32::from(byte) * u32::try_from(len).unwrap();
                assert_eq!(sum(&bytes), wanted, "{len} times {byte}");
            }
            let mixed: Vec<u8> = (0..=250).cycle().step_by(37).take(len).collect();
            let wanted: u32 = mixed.iter().copied().map(u32::from).sum();
            assert_eq!(sum(&mixed), wanted);
        }
    }
}
