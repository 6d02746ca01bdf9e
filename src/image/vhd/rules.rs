//! Tests of the rules for sound files: sizes, times, parents, counts, the number of reads.

use std::sync::Arc;

use crate::build::vhd::{Locator, VhdBuilder, edit_footers};
use crate::format::vhd::codes as vhd_codes;
use crate::format::{BlockNo, SectorNo};
use crate::image::{
    Bitmap, BlockState, Image, Kind, PathKind, Place, SectorRun, Specific, VhdSpecific,
};
use crate::job::Job;
use crate::source::{CountedSource, MemorySource, ReadCounts};

const MIB: u64 = 1 << 20;

fn open(file: Vec<u8>) -> Image {
    Image::open(Arc::new(MemorySource(file))).expect("a disk")
}

fn codes(image: &Image) -> Vec<&'static str> {
    image
        .findings()
        .iter()
        .map(|finding| finding.code.id)
        .collect()
}

fn specific(image: &Image) -> &VhdSpecific {
    match &image.header().specific {
        Specific::Vhd(specific) => specific,
        Specific::Vhdx(_) | Specific::Raw => panic!("not a VHDX"),
    }
}

fn child() -> VhdBuilder {
    VhdBuilder::differencing(8 * MIB)
        .block_size(512 << 10)
        .id(0x22)
        .parent(0x11, "base.vhd")
}

#[test]
fn each_creator_s_own_size_is_taken() {
    let by_geometry = 400 * 16 * 63 * 512;
    let size = |creator: &[u8; 4], cylinders, heads, sectors| {
        let file = VhdBuilder::dynamic(200 * MIB)
            .creator(*creator, 0x0001_0000, *b"Wi2k")
            .geometry(cylinders, heads, sectors)
            .build();
        let image = open(file);
        assert!(codes(&image).is_empty());
        image.header().virtual_size
    };
    for creator in [b"vpc ", b"qemu"] {
        assert_eq!(size(creator, 400, 16, 63), by_geometry);
        assert_eq!(size(creator, 65_535, 16, 255), 200 * MIB);
        assert_eq!(size(creator, 0, 16, 63), 200 * MIB);
    }
    for creator in [
        b"win ", b"d2v ", b"d2v\0", b"tap\0", b"CTXS", b"qem2", b"wa\0\0", b"vbox", b"vs  ",
    ] {
        assert_eq!(size(creator, 400, 16, 63), 200 * MIB, "{creator:?}");
    }
}

#[test]
fn a_differencing_disk_takes_the_current_size() {
    let file = child()
        .creator(*b"vpc ", 0x0005_0000, *b"Wi2k")
        .geometry(10, 4, 17)
        .build();
    assert_eq!(open(file).header().virtual_size, 8 * MIB);
}

#[test]
fn header_facts_are_read_as_stored() {
    let time: jiff::Timestamp = "2009-07-10T21:20:00Z".parse().expect("a time");
    let file = child()
        .created_at(time)
        .saved_state()
        .hidden()
        .parent_timestamp(77)
        .build();
    let image = open(file);
    assert!(codes(&image).is_empty());
    let header = image.header();
    assert_eq!(header.kind, Kind::Differencing);
    assert_eq!(header.created, Some(time));
    assert_eq!(header.id.as_u128(), 0x22);
    assert_eq!(header.creator, "win");
    assert_eq!(header.blocks, 16);
    assert_eq!(header.block_size, Some(512 << 10));
    let specific = specific(&image);
    assert!(specific.saved_state && specific.hidden && !specific.footer_is_copy);
    assert_eq!(specific.parent_timestamp, Some(77));
    assert_eq!(specific.creator_os, "Wi2k");
}

