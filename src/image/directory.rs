//! A VHD that Xen Orchestra keeps as a folder (`vhd-lib`, `VhdDirectory`), put together as the file it stands for.
//!
//! | file | holds |
//! | --- | --- |
//! | `footer`, `header` | as in a VHD |
//! | `bat` | one bit a block, the first in the highest bit of the first byte |
//! | `blocks/<n div 1000>/<n mod 1000>` | a block: its bitmap, then its data |
//! | `parentLocatorEntryN` | what the header's locator N leads to |
//! | `chunk-filters.json` | how every other file is compressed: `[]`, `["gzip"]` or `["brotli"]` |
//!
//! The file has the footer's copy, the header, locators, a table and the blocks in order, then the footer. All sectors of a
//! block that is there are the disk's own, so bitmaps need no block's file: a disk is counted by its `bat`.

use std::fmt;
use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::source::{FileSource, Source, read_up_to};

const SECTOR: u64 = 512;
const FOOTER_BYTES: usize = 512;
const HEADER_BYTES: usize = 1024;
/// Where the header's eight locators begin, and how long one is.
const LOCATORS_AT: usize = 576;
const LOCATOR_BYTES: usize = 24;
/// A parent's name has at most 255 characters in any encoding here.
const LOCATOR_DATA_MAX: usize = 4096;
/// 8 TiB in blocks of 2 MiB: four times what a VHD can be.
const BLOCKS_MAX: u64 = 4 << 20;
/// The largest block that is read: Xen Orchestra makes 2 MiB, and one is held unpacked.
const BLOCK_BYTES_MAX: u64 = 32 << 20;
/// Zeros that keep the first and last block out of what is read of a file's ends.
const LEAD_BYTES: u64 = 8 << 10;
const TRAIL_BYTES: u64 = 4 << 10;
/// The list of filters is one word long.
const FILTERS_MAX: usize = 1024;

/// How the files of a directory are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Gzip,
    Brotli,
}

/// The file a directory stands for.
pub struct DirectorySource {
    folder: PathBuf,
    filter: Filter,
    /// Footer copy, header and locators, up to the table.
    head: Vec<u8>,
    footer: Vec<u8>,
    /// Entries of the table.
    entries: u64,
    /// Blocks that are there, by number.
    present: Vec<u32>,
    bitmap_bytes: u64,
    block_bytes: u64,
    bat: FileSource,
    /// The block that was unpacked last: readers go on where they were.
    last: Mutex<Option<(u32, Arc<Vec<u8>>)>>,
}

/// Whether a folder looks like such a disk.
pub fn is_directory_disk(folder: &Path) -> bool {
    ["footer", "header", "bat"].iter().all(|name| {
        let file = std::fs::metadata(folder.join(name));
        file.is_ok_and(|file| file.is_file())
    })
}

