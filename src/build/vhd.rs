//! Builds VHDs: fixed, dynamic and differencing, as bytes or as a sparse file.
//!
//! ```
//! use vhdtree::build::vhd::{Locator, VhdBuilder};
//! let base = VhdBuilder::dynamic(8 << 20).id(1).build();
//! let child = VhdBuilder::differencing(8 << 20)
//!     .block_size(512 << 10)
//!     .id(2)
//!     .created(300_000_000)
//!     .parent(1, r"D:\VMs\base.vhd")
//!     .locator(Locator::relative(r".\base.vhd"))
//!     .write(1027, &[0xab; 3 * 512])
//!     .build();
//! assert!(child.len() > base.len());
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use uuid::Uuid;

const SECTOR: usize = 512;
const HEADER_AT: usize = 512;
const TABLE_AT: usize = 1536;

/// Position of the checksum in a footer, in bytes.
pub const FOOTER_CHECKSUM_AT: usize = 64;
/// Position of the checksum in a dynamic header, in bytes.
pub const HEADER_CHECKSUM_AT: usize = 36;

/// One way in which a child names its parent.
#[derive(Debug, Clone)]
pub struct Locator {
    code: [u8; 4],
    data: Vec<u8>,
}

impl Locator {
    /// `W2ru`: a Windows path from the child's folder, UTF-16LE.
    pub fn relative(path: &str) -> Self {
        Self::new(*b"W2ru", utf16(path, u16::to_le_bytes))
    }

    /// `W2ku`: a Windows path from the root, UTF-16LE.
    pub fn absolute(path: &str) -> Self {
        Self::new(*b"W2ku", utf16(path, u16::to_le_bytes))
    }

    /// `MacX`: a URL, UTF-8.
    pub fn url(url: &str) -> Self {
        Self::new(*b"MacX", url.as_bytes().to_vec())
    }

    /// Any code with any bytes.
    pub fn new(code: [u8; 4], data: Vec<u8>) -> Self {
        Self { code, data }
    }
}

/// How the disk holds its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VhdKind {
    Fixed,
    Dynamic,
    Differencing,
}

/// One block in use: its bits, MSB first, and the sectors written.
#[derive(Debug, Clone, Default)]
struct Block {
    bits: Vec<u8>,
    sectors: BTreeMap<usize, Vec<u8>>,
}

/// Describes a VHD; [`build`](Self::build) or [`build_to`](Self::build_to) makes it.
///
/// Blocks take their places in the file in the order in which they were first written to.
#[derive(Debug, Clone)]
pub struct VhdBuilder {
    kind: VhdKind,
    size: u64,
    block_size: usize,
    id: Uuid,
    created: u32,
    creator: [u8; 4],
    creator_version: u32,
    creator_os: [u8; 4],
    geometry: Option<(u16, u8, u8)>,
    features: u32,
    saved_state: u8,
    hidden: u8,
    parent_id: Uuid,
    parent_name: String,
    parent_timestamp: u32,
    locators: Vec<Locator>,
    has_batmap: bool,
    table_entries: Option<u32>,
    blocks: BTreeMap<u64, Block>,
    order: Vec<u64>,
    fixed: BTreeMap<u64, Vec<u8>>,
}

impl VhdBuilder {
    /// A fixed disk of `size` bytes.
    pub fn fixed(size: u64) -> Self {
        Self::new(VhdKind::Fixed, size)
    }

    /// A dynamic disk of `size` bytes.
    pub fn dynamic(size: u64) -> Self {
        Self::new(VhdKind::Dynamic, size)
    }

    /// A differencing disk of `size` bytes; name its parent with [`parent`](Self::parent).
    pub fn differencing(size: u64) -> Self {
        Self::new(VhdKind::Differencing, size)
    }

    fn new(kind: VhdKind, size: u64) -> Self {
        Self {
            kind,
            size,
            block_size: 2 << 20,
            id: Uuid::from_u128(0x1001),
            created: 300_000_000,
            creator: *b"win ",
            creator_version: 0x0006_0001,
            creator_os: *b"Wi2k",
            geometry: None,
            features: 2,
            saved_state: 0,
            hidden: 0,
            parent_id: Uuid::nil(),
            parent_name: String::new(),
            parent_timestamp: 0,
            locators: Vec::new(),
            has_batmap: false,
            table_entries: None,
            blocks: BTreeMap::new(),
            order: Vec::new(),
            fixed: BTreeMap::new(),
        }
    }

    /// Block size in bytes: a power of two, 512 or more. Set it before anything is written. 2 MiB if not said.
    ///
    /// # Panics
    /// On any other size, or after a write.
    #[must_use]
    pub fn block_size(mut self, bytes: usize) -> Self {
        assert!(
            self.blocks.is_empty() && bytes.is_power_of_two() && bytes >= SECTOR,
            "a block size is a power of two, set before writing"
        );
        self.block_size = bytes;
        self
    }

