//! Block allocation table: payload entries with a bitmap entry behind each chunk ([MS-VHDX] 2.5).

use std::ops::Range;

use crate::finding::{Code, Finding};
use crate::format::block::{AllocationTable, BlockEntry, BlockState, TableAudit};
use crate::format::vhdx::bitmap::{BLOCK_BYTES, Chunks};
use crate::format::vhdx::metadata::VhdxMetadata;
use crate::format::vhdx::region::Regions;
use crate::format::vhdx::{MAX_FILE_SIZE, MIB, codes, u64_at};
use crate::format::{BlockNo, FormatError};
use crate::source::{Source, read_up_to};

const ENTRY_BYTES: u64 = 8;

/// The bitmap's entry behind the payload's of the last chunk is read with them if no more than so many lie between: they fit a
/// page.
const JOINED_ENTRIES: u64 = 256;
/// Entries that are looked at together: if all are zero, no block of theirs is here.
const STRETCH: u64 = 128;

/// Whether stretches of zeros, which say "not here" of each block, are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ZeroStretches {
    Decoded,
    Skipped,
}

/// What is needed to read any window of the table.
#[derive(Debug)]
pub struct VhdxTableLayout {
    offset_bytes: u64,
    /// Entries that lie in the region and in the file.
    entries: u64,
    chunks: Chunks,
    blocks: u64,
    block_size: u64,
    virtual_size: u64,
    has_parent: bool,
    file_bytes: u64,
    reserved: Vec<Range<u64>>,
}

/// Entries read at once, and the index of the first.
struct EntryWindow {
    first: u64,
    bytes: Vec<u8>,
}

impl EntryWindow {
    fn entry(&self, index: u64) -> Option<u64> {
        let into = index.checked_sub(self.first)?.checked_mul(ENTRY_BYTES)?;
        u64_at(&self.bytes, usize::try_from(into).ok()?)
    }

    /// True if `length` entries from `index` on, at most a stretch, are here and all zero.
    fn is_zero(&self, index: u64, length: u64) -> bool {
        // As long as a stretch.
        const ZEROS: [u8; 1024] = [0; 1024];
        let bytes = || {
            let from = index.checked_sub(self.first)?.checked_mul(ENTRY_BYTES)?;
            let to = from.checked_add(length.checked_mul(ENTRY_BYTES)?)?;
            let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
            self.bytes.get(range)
        };
        bytes().is_some_and(|bytes| ZEROS.get(..bytes.len()) == Some(bytes))
    }
}

/// One table entry, in its parts.
#[derive(Debug, Clone, Copy)]
struct RawEntry(u64);

impl RawEntry {
    fn state(self) -> u64 {
        self.0 & 7
    }

    fn offset_bytes(self) -> u64 {
        self.0 & !(MIB.saturating_sub(1))
    }

    fn reserved(self) -> u64 {
        self.0 & 0xf_fff8
    }
}

/// What is wrong with one place in the file, before it is known whose it is.
type PlaceFault = (&'static Code, &'static str);

impl VhdxTableLayout {
    /// From the regions and the metadata of a file of `file_bytes` (with a replayed log).
    ///
    /// A table too short for the disk is a finding here and an error at each block past its end.
    pub fn new(
        regions: &Regions,
        metadata: &VhdxMetadata,
        file_bytes: u64,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let Range { start, end } = regions.table.range();
        let entries = end.min(file_bytes).saturating_sub(start) >> 3;
        let blocks = metadata
            .virtual_size
            .div_ceil(u64::from(metadata.block_size).max(1));
        let chunks = Chunks::new(metadata.block_size, metadata.logical_sector);
        let needed = chunks.entries_needed(blocks, metadata.has_parent);
        if entries < needed {
            findings.push(
                Finding::new(
                    &codes::TABLE_SHORT,
                    format!("the table has room for {entries} entries, the disk needs {needed}"),
                )
                .at(start)
                .values(needed.to_string(), entries.to_string()),
            );
        }
        Self {
            offset_bytes: start,
            entries,
            chunks,
            blocks,
            block_size: u64::from(metadata.block_size),
            virtual_size: metadata.virtual_size,
            has_parent: metadata.has_parent,
            // A sparse file may claim any length; what is kept of places taken grows with this.
            file_bytes: file_bytes.min(MAX_FILE_SIZE),
            reserved: regions.reserved.clone(),
        }
    }

