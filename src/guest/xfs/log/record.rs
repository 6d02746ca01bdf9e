//! A record of the log: a header, and what was written at once. The first word of every block is replaced by the cycle
//! number; the header keeps the words.

use crate::format::bytes::{be16_at, be32_at, be64_at};

/// The log is counted in these.
pub const BLOCK_BYTES: u64 = 512;
const BLOCK: usize = 512;
const MAGIC: u32 = 0xfeed_babe;
/// Bytes of the header that its checksum covers: 328 where numbers of 64 bits are aligned, 324 on x86 of 32 bits.
const CHECKED_BYTES: [usize; 2] = [328, 324];
const CHECKSUM_AT: std::ops::Range<usize> = 32..36;
const FIRST_WORDS_AT: usize = 44;
/// Bytes of data whose first words one header block keeps.
const BYTES_PER_HEADER: usize = 32 << 10;
const WORDS_PER_HEADER: usize = 64;
/// Further header blocks: a cycle number and the words.
const MORE_WORDS_AT: usize = 4;
const MORE_CHECKED_BYTES: usize = 260;
/// The largest buffer that one record is written from.
const SIZE_MAX: u32 = 256 << 10;
const LITTLE_ENDIAN: u32 = 1;
/// Length of an operation's header, and where its flags are.
const OPERATION_FLAGS_AT: usize = 9;
const UNMOUNT: u8 = 0x20;

/// The number of the round in which a block was written.
pub fn cycle(block: &[u8]) -> u32 {
    match be32_at(block, 0) {
        Some(MAGIC) => be32_at(block, 4).unwrap_or(0),
        first => first.unwrap_or(0),
    }
}

pub fn is_header(block: &[u8]) -> bool {
    be32_at(block, 0) == Some(MAGIC)
}

/// A place in the log: round, and block in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

impl Lsn {
    fn block(self) -> u64 {
        self.0 & 0xffff_ffff
    }

