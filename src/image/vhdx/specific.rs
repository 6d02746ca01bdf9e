//! What only a VHDX says of itself.

use uuid::Uuid;

/// VHDX's own header facts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VhdxSpecific {
    /// Physical sector size in bytes.
    pub physical_sector_size: u32,
    /// Sequence number of the current header.
    pub sequence_number: u64,
    /// Which header is current: 1 or 2.
    pub current_header: u8,
    /// File write GUID of the current header.
    pub file_write_id: Uuid,
    /// Log GUID of the current header; nil = nothing to replay.
    pub log_id: Uuid,
    /// What became of the log.
    pub log: LogState,
    /// File parameters bit 0: blocks stay allocated (a fixed disk).
    pub leave_blocks_allocated: bool,
    /// Block allocation table: position in bytes.
    pub table_offset: u64,
    /// Block allocation table region: length in bytes.
    pub table_length: u64,
}

/// What became of a VHDX log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogState {
    /// The log GUID is nil: nothing to replay.
    #[default]
    Empty,
    /// Replayed in memory: so many entries.
    Replayed(u32),
    /// There is something to replay and it cannot be: no block numbers may be shown.
    Unusable,
}
