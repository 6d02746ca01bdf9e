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

/// The big-endian `u16` at `offset` of `bytes`; 0 past the end, which callers rule out by length.
fn be16(bytes: &[u8], offset: usize) -> u16 {
    u16::from_be_bytes(array(bytes, offset))
}

/// The big-endian `u32` at `offset` of `bytes`; 0 past the end, which callers rule out by length.
fn be32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(array(bytes, offset))
}

/// The big-endian `u64` at `offset` of `bytes`; 0 past the end, which callers rule out by length.
fn be64(bytes: &[u8], offset: usize) -> u64 {
    u64::from_be_bytes(array(bytes, offset))
}

/// `N` bytes at `offset` of `bytes`; zeros past the end, which callers rule out by length.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}

/// The checksum of footer and dynamic header: one's complement of the sum of all bytes, without the field at `field`.
fn checksum(bytes: &[u8], field: usize) -> u32 {
    let sum = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)))
    };
    let of_field = bytes
        .get(field..)
        .and_then(|rest| rest.get(..4))
        .map_or(0, sum);
    !sum(bytes).wrapping_sub(of_field)
}
