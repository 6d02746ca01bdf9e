//! Tests of damaged files: each kind of damage gives its finding and nothing else, and reading goes on where it can.

use std::sync::Arc;

use crate::build::vhd::{Locator, VhdBuilder, edit_footers, edit_header, set_entry};
use crate::finding::Severity;
use crate::format::vhd::codes;
use crate::format::{FormatError, SectorNo};
use crate::image::{Counts, Image, Place, SectorRun, Specific};
use crate::job::Job;
use crate::source::MemorySource;

const MIB: u64 = 1 << 20;
/// Where the builder puts the table, and where a block of 512 KiB ends behind its bitmap.
const TABLE_AT: usize = 1536;
const STRIDE: usize = 512 + (512 << 10);

/// 16 blocks of 512 KiB, three of them in use, 5 sectors held.
fn child() -> VhdBuilder {
    VhdBuilder::differencing(8 * MIB)
        .block_size(512 << 10)
        .id(0x22)
        .parent(0x11, "base.vhd")
        .locator(Locator::relative(r".\base.vhd"))
        .write(5_000, &[1; 512 * 2])
        .write(1_030, &[2; 512 * 2])
        .write(9_999, &[3; 512])
}

fn open(file: Vec<u8>) -> Result<Image, FormatError> {
    Image::open(Arc::new(MemorySource(file)))
}

/// Codes of the headers' findings, and the counts.
fn read(file: Vec<u8>) -> (Vec<&'static str>, Counts) {
    let image = open(file).expect("a disk");
    let codes = image
        .findings()
        .iter()
        .map(|finding| finding.code.id)
        .collect();
    (codes, image.count(&Job::default(), None))
}

fn table_codes(counts: &Counts) -> Vec<&'static str> {
    counts
        .findings
        .iter()
        .map(|finding| finding.code.id)
        .collect()
}

fn refusal(file: Vec<u8>) -> &'static str {
    match open(file) {
        Err(FormatError::Invalid(refusal)) => refusal.finding.code.id,
        other => panic!("not refused: {other:?}"),
    }
}

fn set(at: usize, value: &[u8]) -> impl Fn(&mut [u8]) {
    move |bytes| bytes[at..at + value.len()].copy_from_slice(value)
}

#[test]
fn the_undamaged_file_has_no_finding() {
    let (codes, counts) = read(child().build());
    assert!(codes.is_empty());
    assert_eq!(counts.dirty_sectors, 5);
    assert_eq!((counts.partial, counts.absent), (3, 13));
}

#[test]
fn a_bad_end_footer_gives_way_to_the_copy() {
    let whole = child().build();
    let end = whole.len() - 512;
    let mut zeroed = whole.clone();
    zeroed[end..].fill(0);
    let mut wrong_sum = whole.clone();
    wrong_sum[end + 70] ^= 1;
    let cut = whole[..end].to_vec();
    for (file, actual) in [
        (zeroed, "zeros"),
        (wrong_sum, "a footer with a wrong checksum"),
        (cut, "something else"),
    ] {
        let image = open(file).expect("a disk");
        let finding = &image.findings()[0];
        assert_eq!(image.findings().len(), 1);
        assert_eq!(finding.code.id, codes::FOOTER_END_DAMAGED.id);
        // The file that was cut ends in a block of zeros.
        assert!(finding.actual == actual || finding.actual == "zeros");
        assert!(matches!(&image.header().specific, Specific::Vhd(vhd) if vhd.footer_is_copy));
        assert_eq!(image.header().id.as_u128(), 0x22);
        assert_eq!(image.count(&Job::default(), None).dirty_sectors, 5);
    }
}

#[test]
fn a_bad_copy_is_told_and_not_used() {
    let mut file = child().build();
    file[70] ^= 1;
    assert_eq!(read(file.clone()).0, [codes::FOOTER_COPY_DAMAGED.id]);
    file[..512].fill(0);
    assert_eq!(read(file).0, [codes::FOOTER_COPY_DAMAGED.id]);
    let other = child().id(0x33).build();
    let mut file = child().build();
    file[..512].copy_from_slice(&other[..512]);
    assert_eq!(read(file).0, [codes::FOOTER_IDS.id]);
    let other = child().saved_state().build();
    let mut file = child().build();
    file[..512].copy_from_slice(&other[..512]);
    assert_eq!(read(file).0, [codes::FOOTER_COPY_DIFFERS.id]);
}

