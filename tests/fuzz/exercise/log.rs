//! The log of a VHDX: half of the inputs are logs that must read as a flat array says, the others are damaged ones.

use std::sync::{Arc, LazyLock};

use vhdtree::build::vhdx::{LogEntry, LogWrite, VhdxBuilder, reseal};
use vhdtree::image::{Image, LogState, Specific};
use vhdtree::source::Source as _;

use super::bytes::Bytes;
use super::disk;
use super::patched::Patched;

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;
/// Where every built file has its log, and how long it is.
const LOG: usize = MIB;
const LOG_BYTES: usize = MIB;
/// The block of the disk that log entries write into: the end of the file.
const TARGET: usize = 4 * MIB;
const TARGET_PAGES: usize = 8;

/// Sound files with a log to damage.
static DAMAGED: LazyLock<Vec<Arc<Vec<u8>>>> = LazyLock::new(|| {
    let disk = VhdxBuilder::dynamic(MIB as u64)
        .block_size(1 << 20)
        .write(0, &[7; 512]);
    let write = |page: usize, ink: u8| LogWrite::Data {
        offset: (TARGET + page * PAGE) as u64,
        page: vec![ink; PAGE],
    };
    let zero = LogWrite::Zero {
        offset: (TARGET + PAGE) as u64,
        length: 2 * PAGE as u64,
    };
    let entry = |ink| LogEntry(vec![write(0, ink), zero.clone(), write(2, ink)]);
    [
        disk.clone().leave_table_in_log(),
        disk.clone()
            .log_entry(entry(1))
            .log_entry(entry(2))
            .log_entry(entry(3)),
        disk.log_start((LOG_BYTES - 2 * PAGE) as u64)
            .log_entry(entry(1))
            .log_entry(entry(2)),
    ]
    .iter()
    .map(|builder| Arc::new(builder.build()))
    .collect()
});

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        vec![1, 0, 2, 0x81, 1, 9, 0x80, 2, 3, 1, 1, 7],
        vec![1, 255, 3, 0x81, 1, 9, 0, 2, 0x81, 3, 3, 0, 1, 1, 7, 5, 5, 5],
    ];
    for file in 0..3 {
        // Position in the log, position in the page, bytes: each a field of an entry's header or descriptors.
        for (page, at, bytes) in [
            (0, 8, &[0, 0x10, 0, 0][..]),
            (0, 12, &[0, 0x10, 0, 0]),
            (0, 16, &[8, 0, 0, 0, 1]),
            (0, 24, &[200, 0, 0, 0]),
            (0, 48, &[0, 0, 0x50, 0, 0, 0, 0, 0]),
            (0, 64, b"zero"),
            (0, 80, &[0, 0, 0x60, 0]),
            (1, 0, b"loge"),
            (255, 16, &[1]),
        ] {
            let [low, high] = u16::to_le_bytes(at);
            let len = u8::try_from(bytes.len()).expect("short");
            seeds.push([&[file << 2, page, low, high, len], bytes].concat());
        }
    }
    seeds
}

/// The first byte's lowest bit: sound or damaged.
pub fn run(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else {
        return;
    };
    if how & 1 == 0 {
        damaged(*how, rest);
    } else {
        sound(&mut Bytes(rest));
    }
}

/// Changes within the log, each of a page, a position in it, a length and so many bytes; then checksums renewed, unless
/// the second bit says not to.
fn damaged(how: u8, mut input: &[u8]) {
    let mut file = Patched::new(Arc::clone(&DAMAGED[usize::from(how >> 2) % DAMAGED.len()]));
    while let Some(([page, low, high, len], rest)) = input.split_first_chunk() {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let at = usize::from(*page) * PAGE + usize::from(u16::from_le_bytes([*low, *high])) % PAGE;
        file.put(LOG + at, &bytes[..bytes.len().min(LOG_BYTES - at)]);
        input = rest;
    }
    if how & 2 == 0 {
        renew(&mut file);
    }
    if let Some(image) = disk::open(file) {
        check(&image);
        disk::image(&image);
        disk::chain(vec![image], input);
    }
}

/// Renews the checksum of each changed entry, as long as it says it is.
fn renew(file: &mut Patched) {
    for at in (LOG..LOG + LOG_BYTES).step_by(PAGE) {
        if file.get(at, 4) != b"loge" {
            continue;
        }
        let length = file.get(at + 8, 4);
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let length = length.clamp(64, LOG_BYTES);
        if !file.is_changed(at, length) {
            continue;
        }
        // An entry at the end of the log goes on at its beginning.
        let first = length.min(LOG + LOG_BYTES - at);
        let mut bytes = file.get(at, first);
        bytes.extend(file.get(LOG, length - first));
        reseal(&mut bytes, 0, length);
        file.put(at, &bytes[..8]);
    }
}

fn check(image: &Image) {
    let Specific::Vhdx(of) = &image.header().specific else {
        panic!("a VHDX stays one");
    };
    match of.log {
        LogState::Replayed(entries) => assert!(entries > 0 && image.is_table_known()),
        LogState::Unusable => assert!(!image.is_table_known(), "no numbers without the log"),
        LogState::Empty => {}
    }
    let len = image.source().len();
    for at in [0, LOG as u64, TARGET as u64, len.saturating_sub(5000)] {
        let mut bytes = vec![0; usize::try_from(len.saturating_sub(at).min(9000)).expect("small")];
        // Reads within the length may meet an overwritten page, never the end.
        if let Err(error) = image.source().read_exact_at(&mut bytes, at) {
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
        }
    }
}

/// Builds a log from writes and zeros and keeps what they leave in a flat array: the file must read as that.
fn sound(input: &mut Bytes<'_>) {
    let mut builder = VhdxBuilder::dynamic(MIB as u64)
        .block_size(1 << 20)
        .write(0, &[7; 512])
        .log_start(u64::from(input.byte()) * PAGE as u64);
    let mut flat = vec![0_u8; TARGET_PAGES * PAGE];
    flat[..512].fill(7);
    let entries = 1 + input.below(6);
    for _ in 0..entries {
        let mut writes = Vec::new();
        for _ in 0..=input.below(5) {
            let what = input.byte();
            let page = input.below(TARGET_PAGES);
            let offset = (TARGET + page * PAGE) as u64;
            if what & 0x80 == 0 {
                let pages = (1 + usize::from(what) % 4).min(TARGET_PAGES - page);
                flat[page * PAGE..(page + pages) * PAGE].fill(0);
                let length = (pages * PAGE) as u64;
                writes.push(LogWrite::Zero { offset, length });
            } else {
                let ink = input.byte();
                // Head, tail and middle of a page are stored in three places.
                let content = &mut flat[page * PAGE..(page + 1) * PAGE];
                content.fill(ink);
                content[..8].fill(what);
                content[PAGE - 4..].fill(ink ^ what);
                let page = content.to_vec();
                writes.push(LogWrite::Data { offset, page });
            }
        }
        builder = builder.log_entry(LogEntry(writes));
    }
    let image = disk::open(Patched::new(Arc::new(builder.build()))).expect("a sound file");
    let Specific::Vhdx(of) = &image.header().specific else {
        panic!("a VHDX stays one");
    };
    let replayed = u32::try_from(entries).expect("a few");
    assert_eq!(of.log, LogState::Replayed(replayed));
    let mut bytes = vec![0xee; flat.len()];
    image
        .source()
        .read_exact_at(&mut bytes, TARGET as u64)
        .expect("inside the file");
    assert!(bytes == flat, "the file reads as its log was written");
    check(&image);
}
