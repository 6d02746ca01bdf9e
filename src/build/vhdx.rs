//! Builder of VHDX files: fixed, dynamic, differencing; any block state, parent locator, dirty log.
//!
//! ```
//! use vhdtree::build::vhdx::VhdxBuilder;
//!
//! let parent = VhdxBuilder::dynamic(64 << 20).block_size(1 << 20).write(5, b"parent");
//! let child = VhdxBuilder::differencing(64 << 20)
//!     .block_size(2 << 20)
//!     .parent(parent.data_write_id_now(), &[("relative_path", r".\a.vhdx")])
//!     .write(5, b"child");
//! assert!(child.build().starts_with(b"vhdxfile"));
//! ```
//!
//! ```text
//!  0        1 MiB   ...        ...          ...            ...
//!  │ headers │ log │ metadata │ block table │ in block order: payload, a bitmap before the first partial of a chunk │
//! ```

mod log;
mod sections;
mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use uuid::Uuid;

pub use log::{LogEntry, LogWrite};

use crate::format::vhdx::{MIB, region};

/// What the table says of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// State 0.
    NotPresent,
    /// State 1.
    Undefined,
    /// State 2.
    Zero,
    /// State 3.
    Unmapped,
    /// State 6; sectors not written are zeros.
    Full,
    /// State 7; only written sectors have their bit.
    Partial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Fixed,
    Dynamic,
    Differencing,
}

/// Describes a VHDX; [`build`](Self::build) or [`build_to`](Self::build_to) make it.
#[derive(Debug, Clone)]
pub struct VhdxBuilder {
    shape: Shape,
    virtual_size: u64,
    block_size: u32,
    sector_size: u32,
    physical_sector_size: u32,
    creator: String,
    disk_id: Uuid,
    data_write_id: Uuid,
    sequence: u64,
    allocate_all: bool,
    locator: Vec<(String, String)>,
    sectors: BTreeMap<u64, Vec<u8>>,
    states: BTreeMap<u64, Payload>,
    log_entries: Vec<LogEntry>,
    log_start: u64,
    table_in_log: bool,
}

impl VhdxBuilder {
    fn new(shape: Shape, virtual_size: u64) -> Self {
        Self {
            shape,
            virtual_size,
            block_size: 2 << 20,
            sector_size: 512,
            physical_sector_size: 4096,
            creator: "vhdtree".to_owned(),
            disk_id: Uuid::from_u128(0x6469_736b_0000_4000_8000_0000_0000_0001),
            data_write_id: Uuid::from_u128(0x6461_7461_0000_4000_8000_0000_0000_0001),
            sequence: 2,
            allocate_all: shape == Shape::Fixed,
            locator: Vec::new(),
            sectors: BTreeMap::new(),
            states: BTreeMap::new(),
            log_entries: Vec::new(),
            log_start: 0,
            table_in_log: false,
        }
    }

    /// A fixed disk of `virtual_size` bytes: every block allocated.
    pub fn fixed(virtual_size: u64) -> Self {
        Self::new(Shape::Fixed, virtual_size)
    }

    /// A dynamic disk of `virtual_size` bytes.
    pub fn dynamic(virtual_size: u64) -> Self {
        Self::new(Shape::Dynamic, virtual_size)
    }

    /// A differencing disk of `virtual_size` bytes; give it a [`parent`](Self::parent).
    pub fn differencing(virtual_size: u64) -> Self {
        Self::new(Shape::Differencing, virtual_size)
    }

    /// Payload block size in bytes: a power of two, 1 to 256 MiB. 2 MiB unless said.
    #[must_use]
    pub fn block_size(mut self, bytes: u32) -> Self {
        self.block_size = bytes;
        self
    }

    /// Logical sector size in bytes: 512 (unless said) or 4096. Before any [`write`](Self::write).
    #[must_use]
    pub fn sector_size(mut self, bytes: u32) -> Self {
        self.sector_size = bytes;
        self
    }

    /// Physical sector size in bytes: 4096 unless said.
    #[must_use]
    pub fn physical_sector_size(mut self, bytes: u32) -> Self {
        self.physical_sector_size = bytes;
        self
    }

    /// The creator string, `vhdtree` unless said.
    #[must_use]
    pub fn creator(mut self, creator: &str) -> Self {
        creator.clone_into(&mut self.creator);
        self
    }

    /// The virtual disk id, the same in a whole chain.
    #[must_use]
    pub fn disk_id(mut self, id: Uuid) -> Self {
        self.disk_id = id;
        self
    }

    /// The data write id, which a child's linkage names.
    #[must_use]
    pub fn data_write_id(mut self, id: Uuid) -> Self {
        self.data_write_id = id;
        self
    }

    /// The data write id as it will be written.
    pub fn data_write_id_now(&self) -> Uuid {
        self.data_write_id
    }

    /// Sequence number of the current header; the other one has one less.
    #[must_use]
    pub fn sequence(mut self, number: u64) -> Self {
        self.sequence = number;
        self
    }

    /// Names the parent: its data write id, and paths by key (`relative_path`, `volume_path`, `absolute_win32_path`).
    #[must_use]
    pub fn parent(self, linkage: Uuid, paths: &[(&str, &str)]) -> Self {
        let linked = self.locator_entry("parent_linkage", &format!("{{{linkage}}}"));
        paths.iter().fold(linked, |builder, (key, path)| {
            builder.locator_entry(key, path)
        })
    }