#[test]
fn a_footer_before_padding_is_found() {
    for (whole, padding) in [
        (child().build(), vec![0_u8; 3584]),
        (child().build(), vec![0xaa; 40_000]),
        (VhdBuilder::fixed(MIB).build(), vec![0; 1_000]),
        (
            VhdBuilder::dynamic(8 * MIB).write(5, &[1; 512]).build(),
            vec![0; 512],
        ),
    ] {
        let known = open(whole.clone()).expect("a disk");
        let mut file = whole.clone();
        file.extend(&padding);
        let image = Image::open_named(Arc::new(MemorySource(file.clone()))).expect("a disk");
        let codes: Vec<_> = image.findings().iter().map(|of| of.code.id).collect();
        assert_eq!(codes, [codes::FOOTER_PADDED.id]);
        let found = &image.findings()[0];
        assert_eq!(found.expected, format!("{} bytes", whole.len()));
        assert_eq!(image.header().file_size, file.len() as u64);
        assert_eq!(image.header().id, known.header().id);
        let job = Job::default();
        assert_eq!(image.count(&job, None), known.count(&job, None));
    }
    // Too far back, or not there.
    let mut far = VhdBuilder::fixed(MIB).build();
    far.extend(vec![0; 70 << 10]);
    for file in [far, vec![7; 100_000]] {
        let error = Image::open_named(Arc::new(MemorySource(file)));
        assert!(matches!(error, Err(FormatError::Invalid(_))));
    }
}

#[test]
fn a_fixed_disk_that_its_file_outgrew_is_told() {
    let mut file = VhdBuilder::fixed(MIB).build();
    let footer = file.split_off(file.len() - 512);
    file.extend(vec![5; 4096]);
    file.extend(footer);
    assert_eq!(read(file).0, [codes::FIXED_LONG.id]);
}

#[test]
fn wrong_checksums_everywhere_are_findings_and_the_disk_is_read() {
    let mut file = child().build();
    let end = file.len() - 512;
    for at in [64, 512 + 36, end + 64] {
        file[at] ^= 0x55;
    }
    let (codes, counts) = read(file);
    assert_eq!(
        codes,
        [codes::FOOTER_CHECKSUM.id, codes::HEADER_CHECKSUM.id]
    );
    assert_eq!(counts.dirty_sectors, 5);
}

#[test]
fn without_any_footer_it_is_what_is_left_of_a_vhd() {
    let mut file = child().build();
    let end = file.len() - 512;
    file[..512].fill(0);
    file[end..].fill(0xee);
    assert_eq!(refusal(file), codes::NO_FOOTER.id);
}

#[test]
fn nothing_of_a_disk_is_refused_as_such() {
    for file in [vec![], vec![0; 10], vec![0; 511], vec![7; 100_000]] {
        assert_eq!(refusal(file), crate::image::codes::NOT_A_DISK.id);
    }
}

#[test]
fn an_unknown_disk_type_is_refused() {
    for disk_type in [0_u8, 1, 5, 6, 99] {
        let mut file = child().build();
        edit_footers(&mut file, set(60, &[0, 0, 0, disk_type]));
        assert_eq!(refusal(file), codes::DISK_TYPE.id);
    }
}

#[test]
fn a_cut_at_each_structure_is_told_and_survived() {
    let whole = child().build();
    let cases: [(usize, &[&str]); 6] = [
        (
            600,
            &[codes::FOOTER_END_DAMAGED.id, codes::HEADER_MISSING.id],
        ),
        (
            1_535,
            &[codes::FOOTER_END_DAMAGED.id, codes::HEADER_MISSING.id],
        ),
        (
            TABLE_AT,
            &[
                codes::FOOTER_END_DAMAGED.id,
                codes::LOCATOR_RANGE.id,
                codes::TABLE_PAST_END.id,
            ],
        ),
        (
            TABLE_AT + 11,
            &[
                codes::FOOTER_END_DAMAGED.id,
                codes::LOCATOR_RANGE.id,
                codes::TABLE_PAST_END.id,
            ],
        ),
        (
            2_048,
            &[codes::FOOTER_END_DAMAGED.id, codes::LOCATOR_RANGE.id],
        ),
        (2_600, &[codes::FOOTER_END_DAMAGED.id]),
    ];
    for (len, expected) in cases {
        let (codes, counts) = read(whole[..len].to_vec());
        assert_eq!(codes, expected, "{len}");
        assert_eq!(counts.dirty_sectors, 0, "{len}");
        assert!(counts.complete == (len >= 2_048), "{len}");
    }
    let (_, counts) = read(whole[..TABLE_AT + 11].to_vec());
    // Of the two entries that are left, the second leads past the end.
    assert_eq!((counts.total, counts.error), (16, 15));
    let (_, counts) = read(whole[..2_600].to_vec());
    assert_eq!(table_codes(&counts), [codes::BLOCK_PAST_END.id]);
    assert_eq!(counts.error, 3);
    assert!(counts.findings[0].text.contains("and 2 more"));
}

