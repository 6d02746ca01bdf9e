use super::*;
use crate::build::vhdx::{LogEntry, LogWrite, Payload, VhdxBuilder, reseal};
use crate::format::BlockNo;
use crate::image::{BlockEntry, BlockState};
use crate::source::{CountedSource, MemorySource, ReadCounts};
use uuid::{Uuid, uuid};

const MIB: u64 = 1 << 20;

fn open(source: Arc<dyn Source>) -> Result<Image, FormatError> {
    let mut pieces = Pieces::new(source);
    pieces.keep(0, 4096).expect("a start");
    super::open(pieces)
}

fn opened(bytes: Vec<u8>) -> Image {
    open(Arc::new(MemorySource(bytes))).expect("opens")
}

fn refusal(bytes: Vec<u8>) -> &'static str {
    match open(Arc::new(MemorySource(bytes))) {
        Err(FormatError::Invalid(refusal)) => refusal.finding.code.id,
        other => panic!("not refused: {other:?}"),
    }
}

fn ids(image: &Image) -> Vec<&'static str> {
    image
        .findings()
        .iter()
        .map(|finding| finding.code.id)
        .collect()
}

fn table(image: &Image) -> Vec<BlockEntry> {
    let mut out = Vec::new();
    image
        .read_table(BlockNo(0), 1 << 20, &mut out, None)
        .expect("reads");
    out
}

fn states(image: &Image) -> Vec<BlockState> {
    table(image).iter().map(|entry| entry.state).collect()
}

/// The whole content, of a disk without parent; for a differencing disk, what it holds itself and zeros elsewhere.
fn content(image: &Image) -> Vec<u8> {
    let header = image.header();
    let sector = usize::try_from(header.sector_size).expect("small");
    let mut bytes = vec![0; usize::try_from(header.virtual_size).expect("small")];
    let block_size = usize::try_from(header.block_size.expect("blocks")).expect("small");
    for (block, entry) in table(image).into_iter().enumerate() {
        let start = block * block_size;
        let end = (start + block_size).min(bytes.len());
        let block = &mut bytes[start..end];
        match entry.state {
            BlockState::Full | BlockState::Partial => {
                image
                    .source()
                    .read_exact_at(block, entry.data_offset)
                    .expect("data");
            }
            state => assert_ne!(state, BlockState::Error),
        }
        if entry.state == BlockState::Partial {
            let mut bits = vec![0; block_size / sector / 8];
            image
                .source()
                .read_exact_at(&mut bits, entry.bitmap_offset)
                .expect("bits");
            for (index, part) in block.chunks_mut(sector).enumerate() {
                if bits[index / 8] >> (index % 8) & 1 == 0 {
                    part.fill(0);
                }
            }
        }
    }
    bytes
}

