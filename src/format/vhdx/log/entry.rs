//! One log entry: header, descriptors, data sectors ([MS-VHDX] 2.3.1).

use std::io;

use crate::format::vhdx::header::VhdxHeader;
use crate::format::vhdx::log::range;
use crate::format::vhdx::log::ring::{LogRing, SECTOR_BYTES, Sector};
use crate::format::vhdx::region::OFFSETS_BYTES;
use crate::format::vhdx::{MAX_FILE_SIZE, array_at, checksum, guid_at, u32_at, u64_at};
use crate::source::{Overlay, OverlayPage};

const HEADER_BYTES: usize = 64;
const DESCRIPTOR_BYTES: usize = 32;
/// Descriptors in an entry's first sector, which starts with the header, and in each further one.
const FIRST_DESCRIPTORS: u64 = 126;
const MORE_DESCRIPTORS: u64 = 128;

/// A valid entry: checksum, signatures, sequence numbers, descriptors and lengths agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValidLogEntry {
    /// Position in the ring, in bytes.
    pub at: u64,
    /// Length in bytes, whole sectors.
    pub length_bytes: u64,
    /// Position of the first entry that was not yet in place when this one was written.
    pub tail: u64,
    /// One more than that of the entry before it.
    pub sequence: u64,
    /// Length the file had for sure when this was written, in bytes.
    pub flushed_file_bytes: u64,
    /// Length that all structures fit into, in bytes.
    pub last_file_bytes: u64,
    descriptors: u64,
}

/// Why there is no valid entry at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It does not start with `loge`.
    NoEntry,
    /// It carries another log id.
    OtherLog,
    /// It is one of this log and cannot be used.
    Damaged(&'static str),
}

enum Descriptor {
    Data {
        offset: u64,
        head: [u8; 8],
        tail: [u8; 4],
    },
    Zero {
        offset: u64,
        end: u64,
    },
}

impl ValidLogEntry {
    /// Reads and checks the entry at `at`.
    pub(super) fn read(
        ring: &mut LogRing<'_>,
        at: u64,
        header: &VhdxHeader,
    ) -> io::Result<Result<Self, Rejected>> {
        let first = ring.sector(at)?;
        Ok(
            match Self::parse_header(&first, at, ring.length_bytes(), header) {
                Ok((entry, stored)) => entry
                    .check(ring, &first, stored, header)?
                    .map(|()| entry)
                    .map_err(Rejected::Damaged),
                Err(rejected) => Err(rejected),
            },
        )
    }

    fn parse_header(
        bytes: &Sector,
        at: u64,
        ring_bytes: u64,
        header: &VhdxHeader,
    ) -> Result<(Self, u32), Rejected> {
        if !bytes.starts_with(b"loge") {
            return Err(Rejected::NoEntry);
        }
        if guid_at(bytes, 32) != Some(header.log_id) {
            return Err(Rejected::OtherLog);
        }
        let read = || {
            let entry = Self {
                at,
                length_bytes: u64::from(u32_at(bytes, 8)?),
                tail: u64::from(u32_at(bytes, 12)?),
                sequence: u64_at(bytes, 16)?,
                flushed_file_bytes: u64_at(bytes, 48)?,
                last_file_bytes: u64_at(bytes, 56)?,
                descriptors: u64::from(u32_at(bytes, 24)?),
            };
            Some((entry, u32_at(bytes, 4)?))
        };
        let (entry, stored) = read().ok_or(Rejected::NoEntry)?;
        let sectors = entry.length_bytes >> 12;
        let fault = if entry.length_bytes == 0 || !entry.length_bytes.is_multiple_of(SECTOR_BYTES) {
            "has a length that is no whole number of sectors"
        } else if entry.length_bytes > ring_bytes {
            "claims to be longer than the log"
        } else if entry.tail >= ring_bytes || !entry.tail.is_multiple_of(SECTOR_BYTES) {
            "has a tail outside the log"
        } else if entry.sequence == 0 {
            "has sequence number 0"
        } else if entry.descriptor_sectors() > sectors {
            "claims more descriptors than it has room for"
        } else {
            return Ok((entry, stored));
        };
        Err(Rejected::Damaged(fault))
    }

    fn descriptor_sectors(&self) -> u64 {
        self.descriptors
            .saturating_sub(FIRST_DESCRIPTORS)
            .div_ceil(MORE_DESCRIPTORS)
            .saturating_add(1)
    }

    /// Signature and sequence number at the start and end of each of this entry's data sectors.
    fn guards(&self) -> ([u8; 8], [u8; 4]) {
        let high = self.sequence & !u64::from(u32::MAX);
        let head = u64::from(u32::from_le_bytes(*b"data")) | high;
        let low = self.sequence.to_le_bytes().first_chunk().copied();
        (head.to_le_bytes(), low.unwrap_or_default())
    }

