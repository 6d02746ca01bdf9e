//! A VHDX of any kind over a sound parent. Checksums are renewed half of the time, else nothing behind them is ever reached.
#![no_main]

#[path = "exercise.rs"]
mod exercise;
#[path = "seeds.rs"]
mod seeds;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use uuid::Uuid;
use vhdtree::testing::vhdx::{VhdxBuilder, reseal};

const SIZE: u64 = 6 << 20;

/// The parent of every child.
static PARENT: LazyLock<Vec<u8>> = LazyLock::new(|| parent().build());

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

/// Header and region table places and lengths: everything with a checksum of its own but the log.
const SEALED: [(usize, usize); 4] = [
    (64 << 10, 4096),
    (128 << 10, 4096),
    (192 << 10, 64 << 10),
    (256 << 10, 64 << 10),
];

/// Inputs are small: the file's parts that matter, laid over a sound file at a place the input names.
fn file(input: &[u8]) -> Option<Vec<u8>> {
    let (&choice, patches) = input.split_first()?;
    let mut file = match choice & 3 {
        0 => parent().build(),
        1 => child().build(),
        2 => child().leave_table_in_log().build(),
        _ => parent().leave_table_in_log().build(),
    };
    for patch in patches.chunks(12) {
        let Some((place, bytes)) = patch.split_at_checked(4) else { break };
        let place = u32::from_le_bytes(place.try_into().ok()?) as usize % file.len();
        let end = (place + bytes.len()).min(file.len());
        file[place..end].copy_from_slice(&bytes[..end - place]);
    }
    if choice & 4 == 0 {
        for (at, length) in SEALED {
            reseal(&mut file, at, length);
        }
    }
    if choice & 8 != 0 {
        file.truncate(file.len() * usize::from(choice >> 4) / 15);
    }
    Some(file)
}

fuzz_target!(init: seeds::write(&(0..16_u8).map(|n| vec![n; 13]).collect::<Vec<_>>()), |input: &[u8]| {
    let Some(image) = file(input).and_then(|file| exercise::open(&file)) else { return };
    exercise::image(&image);
    let parent = exercise::open(&PARENT).expect("the parent is sound");
    exercise::chain(vec![image, parent]);
});