    fn cycle(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecordHeader {
    cycle: u32,
    data_bytes: u32,
    pub lsn: Lsn,
    tail: Lsn,
    checksum: u32,
    operations: u32,
    byte_order: u32,
    size: u32,
}

impl LogRecordHeader {
    /// Reads the first block of a record; `None` if its numbers cannot be right.
    pub fn parse(block: &[u8]) -> Option<Self> {
        let found = Self {
            cycle: be32_at(block, 4)?,
            data_bytes: be32_at(block, 12)?,
            lsn: Lsn(be64_at(block, 16)?),
            tail: Lsn(be64_at(block, 24)?),
            checksum: be32_at(block, CHECKSUM_AT.start)?.swap_bytes(),
            operations: be32_at(block, 40)?,
            byte_order: be32_at(block, 300)?,
            size: be32_at(block, 320)?,
        };
        let fits = is_header(block)
            && be32_at(block, 8)? == 2
            && found.lsn.cycle() == found.cycle
            && found.size <= SIZE_MAX
            && found.data_bytes <= found.size
            && found.data_bytes > 0;
        fits.then_some(found)
    }

    pub fn block(&self) -> u64 {
        self.lsn.block()
    }

    pub fn tail_block(&self) -> u64 {
        self.tail.block()
    }

    fn header_blocks(&self) -> u64 {
        (self.size as usize).div_ceil(BYTES_PER_HEADER).max(1) as u64
    }

    /// Blocks of the whole record.
    pub fn blocks(&self) -> u64 {
        let data = u64::from(self.data_bytes).div_ceil(BLOCK_BYTES);
        self.header_blocks().saturating_add(data)
    }

    /// Blocks of the longest record that this log's writer makes.
    pub fn most_blocks(&self) -> u64 {
        let data = u64::from(self.size).div_ceil(BLOCK_BYTES);
        self.header_blocks().saturating_add(data)
    }

    pub fn is_little_endian(&self) -> bool {
        self.byte_order == LITTLE_ENDIAN
    }

    /// Whether the record with this data says nothing but that the volume was unmounted.
    pub fn is_unmount(&self, data: &[u8]) -> bool {
        let flags = data.get(OPERATION_FLAGS_AT).copied().unwrap_or(0);
        self.operations == 1 && flags & UNMOUNT != 0
    }
}

/// A whole record.
#[derive(Debug)]
pub struct LogRecord {
    pub header: LogRecordHeader,
    bytes: Vec<u8>,
}

impl LogRecord {
    /// Takes a record's blocks; `None` if its checksum is wrong. The tools that make a log or clear it write none: they only
    /// say that the volume is unmounted.
    pub fn check(header: LogRecordHeader, bytes: Vec<u8>) -> Option<Self> {
        let record = Self { header, bytes };
        let stored = record.header.checksum;
        let is_right = |checked| record.checksum(checked) == Some(stored);
        let is_without = || stored == 0 && record.header.is_unmount(&record.data());
        let is_taken = CHECKED_BYTES.into_iter().any(is_right) || is_without();
        is_taken.then_some(record)
    }

    pub fn blocks(&self) -> u64 {
        self.header.blocks()
    }

    fn split(&self) -> Option<(&[u8], &[u8])> {
        let at = usize::try_from(self.header.header_blocks())
            .ok()?
            .checked_mul(BLOCK)?;
        let (headers, data) = self.bytes.split_at_checked(at)?;
        Some((headers, data.get(..self.header.data_bytes as usize)?))
    }

    fn checksum(&self, checked: usize) -> Option<u32> {
        let (headers, data) = self.split()?;
        let mut first = headers.get(..checked)?.to_vec();
        first.get_mut(CHECKSUM_AT)?.fill(0);
        let mut sum = crc32c::crc32c(&first);
        for more in headers.chunks_exact(BLOCK).skip(1) {
            sum = crc32c::crc32c_append(sum, more.get(..MORE_CHECKED_BYTES)?);
        }
        Some(crc32c::crc32c_append(sum, data))
    }

    /// The data with its own first words.
    pub fn data(&self) -> Vec<u8> {
        let Some((headers, data)) = self.split() else {
            return Vec::new();
        };
        let mut data = data.to_vec();
        for (index, block) in data.chunks_mut(BLOCK).enumerate() {
            let header = index / WORDS_PER_HEADER;
            let words_at = if header == 0 {
                FIRST_WORDS_AT
            } else {
                MORE_WORDS_AT
            };
            let at = (index % WORDS_PER_HEADER).saturating_mul(4);
            let at = header
                .saturating_mul(BLOCK)
                .saturating_add(words_at)
                .saturating_add(at);
            let word = headers.get(at..at.saturating_add(4));
            if let (Some(word), Some(first)) = (word, block.get_mut(..4)) {
                first.copy_from_slice(word);
            }
        }
        data
    }

    /// The operations: who wrote them, their flags, and their bytes.
    pub fn each_operation(&self, data: &[u8], each: &mut dyn FnMut(LogOperation<'_>)) -> bool {
        const HEADER_BYTES: usize = 12;
        let mut at = 0usize;
        for _ in 0..self.header.operations {
            let Some(head) = data.get(at..at.saturating_add(HEADER_BYTES)) else {
                return false;
            };
            let len = be32_at(head, 4).map_or(usize::MAX, |len| len as usize);
            let start = at.saturating_add(HEADER_BYTES);
            let end = start.saturating_add(len);
            let Some(bytes) = data.get(start..end) else {
                return false;
            };
            each(LogOperation {
                transaction: be32_at(head, 0).unwrap_or(0),
                flags: be16_at(head, 8).unwrap_or(0).to_be_bytes()[1],
                bytes,
            });
            at = end;
        }
        true
    }
}

/// A part of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOperation<'a> {
    pub transaction: u32,
    pub flags: u8,
    pub bytes: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_read_from_headers_too() {
        let mut block = vec![0u8; 512];
        block[3] = 7;
        assert_eq!(cycle(&block), 7);
        block[..4].copy_from_slice(&MAGIC.to_be_bytes());
        block[7] = 9;
        assert_eq!(cycle(&block), 9);
        assert_eq!(LogRecordHeader::parse(&block), None);
    }
}