impl DirectorySource {
    /// Opens a folder: four small files, and one a locator.
    ///
    /// # Errors
    /// What the system says; `InvalidData` for what cannot be unpacked or is larger than it can be.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let filter = filter(folder)?;
        let read =
            |name: &str, most: usize| unpack(&FileSource::open(&folder.join(name))?, filter, most);
        let footer = read("footer", FOOTER_BYTES)?;
        let mut header = read("header", HEADER_BYTES)?;
        header.resize(HEADER_BYTES, 0);
        let block_bytes = u64::from(be32(&header, 32));
        let bat = FileSource::open(&folder.join("bat"))?;
        let entries = u64::from(be32(&header, 28)).min(BLOCKS_MAX);
        // As long as there are entries, although a bit is enough for each.
        let bits = unpack(&bat, filter, usize::try_from(BLOCKS_MAX).unwrap_or(0))?;
        let present = if block_bytes == 0 || block_bytes > BLOCK_BYTES_MAX {
            Vec::new()
        } else {
            ones(&bits)
                .take_while(|block| u64::from(*block) < entries)
                .collect()
        };
        let mut locators = Vec::new();
        let first = FOOTER_BYTES.saturating_add(HEADER_BYTES) as u64;
        let is_sound = checksum(&header) == be32(&header, 36);
        for (number, at) in (LOCATORS_AT..).step_by(LOCATOR_BYTES).take(8).enumerate() {
            let code = header.get(at..at.saturating_add(4)).unwrap_or_default();
            let path = folder.join(format!("parentLocatorEntry{number}"));
            if code == [0; 4] || !path.is_file() {
                continue;
            }
            let data = unpack(&FileSource::open(&path)?, filter, LOCATOR_DATA_MAX)?;
            let place = first.saturating_add(locators.len() as u64);
            put(&mut header, at.saturating_add(16), &place.to_be_bytes());
            locators.extend(data);
            locators.resize(locators.len().next_multiple_of(FOOTER_BYTES), 0);
        }
        let table_at = first.saturating_add(locators.len() as u64);
        put(&mut header, 16, &table_at.to_be_bytes());
        // Places were changed here, which is no fault of the disk's.
        if is_sound {
            let sum = checksum(&header).to_be_bytes();
            put(&mut header, 36, &sum);
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            filter,
            head: [&footer[..], &header, &locators].concat(),
            footer,
            entries,
            present,
            bitmap_bytes: (block_bytes / SECTOR).div_ceil(8).next_multiple_of(SECTOR),
            block_bytes,
            bat,
            last: Mutex::default(),
        })
    }

    /// What the file system says of the folder's list of blocks, as it was when it was opened.
    pub fn metadata(&self) -> &Metadata {
        self.bat.metadata()
    }

    fn table_at(&self) -> u64 {
        self.head.len() as u64
    }

    fn blocks_at(&self) -> u64 {
        let table = self.entries.saturating_mul(4);
        let end = self.table_at().saturating_add(table);
        end.max(LEAD_BYTES).next_multiple_of(SECTOR)
    }

    fn stride(&self) -> u64 {
        self.bitmap_bytes.saturating_add(self.block_bytes)
    }

    fn blocks_end(&self) -> u64 {
        let blocks = self.stride().saturating_mul(self.present.len() as u64);
        self.blocks_at().saturating_add(blocks)
    }

    fn footer_at(&self) -> u64 {
        self.blocks_end().saturating_add(TRAIL_BYTES)
    }

    /// Byte `at` of the table.
    fn table_byte(&self, at: u64) -> u8 {
        if at >= self.entries.saturating_mul(4) {
            return 0;
        }
        let sector = u32::try_from(at / 4)
            .ok()
            .and_then(|block| self.present.binary_search(&block).ok())
            .and_then(|rank| {
                let start = self.stride().checked_mul(rank as u64)?;
                u32::try_from(self.blocks_at().checked_add(start)? / SECTOR).ok()
            })
            .unwrap_or(u32::MAX);
        let byte = usize::try_from(at % 4).unwrap_or(0);
        sector.to_be_bytes().get(byte).copied().unwrap_or(0xff)
    }

    /// Fills `buf` with what a block holds from `within` on.
    fn read_block(&self, rank: u64, within: u64, buf: &mut [u8]) -> io::Result<()> {
        let of_bitmap =
            usize::try_from(self.bitmap_bytes.saturating_sub(within)).unwrap_or(usize::MAX);
        let (bitmap, data) = buf.split_at_mut(of_bitmap.min(buf.len()));
        bitmap.fill(0xff);
        if data.is_empty() {
            return Ok(());
        }
        let rank = usize::try_from(rank).unwrap_or(usize::MAX);
        let block = *self.present.get(rank).ok_or(io::ErrorKind::UnexpectedEof)?;
        let at = within.max(self.bitmap_bytes);
        if self.filter == Filter::None {
            return self.chunk(block)?.read_exact_at(data, at);
        }
        let bytes = self.unpacked(block)?;
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let found = bytes.get(start..start.saturating_add(data.len()));
        data.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn chunk(&self, block: u32) -> io::Result<FileSource> {
        let path = self
            .folder
            .join(format!("blocks/{}/{}", block / 1000, block % 1000));
        FileSource::open(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("block {block}: {error}")))
    }

    fn unpacked(&self, block: u32) -> io::Result<Arc<Vec<u8>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bytes)) = &*last
            && *known == block
        {
            return Ok(Arc::clone(bytes));
        }
        let most = usize::try_from(self.stride()).unwrap_or(usize::MAX);
        let bytes = Arc::new(unpack(&self.chunk(block)?, self.filter, most)?);
        *last = Some((block, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl fmt::Debug for DirectorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "directory disk {}", self.folder.display())
    }
}

impl Source for DirectorySource {
    fn len(&self) -> u64 {
        self.footer_at().saturating_add(self.footer.len() as u64)
    }