    /// Payload blocks of the disk: virtual size by block size, rounded up.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Decodes entries in order; returns how many blocks there are of those asked for.
    fn each_entry(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        zeros: ZeroStretches,
        mut audit: Option<&mut TableAudit>,
        mut take: impl FnMut(BlockNo, BlockEntry),
    ) -> Result<u64, FormatError> {
        let end = first.0.saturating_add(count).min(self.blocks);
        let Some(last) = end.checked_sub(1).filter(|last| *last >= first.0) else {
            return Ok(0);
        };
        let mut entries_end = self.chunks.payload_index(BlockNo(last)).saturating_add(1);
        let bitmap = self
            .chunks
            .bitmap_index(self.chunks.chunk_of(BlockNo(last)));
        if self.has_parent && bitmap.saturating_sub(entries_end) <= JOINED_ENTRIES {
            entries_end = bitmap.saturating_add(1);
        }
        let window = self.window(source, self.chunks.payload_index(first), entries_end)?;
        let mut at = first.0;
        while at < end {
            let chunk = self.chunks.chunk_of(BlockNo(at));
            let next = chunk
                .saturating_add(1)
                .saturating_mul(self.chunks.ratio)
                .min(end)
                .max(at.saturating_add(1));
            let bitmap = self.bitmap(source, &window, chunk, BlockNo(at), audit.as_deref_mut())?;
            while at < next {
                let stretch = at..at.saturating_add(STRETCH).min(next);
                at = stretch.end;
                let index = self.chunks.payload_index(BlockNo(stretch.start));
                let length = stretch.end.saturating_sub(stretch.start);
                if zeros == ZeroStretches::Skipped && window.is_zero(index, length) {
                    continue;
                }
                for block in stretch.map(BlockNo) {
                    let raw = window.entry(self.chunks.payload_index(block)).map(RawEntry);
                    let entry = self.decode(raw, block, bitmap, audit.as_deref_mut());
                    take(block, entry);
                }
            }
        }
        Ok(end.saturating_sub(first.0))
    }

    fn window(
        &self,
        source: &dyn Source,
        first: u64,
        end: u64,
    ) -> Result<EntryWindow, FormatError> {
        let entries = end.min(self.entries).saturating_sub(first);
        let length = usize::try_from(entries.saturating_mul(ENTRY_BYTES)).unwrap_or(usize::MAX);
        let at = self.position(first);
        let bytes = read_up_to(source, at, length)
            .map_err(FormatError::read("block allocation table", at))?;
        Ok(EntryWindow { first, bytes })
    }

    /// Where an entry is, in bytes.
    fn position(&self, index: u64) -> u64 {
        self.offset_bytes
            .saturating_add(index.saturating_mul(ENTRY_BYTES))
    }

    /// Position of the chunk's bitmap block, if there is a usable one; what is wrong with it is noted when its first
    /// block `met` is.
    fn bitmap(
        &self,
        source: &dyn Source,
        window: &EntryWindow,
        chunk: u64,
        met: BlockNo,
        audit: Option<&mut TableAudit>,
    ) -> Result<Option<u64>, FormatError> {
        let index = self.chunks.bitmap_index(chunk);
        let mut raw = window.entry(index);
        if raw.is_none() && self.has_parent && index < self.entries {
            let single = self.window(source, index, index.saturating_add(1))?;
            raw = single.entry(index);
        }
        let Some(raw) = raw.map(RawEntry) else {
            return Ok(None);
        };
        let audit = audit.filter(|_| self.chunks.place_in_chunk(met) == 0);
        if !self.has_parent {
            if let Some(audit) = audit.filter(|_| raw.state() != 0) {
                audit.note(&codes::TABLE_BITMAP_UNUSED, met, || {
                    Finding::new(
                        &codes::TABLE_BITMAP_UNUSED,
                        format!("chunk {chunk} has a bitmap in state {}", raw.state()),
                    )
                    .at(self.position(index))
                    .values("0", raw.state().to_string())
                });
            }
            return Ok(None);
        }
        match raw.state() {
            0 => return Ok(None),
            6 => {}
            state => {
                if let Some(audit) = audit {
                    audit.note(&codes::TABLE_STATE, met, || {
                        Finding::new(
                            &codes::TABLE_STATE,
                            format!("the bitmap of chunk {chunk} has state {state}"),
                        )
                        .at(self.position(index))
                        .values("0 or 6", state.to_string())
                    });
                }
                return Ok(None);
            }
        }
        let offset = raw.offset_bytes();
        let place = self.place(offset, BLOCK_BYTES, BLOCK_BYTES);
        let Some(audit) = audit else {
            return Ok(place.is_ok().then_some(offset));
        };
        let place = place.and_then(|_| claim(audit, offset, BLOCK_BYTES));
        match place {
            Ok(()) => Ok(Some(offset)),
            Err((code, what)) => {
                audit.note(code, met, || {
                    Finding::new(code, format!("the bitmap of chunk {chunk} {what}"))
                        .at(self.position(index))
                        .values(
                            self.room(code, BLOCK_BYTES),
                            place_words(offset, BLOCK_BYTES),
                        )
                });
                Ok(None)
            }
        }
    }