#[test]
fn a_block_cut_off_keeps_what_is_left_of_it() {
    let whole = child().build();
    // The last block in the file is the one with sector 9,999, at 783 in its block; the cut is at its sector 700.
    let end = whole.len() - 512;
    let data = end - (512 << 10);
    let (_, counts) = read(whole[..data + 700 * 512].to_vec());
    assert_eq!(table_codes(&counts), [codes::BLOCK_CUT.id]);
    assert_eq!(counts.dirty_sectors, 5);
    let image = open(whole[..data + 700 * 512].to_vec()).expect("a disk");
    let mut runs = Vec::new();
    image
        .sector_runs(SectorNo(9_999)..SectorNo(10_000), &mut runs)
        .expect("runs");
    let lost = SectorRun {
        first: SectorNo(9_999),
        count: 1,
        place: Place::Error,
    };
    assert_eq!(runs, [lost]);
}

#[test]
fn a_last_block_stored_only_as_far_as_the_disk_goes_is_sound() {
    // The disk ends 100 sectors into its last block, and so does the file.
    let whole = VhdBuilder::differencing(MIB + 100 * 512)
        .block_size(512 << 10)
        .parent(1, "base.vhd")
        .write(2_147, &[1; 512])
        .build();
    let footer = whole[whole.len() - 512..].to_vec();
    let mut short = whole[..whole.len() - 512 - (1024 - 100) * 512].to_vec();
    short.extend(footer);
    let (codes, counts) = read(short);
    assert!(codes.is_empty());
    assert!(counts.findings.is_empty());
    assert_eq!(counts.dirty_sectors, 1);
}

#[test]
fn bits_past_the_end_of_the_disk_are_not_counted() {
    let mut file = VhdBuilder::differencing(MIB + 100 * 512)
        .block_size(512 << 10)
        .parent(1, "base.vhd")
        .write(2_050, &[1; 512])
        .build();
    let bitmap = 1536 + 512;
    file[bitmap..bitmap + 128].fill(0xff);
    let (_, counts) = read(file);
    assert_eq!((counts.full, counts.dirty_sectors), (1, 100));
}

#[test]
fn wrong_data_offsets_are_survived_if_the_header_is_where_it_always_is() {
    for offset in [0_u64, 513, 1 << 40, u64::MAX] {
        let mut file = child().build();
        edit_footers(&mut file, set(16, &offset.to_be_bytes()));
        let (codes, counts) = read(file);
        assert_eq!(codes, [codes::DATA_OFFSET.id]);
        assert_eq!(counts.dirty_sectors, 5);
    }
}

#[test]
fn impossible_block_sizes_are_refused_but_the_disk_is_still_known() {
    for size in [0_u32, 1, 511, 513, 3 << 20, 1 << 31, u32::MAX] {
        let mut file = child().build();
        edit_header(&mut file, set(32, &size.to_be_bytes()));
        let image = open(file).expect("a disk");
        assert_eq!(image.findings()[0].code.id, codes::BLOCK_SIZE.id);
        assert_eq!(image.findings().len(), 1);
        assert_eq!(image.header().block_size, None);
        let parent = image.header().parent.as_ref().expect("a parent");
        assert_eq!(parent.id_wanted.map(|id| id.as_u128()), Some(0x11));
        assert_eq!(parent.paths.len(), 2);
        assert!(!image.count(&Job::default(), None).complete);
        let mut runs = Vec::new();
        image
            .sector_runs(SectorNo(0)..SectorNo(99), &mut runs)
            .expect("runs");
        assert!(runs.iter().all(|run| run.place == Place::Error));
    }
}