    /// Unique id; the number's bytes, most significant first, are the id's.
    #[must_use]
    pub fn id(mut self, id: u128) -> Self {
        self.id = Uuid::from_u128(id);
        self
    }

    /// Creation time, seconds since 2000-01-01 00:00:00 UTC.
    #[must_use]
    pub fn created(mut self, seconds: u32) -> Self {
        self.created = seconds;
        self
    }

    /// Creation time as a time; times before 2000 become 0.
    #[must_use]
    pub fn created_at(self, time: jiff::Timestamp) -> Self {
        let seconds = time.as_second() - crate::format::vhd::footer::EPOCH_UNIX_SECONDS;
        self.created(u32::try_from(seconds).unwrap_or(0))
    }

    /// Creator application, its version (major in the high half) and host OS. Windows' if not said.
    #[must_use]
    pub fn creator(mut self, application: [u8; 4], version: u32, os: [u8; 4]) -> Self {
        self.creator = application;
        self.creator_version = version;
        self.creator_os = os;
        self
    }

    /// Creator as XenServer's tools of today write it.
    #[must_use]
    pub fn by_xenserver(self) -> Self {
        self.creator(*b"tap\0", 0x0001_0003, [0; 4])
    }

    /// Cylinders, heads and sectors per track; by the specification's rule if not said.
    #[must_use]
    pub fn geometry(mut self, cylinders: u16, heads: u8, sectors: u8) -> Self {
        self.geometry = Some((cylinders, heads, sectors));
        self
    }

    /// Features word; 2 if not said.
    #[must_use]
    pub fn features(mut self, features: u32) -> Self {
        self.features = features;
        self
    }

    /// Marks the VM as in saved state.
    #[must_use]
    pub fn saved_state(mut self) -> Self {
        self.saved_state = 1;
        self
    }

