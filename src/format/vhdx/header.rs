//! The two headers and the choice between them ([MS-VHDX] 2.2.2).

use uuid::Uuid;

use crate::finding::Finding;
use crate::format::FormatError;
use crate::format::vhdx::{checksum, codes, guid_at, u16_at, u32_at, u64_at};

/// Where the two headers are, in bytes.
pub const OFFSETS_BYTES: [u64; 2] = [64 << 10, 128 << 10];

/// Length of a header, in bytes.
pub const LENGTH_BYTES: usize = 4096;
/// Where in a header its sequence number stands, in bytes.
pub const SEQUENCE_AT: u64 = 8;
/// How a header begins.
pub const SIGNATURE: &[u8] = b"head";

/// Which of the two headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderSlot {
    /// The one at 64 KiB.
    First,
    /// The one at 128 KiB.
    Second,
}

impl HeaderSlot {
    /// 1 or 2.
    pub fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// Position in the file, in bytes.
    pub fn offset_bytes(self) -> u64 {
        let [first, second] = OFFSETS_BYTES;
        match self {
            Self::First => first,
            Self::Second => second,
        }
    }
}

/// One header with valid signature and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VhdxHeader {
    /// The higher of two is current.
    pub sequence_number: u64,
    /// New at each open for writing.
    pub file_write_id: Uuid,
    /// New at the first change of guest-visible data after an open; a child's linkage names it.
    pub data_write_id: Uuid,
    /// Entries of the log that carry this id count; nil = nothing to replay.
    pub log_id: Uuid,
    /// Version of the log; must be 0 if there is something to replay.
    pub log_version: u16,
    /// Version of the format; must be 1.
    pub version: u16,
    /// Length of the log, in bytes.
    pub log_length: u32,
    /// Position of the log, in bytes.
    pub log_offset: u64,
}

fn parse_one(bytes: &[u8]) -> Result<VhdxHeader, String> {
    let bytes = bytes
        .get(..LENGTH_BYTES)
        .ok_or_else(|| "the file ends before it does".to_owned())?;
    if !bytes.starts_with(SIGNATURE) {
        return Err("it does not start with `head`".to_owned());
    }
    let stored = u32_at(bytes, 4).unwrap_or(0);
    let computed = checksum(bytes);
    if stored != computed {
        return Err(format!(
            "its checksum is {stored:#010x}, its content gives {computed:#010x}"
        ));
    }
    let read = || {
        Some(VhdxHeader {
            sequence_number: u64_at(bytes, 8)?,
            file_write_id: guid_at(bytes, 16)?,
            data_write_id: guid_at(bytes, 32)?,
            log_id: guid_at(bytes, 48)?,
            log_version: u16_at(bytes, 64)?,
            version: u16_at(bytes, 66)?,
            log_length: u32_at(bytes, 68)?,
            log_offset: u64_at(bytes, 72)?,
        })
    };
    read().ok_or_else(|| "it is too short".to_owned())
}

/// Reads both headers (the bytes at [`OFFSETS_BYTES`]; fewer than [`LENGTH_BYTES`] are a fault of the file) and chooses
/// the current one: the valid one with the higher sequence number. Of two with equal numbers the first is taken; that is
/// a finding unless they agree in everything but the log id.
///
/// # Errors
/// With [`codes::HEADERS`] if neither is valid, with [`codes::VERSION`] if the current one's version is not 1.
pub fn choose(
    first: &[u8],
    second: &[u8],
    findings: &mut Vec<Finding>,
) -> Result<(VhdxHeader, HeaderSlot), FormatError> {
    let (header, slot) = match (parse_one(first), parse_one(second)) {
        (Ok(one), Ok(two)) => {
            let but_for_log = VhdxHeader {
                log_id: one.log_id,
                ..two
            };
            if one.sequence_number == two.sequence_number && one != but_for_log {
                findings.push(
                    Finding::new(
                        &codes::HEADER_TWINS,
                        format!(
                            "both headers have sequence number {} and they differ; the first was used",
                            one.sequence_number
                        ),
                    )
                    .at(HeaderSlot::Second.offset_bytes())
                    .values(
                        format!("data write id {}", one.data_write_id),
                        format!("data write id {}", two.data_write_id),
                    ),
                );
            }
            if one.sequence_number >= two.sequence_number {
                (one, HeaderSlot::First)
            } else {
                (two, HeaderSlot::Second)
            }
        }
        (Ok(one), Err(fault)) => {
            findings.push(copy_fault(HeaderSlot::Second, &fault));
            (one, HeaderSlot::First)
        }
        (Err(fault), Ok(two)) => {
            findings.push(copy_fault(HeaderSlot::First, &fault));
            (two, HeaderSlot::Second)
        }
        (Err(one), Err(two)) => {
            return Err(Finding::new(
                &codes::HEADERS,
                format!("no header can be used: of the first, {one}; of the second, {two}"),
            )
            .at(HeaderSlot::First.offset_bytes())
            .into());
        }
    };
    if header.version != 1 {
        return Err(Finding::new(
            &codes::VERSION,
            format!("format version {} is not known", header.version),
        )
        .at(slot.offset_bytes().saturating_add(66))
        .values("1", header.version.to_string())
        .into());
    }
    Ok((header, slot))
}

