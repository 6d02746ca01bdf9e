//! Block table, sector bitmaps, payload.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use super::{Payload, Shape, Sink, VhdxBuilder, index};
use crate::format::vhdx::MIB;

pub(super) const PAGE_BYTES: u64 = 4096;

/// Length of a sector bitmap block, in bytes: one for each chunk.
const BITMAP_BYTES: u64 = MIB;

/// How bitmap entries lie among payload entries ([MS-VHDX] 2.5): after each `ratio` of these comes one of those. Worked out
/// here anew, so that the reader's own sums are not proved by themselves.
#[derive(Debug, Clone, Copy)]
struct Interleave {
    ratio: u64,
    bits_bytes: u64,
}

impl Interleave {
    fn chunk_of(self, block: u64) -> u64 {
        block / self.ratio
    }

    fn payload_index(self, block: u64) -> u64 {
        self.chunk_of(block) * (self.ratio + 1) + block % self.ratio
    }

    fn bitmap_index(self, chunk: u64) -> u64 {
        chunk * (self.ratio + 1) + self.ratio
    }

    fn bits_offset(self, block: u64) -> u64 {
        block % self.ratio * self.bits_bytes
    }
}

/// Everything the block table rules over.
pub(super) struct BuiltTable {
    /// Pages of table and bitmaps that are not all zeros, by position.
    pub pages: BTreeMap<u64, Vec<u8>>,
    /// Payload, sector by sector, by position.
    pub data: Vec<(u64, Vec<u8>)>,
    /// End of the file, in bytes.
    pub end: u64,
}

impl BuiltTable {
    fn set(&mut self, at: u64, value: u64) {
        self.page(at).copy_from_slice(&value.to_le_bytes());
    }

    /// The eight bytes at a position that is a multiple of eight.
    fn page(&mut self, at: u64) -> &mut [u8] {
        let page = self
            .pages
            .entry(at / PAGE_BYTES * PAGE_BYTES)
            .or_insert_with(|| vec![0; index(PAGE_BYTES)]);
        let into = index(at % PAGE_BYTES);
        &mut page[into..into + 8]
    }

    fn set_bit(&mut self, bits_at: u64, sector_in_block: u64) {
        let at = bits_at + sector_in_block / 8;
        let byte = index(at % 8);
        self.page(at / 8 * 8)[byte] |= 1 << (sector_in_block % 8);
    }
}

impl VhdxBuilder {
    fn chunks(&self) -> Interleave {
        Interleave {
            ratio: (u64::from(self.sector_size) << 23) / u64::from(self.block_size),
            bits_bytes: self.sectors_per_block() / 8,
        }
    }

    fn sectors_per_block(&self) -> u64 {
        u64::from(self.block_size / self.sector_size)
    }

    /// Length of the table's region, in bytes.
    pub(super) fn table_length(&self) -> u64 {
        let chunks = self.chunks();
        let last = self.blocks().saturating_sub(1);
        let entries = 1 + if self.shape == Shape::Differencing {
            chunks.bitmap_index(chunks.chunk_of(last))
        } else {
            chunks.payload_index(last)
        };
        (entries * 8).next_multiple_of(MIB)
    }

    /// What the table says of each block that is not as all others are.
    fn states_now(&self) -> BTreeMap<u64, Payload> {
        let written = if self.shape == Shape::Differencing {
            Payload::Partial
        } else {
            Payload::Full
        };
        let mut states: BTreeMap<u64, Payload> = self
            .sectors
            .keys()
            .map(|sector| (sector / self.sectors_per_block(), written))
            .collect();
        states.extend(&self.states);
        states
    }

    pub(super) fn lay_out_table(&self, table_at: u64, data_at: u64) -> BuiltTable {
        let chunks = self.chunks();
        let block_size = u64::from(self.block_size);
        let mut table = BuiltTable {
            pages: BTreeMap::new(),
            data: Vec::new(),
            end: data_at,
        };
        let mut bitmaps: BTreeMap<u64, u64> = BTreeMap::new();
        let mut places: BTreeMap<u64, (u64, Payload)> = BTreeMap::new();
        if self.allocate_all {
            table.end += self.blocks() * block_size;
        }
        for (block, state) in self.states_now() {
            let entry_at = table_at + chunks.payload_index(block) * 8;
            let number = match state {
                Payload::NotPresent => 0,
                Payload::Undefined => 1,
                Payload::Zero => 2,
                Payload::Unmapped => 3,
                Payload::Full => 6,
                Payload::Partial => 7,
            };
            if number < 6 {
                table.set(entry_at, number);
                continue;
            }
            if state == Payload::Partial {
                let chunk = chunks.chunk_of(block);
                if let Entry::Vacant(vacant) = bitmaps.entry(chunk) {
                    vacant.insert(table.end);
                    let at = table_at + chunks.bitmap_index(chunk) * 8;
                    table.set(at, table.end | 6);
                    table.end += BITMAP_BYTES;
                }
            }
            let place = if self.allocate_all {
                data_at + block * block_size
            } else {
                table.end += block_size;
                table.end - block_size
            };
            table.set(entry_at, place | number);
            places.insert(block, (place, state));
        }
        if self.allocate_all {
            self.fill_pages(&mut table, table_at, data_at);
        }
        for (sector, content) in &self.sectors {
            let (block, into) = (
                sector / self.sectors_per_block(),
                sector % self.sectors_per_block(),
            );
            let Some((place, state)) = places.get(&block) else {
                continue;
            };
            table
                .data
                .push((place + into * u64::from(self.sector_size), content.clone()));
            if *state == Payload::Partial {
                let bitmap = bitmaps.get(&chunks.chunk_of(block));
                let bits_at = bitmap.map_or(0, |at| at + chunks.bits_offset(block));
                table.set_bit(bits_at, into);
            }
        }
        table
    }

    /// Where every block is allocated, a page that was made for one block holds its neighbours too.
    fn fill_pages(&self, table: &mut BuiltTable, table_at: u64, data_at: u64) {
        const ENTRIES: u64 = PAGE_BYTES / 8;
        let chunks = self.chunks();
        let entry_at = |block| table_at + chunks.payload_index(block) * 8;
        let said = self.states_now();
        for block in said.keys() {
            let page = entry_at(*block) / PAGE_BYTES;
            let around = block.saturating_sub(ENTRIES)..(block + ENTRIES).min(self.blocks());
            for other in around.filter(|other| !said.contains_key(other)) {
                if entry_at(other) / PAGE_BYTES == page {
                    let place = data_at + other * u64::from(self.block_size);
                    table.set(entry_at(other), place | 6);
                }
            }
        }
    }

    /// The entries of a disk with every block allocated, a mebibyte at a time.
    pub(super) fn put_all_allocated(
        &self,
        sink: &mut dyn Sink,
        table_at: u64,
        data_at: u64,
    ) -> io::Result<()> {
        if !self.allocate_all {
            return Ok(());
        }
        let chunks = self.chunks();
        let block_size = u64::from(self.block_size);
        let mut entries = Vec::new();
        let mut at = table_at;
        for block in 0..self.blocks() {
            entries.extend_from_slice(&((data_at + block * block_size) | 6).to_le_bytes());
            if (block + 1) % chunks.ratio == 0 {
                entries.extend_from_slice(&[0; 8]);
            }
            if entries.len() >= index(MIB) {
                sink.put(at, &entries)?;
                at += entries.len() as u64;
                entries.clear();
            }
        }
        // A bitmap entry behind the last block belongs to no region of a disk whose last chunk is full.
        let room = index((data_at - at).min(entries.len() as u64));
        sink.put(at, &entries[..room])
    }
}
