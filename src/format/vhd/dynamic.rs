//! The dynamic header: 1,024 bytes, in dynamic and differencing disks.

use uuid::Uuid;

use super::locator::{LOCATOR_BYTES, LocatorEntry};
use super::{checksum, codes};
use crate::finding::Finding;
use crate::format::bytes::{array_at, be32_at, be64_at};
use crate::format::text::{self, Text};
use crate::format::{FormatError, guid};
use crate::source::{Source, fill_up_to};

/// Length of a dynamic header in bytes.
pub const HEADER_BYTES: usize = 1024;
/// Where every known writer puts it: right behind the footer's copy.
const USUAL_AT: u64 = 512;
/// Largest block size believed, in bytes. The format sets no limit; this is VHDX's, 128 times what is usual.
const BLOCK_BYTES_MAX: u32 = 256 << 20;
/// Where the locator entries begin in the header, in bytes.
pub const LOCATORS_AT: usize = 576;

/// Where the fields lie in a dynamic header, in bytes.
pub mod field {
    pub const TABLE_OFFSET: usize = 16;
    pub const VERSION: usize = 24;
    pub const TABLE_ENTRIES: usize = 28;
    pub const BLOCK_SIZE: usize = 32;
    pub const CHECKSUM: usize = 36;
    pub const PARENT_ID: usize = 40;
    pub const PARENT_TIMESTAMP: usize = 56;
    pub const PARENT_NAME: usize = 64;
}

/// Number of locator entries.
const LOCATORS: usize = 8;

/// A dynamic header's fields as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicHeader {
    /// Position in the file, in bytes.
    pub at: u64,
    /// Position of the block allocation table, in bytes.
    pub table_offset: u64,
    /// Header version, major in the high half: 0x00010000.
    pub version: u32,
    /// Entries of the table, as claimed.
    pub table_entries: u32,
    /// Block size without bitmap, in bytes, as claimed.
    pub block_size: u32,
    pub checksum: u32,
    /// What the checksum should be.
    pub expected_checksum: u32,
    /// Unique id of the parent, in file order; `None` if nil.
    pub parent_id: Option<Uuid>,
    /// The parent's modification time, seconds since 2000; 0 in Windows-made files.
    pub parent_timestamp: u32,
    /// The parent's name as stored, up to its first NUL; 512 bytes at most.
    parent_name: Vec<u8>,
    /// The eight locators.
    pub locators: [LocatorEntry; LOCATORS],
}

impl DynamicHeader {
    /// Reads a header from 1,024 bytes; `None` without its cookie or with fewer bytes.
    pub fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        if !bytes.starts_with(b"cxsparse") {
            return None;
        }
        Some(Self {
            at,
            table_offset: be64_at(bytes, field::TABLE_OFFSET)?,
            version: be32_at(bytes, field::VERSION)?,
            table_entries: be32_at(bytes, field::TABLE_ENTRIES)?,
            block_size: be32_at(bytes, field::BLOCK_SIZE)?,
            checksum: be32_at(bytes, field::CHECKSUM)?,
            expected_checksum: checksum(bytes, field::CHECKSUM),
            parent_id: Some(guid::from_file_order(array_at(bytes, field::PARENT_ID)?))
                .filter(|id| !id.is_nil()),
            parent_timestamp: be32_at(bytes, field::PARENT_TIMESTAMP)?,
            parent_name: until_nul(
                bytes
                    .get(field::PARENT_NAME..LOCATORS_AT)
                    .unwrap_or_default(),
            )
            .to_vec(),
            locators: std::array::from_fn(|index| {
                let start = LOCATORS_AT.saturating_add(index.saturating_mul(LOCATOR_BYTES));
                LocatorEntry::parse(bytes.get(start..).unwrap_or_default())
            }),
        })
    }

    /// The parent's name: UTF-16 big-endian, little-endian by the first XenServer tools (creator version 0.1).
    pub fn parent_name(&self, order: NameOrder) -> Text {
        match order {
            NameOrder::BigEndian => text::utf16be(&self.parent_name),
            NameOrder::LittleEndian => text::utf16le(&self.parent_name),
        }
    }

    /// True if the block size is a power of two of 512 bytes to 256 MiB.
    pub fn has_sane_block_size(&self) -> bool {
        self.block_size.is_power_of_two() && (512..=BLOCK_BYTES_MAX).contains(&self.block_size)
    }

    fn note(&self, findings: &mut Vec<Finding>) {
        if self.checksum != self.expected_checksum {
            findings.push(
                Finding::new(
                    &codes::HEADER_CHECKSUM,
                    "the checksum of the dynamic header is wrong",
                )
                .at(self.at.saturating_add(field::CHECKSUM as u64))
                .values(
                    format!("{:#010x}", self.expected_checksum),
                    format!("{:#010x}", self.checksum),
                ),
            );
        }
        if self.version != 0x0001_0000 {
            findings.push(
                Finding::new(
                    &codes::VERSION,
                    "the dynamic header names an unknown version",
                )
                .at(self.at.saturating_add(field::VERSION as u64))
                .values("0x00010000", format!("{:#010x}", self.version)),
            );
        }
        if !self.has_sane_block_size() {
            findings.push(
                Finding::new(
                    &codes::BLOCK_SIZE,
                    format!("a block size of {} bytes cannot be", self.block_size),
                )
                .at(self.at.saturating_add(field::BLOCK_SIZE as u64))
                .values(
                    "a power of two from 512 to 268435456",
                    self.block_size.to_string(),
                ),
            );
        }
    }
}

/// UTF-16 up to the first unit that is NUL.
fn until_nul(bytes: &[u8]) -> &[u8] {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().take_while(|unit| **unit != [0; 2]).count();
    bytes.get(..units.saturating_mul(2)).unwrap_or(bytes)
}

/// Byte order of the parent's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOrder {
    /// What the specification says.
    BigEndian,
    /// The first XenServer tools.
    LittleEndian,
}

/// Reads the dynamic header where the footer says, or at its usual place if it is not there. `None`, with a finding, if
/// it is at neither place.
///
/// # Errors
/// Those of the reads.
pub fn find(
    source: &dyn Source,
    data_offset: u64,
    findings: &mut Vec<Finding>,
) -> Result<Option<DynamicHeader>, FormatError> {
    let read = |at: u64| -> Result<Option<DynamicHeader>, FormatError> {
        if at >= source.len() {
            return Ok(None);
        }
        let mut buffer = [0; HEADER_BYTES];
        let bytes =
            fill_up_to(source, at, &mut buffer).map_err(FormatError::read("dynamic header", at))?;
        Ok(DynamicHeader::parse(bytes, at))
    };
    let mut header = read(data_offset)?;
    if header.is_none() && data_offset != USUAL_AT {
        header = read(USUAL_AT)?;
        if header.is_some() {
            findings.push(
                Finding::new(&codes::DATA_OFFSET, "the footer's data offset does not lead to the dynamic header, which was found at 512")
                    .at(data_offset)
                    .values(USUAL_AT.to_string(), data_offset.to_string()),
            );
        }
    }
    match &header {
        Some(header) => header.note(findings),
        None => findings.push(
            Finding::new(
                &codes::HEADER_MISSING,
                "there is no dynamic header where the footer says",
            )
            .at(data_offset)
            .values("cxsparse", "something else or the end of the file"),
        ),
    }
    Ok(header)
}