#[test]
fn all_eight_locators_are_read_and_put_in_order() {
    let file = child()
        .parent(0x11, r"D:\VMs\base.vhd")
        .locator(Locator::absolute(r"D:\VMs\base.vhd"))
        .locator(Locator::new(*b"Wi2k", br"D:\VMs\base.vhd".to_vec()))
        .locator(Locator::new(*b"Wi2r", br".\base.vhd".to_vec()))
        .locator(Locator::url("file:///Users/me/My%20VMs/base.vhd"))
        .locator(Locator::new(*b"Mac ", vec![1, 2, 3]))
        .locator(Locator::new(*b"What", vec![1, 2, 3]))
        .locator(Locator::absolute(r"\\?\Volume{1}\base.vhd"))
        .locator(Locator::relative(r".\base.vhd"))
        .build();
    let image = open(file);
    let parent = image.header().parent.as_ref().expect("a parent");
    assert_eq!(parent.id_wanted.map(|id| id.as_u128()), Some(0x11));
    let paths: Vec<(&str, PathKind, &str)> = parent
        .paths
        .iter()
        .map(|path| (path.field, path.kind, path.text.as_str()))
        .collect();
    assert_eq!(
        paths,
        [
            ("W2ru", PathKind::Relative, r".\base.vhd"),
            ("Wi2r", PathKind::Relative, r".\base.vhd"),
            ("W2ku", PathKind::Absolute, r"D:\VMs\base.vhd"),
            ("MacX", PathKind::Absolute, "/Users/me/My VMs/base.vhd"),
            ("Wi2k", PathKind::Absolute, r"D:\VMs\base.vhd"),
            ("parent-name", PathKind::Absolute, r"D:\VMs\base.vhd"),
            ("W2ku", PathKind::Volume, r"\\?\Volume{1}\base.vhd"),
        ]
    );
    assert_eq!(
        codes(&image),
        [vhd_codes::LOCATOR_ALIAS.id, vhd_codes::LOCATOR_UNKNOWN.id]
    );
}

#[test]
fn a_nil_parent_id_means_a_raw_parent_to_xenserver_only() {
    let raw = open(child().by_xenserver().parent(0, "base.raw").build());
    assert!(codes(&raw).is_empty());
    assert!(
        raw.header()
            .parent
            .as_ref()
            .is_some_and(|parent| parent.raw)
    );
    let other = open(child().parent(0, "base.vhd").build());
    assert_eq!(codes(&other), [vhd_codes::PARENT_ID_MISSING.id]);
    assert!(
        other
            .header()
            .parent
            .as_ref()
            .is_some_and(|parent| !parent.raw)
    );
}

#[test]
fn a_footer_of_511_bytes_is_read() {
    for builder in [child().write(9, &[1; 512 * 3]), VhdBuilder::fixed(64 << 10)] {
        let whole = builder.build();
        let short = whole[..whole.len() - 1].to_vec();
        let (whole, short) = (open(whole), open(short));
        assert_eq!(codes(&short), [vhd_codes::FOOTER_SHORT.id]);
        assert_eq!(short.header().virtual_size, whole.header().virtual_size);
        let count = |image: &Image| image.count(&Job::default(), None);
        assert_eq!(count(&short), count(&whole));
        assert!(!specific(&short).footer_is_copy);
    }
}

#[test]
fn early_xenserver_s_hidden_mark_is_no_wrong_checksum() {
    for (version, code) in [
        (0x0000_0001, vhd_codes::FOOTER_HIDDEN_QUIRK.id),
        (0x0001_0001, vhd_codes::FOOTER_HIDDEN_QUIRK.id),
        (0x0001_0003, vhd_codes::FOOTER_CHECKSUM.id),
    ] {
        let mut file = child().creator(*b"tap\0", version, [0; 4]).build();
        let end = file.len() - 512;
        for at in [0, end] {
            file[at + 85] = 1;
        }
        assert_eq!(codes(&open(file)), [code]);
    }
}

#[test]
fn odd_but_harmless_footers_are_told_by_name() {
    let with = |change: &dyn Fn(&mut [u8])| {
        let mut file = child().build();
        edit_footers(&mut file, change);
        codes(&open(file))
    };
    let set = |at: usize, value: &'static [u8]| {
        move |footer: &mut [u8]| footer[at..at + value.len()].copy_from_slice(value)
    };
    assert_eq!(with(&set(0, b"v_poison")), [vhd_codes::POISONED.id]);
    assert_eq!(with(&set(12, &[0, 2, 0, 0])), [vhd_codes::VERSION.id]);
    assert_eq!(with(&set(11, &[0])), [vhd_codes::FEATURES.id]);
    assert_eq!(with(&set(11, &[3])), [vhd_codes::TEMPORARY.id]);
    assert_eq!(with(&set(24, &[0; 4])), [vhd_codes::TIMESTAMP.id]);
    assert_eq!(with(&set(24, &[0xff; 4])), [vhd_codes::TIMESTAMP.id]);
}

