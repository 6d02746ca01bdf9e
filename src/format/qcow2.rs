//! QCOW2: only what names the disk (`docs/interop/qcow2.txt` of QEMU): version, size, and the file it stands on.

use crate::finding::Finding;
use crate::source::{Source, read_up_to};

/// Version 2 has the fields that are used here, and no more.
const HEADER_BYTES: usize = 72;
const SIGNATURE: &[u8] = b"QFI\xfb";
/// The longest name of a backing file, in bytes.
const NAME_MAX: usize = 1023;

crate::catalogue! {
    /// A disk in a format that is not read.
    QCOW2 = "qcow2-not-read", Info, "the disk is a QCOW2, which is not read",
        why: "Its chain is shown by names only; what it holds, and whether its machine was reverted, is not known here.",
        action: "Look at it with qemu-img info --backing-chain.";
}

/// What a QCOW2 says of itself; `None` for anything else.
pub fn finding(source: &dyn Source) -> Option<Finding> {
    let header = read_up_to(source, 0, HEADER_BYTES).ok()?;
    if !header.starts_with(SIGNATURE) || header.len() < HEADER_BYTES {
        return None;
    }
    let long = |at: usize| Some(u64::from_be_bytes(*header.get(at..)?.first_chunk()?));
    let short = |at: usize| Some(u32::from_be_bytes(*header.get(at..)?.first_chunk()?));
    let (version, name_at, name_len, size) = (short(4)?, long(8)?, short(16)?, long(24)?);
    let name_len = usize::try_from(name_len).ok()?.min(NAME_MAX);
    let name = match name_at {
        0 => Vec::new(),
        at => read_up_to(source, at, name_len).ok()?,
    };
    let stands = match String::from_utf8_lossy(&name).into_owned() {
        name if name.is_empty() => "on no other file".to_owned(),
        name => format!("on {name}"),
    };
    let text = format!("A QCOW2 of version {version} and {size} bytes, {stands}.");
    Some(Finding::new(&QCOW2, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    fn header(name_at: u64, name: &[u8]) -> MemorySource {
        let mut bytes = vec![0; 104];
        bytes[..4].copy_from_slice(SIGNATURE);
        bytes[7] = 3;
        bytes[8..16].copy_from_slice(&name_at.to_be_bytes());
        bytes[16..20].copy_from_slice(&u32::try_from(name.len()).unwrap().to_be_bytes());
        bytes[24..32].copy_from_slice(&(8_u64 << 20).to_be_bytes());
        bytes.extend(name);
        MemorySource(bytes)
    }

    #[test]
    fn size_and_backing_file_are_told_and_anything_else_is_none() {
        let text = |source: &MemorySource| finding(source).unwrap().text;
        assert_eq!(
            text(&header(104, b"base.qcow2")),
            "A QCOW2 of version 3 and 8388608 bytes, on base.qcow2."
        );
        assert!(text(&header(0, b"")).ends_with("on no other file."));
        assert!(text(&header(u64::MAX, b"x")).ends_with("on no other file."));
        assert!(finding(&MemorySource(b"QFI\xfb".to_vec())).is_none());
        assert!(finding(&MemorySource(vec![0; 600])).is_none());
    }
}