    /// Adds `parent_linkage2`.
    #[must_use]
    pub fn linkage2(self, linkage: Uuid) -> Self {
        self.locator_entry("parent_linkage2", &format!("{{{linkage}}}"))
    }

    /// Adds any pair to the parent locator, as it is.
    #[must_use]
    pub fn locator_entry(mut self, key: &str, value: &str) -> Self {
        self.locator.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Writes bytes from a sector on; the last sector is filled up with zeros. A block written to becomes full, in a
    /// differencing disk partly present, unless [`state`](Self::state) says otherwise. What lies past the disk is left out.
    #[must_use]
    pub fn write(mut self, sector: u64, bytes: &[u8]) -> Self {
        let sectors = self.virtual_size / u64::from(self.sector_size);
        let length = index(u64::from(self.sector_size));
        for (number, part) in (sector..sectors).zip(bytes.chunks(length)) {
            let mut content = part.to_vec();
            content.resize(length, 0);
            self.sectors.insert(number, content);
        }
        self
    }

    /// Sets what the table says of a block, whatever was written to it.
    #[must_use]
    pub fn state(mut self, block: u64, state: Payload) -> Self {
        self.states.insert(block, state);
        self
    }

    /// Allocates every block, as a fixed disk does; the table is written in pieces, so a disk of 64 TiB may be so.
    #[must_use]
    pub fn allocate_all(mut self) -> Self {
        self.allocate_all = true;
        self
    }

    /// Adds an entry to the log, which then has to be replayed.
    #[must_use]
    pub fn log_entry(mut self, entry: LogEntry) -> Self {
        self.log_entries.push(entry);
        self
    }

    /// Where in the log the first entry starts, in bytes, whole sectors; near its end the entries wrap around.
    #[must_use]
    pub fn log_start(mut self, bytes: u64) -> Self {
        self.log_start = bytes;
        self
    }

    /// Leaves table and bitmaps in the log only, as a machine that stopped before writing them back does; in place there
    /// are zeros.
    #[must_use]
    pub fn leave_table_in_log(mut self) -> Self {
        self.table_in_log = true;
        self
    }

    /// The whole file in memory; for small disks.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A Vec takes every write.
        let _ = self.emit(&mut bytes);
        bytes
    }

    /// Writes a sparse file to `path`, replacing what is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn build_to(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        self.emit(&mut file)
    }

    fn blocks(&self) -> u64 {
        self.virtual_size.div_ceil(u64::from(self.block_size))
    }

    fn emit(&self, sink: &mut dyn Sink) -> io::Result<()> {
        let log_length = self.log_length();
        let metadata_at = MIB + log_length;
        let table_at = metadata_at + MIB;
        let table_length = self.table_length();
        let table = self.lay_out_table(table_at, table_at + table_length);
        sink.set_len(table.end)?;
        sink.put(0, begun(&self.identifier()))?;
        let regions = sections::regions(metadata_at, table_at, table_length);
        for at in region::OFFSETS_BYTES {
            sink.put(at, begun(&regions))?;
        }
        sink.put(metadata_at, begun(&self.metadata()))?;
        for (at, bytes) in &table.data {
            sink.put(*at, bytes)?;
        }
        if self.table_in_log {
            let entries = table.pages.iter().map(|(at, page)| LogWrite::Data {
                offset: *at,
                page: page.clone(),
            });
            let mut all = vec![LogEntry(entries.collect())];
            all.extend(self.log_entries.iter().cloned());
            self.put_log(sink, &all, log_length, table.end)?;
        } else {
            self.put_all_allocated(sink, table_at, table_at + table_length)?;
            for (at, page) in &table.pages {
                sink.put(*at, page)?;
            }
            self.put_log(sink, &self.log_entries, log_length, table.end)?;
        }
        let dirty = self.table_in_log || !self.log_entries.is_empty();
        self.put_headers(sink, dirty, log_length)
    }
}

/// What of a structure in a new file is to be written: its zeros at the end are there already, and would take room.
fn begun(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    bytes
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}

/// Recomputes the CRC-32C of the structure in `bytes[at..at + length]` after it was changed: a header (4 KiB), a region
/// table (64 KiB), a log entry (its length). Outside `bytes` nothing happens.
pub fn reseal(bytes: &mut [u8], at: usize, length: usize) {
    if let Some(structure) = bytes.get_mut(at..at.saturating_add(length)) {
        seal(structure);
    }
}

fn seal(structure: &mut [u8]) {
    if let Some(field) = structure.get_mut(4..8) {
        field.fill(0);
    }
    let sum = crc32c::crc32c(structure);
    if let Some(field) = structure.get_mut(4..8) {
        field.copy_from_slice(&sum.to_le_bytes());
    }
}

/// A size or position as an index; what no machine can hold saturates.
fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Where the builder's bytes go.
trait Sink {
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if self.is_empty() {
            // Unlike a vector that grows, a new one of zeros costs nothing where it is not touched.
            *self = vec![0; index(len)];
        } else {
            self.resize(index(len), 0);
        }
        Ok(())
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = index(at).saturating_add(bytes.len());
        if self.len() < end {
            self.resize(end, 0);
        }
        self[index(at)..end].copy_from_slice(bytes);
        Ok(())
    }
}

impl Sink for File {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }
}

#[cfg(test)]
mod tests;
