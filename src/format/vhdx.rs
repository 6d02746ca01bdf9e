//! VHDX: file identifier, headers, region tables, metadata, parent locator, block allocation table, sector bitmaps, log.
//!
//! Source: [MS-VHDX] 8.0. Where it leaves behaviour open, the reader follows Microsoft's `OpenVMM`, but goes on with a
//! finding where that stops at the first fault.
//!
//! ```text
//!  0      64 KiB    128 KiB   192 KiB    256 KiB    320 KiB   1 MiB
//!  │ ident │ header 1 │ header 2 │ regions 1 │ regions 2 │ ...  │ log, metadata, BAT, payload and bitmap blocks: 1 MiB aligned
//! ```

pub mod bat;
pub mod bitmap;
pub mod codes;
pub mod header;
pub mod identifier;
pub mod locator;
pub mod log;
pub mod metadata;
pub mod region;

use uuid::Uuid;

use crate::format::bytes::{array_at, u16_at, u32_at, u64_at};
use crate::format::guid;

/// Everything but the first mebibyte's header section is aligned to this, in bytes.
pub const MIB: u64 = 1 << 20;

/// Largest virtual disk of the format, in bytes ([MS-VHDX] 2.6.2.2).
pub const MAX_VIRTUAL_SIZE: u64 = 64 << 40;

/// Largest file this reader believes in, in bytes: twice the largest disk. The format gives no limit; a fully allocated
/// 64 TiB disk needs 64 TiB, 512 MiB of table and at most 16 GiB of bitmaps, so a claim beyond this is no real file's.
pub const MAX_FILE_SIZE: u64 = 2 * MAX_VIRTUAL_SIZE;

fn guid_at(bytes: &[u8], at: usize) -> Option<Uuid> {
    array_at(bytes, at).map(guid::from_windows_order)
}

/// CRC-32C of a structure whose checksum field, the four bytes at 4, counts as zero.
fn checksum(bytes: &[u8]) -> u32 {
    let (start, rest) = bytes.split_at(bytes.len().min(4));
    let crc = crc32c::crc32c_append(crc32c::crc32c(start), &[0; 4]);
    crc32c::crc32c_append(crc, rest.get(4..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_field_counts_as_zero() {
        let mut bytes = *b"headXXXXrest of the structure";
        let with = checksum(&bytes);
        bytes[4..8].fill(0);
        assert_eq!(with, crc32c::crc32c(&bytes));
        assert_eq!(checksum(b"he"), crc32c::crc32c(b"he\0\0\0\0"));
    }

    #[test]
    fn every_code_is_named_once_and_says_what_to_do() {
        let mut ids: Vec<_> = codes::ALL.iter().map(|code| code.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), codes::ALL.len());
        for code in codes::ALL {
            assert!(code.id.starts_with("vhdx-"), "{}", code.id);
            assert!(
                !code.why.is_empty() && !code.action.is_empty(),
                "{}",
                code.id
            );
        }
    }
}