fn copy_fault(slot: HeaderSlot, fault: &str) -> Finding {
    Finding::new(
        &codes::HEADER_COPY,
        format!(
            "header {} cannot be used: {fault}; the other one was",
            slot.number()
        ),
    )
    .at(slot.offset_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u64, data_write: u8, log: u8) -> Vec<u8> {
        let mut bytes = vec![0; LENGTH_BYTES];
        bytes[..4].copy_from_slice(b"head");
        bytes[8..16].copy_from_slice(&sequence.to_le_bytes());
        bytes[32..48].fill(data_write);
        bytes[48..64].fill(log);
        bytes[66] = 1;
        bytes[68..72].copy_from_slice(&(1u32 << 20).to_le_bytes());
        bytes[72..80].copy_from_slice(&(1u64 << 20).to_le_bytes());
        seal(bytes)
    }

    fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&bytes);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn chosen(first: &[u8], second: &[u8]) -> (u8, u64, Vec<&'static str>) {
        let mut findings = Vec::new();
        let (header, slot) = choose(first, second, &mut findings).expect("a header");
        let ids = findings.iter().map(|finding| finding.code.id).collect();
        (slot.number(), header.sequence_number, ids)
    }

    #[test]
    fn the_higher_sequence_number_is_current() {
        assert_eq!(chosen(&header(6, 1, 0), &header(7, 1, 0)), (2, 7, vec![]));
        assert_eq!(chosen(&header(8, 1, 0), &header(7, 2, 0)), (1, 8, vec![]));
        assert_eq!(chosen(&header(4, 1, 0), &header(3, 1, 9)), (1, 4, vec![]));
    }

    #[test]
    fn equal_numbers_are_fine_if_only_the_log_id_differs() {
        assert_eq!(chosen(&header(1, 1, 0), &header(1, 1, 0)), (1, 1, vec![]));
        assert_eq!(chosen(&header(1, 1, 0), &header(1, 1, 5)), (1, 1, vec![]));
        assert_eq!(
            chosen(&header(1, 1, 0), &header(1, 2, 0)),
            (1, 1, vec!["vhdx-header-twins"])
        );
    }

    #[test]
    fn a_newer_but_damaged_header_gives_way_to_the_older() {
        let mut newer = header(9, 1, 0);
        newer[2000] ^= 1;
        assert_eq!(
            chosen(&header(5, 1, 0), &newer),
            (1, 5, vec!["vhdx-header-copy"])
        );
        assert_eq!(
            chosen(&newer, &header(5, 1, 0)),
            (2, 5, vec!["vhdx-header-copy"])
        );
        assert_eq!(
            chosen(&header(5, 1, 0), &newer[..100]),
            (1, 5, vec!["vhdx-header-copy"])
        );
    }

    #[test]
    fn two_damaged_headers_refuse_the_file() {
        let error = choose(&[0; 4096], &[], &mut Vec::new()).expect_err("refused");
        let FormatError::Invalid(refusal) = error else {
            panic!("not a finding: {error}");
        };
        assert_eq!(refusal.finding.code.id, "vhdx-headers");
        assert_eq!(refusal.finding.at, Some(64 << 10));
    }

    #[test]
    fn another_version_is_refused() {
        let mut bytes = header(1, 1, 0);
        bytes[66] = 2;
        let error = choose(&seal(bytes), &[], &mut Vec::new()).expect_err("refused");
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