#[test]
fn absurd_table_sizes_cost_nothing_and_are_told() {
    let with = |entries: u32| {
        let mut file = child().build();
        edit_header(&mut file, set(28, &entries.to_be_bytes()));
        read(file)
    };
    let (codes, counts) = with(u32::MAX);
    assert_eq!(codes, [codes::TABLE_CLAIM.id]);
    assert_eq!((counts.dirty_sectors, counts.complete), (5, true));
    let (codes, counts) = with(0);
    assert_eq!(codes, [codes::TABLE_SHORT.id]);
    assert_eq!((counts.error, counts.complete), (16, false));
    let (codes, counts) = with(3);
    assert_eq!(codes, [codes::TABLE_SHORT.id]);
    assert_eq!(
        (counts.error, counts.absent, counts.dirty_sectors),
        (13, 2, 2)
    );
    // More than needed is how resizable disks look.
    let (codes, _) = with(100);
    assert!(codes.is_empty());
}

#[test]
fn a_table_out_of_place_is_told() {
    let with = |offset: u64| {
        let mut file = child().build();
        edit_header(&mut file, set(16, &offset.to_be_bytes()));
        read(file)
    };
    for offset in [0, 511, 512, 1_535] {
        let (codes, counts) = with(offset);
        assert_eq!(codes, [codes::TABLE_OVERLAP.id]);
        assert_eq!(counts.error, 16);
    }
    for offset in [1 << 30, u64::MAX, u64::MAX - 3] {
        let (codes, counts) = with(offset);
        assert_eq!(codes, [codes::TABLE_PAST_END.id]);
        assert_eq!(counts.error, 16);
    }
}

#[test]
fn an_absurd_disk_size_ends_in_a_finding_not_in_a_long_loop() {
    for size in [2_u64 << 50, u64::MAX, u64::MAX - 511] {
        let mut file = child().build();
        edit_footers(&mut file, set(48, &size.to_be_bytes()));
        let (codes, counts) = read(file.clone());
        assert_eq!(codes, [codes::SIZE.id, codes::TABLE_SHORT.id]);
        assert_eq!(counts.dirty_sectors, 5);
        assert_eq!(counts.error, counts.total - 16);
        let mut runs = Vec::new();
        open(file)
            .expect("a disk")
            .sector_runs(SectorNo(0)..SectorNo(u64::MAX), &mut runs)
            .expect("runs");
        assert_eq!(runs.last().map(|run| run.place), Some(Place::Error));
    }
    let mut file = child().build();
    edit_footers(&mut file, set(48, &[0; 8]));
    assert_eq!(read(file).0, [codes::SIZE.id]);
}

#[test]
fn entries_that_cannot_be_right_are_told_apart() {
    let with = |entries: &[(usize, u32)]| {
        let mut file = child().build();
        for (block, sector) in entries {
            set_entry(&mut file, *block, *sector);
        }
        read(file).1
    };
    let past_end = with(&[(0, 0x00ff_ffff), (7, u32::MAX - 1)]);
    assert_eq!(table_codes(&past_end), [codes::BLOCK_PAST_END.id]);
    assert_eq!((past_end.error, past_end.dirty_sectors), (2, 5));
    assert!(past_end.findings[0].text.contains("block 0"));

    let in_header = with(&[(0, 0), (3, 1), (5, 3)]);
    assert_eq!(table_codes(&in_header), [codes::BLOCK_IN_HEADER.id]);
    assert_eq!((in_header.error, in_header.dirty_sectors), (3, 5));

    // Block 0 where block 2 is (the second written), and block 15 half over it.
    let place = u32::try_from((2_560 + STRIDE) / 512).unwrap();
    for other in [place, place + 1, place + 700] {
        let overlap = with(&[(15, other)]);
        assert_eq!(table_codes(&overlap), [codes::BLOCK_OVERLAP.id], "{other}");
    }
    let all_same: Vec<(usize, u32)> = (0..16).map(|block| (block, place)).collect();
    let counts = with(&all_same);
    assert_eq!(table_codes(&counts), [codes::BLOCK_OVERLAP.id]);
    assert!(counts.findings[0].text.contains("and 14 more"));
}

