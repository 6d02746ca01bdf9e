//! VMCX, Hyper-V's binary configuration (2016 on): a store of typed keys with a log, `HyperVStorage`.
//!
//! Laid out after the description in Microsoft's `OpenVMM` (`support/hvs_file/FORMAT.md`); facts it leaves open follow
//! what dissect.hypervisor found. All numbers are little-endian, structures are packed, checksums are CRC-32 (ISO).
//!
//! ```text
//! 0       header, copy 0         two copies, written in turns; the higher sequence number counts
//! 0x1000  header, copy 1
//! 0x2000  first object table     what lies where: key tables, file objects, further object tables
//! ...     key tables             entries name their parent by (table, offset)
//! ...     file objects           values of 2048 bytes and more
//! ...     replay log             changes not yet written to their place
//! ```

mod header;
mod keys;
mod log;
mod objects;

use super::{CappedFindings, Container, MachineConfig, codes};
use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::bytes::{u16_at, u32_at, u64_at};

pub use header::is_vmcx;

/// Versions up to this one lay their key tables out in another way.
const LAST_OLD_VERSION: u32 = 0x0300;

/// The major version this reader knows, `version >> 8`.
const KNOWN_MAJOR: u32 = 4;

/// Parses a whole file. The log is applied to `bytes`, that is in memory.
///
/// # Errors
/// If there is no header, or the version is too old to be known.
pub fn parse(bytes: Vec<u8>) -> Result<MachineConfig, FormatError> {
    let mut faults = CappedFindings::default();
    let header = header::choose(&bytes, &mut faults)?;
    if header.version <= LAST_OLD_VERSION {
        return Err(version_finding(header.version).into());
    }
    if header.version >> 8 > KNOWN_MAJOR {
        faults.push(version_finding(header.version));
    }
    let bytes = log::apply(bytes, &header, &mut faults);
    let objects = objects::read(&bytes, &mut faults);
    let tree = keys::read(&bytes, &objects, &mut faults);
    Ok(MachineConfig {
        tree,
        container: Container::Vmcx(header.version),
        findings: faults.findings,
    })
}

fn version_finding(version: u32) -> Finding {
    let word = format!("{}.{}", version >> 8, version & 0xff);
    Finding::new(
        &codes::VMCX_VERSION,
        format!("The format version is {word}; 3.1 to 4.x are known."),
    )
    .at(10)
    .values("3.1 to 4.x", word)
}

/// CRC-32 of a structure whose own checksum lies at `checksum_at`, taken as zero.
fn checksum(bytes: &[u8], checksum_at: usize) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes.get(..checksum_at).unwrap_or_default());
    hasher.update(&[0; 4]);
    let behind = checksum_at.saturating_add(4);
    hasher.update(bytes.get(behind..).unwrap_or_default());
    hasher.finalize()
}

/// `len` bytes at `at`, if the file has them.
fn slice(bytes: &[u8], at: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(at).ok()?;
    let end = usize::try_from(at.checked_add(len)?).ok()?;
    bytes.get(start..end)
}

/// Whether sequence number `a` comes after `b`; they wrap at 16 bits.
fn is_after(a: u16, b: u16) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 0x8000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        assert!(is_after(1, 0));
        assert!(is_after(0, 0xffff));
        assert!(!is_after(0xffff, 0));
        assert!(!is_after(7, 7));
    }

    #[test]
    fn the_checksum_is_the_iso_one_with_its_own_field_as_zero() {
        assert_eq!(
            checksum(b"12\xff\xff\xff\xff89", 2),
            crc32fast::hash(b"12\0\0\0\089")
        );
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
