//! What only a VHD says of itself.

/// VHD's own header facts.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a bit or byte of the footer, independent of the others"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VhdSpecific {
    /// Creator version as stored, major in the high half.
    pub creator_version: u32,
    /// Creator host OS, four bytes as text.
    pub creator_os: String,
    /// Raw footer time stamp: seconds since 2000-01-01 00:00:00 UTC.
    pub timestamp: u32,
    /// Size by the footer's "original size".
    pub original_size: u64,
    /// Size by the footer's "current size".
    pub current_size: u64,
    /// Size by the CHS geometry, in bytes.
    pub geometry_size: u64,
    /// Cylinders, heads, sectors per track.
    pub geometry: (u16, u8, u8),
    /// Footer byte 0x54: the VM was in saved state.
    pub saved_state: bool,
    /// Footer byte 0x55 (XenServer): hidden from the tool stack.
    pub hidden: bool,
    pub features: u32,
    /// The footer in use is the copy at offset 0.
    pub footer_is_copy: bool,
    /// Block allocation table: position in bytes.
    pub table_offset: Option<u64>,
    /// Block allocation table: entries claimed.
    pub table_entries: Option<u32>,
    /// A valid `tdbatmap` is there.
    pub batmap: bool,
    /// The dynamic header's parent time stamp, seconds since 2000; 0 in Windows-made files.
    pub parent_timestamp: Option<u32>,
}
