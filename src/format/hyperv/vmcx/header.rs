//! The two file headers, of which one counts.
//!
//! | offset | size | field |
//! | --- | --- | --- |
//! | 0 | 4 | signature, 0x01282014 |
//! | 4 | 4 | CRC-32 of the 46 bytes, this field as zero |
//! | 8 | 2 | sequence number, wraps |
//! | 10 | 4 | format version, `major << 8 \| minor` |
//! | 14 | 8 | data version, flags |
//! | 22 | 4 | alignment of objects |
//! | 26 | 8 | offset of the replay log |
//! | 34 | 8 | size of the replay log |
//! | 42 | 4 | size of the log's header and entries |

use super::super::{CappedFindings, codes};
use super::{checksum, is_after, slice, u16_at, u32_at, u64_at};
use crate::finding::Finding;

const SIGNATURE: u32 = 0x0128_2014;
const LEN: u64 = 46;
const OFFSETS: [u64; 2] = [0, 0x1000];

/// What the reader needs of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmcxHeader {
    pub version: u32,
    /// Offset of the replay log in bytes; 0 for none.
    pub log_offset: u64,
    /// Size of the replay log in bytes.
    pub log_len: u64,
    /// Size of the log's header with its entries in bytes.
    pub log_header_len: u32,
    sequence: u16,
    checksum_ok: bool,
}

/// Whether a file that begins with `head` has the signature of this container.
pub fn is_vmcx(head: &[u8]) -> bool {
    OFFSETS
        .iter()
        .any(|at| slice(head, *at, 4).and_then(|sig| u32_at(sig, 0)) == Some(SIGNATURE))
}

/// The header that counts: the later of two sound ones, the one sound one, else the later of two with a signature.
pub fn choose(bytes: &[u8], faults: &mut CappedFindings) -> Result<VmcxHeader, Finding> {
    let read = OFFSETS.map(|at| parse(bytes, at));
    for (at, header) in OFFSETS.iter().zip(read) {
        if header.is_none_or(|header| !header.checksum_ok) {
            let what = if header.is_some() {
                "checksum"
            } else {
                "signature"
            };
            faults.push(
                Finding::new(
                    &codes::VMCX_HEADER,
                    format!("The {what} of this header is wrong; the other one is used."),
                )
                .at(*at),
            );
        }
    }
    match read {
        [Some(a), Some(b)] if a.checksum_ok == b.checksum_ok => {
            if !a.checksum_ok {
                both_bad(faults);
            }
            Ok(if is_after(b.sequence, a.sequence) {
                b
            } else {
                a
            })
        }
        [Some(a), Some(b)] => Ok(if b.checksum_ok { b } else { a }),
        [Some(one), None] | [None, Some(one)] => {
            if !one.checksum_ok {
                both_bad(faults);
            }
            Ok(one)
        }
        [None, None] => Err(Finding::new(
            &codes::VMCX_HEADERS,
            "Neither header has the signature of a VMCX.",
        )
        .at(0)),
    }
}

fn both_bad(faults: &mut CappedFindings) {
    faults.push(
        Finding::new(
            &codes::VMCX_HEADERS,
            "Neither header has a right checksum; the later one is used as it is.",
        )
        .at(0),
    );
}

fn parse(bytes: &[u8], at: u64) -> Option<VmcxHeader> {
    let bytes = slice(bytes, at, LEN)?;
    if u32_at(bytes, 0)? != SIGNATURE {
        return None;
    }
    Some(VmcxHeader {
        version: u32_at(bytes, 10)?,
        log_offset: u64_at(bytes, 26)?,
        log_len: u64_at(bytes, 34)?,
        log_header_len: u32_at(bytes, 42)?,
        sequence: u16_at(bytes, 8)?,
        checksum_ok: u32_at(bytes, 4)? == checksum(bytes, 4),
    })
}