/// Runs of 1 to 7 sectors with gaps of other lengths, across block borders, blocks out of order.
fn dense_child() -> (VhdBuilder, Vec<bool>) {
    let mut builder = VhdBuilder::differencing(8 * MIB - 3 * 512)
        .block_size(256 << 10)
        .parent(0x11, "base.vhd");
    let sectors = usize::try_from(8 * MIB / 512 - 3).unwrap();
    let mut held = vec![false; sectors];
    for start in [9_000_usize, 505, 16_000, 4_090, 1_020, 16_370] {
        let mut at = start;
        for length in [1, 2, 3, 4, 5, 6, 7, 3, 1] {
            if at + length > sectors {
                break;
            }
            builder.write_more(at as u64, &vec![7; 512 * length]);
            held[at..at + length].fill(true);
            at += length + 1 + length % 3;
        }
    }
    // One block held whole, and one in use that holds nothing.
    builder.write_more(512 * 3, &vec![9; 512 * 512]);
    held[512 * 3..512 * 4].fill(true);
    (builder.allocate(5), held)
}

#[test]
fn counts_and_runs_agree_with_a_flat_model() {
    let (builder, held) = dense_child();
    let image = open(builder.build());
    let mut states = Vec::new();
    let counts = image.count(&Job::default(), Some(&mut |run| states.push(run)));
    assert!(counts.complete && counts.findings.is_empty());
    let dirty = held.iter().filter(|held| **held).count() as u64;
    assert_eq!(counts.dirty_sectors, dirty);

    let mut entries = Vec::new();
    image
        .read_table(BlockNo(0), 100, &mut entries, None)
        .expect("a table");
    assert_eq!(entries.len(), 32);
    let by_model: Vec<BlockState> = held
        .chunks(512)
        .zip(&entries)
        .map(
            |(held, entry)| match (entry.state, held.iter().all(|held| *held)) {
                (BlockState::Absent, _) => BlockState::Absent,
                (_, true) => BlockState::Full,
                (_, false) => BlockState::Partial,
            },
        )
        .collect();
    let visited: Vec<BlockState> = states
        .iter()
        .flat_map(|run| std::iter::repeat_n(run.state, usize::try_from(run.count).unwrap()))
        .collect();
    assert_eq!(visited, by_model);
    assert_eq!(visited[5], BlockState::Partial);
    assert_eq!(counts.full, 1);
    assert_eq!(counts.full + counts.partial + counts.absent, counts.total);

    let mut runs = Vec::new();
    let mut bitmap = Bitmap::default();
    for range in [
        (0, u64::MAX),
        (0, 1),
        (505, 520),
        (1_000, 2_100),
        (16_000, 16_381),
    ] {
        image
            .sector_runs(SectorNo(range.0)..SectorNo(range.1), &mut runs)
            .expect("runs");
        let mut at = range.0;
        for SectorRun {
            first,
            count,
            place,
        } in &runs
        {
            assert_eq!(first.0, at);
            for sector in at..at + count {
                let model = held[usize::try_from(sector).unwrap()];
                assert_eq!(model, matches!(place, Place::Here { .. }), "{sector}");
            }
            at += count;
        }
        assert_eq!(at, range.1.min(held.len() as u64));
    }
    for (block, entry) in entries.iter().enumerate() {
        image
            .read_bitmap(BlockNo(block as u64), entry, &mut bitmap)
            .expect("bits");
        let start = block * 512;
        assert!((0..bitmap.sectors()).all(|bit| bitmap.is_set(bit) == held[start + bit as usize]));
    }
}

#[test]
fn a_run_says_where_its_bytes_are() {
    let content: Vec<u8> = (0..512 * 40_u32).map(|byte| (byte % 251) as u8).collect();
    let file = child().write(1_013, &content).build();
    let image = open(file);
    let mut runs = Vec::new();
    image
        .sector_runs(SectorNo(1_013)..SectorNo(1_053), &mut runs)
        .expect("runs");
    // Two blocks: their bitmaps lie between the two runs.
    assert_eq!(runs.len(), 2);
    let mut read = Vec::new();
    for run in &runs {
        let Place::Here { offset_bytes } = run.place else {
            panic!("{run:?}");
        };
        let mut bytes = vec![0; usize::try_from(run.count * 512).unwrap()];
        image
            .source()
            .read_exact_at(&mut bytes, offset_bytes)
            .expect("bytes");
        read.extend(bytes);
    }
    assert!(read == content);
}