    fn read_exact_at(&self, mut buf: &mut [u8], mut offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while !buf.is_empty() {
            let (start, end) = [
                (0, self.table_at()),
                (self.table_at(), self.blocks_at()),
                (self.blocks_at(), self.blocks_end()),
                (self.blocks_end(), self.footer_at()),
                (self.footer_at(), self.len()),
            ]
            .into_iter()
            .find(|(_, end)| offset_bytes < *end)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut end = end;
            let in_blocks = start == self.blocks_at() && start < self.blocks_end();
            let (mut rank, mut within) = (0, offset_bytes.saturating_sub(start));
            if in_blocks {
                rank = within.checked_div(self.stride()).unwrap_or(0);
                within = within.checked_rem(self.stride()).unwrap_or(0);
                let next = self.stride().saturating_sub(within);
                end = offset_bytes.saturating_add(next);
            }
            let left = usize::try_from(end.saturating_sub(offset_bytes)).unwrap_or(usize::MAX);
            let (piece, rest) = buf.split_at_mut(left.min(buf.len()));
            if in_blocks {
                self.read_block(rank, within, piece)?;
            } else if start == self.footer_at() {
                copy(&self.footer, within, piece)?;
            } else if start == self.blocks_end() {
                piece.fill(0);
            } else if start == 0 {
                copy(&self.head, within, piece)?;
            } else {
                for (byte, at) in piece.iter_mut().zip(within..) {
                    *byte = self.table_byte(at);
                }
            }
            offset_bytes = offset_bytes.saturating_add(piece.len() as u64);
            buf = rest;
        }
        Ok(())
    }

    fn has_changed(&self) -> Option<bool> {
        self.bat.has_changed()
    }
}

fn copy(from: &[u8], at: u64, to: &mut [u8]) -> io::Result<()> {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let bytes = from.get(start..start.saturating_add(to.len()));
    to.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

/// The dynamic header's own: the complement of the sum of its bytes, without those of the checksum.
fn checksum(header: &[u8]) -> u32 {
    let bytes = header.iter().enumerate();
    let counted = bytes.filter(|(at, _)| !(36..40).contains(at));
    !counted.fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)))
}

/// Numbers of the bits that are set.
fn ones(bits: &[u8]) -> impl Iterator<Item = u32> + '_ {
    (0_u32..).step_by(8).zip(bits).flat_map(|(first, byte)| {
        (0..8_u32)
            .filter(move |bit| byte & (0x80 >> bit) != 0)
            .map(move |bit| first.saturating_add(bit))
    })
}

fn filter(folder: &Path) -> io::Result<Filter> {
    let source = match FileSource::open(&folder.join("chunk-filters.json")) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Filter::None),
        Err(error) => return Err(error),
    };
    let bytes = read_up_to(&source, 0, FILTERS_MAX)?;
    let names: Vec<String> = serde_json::from_slice(&bytes)
        .map_err(|_| invalid("chunk-filters.json is no list of names"))?;
    match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["none"] => Ok(Filter::None),
        ["gzip"] => Ok(Filter::Gzip),
        ["brotli"] => Ok(Filter::Brotli),
        _ => Err(invalid(&format!(
            "its blocks are stored as {names:?}, which is not read"
        ))),
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The content of a file, of at most so many bytes; whatever a file claims to unpack to, no more is held.
fn unpack(file: &FileSource, filter: Filter, most: usize) -> io::Result<Vec<u8>> {
    let bound = most.saturating_mul(2).saturating_add(1 << 16);
    if file.len() > bound as u64 {
        return Err(invalid("a file of the directory is larger than it can be"));
    }
    let stored = read_up_to(file, 0, bound)?;
    let limit = (most as u64).saturating_add(1);
    let mut bytes = Vec::new();
    match filter {
        Filter::None => bytes = stored,
        Filter::Gzip => {
            flate2::read::GzDecoder::new(&*stored)
                .take(limit)
                .read_to_end(&mut bytes)?;
        }
        Filter::Brotli => {
            brotli_decompressor::Decompressor::new(&*stored, 4096)
                .take(limit)
                .read_to_end(&mut bytes)?;
        }
    }
    if bytes.len() > most {
        return Err(invalid(
            "a file of the directory unpacks to more than it can hold",
        ));
    }
    Ok(bytes)
}
