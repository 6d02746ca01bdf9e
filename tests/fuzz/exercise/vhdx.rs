//! A whole VHDX of any kind, alone and over a sound parent. An input is a choice of sound file and changes laid over it.

use std::sync::{Arc, LazyLock};

use uuid::Uuid;
use vhdtree::build::vhdx::{Payload, VhdxBuilder, reseal};
use vhdtree::image::Image;

use super::disk;
use super::patched::Patched;

const SIZE: u64 = 6 << 20;
const MIB: usize = 1 << 20;

/// The parent of every child.
static PARENT: LazyLock<Arc<Image>> =
    LazyLock::new(|| disk::open(Patched::new(Arc::clone(&SOUND[0]))).expect("sound"));

/// The sound files; the first is the parent of every child.
static SOUND: LazyLock<Vec<Arc<Vec<u8>>>> = LazyLock::new(|| {
    let child = child();
    [
        parent(),
        child.clone(),
        child.clone().leave_table_in_log(),
        parent().leave_table_in_log(),
        child.state(2, Payload::Zero).state(3, Payload::Unmapped),
        VhdxBuilder::differencing(SIZE)
            .block_size(1 << 20)
            .sector_size(4096)
            .parent(Uuid::from_u128(7), &[])
            .write(700, &[3; 9000]),
    ]
    .iter()
    .map(|builder| Arc::new(builder.build()))
    .collect()
});

fn parent() -> VhdxBuilder {
    VhdxBuilder::dynamic(SIZE)
        .block_size(1 << 20)
        .data_write_id(Uuid::from_u128(7))
        .write(3, &[1; 512 * 5])
        .write(8000, &[2; 512 * 3])
}

fn child() -> VhdxBuilder {
    VhdxBuilder::differencing(SIZE)
        .block_size(1 << 20)
        .parent(Uuid::from_u128(7), &[("relative_path", r".\p.vhdx")])
        .write(4, &[1; 512])
        .write(8001, &[9; 512 * 6])
}

/// Where the structures lie that a change can name: headers, region tables, log, metadata table and items, block table,
/// and what the table points to.
const PLACES: [usize; 12] = [
    0,
    64 << 10,
    128 << 10,
    192 << 10,
    256 << 10,
    MIB,
    MIB + 4096,
    2 * MIB,
    2 * MIB + (64 << 10),
    3 * MIB,
    4 * MIB,
    5 * MIB,
];

/// Header and region table places and lengths: everything with a checksum of its own but the log.
const SEALED: [(usize, usize); 4] = [
    (64 << 10, 4096),
    (128 << 10, 4096),
    (192 << 10, 64 << 10),
    (256 << 10, 64 << 10),
];

/// Changes, each of a place (structure, 16 bits of offset), a length and so many bytes.
pub fn changes(file: &mut Patched, mut input: &[u8]) {
    while let Some(([place, low, high, len], rest)) = input.split_first_chunk() {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let offset = usize::from(u16::from_le_bytes([*low, *high]));
        file.put(PLACES[usize::from(*place) % PLACES.len()] + offset, bytes);
        input = rest;
    }
}

/// Renews the checksums of headers and region tables that were changed.
pub fn renew(file: &mut Patched) {
    for (at, length) in SEALED {
        if file.is_changed(at, length) {
            let mut bytes = file.get(at, length);
            reseal(&mut bytes, 0, length);
            file.put(at, &bytes);
        }
    }
}

/// One change as an input has it.
pub fn change(place: u8, offset: u16, bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).expect("a short change");
    let [low, high] = offset.to_le_bytes();
    [&[place, low, high, len], bytes].concat()
}

/// Inputs to start from: each sound file as it is, cut, and with a change of each structure.
pub fn seeds() -> Vec<Vec<u8>> {
    let sound = u8::try_from(SOUND.len()).expect("a few");
    let mut seeds = Vec::new();
    for file in 0..sound {
        seeds.push(vec![file, 0]);
        seeds.push(vec![file, 1]);
        seeds.push([&[file, 0], &change(9, 0, &[3, 0, 0x40, 0, 0, 0, 0, 0])[..]].concat());
        seeds.push([&[file, 0], &change(7, 32, &[0; 32])[..]].concat());
        seeds.push([&[file, 0], &change(8, 0, &[0, 0, 0x10, 0, 2, 0, 0, 0])[..]].concat());
        seeds.push([&[file, 0], &change(3, 16, &[0; 32])[..]].concat());
        seeds.push([&[file, 0x82], &change(1, 8, &[9; 8])[..]].concat());
    }
    seeds
}

/// The first byte is the sound file, the second how to treat it, the others are changes.
pub fn run(input: &[u8]) {
    let Some(([which, how], patches)) = input.split_first_chunk() else {
        return;
    };
    let mut file = Patched::new(Arc::clone(&SOUND[usize::from(*which) % SOUND.len()]));
    changes(&mut file, patches);
    if how & 1 == 0 {
        renew(&mut file);
    }
    if how & 2 != 0 {
        let len = MIB * usize::from(how >> 2) / 8;
        file.truncate(len);
    }
    let Some(image) = disk::open(file) else {
        return;
    };
    disk::image(&image);
    disk::chain(vec![image, Arc::clone(&PARENT)], input);
}
