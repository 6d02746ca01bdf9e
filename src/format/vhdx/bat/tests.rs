use super::*;
use crate::format::vhdx::region::{METADATA_ID, Region, TABLE_ID};
use crate::source::MemorySource;
use uuid::Uuid;

/// A file of `file_mib` mebibytes whose table, at 3 MiB, holds `entries`; blocks of 256 MiB make a chunk of 16.
struct Case {
    entries: Vec<(u64, u64)>,
    file_mib: u64,
    blocks: u64,
    block_mib: u32,
    has_parent: bool,
}

fn case(has_parent: bool, entries: &[(u64, u64)]) -> Case {
    Case {
        entries: entries.to_vec(),
        file_mib: 64,
        blocks: 8,
        block_mib: 1,
        has_parent,
    }
}

impl Case {
    fn layout(&self, findings: &mut Vec<Finding>) -> (VhdxTableLayout, MemorySource) {
        let region = |id, mib: u64, length: u32| Region {
            id,
            offset_bytes: mib * MIB,
            length_bytes: length << 20,
            required: true,
        };
        let regions = Regions {
            table: region(TABLE_ID, 3, 1),
            metadata: region(METADATA_ID, 2, 1),
            reserved: vec![0..2 * MIB, 2 * MIB..4 * MIB],
        };
        let metadata = VhdxMetadata {
            block_size: self.block_mib << 20,
            leave_blocks_allocated: false,
            has_parent: self.has_parent,
            virtual_size: self.blocks * u64::from(self.block_mib) * MIB,
            disk_id: Uuid::nil(),
            logical_sector: 512,
            physical_sector: 512,
            parent: None,
        };
        let mut bytes = vec![0; usize::try_from(4 * MIB).expect("small")];
        for (index, entry) in &self.entries {
            let at = usize::try_from(3 * MIB + index * 8).expect("small");
            bytes[at..at + 8].copy_from_slice(&entry.to_le_bytes());
        }
        let layout = VhdxTableLayout::new(&regions, &metadata, self.file_mib * MIB, findings);
        (layout, MemorySource(bytes))
    }

    /// All entries, read in windows of every size up to 9, and the codes noted.
    fn read(&self) -> (Vec<BlockEntry>, Vec<&'static str>) {
        let mut results = (1..=9).map(|window| self.read_in(window));
        let first = results.next().expect("a window");
        for other in results {
            assert_eq!(first, other);
        }
        first
    }

    fn read_in(&self, window: u64) -> (Vec<BlockEntry>, Vec<&'static str>) {
        let (layout, source) = self.layout(&mut Vec::new());
        let mut audit = TableAudit::default();
        let mut all = Vec::new();
        let mut first = 0;
        while first < self.blocks {
            let mut out = Vec::new();
            let count = usize::try_from(window).expect("small");
            layout
                .read(&source, BlockNo(first), count, &mut out, Some(&mut audit))
                .expect("reads");
            assert_eq!(out.len() as u64, window.min(self.blocks - first));
            all.extend(out);
            first += window;
        }
        let codes = audit
            .finish()
            .iter()
            .map(|finding| finding.code.id)
            .collect();
        (all, codes)
    }

    fn state(&self, block: usize) -> (BlockState, Vec<&'static str>) {
        let (entries, codes) = self.read();
        (entries[block].state, codes)
    }
}

/// An entry that names a place, in mebibytes, with its low bits.
fn at(mib: u64, low_bits: u64) -> u64 {
    (mib * MIB) | low_bits
}

/// Index of the bitmap entry of chunk 0 with blocks of 1 MiB and sectors of 512 bytes.
const BITMAP: u64 = 4096;

#[test]
fn reserved_states_and_partial_blocks_without_parent_are_errors() {
    for state in [4, 7] {
        let read = case(false, &[(2, at(10, state))]).state(2);
        assert_eq!(read, (BlockState::Error, vec!["vhdx-table-state"]));
    }
    // The 0.95 draft had 5 for unmapped.
    let read = case(false, &[(2, 5)]).state(2);
    assert_eq!(read, (BlockState::Unmapped, vec!["vhdx-table-draft-state"]));
    let read = case(true, &[(2, at(10, 4)), (BITMAP, at(9, 6))]).state(2);
    assert_eq!(read, (BlockState::Error, vec!["vhdx-table-state"]));
}

#[test]
fn bits_lie_in_the_chunks_bitmap_at_the_blocks_place() {
    let (entries, codes) = case(true, &[(5, at(10, 7)), (BITMAP, at(9, 6))]).read();
    assert_eq!(
        entries[5],
        BlockEntry {
            state: BlockState::Partial,
            data_offset: 10 * MIB,
            bitmap_offset: 9 * MIB + 5 * 256,
        }
    );
    assert!(codes.is_empty(), "{codes:?}");
}

