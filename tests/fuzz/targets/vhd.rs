//! A VHD of any kind over a sound parent.
#![no_main]

#[path = "exercise.rs"]
mod exercise;
#[path = "seeds.rs"]
mod seeds;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vhdtree::testing::vhd::VhdBuilder;

const SIZE: u64 = 3 << 20;

/// The parent of every child.
static PARENT: LazyLock<Vec<u8>> = LazyLock::new(|| parent().build());

fn parent() -> VhdBuilder {
    VhdBuilder::dynamic(SIZE)
        .block_size(4096)
        .id(1)
        .write(3, &[1; 512 * 5])
        .write(800, &[2; 512 * 3])
}

fn child() -> VhdBuilder {
    VhdBuilder::differencing(SIZE)
        .block_size(4096)
        .id(2)
        .parent(1, "p.vhd")
        .write(4, &[1; 512])
        .write(801, &[9; 512 * 6])
}

fuzz_target!(init: seeds::write(&[
    parent().build(),
    child().build(),
    child().batmap().by_xenserver().build(),
    VhdBuilder::fixed(8192).write(2, &[7; 512]).build(),
]), |bytes: &[u8]| {
    if let Some(image) = exercise::open(bytes) {
        exercise::image(&image);
        let parent = exercise::open(&PARENT).expect("the parent is sound");
        exercise::chain(vec![image, parent]);
    }
});
