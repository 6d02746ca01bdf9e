//! A whole VHD of any kind, alone and over a sound parent.

use std::sync::{Arc, LazyLock};

use vhdtree::build::vhd::{FOOTER_CHECKSUM_AT, HEADER_CHECKSUM_AT, Locator, VhdBuilder, seal};
use vhdtree::image::Image;
use vhdtree::source::MemorySource;

use super::disk;

const SIZE: u64 = 160 << 10;

/// The parent of every child.
static PARENT: LazyLock<Arc<Image>> =
    LazyLock::new(|| disk::open(MemorySource(parent().build())).expect("sound"));

fn parent() -> VhdBuilder {
    VhdBuilder::dynamic(SIZE)
        .block_size(4096)
        .id(1)
        .write(3, &[1; 512 * 5])
        .write(200, &[2; 512 * 3])
}

fn child() -> VhdBuilder {
    VhdBuilder::differencing(SIZE)
        .block_size(4096)
        .id(2)
        .parent(1, "p.vhd")
        .locator(Locator::relative(r".\p.vhd"))
        .write(4, &[1; 512])
        .write(201, &[9; 512 * 6])
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let sound = [
        parent().build(),
        child().build(),
        child().batmap().by_xenserver().build(),
        VhdBuilder::differencing(SIZE)
            .block_size(512)
            .parent(1, "p.vhd")
            .write(1, &[7; 512])
            .build(),
        VhdBuilder::fixed(8192).write(2, &[7; 512]).build(),
    ];
    sound
        .iter()
        .flat_map(|file| [0, 1].map(|choice| [&[choice], &file[..]].concat()))
        .collect()
}

/// The first byte says whether checksums are renewed, the others are the file.
pub fn run(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let mut file = bytes.to_vec();
    if choice & 1 == 0 {
        renew(&mut file);
    }
    if let Some(image) = disk::open(MemorySource(file)) {
        disk::image(&image);
        disk::chain(vec![image, Arc::clone(&PARENT)], input);
    }
}

/// Renews the checksums of both footers and of the header behind the first, else little behind them is ever reached.
fn renew(file: &mut [u8]) {
    if let Some(footer) = file.last_chunk_mut::<512>() {
        seal(footer, FOOTER_CHECKSUM_AT);
    }
    if let Some(copy) = file
        .first_chunk_mut::<512>()
        .filter(|copy| copy.starts_with(b"conectix"))
    {
        seal(copy, FOOTER_CHECKSUM_AT);
    }
    if let Some(header) = file
        .get_mut(512..1536)
        .filter(|header| header.starts_with(b"cxsparse"))
    {
        seal(header, HEADER_CHECKSUM_AT);
    }
}
