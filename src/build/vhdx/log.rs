//! A log with something to replay.

use std::io;

use super::sections::log_id;
use super::table::PAGE_BYTES;
use super::{Sink, VhdxBuilder, index, seal};
use crate::format::vhdx::MIB;

/// One entry of the log: writes that belong together.
#[derive(Debug, Clone, Default)]
pub struct LogEntry(pub Vec<LogWrite>);

#[derive(Debug, Clone)]
pub enum LogWrite {
    /// 4096 bytes (filled up with zeros, cut) to a position that is a multiple of 4096.
    Data {
        /// Position in the file, in bytes.
        offset: u64,
        /// The bytes.
        page: Vec<u8>,
    },
    /// Zeros to a position and of a length that are multiples of 4096.
    Zero {
        /// Position in the file, in bytes.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
}

/// Sequence number of a built log's first entry; high enough that both halves of it are used.
const FIRST_SEQUENCE: u64 = 0x1_0000_0007;

impl LogEntry {
    /// The entry's bytes, whole sectors.
    fn encode(&self, sequence: u64, tail: u64, file_bytes: u64) -> Vec<u8> {
        let mut sectors = Vec::new();
        let mut head = b"loge".to_vec();
        head.resize(64, 0);
        for write in &self.0 {
            match write {
                LogWrite::Zero { offset, length } => {
                    head.extend(b"zero\0\0\0\0");
                    head.extend(length.to_le_bytes());
                    head.extend(offset.to_le_bytes());
                }
                LogWrite::Data { offset, page } => {
                    let mut page = page.clone();
                    page.resize(index(PAGE_BYTES), 0);
                    let tail_at = page.len() - 4;
                    head.extend(b"desc");
                    head.extend(&page[tail_at..]);
                    head.extend(&page[..8]);
                    head.extend(offset.to_le_bytes());
                    page[..4].copy_from_slice(b"data");
                    page[4..8].copy_from_slice(&sequence.to_le_bytes()[4..]);
                    page[tail_at..].copy_from_slice(&sequence.to_le_bytes()[..4]);
                    sectors.extend(page);
                }
            }
            head.extend(sequence.to_le_bytes());
        }
        head.resize(head.len().next_multiple_of(index(PAGE_BYTES)), 0);
        let mut bytes = head;
        bytes.extend(sectors);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let tail = u32::try_from(tail).unwrap_or(u32::MAX);
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        bytes[12..16].copy_from_slice(&tail.to_le_bytes());
        bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
        bytes[24..28].copy_from_slice(&count.to_le_bytes());
        bytes[32..48].copy_from_slice(&log_id().to_bytes_le());
        bytes[48..56].copy_from_slice(&file_bytes.to_le_bytes());
        bytes[56..64].copy_from_slice(&file_bytes.to_le_bytes());
        seal(&mut bytes);
        bytes
    }
}

impl VhdxBuilder {
    /// Length of the log region, in bytes: a mebibyte, or what the entries need.
    pub(super) fn log_length(&self) -> u64 {
        let of = |writes: usize| (writes as u64 + 2) * (PAGE_BYTES + PAGE_BYTES / 64);
        let given: u64 = self.log_entries.iter().map(|entry| of(entry.0.len())).sum();
        let table = if self.table_in_log {
            // Every block may touch a page of the table and of its bitmap.
            of(3 * self.sectors.len() + 2 * self.states.len())
        } else {
            0
        };
        (given + table).max(1).next_multiple_of(MIB)
    }

    pub(super) fn put_log(
        &self,
        sink: &mut dyn Sink,
        entries: &[LogEntry],
        log_length: u64,
        file_bytes: u64,
    ) -> io::Result<()> {
        let mut position = self.log_start % log_length;
        let tail = position;
        for (sequence, entry) in (FIRST_SEQUENCE..).zip(entries) {
            for sector in entry
                .encode(sequence, tail, file_bytes)
                .chunks(index(PAGE_BYTES))
            {
                sink.put(MIB + position, sector)?;
                position = (position + PAGE_BYTES) % log_length;
            }
        }
        Ok(())
    }
}