fn noise(seed: u32, sectors: u32, sector_size: u32) -> Vec<u8> {
    let mut state = seed | 1;
    (0..sectors * sector_size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .collect()
}

/// Runs of 1 to 7 sectors at odd places, with what the whole disk must hold.
fn scattered(mut builder: VhdxBuilder, size: u64, sector_size: u32) -> (VhdxBuilder, Vec<u8>) {
    let mut expected = vec![0; usize::try_from(size).expect("small")];
    let sectors = size / u64::from(sector_size);
    for run in 0..40u32 {
        let first = u64::from(run) * 7919 % (sectors - 8);
        let bytes = noise(run + 1, run % 7 + 1, sector_size);
        let at = usize::try_from(first * u64::from(sector_size)).expect("small");
        expected[at..at + bytes.len()].copy_from_slice(&bytes);
        builder = builder.write(first, &bytes);
    }
    (builder, expected)
}

#[test]
fn what_was_written_is_read_in_every_shape_block_and_sector_size() {
    let size = 37 * MIB + 4096;
    for sector_size in [512, 4096] {
        for block_mib in [1, 2, 8, 32] {
            for make in [
                VhdxBuilder::fixed as fn(u64) -> VhdxBuilder,
                VhdxBuilder::dynamic,
                VhdxBuilder::differencing,
            ] {
                let builder = make(size)
                    .block_size(block_mib << 20)
                    .sector_size(sector_size);
                let (builder, expected) = scattered(builder, size, sector_size);
                let image = opened(builder.build());
                assert!(content(&image) == expected, "{:?}", image.header());
            }
        }
    }
}

#[test]
fn the_header_says_what_the_file_says() {
    let id = uuid!("01234567-89ab-cdef-0123-456789abcdef");
    let linkage = uuid!("83ed0ec3-24c8-49a6-a959-5e4bf1288bfb");
    let builder = VhdxBuilder::differencing(10 * MIB)
        .block_size(4 << 20)
        .sector_size(4096)
        .creator("Microsoft Windows 10.0.17763.0")
        .disk_id(id)
        .data_write_id(linkage)
        .sequence(7)
        .parent(id, &[("relative_path", r".\p.vhdx")])
        .linkage2(Uuid::nil());
    let image = opened(builder.build());
    let header = image.header();
    assert_eq!(ids(&image), Vec::<&str>::new());
    assert_eq!((header.kind, header.blocks), (Kind::Differencing, 3));
    assert_eq!((header.virtual_size, header.sector_size), (10 * MIB, 4096));
    assert_eq!((header.id, header.data_write_id), (id, Some(linkage)));
    assert_eq!(header.creator, "Microsoft Windows 10.0.17763.0");
    let parent = header.parent.as_ref().expect("a parent");
    assert_eq!(parent.id_wanted, Some(id));
    assert_eq!(parent.second_id_wanted, None);
    assert_eq!(parent.paths.len(), 1);
    let Specific::Vhdx(specific) = &header.specific else {
        panic!("a VHDX");
    };
    assert_eq!((specific.sequence_number, specific.current_header), (7, 1));
    assert_eq!(specific.log, LogState::Empty);
    assert_eq!(
        opened(VhdxBuilder::fixed(MIB).build()).header().kind,
        Kind::Fixed
    );
    assert_eq!(
        opened(VhdxBuilder::dynamic(MIB).build()).header().kind,
        Kind::Dynamic
    );
}

#[test]
fn every_state_means_what_the_format_says() {
    use Payload::{Full, NotPresent, Partial, Undefined, Unmapped, Zero};
    let payloads = [NotPresent, Undefined, Zero, Unmapped, Full, Partial];
    let all = |make: fn(u64) -> VhdxBuilder| {
        let builder = make(6 * MIB).block_size(1 << 20);
        let builder = (0u64..)
            .zip(payloads)
            .fold(builder, |b, (block, state)| b.state(block, state));
        states(&opened(builder.build()))
    };
    let same = [
        BlockState::Absent,
        BlockState::Zero,
        BlockState::Zero,
        BlockState::Unmapped,
        BlockState::Full,
    ];
    let child = all(VhdxBuilder::differencing);
    assert_eq!((&child[..5], child[5]), (&same[..], BlockState::Partial));
    let base = all(VhdxBuilder::dynamic);
    assert_eq!((&base[..5], base[5]), (&same[..], BlockState::Error));
}

#[test]
fn a_table_left_in_the_log_is_read_through_it_also_where_the_log_wraps() {
    let size = 19 * MIB;
    for log_start in [0, MIB - 4096, MIB - 2 * 4096] {
        let builder = VhdxBuilder::differencing(size).block_size(1 << 20);
        let (builder, expected) = scattered(builder, size, 512);
        let image = opened(builder.leave_table_in_log().log_start(log_start).build());
        assert_eq!(ids(&image)[0], "vhdx-log-replayed");
        let Specific::Vhdx(specific) = &image.header().specific else {
            panic!("a VHDX");
        };
        assert_eq!(specific.log, LogState::Replayed(1));
        assert!(content(&image) == expected, "log from {log_start}");
    }
}

#[test]
fn a_log_that_cannot_be_replayed_shows_no_states() {
    let builder = VhdxBuilder::dynamic(8 * MIB)
        .write(3, b"data")
        .log_entry(LogEntry(vec![LogWrite::Zero {
            offset: 3 * MIB,
            length: 4096,
        }]));
    let mut bytes = builder.build();
    bytes[usize::try_from(MIB).expect("small") + 100] ^= 1;
    let image = opened(bytes);
    assert_eq!(ids(&image), ["vhdx-log-unusable"]);
    assert_eq!(states(&image), []);
    let counts = image.count(&crate::job::Job::default(), None);
    assert!(!counts.complete);
    assert_eq!((counts.full, counts.absent, counts.zero), (0, 0, 0));
    assert_eq!(image.header().virtual_size, 8 * MIB);
}

#[test]
fn a_file_cut_anywhere_is_refused_or_read_with_a_finding() {
    let bytes = VhdxBuilder::dynamic(8 * MIB).write(9, b"data").build();
    for keep in (0..bytes.len()).step_by(100 << 10) {
        let mut cut = bytes.clone();
        cut.truncate(keep);
        if let Ok(image) = open(Arc::new(MemorySource(cut))) {
            let mut out = Vec::new();
            let mut audit = crate::image::TableAudit::default();
            image
                .read_table(BlockNo(0), 100, &mut out, Some(&mut audit))
                .expect("reads");
            let faults = image.findings().len() + audit.finish().len();
            assert!(faults > 0, "cut to {keep} bytes and nothing to say");
            assert_eq!(out[0].state, BlockState::Error, "cut to {keep}");
        }
    }
}

#[test]
fn a_lost_first_sector_is_a_finding_and_the_rest_is_read() {
    let mut file = VhdxBuilder::dynamic(64 * MIB).build();
    file[..512].fill(0);
    let image = Image::open(Arc::new(MemorySource(file))).expect("opens");
    assert!(ids(&image).contains(&"vhdx-identifier"));
    assert_eq!(image.header().virtual_size, 64 * MIB);
}

#[test]
fn what_was_odd_before_a_refusal_is_told_with_it() {
    let mut bytes = VhdxBuilder::dynamic(64 << 20).build();
    bytes[(64 << 10) + 100] ^= 1;
    for at in [192 << 10, 256 << 10] {
        bytes[at..at + 4].fill(0);
    }
    let Err(FormatError::Invalid(refusal)) = open(Arc::new(MemorySource(bytes))) else {
        panic!("not refused");
    };
    let told: Vec<_> = refusal
        .all()
        .iter()
        .map(|finding| finding.code.id)
        .collect();
    assert_eq!(told, ["vhdx-header-copy", "vhdx-regions"]);
}

#[test]
fn both_headers_or_both_region_tables_bad_refuse_the_file() {
    let sound = VhdxBuilder::dynamic(8 * MIB).build();
    let mut bytes = sound.clone();
    bytes[(64 << 10) + 9] ^= 1;
    assert_eq!(ids(&opened(bytes.clone())), ["vhdx-header-copy"]);
    bytes[(128 << 10) + 9] ^= 1;
    assert_eq!(refusal(bytes), "vhdx-headers");
    let mut bytes = sound.clone();
    bytes[(256 << 10) + 20] ^= 1;
    let mut image = opened(bytes);
    assert!(ids(&image).is_empty(), "the second is not read");
    image.check_copies();
    assert_eq!(ids(&image), ["vhdx-regions-copy"]);
    let mut bytes = sound;
    bytes[(192 << 10) + 20] ^= 1;
    assert_eq!(ids(&opened(bytes.clone())), ["vhdx-regions-copy"]);
    bytes[(256 << 10) + 20] ^= 1;
    assert_eq!(refusal(bytes), "vhdx-regions");
    assert_eq!(refusal(vec![0; 3 << 20]), "vhdx-headers");
    assert_eq!(refusal(Vec::new()), "vhdx-headers");
}

#[test]
fn few_and_short_reads_tell_all_there_is_to_know() {
    let open_counted = |builder: &VhdxBuilder| {
        let counts = Arc::new(ReadCounts::default());
        let source = CountedSource::new(MemorySource(builder.build()), Arc::clone(&counts));
        let image = Image::open(Arc::new(source)).expect("opens");
        (image, counts)
    };
    let dynamic = VhdxBuilder::dynamic(64 * MIB).write(9, &[1; 512]);
    let child = VhdxBuilder::differencing(64 * MIB)
        .parent(Uuid::from_u128(9), &[("relative_path", "p.vhdx")])
        .write(9, &[1; 512]);
    let short = child.clone().block_size(32 << 20);
    for (builder, further) in [(dynamic, 1), (child, 3), (short, 2)] {
        let (image, counts) = open_counted(&builder);
        assert!(counts.reads() <= 6, "{}", counts.reads());
        assert!(counts.bytes() <= 24 << 10, "{}", counts.bytes());
        // On top the table, of a child its chunk's entry, which may be near, and one bitmap too.
        let (reads, bytes) = (counts.reads(), counts.bytes());
        image.count(&crate::job::Job::default(), None);
        assert!(
            counts.reads() <= reads + further,
            "{}",
            counts.reads() - reads
        );
        assert!(
            counts.bytes() <= bytes + (12 << 10),
            "{}",
            counts.bytes() - bytes
        );
    }
}

#[test]
fn random_damage_never_stops_the_reader() {
    let builder = VhdxBuilder::differencing(40 * MIB)
        .block_size(1 << 20)
        .parent(Uuid::from_u128(9), &[("relative_path", "p.vhdx")]);
    let (builder, _) = scattered(builder, 40 * MIB, 512);
    let sound = builder.leave_table_in_log().build();
    let mut state = 0x9e37_79b9_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((state >> 33) % below).expect("small")
    };
    for _ in 0..400 {
        let mut bytes = sound[..5 << 20].to_vec();
        for _ in 0..=next(8) {
            let (base, span) = [
                (64 << 10, 80),
                (128 << 10, 80),
                (192 << 10, 100),
                (1 << 20, 64 << 10),
                (2 << 20, 300),
                ((2 << 20) + (64 << 10), 400),
            ][next(6)];
            bytes[base + next(span)] = [0, 1, 0x7f, 0xff][next(4)];
        }
        for (at, length) in [
            (64 << 10, 4096),
            (128 << 10, 4096),
            (192 << 10, 64 << 10),
            (256 << 10, 64 << 10),
        ] {
            reseal(&mut bytes, at, length);
        }
        if let Ok(image) = open(Arc::new(MemorySource(bytes))) {
            let mut out = Vec::new();
            let mut audit = crate::image::TableAudit::default();
            let _ = image.read_table(BlockNo(0), 4096, &mut out, Some(&mut audit));
        }
    }
}