    /// Sets XenServer's hidden mark.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = 1;
        self
    }

    /// The parent's id and its name in the dynamic header, up to 256 UTF-16 units.
    #[must_use]
    pub fn parent(mut self, id: u128, name: &str) -> Self {
        self.parent_id = Uuid::from_u128(id);
        name.clone_into(&mut self.parent_name);
        self
    }

    /// The parent's modification time as stored in the child, seconds since 2000; 0 if not said, as by Windows.
    #[must_use]
    pub fn parent_timestamp(mut self, seconds: u32) -> Self {
        self.parent_timestamp = seconds;
        self
    }

    /// Adds a parent locator; up to eight.
    ///
    /// # Panics
    /// On the ninth.
    #[must_use]
    pub fn locator(mut self, locator: Locator) -> Self {
        assert!(self.locators.len() < 8, "a VHD has eight locators");
        self.locators.push(locator);
        self
    }

    /// Adds XenServer's batmap, with a bit for every block whose sectors were all written.
    #[must_use]
    pub fn batmap(mut self) -> Self {
        self.has_batmap = true;
        self
    }

    /// Table entries, if not one per block.
    #[must_use]
    pub fn table_entries(mut self, entries: u32) -> Self {
        self.table_entries = Some(entries);
        self
    }

    /// Writes whole sectors from `sector` on, across block borders where need be.
    ///
    /// # Panics
    /// If `bytes` are no whole sectors, or reach past the end of the disk.
    #[must_use]
    pub fn write(mut self, sector: u64, bytes: &[u8]) -> Self {
        self.write_more(sector, bytes);
        self
    }

    /// Like [`write`](Self::write), for loops.
    ///
    /// # Panics
    /// If `bytes` are no whole sectors, or reach past the end of the disk.
    pub fn write_more(&mut self, sector: u64, bytes: &[u8]) {
        assert!(bytes.len().is_multiple_of(SECTOR), "whole sectors only");
        for (sector, bytes) in (sector..).zip(bytes.chunks(SECTOR)) {
            assert!((sector + 1) * SECTOR as u64 <= self.size, "inside the disk");
            if self.kind == VhdKind::Fixed {
                self.fixed.insert(sector, bytes.to_vec());
                continue;
            }
            let per_block = (self.block_size / SECTOR) as u64;
            let block = self.block_mut(sector / per_block);
            let index = to_usize(sector % per_block);
            block.bits[index / 8] |= 0x80 >> (index % 8);
            block.sectors.insert(index, bytes.to_vec());
        }
    }

    /// Gives `block` a place without writing a sector to it.
    #[must_use]
    pub fn allocate(mut self, block: u64) -> Self {
        self.block_mut(block);
        self
    }

    /// Gives `block` a place and holds all of its sectors, zeros where nothing is written; in a sparse file they take no room.
    #[must_use]
    pub fn fill(mut self, block: u64) -> Self {
        self.block_mut(block).bits.fill(0xff);
        self
    }

    fn block_mut(&mut self, block: u64) -> &mut Block {
        let bits = (self.block_size / SECTOR).div_ceil(8);
        let order = &mut self.order;
        self.blocks.entry(block).or_insert_with(|| {
            order.push(block);
            Block {
                bits: vec![0; bits],
                ..Block::default()
            }
        })
    }

    fn footer(&self) -> Vec<u8> {
        let mut footer = vec![0; 512];
        let geometry = self.geometry.unwrap_or_else(|| geometry_of(self.size));
        let (data_offset, disk_type) = match self.kind {
            VhdKind::Fixed => (u64::MAX, 2_u32),
            VhdKind::Dynamic => (HEADER_AT as u64, 3),
            VhdKind::Differencing => (HEADER_AT as u64, 4),
        };
        put(&mut footer, 0, b"conectix");
        put(&mut footer, 8, &self.features.to_be_bytes());
        put(&mut footer, 12, &0x0001_0000_u32.to_be_bytes());
        put(&mut footer, 16, &data_offset.to_be_bytes());
        put(&mut footer, 24, &self.created.to_be_bytes());
        put(&mut footer, 28, &self.creator);
        put(&mut footer, 32, &self.creator_version.to_be_bytes());
        put(&mut footer, 36, &self.creator_os);
        put(&mut footer, 40, &self.size.to_be_bytes());
        put(&mut footer, 48, &self.size.to_be_bytes());
        put(&mut footer, 56, &geometry.0.to_be_bytes());
        put(&mut footer, 58, &[geometry.1, geometry.2]);
        put(&mut footer, 60, &disk_type.to_be_bytes());
        put(&mut footer, 68, self.id.as_bytes());
        put(&mut footer, 84, &[self.saved_state, self.hidden]);
        seal(&mut footer, FOOTER_CHECKSUM_AT);
        footer
    }

    fn entries(&self) -> u32 {
        let blocks = self.size.div_ceil(self.block_size as u64);
        self.table_entries
            .unwrap_or_else(|| u32::try_from(blocks).unwrap_or(u32::MAX))
    }

    /// Lays out everything: pieces by position, and the length of the file.
    fn pieces(&self) -> (Vec<(u64, Vec<u8>)>, u64) {
        let footer = self.footer();
        if self.kind == VhdKind::Fixed {
            let mut pieces: Vec<(u64, Vec<u8>)> = self
                .fixed
                .iter()
                .map(|(sector, bytes)| (sector * SECTOR as u64, bytes.clone()))
                .collect();
            pieces.push((self.size, footer));
            return (pieces, self.size + SECTOR as u64);
        }
        let entries = self.entries() as usize;
        let mut table = vec![0xff; (entries * 4).next_multiple_of(SECTOR)];
        let mut end = TABLE_AT + table.len();
        let mut pieces = Vec::new();
        if self.has_batmap {
            let map = self.batmap_bits();
            let mut header = vec![0; SECTOR];
            put(&mut header, 0, b"tdbatmap");
            put(&mut header, 8, &((end + SECTOR) as u64).to_be_bytes());
            let sectors = u32::try_from(map.len() / SECTOR).unwrap_or(u32::MAX);
            put(&mut header, 16, &sectors.to_be_bytes());
            put(&mut header, 20, &0x0001_0002_u32.to_be_bytes());
            put(&mut header, 24, &sum(&map).to_be_bytes());
            header.extend(map);
            let at = end;
            end += header.len();
            pieces.push((at as u64, header));
        }
        let mut header = self.dynamic_header();
        for (index, locator) in self.locators.iter().enumerate() {
            let entry = 576 + 24 * index;
            let room = locator.data.len().next_multiple_of(SECTOR);
            put(&mut header, entry, &locator.code);
            put(&mut header, entry + 4, &be32(room));
            put(&mut header, entry + 8, &be32(locator.data.len()));
            put(&mut header, entry + 16, &(end as u64).to_be_bytes());
            pieces.push((end as u64, locator.data.clone()));
            end += room;
        }
        seal(&mut header, HEADER_CHECKSUM_AT);
        let mut end = end as u64;
        for number in &self.order {
            let block = &self.blocks[number];
            let sector = u32::try_from(end / SECTOR as u64).expect("the format reaches 2 TiB");
            if to_usize(*number) < entries {
                put(&mut table, to_usize(*number) * 4, &sector.to_be_bytes());
            }
            pieces.push((end, block.bits.clone()));
            let data = end + block.bits.len().next_multiple_of(SECTOR) as u64;
            for (sector, bytes) in &block.sectors {
                pieces.push((data + (sector * SECTOR) as u64, bytes.clone()));
            }
            end = data + self.block_size as u64;
        }
        pieces.push((0, footer.clone()));
        pieces.push((HEADER_AT as u64, header));
        pieces.push((TABLE_AT as u64, table));
        pieces.push((end, footer));
        (pieces, end + SECTOR as u64)
    }

    fn dynamic_header(&self) -> Vec<u8> {
        let mut header = vec![0; 1024];
        put(&mut header, 0, b"cxsparse");
        put(&mut header, 8, &u64::MAX.to_be_bytes());
        put(&mut header, 16, &(TABLE_AT as u64).to_be_bytes());
        put(&mut header, 24, &0x0001_0000_u32.to_be_bytes());
        put(&mut header, 28, &self.entries().to_be_bytes());
        put(&mut header, 32, &be32(self.block_size));
        put(&mut header, 40, self.parent_id.as_bytes());
        put(&mut header, 56, &self.parent_timestamp.to_be_bytes());
        let name = utf16(&self.parent_name, u16::to_be_bytes);
        put(&mut header, 64, &name[..name.len().min(512)]);
        header
    }

    fn batmap_bits(&self) -> Vec<u8> {
        let blocks = self.entries() as usize;
        let mut map = vec![0; blocks.div_ceil(8).next_multiple_of(SECTOR)];
        for (number, block) in &self.blocks {
            if block.sectors.len() == self.block_size / SECTOR {
                let number = to_usize(*number);
                map[number / 8] |= 0x80 >> (number % 8);
            }
        }
        map
    }

    /// The whole file in memory.
    ///
    /// # Panics
    /// If the disk is too large for that, or reaches past the format's 2 TiB.
    pub fn build(&self) -> Vec<u8> {
        let (pieces, len) = self.pieces();
        let mut file = vec![0; to_usize(len)];
        for (at, bytes) in pieces {
            put(&mut file, to_usize(at), &bytes);
        }
        file
    }

    /// A sparse file at `path`: only what was written takes room.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// If the file would reach past the format's 2 TiB.
    pub fn build_to(&self, path: &Path) -> io::Result<()> {
        let (mut pieces, len) = self.pieces();
        pieces.sort_by_key(|(at, _)| *at);
        let file = File::create(path)?;
        file.set_len(len)?;
        let mut file = io::BufWriter::new(file);
        let mut position = 0;
        for (at, bytes) in pieces {
            if at != position {
                file.seek(SeekFrom::Start(at))?;
            }
            file.write_all(&bytes)?;
            position = at + bytes.len() as u64;
        }
        file.flush()
    }
}

