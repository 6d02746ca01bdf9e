//! Identifiers in both byte orders.
//!
//! Ids found in disks need not be RFC 4122 variants (Windows writes others), so none is ever validated.

use uuid::Uuid;

/// An id stored in file order (VHD): the 16 bytes are shown as they stand.
pub fn from_file_order(bytes: [u8; 16]) -> Uuid {
    Uuid::from_bytes(bytes)
}

/// An id stored as a Windows GUID (VHDX): the first three fields little-endian.
pub fn from_windows_order(bytes: [u8; 16]) -> Uuid {
    Uuid::from_bytes_le(bytes)
}

/// A GUID in text: with or without braces, either case, with or without hyphens; blanks around it are ignored.
pub fn from_text(text: &str) -> Option<Uuid> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(text);
    Uuid::try_parse(inner).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_braces_and_any_case_is_read() {
        let plain = from_text("b7ca8a6a-b91a-b997-1471-85c9284d42c5");
        assert!(plain.is_some());
        assert_eq!(
            plain,
            from_text(" {B7CA8A6A-B91A-B997-1471-85C9284D42C5}\0")
        );
        assert_eq!(plain, from_text("b7ca8a6ab91ab997147185c9284d42c5"));
        assert_eq!(from_text("not a guid"), None);
    }
}