    fn decode(
        &self,
        raw: Option<RawEntry>,
        block: BlockNo,
        bitmap: Option<u64>,
        mut audit: Option<&mut TableAudit>,
    ) -> BlockEntry {
        let index = self.chunks.payload_index(block);
        let mut note = |code: &'static Code, text: &dyn Fn() -> (String, String, String)| {
            if let Some(audit) = audit.as_deref_mut() {
                audit.note(code, block, || {
                    let (text, expected, actual) = text();
                    Finding::new(code, format!("block {}: {text}", block.0))
                        .at(self.position(index))
                        .values(expected, actual)
                });
            }
        };
        let mut entry = BlockEntry {
            state: BlockState::Error,
            ..BlockEntry::default()
        };
        let Some(raw) = raw else {
            note(&codes::TABLE_SHORT, &|| {
                let text = "its entry lies past the end of the table".to_owned();
                (text, format!("under {}", self.entries), index.to_string())
            });
            return entry;
        };
        if raw.reserved() != 0 {
            note(&codes::TABLE_RESERVED, &|| {
                let text = "its entry has reserved bits set".to_owned();
                (text, "0".to_owned(), format!("{:#x}", raw.reserved()))
            });
        }
        let wanted = match raw.state() {
            0 => BlockState::Absent,
            1 | 2 => BlockState::Zero,
            3 => BlockState::Unmapped,
            5 => {
                note(&codes::TABLE_DRAFT, &|| {
                    let text = "state 5, which the 0.95 draft had for unmapped".to_owned();
                    (text, "3".to_owned(), "5".to_owned())
                });
                BlockState::Unmapped
            }
            6 => BlockState::Full,
            7 if self.has_parent => BlockState::Partial,
            state => {
                note(&codes::TABLE_STATE, &|| {
                    let allowed = if self.has_parent {
                        "0-3, 6, 7"
                    } else {
                        "0-3, 6"
                    };
                    let text = format!("state {state} is not allowed");
                    (text, allowed.to_owned(), state.to_string())
                });
                return entry;
            }
        };
        if !matches!(wanted, BlockState::Full | BlockState::Partial) {
            entry.state = wanted;
            return entry;
        }
        let offset = raw.offset_bytes();
        let used = self
            .virtual_size
            .saturating_sub(block.0.saturating_mul(self.block_size))
            .min(self.block_size);
        match self.place(offset, self.block_size, used) {
            Ok(Extent::Whole) => {}
            Ok(Extent::Cut) => note(&codes::TABLE_CUT, &|| {
                let text = "the disk's last block is cut by the end of the file";
                self.misplaced(&codes::TABLE_CUT, text, offset)
            }),
            Err((code, what)) => {
                note(code, &|| self.misplaced(code, what, offset));
                return entry;
            }
        }
        if wanted == BlockState::Partial {
            let Some(bitmap) = bitmap else {
                note(&codes::TABLE_BITMAP, &|| {
                    let text = "it is partly present and its chunk has no usable bitmap".to_owned();
                    (text, "a bitmap block".to_owned(), "none".to_owned())
                });
                return entry;
            };
            entry.bitmap_offset = bitmap.saturating_add(self.chunks.bits_offset(block));
        }
        if let Some(audit) = audit
            && let Err((code, what)) = claim(audit, offset, self.block_size)
        {
            audit.note(code, block, || {
                Finding::new(code, format!("block {}: {what}", block.0))
                    .at(self.position(index))
                    .values("a place of its own", offset.to_string())
            });
            return entry;
        }
        entry.data_offset = offset;
        entry.state = wanted;
        entry
    }

    /// What is said of a block at an impossible place: text, expected, found.
    fn misplaced(&self, code: &Code, what: &str, offset: u64) -> (String, String, String) {
        let room = self.room(code, self.block_size);
        (what.to_owned(), room, place_words(offset, self.block_size))
    }

    /// Where `length` bytes may begin, in words: what `code` says is against the place found.
    fn room(&self, code: &Code, length: u64) -> String {
        if code == &codes::TABLE_STRUCTURE {
            return "a place outside the headers, the log and all regions".to_owned();
        }
        match self.file_bytes.checked_sub(length) {
            Some(last) => {
                format!("a start of at most {last}, where {length} bytes end in the file")
            }
            None => format!("a file of {length} bytes and more"),
        }
    }

    /// Checks that `length` bytes from `offset` on lie in the file and on nothing else; of the last block the `used` bytes
    /// must.
    fn place(&self, offset: u64, length: u64, used: u64) -> Result<Extent, PlaceFault> {
        let end = offset.saturating_add(length);
        let before = self.reserved.partition_point(|range| range.end <= offset);
        if self
            .reserved
            .get(before)
            .is_some_and(|range| range.start < end)
        {
            return Err((
                &codes::TABLE_STRUCTURE,
                "lies on the headers, the log or a region",
            ));
        }
        if end <= self.file_bytes {
            return Ok(Extent::Whole);
        }
        if used < length && offset.saturating_add(used) <= self.file_bytes {
            return Ok(Extent::Cut);
        }
        Err((&codes::TABLE_END, "reaches past the end of the file"))
    }
}

