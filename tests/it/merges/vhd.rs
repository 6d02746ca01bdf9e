//! A merge of one VHD into its parent on bytes, written from the specification and from what libvhd does: new blocks go to
//! the end of the data with their data on a page of 4 KiB; a table that grows pushes the first blocks there too.

const SECTOR: usize = 512;
const PAGE: usize = 4096;
const UNUSED: u32 = u32::MAX;

fn be32(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn be64(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
}

/// A file taken apart: everything but its last footer, which is renewed at the end.
struct Disk {
    bytes: Vec<u8>,
    footer: Vec<u8>,
    /// Position of the table; `None` in a fixed disk.
    table: Option<usize>,
    /// Sectors of a block, and of its bitmap.
    block: usize,
    bitmap: usize,
    entries: Vec<u32>,
}

impl Disk {
    fn open(file: &[u8]) -> Self {
        let (bytes, footer) = file.split_at(file.len() - SECTOR);
        let mut disk = Self {
            bytes: bytes.to_vec(),
            footer: footer.to_vec(),
            table: None,
            block: 0,
            bitmap: 0,
            entries: Vec::new(),
        };
        if be32(footer, 60) != 2 {
            let at = be64(footer, 16);
            let table = be64(file, at + 16);
            disk.block = be32(file, at + 32) / SECTOR;
            disk.bitmap = disk.block.div_ceil(8 * SECTOR);
            let count = be32(file, at + 28);
            disk.entries = (0..count)
                .map(|n| u32::try_from(be32(file, table + 4 * n)).unwrap())
                .collect();
            disk.table = Some(table);
        }
        disk
    }

    fn size(&self) -> usize {
        be64(&self.footer, 48)
    }

    fn place(&self, block: usize) -> Option<usize> {
        let entry = *self.entries.get(block)?;
        (entry != UNUSED).then_some(entry as usize * SECTOR)
    }

    fn holds(&self, sector: usize) -> bool {
        let (block, bit) = (sector / self.block, sector % self.block);
        self.place(block)
            .is_some_and(|at| self.bytes[at + bit / 8] & (0x80 >> (bit % 8)) != 0)
    }

    fn data_at(&self, sector: usize) -> usize {
        let (block, sector) = (sector / self.block, sector % self.block);
        self.place(block).unwrap() + (self.bitmap + sector) * SECTOR
    }

    /// The end of the last block, or of the headers.
    fn end_of_data(&self) -> usize {
        let end = |entry: &u32| (*entry as usize + self.bitmap + self.block) * SECTOR;
        let blocks = self
            .entries
            .iter()
            .filter(|entry| **entry != UNUSED)
            .map(end);
        let table = self.table.unwrap() + (self.entries.len() * 4).next_multiple_of(SECTOR);
        blocks.max().unwrap_or(0).max(table)
    }

    /// Makes room for a block at the end; its position.
    fn new_place(&mut self) -> usize {
        let data = (self.end_of_data() + self.bitmap * SECTOR).next_multiple_of(PAGE);
        self.bytes.resize(data + self.block * SECTOR, 0);
        data - self.bitmap * SECTOR
    }

    fn enlarge(&mut self, size: usize) {
        self.footer[48..56].copy_from_slice(&(size as u64).to_be_bytes());
        let Some(table) = self.table else {
            self.bytes.resize(size, 0);
            return;
        };
        let wanted = size / SECTOR / self.block;
        if wanted <= self.entries.len() {
            return;
        }
        let end = table + (wanted * 4).next_multiple_of(SECTOR);
        let has_room = wanted * 4 <= (self.entries.len() * 4).next_multiple_of(SECTOR);
        loop {
            let first = (0..self.entries.len())
                .filter(|block| self.entries[*block] != UNUSED)
                .min_by_key(|block| self.entries[*block]);
            let is_in_the_way = |first: &usize| !has_room && self.place(*first).unwrap() < end;
            let Some(first) = first.filter(is_in_the_way) else {
                break;
            };
            let (from, to) = (self.place(first).unwrap(), self.new_place());
            let length = (self.bitmap + self.block) * SECTOR;
            self.bytes.copy_within(from..from + length, to);
            self.entries[first] = u32::try_from(to / SECTOR).unwrap();
        }
        self.entries.resize(wanted, UNUSED);
        self.bytes.resize(self.bytes.len().max(end), 0);
        let header = be64(&self.footer, 16);
        let count = u32::try_from(wanted).unwrap().to_be_bytes();
        self.bytes[header + 28..header + 32].copy_from_slice(&count);
        seal(&mut self.bytes[header..header + 1024], 36);
    }

    fn put(&mut self, sector: usize, content: &[u8]) {
        if self.table.is_none() {
            self.bytes[sector * SECTOR..(sector + 1) * SECTOR].copy_from_slice(content);
            return;
        }
        let (block, bit) = (sector / self.block, sector % self.block);
        if self.place(block).is_none() {
            let at = self.new_place();
            self.entries[block] = u32::try_from(at / SECTOR).unwrap();
        }
        let bits = self.place(block).unwrap();
        self.bytes[bits + bit / 8] |= 0x80 >> (bit % 8);
        let at = self.data_at(sector);
        self.bytes[at..at + SECTOR].copy_from_slice(content);
    }

    fn close(mut self) -> Vec<u8> {
        seal(&mut self.footer, 64);
        if let Some(table) = self.table {
            for (n, entry) in self.entries.iter().enumerate() {
                self.bytes[table + 4 * n..table + 4 * n + 4].copy_from_slice(&entry.to_be_bytes());
            }
            self.bytes[..SECTOR].copy_from_slice(&self.footer);
        }
        self.bytes.extend_from_slice(&self.footer);
        self.bytes
    }
}

fn seal(bytes: &mut [u8], at: usize) {
    bytes[at..at + 4].fill(0);
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    bytes[at..at + 4].copy_from_slice(&(!sum).to_be_bytes());
}

/// The parent's file once it has taken in the child.
pub fn merge(child: &[u8], parent: &[u8]) -> Vec<u8> {
    let child = Disk::open(child);
    let mut parent = Disk::open(parent);
    if parent.size() < child.size() {
        parent.enlarge(child.size());
    }
    for sector in 0..child.size() / SECTOR {
        if child.holds(sector) {
            let at = child.data_at(sector);
            parent.put(sector, &child.bytes[at..at + SECTOR]);
        }
    }
    parent.close()
}
