//! Identifier, headers, region tables, metadata with the parent locator.

use std::io;

use uuid::Uuid;

use super::{Shape, Sink, VhdxBuilder, index, seal};
use crate::format::vhdx::{MIB, header, identifier, locator, metadata, region};

/// Id of every built file's log, if it has something to replay.
const LOG_ID: Uuid = Uuid::from_u128(0x6c6f_6700_0000_4000_8000_0000_0000_0001);

/// File write id of a built file, before its data write id is mixed in.
const FILE_WRITE_ID: Uuid = Uuid::from_u128(0x6669_6c65_0000_4000_8000_0000_0000_0001);

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

fn long(value: u64) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

pub(super) fn log_id() -> Uuid {
    LOG_ID
}

pub(super) fn regions(metadata_at: u64, table_at: u64, table_length: u64) -> Vec<u8> {
    let mut bytes = b"regi\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    for (id, at, length) in [
        (region::TABLE_ID, table_at, table_length),
        (region::METADATA_ID, metadata_at, MIB),
    ] {
        bytes.extend(id.to_bytes_le());
        bytes.extend(at.to_le_bytes());
        bytes.extend(long(length));
        bytes.extend(1u32.to_le_bytes());
    }
    bytes.resize(region::LENGTH_BYTES, 0);
    seal(&mut bytes);
    bytes
}

impl VhdxBuilder {
    pub(super) fn identifier(&self) -> Vec<u8> {
        let mut bytes = identifier::SIGNATURE.to_vec();
        bytes.extend(utf16(&self.creator));
        bytes.resize(identifier::LENGTH_BYTES, 0);
        bytes
    }

    /// Both headers; the current one is the second where the sequence number is even, as after one update of each.
    pub(super) fn put_headers(
        &self,
        sink: &mut dyn Sink,
        dirty: bool,
        log_length: u64,
    ) -> io::Result<()> {
        let older = self.sequence.saturating_sub(1);
        let numbers = if self.sequence.is_multiple_of(2) {
            [older, self.sequence]
        } else {
            [self.sequence, older]
        };
        for (at, number) in header::OFFSETS_BYTES.into_iter().zip(numbers) {
            let mut bytes = b"head\0\0\0\0".to_vec();
            bytes.extend(number.to_le_bytes());
            // Readers tell the files of a chain apart by this id.
            let file_write_id = FILE_WRITE_ID.as_u128() ^ self.data_write_id.as_u128();
            bytes.extend(Uuid::from_u128(file_write_id).to_bytes_le());
            bytes.extend(self.data_write_id.to_bytes_le());
            let log = if dirty { LOG_ID } else { Uuid::nil() };
            bytes.extend(log.to_bytes_le());
            bytes.extend([0, 0, 1, 0]);
            bytes.extend(long(log_length));
            bytes.extend(MIB.to_le_bytes());
            bytes.resize(header::LENGTH_BYTES, 0);
            seal(&mut bytes);
            sink.put(at, &bytes)?;
        }
        Ok(())
    }

    pub(super) fn metadata(&self) -> Vec<u8> {
        const VIRTUAL_DISK: u32 = 2;
        const REQUIRED: u32 = 4;
        let flags = match self.shape {
            Shape::Fixed => 1u32,
            Shape::Dynamic => 0,
            Shape::Differencing => 2,
        };
        let mut parameters = self.block_size.to_le_bytes().to_vec();
        parameters.extend(flags.to_le_bytes());
        let disk = VIRTUAL_DISK | REQUIRED;
        let mut items = vec![
            (metadata::FILE_PARAMETERS, REQUIRED, parameters),
            (
                metadata::VIRTUAL_SIZE,
                disk,
                self.virtual_size.to_le_bytes().to_vec(),
            ),
            (metadata::DISK_ID, disk, self.disk_id.to_bytes_le().to_vec()),
            (
                metadata::LOGICAL_SECTOR,
                disk,
                self.sector_size.to_le_bytes().to_vec(),
            ),
            (
                metadata::PHYSICAL_SECTOR,
                disk,
                self.physical_sector_size.to_le_bytes().to_vec(),
            ),
        ];
        if !self.locator.is_empty() {
            items.push((metadata::PARENT_LOCATOR, REQUIRED, self.locator_item()));
        }
        let mut bytes = b"metadata\0\0".to_vec();
        bytes.extend(short(items.len()));
        bytes.resize(32, 0);
        let mut data = Vec::new();
        for (id, flags, item) in items {
            bytes.extend(id.to_bytes_le());
            bytes.extend(long(u64::from(metadata::TABLE_BYTES) + data.len() as u64));
            bytes.extend(long(item.len() as u64));
            bytes.extend(flags.to_le_bytes());
            bytes.extend([0; 4]);
            data.extend(item);
        }
        bytes.resize(index(u64::from(metadata::TABLE_BYTES)), 0);
        bytes.extend(data);
        bytes
    }

    fn locator_item(&self) -> Vec<u8> {
        let mut bytes = locator::TYPE_ID.to_bytes_le().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(short(self.locator.len()));
        let start = 20 + self.locator.len() * 12;
        let mut data = Vec::new();
        for (key, value) in &self.locator {
            let (key, value) = (utf16(key), utf16(value));
            let at = (start + data.len()) as u64;
            bytes.extend(long(at));
            bytes.extend(long(at + key.len() as u64));
            bytes.extend(short(key.len()));
            bytes.extend(short(value.len()));
            data.extend(key);
            data.extend(value);
        }
        bytes.extend(data);
        bytes
    }
}