/// Renews the checksum at `field` of a footer (512 bytes, field 64) or a dynamic header (1,024 bytes, field 36).
pub fn seal(bytes: &mut [u8], field: usize) {
    bytes[field..field + 4].fill(0);
    let sum = sum(bytes);
    put(bytes, field, &sum.to_be_bytes());
}

/// Changes both footers of a dynamic or differencing VHD with `change` and renews their checksums.
pub fn edit_footers(file: &mut [u8], change: impl Fn(&mut [u8])) {
    let end = file.len() - SECTOR;
    for at in [0, end] {
        let footer = &mut file[at..at + SECTOR];
        change(footer);
        seal(footer, FOOTER_CHECKSUM_AT);
    }
}

/// Changes the dynamic header with `change` and renews its checksum.
pub fn edit_header(file: &mut [u8], change: impl Fn(&mut [u8])) {
    let header = &mut file[HEADER_AT..TABLE_AT];
    change(header);
    seal(header, HEADER_CHECKSUM_AT);
}

/// Sets the table entry of `block`: the sector in the file at which its bitmap begins.
pub fn set_entry(file: &mut [u8], block: usize, sector: u32) {
    put(file, TABLE_AT + 4 * block, &sector.to_be_bytes());
}

/// Cylinders, heads and sectors per track by the specification's appendix.
fn geometry_of(size: u64) -> (u16, u8, u8) {
    let total = (size / SECTOR as u64).min(65_535 * 16 * 255);
    let (cylinders_by_heads, heads, sectors) = if total >= 65_535 * 16 * 63 {
        (total / 255, 16, 255)
    } else {
        let mut by_heads = total / 17;
        let mut heads = by_heads.div_ceil(1024).max(4);
        let mut sectors = 17;
        if by_heads >= heads * 1024 || heads > 16 {
            (sectors, heads) = (31, 16);
            by_heads = total / sectors;
        }
        if by_heads >= heads * 1024 {
            (sectors, heads) = (63, 16);
            by_heads = total / sectors;
        }
        (by_heads, heads, sectors)
    };
    (
        u16::try_from(cylinders_by_heads / heads).unwrap_or(u16::MAX),
        u8::try_from(heads).unwrap_or(u8::MAX),
        u8::try_from(sectors).unwrap_or(u8::MAX),
    )
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn sum(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

fn utf16(text: &str, order: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn be32(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).expect("a file that fits into memory")
}