#[test]
fn locators_out_of_the_file_are_told_and_the_others_used() {
    for (length, offset) in [
        (20_u32, 1_u64 << 40),
        (u32::MAX, 2_048),
        (20, u64::MAX),
        (0, 2_048),
    ] {
        let mut file = child().build();
        edit_header(&mut file, set(576 + 8, &length.to_be_bytes()));
        edit_header(&mut file, set(576 + 16, &offset.to_be_bytes()));
        let image = open(file).expect("a disk");
        assert_eq!(image.findings()[0].code.id, codes::LOCATOR_RANGE.id);
        let parent = image.header().parent.as_ref().expect("a parent");
        assert_eq!(parent.paths[0].field, "parent-name");
    }
}

#[test]
fn bad_utf16_is_damage_and_escape_codes_are_kept_as_they_are() {
    let builder = VhdBuilder::differencing(MIB)
        .parent(1, "a\u{1b}[31m\nb.vhd")
        .locator(Locator::new(*b"W2ru", vec![0x00, 0xd8, 0x41, 0x00]));
    let image = open(builder.build()).expect("a disk");
    assert_eq!(image.findings()[0].code.id, codes::TEXT_DAMAGED.id);
    let parent = image.header().parent.as_ref().expect("a parent");
    assert_eq!(parent.paths[0].text, "\u{fffd}A");
    assert_eq!(parent.paths[1].text, "a\u{1b}[31m\nb.vhd");
    let mut file = VhdBuilder::differencing(MIB).parent(1, "x").build();
    edit_header(&mut file, set(64, &[0xdc, 0x00]));
    assert_eq!(read(file).0, [codes::TEXT_DAMAGED.id]);
}

#[test]
fn a_fixed_disk_that_was_cut_keeps_its_row() {
    let mut file = VhdBuilder::fixed(MIB).build();
    file.drain(1_000..9_192);
    assert_eq!(read(file).0, [codes::FIXED_SHORT.id]);
    // Without its footer a fixed disk is just bytes.
    let mut file = VhdBuilder::fixed(MIB).build();
    file.truncate(1 << 20);
    assert_eq!(refusal(file), crate::image::codes::NOT_A_DISK.id);
}

/// Small numbers from a fixed start: the same damage in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

#[test]
fn random_bytes_behind_good_footers_never_crash() {
    let whole = VhdBuilder::differencing(64 << 10)
        .block_size(4 << 10)
        .by_xenserver()
        .batmap()
        .parent(0x11, "base.vhd")
        .locator(Locator::relative("base.vhd"))
        .locator(Locator::url("file://./base.vhd"))
        .write(9, &[1; 512 * 3])
        .write(100, &[1; 512 * 7])
        .build();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut with_errors = 0;
    for _ in 0..4_000 {
        let mut file = whole.clone();
        let end = file.len() - 512;
        for _ in 0..=dice.roll(8) {
            // Mostly in header, table and batmap, where bytes mean something.
            let reach = [end - 512, 3_000][dice.roll(4).min(1)];
            let at = 512 + dice.roll(reach);
            let random = u8::try_from(dice.roll(256)).unwrap();
            file[at] = [0, 1, 0x7f, 0x80, 0xff, random][dice.roll(6)];
        }
        if dice.roll(8) == 0 {
            file.truncate(dice.roll(whole.len()));
        }
        let Ok(image) = open(file) else {
            continue;
        };
        let counts = image.count(&Job::default(), None);
        let seen = counts.full + counts.partial + counts.absent + counts.error;
        assert_eq!(seen, counts.total);
        let mut runs = Vec::new();
        if image
            .sector_runs(SectorNo(0)..SectorNo(u64::MAX), &mut runs)
            .is_ok()
        {
            let sectors: u64 = runs.iter().map(|run| run.count).sum();
            assert_eq!(sectors, image.sectors());
        }
        let worst = image.findings().iter().chain(&counts.findings);
        with_errors +=
            usize::from(worst.map(|one| one.code.severity).max() >= Some(Severity::Warning));
    }
    assert!(with_errors > 1_000, "{with_errors}");
}

#[test]
fn every_code_is_documented_once_under_its_own_name() {
    let mut ids: Vec<&str> = codes::ALL
        .iter()
        .chain(crate::image::codes::ALL)
        .map(|code| code.id)
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for code in codes::ALL {
        assert!(code.id.starts_with("vhd-") && !code.why.is_empty() && !code.action.is_empty());
    }
}