    fn check(
        &self,
        ring: &mut LogRing<'_>,
        first: &Sector,
        stored: u32,
        header: &VhdxHeader,
    ) -> io::Result<Result<(), &'static str>> {
        let (head, tail) = self.guards();
        let mut crc = checksum(first);
        let mut data_sectors = 0u64;
        for index in 0..self.length_bytes >> 12 {
            let bytes = if index == 0 {
                *first
            } else {
                let bytes = ring.sector(self.position(index))?;
                crc = crc32c::crc32c_append(crc, &bytes);
                bytes
            };
            if index < self.descriptor_sectors() {
                for slot in self.slots(index, &bytes) {
                    match self.descriptor(slot, header) {
                        Ok(Descriptor::Data { .. }) => {
                            data_sectors = data_sectors.saturating_add(1);
                        }
                        Ok(Descriptor::Zero { .. }) => {}
                        Err(why) => return Ok(Err(why)),
                    }
                }
            } else if bytes.first_chunk() != Some(&head) || bytes.last_chunk() != Some(&tail) {
                return Ok(Err("was torn: a data sector is not of this entry"));
            }
        }
        let sectors = self.descriptor_sectors().saturating_add(data_sectors);
        Ok(if sectors != self.length_bytes >> 12 {
            Err("has another number of data sectors than its descriptors ask for")
        } else if crc != stored {
            Err("has a wrong checksum")
        } else {
            Ok(())
        })
    }

    /// Position in the ring of one of this entry's sectors.
    fn position(&self, index: u64) -> u64 {
        self.at.saturating_add(index.saturating_mul(SECTOR_BYTES))
    }

    /// The descriptors in one descriptor sector.
    fn slots<'a>(&self, index: u64, bytes: &'a Sector) -> impl Iterator<Item = &'a [u8]> {
        let (skip, before) = match index.checked_sub(1) {
            None => (HEADER_BYTES, 0),
            Some(more) => (
                0,
                FIRST_DESCRIPTORS.saturating_add(more.saturating_mul(MORE_DESCRIPTORS)),
            ),
        };
        let left = usize::try_from(self.descriptors.saturating_sub(before)).unwrap_or(usize::MAX);
        bytes
            .get(skip..)
            .unwrap_or_default()
            .chunks_exact(DESCRIPTOR_BYTES)
            .take(left)
    }

    fn descriptor(&self, bytes: &[u8], header: &VhdxHeader) -> Result<Descriptor, &'static str> {
        let [loggable_from, _] = OFFSETS_BYTES;
        let (Some(offset), Some(sequence)) = (u64_at(bytes, 16), u64_at(bytes, 24)) else {
            return Err("has a cut descriptor");
        };
        if sequence != self.sequence {
            return Err("was torn: a descriptor is not of this entry");
        }
        let (descriptor, length) = if bytes.starts_with(b"desc") {
            let head = array_at(bytes, 8).unwrap_or_default();
            let tail = array_at(bytes, 4).unwrap_or_default();
            (Descriptor::Data { offset, head, tail }, SECTOR_BYTES)
        } else if bytes.starts_with(b"zero") {
            let length = u64_at(bytes, 8).unwrap_or(0);
            let end = offset.saturating_add(length);
            (Descriptor::Zero { offset, end }, length)
        } else {
            return Err("has a descriptor of an unknown kind");
        };
        let log = range(header);
        let end = offset.saturating_add(length);
        if !offset.is_multiple_of(SECTOR_BYTES) || !length.is_multiple_of(SECTOR_BYTES) {
            Err("writes to no whole sector")
        } else if offset < loggable_from || (offset < log.end && log.start < end) {
            Err("writes over the headers or the log")
        } else if end > MAX_FILE_SIZE {
            Err("writes past the end of any file")
        } else {
            Ok(descriptor)
        }
    }

    /// Lays this entry's writes over the file, reading its descriptors again; `Err` if they changed since or are too many.
    pub(super) fn lay(
        &self,
        ring: &mut LogRing<'_>,
        overlay: &mut Overlay,
        header: &VhdxHeader,
    ) -> io::Result<Result<(), String>> {
        let (stored_head, stored_tail) = self.guards();
        let mut data_sector = self.descriptor_sectors();
        for index in 0..self.descriptor_sectors() {
            let bytes = ring.sector(self.position(index))?;
            for slot in self.slots(index, &bytes) {
                let laid = match self.descriptor(slot, header) {
                    Err(why) => return Ok(Err(format!("it changed since and now {why}"))),
                    Ok(Descriptor::Zero { offset, end }) => overlay.lay_zeros(offset, end),
                    Ok(Descriptor::Data { offset, head, tail }) => {
                        let page = OverlayPage {
                            stored_at: ring.place(self.position(data_sector)),
                            stored_head,
                            stored_tail,
                            head,
                            tail,
                        };
                        data_sector = data_sector.saturating_add(1);
                        overlay.lay_page(offset, page)
                    }
                };
                if let Err(full) = laid {
                    return Ok(Err(full.to_string()));
                }
            }
        }
        Ok(Ok(()))
    }
}