#[test]
fn windows_across_chunks_find_each_chunks_bitmap() {
    let mut case = case(
        true,
        &[
            (15, at(600, 7)),
            (16, at(5, 6)),
            (17, at(900, 7)),
            (33, at(6, 6)),
        ],
    );
    (case.block_mib, case.blocks, case.file_mib) = (256, 20, 2000);
    let (entries, codes) = case.read();
    assert_eq!(entries[15].bitmap_offset, 5 * MIB + 15 * 65_536);
    assert_eq!(entries[16].bitmap_offset, 6 * MIB);
    assert!(codes.is_empty(), "{codes:?}");
}

#[test]
fn a_partial_block_needs_a_usable_bitmap() {
    for (bitmap, codes) in [
        (0, vec!["vhdx-table-bitmap"]),
        (at(9, 3), vec!["vhdx-table-state", "vhdx-table-bitmap"]),
        (at(99, 6), vec!["vhdx-table-end", "vhdx-table-bitmap"]),
        (at(2, 6), vec!["vhdx-table-structure", "vhdx-table-bitmap"]),
    ] {
        let read = case(true, &[(0, at(10, 7)), (BITMAP, bitmap)]).state(0);
        assert_eq!(read, (BlockState::Error, codes));
    }
}

#[test]
fn blocks_must_lie_in_the_file_and_off_its_structures() {
    for (offset, code) in [
        (0, "vhdx-table-structure"),
        (MIB, "vhdx-table-structure"),
        (3 * MIB, "vhdx-table-structure"),
        (64 * MIB, "vhdx-table-end"),
        (!(MIB - 1), "vhdx-table-end"),
    ] {
        let read = case(false, &[(1, offset | 6)]).state(1);
        assert_eq!(read, (BlockState::Error, vec![code]), "{offset}");
    }
    let mut wide = case(false, &[(1, at(63, 6))]);
    wide.block_mib = 2;
    assert_eq!(wide.state(1), (BlockState::Error, vec!["vhdx-table-end"]));
}

#[test]
fn two_blocks_at_one_place_are_told() {
    let (entries, codes) = case(false, &[(1, at(9, 6)), (4, at(9, 6))]).read();
    assert_eq!(entries[1].state, BlockState::Full);
    assert_eq!(entries[4].state, BlockState::Error);
    assert_eq!(codes, ["vhdx-table-overlap"]);
    let mut wide = case(false, &[(1, at(10, 6)), (4, at(9, 6))]);
    wide.block_mib = 4;
    assert_eq!(wide.read().1, ["vhdx-table-overlap"]);
    let on_bitmap = case(true, &[(1, at(9, 7)), (BITMAP, at(9, 6))]);
    assert_eq!(
        on_bitmap.state(1),
        (BlockState::Error, vec!["vhdx-table-overlap"])
    );
}

#[test]
fn reserved_bits_and_unused_bitmaps_are_told_and_read_on() {
    let read = case(false, &[(1, at(9, (1 << 12) | 6))]).state(1);
    assert_eq!(read, (BlockState::Full, vec!["vhdx-table-reserved"]));
    let mut plain = case(false, &[(0, at(600, 6)), (16, at(9, 6))]);
    (plain.block_mib, plain.blocks, plain.file_mib) = (256, 20, 2000);
    assert_eq!(plain.read_in(20).1, ["vhdx-table-bitmap-unused"]);
}

#[test]
fn a_short_table_is_told_and_its_missing_blocks_are_errors() {
    let mut short = case(false, &[(0, at(9, 6))]);
    short.blocks = 131_072 + 40;
    let mut findings = Vec::new();
    let (layout, source) = short.layout(&mut findings);
    assert_eq!(findings[0].code.id, "vhdx-table-short");
    let mut out = Vec::new();
    let mut audit = TableAudit::default();
    layout
        .read(&source, BlockNo(131_000), 1000, &mut out, Some(&mut audit))
        .expect("reads");
    assert_eq!(out.len(), 112);
    assert_eq!(out[0].state, BlockState::Absent);
    assert_eq!(out[111].state, BlockState::Error);
    let found = audit.finish();
    assert_eq!(found[0].code.id, "vhdx-table-short");
    assert_eq!(found[0].at, Some(3 * MIB + 131_072 * 8));
}

#[test]
fn a_cut_last_block_is_read_if_the_disk_needs_no_more() {
    let mut cut = case(false, &[(1, at(60, 6))]);
    (cut.blocks, cut.block_mib, cut.file_mib) = (2, 8, 64);
    assert_eq!(cut.state(1), (BlockState::Error, vec!["vhdx-table-end"]));
    let (mut layout, source) = cut.layout(&mut Vec::new());
    layout.virtual_size = 11 * MIB;
    let mut out = Vec::new();
    let mut audit = TableAudit::default();
    layout
        .read(&source, BlockNo(0), 2, &mut out, Some(&mut audit))
        .expect("reads");
    assert_eq!(out[1].state, BlockState::Full);
    assert_eq!(audit.finish()[0].code.id, "vhdx-table-cut");
}