/// Where a block is said to be.
fn place_words(offset: u64, length: u64) -> String {
    format!("bytes {offset} to {}", offset.saturating_add(length))
}

/// How much of a block the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Cut,
}

/// Takes the mebibytes of a place that lies in the file, so the bits kept are bounded by the file's length.
fn claim(audit: &mut TableAudit, offset: u64, length: u64) -> Result<(), PlaceFault> {
    let mut free = true;
    let first = offset >> 20;
    for slot in first..first.saturating_add(length >> 20) {
        let word = usize::try_from(slot >> 6).unwrap_or(usize::MAX);
        let bit = 1u64 << (slot & 63);
        if audit.taken.len() <= word {
            audit.taken.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = audit.taken.get_mut(word) {
            free &= *word & bit == 0;
            *word |= bit;
        }
    }
    if free {
        Ok(())
    } else {
        Err((&codes::TABLE_OVERLAP, "shares its place with another block"))
    }
}

impl AllocationTable for VhdxTableLayout {
    /// Blocks that have an entry in the table, those past the end of the disk included.
    fn blocks_with_entry(&self) -> u64 {
        self.chunks.payload_entries(self.entries)
    }

    /// Decodes the entries of `count` blocks from `first` on into `out`; fewer past the end of the disk. One read, and for
    /// a differencing disk one more where the window ends far from the end of its chunk.
    ///
    /// Blocks that share a place are told apart only with an `audit` that sees all windows in order: the first that is met
    /// keeps the place, the others become errors. It costs a bit for each mebibyte of the file.
    fn read(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: usize,
        out: &mut Vec<BlockEntry>,
        audit: Option<&mut TableAudit>,
    ) -> Result<(), FormatError> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.each_entry(
            source,
            first,
            count,
            ZeroStretches::Decoded,
            audit,
            |_, entry| {
                out.push(entry);
            },
        )?;
        Ok(())
    }

    /// As [`read`](Self::read), but only the blocks that are not absent, each with its number: a disk that holds few of its
    /// blocks costs little more than the read. Returns how many blocks from `first` on the disk has of those asked for.
    fn read_present(
        &self,
        source: &dyn Source,
        first: BlockNo,
        count: u64,
        out: &mut Vec<(BlockNo, BlockEntry)>,
        audit: Option<&mut TableAudit>,
    ) -> Result<u64, FormatError> {
        self.each_entry(
            source,
            first,
            count,
            ZeroStretches::Skipped,
            audit,
            |block, entry| {
                if entry.state != BlockState::Absent {
                    out.push((block, entry));
                }
            },
        )
    }
}

#[cfg(test)]
mod tests;
