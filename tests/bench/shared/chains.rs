//! Two-level chains full of blocks, of any size, for measuring reads and diffs of content.

#![allow(dead_code, reason = "each bench uses what it needs")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use vhdtree::analysis::open::open_paths;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::{Payload, VhdxBuilder};
use vhdtree::chain::{Chain, OnFault};
use vhdtree::format::BlockNo;
use vhdtree::image::{BlockState, Format, Image};
use vhdtree::job::Job;
use vhdtree::source::FileSource;

const BLOCK: usize = 2 << 20;

/// How much of each block the child holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// 64 KiB of every 128 KiB.
    Half,
    /// Everything.
    All,
}

/// Makes child and base, and gives their paths, the child first. Content that agrees but for one sector in 4 MiB.
pub fn make_chain(folder: &Path, format: Format, gib: u64, held: Held) -> Vec<PathBuf> {
    let size = gib << 30;
    let word = match format {
        Format::Vhd => "vhd",
        Format::Vhdx => "vhdx",
        Format::Raw => panic!("a chain of raw files"),
    };
    let (child, base) = (
        folder.join(format!("child.{word}")),
        folder.join(format!("base.{word}")),
    );
    match format {
        Format::Raw => {}
        Format::Vhd => {
            let blocks = size / BLOCK as u64;
            let all = |builder: VhdBuilder| (0..blocks).fold(builder, VhdBuilder::allocate);
            all(VhdBuilder::dynamic(size).id(1))
                .build_to(&base)
                .expect("room for the base");
            let differencing = VhdBuilder::differencing(size)
                .id(2)
                .parent(1, "base.vhd")
                .locator(Locator::relative(r".\base.vhd"));
            all(differencing)
                .build_to(&child)
                .expect("room for the child");
        }
        Format::Vhdx => {
            let blocks = size / BLOCK as u64;
            let all = |builder: VhdxBuilder, state| {
                (0..blocks).fold(builder, |builder, block| builder.state(block, state))
            };
            let parent = VhdxBuilder::dynamic(size);
            let linkage = parent.data_write_id_now();
            all(parent, Payload::Full)
                .build_to(&base)
                .expect("room for the base");
            let state = if held == Held::All {
                Payload::Full
            } else {
                Payload::Partial
            };
            let paths = [("relative_path", r".\base.vhdx")];
            all(
                VhdxBuilder::differencing(size).parent(linkage, &paths),
                state,
            )
            .build_to(&child)
            .expect("room for the child");
        }
    }
    fill(&base, Held::All, 0);
    fill(&child, held, 1);
    vec![child, base]
}

/// Writes data, and bits where there are some, where the table says they belong.
fn fill(path: &Path, held: Held, level: u8) {
    let image = Image::open(std::sync::Arc::new(
        FileSource::open(path).expect("the image"),
    ))
    .expect("a sound image");
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the image again");
    let format = image.header().format;
    let blocks = usize::try_from(image.header().blocks).expect("a table that fits");
    let mut entries = Vec::new();
    image
        .read_table(BlockNo(0), blocks, &mut entries, None)
        .expect("its table");
    let mut noise = vec![0_u8; BLOCK];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for chunk in noise.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    for (number, entry) in entries.iter().enumerate() {
        noise[..8].copy_from_slice(&(number as u64).to_le_bytes());
        noise[512] = if number % 2 == 0 { level } else { 0 };
        let step = match held {
            Held::All => BLOCK,
            Held::Half => 128 << 10,
        };
        for at in (0..BLOCK).step_by(step) {
            let len = if held == Held::Half { step / 2 } else { step };
            file.write_all_at(&noise[at..at + len], entry.data_offset + at as u64)
                .expect("room");
        }
        // A VHD's blocks have their bits always, a VHDX's only when they are held in part.
        if format == Format::Vhd || entry.state == BlockState::Partial {
            let bits: Vec<u8> = (0..BLOCK / 512 / 8)
                .map(|byte| {
                    if held == Held::All || byte / 16 % 2 == 0 {
                        0xff
                    } else {
                        0
                    }
                })
                .collect();
            file.write_all_at(&bits, entry.bitmap_offset).expect("room");
        }
    }
    file.sync_all().expect("the disk takes it");
}

/// Opens what [`make_chain`] made.
pub fn open(paths: &[PathBuf]) -> Chain {
    open_paths(paths).expect("the chain opens")
}

/// Writes a chain's whole content into a plain file.
pub fn write_plain(chain: &Chain, plain: &Path) {
    let mut file = File::create(plain).expect("the plain file");
    chain
        .read_all(&Job::default(), OnFault::Stop, &mut |bytes| {
            file.write_all(bytes).expect("room for the plain file");
        })
        .expect("the chain reads");
}
