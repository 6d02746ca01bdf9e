//! File type identifier: the first 64 KiB ([MS-VHDX] 2.2.1).

use crate::finding::Finding;
use crate::format::text;
use crate::format::vhdx::codes;

/// The first eight bytes of every VHDX.
pub const SIGNATURE: [u8; 8] = *b"vhdxfile";

/// Bytes of the identifier that mean something: signature and creator.
pub const LENGTH_BYTES: usize = 520;

/// What the identifier says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identifier {
    /// The program that made the file, as stored (at most 256 UTF-16 units). May hold anything: escape before showing.
    pub creator: String,
}

/// Reads the identifier from the first [`LENGTH_BYTES`] of a file; fewer are a fault of the file.
pub fn parse(bytes: &[u8], findings: &mut Vec<Finding>) -> Identifier {
    let found = bytes.get(..SIGNATURE.len()).unwrap_or(bytes);
    if found != SIGNATURE {
        findings.push(
            Finding::new(
                &codes::IDENTIFIER,
                "the file does not start with `vhdxfile`",
            )
            .at(0)
            .values("vhdxfile", String::from_utf8_lossy(found)),
        );
    }
    let end = bytes.len().min(LENGTH_BYTES);
    let creator = text::utf16le(bytes.get(SIGNATURE.len()..end).unwrap_or_default());
    if creator.damaged {
        findings
            .push(Finding::new(&codes::CREATOR, "the creator string is not valid UTF-16").at(8));
    }
    Identifier {
        creator: creator.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_creator(units: &[u16]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.resize(LENGTH_BYTES, 0);
        bytes
    }

    #[test]
    fn the_creator_is_read_up_to_its_nul() {
        let units: Vec<u16> = "Microsoft Windows 6.2".encode_utf16().collect();
        let mut findings = Vec::new();
        let read = parse(&with_creator(&units), &mut findings);
        assert_eq!(read.creator, "Microsoft Windows 6.2");
        assert_eq!(findings, []);
    }

    #[test]
    fn a_lost_signature_and_a_bad_creator_are_findings() {
        let mut bytes = with_creator(&[0xd800, 0x41]);
        bytes[0] = b'V';
        let mut findings = Vec::new();
        let read = parse(&bytes, &mut findings);
        assert_eq!(read.creator, "\u{fffd}A");
        let ids: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(ids, ["vhdx-identifier", "vhdx-creator"]);
        assert_eq!(parse(&[], &mut findings).creator, "");
    }
}