#[test]
fn the_batmap_makes_blocks_full_whatever_their_bits_say() {
    let file = |has_bits: bool| {
        let mut file = child()
            .by_xenserver()
            .batmap()
            .write(1024, &vec![5; 512 << 10])
            .build();
        if !has_bits {
            // blktap may leave a block's bits alone once the batmap says it is full.
            let image = open(file.clone());
            let mut entries = Vec::new();
            image.read_table(BlockNo(1), 1, &mut entries, None).unwrap();
            let at = usize::try_from(entries[0].bitmap_offset).unwrap();
            file[at..at + 128].fill(0);
        }
        file
    };
    for has_bits in [true, false] {
        let image = open(file(has_bits));
        assert!(specific(&image).batmap && codes(&image).is_empty());
        let counts = image.count(&Job::default(), None);
        assert_eq!((counts.full, counts.dirty_sectors), (1, 1024));
    }
    let mut damaged = file(true);
    let map = 1536 + 512 + 512;
    damaged[map] ^= 0xff;
    let image = open(damaged);
    assert_eq!(codes(&image), [vhd_codes::BATMAP_DAMAGED.id]);
    let counts = image.count(&Job::default(), None);
    assert_eq!((counts.full, counts.dirty_sectors), (1, 1024));
}

#[test]
fn few_reads_tell_all_there_is_to_know() {
    let reads = |builder: &VhdBuilder| {
        let counts = Arc::new(ReadCounts::default());
        let source = CountedSource::new(MemorySource(builder.build()), Arc::clone(&counts));
        let image = Image::open(Arc::new(source)).expect("a disk");
        let opened = counts.reads();
        image.count(&Job::default(), None);
        (opened, counts.reads())
    };
    let tiny = child()
        .block_size(4096)
        .locator(Locator::relative("base.vhd"))
        .write(77, &[1; 512 * 5]);
    assert_eq!(reads(&tiny), (1, 1));
    // A table so long that locators and batmap lie far behind the first read.
    let long = VhdBuilder::differencing(1 << 30)
        .block_size(16 << 10)
        .by_xenserver()
        .batmap()
        .parent(1, "base.vhd")
        .locator(Locator::relative("base.vhd"))
        .locator(Locator::url("file://./base.vhd"));
    let (opened, counted) = reads(&long);
    assert!(opened <= 4, "{opened}");
    assert_eq!(counted, opened + 1);
    // Bitmaps of neighbouring small blocks come in one read.
    let mut dense = child().block_size(4096);
    for block in 0..200 {
        dense.write_more(block * 8 + 3, &[1; 512]);
    }
    let (opened, counted) = reads(&dense);
    assert!(counted <= opened + 5, "{counted}");
}

#[test]
fn many_scattered_bitmaps_count_as_exactly_as_few() {
    let mut builder = VhdBuilder::differencing(64 * MIB)
        .block_size(64 << 10)
        .parent(1, "base.vhd");
    let mut dirty = 0;
    for block in (0..1024_u64).rev().step_by(3) {
        let length = 1 + block % 7;
        builder.write_more(
            block * 128 + block % 11,
            &vec![1; 512 * usize::try_from(length).unwrap()],
        );
        dirty += length;
    }
    let image = open(builder.build());
    let counts = image.count(&Job::default(), None);
    assert_eq!(counts.dirty_sectors, dirty);
    assert!(counts.complete && counts.findings.is_empty());
}

#[test]
fn a_cancelled_count_says_so() {
    let (builder, _) = dense_child();
    let job = Job::default();
    job.cancel.cancel();
    let counts = open(builder.build()).count(&job, None);
    assert!(!counts.complete);
    assert_eq!(counts.dirty_sectors, 0);
}

#[test]
fn a_fixed_disk_and_a_raw_file_are_one_run() {
    let file = VhdBuilder::fixed(64 << 10).write(5, &[3; 1024]).build();
    let run = |image: &Image| {
        let mut runs = Vec::new();
        image
            .sector_runs(SectorNo(3)..SectorNo(9), &mut runs)
            .expect("runs");
        runs
    };
    let expected = [SectorRun {
        first: SectorNo(3),
        count: 6,
        place: Place::Here { offset_bytes: 1536 },
    }];
    let fixed = open(file);
    assert_eq!(fixed.header().kind, Kind::Fixed);
    assert!(codes(&fixed).is_empty());
    assert_eq!(run(&fixed), expected);
    assert_eq!(fixed.count(&Job::default(), None).total, 0);
    let raw = Image::raw(Arc::new(MemorySource(vec![0; 8192])), 512);
    assert_eq!(raw.sectors(), 16);
    assert_eq!(run(&raw), expected);
}
