//! What a file is, by its content, never by its name.

use super::Format;

/// How many of the first and of the last bytes of a file [`sniff`] looks at.
pub const SNIFF_BYTES: usize = 1024;

/// How a Hyper-V configuration container begins.
const HYPERV_STORE: [u8; 4] = 0x0128_2014_u32.to_le_bytes();

/// What the first and last bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// A disk, or what is left of one.
    Disk(Format),
    /// A Hyper-V configuration container (VMCX, VMRS).
    HyperVStore,
    /// Something else.
    Other,
}

/// Looks at a file's first and last bytes, [`SNIFF_BYTES`] of each or as many as there are.
///
/// A footer at either end makes a VHD, and so does a dynamic header without any footer: what is left of one. The last
/// piece of a disk split into `.v01`, `.v02` and so on ends in a footer too; only names tell the pieces.
pub fn sniff(head: &[u8], tail: &[u8]) -> Sniffed {
    let format = Format::find(|rules| (rules.begins)(head))
        .or_else(|| Format::find(|rules| (rules.encloses)(head, tail)));
    match format {
        Some(format) => Sniffed::Disk(format),
        None if head.starts_with(&HYPERV_STORE) => Sniffed::HyperVStore,
        None => Sniffed::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_what_a_file_is() {
        let with = |at: usize, magic: &[u8]| {
            let mut bytes = vec![0_u8; 1024];
            bytes[at..at + magic.len()].copy_from_slice(magic);
            bytes
        };
        let zeros = [0_u8; 1024];
        assert_eq!(
            sniff(&with(0, b"vhdxfile"), &zeros),
            Sniffed::Disk(Format::Vhdx)
        );
        assert_eq!(
            sniff(&zeros, &with(512, b"conectix")),
            Sniffed::Disk(Format::Vhd)
        );
        assert_eq!(
            sniff(&zeros, &with(513, b"conectix")),
            Sniffed::Disk(Format::Vhd)
        );
        assert_eq!(
            sniff(&zeros, &with(512, b"v_poison")),
            Sniffed::Disk(Format::Vhd)
        );
        assert_eq!(
            sniff(&with(0, b"conectix"), &zeros),
            Sniffed::Disk(Format::Vhd)
        );
        assert_eq!(
            sniff(&with(512, b"cxsparse"), &zeros),
            Sniffed::Disk(Format::Vhd)
        );
        let store = with(0, &[0x14, 0x20, 0x28, 0x01]);
        assert_eq!(sniff(&store, &zeros), Sniffed::HyperVStore);
        assert_eq!(sniff(&zeros, &zeros), Sniffed::Other);
        assert_eq!(sniff(b"", b""), Sniffed::Other);
        assert_eq!(sniff(b"conec", b"conec"), Sniffed::Other);
    }
}
