//! XenServer's batmap: behind the table, one bit per block that says "every sector of it is here".
//!
//! Source: xapi-project/blktap, `include/vhd.h` and `vhd/lib/libvhd.c`.

use super::codes;
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::bytes::{be32_at, be64_at};
use crate::source::{Source, read_up_to};

/// Length of the batmap's header in bytes.
pub const HEADER_BYTES: usize = 512;
/// Where the fields lie in its header, in bytes.
const MAP_OFFSET_AT: usize = 8;
const MAP_SECTORS_AT: usize = 16;
const VERSION_AT: usize = 20;
const CHECKSUM_AT: usize = 24;
/// Version whose checksum adds the bytes as signed.
const SIGNED_SUM_VERSION: u32 = 0x0001_0001;
/// Newest version known.
const VERSION_MAX: u32 = 0x0001_0002;

/// A valid batmap: bit n, most significant first, set if block n is wholly here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batmap {
    bits: Vec<u8>,
}

impl Batmap {
    /// True if the map says that every sector of `block` is here.
    pub fn is_full(&self, block: u64) -> bool {
        let mask = 0x80_u8.checked_shr(u32::try_from(block & 7).unwrap_or(8));
        usize::try_from(block >> 3)
            .ok()
            .and_then(|byte| self.bits.get(byte))
            .zip(mask)
            .is_some_and(|(byte, mask)| byte & mask != 0)
    }
}

/// Reads the batmap whose header should lie at `at`. `None` if there is none, or, with a finding, if it is damaged.
///
/// # Errors
/// Those of the reads.
pub fn find(
    source: &dyn Source,
    at: u64,
    blocks: u64,
    findings: &mut Vec<Finding>,
) -> Result<Option<Batmap>, FormatError> {
    if at >= source.len() {
        return Ok(None);
    }
    let header =
        read_up_to(source, at, HEADER_BYTES).map_err(FormatError::read("batmap header", at))?;
    if header.len() < HEADER_BYTES || !header.starts_with(b"tdbatmap") {
        return Ok(None);
    }
    let fields = (
        be64_at(&header, MAP_OFFSET_AT),
        be32_at(&header, MAP_SECTORS_AT),
        be32_at(&header, VERSION_AT),
        be32_at(&header, CHECKSUM_AT),
    );
    let (Some(map_at), Some(sectors), Some(version), Some(stored)) = fields else {
        return Ok(None);
    };
    let map_bytes = u64::from(sectors).saturating_mul(512);
    let damaged = |text: &str, expected: String, actual: String| {
        Finding::new(&codes::BATMAP_DAMAGED, text)
            .at(at)
            .values(expected, actual)
    };
    if version > VERSION_MAX {
        findings.push(damaged(
            "the batmap is of an unknown version",
            format!("up to {VERSION_MAX:#010x}"),
            format!("{version:#010x}"),
        ));
        return Ok(None);
    }
    // blktap reads and sums as many whole sectors as the disk has blocks for, however many more were set aside.
    let needed = blocks.div_ceil(8).next_multiple_of(512);
    let inside = map_at
        .checked_add(needed)
        .is_some_and(|end| end <= source.len());
    if !inside || map_bytes < needed {
        findings.push(damaged(
            "the batmap's bits are not where its header says, or not as many as there are blocks",
            format!("{needed} bytes or more before {}", source.len()),
            format!("{map_bytes} bytes at {map_at}"),
        ));
        return Ok(None);
    }
    let bits = read_up_to(
        source,
        map_at,
        usize::try_from(needed).unwrap_or(usize::MAX),
    )
    .map_err(FormatError::read("batmap", map_at))?;
    let sum = !bits.iter().fold(0_u32, |sum, byte| {
        sum.wrapping_add(if version == SIGNED_SUM_VERSION {
            i32::from(byte.cast_signed()).cast_unsigned()
        } else {
            u32::from(*byte)
        })
    });
    if sum != stored {
        findings.push(damaged(
            "the checksum of the batmap is wrong",
            format!("{sum:#010x}"),
            format!("{stored:#010x}"),
        ));
        return Ok(None);
    }
    Ok(Some(Batmap { bits }))
}