#[test]
fn disks_made_by_qemu_img_are_read_as_it_meant_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = 70 * MIB;
    let (_, mut plain) = scattered(VhdxBuilder::dynamic(size), size, 512);
    plain[40 << 20..68 << 20].fill(0);
    std::fs::write(folder.path().join("d.raw"), &plain).expect("written");
    let run = |args: &str| {
        let output = std::process::Command::new("qemu-img")
            .args(args.split(' '))
            .current_dir(folder.path())
            .output();
        match output {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{args}: {said}");
                Some(())
            }
            Err(error) => {
                println!("skipped: qemu-img: {error}");
                None
            }
        }
    };
    let read = |name: &str| {
        let file = crate::source::FileSource::open(&folder.path().join(name)).expect("opens");
        let image = open(Arc::new(file)).expect("reads");
        assert_eq!(ids(&image), Vec::<&str>::new(), "{name}");
        image
    };
    for block_mib in [1u32, 2, 4, 8, 16, 32, 64, 128, 256] {
        for subformat in ["dynamic", "fixed"] {
            let options = format!("block_size={},subformat={subformat}", block_mib << 20);
            let Some(()) = run(&format!("convert -f raw -O vhdx -o {options} d.raw d.vhdx")) else {
                return;
            };
            let image = read("d.vhdx");
            let header = image.header();
            assert_eq!(header.virtual_size, size);
            assert_eq!(header.block_size, Some(block_mib << 20));
            let kinds = (header.kind, subformat);
            assert!(
                matches!(kinds, (Kind::Fixed, "fixed") | (Kind::Dynamic, "dynamic")),
                "{kinds:?}"
            );
            assert!(content(&image) == plain, "{options}");
        }
    }
    run("create -f vhdx -o block_size=256M big.vhdx 64T");
    let image = read("big.vhdx");
    assert_eq!(
        (image.header().virtual_size, image.header().blocks),
        (64 << 40, 1 << 18)
    );
    assert!(
        states(&image)
            .iter()
            .all(|state| *state != BlockState::Error)
    );
}
